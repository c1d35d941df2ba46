"""One target's run: lease, journal, spool, execute, close; and what is done with a run that an earlier process left."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.app.bench import Bench
from fcdeploy.app.code import Packages
from fcdeploy.diagnostics import error, warning
from fcdeploy.engine.executor import Executor
from fcdeploy.engine.journal import KEEP_UNDO, Journal, RunRecord, fold
from fcdeploy.engine.lease import Lease
from fcdeploy.engine.past import past_run
from fcdeploy.engine.rounds import with_spans
from fcdeploy.engine.standing import done_in, unsettled_in
from fcdeploy.engine.watch import Progress, StopRequest
from fcdeploy.errors import OpenRun, RunError, UsageError
from fcdeploy.model import Ending, Outcome, Plan, SecretSource, archives_in

CLOSING = frozenset({Ending.DONE, Ending.FAILED, Ending.ROLLED_BACK, Ending.LEFTOVERS})
"""Endings that leave nothing for anybody to do; any other leaves the run open (S37)."""

RECOVERIES = ("resume", "rollback", "abandon")


class Manner(Struct, frozen=True, kw_only=True):
    """How runs are carried out, and who watches and may end them; times in seconds.

    `on_failure` is rollback, stop or continue. `recover` says what is done first with a run that has not ended, and
    `lock_timeout` how long another process on the target is waited for. `grace`: how long a stop may take; None: as
    long as it needs. What would undo runs that ended more than `keep_undo` ago is forgotten (S36). `wait`: what settles
    only in time is waited for, each for so long at most; None: it is not. Raises UsageError for an unknown `recover`.
    """

    progress: Progress
    stop: StopRequest
    on_failure: str = "rollback"
    recover: str | None = None
    lock_timeout: float = 0.0
    grace: float | None = None
    keep_undo: float = KEEP_UNDO
    wait: float | None = None

    def __post_init__(self) -> None:
        if self.recover is not None and self.recover not in RECOVERIES:
            raise UsageError(f"unknown recovery {self.recover!r}", hint=f"one of: {', '.join(RECOVERIES)}")


WAITING = 1000
"""Steps at a time when some only wait; the client still sends no more than it may at once."""


def steps_at_once(parallelism: int, *, waiting: bool) -> int:
    """How many steps are under way at a time where so many requests may be.

    A step is longer under way than its request: what it is about to do and what came of it have to be on disk. So
    there are half as many again, of which some are ready to leave when a place gets free; where `waiting`, more.
    """
    return max(parallelism * 3 // 2, WAITING if waiting else 0)


async def acquired(
    journal: Journal, target: str, recover: str | None, timeout: float
) -> tuple[Lease, RunRecord | None]:
    """The lease, and the open run to recover first, under whose name it then is.

    Raises LeaseHeld, and OpenRun when there is an open run and `recover` does not say what to do with it (S37).
    """
    lease: Lease = await journal.acquire(target, timeout=timeout)
    record = await journal.read_open_run(target)
    if record is None:
        return lease, None
    await lease.release()
    if recover is None:
        raise OpenRun(
            f"run {record.id} of target {target} has not ended",
            detail=f"`fcdeploy {record.command}` was interrupted, or left something that needs a person",
            hint="`fcdeploy status` explains it; then `fcdeploy resume`, `fcdeploy rollback` or `fcdeploy abandon`, "
            "or pass --recover resume|rollback|abandon",
        )
    return await journal.acquire(target, run=record.id, timeout=timeout), record


async def write_archives(bench: Bench, journal: Journal, packages: Packages, plan: Plan) -> None:
    """Put every archive that the run will send, or needs to go back, into the journal, durable (S36)."""
    wanted = _archives_of(plan)
    await journal.write_archives(
        {
            sha256: bench.downloads.file(sha256) or packages.path(sha256)
            for sha256 in await journal.missing_archives(wanted)
        }
    )
    # What takes a run back may lie in the journal alone.
    await _read_archives(bench, journal, wanted)


def _archives_of(plan: Plan, done: Collection[str] = ()) -> set[str]:
    """The archives that steps send which are not done, or that any step needs to be taken back."""
    return {
        archive.sha256
        for step in plan.steps
        for body in (*(() if step.id in done else (step.call.body,)), *(undo.call.body for undo in step.undo))
        for archive in archives_in(body)
    }


async def _read_archives(bench: Bench, journal: Journal, wanted: Collection[str]) -> None:
    """Have these at hand to be sent, wherever the run was begun."""
    away = [sha256 for sha256 in wanted if not bench.has_archive(sha256)]
    if away:
        await journal.read_archives(away, bench.downloads.path())


async def execute(
    bench: Bench, journal: Journal, plan: Plan, manner: Manner, *, command: str, plan_id: str = ""
) -> Outcome:
    """Carry out a new plan under the lease that is held; `plan_id` is that of the plan file that it came from."""
    if plan.is_empty:
        return Outcome(run="", target=plan.target.name, project=plan.target.project, ending=Ending.DONE)
    run = await journal.open_run(plan, command, plan_id=plan_id)
    outcome = await _executor(bench, journal, plan, manner, run).execute()
    return await _closed(journal, plan, outcome)


async def resume(bench: Bench, journal: Journal, record: RunRecord, secret: SecretSource, manner: Manner) -> Outcome:
    """Finish an open run: what is done stays done, what is not known is settled by reading, the rest is sent."""
    plan = await read_saved_plan(bench, journal, record, secret)
    events = await journal.read_events(record.id)
    figures = past_run(record, ((event.step, event.type) for event in events))
    if figures.undoing:
        raise RunError(
            f"run {record.id} was being rolled back",
            detail=f"steps undone already: {figures.undone}",
            hint="finish that with `fcdeploy rollback`, then apply again",
        )
    standing = fold(events)
    await _read_archives(bench, journal, _archives_of(plan, done_in(standing)))
    executor = _executor(bench, journal, plan, manner, record.id)
    return await _closed(journal, plan, await executor.execute(standing))


async def roll_back(bench: Bench, journal: Journal, record: RunRecord, secret: SecretSource, manner: Manner) -> Outcome:
    """Undo an open run."""
    plan = await read_saved_plan(bench, journal, record, secret)
    standing = fold(await journal.read_events(record.id))
    await _read_archives(bench, journal, _archives_of(plan, [step.id for step in plan.steps]))
    executor = _executor(bench, journal, plan, manner, record.id)
    return await _closed(journal, plan, await executor.roll_back(standing))


async def abandon(bench: Bench, journal: Journal, record: RunRecord, secret: SecretSource, manner: Manner) -> Outcome:
    """Close an open run as it stands, once what its unanswered calls did is read (S37).

    The next plan reads live state afresh (law 8), so neither a cloud that does not answer nor undo material that is
    gone keeps a run open: what is not known stays so in history.
    """
    standing = fold(await journal.read_events(record.id))
    outcome = Outcome(run=record.id, target=record.target, ending=Ending.STOPPED)
    if unsettled := unsettled_in(standing):
        try:
            plan = await read_saved_plan(bench, journal, record, secret)
        except RunError as problem:
            found = warning(f"run {record.id} is closed as it stands", detail=problem.summary, hint=problem.hint)
            outcome = replace(outcome, unknown=tuple(sorted(unsettled)), diagnostics=(found,))
        else:
            executor = _executor(bench, journal, plan, manner, record.id)
            outcome = await executor.settle(standing)
    await journal.close_run(record.id, Ending.STOPPED)
    return outcome


async def read_saved_plan(bench: Bench, journal: Journal, record: RunRecord, secret: SecretSource) -> Plan:
    """The plan of a run of this target, secrets resolved again. Raises UsageError and RunError."""
    if record.target != bench.site.target.name or record.project != bench.site.project:
        raise UsageError(
            f"run {record.id} belongs to {record.project}/{record.target}",
            hint="run the command with that project's file",
        )
    saved = await journal.read_plan(record.id, secret)
    # The target as the file has it now: endpoint and credentials may have moved, the resources have not.
    return replace(saved, target=bench.site.target)


def _executor(bench: Bench, journal: Journal, plan: Plan, manner: Manner, run: str) -> Executor:
    redactor = bench.redactor(plan)
    return Executor(
        run=run,
        plan=plan,
        performer=bench.performer(redactor, manner.wait),
        journal=journal,
        progress=manner.progress,
        redactor=redactor,
        stop=manner.stop,
        most=steps_at_once(bench.parallelism, waiting=manner.wait is not None),
        on_failure=manner.on_failure,
        grace=manner.grace,
    )


async def _closed(journal: Journal, plan: Plan, outcome: Outcome) -> Outcome:
    outcome = replace(outcome, diagnostics=with_spans(outcome.diagnostics, plan))
    if outcome.ending not in CLOSING:
        return outcome
    try:
        await journal.close_run(outcome.run, outcome.ending)
    except RunError as problem:
        # What the run did stands; only that it ended could not be noted, and so it is found open.
        found = error(problem.summary, detail=problem.detail, hint=problem.hint)
        return replace(outcome, ending=Ending.NEEDS_ATTENTION, diagnostics=(*outcome.diagnostics, found))
    return outcome
