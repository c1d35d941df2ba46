"""What another writer did as this run was to do it is not this run's: it is neither undone nor taken on trust."""

from __future__ import annotations

from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.model import Ending

APIS = ("2021-04-06", "2016-08-15")
REFUSED = {"status": 400, "code": "InvalidArgument", "message": "no"}


@pytest.fixture(params=APIS)
def spec(stage: Any, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Two functions, applied; then the file wants more memory for one and a description for the other."""
    made: dict[str, Any] = stage.spec(2, api=request.param)
    made["services"]["s"]["tags"] = {"team": "a"}
    stage.write(made)
    stage.apply()
    made["services"]["s"]["functions"]["f0"]["memorySize"] = 256
    made["services"]["s"]["functions"]["f1"]["description"] = "changed"
    stage.write(made)
    return made


def body(stage: Any, kind: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.dump()[f"1234567890123456/cn-hangzhou/{kind}/{path}"]
    return found


def applied(stage: Any, meanwhile: Any) -> Any:
    def confirm(report: Any) -> bool:
        meanwhile()
        return True

    (outcome,) = stage.apply_report(confirm=confirm).outcomes
    return outcome


def test_a_rollback_leaves_what_somebody_else_did_alike(stage: Any, spec: dict[str, Any]) -> None:
    stage.faults({"match": {"operation": "UpdateFunction", "path": "/f1$"}, "effect": REFUSED})
    outcome = applied(stage, lambda: stage.change("function", "s", "f0", memorySize=256))
    assert outcome.ending is Ending.FAILED and outcome.done == () and outcome.leftovers == ()
    assert body(stage, "function", "s/f0")["memorySize"] == 256
    assert any("somebody else made function s/f0" in one.summary for one in outcome.diagnostics)
    stage.faults()
    stage.apply()
    assert stage.plan().is_empty


def test_a_rollback_leaves_tags_that_somebody_else_wrote_alike(stage: Any, spec: dict[str, Any]) -> None:
    spec["services"]["s"]["tags"]["team"] = "b"
    stage.write(spec)
    stage.faults({"match": {"operation": "UpdateFunction"}, "effect": REFUSED})
    there = body(stage, "service", "/s")["_tags"] | {"team": "b"}
    outcome = applied(stage, lambda: stage.change("service", "", "s", _tags=there))
    assert outcome.ending is Ending.FAILED
    assert body(stage, "service", "/s")["_tags"] == there


def test_what_somebody_else_did_alike_and_took_back_is_done_after_all(stage: Any, spec: dict[str, Any]) -> None:
    """The end of another run that failed: it did the same, was found out, and rolled back."""

    def ended(step: Any, event: Any) -> None:
        if step.address.short == "function s/f1":
            stage.change("function", "s", "f0", memorySize=128)

    stage.watcher.on_ended = ended
    outcome = applied(stage, lambda: stage.change("function", "s", "f0", memorySize=256))
    assert outcome.ending is Ending.DONE and len(outcome.done) == 2
    assert stage.plan().is_empty


def test_a_way_back_later_leaves_it_too(stage: Any, spec: dict[str, Any]) -> None:
    outcome = applied(stage, lambda: stage.change("function", "s", "f0", memorySize=256))
    assert outcome.ending is Ending.DONE and len(outcome.done) == 1
    (back,) = stage.rollback(outcome.run)
    assert back.ending is Ending.DONE
    assert body(stage, "function", "s/f0")["memorySize"] == 256
    assert body(stage, "function", "s/f1")["description"] == ""


def test_a_delete_by_somebody_else_is_not_undone(stage: Any, spec: dict[str, Any]) -> None:
    """A trigger of another type is deleted to make room; what was gone already is not brought back."""
    trigger = {"type": "http", "config": {"authType": "anonymous", "methods": ["GET"]}}
    spec["services"]["s"]["functions"]["f0"]["triggers"]["t"] = trigger
    stage.write(spec)
    stage.faults({"match": {"operation": "CreateTrigger"}, "effect": REFUSED})
    outcome = applied(stage, lambda: stage.remove("trigger", "s/f0", "t"))
    assert outcome.ending in (Ending.FAILED, Ending.ROLLED_BACK), outcome
    assert "1234567890123456/cn-hangzhou/trigger/s/f0/t" not in stage.dump()


def test_a_delete_does_not_wait_for_what_somebody_else_put_beneath(stage: Any) -> None:
    made = stage.spec(2)
    stage.write(made)
    stage.apply()
    del made["services"]["s"]["functions"]["f1"]
    stage.write(made)

    def theirs(step: Any, event: Any) -> None:
        if step.id == "delete dev:alibaba.trigger:s/f1/t":
            stage.copy("trigger", "s/f0", "t", "s/f1", "theirs")

    stage.watcher.on_ended = theirs
    outcome = stage.apply(Wishes(allow_unsafe=True), ending=Ending.NEEDS_ATTENTION)
    (found,) = outcome.diagnostics
    assert found.summary == "function s/f1 is not empty"
    assert found.detail == "somebody else put there: trigger s/f1/theirs"
    assert stage.watcher.waits == [] and body(stage, "trigger", "s/f1/theirs")
