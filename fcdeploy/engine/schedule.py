"""Which step of a round may start now: in order of need, and what is `last` only after all that is not (S34). Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from fcdeploy.model import Step


class Schedule:
    """The steps of one pass, forward or back. Each is taken once, when all that it needs succeeded."""

    def __init__(self, steps: Sequence[Step], done: Collection[str]) -> None:
        self._todo = {step.id: step for step in steps if step.id not in done}
        self._waiting = {name: {need for need in step.needs if need in self._todo} for name, step in self._todo.items()}
        self._dependents: dict[str, list[str]] = {}
        for name, needs in self._waiting.items():
            for need in needs:
                self._dependents.setdefault(need, []).append(name)
        self._early = sum(1 for step in self._todo.values() if not step.last)
        self._ready = deque(name for name, needs in self._waiting.items() if not needs)
        self._held: list[str] = []
        self._taken: set[str] = set()

    def take(self) -> Step | None:
        """The next step that may start, None when none may before another one ends."""
        if not self._early:
            self._ready.extend(self._held)
            self._held.clear()
        while self._ready:
            step = self._todo[self._ready.popleft()]
            if step.last and self._early:
                self._held.append(step.id)
                continue
            self._taken.add(step.id)
            return step
        return None

    def succeeded(self, step: Step) -> None:
        """A step that was taken did what it promised: what needed it may follow."""
        self._early -= not step.last
        for name in self._dependents.get(step.id, ()):
            self._waiting[name].discard(step.id)
            if not self._waiting[name]:
                self._ready.append(name)

    @property
    def not_taken(self) -> tuple[Step, ...]:
        """The steps that were never started, in the order of the plan."""
        return tuple(step for name, step in self._todo.items() if name not in self._taken)
