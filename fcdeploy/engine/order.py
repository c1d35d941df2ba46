"""In which order the steps of a plan can be run: what a step needs, and what only comes after it (S34). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from fcdeploy.engine.crowding import waits
from fcdeploy.engine.edges import address_of, names_of
from fcdeploy.engine.groups import is_tags
from fcdeploy.engine.snapshot import Site, lineage
from fcdeploy.engine.steps import Difference, steps_of
from fcdeploy.kinds.registry import parent_of
from fcdeploy.model import Action, Address, Step


def ordered_steps(found: Sequence[Difference], site: Site) -> tuple[Step, ...]:
    """All steps of these differences, each with the ids of those that must be done before it, in such an order."""
    return _ordered(_linked(found, site))


def freezes_this(difference: Difference, address: Address) -> bool:
    """Whether a numbered resource freezes what stands at this address."""
    numbering = difference.kind.numbering
    kinds = numbering.freezes.kinds if numbering is not None and numbering.freezes is not None else ()
    return address.kind in kinds and address.identity[:-1] == difference.address.identity[:-1]


def _linked(found: Sequence[Difference], site: Site) -> list[Step]:
    """All steps, each with the ids of those that must be done before it."""
    by_address = {one.address: steps_of(one, site) for one in found}
    beneath: dict[Address, list[Difference]] = {}
    for one in found:
        parent = parent_of(one.address)
        if parent is not None and one.action is not Action.NONE:
            beneath.setdefault(parent, []).append(one)
    late = {one.address for one in found if one.after_beneath}
    leaving = _leaving(found, by_address, site)
    linked: list[Step] = []
    waiting = waits(found)
    for one in found:
        if one.address in late:
            linked += _after_beneath(one.address, by_address)
            continue
        if not by_address[one.address]:
            continue
        parent = parent_of(one.address)
        # A mark is written before anything is put beneath (S11), so all of the parent's own steps come first.
        first = {*needs_of(one, by_address.keys(), site), *((parent,) if parent is not None else ())}
        making = {step.id for other in first for step in by_address.get(other, ()) if step.action is not Action.DELETE}
        if late:
            making -= {step.id for other in first & late for step in by_address[other]}
        siblings = beneath.get(parent, ()) if parent is not None else ()
        for step in by_address[one.address]:
            needs = set(step.needs)
            if step.action is Action.DELETE:
                below = (by_address[other.address] for other in beneath.get(one.address, ()))
                needs |= {other.id for steps in below for other in steps if other.action is Action.DELETE}
                needs |= leaving.get(one.address, set())
            else:
                needs |= making | _room_for(one, step, siblings, by_address, waiting)
                if one.content is not None:
                    needs |= {
                        other.id
                        for address, steps in by_address.items()
                        if freezes_this(one, address)
                        for other in steps
                        if other.action is Action.DELETE
                    }
            needs.discard(step.id)
            linked.append(step if needs == step.needs else replace(step, needs=frozenset(needs)))
    return _none_held_up(linked)


def _after_beneath(address: Address, by_address: Mapping[Address, tuple[Step, ...]]) -> list[Step]:
    """The steps of a resource that come after everything beneath it, what is last there included."""
    beneath = [step for other, steps in by_address.items() if address in lineage(other)[1:] for step in steps]
    return [
        replace(step, needs=step.needs | {other.id for other in beneath}, last=any(other.last for other in beneath))
        for step in by_address[address]
    ]


def needs_of(difference: Difference, there: Collection[Address], site: Site) -> frozenset[Address]:
    """What must be there before this one: what the file says, what its body names, what it freezes."""
    if difference.resource is None or difference.action is Action.NONE:
        return frozenset()
    like, needs = difference.address, difference.resource.refs
    if names := names_of(like, difference.body, site.scope):
        needs |= {one for one in (address_of(name, like) for name in names) if one in there}
    if difference.content is not None:
        needs |= {one for one in there if freezes_this(difference, one)}
    return needs


def _leaving(
    found: Sequence[Difference], by_address: Mapping[Address, tuple[Step, ...]], site: Site
) -> dict[Address, set[str]]:
    """By what is deleted: the steps after which nothing names it any more, and what is frozen without it (S30)."""
    going = {one.address for one in found if one.action is Action.DELETE}
    steps: dict[Address, set[str]] = {}
    for one in found:
        if one.live is None or one.action is Action.NONE:
            continue
        for name in names_of(one.address, one.live.body, site.scope):
            address = address_of(name, one.address)
            if address in going and address != one.address:
                steps.setdefault(address, set()).update(step.id for step in by_address[one.address])
    return steps


def _none_held_up(steps: Sequence[Step]) -> list[Step]:
    """No step that can be undone waits for one that comes last: what it waits for comes early, too."""
    if not any(step.last for step in steps):
        return list(steps)
    by_id = {step.id: step for step in steps}
    waiting = [step for step in steps if not step.last]
    early: set[str] = set()
    while waiting:
        step = waiting.pop()
        for need in step.needs:
            other = by_id.get(need)
            if other is not None and other.last and need not in early:
                early.add(need)
                waiting.append(other)
    return [replace(step, last=False) if step.id in early else step for step in steps]


def _room_for(
    arriving: Difference,
    step: Step,
    siblings: Iterable[Difference],
    by_address: Mapping[Address, tuple[Step, ...]],
    waiting: Mapping[Address, frozenset[Address]],
) -> set[str]:
    """The steps that free the place which `step` takes.

    Deletes always; a create also waits for updates that move away, and an update for those that `waits` names: two
    that want each other's place do not wait, since no order would do.
    """
    collides = arriving.kind.collides
    if collides is None or is_tags(step):
        return set()
    ahead = waiting.get(arriving.address, frozenset())
    return {
        other_step.id
        for other in siblings
        if other.address != arriving.address
        and other.live is not None
        and other.address.kind == arriving.address.kind
        and collides(other.live.body, arriving.body)
        for other_step in by_address[other.address]
        if not other_step.last
        and (
            other_step.action is Action.DELETE
            or (other_step.action is Action.UPDATE and (step.action is Action.CREATE or other.address in ahead))
        )
    }


def _ordered(steps: Sequence[Step]) -> tuple[Step, ...]:
    """A topological order, stable by address: first all that can be undone, then what is last."""
    placed = sorted(steps, key=lambda step: (step.last, step.address))
    ids = {step.id for step in placed}
    needs = {step.id: [need for need in step.needs if need in ids] for step in placed}
    rounds: dict[str, int] = {}
    for name in _needed_first(needs):
        rounds[name] = max([rounds[need] for need in needs[name]], default=-1) + 1
    return tuple(sorted(placed, key=lambda step: (step.last, rounds[step.id])))


def _needed_first(needs: Mapping[str, Collection[str]]) -> Iterable[str]:
    """These names, each after those that it needs: as they stand, as in a plan that only creates, where that is so."""
    before: set[str] = set()
    for name, needed in needs.items():
        if not before.issuperset(needed):
            from graphlib import TopologicalSorter

            return TopologicalSorter(needs).static_order()
        before.add(name)
    return needs
