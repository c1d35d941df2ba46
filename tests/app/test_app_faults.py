"""Networks and services that fail in the middle (laws 4 and 5, S38): what is unknown is settled by reading."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.cloud.client import Client
from fcdeploy.model import Ending

WRITES = ["POST", "PUT", "DELETE"]
DISCONNECT = {"disconnect": True}
FAILED = {"status": 500, "code": "InternalServerError"}


def fault(effect: dict[str, Any], when: str, **match: Any) -> dict[str, Any]:
    return {"match": {"method": WRITES, **match}, "when": when, "effect": effect}


LOST = [
    pytest.param(DISCONNECT, "after", id="reply-lost"),
    pytest.param(DISCONNECT, "before", id="request-lost"),
    pytest.param(FAILED, "after", id="500-after", marks=pytest.mark.proof),
    pytest.param(FAILED, "before", id="500-before", marks=pytest.mark.proof),
    pytest.param({"truncate": True}, "after", id="reply-cut"),
]


@pytest.mark.parametrize(("effect", "when"), LOST)
def test_every_call_of_a_first_apply_goes_wrong_once(stage: Any, effect: dict[str, Any], when: str) -> None:
    stage.write(stage.spec(10))
    stage.faults(
        fault(effect, when, path="/services$", nth=1),
        fault(effect, when, path="/tag$", nth=1),
        *(fault(effect, when, path="/functions$", nth=number) for number in range(1, 11)),
        *(fault(effect, when, path=f"/functions/f{number}/triggers$", nth=1) for number in range(10)),
    )
    stage.apply()
    # What had its effect is never sent again; what had none is sent once more.
    assert len(stage.writes()) == (22 if when == "after" else 44)
    assert stage.plan().is_empty
    assert len([row for row in stage.whole_dump() if row["kind"] in ("service", "function", "trigger")]) == 21


def three_changes(stage: Any) -> dict[str, Any]:
    """A service of three functions, and a spec that updates one in code and fields, and drops another."""
    spec: dict[str, Any] = stage.spec(3)
    spec["services"]["s"]["tags"] = {"old": "1"}
    stage.write(spec)
    stage.apply()
    spec["services"]["s"]["tags"] = {"new": "2"}
    spec["services"]["s"]["description"] = "changed"
    functions = spec["services"]["s"]["functions"]
    functions["f0"] |= {"code": stage.write_source("second", "second = 2\n"), "memorySize": 512}
    functions["f1"]["triggers"]["t"]["config"]["payload"] = "changed"
    del functions["f2"]
    stage.write(spec)
    stage.requests()
    return spec


@pytest.mark.parametrize(("effect", "when"), LOST)
def test_every_call_of_a_change_goes_wrong_once(stage: Any, effect: dict[str, Any], when: str) -> None:
    three_changes(stage)
    operations = ["UpdateService", "UpdateFunction", "UpdateTrigger", "DeleteTrigger", "DeleteFunction"]
    tags = ["TagResource", "UntagResource"]
    stage.faults(*(fault(effect, when, operation=operation, nth=1) for operation in [*operations, *tags]))
    stage.apply()
    guarded = [entry for entry in stage.writes() if entry["operation"] in operations]
    assert all(entry["ifMatch"] for entry in guarded)
    assert stage.plan().is_empty


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reply_that_never_comes_is_waited_for_and_settled(
    stage: Any, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's deadline ends the wait; what happened is read, not guessed."""
    monkeypatch.setattr("fcdeploy.app.bench.Client", functools.partial(Client, deadline=0.5))
    stage.write(stage.spec(1))
    stage.faults(fault({"timeout": 30}, when, operation="CreateFunction", nth=1))
    stage.apply()
    assert stage.plan().is_empty


def test_a_call_that_never_takes_effect_is_given_up_and_all_is_undone(stage: Any) -> None:
    stage.write(stage.spec(2))
    stage.faults(fault(FAILED, "before", path="/f1/triggers$"))
    outcome = stage.apply(ending=Ending.ROLLED_BACK)
    assert stage.whole_dump() == []
    (failure, *_) = outcome.diagnostics
    assert "never took effect" in failure.detail and failure.address.endswith("trigger:s/f1/t")


def test_replies_that_never_come_are_unknown_and_never_failed(stage: Any) -> None:
    """Six tries without an answer, and the last one had its effect: found by reading (law 5)."""
    stage.write(stage.spec(1))
    create = {"method": "POST", "path": "/f0/triggers$"}
    stage.faults(
        *({"match": {**create, "nth": number}, "when": "before", "effect": DISCONNECT} for number in range(1, 6)),
        {"match": {**create, "nth": 6}, "when": "after", "effect": DISCONNECT},
    )
    stage.apply()
    assert stage.plan().is_empty


def test_an_effect_that_cannot_be_read_leaves_the_run_open(stage: Any) -> None:
    """Neither the reply nor a read says: unknown, nothing is undone around it, and resume settles it."""
    stage.write(stage.spec(2))
    stage.faults(
        fault(DISCONNECT, "after", operation="CreateTrigger", nth=1),
        {"match": {"operation": "GetTrigger"}, "effect": FAILED},
    )
    outcome = stage.apply(ending=Ending.NEEDS_ATTENTION)
    assert any("not known whether" in one.summary for one in outcome.diagnostics)
    assert stage.open_run() == outcome.run
    assert stage.apply_report().plans.results[0].problem is not None  # an open run stops apply (S37)

    (still,) = stage.rollback()
    assert still.ending is Ending.NEEDS_ATTENTION
    assert len([row for row in stage.whole_dump() if row["kind"] == "function"]) == 2

    stage.faults()
    (resumed,) = stage.resume()
    assert resumed.ending is Ending.DONE
    assert stage.plan().is_empty and stage.open_run() is None


def test_an_unknown_effect_is_undone_under_its_own_etag(stage: Any) -> None:
    """Rollback settles an unknown create by reading, and deletes it with the ETag that it read (law 4)."""
    stage.write(stage.spec(1))
    stage.faults(
        fault(DISCONNECT, "after", operation="CreateTrigger", nth=1),
        {"match": {"operation": "GetTrigger"}, "effect": FAILED},
    )
    stage.apply(ending=Ending.NEEDS_ATTENTION)
    stage.faults()
    stage.requests()
    (back,) = stage.rollback()
    assert back.ending is Ending.ROLLED_BACK and back.leftovers == ()
    deletes = [entry for entry in stage.writes() if entry["method"] == "DELETE"]
    assert len(deletes) == 3 and all(entry["ifMatch"] for entry in deletes)
    assert stage.whole_dump() == []


def test_somebody_who_writes_right_after_a_lost_reply_is_seen(stage: Any) -> None:
    """Our update had its effect, its reply was lost, and another writer changed the same field since: a conflict."""
    spec = stage.spec(2)
    stage.write(spec)
    stage.apply()
    for name in ("f0", "f1"):
        spec["services"]["s"]["functions"][name]["description"] = "wanted"
    stage.write(spec)
    before = stage.dump()
    stage.faults(
        {"match": {"method": "PUT", "path": "/f1$"}, "when": "after", "effect": DISCONNECT},
        {
            "match": {"method": "PUT", "path": "/f1$"},
            "when": "after",
            "effect": {"touch": {"set": {"description": "x"}}},
        },
    )
    (outcome,) = stage.apply_report().outcomes
    assert any("description" in one.detail and '"x"' in one.detail for one in outcome.diagnostics)
    assert [(row[0][-2:], row[1], row[3]) for row in stage.difference(before)] == [("f1", "description", "x")]


def test_a_field_that_the_service_does_not_take_is_a_failure_that_names_it(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S21; and what was written all the same is undone, under the ETag that we were given."""
    from fcdeploy.emulator.alibaba import function

    spec = stage.spec(2)
    stage.write(spec)
    stage.apply()
    before = stage.dump()
    for name in ("f0", "f1"):
        spec["services"]["s"]["functions"][name] |= {"memorySize": 512, "description": "wanted"}
    stage.write(spec)
    settled = function.settled

    def swallowing(body: dict[str, object]) -> dict[str, object]:
        return {**settled(body), **({"memorySize": 128} if body["functionName"] == "f1" else {})}

    monkeypatch.setattr(function, "settled", swallowing)
    outcome = stage.apply(ending=Ending.ROLLED_BACK)
    assert any(
        "did not take memorySize of function s/f1" in one.summary and "sent 512, is 128" in one.detail
        for one in outcome.diagnostics
    )
    assert stage.difference(before) == []


@pytest.mark.proof
def test_throttling_is_waited_out_as_long_as_the_service_asks(stage: Any) -> None:
    stage.write(stage.spec(3))
    stage.faults(
        {
            "match": {"operation": "CreateFunction", "nth": 1},
            "effect": {"status": 429, "code": "ResourceThrottled", "retryAfter": 0.4},
        },
        {"match": {"operation": "CreateTrigger", "nth": 1}, "effect": {"status": 503, "code": "ResourceThrottled"}},
    )
    stage.apply()
    assert max(stage.slept) >= 0.4
    assert stage.plan().is_empty


@pytest.mark.proof
def test_updates_that_meet_are_repeated_in_turn(stage: Any) -> None:
    """409 ConcurrentUpdateError (S38): with a service that refuses overlapping writes, all is done in the end."""
    stage.emulator.app.world.settings = replace(
        stage.emulator.app.world.settings, strict_concurrency=True, latency=0.004
    )
    stage.write(stage.spec(8))
    stage.apply()
    assert "another update is under way" in stage.watcher.waits
    assert stage.plan().is_empty
    stage.apply(destroy=True)
    assert stage.whole_dump() == []


def test_a_function_is_deleted_when_its_triggers_are_really_gone(stage: Any) -> None:
    """Deleted triggers still block their function for a while (facts 11); that is waited for, shown, and passes."""
    spec = stage.spec(3)
    stage.write(spec)
    stage.apply()
    stage.faults(delays={"trigger_delete": 0.6})
    del spec["services"]["s"]["functions"]["f1"]
    stage.write(spec)
    stage.apply()
    assert "what was beneath it is still going" in stage.watcher.waits
    stage.watcher.waits.clear()
    stage.apply(Wishes(), destroy=True)
    assert "what was beneath it is still going" in stage.watcher.waits
    assert stage.whole_dump() == []


def test_a_new_parent_that_is_not_visible_yet_is_waited_for(stage: Any) -> None:
    stage.write(stage.spec(2))
    stage.faults(
        *(
            {
                "match": {"operation": "CreateFunction", "nth": number},
                "effect": {"status": 404, "code": "ServiceNotFound", "message": "not yet"},
            }
            for number in (1, 2, 3)
        ),
        {
            "match": {"operation": "CreateTrigger", "nth": 1},
            "effect": {"status": 403, "code": "AccessDenied", "message": "not yet"},
        },
    )
    stage.apply()
    assert len(stage.watcher.waits) == 4
    assert stage.plan().is_empty


def test_undoing_a_create_that_is_gone_already_waits_for_nothing(stage: Any) -> None:
    stage.write(stage.spec(2))

    def remove(step: Any, event: Any) -> None:
        if step.id == "create dev:alibaba.trigger:s/f0/t":
            stage.remove("trigger", "s/f0", "t")

    stage.watcher.on_ended = remove
    stage.faults(
        {
            "match": {"operation": "CreateTrigger", "path": "/f1/"},
            "effect": {"status": 400, "code": "InvalidArgument", "message": "no"},
        },
        {"match": {"operation": "CreateFunction", "nth": 2}, "effect": {"delay": 0.05}},
    )
    stage.apply(ending=Ending.ROLLED_BACK)
    assert stage.watcher.waits == []
    assert stage.whole_dump() == []


def test_tags_that_cannot_be_read_before_a_write_fail_the_step(stage: Any) -> None:
    """The guard of tags is a read (law 4); when it fails nothing is sent and all is undone."""
    spec = stage.spec(2)
    stage.write(spec)
    stage.apply()
    spec["services"]["s"]["tags"] = {"team": "x"}
    spec["services"]["s"]["description"] = "changed"
    stage.write(spec)
    before = stage.dump()

    def spoil(report: Any) -> bool:
        stage.faults({"match": {"operation": "GetResourceTags"}, "effect": {"status": 403, "code": "AccessDenied"}})
        return True

    stage.requests()
    outcome = stage.apply(ending=Ending.ROLLED_BACK, confirm=spoil)
    assert "TagResource" not in {entry["operation"] for entry in stage.writes()}
    assert "cannot read" in outcome.diagnostics[0].summary
    assert stage.difference(before) == []
