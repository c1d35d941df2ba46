"""Another writer between plan and apply (law 4, S20): untouched goes on and says so, touched stops and shows both."""

from __future__ import annotations

from typing import Any

import pytest

from fcdeploy.diagnostics import Severity
from fcdeploy.model import Ending

APIS = ("2021-04-06", "2016-08-15")


def planned(stage: Any, spec: dict[str, Any], meanwhile: Any, **more: Any) -> Any:
    """Apply the spec; `meanwhile` happens after the plan and before the first write."""
    stage.write(spec)

    def confirm(report: Any) -> bool:
        meanwhile()
        return True

    report = stage.apply_report(confirm=confirm, **more)
    assert [result.problem for result in report.plans.results] == [None]
    (outcome,) = report.outcomes
    return outcome


def body(stage: Any, kind: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.dump()[f"1234567890123456/cn-hangzhou/{kind}/{path}"]
    return found


def warnings(outcome: Any) -> list[str]:
    return [f"{one.summary}: {one.detail}" for one in outcome.diagnostics if one.severity is Severity.WARNING]


@pytest.fixture(params=APIS)
def spec(stage: Any, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Two functions, applied."""
    made: dict[str, Any] = stage.spec(2, api=request.param)
    made["services"]["s"]["functions"]["f0"]["environmentVariables"] = {"OURS": "1", "OTHER": "1"}
    made["services"]["s"]["tags"] = {"team": "a", "cost": "1"}
    stage.write(made)
    stage.apply()
    return made


@pytest.mark.proof
def test_an_untouched_field_goes_on_and_both_are_kept(stage: Any, spec: dict[str, Any]) -> None:
    spec["services"]["s"]["functions"]["f0"]["memorySize"] = 256
    outcome = planned(stage, spec, lambda: stage.change("function", "s", "f0", description="somebody's"))
    assert outcome.ending is Ending.DONE
    live = body(stage, "function", "s/f0")
    assert (live["memorySize"], live["description"]) == (256, "somebody's")
    (said,) = warnings(outcome)
    assert "drifted during apply: function s/f0 description" in said and "somebody's" in said
    # What drifted is a difference like any other the next time.
    assert [field.path for change in stage.plan().changes for field in change.fields] == ["description"]


def test_a_touched_field_stops_shows_both_and_undoes_all(stage: Any, spec: dict[str, Any]) -> None:
    spec["services"]["s"]["functions"]["f0"]["memorySize"] = 256
    spec["services"]["s"]["description"] = "changed too"
    outcome = planned(stage, spec, lambda: stage.change("function", "s", "f0", memorySize=1024))
    assert outcome.ending is Ending.ROLLED_BACK
    live = body(stage, "function", "s/f0")
    assert live["memorySize"] == 1024 and body(stage, "service", "/s")["description"] == "staged"
    (failure, *_) = outcome.diagnostics
    assert failure.detail == "memorySize: 128 when planned, 1024 now, 256 in the file"
    assert failure.address == "dev:alibaba.function:s/f0"


def test_the_same_change_by_somebody_else_is_no_conflict(stage: Any, spec: dict[str, Any]) -> None:
    spec["services"]["s"]["functions"]["f0"]["memorySize"] = 256
    outcome = planned(stage, spec, lambda: stage.change("function", "s", "f0", memorySize=256))
    assert outcome.ending is Ending.DONE and stage.plan().is_empty


def test_map_keys_are_touched_one_by_one(stage: Any, spec: dict[str, Any]) -> None:
    """Another key of a map that the API replaces whole: both are kept (S18)."""
    spec["services"]["s"]["functions"]["f0"]["environmentVariables"]["OURS"] = "2"
    there = {"OURS": "1", "OTHER": "1", "THEIRS": "value-of-theirs"}
    outcome = planned(stage, spec, lambda: stage.change("function", "s", "f0", environmentVariables=there))
    assert outcome.ending is Ending.DONE
    assert body(stage, "function", "s/f0")["environmentVariables"] == {**there, "OURS": "2"}
    (said,) = warnings(outcome)
    assert "environmentVariables.THEIRS" in said and "value-of-theirs" not in said  # S42


def test_a_touched_map_key_stops(stage: Any, spec: dict[str, Any]) -> None:
    spec["services"]["s"]["functions"]["f0"]["environmentVariables"]["OURS"] = "2"
    there = {"OURS": "value-of-theirs", "OTHER": "1"}
    outcome = planned(stage, spec, lambda: stage.change("function", "s", "f0", environmentVariables=there))
    assert outcome.ending is Ending.FAILED
    assert body(stage, "function", "s/f0")["environmentVariables"] == there
    (failure, *_) = outcome.diagnostics
    # The file gives this key as a plain literal, so its values may be printed (S42).
    expected = 'environmentVariables.OURS: "1" when planned, "value-of-theirs" now, "2" in the file'
    assert failure.detail == expected


def test_a_touched_key_that_is_no_plain_literal_is_not_shown(stage: Any, spec: dict[str, Any]) -> None:
    spec["vars"] = {"ours": "2"}
    spec["services"]["s"]["functions"]["f0"]["environmentVariables"]["OURS"] = "${{ vars.ours }}"
    there = {"OURS": "value-of-theirs", "OTHER": "1"}
    outcome = planned(stage, spec, lambda: stage.change("function", "s", "f0", environmentVariables=there))
    assert outcome.ending is Ending.FAILED
    assert "environmentVariables.OURS: (sensitive) when planned, (sensitive) now" in outcome.diagnostics[0].detail
    assert "value-of-theirs" not in str(outcome)


def test_a_removed_key_that_somebody_changed_stops(stage: Any, spec: dict[str, Any]) -> None:
    del spec["services"]["s"]["functions"]["f0"]["environmentVariables"]["OTHER"]
    there = {"OURS": "1", "OTHER": "new"}
    outcome = planned(stage, spec, lambda: stage.change("function", "s", "f0", environmentVariables=there))
    assert outcome.ending is Ending.FAILED
    assert body(stage, "function", "s/f0")["environmentVariables"] == there


def test_a_member_of_an_object_is_touched_or_not(stage: Any, spec: dict[str, Any]) -> None:
    config = spec["services"]["s"]["functions"]["f0"]["triggers"]["t"]["config"]
    config["payload"] = "ours"
    there = {"cronExpression": "@every 9m", "payload": "", "enable": True}
    outcome = planned(stage, spec, lambda: stage.change("trigger", "s/f0", "t", triggerConfig=there))
    assert outcome.ending is Ending.DONE, outcome
    assert body(stage, "trigger", "s/f0/t")["triggerConfig"] == {**there, "payload": "ours"}
    config["payload"] = "ours again"
    outcome = planned(
        stage, spec, lambda: stage.change("trigger", "s/f0", "t", triggerConfig={**there, "payload": "theirs"})
    )
    assert outcome.ending is Ending.FAILED
    assert '"ours" when planned, "theirs" now, "ours again" in the file' in outcome.diagnostics[0].detail


def test_code_that_somebody_uploaded_meanwhile_stops(stage: Any, spec: dict[str, Any]) -> None:
    spec["services"]["s"]["functions"]["f0"]["code"] = stage.write_source("second", "second = 2\n")
    outcome = planned(
        stage, spec, lambda: stage.change("function", "s", "f0", codeChecksum="42", _code={"digest": "x"})
    )
    assert outcome.ending is Ending.FAILED
    assert body(stage, "function", "s/f0")["codeChecksum"] == "42"


def test_code_is_uploaded_again_when_something_else_was_touched(stage: Any, spec: dict[str, Any]) -> None:
    spec["services"]["s"]["functions"]["f0"]["code"] = stage.write_source("second", "second = 2\n")
    outcome = planned(stage, spec, lambda: stage.change("function", "s", "f0", description="theirs"))
    assert outcome.ending is Ending.DONE
    assert body(stage, "function", "s/f0")["description"] == "theirs"
    assert [change.fields[0].path for change in stage.plan().changes] == ["description"]


def test_a_delete_of_what_somebody_changed_stops(stage: Any, spec: dict[str, Any]) -> None:
    del spec["services"]["s"]["functions"]["f0"]["triggers"]
    spec["services"]["s"]["functions"]["f1"]["memorySize"] = 256
    there = {"cronExpression": "@every 9m", "payload": "", "enable": True}
    outcome = planned(stage, spec, lambda: stage.change("trigger", "s/f0", "t", triggerConfig=there))
    # The delete is in the part that is not rolled back (S34): what came before it stands, and somebody must look.
    assert outcome.ending is Ending.NEEDS_ATTENTION
    assert body(stage, "trigger", "s/f0/t")["triggerConfig"] == there
    assert 'triggerConfig.cronExpression: "@every 1m" when planned, "@every 9m" now' in outcome.diagnostics[0].detail


def test_a_delete_goes_on_when_only_the_etag_is_another(stage: Any, spec: dict[str, Any]) -> None:
    del spec["services"]["s"]["functions"]["f0"]["triggers"]
    outcome = planned(stage, spec, lambda: stage.change("trigger", "s/f0", "t"))
    assert outcome.ending is Ending.DONE and stage.plan().is_empty


def test_a_delete_of_what_is_gone_already_is_done(stage: Any, spec: dict[str, Any]) -> None:
    del spec["services"]["s"]["functions"]["f0"]["triggers"]
    outcome = planned(stage, spec, lambda: stage.remove("trigger", "s/f0", "t"))
    assert outcome.ending is Ending.DONE and stage.plan().is_empty


def test_an_update_of_what_somebody_deleted_stops(stage: Any, spec: dict[str, Any]) -> None:
    spec["services"]["s"]["functions"]["f0"]["triggers"]["t"]["config"]["payload"] = "x"
    outcome = planned(stage, spec, lambda: stage.remove("trigger", "s/f0", "t"))
    assert outcome.ending is Ending.FAILED
    assert outcome.diagnostics[0].detail or outcome.diagnostics[0].summary


def test_a_create_of_what_somebody_created_stops(stage: Any, spec: dict[str, Any]) -> None:
    """The create refuses when the name is taken; what stands there is left alone."""
    spec["services"]["s"]["functions"]["new"] = {"code": "./src"}
    spec["services"]["s"]["description"] = "changed too"
    stage.write(spec)
    stage.faults({"match": {"operation": "CreateFunction"}, "effect": {"touch": {}}})
    before = stage.dump()
    outcome = stage.apply(ending=Ending.ROLLED_BACK)
    assert {row[0] for row in stage.difference(before)} == {"1234567890123456/cn-hangzhou/function/s/new"}
    assert outcome.leftovers == ()


def test_tags_are_touched_key_by_key(stage: Any, spec: dict[str, Any]) -> None:
    spec["services"]["s"]["tags"]["team"] = "b"
    there = {**body(stage, "service", "/s")["_tags"], "theirs": "1"}
    outcome = planned(stage, spec, lambda: stage.change("service", "", "s", _tags=there))
    assert outcome.ending is Ending.DONE
    assert body(stage, "service", "/s")["_tags"] == {**there, "team": "b"}
    assert any("tags.theirs" in said for said in warnings(outcome))

    spec["services"]["s"]["tags"]["team"] = "c"
    spec["services"]["s"]["tags"]["theirs"] = "1"
    outcome = planned(stage, spec, lambda: stage.change("service", "", "s", _tags={**there, "team": "z"}))
    assert outcome.ending is Ending.FAILED
    assert '"b" when planned, "z" now, "c" in the file' in outcome.diagnostics[0].detail


def test_what_only_goes_along_with_an_update_goes_as_it_is_now(stage: Any) -> None:
    """The service wants the target in every update of a provision config, though the hour moves it too (S23)."""
    spec = stage.spec(1)
    evening = {
        "name": "evening",
        "target": 5,
        "scheduleExpression": "cron(0 0 18 * * *)",
        "startTime": "2026-01-01T00:00:00Z",
        "endTime": "2036-01-01T00:00:00Z",
    }
    function = spec["services"]["s"]["functions"]["f0"]
    function["provision"] = {"live": {"target": 2, "alwaysAllocateCPU": False, "scheduledActions": [evening]}}
    spec["services"]["s"] |= {"versions": {"publish": "on-change"}, "aliases": {"live": {"version": "latest"}}}
    stage.write(spec)
    stage.apply()
    function["provision"]["live"]["alwaysAllocateCPU"] = True
    outcome = planned(stage, spec, lambda: stage.change("provision-config", "s", "live#f0", target=6))
    assert outcome.ending is Ending.DONE, outcome
    live = body(stage, "provision-config", "s/live#f0")
    assert (live["target"], live["alwaysAllocateCPU"]) == (6, True)


def test_a_missed_guard_is_tried_again_at_once(
    stage: Any, spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause after the read would give the other writer the time to write once more."""
    paused: list[int] = []
    monkeypatch.setattr("fcdeploy.app.bench.pause", lambda failures, random: paused.append(failures) or 0.0)
    spec["services"]["s"]["functions"]["f0"]["memorySize"] = 256
    outcome = planned(stage, spec, lambda: stage.change("function", "s", "f0", description="somebody's"))
    assert outcome.ending is Ending.DONE and paused == []


def test_another_writer_who_never_rests_is_given_in_to(stage: Any, spec: dict[str, Any]) -> None:
    """A guard that keeps missing is not tried for ever."""
    spec["services"]["s"]["functions"]["f0"]["memorySize"] = 256
    stage.write(spec)
    stage.faults({"match": {"operation": "UpdateFunction"}, "effect": {"touch": {}}})
    outcome = stage.apply(ending=Ending.FAILED)
    assert body(stage, "function", "s/f0")["memorySize"] == 128
    assert "never took effect" in outcome.diagnostics[-1].detail or any(
        "never took effect" in one.detail for one in outcome.diagnostics
    )
