"""Runs a plan's steps: in order of need, side by side, each intent in the journal before its effect (laws 5 to 7).

On a failure nothing new is launched, what is in flight is drained, and what was done is undone in reverse, by steps of
the same kind that go through the same door. What is `last` starts only when everything before it succeeded, and is not
undone when it fails (S34).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from fcdeploy.diagnostics import Diagnostic, error, warning
from fcdeploy.engine.lasting import kept, stays
from fcdeploy.engine.ledger import Ledger
from fcdeploy.engine.outputs import filled_step
from fcdeploy.engine.perform import Performer
from fcdeploy.engine.redact import Redactor
from fcdeploy.engine.results import Done, StepFailed, StepSkipped, StepUnknown, Surroundings
from fcdeploy.engine.rollback import inverse
from fcdeploy.engine.rounds import Round, leftovers
from fcdeploy.engine.schedule import Schedule
from fcdeploy.engine.snapshot import root_of
from fcdeploy.engine.standing import StepStanding, done_in, unsettled_in
from fcdeploy.engine.together import together
from fcdeploy.engine.watch import EventLog, Progress, StopRequest
from fcdeploy.errors import RunError
from fcdeploy.kinds.registry import parent_of
from fcdeploy.model import Address, Ending, Event, EventType, Outcome, Plan, Step


class Executor:
    """Executes one plan of one target, `most` steps side by side. Use once."""

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
        most: int,
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
        self._most = most
        self._on_failure = on_failure
        self._grace = grace
        self._clock = clock
        self._ledger = Ledger()
        self._locks: dict[Address, asyncio.Lock] = {}
        self._found: list[Diagnostic] = []
        self._durations: dict[str, float] = {}
        self._broken: RunError | None = None
        self._deadline: float | None = None

    async def execute(self, standing: Mapping[str, StepStanding] | None = None) -> Outcome:
        """Do everything that is not done yet. `standing` is what an earlier try of this run left behind."""
        began = time.monotonic()
        standing = standing or {}
        forward = self._remembered(standing)
        # What had its effect without keeping its promise is tried again, after a look at what is there.
        again = frozenset(name for name, one in standing.items() if one.happened and one.type is not EventType.DONE)
        await self._perform_all(forward, unsettled_in(standing) | again, again=again)
        if self._broken is None and forward.is_whole and forward.others:
            # Whoever did it may have taken it back since. If so, the step finds that, and is sent after all.
            forward.others.clear()
            await self._perform_all(forward, frozenset())
        if self._broken is None and forward.is_whole:
            return self._outcome(Ending.DONE, forward, None, began)
        last_begun = any(step.last for step in self._plan.steps if step.id in {*forward.done, *forward.failed})
        if self._broken is not None or forward.unknown or last_begun or self._on_failure != "rollback":
            await self._note_left(forward)
            return self._outcome(self._standing_ending(forward), forward, None, began)
        back = await self._roll_back(forward, {})
        ending = self._ending_after(back) if forward.done else self._standing_ending(forward)
        return self._outcome(ending, forward, back, began)

    async def roll_back(self, standing: Mapping[str, StepStanding]) -> Outcome:
        """Undo everything that this run did so far; unsettled steps are settled by reading first."""
        began = time.monotonic()
        forward = self._remembered(standing)
        await self._settle_all(forward, standing)
        if self._broken is not None or forward.unknown:
            # Undoing around an effect that nobody knows of could take away what it stands on.
            return self._outcome(Ending.NEEDS_ATTENTION, forward, None, began)
        back = await self._roll_back(forward, standing)
        return self._outcome(self._ending_after(back), forward, back, began)

    async def settle(self, standing: Mapping[str, StepStanding]) -> Outcome:
        """Find out by reading which steps took effect, forward or back, and leave all as it is (S37, abandon)."""
        began = time.monotonic()
        forward = self._remembered(standing)
        await self._settle_all(forward, standing)
        back = self._way_back(forward, standing)
        await self._settle_all(back, standing)
        return self._outcome(Ending.STOPPED, forward, back, began)

    async def _settle_all(self, round_: Round, standing: Mapping[str, StepStanding]) -> None:
        """Read what became of every step of a round whose answer never came, and note it."""
        unsettled = unsettled_in(standing)
        doubtful = [step for step in round_.steps if step.id in unsettled and step.id not in round_.done]
        await together(self._settle(step, round_) for step in doubtful)

    async def _settle(self, step: Step, round_: Round) -> None:
        began = time.monotonic()
        try:
            filled = filled_step(step, self._ledger.outputs)
            found = await self._performer.read_effect(filled, self._surroundings(step, round_))
        except StepUnknown as failure:
            round_.unknown.append(step.id)
            self._found.append(self._finding(step, failure))
            return
        if found is None:
            await self._noted(self._event(step, EventType.FAILED, note="found not done by reading"))
        else:
            await self._ended(step, round_, EventType.DONE, began, done=found)

    def _remembered(self, standing: Mapping[str, StepStanding]) -> Round:
        """The way forward, with what is there already; its ETags are ours."""
        earlier = self._ledger.note_earlier(self._plan.steps, standing)
        return Round(steps=self._plan.steps, done=dict.fromkeys(earlier))

    def _way_back(self, forward: Round, standing: Mapping[str, StepStanding]) -> Round:
        """What takes back all that was done, with what of it is done already."""
        undo = inverse(self._plan.steps, frozenset(forward.done))
        earlier = done_in(standing)
        return Round(
            steps=undo.steps,
            undoing=True,
            undoes=undo.undoes,
            lasting=undo.lasting,
            done={step.id: None for step in undo.steps if step.id in earlier},
        )

    async def _roll_back(self, forward: Round, standing: Mapping[str, StepStanding]) -> Round:
        back = self._way_back(forward, standing)
        if back.steps:
            self._progress.said(
                self._plan.target.title, f"rolling back {len(back.steps)} step{'s' * (len(back.steps) > 1)}"
            )
        for step in back.lasting:
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
        await self._perform_all(back, unsettled_in(standing))
        return back

    async def _perform_all(
        self, round_: Round, unsettled: frozenset[str], *, again: frozenset[str] = frozenset()
    ) -> None:
        schedule = Schedule(round_.steps, round_.done.keys() - again)
        running: dict[asyncio.Task[bool], Step] = {}
        finished: list[asyncio.Task[bool]] = []
        news = asyncio.Event()

        def note_end(task: asyncio.Task[bool]) -> None:
            finished.append(task)
            news.set()

        stopping = asyncio.create_task(self._stop.wait())
        stopping.add_done_callback(lambda _: news.set())
        try:
            while True:
                while len(running) < self._most and not self._is_halted(round_):
                    step = schedule.take()
                    if step is None:
                        break
                    task = asyncio.create_task(self._one(step, round_, unsettled=step.id in unsettled))
                    task.add_done_callback(note_end)
                    running[task] = step
                if not running:
                    break
                try:
                    await asyncio.wait_for(news.wait(), self._seconds_left())
                except TimeoutError:
                    if not finished:
                        break
                news.clear()
                if stopping.done() and self._deadline is None and self._grace is not None:
                    self._deadline = time.monotonic() + self._grace
                for task in finished:
                    step = running.pop(task)
                    if task.result():
                        schedule.succeeded(step)
                finished.clear()
        finally:
            stopping.cancel()
            await self._abandon(running, round_)
            round_.left = schedule.not_taken

    async def _abandon(self, running: Mapping[asyncio.Task[bool], Step], round_: Round) -> None:
        """Time is over (`--grace`), or we are being cancelled: what is in flight stays `begun` and is settled later."""
        for task, step in running.items():
            task.cancel()
            round_.unknown.append(step.id)
        if running:
            await asyncio.wait(set(running))

    async def _note_left(self, round_: Round) -> None:
        """With `--on-failure continue`: what was left out because something that it needs failed."""
        if self._on_failure == "continue" and not self._stop.requested and self._broken is None:
            await self._noted(
                *(self._event(step, EventType.SKIPPED, note="what it needs failed") for step in round_.left)
            )

    def _seconds_left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _is_halted(self, round_: Round) -> bool:
        if self._broken is not None or (self._deadline is not None and time.monotonic() >= self._deadline):
            return True
        if round_.undoing or (self._on_failure == "continue" and not self._stop.requested):
            return False
        return bool(round_.failed or round_.unknown) or self._stop.requested

    async def _one(self, step: Step, round_: Round, *, unsettled: bool) -> bool:
        began = time.monotonic()
        target = self._plan.target.title
        self._progress.begun(target, step, round_.undoing)
        try:
            filled = filled_step(step, self._ledger.outputs)
            done = await self._performer.perform(filled, self._surroundings(step, round_), unsettled=unsettled)
        except StepFailed as failure:
            return await self._failed(step, round_, began, failure)
        except StepUnknown as failure:
            round_.unknown.append(step.id)
            self._found.append(self._finding(step, failure))
            await self._noted(self._event(step, EventType.UNKNOWN, note=self._note(failure)))
            self._progress.ended(target, step, EventType.UNKNOWN, time.monotonic() - began, self._note(failure))
            return False
        except StepSkipped as why:
            note = self._redactor.text(why.summary)
            await self._noted(self._event(step, EventType.SKIPPED, note=note))
            self._progress.ended(target, step, EventType.SKIPPED, time.monotonic() - began, note)
            return False
        except RunError as failure:
            self._broken = self._broken or failure
            return False
        if done.ours or round_.undoing:
            await self._ended(step, round_, EventType.DONE, began, done=done)
        else:
            await self._left_alone(step, round_, began, done)
        return True

    async def _left_alone(self, step: Step, round_: Round, began: float, done: Done) -> None:
        """What the step was to do is there, and somebody else did it: nothing of it is this run's to take back."""
        self._ledger.note_effect(step, None, done.outputs)
        self._found += done.warnings
        round_.others[step.id] = None
        await self._noted(self._event(step, EventType.SKIPPED, note=done.note))
        self._progress.ended(self._plan.target.title, step, EventType.DONE, time.monotonic() - began, done.note)

    async def _failed(self, step: Step, round_: Round, began: float, failure: StepFailed) -> bool:
        round_.failed.append(step.id)
        self._found.append(self._finding(step, failure))
        if failure.happened:
            # The effect is there and is to be taken back, and the run fails all the same.
            done = Done(etag=failure.etag, note=self._note(failure), outputs=failure.outputs)
            await self._ended(step, round_, EventType.FAILED, began, done=done)
        else:
            await self._noted(self._event(step, EventType.FAILED, note=self._note(failure)))
            self._progress.ended(
                self._plan.target.title, step, EventType.FAILED, time.monotonic() - began, self._note(failure)
            )
        return False

    async def _ended(self, step: Step, round_: Round, ending: EventType, began: float, *, done: Done) -> None:
        self._ledger.note_effect(step, done.etag, done.outputs)
        self._durations[step.id] = time.monotonic() - began
        self._found += done.warnings
        round_.done[step.id] = None
        events = [self._event(step, EventType.DONE, note=done.note, done=done)]
        if ending is not EventType.DONE:
            events.append(self._event(step, ending, note=done.note))
        events += [Event(step=name, type=EventType.UNDONE, at=self._clock()) for name in round_.undoes.get(step.id, ())]
        await self._noted(*events)
        self._progress.ended(self._plan.target.title, step, ending, self._durations[step.id], done.note)

    def _event(self, step: Step, type_: EventType, *, note: str, done: Done | None = None) -> Event:
        """What the journal says of a step; `note` has nothing foreign in it that is not redacted."""
        if done is None:
            return Event(step=step.id, type=type_, at=self._clock(), note=note)
        return Event(
            step=step.id,
            type=type_,
            at=self._clock(),
            etag=done.etag,
            outputs=done.outputs,
            request_id=done.request_id,
            note=note,
        )

    async def _noted(self, *events: Event) -> None:
        """All of them at once or none: no crash comes between an effect and what it means for another step."""
        try:
            await self._journal.append_events(self._run, *events)
        except RunError as failure:
            self._broken = self._broken or failure

    def _finding(self, step: Step, failure: StepFailed | StepUnknown) -> Diagnostic:
        summary, detail = self._redactor.text(failure.summary), self._redactor.text(failure.detail)
        return error(summary, detail=detail, hint=failure.hint, address=str(step.address))

    def _note(self, failure: StepFailed | StepUnknown) -> str:
        """What a line of progress says of it: why, since that line names the step already."""
        return self._redactor.text(failure.detail or failure.summary).partition("\n")[0]

    def _surroundings(self, step: Step, round_: Round) -> Surroundings:
        parent = parent_of(step.address)
        root = root_of(step.address)

        async def begun() -> None:
            await self._journal.append_events(self._run, Event(step=step.id, type=EventType.BEGUN, at=self._clock()))

        def leaving() -> None:
            if self._is_halted(round_):
                raise StepSkipped("the run was to end before it was sent")

        return Surroundings(
            own_etag=self._ledger.etag(step.address),
            parent_created=self._ledger.is_new(parent),
            children_deleted=self._ledger.emptied_of(step.address),
            deleted=self._ledger.deleted,
            begun=begun,
            leaving=leaving,
            waiting=lambda why, seconds: self._progress.waiting(self._plan.target.title, step, why, seconds),
            in_turn=self._locks.get(root),
            go_in_turn=lambda: self._locks.setdefault(root, asyncio.Lock()),
            halting=lambda seconds: self._halting(round_, seconds),
        )

    async def _halting(self, round_: Round, seconds: float) -> bool:
        """Sleep; wake up early, and say so, when nothing more is to be started. A way back is not for stopping."""
        if round_.undoing:
            await asyncio.sleep(seconds)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), seconds)
        return self._is_halted(round_)

    def _standing_ending(self, forward: Round) -> Ending:
        """How a run ends that is not rolled back."""
        if not forward.done and not forward.unknown and self._broken is None:
            return Ending.FAILED
        return Ending.STOPPED if self._on_failure != "rollback" and not forward.unknown else Ending.NEEDS_ATTENTION

    def _ending_after(self, back: Round) -> Ending:
        if self._broken is not None or not back.is_whole:
            return Ending.NEEDS_ATTENTION
        return Ending.LEFTOVERS if back.lasting else Ending.ROLLED_BACK

    def _outcome(self, ending: Ending, forward: Round, back: Round | None, began: float) -> Outcome:
        if self._stop.requested and ending is not Ending.DONE:
            self._found.append(error("interrupted", detail="asked to stop; nothing new was started"))
        if self._broken is not None:
            self._found.append(error(self._broken.summary, detail=self._broken.detail, hint=self._broken.hint))
        return Outcome(
            run=self._run,
            target=self._plan.target.name,
            project=self._plan.target.project,
            ending=ending,
            done=tuple(forward.done),
            undone=tuple(sorted(back.undone)) if back else (),
            leftovers=() if ending is Ending.DONE else leftovers(forward, back),
            unknown=(*forward.unknown, *(back.unknown if back else ())),
            undoing=back is not None and bool(back.done or back.unknown),
            diagnostics=tuple(dict.fromkeys(self._found)),
            seconds=time.monotonic() - began,
            durations=dict(self._durations),
        )
