"""Desired and live in, a plan out: what changes, why, in which order, under which guards. Pure (law 1).

differences(…)   what differs, resource by resource; says which resources must be read singly first (S19)
to_plan(…)       the same differences as changes for people and steps for the executor
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fcdeploy.diagnostics import Diagnostic, warning
from fcdeploy.engine.canonical import desired_body, is_absent
from fcdeploy.engine.diff import created_fields, differing, field_changes, forces_replacement
from fcdeploy.engine.ignoring import with_live
from fcdeploy.engine.marks import as_travelling, marked, without_mark
from fcdeploy.engine.ownership import Owned, is_owned, mark_tags, says_itself
from fcdeploy.engine.renames import renamed
from fcdeploy.engine.sealed import unreadable
from fcdeploy.engine.snapshot import Desired, Site, Snapshot, lineage, with_parents_first
from fcdeploy.engine.steps import Difference, steps_of
from fcdeploy.engine.wire import standing
from fcdeploy.kinds.descriptor import Kind, Marking
from fcdeploy.kinds.fields import Codec
from fcdeploy.kinds.registry import kind_of, parent_of
from fcdeploy.model import Action, Address, ArchiveRef, Change, FieldChange, Json, Live, Mark, Plan, Resource, Step


def present(desired: Desired, api: str) -> Desired:
    """What the file wants to be there.

    Not what it says is absent, nor what it describes in the kind's own way to say that there is none (S14, S23).
    """
    return {
        address: resource
        for address, resource in desired.items()
        if not resource.absent and not is_absent(kind_of(address), desired_body(kind_of(address), resource.body, api))
    }


def differences(desired: Desired, snapshot: Snapshot, owned: Owned, site: Site) -> tuple[Difference, ...]:
    """Every resource that is wanted or owned, parents first, with what is to happen to it.

    What is somebody else's is left out, but for our mark on what the file now calls external: that goes.
    """
    found: dict[Address, Difference] = {}
    for address in with_parents_first({*desired, *snapshot.lives}):
        if address in owned.released:
            found[address] = _released(owned.released[address], snapshot.lives[address], site)
        elif not is_owned(address, owned):
            continue
        elif address in desired:
            mark = site.mark if says_itself(address, owned.external) else None
            found[address] = _wanted(desired[address], snapshot, site, found, mark)
        else:
            found[address] = Difference(
                address=address,
                action=Action.DELETE,
                resource=None,
                body={},
                live=as_travelling(kind_of(address), snapshot.lives[address]),
                archive=snapshot.archives.get(address),
            )
    return _with_room(found)


def to_plan(
    found: Sequence[Difference],
    snapshot: Snapshot,
    site: Site,
    warnings: Iterable[Diagnostic] = (),
    *,
    destroying: bool = False,
) -> Plan:
    """The plan of these differences: changes in the order of their addresses, steps in an order that can be run.

    `destroying` only words the reasons.
    """
    steps = _ordered(_linked(found, site))
    irreversible = [
        warning(
            f"{step.address.short}: this {step.action.value} cannot be undone",
            detail=unreadable(step) or "its code could not be fetched beforehand",
            address=str(step.address),
        )
        for step in steps
        if step.group == "body"
        and not step.undo
        and (step.action is Action.UPDATE or (unreadable(step) and not destroying))
    ]
    wanted = {one.address: one.resource for one in found if one.resource is not None}
    renames = renamed(wanted, {one.address for one in found if one.action is Action.DELETE})
    told = {
        **{old: f"renamed to {new.name}" for old, new in renames.items()},
        **{new: f"renamed from {old.name}" for old, new in renames.items()},
    }
    changes = [
        _change(one, snapshot, told.get(one.address, ""), destroying) for one in found if one.action is not Action.NONE
    ]
    return Plan(
        project=site.project,
        target=replace(site.target, account=site.scope.account),
        changes=tuple(sorted(changes, key=lambda change: change.address)),
        steps=steps,
        unchanged=sum(1 for one in found if one.action is Action.NONE),
        warnings=(*warnings, *irreversible),
    )


def _released(resource: Resource, live: Live, site: Site) -> Difference:
    """Our mark goes from what somebody else keeps from now on, once nothing beneath depends on it (S11, S13)."""
    kind = kind_of(resource.address)
    assert kind.tags is not None
    tags = {key: value for key, value in live.body[kind.tags.field].items() if key not in mark_tags(site.mark)}
    return Difference(
        address=resource.address,
        action=Action.UPDATE,
        resource=resource,
        body={**live.body, kind.tags.field: tags},
        live=live,
        fields=(kind.field(kind.tags.field),),
        after_beneath=True,
    )


def _wanted(
    resource: Resource, snapshot: Snapshot, site: Site, above: Mapping[Address, Difference], mark: Mark | None
) -> Difference:
    address = resource.address
    kind = kind_of(address)
    live = snapshot.lives.get(address)
    if live is not None and resource.ignore:
        resource = _with_live_values(resource, live, snapshot.archives.get(address))
    body = desired_body(kind, resource.body, site.scope.api)
    if live is not None and resource.ignore:
        # Once more, since a default may have taken a place of which the file says nothing.
        body = with_live(body, live.body, resource.ignore)
    if kind.marking is Marking.TAGS and kind.tags is not None:
        body[kind.tags.field] = {**(body.get(kind.tags.field) or {}), **mark_tags(site.mark)}
    body = marked(kind, body, mark)
    if live is None:
        return Difference(address=address, action=Action.CREATE, resource=resource, body=body, live=None)
    # What the service itself moved counts once the file says what it is to be.
    moved = {name: value for name, value in standing(kind, live).items() if name in body and name not in live.body}
    live = as_travelling(kind, replace(live, body={**live.body, **moved}) if moved else live)
    if address in snapshot.same_code:
        body = _with_live_code(kind, body, live.body)
    fields = differing(kind, body, live.body, site.scope.api)
    if kind.mark_field in {one.name for one in fields}:
        # Where the text is ignored it is the mark that is written, and that has to be there afterwards.
        resource = replace(resource, ignore=tuple(path for path in resource.ignore if path[0] != kind.mark_field))
    action = Action.UPDATE if fields else Action.NONE
    if any(forces_replacement(one, live.body.get(one.name), body.get(one.name)) for one in fields):
        action = Action.REPLACE
    parent = parent_of(address)
    if parent is not None and parent in above and above[parent].action is Action.REPLACE:
        action = Action.REPLACE
    return Difference(
        address=address,
        action=action,
        resource=resource,
        body=body,
        live=live,
        fields=fields,
        archive=snapshot.archives.get(address),
    )


def _with_live_values(resource: Resource, live: Live, archive: ArchiveRef | None) -> Resource:
    """The resource as if the file gave what is live where it is to be ignored: defaults can depend on it."""
    archives = [one.name for one in kind_of(resource.address).fields if one.codec is Codec.ARCHIVE]
    kept = {name: {"zipFile": archive} for name in archives if archive is not None and (name,) in resource.ignore}
    return replace(
        resource,
        body=with_live(resource.body, live.body, resource.ignore),
        payloads={**resource.payloads, **kept},
    )


def _with_live_code(kind: Kind, body: dict[str, Json], live: Mapping[str, Json]) -> dict[str, Json]:
    """Equal content under another checksum is no change (S27)."""
    return {
        **body,
        **{one.name: live[one.name] for one in kind.fields if one.codec is Codec.ARCHIVE and one.name in live},
    }


def _with_room(found: Mapping[Address, Difference]) -> tuple[Difference, ...]:
    """Deletes that must come before a create, since both cannot exist at once, come early and are undone on failure.

    Everything beneath such a delete, and beneath a replaced resource, goes with it (S34).
    """
    early: set[Address] = {address for address, one in found.items() if one.action is Action.REPLACE}
    arriving: dict[tuple[Address | None, str], list[Difference]] = {}
    for one in found.values():
        if one.action in (Action.CREATE, Action.REPLACE, Action.UPDATE):
            arriving.setdefault((parent_of(one.address), one.address.kind), []).append(one)
    for address, one in found.items():
        collides = one.kind.collides
        if one.action is Action.DELETE and one.live is not None and collides is not None:
            siblings = arriving.get((parent_of(address), address.kind), [])
            if any(collides(one.live.body, other.body) for other in siblings):
                early.add(address)
    return tuple(
        replace(one, makes_room=True) if one.action is Action.DELETE and not early.isdisjoint(lineage(address)) else one
        for address, one in found.items()
    )


def _linked(found: Sequence[Difference], site: Site) -> list[Step]:
    """All steps, each with the ids of those that must be done before it."""
    by_address = {one.address: steps_of(one, site) for one in found}
    beneath: dict[Address, list[Difference]] = {}
    for one in found:
        parent = parent_of(one.address)
        if parent is not None and one.action is not Action.NONE:
            beneath.setdefault(parent, []).append(one)
    late = {one.address for one in found if one.after_beneath}
    linked: list[Step] = []
    for one in found:
        if one.address in late:
            linked += _after_beneath(one.address, by_address)
            continue
        parent = parent_of(one.address)
        # A mark is written before anything is put beneath (S11), so all of the parent's own steps come first.
        first = {*_refs(one), *((parent,) if parent is not None else ())}
        making = {step.id for other in first for step in by_address.get(other, ()) if step.action is not Action.DELETE}
        making -= {step.id for other in first & late for step in by_address[other]}
        siblings = beneath.get(parent, ()) if parent is not None else ()
        for step in by_address[one.address]:
            needs = set(step.needs)
            if step.action is Action.DELETE:
                below = (by_address[other.address] for other in beneath.get(one.address, ()))
                needs |= {other.id for steps in below for other in steps if other.action is Action.DELETE}
            else:
                needs |= making | _room_for(one, step, siblings, by_address)
            linked.append(replace(step, needs=frozenset(needs - {step.id})))
    return linked


def _after_beneath(address: Address, by_address: Mapping[Address, tuple[Step, ...]]) -> list[Step]:
    """The steps of a resource that come after everything beneath it, what is last there included."""
    beneath = [step for other, steps in by_address.items() if address in lineage(other)[1:] for step in steps]
    return [
        replace(step, needs=step.needs | {other.id for other in beneath}, last=any(other.last for other in beneath))
        for step in by_address[address]
    ]


def _refs(difference: Difference) -> frozenset[Address]:
    return difference.resource.refs if difference.resource is not None else frozenset()


def _room_for(
    arriving: Difference,
    step: Step,
    siblings: Iterable[Difference],
    by_address: Mapping[Address, tuple[Step, ...]],
) -> set[str]:
    """The steps that free the place which `step` takes.

    Deletes always; a create also waits for updates that move away. Two updates never wait for each other: they could
    want each other's place, and then no order would do.
    """
    collides = arriving.kind.collides
    if collides is None or step.group != "body":
        return set()
    freeing = {Action.DELETE, Action.UPDATE} if step.action is Action.CREATE else {Action.DELETE}
    return {
        other_step.id
        for other in siblings
        if other.address != arriving.address
        and other.live is not None
        and other.address.kind == arriving.address.kind
        and collides(other.live.body, arriving.body)
        for other_step in by_address[other.address]
        if other_step.action in freeing and not other_step.last
    }


def _ordered(steps: Sequence[Step]) -> tuple[Step, ...]:
    """A topological order, stable by address: first all that can be undone, then what is last."""
    from graphlib import TopologicalSorter

    by_id = {step.id: step for step in steps}
    place = {step.id: index for index, step in enumerate(sorted(steps, key=lambda step: (step.last, step.address)))}
    sorter = TopologicalSorter({step.id: sorted(step.needs & by_id.keys(), key=place.__getitem__) for step in steps})
    sorter.prepare()
    ordered: list[Step] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        ordered += [by_id[name] for name in ready]
        sorter.done(*ready)
    return tuple(sorted(ordered, key=lambda step: step.last))


def _change(difference: Difference, snapshot: Snapshot, rename: str, destroying: bool) -> Change:
    resource = difference.resource
    fields: tuple[FieldChange, ...] = ()
    if resource is not None and difference.action is Action.CREATE:
        fields = created_fields(difference.kind, resource, difference.body)
    elif resource is not None and difference.live is not None:
        notes = {
            one.name: snapshot.code_notes.get(difference.address, "")
            for one in difference.fields
            if one.codec is Codec.ARCHIVE
        } | _mark_note(difference)
        fields = field_changes(difference.fields, difference.body, difference.live.body, resource, notes)
    return Change(
        address=difference.address,
        action=difference.action,
        reason=_reason(difference, fields, rename, destroying),
        fields=fields,
        span=resource.span if resource is not None else None,
    )


def _mark_note(difference: Difference) -> dict[str, str]:
    """What to say of a description of which only the mark changes."""
    name = difference.kind.mark_field
    if difference.live is None or name not in {one.name for one in difference.fields}:
        return {}
    before, after = (
        without_mark(str.__str__(body.get(name) or "")) for body in (difference.live.body, difference.body)
    )
    return {name: "only the mark of whose it is"} if before[0] == after[0] else {}


def _reason(difference: Difference, fields: Sequence[FieldChange], rename: str, destroying: bool) -> str:
    match difference.action:
        case Action.CREATE:
            return rename or "does not exist yet"
        case Action.DELETE:
            return rename or ("the target is destroyed" if destroying else "is not in the file")
        case Action.REPLACE:
            names = [one.path for one in fields if one.forces_replacement]
            if names:
                return f"must be replaced: {', '.join(sorted(names))} cannot be changed in place"
            return "must be replaced: what it stands in is replaced"
        case Action.UPDATE if difference.after_beneath:
            return "is somebody else's from now on: the mark goes"
        case Action.UPDATE:
            return "differs from the file"
        case Action.NONE:
            return "equals the file"
