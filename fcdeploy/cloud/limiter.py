"""How many calls are in flight at once: falls by half when the service says it has no room, and grows back by one."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Limiter:
    """A fair gate, used as `async with limiter:` around one attempt of a call.

    It lets `ceiling` through at first. In each window (seconds) the limit is halved at most once and grows by one at
    most once, never above `ceiling` nor below one. A pause asked for by the service holds up everyone.
    """

    def __init__(self, ceiling: int, *, window: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.ceiling = max(1, ceiling)
        self.limit = self.ceiling
        self.in_flight = 0
        self._window = window
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._resume = float("-inf")
        self._halved = float("-inf")
        self._changed = float("-inf")

    def no_room(self, retry_after: float | None = None) -> None:
        """The service refused a call for lack of room; `retry_after` is in seconds."""
        now = self._clock()
        if retry_after:
            self._resume = max(self._resume, now + retry_after)
        if now - self._halved >= self._window:
            self._halved = self._changed = now
            self.limit = max(1, self.limit // 2)

    def went_well(self) -> None:
        """The service took a call."""
        if self.limit == self.ceiling:
            return
        now = self._clock()
        if now - self._changed >= self._window:
            self._changed = now
            self.limit += 1
            self._let_in()

    async def __aenter__(self) -> Self:
        if self.in_flight >= self.limit or self._waiting:
            await self._queue()
        else:
            self.in_flight += 1
        try:
            while (pause := self._resume - self._clock()) > 0:
                await asyncio.sleep(pause)
        except BaseException:
            self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    async def _queue(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            # Cancelled while waiting, or just after the place was given: in that case it goes to the next.
            if place.done() and not place.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        self.in_flight -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self.in_flight < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)
