"""`history`, whole: what the journal tells of runs that went well, failed, were killed, taken back, forgotten."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from test_app_recovery import change, first, killed_apply

from fcdeploy import app
from fcdeploy.app import Where
from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.errors import JournalError, RunError, UsageError
from fcdeploy.model import Action, CallResult, Ending, PastCall, RunHistory

REFUSED = {"status": 400, "code": "InvalidArgument", "message": "refused by the test"}


def where(stage: Any, **more: Any) -> Where:
    """Nothing that a cloud needs: no endpoint, no credentials."""
    return Where(spec=stage.root, environ={"FCDEPLOY_STATE": str(stage.state)}, **more)


def runs(stage: Any, **more: Any) -> tuple[Any, ...]:
    """The runs of the only selected target."""
    (one,) = asyncio.run(app.history(where(stage), **more))
    assert one.problem is None
    found: tuple[Any, ...] = one.runs
    return found


def shown(stage: Any, run: str, **more: Any) -> RunHistory:
    return asyncio.run(app.past_run(where(stage, **more), run))[1]


def results(calls: tuple[PastCall, ...]) -> set[CallResult]:
    return {call.result for call in calls}


def test_nothing_was_run_yet_and_nothing_is_made_for_it(stage: Any) -> None:
    stage.write(stage.spec(1))
    assert runs(stage) == ()
    with pytest.raises(RunError, match="no selected target knows a run r1") as caught:
        shown(stage, "r1")
    assert caught.value.hint == "`fcdeploy history` lists the runs"
    assert not stage.state.exists()
    assert stage.requests() == []


def test_runs_are_told_newest_first_without_asking_the_cloud(stage: Any) -> None:
    spec = stage.spec(2)
    stage.write(spec)
    one = stage.apply()
    spec["services"]["s"]["functions"]["f0"]["memorySize"] = 512
    stage.write(spec)
    two = stage.apply()
    (three,) = stage.rollback(two.run)
    stage.requests()
    found = runs(stage)
    assert [(run.run, run.command, run.ending) for run in found] == [
        (three.run, "rollback", Ending.DONE),
        (two.run, "apply", Ending.DONE),
        (one.run, "apply", Ending.DONE),
    ]
    assert [(run.done, run.total) for run in found] == [(1, 1), (1, 1), (len(one.done), len(one.done))]
    assert found[1].reversible and not found[0].reversible, "nothing takes a way back back"
    assert [run.run for run in runs(stage, limit=1)] == [three.run]
    (limited,) = asyncio.run(app.history(where(stage), limit=1))
    assert limited.total == 3
    made = shown(stage, one.run)
    assert results(made.calls) == {CallResult.DONE} and len(made.calls) == len(one.done) and made.back == ()
    assert all(call.tries == 1 and call.request_id and call.seconds is not None for call in made.calls)
    (service, *_) = made.calls
    assert (service.operation, str(service.address)) == ("CreateService", "dev:alibaba.service:s")
    assert stage.requests() == []


def test_a_file_whose_resources_are_broken_still_has_a_past(stage: Any) -> None:
    spec = stage.spec(1)
    stage.write(spec)
    outcome = stage.apply()
    spec["services"]["s"]["functions"]["f0"] |= {"memorySize": "much", "code": "./nowhere"}
    stage.write(spec)
    assert [run.run for run in runs(stage)] == [outcome.run]
    assert len(shown(stage, outcome.run).calls) == len(outcome.done)


def test_a_killed_run_is_open_and_says_what_is_not_known(stage: Any) -> None:
    first(stage)
    killed_apply(stage, "before-done", 2)
    (run,) = runs(stage)
    assert (run.ended, run.ending, run.undoing) == (None, None, False)
    assert run.unsettled >= 1 and run.done + run.unsettled <= run.total == 8
    made = shown(stage, run.run)
    unknown = [call for call in made.calls if call.result is CallResult.UNKNOWN]
    assert len(unknown) == run.unsettled and all(call.ended is None and call.tries == 1 for call in unknown)
    assert CallResult.NOT_STARTED in results(made.calls)
    stage.resume()
    made = shown(stage, run.run)
    assert made.run.ending is Ending.DONE and results(made.calls) == {CallResult.DONE}
    assert made.run.done == 8 and made.run.unsettled == 0


def test_a_run_that_was_rolled_back_shows_both_ways(stage: Any) -> None:
    change(stage)
    stage.faults({"match": {"operation": "CreateFunction"}, "effect": REFUSED})
    outcome = stage.apply(ending=Ending.ROLLED_BACK)
    (run, _) = runs(stage)
    assert (run.run, run.ending, run.done, run.failed) == (outcome.run, Ending.ROLLED_BACK, 0, 1)
    made = shown(stage, run.run)
    (failed,) = [call for call in made.calls if call.result is CallResult.FAILED]
    assert failed.operation == "CreateFunction" and "new" in failed.step and failed.note
    assert {call.step for call in made.calls if call.result is CallResult.UNDONE} == set(outcome.undone)
    assert made.run.undone == len(outcome.undone) and not made.run.reversible
    assert results(made.back) == {CallResult.DONE} and made.back
    assert all(call.operation and call.address is not None and call.request_id for call in made.back)
    began = [call.began for call in (*made.calls, *made.back) if call.began is not None]
    assert began == sorted(began)


def test_a_create_takes_what_stands_in_it_along(stage: Any) -> None:
    stage.write(stage.spec(1))
    stage.faults({"match": {"operation": "CreateTrigger"}, "effect": REFUSED})
    outcome = stage.apply(ending=Ending.ROLLED_BACK)
    made = shown(stage, outcome.run)
    assert made.run.done == 0, "a rolled back run leaves nothing standing"
    gone = [call for call in made.calls if call.gone_with is not None]
    assert [call.group for call in gone] == ["tags"] and str(gone[0].gone_with) == "dev:alibaba.service:s"
    assert {call.action for call in made.back} == {Action.DELETE}


def test_every_try_of_a_call_is_counted(stage: Any) -> None:
    stage.write(stage.spec(1))
    conflict = {"status": 409, "code": "ConcurrentUpdateError", "message": "again"}
    stage.faults(*({"match": {"operation": "CreateFunction", "nth": nth}, "effect": conflict} for nth in (1, 2)))
    outcome = stage.apply()
    tried = {call.operation: call.tries for call in shown(stage, outcome.run).calls}
    assert tried["CreateFunction"] == 3 and tried["CreateService"] == 1


def test_a_way_back_is_told_for_ever(stage: Any) -> None:
    """The undo material goes with `--keep-undo`; which calls took the run back stays."""
    change(stage)
    stage.faults({"match": {"operation": "CreateFunction"}, "effect": REFUSED})
    outcome = stage.apply(ending=Ending.ROLLED_BACK)
    stage.faults()
    before = shown(stage, outcome.run)

    async def forget() -> None:
        (place,) = stage.state.glob("*/*/journal.db")
        async with SqliteJournal.open(place) as journal:
            lease = await journal.acquire("dev")
            assert await journal.forget("dev", older_than=-1) == 2
            await lease.release()

    asyncio.run(forget())
    after = shown(stage, outcome.run)
    assert (after.calls, after.back) == (before.calls, before.back)
    assert before.run.kept and not after.run.kept
    with pytest.raises(JournalError, match="was forgotten"):
        stage.rollback(outcome.run)


def several(stage: Any) -> None:
    spec = stage.spec(1)
    base = spec["targets"]["dev"]
    spec["targets"] |= {"test": {**base, "region": "cn-beijing"}, "prod": {**base, "region": "cn-shanghai"}}
    stage.write(spec)


def test_each_target_has_a_past_of_its_own(stage: Any) -> None:
    several(stage)
    ids = {
        name: outcome.run
        for name in ("dev", "prod")
        for outcome in stage.apply_report(target=name).outcomes
        if outcome.ending is Ending.DONE
    }
    assert set(ids) == {"dev", "prod"}
    found = asyncio.run(app.history(where(stage)))
    assert [(one.target.name, [run.run for run in one.runs]) for one in found] == [
        ("dev", [ids["dev"]]),
        ("test", []),
        ("prod", [ids["prod"]]),
    ]
    target, made = asyncio.run(app.past_run(where(stage), ids["prod"]))
    assert (target.name, made.run.run) == ("prod", ids["prod"])
    (only,) = asyncio.run(app.history(where(stage, target="p*")))
    assert only.target.name == "prod"
    with pytest.raises(UsageError):
        asyncio.run(app.history(where(stage, target="nowhere")))


def test_an_unknown_run_and_one_of_another_target(stage: Any) -> None:
    several(stage)
    (outcome,) = stage.apply_report(target="dev").outcomes
    for ask in (lambda run: shown(stage, run, target="prod"), lambda run: stage.rollback(run, target="prod")):
        with pytest.raises(RunError, match="no selected target knows a run") as caught:
            ask(outcome.run)
        assert caught.value.detail == "it is a run of target dev"
        assert caught.value.hint == "select it: `--target dev`"
    for ask in (lambda run: shown(stage, run), stage.rollback):
        with pytest.raises(RunError, match="no selected target knows a run") as caught:
            ask(outcome.run[:-1])
        assert caught.value.hint == f"did you mean `{outcome.run}`?"


def test_a_damaged_journal_is_its_target_s_problem(stage: Any) -> None:
    several(stage)
    for name in ("dev", "prod"):
        stage.apply_report(target=name)
    (place,) = stage.state.glob("*/dev-*/journal.db")
    place.write_bytes(b"no journal at all")
    broken, _, whole = asyncio.run(app.history(where(stage)))
    assert isinstance(broken.problem, JournalError) and broken.runs == ()
    assert whole.problem is None and len(whole.runs) == 1


def test_no_secret_is_told(stage: Any) -> None:
    spec = stage.spec(1)
    spec["secrets"] = {"TOKEN": {"env": "TOKEN"}}
    function = spec["services"]["s"]["functions"]["f0"]
    function["environmentVariables"] = {"TOKEN": "${{ secret('TOKEN') }}"}
    stage.environ["TOKEN"] = "hunter2-first"
    stage.write(spec)
    stage.apply()
    stage.environ["TOKEN"] = "hunter2-second"
    refused = {**REFUSED, "message": "the value hunter2-second of TOKEN is refused"}
    stage.faults({"match": {"operation": "UpdateFunction"}, "effect": refused})
    outcome = stage.apply(ending=Ending.FAILED)
    made = shown(stage, outcome.run)
    (failed,) = made.calls
    assert failed.result is CallResult.FAILED
    assert "hunter2" not in repr(made) + repr(runs(stage))


@pytest.mark.proof
def test_abandon_settles_asks_and_leaves_what_is(stage: Any) -> None:
    first(stage)
    killed_apply(stage, "before-done", 3)
    run = stage.open_run()
    live = stage.dump()
    asked: list[Any] = []

    def abandon(answer: bool) -> Any:
        def agree(found: Any) -> bool:
            asked.extend(found)
            return answer

        async def main() -> Any:
            return await app.abandon(stage.where(), stage.manner(), agree=agree)

        return asyncio.run(main())

    stage.requests()
    assert abandon(False) == () and stage.open_run() == run
    (outcome,) = abandon(True)
    assert (outcome.run, outcome.ending, outcome.unknown) == (run, Ending.STOPPED, ())
    assert [(one.target.name, one.run.run) for one in asked] == [("dev", run)] * 2
    assert asked[0].run.unsettled >= 1
    assert stage.writes() == [] and stage.dump() == live and stage.open_run() is None
    made = shown(stage, outcome.run)
    assert CallResult.UNKNOWN not in results(made.calls) and made.run.unsettled == 0
    assert made.run.ending is Ending.STOPPED and made.run.reversible
    with pytest.raises(RunError, match="nothing to abandon"):
        abandon(True)
    stage.rollback(outcome.run)
    assert stage.whole_dump() == [], "an abandoned run can still be taken back"


@pytest.mark.proof
def test_rollback_of_an_open_run_asks_whether_it_is_named_or_not(stage: Any) -> None:
    first(stage)
    killed_apply(stage, "before-done", 3)
    run = stage.open_run()
    live = stage.dump()

    async def refused(named: str | None) -> Any:
        return await app.rollback(
            stage.where(),
            stage.manner(),
            run=named,
            confirm=lambda report: pytest.fail("an open run has no plan"),
            agree=lambda found: False,
        )

    for named in (None, run):
        assert asyncio.run(refused(named)) == ()
        assert stage.open_run() == run and stage.dump() == live


def test_reading_the_past_leaves_the_journal_as_it_is(stage: Any) -> None:
    stage.write(stage.spec(1))
    stage.apply()
    (path,) = stage.state.glob("*/*/journal.db")

    def rows() -> str:
        async def read() -> Any:
            async with SqliteJournal.open(path) as journal:
                found = await journal.read_runs()
                return [(run.id, run.ended, len(await journal.read_events(run.id))) for run in found]

        return json.dumps(asyncio.run(read()))

    before = rows()
    (run,) = runs(stage)
    shown(stage, run.run)
    assert rows() == before
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
