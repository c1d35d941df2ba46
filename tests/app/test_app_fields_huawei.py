"""Each field of a function of FunctionGraph, and of a service: set, changed, removed, with an empty plan after each.

Each field has a function of its own in one file, so that all are tried side by side, and a plan that shows anything of
another one is found as well.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fcdeploy.app import Wishes
from fcdeploy.kinds.fields import Access
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Action, Change, Ending, Plan

PROJECT, REGION = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b", "cn-north-4"
CASES: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "cases" / "fields-functiongraph.yaml").read_text(encoding="utf-8")
)
KIND = KINDS["huawei", "function"]
PLAIN = {"runtime": "python3.10", "handler": "index.handler", "code": "./src"}
ALL = Wishes(allow_unsafe=True)


@pytest.fixture
def graph(stage: Any) -> Any:
    """The stage with keys of Huawei Cloud, and two folders of code."""
    stage.environ |= {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk"}
    stage.write_source("src")
    stage.write_source("other", "def handler(event, context):\n    return 'other'\n")
    return stage


def spec(services: dict[str, Any], **more: Any) -> dict[str, Any]:
    target = {"provider": "huawei", "region": REGION, "projectId": PROJECT}
    return {
        "apiVersion": "fcdeploy/v1",
        "project": "staged",
        "targets": {"dev": target},
        "services": services,
        **more,
    }


def function(**fields: Any) -> dict[str, Any]:
    """A function with these fields; null takes one away."""
    made = {name: value for name, value in {**PLAIN, **fields}.items() if value is not None}
    if made["runtime"] in ("http", "custom", "custom-container") and "handler" not in fields:
        del made["handler"]
    return made


def applied(stage: Any, services: dict[str, Any], **more: Any) -> Plan:
    """The plan that was applied; the one after it is empty."""
    stage.write(spec(services, **more))
    plans: list[Plan] = []

    def confirm(report: Any) -> bool:
        plans.extend(result.plan for result in report.results)
        return True

    (outcome,) = stage.apply_report(ALL, confirm=confirm).outcomes or (None,)
    if outcome is not None:
        assert outcome.ending is Ending.DONE, "\n".join(map(str, outcome.diagnostics))
    again = stage.plan(ALL)
    assert again.is_empty, [(one.address.short, one.action, one.fields) for one in again.changes]
    return plans[0] if plans else again


def made_layers(stage: Any) -> dict[str, str]:
    """The ids of two versions of dependencies that somebody else made, put into the cloud by hand."""
    from fcdeploy.emulator.exchange import Tenant
    from fcdeploy.emulator.store import Row, etag_of

    ids = {name: f"{name}-id" for name in ("base", "tools")}
    with stage.emulator.app.world.write(Tenant(PROJECT, REGION)) as session:
        for name, one in ids.items():
            body = {"id": one, "dep_id": name, "name": name, "version": 1, "owner": PROJECT, "runtime": "Python3.10"}
            etag = etag_of(body)
            day = "2026-01-01T00:00:00Z"
            session.put(
                Row(
                    kind="fgs-dependency-version",
                    parent=name,
                    name="1",
                    body=body,
                    etag=etag,
                    created=day,
                    modified=day,
                )
            )
    return ids


def by_word(plan: Plan) -> dict[str, Change]:
    """What a plan does, by the field that the function is for."""
    found = {one.address.identity[1].removeprefix("s-"): one for one in plan.changes}
    assert len(found) == len(plan.changes)
    return found


def test_every_field_has_a_case() -> None:
    assert CASES.keys() == {one.spec_name for one in KIND.fields if one.access is not Access.PLANNING}


@pytest.mark.parametrize("replaces", [False, pytest.param(True, marks=pytest.mark.proof)], ids=["merging", "replacing"])
def test_each_field_is_set_changed_and_taken_back(graph: Any, replaces: bool) -> None:
    world = graph.emulator.app.world
    world.settings = replace(world.settings, config_replaces=replaces)
    ids = made_layers(graph)

    def at(number: int | None) -> dict[str, Any]:
        functions = {}
        for word, case in CASES.items():
            given = dict(case.get("with", {}))
            if number is not None:
                text = json.dumps(case["values"][number])
                for name, one in ids.items():
                    text = text.replace(f"{{{name}}}", one)
                given[word] = json.loads(text)
            elif word in ("customContainerConfig", "runtime", "code"):
                given[word] = case["values"][1]
            functions[word] = function(**given)
        return {"s": {"functions": functions}}

    first = by_word(applied(graph, at(0)))
    assert first.keys() == CASES.keys() and {one.action for one in first.values()} == {Action.CREATE}
    for number in (1, None):
        found = by_word(applied(graph, at(number)))
        shown = {
            word: {one.path.partition(".")[0] for one in change.fields} - ({"tags"} if word != "tags" else set())
            for word, change in found.items()
        }
        expected = {
            word: {word, *case.get("also", []), *(case.get("leaving", []) if number is None else [])}
            for word, case in CASES.items()
            if is_changed(word, case, number)
        }
        assert shown == expected


def is_changed(word: str, case: dict[str, Any], number: int | None) -> bool:
    """Whether the plan changes the field: from the first value to the second, or, without a number, to none."""
    first, second = case["values"]
    if number is not None:
        return bool(first != second)
    return not (case.get("stays") or is_default(word, second))


def is_default(word: str, value: Any) -> bool:
    one = KIND.field(word)
    return any(default.value == value for default in one.defaults)


def stored(stage: Any, name: str) -> dict[str, Any]:
    """What the emulator has of a function."""
    return next(row["body"] for row in stage.whole_dump() if row["kind"] == "fgs-function" and row["name"] == name)


def test_what_a_service_says_holds_for_its_functions(graph: Any) -> None:
    service = {
        "description": "of all",
        "role": "agency",
        "internetAccess": False,
        "vpcConfig": {"vpcId": "v", "vSwitchIds": ["s"]},
        "tags": {"team": "a"},
        "functions": {"f": function(), "g": function(description="mine", tags={"team": "b"}, name="other")},
    }
    applied(graph, {"s": service})
    first, second = stored(graph, "s-f"), stored(graph, "other")
    assert first["xrole"] == second["xrole"] == "agency"
    assert first["func_vpc"]["vpc_id"] == second["func_vpc"]["vpc_id"] == "v"
    assert first["network_controller"]["disable_public_network"] is True
    # There is no service that it could describe, and no function is described by it (S44).
    assert (first["description"], second["description"]) == ("", "mine")
    mark = {"fcdeploy.project": "staged", "fcdeploy.target": "dev"}
    assert first["_tags"] == {**mark, "team": "a"} and second["_tags"] == {**mark, "team": "b"}
    del service["vpcConfig"]
    plan = applied(graph, {"s": service})
    assert {one.address.identity[1]: [each.path for each in one.fields] for one in plan.changes} == {
        "other": ["vpcConfig"],
        "s-f": ["vpcConfig"],
    }
    assert not (stored(graph, "s-f")["func_vpc"] or {}).get("vpc_id")
    # The whole update left the rest as it was.
    assert stored(graph, "other")["xrole"] == "agency"
    applied(graph, {"s": {"functions": {}}})
    assert [row for row in graph.whole_dump() if row["kind"] == "fgs-function"] == []


def test_secrets_are_stored_encrypted_and_told_apart_by_their_digest(graph: Any) -> None:
    graph.environ |= {"DB": "hunter2-one", "API": "another-secret"}
    more = {"secrets": {"DB": {"env": "DB"}, "API": {"env": "API"}}}
    variables = {"MODE": "fast", "DB_PASSWORD": "${{ secret('DB') }}", "URL": "https://${{ secret('API') }}@host"}
    services = {"s": {"functions": {"f": function(environmentVariables=variables)}}}
    applied(graph, services, **more)
    body = stored(graph, "s-f")
    assert json.loads(body["user_data"]) == {"MODE": "fast"}
    assert json.loads(body["encrypted_user_data"]) == {
        "DB_PASSWORD": "hunter2-one",
        "URL": "https://another-secret@host",
    }
    digest = body["_tags"]["fcdeploy.secrets"]
    assert len(digest) == 32

    # What goes along with another change is not lost, whichever way the service reads an update.
    services["s"]["functions"]["f"]["timeout"] = 30
    plan = applied(graph, services, **more)
    assert [one.path for one in plan.changes[0].fields] == ["timeout"]
    assert json.loads(stored(graph, "s-f")["encrypted_user_data"])["DB_PASSWORD"] == "hunter2-one"

    graph.environ["DB"] = "hunter2-two"
    plan = graph.plan(ALL)
    (change,) = plan.changes
    assert "hunter2" not in repr(plan)
    assert any("cannot be undone" in one.summary for one in plan.warnings)
    assert {one.path.partition(".")[0] for one in change.fields} == {"encryptedVariables", "tags"}
    applied(graph, services, **more)
    body = stored(graph, "s-f")
    assert json.loads(body["encrypted_user_data"])["DB_PASSWORD"] == "hunter2-two"
    assert body["_tags"]["fcdeploy.secrets"] != digest

    # Without secrets nothing of them is compared.
    graph.environ["DB"] = "hunter2-three"
    plan = graph.plan(ALL, secrets=False)
    assert plan.is_empty and len(plan.unread) == 2

    services["s"]["functions"]["f"]["environmentVariables"] = {"MODE": "fast"}
    applied(graph, services, **more)
    body = stored(graph, "s-f")
    assert (body["encrypted_user_data"], "fcdeploy.secrets" in body["_tags"]) == ("", False)


def test_code_may_lie_in_a_bucket(graph: Any) -> None:
    services = {"s": {"functions": {"f": function(code="obs://my-bucket/a/code.zip")}}}
    applied(graph, services)
    body = stored(graph, "s-f")
    address = f"https://my-bucket.obs.{REGION}.myhuaweicloud.com"
    assert (body["code_type"], body["code_url"]) == ("obs", f"{address}/a/code.zip")
    # With its checksum another object under the same name can be told.
    services["s"]["functions"]["f"]["code"] = {"obs": "obs://my-bucket/a/code.zip", "checksum": body["digest"]}
    assert applied(graph, services).is_empty
