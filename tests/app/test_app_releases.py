"""Releases: versions, aliases and what hangs on them (S30-S33)."""

from __future__ import annotations

from typing import Any

import fc2
import pytest

from fcdeploy.app import Wishes
from fcdeploy.model import Action, Ending

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

APIS = ("2021-04-06", "2016-08-15")
HERE = "1234567890123456/cn-hangzhou"
ALL = Wishes(allow_unsafe=True)


def released(stage: Any, api: str = APIS[0], functions: int = 2, **versions: Any) -> dict[str, Any]:
    """A service that publishes on change and whose alias follows, with a trigger and settings on the alias."""
    spec: dict[str, Any] = stage.spec(functions, api=api)
    service = spec["services"]["s"]
    service["versions"] = {"publish": "on-change", **versions}
    service["aliases"] = {"live": {"version": "latest", "weights": {"previous": 0.1}}}
    first = service["functions"]["f0"]
    first["triggers"]["t"]["qualifier"] = "live"
    first["provision"] = {"live": {"target": 2}}
    first["asyncInvoke"] = {"live": {"maxAsyncRetryAttempts": 1}}
    first["onDemand"] = {"live": {"maximumInstanceCount": 3}}
    return spec


def official(stage: Any) -> Any:
    """The vendor's own client: somebody else at work on the account."""
    return fc2.Client(endpoint=stage.emulator.url, accessKeyID="ak", accessKeySecret="sk")


def versions(stage: Any) -> list[int]:
    return sorted(int(address.rpartition("/")[2]) for address in stage.dump() if "/version/" in address)


def alias(stage: Any, name: str = "live") -> tuple[str, dict[str, float] | None]:
    body = stage.dump()[f"{HERE}/alias/s/{name}"]
    return body["versionId"], body["additionalVersionWeight"]


@pytest.mark.parametrize("api", APIS)
def test_a_change_is_published_once_and_the_alias_follows(stage: Any, api: str) -> None:
    spec = released(stage, api)
    stage.write(spec)
    stage.apply()
    assert versions(stage) == [1]
    assert alias(stage) == ("1", {})
    assert stage.plan().is_empty
    stage.write_source("src", "def handler(event, context):\n    return 'new'\n")
    operations = [step.call.operation for step in stage.plan().steps]
    assert operations == ["UpdateFunction", "UpdateFunction", "PublishServiceVersion", "UpdateAlias"]
    stage.requests()
    stage.apply()
    assert [entry["operation"] for entry in stage.writes()][2:] == ["PublishServiceVersion", "UpdateAlias"]
    assert versions(stage) == [1, 2]
    assert alias(stage) == ("2", {"1": 0.1})
    assert stage.plan().is_empty
    stage.apply()
    assert versions(stage) == [1, 2]


@pytest.mark.parametrize("api", APIS)
def test_what_leaves_the_file_is_in_no_version_any_more(stage: Any, api: str) -> None:
    spec = released(stage, api, functions=4)
    stage.write(spec)
    stage.apply()
    del spec["services"]["s"]["functions"]["f3"]
    stage.write(spec)
    stage.apply()
    assert versions(stage) == [1, 2]
    frozen = official(stage).list_functions("s", qualifier="2").data["functions"]
    assert [one["functionName"] for one in frozen] == ["f0", "f1", "f2"]
    assert stage.plan().is_empty


@pytest.mark.proof
def test_keep_leaves_what_is_named_and_what_others_published(stage: Any) -> None:
    spec = released(stage, keep=2)
    stage.write(spec)
    stage.apply()
    for text in "abc":
        stage.write_source("src", f"TEXT = '{text}'\n\n\ndef handler(event, context):\n    return TEXT\n")
        stage.apply()
    assert versions(stage) == [3, 4]
    spec["services"]["s"]["aliases"]["old"] = {"version": "3"}
    stage.write(spec)
    stage.apply()
    for text in "de":
        stage.write_source("src", f"TEXT = '{text}'\n\n\ndef handler(event, context):\n    return TEXT\n")
        stage.apply()
    assert versions(stage) == [3, 5, 6]
    assert stage.plan().is_empty


def test_a_failure_after_the_publish_takes_the_version_back(stage: Any) -> None:
    spec = released(stage)
    stage.write(spec)
    stage.apply()
    before = stage.dump()
    stage.write_source("src", "def handler(event, context):\n    return 'new'\n")
    stage.faults(
        {
            "match": {"operation": "UpdateAlias"},
            "when": "before",
            "effect": {"status": 400, "code": "InvalidArgument", "message": "refused by the test"},
        }
    )
    stage.apply(ending=Ending.ROLLED_BACK)
    stage.faults()
    assert stage.difference(before) == []
    stage.apply()
    assert versions(stage) == [1, 3]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_reply_never_publishes_twice(stage: Any, hurried: list[float], when: str) -> None:
    spec = released(stage)
    stage.write(spec)
    stage.faults(
        {"match": {"operation": "PublishServiceVersion", "nth": 1}, "when": when, "effect": {"disconnect": True}}
    )
    stage.apply()
    assert versions(stage) == [1]
    assert alias(stage) == ("1", {})


def test_destroy_removes_aliases_versions_and_the_service(stage: Any) -> None:
    stage.write(released(stage))
    stage.apply()
    stage.write_source("src", "def handler(event, context):\n    return 'new'\n")
    stage.apply()
    stage.apply(destroy=True)
    assert stage.dump() == {}


def test_what_somebody_changes_before_the_publish_is_not_released(stage: Any) -> None:
    stage.write(released(stage, functions=3))
    stage.apply()
    stage.write_source("src", "def handler(event, context):\n    return 'new'\n")

    def changed(step: Any, event: Any) -> None:
        if step.id.startswith("update") and step.address.name == "s/f1":
            stage.change("function", "s", "f1", description="theirs")

    stage.watcher.on_ended = changed
    outcome = stage.apply(ending=Ending.ROLLED_BACK)
    assert any("function s/f1 changed since the plan was made" in one.summary for one in outcome.diagnostics)
    assert versions(stage) == [1]
    assert alias(stage) == ("1", {})


def test_a_version_that_somebody_publishes_meanwhile_stops_ours(stage: Any) -> None:
    stage.write(released(stage))
    stage.apply()
    before = alias(stage)
    stage.write_source("src", "def handler(event, context):\n    return 'new'\n")

    def changed(step: Any, event: Any) -> None:
        if step.id.startswith("update") and not stage.slept:
            stage.slept.append(1)
            official(stage).publish_version("s", "by hand")

    stage.watcher.on_ended = changed
    outcome = stage.apply(ending=Ending.ROLLED_BACK)
    assert any("version s/2 was made by somebody else meanwhile" in one.summary for one in outcome.diagnostics)
    assert versions(stage) == [1, 2]
    assert alias(stage) == before


def test_an_alias_without_any_version_is_refused(stage: Any) -> None:
    spec = stage.spec(1)
    spec["services"]["s"]["aliases"] = {"live": {"version": "latest"}}
    stage.write(spec)
    (result,) = stage.plan_report().results
    assert any("there is no latest version" in one.summary for one in result.problems)


def test_nothing_is_published_where_the_file_does_not_say_so(stage: Any) -> None:
    spec = stage.spec(1)
    spec["services"]["s"]["versions"] = {"keep": 3}
    stage.write(spec)
    assert all(step.action is not Action.CREATE or step.address.kind != "version" for step in stage.plan().steps)
    stage.apply()
    assert versions(stage) == []
