"""Which files are taken for a journal, and what happens when one cannot be written any more."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from fcdeploy.engine.journal_file import JournalFile
from fcdeploy.engine.journal_layout import APPLICATION_ID, VERSION
from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.errors import JournalError
from fcdeploy.model import Ending, Event, EventType, Plan, Target

CHILD = Path(__file__).with_name("journal_child.py")


def child(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def a_plan() -> Plan:
    return Plan(project="p", target=Target(name="dev", provider="alibaba", region="cn-hangzhou"), changes=(), steps=())


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    """A journal with one ended run of 2,000 events, closed."""

    async def fill() -> None:
        async with SqliteJournal.open(tmp_path / "journal.db") as journal:
            await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply")
            events = [Event(step=str(n), type=EventType.DONE, at=0.0, note="x" * 100) for n in range(2000)]
            await asyncio.gather(*(journal.append_events(run, event) for event in events))
            await journal.close_run(run, Ending.DONE)

    asyncio.run(fill())
    return tmp_path / "journal.db"


def refusal(path: Path) -> JournalError:
    """What opening it says; the file must stay as it was, byte for byte, and nothing appear beside it."""
    before = {item.name: item.read_bytes() for item in path.parent.iterdir() if item.is_file()}
    with pytest.raises(JournalError) as caught:
        JournalFile.open(path)
    assert {item.name: item.read_bytes() for item in path.parent.iterdir() if item.is_file()} == before
    assert str(path) in caught.value.summary
    assert caught.value.hint
    return caught.value


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        connection.commit()
    error = refusal(path)
    assert "another program" in error.detail


@pytest.mark.parametrize("size", [0, 1, 99, 100, 5000])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, size: int) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(random.Random(size).randbytes(size))
    assert "no resource is lost" in refusal(path).hint


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.3, 0.5, 0.99])
def test_a_truncated_journal_is_refused(journal_path: Path, kept: float) -> None:
    content = journal_path.read_bytes()
    assert len(content) > 200_000
    journal_path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(JournalError) as caught:
        JournalFile.open(journal_path)
    assert "no resource is lost" in caught.value.hint


def test_a_journal_with_an_overwritten_page_is_refused(journal_path: Path) -> None:
    content = bytearray(journal_path.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 64] = b"\xa5" * 64
    journal_path.write_bytes(content)
    with pytest.raises(JournalError, match="damaged") as caught:
        JournalFile.open(journal_path)
    assert "move it away" in caught.value.hint


@pytest.mark.parametrize("version", [0, VERSION - 1, VERSION + 1, 99])
def test_a_journal_of_another_version_is_refused(journal_path: Path, version: int) -> None:
    with closing(sqlite3.connect(journal_path)) as connection:
        connection.execute(f"PRAGMA user_version={version}")
        connection.commit()
    error = refusal(journal_path)
    assert f"layout {version}" in error.summary
    assert "use that version" in error.hint


def test_a_version_that_is_still_in_the_log_is_seen(journal_path: Path) -> None:
    with closing(sqlite3.connect(journal_path)) as other:
        other.execute(f"PRAGMA user_version={VERSION + 1}")
        # The header in the file itself still says the old version: the new one is in -wal.
        assert int.from_bytes(journal_path.read_bytes()[60:64], "big") == VERSION
        with pytest.raises(JournalError, match=f"layout {VERSION + 1}"):
            JournalFile.open(journal_path)


def test_a_folder_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    with pytest.raises(JournalError, match="cannot be opened"):
        JournalFile.open(tmp_path / "journal.db")


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(JournalError, match="cannot be opened"):
        JournalFile.open(tmp_path / "state" / "journal.db")


def test_a_deleted_journal_does_not_come_back_from_its_log(tmp_path: Path) -> None:
    """A killed process leaves -wal; with the file gone, that log must not be replayed into the next one."""
    process = child("append", tmp_path)
    assert process.stdout
    for _ in range(50):
        process.stdout.readline()
    process.kill()
    process.communicate()
    assert (tmp_path / "journal.db-wal").stat().st_size > 0
    (tmp_path / "journal.db").unlink()

    async def look() -> None:
        async with SqliteJournal.open(tmp_path / "journal.db") as journal:
            assert await journal.read_runs() == []
            assert (await journal.acquire("dev")).epoch == 1

    asyncio.run(look())


def test_a_journal_deleted_under_a_run_stops_it(tmp_path: Path) -> None:
    async def use() -> None:
        async with SqliteJournal.open(tmp_path / "journal.db") as journal:
            await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply")
            (tmp_path / "journal.db").rename(tmp_path / "elsewhere.db")
            with pytest.raises(JournalError, match="moved or deleted"):
                await journal.append_events(run, Event(step="0", type=EventType.BEGUN, at=0.0))

    asyncio.run(use())


def test_work_that_breaks_off_half_way_is_not_written_and_ends_all_writing(tmp_path: Path) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE lease SET beat = 77")
        raise ZeroDivisionError

    def nothing(connection: sqlite3.Connection) -> None:
        raise ZeroDivisionError

    async def use() -> None:
        async with SqliteJournal.open(tmp_path / "journal.db") as journal:
            await journal.acquire("dev")
            with pytest.raises(ZeroDivisionError):
                await journal.file.write(nothing)
            run = await journal.open_run(a_plan(), "apply")
            answers = await asyncio.gather(
                journal.append_events(run, Event(step="0", type=EventType.BEGUN, at=0.0)),
                journal.file.write(half),
                journal.append_events(run, Event(step="1", type=EventType.BEGUN, at=0.0)),
                return_exceptions=True,
            )
            # The first may have had a commit of its own.
            assert [type(answer) for answer in answers[1:]] == [JournalError, JournalError]
            assert len(await journal.read_events(run)) == (answers[0] is None)
            assert await journal.file.read(lambda c: c.execute("SELECT beat FROM lease").fetchone()) == (0,)

    asyncio.run(use())


def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    async def use() -> None:
        journal = SqliteJournal.open(tmp_path / "journal.db")
        await journal.close()
        await journal.close()
        with pytest.raises(JournalError, match="is closed"):
            await journal.read_runs()

    asyncio.run(use())


def test_many_that_make_the_journal_at_once_share_one_file(tmp_path: Path) -> None:
    for number in range(10):
        path = tmp_path / str(number) / "journal.db"
        start = threading.Barrier(8)

        def opened(path: Path = path, start: threading.Barrier = start) -> JournalFile:
            start.wait()
            return JournalFile.open(path)

        with ThreadPoolExecutor(8) as pool:
            files = [answer.result() for answer in [pool.submit(opened) for _ in range(8)]]
        for file in files:
            # Refused when the name leads to another file than the one that is open.
            file.write_waiting(lambda connection: connection.execute("DELETE FROM sightings").rowcount)
            file.close()
        assert [item.name for item in path.parent.iterdir()] == ["journal.db"]


def test_the_header_says_whose_it_is(journal_path: Path) -> None:
    header = journal_path.read_bytes()[:100]
    assert header[68:72] == APPLICATION_ID.to_bytes(4, "big") == b"fcjl"
    assert not [path for path in journal_path.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("printed", [1, 200, 3000])
def test_what_was_appended_survives_a_kill(tmp_path: Path, printed: int) -> None:
    process = child("append", tmp_path)
    assert process.stdout
    run = process.stdout.readline().strip()
    heard = [process.stdout.readline() for _ in range(printed)]
    process.kill()
    rest, _ = process.communicate()
    # The last line may be cut off by the kill; every whole one was printed after its append had returned.
    heard += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    promised = {f"step-{int(line)}" for line in heard}
    assert len(promised) >= printed

    async def look() -> None:
        async with SqliteJournal.open(tmp_path / "journal.db") as journal:
            found = await journal.read_open_run("dev")
            assert found is not None and found.id == run
            assert promised <= {event.step for event in await journal.read_events(run)}
            # The dead process left its lease behind.
            assert (await journal.acquire("dev", run=run)).epoch == 2

    asyncio.run(look())


def test_a_disk_that_takes_no_more_ends_all_writing(tmp_path: Path) -> None:
    process = child("full", tmp_path)
    out, _ = process.communicate()
    assert process.returncode == 0
    lines = out.splitlines()
    durable = [line for line in lines if line.startswith("durable")]
    assert len(durable) > 5
    refused, *later, readable = lines[len(durable) :]
    assert refused.startswith("JournalError: the journal ") and " cannot be written" in refused and "space" in refused
    assert later == ["later JournalError"] * 5
    assert int(readable.split()[1]) >= len(durable)

    async def look() -> None:
        async with SqliteJournal.open(tmp_path / "journal.db") as journal:
            (record,) = await journal.read_runs()
            steps = [event.step for event in await journal.read_events(record.id)]
            # All that was promised; at most the one that failed besides, never one after it.
            assert steps[: len(durable)] == [f"step-{n}" for n in range(len(durable))]
            assert len(steps) <= len(durable) + 1

    asyncio.run(look())


@pytest.fixture
def readonly_folder() -> Iterator[Path]:
    """A folder that an ordinary user can reach and read, and not write."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


def test_a_folder_that_may_not_be_written_is_refused(readonly_folder: Path) -> None:
    out, _ = child("readonly", readonly_folder).communicate()
    assert out.startswith("JournalError: the journal "), out
    assert "cannot be opened" in out and "FCDEPLOY_STATE" in out
    assert list(readonly_folder.iterdir()) == []
