"""Policies: what they say of specs (data in tests/cases/policies), and which plans they stop before a write."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
from pathlib import Path
from typing import Any

import pytest

from fcdeploy import app
from fcdeploy.app import Manner, PlanReport, Saving, StopRequest, Where, Wishes
from fcdeploy.diagnostics import Diagnostic, Severity
from fcdeploy.engine.plan_file import read_plan_file
from fcdeploy.engine.policy import crowd_findings, now_terms
from fcdeploy.engine.snapshot import Snapshot
from fcdeploy.errors import PlanRefused, SpecError
from fcdeploy.kinds.fields import Access
from fcdeploy.kinds.registry import KINDS
from fcdeploy.kinds.risks import BUILTIN
from fcdeploy.model import Action, Address, Change, Live, Plan, Resource, Target

CASES = Path(__file__).parents[1] / "cases" / "policies"
SECRET = "hunter2-s3cr3t"
WRITE = bool(os.environ.get("FCDEPLOY_WRITE_CASES"))
THURSDAY = datetime.datetime(2026, 11, 26, 15, 0, tzinfo=datetime.UTC).timestamp()
FRIDAY = THURSDAY + 86400


def told(path: Path) -> tuple[Diagnostic, ...]:
    try:
        return app.validate(Where(spec=path, environ={"API_TOKEN": SECRET}))[0].diagnostics
    except SpecError as problem:
        return problem.diagnostics


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.yaml")))
def test_what_policies_say_of_a_spec(name: str) -> None:
    """FCDEPLOY_WRITE_CASES=1 writes what is expected anew."""
    path = CASES / f"{name}.yaml"
    found = told(path)
    text = "".join(f"{one}\n" + (f"    rule: {one.rule}\n" if one.rule else "") for one in found)
    text = text.replace(f"{CASES}/", "")
    assert SECRET not in text and SECRET not in json.dumps([one.to_json() for one in found])
    file = path.with_suffix(".expected")
    if WRITE and (not file.exists() or file.read_text() != text):
        file.write_text(text)
        pytest.fail(f"{file.name} was written anew")
    assert text == file.read_text()


def test_no_built_in_policy_tells_what_it_found() -> None:
    text = " ".join(f"{one}" for one in told(CASES / "builtin.yaml") if one.rule == "builtin/plain-secret")
    for value in ("hunter2", "plain-too", "plain-three", "LTAI5t", "gK8Zp2", "BEGIN RSA", "abcdefgh12345678"):
        assert value not in text
    for name in ("SECRET_NAME", "PASSWORD_FILE", "DB_SECRET", "CACHE_KEY", "MAX_TOKEN", "COMMIT", "ENDPOINT"):
        assert f"`{name}`" not in text


def test_every_built_in_policy_finds_something() -> None:
    """But for the limit of live resources, which `test_a_crowd_is_told_before_the_service_refuses_it` meets."""
    assert {one.rule for one in told(CASES / "builtin.yaml")} == {f"builtin/{name}" for name in BUILTIN}
    words = {"kind", "name", "address"}
    for kind in KINDS.values():
        travelling = (one for one in kind.fields if one.access is not Access.PLANNING)
        assert words.isdisjoint(one.spec_name for one in travelling), "an expression could not tell them apart"


def test_the_clock_of_a_policy() -> None:
    utc = now_terms(FRIDAY, datetime.UTC)
    assert (utc["weekday"], utc["date"], utc["time"], utc["hour"]) == ("friday", "2026-11-27", "15:00", 15)
    later = now_terms(FRIDAY, datetime.timezone(datetime.timedelta(hours=10)))
    assert (later["weekday"], later["day"], later["hour"]) == ("saturday", 28, 1)


POLICIES: dict[str, Any] = {
    "nothing-deleted-on-fridays": {
        "description": "Nothing is deleted on Fridays",
        "on": "change",
        "deny": "change.action == 'delete' and now.weekday == 'friday'",
    },
    "memory-grows-slowly": {
        "on": "change",
        "severity": "warning",
        "deny": "'memorySize' in change.fields and resource.memorySize > 2 * change.fields.memorySize.before",
        "message": "${{ change.address }}: ${{ change.fields.memorySize.before }} to ${{ resource.memorySize }} MB",
    },
    "few": {"on": "plan", "deny": "plan.update > 1", "message": "${{ plan.update }} updates at once"},
    "small": {"kind": "function", "schema": {"properties": {"memorySize": {"maximum": 1024}}}},
    "change-schema": {
        "on": "change",
        "kind": "function",
        "schema": {"properties": {"fields": {"properties": {"timeout": {"properties": {"after": {"maximum": 60}}}}}}},
    },
}


def refusals(report: PlanReport) -> list[Diagnostic]:
    """Why the only plan was refused; it stands beside them."""
    (result,) = report.results
    assert type(result.problem) is PlanRefused and result.plan is not None
    return list(result.problem.diagnostics)


def test_a_plan_that_breaks_a_policy_is_stopped_before_anything_is_sent(stage: Any) -> None:
    spec = stage.spec(2)
    functions = spec["services"]["s"]["functions"]
    stage.write({**spec, "policies": POLICIES})
    stage.apply(clock=lambda: FRIDAY)
    gone = functions.pop("f1")
    stage.write({**spec, "policies": POLICIES})
    stage.requests()

    found = refusals(stage.plan_report(clock=lambda: FRIDAY))
    assert [(one.summary, one.rule, one.severity) for one in found] == [
        ("Nothing is deleted on Fridays", "policy/nothing-deleted-on-fridays", Severity.ERROR)
    ]
    # What is gone from the file has no line in it: the policy has.
    line = (stage.root / "fcdeploy.yaml").read_text().splitlines().index("  nothing-deleted-on-fridays:") + 1
    assert (found[0].span.line, found[0].address) == (line, "dev:alibaba.function:s/f1")
    assert "as well: trigger s/f1/t" in found[0].detail
    report = stage.apply_report(clock=lambda: FRIDAY)
    assert len(refusals(report.plans)) == 1 and report.outcomes == ()
    (found,) = refusals(stage.plan_report(destroy=True, clock=lambda: FRIDAY))
    assert found.rule == "policy/nothing-deleted-on-fridays" and "service s" in found.detail
    assert stage.writes() == []

    # A saved plan is judged when it is applied.
    path = stage.root.parent / "p.fcplan"
    asyncio.run(app.plan(stage.where(clock=lambda: THURSDAY), Wishes(), saving=Saving(path=path)))
    assert apply_file(stage, path, FRIDAY)[0] == ["policy/nothing-deleted-on-fridays"]
    assert stage.writes() == []
    assert apply_file(stage, path, THURSDAY) == ([], 1)

    functions["f0"] |= {"memorySize": 2048, "timeout": 90}
    functions["f1"] = gone
    stage.write({**spec, "policies": POLICIES})
    stage.requests()
    report = stage.plan_report()
    # Each at the line of the field, once by what the file says and once by what the plan does.
    assert [(one.rule, one.summary) for one in refusals(report)] == [
        ("policy/small", "memorySize: 2048 is greater than the maximum of 1024"),
        ("policy/change-schema", "fields.timeout.after: 90 is greater than the maximum of 60"),
    ]
    lines = (stage.root / "fcdeploy.yaml").read_text().splitlines()
    said = [lines[one.span.line - 1].strip() for one in refusals(report) if one.span is not None]
    assert said == ["memorySize: 2048", "timeout: 90"]
    assert [one.summary for one in report.results[0].plan.warnings] == ["function:s/f0: 128 to 2048 MB"]
    assert stage.writes() == []

    # What is to go is held to nothing that it is.
    assert stage.apply_report(Wishes(allow_unsafe=True), destroy=True, clock=lambda: THURSDAY).outcomes


def apply_file(stage: Any, path: Path, at: float) -> tuple[list[str], int]:
    """The rules for which a saved plan is refused, and how many runs there were."""

    async def main() -> Any:
        manner = Manner(progress=stage.watcher, stop=StopRequest())
        return await app.apply_saved(
            stage.where(clock=lambda: at), read_plan_file(path), manner, confirm=lambda report: True
        )

    report = asyncio.run(main())
    (result,) = report.plans.results
    return [one.rule for one in result.problems], len(report.outcomes)


def test_a_change_tells_a_policy_no_secret(stage: Any) -> None:
    """Neither the file's, nor what is live in a field that may hold one (S42)."""
    spec = stage.spec()
    function = spec["services"]["s"]["functions"]["f0"]
    function["environmentVariables"] = {"LEVEL": "3", "OLD": "live-s3cr3t", "TOKEN": "${{ env('TOKEN') }}"}
    stage.environ["TOKEN"] = SECRET
    stage.write(spec)
    stage.apply()
    function["environmentVariables"] = {"LEVEL": "4", "TOKEN": "${{ secret('TOKEN') }}"}
    spec["secrets"] = {"TOKEN": {"env": "TOKEN"}}
    stage.environ["TOKEN"] = "another-s3cr3t"
    spec["policies"] = {
        "tells-all": {
            "on": "change",
            "deny": "true",
            "message": "${{ change.fields|tojson }} ${{ resource|tojson }} ${{ plan|tojson }}",
        },
        "asks-all": {"on": "change", "schema": {"properties": {"fields": {"maxProperties": 0}}}},
    }
    stage.write(spec)
    text = " ".join(map(str, refusals(stage.plan_report())))
    assert '"environmentVariables.LEVEL":{"before":"3","after":"4"' in text
    assert '"environmentVariables.TOKEN":{"before":"(sensitive)","after":"(sensitive)"' in text
    assert "s3cr3t" not in text


def test_a_pipeline_asks_for_more_than_the_file(stage: Any, tmp_path: Path) -> None:
    spec = stage.spec()
    spec["policies"] = {"few": {"on": "plan", "deny": "false"}, "builtin/plain-secret": "off"}
    spec["services"]["s"]["functions"]["f0"]["environmentVariables"] = {"PASSWORD": "hunter2"}
    stage.write(spec)
    platform = tmp_path / "platform.yaml"
    platform.write_text(
        "policies:\n"
        "  builtin/plain-secret: error\n"
        "  few: {on: plan, deny: plan.create > 2, message: '${{ plan.create }} at once'}\n"
        "  described: {kind: function, schema: rules/described.json}\n"
    )
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "described.json").write_text('{\n\t"properties": {"description": {"minLength": 1}}\n}')
    assert stage.plan_report().results[0].problem is None
    found = refusals(stage.plan_report(policies=(platform,)))
    assert {(one.rule, one.summary) for one in found} == {
        ("builtin/plain-secret", "`PASSWORD` looks like a secret and stands in the file in plain text"),
        ("policy/few", "3 at once"),
        ("policy/described", "description: '' should be non-empty"),
    }
    with pytest.raises(SpecError):
        app.validate(stage.where(policies=(platform,)))
    for text, summary in (
        ("services: {}", "a file of policies has no `services`"),
        ("policies: []", "this is no file of policies"),
        ("policies: {few: {deny: 'true'}}", "`few` stands in two files"),
    ):
        other = tmp_path / "other.yaml"
        other.write_text(text)
        with pytest.raises(SpecError, match=summary):
            app.validate(stage.where(policies=(platform, other)))


def test_a_crowd_is_told_before_the_service_refuses_it() -> None:
    target = Target(name="dev", provider="alibaba", region="cn-hangzhou")

    def address(name: str) -> Address:
        return Address(provider="alibaba", target="dev", kind="function", identity=("theirs", name))

    def said(live: int, created: int, gone: int = 0) -> list[str]:
        lives = {address(f"old{at}"): Live(address=address(f"old{at}"), body={}, raw={}) for at in range(live)}
        new = [address(f"new{at}") for at in range(created)]
        changes = [Change(address=one, action=Action.CREATE, reason="") for one in new]
        changes += [Change(address=address(f"old{at}"), action=Action.DELETE, reason="") for at in range(gone)]
        plan = Plan(project="shop", target=target, changes=tuple(changes), steps=())
        desired = {one: Resource(address=one, body={}) for one in new}
        return [one.detail for one in crowd_findings(plan, Snapshot(lives=lives), desired)]

    assert said(48, 2) == [] and said(50, 1, gone=1) == [] and said(60, 0) == []
    assert said(49, 2) == [
        "49 are there, 2 are created and 0 deleted; the service allows 50 unless the limit was raised"
    ]
    # The file alone has too many, and that is told of the file.
    assert said(0, 51) == []
