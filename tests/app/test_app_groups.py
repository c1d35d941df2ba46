"""A function of FunctionGraph has one update for code, one for most of the rest, one for the most instances, and tags:
an apply takes many steps for one resource, and other writers may come between any two of them."""

from __future__ import annotations

import copy
import json
import statistics
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.diagnostics import Severity
from fcdeploy.emulator.exchange import Tenant
from fcdeploy.emulator.store import etag_of
from fcdeploy.model import Ending, EventType, Step

PROJECT = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b"
REGION = "cn-north-4"
HERE = "dev:huawei.function:default/s-f"
PROOF = pytest.mark.proof
SEVERAL = ["UpdateFunctionCode", "UpdateFunctionConfig", "UpdateFunctionMaxInstanceConfig", "CreateTags", "DeleteTags"]
REFUSED = {"status": 400, "code": "FSS.0400", "message": "no"}
FIRST: dict[str, Any] = {
    "code": "./one",
    "description": "first",
    "timeout": 30,
    "onDemand": {"maximumInstanceCount": 7},
    "vpcConfig": {"vpcId": "vpc-1", "vSwitchIds": ["net-1"]},
    "role": "agency",
    "environmentVariables": {"MODE": "plain"},
    "tags": {"old": "1", "team": "a"},
}
SECOND: dict[str, Any] = {
    **FIRST,
    "code": "./two",
    "description": "second",
    "onDemand": {"maximumInstanceCount": 9},
    "tags": {"new": "1", "team": "a"},
}
ROW = "fgs-function/default/s-f"
UNSAFE = Wishes(allow_unsafe=True)
TIMEOUT = "drifted during apply: function default/s-f timeout"


class Graph:
    """One function, and somebody who changes it."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage
        self.last = ""

    def write(self, function: Mapping[str, Any]) -> None:
        """The file with this function."""
        named = {"runtime": "python3.10", "handler": "index.handler", **function}
        self.stage.write(
            {
                "apiVersion": "fcdeploy/v1",
                "project": "staged",
                "secrets": {"TOKEN": {"env": "TOKEN"}},
                "targets": {"dev": {"provider": "huawei", "region": REGION, "projectId": PROJECT}},
                "services": {"s": {"functions": {"f": named}}},
            }
        )

    def deploy(self, function: Mapping[str, Any]) -> None:
        """Write it and apply."""
        self.write(function)
        self.last = self.stage.apply().run
        self.stage.requests()

    def somebody(self, **fields: Any) -> None:
        """Another writer sets these members."""
        with self.stage.emulator.app.world.write(Tenant(PROJECT, REGION)) as session:
            row = session.get("fgs-function", "default", "s-f")
            body = {**row.body, **copy.deepcopy(fields)}
            session.put(replace(row, body=body, etag=etag_of(body)))

    def cloud(self) -> dict[str, Any]:
        """All that there is by place, but for when it was written; a setting that is empty is none."""
        moved = ("last_modified", "image_name")
        return {
            "/".join((row["kind"], row["parent"], row["name"], key)): value
            for row in self.stage.whole_dump()
            for key, value in row["body"].items()
            if key not in moved
        }

    def unlike(self, before: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """What differs from what there was."""
        now = self.cloud()
        return {
            name: (before.get(name), now.get(name))
            for name in sorted({*before, *now})
            if before.get(name) != now.get(name)
        }

    def function(self) -> dict[str, Any]:
        """The function as it is stored."""
        (row,) = (row for row in self.stage.whole_dump() if row["kind"] == "fgs-function")
        return dict(row["body"])

    def after(self, step: str, act: Callable[[], None]) -> None:
        """Do something as soon as the step has ended."""

        def ended(done: Step, event: EventType) -> None:
            if done.id == step and event is EventType.DONE:
                act()

        self.stage.watcher.on_ended = ended

    def written(self) -> list[str]:
        """The operations that wrote something since the last look."""
        return [one["operation"] for one in self.stage.writes() if one["operation"] in (*SEVERAL, "DeleteFunction")]


@pytest.fixture
def graph(stage: Any) -> Graph:
    stage.environ |= {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk"}
    stage.write_source("one", "def handler(event, context):\n    return 1\n")
    stage.write_source("two", "def handler(event, context):\n    return 2\n")
    return Graph(stage)


@pytest.mark.parametrize("replaces", [pytest.param(False, marks=PROOF), True], ids=("merging", "replacing"))
def test_a_change_of_everything_is_a_step_for_each_group(graph: Graph, replaces: bool) -> None:
    """Whichever way the service takes what a metadata update leaves out (facts 19)."""
    world = graph.stage.emulator.app.world
    world.settings = replace(world.settings, config_replaces=replaces)
    graph.deploy(FIRST)
    before = graph.function()
    graph.write(SECOND)
    assert [step.id for step in graph.stage.plan().steps] == [
        f"update {HERE} code",
        f"update {HERE}",
        f"update {HERE} instances",
        f"tag {HERE}",
        f"untag {HERE}",
    ]
    outcome = graph.stage.apply()
    asked = graph.stage.requests()
    assert [one["operation"] for one in asked if one["operation"] in SEVERAL] == SEVERAL
    assert outcome.diagnostics == ()
    now = graph.function()
    changed = {name for name in now if now[name] != before[name]} - {"last_modified", "image_name"}
    assert changed == {"description", "strategy_config", "digest", "_code", "_tags"}
    assert now["strategy_config"]["concurrency"] == 9 and now["func_vpc"]["vpc_id"] == "vpc-1"
    assert graph.stage.plan().is_empty


@pytest.mark.parametrize("failing", [*(pytest.param(one, marks=PROOF) for one in SEVERAL[:-1]), SEVERAL[-1]])
def test_a_failure_at_any_step_takes_all_back(graph: Graph, failing: str) -> None:
    graph.deploy(FIRST)
    before = graph.cloud()
    graph.write(SECOND)
    graph.stage.faults({"match": {"operation": failing, "nth": 1}, "effect": REFUSED})
    graph.stage.apply(ending=Ending.ROLLED_BACK if failing != SEVERAL[0] else Ending.FAILED)
    graph.stage.faults()
    tried = SEVERAL[: SEVERAL.index(failing) + 1]
    # Tags that were added are taken away by the operation that takes away.
    back = [{"CreateTags": "DeleteTags"}.get(one, one) for one in reversed(tried[:-1])]
    assert graph.written() == [*tried, *back]
    assert graph.unlike(before) == {}


@pytest.mark.parametrize("failing", [SEVERAL[0], *(pytest.param(one, marks=PROOF) for one in SEVERAL[1:3])])
def test_an_answer_that_never_came_is_settled_by_reading(graph: Graph, failing: str) -> None:
    graph.deploy(FIRST)
    graph.write(SECOND)
    graph.stage.faults({"match": {"operation": failing, "nth": 1}, "when": "after", "effect": {"disconnect": True}})
    assert graph.stage.apply().diagnostics == ()
    assert graph.written() == SEVERAL
    assert graph.stage.plan().is_empty


def test_a_run_that_ended_is_taken_back_out_of_the_journal(graph: Graph) -> None:
    graph.deploy(FIRST)
    before = graph.cloud()
    graph.deploy(SECOND)
    (outcome,) = graph.stage.rollback(graph.last)
    assert outcome.ending is Ending.DONE
    assert graph.unlike(before) == {}


@pytest.mark.parametrize(
    "failing", [*(pytest.param(one, marks=PROOF) for one in ("CreateFunction", SEVERAL[2])), "CreateTags"]
)
def test_what_must_be_made_anew_comes_back_whole(graph: Graph, failing: str) -> None:
    graph.deploy(FIRST)
    before = graph.cloud()
    graph.write({**FIRST, "runtime": "python3.9"})
    assert [step.id.split()[0] for step in graph.stage.plan(UNSAFE).steps] == ["delete", "create", "tag", "update"]
    graph.stage.faults({"match": {"operation": failing, "nth": 1}, "effect": REFUSED})
    graph.stage.apply(UNSAFE, ending=Ending.ROLLED_BACK)
    graph.stage.faults()
    assert graph.unlike(before).keys() == {f"{ROW}/func_id"}


@pytest.mark.parametrize("onwards", [True, pytest.param(False, marks=PROOF)], ids=("resume", "rollback"))
def test_a_run_that_stopped_between_two_steps_goes_on_or_back(graph: Graph, onwards: bool) -> None:
    graph.deploy(FIRST)
    before = graph.cloud()
    graph.write(SECOND)
    graph.stage.faults({"match": {"operation": "UpdateFunctionMaxInstanceConfig"}, "effect": REFUSED})
    graph.stage.apply(ending=Ending.STOPPED, on_failure="stop")
    graph.stage.faults()
    assert graph.written() == SEVERAL[:3]
    (outcome,) = graph.stage.resume() if onwards else graph.stage.rollback()
    assert outcome.ending is (Ending.DONE if onwards else Ending.ROLLED_BACK) and outcome.diagnostics == ()
    assert graph.written() == (SEVERAL[2:] if onwards else [SEVERAL[1], SEVERAL[0]])
    assert graph.stage.plan().is_empty if onwards else graph.unlike(before) == {}


def test_secrets_that_do_not_change_go_with_what_does(graph: Graph) -> None:
    """The service may forget what a metadata update leaves out, and never shows them."""
    world = graph.stage.emulator.app.world
    world.settings = replace(world.settings, config_replaces=True)
    graph.stage.environ["TOKEN"] = "geheim"
    secret = {"environmentVariables": {"MODE": "plain", "TOKEN": "${{ secret('TOKEN') }}"}}
    graph.deploy({**FIRST, **secret})
    before = graph.cloud()
    graph.write({**FIRST, **secret, "description": "second", "tags": {}})
    (changed, *_) = graph.stage.plan().steps
    assert not changed.last and changed.undo
    graph.stage.faults({"match": {"operation": "DeleteTags"}, "effect": REFUSED})
    graph.stage.apply(ending=Ending.ROLLED_BACK)
    graph.stage.faults()
    assert graph.unlike(before) == {}, "also on the way back"
    graph.stage.apply()
    assert json.loads(graph.function()["encrypted_user_data"]) == {"TOKEN": "geheim"}
    assert graph.function()["description"] == "second" and graph.stage.plan().is_empty


def test_a_changed_secret_comes_last_and_is_finished_rather_than_taken_back(graph: Graph) -> None:
    graph.stage.environ["TOKEN"] = "geheim"
    secret = {"environmentVariables": {"MODE": "plain", "TOKEN": "${{ secret('TOKEN') }}"}}
    graph.deploy({**FIRST, **secret})
    graph.stage.environ["TOKEN"] = "geheimer"
    graph.write({**FIRST, **secret, "code": "./two"})
    plan = graph.stage.plan()
    assert [(step.id, step.last, bool(step.undo)) for step in plan.steps] == [
        (f"update {HERE} code", False, True),
        (f"update {HERE}", True, False),
        (f"tag {HERE}", True, True),
    ]
    assert [one.summary for one in plan.warnings] == ["function default/s-f: this update cannot be undone"]
    graph.stage.faults({"match": {"operation": "CreateTags"}, "effect": REFUSED})
    graph.stage.apply(ending=Ending.NEEDS_ATTENTION)
    graph.stage.faults()
    (outcome,) = graph.stage.resume()
    assert outcome.ending is Ending.DONE and graph.stage.plan().is_empty
    assert json.loads(graph.function()["encrypted_user_data"]) == {"TOKEN": "geheimer"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_changed_secret_whose_write_may_be_lost_is_written_again(graph: Graph, when: str) -> None:
    """No read tells whether it was written: the names are the same before and after (law 5)."""
    graph.stage.environ["TOKEN"] = "geheim"
    secret = {"environmentVariables": {"MODE": "plain", "TOKEN": "${{ secret('TOKEN') }}"}}
    graph.deploy({**FIRST, **secret})
    graph.stage.environ["TOKEN"] = "geheimer"
    graph.write({**FIRST, **secret})
    lost = {"match": {"operation": SEVERAL[1], "nth": 1}, "when": when, "effect": {"disconnect": True}}
    graph.stage.faults(lost)
    assert graph.stage.apply().ending is Ending.DONE
    assert json.loads(graph.function()["encrypted_user_data"]) == {"TOKEN": "geheimer"}
    assert graph.stage.plan().is_empty


def test_a_crash_between_create_and_mark_is_taken_as_ours(graph: Graph) -> None:
    """S11: an unmarked function that has what a create gives it is marked, and what comes after the mark follows."""
    graph.stage.environ["TOKEN"] = "geheim"
    secret = {"environmentVariables": {"MODE": "plain", "TOKEN": "${{ secret('TOKEN') }}"}}
    made = {**FIRST, **secret, "runtime": "http", "instanceConcurrency": 5, "diskSize": 10240}
    graph.write({**made, "description": "theirs"})
    graph.stage.faults({"match": {"operation": "CreateTags"}, "effect": REFUSED})
    graph.stage.apply(ending=Ending.STOPPED, on_failure="stop")
    graph.stage.faults()
    graph.write(made)
    report = graph.stage.apply_report(Wishes(), recover="abandon")
    assert "is not managed by fcdeploy" in str(report.plans.results[0].problem), "another description is no promise"
    graph.write({**made, "description": "theirs"})
    graph.stage.apply()
    assert graph.stage.plan().is_empty and graph.stage.open_run() is None
    assert graph.function()["strategy_config"] == {"concurrency": 7, "concurrent_num": 5}


def test_what_only_an_update_takes_follows_the_create(graph: Graph) -> None:
    made = {**FIRST, "runtime": "http", "instanceConcurrency": 5, "diskSize": 10240}
    graph.write(made)
    assert [step.id for step in graph.stage.plan().steps] == [
        f"create {HERE}",
        f"tag {HERE}",
        f"update {HERE} body",
        f"update {HERE} instances",
    ]
    graph.stage.faults({"match": {"operation": "UpdateFunctionMaxInstanceConfig"}, "effect": REFUSED})
    graph.stage.apply(ending=Ending.ROLLED_BACK)
    graph.stage.faults()
    assert graph.cloud() == {}
    graph.deploy(made)
    assert graph.function()["strategy_config"] == {"concurrency": 7, "concurrent_num": 5}
    assert graph.stage.plan().is_empty


@pytest.mark.parametrize(
    "theirs",
    [
        {"description": "theirs"},
        pytest.param({"digest": "0" * 128}, marks=PROOF),
        pytest.param({"strategy_config": {"concurrency": 3, "concurrent_num": 1}}, marks=PROOF),
    ],
    ids=("body", "code", "instances"),
)
def test_an_edit_between_plan_and_apply_is_not_overwritten(graph: Graph, theirs: dict[str, Any]) -> None:
    graph.deploy(FIRST)
    graph.write(SECOND)
    left: list[Any] = []

    def confirm(report: Any) -> bool:
        graph.somebody(**theirs)
        left.append(graph.cloud())
        return True

    (outcome,) = graph.stage.apply_report(confirm=confirm).outcomes
    assert outcome.ending in (Ending.FAILED, Ending.ROLLED_BACK)
    assert "was changed by somebody else meanwhile" in outcome.diagnostics[-1].summary
    assert graph.unlike(left[0]) == {}


def test_an_edit_of_what_is_not_written_is_kept(graph: Graph) -> None:
    graph.deploy(FIRST)
    graph.write(SECOND)

    def confirm(report: Any) -> bool:
        graph.somebody(timeout=77)
        return True

    (outcome,) = graph.stage.apply_report(confirm=confirm).outcomes
    assert outcome.ending is Ending.DONE
    assert graph.function()["timeout"] == 77 and graph.function()["description"] == "second"
    summaries = [one.summary for one in outcome.diagnostics]
    assert summaries == [
        "drifted during apply: function default/s-f",
        "drifted during apply: function default/s-f timeout",
    ]


def test_an_edit_between_two_steps_of_what_comes_next_stops_the_run(graph: Graph) -> None:
    graph.deploy(FIRST)
    before = graph.cloud()
    graph.write(SECOND)
    graph.after(f"update {HERE} code", lambda: graph.somebody(description="theirs"))
    outcome = graph.stage.apply(ending=Ending.ROLLED_BACK)
    (conflict,) = (one for one in outcome.diagnostics if one.severity is Severity.ERROR)
    assert conflict.summary == "function default/s-f was changed by somebody else meanwhile"
    assert 'description: "first" when planned, "theirs" now, "second" in the file' in conflict.detail
    assert graph.unlike(before) == {f"{ROW}/description": ("first", "theirs")}


@pytest.mark.parametrize(
    ("step", "theirs", "warned"),
    [
        ("update code", {"timeout": 77}, TIMEOUT),
        ("update", {"timeout": 77}, TIMEOUT.removesuffix(" timeout")),
    ],
    ids=("of-the-next", "of-another"),
)
@pytest.mark.parametrize("ending", [pytest.param(Ending.DONE, marks=PROOF), Ending.ROLLED_BACK])
def test_an_edit_between_two_steps_of_something_else_is_kept(
    graph: Graph, step: str, theirs: dict[str, Any], warned: str, ending: Ending
) -> None:
    graph.deploy(FIRST)
    before = graph.cloud()
    graph.write(SECOND)
    graph.after(f"update {HERE}{step.removeprefix('update')}", lambda: graph.somebody(**theirs))
    if ending is not Ending.DONE:
        graph.stage.faults({"match": {"operation": "CreateTags"}, "effect": REFUSED})
    outcome = graph.stage.apply(ending=ending)
    told = {one.summary for one in outcome.diagnostics if one.severity is Severity.WARNING}
    # The way back of the step that writes beside it tells it, too.
    assert told == {warned} | ({TIMEOUT} if ending is not Ending.DONE else set())
    assert graph.function()["timeout"] == 77
    if ending is not Ending.DONE:
        assert graph.unlike(before) == {f"{ROW}/timeout": (30, 77)}


def test_an_edit_just_after_a_write_is_not_taken_for_our_own(graph: Graph) -> None:
    """The answer to new code does not tell the whole function, so it is read, and somebody may come before that."""
    graph.deploy(FIRST)
    graph.write(SECOND)
    before = graph.cloud()
    graph.stage.plan()
    # An apply plans, looks before it writes, and looks at what it wrote.
    reads = sum(one["operation"] == "ShowFunctionConfig" for one in graph.stage.requests())
    edit = {"touch": {"set": {"description": "theirs"}}}
    graph.stage.faults({"match": {"operation": "ShowFunctionConfig", "nth": reads + 2}, "effect": edit})
    outcome = graph.stage.apply(ending=Ending.ROLLED_BACK)
    graph.stage.faults()
    assert outcome.diagnostics[0].summary == "function default/s-f was changed by somebody else meanwhile"
    assert graph.unlike(before) == {f"{ROW}/description": ("first", "theirs")}


@pytest.mark.proof
def test_how_long_the_window_is(graph: Graph, figure: Callable[[str], None]) -> None:
    """From the answer of the second read to the arrival of the write, on this machine alone."""
    graph.deploy(FIRST)
    windows: dict[str, list[float]] = {}
    for number in range(4):
        graph.write((SECOND, FIRST)[number % 2])
        graph.stage.requests()
        graph.stage.apply()
        asked = graph.stage.requests()
        for at, write in enumerate(asked):
            if write["operation"] in SEVERAL[:3]:
                read = asked[at - 1] if asked[at - 1]["operation"] == "ShowFunctionConfig" else asked[at - 2]
                assert read["operation"] == "ShowFunctionConfig"
                answered = datetime.fromisoformat(read["ts"]).timestamp() * 1000 + read["durationMs"]
                began = datetime.fromisoformat(write["ts"]).timestamp() * 1000
                windows.setdefault(write["operation"], []).append(began - answered)
    for name, found in windows.items():
        figure(
            f"from second read to write, {name}: median {statistics.median(found):.1f} ms, longest {max(found):.1f} ms"
        )
