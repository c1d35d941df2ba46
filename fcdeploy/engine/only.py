"""`--only`: of all differences those of some resources, and of what they need (S46). Pure.

Nothing is pruned: a delete is kept only as a part of the replacement of what is named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.engine.order import freezes_this, needs_of
from fcdeploy.engine.ownership import matches
from fcdeploy.engine.snapshot import Desired, Site, lineage
from fcdeploy.engine.steps import Difference
from fcdeploy.kinds.registry import kind_of, parent_of
from fcdeploy.model import Action, Address, Resource


class Narrowed(Struct, frozen=True, kw_only=True):
    """What is left of a comparison: the differences, how many resources were left out, and why that cannot be done."""

    found: tuple[Difference, ...]
    left_out: int = 0
    refusals: tuple[Diagnostic, ...] = ()


def matched(desired: Desired, globs: Iterable[str]) -> frozenset[Address]:
    """The resources that are to be there and that a glob names, as `--adopt` would."""
    wanted = tuple(globs)
    return frozenset(
        address for address, resource in desired.items() if not resource.absent and matches(address, wanted)
    )


def needed(desired: Desired, named: Iterable[Address]) -> frozenset[Address]:
    """These resources and all that they need by what the file says: what they stand in and what they refer to."""
    return _closure(named, {address: _by_file(resource, desired) for address, resource in desired.items()})


def _by_file(resource: Resource, desired: Desired) -> frozenset[Address]:
    return frozenset(one for one in (*lineage(resource.address)[1:], *resource.refs) if one in desired)


def _needs(found: Sequence[Difference], desired: Desired, site: Site) -> dict[Address, frozenset[Address]]:
    """What each resource needs, by the file and by what is about to be written: names, versions, what these freeze."""
    there = {one.address for one in found if one.action is not Action.DELETE}
    return {
        one.address: _by_file(one.resource, desired) | (needs_of(one, there, site) & there)
        for one in found
        if one.resource is not None
    }


def _closure(named: Iterable[Address], needs: Mapping[Address, frozenset[Address]]) -> frozenset[Address]:
    found: set[Address] = set()
    waiting = list(named)
    while waiting:
        address = waiting.pop()
        if address not in found:
            found.add(address)
            waiting += needs.get(address, ())
    return frozenset(found)


def narrowed(found: Sequence[Difference], desired: Desired, globs: Collection[str], site: Site) -> Narrowed:
    """The differences of what the globs name and of what that needs; all of them without a glob."""
    if not globs:
        return Narrowed(found=tuple(found))
    by_address = {one.address: one for one in found}
    needs = _needs(found, desired, site)
    named = set(matched(desired, globs))
    kept = _closure(named, needs)
    while True:
        # What stands beneath a replaced resource goes with it, so it is named with it.
        with_it = {
            address
            for address in by_address
            if address not in named
            and any(above in named and _is_replaced(by_address.get(above)) for above in lineage(address)[1:])
        }
        if not with_it:
            break
        named |= with_it
        kept = _closure(named, needs)
    left = [one for one in found if one.address in kept]
    refusals = (
        *_unnamed_replacements(left, named),
        *_taken_places(left, by_address, kept),
        *_frozen_with_it(left, by_address, kept),
    )
    return Narrowed(found=tuple(left), left_out=len(found) - len(left), refusals=refusals)


def about(found: Iterable[Diagnostic], desired: Desired, globs: Collection[str]) -> tuple[Diagnostic, ...]:
    """The findings that are about what the globs name and what that needs, and those about no resource."""
    if not globs:
        return tuple(found)
    kept = {str(address) for address in needed(desired, matched(desired, globs))}
    return tuple(
        one
        for one in found
        # What is numbered is named by what is written, not by the file alone.
        if not one.address or one.address in kept or kind_of(Address.parse(one.address)).numbering is not None
    )


def _is_replaced(difference: Difference | None) -> bool:
    return difference is not None and difference.action is Action.REPLACE


def _unnamed_replacements(left: Sequence[Difference], named: Collection[Address]) -> list[Diagnostic]:
    """What is only needed cannot be replaced: everything beneath it, named or not, would go with it."""
    return [
        error(
            f"{one.address.short} must be replaced, and --only does not name it",
            detail="what --only names needs it, and a replacement takes along everything beneath it",
            hint=f"add --only '{one.address.kind}:{one.address.name}', or apply without --only",
            address=str(one.address),
            span=one.resource.span if one.resource is not None else None,
        )
        for one in left
        if one.action is Action.REPLACE and one.address not in named
    ]


def _frozen_with_it(
    left: Sequence[Difference], by_address: Mapping[Address, Difference], kept: Collection[Address]
) -> list[Diagnostic]:
    """What would be frozen although it is about to go: `--only` leaves it there (S30)."""
    return [
        error(
            f"{one.address.short} would hold {other.address.short}, which is to be deleted and which --only leaves out",
            hint="apply without --only",
            address=str(one.address),
            span=one.resource.span if one.resource is not None else None,
        )
        for one in left
        if one.action is Action.CREATE and one.content is not None
        for other in by_address.values()
        if other.action is Action.DELETE and other.address not in kept and freezes_this(one, other.address)
    ]


def _taken_places(
    left: Sequence[Difference], by_address: Mapping[Address, Difference], kept: Collection[Address]
) -> list[Diagnostic]:
    """What is to come where something still stands that `--only` leaves there."""
    beside: dict[tuple[Address | None, str], list[Difference]] = {}
    for one in by_address.values():
        if one.address not in kept and one.live is not None and one.kind.collides is not None:
            beside.setdefault((parent_of(one.address), one.address.kind), []).append(one)
    return [
        error(
            f"{one.address.short} cannot stand beside {other.address.short}, which --only leaves out",
            detail=one.kind.collision,
            hint="apply without --only"
            + (f", or add --only '{other.address.kind}:{other.address.name}'" if other.resource is not None else ""),
            address=str(one.address),
            span=one.resource.span if one.resource is not None else None,
        )
        for one in left
        if one.action in (Action.CREATE, Action.UPDATE, Action.REPLACE) and one.kind.collides is not None
        for other in beside.get((parent_of(one.address), one.address.kind), ())
        if other.live is not None and one.kind.collides(other.live.body, one.body)
    ]
