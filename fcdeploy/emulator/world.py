"""What one emulator process holds: settings, contents, faults, log, and the little that is only in memory."""

import time
from contextlib import AbstractContextManager
from dataclasses import replace

from fcdeploy.emulator.exchange import Tenant
from fcdeploy.emulator.faults import FaultBook
from fcdeploy.emulator.requestlog import RequestLog
from fcdeploy.emulator.settings import Delays, EmulatorSettings
from fcdeploy.emulator.store import Session, Store


class World:
    """The one object that an operation reaches everything through."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self.faults = FaultBook()
        self.settings = settings
        self.store = Store(settings.data)
        self.log = RequestLog(settings.log)
        self._mentions: dict[tuple[str, ...], float] = {}
        self._writing: set[tuple[Tenant, str]] = set()
        if settings.faults is not None:
            delays = self.faults.load(settings.faults)
            if delays is not None:
                self.set_delays(delays)

    def set_delays(self, delays: Delays) -> None:
        """Imitate these delays from now on."""
        self.settings = replace(self.settings, delays=delays)

    def read(self, tenant: Tenant) -> AbstractContextManager[Session]:
        """Give a session for reading."""
        return self.store.read(tenant)

    def write(self, tenant: Tenant) -> AbstractContextManager[Session]:
        """Give a session that commits at its end."""
        return self.store.write(tenant)

    def settled(self, delay: float, *thing: str) -> bool:
        """Tell whether ``thing`` has been known for ``delay`` seconds; the first mention starts its clock."""
        if delay <= 0:
            return True
        now = time.monotonic()
        return now - self._mentions.setdefault(thing, now) >= delay

    def mention(self, *thing: str) -> None:
        """Start the clock of ``thing`` anew."""
        self._mentions[thing] = time.monotonic()

    def since(self, *thing: str) -> float | None:
        """Return the seconds since the last mention of ``thing``, None when it was never mentioned."""
        moment = self._mentions.get(thing)
        return None if moment is None else time.monotonic() - moment

    def begin_write(self, tenant: Tenant, area: str) -> bool:
        """Enter a write to ``area``; False when another one is in flight there (facts 11, parallel updates)."""
        if (tenant, area) in self._writing:
            return False
        self._writing.add((tenant, area))
        return True

    def end_write(self, tenant: Tenant, area: str) -> None:
        """Leave a write that :meth:`begin_write` let in."""
        self._writing.discard((tenant, area))

    def restore(self, contents: bytes) -> None:
        """Forget everything and take these contents, which :meth:`Store.contents` returned."""
        self.clear()
        self.store.restore(contents)

    def clear(self) -> None:
        """Forget everything: contents, faults, log and clocks."""
        self.store.clear()
        self.faults.clear()
        self.log.clear()
        self._mentions.clear()

    def close(self) -> None:
        """Close the database and the log."""
        self.store.close()
        self.log.close()
