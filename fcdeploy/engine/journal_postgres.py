"""The journal of a team: the same as on one machine, in a PostgreSQL database, for any machine to go on with (S35).

What history keeps is as plain as in the file of one machine. Plans, which hold live values, and archives are sealed
(`journal_key`); without the key a run can be found, shown and abandoned, and nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import time
import zlib
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, LiteralString, Self

from fcdeploy import __version__
from fcdeploy.engine import lease_postgres
from fcdeploy.engine.holder import Holder
from fcdeploy.engine.journal import (
    KEEP_UNDO,
    archives_missing,
    new_run_id,
    no_such_run,
    open_run_found,
    plan_forgotten,
    run_ended,
)
from fcdeploy.engine.journal_key import JournalKey, passphrase_of, wrong_key
from fcdeploy.engine.journal_rows import (
    RunRecord,
    from_event_row,
    from_plan_text,
    from_run_row,
    to_event_row,
    to_plan_text,
    to_summary_text,
)
from fcdeploy.engine.lease_postgres import LASTS, PostgresLease
from fcdeploy.engine.postgres_connection import PostgresConnection, Transaction
from fcdeploy.engine.postgres_layout import has_layout, write_layout
from fcdeploy.engine.postgres_store import SealedStore
from fcdeploy.engine.postgres_url import shown_url
from fcdeploy.errors import JournalError, LeaseLost
from fcdeploy.model import Ending, Event, EventType, Plan, SecretSource, archives_in

_RUNS: LiteralString = (
    "SELECT id, project, target, command, started, ended, ending, steps, plan, plan_id, spec_digest, tool_version,"
    " holder FROM fcdeploy.runs WHERE project = %s AND target = %s"
)

_EVENTS: LiteralString = (
    "SELECT step, type, at, etag, outputs, request_id, note FROM fcdeploy.events WHERE run = %s ORDER BY seq"
)


class PostgresJournal:
    """The journal of one project and target. `passphrase` is what FCDEPLOY_JOURNAL_KEY says, if anything."""

    def __init__(self, db: PostgresConnection, scope: tuple[str, str], passphrase: str | None, lasts: float) -> None:
        self.db = db
        self._project, self._target = scope
        self._passphrase = passphrase
        self._lasts = lasts
        self._store = SealedStore(db, *scope)
        self._lease: PostgresLease | None = None
        self._key: JournalKey | None = None

    @classmethod
    async def open(
        cls, url: str, project: str, target: str, *, passphrase: str | None = None, lasts: float = LASTS
    ) -> Self:
        """Connect, and make the tables where there are none; for runs, so the key must be there and be the right one.

        `lasts`: seconds that a lease of ours lasts after its holder was heard of. Raises JournalError.
        """
        passphrase_of(passphrase, shown_url(url))
        scope = (project, target)
        db, _ = await asyncio.to_thread(
            PostgresConnection.open, url, scope, partial(write_layout, journal=shown_url(url)), patience=lasts
        )
        journal = cls(db, scope, passphrase, lasts)
        try:
            await journal._write_key_check()
        except BaseException:
            await journal.close()
            raise
        return journal

    @classmethod
    async def open_existing(
        cls, url: str, project: str, target: str, *, passphrase: str | None = None, lasts: float = LASTS
    ) -> Self | None:
        """Connect, and write nothing; None where there are no tables. Raises JournalError."""
        scope = (project, target)
        db, there = await asyncio.to_thread(
            PostgresConnection.open, url, scope, partial(has_layout, journal=shown_url(url)), patience=lasts
        )
        if not there:
            await asyncio.to_thread(db.close)
            return None
        return cls(db, scope, passphrase, lasts)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def acquire(
        self, target: str, *, run: str = "", timeout: float = 0.0, holder: Holder | None = None
    ) -> PostgresLease:
        """See `Journal.acquire`."""
        if target != self._target:
            raise ValueError(f"this is the journal of {self._target}, not of {target}")
        self._lease = await lease_postgres.acquire(
            self.db,
            self._project,
            target,
            run or new_run_id(),
            timeout=timeout,
            lasts=self._lasts,
            holder=holder,
        )
        return self._lease

    async def missing_archives(self, sha256s: Collection[str]) -> frozenset[str]:
        """See `Journal.missing_archives`."""
        if not sha256s:
            return frozenset()
        key = await self._read_key()
        names = {key.name_of(sha256): sha256 for sha256 in sha256s}
        there = await self._store.read_whole(names)
        return frozenset(sha256 for name, sha256 in names.items() if name not in there)

    async def write_archives(self, files: Mapping[str, Path]) -> None:
        """See `Journal.write_archives`."""
        for sha256 in sorted(files):
            key = await self._read_key()
            try:
                with files[sha256].open("rb") as content:
                    await self._store.write(key, key.name_of(sha256), content, self._held().check_in)
            except OSError as error:
                raise JournalError(f"{files[sha256]} cannot be read", detail=error.strerror or str(error)) from error

    async def read_archives(self, sha256s: Collection[str], folder: Path) -> None:
        """See `Journal.read_archives`."""
        for sha256 in sorted(sha256s):
            if not (folder / sha256).is_file():
                await self._store.read_file(await self._read_key(), sha256, folder / sha256)

    async def open_run(self, plan: Plan, command: str, *, plan_id: str = "", spec_digest: str = "") -> str:
        """See `Journal.open_run`."""
        lease, key = self._held(), await self._read_key()
        to_send = {archive.sha256 for step in plan.steps for archive in archives_in(step.call.body)}
        if missing := await self.missing_archives(to_send):
            raise archives_missing(missing)
        back = {archive.sha256 for step in plan.steps for undo in step.undo for archive in archives_in(undo.call.body)}
        summary = to_summary_text(plan)
        packed = await asyncio.to_thread(zlib.compress, to_plan_text(plan).encode(), 1)
        name = key.name_of(hashlib.sha256(packed).hexdigest())
        if not await self._store.read_whole([name]):
            await self._store.write(key, name, io.BytesIO(packed), lease.check_in)
        names = {name, *map(key.name_of, to_send | back)}

        def work(transaction: Transaction) -> str:
            lease.check_in(transaction)
            if found := transaction.found(f"{_RUNS} AND ended IS NULL", *self._scope):
                raise open_run_found(found[0], self._target)
            transaction.change(
                "INSERT INTO fcdeploy.runs (id, project, target, command, started, steps, plan, plan_id, spec_digest,"
                " tool_version, holder) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                *(lease.run, *self._scope, command, time.time()),
                *(summary, name, plan_id, spec_digest, __version__, str(lease.holder)),
            )
            _write_materials(transaction, lease.run, names)
            return lease.run

        return await self.db.write(work)

    async def append_events(self, run: str, *events: Event) -> None:
        """See `Journal.append_events`. Appends that wait together share one commit."""
        lease = self._held()
        rows = [tuple(map(_storable, to_event_row(event))) for event in events]

        def work(transaction: Transaction) -> None:
            self._check_open(transaction, run)
            number = self._last_number(transaction, run)
            for row in rows:
                number += 1
                transaction.change(
                    "INSERT INTO fcdeploy.events (run, seq, step, type, at, etag, outputs, request_id, note)"
                    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    *(run, number, *row),
                )
            transaction.seen[f"events of {run}"] = number

        asked = lease_postgres.now()
        await self.db.write(work)
        if any(event.type is EventType.BEGUN for event in events):
            await lease.check_since(asked)

    async def append_material(self, run: str, sha256: str) -> None:
        """See `Journal.append_material`."""
        name = (await self._read_key()).name_of(sha256)

        def work(transaction: Transaction) -> None:
            self._check_open(transaction, run)
            _write_materials(transaction, run, {name})

        await self.db.write(work)

    async def close_run(self, run: str, ending: Ending) -> None:
        """See `Journal.close_run`."""

        def work(transaction: Transaction) -> None:
            self._check_open(transaction, run)
            transaction.change(
                "UPDATE fcdeploy.runs SET ended = %s, ending = %s WHERE id = %s", time.time(), ending.value, run
            )
            transaction.seen[f"run {run}"] = (self._target, True)

        await self.db.write(work)

    async def read_open_run(self, target: str) -> RunRecord | None:
        """See `Journal.read_open_run`."""
        if target != self._target:
            return None
        found = await self._read_records(f"{_RUNS} AND ended IS NULL")
        return found[0] if found else None

    async def read_run(self, run: str) -> RunRecord:
        """See `Journal.read_run`."""
        if (found := await self.find_run(run)) is None:
            raise no_such_run(run)
        return found

    async def find_run(self, run: str) -> RunRecord | None:
        """See `Journal.find_run`."""
        found = await self._read_records(f"{_RUNS} AND id = %s", run)
        return found[0] if found else None

    async def find_use(self, plan_id: str) -> RunRecord | None:
        """See `Journal.find_use`."""
        found = await self._read_records(f"{_RUNS} AND plan_id = %s ORDER BY number LIMIT 1", plan_id)
        return found[0] if found else None

    async def read_runs(self, *, limit: int = -1) -> list[RunRecord]:
        """See `Journal.read_runs`. By the order of opening, not by a clock."""
        return await self._read_records(f"{_RUNS} ORDER BY number DESC LIMIT %s", limit if limit >= 0 else None)

    async def read_events(self, run: str) -> list[Event]:
        """See `Journal.read_events`."""
        rows = await self.db.read(lambda transaction: transaction.rows(_EVENTS, run))
        return [from_event_row(row) for row in rows]

    async def read_words(self, run: str) -> list[tuple[str, EventType]]:
        """See `Journal.read_words`."""
        rows = await self.db.read(
            lambda transaction: transaction.rows(
                "SELECT step, type FROM fcdeploy.events WHERE run = %s ORDER BY seq", run
            )
        )
        return [(step, EventType(kind)) for step, kind in rows]

    async def count_runs(self) -> int:
        """See `Journal.count_runs`."""
        (number,) = await self.db.read(
            lambda transaction: transaction.row(
                "SELECT count(*) FROM fcdeploy.runs WHERE project = %s AND target = %s", *self._scope
            )
        )
        return int(number)

    async def read_plan(self, run: str, secret: SecretSource) -> Plan:
        """See `Journal.read_plan`. Raises JournalError without the key."""
        record = await self.read_run(run)
        if record.plan is None:
            raise plan_forgotten(run)
        packed = io.BytesIO()
        await self._store.read(await self._read_key(), record.plan, packed)
        return from_plan_text(await asyncio.to_thread(zlib.decompress, packed.getvalue()), secret)

    async def forget(self, target: str, *, older_than: float = KEEP_UNDO, keep: Collection[str] = ()) -> int:
        """See `Journal.forget`."""
        lease = self._held()

        def work(transaction: Transaction) -> int:
            lease.check_in(transaction)
            due = transaction.rows(
                "SELECT id FROM fcdeploy.runs"
                " WHERE project = %s AND target = %s AND plan IS NOT NULL AND ended < %s AND id <> ALL(%s)",
                *(*self._scope, time.time() - older_than, list(keep)),
            )
            stripped = [run for (run,) in due]
            if stripped:
                transaction.change("UPDATE fcdeploy.runs SET plan = NULL WHERE id = ANY(%s)", stripped)
                transaction.change("UPDATE fcdeploy.events SET outputs = '{}' WHERE run = ANY(%s)", stripped)
                transaction.change("DELETE FROM fcdeploy.materials WHERE run = ANY(%s)", stripped)
            self._store.forget(transaction)
            return len(stripped)

        return await self.db.write(work)

    async def close(self) -> None:
        """See `Journal.close`. A lease that was not released stays until its time is over."""
        if self._lease is not None:
            await asyncio.to_thread(self._lease.stop_beating)
        await asyncio.to_thread(self.db.close)

    @property
    def _scope(self) -> tuple[str, str]:
        return (self._project, self._target)

    def _held(self) -> PostgresLease:
        if self._lease is None:
            raise LeaseLost(f"this process does not hold the lease of {self._target}")
        return self._lease

    def _check_open(self, transaction: Transaction, run: str) -> None:
        """Inside the writing transaction: the run is open and its target's lease is still ours."""
        lease = self._held()
        lease.check_in(transaction)
        row = transaction.seen.get(f"run {run}")
        if row is None:
            row = transaction.found("SELECT target, ended IS NOT NULL FROM fcdeploy.runs WHERE id = %s", run)
            transaction.seen[f"run {run}"] = row
        if row is None or row[0] != self._target:
            raise no_such_run(run)
        if row[1]:
            raise run_ended(run)

    def _last_number(self, transaction: Transaction, run: str) -> int:
        """That of the last event; nobody else adds one, since the lease is ours and its row locked."""
        if (known := transaction.seen.get(f"events of {run}")) is not None:
            return int(known)
        return int(transaction.row("SELECT coalesce(max(seq), 0) FROM fcdeploy.events WHERE run = %s", run)[0])

    async def _read_records(self, query: LiteralString, *values: object) -> list[RunRecord]:
        rows = await self.db.read(lambda transaction: transaction.rows(query, *self._scope, *values))
        return [from_run_row(row) for row in rows]

    async def _read_key(self) -> JournalKey:
        """The key, once it is known to be the right one. Raises JournalError."""
        if self._key is None:
            (salt, check) = await self.db.read(
                lambda transaction: transaction.row("SELECT salt, key_check FROM fcdeploy.journal")
            )
            key = await asyncio.to_thread(JournalKey, passphrase_of(self._passphrase, self.db.name), salt)
            if check != key.check:
                raise wrong_key(self.db.name)
            self._key = key
        return self._key

    async def _write_key_check(self) -> None:
        """The first key that comes is the journal's."""
        (salt, check) = await self.db.read(
            lambda transaction: transaction.row("SELECT salt, key_check FROM fcdeploy.journal")
        )
        if check is None:
            key = await asyncio.to_thread(JournalKey, passphrase_of(self._passphrase, self.db.name), salt)
            await self.db.write(
                lambda transaction: transaction.change(
                    "UPDATE fcdeploy.journal SET key_check = %b WHERE key_check IS NULL", key.check
                )
            )
        await self._read_key()


def _storable(value: Any) -> Any:
    """Text that PostgreSQL takes: a service's message may hold the one character that it does not."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _write_materials(transaction: Transaction, run: str, names: Collection[str]) -> None:
    transaction.change(
        "INSERT INTO fcdeploy.materials (run, name) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING",
        *(run, sorted(names)),
    )
