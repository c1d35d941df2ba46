"""Functions in a service that somebody else keeps: their life, their marks, and what others do meanwhile (S10, S13)."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import yaml

from fcdeploy.app import Wishes
from fcdeploy.diagnostics import Severity
from fcdeploy.errors import PlanRefused
from fcdeploy.model import Action, Ending

APIS = ("2021-04-06", "2016-08-15")
HERE = "1234567890123456/cn-hangzhou"
OURS = "[fcdeploy:staged/dev]"
WRITES = ["POST", "PUT", "DELETE"]
ALL = Wishes(allow_unsafe=True)


def by_hand(stage: Any, functions: int = 2, **tags: str) -> None:
    """The service `shared` with functions f0, f1, …, made by somebody else."""
    theirs = dataclasses.replace(stage, root=stage.root.with_name("by-hand"))
    theirs.root.mkdir()
    spec = theirs.spec(functions, service="shared")
    spec["project"] = "by-hand"
    theirs.write(spec)
    theirs.apply()
    stage.change("service", "", "shared", _tags=tags)
    stage.requests()


def external(stage: Any, api: str = APIS[0], **functions: Any) -> dict[str, Any]:
    spec: dict[str, Any] = stage.spec(0, api=api)
    code = stage.write_source("src")
    spec["services"] = {
        "shared": {"external": True, "functions": {name: {"code": code, **body} for name, body in functions.items()}}
    }
    return spec


def description(stage: Any, name: str) -> str:
    return str(stage.dump()[f"{HERE}/function/shared/{name}"]["description"])


def planned(stage: Any, meanwhile: Any) -> Any:
    def confirm(report: Any) -> bool:
        meanwhile()
        return True

    report = stage.apply_report(confirm=confirm)
    assert [result.problem for result in report.plans.results] == [None]
    return report.outcomes[0]


@pytest.mark.parametrize("api", APIS)
def test_a_function_lives_in_somebody_elses_service(stage: Any, api: str) -> None:
    by_hand(stage)
    before = stage.whole_dump()
    timer = {"type": "timer", "config": {"cronExpression": "@every 5m"}}
    spec = external(stage, api, mine={"description": "Mine.", "triggers": {"t": timer}}, bare={})
    stage.write(spec)
    stage.apply()
    assert stage.plan().is_empty
    assert (description(stage, "mine"), description(stage, "bare")) == (f"Mine. {OURS}", OURS)

    functions = spec["services"]["shared"]["functions"]
    functions["mine"] |= {"description": "Changed.", "triggers": {}, "memorySize": 256}
    functions["next"] = functions.pop("bare")
    stage.write(spec)
    plan = stage.plan()
    assert {change.address.short: change.action for change in plan.changes} == {
        "function shared/mine": Action.UPDATE,
        "trigger shared/mine/t": Action.DELETE,
        "function shared/bare": Action.DELETE,
        "function shared/next": Action.CREATE,
    }
    stage.apply()
    assert description(stage, "mine") == f"Changed. {OURS}" and stage.plan().is_empty

    # A text that leaves the file leaves the mark behind.
    del functions["mine"]["description"]
    stage.write(spec)
    stage.apply()
    assert description(stage, "mine") == OURS
    stage.apply(destroy=True)
    assert stage.whole_dump() == before


@pytest.mark.proof
def test_what_failed_comes_back_with_its_mark(stage: Any) -> None:
    by_hand(stage, 1)
    spec = external(stage, a={"description": "A."}, b={"description": "B."})
    stage.write(spec)
    stage.apply()
    before = stage.dump()
    spec["services"]["shared"]["functions"] = {
        "a": {"code": "./src", "description": "Another."},
        "c": {"code": "./src", "description": "C."},
    }
    stage.write(spec)
    steps = len(stage.plan().steps)
    for number in range(2, steps + 1):
        stage.faults({"match": {"method": WRITES, "nth": number}, "effect": {"status": 400, "code": "InvalidArgument"}})
        outcome = stage.apply_report().outcomes[0]
        stage.faults()
        if outcome.ending is Ending.ROLLED_BACK:
            assert stage.difference(before) == [], number
        else:
            # The delete is last and is not taken back (S34).
            assert number == steps
            stage.resume()
    assert stage.plan().is_empty


def test_a_deleted_function_is_brought_back_with_its_mark(stage: Any) -> None:
    by_hand(stage, 0)
    stage.write(external(stage, a={"description": "A."}, b={}))
    stage.apply()
    before = stage.dump()
    stage.write(external(stage, a={"description": "A."}))
    run = stage.apply().run
    (outcome,) = stage.rollback(run)
    assert outcome.ending is Ending.DONE
    assert stage.difference(before) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_mark_whose_reply_is_lost_is_settled_by_reading(stage: Any, when: str) -> None:
    """The text is the same before and after; only the mark tells whether the write happened."""
    by_hand(stage, 1)
    spec = external(stage, f0={"environmentVariables": {"NUMBER": "0"}})
    spec["services"]["shared"]["functions"]["f0"]["triggers"] = {
        "t": {"type": "timer", "config": {"cronExpression": "@every 1m"}}
    }
    stage.write(spec)
    fault = {"match": {"operation": "UpdateFunction", "nth": 1}, "when": when, "effect": {"disconnect": True}}
    stage.faults(fault)
    stage.apply(Wishes(adopt=("function:shared/f0",)))
    assert description(stage, "f0") == OURS and stage.plan().is_empty


@pytest.mark.parametrize("text", ["by hand", "[fcdeploy:another/dev]", "[fcdeploy:staged/prod]"])
def test_a_function_that_is_no_longer_ours_when_it_is_written_is_left_alone(stage: Any, text: str) -> None:
    """S20: the mark is no field of the file, but nothing is written to what lost it since the plan."""
    by_hand(stage, 0)
    spec = external(stage, mine={"description": "Mine."})
    stage.write(spec)
    stage.apply()
    spec["services"]["shared"]["functions"]["mine"]["memorySize"] = 512
    stage.write(spec)
    outcome = planned(stage, lambda: stage.change("function", "shared", "mine", description=text))
    assert outcome.ending in (Ending.FAILED, Ending.ROLLED_BACK)
    assert "changed by somebody else" in outcome.diagnostics[0].summary and text in outcome.diagnostics[0].detail
    live = stage.dump()[f"{HERE}/function/shared/mine"]
    assert (live["description"], live["memorySize"]) == (text, 128)
    (result,) = stage.apply_report().plans.results
    assert isinstance(result.problem, PlanRefused)


def test_a_text_that_somebody_changes_around_our_mark_is_drift_like_any_other(stage: Any) -> None:
    by_hand(stage, 0)
    spec = external(stage, mine={"description": "Mine."})
    stage.write(spec)
    stage.apply()
    spec["services"]["shared"]["functions"]["mine"]["memorySize"] = 512
    stage.write(spec)
    outcome = planned(stage, lambda: stage.change("function", "shared", "mine", description=f"Theirs. {OURS}"))
    assert outcome.ending is Ending.DONE
    (said,) = [one.summary for one in outcome.diagnostics if one.severity is Severity.WARNING]
    assert said == "drifted during apply: function shared/mine description"
    stage.apply()
    assert description(stage, "mine") == f"Mine. {OURS}" and stage.plan().is_empty


@pytest.mark.proof
@pytest.mark.parametrize("api", APIS)
def test_a_service_of_ours_becomes_somebody_elses_and_ours_again(stage: Any, api: str) -> None:
    owned = stage.spec(3, api=api, service="shared")
    stage.write(owned)
    stage.apply()
    functions = owned["services"]["shared"]["functions"]
    given = copy.deepcopy(owned)
    given["services"]["shared"] = {"external": True, "functions": {name: functions[name] for name in ("f0", "f1")}}
    stage.write(given)
    plan = stage.plan()
    assert {change.address.short: change.action for change in plan.changes} == {
        "service shared": Action.UPDATE,
        "function shared/f0": Action.UPDATE,
        "function shared/f1": Action.UPDATE,
    }
    # Half of it: the service is ours until all its functions are marked.
    stage.faults({"match": {"operation": "UpdateFunction", "nth": 2}, "effect": {"status": 400, "code": "X"}})
    stage.apply(ending=Ending.STOPPED, on_failure="stop")
    stage.faults()
    stage.apply(recover="abandon")
    live = stage.dump()
    assert live[f"{HERE}/service//shared"]["_tags"] == {}
    assert [description(stage, name) for name in ("f0", "f1", "f2")] == [OURS, OURS, ""]
    assert stage.plan().is_empty

    # And back: adopted, with the function that the file did not name meanwhile.
    stage.write(owned)
    (result,) = stage.apply_report().plans.results
    assert "--adopt 'service:shared'" in result.problems[0].hint
    stage.apply(Wishes(adopt=("service:shared",)))
    assert [description(stage, name) for name in ("f0", "f1", "f2")] == ["", "", ""]
    assert stage.plan().is_empty
    stage.apply(destroy=True)
    assert stage.dump() == {}


def test_destroy_in_the_middle_of_giving_a_service_away(stage: Any) -> None:
    owned = stage.spec(2, service="shared")
    stage.write(owned)
    stage.apply()
    given = copy.deepcopy(owned)
    given["services"]["shared"] = {
        "external": True,
        "functions": {"f0": owned["services"]["shared"]["functions"]["f0"]},
    }
    stage.write(given)
    stage.apply(destroy=True)
    live = stage.dump()
    assert sorted(live) == [f"{HERE}/function/shared/f1", f"{HERE}/service//shared", f"{HERE}/trigger/shared/f1/t"]
    assert live[f"{HERE}/service//shared"]["_tags"] == {}


def test_taking_the_release_back_marks_the_service_again(stage: Any) -> None:
    owned = stage.spec(1, service="shared")
    stage.write(owned)
    stage.apply()
    before = stage.dump()
    given = copy.deepcopy(owned)
    given["services"]["shared"] = {"external": True, "functions": owned["services"]["shared"]["functions"]}
    stage.write(given)
    run = stage.apply().run
    (outcome,) = stage.rollback(run)
    assert outcome.ending is Ending.DONE and stage.difference(before) == []


@pytest.mark.proof
def test_a_guest_in_a_service_of_ours_stays_and_keeps_it(stage: Any) -> None:
    """What another project marks in our service is theirs: neither compared nor pruned, and no service goes over it."""
    stage.write(stage.spec(1, service="shared"))
    stage.apply()
    guest = dataclasses.replace(stage, root=stage.root.with_name("guest"))
    guest.root.mkdir()
    theirs = external(guest, guest={"description": "A guest."})
    guest.write({**theirs, "project": "guest"})
    guest.apply()
    assert guest.plan().is_empty and stage.plan().is_empty
    row = stage.dump()[f"{HERE}/function/shared/guest"]
    assert row["description"] == "A guest. [fcdeploy:guest/dev]"
    for report in (stage.apply_report(destroy=True), stage.apply_report(ALL, destroy=True)):
        (result,) = report.plans.results
        assert [one.summary for one in result.problems] == [
            "service shared cannot be deleted: function shared/guest in it belongs to guest/dev"
        ]
    guest.apply(destroy=True)
    stage.apply(destroy=True)
    assert stage.dump() == {}


def test_a_function_is_taken_over_with_what_it_has(stage: Any) -> None:
    by_hand(stage, 2)
    stage.write(external(stage, f0={"timeout": 5}))
    wishes = Wishes(adopt=("function:shared/f0",))
    (result,) = stage.apply_report(wishes).plans.results
    (found,) = result.problems
    assert found.summary == "adopting function shared/f0 would delete 1 resource and reset fields of 1 resource"
    assert "--adopt-over 'function:shared/f0'" in found.hint
    _, _, lines = found.detail.partition("add this to the file:\n")
    timer = {"type": "timer", "config": {"cronExpression": "@every 1m"}}
    kept = {"f0": {"environmentVariables": {"NUMBER": "(sensitive)"}, "triggers": {"t": timer}}}
    assert yaml.safe_load(lines) == {"services": {"shared": {"functions": kept}}}
    over = Wishes(adopt_over=("function:shared/f0",))
    assert {change.address.short: change.action for change in stage.plan(over).changes} == {
        "function shared/f0": Action.UPDATE,
        "trigger shared/f0/t": Action.DELETE,
    }
    stage.apply(over)
    assert description(stage, "f0") == OURS and description(stage, "f1") == ""
    assert stage.plan().is_empty


def test_few_requests_are_spent_on_what_is_not_ours(stage: Any) -> None:
    """Of somebody's functions only the list is read, not what each of them has."""
    by_hand(stage, 6)
    stage.write(external(stage, mine={}))
    stage.apply()
    stage.requests()
    assert stage.plan().is_empty
    counts = stage.counts()
    assert counts["ListFunctions"] == 1 and counts["ListTriggers"] == 1 and counts["ListVpcBindings"] == 0
