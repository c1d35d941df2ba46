"""A key on trial: a service that locks a key after a few refusals is not asked more often than it takes to know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fcdeploy.cloud.keys import Keys
from fcdeploy.cloud.retry import KEY_REFUSED
from fcdeploy.errors import ApiError, KeyExpired
from fcdeploy.model import Call

_T = TypeVar("_T")


class Trial:
    """Lets one call through until the service has taken the key, and none once it has refused it.

    Others may use the same key elsewhere, whom a lock would shut out as well (FunctionGraph facts 1: five minutes
    after more than five refusals in a row). Each client tries for itself, so that a region that does not answer holds
    up no other; what one is told, all with these `keys` know. `is_over`: the key was taken, all calls may go.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.is_over = False
        self._first = asyncio.Lock()

    async def run(self, call: Call, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """What the attempt gives. Raises what it raises, or the refusal that another has met."""
        if self.is_over:
            return await attempt()
        async with self._first:
            if not self.is_over:
                return await self._tried(call, attempt)
        return await attempt()

    async def _tried(self, call: Call, attempt: Callable[[], Awaitable[_T]]) -> _T:
        refusal = self._keys.refusal
        if refusal is not None:
            raise refusal.met_by(call.operation, call.resource)
        try:
            done = await attempt()
        except KeyExpired:
            raise
        except ApiError as error:
            if error.code in KEY_REFUSED:
                self._keys.refusal = error
            elif error.status < 500:
                self.is_over = True  # what else the service says, it says to a key that it knows
            raise
        self.is_over = True
        return done
