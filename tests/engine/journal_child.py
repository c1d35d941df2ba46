"""What the journal's tests run in a process of its own, to be killed, stopped or starved.

journal_child.py append FOLDER                  append for ever; prints `N` after append N returned
journal_child.py hold FOLDER PLACE BEAT_EVERY   hold the lease, append one event for each line read
journal_child.py race FOLDER                    try for the lease once when a line is read
journal_child.py full FOLDER                    append until the disk takes no more, then once more
journal_child.py readonly FOLDER                open a journal in a folder that may not be written
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.engine.lease import Holder, acquire
from fcdeploy.errors import RunError
from fcdeploy.model import Event, EventType, Plan, Target


def say(text: str) -> None:
    print(text, flush=True)


def plan() -> Plan:
    target = Target(name="dev", provider="alibaba", region="cn-hangzhou")
    return Plan(project="p", target=target, changes=(), steps=())


def begun(step: int) -> Event:
    return Event(step=f"step-{step}", type=EventType.BEGUN, at=float(step), note="x" * 200)


async def hear() -> str:
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.strip()


async def append(folder: Path) -> None:
    journal = SqliteJournal.open(folder / "journal.db")
    await journal.acquire("dev")
    run = await journal.open_run(plan(), "apply")
    say(run)

    async def one_of(worker: int) -> None:
        for count in range(1_000_000):
            step = count * 16 + worker
            await journal.append_events(run, begun(step))
            say(str(step))

    await asyncio.gather(*(one_of(worker) for worker in range(16)))


async def hold(folder: Path, place: str, beat_every: str) -> None:
    journal = SqliteJournal.open(folder / "journal.db")
    here = Holder.current()
    holder = msgspec.structs.replace(here, place=place) if place != "here" else here
    lease = await acquire(journal.file, "dev", "run-of-child", holder=holder, beat_every=float(beat_every))
    journal.use_lease(lease)
    run = await journal.open_run(plan(), "apply")
    say(f"held {lease.epoch}")
    step = 0
    while await hear():
        try:
            await lease.check()
            checked = "held"
        except RunError as error:
            checked = type(error).__name__
        try:
            await journal.append_events(run, begun(step))
            say(f"{checked} appended {step}")
        except RunError as error:
            say(f"{checked} {type(error).__name__}: {error.summary}")
        step += 1


async def race(folder: Path) -> None:
    journal = SqliteJournal.open(folder / "journal.db")
    say("ready")
    while await hear():
        try:
            lease = await journal.acquire("dev")
        except RunError as error:
            say(f"{type(error).__name__} 0")
            await hear()
            continue
        say(f"won {lease.epoch}")
        await hear()
        await lease.release()
        say("released")
    await journal.close()


async def full(folder: Path) -> None:
    journal = SqliteJournal.open(folder / "journal.db")
    await journal.acquire("dev")
    run = await journal.open_run(plan(), "apply")
    room = (folder / "journal.db-wal").stat().st_size + 100_000
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    step = 0
    try:
        while True:
            await journal.append_events(run, begun(step))
            say(f"durable {step}")
            step += 1
    except RunError as error:
        say(f"{type(error).__name__}: {error.summary} | {error.hint}")
    # Space is back, but what was written is unknown: nothing may be begun any more.
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    waiting = [journal.append_events(run, begun(step + 1 + more)) for more in range(5)]
    for answer in await asyncio.gather(*waiting, return_exceptions=True):
        say(f"later {type(answer).__name__}")
    say(f"readable {len(await journal.read_events(run))}")
    await journal.close()


async def readonly(folder: Path) -> None:
    if os.geteuid() == 0:
        # Root may write anywhere; nobody may not.
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        SqliteJournal.open(folder / "journal.db")
    except RunError as error:
        say(f"{type(error).__name__}: {error.summary} | {error.hint}")


if __name__ == "__main__":
    command, folder, *rest = sys.argv[1:]
    table: dict[str, Callable[..., Coroutine[Any, Any, None]]]
    table = {"append": append, "hold": hold, "race": race, "full": full, "readonly": readonly}
    asyncio.run(table[command](Path(folder), *rest))
