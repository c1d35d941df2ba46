"""Who watches a run, who remembers it, and who may end it: what an executor is given from outside."""

from __future__ import annotations

import asyncio
from typing import Protocol

from fcdeploy.model import Event, EventType, Step


class Progress(Protocol):
    """Who watches a run. Called from the event loop; must not block."""

    def begun(self, target: str, step: Step, undoing: bool) -> None:
        """A step's first request is about to be sent."""
        ...

    def ended(self, target: str, step: Step, event: EventType, seconds: float, note: str) -> None:
        """A step came to its end."""
        ...

    def waiting(self, target: str, step: Step, why: str, seconds: float) -> None:
        """A step waits for something that passes by itself."""
        ...

    def said(self, target: str, text: str) -> None:
        """Something about the run as a whole."""
        ...


class EventLog(Protocol):
    """The part of the journal that a run writes."""

    async def append_events(self, run: str, *events: Event) -> None:
        """Durable together when it returns; raises RunError when no further effect may be made."""
        ...


class StopRequest:
    """Set by a signal: launch nothing more, drain, roll back (or stop)."""

    def __init__(self) -> None:
        self.requested = False
        self._event = asyncio.Event()

    def request(self) -> None:
        """Ask for the end; once is enough."""
        self.requested = True
        self._event.set()

    async def wait(self) -> None:
        """Returns when the end was asked for."""
        await self._event.wait()
