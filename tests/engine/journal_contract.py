"""What every journal must do, wherever it keeps what it is told; the tests of each kind of journal inherit it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import msgspec
import pytest

from fcdeploy.engine.journal import Journal
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

InJournal: TypeAlias = Callable[[Callable[[Any], Coroutine[Any, Any, None]]], None]
"""Runs something with an open journal, which is closed afterwards; the next one is opened on the same contents."""


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
        | {"call": msgspec.structs.replace(call, body=fields["before"])}
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


class JournalContract:
    """Needs a fixture `in_journal` beside it."""

    def test_a_run_is_read_back_as_it_was_written(self, in_journal: InJournal) -> None:
        written = [
            event("0", EventType.BEGUN),
            event("0", EventType.DONE, etag="e2", outputs={"arn": "acs:1", "$odd": [1, None, 2.5]}, request_id="R1"),
            event("1", EventType.SKIPPED, note="nothing to do"),
        ]

        async def use(journal: Journal) -> None:
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

        in_journal(use)

        async def again(journal: Journal) -> None:
            (record,) = await journal.read_runs()
            assert record.ending is Ending.DONE and record.ended is not None
            assert await journal.read_events(record.id) == written
            plan = await journal.read_plan(record.id, secret_of)
            assert plan.steps == a_plan().steps
            assert plan.steps[0].call.body["environmentVariables"]["TOKEN"] == SECRET
            assert plan.target == msgspec.structs.replace(a_plan().target, vars={})

        in_journal(again)

    def test_runs_come_newest_first_even_when_the_clock_jumps_back(
        self, in_journal: InJournal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = iter([2e9, 1e9, 1.5e9])

        async def use(journal: Journal) -> None:
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

        in_journal(use)

    def test_an_open_run_is_in_the_way_of_another(self, in_journal: InJournal) -> None:
        async def use(journal: Journal) -> None:
            lease = await journal.acquire("dev")
            first = await journal.open_run(a_plan(), "apply")
            await lease.release()
            await journal.acquire("dev")
            with pytest.raises(OpenRun, match=first) as caught:
                await journal.open_run(a_plan(), "apply")
            assert "resume" in caught.value.hint
            await journal.close_run(first, Ending.STOPPED)
            assert await journal.open_run(a_plan(), "apply") != first

        in_journal(use)

    def test_nothing_is_written_without_the_lease_or_into_an_ended_run(self, in_journal: InJournal) -> None:
        async def use(journal: Journal) -> None:
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

        in_journal(use)

    def test_an_archive_must_be_spooled_before_the_run_is_opened(self, in_journal: InJournal) -> None:
        async def use(journal: Journal) -> None:
            await journal.acquire("dev")
            sha256 = "ab" * 32
            call = msgspec.structs.replace(
                a_step().call, body={"code": {"zipFile": ArchiveRef(sha256=sha256, crc64="1", size=3)}}
            )
            with pytest.raises(JournalError) as caught:
                await journal.open_run(a_plan(a_step(call=call)), "apply")
            assert sha256 in caught.value.detail
            assert await journal.read_runs() == []

        in_journal(use)

    def test_an_append_is_written_even_when_its_task_is_cancelled(self, in_journal: InJournal) -> None:
        async def use(journal: Journal) -> None:
            await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply")
            tasks = [
                asyncio.create_task(journal.append_events(run, event(str(n), EventType.DONE, etag="e")))
                for n in range(50)
            ]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert len(await journal.read_events(run)) == 50

        in_journal(use)

    def test_one_refused_append_does_not_take_its_neighbours_along(self, in_journal: InJournal) -> None:
        async def use(journal: Journal) -> None:
            await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply")
            answers = await asyncio.gather(
                *(
                    journal.append_events(
                        run if n % 2 else "nowhere", event(str(n), EventType.BEGUN, note="odd \udcff")
                    )
                    for n in range(20)
                ),
                return_exceptions=True,
            )
            assert [type(answer) for answer in answers] == [RunError, type(None)] * 10
            events = await journal.read_events(run)
            assert sorted(int(item.step) for item in events) == list(range(1, 20, 2))
            assert {item.note for item in events} == {"odd ?"}

        in_journal(use)

    def test_each_of_many_refused_appends_has_an_error_of_its_own(self, in_journal: InJournal) -> None:
        async def use(journal: Journal) -> None:
            await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply")
            await journal.close_run(run, Ending.DONE)
            answers = await asyncio.gather(
                *(journal.append_events(run, event(str(n), EventType.BEGUN)) for n in range(20)),
                return_exceptions=True,
            )
            assert [str(answer) for answer in answers] == [f"run {run} has ended"] * 20
            # Raised in several tasks, one error would gather the tracebacks of all.
            assert len({id(answer) for answer in answers}) == 20
            assert {type(answer) for answer in answers} == {RunError}

        in_journal(use)

    def test_events_stand_in_the_order_in_which_they_were_appended(self, in_journal: InJournal) -> None:
        async def use(journal: Journal) -> None:
            await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply")
            for first in (0, 250, 251):
                await asyncio.gather(
                    *(
                        journal.append_events(run, event(f"{first + n}", EventType.BEGUN), event("-", EventType.DONE))
                        for n in range(250 if first != 250 else 1)
                    )
                )
            steps = [item.step for item in await journal.read_events(run)]
            assert steps == [step for n in range(501) for step in (str(n), "-")]

        in_journal(use)

    def test_an_open_run_is_never_forgotten(self, in_journal: InJournal) -> None:
        async def use(journal: Journal) -> None:
            await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply")
            assert await journal.forget("dev", older_than=-1e9) == 0
            assert (await journal.read_plan(run, secret_of)).steps == a_plan().steps

        in_journal(use)

    def test_a_missing_secret_stops_with_its_name(self, in_journal: InJournal) -> None:
        async def use(journal: Journal) -> None:
            await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply")
            with pytest.raises(KeyError, match="API_TOKEN"):
                await journal.read_plan(run, lambda part: {"OTHER": ""}[part["secret"]])

        in_journal(use)

    def test_a_lease_goes_on_to_another_run_without_a_gap(self, in_journal: InJournal) -> None:
        async def use(journal: Journal) -> None:
            lease = await journal.acquire("dev")
            first = await journal.open_run(a_plan(), "apply")
            await journal.close_run(first, Ending.DONE)
            await lease.go_on("20260131-142501-00000000")
            assert (lease.run, lease.epoch) == ("20260131-142501-00000000", 1)
            assert await journal.open_run(a_plan(), "rollback") == lease.run
            await lease.release()
            with pytest.raises(LeaseLost):
                await lease.go_on("20260131-142501-00000001")

        in_journal(use)

    def test_what_a_plan_file_was_used_for_is_found_again(self, in_journal: InJournal) -> None:
        async def use(journal: Journal) -> None:
            lease = await journal.acquire("dev")
            run = await journal.open_run(a_plan(), "apply", plan_id="P1")
            await journal.close_run(run, Ending.DONE)
            await lease.go_on("another")
            await journal.open_run(a_plan(), "apply")
            found = await journal.find_use("P1")
            assert found is not None and (found.id, found.ending) == (run, Ending.DONE)
            assert await journal.find_use("P2") is None
            assert await journal.count_runs() == 2
            assert await journal.read_words(run) == []

        in_journal(use)
