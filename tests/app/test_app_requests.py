"""What plan and apply ask of the cloud: how often, what is written, under which guard (laws 1 to 4, S19)."""

from __future__ import annotations

from typing import Any

import pytest

from fcdeploy.errors import ReadFailed
from fcdeploy.model import Action

APIS = ("2021-04-06", "2016-08-15")


@pytest.mark.parametrize("api", APIS)
def test_ten_functions_and_ten_triggers(stage: Any, api: str) -> None:
    spec = stage.spec(10, api=api)
    stage.write(spec)

    plan = stage.plan()
    asked = stage.requests()
    assert plan.count(Action.CREATE) == 21 and len(plan.changes) == 21
    assert len(asked) <= 32 and {entry["method"] for entry in asked} == {"GET"}

    stage.apply()
    counts = stage.counts()
    assert {name: counts[name] for name in ("CreateService", "CreateFunction", "CreateTrigger", "TagResource")} == {
        "CreateService": 1,
        "CreateFunction": 10,
        "CreateTrigger": 10,
        "TagResource": 1,
    }
    assert sum(counts.values()) <= 32

    stage.apply()
    asked = stage.requests()
    assert len(asked) <= 32
    assert [entry for entry in asked if entry["method"] != "GET"] == []
    assert "GetFunctionCode" not in {entry["operation"] for entry in asked}
    assert sum(entry["bytesIn"] for entry in asked) == 0


@pytest.mark.parametrize("api", APIS)
def test_one_field_is_one_guarded_write(stage: Any, api: str) -> None:
    spec = stage.spec(10, api=api)
    stage.write(spec)
    stage.apply()
    etags = {(row["kind"], row["parent"], row["name"]): row["etag"] for row in stage.whole_dump()}

    spec["services"]["s"]["functions"]["f3"]["memorySize"] = 256
    stage.write(spec)
    stage.requests()
    stage.apply()
    (write,) = stage.writes()
    assert write["operation"] == "UpdateFunction" and write["path"].endswith("/functions/f3")
    assert write["ifMatch"] == etags[("function", "s", "f3")]
    assert write["bytesIn"] == len('{"memorySize":256}')
    assert stage.plan().is_empty

    del spec["services"]["s"]["functions"]["f4"]["triggers"]
    stage.write(spec)
    stage.requests()
    stage.apply()
    (write,) = stage.writes()
    assert (write["method"], write["operation"]) == ("DELETE", "DeleteTrigger")
    assert write["ifMatch"] == etags[("trigger", "s/f4", "t")]
    assert stage.plan().is_empty


def test_a_thousand_pages_are_followed(stage: Any) -> None:
    """Lists of more than one page (facts 7.1) lose nothing."""
    spec = stage.spec(0)
    spec["services"]["s"]["functions"] = {"one": {"code": stage.write_source("src")}}
    spec["services"]["s"]["functions"]["one"]["triggers"] = {
        f"t{number}": {"type": "timer", "config": {"cronExpression": "@every 5m"}} for number in range(130)
    }
    stage.write(spec)
    stage.apply()
    stage.requests()
    assert stage.plan().is_empty
    assert stage.counts()["ListTriggers"] == 2


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ("GetService", "service s"),
        ("ListFunctions", "functions of s"),
        ("ListTriggers", "triggers of s/f0"),
        ("ListTaggedResources", "tagged services"),
        ("GetFunction", "function s/f0"),
        ("GetFunctionCode", "code of function s/f0"),
    ],
)
@pytest.mark.parametrize(
    "effect",
    [
        {"status": 403, "code": "AccessDenied"},
        *(pytest.param(one, marks=pytest.mark.proof) for one in ({"status": 500}, {"disconnect": True})),
    ],
)
def test_a_read_that_fails_stops_the_plan_and_is_never_absent(
    stage: Any, operation: str, named: str, effect: dict[str, Any]
) -> None:
    spec = stage.spec(2)
    stage.write(spec)
    stage.apply()
    spec["services"]["s"]["functions"]["f0"]["code"] = stage.write_source("other", "other = 1\n")
    stage.write(spec)
    before = stage.whole_dump()
    stage.requests()

    stage.faults({"match": {"operation": operation}, "effect": effect})
    report = stage.apply_report()
    (result,) = report.plans.results
    assert isinstance(result.problem, ReadFailed), result
    assert named in f"{result.problem.resource} {result.problem.summary}"
    assert result.plan is None and report.outcomes == ()
    assert stage.writes() == []
    assert stage.whole_dump() == before


def test_a_404_that_is_not_the_resources_own_is_no_absence(stage: Any) -> None:
    """A gateway's 404 must not read as "does not exist" (law 1)."""
    stage.write(stage.spec(1))
    stage.faults({"match": {"operation": "GetService"}, "effect": {"status": 404, "code": "PathNotSupported"}})
    (result,) = stage.plan_report().results
    assert isinstance(result.problem, ReadFailed)


def test_an_archive_that_differs_only_in_its_bytes_is_not_uploaded(stage: Any) -> None:
    """S27: equal content under another checksum is no change; the live archive is fetched once."""
    import io
    import zipfile

    spec = stage.spec(1)
    stage.write(spec)
    stage.apply()
    stage.requests()

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.write(stage.root / "src" / "index.py", "index.py")
    (stage.root / "same.zip").write_bytes(packed.getvalue())
    spec["services"]["s"]["functions"]["f0"]["code"] = "./same.zip"
    stage.write(spec)
    assert stage.plan().is_empty
    counts = stage.counts()
    assert counts["GetFunctionCode"] == 1 and counts["__code__"] == 1

    with zipfile.ZipFile(stage.root / "same.zip", "a") as archive:
        archive.writestr("more.py", "more = 1\n")
    plan = stage.plan()
    ((field,),) = [change.fields for change in plan.changes]
    assert field.path == "code" and "more.py" in field.note
    stage.requests()
    stage.apply()
    assert [entry["operation"] for entry in stage.writes()] == ["UpdateFunction"]
