"""Who may send now: so many calls in flight, at such a pace, and nobody while the service asks for a pause.

All clients of one account and region share one limiter, as they share what the service allows them. Until a call is
refused for lack of room only the number in flight is limited. The first refusal halves that number and sets a pace for
everybody; those after it slow the pace, and halve the number where it was used up. Full speed comes back by itself: one
call more in flight for each window, and a rate that grows as long as it is what holds calls back.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from fcdeploy.cloud.pace import WINDOW, Pace


class Limiter:
    """A fair gate, used as `async with limiter as left:` around one attempt of a call.

    It lets `ceiling` through at first. In each window (seconds) the limit is halved at most once and grows by one at
    most once, never above `ceiling` nor below one; so does the pace. A pause asked for by the service holds up
    everyone. `left` is when the attempt was let through, on `clock`. `answered` says that the service answered
    something, be it a refusal.
    """

    def __init__(self, ceiling: int, *, window: float = WINDOW, clock: Callable[[], float] = time.monotonic) -> None:
        self.ceiling = max(1, ceiling)
        self.limit = self.ceiling
        self.in_flight = 0
        self.answered = False
        self.pace = Pace(window)
        self.clock = clock
        self._window = window
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._resume = -math.inf
        self._halved = self._changed = -math.inf
        self._refusing: float | None = None

    def no_room(self, retry_after: float | None = None, *, left: float | None = None) -> None:
        """The service refused a call for lack of room; `retry_after` is in seconds, `left` is what entering gave."""
        self.answered = True
        now = self.clock()
        if self._refusing is None:
            self._refusing = now
        if retry_after:
            self._resume = max(self._resume, now + retry_after)
        unpaced = self.pace.rate == math.inf
        news = self.pace.refused(now, left=now if left is None else left, resume=self._resume)
        # A call that was sent before the last refusal was known says nothing that is not known; and where the pace
        # leaves places free, they are not what is too many.
        if news and (unpaced or self.in_flight >= self.limit) and now - self._halved >= self._window:
            self._halved = self._changed = now
            self.limit = max(1, self.limit // 2)

    def went_well(self) -> None:
        """The service took a call."""
        self.answered = True
        self._refusing = None
        now = self.clock()
        self.pace.went_well(now, paused=now < self._resume)
        if self.limit < self.ceiling and now - self._changed >= self._window:
            self._changed = now
            self.limit += 1
            self._let_in()

    def refused_for(self, since: float) -> float:
        """For how many seconds, from `since` at the earliest, the service has refused all that was sent to it."""
        return 0.0 if self._refusing is None else self.clock() - max(since, self._refusing)

    async def __aenter__(self) -> float:
        now = self.clock()
        if self._waiting or self.in_flight >= self.limit or self._opens() > now:
            await self._queue()
            return self.clock()
        self._admit(now)
        return now

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _opens(self) -> float:
        return max(self._resume, self.pace.opens)

    def _admit(self, now: float) -> None:
        self.in_flight += 1
        self.pace.leave(now)

    async def _queue(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._let_in()
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
            if self._waiting[0].done():
                self._waiting.popleft()
                continue
            now = self.clock()
            if (wait := self._opens() - now) > 0:
                if now >= self._resume:
                    self.pace.held()
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(wait, self._fire)
                return
            self._admit(now)
            self._waiting.popleft().set_result(None)

    def _fire(self) -> None:
        self._timer = None
        self._let_in()


class Limiters:
    """The limiters of one command, one for each place that has limits of its own.

    A provider's account in a region is such a place: the host that calls go to is named by both (facts 2). What the
    service allows it is not documented (facts 13).
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._made: dict[tuple[str, str, str], Limiter] = {}

    def of(self, provider: str, account: str, region: str) -> Limiter:
        """The limiter that all calls to this place go through, made once."""
        return self._made.setdefault((provider, account, region), Limiter(self._ceiling))
