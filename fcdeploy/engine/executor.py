"""Runs a plan's steps: in order of need, side by side, each intent in the journal before its effect (laws 5 to 7).

On a failure nothing new is launched, what is in flight is drained, and what was done is undone in reverse, by steps of
the same kind that go through the same door. What is `last` starts only when everything before it succeeded, and is not
undone when it fails (S34).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from fcdeploy.diagnostics import Diagnostic, error, warning
from fcdeploy.engine.lasting import kept, stays
from fcdeploy.engine.outputs import filled_step
from fcdeploy.engine.perform import Performer
from fcdeploy.engine.redact import Redactor
from fcdeploy.engine.results import Done, StepFailed, StepSkipped, StepUnknown, Surroundings
from fcdeploy.engine.rollback import goes_with, inverse
from fcdeploy.engine.snapshot import root_of
from fcdeploy.engine.standing import StepStanding, done_in, unsettled_in
from fcdeploy.engine.watch import EventLog, Progress, StopRequest
from fcdeploy.errors import RunError
from fcdeploy.kinds.registry import kind_of, parent_of
from fcdeploy.model import Action, Address, Ending, Event, EventType, Json, Outcome, Plan, Step


@dataclass(slots=True)
class _Round:
    """One pass over steps: forward, or back."""

    steps: Sequence[Step]
    undoing: bool = False
    undoes: Mapping[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


class Executor:
    """Executes one plan of one target. Use once."""

    def __init__(
        self,
        *,
        run: str,
        plan: Plan,
        performer: Performer,
        journal: EventLog,
        progress: Progress,
        redactor: Redactor,
        stop: StopRequest,
        parallelism: int,
        on_failure: str = "rollback",
        grace: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._run = run
        self._plan = plan
        self._performer = performer
        self._journal = journal
        self._progress = progress
        self._redactor = redactor
        self._stop = stop
        self._parallelism = parallelism
        self._on_failure = on_failure
        self._grace = grace
        self._clock = clock
        self._etags: dict[Address, str] = {}
        self._outputs: dict[str, Mapping[str, Json]] = {}
        self._locks: dict[Address, asyncio.Lock] = {}
        self._created: set[Address] = set()
        self._emptied: dict[Address, set[str]] = {}
        self._found: list[Diagnostic] = []
        self._durations: dict[str, float] = {}
        self._broken: RunError | None = None
        self._deadline: float | None = None

    async def execute(self, standing: Mapping[str, StepStanding] | None = None) -> Outcome:
        """Do everything that is not done yet. `standing` is what an earlier try of this run left behind."""
        began = time.monotonic()
        standing = standing or {}
        forward = _Round(steps=self._plan.steps)
        forward.done += self._remembered(standing)
        await self._perform_all(forward, unsettled_in(standing), may_stop=True)
        if (
            self._broken is None
            and not forward.failed
            and not forward.unknown
            and len(forward.done) == len(self._plan.steps)
        ):
            return self._outcome(Ending.DONE, forward, None, began)
        last_begun = any(step.last for step in self._plan.steps if step.id in {*forward.done, *forward.failed})
        if self._broken is not None or forward.unknown or last_begun or self._on_failure != "rollback":
            return self._outcome(self._standing_ending(forward), forward, None, began)
        back = await self._roll_back(forward, {})
        return self._outcome(self._ending_after(back, forward), forward, back, began)

    async def roll_back(self, standing: Mapping[str, StepStanding]) -> Outcome:
        """Undo everything that this run did so far; unsettled steps are settled by reading first."""
        began = time.monotonic()
        forward = _Round(steps=self._plan.steps)
        forward.done += self._remembered(standing)
        unsettled = unsettled_in(standing)
        doubtful = [step for step in self._plan.steps if step.id in unsettled]
        for step in doubtful:
            try:
                filled, around = filled_step(step, self._outputs), self._surroundings(step, forward)
                found = await self._performer.read_effect(filled, around)
                if found is not None:
                    self._note_effect(step, found.etag, found.outputs)
                    forward.done.append(step.id)
            except StepUnknown as failure:
                forward.unknown.append(step.id)
                self._found.append(self._finding(step, failure))
        if forward.unknown:
            # Undoing around an effect that nobody knows of could take away what it stands on.
            return self._outcome(Ending.NEEDS_ATTENTION, forward, None, began)
        back = await self._roll_back(forward, standing)
        return self._outcome(self._ending_after(back, forward), forward, back, began)

    def _note_effect(self, step: Step, etag: str | None, outputs: Mapping[str, Json]) -> None:
        """What later steps need to know of this one: our ETag, what is new, and what had something deleted beneath."""
        if outputs:
            self._outputs[step.id] = outputs
        if step.action is Action.DELETE:
            self._etags.pop(step.address, None)
            above = parent_of(step.address)
            while above is not None:
                self._emptied.setdefault(above, set()).add(kind_of(step.address).section)
                above = parent_of(above)
            return
        if etag is not None:
            self._etags[step.address] = etag
        if step.action is Action.CREATE:
            self._created.add(step.address)

    def _remembered(self, standing: Mapping[str, StepStanding]) -> list[str]:
        """Ids of steps that are done already; their ETags are ours."""
        done = [
            (one.at, step)
            for step in self._plan.steps
            if (one := standing.get(step.id)) is not None and one.type is EventType.DONE
        ]
        for _, step in sorted(done, key=lambda pair: pair[0]):
            self._note_effect(step, standing[step.id].etag, standing[step.id].outputs)
        return [step.id for _, step in done]

    async def _roll_back(self, forward: _Round, standing: Mapping[str, StepStanding]) -> _Round:
        undo = inverse(self._plan.steps, frozenset(forward.done))
        back = _Round(steps=undo.steps, undoing=True, undoes=undo.undoes)
        back.done += [step.id for step in undo.steps if step.id in done_in(standing)]
        if undo.steps:
            self._progress.said(
                self._plan.target.name, f"rolling back {len(undo.steps)} step{'s' * (len(undo.steps) > 1)}"
            )
        for step in undo.lasting:
            fields = ", ".join(stays(step))
            self._found.append(
                warning(
                    f"the way back did not take {fields} of {step.address.short} away"
                    if fields
                    else f"{step.action.value} of {step.address.short} cannot be undone",
                    detail=kept(step),
                    hint="see `fcdeploy status`, then plan again",
                    address=str(step.address),
                )
            )
        await self._perform_all(back, unsettled_in(standing), may_stop=False)
        return back

    async def _perform_all(self, round_: _Round, unsettled: frozenset[str], *, may_stop: bool) -> None:
        todo = {step.id: step for step in round_.steps if step.id not in round_.done}
        waiting = {name: {need for need in step.needs if need in todo} for name, step in todo.items()}
        dependents: dict[str, list[str]] = {}
        for name, needs in waiting.items():
            for need in needs:
                dependents.setdefault(need, []).append(name)
        early = sum(1 for step in todo.values() if not step.last)
        ready = deque(name for name, needs in waiting.items() if not needs)
        held: list[str] = []
        running: dict[asyncio.Task[bool], str] = {}
        stopping = asyncio.create_task(self._stop.wait())
        try:
            while True:
                if not early:
                    ready.extend(held)
                    held.clear()
                halted = self._is_halted(round_, may_stop=may_stop)
                while ready and not halted and len(running) < self._parallelism:
                    name = ready.popleft()
                    step = todo[name]
                    if step.last and early:
                        held.append(name)
                        continue
                    task = asyncio.create_task(self._one(step, round_, unsettled=name in unsettled))
                    running[task] = name
                if not running:
                    break
                watched: set[asyncio.Task[bool] | asyncio.Task[None]] = set(running)
                if not stopping.done():
                    watched.add(stopping)
                finished, _ = await asyncio.wait(
                    watched, return_when=asyncio.FIRST_COMPLETED, timeout=self._seconds_left()
                )
                if not finished:
                    break
                if stopping in finished and self._deadline is None and self._grace is not None:
                    self._deadline = time.monotonic() + self._grace
                for task in [task for task in running if task in finished]:
                    name = running.pop(task)
                    succeeded = task.result()
                    if not todo[name].last:
                        early -= 1 if succeeded else 0
                    if succeeded:
                        for other in dependents.get(name, ()):
                            waiting[other].discard(name)
                            if not waiting[other]:
                                ready.append(other)
        finally:
            stopping.cancel()
            await self._abandon(running, round_)

    async def _abandon(self, running: Mapping[asyncio.Task[bool], str], round_: _Round) -> None:
        """Time is over (`--grace`), or we are being cancelled: what is in flight stays `begun` and is settled later."""
        for task, name in running.items():
            task.cancel()
            round_.unknown.append(name)
        if running:
            await asyncio.wait(set(running))

    def _seconds_left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _is_halted(self, round_: _Round, *, may_stop: bool) -> bool:
        if self._broken is not None or (self._deadline is not None and time.monotonic() >= self._deadline):
            return True
        if round_.undoing or (self._on_failure == "continue" and not self._stop.requested):
            return False
        return bool(round_.failed or round_.unknown) or (may_stop and self._stop.requested)

    async def _one(self, step: Step, round_: _Round, *, unsettled: bool) -> bool:
        began = time.monotonic()
        target = self._plan.target.name
        self._progress.begun(target, step, round_.undoing)
        try:
            filled = filled_step(step, self._outputs)
            done = await self._performer.perform(filled, self._surroundings(step, round_), unsettled=unsettled)
            await self._ended(step, round_, EventType.DONE, began, done=done)
        except StepFailed as failure:
            return await self._failed(step, round_, began, failure)
        except StepUnknown as failure:
            round_.unknown.append(step.id)
            self._found.append(self._finding(step, failure))
            await self._noted(step, EventType.UNKNOWN, failure.summary)
            self._progress.ended(target, step, EventType.UNKNOWN, time.monotonic() - began, self._note(failure))
            return False
        except StepSkipped as why:
            self._progress.ended(target, step, EventType.SKIPPED, time.monotonic() - began, why.summary)
            return False
        except RunError as failure:
            self._broken = self._broken or failure
            return False
        return True

    async def _failed(self, step: Step, round_: _Round, began: float, failure: StepFailed) -> bool:
        round_.failed.append(step.id)
        self._found.append(self._finding(step, failure))
        if failure.happened:
            # The effect is there, so it counts as done for the way back, and the run fails all the same.
            done = Done(etag=failure.etag, note=self._note(failure), outputs=failure.outputs)
            await self._ended(step, round_, EventType.FAILED, began, done=done)
        else:
            await self._noted(step, EventType.FAILED, failure.summary)
            self._progress.ended(
                self._plan.target.name, step, EventType.FAILED, time.monotonic() - began, self._note(failure)
            )
        return False

    async def _ended(self, step: Step, round_: _Round, shown: EventType, began: float, *, done: Done) -> None:
        self._note_effect(step, done.etag, done.outputs)
        self._durations[step.id] = time.monotonic() - began
        self._found += done.warnings
        round_.done.append(step.id)
        try:
            await self._journal.append_event(
                self._run,
                Event(
                    step=step.id,
                    type=EventType.DONE,
                    at=self._clock(),
                    etag=done.etag,
                    outputs=done.outputs,
                    request_id=done.request_id,
                    note=self._redactor.text(done.note),
                ),
            )
            if step.id in round_.undoes:
                await self._journal.append_event(
                    self._run, Event(step=round_.undoes[step.id], type=EventType.UNDONE, at=self._clock())
                )
        except RunError as failure:
            self._broken = self._broken or failure
        self._progress.ended(self._plan.target.name, step, shown, self._durations[step.id], done.note)

    async def _noted(self, step: Step, event: EventType, note: str) -> None:
        try:
            await self._journal.append_event(
                self._run, Event(step=step.id, type=event, at=self._clock(), note=self._redactor.text(note))
            )
        except RunError as failure:
            self._broken = self._broken or failure

    def _finding(self, step: Step, failure: StepFailed | StepUnknown) -> Diagnostic:
        summary, detail = self._redactor.text(failure.summary), self._redactor.text(failure.detail)
        return error(summary, detail=detail, hint=failure.hint, address=str(step.address))

    def _note(self, failure: StepFailed | StepUnknown) -> str:
        """What a line of progress says of it: why, since that line names the step already."""
        return self._redactor.text(failure.detail or failure.summary).partition("\n")[0]

    def _surroundings(self, step: Step, round_: _Round) -> Surroundings:
        parent = parent_of(step.address)
        root = root_of(step.address)

        async def begun() -> None:
            await self._journal.append_event(self._run, Event(step=step.id, type=EventType.BEGUN, at=self._clock()))

        return Surroundings(
            own_etag=self._etags.get(step.address),
            parent_created=parent in self._created,
            children_deleted=self._emptied.get(step.address, ()),
            begun=begun,
            waiting=lambda why, seconds: self._progress.waiting(self._plan.target.name, step, why, seconds),
            in_turn=self._locks.get(root),
            go_in_turn=lambda: self._locks.setdefault(root, asyncio.Lock()),
            halting=lambda seconds: self._halting(round_, seconds),
        )

    async def _halting(self, round_: _Round, seconds: float) -> bool:
        """Sleep; wake up early, and say so, when nothing more is to be started. A way back is not for stopping."""
        if round_.undoing:
            await asyncio.sleep(seconds)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), seconds)
        return self._is_halted(round_, may_stop=True)

    def _standing_ending(self, forward: _Round) -> Ending:
        """How a run ends that is not rolled back."""
        if not forward.done and not forward.unknown and self._broken is None:
            return Ending.FAILED
        return Ending.STOPPED if self._on_failure != "rollback" and not forward.unknown else Ending.NEEDS_ATTENTION

    def _ending_after(self, back: _Round, forward: _Round) -> Ending:
        incomplete = len(back.done) < len(back.steps) or bool(back.failed) or self._lasting(forward)
        if self._broken is not None or incomplete:
            return Ending.NEEDS_ATTENTION
        return Ending.ROLLED_BACK if forward.done else Ending.FAILED

    def _lasting(self, forward: _Round) -> bool:
        return bool(inverse(self._plan.steps, frozenset(forward.done)).lasting)

    def _outcome(self, ending: Ending, forward: _Round, back: _Round | None, began: float) -> Outcome:
        undone = frozenset(back.undoes[name] for name in back.done if name in back.undoes) if back else frozenset[str]()
        by_id = {step.id: step for step in self._plan.steps}
        taken_back = frozenset(by_id[name].address for name in undone if by_id[name].action is Action.CREATE)
        standing = [
            name
            for name in forward.done
            if ending is not Ending.DONE and name not in undone and not goes_with(by_id[name], taken_back)
        ]
        if self._stop.requested and ending is not Ending.DONE:
            self._found.append(error("interrupted", detail="asked to stop; nothing new was started"))
        if self._broken is not None:
            self._found.append(error(self._broken.summary, detail=self._broken.detail, hint=self._broken.hint))
        return Outcome(
            run=self._run,
            target=self._plan.target.name,
            ending=ending,
            done=tuple(forward.done),
            undone=tuple(sorted(undone)),
            leftovers=tuple(standing),
            unknown=(*forward.unknown, *(back.unknown if back else ())),
            undoing=back is not None and bool(back.done or back.unknown),
            diagnostics=tuple(dict.fromkeys(self._found)),
            seconds=time.monotonic() - began,
            durations=dict(self._durations),
        )


def with_spans(found: Iterable[Diagnostic], plan: Plan) -> tuple[Diagnostic, ...]:
    """Findings of a run with the line of the file that each is about."""
    spans = {str(change.address): change.span for change in plan.changes}
    return tuple(replace(one, span=one.span or spans.get(one.address)) for one in found)
