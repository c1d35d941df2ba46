"""What a resource has that others name with `ref()`: known when the plan is made, or an output of a step (S46). Pure.

made of names              known at once
live, and stays so         known: what the service said of it
created, replaced, moved   an `Output` of the step that does it
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.engine.outputs import create_id, output_of
from fcdeploy.engine.series import members, names_frozen, rank
from fcdeploy.engine.snapshot import Desired, Site, Snapshot
from fcdeploy.engine.steps import Difference
from fcdeploy.errors import SpecError
from fcdeploy.kinds.conditions import value_at
from fcdeploy.kinds.descriptor import Attribute, Kind, Scope
from fcdeploy.kinds.registry import kind_of, parent_of
from fcdeploy.model import (
    Action,
    Address,
    Json,
    LaterText,
    Live,
    Output,
    Ref,
    Resource,
    refs_in,
    text_of,
)


def address_of(ref: Ref, like: Address) -> Address:
    """What a reference names, in the same target."""
    return replace(like, kind=ref.kind, identity=ref.identity)


def attribute_of(ref: Ref, like: Address) -> Attribute:
    """The attribute that a reference takes; raises KeyError for one that the kind does not have."""
    kind = kind_of(address_of(ref, like))
    found = kind.attribute(ref.attribute)
    if found is None:
        raise KeyError(ref.attribute)
    return found


def to_read(desired: Desired, snapshot: Snapshot) -> list[Address]:
    """What lists did not say all of that is referred to: resources that are to be read singly before they are used."""
    found: dict[Address, None] = {}
    for address, resource in desired.items():
        for ref in refs_in(resource.body) if resource.awaits else ():
            goal, member = address_of(ref, address), attribute_of(ref, address).member
            live = snapshot.lives.get(goal)
            if live is not None and member and live.etag is None and live.raw.get(member) is None:
                found[goal] = None
    return list(found)


def in_order(addresses: Iterable[Address], desired: Desired) -> list[Address]:
    """The addresses in an order in which each can be compared: what it refers to comes before it.

    Raises SpecError where there is none.
    """
    listed = sorted(addresses, key=rank)
    if not any(resource.awaits for resource in desired.values()):
        return listed
    from graphlib import CycleError, TopologicalSorter

    place = {address: index for index, address in enumerate(listed)}
    by_parent: dict[Address | None, list[Address]] = {}
    for address in listed:
        by_parent.setdefault(parent_of(address), []).append(address)
    sorter = TopologicalSorter({one: sorted(_first(one, desired, by_parent) & place.keys()) for one in listed})
    try:
        sorter.prepare()
    except CycleError as problem:
        ring = " -> ".join(address.short for address in reversed(problem.args[1]))
        raise SpecError([error(f"the references go in a circle: {ring}", address=str(problem.args[1][0]))]) from None
    ordered: list[Address] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        ordered += ready
        sorter.done(*ready)
    return ordered


def _first(address: Address, desired: Desired, by_parent: Mapping[Address | None, list[Address]]) -> set[Address]:
    """What has to be compared before this one."""
    kind, parent = kind_of(address), parent_of(address)
    found = set(desired[address].refs) if address in desired else set()
    if parent is not None:
        found.add(parent)
    freezes = kind.numbering.freezes if kind.numbering is not None else None
    if freezes is not None:
        found |= {one for one in by_parent.get(parent, ()) if one.kind in freezes.kinds}
    elif names_frozen(kind):
        found |= {one for one in by_parent.get(parent, ()) if _freezes(kind_of(one))}
    return found - {address}


def _freezes(kind: Kind) -> bool:
    return kind.numbering is not None and kind.numbering.freezes is not None


def settled(
    resource: Resource, snapshot: Snapshot, found: Mapping[Address, Difference], site: Site
) -> tuple[Resource, list[Diagnostic]]:
    """The resource with what it refers to in its place, and what cannot be had."""
    if not resource.awaits:
        return resource, []
    notes: list[Diagnostic] = []

    def value(ref: Ref) -> Json:
        goal = address_of(ref, resource.address)
        made = _value(ref, goal, snapshot, found, site)
        if made is not None:
            return made
        notes.append(
            error(
                f"{goal.short} has no {ref.attribute} that {resource.address.short} could refer to",
                detail="the service does not say it" if goal in snapshot.lives else "there is none",
                address=str(resource.address),
                span=resource.span,
            )
        )
        # The plan is refused; what it shows must not look like a value.
        return Output(step=create_id(goal), pointer=f"/{ref.attribute}")

    body = {name: filled_refs(item, value) for name, item in resource.body.items()}
    return replace(resource, body=body), notes


def filled_refs(item: Json, value: Callable[[Ref], Json]) -> Json:
    """A value with each reference in it as what `value` gives for it."""
    match item:
        case Ref():
            return value(item)
        case LaterText():
            return text_of(filled_refs(part, value) for part in item.parts)
        case Mapping():
            return {key: filled_refs(one, value) for key, one in item.items()}
        case list() | tuple():
            return [filled_refs(one, value) for one in item]
        case _:
            return item


def _value(
    ref: Ref, address: Address, snapshot: Snapshot, found: Mapping[Address, Difference], site: Site
) -> Json | None:
    kind, attribute = kind_of(address), attribute_of(ref, address)
    if kind.numbering is not None and kind.identity[-1] in attribute.parts():
        coming = found.get(address)
        if coming is not None and coming.action is Action.CREATE:
            return output_of(address, ref.attribute)
        there = members(address, snapshot)
        newest = snapshot.lives[there[max(there)]] if there else None
        return known_text(attribute, newest.address, site.scope, newest.raw) if newest is not None else None
    if attribute.template:
        return known_text(attribute, address, site.scope)
    one = found.get(address)
    live = one.live if one is not None else snapshot.lives.get(address)
    if one is not None and attribute.member in {field.name for field in kind.fields}:
        stays = one.action is Action.NONE and one.live is not None
        return (one.live.body if stays and one.live is not None else one.body).get(attribute.member)
    if live is None or (one is not None and one.action is Action.REPLACE):
        return Output(step=create_id(address), pointer=f"/{ref.attribute}")
    if one is not None and one.action is Action.UPDATE and _is_moved(attribute, one, live):
        return Output(step=f"update {address}", pointer=f"/{ref.attribute}")
    return said(attribute, live)


def known_text(attribute: Attribute, address: Address, scope: Scope, raw: Mapping[str, Json] | None = None) -> str:
    """An attribute that is made of names; `raw`, what the service said of the resource, may have given some."""
    names = kind_of(address).names(address.identity, raw)
    return attribute.template.format_map({**names, "region": scope.region, "account": scope.account})


def said(attribute: Attribute, live: Live) -> str | None:
    """An attribute that the service says of what is live, None where it does not."""
    value = live.raw.get(attribute.member)
    return str(value) if value not in (None, "") else None


def _is_moved(attribute: Attribute, difference: Difference, live: Live) -> bool:
    # What was not there before comes with what is written.
    return any(value_at(difference.body, path) != value_at(live.body, path) for path in attribute.moved_by)
