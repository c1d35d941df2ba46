"""The one thread that writes to the journal's file.

Durability: WAL with synchronous=FULL, so a COMMIT returns only after fsync. All that waits while a commit is under way
goes into the next one: many appends share an fsync, and none returns before its own (law 5).

The first write that fails ends all writing through this object: after it nothing more may be sent, since nothing more
could be remembered.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar

from fcdeploy.engine.journal_layout import journal_error, open_connection
from fcdeploy.errors import JournalError

T = TypeVar("T")
Work: TypeAlias = Callable[[sqlite3.Connection], T]
"""What is done inside one transaction. It raises before its first change or not at all."""


@dataclass(slots=True, eq=False)
class _Job:
    work: Work[Any]
    writes: bool
    future: asyncio.Future[Any] | Future[Any]
    loop: asyncio.AbstractEventLoop | None
    """Where an asyncio future is to be settled; None for one that threads wait for."""
    result: Any = None
    error: BaseException | None = None


class JournalFile:
    """An open journal file. Every piece of work runs on its one writer thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._inode = os.stat(path).st_ino
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._failure: JournalError | None = None
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="fcdeploy-journal", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, *, trace: Callable[[str], object] | None = None) -> Self:
        """Open a journal, or make a new one; `trace` is told every SQL statement (for tests).

        Raises JournalError with a way out when the file is foreign, newer, damaged or cannot be opened.
        """
        connection = open_connection(path, trace)
        try:
            return cls(path, connection)
        except OSError as error:
            connection.close()
            raise journal_error("opened", path, error) from error

    async def write(self, work: Work[T]) -> T:
        """Do `work` in a transaction and return when it is durable.

        Once asked for it is done even if the waiting task is cancelled: an answer of the cloud is never dropped.
        Raises JournalError when it could not be written (and then for ever), or what `work` raises, which it must do
        before its first change.
        """
        return await self._ask(work, writes=True)

    async def read(self, work: Work[T]) -> T:
        """Do `work`, which only reads, after all that was asked for before; works on even after a failed write."""
        return await self._ask(work, writes=False)

    def write_waiting(self, work: Work[T]) -> T:
        """As `write`, for a thread of its own."""
        future: Future[T] = Future()
        self._put(_Job(work, True, future, None))
        return future.result()

    def close(self) -> None:
        """Finish what was asked for and close the file. Idempotent."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    async def _ask(self, work: Work[T], *, writes: bool) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Job(work, writes, future, loop))
        return await future

    def _put(self, job: _Job) -> None:
        with self._gate:
            if self._closed:
                raise JournalError(f"the journal {self.path} is closed")
            self._jobs.put(job)

    def _serve(self) -> None:
        """The writer thread: take all that waits, commit it once, answer."""
        batch: list[_Job] = []
        try:
            ends = False
            while not ends:
                batch, ends = self._take()
                self._write_batch([job for job in batch if job.writes])
                for job in batch:
                    if not job.writes:
                        self._read_one(job)
                _settle(batch)
                batch = []
        finally:
            self._connection.close()
            self._give_up(batch)

    def _take(self) -> tuple[list[_Job], bool]:
        """Everything that waits (at least one job), and whether the file is to be closed after it."""
        taken = [self._jobs.get()]
        with contextlib.suppress(queue.Empty):
            while True:
                taken.append(self._jobs.get_nowait())
        return [job for job in taken if job], None in taken

    def _give_up(self, batch: list[_Job]) -> None:
        """Should the thread itself break, whoever waits is told and nobody waits in vain."""
        with self._gate:
            self._closed = True
        while not self._jobs.empty():
            batch += self._take()[0]
        for job in batch:
            job.error = JournalError(f"the journal {self.path} is closed")
        _settle(batch)

    def _write_batch(self, batch: list[_Job]) -> None:
        if not batch:
            return
        if self._failure is None:
            try:
                self._refuse_moved()
                self._connection.execute("BEGIN IMMEDIATE")
                for job in batch:
                    self._write_one(job)
                self._connection.execute("COMMIT")
                return
            except (sqlite3.Error, OSError) as error:
                # Poisoned: whether this batch reached the disk is unknown, so nobody may act on it or after it.
                self._failure = journal_error("written", self.path, error)
            except JournalError as error:
                self._failure = error
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        for job in batch:
            # A new one for each: an exception that is raised in several tasks would mix their tracebacks.
            job.error = JournalError(self._failure.summary, detail=self._failure.detail, hint=self._failure.hint)

    def _write_one(self, job: _Job) -> None:
        """Do one work of a transaction; what it returned or raised is told after the commit."""
        before = self._connection.total_changes
        try:
            job.result = job.work(self._connection)
        except sqlite3.Error:
            raise  # The file's trouble, not this work's: the batch fails as a whole.
        except BaseException as error:
            # Forwarded to whoever waits for this work, as concurrent.futures does; the others are not concerned.
            job.error = error
            if self._connection.total_changes != before:
                raise JournalError(f"half of a change would be written to the journal {self.path}") from error

    def _read_one(self, job: _Job) -> None:
        try:
            job.result = job.work(self._connection)
        except (sqlite3.Error, OSError) as error:
            job.error = journal_error("read", self.path, error)
        except BaseException as error:
            job.error = error  # Forwarded, as above.

    def _refuse_moved(self) -> None:
        """Two processes with two files of one name would both hold the lease."""
        try:
            if os.stat(self.path).st_ino == self._inode:
                return
        except FileNotFoundError:
            pass
        raise JournalError(
            f"the journal {self.path} was moved or deleted while in use",
            hint="nothing more was sent; move it back and `fcdeploy resume`, or plan again: what this run did is in "
            "the cloud and will be seen there",
        )


def _settle(batch: list[_Job]) -> None:
    """Answer everybody: one call into each event loop, since each call wakes the loop through a pipe."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[_Job]] = {}
    for job in batch:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        if loop is None:
            _answer(jobs)
        else:
            # RuntimeError: that loop is closed, nobody waits there any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_answer, jobs)


def _answer(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue  # The task that waited was cancelled.
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
