"""The steps that make a resource: its create, and what only updates can write to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from fcdeploy.engine.canonical import agrees, desired_body, visible_body
from fcdeploy.engine.difference import Difference
from fcdeploy.engine.groups import BODY, as_made, in_group
from fcdeploy.engine.guards import own_guard
from fcdeploy.engine.outputs import create_id, number_of, output_of
from fcdeploy.engine.sealed import going_along, is_lost
from fcdeploy.engine.snapshot import Site
from fcdeploy.engine.tag_steps import tag_steps
from fcdeploy.engine.wire import create_call, tag_calls, travelling_archives, update_call
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Codec
from fcdeploy.model import Action, Address, Call, Json, JustCreated, MustNotExist, NextAfter, Output, Step


def create_steps(difference: Difference, site: Site) -> tuple[Step, ...]:
    """The create, then tags, whose mark says whose it is if nothing comes after (S11), then the groups that the create
    does not take and that are to be otherwise than by default."""
    kind, address, resource = difference.kind, difference.address, difference.resource
    assert resource is not None
    body = as_made(kind, difference.body)
    name, short = create_id(address), address.short
    made = Step(
        id=name,
        address=address,
        action=Action.CREATE,
        group=BODY,
        call=_asking(
            kind,
            create_call(
                kind,
                address.identity,
                difference.body,
                resource.body,
                resource.payloads,
                site.scope,
                short,
            ),
            difference.newest,
        ),
        guard=NextAfter(newest=difference.newest) if kind.numbering is not None else MustNotExist(),
        before=None,
        after=body,
        content=difference.content,
        undo=(
            Step(
                id=f"undo {name}",
                address=address,
                action=Action.DELETE,
                group=BODY,
                call=_unmaking(kind, address, site, short),
                # Nothing of a numbered resource can be changed by anybody.
                guard=JustCreated() if kind.numbering is not None else own_guard(kind, site),
                before=visible_body(kind, body),
                after=None,
            ),
        ),
    )
    steps: tuple[Step, ...] = (made,)
    if kind.tags is not None:
        tags = difference.body.get(kind.tags.field) or {}
        steps += tag_steps(address, {}, tags, site, after=made.id, created=True)
    later = _later_steps(
        kind, address, difference.body, resource.body, resource.payloads, site, after=steps[-1].id, word="update"
    )
    return (*steps, *later)


def recreation(difference: Difference, site: Site) -> tuple[Step, ...]:
    """The steps that bring a deleted resource back as it was; none where that cannot be, or its code is not at hand."""
    kind, address, live = difference.kind, difference.address, difference.live
    assert live is not None
    if kind.numbering is not None:
        return ()  # a number never comes again
    payloads: dict[str, Json] = {}
    for one in kind.writable(site.scope.api):
        if is_lost(one.chosen(live.body), live.body.get(one.name), None):
            return ()
        if one.codec is Codec.ARCHIVE and live.body.get(one.name) is not None:
            if difference.archive is None:
                return ()
            payloads[one.name] = {"zipFile": difference.archive}
    made = Step(
        id=f"undo delete {address}",
        address=address,
        action=Action.CREATE,
        group=BODY,
        # What the service never had from anybody is not given to it now: `raw` says which fields it has.
        call=create_call(kind, address.identity, live.body, live.raw, payloads, site.scope, address.short),
        guard=MustNotExist(),
        before=None,
        after=as_made(kind, live.body),
    )
    steps: tuple[Step, ...] = (made,)
    if kind.tags is not None:
        tags = live.body.get(kind.tags.field) or {}
        steps += tuple(
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
    later = _later_steps(kind, address, live.body, live.body, payloads, site, after=steps[-1].id, word="undo delete")
    return (*steps, *later)


def _later_steps(
    kind: Kind,
    address: Address,
    body: Mapping[str, Json],
    given: Mapping[str, Json],
    payloads: Mapping[str, Json],
    site: Site,
    *,
    after: str,
    word: str,
) -> tuple[Step, ...]:
    """Writes of what a create does not take, each after the one before; nobody else can have been there (S34).

    The undo of the create takes them away as well.
    """
    steps: list[Step] = []
    for group in kind.updates if kind.made_later else ():
        late = group.fields & kind.made_later
        if late.isdisjoint(body):
            continue
        rest = {key: item for key, item in given.items() if key not in late}
        fresh = in_group(kind, group.name, desired_body(kind, rest, site.scope.api))
        fields = tuple(
            one
            for one in map(kind.field, sorted(late & body.keys()))
            if one.name not in fresh or not agrees(one, body[one.name], fresh[one.name])
        )
        if not fields:
            continue
        fields = (*fields, *going_along(kind, fields, body, group=group))
        steps.append(
            Step(
                id=f"{word} {address} {group.name}",
                address=address,
                action=Action.UPDATE,
                group=group.name,
                call=update_call(
                    kind, address.identity, fields, body, payloads, site.scope, address.short, group=group.name
                ),
                guard=JustCreated(),
                before=fresh,
                after={one.name: body[one.name] for one in fields},
                needs=frozenset({steps[-1].id if steps else after}),
                payloads=travelling_archives(kind, fields, payloads),
            )
        )
    return tuple(steps)


def _asking(kind: Kind, call: Call, newest: str) -> Call:
    """The create with the number that we ask for, where the service lets us choose one."""
    if kind.numbering is None or not kind.numbering.asked:
        return call
    number = str(NextAfter(newest=newest).number + 1)
    return replace(call, body={**(call.body or {}), kind.numbering.asked: number})


def _unmaking(kind: Kind, address: Address, site: Site, resource: str) -> Call:
    """The delete of what a step creates, whose number, or what else the service gives it, may be known only then."""
    names: dict[str, str | Output] = {**kind.names(address.identity)}
    for part in kind.given:
        names[part] = output_of(address, part)
    if kind.numbering is not None:
        names[kind.identity[-1]] = number_of(address)
    return kind.delete.call(names, site.scope, resource=resource)
