"""Sends one call as often as `retry` allows, each time when the limiter lets it through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from fcdeploy.cloud import retry
from fcdeploy.cloud.limiter import Limiter
from fcdeploy.errors import ApiError, CloudError

LATE: Final = 1.0
"""Seconds of waiting to be let through after which what was true before is to be looked at again (S37)."""

_T = TypeVar("_T")
_NONE: Final = retry.Tries()


class Repeater:
    """Repeats attempts under one limiter; `repeated` is told of each repeat, the rest is as in the client."""

    def __init__(
        self,
        limiter: Limiter,
        *,
        chance: Callable[[], float],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        repeated: Callable[[], None],
    ) -> None:
        self._limiter = limiter
        self._chance, self._clock, self._sleep = chance, clock, sleep
        self._repeated = repeated

    async def run(
        self,
        attempt: Callable[[], Awaitable[_T]],
        *,
        reads: bool,
        leaving: Callable[[], None] | None = None,
        before_again: Callable[[], Awaitable[None]] | None = None,
    ) -> _T:
        """What the first attempt gives that goes well; raises the CloudError after which there is no other.

        `leaving` is called before the first attempt, once it is let through, and `before_again` awaited before each
        repeat, and before a first attempt that was let through late.
        """
        tries, queued = _NONE, 0.0
        began = arrived = self._clock()
        limiter = self._limiter
        asked = limiter.clock()
        while True:
            # In two parts, since all that is sent comes through here and hardly any of it has to wait.
            left = limiter.enter()
            if left is None:
                left = await limiter.turn()
            try:
                queued += self._clock() - arrived
                repeats = tries is not _NONE
                if leaving is not None and not repeats:
                    leaving()
                if before_again is not None and (repeats or left - asked > LATE):
                    await before_again()
                if repeats:
                    self._repeated()
                try:
                    done = await attempt()
                except CloudError as error:
                    self._regulate(error, left)
                    # Waiting for one's turn is not a refusal. But where all are refused, turns come ever more rarely.
                    elapsed = max(self._clock() - began - queued, limiter.refused_for(asked))
                    again = retry.again(
                        error,
                        reads=reads,
                        tries=tries,
                        elapsed=elapsed,
                        random=self._chance,
                        answered=limiter.answered,
                    )
                    if again is None:
                        raise
                    tries = again.tries
                else:
                    limiter.went_well()
                    return done
            finally:
                limiter.leave()
            await self._sleep(again.seconds)
            arrived = self._clock()

    def _regulate(self, error: CloudError, left: float) -> None:
        if not isinstance(error, ApiError):
            return
        if error.status in (429, 503):
            self._limiter.no_room(error.retry_after, left=left)
        elif error.status < 500:
            self._limiter.went_well()
