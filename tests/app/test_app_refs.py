"""References between resources, and outputs, against the emulator (S46)."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from test_app_recovery import killed_apply

from fcdeploy import app
from fcdeploy.app import OutputsReport
from fcdeploy.model import Action, Ending, LaterText, Output

API_2021, API_2016 = "2021-04-06", "2016-08-15"
HTTP = {"type": "http", "config": {"authType": "anonymous", "methods": ["GET"]}}
VALUES = {
    "PEER": "${{ ref('b/f0').arn }}",
    "ID": "${{ ref('function:b/f0').functionId }}",
    "TRIGGER": "${{ ref('b/f0/t').triggerId }}",
    "TEXT": "${{ ref('b/f0/t').triggerId }}/of/${{ target.name }}",
}
ADDRESSES = {"URL": "${{ ref('b/f0/t').urlInternet }}", "HOOK": "${{ ref('b/f0/t').urlInternet }}/hook"}


def referring(stage: Any, *, api: str = API_2021, outputs: bool = False) -> dict[str, Any]:
    """Two services: what `a/g` and its timer are told comes from `b/f0` and its http trigger."""
    spec: dict[str, Any] = stage.spec(1, api=api, service="b")
    spec["services"]["b"]["functions"]["f0"]["triggers"] = {"t": HTTP}
    values = {**VALUES, **(ADDRESSES if api == API_2021 else {})}
    timer = {"cronExpression": "@every 5m", "payload": VALUES["TEXT"]}
    spec["services"]["a"] = {
        "functions": {
            "g": {
                "code": "./src",
                "environmentVariables": values,
                "triggers": {"t": {"type": "timer", "config": timer}},
            }
        }
    }
    if outputs:
        spec["secrets"] = {"TOKEN": {"env": "TOKEN"}}
        stage.environ["TOKEN"] = "hunter2-s3cr3t"
        spec["outputs"] = {
            "trigger": VALUES["TRIGGER"],
            "peers": {"arn": [VALUES["PEER"]], "number": 5},
            "login": "https://x/?id=" + VALUES["ID"] + "&token=${{ secret('TOKEN') }}",
        }
    return spec


def told(stage: Any) -> dict[str, str]:
    """What `a/g` was told, as the cloud has it."""
    (found,) = [row for row in stage.whole_dump() if (row["kind"], row["name"]) == ("function", "g")]
    return dict(found["body"]["environmentVariables"])


def ids(stage: Any) -> tuple[str, str]:
    """The ids that the cloud gave to `b/f0` and its trigger."""
    rows = {(row["kind"], row["parent"], row["name"]): row["body"] for row in stage.whole_dump()}
    return rows["function", "b", "f0"]["functionId"], rows["trigger", "b/f0", "t"]["triggerId"]


def check_told(stage: Any, api: str = API_2021) -> None:
    function, trigger = ids(stage)
    found = told(stage)
    assert found["PEER"] == "acs:fc:cn-hangzhou:1234567890123456:services/b/functions/f0"
    assert (found["ID"], found["TRIGGER"], found["TEXT"]) == (function, trigger, f"{trigger}/of/dev")
    if api == API_2021:
        assert re.fullmatch(r"https://f0-b-[0-9a-f]+\.cn-hangzhou\.fcapp\.run", found["URL"])
        assert found["HOOK"] == found["URL"] + "/hook"
    (timer,) = [row for row in stage.whole_dump() if (row["kind"], row["parent"]) == ("trigger", "a/g")]
    assert timer["body"]["triggerConfig"]["payload"] == f"{trigger}/of/dev"


@pytest.mark.parametrize("api", [API_2021, pytest.param(API_2016, marks=pytest.mark.proof)])
def test_values_of_replies_reach_what_refers_to_them_and_come_back(stage: Any, api: str) -> None:
    spec = referring(stage, api=api)
    stage.write(spec)
    plan = stage.plan()
    (function,) = [step for step in plan.steps if step.id.endswith("function:a/g")]
    sent = function.call.body["environmentVariables"]
    output = Output(step="create dev:alibaba.trigger:b/f0/t", pointer="/triggerId")
    assert (sent["TRIGGER"], sent["TEXT"]) == (output, LaterText(parts=(output, "/of/dev")))
    assert sent["PEER"] == "acs:fc:cn-hangzhou:1234567890123456:services/b/functions/f0"
    stage.apply()
    check_told(stage, api)
    stage.requests()
    assert stage.plan().is_empty, "the second plan finds all as the file says"
    assert not stage.writes()

    # Replaced under its name, the trigger has another id, and what refers to it is told in the same run.
    was = told(stage)
    cron = {"type": "timer", "config": {"cronExpression": "@every 7m"}}
    for name in ADDRESSES:
        spec["services"]["a"]["functions"]["g"]["environmentVariables"].pop(name, None)
    spec["services"]["b"]["functions"]["f0"]["triggers"]["t"] = cron
    stage.write(spec)
    plan = stage.plan()
    actions = {change.address.name: change.action for change in plan.changes}
    assert actions == {"b/f0/t": Action.REPLACE, "a/g": Action.UPDATE, "a/g/t": Action.UPDATE}
    (changed,) = [change for change in plan.changes if change.address.name == "a/g"]
    after = {field.path: field.after for field in changed.fields}
    assert after["environmentVariables.TRIGGER"] == output
    assert "environmentVariables.ID" not in after and "environmentVariables.PEER" not in after
    before = stage.dump()
    outcome = stage.apply()
    assert told(stage)["TRIGGER"] == ids(stage)[1] != was["TRIGGER"]
    assert stage.plan().is_empty

    # And back, by an undo plan of the run that has ended; the old id is gone with the old trigger.
    (back,) = stage.rollback(outcome.run)
    assert back.ending is Ending.DONE
    assert told(stage) == was
    assert [one for one in stage.difference(before) if "triggerConfig" not in one[1]] == []


@pytest.mark.parametrize(
    ("recovery", "moment", "number"),
    [
        ("resume", "before-done", 6),
        pytest.param("rollback", "after-begun", 7, marks=pytest.mark.proof),
        pytest.param("resume", "after-begun", 7, marks=pytest.mark.proof),
        pytest.param("rollback", "before-done", 6, marks=pytest.mark.proof),
        pytest.param("resume", "before-done", 7, marks=pytest.mark.proof),
        pytest.param("rollback", "before-done", 7, marks=pytest.mark.proof),
    ],
)
def test_a_run_killed_between_giving_and_using_is_finished_or_taken_back(
    stage: Any, recovery: str, moment: str, number: int
) -> None:
    """Steps 1 to 4 make both services, 5 is `b/f0`, 6 its trigger, and 7 is `a/g`, which is told of both."""
    stage.write(referring(stage))
    before = stage.dump()
    assert [step.id.partition(":")[2] for step in stage.plan().steps][4:7] == [
        "alibaba.function:b/f0",
        "alibaba.trigger:b/f0/t",
        "alibaba.function:a/g",
    ]
    killed_apply(stage, moment, number)
    assert stage.open_run() is not None
    given = [event for event in stage.events().values() if event.outputs]
    assert given, "what a reply gave is in the journal before it is used"
    if recovery == "resume":
        (outcome,) = stage.resume()
        assert outcome.ending is Ending.DONE
        check_told(stage)
        assert stage.plan().is_empty
    else:
        (outcome,) = stage.rollback()
        assert outcome.ending is Ending.ROLLED_BACK
        assert stage.difference(before) == []


def test_a_failure_after_the_value_was_given_takes_all_back(stage: Any, hurried: Any) -> None:
    stage.write(referring(stage))
    before = stage.dump()
    stage.faults({"match": {"operation": "CreateFunction", "nth": 2}, "effect": {"status": 400}})
    stage.apply(ending=Ending.ROLLED_BACK)
    assert stage.difference(before) == []


def outputs(stage: Any, **more: Any) -> OutputsReport:
    return asyncio.run(app.outputs(stage.where(**more)))


@pytest.mark.parametrize("api", [API_2021, pytest.param(API_2016, marks=pytest.mark.proof)])
def test_outputs_are_given_after_apply_and_read_live(stage: Any, api: str) -> None:
    stage.write(referring(stage, api=api, outputs=True))
    (nothing,) = outputs(stage).results
    assert {one.name: one.why for one in nothing.values} == {
        "trigger": "trigger b/f0/t does not exist yet",
        "peers": "function b/f0 does not exist yet",
        "login": "function b/f0 does not exist yet",
    }
    report = stage.apply_report()
    (given,) = report.outputs
    function, trigger = ids(stage)
    assert {one.name: one.value for one in given.values} == {
        "trigger": trigger,
        "peers": {"arn": ["acs:fc:cn-hangzhou:1234567890123456:services/b/functions/f0"], "number": 5},
        "login": f"https://x/?id={function}&token=hunter2-s3cr3t",
    }
    assert "hunter2" not in repr(given.values)
    stage.requests()
    assert outputs(stage).results == (given,)
    assert stage.counts() == {"GetFunction": 1, "GetTrigger": 1}, "each resource that is named is read, once"


def test_several_targets_have_their_own_values_and_a_destroyed_one_has_none(stage: Any) -> None:
    spec = referring(stage, outputs=True)
    spec["targets"]["far"] = {**spec["targets"]["dev"], "region": "cn-shanghai"}
    stage.write(spec)
    report = stage.apply_report(target="*")
    values = {one.target.name: {value.name: value.value for value in one.values} for one in report.outputs}
    assert values["far"]["peers"]["arn"] == ["acs:fc:cn-shanghai:1234567890123456:services/b/functions/f0"]
    assert values["far"]["trigger"] != values["dev"]["trigger"]
    assert all(plan.plan.is_empty for plan in stage.plan_report(target="*").results)
    assert stage.apply_report(destroy=True, target="far").outputs == ()
    known = {one.target.name: {value.name for value in one.values if not value.why} for one in outputs(stage).results}
    assert known == {"dev": {"trigger", "peers", "login"}, "far": set()}


def test_what_is_numbered_is_told_by_its_newest(stage: Any) -> None:
    spec = stage.spec(1, service="b")
    spec["layers"] = {"libs": {"code": stage.write_source("libs")}}
    spec["services"]["b"] |= {"versions": {"publish": "on-change"}, "aliases": {"live": {"version": "latest"}}}
    values = {"ALIAS": "${{ ref('b/live').versionId }}", "LAYER": "${{ ref('libs').arn }}"}
    spec["services"]["a"] = {"functions": {"g": {"code": "./src", "environmentVariables": values}}}
    spec["outputs"] = {"version": "v${{ ref('version:b').versionId }}", "layer": "${{ ref('libs').version }}"}
    stage.write(spec)
    first = stage.apply_report()
    assert told(stage) == {"ALIAS": "1", "LAYER": "acs:fc:cn-hangzhou:1234567890123456:layers/libs/versions/1"}
    assert stage.plan().is_empty

    stage.write_source("libs", "second = 2\n")
    spec["services"]["b"]["functions"]["f0"]["memorySize"] = 512
    stage.write(spec)
    second = stage.apply_report()
    assert told(stage) == {"ALIAS": "2", "LAYER": "acs:fc:cn-hangzhou:1234567890123456:layers/libs/versions/2"}
    assert stage.plan().is_empty
    assert [{one.name: one.value for one in report.outputs[0].values} for report in (first, second)] == [
        {"version": "v1", "layer": "1"},
        {"version": "v2", "layer": "2"},
    ]
