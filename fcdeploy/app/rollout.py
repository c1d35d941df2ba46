"""Targets in waves: one wave after another, what must be well between two, and what a failed wave does to the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from fcdeploy.app.bench import Cloud
from fcdeploy.app.policing import Policing
from fcdeploy.app.types import Where
from fcdeploy.app.work import Work
from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.errors import FcdeployError
from fcdeploy.model import Ending, Outcome, Rollout, Target, Wave
from fcdeploy.spec.project import Project

if TYPE_CHECKING:
    from fcdeploy.app.running import Manner

INTERRUPTED = "interrupted"


def works_in_waves(
    where: Where, project: Project, targets: Sequence[Target], cloud: Cloud, policing: Policing
) -> list[Work]:
    """The targets in the order in which they go: by waves where the file has a rollout, else as the file has them."""
    rollout = project.rollout
    if rollout is None:
        return [Work(where, project, target, cloud, policing=policing) for target in targets]
    numbers = {target.name: rollout.wave_of(target.name) for target in targets}
    total = max(len(rollout.waves), *numbers.values())
    return [
        Work(where, project, target, cloud, wave=wave, policing=policing)
        for target in sorted(targets, key=lambda target: numbers[target.name])
        for wave in [Wave(rollout=rollout, number=numbers[target.name], total=total)]
    ]


async def rolled_out(
    works: Sequence[Work], ready: frozenset[str], manner: Manner, *, command: str, plan_id: str = ""
) -> dict[str, Outcome]:
    """Carry out the plans of those targets of a project that are `ready`, wave by wave; the outcomes by target.

    Targets are named by their titles here.

    Those that are not ready have failed already. A destroy asks no probe, since nothing is left to answer, and is not
    taken back, since the code of what it deletes is not kept.
    """
    rollout = works[0].wave.rollout if works[0].wave is not None else Rollout(max_failures=len(works))
    if command == "destroy":
        rollout = replace(rollout, probe="", takes_back=False)
    project = works[0].target.project
    return await _Rolling(rollout, project, ready, manner, command, plan_id).carried_out(works)


class _Rolling(Struct):
    """A rollout under way; `outcomes` by target in the order of the waves, `project` where there are several."""

    rollout: Rollout
    project: str
    ready: frozenset[str]
    manner: Manner
    command: str
    plan_id: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    async def carried_out(self, works: Sequence[Work]) -> dict[str, Outcome]:
        waves: dict[Wave | None, list[Work]] = {}
        for work in works:
            waves.setdefault(work.wave, []).append(work)
        changing = [number for number, some in enumerate(waves.values()) if any(map(self._changes, some))]
        gone: list[list[Work]] = []
        halt = ""
        for number, (wave, some) in enumerate(waves.items()):
            if halt:
                self._not_begun(some, halt)
                continue
            await self._begun(wave, some)
            gone.append(some)
            halt = self._failed(wave, some)
            # After the last change there is nothing to wait for; and where nothing changes nobody is asked.
            if not halt and wave is not None and changing and number <= changing[-1]:
                halt = await self._settled(wave, some, more=number < changing[-1])
        if halt not in ("", INTERRUPTED) and self.rollout.takes_back:
            for some in reversed(gone):
                await asyncio.gather(*(self._take_back(work, halt) for work in self._of(some, *_TO_TAKE_BACK)))
        return self.outcomes

    def _of(self, works: Iterable[Work], *endings: Ending) -> list[Work]:
        """Those that ended so."""
        return [
            work
            for work in works
            if (outcome := self.outcomes.get(work.target.title)) is not None and outcome.ending in endings
        ]

    def _changes(self, work: Work) -> bool:
        return work.target.title in self.ready and work.plan is not None and not work.plan.is_empty

    async def _begun(self, wave: Wave | None, works: Sequence[Work]) -> None:
        """Carry out the plans of one wave, side by side."""
        ready = [work for work in works if work.target.title in self.ready]
        if wave is not None and any(map(self._changes, ready)):
            self._say("", f"{_title(wave)}: {', '.join(work.target.title for work in ready)}")
        ended = await asyncio.gather(*(work.execute(self.manner, self.command, self.plan_id) for work in ready))
        self.outcomes |= {work.target.title: outcome for work, outcome in zip(ready, ended, strict=True)}

    def _failed(self, wave: Wave | None, works: Sequence[Work]) -> str:
        """Why nothing more is to be begun after a wave; empty where it ended well enough."""
        if self.manner.stop.requested:
            return INTERRUPTED
        failed = len(works) - len(self._of(works, Ending.DONE))
        if failed <= self.rollout.max_failures or wave is None:
            return ""
        allowed = f", and {self.rollout.max_failures} may" if self.rollout.max_failures else ""
        self._say("", f"{_title(wave)} failed: {failed} of its {len(works)} targets{allowed}")
        return f"wave {wave.number} failed"

    async def _settled(self, wave: Wave, works: Sequence[Work], *, more: bool) -> str:
        """Wait after a wave, and ask its targets whether they are healthy; why to halt, as in `_failed`."""
        stop = self.manner.stop
        if more and self.rollout.pause and any(map(self._changes, works)):
            self._say("", f"{_title(wave)} is done; waiting {self.rollout.pause:g} s before the next")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self.rollout.pause)
        if stop.requested:
            return INTERRUPTED
        if not self.rollout.probe:
            return ""
        from fcdeploy.app.probing import read_health

        asked = self._of(works, Ending.DONE)
        sick = await read_health(asked, stop, self._say)
        if sick is None:
            for name in (work.target.title for work in asked):
                self.outcomes[name] = _standing(self.outcomes[name], "interrupted before its probe had answered")
            return INTERRUPTED
        for name, why in sick.items():
            found = error(f"target {name} is not healthy", detail="\n".join(filter(None, (why.asked, why.trouble))))
            self.outcomes[name] = _standing(self.outcomes[name], "its probe failed", found)
        if not sick:
            return ""
        self._say("", f"{_title(wave)} failed: not healthy: {', '.join(sick)}")
        return f"wave {wave.number} failed"

    def _not_begun(self, works: Sequence[Work], why: str) -> None:
        for work in works:
            name = work.target.title
            if self._changes(work):
                self.outcomes[name] = work.outcome(Ending.NOT_BEGUN, why)
            elif name in self.ready:
                self.outcomes[name] = work.outcome(Ending.DONE)

    async def _take_back(self, work: Work, why: str) -> None:
        """Take a run back that has ended: by the plan that `rollback RUN` would show, guarded as ever."""
        outcome, original = self.outcomes[work.target.title], work.plan
        if not outcome.run or original is None:
            return
        if self.manner.stop.requested:
            self.outcomes[outcome.title] = _standing(outcome, "interrupted before it was taken back")
            return
        try:
            await work.go_on()
            back = await work.read_inverse(outcome.run)
        except FcdeployError as problem:
            found = error(problem.summary, detail=problem.detail, hint=problem.hint)
            self.outcomes[outcome.title] = _standing(outcome, "it cannot be taken back", found)
            return
        self._say(outcome.title, f"{why}: taking back run {outcome.run}")
        # A way back that fails is not taken back in its turn.
        ended = await work.execute(replace(self.manner, on_failure="stop"), "rollback")
        gone = {one.address for one in back.warnings}
        left = tuple(step.id for step in original.steps if str(step.address) in gone)
        found_by_both = (*outcome.diagnostics, *ended.diagnostics)
        match ended.ending:
            case Ending.DONE:
                self.outcomes[outcome.title] = replace(
                    outcome,
                    ending=Ending.LEFTOVERS if left else Ending.ROLLED_BACK,
                    because=why,
                    undone=tuple(step for step in outcome.done if step not in left),
                    leftovers=left,
                    diagnostics=(*found_by_both, *back.warnings),
                    seconds=outcome.seconds + ended.seconds,
                )
            case Ending.FAILED:
                self.outcomes[outcome.title] = _standing(outcome, "it could not be taken back", *ended.diagnostics)
            case _:
                self.outcomes[outcome.title] = replace(ended, because=why, inverse=True, diagnostics=found_by_both)

    def _say(self, target: str, text: str) -> None:
        self.manner.progress.said(target or self.project, text)


_TO_TAKE_BACK = (Ending.DONE, Ending.STANDS)


def _title(wave: Wave) -> str:
    return f"wave {wave.number} of {wave.total}"


def _standing(outcome: Outcome, why: str, *found: Diagnostic) -> Outcome:
    """What stays although its wave has failed."""
    return replace(outcome, ending=Ending.STANDS, because=why, diagnostics=(*outcome.diagnostics, *found))
