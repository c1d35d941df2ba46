"""How fast calls may leave once the service has refused one for lack of room. Pure: time is given, in seconds.

How many calls are in flight is no bound on how many leave in a second: against a service that answers in 5 ms, 32 of
them are 6,400 a second. So there is a rate besides, infinite until a call is refused, that all callers keep together.
The service is taken for a bucket that refills at a rate which nobody tells us, with a depth which nobody tells us.

- The first refusal says only that the bucket is empty, not how fast it fills, for what went well came out of its depth.
  How much that was is kept: the bucket is no deeper. The rate begins at half of what went well in the last second (at
  three quarters where the service asks for a pause, in which the bucket fills), or at `START`, and grows by half in
  each window.
- With the next refusal it is known: whatever went well in a span before it came out of the depth or flowed in
  meanwhile, so each span says how much flowed in at least, and the one that says most is believed. But a cut is never
  to less than half.
- From then on it is held: a refusal takes a little of it, and each window without one grows it by more than the window
  before. Where it stood when it was refused it passes slowly, and where the service has more room than then it soon
  grows by half again. (The same idea as the cubic curve of RFC 9438, by windows.) Where the service asks for a pause
  with each refusal, more is taken and it grows more slowly: what is lost is not a call, but the pause for all.
- What flows in while the service has us wait is there afterwards, as far as the bucket is deep: so many calls leave at
  once. When one of them is refused, somebody else has taken some of it, and the next time half as much is believed.

It grows at most once in a window, is cut at most once, and only by a refusal of a call that left after the last cut.
It does not grow while it is not what holds the calls back, nor while most of it is not used: an allowance that was
never tried would be a flood when it is used.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

WINDOW: Final = 0.25
START: Final = 30.0
FLOOR: Final = 0.5
KEEP: Final = 0.95
KEEP_PAUSED: Final = 0.9
SEARCH: Final = 0.5
STEP: Final = 0.004
STEP_PAUSED: Final = 0.0002
USED: Final = 0.6
USED_HELD: Final = 0.8
TRUST: Final = 0.9
"""How much of what should have flowed in during a pause is taken for there."""
SPAN: Final = 0.1
"""Seconds of which a span must have more to say anything; in shorter ones a call more or less is too much."""
TIMES: Final = 1024
SLACK: Final = 0.001
"""A timer is late by about a millisecond; what is lost by it is made up for."""


class Pace:
    """The rate at which calls may leave, in calls a second, and the moment from which the next may."""

    def __init__(self, window: float = WINDOW) -> None:
        self.rate = math.inf
        self.opens = -math.inf
        self._window = window
        self._growth: float | None = None
        self._step = STEP
        self._cut = self._begun = self._changed = -math.inf
        # Of the bucket when it was first found empty: what had come out of it, and in how many seconds.
        self._depth, self._drained = 0, 0.0
        # How long before that each call went well, as far as is kept.
        self._drain: tuple[float, ...] = ()
        # Calls that may leave at once, out of what flowed in during a pause.
        self._saved, self._trust = 0.0, TRUST
        # Since the last cut: whether a call has left, and when calls went well; of these, how many since `_changed`.
        self._gone = False
        self._well: deque[float] = deque(maxlen=TIMES)
        self._well_lately = 0
        self._holds = False

    def leave(self, now: float) -> None:
        """A call leaves."""
        self._gone = True
        if self._saved >= 1.0:
            self._saved -= 1.0
        elif self.rate < math.inf:
            self.opens = max(self.opens, now - SLACK) + 1.0 / self.rate

    def held(self) -> None:
        """A call that could leave waits for nothing but `opens`."""
        self._holds = True

    def went_well(self, now: float, *, paused: bool) -> None:
        """The service took a call; `paused`: nothing leaves at present because the service asked for it."""
        if not self._gone:
            # It had left before the cut; what it took was there before.
            self._depth += self._growth is None
            return
        self._well.append(now)
        self._well_lately += 1
        since = max(self._changed, self._begun)
        if self.rate == math.inf or paused or now - since < self._window:
            return
        most = (USED if self._growth is None else USED_HELD) * self.rate * (now - since)
        is_used = self.rate <= START or self._well_lately >= most
        grows = self._holds and is_used
        self._changed, self._well_lately, self._holds = now, 0, False
        if self._growth is None:
            self.rate *= 1.0 + SEARCH * grows
        elif grows:
            # Where few calls leave in a window it takes more of them: some thirty are to go well for one refused.
            self._growth = min(SEARCH, self._growth + min(self._step, max(STEP_PAUSED, 7e-6 * self.rate**2)))
            self.rate *= 1.0 + self._growth

    def refused(self, now: float, *, left: float, resume: float) -> bool:
        """The service refused a call that left at `left`, and nothing leaves before `resume`; whether it is news."""
        news = left >= self._cut and now - self._cut >= self._window
        if news:
            self.rate = self._rate_after(now, pause=resume - now)
            self._cut = self._begun = self._changed = now
            self._well.clear()
            self._well_lately = 0
            self._gone = self._holds = False
        self._begun = max(self._begun, resume)
        opens = max(now, resume)
        self.opens = opens if self._saved >= 1.0 else max(self.opens, opens + 1.0 / self.rate)
        return news

    def _rate_after(self, now: float, *, pause: float) -> float:
        if self._saved >= 1.0:
            self._trust /= 2.0
        self._saved = 0.0
        if self.rate == math.inf:
            lately = [at for at in self._well if at > now - 1.0]
            self._depth, self._drained = len(lately), now - min(lately, default=now)
            self._drain = tuple(now - at for at in self._well)
            return max(START, self._depth * (0.75 if pause > 0.0 else 0.5))
        measured = self._measured(now)
        if not self._well and self._growth is not None:
            measured = self.rate
        if pause > 0.0:
            self._saved = self._trust * min(self._deep(measured), measured * pause)
        self._growth = 0.0
        keep, self._step = (KEEP_PAUSED, STEP_PAUSED) if pause > 0.0 else (KEEP, STEP)
        return max(FLOOR, min(keep * self.rate, max(measured, 0.5 * self.rate)))

    def _measured(self, now: float) -> float:
        """What has flowed into the bucket a second, at least, as it is found empty again."""
        # In all the time since it was empty, nothing came out that had not flowed in.
        told = [len(self._well) / max(now - self._cut, self._window, SLACK)]
        for before, at in enumerate(self._well):
            seconds = now - at - self._drained
            if seconds <= SPAN:
                break
            told.append((len(self._well) - before + 1 - self._depth) / seconds)
        return max(told)

    def _deep(self, rate: float) -> float:
        """How deep the bucket is, at least, where so much flows in a second: the most that came out besides."""
        came = len(self._drain)
        return max((came - before - rate * seconds for before, seconds in enumerate(self._drain)), default=0.0)
