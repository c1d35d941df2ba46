"""The lease of a target in a shared journal (S37).

As in the file of one machine it is a row with an epoch that each taking raises, and every transaction of a holder
compares the epoch, with the row locked. What differs is how a holder is known to be dead: no process of another machine
can be looked at. A holder's every write, and a heartbeat in between, notes the time in the row, and one that was not
heard of for as long as it promised (`lasts`) is replaced. Both times are the server's, so clocks of pipelines do not
matter. A server that was away for longer lets go of whoever held a lease; it finds out at its next write.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from msgspec import Struct

from fcdeploy.engine.holder import Holder
from fcdeploy.engine.lease import Heartbeat, lease_given_back, lease_held, lease_taken_over
from fcdeploy.engine.postgres_connection import PostgresConnection, Transaction
from fcdeploy.errors import LeaseLost

LASTS = 60.0
"""Seconds that a lease lasts after its holder was heard of, unless told otherwise."""

LEAST, MOST = 3.0, 3600.0

_BEATS = 6
"""Heartbeats in the time that a lease lasts."""

_ASK_AGAIN = 0.5
"""Seconds between two looks of one who waits."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The time that a suspended machine sleeps counts for the others."""


class _Asking(Struct, frozen=True, kw_only=True):
    project: str
    target: str
    run: str
    holder: Holder
    lasts: float


class _Held(Struct, frozen=True, kw_only=True):
    holder: Holder
    run: str
    age: float
    left: float


class PostgresLease:
    """A lease in a shared journal, kept alive by a thread until `release`."""

    def __init__(self, db: PostgresConnection, asking: _Asking, epoch: int) -> None:
        self.target = asking.target
        self.run = asking.run
        self.holder = asking.holder
        self.lasts = asking.lasts
        self.epoch = epoch
        self._project = asking.project
        self._db = db
        self._heart = Heartbeat(lambda: db.write_waiting(self.check_in), asking.lasts / _BEATS)

    async def check(self) -> None:
        """Raise LeaseLost when another process has taken over."""
        await self._db.write(self.check_in)

    async def check_since(self, asked: float) -> None:
        """`check` unless little time has passed since `asked` (by `now`), when the journal was last written to.

        Between the answer of the journal and the request to the cloud this process may have slept, and been replaced.
        """
        while now() - asked > self.lasts / 2:
            asked = now()
            await self.check()

    def check_in(self, transaction: Transaction) -> None:
        """`check` as part of somebody's transaction; counts as a heartbeat and leaves the transaction's token."""
        if transaction.seen.get("epoch") == self.epoch:
            return
        ours = transaction.found(
            "UPDATE fcdeploy.leases SET beat = clock_timestamp(), written = %s"
            " WHERE project = %s AND target = %s AND epoch = %s AND holder IS NOT NULL RETURNING epoch",
            *(transaction.token, self._project, self.target, self.epoch),
        )
        if ours is None:
            raise self._lost(transaction)
        transaction.seen["epoch"] = self.epoch

    def _lost(self, transaction: Transaction) -> LeaseLost:
        row = transaction.found(
            "SELECT epoch, holder, run FROM fcdeploy.leases WHERE project = %s AND target = %s",
            *(self._project, self.target),
        )
        if row is None or row[0] == self.epoch:
            return lease_given_back(self.target)
        epoch, holder, run = row
        taker = str(Holder.from_text(holder)) if holder is not None else ""
        if not taker:
            # One that has given the lease back since is known by the run that it opened.
            opened = transaction.found("SELECT holder FROM fcdeploy.runs WHERE id = %s", run)
            taker = opened[0] if opened is not None and opened[0] != str(self.holder) else "another process"
        return lease_taken_over(self.target, taker=taker, run=run, epoch=epoch, own=self.epoch)

    async def go_on(self, run: str) -> None:
        """See `Lease.go_on`."""

        def work(transaction: Transaction) -> None:
            self.check_in(transaction)
            transaction.change(
                "UPDATE fcdeploy.leases SET run = %s WHERE project = %s AND target = %s",
                *(run, self._project, self.target),
            )

        await self._db.write(work)
        self.run = run

    async def release(self) -> None:
        """Give it back; quietly nothing when it is lost already. Idempotent."""
        await asyncio.to_thread(self.stop_beating)
        await self._db.write(self._give_back)

    def _give_back(self, transaction: Transaction) -> None:
        transaction.change(
            "UPDATE fcdeploy.leases SET holder = NULL WHERE project = %s AND target = %s AND epoch = %s",
            *(self._project, self.target, self.epoch),
        )

    def stop_beating(self) -> None:
        """End the heartbeat; the row stays. For a process that ends without being able to write."""
        self._heart.stop()


async def acquire(
    db: PostgresConnection,
    project: str,
    target: str,
    run: str,
    *,
    timeout: float = 0.0,
    lasts: float = LASTS,
    holder: Holder | None = None,
) -> PostgresLease:
    """Take the lease of a target for a run, waiting up to `timeout` seconds for a live holder to finish or to die.

    Raises LeaseHeld naming the holder, its run and age; JournalError when the journal cannot be written.
    """
    asking = _Asking(project=project, target=target, run=run, holder=holder or Holder.current(), lasts=lasts)
    deadline = time.monotonic() + timeout
    while isinstance(answer := await db.write(partial(_take, asking)), _Held):
        left = deadline - time.monotonic()
        if left <= 0:
            hint = f"; if it is dead, its lease ends in {max(0.0, answer.left):.0f} s"
            raise lease_held(target, answer.holder, answer.run, answer.age, more=hint)
        await asyncio.sleep(min(_ASK_AGAIN, left))
    return PostgresLease(db, asking, answer)


def now() -> float:
    """Seconds of a clock that no suspended machine stops."""
    return time.clock_gettime(_CLOCK)


def _take(asking: _Asking, transaction: Transaction) -> int | _Held:
    """The new epoch, or who is in the way."""
    taken = transaction.found(
        "INSERT INTO fcdeploy.leases AS l (project, target, epoch, holder, run, acquired, beat, lasts, written)"
        " VALUES (%s, %s, 1, %s, %s, clock_timestamp(), clock_timestamp(), %s, %s)"
        " ON CONFLICT (project, target) DO UPDATE SET epoch = l.epoch + 1, holder = excluded.holder,"
        " run = excluded.run, acquired = clock_timestamp(), beat = clock_timestamp(), lasts = excluded.lasts,"
        " written = excluded.written"
        " WHERE l.holder IS NULL OR clock_timestamp() >= l.beat + make_interval(secs => l.lasts)"
        " RETURNING epoch",
        *(asking.project, asking.target, asking.holder.to_text(), asking.run, asking.lasts, transaction.token),
    )
    if taken is not None:
        return int(taken[0])
    holder, run, age, left = transaction.row(
        "SELECT holder, run, extract(epoch FROM clock_timestamp() - acquired)::float8,"
        " extract(epoch FROM beat - clock_timestamp())::float8 + lasts"
        " FROM fcdeploy.leases WHERE project = %s AND target = %s",
        *(asking.project, asking.target),
    )
    return _Held(holder=Holder.from_text(holder), run=run, age=max(0.0, age), left=left)
