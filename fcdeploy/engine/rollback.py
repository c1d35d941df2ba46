"""What takes a run back: the undo steps of everything that was done, in reverse order. Pure (law 6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from fcdeploy.engine.snapshot import is_under
from fcdeploy.model import Action, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverse:
    """The undo steps with their order, which done step each belongs to, and the done steps that nothing takes back."""

    steps: tuple[Step, ...]
    undoes: Mapping[str, str]
    lasting: tuple[Step, ...]


def inverse(steps: Collection[Step], done: Collection[str]) -> Inverse:
    """The inverse of the steps whose ids are in `done`; a step is undone after everything that needed it."""
    finished = [step for step in steps if step.id in done]
    made = {step.address for step in finished if step.action is Action.CREATE}
    final: dict[str, str] = {}
    undoes: dict[str, str] = {}
    ordered: list[Step] = []
    lasting: list[Step] = []
    for step in reversed(finished):
        if not step.undo:
            # What stands on a resource that this run created goes away with it.
            if not any(is_under(step.address, root) for root in made):
                lasting.append(step)
            continue
        later = {final[other.id] for other in finished if step.id in other.needs and other.id in final}
        previous: str | None = None
        for undo in step.undo:
            needs = set(undo.needs) | later | ({previous} if previous else set())
            ordered.append(replace(undo, needs=frozenset(needs)))
            undoes[undo.id] = step.id
            previous = undo.id
        if previous is not None:
            final[step.id] = previous
    return Inverse(steps=tuple(ordered), undoes=undoes, lasting=tuple(lasting))
