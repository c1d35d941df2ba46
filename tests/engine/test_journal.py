"""The journal as a record: what is opened, appended, closed, read back, folded and forgotten."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sqlite3
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.engine.journal import Journal, fold
from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.errors import JournalError, LeaseLost, OpenRun, RunError
from fcdeploy.model import (
    Action,
    Address,
    ArchiveRef,
    Call,
    Ending,
    Event,
    EventType,
    IfMatch,
    Plan,
    Sensitive,
    Step,
    Target,
)

SECRET = "s3cr3t-of-the-file"
LIVE = "planted-live-value"
VARIABLE = "value-of-a-variable"


def in_journal(folder: Path, use: Callable[[SqliteJournal], Coroutine[Any, Any, None]], **more: Any) -> None:
    """Run `use` with an open journal that is closed afterwards."""

    async def main() -> None:
        async with SqliteJournal.open(folder / "journal.db", **more) as journal:
            await use(journal)

    asyncio.run(main())


def an_address(name: str = "images/resize") -> Address:
    return Address(provider="alibaba", target="dev", kind="function", identity=tuple(name.split("/")))


def a_step(number: int = 0, **more: Any) -> Step:
    """An update whose call holds a secret and whose before-image and undo hold a live value."""
    token = Sensitive(SECRET, parts=({"secret": "API_TOKEN"},))
    call = Call(
        operation="UpdateFunction",
        method="PUT",
        path="/services/images/functions/resize",
        headers={"If-Match": "e1"},
        body={"environmentVariables": {"TOKEN": token}},
    )
    fields: dict[str, Any] = {
        "id": f"{number}",
        "address": an_address(),
        "action": Action.UPDATE,
        "group": "body",
        "call": call,
        "guard": IfMatch(etag="e1"),
        "before": {"environmentVariables": {"TOKEN": LIVE}},
        "after": {"environmentVariables": {"TOKEN": token}},
    }
    undo = Step(
        **{**fields, "id": f"{number}-undo", "before": fields["after"], "after": fields["before"]}
        | {"call": dataclasses.replace(call, body=fields["before"])}
    )
    return Step(**{**fields, "undo": (undo,), **more})


def a_plan(*steps: Step) -> Plan:
    variables = {"x": VARIABLE}
    target = Target(name="dev", provider="alibaba", region="cn-hangzhou", account="1", vars=variables)
    return Plan(project="images", target=target, changes=(), steps=steps or (a_step(),))


def secret_of(part: dict[str, str]) -> str:
    return {"API_TOKEN": SECRET}[part["secret"]]


def event(step: str, kind: EventType, **more: Any) -> Event:
    return Event(step=step, type=kind, at=1000.5, **more)


def test_a_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    written = [
        event("0", EventType.BEGUN),
        event("0", EventType.DONE, etag="e2", outputs={"arn": "acs:1", "$odd": [1, None, 2.5]}, request_id="R1"),
        event("1", EventType.SKIPPED, note="nothing to do"),
    ]

    async def use(journal: SqliteJournal) -> None:
        kept: Journal = journal
        lease = await kept.acquire("dev")
        run = await kept.open_run(a_plan(), "apply", plan_id="P1", spec_digest="D1")
        assert run == lease.run
        for item in written:
            await kept.append_events(run, item)
        opened = await kept.read_open_run("dev")
        assert opened is not None and opened.is_open and opened.ending is None
        assert (opened.id, opened.project, opened.target, opened.command) == (run, "images", "dev", "apply")
        assert (opened.plan_id, opened.spec_digest) == ("P1", "D1")
        assert f"pid {os.getpid()}" in opened.holder
        (summary,) = opened.steps
        assert (summary.address, summary.action, summary.operation) == (
            "dev:alibaba.function:images/resize",
            Action.UPDATE,
            "UpdateFunction",
        )
        await kept.close_run(run, Ending.DONE)
        assert await kept.read_open_run("dev") is None

    in_journal(tmp_path, use)

    async def again(journal: SqliteJournal) -> None:
        (record,) = await journal.read_runs()
        assert record.ending is Ending.DONE and record.ended is not None
        assert await journal.read_events(record.id) == written
        plan = await journal.read_plan(record.id, secret_of)
        assert plan.steps == a_plan().steps
        assert plan.steps[0].call.body["environmentVariables"]["TOKEN"] == SECRET
        assert plan.target == dataclasses.replace(a_plan().target, vars={})

    in_journal(tmp_path, again)


def test_runs_come_newest_first_even_when_the_clock_jumps_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([2e9, 1e9, 1.5e9])

    async def use(journal: SqliteJournal) -> None:
        opened = []
        for _ in range(3):
            now = next(clock)
            lease = await journal.acquire("dev")
            with monkeypatch.context() as patch:
                patch.setattr(time, "time", lambda now=now: now)
                opened.append(await journal.open_run(a_plan(), "apply"))
                await journal.close_run(opened[-1], Ending.DONE)
            await lease.release()
        assert [record.id for record in await journal.read_runs()] == opened[::-1]
        assert [record.id for record in await journal.read_runs(limit=1)] == opened[-1:]

    in_journal(tmp_path, use)


def test_an_open_run_is_in_the_way_of_another(tmp_path: Path) -> None:
    async def use(journal: SqliteJournal) -> None:
        lease = await journal.acquire("dev")
        first = await journal.open_run(a_plan(), "apply")
        await lease.release()
        await journal.acquire("dev")
        with pytest.raises(OpenRun, match=first) as caught:
            await journal.open_run(a_plan(), "apply")
        assert "resume" in caught.value.hint
        await journal.close_run(first, Ending.STOPPED)
        assert await journal.open_run(a_plan(), "apply") != first

    in_journal(tmp_path, use)


def test_nothing_is_written_without_the_lease_or_into_an_ended_run(tmp_path: Path) -> None:
    async def use(journal: SqliteJournal) -> None:
        with pytest.raises(LeaseLost):
            await journal.open_run(a_plan(), "apply")
        lease = await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")
        with pytest.raises(RunError, match="no run nowhere"):
            await journal.append_events("nowhere", event("0", EventType.BEGUN))
        await journal.close_run(run, Ending.DONE)
        with pytest.raises(RunError, match="has ended"):
            await journal.append_events(run, event("0", EventType.BEGUN))
        await lease.release()
        with pytest.raises(LeaseLost, match="given back"):
            await journal.append_events(run, event("0", EventType.BEGUN))
        assert await journal.read_events(run) == []
        with pytest.raises(RunError, match="no run nowhere"):
            await journal.read_run("nowhere")

    in_journal(tmp_path, use)


def test_an_archive_must_be_spooled_before_the_run_is_opened(tmp_path: Path) -> None:
    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        sha256 = "ab" * 32
        call = dataclasses.replace(
            a_step().call, body={"code": {"zipFile": ArchiveRef(sha256=sha256, crc64="1", size=3)}}
        )
        with pytest.raises(JournalError) as caught:
            await journal.open_run(a_plan(a_step(call=call)), "apply")
        assert sha256 in caught.value.detail
        assert await journal.read_runs() == []

    in_journal(tmp_path, use)


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


def test_an_append_is_written_even_when_its_task_is_cancelled(tmp_path: Path) -> None:
    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")
        tasks = [
            asyncio.create_task(journal.append_events(run, event(str(n), EventType.DONE, etag="e"))) for n in range(50)
        ]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(await journal.read_events(run)) == 50

    in_journal(tmp_path, use)


def test_one_refused_append_does_not_take_its_neighbours_along(tmp_path: Path) -> None:
    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")
        answers = await asyncio.gather(
            *(
                journal.append_events(run if n % 2 else "nowhere", event(str(n), EventType.BEGUN, note="odd \udcff"))
                for n in range(20)
            ),
            return_exceptions=True,
        )
        assert [type(answer) for answer in answers] == [RunError, type(None)] * 10
        events = await journal.read_events(run)
        assert sorted(int(item.step) for item in events) == list(range(1, 20, 2))
        assert {item.note for item in events} == {"odd ?"}

    in_journal(tmp_path, use)


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
        "query": dataclasses.replace(call, query=(("token", token),)),
        "headers": dataclasses.replace(call, headers={"x": token}),
        "jsonText": dataclasses.replace(call, body={"x": Sensitive("{}", parts=({"jsonText": {"a": token}},))}),
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
            step = a_step(call=dataclasses.replace(a_step().call, body=body))
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


def test_an_open_run_is_never_forgotten(tmp_path: Path) -> None:
    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")
        assert await journal.forget("dev", older_than=-1e9) == 0
        assert (await journal.read_plan(run, secret_of)).steps == a_plan().steps

    in_journal(tmp_path, use)


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


def test_a_missing_secret_stops_with_its_name(tmp_path: Path) -> None:
    async def use(journal: SqliteJournal) -> None:
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")
        with pytest.raises(KeyError, match="API_TOKEN"):
            await journal.read_plan(run, lambda part: {"OTHER": ""}[part["secret"]])

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
