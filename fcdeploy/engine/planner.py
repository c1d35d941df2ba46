"""Desired and live in, a plan out: what changes, why, in which order, under which guards. Pure (law 1).

differences(…)   what differs, resource by resource; says which resources must be read singly first (S19)
to_plan(…)       the same differences as changes for people and steps for the executor
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, Severity, Span, warning
from fcdeploy.engine.attributes import in_order, settled
from fcdeploy.engine.canonical import desired_body, is_absent
from fcdeploy.engine.comparing import Comparing, Sides
from fcdeploy.engine.crowding import without_crowds
from fcdeploy.engine.diff import created_fields, field_changes
from fcdeploy.engine.groups import goes_with_create, is_tags
from fcdeploy.engine.lasting import kept
from fcdeploy.engine.marks import as_travelling, without_mark
from fcdeploy.engine.numbered import named
from fcdeploy.engine.order import freezes_this, ordered_steps
from fcdeploy.engine.outputs import with_gifts
from fcdeploy.engine.ownership import Owned, is_owned, mark_tags, says_itself
from fcdeploy.engine.pins import without_pin
from fcdeploy.engine.renames import renamed
from fcdeploy.engine.sealed import unreadable
from fcdeploy.engine.series import lost_with, next_of, pruned
from fcdeploy.engine.snapshot import Desired, Site, Snapshot, lineage, with_parents_first
from fcdeploy.engine.steps import Difference
from fcdeploy.kinds.descriptor import NEW, Kind
from fcdeploy.kinds.fields import Codec
from fcdeploy.kinds.registry import kind_of, parent_of
from fcdeploy.model import Action, Address, Change, FieldChange, Live, Plan, Resource, Told


def present(desired: Desired, api: str) -> Desired:
    """What the file wants to be there.

    Not what it says is absent, nor what it describes in the kind's own way to say that there is none (S14, S23).
    """
    return {
        address: resource
        for address, resource in desired.items()
        if not resource.absent and not (kind_of(address).absent and _is_nothing(kind_of(address), resource, api))
    }


def _is_nothing(kind: Kind, resource: Resource, api: str) -> bool:
    return is_absent(kind, desired_body(kind, resource.body, api))


def differences(
    desired: Desired, snapshot: Snapshot, owned: Owned, site: Site, comparing: Comparing | None = None
) -> tuple[Difference, ...]:
    """Every resource that is wanted or owned, parents first, with what is to happen to it.

    What is somebody else's is left out, but for our mark on what the file now calls external: that goes. `comparing`
    knows what was compared before.
    """
    comparing = comparing or Comparing(site)
    found: dict[Address, Difference] = {}
    # What is numbered, and what names its numbers, is compared when the rest is known; so is what refers to others.
    for address in in_order(with_parents_first({**desired, **snapshot.lives}), desired):
        numbered = kind_of(address).numbering is not None
        if address in owned.released:
            found[address] = _released(owned.released[address], snapshot.lives[address], site)
        elif not is_owned(address, owned):
            continue
        elif address in desired:
            resource, missing = settled(desired[address], snapshot, found, site)
            resource, notes = named(resource, snapshot, found, site)
            notes += missing
            if numbered:
                one = next_of(resource, snapshot, found, site)
            else:
                sides = Sides(
                    resource=resource,
                    live=snapshot.lives.get(address),
                    mark=site.mark if says_itself(address, owned.external) else None,
                    archive=snapshot.archives.get(address),
                    same_code=address in snapshot.same_code,
                )
                one = comparing.compared(sides)
                if one.live is not None and _made_anew_with(parent_of(address), found):
                    one = replace(one, action=Action.REPLACE)
            found[address] = replace(one, notes=(*one.notes, *notes)) if notes else one
        elif not (numbered and _stays(address, desired, found)):
            found[address] = Difference(
                address=address,
                action=Action.DELETE,
                resource=None,
                body={},
                live=as_travelling(kind_of(address), snapshot.lives[address]),
                archive=snapshot.archives.get(address),
            )
    found |= {one.address: one for one in pruned(found, snapshot, site)}
    return without_crowds(_with_room(found))


def _stays(address: Address, desired: Desired, found: Mapping[Address, Difference]) -> bool:
    """Whether a numbered resource that exists stays although no file names it: only what stands above takes it along.

    Of those that have nothing above, the series goes with its line in the file.
    """
    parent = parent_of(address)
    if parent is None:
        return replace(address, identity=(*address.identity[:-1], NEW)) in desired
    return parent not in found or found[parent].action is not Action.DELETE


def to_plan(
    found: Sequence[Difference],
    snapshot: Snapshot,
    site: Site,
    warnings: Iterable[Diagnostic] = (),
    *,
    destroying: bool = False,
    absent: Collection[Address] = (),
) -> Plan:
    """The plan of these differences: changes in the order of their addresses, steps in an order that can be run.

    `destroying` and `absent`, what the file says is not to be there, only word the reasons.
    """
    steps = with_gifts(
        ordered_steps(found, site),
        {one.address for one in found if one.resource is not None and one.resource.awaits},
    )
    irreversible = [
        warning(
            f"{step.address.short}: this {step.action.value} cannot be undone",
            detail=unreadable(step) or kept(step) or "its code could not be fetched beforehand",
            address=str(step.address),
        )
        for step in steps
        if not is_tags(step)
        and not step.undo
        and not goes_with_create(step)
        and (step.action is Action.UPDATE or (unreadable(step) and not destroying))
    ]
    notes = [note for one in found for note in one.notes if note.severity is not Severity.ERROR]
    wanted = {one.address: one.resource for one in found if one.resource is not None}
    renames = renamed(wanted, {one.address for one in found if one.action is Action.DELETE})
    told = {
        **({} if destroying else dict.fromkeys(absent, "the file says `absent: true`")),
        **{old: f"renamed to {new.name}" for old, new in renames.items()},
        **{new: f"renamed from {old.name}" for old, new in renames.items()},
    }
    changes = [
        _change(one, snapshot, told.get(one.address, ""), destroying) for one in found if one.action is not Action.NONE
    ]
    return Plan(
        project=site.project,
        target=replace(site.target, account=site.scope.account),
        changes=tuple(sorted(changes, key=attrgetter("address"))),
        steps=steps,
        unchanged=sum(1 for one in found if one.action is Action.NONE),
        warnings=(*warnings, *irreversible, *lost_with(found, snapshot), *notes),
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


def _made_anew_with(parent: Address | None, found: Mapping[Address, Difference]) -> bool:
    """Whether what stands in a resource is made anew since that is."""
    return parent is not None and parent in found and found[parent].action is Action.REPLACE


def _with_room(found: Mapping[Address, Difference]) -> tuple[Difference, ...]:
    """Deletes that must come before a create, since both cannot exist at once, come early and are undone on failure.

    Everything beneath such a delete, and beneath a replaced resource, goes with it (S34).
    """
    if all(one.action is not Action.DELETE for one in found.values()):
        return tuple(found.values())
    early: set[Address] = {address for address, one in found.items() if one.action is Action.REPLACE}
    # What is to be no part of what is frozen goes before, so that the next plan finds it frozen without (S30).
    freezing = [one for one in found.values() if one.content is not None and one.action is Action.CREATE]
    early |= {address for address in found for one in freezing if freezes_this(one, address)}
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


def _change(difference: Difference, snapshot: Snapshot, rename: str, destroying: bool) -> Change:
    resource = difference.resource
    fields: tuple[FieldChange, ...] = ()
    spans: Mapping[str, Span] = {}
    # The next of a series is told as a change of the newest.
    base = difference.live or difference.against
    if resource is not None and base is None and difference.action is Action.CREATE:
        fields, spans = created_fields(difference.kind, resource, difference.body), resource.spans
    elif resource is not None and base is not None:
        notes = {
            one.name: snapshot.code_notes.get(base.address, "")
            for one in difference.fields
            if one.codec is Codec.ARCHIVE
        } | _mark_note(difference)
        fields = field_changes(
            difference.fields, difference.body, as_travelling(difference.kind, base).body, resource, notes
        )
    return Change(
        address=difference.address,
        action=difference.action,
        reason=_reason(difference, fields, rename, destroying),
        fields=fields,
        span=resource.span if resource is not None else None,
        told=_told(difference),
        spans=spans,
    )


def _told(difference: Difference) -> Told | None:
    """What the kind says of the resource before and after, where it has a word for that and the two differ."""
    kind, live = difference.kind, difference.live
    if not kind.tells or kind.about is None:
        return None
    before = kind.about(live.body) if live is not None else ""
    after = kind.about(difference.body) if difference.action is not Action.DELETE else ""
    return Told(what=kind.tells, before=before, after=after) if before != after else None


def _mark_note(difference: Difference) -> dict[str, str]:
    """What to say of a description of which only the mark, or the note of a pin, changes."""
    changing = {one.name for one in difference.fields}
    told: dict[str, str] = {}
    for name, bare, note in (
        (difference.kind.mark_field, without_mark, "only the mark of whose it is"),
        (difference.kind.pin_field, without_pin, "only the note that it is pinned"),
    ):
        if difference.live is not None and name in changing:
            texts = [body.get(name) or "" for body in (difference.live.body, difference.body)]
            if not all(isinstance(text, str) for text in texts):
                continue
            before, after = (bare(str.__str__(text))[0] for text in texts)
            told |= {name: note} if before == after else {}
    return told


def _reason(difference: Difference, fields: Sequence[FieldChange], rename: str, destroying: bool) -> str:
    if difference.reason:
        return difference.reason
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
