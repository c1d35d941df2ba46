"""Layers: a version when the archive differs, functions that follow, old versions that go (S23)."""

from __future__ import annotations

from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.model import Action, Ending

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

APIS = ("2021-04-06", "2016-08-15")
HERE = "1234567890123456/cn-hangzhou"
ALL = Wishes(allow_unsafe=True)
TEXT = "VALUE = '{}'\n"


def layered(stage: Any, api: str = APIS[0], **more: Any) -> dict[str, Any]:
    """Two functions of which one uses the layer."""
    spec: dict[str, Any] = stage.spec(2, api=api)
    code = stage.write_source("layer", TEXT.format(0))
    spec["layers"] = {"imaging": {"code": code, "compatibleRuntime": ["python3.10"], **more}}
    spec["services"]["s"]["functions"]["f0"]["layers"] = ["imaging"]
    return spec


def numbers(stage: Any, name: str = "imaging") -> list[int]:
    rows = (row for row in stage.whole_dump() if row["body"].get("layerName") == name)
    return sorted(int(row["body"]["version"]) for row in rows)


def used(stage: Any, function: str = "f0") -> list[str]:
    found: list[str] = stage.dump()[f"{HERE}/function/s/{function}"]["layersArnV2"]
    return found


def arn(number: int, name: str = "imaging") -> str:
    return f"acs:fc:cn-hangzhou:1234567890123456:layers/{name}/versions/{number}"


@pytest.mark.parametrize("api", APIS)
def test_a_new_version_only_when_the_archive_differs_and_functions_follow(stage: Any, api: str) -> None:
    stage.write(layered(stage, api))
    stage.apply()
    assert numbers(stage) == [1]
    assert used(stage) == [arn(1)]
    assert stage.plan().is_empty
    stage.requests()
    stage.apply()
    assert stage.writes() == []
    stage.write_source("layer", TEXT.format(1))
    plan = stage.plan()
    assert [step.call.operation for step in plan.steps] == ["CreateLayerVersion", "UpdateFunction"]
    stage.apply()
    assert numbers(stage) == [1, 2]
    assert used(stage) == [arn(2)]
    assert stage.plan().is_empty


def test_keep_prunes_what_no_function_and_no_kept_version_uses(stage: Any) -> None:
    spec = layered(stage, keep=1)
    spec["services"]["s"]["versions"] = {"publish": "on-change", "keep": 2}
    stage.write(spec)
    for number in range(4):
        stage.write_source("layer", TEXT.format(number))
        stage.apply()
        assert [step.id for step in stage.plan().steps] == []
    # Two service versions stay, and each uses a version of the layer.
    assert numbers(stage) == [3, 4]


def test_a_layer_that_leaves_the_file_goes_after_the_functions_that_used_it(stage: Any) -> None:
    spec = layered(stage)
    stage.write(spec)
    stage.apply()
    del spec["layers"], spec["services"]["s"]["functions"]["f0"]["layers"]
    stage.write(spec)
    plan = stage.plan()
    assert [step.call.operation for step in plan.steps] == ["UpdateFunction", "DeleteLayerVersion"]
    stage.apply()
    assert numbers(stage) == []
    assert stage.plan().is_empty


def test_destroy_removes_layers_too(stage: Any) -> None:
    stage.write(layered(stage))
    stage.apply()
    stage.write_source("layer", TEXT.format(1))
    stage.apply()
    stage.apply(destroy=True)
    assert stage.dump() == {}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_reply_never_makes_two_versions(stage: Any, hurried: list[float], when: str) -> None:
    stage.write(layered(stage))
    stage.faults({"match": {"operation": "CreateLayerVersion", "nth": 1}, "when": when, "effect": {"disconnect": True}})
    stage.apply()
    assert numbers(stage) == [1]
    assert used(stage) == [arn(1)]


def test_a_failure_takes_the_new_version_back(stage: Any) -> None:
    stage.write(layered(stage))
    stage.apply()
    before = stage.dump()
    stage.write_source("layer", TEXT.format(1))
    refusal = {"status": 400, "code": "InvalidArgument", "message": "refused by the test"}
    stage.faults({"match": {"operation": "UpdateFunction"}, "when": "before", "effect": refusal})
    stage.apply(ending=Ending.ROLLED_BACK)
    stage.faults()
    assert stage.difference(before) == []


def test_a_layer_of_somebody_else_is_refused_and_adopted_on_demand(stage: Any) -> None:
    stage.write(layered(stage))
    stage.apply()
    for row in stage.whole_dump():
        if row["body"].get("layerName") == "imaging":
            stage.change(row["kind"], row["parent"], row["name"], description="by hand")
    (result,) = stage.plan_report().results
    (problem,) = result.problems
    assert "layer imaging" in problem.summary and "--adopt 'layer:imaging'" in problem.hint
    stage.apply(Wishes(adopt=("layer:imaging",)))
    assert numbers(stage) == [1, 2]
    assert used(stage) == [arn(2)]
    assert stage.plan().is_empty
    stage.apply(destroy=True)
    assert numbers(stage) == [1]


def test_an_unknown_layer_is_told_with_the_nearest_name(stage: Any) -> None:
    spec = layered(stage)
    spec["services"]["s"]["functions"]["f0"]["layers"] = ["imagin"]
    stage.write(spec)
    with pytest.raises(Exception, match="imagin") as failure:
        stage.plan_report()
    (found,) = failure.value.diagnostics
    assert "no layer `imagin`" in found.summary
    assert "imaging" in found.hint


def test_a_layer_and_its_user_are_made_in_one_plan_and_the_json_plan_can_be_printed(stage: Any) -> None:
    stage.write(layered(stage))
    (change,) = [one for one in stage.plan().changes if one.address.kind == "layer"]
    assert change.action is Action.CREATE
