"""Taking over what somebody made by hand: nothing is lost unasked, and what is printed keeps it (S12)."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import yaml
from field_samples import CASES, base, put, sample, tried

from fcdeploy.app import Wishes
from fcdeploy.diagnostics import Diagnostic
from fcdeploy.errors import PlanRefused
from fcdeploy.model import Action

APIS = ("2021-04-06", "2016-08-15")
FEW = ("function", "trigger.http", "asyncInvoke", "version")
"""The kinds whose fields are tried in `make test`; `make proofs` has all."""
HERE = "1234567890123456/cn-hangzhou"
CODE = "(the folder that holds its code)"
LINES = "\nto keep all of it, add this to the file"


def hand_made(stage: Any, spec: dict[str, Any]) -> None:
    """The services of a spec as if somebody had made them by hand: without a mark."""
    theirs = dataclasses.replace(stage, root=stage.root.with_name("by-hand"))
    theirs.root.mkdir()
    theirs.write_source("src")
    theirs.write({**spec, "project": "by-hand"})
    theirs.apply()
    for name, service in spec["services"].items():
        stage.change("service", "", name, _tags=service.get("tags", {}))
    stage.requests()


def refusal(stage: Any, wishes: Wishes) -> tuple[Diagnostic, ...]:
    """What refuses the plan, which changes nothing."""
    before = stage.whole_dump()
    report = stage.apply_report(wishes)
    (result,) = report.plans.results
    assert isinstance(result.problem, PlanRefused) and report.outcomes == ()
    assert stage.whole_dump() == before
    found: tuple[Diagnostic, ...] = result.problems
    return found


def kept_by(finding: Diagnostic) -> dict[str, Any]:
    """The lines that a refusal gives for the file."""
    assert finding.summary.startswith("adopting "), finding
    _, _, rest = finding.detail.partition(LINES)
    tree: dict[str, Any] = yaml.safe_load(rest.partition("\n")[2])
    return tree


def merge(file: Any, lines: Any) -> Any:
    """What a person does with the lines: each at its place, in place of what stood there."""
    if not isinstance(file, dict) or not isinstance(lines, dict):
        return lines
    return {**file, **{key: merge(file.get(key), value) for key, value in lines.items()}}


def filled(lines: Any, known: Any) -> Any:
    """The lines with what only the person knows: where the code is, and the secrets."""
    if isinstance(lines, dict):
        return {key: filled(value, known.get(key) if isinstance(known, dict) else None) for key, value in lines.items()}
    if lines == CODE:
        return "./src"
    assert lines != "(sensitive)" or isinstance(known, str)
    return known if lines == "(sensitive)" else lines


def renamed(value: Any, name: str) -> Any:
    """The functions f of a file under names of their own."""
    return {(f"{name}-{key}" if key in ("f", "g") else key): item for key, item in value.items()}


def trials(api: str, kinds: Sequence[str]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """(kind, name, functions or service around, the same with a field set) for each field of these kinds."""
    for kind, case in CASES.items():
        if case["at"][0] != "services" or kind not in kinds:
            continue
        for number, place in enumerate(one for one in tried(kind) if one.is_in(api)):
            around = json.loads(json.dumps(case["around"]["services"]["s"]))
            whole = copy.deepcopy(around)
            here = whole
            for key in case["at"][2:]:
                here = here[key]
            here.update(copy.deepcopy(case.get("with", {}).get(place.path[0], {})))
            put(kind, here, place, sample(kind, place, 0))
            yield kind, f"{kind.replace('.', '-')}-{number}", around, whole


def with_functions(services: dict[str, Any], name: str, more: dict[str, Any]) -> dict[str, Any]:
    there = services.get(name, {})
    functions = {**there.get("functions", {}), **more.get("functions", {})}
    return {**there, **more, **({"functions": functions} if functions else {})}


def put_row(stage: Any, kind: str, parent: str, name: str, body: dict[str, Any]) -> None:
    """What the file speaks of and somebody else made."""
    from fcdeploy.emulator.exchange import Tenant
    from fcdeploy.emulator.store import Row, etag_of

    day = "2026-01-01T00:00:00Z"
    with stage.emulator.app.world.write(Tenant("1234567890123456", "cn-hangzhou")) as session:
        session.put(Row(kind=kind, parent=parent, name=name, body=body, etag=etag_of(body), created=day, modified=day))


def spec_of(stage: Any, api: str, services: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = stage.spec(0, api=api)
    del spec["defaults"]
    return {**spec, "services": services}


@pytest.mark.parametrize("api", [APIS[0], pytest.param(APIS[1], marks=pytest.mark.proof)])
@pytest.mark.parametrize("declared", ["services", pytest.param("all of it", marks=pytest.mark.proof)])
@pytest.mark.parametrize("kinds", [FEW, pytest.param(tuple(CASES), marks=pytest.mark.proof)], ids=["few", "all"])
def test_what_is_printed_keeps_every_field_of_every_kind(
    stage: Any, api: str, declared: str, kinds: Sequence[str]
) -> None:
    """Declared are the services alone, so that all beneath would go; or all of it, without the field that is tried."""
    stage.write_source("src")
    live: dict[str, Any] = {"bindings": {"vpcBindings": ["vpc-1", "vpc-2"]}}
    file: dict[str, Any] = {"bindings": {}}
    # The file says another runtime than what is live, and what only the live one has goes with it; instances.
    given = {"_tags", "triggerConfig", "customRuntimeConfig", "customHealthCheckConfig", "caPort", "_was", "_put"}
    given |= {"versionId", "additionalVersionWeight"}
    for kind, name, around, whole in trials(api, kinds):
        given |= {word for word in base(kind)}
        # What stands in a function has a function of its own, all in one service; anything else a service of its own.
        service = name
        if "functions" in CASES[kind]["at"]:
            service = kind.replace(".", "-")
            around, whole = ({**one, "functions": renamed(one["functions"], name)} for one in (around, whole))
        live[service], file[service] = with_functions(live, service, whole), with_functions(file, service, around)
        for row in CASES[kind].get("rows", []):
            put_row(stage, **{**row, "parent": row["parent"].format(name=service)})
    live = json.loads(json.dumps(live).replace('"s/g"', '"asyncInvoke/asyncInvoke-0-g"'))
    hand_made(stage, spec_of(stage, api, live))
    before = stage.dump()
    if declared == "services":
        file = {name: {} for name in live}
        given = {"_tags"}

    spec = spec_of(stage, api, file)
    stage.write(spec)
    wishes = Wishes(adopt=("service:*",))
    found = refusal(stage, wishes)
    # Whose only difference is in what the file gives loses nothing.
    assert len(found) >= len(live) - 3
    for one in found:
        spec = merge(spec, filled(kept_by(one), {"services": live}))
    stage.write(spec)
    stage.apply(wishes)
    assert stage.plan().is_empty
    assert {name for _, name, _, _ in stage.difference(before)} <= given
    for name in live:
        tags = stage.dump()[f"{HERE}/service//{name}"]["_tags"]
        assert tags == {**live[name].get("tags", {}), "fcdeploy.project": "staged", "fcdeploy.target": "dev"}


def nine(stage: Any, api: str) -> dict[str, Any]:
    """A service of nine functions, most with something beneath, and its thirty versions."""
    spec: dict[str, Any] = stage.spec(9, api=api)
    functions = spec["services"]["s"]["functions"]
    functions["f3"]["onDemand"] = {"maximumInstanceCount": 3}
    functions["f4"]["asyncInvoke"] = {"maxAsyncRetryAttempts": 0}
    functions["f5"]["provision"] = {"LATEST": {"target": 2}}
    functions["f6"]["triggers"] = {"web": {"type": "http", "config": {"authType": "anonymous", "methods": ["GET"]}}}
    functions["f7"] |= {"memorySize": 512, "layers": ["acs:fc:cn-hangzhou:official:layers/A/versions/1"]}
    return spec


def publish(stage: Any, count: int) -> None:
    """So many versions, through the API."""
    import fc2

    client = fc2.Client(endpoint=stage.emulator.url, accessKeyID="ak", accessKeySecret="sk")
    for number in range(count):
        client.update_service("s", description=f"by hand {number}")
        client.publish_version("s", f"release {number}")
    client.create_alias("s", "live", str(count), "by hand", {str(count - 1): 0.25})
    assert len(versions(stage)) == count


def versions(stage: Any) -> list[str]:
    return [one for one in stage.dump() if one.startswith(f"{HERE}/version/s/")]


@pytest.mark.proof
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("api", APIS)
def test_nine_functions_and_thirty_versions_of_which_the_file_has_three(stage: Any, api: str) -> None:
    live = nine(stage, api)
    hand_made(stage, live)
    publish(stage, 30)
    live["services"]["s"]["description"] = "by hand 29"
    spec = copy.deepcopy(live)
    del spec["services"]["s"]["description"]
    functions = spec["services"]["s"]["functions"] = {
        name: live["services"]["s"]["functions"][name] for name in ("f0", "f1", "f2")
    }
    functions["f1"] = {key: value for key, value in functions["f1"].items() if key != "environmentVariables"}
    stage.write(spec)
    (unnamed,) = refusal(stage, Wishes())
    assert unnamed.summary == "service s exists already and is not managed by fcdeploy"
    assert "--adopt 'service:s'" in unnamed.hint

    # Refused, with the lines that keep the rest.
    wishes = Wishes(adopt=("service:s",))
    (found,) = refusal(stage, wishes)
    gone = 6 + 6 + 3 + 1
    assert found.summary == f"adopting service s would delete {gone} resources and reset fields of 2 resources"
    assert "--adopt-over 'service:s'" in found.hint
    assert "function s/f1: environmentVariables.NUMBER would be reset" in found.detail
    lines = kept_by(found)
    assert set(lines["services"]["s"]["functions"]) == {f"f{number}" for number in (1, 3, 4, 5, 6, 7, 8)}
    assert lines["services"]["s"]["description"] == "by hand 29"
    assert lines["services"]["s"]["aliases"]["live"]["version"] == "30"
    assert lines["services"]["s"]["functions"]["f8"]["environmentVariables"] == {"NUMBER": "(sensitive)"}
    before, whole = stage.dump(), stage.whole_dump()

    # Accepted, each delete is shown, and what others published stays.
    plan = stage.plan(Wishes(adopt_over=("service:s",)))
    deleted = sorted(change.address.short for change in plan.changes if change.action is Action.DELETE)
    assert len(deleted) == gone and {f"function s/f{number}" for number in range(3, 9)} < {*deleted}
    assert stage.whole_dump() == whole

    # With the lines in the file nothing but the mark is written.
    stage.write(merge(spec, filled(lines, live)))
    stage.requests()
    stage.apply(wishes)
    assert [entry["operation"] for entry in stage.writes()] == ["TagResource"]
    assert {(one[0], one[1]) for one in stage.difference(before)} == {(f"{HERE}/service//s", "_tags")}
    assert stage.plan().is_empty and len(versions(stage)) == 30


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_adopting_over_deletes_what_it_showed_and_no_version(stage: Any) -> None:
    live = nine(stage, APIS[0])
    hand_made(stage, live)
    publish(stage, 3)
    spec = copy.deepcopy(live)
    functions = spec["services"]["s"]["functions"]
    spec["services"]["s"]["functions"] = {name: functions[name] for name in ("f0", "f1", "f2")}
    stage.write(spec)
    stage.apply(Wishes(adopt_over=("service:s",)))
    rows = [address for address in stage.dump() if "/function/s/" in address]
    assert rows == [f"{HERE}/function/s/f{number}" for number in range(3)]
    assert stage.plan().is_empty and len(versions(stage)) == 3


@pytest.mark.proof
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_keep_prunes_our_versions_and_none_that_others_published(stage: Any) -> None:
    live = stage.spec(1)
    hand_made(stage, live)
    publish(stage, 12)
    theirs = versions(stage)
    spec = copy.deepcopy(live)
    spec["services"]["s"]["versions"] = {"publish": "on-change", "keep": 20}
    spec["services"]["s"]["aliases"] = {"live": {"version": "latest"}}
    stage.write(spec)
    stage.apply(Wishes(adopt_over=("service:s",)))
    for memory in (192, 256, 320, 384, 448, 512, 576, 640, 704, 768, 832):
        spec["services"]["s"]["functions"]["f0"]["memorySize"] = memory
        stage.write(spec)
        stage.apply()
    # The newest of theirs froze all that was adopted, so none was made then.
    assert len(versions(stage)) == 12 + 11
    # Nine of our resources go at once; those that `keep` prunes are no accident (S15).
    spec["services"]["s"]["versions"]["keep"] = 2
    stage.write(spec)
    plan = stage.plan()
    assert plan.count(Action.DELETE) == 9
    stage.apply()
    assert len(versions(stage)) == 12 + 2 and {*theirs} < {*versions(stage)}
    assert stage.plan().is_empty
