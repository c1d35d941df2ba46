"""`--require-plan-digest`: what was reviewed is applied, or a part of it, and never more (S43)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.app import PlanReport, read_required
from fcdeploy.cli.entry import run
from fcdeploy.cli.views import plans_view
from fcdeploy.engine.digest import change_digests, plans_digest
from fcdeploy.errors import PlanOutdated, UsageError
from fcdeploy.model import Ending
from fcdeploy.render.json import document_text, plans_content


def digest(stage: Any) -> str:
    return plans_digest([stage.plan()])


def reviewed(report: PlanReport, path: Path) -> str:
    """The JSON plan in a file, as `plan --format json --out` writes it."""
    view = plans_view(report, destroy=False, with_bodies=True, with_digest=True)
    path.write_text(document_text("plan", plans_content(view)))
    return str(path)


def two_changes(stage: Any) -> dict[str, Any]:
    spec: dict[str, Any] = stage.spec(2)
    stage.write(spec)
    stage.apply()
    functions = spec["services"]["s"]["functions"]
    functions["f0"]["memorySize"] = 512
    functions["f1"]["timeout"] = 30
    stage.write(spec)
    return spec


def test_only_the_same_plan_or_a_part_of_it_is_applied(stage: Any, tmp_path: Path) -> None:
    spec = two_changes(stage)
    plain, file = digest(stage), reviewed(stage.plan_report(), tmp_path / "reviewed.json")
    assert json.loads(Path(file).read_text())["digest"] == plain
    stage.requests()

    # One of the two is done already.
    stage.change("function", "s", "f1", timeout=30)
    report = stage.apply_report(required=read_required(plain))
    (found,) = report.plans.results[0].problems
    assert isinstance(report.plans.results[0].problem, PlanOutdated) and report.outcomes == ()
    assert found.summary == "this plan is not the one that was reviewed" and plain in found.detail
    assert stage.writes() == []
    assert stage.apply(required=read_required(file)).ending is Ending.DONE
    # Nothing is left to do, which is a part of anything.
    assert stage.apply(required=read_required("0" * 64)).ending is Ending.DONE

    # More of the same resource, and another one.
    stage.change("function", "s", "f0", memorySize=128)
    spec["services"]["s"]["functions"]["f0"]["timeout"] = 5
    spec["services"]["s"]["description"] = "another"
    stage.write(spec)
    stage.requests()
    report = stage.apply_report(required=read_required(file))
    assert [one.summary for one in report.plans.results[0].problems] == [
        "this change of function s/f0 was not reviewed",
        "this change of service s was not reviewed",
    ]
    assert stage.writes() == []
    assert stage.apply(required=read_required(digest(stage))).ending is Ending.DONE


@pytest.mark.proof
def test_what_the_digest_is_of(stage: Any) -> None:
    two_changes(stage)
    first, changes = digest(stage), change_digests(stage.plan())
    assert len(changes) == 2
    # Another ETag is no other plan, another value that goes is.
    stage.change("function", "s", "f0")
    assert digest(stage) == first
    stage.change("function", "s", "f0", memorySize=256)
    assert digest(stage) != first and len({*changes} & {*change_digests(stage.plan())}) == 1
    stage.change("function", "s", "f0", memorySize=128)
    assert digest(stage) == first
    # Code counts by its bytes, where they change and only there.
    stage.write_source("src", "new = 1\n")
    other = digest(stage)
    assert other != first
    stage.write_source("src", "new = 2\n")
    assert digest(stage) not in (first, other)


def test_a_secret_counts_by_where_it_comes_from_and_never_by_its_value(stage: Any) -> None:
    spec = stage.spec(1)
    spec["secrets"] = {"ONE": {"env": "ONE"}, "TWO": {"env": "TWO"}}
    variables = spec["services"]["s"]["functions"]["f0"]["environmentVariables"]
    variables["KEY"] = "${{ secret('ONE') }}"
    stage.write(spec)
    stage.environ |= {"ONE": "first value", "TWO": "second value"}
    first = digest(stage)
    stage.environ["ONE"] = "rotated"
    assert digest(stage) == first
    variables["KEY"] = "${{ secret('TWO') }}"
    stage.write(spec)
    second = digest(stage)
    assert second != first
    stage.apply()
    variables |= {"KEY": "${{ secret('ONE') }}", "NUMBER": "9"}
    stage.write(spec)
    one = digest(stage)
    # A value that stays is no part of the change, wherever it comes from.
    stage.environ["TWO"] = "rotated"
    variables["KEY"] = "${{ secret('TWO') }}"
    stage.write(spec)
    assert digest(stage) != one


@pytest.mark.parametrize("text", ["", "abc", "0" * 63, "A" * 64])
def test_what_is_no_digest_and_no_plan_is_a_mistake(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no digest, and no file"):
        read_required(text)
    for content in ("no json", "[]", '{"type": "plan", "digest": null, "targets": []}'):
        (tmp_path / "plan.json").write_text(content)
        with pytest.raises(UsageError, match="is no JSON plan"):
            read_required(str(tmp_path / "plan.json"))


def test_a_destroy_is_held_to_what_was_reviewed_too(
    stage: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.write(stage.spec(1))
    stage.apply()
    for name, value in stage.environ.items():
        monkeypatch.setenv(name, value)
    where = ["-f", str(stage.root), "--endpoint", stage.emulator.url]
    stage.requests()
    assert run(["destroy", *where, "--yes", "--require-plan-digest", "0" * 64]) == 5
    assert "this plan is not the one that was reviewed" in capsys.readouterr().err
    assert stage.writes() == []
    (result,) = stage.plan_report(destroy=True).results
    assert result.plan is not None
    assert run(["destroy", *where, "--yes", "--require-plan-digest", plans_digest([result.plan])]) == 0
    assert stage.dump() == {}
