"""A look into a journal says what an open journal would say."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fcdeploy.engine.journal_look import read_open_figures
from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.engine.past import past_run
from fcdeploy.errors import JournalError
from fcdeploy.model import Ending, Event, EventType, Plan, Target


def test_it_sees_a_run_that_is_under_way_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    plan = Plan(project="p", target=Target(name="dev", provider="alibaba", region="cn-hangzhou"), changes=(), steps=())

    async def main() -> None:
        async with SqliteJournal.open(path) as journal:
            assert read_open_figures(path, "dev") is None
            lease = await journal.acquire("dev")
            run = await journal.open_run(plan, "apply")
            await journal.append_events(run, Event(step="0", type=EventType.BEGUN, at=1.0, note=""))
            seen = read_open_figures(path, "dev")
            record = await journal.read_open_run("dev")
            assert record is not None and seen == past_run(record, await journal.read_words(run))
            assert seen.run == run and seen.unsettled == 1 and read_open_figures(path, "prod") is None
            await journal.close_run(run, Ending.DONE)
            assert read_open_figures(path, "dev") is None
            await lease.release()

    asyncio.run(main())


def test_what_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"no journal at all")
    with pytest.raises(JournalError, match="is not a journal"):
        read_open_figures(path, "dev")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("journal.db", b"no journal at all")]
