"""The shared journal as a record: the contract of every journal, and what is its own: keys, seals, lost connections."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest
from journal_contract import LIVE, SECRET, VARIABLE, InJournal, JournalContract, a_plan, a_step, event, secret_of
from postgres_proxy import Proxy
from postgres_server import PASSWORD, PostgresServer

from fcdeploy.engine.holder import Holder
from fcdeploy.engine.journal_postgres import PostgresJournal
from fcdeploy.engine.postgres_store import PIECE
from fcdeploy.errors import JournalError, LeaseHeld, LeaseLost
from fcdeploy.model import ArchiveRef, Ending, EventType, Plan, Sensitive

pytestmark = pytest.mark.postgres

KEY = "a passphrase of the whole team"
Use = Callable[[PostgresJournal], Coroutine[Any, Any, None]]


def opened(url: str, *, key: str | None = KEY, lasts: float = 30.0) -> Coroutine[Any, Any, PostgresJournal]:
    return PostgresJournal.open(url, "images", "dev", passphrase=key, lasts=lasts)


def in_shared(url: str, use: Use, **how: Any) -> None:
    async def main() -> None:
        async with await opened(url, **how) as journal:
            await use(journal)

    asyncio.run(main())


@pytest.fixture
def in_journal(url: str) -> InJournal:
    return lambda use: in_shared(url, use)


class TestPostgresJournal(JournalContract):
    pass


def an_archive(folder: Path, content: bytes) -> tuple[ArchiveRef, Path]:
    path = folder / f"archive-{len(content)}"
    path.write_bytes(content)
    return ArchiveRef(sha256=hashlib.sha256(content).hexdigest(), crc64="1", size=len(content)), path


def sending(*archives: ArchiveRef) -> Plan:
    return a_plan(a_step(call=msgspec.structs.replace(a_step().call, body={"code": list(archives)})))


# What is kept, and how


def test_what_was_begun_here_is_at_hand_on_another_machine(url: str, tmp_path: Path) -> None:
    archive, path = an_archive(tmp_path, os.urandom(3 * PIECE + 1))
    empty, nothing = an_archive(tmp_path, b"")

    async def begin(journal: PostgresJournal) -> None:
        await journal.acquire("dev")
        files = {archive.sha256: path, empty.sha256: nothing}
        assert await journal.missing_archives(files) == set(files)
        await journal.write_archives(files)
        assert await journal.missing_archives(files) == set()
        await journal.open_run(sending(archive, empty), "apply")

    in_shared(url, begin)

    async def go_on(journal: PostgresJournal) -> None:
        record = await journal.read_open_run("dev")
        assert record is not None
        assert (await journal.read_plan(record.id, secret_of)).steps == sending(archive, empty).steps
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        await journal.read_archives([archive.sha256, empty.sha256], folder)
        assert {one.name for one in folder.iterdir()} == {archive.sha256, empty.sha256}
        assert (folder / archive.sha256).read_bytes() == path.read_bytes()
        assert (folder / archive.sha256).stat().st_mode & 0o777 == 0o600
        with pytest.raises(JournalError, match="missing"):
            await journal.read_archives(["ab" * 32], folder)

    in_shared(url, go_on)


def test_an_upload_that_was_cut_off_is_no_archive_and_is_gone_on_with(url: str, tmp_path: Path) -> None:
    archive, path = an_archive(tmp_path, os.urandom(4 * PIECE))

    async def use(journal: PostgresJournal) -> None:
        await journal.acquire("dev")
        write, written = journal.db.write, 0

        async def dying(work: Any) -> Any:
            nonlocal written
            written += 1
            if written == 3:
                raise asyncio.CancelledError
            return await write(work)

        with pytest.MonkeyPatch.context() as patch, pytest.raises(asyncio.CancelledError):
            patch.setattr(journal.db, "write", dying)
            await journal.write_archives({archive.sha256: path})
        assert await journal.missing_archives([archive.sha256]) == {archive.sha256}
        with pytest.raises(JournalError):
            await journal.open_run(sending(archive), "apply")
        await journal.write_archives({archive.sha256: path})
        await journal.read_archives([archive.sha256], tmp_path)
        assert (tmp_path / archive.sha256).read_bytes() == path.read_bytes()

    in_shared(url, use)


def test_what_is_sensitive_lies_in_the_database_sealed_alone(url: str, server: PostgresServer, tmp_path: Path) -> None:
    content = LIVE.encode() * 100
    archive, path = an_archive(tmp_path, content)

    async def use(journal: PostgresJournal) -> None:
        await journal.acquire("dev")
        await journal.write_archives({archive.sha256: path})
        run = await journal.open_run(sending(archive), "apply")
        token = Sensitive(SECRET, parts=({"secret": "API_TOKEN"},))
        await journal.append_events(run, event("0", EventType.DONE, etag="e2", note=token))

    in_shared(url, use)
    tables = server.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'fcdeploy'")
    assert set(tables.split()) == {"journal", "runs", "events", "materials", "sealed", "leases"}
    dump = "\n".join(server.ask(f"SELECT * FROM fcdeploy.{table}") for table in tables.split())
    assert "UpdateFunction" in dump and "dev:alibaba.function:images/resize" in dump
    # A hash of what is sealed would let a guess at it be tried.
    digests = [archive.sha256, hashlib.sha256(archive.sha256.encode()).hexdigest()]
    for word in (SECRET, LIVE, VARIABLE, KEY, PASSWORD, *digests):
        assert word not in dump and word.encode().hex() not in dump, word
    # Even the same content is sealed otherwise each time.
    sealed = server.ask("SELECT encode(content, 'hex') FROM fcdeploy.sealed").split()
    assert len(sealed) == len(set(sealed)) == 4


def test_what_nobody_needs_is_removed_and_history_stays(url: str, server: PostgresServer, tmp_path: Path) -> None:
    old, new = (an_archive(tmp_path, os.urandom(size)) for size in (10, 20))

    async def use(journal: PostgresJournal) -> None:
        runs = []
        for archive, path in (old, new):
            lease = await journal.acquire("dev")
            await journal.write_archives({archive.sha256: path})
            runs.append(run := await journal.open_run(sending(archive), "apply"))
            await journal.append_events(run, event("0", EventType.DONE, outputs={"a": "b"}))
            if archive is old[0]:
                await journal.close_run(run, Ending.DONE)
                await lease.release()
        await journal.write_archives({"cd" * 32: old[1]})
        assert await journal.forget("dev", older_than=-10.0, keep={runs[0]}) == 0
        assert await journal.forget("dev", older_than=-10.0) == 1
        assert await journal.missing_archives([old[0].sha256, new[0].sha256]) == {old[0].sha256}
        assert [record.plan is None for record in await journal.read_runs()] == [False, True]
        assert [one.outputs for one in await journal.read_events(runs[0])] == [{}]
        assert (await journal.read_plan(runs[1], secret_of)).steps == sending(new[0]).steps

    in_shared(url, use)
    # Of two plans and three archives, one each, with its end.
    assert server.ask("SELECT count(*) FROM fcdeploy.sealed") == "4"


@pytest.mark.parametrize("damage", ["content = content || '\\x00'", "content = ''", "name = name, number = number + 1"])
def test_what_was_damaged_or_moved_is_not_guessed(url: str, server: PostgresServer, damage: str) -> None:
    async def use(journal: PostgresJournal) -> None:
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")
        await asyncio.to_thread(server.ask, f"UPDATE fcdeploy.sealed SET {damage} WHERE last")
        await asyncio.to_thread(server.ask, f"UPDATE fcdeploy.sealed SET {damage} WHERE NOT last")
        with pytest.raises(JournalError, match=r"damaged|missing") as caught:
            await journal.read_plan(run, secret_of)
        assert "abandon" in caught.value.hint

    in_shared(url, use)


def test_a_project_sees_nothing_of_another(url: str) -> None:
    async def main() -> None:
        async with await opened(url) as ours, await PostgresJournal.open(url, "shop", "dev", passphrase=KEY) as theirs:
            await ours.acquire("dev")
            run = await ours.open_run(a_plan(), "apply")
            assert (await theirs.acquire("dev")).epoch == 1
            assert await theirs.read_open_run("dev") is None and await theirs.find_run(run) is None
            assert await theirs.read_runs() == [] and await theirs.count_runs() == 0
            await theirs.forget("dev", older_than=-1e9)
            assert (await ours.read_plan(run, secret_of)).steps == a_plan().steps

    asyncio.run(main())


# The key


def test_without_the_right_key_a_run_can_be_seen_and_closed_and_nothing_else(url: str) -> None:
    run = ""

    async def begin(journal: PostgresJournal) -> None:
        nonlocal run
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")
        await journal.append_events(run, event("0", EventType.BEGUN))

    in_shared(url, begin)
    for key, said in ((None, "is not set"), ("short", "too short"), (f"not {KEY}", "is not the key of the journal")):
        with pytest.raises(JournalError, match=said) as caught:
            in_shared(url, begin, key=key)
        assert KEY not in str(caught.value) and PASSWORD not in f"{caught.value} {caught.value.detail}"

        async def look(key: str | None = key, said: str = said) -> None:
            journal = await PostgresJournal.open_existing(url, "images", "dev", passphrase=key)
            assert journal is not None
            async with journal:
                record = await journal.read_open_run("dev")
                assert record is not None and record.id == run
                assert [one.type for one in await journal.read_events(run)] == [EventType.BEGUN]
                with pytest.raises(JournalError, match=said) as caught:
                    await journal.read_plan(run, secret_of)
                assert "abandon" in caught.value.hint or "openssl" in caught.value.hint

        asyncio.run(look())

    async def close() -> None:
        journal = await PostgresJournal.open_existing(url, "images", "dev")
        assert journal is not None
        async with journal:
            # Whoever began it was not heard of since; the lease was never given back.
            with pytest.raises(LeaseHeld):
                await journal.acquire("dev", run=run)

    asyncio.run(close())


def test_two_first_users_make_one_journal(server: PostgresServer, url: str) -> None:
    async def main() -> None:
        made = await asyncio.gather(*(opened(url) for _ in range(6)))
        for journal in made:
            await journal.close()

    asyncio.run(main())
    assert server.ask("SELECT count(*), count(key_check) FROM fcdeploy.journal") == "1|1"


# What is taken for a journal


def test_a_database_without_one_is_no_journal_to_look_at(url: str, server: PostgresServer) -> None:
    async def main() -> None:
        assert await PostgresJournal.open_existing(url, "images", "dev") is None

    asyncio.run(main())
    assert server.ask("SELECT count(*) FROM pg_namespace WHERE nspname = 'fcdeploy'") == "0"


def test_a_newer_layout_is_refused_untouched(url: str, server: PostgresServer) -> None:
    async def nothing(journal: PostgresJournal) -> None:
        pass

    in_shared(url, nothing)
    server.ask("UPDATE fcdeploy.journal SET layout = 99")
    with pytest.raises(JournalError, match="layout 99") as caught:
        in_shared(url, nothing)
    assert "another version" in caught.value.detail


@pytest.mark.parametrize(
    ("grants", "said"),
    [
        ((), "cannot be made: the role may not"),
        (("CREATE SCHEMA fcdeploy",), "cannot be made: the role may not"),
        (("CREATE SCHEMA fcdeploy", "CREATE TABLE fcdeploy.journal (layout int)"), "must not be read by this role"),
    ],
)
def test_a_role_that_may_not_is_told_what_to_grant(
    server: PostgresServer, database: str, grants: tuple[str, ...], said: str
) -> None:
    role = f"guest{len(grants)}"
    server.ask(f"CREATE ROLE {role} LOGIN PASSWORD 'guest'")
    for grant in grants:
        server.ask(grant.format(role=role))
    with pytest.raises(JournalError, match=said) as caught:
        asyncio.run(opened(database.replace("team@", f"{role}:guest@")))
    assert "`" in caught.value.hint and "guest@" not in caught.value.summary.replace(f"{role}@", "")


def test_a_role_that_may_only_look_sees_history(server: PostgresServer, database: str, url: str) -> None:
    async def begin(journal: PostgresJournal) -> None:
        await journal.acquire("dev")
        await journal.open_run(a_plan(), "apply")

    in_shared(url, begin)
    for statement in (
        "CREATE ROLE auditor LOGIN PASSWORD 'auditor'",
        "GRANT USAGE ON SCHEMA fcdeploy TO auditor",
        "GRANT SELECT ON ALL TABLES IN SCHEMA fcdeploy TO auditor",
    ):
        server.ask(statement)

    async def look() -> None:
        journal = await PostgresJournal.open_existing(database.replace("team@", "auditor:auditor@"), "images", "dev")
        assert journal is not None
        async with journal:
            assert [record.command for record in await journal.read_runs()] == ["apply"]
            with pytest.raises(JournalError, match="cannot be written") as caught:
                await journal.acquire("dev")
            assert "grant" in caught.value.hint

    asyncio.run(look())


def test_no_message_repeats_the_password(server: PostgresServer, url: str) -> None:
    wrong = url.replace("pa55", "pa56")
    with pytest.raises(JournalError, match="cannot be opened") as caught:
        asyncio.run(opened(wrong))
    told = f"{caught.value.summary} {caught.value.detail} {caught.value.hint}"
    assert "password authentication failed" in told and "PGPASSWORD" in told
    assert "pa56" not in told


# A connection that breaks


def test_synchronous_commit_is_on_whatever_the_server_says(url: str, server: PostgresServer) -> None:
    assert server.ask("SHOW synchronous_commit") == "off"

    async def use(journal: PostgresJournal) -> None:
        said = await journal.db.write(lambda transaction: transaction.row("SHOW synchronous_commit"))
        assert said == ("on",)

    in_shared(url, use)


@pytest.mark.parametrize("arrives", [True, False], ids=["the commit arrived", "the commit was lost"])
def test_an_answer_that_never_came_is_found_out_and_nothing_is_written_twice(
    url: str, server: PostgresServer, arrives: bool
) -> None:
    with Proxy(server.folder) as proxy:

        async def use(journal: PostgresJournal) -> None:
            lease = await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply")
            for number in range(5):
                proxy.cut_at_commit(arrives=arrives)
                await journal.append_events(run, event(str(number), EventType.BEGUN), event("x", EventType.BEGUN))
                assert proxy.cuts == number + 1
            proxy.cut_at_commit(arrives=arrives)
            await journal.close_run(run, Ending.DONE)
            proxy.cut_at_commit(arrives=arrives)
            await lease.release()
            proxy.cut_at_commit(arrives=arrives)
            assert (await journal.acquire("dev")).epoch == 2
            assert [one.step for one in await journal.read_events(run)] == [
                step for number in range(5) for step in (str(number), "x")
            ]
            assert proxy.cuts == 8

        in_shared(url.replace(str(server.folder), str(proxy.folder)), use)


def test_a_server_that_is_restarted_loses_no_event(url: str, server: PostgresServer) -> None:
    async def use(journal: PostgresJournal) -> None:
        await journal.acquire("dev")
        run = await journal.open_run(a_plan(), "apply")

        def restart() -> None:
            for how in (signal.SIGQUIT, signal.SIGINT):
                server.stop(how)
                server.start()

        restarting = asyncio.create_task(asyncio.to_thread(restart))
        written = 0
        while not restarting.done() or written % 7:
            await asyncio.gather(
                *(journal.append_events(run, event(f"{written} {n}", EventType.BEGUN)) for n in range(3))
            )
            written += 1
        await restarting
        steps = [one.step for one in await journal.read_events(run)]
        assert len(steps) == len(set(steps)) == 3 * written

    in_shared(url, use)


def test_a_server_that_is_gone_ends_all_writing_and_says_so(url: str, server: PostgresServer) -> None:
    with Proxy(server.folder) as proxy:

        async def use(journal: PostgresJournal) -> None:
            lease = await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply")
            proxy.refuse()
            told = []
            for _ in range(2):
                with pytest.raises(JournalError, match="cannot be written") as caught:
                    await journal.append_events(run, event("0", EventType.BEGUN))
                told.append(caught.value)
            assert told[0] is not told[1] and told[0].detail == told[1].detail
            assert PASSWORD not in f"{told[0]} {told[0].detail} {told[0].hint}"
            with pytest.raises(JournalError):
                await lease.release()

        in_shared(url.replace(str(server.folder), str(proxy.folder)), use, lasts=3.0)


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(url: str, server: PostgresServer) -> None:
    with Proxy(server.folder) as proxy:

        async def use(journal: PostgresJournal) -> None:
            await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply")
            proxy.swallow()
            writing = asyncio.create_task(journal.append_events(run, event("0", EventType.BEGUN)))
            await asyncio.sleep(0.1)
            assert not writing.done()
            threading.Timer(1.0, proxy.let_through).start()
            await writing
            assert [one.step for one in await journal.read_events(run)] == ["0"]

        in_shared(url.replace(str(server.folder), str(proxy.folder)), use, lasts=4.0)


# The lease


ELSEWHERE = Holder(
    user="ci", host="runner-7", pid=1, started="1", place="elsewhere", pipeline="https://ci.example/jobs/7"
)


def test_the_second_is_told_who_holds_it_and_may_wait(url: str) -> None:
    async def main() -> None:
        async with await opened(url, lasts=60.0) as first, await opened(url) as second:
            lease = await first.acquire("dev", run="the-run", holder=ELSEWHERE)
            with pytest.raises(LeaseHeld) as caught:
                await second.acquire("dev")
            assert caught.value.summary == "ci@runner-7 pid 1 (https://ci.example/jobs/7) is at work on dev"
            assert caught.value.detail == "run the-run, for 0 s"
            assert "--lock-timeout" in caught.value.hint and "its lease ends in" in caught.value.hint
            waiting = asyncio.create_task(second.acquire("dev", timeout=30.0))
            await asyncio.sleep(0.7)
            assert not waiting.done()
            await lease.release()
            assert (await waiting).epoch == 2
            with pytest.raises(LeaseLost, match="took dev over"):
                await lease.check()

    asyncio.run(main())


def test_of_many_that_race_one_wins_each_round(url: str) -> None:
    async def main() -> None:
        journals = [await opened(url) for _ in range(5)]
        for number in range(5):
            found = await asyncio.gather(*(journal.acquire("dev") for journal in journals), return_exceptions=True)
            (won,) = [one for one in found if not isinstance(one, BaseException)]
            assert [type(one) for one in found].count(LeaseHeld) == 4
            assert won.epoch == number + 1
            await won.release()
        for journal in journals:
            await journal.close()

    asyncio.run(main())


def test_a_holder_that_is_not_heard_of_is_replaced_and_begins_nothing_more(url: str, server: PostgresServer) -> None:
    with Proxy(server.folder) as proxy:

        async def main() -> None:
            cut_off = url.replace(str(server.folder), str(proxy.folder))
            async with await opened(cut_off, lasts=3.0) as first, await opened(url) as second:
                lease = await first.acquire("dev", holder=ELSEWHERE)
                run = await first.open_run(a_plan(), "apply")
                # Its heartbeats keep it for longer than it lasts.
                with pytest.raises(LeaseHeld):
                    await second.acquire("dev", timeout=4.0)
                proxy.swallow()
                taken = await second.acquire("dev", run=run, timeout=20.0)
                assert taken.epoch == lease.epoch + 1
                proxy.let_through()
                with pytest.raises(LeaseLost, match="took dev over") as caught:
                    await first.append_events(run, event("0", EventType.BEGUN))
                assert f"pid {os.getpid()}" in caught.value.summary
                assert await second.read_events(run) == []
                await second.append_events(run, event("0", EventType.BEGUN))
                await second.close_run(run, Ending.STOPPED)

        asyncio.run(main())


def test_a_holder_that_slept_after_it_noted_its_intent_looks_again_before_it_acts(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with await opened(url, lasts=30.0) as first, await opened(url) as second:
            await first.acquire("dev", holder=ELSEWHERE)
            run = await first.open_run(a_plan(), "apply")
            write = first.db.write

            async def slept(work: Any) -> Any:
                done = await write(work)
                monkeypatch.setattr(first.db, "write", write)
                # The whole machine was suspended: neither a heartbeat nor this thread went on.
                first._lease.stop_beating()  # type: ignore[union-attr]
                clock = lambda_later(20.0)
                monkeypatch.setattr("fcdeploy.engine.lease_postgres.now", clock)
                await second.db.write(
                    lambda transaction: transaction.change("UPDATE fcdeploy.leases SET beat = beat - interval '1 hour'")
                )
                await second.acquire("dev", run=run)
                return done

            monkeypatch.setattr(first.db, "write", slept)
            with pytest.raises(LeaseLost, match="took dev over"):
                await first.append_events(run, event("0", EventType.BEGUN))

    asyncio.run(main())


def lambda_later(seconds: float) -> Callable[[], float]:
    from fcdeploy.engine.lease_postgres import now

    jumped = [seconds]

    def clock() -> float:
        return now() + jumped[0]

    return clock
