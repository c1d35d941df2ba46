"""The steps that change a living resource: one for each group of fields that differ, and its way back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from fcdeploy.engine.canonical import visible_body
from fcdeploy.engine.create_steps import recreation
from fcdeploy.engine.diff import forces_replacement
from fcdeploy.engine.difference import Difference
from fcdeploy.engine.groups import BODY, in_group
from fcdeploy.engine.guards import live_guard, own_guard
from fcdeploy.engine.lasting import comes_with, dropped, lowered, staying
from fcdeploy.engine.sealed import going_along, is_lost
from fcdeploy.engine.snapshot import Site
from fcdeploy.engine.tag_steps import tag_steps
from fcdeploy.engine.wire import overlaid, plain_call, standing, travelling_archives, update_call
from fcdeploy.kinds.descriptor import Group
from fcdeploy.kinds.fields import Codec, Field
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Call, Json, Live, Step


def update_steps(difference: Difference, site: Site) -> tuple[Step, ...]:
    """A step for each group with a difference, each after the one before; tags come last.

    What comes after a step that is only done once all else has succeeded comes as late as that.
    """
    kind, address, live = difference.kind, difference.address, difference.live
    assert live is not None
    steps: list[Step] = []
    for group in kind.updates:
        fields = tuple(one for one in difference.fields if one.name in group.fields)
        if fields:
            steps.append(_chained(_group_step(difference, group, fields, site), steps))
    if kind.tags is not None and any(one.name == kind.tags.field for one in difference.fields):
        tags = live.body.get(kind.tags.field) or {}
        wanted = difference.body.get(kind.tags.field) or {}
        late = bool(steps) and steps[-1].last
        marked = tag_steps(address, tags, wanted, site, after=steps[-1].id if steps else None, created=False)
        steps += [replace(step, last=late) for step in marked]
    return tuple(steps)


def _chained(step: Step, earlier: Sequence[Step]) -> Step:
    if not earlier:
        return step
    return replace(step, needs=frozenset({earlier[-1].id}), last=step.last or earlier[-1].last)


def _step_id(group: Group, words: str) -> str:
    return words if group.name == BODY else f"{words} {group.name}"


def _group_step(difference: Difference, group: Group, fields: tuple[Field, ...], site: Site) -> Step:
    kind, address, live, resource = difference.kind, difference.address, difference.live, difference.resource
    assert live is not None and resource is not None
    differing = frozenset(one.name for one in fields)
    # The whole group as it was read: what another writer changes meanwhile can then be named (S20).
    was = in_group(kind, group.name, live.body)
    fields = (*fields, *going_along(kind, fields, difference.body, group=group))
    after = {one.name: overlaid(one, difference.body.get(one.name), live.body.get(one.name)) for one in fields}
    whole = {**standing(kind, live), **after}
    lost = any(
        is_lost(one, live.body.get(one.name), difference.body.get(one.name), differs=one.name in differing)
        for one in fields
    )
    return Step(
        id=_step_id(group, f"update {address}"),
        address=address,
        action=Action.UPDATE,
        group=group.name,
        call=_call(live, group, fields, whole, resource.payloads, site),
        guard=live_guard(kind, live, site),
        before=was,
        after=after,
        last=lost,
        payloads=travelling_archives(kind, fields, resource.payloads),
        undo=() if lost else _way_back(difference, group, fields, was, after, site),
    )


def _call(
    live: Live,
    group: Group,
    fields: tuple[Field, ...],
    body: Mapping[str, Json],
    payloads: Mapping[str, Json],
    site: Site,
) -> Call:
    """The update of these fields of what was read, to their values in `body`."""
    address = live.address
    return update_call(
        kind_of(address),
        address.identity,
        fields,
        body,
        payloads,
        site.scope,
        address.short,
        group=group.name,
        raw=live.raw,
    )


def _way_back(
    difference: Difference,
    group: Group,
    fields: tuple[Field, ...],
    was: Mapping[str, Json],
    after: Mapping[str, Json],
    site: Site,
) -> tuple[Step, ...]:
    """The steps that take an update back from `after` to what was; none where the live code is not at hand."""
    kind, address, live, resource = difference.kind, difference.address, difference.live, difference.resource
    assert live is not None and resource is not None
    lost = tuple(one for one in dropped(kind, live, difference.body, site.scope.api) if one.name in group.fields)
    # What the service itself moved before goes back with the fields that it goes together with.
    ours = (one for one in fields if one.name in live.body or not one.moved_by)
    back = (*(one for one in ours if not comes_with(one, live, difference.body)), *lost)
    # Code that only goes along is the same before and after.
    payloads = dict(resource.payloads)
    for one in fields:
        if one.codec is Codec.ARCHIVE:
            # Where there was no code, none has to come back.
            if difference.archive is None and live.body.get(one.name) is not None:
                return ()
            payloads[one.name] = {"zipFile": difference.archive} if difference.archive else None
    stuck = staying(back, live.body)
    # What is as it was comes from the file, which has also what cannot be read.
    before = {
        one.name: after[one.name] if one.has_write_only and live.body.get(one.name) else live.body.get(one.name)
        for one in back
        if one not in stuck
    }
    bound = lowered(kind, before, {**live.body, **after})
    before |= {name: value for name, value in bound.items() if name in group.fields}
    back = tuple(one for one in back if one.name in before)
    if not back:
        return ()
    undo = Step(
        id=_step_id(group, f"undo update {address}"),
        address=address,
        action=Action.UPDATE,
        group=group.name,
        call=_call(live, group, back, {**after, **standing(kind, live), **before}, payloads, site),
        guard=own_guard(kind, site),
        before=visible_body(kind, {**was, **after, **{one.name: None for one in lost}}),
        after=before,
        payloads=travelling_archives(kind, back, payloads),
    )
    if not any(forces_replacement(one, after.get(one.name), before[one.name]) for one in back):
        return (undo,)
    # What the update adds can only be taken away with the whole resource.
    gone = plain_call(kind.delete, kind, address.identity, site.scope, address.short, raw=live.raw)
    return (
        replace(undo, action=Action.DELETE, group=BODY, call=gone, after=None, payloads={}),
        *recreation(difference, site),
    )
