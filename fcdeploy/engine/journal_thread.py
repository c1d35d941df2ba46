"""The one thread that works on a journal: in order, and what waits together is written together.

All that waits while a write is under way goes into the next one: many appends share its cost, and none returns before
its own is durable (law 5). Small pieces of one kind that are asked for one after the other (events) even share one
piece of work. What was asked for is done even if the task that waits for it is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct, field

from fcdeploy.errors import JournalError

C = TypeVar("C")
T = TypeVar("T")
Work: TypeAlias = Callable[[C], T]
"""What is done inside one transaction. It raises before its first change or not at all."""


Shared: TypeAlias = Callable[[C, str, Callable[[], list[T]]], None]
"""As `Work`, of many pieces about one thing at once. It is given what gives them: until then there may come more."""


class Job(Struct, Generic[C], eq=False):
    """One work, and what came of it once it was done; all that wait for it share that.

    `pieces` are those of a work that takes more in until it is begun, `kind` what they have in common.
    """

    work: Work[C, Any]
    writes: bool
    futures: list[asyncio.Future[Any] | Future[Any]]
    loop: asyncio.AbstractEventLoop | None
    """Where asyncio futures are to be settled; None for one that threads wait for."""
    result: Any = None
    error: BaseException | None = None
    kind: tuple[Shared[C, Any], str] | None = None
    pieces: list[Any] = field(default_factory=list)


class JournalThread(ABC, Generic[C]):
    """A thread with what only it touches; `C` is what works are given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._jobs: queue.SimpleQueue[Job[C] | None] = queue.SimpleQueue()
        self._last: Job[C] | None = None
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="fcdeploy-journal", daemon=True)

    @abstractmethod
    def _write_batch(self, jobs: Sequence[Job[C]]) -> None:
        """Do these in one transaction, durable when it returns, and note on each what came of it."""

    @abstractmethod
    def _read_one(self, job: Job[C]) -> None:
        """Do one that only reads, and note on it what came of it."""

    @abstractmethod
    def _shut(self) -> None:
        """Let go of what the thread works on."""

    async def write(self, work: Work[C, T]) -> T:
        """Do `work` in a transaction and return when it is durable.

        Once asked for it is done even if the waiting task is cancelled: an answer of the cloud is never dropped.
        Raises JournalError when it could not be written (and then for ever), or what `work` raises, which it must do
        before its first change.
        """
        return await self._ask(work, writes=True)

    async def write_piece(self, shared: Shared[C, T], about: str, piece: T) -> None:
        """As `write`, of a piece that `shared` does together with those of its kind asked for just before and after.

        What it raises of one piece it has to raise of all.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        kind = (shared, about)
        with self._gate:
            last = self._last
            if last is not None and last.kind == kind and last.loop is loop:
                last.pieces.append(piece)
                last.futures.append(future)
            else:
                job: Job[C] = Job(lambda what: shared(what, about, lambda: self._pieces_of(job)), True, [future], loop)
                job.kind, job.pieces = kind, [piece]
                self._put(job)
        await future

    async def read(self, work: Work[C, T]) -> T:
        """Do `work`, which only reads, after all that was asked for before; works on even after a failed write."""
        return await self._ask(work, writes=False)

    def write_waiting(self, work: Work[C, T]) -> T:
        """As `write`, for a thread of its own."""
        future: Future[T] = Future()
        with self._gate:
            self._put(Job(work, True, [future], None))
        return future.result()

    def close(self) -> None:
        """Finish what was asked for and let go. Idempotent."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
                self._last = None
        self._thread.join()

    async def _ask(self, work: Work[C, T], *, writes: bool) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._gate:
            self._put(Job(work, writes, [future], loop))
        return await future

    def _put(self, job: Job[C]) -> None:
        """Only with the gate held."""
        if self._closed:
            raise self._closed_error()
        self._jobs.put(job)
        self._last = job

    def _closed_error(self) -> JournalError:
        return JournalError(f"the journal {self.name} is closed")

    def _serve(self) -> None:
        """Take all that waits, write it at once, answer."""
        batch: list[Job[C]] = []
        try:
            ends = False
            while not ends:
                batch, ends = self._take()
                if writes := [job for job in batch if job.writes]:
                    self._write_batch(writes)
                for job in batch:
                    if not job.writes:
                        self._read_one(job)
                self._take_no_more(batch)
                _settle(batch)
                batch = []
        finally:
            self._shut()
            self._give_up(batch)

    def _take(self) -> tuple[list[Job[C]], bool]:
        """Everything that waits (at least one job), and whether the journal is to be closed after it."""
        taken = [self._jobs.get()]
        with contextlib.suppress(queue.Empty):
            while True:
                taken.append(self._jobs.get_nowait())
        return [job for job in taken if job], None in taken

    def _pieces_of(self, job: Job[C]) -> list[Any]:
        self._take_no_more([job])
        return job.pieces

    def _take_no_more(self, jobs: Collection[Job[C]]) -> None:
        with self._gate:
            if self._last in jobs:
                self._last = None

    def _give_up(self, batch: list[Job[C]]) -> None:
        """Should the thread itself break, whoever waits is told and nobody waits in vain."""
        with self._gate:
            self._closed, self._last = True, None
        while not self._jobs.empty():
            batch += self._take()[0]
        for job in batch:
            job.error = self._closed_error()
        _settle(batch)


def fail_all(jobs: Sequence[Job[C]], failure: JournalError) -> None:
    """Note on each that it could not be written."""
    for job in jobs:
        # A new one for each: an exception that is raised in several tasks would mix their tracebacks.
        job.error = JournalError(failure.summary, detail=failure.detail, hint=failure.hint)


def _settle(batch: list[Job[C]]) -> None:
    """Answer everybody: one call into each event loop, since each call wakes the loop through a pipe."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[Job[C]]] = {}
    for job in batch:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        if loop is None:
            _answer(jobs)
        else:
            # RuntimeError: that loop is closed, nobody waits there any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_answer, jobs)


def _answer(jobs: list[Job[C]]) -> None:
    for job in jobs:
        for future in job.futures:
            if future.done():
                continue  # The task that waited was cancelled.
            if job.error is None:
                future.set_result(job.result)
            else:
                # A new one for each, as above.
                future.set_exception(copy.copy(job.error) if len(job.futures) > 1 else job.error)
