"""Aliases of functions that are moved back and stay there, where the file says them once for all (S33, S44)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fcdeploy.app import MoveReport, Wishes
from fcdeploy.emulator.exchange import Tenant
from fcdeploy.errors import RunError
from fcdeploy.model import Ending

PROJECT = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b"
REGION = "cn-north-4"
HERE = f"{PROJECT}/{REGION}"


@pytest.fixture
def graph(stage: Any) -> Any:
    """A stage with the keys of the other cloud."""
    stage.environ |= {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk"}
    return stage


def new_code(graph: Any, *sources: str, text: str = "") -> dict[str, str]:
    code = f"TEXT = '{text}'\n\n\ndef handler(event, context):\n    return TEXT\n"
    return {source: graph.write_source(source, f"# {source}\n{code}") for source in sources}


def spec(graph: Any, **aliases: Any) -> dict[str, Any]:
    """A service with the functions `a` and `b`, versions on change and these aliases, each of its own code."""
    code = new_code(graph, "a", "b")
    functions = {
        name: {"code": path, "runtime": "python3.10", "handler": "index.handler"} for name, path in code.items()
    }
    return {
        "apiVersion": "fcdeploy/v1",
        "project": "staged",
        "targets": {"dev": {"provider": "huawei", "region": REGION, "projectId": PROJECT}},
        "services": {"s": {"functions": functions, "versions": {"publish": "on-change"}, "aliases": aliases}},
    }


def led(graph: Any, name: str = "live") -> dict[str, str]:
    """Where the alias of this name leads, by function."""
    found = {}
    for address, body in graph.dump().items():
        where, _, last = address.rpartition("/")
        if where.startswith(f"{HERE}/fgs-alias/") and last == name:
            found[where.rpartition("/")[2]] = str(body["version"])
    return found


def problem(report: MoveReport) -> RunError:
    (result,) = report.plans.results
    assert report.outcomes == ()
    assert isinstance(result.problem, RunError), result
    return result.problem


@pytest.mark.proof
def test_what_the_last_release_moved_goes_back_and_no_other(graph: Any) -> None:
    file = spec(graph, live={"version": "latest"})
    graph.write(file)
    graph.apply()
    new_code(graph, "a", "b", text="1")
    graph.apply()
    new_code(graph, "a", text="2")
    graph.apply()
    assert led(graph) == {"s-a": "3", "s-b": "2"}
    report = graph.move_back()
    assert led(graph) == {"s-a": "2", "s-b": "2"}
    (result,) = report.plans.results
    assert [one.summary for one in result.plan.warnings] == ["alias default/s-b/live stays where it is"]
    (kept,) = report.kept
    assert (kept.line, kept.above) == ('aliases: {live: {version: "2"}}', "services.s")
    refused = [one.summary for result in graph.plan_report().results for one in result.problems]
    assert refused == ["alias default/s-a/live was moved back to version 2 and pinned there"]
    file["services"]["s"]["aliases"]["live"] = {"version": "2"}
    graph.write(file)
    assert graph.plan().is_empty

    # Named by what the file calls it, one goes back by itself; then the two stand at different numbers.
    report = graph.move_back(name="s/b/live")
    assert led(graph) == {"s-a": "2", "s-b": "1"}
    assert [one.line for one in report.kept] == ["aliases: {live: {ignore: [version]}}"]
    file["services"]["s"]["aliases"]["live"] = {"version": "latest", "ignore": ["version"]}
    graph.write(file)
    assert graph.plan().is_empty
    file["services"]["s"]["aliases"]["live"] = {"version": "latest"}
    graph.write(file)
    graph.apply(Wishes(forward=True))
    assert led(graph) == {"s-a": "3", "s-b": "2"}


def test_an_alias_does_not_go_back_to_where_another_stands(graph: Any) -> None:
    file = spec(graph, live={"version": "latest"})
    del file["services"]["s"]["functions"]["b"]
    graph.write(file)
    graph.apply()
    new_code(graph, "a", text="1")
    file["services"]["s"]["aliases"]["stable"] = {"version": "previous"}
    graph.write(file)
    graph.apply()
    assert (led(graph), led(graph, "stable")) == ({"s-a": "2"}, {"s-a": "1"})
    refused = problem(graph.move_back())
    assert refused.summary == "alias default/s-a/live cannot stand beside alias default/s-a/stable"
    assert (led(graph), led(graph, "stable")) == ({"s-a": "2"}, {"s-a": "1"})


@pytest.mark.proof
def test_a_chain_of_aliases_moves_on_and_all_the_way_back(graph: Any) -> None:
    file = spec(graph, live={"version": "latest"})
    del file["services"]["s"]["functions"]["b"]
    graph.write(file)
    for text in ("", "1", "2"):
        new_code(graph, "a", text=text)
        graph.apply()
    aliases = file["services"]["s"]["aliases"]
    aliases |= {"before": {"version": "previous"}, "first": {"version": "1"}}
    graph.write(file)
    graph.apply()
    before = graph.dump()
    new_code(graph, "a", text="3")
    aliases["first"] = {"version": "2"}
    graph.write(file)
    (steps,) = [[step.address.name for step in graph.plan().steps if step.address.kind == "alias"]]
    assert steps == ["default/s-a/live", "default/s-a/before", "default/s-a/first"]
    graph.faults(
        {
            "match": {"operation": "UpdateVersionAlias", "nth": 3},
            "when": "before",
            "effect": {"status": 400, "code": "FSS.0400", "message": "refused by the test"},
        }
    )
    graph.apply(ending=Ending.ROLLED_BACK)
    graph.faults()
    # When, how often, and what was last published are never as they were (S40).
    new = ("last_modified", "image_name", "_published")
    assert [one for one in graph.difference(before) if one[1] not in new] == []


def test_a_layer_whose_checksum_says_nothing_is_compared_by_its_files(graph: Any) -> None:
    file = spec(graph)
    file["services"] = {}
    graph.write_source("lib", "X = 1\n")
    file["layers"] = {"libs": {"code": "./lib", "compatibleRuntime": ["python3.10"]}}
    graph.write(file)
    graph.apply()
    (row,) = [row for row in graph.whole_dump() if row["kind"] == "fgs-dependency-version"]
    # What was uploaded in parts has an MD5 of MD5s.
    with graph.emulator.app.world.write(Tenant(PROJECT, REGION)) as session:
        held = session.get(row["kind"], row["parent"], row["name"])
        session.put(replace(held, body={**held.body, "etag": f"{'ab' * 16}-2"}))
    assert graph.plan().is_empty
    graph.write_source("lib", "X = 2\n")
    (change,) = graph.plan().changes
    assert [one.note for one in change.fields if one.path == "code"] == ["files that differ: ~index.py"]


def test_a_publish_without_an_answer_is_found_and_not_sent_twice(graph: Any) -> None:
    file = spec(graph, live={"version": "latest"})
    del file["services"]["s"]["functions"]["b"]
    graph.write(file)
    graph.faults({"match": {"operation": "CreateFunctionVersion"}, "when": "after", "effect": {"disconnect": True}})
    outcome = graph.apply()
    graph.faults()
    assert led(graph) == {"s-a": "1"}
    assert [one["operation"] for one in graph.writes()].count("CreateFunctionVersion") == 1
    assert outcome.ending is Ending.DONE


def test_a_version_that_somebody_else_publishes_first_is_theirs(graph: Any) -> None:
    file = spec(graph, live={"version": "latest"})
    del file["services"]["s"]["functions"]["b"]
    graph.write(file)
    rule = {"match": {"operation": "CreateFunctionVersion"}, "when": "before", "effect": {"touch": {}}}
    graph.faults(rule)
    outcome = graph.apply(ending=Ending.ROLLED_BACK)
    graph.faults()
    assert "made by somebody else meanwhile" in outcome.diagnostics[0].summary
