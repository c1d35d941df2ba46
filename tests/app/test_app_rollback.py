"""All or nothing (law 6): whatever fails, the cloud is as it was before, and the run says so."""

from __future__ import annotations

from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.errors import RunError
from fcdeploy.model import Ending

APIS = ("2021-04-06", "2016-08-15")
REFUSED = {"status": 400, "code": "InvalidArgument", "message": "refused by the test"}
_WRITES = ["POST", "PUT", "DELETE"]


@pytest.mark.parametrize("api", APIS)
def test_every_create_of_twenty_one_may_be_refused(stage: Any, api: str, chosen: Any) -> None:
    stage.write(stage.spec(10, api=api))
    before = stage.whole_dump()
    steps = 22
    for number in chosen(range(1, steps + 1)):
        stage.faults({"match": {"method": _WRITES, "nth": number}, "effect": REFUSED})
        outcome = stage.apply(ending=Ending.FAILED if number == 1 else Ending.ROLLED_BACK)
        assert stage.whole_dump() == before, number
        assert outcome.leftovers == () and bool(outcome.done) == (number > 1)
        (failure, *_) = outcome.diagnostics
        assert "refused by the test" in failure.detail and failure.address and failure.span is not None
        assert stage.open_run() is None
    stage.faults()
    stage.apply()
    assert stage.plan().is_empty


def changed(stage: Any, spec: dict[str, Any]) -> dict[str, Any]:
    """A spec that updates, replaces, creates and (to make room) deletes."""
    service = spec["services"]["s"]
    service["description"] = "changed"
    service["tags"] = {"team": "new", "more": "yes"}
    functions = service["functions"]
    functions["f0"] |= {"code": stage.write_source("second", "second = 2\n"), "memorySize": 512}
    functions["f0"]["environmentVariables"] = {"NUMBER": "changed", "ADDED": "1"}
    functions["f1"]["triggers"]["t"]["config"]["payload"] = "changed"
    functions["f2"]["triggers"]["t"] = {"type": "http", "config": {"authType": "anonymous", "methods": ["GET"]}}
    functions["f3"]["triggers"] = {"web": {"type": "http", "config": {"authType": "anonymous", "methods": ["POST"]}}}
    functions["f4"]["triggers"] = {"later": {"type": "timer", "config": {"cronExpression": "@every 9m"}}}
    functions["new"] = {"code": functions["f0"]["code"], "timeout": 9}
    return spec


def first(stage: Any, api: str) -> dict[str, Any]:
    spec: dict[str, Any] = stage.spec(5, api=api)
    spec["services"]["s"]["tags"] = {"team": "old", "gone": "soon"}
    spec["services"]["s"]["logConfig"] = {"project": "logs", "logstore": "store"}
    spec["services"]["s"]["functions"]["f0"]["timeout"] = 77
    spec["services"]["s"]["functions"]["f3"]["triggers"] = {
        "old-web": {"type": "http", "config": {"authType": "function", "methods": ["GET", "PUT"]}}
    }
    return spec


@pytest.mark.parametrize("api", APIS)
def test_every_step_of_a_change_may_be_refused(stage: Any, api: str, chosen: Any) -> None:
    """Updates (code too), replaces, tags and early deletes are all taken back: bodies, tags and archive bytes."""
    spec = first(stage, api)
    stage.write(spec)
    stage.apply()
    before = stage.dump()
    spec = changed(stage, spec)
    del spec["services"]["s"]["logConfig"]
    del spec["services"]["s"]["functions"]["f0"]["timeout"]
    stage.write(spec)
    steps = [step for step in stage.plan().steps if not step.last]
    last = len(stage.plan().steps) - len(steps)
    assert len(steps) == 11 and last == 1, [step.id for step in stage.plan().steps]
    for number in chosen(range(1, len(steps) + 1)):
        stage.faults({"match": {"method": _WRITES, "nth": number}, "effect": REFUSED})
        (outcome,) = stage.apply_report().outcomes
        assert outcome.ending is (Ending.ROLLED_BACK if outcome.done else Ending.FAILED)
        assert stage.difference(before) == [], number
        assert outcome.leftovers == () and len(outcome.undone) == len(outcome.done), outcome
    stage.faults()
    stage.apply()
    assert stage.plan().is_empty
    assert stage.dump() != before


def test_what_cannot_be_undone_comes_last_and_is_finished_by_resume(stage: Any) -> None:
    """S34: a failure in the second part is not rolled back."""
    spec = stage.spec(4)
    stage.write(spec)
    stage.apply()
    del spec["services"]["s"]["functions"]["f3"]
    spec["services"]["s"]["functions"]["f0"]["memorySize"] = 256
    spec["services"]["s"]["functions"]["new"] = {"code": "./src"}
    stage.write(spec)
    plan = stage.plan()
    assert [step.last for step in plan.steps] == [False, False, True, True]
    stage.faults({"match": {"operation": "DeleteFunction"}, "effect": REFUSED})
    outcome = stage.apply(ending=Ending.NEEDS_ATTENTION)
    assert len(outcome.done) == 3 and len(outcome.leftovers) == 3
    assert stage.open_run() == outcome.run
    stage.faults()
    (resumed,) = stage.resume()
    assert resumed.ending is Ending.DONE and stage.open_run() is None
    assert stage.plan().is_empty


def test_on_failure_stop_and_continue(stage: Any) -> None:
    spec = stage.spec(3)
    stage.write(spec)
    stage.faults({"match": {"operation": "CreateFunction", "nth": 1}, "effect": REFUSED})
    outcome = stage.apply(ending=Ending.STOPPED, on_failure="continue")
    # The service, its tags, two functions and their triggers stand; the third function's trigger was never tried.
    assert len(outcome.done) == 6 and outcome.undone == ()
    assert stage.open_run() == outcome.run
    stage.faults()
    (resumed,) = stage.resume()
    assert resumed.ending is Ending.DONE
    assert stage.plan().is_empty


def test_a_rollback_that_fails_is_left_open_and_can_be_repeated(stage: Any) -> None:
    stage.write(stage.spec(2))
    stage.faults(
        {"match": {"operation": "CreateTrigger", "nth": 2}, "effect": REFUSED},
        {"match": {"operation": "DeleteFunction"}, "effect": REFUSED},
    )
    outcome = stage.apply(ending=Ending.NEEDS_ATTENTION)
    assert outcome.leftovers and stage.open_run() == outcome.run
    stage.faults()
    (back,) = stage.rollback()
    assert back.ending is Ending.ROLLED_BACK
    assert stage.whole_dump() == [] and stage.open_run() is None


def test_undoing_never_removes_what_somebody_else_changed(stage: Any) -> None:
    """The way back is guarded by the ETags that we were given (law 6)."""
    stage.write(stage.spec(2))

    def touch(step: Any, event: Any) -> None:
        if step.id == "create dev:alibaba.function:s/f0":
            stage.change("function", "s", "f0", description="somebody's")

    stage.watcher.on_ended = touch
    stage.faults({"match": {"operation": "CreateTrigger", "nth": 2}, "effect": REFUSED})
    outcome = stage.apply(ending=Ending.NEEDS_ATTENTION)
    kept = {row["name"]: row["body"].get("description") for row in stage.whole_dump() if row["kind"] == "function"}
    assert kept == {"f0": "somebody's"}
    assert any("changed by somebody else" in one.summary for one in outcome.diagnostics)


@pytest.mark.parametrize("api", APIS)
def test_an_ended_run_is_taken_back(stage: Any, api: str) -> None:
    spec = first(stage, api)
    stage.write(spec)
    stage.apply()
    before = stage.dump()
    spec = changed(stage, spec)
    del spec["services"]["s"]["functions"]["f1"]
    stage.write(spec)
    outcome = stage.apply(Wishes(allow_unsafe=True))

    (back,) = stage.rollback(outcome.run)
    assert back.ending is Ending.DONE, back
    assert stage.difference(before) == []
    # The way back keeps nothing for the way forth: that is what the file is for.
    with pytest.raises(RunError, match="cannot be taken back"):
        stage.rollback(back.run)
    assert stage.difference(before) == []


@pytest.mark.parametrize(("was", "now"), [("nodejs16", "custom"), ("custom", "nodejs16")])
def test_a_change_of_runtime_is_taken_back_with_all_that_goes_with_it(stage: Any, was: str, now: str) -> None:
    """Some fields have a meaning for one runtime only: the service drops them, and refuses them elsewhere."""
    own = {
        "custom": {
            "caPort": 8080,
            "customHealthCheckConfig": {"httpGetUrl": "/ready"},
            "customRuntimeConfig": {"command": ["./run"]},
        },
        "nodejs16": {},
    }
    spec = stage.spec(1)
    spec["services"]["s"]["functions"]["f0"] |= {"runtime": was, **own[was]}
    stage.write(spec)
    stage.apply()
    before = stage.dump()
    spec = stage.spec(1)
    spec["services"]["s"]["functions"]["f0"] |= {"runtime": now, **own[now]}
    spec["services"]["s"]["functions"]["f0"]["triggers"]["t"]["config"]["payload"] = "changed"
    stage.write(spec)
    stage.faults({"match": {"operation": "UpdateTrigger"}, "effect": REFUSED})
    stage.apply(ending=Ending.ROLLED_BACK)
    assert stage.difference(before) == []
    stage.faults()
    outcome = stage.apply()
    assert stage.plan().is_empty
    (back,) = stage.rollback(outcome.run)
    assert back.ending is Ending.DONE
    assert stage.difference(before) == []


def test_a_way_back_that_the_service_does_not_take_is_no_way_back(stage: Any) -> None:
    """A field that the service chooses cannot be unset again: that is said, and never called rolled back (S21)."""
    spec = stage.spec(1)
    stage.write(spec)
    stage.apply()
    function = spec["services"]["s"]["functions"]["f0"]
    function |= {"cpu": 0.5, "memorySize": 512}
    function["triggers"]["t"]["config"]["payload"] = "changed"
    stage.write(spec)
    before = stage.dump()
    stage.faults({"match": {"operation": "UpdateTrigger"}, "effect": REFUSED})
    outcome = stage.apply(ending=Ending.LEFTOVERS)
    assert [row[1:] for row in stage.difference(before)] == [("cpu", None, 0.5)]
    assert any("did not take cpu of function s/f0" in one.summary for one in outcome.diagnostics)
    assert stage.open_run() is None, "nothing more can be done about it"


def test_what_stays_comes_down_with_what_bounds_it(stage: Any) -> None:
    """The soft limit cannot be unset, but it must not stand above the hard one that comes back."""
    spec = stage.spec(1)
    function = spec["services"]["s"]["functions"]["f0"]
    function["runtime"] = "nodejs16"
    stage.write(spec)
    stage.apply()
    function |= {"instanceConcurrency": 10, "instanceSoftConcurrency": 5, "memorySize": 512}
    function["triggers"]["t"]["config"]["payload"] = "changed"
    stage.write(spec)
    before = stage.dump()
    stage.faults({"match": {"operation": "UpdateTrigger"}, "effect": REFUSED})
    outcome = stage.apply(ending=Ending.LEFTOVERS)
    assert [row[1:] for row in stage.difference(before)] == [("instanceSoftConcurrency", None, 1)]
    assert any("did not take instanceSoftConcurrency of function s/f0" in one.summary for one in outcome.diagnostics)


def test_a_first_apply_is_taken_back_to_nothing(stage: Any) -> None:
    stage.write(stage.spec(3))
    outcome = stage.apply()
    (back,) = stage.rollback(outcome.run)
    assert back.ending is Ending.DONE, back
    assert stage.whole_dump() == []


def test_a_destroy_is_not_taken_back_by_half(stage: Any) -> None:
    """Destroy keeps no code, so nothing of it is brought back."""
    stage.write(stage.spec(2))
    stage.apply()
    outcome = stage.apply(destroy=True)
    with pytest.raises(RunError, match="cannot be taken back") as caught:
        stage.rollback(outcome.run)
    assert "delete dev:alibaba.function:s/f0" in caught.value.detail
    assert stage.whole_dump() == []


def test_an_ended_run_is_not_taken_back_over_another_writer(stage: Any) -> None:
    spec = stage.spec(2)
    stage.write(spec)
    stage.apply()
    spec["services"]["s"]["functions"]["f0"]["memorySize"] = 256
    stage.write(spec)
    outcome = stage.apply()
    stage.change("function", "s", "f0", memorySize=1024)
    (back,) = stage.rollback(outcome.run)
    assert back.ending is not Ending.DONE
    assert stage.dump()["1234567890123456/cn-hangzhou/function/s/f0"]["memorySize"] == 1024
    assert any("1024" in one.detail for one in back.diagnostics)
