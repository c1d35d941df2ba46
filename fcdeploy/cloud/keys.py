"""Keys that last as long as a run does: temporary ones are fetched again before they end, by one for all.

Fetching keys blocks (it may ask STS or start a command), so it is done in a thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.origins import AssumedRole, AtHand, Origin
from fcdeploy.errors import ApiError, CredentialsError, CredentialsUnreachable

EARLY: Final = 300.0
"""Seconds before its end at which a key is replaced, or a third of its life if that is less."""
LEAST: Final = 15.0
"""Seconds that a key must still have to be used when no other can be had."""
FIRST: Final = (0.3, 1.0)
"""Seconds between the tries to get the first key, where what gives it does not answer. Later the calls are repeated."""
PAUSE: Final = 30.0
"""Seconds until it is tried again to replace a key that is still good."""


class Keys:
    """The keys of one origin. `read` fetches one; `clock` gives seconds since the epoch.

    `refusal` is what a service said that does not take them, if one did.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[Credentials]],
        *,
        clock: Callable[[], float] = time.time,
        pauses: Sequence[float] = FIRST,
    ) -> None:
        self._read = read
        self._clock = clock
        self._pauses = pauses
        self.refusal: ApiError | None = None
        self._held: Credentials | None = None
        self._due = 0.0
        self._reading: asyncio.Task[Credentials] | None = None
        self._fixed = False

    @classmethod
    def of(cls, key: Credentials) -> Keys:
        """Keys that stay as they are."""

        async def read() -> Credentials:
            return key

        made = cls(read)
        made._held, made._due, made._fixed = key, float("inf"), True
        return made

    def at_hand(self) -> Credentials | None:
        """The key that is good now, if none has to be fetched for it."""
        return self._held if self._clock() < self._due else None

    async def current(self) -> Credentials:
        """A key that is good now. Raises CredentialsError, CredentialsUnreachable when it may pass."""
        if (good := self.at_hand()) is not None:
            return good
        held = self._held
        try:
            return await self._renewed()
        except CredentialsError:
            if held is None or self._held is not held or not self._lasts(held):
                raise
            self._due = self._clock() + PAUSE
            return held

    def expired(self, key: Credentials) -> bool:
        """The service says that this key is over: whether another can be had, which `current` then gives."""
        if self._fixed:
            return False
        if self._held is key:
            self._held = None
        return True

    async def _renewed(self) -> Credentials:
        reading = self._reading
        if reading is None:
            reading = self._reading = asyncio.ensure_future(self._fetched())
            reading.add_done_callback(self._done)
        # Who asked first may be cancelled; the others still wait.
        return await asyncio.shield(reading)

    async def _fetched(self) -> Credentials:
        for pause in self._pauses:
            try:
                return await self._read()
            except CredentialsUnreachable:
                await asyncio.sleep(pause)
        return await self._read()

    def _done(self, reading: asyncio.Task[Credentials]) -> None:
        if self._reading is reading:
            self._reading = None
        if reading.cancelled() or reading.exception() is not None:
            return
        key, now = reading.result(), self._clock()
        self._pauses = ()
        self._held = key
        self._due = float("inf")
        if key.expires_at is not None:
            left = key.expires_at - now
            self._due = key.expires_at - min(EARLY, left / 3)

    def _lasts(self, key: Credentials) -> bool:
        return key.expires_at is None or self._clock() < key.expires_at - LEAST


class Keyring:
    """The keys of one command: targets whose keys come from the same place share them."""

    def __init__(self, environ: Mapping[str, str], *, pauses: Sequence[float] = FIRST) -> None:
        self._environ = environ
        self._pauses = pauses
        self._made: dict[Origin, Keys] = {}

    def of(self, origin: Origin) -> Keys:
        """The keys of an origin, made once; nothing is read yet."""
        if origin not in self._made:
            self._made[origin] = self._keys(origin)
        return self._made[origin]

    def _keys(self, origin: Origin) -> Keys:
        if isinstance(origin, AtHand):
            return Keys.of(origin.key)

        async def read() -> Credentials:
            asked = origin
            if isinstance(origin, AssumedRole):
                # One role that takes many is itself taken once.
                asked = replace(origin, source=AtHand(key=await self.of(origin.source).current()))
            return await asyncio.to_thread(_read_keys, asked, self._environ)

        return Keys(read, pauses=self._pauses)


def _read_keys(origin: Origin, environ: Mapping[str, str]) -> Credentials:
    from fcdeploy.cloud.vendor import read_keys

    return read_keys(origin, environ)
