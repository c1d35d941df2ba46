"""The past as the journal tells it: figures and calls folded from events, and what is kept of undo steps for ever."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from fcdeploy.engine.journal import RunRecord
from fcdeploy.engine.journal_rows import StepSummary
from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.engine.past import past_run, run_history
from fcdeploy.model import (
    Action,
    Address,
    Call,
    CallResult,
    Ending,
    Event,
    EventType,
    MustNotExist,
    PastCall,
    Plan,
    RunHistory,
    Step,
    Target,
)

SERVICE, FUNCTION = "dev:alibaba.service:s", "dev:alibaba.function:s/f"
_OPERATIONS = {Action.CREATE: "Create", Action.DELETE: "Delete", Action.UPDATE: "Update"}


def summary(name: str, address: str, action: Action, *undo: StepSummary, group: str = "body") -> StepSummary:
    return StepSummary(
        id=name, address=address, action=action, group=group, operation=_OPERATIONS[action], last=False, undo=undo
    )


MADE = (
    summary("s", SERVICE, Action.CREATE, summary("undo s", SERVICE, Action.DELETE)),
    summary("tags", SERVICE, Action.UPDATE, group="tags"),
    summary("f", FUNCTION, Action.CREATE, summary("undo f", FUNCTION, Action.DELETE)),
)
"""A run that makes a service, marks it, and makes a function in it."""


def record(*steps: StepSummary, ending: Ending | None = Ending.DONE) -> RunRecord:
    return RunRecord(
        id="r1",
        project="p",
        target="dev",
        command="apply",
        started=100.0,
        ended=None if ending is None else 160.0,
        ending=ending,
        steps=steps or MADE,
        plan="sha",
        plan_id="",
        spec_digest="",
        tool_version="1",
        holder="ci@runner pid 1",
    )


def told(text: str, **more: dict[str, Any]) -> list[Event]:
    """Events from `s begun, s done, …`, a second apart; `more` has what else an event says, by its word's place."""
    words = [part.split(":") for part in text.split(", ")]
    return [
        Event(step=step.strip(), type=EventType(kind), at=101.0 + number, **more.get(f"at{number}", {}))
        for number, (step, kind) in enumerate(words)
    ]


def by_step(calls: tuple[PastCall, ...]) -> dict[str, PastCall]:
    return {call.step: call for call in calls}


def history(text: str, *steps: StepSummary, ending: Ending | None = Ending.DONE, **more: dict[str, Any]) -> RunHistory:
    run, events = record(*steps, ending=ending), told(text, **more)
    made = run_history(run, events)
    assert made.run == past_run(run, [(event.step, event.type) for event in events]), "one truth, read in two ways"
    return made


def test_calls_come_in_the_order_they_began_and_the_others_last() -> None:
    made = history("f:begun, s:begun, s:done, f:failed", ending=None, at2={"request_id": "R"}, at3={"note": "no"})
    assert [(call.step, call.result) for call in made.calls] == [
        ("f", CallResult.FAILED),
        ("s", CallResult.DONE),
        ("tags", CallResult.NOT_STARTED),
    ]
    failed, done, never = made.calls
    assert (failed.began, failed.ended, failed.seconds, failed.note, failed.happened) == (
        101.0,
        104.0,
        3.0,
        "no",
        False,
    )
    assert (done.operation, str(done.address), done.request_id, done.tries) == ("Create", SERVICE, "R", 1)
    assert (never.began, never.ended, never.seconds, never.tries) == (None, None, None, 0)
    assert made.back == ()
    assert (made.run.done, made.run.failed, made.run.total, made.run.unsettled) == (1, 1, 3, 0)


def test_every_begun_is_a_try_and_an_answer_to_an_earlier_one_is_none_to_this() -> None:
    made = history("s:begun, s:unknown, s:begun", ending=None, at1={"note": "no reply", "request_id": "R"})
    call = by_step(made.calls)["s"]
    assert (call.result, call.tries, call.began, call.ended) == (CallResult.UNKNOWN, 2, 101.0, None)
    assert (call.note, call.request_id) == ("", "")
    assert made.run.unsettled == 1 and not made.run.undoing


def test_an_effect_that_is_there_and_failed_all_the_same() -> None:
    made = history("s:begun, s:done, s:failed", ending=None, at1={"request_id": "R"}, at2={"note": "not as promised"})
    call = by_step(made.calls)["s"]
    assert (call.result, call.happened, call.request_id, call.note) == (CallResult.FAILED, True, "R", "not as promised")
    assert (made.run.done, made.run.failed) == (1, 1)


@pytest.mark.parametrize("noted", ["", ", tags:undone"], ids=["not-noted", "noted"])
def test_what_stood_in_something_that_was_taken_back_is_gone_with_it(noted: str) -> None:
    """An earlier fcdeploy did not note it of what goes along."""
    made = history(
        f"s:begun, s:done, tags:begun, tags:done, f:begun, f:failed, undo s:begun, undo s:done, s:undone{noted}",
        ending=Ending.ROLLED_BACK,
    )
    calls = by_step(made.calls)
    assert (calls["s"].result, calls["tags"].result) == (CallResult.UNDONE, CallResult.UNDONE)
    assert calls["tags"].gone_with == Address.parse(SERVICE) and calls["s"].gone_with is None
    assert calls["s"].ended == 102.0, "how long it took is not how long it stood"
    (back,) = made.back
    assert (back.step, back.action, str(back.address), back.result) == (
        "undo s",
        Action.DELETE,
        SERVICE,
        CallResult.DONE,
    )
    assert (made.run.done, made.run.undone, made.run.failed, made.run.reversible) == (0, 2, 1, False)


def test_half_a_way_back_names_what_is_still_to_be_undone() -> None:
    made = history("s:begun, s:done, f:begun, f:done, undo f:begun, undo f:failed", ending=None)
    assert not made.run.undoing and [call.step for call in made.back] == ["undo f"], "nothing was taken back yet"
    made = history("s:begun, s:done, f:begun, f:done, undo f:begun, undo f:done, f:undone", ending=None)
    assert made.run.undoing
    assert [(call.step, call.result) for call in made.back] == [
        ("undo f", CallResult.DONE),
        ("undo s", CallResult.NOT_STARTED),
    ]


def test_a_run_can_be_taken_back_when_all_that_stands_can() -> None:
    whole = "s:begun, s:done, tags:begun, tags:done, f:begun, f:done"
    assert history(whole).run.reversible
    gone = summary("d", FUNCTION, Action.DELETE)
    assert not history(f"{whole}, d:begun, d:done", *MADE, gone).run.reversible
    assert history(f"{whole}, d:begun, d:failed", *MADE, gone).run.reversible, "it never took effect"
    pruned = summary("v", "dev:alibaba.version:s/1", Action.DELETE)
    assert history(f"{whole}, v:begun, v:done", *MADE, pruned).run.reversible, "the way back does without it"
    assert not history("v:begun, v:done", pruned).run.reversible, "there is no way back at all"
    assert not history("s:begun, s:failed", ending=Ending.FAILED).run.reversible, "there is nothing to take back"


def a_step(name: str, action: Action, *undo: Step) -> Step:
    return Step(
        id=name,
        address=Address.parse(SERVICE),
        action=action,
        group="body",
        call=Call(operation=f"{action.title()}Service", method="POST", path="/services"),
        guard=MustNotExist(),
        before=None,
        after={},
        undo=undo,
    )


PLAN = Plan(
    project="p",
    target=Target(name="dev", provider="alibaba", region="cn-hangzhou"),
    changes=(),
    steps=(a_step("s", Action.CREATE, a_step("undo s", Action.DELETE)),),
)


async def _taken_back(journal: SqliteJournal, *, forget: bool) -> str:
    lease = await journal.acquire("dev")
    run = await journal.open_run(PLAN, "apply")
    await journal.append_events(run, *told("s:begun, s:done, undo s:begun, undo s:done, s:undone"))
    await journal.close_run(run, Ending.ROLLED_BACK)
    assert not forget or await journal.forget("dev", older_than=-1) == 1
    await lease.release()
    return run


def test_undo_steps_are_known_by_name_after_the_plan_was_forgotten(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteJournal.open(tmp_path / "journal.db") as journal:
            run = await _taken_back(journal, forget=True)
            made = run_history(await journal.read_run(run), await journal.read_events(run))
            assert not made.run.kept
            assert [(call.action, call.operation, call.result) for call in made.calls + made.back] == [
                (Action.CREATE, "CreateService", CallResult.UNDONE),
                (Action.DELETE, "DeleteService", CallResult.DONE),
            ]
            assert await journal.count_runs() == 1
            assert past_run(await journal.read_run(run), await journal.read_words(run)) == made.run

    asyncio.run(main())


def test_the_summary_holds_no_value_of_the_plan() -> None:
    from fcdeploy.engine.journal_rows import to_summary_text

    (step,) = PLAN.steps
    full = replace(
        step, after={"memorySize": 123456}, undo=tuple(replace(one, before={"x": 654321}) for one in step.undo)
    )
    text = to_summary_text(replace(PLAN, steps=(full,)))
    assert "123456" not in text and "654321" not in text
    assert json.loads(text)[0]["undo"][0]["operation"] == "DeleteService"
