"""Whose is what (S7 to S15): targets beside each other, foreign services, destroy, retired, adoption."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fcdeploy.app import Wishes
from fcdeploy.errors import PlanRefused
from fcdeploy.model import Action, Ending

HERE = "1234567890123456/cn-hangzhou"


def put_foreign(stage: Any, name: str = "foreign", **tags: str) -> None:
    """A service with a function and a trigger that another project made; `tags` are all that it carries."""
    theirs = dataclasses.replace(stage, root=stage.root.with_name(f"project-{name}"))
    theirs.root.mkdir()
    spec = theirs.spec(1, service=name)
    spec["project"] = f"theirs-{name}"
    spec["services"][name]["description"] = "theirs"
    spec["services"][name]["functions"]["f0"] |= {"runtime": "python3.9", "memorySize": 192}
    theirs.write(spec)
    theirs.apply()
    stage.change("service", "", name, _tags=tags)
    stage.requests()


def test_destroy_leaves_a_foreign_service_alone(stage: Any) -> None:
    put_foreign(stage)
    put_foreign(stage, "other", **{"fcdeploy.project": "staged", "fcdeploy.target": "prod"})
    before = stage.whole_dump()
    stage.write(stage.spec(3))
    stage.apply()
    plan = stage.plan(destroy=True)
    assert {change.action for change in plan.changes} == {Action.DELETE} and len(plan.changes) == 7
    assert plan.changes[0].address.name == "s"
    stage.apply(destroy=True)
    assert stage.whole_dump() == before
    stage.requests()
    stage.apply(destroy=True)
    assert stage.writes() == []


def test_destroy_obeys_protect(stage: Any) -> None:
    spec = stage.spec(2)
    spec["services"]["s"]["functions"]["f1"]["protect"] = True
    stage.write(spec)
    stage.apply()
    (result,) = stage.apply_report(destroy=True).plans.results
    assert isinstance(result.problem, PlanRefused)
    assert [one.address for one in result.problems] == ["dev:alibaba.function:s/f1"]


def test_a_retired_target_goes_and_the_other_stays(stage: Any) -> None:
    spec = two_targets(stage, {"a": 1, "b": 2})
    stage.write(spec)
    assert [one.ending for one in stage.apply_report(target="*").outcomes] == [Ending.DONE, Ending.DONE]
    prod = rows_of(stage, "prod")
    assert len(prod) == 8
    spec["targets"]["dev"]["retired"] = True
    stage.write(spec)
    (plan,) = (result.plan for result in stage.plan_report(target="dev").results)
    assert {change.action for change in plan.changes} == {Action.DELETE}
    stage.apply(target="dev")
    assert rows_of(stage, "dev") == [] and rows_of(stage, "prod") == prod

    del spec["targets"]["prod"]
    spec["targets"]["dev"].pop("retired")
    stage.write(spec)
    (result,) = stage.plan_report().results
    assert any("'prod' is not in the file" in one.summary for one in result.plan.warnings)  # S9


@pytest.mark.parametrize("api", ["2021-04-06", "2016-08-15"])
def test_both_api_versions_warn_of_a_target_that_left_the_file(stage: Any, api: str) -> None:
    spec = stage.spec(1, api=api)
    stage.write(spec)
    stage.apply()
    spec["targets"] = {"renamed": spec["targets"]["dev"]}
    spec["services"] = {"t": spec["services"]["s"]}
    stage.write(spec)
    warnings = stage.plan().warnings
    assert [one.summary for one in warnings] == ["target 'dev' is not in the file, but still owns resources here"]


def two_targets(stage: Any, services: dict[str, int]) -> dict[str, Any]:
    """A file whose targets share account and region; each has these services with so many functions."""
    stage.write_source("src")
    base = stage.spec(0)["targets"]["dev"]
    functions = {
        "f${{ target.name }}" + str(number): {
            "code": "./src",
            "triggers": {"t": {"type": "timer", "config": {"cronExpression": "@every 5m"}}},
        }
        for number in range(3)
    }
    return {
        "apiVersion": "fcdeploy/v1",
        "project": "staged",
        "targets": {"dev": dict(base), "prod": dict(base)},
        "defaults": {"function": {"runtime": "python3.10", "handler": "index.handler"}},
        "services": {
            "${{ target.name }}-" + name: {"functions": dict(list(functions.items())[:count])}
            for name, count in services.items()
        },
    }


def rows_of(stage: Any, target: str) -> list[dict[str, Any]]:
    """The rows of one target's services, ETags and times too."""
    return [row for row in stage.whole_dump() if (row["parent"] or row["name"]).startswith(f"{target}-")]


SIDES = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=2)


@given(moves=st.lists(st.tuples(st.sampled_from(["dev", "prod"]), SIDES), min_size=1, max_size=4))
@settings(
    max_examples=settings.default.max_examples // 8,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_two_targets_of_one_file_never_touch_each_other(stage: Any, moves: list[tuple[str, dict[str, int]]]) -> None:
    """Whatever one target gets, loses or renames: the other's resources keep even their ETags."""
    stage.emulator.app.world.clear()
    stage.write(two_targets(stage, {"a": 1, "b": 1}))
    stage.apply_report(target="*")
    for target, services in moves:
        other = "prod" if target == "dev" else "dev"
        before = rows_of(stage, other)
        stage.write(two_targets(stage, services))
        (outcome,) = stage.apply_report(Wishes(allow_unsafe=True), target=target).outcomes
        assert outcome.ending is Ending.DONE, outcome
        assert rows_of(stage, other) == before
        (result,) = stage.plan_report(target=target).results
        assert result.plan.is_empty
        assert len(rows_of(stage, target)) == sum(1 + 2 * count for count in services.values())


def test_names_that_both_targets_want_are_refused(stage: Any) -> None:
    """A service of another target of the same project is somebody else's (S10)."""
    spec = stage.spec(1)
    stage.write(spec)
    stage.apply()
    before = stage.whole_dump()
    spec["targets"] = {"prod": spec["targets"]["dev"]}
    stage.write(spec)
    (result,) = stage.apply_report().plans.results
    assert isinstance(result.problem, PlanRefused)
    assert result.problem.diagnostics[0].summary == "service s belongs to staged/dev"
    assert stage.whole_dump() == before
    stage.apply(Wishes(adopt_from=("staged/dev",)))
    tags = stage.dump()[f"{HERE}/service//s"]["_tags"]
    assert tags == {"fcdeploy.project": "staged", "fcdeploy.target": "prod"}


def test_adoption_takes_nothing_away_and_prints_the_yaml_that_keeps_it(stage: Any) -> None:
    """S12; what is printed is pasted into the file, and then adopting is free of losses."""
    put_foreign(stage, "s")
    before = stage.whole_dump()
    spec = stage.spec(1)
    function = spec["services"]["s"]["functions"]["f0"]
    function |= {"runtime": "python3.9"}
    del function["triggers"]
    stage.write(spec)
    (result,) = stage.apply_report().plans.results
    assert "is not managed by fcdeploy" in str(result.problem) and result.plan is not None
    (result,) = stage.apply_report(Wishes(adopt=("service:s",))).plans.results
    assert isinstance(result.problem, PlanRefused)
    (refusal,) = result.problems
    assert refusal.summary == "adopting service s would delete 1 resource and reset fields of 1 resource"
    assert refusal.address == "dev:alibaba.service:s"
    said, _, lines = refusal.detail.partition("\nto keep all of it, add this to the file:\n")
    assert said.splitlines() == [
        "`--adopt` takes nothing away:",
        "  function s/f0: memorySize would be reset",
        "  trigger s/f0/t: would be deleted",
    ]
    timer = {"type": "timer", "config": {"cronExpression": "@every 1m"}}
    kept = {"f0": {"memorySize": 192, "triggers": {"t": timer}}}
    assert yaml.safe_load(lines) == {"services": {"s": {"functions": kept}}}
    assert stage.whole_dump() == before

    function |= kept["f0"]
    stage.write(spec)
    stage.apply(Wishes(adopt=("service:s",)))
    live = stage.dump()
    assert live[f"{HERE}/function/s/f0"]["memorySize"] == 192 and f"{HERE}/trigger/s/f0/t" in live
    assert live[f"{HERE}/service//s"]["_tags"] == {"fcdeploy.project": "staged", "fcdeploy.target": "dev"}
    assert stage.plan().is_empty


def test_adopting_over_accepts_the_losses_and_shows_them(stage: Any) -> None:
    put_foreign(stage, "s")
    spec = stage.spec(0)
    spec["services"]["s"]["functions"] = {"mine": {"code": stage.write_source("src")}}
    stage.write(spec)
    wishes = Wishes(adopt_over=("service:s",))
    plan = stage.plan(wishes)
    assert {change.address.name: change.action for change in plan.changes} == {
        "s": Action.UPDATE,
        "s/f0": Action.DELETE,
        "s/f0/t": Action.DELETE,
        "s/mine": Action.CREATE,
    }
    stage.apply(wishes)
    assert stage.plan().is_empty and f"{HERE}/function/s/f0" not in stage.dump()


def test_a_crash_between_create_and_mark_is_taken_as_ours(stage: Any) -> None:
    """S11: an unmarked, empty service that equals the promise is marked and gone on with."""
    spec = stage.spec(1)
    stage.write(spec)
    stage.faults({"match": {"operation": "TagResource"}, "effect": {"status": 400, "code": "InvalidArgument"}})
    stage.apply(ending=Ending.STOPPED, on_failure="stop")
    stage.faults()
    assert list(stage.dump()) == [f"{HERE}/service//s"]
    stage.apply(recover="abandon")
    assert stage.plan().is_empty and stage.open_run() is None


@pytest.mark.proof
def test_forty_triggers_of_ninety_resources_are_one_plan_that_is_refused_with_the_numbers(stage: Any) -> None:
    spec = stage.spec(9)
    functions = spec["services"]["s"]["functions"]
    names = [(f"f{number % 9}", f"t{number // 9}") for number in range(80)]
    timer = {"type": "timer", "config": {"cronExpression": "@every 5m"}}
    for function in functions.values():
        function["triggers"] = {}
    for function, trigger in names:
        functions[function]["triggers"][trigger] = timer
    stage.write(spec)
    stage.apply()
    assert len(stage.dump()) == 90
    for function, trigger in names[:40]:
        del functions[function]["triggers"][trigger]
    stage.write(spec)
    before = stage.whole_dump()
    (result,) = stage.plan_report().results
    assert isinstance(result.problem, PlanRefused) and result.plan is not None
    assert result.plan.count(Action.DELETE) == len(result.plan.changes) == len(result.plan.steps) == 40
    (refusal,) = result.problem.diagnostics
    assert (refusal.summary, refusal.detail, refusal.hint) == (
        "the plan deletes or replaces 40 of 90 owned resources (44 %)",
        "more than 30 % of at least 10 is taken for a mistake",
        "look at the plan, then pass --allow-unsafe",
    )
    assert stage.apply_report().outcomes == () and stage.whole_dump() == before
    stage.requests()
    stage.apply(Wishes(allow_unsafe=True))
    assert stage.counts()["DeleteTrigger"] == 40
    assert stage.plan().is_empty and len(stage.dump()) == 50


def test_unsafe_plans_need_to_be_asked_for(stage: Any) -> None:
    """S15: more than 30 % of at least ten, or a service."""
    spec = stage.spec(6)
    stage.write(spec)
    stage.apply()
    less = copy.deepcopy(spec)
    del less["services"]["s"]["functions"]["f0"], less["services"]["s"]["functions"]["f1"]
    stage.write(less)
    (result,) = stage.apply_report().plans.results
    assert isinstance(result.problem, PlanRefused) and "4 of 13" in result.problem.diagnostics[0].summary
    stage.apply(Wishes(allow_unsafe=True))
    spec["services"] = {}
    stage.write(spec)
    (result,) = stage.apply_report().plans.results
    assert isinstance(result.problem, PlanRefused)
    assert any("deletes service s" in one.summary for one in result.problem.diagnostics)
