"""Siblings of which only one can have a place: who moves first, and what no order would do (S44). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.engine.steps import Difference
from fcdeploy.kinds.registry import parent_of
from fcdeploy.model import Action, Address


def waits(found: Iterable[Difference]) -> dict[Address, frozenset[Address]]:
    """By update, the updates that leave the place which it takes; of those that wait for each other, none."""
    every = _all_waits(found)
    return {
        one: frozenset(other for other in others if one not in _reached(other, every)) for one, others in every.items()
    }


def without_crowds(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """The differences, with an error on each that would come where another stays, or that swaps with another."""
    if all(one.action is Action.NONE for one in found):
        return tuple(found)
    notes: dict[str, tuple[Diagnostic, ...]] = {}
    for one in (*_swaps(found), *_crowds(found)):
        notes[one.address] = (*notes.get(one.address, ()), one)
    return tuple(
        replace(one, notes=(*one.notes, *told)) if notes and (told := notes.get(str(one.address))) else one
        for one in found
    )


def _all_waits(found: Iterable[Difference]) -> dict[Address, list[Address]]:
    return {
        one.address: [
            other.address
            for other in siblings
            if other is not one and other.live is not None and _takes_from(one, other)
        ]
        for siblings in _siblings(one for one in found if one.action is Action.UPDATE)
        for one in siblings
    }


def _takes_from(one: Difference, other: Difference) -> bool:
    """Whether `one` comes to where `other` stands and will not stay."""
    collides = one.kind.collides
    assert collides is not None and other.live is not None
    return collides(other.live.body, one.body) and not collides(other.body, one.body)


def _siblings(found: Iterable[Difference]) -> list[list[Difference]]:
    """Those of one kind under one parent of which only one can have a place, two of them at least."""
    beside: dict[tuple[Address | None, str], list[Difference]] = {}
    for one in found:
        if one.kind.collides is not None:
            beside.setdefault((parent_of(one.address), one.address.kind), []).append(one)
    return [siblings for siblings in beside.values() if len(siblings) > 1]


def _reached(start: Address, waiting: Mapping[Address, Sequence[Address]]) -> set[Address]:
    """All that must move before this one, and itself."""
    reached: set[Address] = set()
    left = [start]
    while left:
        one = left.pop()
        if one not in reached:
            reached.add(one)
            left += waiting.get(one, ())
    return reached


def _swaps(found: Sequence[Difference]) -> Iterator[Diagnostic]:
    every = _all_waits(found)
    by_address = {one.address: one for one in found}
    told: set[Address] = set()
    for one in sorted(every):
        circle = sorted(other for other in _reached(one, every) if one in _reached(other, every))
        if len(circle) < 2 or one in told:
            continue
        told |= {*circle}
        first = by_address[one]
        names = " and ".join((", ".join(other.short for other in circle[:-1]), circle[-1].short))
        yield error(
            f"{names} want each other's place, and no order of writes gives it to them",
            detail="\n".join(
                filter(None, (first.kind.collision, *map(_move, (by_address[other] for other in circle))))
            ),
            hint="lead one of them elsewhere and apply, then write what you mean",
            address=str(one),
            span=first.resource.span if first.resource is not None else None,
        )


def _move(one: Difference) -> str:
    """What the kind says of it before and after."""
    about = one.kind.about
    if about is None or one.live is None:
        return ""
    return f"{one.address.short}: {about(one.live.body)} -> {about(one.body)}"


def _crowds(found: Sequence[Difference]) -> Iterator[Diagnostic]:
    for siblings in _siblings(one for one in found if one.action is not Action.DELETE):
        for index, one in enumerate(siblings):
            for other in siblings[:index]:
                collides = one.kind.collides
                assert collides is not None
                if one.action is other.action is Action.NONE or not collides(other.body, one.body):
                    continue
                mover, stays = (one, other) if one.action is not Action.NONE else (other, one)
                yield error(
                    f"{mover.address.short} cannot stand beside {stays.address.short}",
                    detail="\n".join(filter(None, (one.kind.collision, *map(_move, (stays, mover))))),
                    hint="leave one of them out, or lead it elsewhere",
                    address=str(mover.address),
                    span=mover.resource.span if mover.resource is not None else None,
                )
