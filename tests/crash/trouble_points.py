"""The moments of a run at which a test can make trouble, and the trouble, done by the process to itself.

start                    the command line is about to be read
planned, opened          the run is about to be opened; it is open
begun STEP, done STEP…   an event is about to be written; `after begun STEP…`: it is durable
send METHOD /PATH        the request of a write is about to leave
spool                    archives are about to be stored
"""

from __future__ import annotations

import asyncio
import fnmatch
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fcdeploy.app import bench
from fcdeploy.cloud.client import Client
from fcdeploy.engine import holder, lease
from fcdeploy.engine.executor import Executor
from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.engine.reader import Reader
from fcdeploy.engine.spool import Spool
from fcdeploy.model import Call, Event, Reply

WRITES = ("POST", "PUT", "DELETE")
_ahead = 0.0
_now = time.time


def fill(size: int) -> None:
    """No file of this process may grow beyond so many bytes, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def fill_journal(journal: str) -> None:
    """The journal has no room any more."""
    log = Path(f"{journal}-wal")
    fill(log.stat().st_size if log.exists() else 0)


def remove(path: str) -> None:
    """Somebody removes a file or a folder."""
    if Path(path).is_dir():
        shutil.rmtree(path)
    else:
        Path(path).unlink()


def put(path: str, source: str) -> None:
    """Somebody puts another file, or folder, in its place."""
    there = Path(path)
    there.rename(f"{path}.aside")
    if Path(source).is_dir():
        shutil.copytree(source, there)
    else:
        shutil.copy(source, there)


def write(path: str, text: str) -> None:
    """Somebody writes a file."""
    Path(path).write_text(text)


def protect(path: str) -> None:
    """Somebody takes the right to write away."""
    for one in (Path(path), *Path(path).rglob("*")):
        one.chmod(0o500 if one.is_dir() else 0o400)


def jump(seconds: float) -> None:
    """The wall clock jumps."""
    global _ahead
    _ahead += seconds


def send_self(number: int) -> None:
    """A signal comes."""
    os.kill(os.getpid(), number)


def ignore(number: int) -> None:
    """The program was started so that a signal does not reach it (nohup)."""
    signal.signal(number, signal.SIG_IGN)


def break_down(words: str) -> None:
    """The program has a bug, and its exception says what it was about."""
    raise ZeroDivisionError(words)


def move_elsewhere(place: str) -> None:
    """This machine is another one, as far as leases are concerned."""
    holder._place = lambda: place


def hurry(stale: float) -> None:
    """Leases of elsewhere count as dead after so many seconds."""
    defaults = lease.acquire.__kwdefaults__
    assert defaults is not None
    defaults["stale_after"] = stale


_ON_FILES = (fill, fill_journal, remove, put, write, protect)
_ON_THE_PROCESS = (jump, send_self, ignore, break_down, move_elsewhere, hurry)
DEEDS: Mapping[str, Callable[..., None]] = {one.__name__: one for one in (*_ON_FILES, *_ON_THE_PROCESS)}


class Troubles:
    """What happens when: each trouble names a moment (a pattern), which of those that fit it, a deed and its words."""

    def __init__(self, troubles: list[dict[str, Any]], note: Callable[[str], object]) -> None:
        self._troubles = [{"nth": 1, **one} for one in troubles]
        self._note = note

    def pass_by(self, moment: str) -> None:
        """The run has come to a moment."""
        self._note(moment)
        for one in self._troubles:
            if fnmatch.fnmatchcase(moment, one["when"]):
                one["nth"] -= 1
                if one["nth"] == 0:
                    DEEDS[one["do"]](**one.get("with", {}))


def watch(troubles: Troubles) -> None:
    """Let the moments of this process pass by, and let it wait less between its tries."""
    time.time = lambda: _now() + _ahead
    defaults = Executor.__init__.__kwdefaults__
    assert defaults is not None
    defaults["clock"] = time.time
    open_run, append = SqliteJournal.open_run, SqliteJournal.append_events
    read, adopt, send, make = Reader.read_snapshot, Spool.adopt_files, Client.send, Client.__init__

    async def watched_open(self: SqliteJournal, *given: Any, **named: Any) -> Any:
        troubles.pass_by("planned")
        run = await open_run(self, *given, **named)
        troubles.pass_by("opened")
        return run

    async def watched_read(self: Reader, *given: Any, **named: Any) -> Any:
        snapshot = await read(self, *given, **named)
        troubles.pass_by("listed")
        return snapshot

    async def watched_append(self: SqliteJournal, run: str, *events: Event) -> None:
        if not events:
            return
        name = f"{events[0].type} {events[0].step}"
        troubles.pass_by(name)
        await append(self, run, *events)
        troubles.pass_by(f"after {name}")

    def watched_adopt(self: Spool, *given: Any, **named: Any) -> Any:
        troubles.pass_by("spool")
        return adopt(self, *given, **named)

    async def watched_send(self: Client, call: Call, **named: Any) -> Reply:
        if call.method in WRITES:
            troubles.pass_by(f"send {call.method} {call.path}")
        return await send(self, call, **named)

    async def hurried(seconds: float) -> None:
        troubles.pass_by("wait")
        await asyncio.sleep(seconds / 20)

    def made(self: Client, **named: Any) -> None:
        make(self, **{**named, "sleep": hurried})

    SqliteJournal.open_run, SqliteJournal.append_events = watched_open, watched_append  # type: ignore[method-assign]
    Spool.adopt_files, Client.send, Client.__init__ = watched_adopt, watched_send, made  # type: ignore[method-assign]
    Reader.read_snapshot = watched_read  # type: ignore[method-assign]
    bench.pause = lambda failures, random: 0.01 * failures
