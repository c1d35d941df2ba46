"""No secret leaves by accident (law 9, S36, S41, S42): journal, plan, outcome; the undo material lies apart, 0600."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from fcdeploy.errors import RunError
from fcdeploy.model import Ending

SECRET = 's3cr3t/of "the" file+ä'
LIVE = "planted live value"
WANTED = ("PASSWORD", "PAYLOAD")


def forms(text: str) -> list[bytes]:
    """Ways in which a text could lie about."""
    return [
        text.encode(),
        base64.b64encode(text.encode()).rstrip(b"="),
        quote(text, safe="").encode(),
        json.dumps(text)[1:-1].encode(),
        json.dumps(text, ensure_ascii=False)[1:-1].encode(),
    ]


def with_secrets(stage: Any) -> dict[str, Any]:
    stage.environ["TOKEN_SOURCE"] = SECRET
    spec: dict[str, Any] = stage.spec(2)
    spec["secrets"] = {"TOKEN": {"env": "TOKEN_SOURCE"}}
    function = spec["services"]["s"]["functions"]["f0"]
    function["environmentVariables"] = {"PASSWORD": "${{ secret('TOKEN') }}", "MIXED": "a-${{ secret('TOKEN') }}-b"}
    function["triggers"]["t"]["config"]["payload"] = "key=${{ secret('TOKEN') }}"
    stage.write(spec)
    return spec


def assert_nowhere(stage: Any, text: str, *values: Any, undo: bool = False) -> None:
    """In no file of the state folder (but, with `undo`, the undo folder) and in no value."""
    for path in stage.state.rglob("*"):
        if path.is_file() and not (undo and path.parent.name == "undo"):
            content = path.read_bytes()
            assert not any(form in content for form in forms(text)), path
    for value in values:
        shown = f"{value!r} {value}".encode()
        assert not any(form in shown for form in forms(text))


def test_a_secret_is_sent_and_stays_nowhere_else(stage: Any) -> None:
    spec = with_secrets(stage)
    plan = stage.plan()
    assert_nowhere(stage, SECRET, plan, plan.changes)
    outcome = stage.apply()
    live = stage.dump()["1234567890123456/cn-hangzhou/function/s/f0"]["environmentVariables"]
    assert live == {"PASSWORD": SECRET, "MIXED": f"a-{SECRET}-b"}
    assert_nowhere(stage, SECRET, outcome)
    assert stage.plan().is_empty

    # Changed and removed: the plan shows neither the value before nor the one after.
    function = spec["services"]["s"]["functions"]["f0"]
    function["environmentVariables"] = {"PASSWORD": "plain now"}
    function["triggers"]["t"]["config"]["payload"] = "other=${{ secret('TOKEN') }}"
    stage.write(spec)
    plan = stage.plan()
    fields = {field.path: field for change in plan.changes for field in change.fields}
    assert set(fields) == {"environmentVariables.PASSWORD", "environmentVariables.MIXED", "triggerConfig.payload"}
    assert fields["environmentVariables.MIXED"].before == "(sensitive)"
    assert fields["triggerConfig.payload"].before == "(sensitive)" == fields["triggerConfig.payload"].after
    assert_nowhere(stage, SECRET, [fields["environmentVariables.MIXED"], fields["triggerConfig.payload"]])


def test_what_somebody_put_there_does_not_print(stage: Any) -> None:
    """S42: live values are hidden unless the file gives that key as a plain literal."""
    spec = with_secrets(stage)
    stage.apply()
    live = {"PASSWORD": LIVE, "MIXED": "x", "THEIRS": LIVE + " two"}
    stage.change("function", "s", "f0", environmentVariables=live)
    spec["services"]["s"]["functions"]["f1"]["environmentVariables"]["NUMBER"] = "literal"
    stage.write(spec)
    plan = stage.plan()
    assert_nowhere(stage, LIVE, plan.changes, plan.warnings)
    shown = {field.path: field.before for change in plan.changes for field in change.fields}
    assert shown["environmentVariables.THEIRS"] == "(sensitive)"
    assert shown["environmentVariables.NUMBER"] == "1"  # the file gives it in plain sight


@pytest.mark.parametrize("where", ["function", "trigger"])
def test_a_conflict_over_a_secret_shows_no_value(stage: Any, where: str) -> None:
    spec = with_secrets(stage)
    stage.apply()
    stage.environ["TOKEN_SOURCE"] = SECRET + "-new"

    def meanwhile(report: Any) -> bool:
        if where == "function":
            there = {"PASSWORD": LIVE, "MIXED": f"a-{SECRET}-b"}
            stage.change("function", "s", "f0", environmentVariables=there)
        else:
            config = {"cronExpression": "@every 1m", "payload": LIVE, "enable": True}
            stage.change("trigger", "s/f0", "t", triggerConfig=config)
        return True

    stage.write(spec)
    (outcome,) = stage.apply_report(confirm=meanwhile).outcomes
    assert outcome.ending in (Ending.FAILED, Ending.ROLLED_BACK)
    assert_nowhere(stage, SECRET, outcome.diagnostics, undo=True)
    (found,) = outcome.diagnostics
    assert "(sensitive) when planned, (sensitive) now, (sensitive) in the file" in found.detail
    assert_nowhere(stage, LIVE, outcome.diagnostics)


def test_a_drifted_value_beside_a_secret_does_not_print(stage: Any) -> None:
    """What was live before was the same secret: a warning of drift must not say it."""
    spec = with_secrets(stage)
    stage.apply()
    spec["services"]["s"]["functions"]["f0"]["triggers"]["t"]["config"]["cronExpression"] = "@every 7m"
    stage.write(spec)

    def meanwhile(report: Any) -> bool:
        config = {"cronExpression": "@every 1m", "payload": LIVE, "enable": True}
        stage.change("trigger", "s/f0", "t", triggerConfig=config)
        return True

    outcome = stage.apply(confirm=meanwhile)
    assert any("drifted during apply" in one.summary for one in outcome.diagnostics)
    assert_nowhere(stage, SECRET, outcome.diagnostics, undo=True)


def test_a_service_that_repeats_a_secret_in_its_error_does_not_leak_it(stage: Any) -> None:
    with_secrets(stage)
    for text in (SECRET, base64.b64encode(SECRET.encode()).decode(), quote(SECRET, safe="")):
        stage.faults(
            {
                "match": {"operation": "CreateFunction"},
                "effect": {"status": 400, "code": "InvalidArgument", "message": f"bad value {text} given"},
            }
        )
        outcome = stage.apply(ending=Ending.ROLLED_BACK)
        assert "bad value (sensitive) given" in outcome.diagnostics[0].detail
        assert_nowhere(stage, SECRET, outcome)


def test_undo_material_lies_apart_and_is_ours_alone(stage: Any) -> None:
    spec = with_secrets(stage)
    stage.apply()
    stage.change("function", "s", "f1", environmentVariables={"THEIRS": LIVE})
    spec["services"]["s"]["functions"]["f1"]["memorySize"] = 256
    stage.write(spec)
    stage.apply()
    assert_nowhere(stage, LIVE, undo=True)
    holding = [path for path in stage.state.rglob("*") if path.is_file() and LIVE.encode() in path.read_bytes()]
    assert [path.parent.name for path in holding] == ["undo"]
    assert {path.stat().st_mode & 0o777 for path in stage.state.rglob("*") if path.is_file()} <= {0o600, 0o400}
    assert {path.stat().st_mode & 0o777 for path in stage.state.rglob("*") if path.is_dir()} == {0o700}


def test_resume_asks_for_the_secrets_again(stage: Any) -> None:
    """S36: references, resolved again; a missing one stops with its name."""
    with_secrets(stage)
    refused = {"status": 400, "code": "InvalidArgument", "message": "no"}
    stage.faults({"match": {"operation": "CreateFunction"}, "effect": refused})
    stage.apply(ending=Ending.STOPPED, on_failure="stop")
    stage.faults()
    value = stage.environ.pop("TOKEN_SOURCE")
    with pytest.raises(RunError, match="TOKEN"):
        stage.resume()
    stage.environ["TOKEN_SOURCE"] = value
    (outcome,) = stage.resume()
    assert outcome.ending is Ending.DONE
    live = stage.dump()["1234567890123456/cn-hangzhou/function/s/f0"]["environmentVariables"]
    assert live["PASSWORD"] == SECRET
    assert_nowhere(stage, SECRET, outcome)
