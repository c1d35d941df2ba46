"""The steps of one change: calls with their guards, what they promise and what takes them back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.engine.canonical import visible_body
from fcdeploy.engine.diff import forces_replacement
from fcdeploy.engine.lasting import comes_with, dropped, lowered, staying
from fcdeploy.engine.outputs import create_id, number_of, output_of
from fcdeploy.engine.sealed import going_along, is_lost
from fcdeploy.engine.snapshot import Site
from fcdeploy.engine.tag_steps import tag_steps
from fcdeploy.engine.threeway import is_sensitive
from fcdeploy.engine.wire import create_call, overlaid, plain_call, standing, tag_calls, update_call
from fcdeploy.kinds.descriptor import GuardStyle, Kind
from fcdeploy.kinds.fields import Codec, Field
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import (
    Action,
    Address,
    ArchiveRef,
    Call,
    Guard,
    IfMatch,
    Json,
    JustCreated,
    Live,
    MustNotExist,
    NextAfter,
    Recheck,
    Resource,
    Step,
)

UNDO = "undo "
"""How the id of every undo step begins."""

OWN_ETAG = ""
"""In the guard of an undo: the ETag that the undone step was given, or the fingerprint of what it left; known only once
it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One resource on both sides: `body` is the canonical desired body, `fields` the top-level fields that differ.

    Both bodies have the mark in its field, as they travel. `after_beneath`: it comes after all that happens beneath.
    `reason` says why where it is not plain. `notes` are findings that belong to it; errors among them stop the plan. Of
    the next of a series, `newest` is the number that it comes after ("" for none), `against` the newest that
    it was compared with, and `content` what it is to freeze.
    """

    address: Address
    action: Action
    resource: Resource | None
    body: Mapping[str, Json]
    live: Live | None
    fields: tuple[Field, ...] = ()
    archive: ArchiveRef | None = None
    makes_room: bool = False
    after_beneath: bool = False
    reason: str = ""
    notes: tuple[Diagnostic, ...] = ()
    newest: str = ""
    against: Live | None = None
    content: Mapping[str, Mapping[str, Json]] | None = None

    @property
    def kind(self) -> Kind:
        """The table of this resource's kind."""
        return kind_of(self.address)


def steps_of(difference: Difference, site: Site) -> tuple[Step, ...]:
    """The steps of one difference in their order; `needs` names only steps of the same difference."""
    plain = _plain_paths(difference)
    ignored = difference.resource.ignore if difference.resource is not None else ()
    if not plain and not ignored:
        return _bare_steps_of(difference, site)
    return tuple(
        _replaced(
            step,
            literal=plain,
            ignored=() if step.action is Action.DELETE else ignored,
            undo=tuple(
                _replaced(undo, literal=plain, ignored=ignored if _spares(undo, difference) else ())
                for undo in step.undo
            ),
        )
        for step in _bare_steps_of(difference, site)
    )


def _spares(undo: Step, difference: Difference) -> bool:
    """Whether an undo may find anything at the ignored paths: not where it deletes what is then made again, as it was
    when the plan was made; another value there would be lost."""
    return undo.action is not Action.DELETE or difference.action is Action.CREATE


def _plain_paths(difference: Difference) -> frozenset[str]:
    """Sensitive fields that the file gives as plain literals: a conflict may name their live values (S42)."""
    literal = difference.resource.literal if difference.resource is not None else ()
    return frozenset(path for path in literal if is_sensitive(difference.kind, path))


def _bare_steps_of(difference: Difference, site: Site) -> tuple[Step, ...]:
    match difference.action:
        case Action.CREATE:
            return _create(difference, site)
        case Action.UPDATE:
            return _update(difference, site)
        case Action.DELETE:
            return (_delete(difference, site, last=not difference.makes_room),)
        case Action.REPLACE:
            gone = _delete(difference, site, last=False)
            made = _create(difference, site)
            return (gone, _replaced(made[0], needs=made[0].needs | {gone.id}), *made[1:])
        case Action.NONE:
            return ()


def _create(difference: Difference, site: Site) -> tuple[Step, ...]:
    kind, address, resource = difference.kind, difference.address, difference.resource
    assert resource is not None
    body = {name: value for name, value in difference.body.items() if kind.group_of(name) == "body"}
    made = Step(
        id=create_id(address),
        address=address,
        action=Action.CREATE,
        group="body",
        call=_asking(
            kind,
            create_call(
                kind,
                address.identity,
                difference.body,
                resource.body,
                resource.payloads,
                site.scope,
                address.short,
            ),
            difference.newest,
        ),
        guard=NextAfter(newest=difference.newest) if kind.numbering is not None else MustNotExist(),
        before=None,
        after=body,
        content=difference.content,
        undo=(
            Step(
                id=f"undo create {address}",
                address=address,
                action=Action.DELETE,
                group="body",
                call=_unmaking(kind, address, site),
                # Nothing of a numbered resource can be changed by anybody.
                guard=JustCreated() if kind.numbering is not None else _guard(kind, OWN_ETAG, site),
                before=visible_body(kind, body),
                after=None,
            ),
        ),
    )
    if kind.tags is None:
        return (made,)
    tags = difference.body.get(kind.tags.field) or {}
    return (made, *tag_steps(address, {}, tags, site, after=made.id, created=True))


def _asking(kind: Kind, call: Call, newest: str) -> Call:
    """The create with the number that we ask for, where the service lets us choose one."""
    if kind.numbering is None or not kind.numbering.asked:
        return call
    number = str(NextAfter(newest=newest).number + 1)
    return replace(call, body={**(call.body or {}), kind.numbering.asked: number})


def _unmaking(kind: Kind, address: Address, site: Site) -> Call:
    """The delete of what a step creates, whose number may be known only then."""
    if kind.numbering is None:
        return plain_call(kind.delete, kind, address.identity, site.scope, address.short)
    given = {part: output_of(address, part) for part in kind.given}
    names = {**kind.names(address.identity), **given, kind.identity[-1]: number_of(address)}
    return kind.delete.call(names, site.scope, resource=address.short)


def _update(difference: Difference, site: Site) -> tuple[Step, ...]:
    kind, address, live, resource = difference.kind, difference.address, difference.live, difference.resource
    assert live is not None and resource is not None
    fields = tuple(one for one in difference.fields if kind.group_of(one.name) == "body")
    steps: list[Step] = []
    if fields:
        # The whole body as it was read: what another writer changes meanwhile can then be named (S20).
        was = {name: value for name, value in live.body.items() if kind.group_of(name) == "body"}
        fields = (*fields, *going_along(kind, fields, difference.body))
        after = {one.name: overlaid(one, difference.body.get(one.name), live.body.get(one.name)) for one in fields}
        whole = {**standing(kind, live), **after}
        steps.append(
            Step(
                id=f"update {address}",
                address=address,
                action=Action.UPDATE,
                group="body",
                call=update_call(kind, address.identity, fields, whole, resource.payloads, site.scope, address.short),
                guard=_live_guard(kind, live, site),
                before=was,
                after=after,
                last=any(is_lost(one, live.body.get(one.name), difference.body.get(one.name)) for one in fields),
                undo=_way_back(difference, fields, was, after, site),
            )
        )
    if kind.tags is not None and any(one.name == kind.tags.field for one in difference.fields):
        tags = live.body.get(kind.tags.field) or {}
        wanted = difference.body.get(kind.tags.field) or {}
        steps += tag_steps(address, tags, wanted, site, after=steps[-1].id if steps else None, created=False)
    return tuple(steps)


def _way_back(
    difference: Difference,
    fields: tuple[Field, ...],
    was: Mapping[str, Json],
    after: Mapping[str, Json],
    site: Site,
) -> tuple[Step, ...]:
    """The steps that take an update back from `after` to what was; none where the live code is not at hand."""
    kind, address, live = difference.kind, difference.address, difference.live
    assert live is not None
    lost = dropped(kind, live, difference.body, site.scope.api)
    # What the service itself moved before goes back with the fields that it goes together with.
    ours = (one for one in fields if one.name in live.body or not one.moved_by)
    back = (*(one for one in ours if not comes_with(one, live, difference.body)), *lost)
    payloads: dict[str, Json] = {}
    for one in fields:
        if one.codec is Codec.ARCHIVE:
            # Where there was no code, none has to come back.
            if difference.archive is None and live.body.get(one.name) is not None:
                return ()
            payloads[one.name] = {"zipFile": difference.archive} if difference.archive else None
        if is_lost(one, live.body.get(one.name), difference.body.get(one.name)):
            return ()
    stuck = staying(back, live.body)
    # What is as it was comes from the file, which has also what cannot be read.
    before = {
        one.name: after[one.name] if one.has_write_only and live.body.get(one.name) else live.body.get(one.name)
        for one in back
        if one not in stuck
    }
    before |= lowered(kind, before, {**live.body, **after})
    back = tuple(one for one in back if one.name in before)
    if not back:
        return ()
    undo = Step(
        id=f"undo update {address}",
        address=address,
        action=Action.UPDATE,
        group="body",
        call=update_call(
            kind,
            address.identity,
            back,
            {**after, **standing(kind, live), **before},
            payloads,
            site.scope,
            address.short,
        ),
        guard=_guard(kind, OWN_ETAG, site),
        before=visible_body(kind, {**was, **after, **{one.name: None for one in lost}}),
        after=before,
    )
    if not any(forces_replacement(one, after.get(one.name), before[one.name]) for one in back):
        return (undo,)
    # What the update adds can only be taken away with the whole resource.
    gone = plain_call(kind.delete, kind, address.identity, site.scope, address.short)
    return (_replaced(undo, action=Action.DELETE, call=gone, after=None), *_recreation(difference, site))


def _delete(difference: Difference, site: Site, *, last: bool) -> Step:
    kind, address, live = difference.kind, difference.address, difference.live
    assert live is not None
    return Step(
        id=f"delete {address}",
        address=address,
        action=Action.DELETE,
        group="body",
        call=plain_call(kind.delete, kind, address.identity, site.scope, address.short),
        guard=_live_guard(kind, live, site),
        before=dict(live.body),
        after=None,
        last=last,
        undo=_recreation(difference, site),
    )


def _recreation(difference: Difference, site: Site) -> tuple[Step, ...]:
    """The steps that bring a deleted resource back as it was; none where that cannot be, or its code is not at hand."""
    kind, address, live = difference.kind, difference.address, difference.live
    assert live is not None
    if kind.numbering is not None:
        return ()  # a number never comes again
    payloads: dict[str, Json] = {}
    for one in kind.writable(site.scope.api):
        if is_lost(one, live.body.get(one.name), None):
            return ()
        if one.codec is Codec.ARCHIVE and live.body.get(one.name) is not None:
            if difference.archive is None:
                return ()
            payloads[one.name] = {"zipFile": difference.archive}
    body = {name: value for name, value in live.body.items() if kind.group_of(name) == "body"}
    made = Step(
        id=f"undo delete {address}",
        address=address,
        action=Action.CREATE,
        group="body",
        # What the service never had from anybody is not given to it now: `raw` says which fields it has.
        call=create_call(kind, address.identity, live.body, live.raw, payloads, site.scope, address.short),
        guard=MustNotExist(),
        before=None,
        after=body,
    )
    if kind.tags is None:
        return (made,)
    tags = live.body.get(kind.tags.field) or {}
    marked = tuple(
        Step(
            id=f"undo delete {address} {kind.tags.name}",
            address=address,
            action=Action.UPDATE,
            group=kind.tags.name,
            call=call,
            guard=JustCreated(),
            before={kind.tags.field: {}},
            after={kind.tags.field: tags},
            needs=frozenset({made.id}),
        )
        for call in tag_calls(kind, address.identity, {}, tags, site.scope, address.short)
    )
    return (made, *marked)


def _replaced(step: Step, **parts: Json) -> Step:
    return replace(step, **parts)


def _guard(kind: Kind, etag: str, site: Site) -> Guard:
    """A write only to what still has this ETag, or this fingerprint."""
    if kind.guard_in(site.scope.api) is GuardStyle.RECHECK:
        return Recheck(fingerprint=etag)
    return IfMatch(etag=etag)


def _live_guard(kind: Kind, live: Live, site: Site) -> Guard:
    if kind.numbering is not None:
        return JustCreated()
    if live.etag is None:
        raise ValueError(f"{live.address} was not read singly, so there is nothing to guard its change")
    return _guard(kind, live.etag, site)
