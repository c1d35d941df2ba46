"""What takes a run back: the undo steps of everything that was done, in reverse order. Pure (law 6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.engine.lasting import stays
from fcdeploy.engine.snapshot import lineage
from fcdeploy.model import Action, Address, Step


class Inverse(Struct, frozen=True, kw_only=True):
    """The undo steps with their order, and the done steps that nothing takes back, or not all of them.

    `undoes`: by the id of an undo step, the steps that are taken back once that one is done: of several for one step,
    the last, which also takes away what only goes with it.
    """

    steps: tuple[Step, ...]
    undoes: Mapping[str, tuple[str, ...]]
    lasting: tuple[Step, ...]


def goes_with(step: Step, made: Collection[Address]) -> bool:
    """Whether a step's effect goes away with a resource that the same run created and takes back."""
    return step.action is not Action.DELETE and any(above in made for above in lineage(step.address))


def inverse(steps: Collection[Step], done: Collection[str]) -> Inverse:
    """The inverse of the steps whose ids are in `done`; a step is undone after everything that needed it."""
    finished = [step for step in steps if step.id in done]
    made = frozenset(step.address for step in finished if step.action is Action.CREATE)
    along: dict[Address, list[str]] = {}
    for step in finished:
        if not step.undo and step.action is not Action.DELETE:
            for above in made.intersection(lineage(step.address)):
                along.setdefault(above, []).append(step.id)
    final: dict[str, frozenset[str]] = {}
    undoes: dict[str, tuple[str, ...]] = {}
    dependents: dict[str, list[str]] = {}
    for step in finished:
        for need in step.needs:
            dependents.setdefault(need, []).append(step.id)
    ordered: list[Step] = []
    lasting: list[Step] = []
    for step in reversed(finished):
        later = frozenset[str]().union(*(final.get(name, ()) for name in dependents.get(step.id, ())))
        if not step.undo:
            # What comes before it still waits for what came after it.
            final[step.id] = later
            if not goes_with(step, made):
                lasting.append(step)
            continue
        if stays(step) and not goes_with(step, made):
            lasting.append(step)
        previous: str | None = None
        for undo in step.undo:
            needs = set(undo.needs) | later | ({previous} if previous else set())
            ordered.append(replace(undo, needs=frozenset(needs)))
            previous = undo.id
        final[step.id] = frozenset({step.undo[-1].id})
        gone = along.get(step.address, ()) if step.action is Action.CREATE else ()
        undoes[step.undo[-1].id] = (step.id, *gone)
    return Inverse(steps=tuple(ordered), undoes=undoes, lasting=tuple(lasting))
