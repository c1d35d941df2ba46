"""The moments at which a run is killed, by name, and what is wrapped around the program so that they can be met.

    journal.NAME.before    the write is about to be asked for     NAME is what is written: `begun create trigger:...`
    journal.NAME.after     it is durable
    call.NAME.before       the request is about to leave          NAME is the method and path, and for each repeat `#2`
    call.NAME.unheard      the service has done it and has not answered yet (the emulator's side kills then)
    call.NAME.after        the answer is here, and not in the journal yet

Names tell the moments of runs apart whatever the order in which their steps are performed side by side.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from fcdeploy.app import bench
from fcdeploy.cloud.client import Client
from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.engine.lease import SqliteLease
from fcdeploy.engine.spool import Spool
from fcdeploy.model import Call, Event, Reply

WRITES = ("POST", "PUT", "DELETE")


class Moments:
    """Every moment of a run as it passes: noted, or the end of the process."""

    def __init__(self, fatal: str | None, note: Callable[[str], None]) -> None:
        self._fatal = fatal
        self._note = note
        self._seen: Counter[str] = Counter()

    def numbered(self, name: str) -> str:
        """The name, told apart from earlier ones."""
        self._seen[name] += 1
        return name if self._seen[name] == 1 else f"{name}#{self._seen[name]}"

    def passes(self, moment: str) -> None:
        """The run has come to a moment."""
        self._note(moment)
        if moment == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    async def around(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do a piece of work between its two moments."""
        name = self.numbered(name)
        self.passes(f"{name}.before")
        result = await work()
        self.passes(f"{name}.after")
        return result


def watch(moments: Moments, deadline: float | None) -> None:
    """Let every journal write and every call of this process pass by, and let it wait less between its tries.

    `deadline` is that of its calls, in seconds; None leaves it.
    """
    acquire, open_run = SqliteJournal.acquire, SqliteJournal.open_run
    append, close, forget = SqliteJournal.append_events, SqliteJournal.close_run, SqliteJournal.forget
    release, send, adopt, make = SqliteLease.release, Client.send, Spool.adopt_files, Client.__init__

    async def watched_acquire(self: SqliteJournal, *given: Any, **named: Any) -> Any:
        return await moments.around("journal.acquire", lambda: acquire(self, *given, **named))

    async def watched_open(self: SqliteJournal, *given: Any, **named: Any) -> Any:
        return await moments.around("journal.open", lambda: open_run(self, *given, **named))

    async def watched_append(self: SqliteJournal, run: str, *events: Event) -> None:
        if events:
            name = f"journal.{events[0].type} {events[0].step}"
            await moments.around(name, lambda: append(self, run, *events))

    async def watched_close(self: SqliteJournal, *given: Any) -> None:
        await moments.around("journal.close", lambda: close(self, *given))

    async def watched_forget(self: SqliteJournal, *given: Any, **named: Any) -> Any:
        return await moments.around("journal.forget", lambda: forget(self, *given, **named))

    async def watched_release(self: SqliteLease) -> None:
        await moments.around("journal.release", lambda: release(self))

    def watched_adopt(self: Spool, *given: Any, **named: Any) -> Any:
        moments.passes("journal.spool.before")
        stored = adopt(self, *given, **named)
        moments.passes("journal.spool.after")
        return stored

    async def watched_send(self: Client, call: Call, **named: Any) -> Reply:
        if call.method not in WRITES or call.reads:
            return await send(self, call, **named)
        reply: Reply = await moments.around(f"call.{call.method} {call.path}", lambda: send(self, call, **named))
        return reply

    def made(self: Client, **named: Any) -> None:
        make(self, **{**named, "sleep": _hurried, **({"deadline": deadline} if deadline is not None else {})})

    SqliteJournal.acquire, SqliteJournal.open_run = watched_acquire, watched_open  # type: ignore[method-assign]
    SqliteJournal.append_events, SqliteJournal.close_run = watched_append, watched_close  # type: ignore[method-assign]
    SqliteJournal.forget, SqliteLease.release = watched_forget, watched_release  # type: ignore[method-assign]
    Spool.adopt_files, Client.send = watched_adopt, watched_send  # type: ignore[method-assign]
    Client.__init__ = made  # type: ignore[method-assign]
    bench.pause = lambda failures, random: 0.01 * failures


async def _hurried(seconds: float) -> None:
    await asyncio.sleep(seconds / 50)
