"""The journal of one machine: a database file in the state folder, archives and plans as files beside it (S35).

A plan as a whole lies in `undo/` as a file of mode 0600, named by its hash, until `forget` removes it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

from fcdeploy import __version__
from fcdeploy.engine.journal import (
    KEEP_UNDO,
    archives_missing,
    new_run_id,
    no_such_run,
    open_run_found,
    plan_forgotten,
    run_ended,
)
from fcdeploy.engine.journal_file import JournalFile
from fcdeploy.engine.journal_look import OPEN, records_in, words_in
from fcdeploy.engine.journal_rows import (
    EVENT_COLUMNS,
    RUN_COLUMNS,
    EventRow,
    RunRecord,
    from_event_row,
    from_plan_text,
    to_event_row,
    to_plan_text,
    to_summary_text,
)
from fcdeploy.engine.lease import SqliteLease, acquire
from fcdeploy.engine.spool import Spool
from fcdeploy.errors import LeaseLost
from fcdeploy.model import Ending, Event, EventType, Plan, SecretSource, archives_in

_ROWS = 100
"""Events in one statement: an SQLite from before 3.32 takes 999 values in one."""

_EVENT_MARKS = f"({', '.join('?' * (2 + len(EVENT_COLUMNS.split(', '))))})"


class SqliteJournal:
    """A journal of one project and target in one folder: `journal.db`, `spool/` and `undo/` beside it (S35)."""

    def __init__(self, file: JournalFile) -> None:
        self.file = file
        self.spool = Spool(file.path.parent / "spool")
        self.undo = Spool(file.path.parent / "undo")
        self._leases: dict[str, SqliteLease] = {}

    @classmethod
    def open(cls, path: Path, *, trace: Callable[[str], object] | None = None) -> Self:
        """Open or make the file; raises JournalError when it is not one of ours, newer, damaged or cannot be used."""
        return cls(JournalFile.open(path, trace=trace))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def acquire(self, target: str, *, run: str = "", timeout: float = 0.0) -> SqliteLease:
        """See `Journal.acquire`."""
        self._leases[target] = await acquire(self.file, target, run or new_run_id(), timeout=timeout)
        return self._leases[target]

    def use_lease(self, lease: SqliteLease) -> None:
        """Write under a lease that was taken elsewhere, with times or a holder of its own."""
        self._leases[lease.target] = lease

    async def missing_archives(self, sha256s: Collection[str]) -> frozenset[str]:
        """See `Journal.missing_archives`."""
        return frozenset(sha256 for sha256 in sha256s if not self.spool.holds(sha256))

    async def write_archives(self, files: Mapping[str, Path]) -> None:
        """See `Journal.write_archives`."""
        if files:
            # Each is read to the end once more; what else the command is at goes on meanwhile.
            await asyncio.to_thread(self.spool.adopt_files, [files[one] for one in sorted(files)], immutable=True)

    async def read_archives(self, sha256s: Collection[str], folder: Path) -> None:
        """See `Journal.read_archives`: what the spool has is sent from there."""

    async def open_run(self, plan: Plan, command: str, *, plan_id: str = "", spec_digest: str = "") -> str:
        """See `Journal.open_run`."""
        target = plan.target.name
        lease = self._lease_of(target)
        to_send = {archive.sha256 for step in plan.steps for archive in archives_in(step.call.body)}
        if missing := await self.missing_archives(to_send):
            raise archives_missing(missing)
        back = {archive.sha256 for step in plan.steps for undo in step.undo for archive in archives_in(undo.call.body)}
        summary = to_summary_text(plan)
        sha256 = await asyncio.to_thread(self.undo.write_bytes, to_plan_text(plan).encode())

        def work(connection: sqlite3.Connection) -> str:
            lease.check_in(connection)
            row = connection.execute("SELECT id FROM runs WHERE target = ? AND ended IS NULL", (target,)).fetchone()
            if row:
                raise open_run_found(row[0], target)
            connection.execute(
                f"INSERT INTO runs ({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, NULL, NULL, ?, ?, ?, ?, ?, ?)",
                (
                    *(lease.run, plan.project, target, command, time.time()),
                    *(summary, sha256, plan_id, spec_digest, __version__, str(lease.holder)),
                ),
            )
            _write_materials(connection, lease.run, {sha256} | to_send | back)
            return lease.run

        return await self.file.write(work)

    async def append_events(self, run: str, *events: Event) -> None:
        """See `Journal.append_events`. Appends that wait together share one commit, one check and one statement."""
        await self.file.write_piece(self._write_events, run, list(map(to_event_row, events)))

    def _write_events(
        self, connection: sqlite3.Connection, run: str, pieces: Callable[[], Sequence[Sequence[EventRow]]]
    ) -> None:
        last = self._check_open(connection, run)
        rows = [(run, seq, *row) for seq, row in enumerate(chain.from_iterable(pieces()), last + 1)]
        # Each statement lets another thread go first, so there is one for many rows.
        for some in (rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)):
            marks = ", ".join([_EVENT_MARKS] * len(some))
            connection.execute(
                f"INSERT INTO events (run, seq, {EVENT_COLUMNS}) VALUES {marks}", list(chain.from_iterable(some))
            )

    async def append_material(self, run: str, sha256: str) -> None:
        """See `Journal.append_material`."""

        def work(connection: sqlite3.Connection) -> None:
            self._check_open(connection, run)
            _write_materials(connection, run, {sha256})

        await self.file.write(work)

    async def close_run(self, run: str, ending: Ending) -> None:
        """See `Journal.close_run`."""

        def work(connection: sqlite3.Connection) -> None:
            self._check_open(connection, run)
            connection.execute("UPDATE runs SET ended = ?, ending = ? WHERE id = ?", (time.time(), ending.value, run))

        await self.file.write(work)

    async def read_open_run(self, target: str) -> RunRecord | None:
        """See `Journal.read_open_run`."""
        found = await self._read_records(OPEN, target)
        return found[0] if found else None

    async def read_run(self, run: str) -> RunRecord:
        """See `Journal.read_run`."""
        if (found := await self.find_run(run)) is None:
            raise no_such_run(run)
        return found

    async def find_run(self, run: str) -> RunRecord | None:
        """See `Journal.find_run`."""
        found = await self._read_records("WHERE id = ?", run)
        return found[0] if found else None

    async def find_use(self, plan_id: str) -> RunRecord | None:
        """See `Journal.find_use`."""
        found = await self._read_records("WHERE plan_id = ?", plan_id)
        return found[0] if found else None

    async def read_runs(self, *, limit: int = -1) -> list[RunRecord]:
        """See `Journal.read_runs`. By the order of opening, not by a clock."""
        return await self._read_records("ORDER BY number DESC LIMIT ?", limit)

    async def read_events(self, run: str) -> list[Event]:
        """See `Journal.read_events`."""
        rows = await self.file.read(
            lambda connection: connection.execute(
                f"SELECT {EVENT_COLUMNS} FROM events WHERE run = ? ORDER BY seq", (run,)
            ).fetchall()
        )
        return [from_event_row(row) for row in rows]

    async def read_words(self, run: str) -> list[tuple[str, EventType]]:
        """See `Journal.read_words`."""
        return await self.file.read(lambda connection: words_in(connection, run))

    async def count_runs(self) -> int:
        """See `Journal.count_runs`."""
        (number,) = await self.file.read(lambda connection: connection.execute("SELECT count(*) FROM runs").fetchone())
        return int(number)

    async def read_plan(self, run: str, secret: SecretSource) -> Plan:
        """See `Journal.read_plan`."""
        record = await self.read_run(run)
        if record.plan is None:
            raise plan_forgotten(run)
        return from_plan_text(await asyncio.to_thread(self.undo.read_bytes, record.plan), secret)

    async def forget(self, target: str, *, older_than: float = KEEP_UNDO, keep: Collection[str] = ()) -> int:
        """See `Journal.forget`."""
        lease, oldest = self._lease_of(target), time.time() - older_than

        def due(connection: sqlite3.Connection) -> list[tuple[str]]:
            lease.check_in(connection)
            found = connection.execute(
                "SELECT id FROM runs WHERE target = ? AND plan IS NOT NULL AND ended < ?", (target, oldest)
            ).fetchall()
            return [(run,) for (run,) in found if run not in keep]

        def work(connection: sqlite3.Connection) -> None:
            lease.check_in(connection)
            connection.executemany("UPDATE runs SET plan = NULL WHERE id = ?", stripped)
            connection.executemany("UPDATE events SET outputs = '{}' WHERE run = ?", stripped)
            connection.executemany("DELETE FROM materials WHERE run = ?", stripped)

        stripped = await self.file.read(due)
        if stripped:
            await self.file.write(work)
        rows = await self.file.read(lambda connection: connection.execute("SELECT sha256 FROM materials").fetchall())
        needed = {sha256 for (sha256,) in rows}
        # Only now, when nothing refers to them any more; files that a crash leaves here go the next time.
        for store in (self.spool, self.undo):
            await asyncio.to_thread(store.forget, needed)
        return len(stripped)

    async def close(self) -> None:
        """See `Journal.close`. Leases that were not released stay, to be taken over from a dead process."""
        for lease in self._leases.values():
            await asyncio.to_thread(lease.stop_beating)
        await asyncio.to_thread(self.file.close)

    def _lease_of(self, target: str) -> SqliteLease:
        if target not in self._leases:
            raise LeaseLost(f"this process does not hold the lease of {target}")
        return self._leases[target]

    def _check_open(self, connection: sqlite3.Connection, run: str) -> int:
        """The number of a run's last event. In the writing transaction: it is open, its target's lease still ours."""
        row = connection.execute(
            "SELECT runs.target, ended, epoch, lease.holder,"
            " (SELECT coalesce(max(seq), 0) FROM events WHERE run = runs.id)"
            " FROM runs LEFT JOIN lease ON lease.target = runs.target WHERE runs.id = ?",
            (run,),
        ).fetchone()
        if row is None:
            raise no_such_run(run)
        target, ended, epoch, holder, last = row
        lease = self._lease_of(target)
        if epoch != lease.epoch or holder is None:
            lease.check_in(connection)
        if ended is not None:
            raise run_ended(run)
        return int(last)

    async def _read_records(self, where: str, *values: str | int) -> list[RunRecord]:
        return await self.file.read(lambda connection: records_in(connection, where, *values))


def _write_materials(connection: sqlite3.Connection, run: str, sha256s: Collection[str]) -> None:
    rows = [(run, sha256) for sha256 in sorted(sha256s)]
    connection.executemany("INSERT OR IGNORE INTO materials (run, sha256) VALUES (?, ?)", rows)
