"""`--only`: what is named and what it needs is applied, nothing is deleted, the rest is as it was (S46)."""

from __future__ import annotations

from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.errors import UsageError
from fcdeploy.model import Action, Ending


def only(*globs: str) -> Wishes:
    return Wishes(only=globs)


@pytest.fixture
def spec(stage: Any) -> dict[str, Any]:
    """Three functions, applied, and a file that changes all, drops one and adds one."""
    made: dict[str, Any] = stage.spec(3)
    stage.write(made)
    stage.apply()
    functions = made["services"]["s"]["functions"]
    made["services"]["s"]["description"] = "changed"
    for name in ("f0", "f1"):
        functions[name]["memorySize"] = 512
        functions[name]["triggers"]["t"]["config"]["cronExpression"] = "@every 9m"
    del functions["f2"]
    functions["f3"] = {"code": functions["f0"]["code"]}
    stage.write(made)
    stage.requests()
    return made


def changes(plan: Any) -> set[str]:
    return {f"{one.action.value} {one.address.short}" for one in plan.changes}


def test_one_function_is_applied_and_the_rest_waits(stage: Any, spec: dict[str, Any]) -> None:
    before = stage.dump()
    plan = stage.plan(only("s/f0"))
    assert changes(plan) == {"update service s", "update function s/f0"}
    assert plan.left_out == 6
    stage.requests()
    outcome = stage.apply(only("s/f0"))
    assert sorted(one["operation"] for one in stage.writes()) == ["UpdateFunction", "UpdateService"]
    assert {name.rpartition("/")[2] for name, *_ in stage.difference(before)} == {"s", "f0"}
    # What is left is what another plan says.
    left = stage.plan()
    assert changes(left) == {
        *("update trigger s/f0/t", "update function s/f1", "update trigger s/f1/t", "create function s/f3"),
        *("delete function s/f2", "delete trigger s/f2/t"),
    }
    assert stage.plan(only("s/f0")).is_empty
    (back,) = stage.rollback(outcome.run)
    assert back.ending is Ending.DONE and stage.difference(before) == []
    stage.apply()
    assert stage.plan().is_empty


def test_a_new_resource_comes_with_what_it_stands_in(stage: Any) -> None:
    spec = stage.spec(2)
    stage.write(spec)
    stage.apply(only("trigger:s/f1/t"))
    there = {name.split("/", 2)[2] for name in stage.dump()}
    assert there == {"service//s", "function/s/f1", "trigger/s/f1/t"}
    assert stage.plan(only("trigger:s/f1/t")).left_out == 2
    stage.apply()
    assert stage.plan().is_empty


def test_only_what_is_named_is_read_singly(stage: Any, spec: dict[str, Any]) -> None:
    stage.plan(only("s/f0"))
    singly = [one["path"].rpartition("/")[2] for one in stage.requests() if one["operation"] == "GetFunction"]
    assert singly == ["f0"]


def test_globs_add_up_and_none_deletes(stage: Any, spec: dict[str, Any]) -> None:
    plan = stage.plan(only("function:s/*", "trigger:*"))
    assert not [one for one in plan.changes if one.action is Action.DELETE]
    assert len(plan.changes) == 6 and plan.left_out == 2


def test_what_names_nothing_is_a_usage_error(stage: Any, spec: dict[str, Any]) -> None:
    stage.requests()
    for glob, hint in (
        ("s/f00", "did you mean `s/f0`?"),
        ("functoin:s/f1", "did you mean `function:s/f1`?"),
        ("zzzzzzzzzz/*", "write a name or a pattern"),
        ("s/f2", "did you mean `s/f"),
    ):
        with pytest.raises(UsageError) as raised:
            stage.plan_report(only("s/f0", glob))
        assert raised.value.summary == f"--only {glob!r} names nothing that is to be there"
        assert hint in raised.value.hint
        with pytest.raises(UsageError):
            stage.apply_report(only(glob))
    assert stage.requests() == []


def test_it_is_enough_that_one_target_has_it(stage: Any, spec: dict[str, Any]) -> None:
    spec["targets"]["old"] = {**spec["targets"]["dev"], "region": "cn-shanghai", "retired": True}
    spec["services"] = {"${{ 't' if target.name == 'other' else 's' }}": spec["services"]["s"]}
    spec["targets"]["other"] = {**spec["targets"]["dev"], "region": "cn-beijing"}
    stage.write(spec)
    plans = {one.target.name: one.plan for one in stage.plan_report(only("t/f0")).results}
    assert {name: len(plan.steps) for name, plan in plans.items()} == {"dev": 0, "old": 0, "other": 3}
    with pytest.raises(UsageError):
        stage.plan_report(only("t/f0"), target="dev")


@pytest.mark.parametrize(
    ("wishes", "destroy"),
    [
        (Wishes(only=("*",), adopt=("*",)), False),
        (Wishes(only=("*",), adopt_over=("*",)), False),
        (Wishes(only=("*",), adopt_from=("p/t",)), False),
        (Wishes(only=("*",)), True),
    ],
)
def test_it_goes_neither_with_adoption_nor_with_destroy(
    stage: Any, spec: dict[str, Any], wishes: Wishes, destroy: bool
) -> None:
    for ask in (stage.plan_report, stage.apply_report):
        with pytest.raises(UsageError, match="--only cannot be combined"):
            ask(wishes, destroy=destroy)
    assert stage.requests() == []


@pytest.fixture
def released(stage: Any) -> dict[str, Any]:
    """Two functions behind an alias, applied; a file that changes both."""
    made: dict[str, Any] = stage.spec(2)
    made["services"]["s"] |= {"versions": {"publish": "on-change"}, "aliases": {"live": {"version": "latest"}}}
    stage.write(made)
    stage.apply()
    for name in ("f0", "f1"):
        made["services"]["s"]["functions"][name]["memorySize"] = 512
    stage.write(made)
    return made


def test_a_function_alone_is_not_released(stage: Any, released: dict[str, Any]) -> None:
    assert changes(stage.plan(only("s/f0"))) == {"update function s/f0"}


def test_an_alias_needs_its_version_and_that_what_it_freezes(stage: Any, released: dict[str, Any]) -> None:
    plan = stage.plan(only("alias:*"))
    assert changes(plan) == {
        *("update function s/f0", "update function s/f1", "create version s/new", "update alias s/live"),
    }
    assert plan.left_out == 2
    stage.apply(only("alias:*"))
    assert stage.plan().is_empty


def test_a_version_that_would_freeze_what_is_to_go_is_refused(stage: Any, released: dict[str, Any]) -> None:
    del released["services"]["s"]["functions"]["f1"]
    stage.write(released)
    (result,) = stage.plan_report(only("alias:s/live")).results
    assert [one.summary for one in result.problems] == [
        "version s/new would hold function s/f1, which is to be deleted and which --only leaves out"
    ]
    assert stage.plan(only("s/f0")).left_out == 5
