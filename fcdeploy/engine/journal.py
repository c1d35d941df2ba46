"""What is remembered of runs: intents, outcomes and history (laws 5 to 8).

`Journal` is what the rest knows of it; `SqliteJournal` keeps it in the state folder of one machine. For ever it holds
only what may be kept so: addresses, actions, times, ETags, outputs, request ids and redacted notes. A plan as a whole
holds live values (an environment variable that is about to be overwritten) and is kept apart until `forget` removes it.
Secrets of the spec are references in both (S36).

The order of a run:

    lease = await journal.acquire(target)          # LeaseHeld
    await journal.read_open_run(target)            # resume, roll back or abandon it first
    run = await journal.open_run(plan, command)    # archives are kept already
    await journal.append_events(run, begun)        # durable; only now may the call be sent
    await journal.append_events(run, done)
    await journal.close_run(run, ending)
    await lease.release()
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from fcdeploy.engine.journal_rows import RunRecord as RunRecord
from fcdeploy.engine.lease import Lease
from fcdeploy.engine.standing import StepStanding as StepStanding
from fcdeploy.engine.standing import fold as fold
from fcdeploy.errors import JournalError, OpenRun, RunError
from fcdeploy.model import Ending, Event, EventType, Plan, SecretSource

KEEP_UNDO = 14 * 86400.0
"""Seconds that undo material outlives its run, unless told otherwise (S36)."""


class Journal(Protocol):
    """Where runs are remembered. Everything that writes is durable when it returns and needs the target's lease."""

    async def acquire(self, target: str, *, run: str = "", timeout: float = 0.0) -> Lease:
        """Take the lease of a target for a new run, or for the open one named; LeaseHeld after `timeout` seconds."""
        ...

    async def missing_archives(self, sha256s: Collection[str]) -> frozenset[str]:
        """Which archives, by their hex SHA-256, are not kept here."""
        ...

    async def write_archives(self, files: Mapping[str, Path]) -> None:
        """Keep the archives in these files, by their hex SHA-256; durable. Nobody writes into the files again."""
        ...

    async def read_archives(self, sha256s: Collection[str], folder: Path) -> None:
        """Put the archives that are kept where this machine cannot send them from into files of `folder`, by SHA-256.

        Raises JournalError for one that is not kept.
        """
        ...

    async def open_run(self, plan: Plan, command: str, *, plan_id: str = "", spec_digest: str = "") -> str:
        """Save the plan and open the run that the lease names; OpenRun when another one has not ended.

        JournalError when an archive to be sent is not kept here (S36).
        """
        ...

    async def append_events(self, run: str, *events: Event) -> None:
        """Add events, all or none. Only after a `begun` has returned may its call be sent.

        LeaseLost, JournalError: stop.
        """
        ...

    async def append_material(self, run: str, sha256: str) -> None:
        """Note that the run needs what is kept under this SHA-256, so that `forget` leaves it alone."""
        ...

    async def close_run(self, run: str, ending: Ending) -> None:
        """The run has ended."""
        ...

    async def read_open_run(self, target: str) -> RunRecord | None:
        """The run of a target that has not ended, if there is one; it may be another process's, at work now."""
        ...

    async def read_run(self, run: str) -> RunRecord:
        """One run; RunError when there is none of that id."""
        ...

    async def find_run(self, run: str) -> RunRecord | None:
        """One run, if there is one of that id."""
        ...

    async def find_use(self, plan_id: str) -> RunRecord | None:
        """The run that a plan file was used for, if there is one."""
        ...

    async def read_runs(self, *, limit: int = -1) -> list[RunRecord]:
        """Runs, newest first, all or the first `limit`."""
        ...

    async def read_words(self, run: str) -> list[tuple[str, EventType]]:
        """The events of a run in their order, only which step each is about and what it says of it."""
        ...

    async def count_runs(self) -> int:
        """How many runs there are."""
        ...

    async def read_events(self, run: str) -> list[Event]:
        """The events of a run in the order they were appended."""
        ...

    async def read_plan(self, run: str, secret: SecretSource) -> Plan:
        """The saved plan without its `changes`, secrets resolved again; JournalError when it was forgotten."""
        ...

    async def forget(self, target: str, *, older_than: float = KEEP_UNDO, keep: Collection[str] = ()) -> int:
        """Drop plans and undo material of runs that ended more than `older_than` seconds ago, history stays.

        `keep` names runs to spare, whose rollout is still open. Between `acquire` and the first archive.
        Returns how many runs were stripped.
        """
        ...

    async def close(self) -> None:
        """Finish writing and let go of the file or connection. Idempotent."""
        ...


def new_run_id() -> str:
    """An id that sorts by time of making and is said easily over the phone: `20250131-142501-3fa9c1d2` (UTC)."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"


def open_run_found(run: str, target: str) -> OpenRun:
    """That a run is in the way of another."""
    return OpenRun(
        f"run {run} of {target} has not ended",
        hint="finish it with `fcdeploy resume` or `fcdeploy rollback`, or use `--recover`",
    )


def no_such_run(run: str) -> RunError:
    """That there is no run of an id."""
    return RunError(f"there is no run {run}", hint="`fcdeploy history` lists the runs")


def run_ended(run: str) -> RunError:
    """That nothing can be added to a run any more."""
    return RunError(f"run {run} has ended", hint="plan again")


def plan_forgotten(run: str) -> JournalError:
    """That a run's plan is gone, as it has to be in time."""
    return JournalError(
        f"the plan of run {run} was forgotten",
        detail="its time was over (`--keep-undo`)",
        hint="it can no longer be rolled back; plan and apply an earlier version of the files instead",
    )


def archives_missing(sha256s: Collection[str]) -> JournalError:
    """That a run would be opened without what it sends (S36)."""
    return JournalError("archives are to be kept before a run is opened", detail=", ".join(sorted(sha256s)))
