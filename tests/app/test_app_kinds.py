"""What stands beneath functions and services besides triggers: whole life, ways back, other writers (laws 4 and 6)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.diagnostics import Severity
from fcdeploy.model import Action, Ending

APIS = ("2021-04-06", "2016-08-15")
REFUSED = {"status": 400, "code": "InvalidArgument", "message": "refused by the test"}
WRITES = ["POST", "PUT", "DELETE"]
ALL = Wishes(allow_unsafe=True)
HERE = "1234567890123456/cn-hangzhou"
DAY = "2026-01-01T00:00:00Z"
QUEUE = "acs:mns:cn-hangzhou:1:/queues/{}/messages"


def first(stage: Any, api: str) -> dict[str, Any]:
    """A file with every one of these kinds."""
    spec: dict[str, Any] = stage.spec(3, api=api)
    functions = spec["services"]["s"]["functions"]
    functions["f0"]["asyncInvoke"] = {
        "destinationConfig": {
            "onSuccess": {"destination": {"function": "s/f1"}},
            "onFailure": {"destination": QUEUE.format("failed")},
        },
        "maxAsyncEventAgeInSeconds": 60,
    }
    functions["f1"]["asyncInvoke"] = {"LATEST": {"maxAsyncRetryAttempts": 1}}
    functions["f0"]["onDemand"] = {"maximumInstanceCount": 5}
    functions["f1"]["onDemand"] = {"LATEST": {"maximumInstanceCount": 6}, "any": {"maximumInstanceCount": 7}}
    functions["f0"]["provision"] = {"LATEST": {"target": 1, "scheduledActions": [action("a")]}}
    functions["f1"]["provision"] = {"LATEST": {"target": 2}}
    spec["services"]["s"]["vpcBindings"] = ["vpc-1", "vpc-2"]
    return spec


def action(name: str) -> dict[str, Any]:
    return {"name": name, "target": 3, "scheduleExpression": "cron(0 0 20 * * *)"}


def changed(spec: dict[str, Any]) -> dict[str, Any]:
    """The file with something about each of them changed, added, taken away or put elsewhere."""
    made = copy.deepcopy(spec)
    functions = made["services"]["s"]["functions"]
    del functions["f0"]["asyncInvoke"]["destinationConfig"]["onSuccess"]
    functions["f1"]["asyncInvoke"]["LATEST"] = {"destinationConfig": {"onFailure": {"destination": QUEUE.format("x")}}}
    functions["f2"]["asyncInvoke"] = {"statefulInvocation": True}
    functions["f0"]["onDemand"] = {"maximumInstanceCount": 50}
    functions["f1"]["onDemand"] = {"LATEST": {"maximumInstanceCount": 6}, "other": {"maximumInstanceCount": 8}}
    functions["f0"]["provision"] = {"LATEST": {"target": 9}}
    functions["f1"]["provision"] = {"LATEST": {"target": 4, "scheduledActions": [action("b")]}}
    functions["f2"]["provision"] = {"LATEST": {"target": 1}}
    made["services"]["s"]["vpcBindings"] = ["vpc-2", "vpc-3"]
    return made


@pytest.fixture(params=APIS)
def spec(stage: Any, request: pytest.FixtureRequest) -> dict[str, Any]:
    """All of it, applied."""
    made = first(stage, request.param)
    stage.write(made)
    stage.apply()
    assert stage.plan().is_empty
    return made


def difference(stage: Any, before: dict[str, Any]) -> list[Any]:
    """What differs from an earlier dump, but for how instances came to be as many as they are."""
    return [one for one in stage.difference(before) if one[1] not in ("_was", "_put")]


def planned(stage: Any, spec: dict[str, Any], meanwhile: Any) -> Any:
    """Apply the spec; `meanwhile` happens after the plan and before the first write."""
    stage.write(spec)

    def confirm(report: Any) -> bool:
        meanwhile()
        return True

    report = stage.apply_report(ALL, confirm=confirm)
    assert [result.problem for result in report.plans.results] == [None]
    (outcome,) = report.outcomes
    return outcome


def test_destroy_takes_everything_away_in_an_order_that_is_accepted(stage: Any, spec: dict[str, Any]) -> None:
    stage.apply(destroy=True)
    assert stage.whole_dump() == []
    assert stage.plan(destroy=True).is_empty


def test_what_leaves_the_file_is_deleted(stage: Any, spec: dict[str, Any]) -> None:
    plain = stage.spec(3, api=spec["targets"]["dev"]["api"])
    stage.write(plain)
    gone = {change.address.kind for change in stage.plan(ALL).changes if change.action is Action.DELETE}
    assert gone == {"asyncInvoke", "onDemand", "provision", "vpcBinding"}
    stage.apply(ALL)
    assert stage.plan().is_empty
    assert {address.split("/")[2] for address in stage.dump()} == {"service", "function", "trigger"}


@pytest.mark.parametrize("api", APIS)
def test_every_create_may_be_refused(stage: Any, api: str, chosen: Any) -> None:
    stage.write(first(stage, api))
    steps = len(stage.plan().steps)
    for number in chosen(range(2, steps + 1)):
        stage.faults({"match": {"method": WRITES, "nth": number}, "effect": REFUSED})
        outcome = stage.apply(ending=Ending.ROLLED_BACK)
        assert stage.whole_dump() == [], number
        assert outcome.leftovers == ()
    stage.faults()
    stage.apply()
    assert stage.plan().is_empty


def test_every_step_of_a_change_may_be_refused(stage: Any, spec: dict[str, Any], chosen: Any) -> None:
    before = stage.dump()
    stage.write(changed(spec))
    steps = [step for step in stage.plan(ALL).steps if not step.last]
    assert len(steps) >= 4
    for number in chosen(range(1, len(steps) + 1)):
        stage.faults({"match": {"method": WRITES, "nth": number}, "effect": REFUSED})
        (outcome,) = stage.apply_report(ALL).outcomes
        assert outcome.ending is (Ending.ROLLED_BACK if outcome.done else Ending.FAILED), outcome
        assert difference(stage, before) == [], number
        assert outcome.leftovers == ()
    stage.faults()
    outcome = stage.apply(ALL)
    assert stage.plan(ALL).is_empty
    after = stage.dump()
    (back,) = stage.rollback(outcome.run)
    assert back.ending is Ending.DONE, back
    assert difference(stage, before) == []
    stage.apply(ALL)
    assert difference(stage, after) == []


@pytest.mark.parametrize("effect", [{"disconnect": True}, pytest.param({"status": 500}, marks=pytest.mark.proof)])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reply_that_never_comes_is_settled_by_reading(
    stage: Any, spec: dict[str, Any], effect: dict[str, Any], when: str
) -> None:
    stage.write(changed(spec))
    steps = len(stage.plan(ALL).steps)
    stage.faults(
        *({"match": {"method": WRITES, "nth": number}, "when": when, "effect": effect} for number in (1, 3, steps))
    )
    stage.apply(ALL)
    stage.faults()
    assert stage.plan(ALL).is_empty


# Another writer between plan and apply: what the API does not guard is read again just before the write.

RECHECKED = {
    # kind: (address of the row, the change of ours, what somebody writes to it, what somebody writes beside it)
    "asyncInvoke": (
        ("async-invoke-config", "s/f1", "LATEST"),
        lambda spec: spec["services"]["s"]["functions"]["f1"]["asyncInvoke"]["LATEST"].update(maxAsyncRetryAttempts=5),
        {"maxAsyncRetryAttempts": 7},
        {"statefulInvocation": True},
        lambda spec: spec["services"]["s"]["functions"]["f1"].pop("asyncInvoke"),
    ),
    "provision": (
        ("provision-config", "s", "LATEST#f1"),
        lambda spec: spec["services"]["s"]["functions"]["f1"]["provision"]["LATEST"].update(target=3),
        {"target": 9},
        {"scheduledActions": [action("theirs")]},
        lambda spec: spec["services"]["s"]["functions"]["f1"].pop("provision"),
    ),
}


@pytest.mark.parametrize("kind", list(RECHECKED))
def test_an_edit_by_somebody_else_is_not_overwritten(stage: Any, spec: dict[str, Any], kind: str) -> None:
    row, ours, theirs, _, _ = RECHECKED[kind]
    ours(spec)
    stage.requests()
    outcome = planned(stage, spec, lambda: stage.change(*row, **theirs))
    assert outcome.ending is Ending.FAILED
    assert [one for one in stage.writes() if one["status"] < 300] == []
    live = stage.dump()["/".join((HERE, *row))]
    assert {key: live[key] for key in theirs} == theirs
    (failure, *_) = outcome.diagnostics
    assert "was changed by somebody else meanwhile" in failure.summary


@pytest.mark.parametrize("kind", list(RECHECKED))
def test_an_edit_beside_ours_is_kept_and_told(stage: Any, spec: dict[str, Any], kind: str) -> None:
    row, ours, _, beside, _ = RECHECKED[kind]
    ours(spec)
    outcome = planned(stage, spec, lambda: stage.change(*row, **beside))
    assert outcome.ending is Ending.DONE
    live = stage.dump()["/".join((HERE, *row))]
    assert {key: live[key] for key in beside} == beside
    (said,) = [one for one in outcome.diagnostics if one.severity is Severity.WARNING]
    assert "drifted during apply" in said.summary


@pytest.mark.parametrize("kind", list(RECHECKED))
def test_a_delete_of_what_somebody_edited_stops(stage: Any, spec: dict[str, Any], kind: str) -> None:
    row, _, theirs, _, remove = RECHECKED[kind]
    remove(spec)
    outcome = planned(stage, spec, lambda: stage.change(*row, **theirs))
    assert outcome.ending in (Ending.NEEDS_ATTENTION, Ending.FAILED)
    live = stage.dump()["/".join((HERE, *row))]
    assert {key: live[key] for key in theirs} == theirs


@pytest.mark.parametrize("kind", list(RECHECKED))
def test_the_way_back_does_not_overwrite_either(stage: Any, spec: dict[str, Any], kind: str) -> None:
    """What somebody wrote after our step stands, and the run says so (law 6)."""
    row, ours, theirs, _, _ = RECHECKED[kind]
    ours(spec)
    spec["services"]["s"]["functions"]["f2"]["memorySize"] = 512
    stage.write(spec)

    def touch(step: Any, event: Any) -> None:
        if step.id.startswith(f"update dev:alibaba.{kind}"):
            stage.change(*row, **theirs)

    stage.watcher.on_ended = touch
    # One after the other in the order of their addresses: ours is done when the other fails.
    stage.faults({"match": {"operation": "UpdateFunction"}, "effect": REFUSED})
    outcome = stage.apply(ALL, ending=Ending.NEEDS_ATTENTION, parallelism=1)
    live = stage.dump()["/".join((HERE, *row))]
    assert {key: live[key] for key in theirs} == theirs
    assert any("changed by somebody else" in one.summary for one in outcome.diagnostics)


CREATED_OVER = {
    "onDemand": (
        "PutFunctionOnDemandConfig",
        lambda spec: spec["services"]["s"]["functions"]["f2"].update(onDemand={"maximumInstanceCount": 2}),
        ("on-demand-config", "", "services/s.LATEST/functions/f2", {"maximumInstanceCount": 3}),
    ),
    "provision": (
        "PutProvisionConfig",
        lambda spec: spec["services"]["s"]["functions"]["f2"].update(provision={"LATEST": {"target": 2}}),
        (
            "provision-config",
            "s",
            "LATEST#f2",
            {
                "target": 7,
                "scheduledActions": [],
                "targetTrackingPolicies": [],
                "alwaysAllocateCPU": True,
                "_was": 0,
                "_put": 0,
            },
        ),
    ),
    "asyncInvoke": (
        "PutFunctionAsyncInvokeConfig",
        lambda spec: spec["services"]["s"]["functions"]["f2"].update(asyncInvoke={"maxAsyncRetryAttempts": 2}),
        (
            "async-invoke-config",
            "s/f2",
            "LATEST",
            {
                "destinationConfig": {"onSuccess": None, "onFailure": None},
                "maxAsyncEventAgeInSeconds": None,
                "maxAsyncRetryAttempts": 6,
                "statefulInvocation": False,
            },
        ),
    ),
}


def put_row(stage: Any, kind: str, parent: str, name: str, body: dict[str, Any]) -> None:
    """Somebody else makes something."""
    from fcdeploy.emulator.exchange import Tenant
    from fcdeploy.emulator.store import Row, etag_of

    with stage.emulator.app.world.write(Tenant("1234567890123456", "cn-hangzhou")) as session:
        session.put(Row(kind=kind, parent=parent, name=name, body=body, etag=etag_of(body), created=DAY, modified=DAY))


@pytest.mark.parametrize("kind", list(CREATED_OVER))
def test_a_create_that_would_overwrite_looks_first(stage: Any, spec: dict[str, Any], kind: str) -> None:
    operation, ours, row = CREATED_OVER[kind]
    ours(spec)
    stage.requests()
    outcome = planned(stage, spec, lambda: put_row(stage, *row))
    assert outcome.ending is Ending.FAILED
    assert "was created by somebody else meanwhile" in outcome.diagnostics[0].summary
    assert operation not in stage.counts()
    live = stage.dump()["/".join((HERE, *row[:3]))]
    assert live == row[3]


@pytest.mark.parametrize("kind", list(CREATED_OVER))
@pytest.mark.parametrize("api", APIS)
def test_what_outlived_its_function_is_taken_over(stage: Any, api: str, kind: str) -> None:
    """No list of a function that is not there has it, and no create would refuse."""
    _, ours, row = CREATED_OVER[kind]
    stage.write(stage.spec(1, api=api))
    stage.apply()
    spec = stage.spec(3, api=api)
    ours(spec)
    put_row(stage, *row)
    stage.write(spec)
    assert [one.action for one in stage.plan().changes if one.address.kind == kind] == [Action.UPDATE]
    stage.apply()
    assert stage.plan().is_empty
