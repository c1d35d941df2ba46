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
from typing import Final

from fcdeploy.cloud.pace import WINDOW, Pace

FEW: Final = 2
"""Calls that each place may have in flight however many others have: what hangs elsewhere holds up nobody."""


class Room:
    """How many calls a command has in flight in all, to whatever place; `most` but for the `FEW` of each.

    A target has a few dozen calls to make, all at once: a hundred targets would open thousands of connections, each
    for a call or two. So each place has its share of the room, those that are `to_come` as well as the `busy` ones, and
    whoever has connections uses them until its work is done.
    """

    def __init__(self, most: float = math.inf) -> None:
        self.most = most
        self.in_flight = 0
        self.busy = self.to_come = 0
        self._waiting: dict[Limiter, None] = {}

    def has_place(self, own: int) -> bool:
        """Whether there is room for one who is busy and has so many in flight already."""
        return own < FEW or (self.in_flight < self.most and own * (self.busy + self.to_come) < self.most)

    def wait(self, limiter: Limiter) -> None:
        """There is no place now, and this one could use some; whose share it is that is used up looks by itself."""
        if self.in_flight >= self.most:
            self._waiting[limiter] = None

    def offer(self) -> None:
        """Let in who waits, as far as there is room."""
        while self._waiting and self.in_flight < self.most:
            limiter = next(iter(self._waiting))
            del self._waiting[limiter]
            limiter.let_in()


class Limiter:
    """A fair gate: `enter` before each attempt of a call, or else wait for one's `turn`, and `leave` after it.

    It lets `ceiling` through at first. In each window (seconds) the limit is halved at most once and grows by one at
    most once, never above `ceiling` nor below one; so does the pace. A pause asked for by the service holds up
    everyone. `answered` says that the service answered something, be it a refusal. `room` is what it shares with
    others.
    """

    def __init__(
        self,
        ceiling: int,
        *,
        window: float = WINDOW,
        clock: Callable[[], float] = time.monotonic,
        room: Room | None = None,
    ) -> None:
        self._room = room or Room()
        self.ceiling = max(1, ceiling)
        self.limit = self.ceiling
        self.in_flight = 0
        self.answered = False
        self.pace = Pace(window)
        self.clock = clock
        self._window = window
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._is_busy = False
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
            self.let_in()

    def refused_for(self, since: float) -> float:
        """For how many seconds, from `since` at the earliest, the service has refused all that was sent to it."""
        return 0.0 if self._refusing is None else self.clock() - max(since, self._refusing)

    def enter(self) -> float | None:
        """Let an attempt through if that may be now, and say when, on `clock`; None if it is to wait for its `turn`."""
        now = self.clock()
        if not self._is_busy:
            self._is_busy = True
            self._room.busy += 1
        is_free = self.in_flight < self.limit and self._room.has_place(self.in_flight)
        if self._waiting or not is_free or self._opens() > now:
            return None
        self._admit(now)
        return now

    async def turn(self) -> float:
        """Wait for one's turn after those who wait already, and say when it came."""
        await self._queue()
        return self.clock()

    def _opens(self) -> float:
        return max(self._resume, self.pace.opens)

    def _admit(self, now: float) -> None:
        self.in_flight += 1
        self._room.in_flight += 1
        self.pace.leave(now)

    async def _queue(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self.let_in()
        try:
            await place
        except asyncio.CancelledError:
            # Cancelled while waiting, or just after the place was given: in that case it goes to the next.
            if place.done() and not place.cancelled():
                self.leave()
            else:
                self._rest()
            raise

    def leave(self) -> None:
        """An attempt that was let through is over."""
        self.in_flight -= 1
        self._room.in_flight -= 1
        if self._waiting:
            self.let_in()
        if not self.in_flight:
            self._rest()
        self._room.offer()

    def _rest(self) -> None:
        if self._is_busy and not self.in_flight and all(place.done() for place in self._waiting):
            self._is_busy = False
            self._room.busy -= 1

    def let_in(self) -> None:
        """Let in who waits, as far as that may be."""
        while self._waiting and self.in_flight < self.limit:
            if self._waiting[0].done():
                self._waiting.popleft()
                continue
            if not self._room.has_place(self.in_flight):
                self._room.wait(self)
                return
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
        self.let_in()


class Limiters:
    """The limiters of one command, one for each place that has limits of its own.

    A provider's account in a region is such a place: the host that calls go to is named by both (facts 2). What the
    service allows it is not documented (facts 13).
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._room = Room(ceiling)
        self._made: dict[tuple[str, str, str], Limiter] = {}

    def to_come(self, places: int) -> None:
        """So many places will be called besides those that are called now; they have their share of what may be."""
        self._room.to_come = places

    def of(self, provider: str, account: str, region: str) -> Limiter:
        """The limiter that all calls to this place go through, made once."""
        place = (provider, account, region)
        if place not in self._made:
            self._made[place] = Limiter(self._ceiling, room=self._room)
        return self._made[place]
