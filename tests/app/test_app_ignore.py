"""`ignore`: what others look after is set by a create, and theirs afterwards, the way back included (S17)."""

from __future__ import annotations

from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.model import Ending

APIS = ("2021-04-06", "2016-08-15")
REFUSED = {"status": 400, "code": "InvalidArgument", "message": "refused"}
ACCOUNT = "1234567890123456"


def row(stage: Any, kind: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.dump()[f"{ACCOUNT}/cn-hangzhou/{kind}/{path}"]
    return found


def variables(stage: Any, name: str = "f0") -> dict[str, str]:
    found: dict[str, str] = row(stage, "function", f"s/{name}")["environmentVariables"]
    return found


def tags(stage: Any) -> dict[str, str]:
    found: dict[str, str] = row(stage, "service", "/s")["_tags"]
    return {key: value for key, value in found.items() if not key.startswith("fcdeploy.")}


def set_tags(stage: Any, **given: str | None) -> None:
    there = {**row(stage, "service", "/s")["_tags"], **{key.replace("_", "-"): value for key, value in given.items()}}
    stage.change("service", "", "s", _tags={key: value for key, value in there.items() if value is not None})


@pytest.fixture(params=APIS)
def spec(stage: Any, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Two functions and tags, applied, of which others look after a variable, a tag and a schedule."""
    made: dict[str, Any] = stage.spec(2, api=request.param)
    service = made["services"]["s"]
    service |= {"tags": {"team": "a", "cost-centre": "1"}, "ignore": ["tags.cost-centre", "tags.audit"]}
    f0 = service["functions"]["f0"]
    f0 |= {"environmentVariables": {"A": "1", "DEBUG": "off"}, "ignore": ["environmentVariables.DEBUG"]}
    f0["triggers"]["t"]["ignore"] = ["config.cronExpression"]
    stage.write(made)
    stage.apply()
    return made


def test_a_create_sends_what_the_file_says(stage: Any, spec: dict[str, Any]) -> None:
    assert variables(stage) == {"A": "1", "DEBUG": "off"}
    assert tags(stage) == {"team": "a", "cost-centre": "1"}
    assert stage.plan().is_empty


def test_the_plan_says_nothing_of_what_others_changed(stage: Any, spec: dict[str, Any]) -> None:
    stage.change("function", "s", "f0", environmentVariables={"A": "1", "DEBUG": "on"})
    stage.change("trigger", "s/f0", "t", triggerConfig={"cronExpression": "@every 9m", "payload": "", "enable": True})
    set_tags(stage, cost_centre="2", audit="yes")
    plan = stage.plan()
    assert plan.is_empty and plan.changes == () and plan.warnings == ()
    stage.change("function", "s", "f0", environmentVariables={"A": "1"})
    set_tags(stage, cost_centre=None)
    assert stage.plan().is_empty


def test_the_live_value_travels_with_another_change(stage: Any, spec: dict[str, Any]) -> None:
    stage.change("function", "s", "f0", environmentVariables={"A": "1", "DEBUG": "on"})
    stage.change("trigger", "s/f0", "t", triggerConfig={"cronExpression": "@every 9m", "payload": "", "enable": True})
    set_tags(stage, cost_centre="2", audit="yes")
    service = spec["services"]["s"]
    service["tags"] = {"team": "b", "cost-centre": "1"}
    service["functions"]["f0"]["environmentVariables"] = {"B": "2", "DEBUG": "off"}
    service["functions"]["f0"]["triggers"]["t"]["config"]["payload"] = "new"
    stage.write(spec)
    plan = stage.plan()
    assert {field.path for change in plan.changes for field in change.fields} == {
        *("environmentVariables.A", "environmentVariables.B", "tags.team", "triggerConfig.payload"),
    }
    outcome = stage.apply()
    assert variables(stage) == {"B": "2", "DEBUG": "on"}
    assert tags(stage) == {"team": "b", "cost-centre": "2", "audit": "yes"}
    config = row(stage, "trigger", "s/f0/t")["triggerConfig"]
    assert (config["cronExpression"], config["payload"]) == ("@every 9m", "new")
    assert stage.plan().is_empty and outcome.diagnostics == ()
    # Taken back, once others have changed it again.
    stage.change("function", "s", "f0", environmentVariables={"B": "2", "DEBUG": "later"})
    set_tags(stage, cost_centre="3")
    (back,) = stage.rollback(outcome.run)
    assert back.ending is Ending.DONE, back
    assert variables(stage) == {"A": "1", "DEBUG": "later"}
    assert tags(stage) == {"team": "a", "cost-centre": "3", "audit": "yes"}


def test_what_others_change_between_plan_and_apply_stays(stage: Any, spec: dict[str, Any]) -> None:
    """Met by a 412 and by the read before a tag is written: no conflict, and nothing to tell."""
    service = spec["services"]["s"]
    service["tags"]["team"] = "b"
    service["functions"]["f0"]["environmentVariables"]["A"] = "2"
    stage.write(spec)

    def meanwhile(report: Any) -> bool:
        stage.change("function", "s", "f0", environmentVariables={"A": "1", "DEBUG": "on"})
        set_tags(stage, cost_centre="2")
        return True

    outcome = stage.apply(confirm=meanwhile)
    assert variables(stage) == {"A": "2", "DEBUG": "on"}
    assert tags(stage) == {"team": "b", "cost-centre": "2"}
    assert outcome.diagnostics == ()
    assert stage.plan().is_empty


@pytest.mark.parametrize("when", ["before the write", "after the write"])
def test_the_way_back_after_a_failure_keeps_it(stage: Any, spec: dict[str, Any], when: str) -> None:
    service = spec["services"]["s"]
    service["functions"]["f0"]["environmentVariables"]["A"] = "2"
    service["functions"]["f1"]["memorySize"] = 512
    stage.write(spec)
    stage.faults({"match": {"operation": "UpdateFunction", "path": "/f1$"}, "effect": REFUSED})

    def touch() -> None:
        there = {**variables(stage), "DEBUG": "on"}
        stage.change("function", "s", "f0", environmentVariables=there)

    def confirm(report: Any) -> bool:
        if when == "before the write":
            touch()
        return True

    def ended(step: Any, event: Any) -> None:
        if when == "after the write" and step.id.startswith("update") and step.address.name == "s/f0":
            touch()

    stage.watcher.on_ended = ended
    stage.apply(ending=Ending.ROLLED_BACK, confirm=confirm, parallelism=1)
    assert variables(stage) == {"A": "1", "DEBUG": "on"}


def test_the_way_back_takes_a_new_resource_away_whatever_others_set(stage: Any, spec: dict[str, Any]) -> None:
    functions = spec["services"]["s"]["functions"]
    functions["a"] = {"code": functions["f0"]["code"], "ignore": ["description", "environmentVariables.X"]}
    functions["f1"]["memorySize"] = 512
    stage.write(spec)
    stage.faults({"match": {"operation": "UpdateFunction", "path": "/f1$"}, "effect": REFUSED})

    def ended(step: Any, event: Any) -> None:
        if step.id.startswith("create"):
            stage.change("function", "s", "a", description="theirs", environmentVariables={"X": "1"})

    stage.watcher.on_ended = ended
    stage.apply(ending=Ending.ROLLED_BACK, parallelism=1)
    assert not [key for key in stage.dump() if key.endswith("/s/a")]


def test_an_unknown_effect_is_found_done_although_others_wrote(stage: Any, spec: dict[str, Any]) -> None:
    """The reply is lost, and somebody changes what is ignored before it is read back (S21)."""
    spec["services"]["s"]["functions"]["f0"]["environmentVariables"]["A"] = "2"
    stage.write(spec)
    stage.faults(
        {"match": {"operation": "UpdateFunction", "nth": 1}, "when": "after", "effect": {"disconnect": True}},
        {
            "match": {"operation": "GetFunction", "path": "/f0$", "nth": 2},
            "effect": {"touch": {"set": {"environmentVariables": {"A": "2", "DEBUG": "on"}}}},
        },
    )
    stage.requests()
    stage.apply()
    assert variables(stage) == {"A": "2", "DEBUG": "on"}
    assert [one["operation"] for one in stage.writes()] == ["UpdateFunction"]


@pytest.mark.proof
def test_a_replacement_keeps_it(stage: Any, spec: dict[str, Any]) -> None:
    """What must be deleted and made again is made with what was live."""
    triggers = spec["services"]["s"]["functions"]["f1"]["triggers"]
    triggers["o"] = {
        "type": "oss",
        "sourceArn": f"acs:oss:cn-hangzhou:{ACCOUNT}:first",
        "invocationRole": f"acs:ram::{ACCOUNT}:role/invoke",
        "config": {"events": ["oss:ObjectCreated:PutObject"], "filter": {"key": {"prefix": "a", "suffix": ""}}},
        "ignore": ["config.events", "config.filter.key.suffix"],
    }
    stage.write(spec)
    stage.apply()
    theirs = {"events": ["oss:ObjectRemoved:DeleteObject"], "filter": {"key": {"prefix": "a", "suffix": ".png"}}}
    stage.change("trigger", "s/f1", "o", triggerConfig=theirs)
    assert stage.plan().is_empty
    triggers["o"]["sourceArn"] = f"acs:oss:cn-hangzhou:{ACCOUNT}:second"
    stage.write(spec)
    (change,) = stage.plan().changes
    assert (change.action.value, [field.path for field in change.fields]) == ("replace", ["sourceArn"])
    outcome = stage.apply()
    live = row(stage, "trigger", "s/f1/o")
    assert (live["triggerConfig"], live["sourceArn"].rpartition(":")[2]) == (theirs, "second")
    (back,) = stage.rollback(outcome.run)
    live = row(stage, "trigger", "s/f1/o")
    assert (back.ending, live["triggerConfig"]) == (Ending.DONE, theirs)


@pytest.mark.proof
def test_a_kind_without_etags_keeps_it(stage: Any, spec: dict[str, Any]) -> None:
    f0 = spec["services"]["s"]["functions"]["f0"]
    f0["asyncInvoke"] = {"maxAsyncRetryAttempts": 1, "ignore": ["maxAsyncEventAgeInSeconds"]}
    stage.write(spec)
    stage.apply()
    name = ("async-invoke-config", "s/f0", "LATEST")
    stage.change(*name, maxAsyncEventAgeInSeconds=77)
    assert stage.plan().is_empty
    f0["asyncInvoke"]["maxAsyncRetryAttempts"] = 2
    stage.write(spec)

    def meanwhile(report: Any) -> bool:
        stage.change(*name, maxAsyncEventAgeInSeconds=78)
        return True

    outcome = stage.apply(confirm=meanwhile)
    live = row(stage, "async-invoke-config", "s/f0/LATEST")
    assert (live["maxAsyncEventAgeInSeconds"], live["maxAsyncRetryAttempts"]) == (78, 2)
    assert outcome.diagnostics == ()
    stage.change(*name, maxAsyncEventAgeInSeconds=79)
    (back,) = stage.rollback(outcome.run)
    live = row(stage, "async-invoke-config", "s/f0/LATEST")
    assert (back.ending, live["maxAsyncEventAgeInSeconds"], live["maxAsyncRetryAttempts"]) == (Ending.DONE, 79, 1)


def test_all_tags_may_be_others_but_for_the_mark(stage: Any, spec: dict[str, Any]) -> None:
    spec["services"]["s"]["ignore"] = ["tags"]
    spec["services"]["s"]["tags"] = {"other": "1"}
    stage.write(spec)
    assert stage.plan().is_empty
    stage.change("service", "", "s", _tags={"theirs": "1"})
    stage.write(spec)
    outcome = stage.apply(Wishes(adopt=("service:s",)))
    assert tags(stage) == {"theirs": "1"} and outcome.ending is Ending.DONE
    assert "fcdeploy.project" in row(stage, "service", "/s")["_tags"]
