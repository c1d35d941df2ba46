"""One process at a time: taking, waiting, taking over from the dead, and finding out that one was replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.engine.lease import Holder, Vitality, acquire, read_vitality
from fcdeploy.errors import LeaseHeld, LeaseLost
from fcdeploy.model import Event, EventType

CHILD = Path(__file__).with_name("journal_child.py")
ELSEWHERE = "another-boot pid:[1]"


class Child:
    """A test process that is talked to line by line."""

    def __init__(self, *arguments: str | Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def tell(self, line: str = "go") -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")

    def hear(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def ask(self) -> str:
        self.tell()
        return self.hear()


def holder_elsewhere(pid: int = 1) -> Holder:
    return Holder(user="ci", host="runner-7", pid=pid, started="1", place=ELSEWHERE)


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    async def use() -> None:
        with Child("hold", tmp_path, "here", "10") as child:
            assert child.hear() == "held 1"
            async with SqliteJournal.open(tmp_path / "journal.db") as journal:
                with pytest.raises(LeaseHeld) as caught:
                    await journal.acquire("dev")
                assert f"pid {child.process.pid} is at work on dev" in caught.value.summary
                assert "@" in caught.value.summary
                assert caught.value.detail.startswith("run run-of-child, for ")
                assert "--lock-timeout" in caught.value.hint
                assert (await journal.acquire("other")).epoch == 1

    asyncio.run(use())


def test_one_who_waits_gets_it_when_it_is_given_back(tmp_path: Path) -> None:
    async def use() -> None:
        async with SqliteJournal.open(tmp_path / "journal.db") as journal:
            first = await journal.acquire("dev")
            waiting = asyncio.create_task(acquire(journal.file, "dev", "second", timeout=60))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            await first.release()
            second = await waiting
            assert second.epoch == 2
            with pytest.raises(LeaseLost, match="took dev over"):
                await first.check()
            await first.release()
            await second.check()
            await second.release()

    asyncio.run(use())


def test_of_two_that_race_one_wins_each_round(tmp_path: Path) -> None:
    # The journal does not exist yet: its making is part of the race.
    with Child("race", tmp_path) as one, Child("race", tmp_path) as two:
        assert [one.hear(), two.hear()] == ["ready", "ready"]
        epochs = []
        for _ in range(20):
            one.tell()
            two.tell()
            words = [one.hear(), two.hear()]
            assert Counter(word.split()[0] for word in words) == {"won": 1, "LeaseHeld": 1}, words
            epochs.append(max(int(word.split()[1]) for word in words))
            one.tell("done")
            two.tell("done")
            winner = one if words[0].startswith("won") else two
            assert winner.hear() == "released"
        assert epochs == list(range(1, 21))


def test_a_killed_holder_is_replaced_at_once(tmp_path: Path) -> None:
    async def use() -> None:
        with Child("hold", tmp_path, "here", "10") as child:
            assert child.hear() == "held 1"
            child.process.kill()
            # Not waited for yet: a zombie still has its pid and start time.
            os.waitid(os.P_PID, child.process.pid, os.WEXITED | os.WNOWAIT)
            async with SqliteJournal.open(tmp_path / "journal.db") as journal:
                lease = await journal.acquire("dev")
                assert lease.epoch == 2
                await lease.check()

    asyncio.run(use())


def test_a_stopped_holder_on_this_machine_is_left_alone(tmp_path: Path) -> None:
    async def use() -> None:
        with Child("hold", tmp_path, "here", "0.05") as child:
            assert child.hear() == "held 1"
            stop_outside_a_write(child, tmp_path)
            async with SqliteJournal.open(tmp_path / "journal.db") as journal:
                with pytest.raises(LeaseHeld):
                    await acquire(journal.file, "dev", "mine", timeout=1.5, stale_after=0.2)
            child.process.send_signal(signal.SIGCONT)
            assert child.ask() == "held appended 0"

    asyncio.run(use())


def test_a_holder_that_wakes_after_it_was_replaced_begins_nothing(tmp_path: Path) -> None:
    async def use() -> None:
        # It says it is of another machine, so only its heartbeat counts.
        with Child("hold", tmp_path, ELSEWHERE, "0.05") as child:
            assert child.hear() == "held 1"
            assert child.ask() == "held appended 0"
            async with SqliteJournal.open(tmp_path / "journal.db") as journal:
                with pytest.raises(LeaseHeld) as caught:
                    await acquire(journal.file, "dev", "mine", stale_after=30)
                assert "attempt 30 s from now" in caught.value.hint

                stop_outside_a_write(child, tmp_path)
                lease = await acquire(journal.file, "dev", "mine", timeout=60, stale_after=1)
                assert lease.epoch == 2

                child.process.send_signal(signal.SIGCONT)
                answer = child.ask()
                assert answer.startswith("LeaseLost LeaseLost: "), answer
                assert f"pid {os.getpid()} took dev over" in answer
                assert child.ask().startswith("LeaseLost LeaseLost: ")

                await lease.check()
                open_run = await journal.read_open_run("dev")
                assert open_run is not None and open_run.id == "run-of-child"
                assert [event.step for event in await journal.read_events("run-of-child")] == ["step-0"]
                journal.use_lease(lease)
                await journal.append_events("run-of-child", Event(step="mine", type=EventType.BEGUN, at=0.0))

    asyncio.run(use())


def stop_outside_a_write(child: Child, folder: Path) -> None:
    """SIGSTOP, but not in the middle of a transaction: that would keep the file locked for everybody."""
    for _ in range(100):
        child.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.process.pid, os.WSTOPPED)
        with closing(sqlite3.connect(folder / "journal.db", timeout=0, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError:
                child.process.send_signal(signal.SIGCONT)
    raise AssertionError("the child was in a write each time")


def test_quick_attempts_a_while_apart_find_a_dead_holder_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use() -> None:
        async with SqliteJournal.open(tmp_path / "journal.db") as journal:
            held = await acquire(journal.file, "dev", "theirs", holder=holder_elsewhere(), beat_every=3600)
            clock = {"monotonic": 5000.0, "wall": 1e9}
            monkeypatch.setattr("fcdeploy.engine.lease.time.monotonic", lambda: clock["monotonic"])
            monkeypatch.setattr("fcdeploy.engine.lease.time.time", lambda: clock["wall"])

            async def attempt() -> int:
                return (await acquire(journal.file, "dev", "mine")).epoch

            with pytest.raises(LeaseHeld, match=r"ci@runner-7 pid 1"):
                await attempt()
            # Wall clocks that jump by years mean nothing.
            for wall in (3e9, 0.0):
                clock["wall"] = wall
                with pytest.raises(LeaseHeld):
                    await attempt()
            clock["monotonic"] += 59.0
            with pytest.raises(LeaseHeld):
                await attempt()
            # A heartbeat in between starts the count anew.
            await journal.file.write(lambda c: c.execute("UPDATE lease SET beat = beat + 1").rowcount)
            clock["monotonic"] += 59.0
            with pytest.raises(LeaseHeld):
                await attempt()
            # So does a monotonic clock that starts anew (a reboot where the boot has no id).
            clock["monotonic"] = 10.0
            with pytest.raises(LeaseHeld):
                await attempt()
            clock["monotonic"] += 61.0
            assert await attempt() == 2
            assert await journal.file.read(lambda c: c.execute("SELECT count(*) FROM sightings").fetchone()) == (0,)
            with pytest.raises(LeaseLost):
                await held.check()
            held.stop_beating()

    asyncio.run(use())


def test_what_one_machine_saw_does_not_count_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use() -> None:
        async with SqliteJournal.open(tmp_path / "journal.db") as journal:
            held = await acquire(journal.file, "dev", "theirs", holder=holder_elsewhere(), beat_every=3600)
            for place, now in (("boot-a", 1000.0), ("boot-b", 9000.0), ("boot-a", 1030.0), ("boot-b", 9059.0)):
                monkeypatch.setattr("fcdeploy.engine.lease.time.monotonic", lambda now=now: now)
                observer = msgspec.structs.replace(Holder.current(), place=place)
                with pytest.raises(LeaseHeld):
                    await acquire(journal.file, "dev", "mine", holder=observer)
            monkeypatch.setattr("fcdeploy.engine.lease.time.monotonic", lambda: 1060.0)
            taken = await acquire(
                journal.file, "dev", "mine", holder=msgspec.structs.replace(Holder.current(), place="boot-a")
            )
            assert taken.epoch == 2
            for lease in (held, taken):
                lease.stop_beating()

    asyncio.run(use())


def test_the_heartbeat_counts_up_and_ends_with_the_lease(tmp_path: Path) -> None:
    async def use() -> None:
        async with SqliteJournal.open(tmp_path / "journal.db") as journal:

            async def beat() -> int:
                row = await journal.file.read(lambda c: c.execute("SELECT beat FROM lease").fetchone())
                return int(row[0])

            lease = await acquire(journal.file, "dev", "mine", beat_every=0.01)
            async with asyncio.timeout(30):
                while await beat() < 5:
                    await asyncio.sleep(0.01)
            await lease.release()
            last = await beat()
            await asyncio.sleep(0.1)
            assert await beat() == last

    asyncio.run(use())


def test_vitality_tells_a_process_from_a_later_one_with_its_pid() -> None:
    here = Holder.current()
    assert here.place and here.started and here.user and here.host
    assert Holder.from_text(here.to_text()) == here
    assert read_vitality(here, place=here.place) is Vitality.ALIVE
    assert read_vitality(msgspec.structs.replace(here, started="1"), place=here.place) is Vitality.DEAD
    assert read_vitality(msgspec.structs.replace(here, started=""), place=here.place) is Vitality.UNSURE
    assert read_vitality(here, place=ELSEWHERE) is Vitality.UNSURE
    assert read_vitality(msgspec.structs.replace(here, place=""), place="") is Vitality.UNSURE
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pid = gone.pid
    assert read_vitality(msgspec.structs.replace(here, pid=pid), place=here.place) is Vitality.DEAD
