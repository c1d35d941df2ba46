"""One process at a time works on a target, and a process that lost its place finds out before its next effect (S37).

The lease is a row in the journal, changed only inside a write transaction. Each taking raises its epoch; every append
compares the epoch in the very transaction that makes `begun` durable, so a holder that slept and was replaced meanwhile
cannot begin another effect. (What it had begun before it slept is guarded by the ETags of the calls themselves.)

Whether a holder is dead:

- of this machine's boot and pid namespace: its process is gone, a zombie, or the pid has another start time. A live
  one is left alone however long it is silent (it may be stopped in a debugger).
- of anywhere else: its heartbeat *counter* has not moved for 60 s of the observer's *own monotonic clock*. No wall
  clock is compared with another, so no clock that jumps or differs can make a holder look dead; and a machine that was
  suspended as a whole, holder and observer, does not count its sleep. What an observer saw is kept in the journal:
  two quick attempts a minute apart do as well as one that waits.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from msgspec import Struct

from fcdeploy.engine.holder import Holder as Holder
from fcdeploy.engine.holder import Vitality, read_vitality
from fcdeploy.engine.journal_file import JournalFile
from fcdeploy.errors import LeaseHeld, LeaseLost, RunError

BEAT_EVERY = 10.0
"""Seconds between heartbeats."""

STALE_AFTER = 60.0
"""Seconds without a new heartbeat, as seen by one observer, after which a holder elsewhere counts as dead."""

_ASK_AGAIN = 0.5
"""Seconds between two looks of one who waits."""


class Lease(Protocol):
    """The right to change one target, for one run."""

    @property
    def target(self) -> str:
        """The target's name."""
        ...

    @property
    def run(self) -> str:
        """The run it was taken for."""
        ...

    @property
    def epoch(self) -> int:
        """How often the target's lease has been taken, this time included."""
        ...

    async def check(self) -> None:
        """Raise LeaseLost when another process has taken over."""
        ...

    async def go_on(self, run: str) -> None:
        """Hold it for another run, with no moment at which somebody else could take it. Raises LeaseLost."""
        ...

    async def release(self) -> None:
        """Give it back; quietly nothing when it is lost already. Idempotent."""
        ...


class Heartbeat:
    """Does `beat` every so many seconds until `stop`, or until it cannot be done."""

    def __init__(self, beat: Callable[[], object], every: float) -> None:
        self._beat = beat
        self._every = every
        self._stop = threading.Event()
        # A thread and not a task: a loop that is busy packing must not look like a dead one.
        self._thread = threading.Thread(target=self._serve, name="fcdeploy-lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No beat begins after this returns. Idempotent."""
        self._stop.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self._beat()
            except RunError:
                # Nobody is here to be told; the next append meets the same error and the run stops there.
                return


def lease_held(target: str, holder: Holder, run: str, age: float, *, more: str = "") -> LeaseHeld:
    """That another process is at work; `age` in seconds, `more` goes on in the hint."""
    return LeaseHeld(
        f"{holder} is at work on {target}",
        detail=f"run {run}, for {age:.0f} s",
        hint=f"wait for it with `--lock-timeout SECONDS`{more}",
    )


def lease_given_back(target: str) -> LeaseLost:
    """That the lease was released, or its row is gone."""
    return LeaseLost(f"the lease of {target} was given back", hint="plan again")


def lease_taken_over(target: str, *, taker: str, run: str, epoch: int, own: int) -> LeaseLost:
    """That another process has the lease now, or had it since; the two epochs tell."""
    return LeaseLost(
        f"{taker} took {target} over while this process was not heard of",
        detail=f"run {run} has epoch {epoch}, this one had {own}",
        hint="nothing more was sent from here; see `fcdeploy history` for what that run did",
    )


class _Asking(Struct, frozen=True, kw_only=True):
    target: str
    run: str
    holder: Holder
    stale_after: float


class _Held(Struct, frozen=True, kw_only=True):
    holder: Holder
    run: str
    age: float
    vitality: Vitality


class SqliteLease:
    """A lease in the journal's own file, kept alive by a thread until `release`."""

    def __init__(self, file: JournalFile, *, target: str, run: str, holder: Holder, epoch: int, beat_every: float):
        self.target = target
        self.run = run
        self.holder = holder
        self.epoch = epoch
        self._file = file
        self._heart = Heartbeat(lambda: file.write_waiting(self._count_beat), beat_every)

    async def check(self) -> None:
        """Raise LeaseLost when another process has taken over."""
        await self._file.read(self.check_in)

    def check_in(self, connection: sqlite3.Connection) -> None:
        """`check` as part of somebody's transaction."""
        row = connection.execute("SELECT epoch, holder, run FROM lease WHERE target = ?", (self.target,)).fetchone()
        if row is None or (row[0] == self.epoch and row[1] is None):
            raise lease_given_back(self.target)
        epoch, holder, run = row
        if epoch != self.epoch:
            taker = self._taker(connection, holder, run)
            raise lease_taken_over(self.target, taker=taker, run=run, epoch=epoch, own=self.epoch)

    def _taker(self, connection: sqlite3.Connection, holder: str | None, run: str) -> str:
        """Who took over; one that has given the lease back since is known by the run that it opened."""
        if holder is not None:
            return str(Holder.from_text(holder))
        opened = connection.execute("SELECT holder FROM runs WHERE id = ?", (run,)).fetchone()
        # Who resumed or took back our own run did not open it.
        return opened[0] if opened is not None and opened[0] != str(self.holder) else "another process"

    async def go_on(self, run: str) -> None:
        """See `Lease.go_on`."""

        def work(connection: sqlite3.Connection) -> None:
            self.check_in(connection)
            connection.execute("UPDATE lease SET run = ? WHERE target = ?", (run, self.target))

        await self._file.write(work)
        self.run = run

    async def release(self) -> None:
        """Give it back; quietly nothing when it is lost already. Idempotent."""
        self.stop_beating()
        await self._file.write(partial(_give_back, self.target, self.epoch))

    def stop_beating(self) -> None:
        """End the heartbeat; the row stays. For a process that ends without being able to write."""
        self._heart.stop()

    def _count_beat(self, connection: sqlite3.Connection) -> None:
        self.check_in(connection)
        connection.execute("UPDATE lease SET beat = beat + 1 WHERE target = ?", (self.target,))


async def acquire(
    file: JournalFile,
    target: str,
    run: str,
    *,
    timeout: float = 0.0,
    holder: Holder | None = None,
    stale_after: float = STALE_AFTER,
    beat_every: float = BEAT_EVERY,
) -> SqliteLease:
    """Take the lease of a target for a run, waiting up to `timeout` seconds for a live holder to finish.

    Raises LeaseHeld naming the holder, its run and age; JournalError when the journal cannot be written.
    """
    asking = _Asking(target=target, run=run, holder=holder or Holder.current(), stale_after=stale_after)
    deadline = time.monotonic() + timeout
    while isinstance(answer := await file.write(partial(_take, asking)), _Held):
        left = deadline - time.monotonic()
        if left <= 0:
            unsure = f"; if it is dead, an attempt {stale_after:.0f} s from now finds out and takes over"
            more = unsure if answer.vitality is Vitality.UNSURE else ""
            raise lease_held(target, answer.holder, answer.run, answer.age, more=more)
        await asyncio.sleep(min(_ASK_AGAIN, left))
    return SqliteLease(file, target=target, run=run, holder=asking.holder, epoch=answer, beat_every=beat_every)


def _take(asking: _Asking, connection: sqlite3.Connection) -> int | _Held:
    """The new epoch, or who is in the way."""
    row = connection.execute(
        "SELECT epoch, holder, run, acquired, beat FROM lease WHERE target = ?", (asking.target,)
    ).fetchone()
    epoch = 0
    if row is not None:
        epoch, holder, run, acquired, beat = row
        if holder is not None:
            held_by = Holder.from_text(holder)
            vitality = read_vitality(held_by, place=asking.holder.place)
            if vitality is Vitality.ALIVE or (
                vitality is Vitality.UNSURE and not _is_stale(asking, epoch, beat, connection)
            ):
                return _Held(holder=held_by, run=run, age=max(0.0, time.time() - acquired), vitality=vitality)
    connection.execute(
        "INSERT OR REPLACE INTO lease (target, epoch, holder, run, acquired, beat) VALUES (?, ?, ?, ?, ?, 0)",
        (asking.target, epoch + 1, asking.holder.to_text(), asking.run, time.time()),
    )
    connection.execute("DELETE FROM sightings WHERE target = ?", (asking.target,))
    return epoch + 1


def _is_stale(asking: _Asking, epoch: int, beat: int, connection: sqlite3.Connection) -> bool:
    """Whether this observer has seen the same heartbeat for long enough; notes what it sees for the next look."""
    # The monotonic clock is one for all processes of a boot.
    observer = asking.holder.place or asking.holder.host
    seen = connection.execute(
        "SELECT epoch, beat, at FROM sightings WHERE target = ? AND observer = ?", (asking.target, observer)
    ).fetchone()
    now = time.monotonic()
    if seen is not None and seen[:2] == (epoch, beat) and seen[2] <= now:
        return bool(now - seen[2] >= asking.stale_after)
    connection.execute(
        "INSERT OR REPLACE INTO sightings (target, observer, epoch, beat, at) VALUES (?, ?, ?, ?, ?)",
        (asking.target, observer, epoch, beat, now),
    )
    return False


def _give_back(target: str, epoch: int, connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE lease SET holder = NULL WHERE target = ? AND epoch = ?", (target, epoch))
