"""How fast calls may leave once the service has refused one for lack of room. Pure: time is given, in seconds.

How many calls are in flight is no bound on how many leave in a second: against a service that answers in 5 ms, 32 of
them are 6,400 a second. So there is a rate besides, infinite until a call is refused, that all callers keep together.
The service is taken for a bucket that refills at a rate which nobody tells us, with a depth which nobody tells us.

- The first refusal says only that the bucket is empty, not how fast it fills, for what went well came out of its depth.
  The rate begins at half of what went well in the last second, or at `START`, and grows by half in each window.
- With the next refusal it is known: from one empty bucket to the next, exactly what came in went out again. The rate
  becomes that measure, but no less than half of itself, since a bucket that was full for part of the time lost some.
- From then on it is held: a refusal takes `KEEP` of it, and each window without one grows it by a little more than the
  window before. Where it stood when it was refused it passes slowly, and where the service has more room than then it
  soon grows by half again. (The same idea as the cubic curve of RFC 9438, by windows.)

It grows at most once in a window, is cut at most once, and only by a refusal of a call that left after the last cut.
It does not grow while it is not what holds the calls back, nor far beyond what is really sent: an allowance that was
never tried would be a flood when it is used.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

WINDOW: Final = 0.25
START: Final = 10.0
FLOOR: Final = 0.5
KEEP: Final = 0.85
SEARCH: Final = 0.5
STEP: Final = 0.0002
SLACK: Final = 0.001
"""A timer is late by about a millisecond; what is lost by it is made up for."""


class Pace:
    """The rate at which calls may leave, in calls a second, and the moment from which the next may."""

    def __init__(self, window: float = WINDOW) -> None:
        self.rate = math.inf
        self.opens = -math.inf
        self._window = window
        self._growth: float | None = None
        self._holds = False
        self._cut = self._changed = -math.inf
        self._well = 0
        self._lately: deque[float] = deque()

    def leave(self, now: float) -> None:
        """A call leaves."""
        if self.rate < math.inf:
            self.opens = max(self.opens, now - SLACK) + 1.0 / self.rate

    def held(self) -> None:
        """A call that could leave waits for nothing but `opens`."""
        self._holds = True

    def went_well(self, now: float, *, paused: bool) -> None:
        """The service took a call; `paused`: nothing leaves at present because the service asked for it."""
        self._well += 1
        self._lately.append(now)
        while self._lately[0] < now - 1.0:
            self._lately.popleft()
        if self.rate == math.inf or paused or now - self._changed < self._window:
            return
        self._changed = now
        holds, self._holds = self._holds, False
        lately = len(self._lately)
        if not holds:
            return
        if self._growth is None:
            if self.rate < max(START, 2.0 * lately):
                self.rate *= 1.0 + SEARCH
        elif self.rate < 1.0 + 1.25 * lately:
            self._growth = min(SEARCH, self._growth + STEP)
            self.rate *= 1.0 + self._growth

    def refused(self, now: float, *, left: float, resume: float) -> bool:
        """The service refused a call that left at `left`, and nothing leaves before `resume`; whether it is news."""
        news = left >= self._cut and now - self._cut >= self._window
        if news:
            self.rate = self._rate_after(now)
            self._cut = self._changed = now
            self._well, self._holds = 0, False
        self.opens = max(self.opens, max(now, resume) + 1.0 / self.rate)
        return news

    def _rate_after(self, now: float) -> float:
        if self.rate == math.inf:
            return max(START, sum(each > now - 1.0 for each in self._lately) / 2.0)
        least = KEEP
        if self._growth is None:
            measured = self._well / max(now - self._cut, self._window, SLACK)
            least = min(KEEP, max(0.5, measured / self.rate))
        self._growth = 0.0
        return max(FLOOR, self.rate * least)
