"""The journal as a record: what is opened, appended, closed, read back, folded and forgotten."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from journal_contract import (
    LIVE,
    SECRET,
    VARIABLE,
    InJournal,
    JournalContract,
    a_plan,
    a_step,
    event,
    secret_of,
)

from fcdeploy.engine.journal import fold
from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.errors import JournalError, LeaseLost
from fcdeploy.model import (
    ArchiveRef,
    Ending,
    Event,
    EventType,
    Sensitive,
)


@pytest.fixture(name="in_journal")
def in_own_journal(tmp_path: Path) -> InJournal:
    return lambda use: in_journal(tmp_path, use)


class TestSqliteJournal(JournalContract):
    pass


def in_journal(folder: Path, use: Callable[[SqliteJournal], Coroutine[Any, Any, None]], **more: Any) -> None:
    """Run `use` with an open journal that is closed afterwards."""

    async def main() -> None:
        async with SqliteJournal.open(folder / "journal.db", **more) as journal:
            await use(journal)

    asyncio.run(main())


def test_many_appends_that_wait_together_share_few_commits(tmp_path: Path) -> None:
    statements: list[str] = []

    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")
        before = statements.count("COMMIT")
        await asyncio.gather(*(journal.append_events(run, event(str(n), EventType.BEGUN)) for n in range(500)))
        assert 1 <= statements.count("COMMIT") - before <= 20
        assert {item.step for item in await journal.read_events(run)} == {str(n) for n in range(500)}
        assert await journal.file.read(lambda connection: connection.execute("PRAGMA synchronous").fetchone()) == (2,)
        assert await journal.file.read(lambda c: c.execute("PRAGMA journal_mode").fetchone()) == ("wal",)

    in_journal(tmp_path, use, trace=statements.append)


def test_no_secret_and_no_live_value_lies_in_the_database(tmp_path: Path) -> None:
    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(a_step(0), a_step(1)), "apply")
        token = Sensitive(SECRET, parts=({"secret": "API_TOKEN"},))
        await journal.append_events(run, event("0", EventType.DONE, etag="e2", note=token))
        # While it is open, so that -wal and -shm are looked at too.
        names = {path.name for path in tmp_path.glob("journal.db*")}
        assert names == {"journal.db", "journal.db-wal", "journal.db-shm"}
        for path in tmp_path.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            assert SECRET.encode() not in content, path
            assert VARIABLE.encode() not in content, path
            assert (LIVE.encode() in content) == (path.parent.name == "undo"), path

    in_journal(tmp_path, use)


@pytest.mark.parametrize("part", ["query", "headers", "jsonText"])
def test_a_secret_that_would_be_saved_as_text_is_refused(tmp_path: Path, part: str) -> None:
    token = Sensitive(SECRET, parts=({"secret": "API_TOKEN"},))
    call = a_step().call
    call = {
        "query": msgspec.structs.replace(call, query=(("token", token),)),
        "headers": msgspec.structs.replace(call, headers={"x": token}),
        "jsonText": msgspec.structs.replace(call, body={"x": Sensitive("{}", parts=({"jsonText": {"a": token}},))}),
    }[part]

    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        with pytest.raises(JournalError, match="plain text"):
            await journal.open_run(a_plan(a_step(call=call)), "apply")
        assert await journal.read_runs() == []

    in_journal(tmp_path, use)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_modes_under_an_open_umask(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "deep"

    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        await journal.open_run(a_plan(), "apply")
        modes = {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}
        assert modes.pop("undo") == 0o700
        assert len(modes) == 4 and set(modes.values()) == {0o600}, modes
        assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700, 0o700]

    before = os.umask(0)
    try:
        in_journal(folder, use)
    finally:
        os.umask(before)


def test_forget_strips_old_runs_and_keeps_their_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = 86400.0
    now = time.time()

    async def use(journal: SqliteJournal) -> None:
        shared = journal.spool.write_bytes(b"shared archive")
        runs = []
        for age in (30, 20, 1):
            lease = await journal.acquire("dev")
            own = journal.spool.write_bytes(f"archive {age}".encode())
            body = {
                "code": [ArchiveRef(sha256=own, crc64="1", size=1), ArchiveRef(sha256=shared, crc64="1", size=1)],
                "age": age,
            }
            step = a_step(call=msgspec.structs.replace(a_step().call, body=body))
            with monkeypatch.context() as patch:
                patch.setattr(time, "time", lambda age=age: now - age * day)
                runs.append(run := await journal.open_run(a_plan(step), "apply"))
                fetched = journal.undo.write_bytes(f"fetched {age}".encode())
                await journal.append_material(run, fetched)
                done = event("0", EventType.DONE, etag="e2", request_id="R1", outputs={"a": LIVE})
                await journal.append_events(run, done)
                await journal.close_run(run, Ending.DONE)
            await lease.release()

        with pytest.raises(LeaseLost):
            await journal.forget("dev")
        (journal.spool.folder / ".new-0123").write_bytes(b"left by a killed process")
        await journal.acquire("dev")
        # The second run's rollout is still open.
        assert await journal.forget("dev", keep={runs[1]}) == 1
        assert await journal.forget("dev", keep={runs[1]}) == 0

        records = {record.id: record for record in await journal.read_runs()}
        assert records[runs[0]].plan is None
        assert records[runs[0]].steps[0].address == "dev:alibaba.function:images/resize"
        assert records[runs[0]].ending is Ending.DONE
        (kept,) = await journal.read_events(runs[0])
        assert (kept.request_id, kept.etag, kept.outputs) == ("R1", "e2", {})
        with pytest.raises(JournalError, match="forgotten"):
            await journal.read_plan(runs[0], secret_of)
        for run in runs[1:]:
            assert (await journal.read_plan(run, secret_of)).steps[0].before == a_step().before
        spooled = sorted(path.read_bytes() for path in journal.spool.folder.iterdir())
        assert spooled == [b"archive 1", b"archive 20", b"shared archive"]
        undo = [path.read_bytes() for path in journal.undo.folder.iterdir()]
        assert sorted(content for content in undo if content.startswith(b"fetched")) == [b"fetched 1", b"fetched 20"]
        assert len(undo) == 4

    in_journal(tmp_path, use)


def test_to_forget_nothing_writes_nothing(tmp_path: Path) -> None:
    statements: list[str] = []

    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")
        await journal.close_run(run, Ending.DONE)
        before = statements.count("COMMIT")
        assert await journal.forget("dev") == 0
        assert statements.count("COMMIT") == before
        # A killed process left it half written; the plan of the run stays.
        left = tmp_path / "undo" / ".new-0123"
        left.write_bytes(b"half")
        assert await journal.forget("dev") == 0
        assert [item.name for item in (tmp_path / "undo").iterdir()] == [(await journal.read_run(run)).plan]
        assert await journal.forget("dev", older_than=-1.0) == 1
        assert statements.count("COMMIT") == before + 1
        assert list((tmp_path / "undo").iterdir()) == []

    in_journal(tmp_path, use, trace=statements.append)


def test_a_plan_whose_file_is_gone_or_damaged_is_not_guessed(tmp_path: Path) -> None:
    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")
        (file,) = journal.undo.folder.iterdir()
        content = file.read_bytes()
        file.write_bytes(content.replace(LIVE.encode(), b"x" * len(LIVE)))
        with pytest.raises(JournalError, match="damaged"):
            await journal.read_plan(run, secret_of)
        file.unlink()
        with pytest.raises(JournalError, match="missing") as caught:
            await journal.read_plan(run, secret_of)
        assert "abandon" in caught.value.hint

    in_journal(tmp_path, use)


def test_forgotten_text_does_not_linger_in_the_file(tmp_path: Path) -> None:
    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")
        await journal.append_events(run, event("0", EventType.DONE, outputs={"url": "forget-me" * 2000}))
        await journal.close_run(run, Ending.DONE)
        assert await journal.forget("dev", older_than=-10) == 1

    in_journal(tmp_path, use)
    assert [path.name for path in tmp_path.glob("journal.db*")] == ["journal.db"]
    assert b"forget-me" not in (tmp_path / "journal.db").read_bytes()
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        assert connection.execute("SELECT outputs FROM events").fetchall() == [("{}",)]
    connection.close()


def test_fold_gives_the_last_word_on_each_step() -> None:
    standing = fold(
        [
            Event(step="a", type=EventType.BEGUN, at=1.0),
            Event(step="b", type=EventType.BEGUN, at=2.0),
            Event(step="a", type=EventType.DONE, at=3.0, etag="e1", outputs={"arn": "x"}, request_id="R"),
            Event(step="b", type=EventType.UNKNOWN, at=4.0, note="no reply"),
            Event(step="a", type=EventType.BEGUN, at=5.0),
            Event(step="c", type=EventType.SKIPPED, at=6.0),
        ]
    )
    assert sorted(standing) == ["a", "b", "c"]
    assert (standing["a"].type, standing["a"].etag, standing["a"].outputs) == (EventType.BEGUN, "e1", {"arn": "x"})
    assert (standing["a"].began, standing["a"].at, standing["a"].is_unsettled) == (5.0, 5.0, True)
    assert (standing["b"].type, standing["b"].began, standing["b"].is_unsettled) == (EventType.UNKNOWN, 2.0, True)
    assert (standing["c"].began, standing["c"].is_unsettled) == (None, False)


def test_fold_takes_undone_as_a_whole_reply() -> None:
    done = Event(step="a", type=EventType.DONE, at=1.0, etag="e1", outputs={"arn": "x"})
    undone = Event(step="a", type=EventType.UNDONE, at=2.0)
    assert (fold([done, undone])["a"].etag, fold([done, undone])["a"].outputs) == (None, {})
    failed = Event(step="a", type=EventType.FAILED, at=2.0, note="503")
    assert (fold([done, failed])["a"].etag, fold([done, failed])["a"].note) == ("e1", "503")
    assert fold([]) == {}
