"""Aliases that are moved back by hand, and stay there (S33)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fcdeploy import app
from fcdeploy.app import MoveReport, Wishes
from fcdeploy.errors import RunError, SpecError
from fcdeploy.model import Action, Ending

HERE = "1234567890123456/cn-hangzhou"
FORWARD = Wishes(forward=True)


def released(stage: Any, *, times: int = 3, weights: bool = False) -> dict[str, Any]:
    """A service whose alias has followed so many versions."""
    spec: dict[str, Any] = stage.spec(1)
    spec["services"]["s"]["versions"] = {"publish": "on-change"}
    live: dict[str, Any] = {"version": "latest", "description": "what is called"}
    spec["services"]["s"]["aliases"] = {"live": live | ({"weights": {"previous": 0.1}} if weights else {})}
    stage.write(spec)
    for number in range(times):
        stage.write_source("src", f"NUMBER = {number}\n\n\ndef handler(event, context):\n    return NUMBER\n")
        stage.apply()
    return spec


def alias(stage: Any, service: str = "s") -> dict[str, Any]:
    body: dict[str, Any] = stage.dump()[f"{HERE}/alias/{service}/live"]
    return body


def problem(report: MoveReport) -> RunError:
    (result,) = report.plans.results
    assert report.outcomes == () and report.kept == ()
    assert isinstance(result.problem, RunError), result
    return result.problem


def test_one_guarded_write_moves_it_back_and_apply_then_leaves_it_there(stage: Any) -> None:
    spec = released(stage, weights=True)
    assert (alias(stage)["versionId"], alias(stage)["additionalVersionWeight"]) == ("3", {"2": 0.1})
    stage.requests()
    seen: list[Any] = []
    report = stage.move_back(confirm=lambda report: seen.append(report) or True)
    (plan,) = [result.plan for result in seen[0].results]
    (change,) = plan.changes
    assert change.told is not None
    assert (change.told.before, change.told.after) == ("90 % to version 3, 10 % to version 2", "100 % to version 2")
    (write,) = stage.writes()
    assert write["operation"] == "UpdateAlias"
    assert plan.steps[0].guard.etag
    body = alias(stage)
    assert (body["versionId"], body["additionalVersionWeight"]) == ("2", {})
    assert body["description"] == "what is called [fcdeploy:pinned]"
    (kept,) = report.kept
    assert (kept.line, kept.above) == ('aliases: {live: {version: "2"}}', "services.s")
    assert (
        kept.span is not None
        and "latest" in (stage.root / "fcdeploy.yaml").read_text().splitlines()[kept.span.line - 1]
    )

    (result,) = stage.plan_report().results
    assert [one.summary for one in result.problems] == ["alias s/live was moved back to version 2 and pinned there"]
    with pytest.raises(AssertionError):
        stage.apply()
    assert alias(stage) == body

    spec["services"]["s"]["aliases"]["live"] = {"version": "2", "description": "what is called"}
    stage.write(spec)
    assert stage.plan().is_empty
    spec["services"]["s"]["aliases"]["live"]["version"] = "latest"
    stage.write(spec)
    stage.apply(FORWARD)
    assert (alias(stage)["versionId"], alias(stage)["description"]) == ("3", "what is called")
    assert stage.plan().is_empty


def test_it_goes_back_to_where_it_was_before_its_last_move(stage: Any) -> None:
    spec = released(stage, times=4)
    spec["services"]["s"]["aliases"]["live"]["version"] = "2"
    stage.write(spec)
    stage.apply()
    spec["services"]["s"]["aliases"]["live"]["version"] = "4"
    stage.write(spec)
    stage.apply()
    stage.move_back()
    assert alias(stage)["versionId"] == "2", "not 3, which is merely the one below"
    stage.move_back()
    assert alias(stage)["versionId"] == "1", "and never forward again"
    assert alias(stage)["description"] == "what is called [fcdeploy:pinned]"
    refused = problem(stage.move_back())
    assert refused.summary == "there is no version before 1 that alias s/live could go back to"


@pytest.mark.proof
def test_without_a_journal_the_weights_tell_and_then_what_there_is(stage: Any) -> None:
    import shutil

    released(stage, times=4)
    stage.change("alias", "s", "live", additionalVersionWeight={"2": 0.2})
    shutil.rmtree(stage.state)
    stage.move_back()
    assert alias(stage)["versionId"] == "2"
    stage.move_back(to="4")
    shutil.rmtree(stage.state)
    stage.move_back()
    assert alias(stage)["versionId"] == "3"


@pytest.mark.proof
def test_a_version_can_be_named_and_must_exist(stage: Any) -> None:
    released(stage)
    refused = problem(stage.move_back(to="9"))
    assert (refused.summary, refused.detail) == ("there is no version 9 for alias s/live", "there are: 1, 2, 3")
    stage.move_back(to="1")
    assert alias(stage)["versionId"] == "1"
    stage.requests()
    report = stage.move_back(to="1")
    assert stage.writes() == []
    assert [one.ending for one in report.outcomes] == [Ending.DONE]


@pytest.mark.proof
def test_a_move_back_can_itself_be_taken_back(stage: Any) -> None:
    released(stage)
    before = stage.dump()
    (outcome,) = stage.move_back().outcomes
    stage.rollback(outcome.run)
    assert stage.difference(before) == []
    assert stage.plan().is_empty


def test_what_somebody_writes_meanwhile_is_not_overwritten(stage: Any) -> None:
    released(stage)

    def meanwhile(report: Any) -> bool:
        stage.change("alias", "s", "live", versionId="1")
        return True

    report = stage.move_back(confirm=meanwhile)
    assert [one.ending for one in report.outcomes] == [Ending.FAILED]
    assert alias(stage)["versionId"] == "1"
    assert report.kept == ()


def test_what_is_not_ours_is_not_moved(stage: Any) -> None:
    spec = released(stage)
    refused = problem(stage.move_back("other"))
    assert refused.summary == "target dev has no 'other'"
    spec["services"]["s"] = {"external": True, "functions": {}}
    stage.write(spec)
    refused = problem(stage.move_back())
    assert refused.detail == "what stands in s is somebody else's: `external: true`"
    spec["services"]["s"] = {"aliases": {"live": {"version": "1"}}}
    spec["project"] = "another"
    stage.write(spec)
    refused = problem(stage.move_back())
    assert refused.summary == "alias s/live is not ours"
    assert alias(stage)["versionId"] == "3"


@pytest.mark.proof
def test_one_name_in_several_services_needs_to_be_said(stage: Any) -> None:
    spec = released(stage)
    spec["services"]["t"] = dict(spec["services"]["s"])
    stage.write(spec)
    stage.apply()
    stage.write_source("src", "def handler(event, context):\n    return 'both'\n")
    stage.apply()
    refused = problem(stage.move_back())
    assert (refused.summary, refused.detail) == ("'live' could be any of 2", "alias s/live, alias t/live")
    stage.move_back(within="t")
    assert (alias(stage)["versionId"], alias(stage, "t")["versionId"]) == ("4", "1")
    report = stage.move_back("alias:s/*")
    assert [str(one.address) for one in report.kept] == ["dev:alibaba.alias:s/live"]
    assert alias(stage)["versionId"] == "3"


@pytest.mark.proof
def test_an_open_run_comes_first(stage: Any) -> None:
    released(stage)
    stage.write_source("src", "def handler(event, context):\n    return 'new'\n")
    fault = {"match": {"operation": "UpdateAlias"}, "when": "before", "effect": {"status": 400, "code": "X"}}
    stage.faults(fault)
    stage.apply(on_failure="stop", ending=Ending.STOPPED)
    stage.faults()
    assert "has not ended" in problem(stage.move_back()).summary
    stage.rollback()
    assert stage.move_back().kept


def test_the_note_of_a_pin_is_no_drift(stage: Any) -> None:
    released(stage)
    stage.move_back()
    report = asyncio.run(app.drift(stage.where()))
    (drift,) = report.results[0].drifts
    assert [one.change.path for one in drift.fields] == ["versionId"]


def test_a_source_that_is_broken_does_not_keep_anybody_from_moving_back(stage: Any) -> None:
    spec = released(stage)
    spec["services"]["s"]["functions"]["f0"]["code"] = "./gone"
    stage.write(spec)
    with pytest.raises(SpecError):
        stage.plan()
    stage.move_back()
    assert alias(stage)["versionId"] == "2"


@pytest.mark.proof
def test_a_pinned_alias_that_leaves_the_file_goes(stage: Any) -> None:
    spec = released(stage)
    stage.move_back()
    del spec["services"]["s"]["aliases"]
    stage.write(spec)
    plan = stage.plan()
    assert [(change.action, change.address.kind) for change in plan.changes] == [(Action.DELETE, "alias")]
    before = stage.dump()
    (outcome,) = (stage.apply(),)
    assert f"{HERE}/alias/s/live" not in stage.dump()
    stage.rollback(outcome.run)
    assert stage.difference(before) == []
