"""FunctionGraph's versions, aliases, layers, reserved instances and async configs, from the file to the cloud and back
(S10, S23, S24, S30-S33, S44)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.model import Action, Ending

PROJECT = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b"
REGION = "cn-north-4"
HERE = f"{PROJECT}/{REGION}"
PLACE = "default/s-f0"
URN = f"urn:fss:{REGION}:{PROJECT}:function:default:s-f0"
ALL = Wishes(allow_unsafe=True)


@pytest.fixture
def graph(stage: Any) -> Any:
    """A stage with the keys of the other cloud."""
    stage.environ |= {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk"}
    return stage


def spec(graph: Any, **service: Any) -> dict[str, Any]:
    """A service with one function `f0`, and more of the service."""
    return {
        "apiVersion": "fcdeploy/v1",
        "project": "staged",
        "targets": {"dev": {"provider": "huawei", "region": REGION, "projectId": PROJECT}},
        "defaults": {"function": {"runtime": "python3.10", "handler": "index.handler"}},
        "services": {"s": {"functions": {"f0": {"code": graph.write_source("src")}}, **service}},
    }


def released(graph: Any, **versions: Any) -> dict[str, Any]:
    """A function that publishes on change and whose alias follows."""
    return spec(
        graph,
        versions={"publish": "on-change", **versions},
        aliases={"live": {"version": "latest", "weights": {"previous": 0.1}}},
    )


def new_code(graph: Any, text: str) -> None:
    graph.write_source("src", f"TEXT = '{text}'\n\n\ndef handler(event, context):\n    return TEXT\n")


def rows(graph: Any, kind: str, parent: str = PLACE) -> dict[str, Any]:
    """What the cloud has of a kind beneath a place, by name."""
    begin = f"{HERE}/{kind}/{parent}/"
    return {address.removeprefix(begin): body for address, body in graph.dump().items() if address.startswith(begin)}


def versions(graph: Any) -> list[int]:
    return sorted(int(name) for name in rows(graph, "fgs-version"))


def alias(graph: Any, name: str = "live") -> tuple[str, Any]:
    body = rows(graph, "fgs-alias")[name]
    return body["version"], body["additional_version_weights"] or {}


def operations(graph: Any) -> list[str]:
    return [step.call.operation for step in graph.plan().steps]


def test_only_other_code_is_published_and_the_alias_follows(graph: Any) -> None:
    file = released(graph)
    file["services"]["s"]["functions"]["f1"] = {"code": graph.write_source("other")}
    graph.write(file)
    graph.apply()
    assert versions(graph) == [1]
    assert alias(graph) == ("1", {})
    assert graph.plan().is_empty
    file["services"]["s"]["functions"]["f0"]["memorySize"] = 256
    graph.write(file)
    plan = graph.plan()
    assert [step.call.operation for step in plan.steps] == ["UpdateFunctionConfig"]
    assert "function default/s-f0: version 1 stays as it is, without what changed in: memorySize" in {
        one.summary for one in plan.warnings
    }
    graph.apply()
    assert versions(graph) == [1]
    new_code(graph, "a")
    assert operations(graph) == ["UpdateFunctionCode", "CreateFunctionVersion", "UpdateVersionAlias"]
    graph.apply()
    assert versions(graph) == [1, 2]
    assert alias(graph) == ("2", {"1": 10})
    # Each function has versions of its own.
    assert set(rows(graph, "fgs-version", "default/s-f1")) == {"1"}
    assert rows(graph, "fgs-version")["2"]["memory_size"] == 256
    assert "[fcdeploy:staged/dev]" in rows(graph, "fgs-version")["2"]["version_description"]
    assert graph.plan().is_empty


def test_a_secret_alone_is_not_published_and_the_plan_says_so(graph: Any) -> None:
    graph.environ["DB"] = "first-value"
    file = released(graph) | {"secrets": {"DB": {"env": "DB"}}}
    file["services"]["s"]["functions"]["f0"]["environmentVariables"] = {"DB": "${{ secret('DB') }}"}
    graph.write(file)
    graph.apply()
    assert not [one for one in graph.plan().warnings if "stays as it is" in one.summary]
    stays = "function default/s-f0: version 1 stays as it is, without what changed in: encryptedVariables"
    graph.environ["DB"] = "second-value"
    plan = graph.plan(ALL)
    assert [step.call.operation for step in plan.steps] == ["UpdateFunctionConfig", "CreateTags"]
    assert stays in {one.summary for one in plan.warnings}
    assert "-value" not in repr(plan)
    # With other code the secret goes into the next version, and nothing stays.
    new_code(graph, "a")
    plan = graph.plan(ALL)
    assert "CreateFunctionVersion" in {step.call.operation for step in plan.steps}
    assert stays not in {one.summary for one in plan.warnings}


@pytest.mark.proof
def test_keep_leaves_what_is_named(graph: Any) -> None:
    file = released(graph, keep=2)
    graph.write(file)
    graph.apply()
    for text in "ab":
        new_code(graph, text)
        graph.apply()
    assert versions(graph) == [2, 3]
    file["services"]["s"]["aliases"] = {"live": {"version": "latest"}, "old": {"version": "previous"}}
    graph.write(file)
    graph.apply()
    assert (alias(graph), alias(graph, "old")) == (("3", {}), ("2", {}))
    # Each moves on: the one that is ahead makes room first, since a version has one alias.
    new_code(graph, "c")
    graph.apply()
    assert (alias(graph), alias(graph, "old")) == (("4", {}), ("3", {}))
    assert versions(graph) == [3, 4]
    assert graph.plan().is_empty
    del file["services"]["s"]["aliases"]["old"]
    graph.write(file)
    graph.apply(ALL)
    assert set(rows(graph, "fgs-alias")) == {"live"}
    # An alias goes by its own endpoint: the other would take its version along.
    assert versions(graph) == [3, 4]


@pytest.mark.proof
def test_calls_are_led_by_their_content(graph: Any) -> None:
    file = released(graph)
    rules = {
        "resolvePolicy": "Content",
        "routePolicy": {
            "condition": "OR",
            "policyItems": [{"type": "Header", "key": "x-canary", "operator": "in", "value": "1,2"}],
        },
    }
    aliases = file["services"]["s"]["aliases"]
    aliases["live"] = {"version": "latest", "weights": {"previous": 1}, **rules}
    graph.write(file)
    graph.apply()
    # The other version is not there yet, so there is nothing that rules could lead to.
    assert graph.plan().is_empty
    new_code(graph, "a")
    aliases["live"] |= {"version": "previous", "weights": {"latest": 1}}
    graph.write(file)
    graph.apply()
    body = rows(graph, "fgs-alias")["live"]
    rule = {"rule_type": "Header", "param": "x-canary", "op": "in", "value": "1,2"}
    assert body["additional_version_strategy"] == {"2": {"rules": [rule], "combine_type": "or"}}
    assert graph.plan().is_empty
    aliases["live"] = {"version": "latest", "weights": {"1": 0.25}}
    graph.write(file)
    graph.apply()
    assert alias(graph) == ("2", {"1": 25})
    assert not rows(graph, "fgs-alias")["live"]["additional_version_strategy"]
    assert graph.plan().is_empty


def test_a_failure_after_the_publish_takes_the_version_back(graph: Any) -> None:
    graph.write(released(graph))
    graph.apply()
    before = rows(graph, "fgs-version"), rows(graph, "fgs-alias")
    new_code(graph, "a")
    graph.faults(
        {
            "match": {"operation": "UpdateVersionAlias"},
            "when": "before",
            "effect": {"status": 400, "code": "FSS.0400", "message": "refused by the test"},
        }
    )
    graph.apply(ending=Ending.ROLLED_BACK)
    graph.faults()
    assert (rows(graph, "fgs-version"), rows(graph, "fgs-alias")) == before
    # The emulator remembers what was published: the stricter reading of FSS.1016 (facts 4).
    refused = graph.apply(ending=Ending.ROLLED_BACK)
    assert "any change of the code" in str(refused)
    new_code(graph, "b")
    graph.apply()
    assert versions(graph) == [1, 2]


def test_a_function_follows_its_layer(graph: Any) -> None:
    graph.write_source("lib", "X = 1\n")
    file = spec(graph)
    file["layers"] = {"libs": {"code": "./lib", "compatibleRuntime": ["python3.10"], "keep": 1, "description": "libs"}}
    file["services"]["s"]["functions"]["f0"]["layers"] = ["libs"]
    graph.write(file)
    graph.apply()

    def layers() -> dict[int, str]:
        found = [row["body"] for row in graph.whole_dump() if row["kind"] == "fgs-dependency-version"]
        return {int(body["version"]): str(body["id"]) for body in found}

    def used() -> list[str]:
        return list(rows(graph, "fgs-function", "default")["s-f0"]["depend_version_list"])

    assert used() == [layers()[1]]
    assert graph.plan().is_empty
    graph.write_source("lib", "X = 2\n")
    graph.apply()
    assert set(layers()) == {2}
    assert used() == [layers()[2]]
    assert graph.plan().is_empty
    del file["services"]["s"]["functions"]["f0"]["layers"], file["layers"]
    graph.write(file)
    graph.apply(ALL)
    assert (layers(), used()) == ({}, [])


def test_what_hangs_on_a_qualifier_comes_changes_and_goes(graph: Any) -> None:
    file = released(graph)
    function = file["services"]["s"]["functions"]["f0"]
    function["provision"] = {
        "live": {
            "target": 2,
            "alwaysAllocateCPU": False,
            "scheduledActions": [
                {
                    "name": "noon",
                    "startTime": "2026-01-01T00:00:00Z",
                    "endTime": "2027-01-01T00:00:00Z",
                    "target": 5,
                    "scheduleExpression": "cron(0 0 12 * * *)",
                }
            ],
        }
    }
    function["asyncInvoke"] = {
        "LATEST": {"maxAsyncRetryAttempts": 2},
        "live": {
            "destinationConfig": {
                "onSuccess": {"destination": "obs://results/done", "expires": 30},
                "onFailure": {"destination": {"function": "s/f0"}},
            }
        },
    }
    graph.write(file)
    graph.apply()
    reserved = rows(graph, "fgs-reserved")["!live"]
    assert (reserved["min_count"], reserved["idle_mode"]) == (2, True)
    assert [one["start_time"] for one in reserved["tactics_config"]["cron_configs"]] == [1767225600]
    configs = rows(graph, "fgs-async-config")
    assert configs["latest"]["max_async_retry_attempts"] == 2
    ends = configs["!live"]["destination_config"]
    assert json.loads(ends["on_success"]["param"]) == {"bucket": "results", "prefix": "done", "expires": 30}
    assert json.loads(ends["on_failure"]["param"]) == {"func_urn": f"{URN}:latest"}
    assert graph.plan().is_empty
    function["provision"]["live"] = {"target": 3}
    function["asyncInvoke"] = {"live": {"destinationConfig": {"onFailure": {"destination": "dis://failed"}}}}
    graph.write(file)
    graph.apply()
    reserved = rows(graph, "fgs-reserved")["!live"]
    assert (reserved["min_count"], reserved["idle_mode"]) == (3, False)
    assert not any(reserved["tactics_config"].values())
    configs = rows(graph, "fgs-async-config")
    assert set(configs) == {"!live"}
    assert configs["!live"]["destination_config"] == {
        "on_failure": {"destination": "DIS", "param": '{"stream_name":"failed"}'}
    }
    assert graph.plan().is_empty
    del function["provision"], function["asyncInvoke"]
    graph.write(file)
    assert {change.action for change in graph.plan().changes if change.action is not Action.NONE} == {Action.DELETE}
    graph.apply(ALL)
    assert rows(graph, "fgs-reserved").get("!live", {"min_count": 0})["min_count"] == 0
    assert rows(graph, "fgs-async-config") == {}
    assert graph.plan().is_empty


@pytest.mark.proof
def test_what_others_named_is_no_version_of_ours(graph: Any) -> None:
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkfunctiongraph.v2 import (
        CreateFunctionVersionRequest,
        CreateFunctionVersionRequestBody,
        FunctionGraphClient,
        UpdateFunctionReservedInstancesCountRequest,
        UpdateFunctionReservedInstancesCountRequestBody,
    )

    graph.write(spec(graph))
    graph.apply()
    client = (
        FunctionGraphClient.new_builder()
        .with_credentials(BasicCredentials("ak", "sk", PROJECT))
        .with_endpoint(graph.emulator.url)
        .build()
    )
    client.create_function_version(
        CreateFunctionVersionRequest(function_urn=URN, body=CreateFunctionVersionRequestBody(version="v2026"))
    )
    client.update_function_reserved_instances_count(
        UpdateFunctionReservedInstancesCountRequest(
            function_urn=f"{URN}:v2026", body=UpdateFunctionReservedInstancesCountRequestBody(count=1)
        )
    )
    assert graph.plan().is_empty
    file = spec(graph, versions={"publish": "on-change", "keep": 1})
    graph.write(file)
    for text in ("ours", "ours again"):
        new_code(graph, text)
        graph.apply()
    assert set(rows(graph, "fgs-version")) == {"2", "v2026"}
    assert rows(graph, "fgs-reserved")["v2026"]["min_count"] == 1


@pytest.mark.proof
def test_destroy_leaves_nothing(graph: Any) -> None:
    file = released(graph)
    file["services"]["s"]["functions"]["f0"]["provision"] = {"live": {"target": 1}}
    file["services"]["s"]["functions"]["f0"]["asyncInvoke"] = {"maxAsyncRetryAttempts": 0}
    graph.write(file)
    graph.apply()
    graph.apply(destroy=True)
    assert {name: body for name, body in graph.dump().items() if "/fgs-" in name} == {}


@pytest.mark.proof
def test_an_alias_moves_back_and_is_pinned(graph: Any) -> None:
    file = released(graph)
    graph.write(file)
    graph.apply()
    new_code(graph, "a")
    graph.apply()
    graph.move_back("live")
    assert alias(graph) == ("1", {})
    assert "pinned" in rows(graph, "fgs-alias")["live"]["description"]
    (result,) = graph.plan_report().results
    assert "pinned" in str(result.problem or result.plan or ""), result
    file["services"]["s"]["aliases"]["live"] = {"version": "1"}
    graph.write(file)
    graph.apply()
    assert graph.plan().is_empty
