"""Saved plans (S43): applied as they are, once, on any machine, or refused; each reason in words of its own."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from test_app_secrets import LIVE, SECRET, forms, with_secrets

from fcdeploy import app
from fcdeploy.app import ApplyReport, PlanReport, Saving, Wishes
from fcdeploy.diagnostics import Diagnostic, Span
from fcdeploy.engine.plan_file import read_plan_file
from fcdeploy.errors import OpenRun, PlanOutdated, UsageError
from fcdeploy.model import Address, ArchiveRef, Ending, Output, Resource, Sensitive

MADE = 1_700_000_000.0
CHILD = Path(__file__).with_name("apply_saved_child.py")


def save(stage: Any, wishes: Wishes | None = None, *, expires: float = 3600.0, **more: Any) -> Path:
    """Save the plan of the stage at a time of its own; returns the file."""
    path = stage.root.parent / "p.fcplan"
    saving = Saving(path=path, expires=expires, clock=lambda: MADE)
    destroy = more.pop("destroy", False)
    report = asyncio.run(app.plan(stage.where(**more), wishes or Wishes(), destroy=destroy, saving=saving))
    assert all(one.can_apply for one in report.results), report.results
    return path


def apply_file(
    stage: Any, path: Path, *, at: float = MADE + 1, required: str | None = None, **more: Any
) -> ApplyReport:
    """Apply a plan file on this stage."""
    confirm = more.pop("confirm", lambda report: True)
    manner = {name: more.pop(name) for name in ("on_failure", "recover") if name in more}

    async def main() -> ApplyReport:
        return await app.apply_saved(
            stage.where(**more),
            read_plan_file(path),
            stage.manner(**manner),
            confirm=confirm,
            required=app.read_required(required) if required is not None else None,
            clock=lambda: at,
        )

    return asyncio.run(main())


def done(report: ApplyReport) -> None:
    for result in report.plans.results:
        assert result.problem is None, result.problems
    assert {one.ending for one in report.outcomes} == {Ending.DONE}, report.outcomes


def refusals(report: ApplyReport) -> list[Diagnostic]:
    """Why the only target's plan was refused; nothing was sent."""
    (result,) = report.plans.results
    assert isinstance(result.problem, PlanOutdated), result.problem
    assert result.plan is None and report.outcomes == ()
    return list(result.problem.diagnostics)


def other_machine(stage: Any, tmp_path: Path) -> Any:
    """Another project folder with the spec and without any code, and another state folder."""
    root, state = tmp_path / "other" / "project", tmp_path / "other" / "state"
    root.mkdir(parents=True)
    (root / "fcdeploy.yaml").write_text((stage.root / "fcdeploy.yaml").read_text())
    return replace(stage, root=root, state=state, environ={**stage.environ, "FCDEPLOY_STATE": str(state)})


def changed(stage: Any) -> dict[str, Any]:
    """Applied once; now code, a field, a tag and a trigger change, one function goes and one comes."""
    spec: dict[str, Any] = stage.spec(3)
    spec["services"]["s"]["tags"] = {"old": "1"}
    stage.write(spec)
    stage.apply()
    spec["services"]["s"] |= {"tags": {"new": "2"}, "description": "changed"}
    functions = spec["services"]["s"]["functions"]
    functions["f0"] |= {"code": stage.write_source("second", "second = 2\n"), "memorySize": 512}
    functions["f1"]["triggers"]["t"]["config"]["payload"] = "changed"
    del functions["f2"]
    functions["new"] = {"code": "./src"}
    stage.write(spec)
    return spec


@pytest.mark.parametrize("elsewhere", [True, pytest.param(False, marks=pytest.mark.proof)])
def test_a_saved_plan_is_applied_once_and_as_it_is(stage: Any, tmp_path: Path, elsewhere: bool) -> None:
    changed(stage)
    shown: list[PlanReport] = []
    path = save(stage)
    planned = stage.plan()
    assert path.stat().st_mode & 0o777 == 0o600
    there = other_machine(stage, tmp_path) if elsewhere else stage
    # What the code is meanwhile does not matter here.
    (stage.root / "second" / "index.py").write_text("third = 3\n")
    stage.requests()

    def look(report: PlanReport) -> bool:
        shown.append(report)
        return True

    done(apply_file(there, path, confirm=look))
    (one,) = shown[0].results
    assert one.plan is not None and one.plan.changes == planned.changes
    sent = [entry["operation"] for entry in stage.writes()]
    assert sorted(sent) == sorted(step.call.operation for step in planned.steps)
    (stage.root / "second" / "index.py").write_text("second = 2\n")
    assert stage.plan().is_empty

    (found,) = refusals(apply_file(there, path))
    assert "was used already for target dev" in found.summary and "by run " in found.detail and "done" in found.detail
    # Where the journal is another one, the guards say the same.
    found_there = refusals(apply_file(stage if elsewhere else other_machine(stage, tmp_path), path))
    assert {one.summary for one in found_there} == {
        f"{name} is not as it was when the plan was made"
        for name in (
            *("service s", "function s/f0", "function s/f2", "function s/new"),
            *("trigger s/f1/t", "trigger s/f2/t"),
        )
    }


@pytest.mark.proof
def test_a_run_that_was_taken_back_has_used_it(stage: Any) -> None:
    stage.write(stage.spec(1))
    path = save(stage)
    stage.faults({"match": {"operation": "CreateFunction"}, "effect": {"status": 400, "code": "InvalidArgument"}})
    report = apply_file(stage, path)
    assert [one.ending for one in report.outcomes] == [Ending.ROLLED_BACK]
    stage.faults()
    (found,) = refusals(apply_file(stage, path))
    assert "was used already" in found.summary and "rolled-back" in found.detail


def test_every_byte_is_looked_at(stage: Any, tmp_path: Path) -> None:
    stage.write(stage.spec(1))
    path = save(stage)
    good = path.read_bytes()
    head, _, rest = good.partition(b"\n")
    chance = random.Random(43)
    places = {*range(2, len(head) + 1, 3), len(head), len(good) - 1}
    places |= {len(head) + 1 + chance.randrange(len(rest)) for _ in range(150)}
    said = set()
    for place in sorted(places):
        for change in (1, 0x80):
            wrong = bytearray(good)
            wrong[place] ^= change
            path.write_bytes(wrong)
            with pytest.raises(PlanOutdated) as refused:
                read_plan_file(path)
            said.add(refused.value.summary.removeprefix(f"{path} "))
    assert said == {
        "is no plan file of fcdeploy, or its beginning was changed",
        "was written by another version of fcdeploy",
        "was changed after it was saved, or is damaged",
    }
    for wrong in (good[:-1], good + b"x", good[: len(head)], b"", good[: len(head) + 40]):
        path.write_bytes(wrong)
        with pytest.raises(PlanOutdated):
            read_plan_file(path)
    assert stage.writes() == []
    path.write_bytes(good)
    done(apply_file(stage, path))
    with pytest.raises(UsageError, match="cannot read"):
        read_plan_file(tmp_path / "none.fcplan")


def rewritten(path: Path, change: Any) -> None:
    """The file with its document changed, and its digest made to fit again."""
    import hashlib

    head, document, archives = path.read_bytes().split(b"\n", 2)
    saved = json.loads(document)
    change(saved)
    rest = json.dumps(saved).encode() + b"\n" + archives
    digest = hashlib.sha256(rest).hexdigest()
    path.write_bytes(b"%s %s %s\n" % (*head.split(b" ")[:2], digest.encode()) + rest)


def test_what_was_changed_and_made_to_fit_again_is_still_not_that_plan(stage: Any) -> None:
    stage.write(stage.spec(1))
    path = save(stage)
    good = path.read_bytes()

    def more_memory(saved: Any) -> None:
        (one,) = (one for one in saved["targets"][0]["desired"] if one["address"].endswith("s/f0"))
        one["body"]["memorySize"] = 1024

    rewritten(path, more_memory)
    assert refusals(apply_file(stage, path))
    # Who gives the digest that was reviewed is safe from one that fits in itself, too.
    path.write_bytes(good)
    stage.requests()
    report = apply_file(stage, path, required="0" * 64)
    (result,) = report.plans.results
    assert isinstance(result.problem, PlanOutdated) and "not the one that was reviewed" in result.problem.summary
    assert stage.writes() == []
    done(apply_file(stage, path, required=read_plan_file(path).plans.digest))


def test_it_expires(stage: Any) -> None:
    stage.write(stage.spec(1))
    path = save(stage, expires=600)
    with pytest.raises(PlanOutdated, match="has expired") as refused:
        apply_file(stage, path, at=MADE + 600)
    assert "until 2023-11-14 22:23:20 UTC" in refused.value.diagnostics[0].detail
    done(apply_file(stage, path, at=MADE + 599))


def test_another_version_wrote_it(stage: Any) -> None:
    stage.write(stage.spec(1))
    path = save(stage)
    rewritten(path, lambda saved: saved.update(toolVersion="0.0.1"))
    with pytest.raises(PlanOutdated, match="was written by another version") as refused:
        apply_file(stage, path)
    assert "by 0.0.1" in refused.value.diagnostics[0].detail
    path.write_bytes(path.read_bytes().replace(b"fcdeploy-plan 1 ", b"fcdeploy-plan 2 ", 1))
    with pytest.raises(PlanOutdated, match="was written by another version") as refused:
        apply_file(stage, path)
    assert "its layout is 2" in refused.value.diagnostics[0].detail


PLACES = [
    (lambda spec: spec.update(project="other"), "is a plan of another project"),
    (lambda spec: spec.update(targets={"live": spec["targets"]["dev"]}), "is of target dev, which the file does not"),
    (lambda spec: spec["targets"]["dev"].update(region="cn-shanghai"), "is for another region"),
    (lambda spec: spec["targets"]["dev"].update(account="9999999999999999"), "is for another account"),
    (lambda spec: spec["targets"]["dev"].update(api="2016-08-15"), "is for another API"),
]


def test_it_is_for_another_place(stage: Any) -> None:
    spec = stage.spec(1)
    stage.write(spec)
    path = save(stage)
    stage.requests()
    for edit, said in PLACES:
        moved = copy.deepcopy(spec)
        edit(moved)
        stage.write(moved)
        try:
            (found, *_) = refusals(apply_file(stage, path))
        except PlanOutdated as refused:
            (found, *_) = refused.diagnostics
        assert said in found.summary
    assert stage.requests() == []


TOUCHES = {
    "an update": lambda stage: stage.change("function", "s", "f0", timeout=99),
    "only its ETag": lambda stage: stage.change("function", "s", "f0"),
    "a delete": lambda stage: stage.change("function", "s", "f2", description="mine"),
    "a create": lambda stage: stage.copy("function", "s", "f1", "s", "new"),
    "it is gone": lambda stage: stage.remove("trigger", "s/f1", "t"),
    "tags": lambda stage: stage.change("service", "", "s", description="moved"),
}
STALE = {
    "an update": ("function s/f0", "somebody has changed it since"),
    "only its ETag": ("function s/f0", "somebody has changed it since"),
    "a delete": ("function s/f2", "somebody has changed it since"),
    "a create": ("function s/new", "now it would be updated"),
    "it is gone": ("trigger s/f1/t", "now it would be created"),
    "tags": ("service s", "somebody has changed it since"),
}


@pytest.mark.parametrize("what", ["all of them", *(pytest.param(one, marks=pytest.mark.proof) for one in TOUCHES)])
def test_one_stale_resource_refuses_all_of_its_target(stage: Any, what: str) -> None:
    changed(stage)
    path = save(stage)
    # The same resource cannot be touched in two ways.
    touches = [what] if what in TOUCHES else [one for one in TOUCHES if one != "only its ETag"]
    for one in touches:
        TOUCHES[one](stage)
    before = stage.dump()
    stage.requests()
    found = refusals(apply_file(stage, path))
    assert {(one.summary, one.detail) for one in found if one.address} == {
        (f"{name} is not as it was when the plan was made", why) for name, why in (STALE[one] for one in touches)
    }
    assert stage.writes() == [] and stage.dump() == before


def test_what_the_plan_does_not_touch_may_be_another(stage: Any) -> None:
    spec = stage.spec(3)
    stage.write(spec)
    stage.apply()
    spec["services"]["s"]["functions"]["f0"]["memorySize"] = 1024
    stage.write(spec)
    path = save(stage)
    stage.change("function", "s", "f1", timeout=77)
    stage.remove("trigger", "s/f2", "t")
    stage.requests()
    done(apply_file(stage, path))
    assert [entry["operation"] for entry in stage.writes()] == ["UpdateFunction"]
    assert {change.address.name for change in stage.plan().changes} == {"s/f1", "s/f2/t"}


def test_no_secret_and_no_live_value_lies_in_it(stage: Any) -> None:
    spec = with_secrets(stage)
    stage.write(spec)
    stage.apply()
    # A value that is live already and goes along, and one that somebody put there and that goes.
    stage.change("function", "s", "f0", environmentVariables={"PASSWORD": SECRET, "MIXED": f"a-{SECRET}-b", "X": LIVE})
    spec["services"]["s"]["functions"]["f0"]["environmentVariables"]["NEW"] = "b${{ secret('TOKEN') }}"
    stage.write(spec)
    path = save(stage)
    content = path.read_bytes()
    assert b'"$secret"' in content
    for text in (SECRET, LIVE):
        whole = [text.encode().hex().encode(), base64.b64encode(text.encode()), repr(text)[1:-1].encode()]
        # In a longer base64 text it begins at one of three places.
        whole += [base64.b64encode(b"\0" * pad + text.encode())[4:-4] for pad in range(3)]
        assert not any(form in content for form in [*forms(text), *whole])

    stage.environ["TOKEN_SOURCE"] = "another one"
    (found,) = refusals(apply_file(stage, path))
    assert found.summary == "the secret TOKEN is not what it was when the plan was made"
    assert "another one" not in repr(found)
    stage.environ["TOKEN_SOURCE"] = SECRET
    done(apply_file(stage, path))
    live = stage.dump()["1234567890123456/cn-hangzhou/function/s/f0"]["environmentVariables"]
    assert live == {"PASSWORD": SECRET, "MIXED": f"a-{SECRET}-b", "NEW": f"b{SECRET}"}


@pytest.mark.proof
def test_a_plan_of_destroy_and_one_that_does_nothing(stage: Any) -> None:
    stage.write(stage.spec(2))
    stage.apply()
    path = save(stage)
    report = apply_file(stage, path)
    assert [one.plan.is_empty for one in report.plans.results if one.plan] == [True]
    assert [one.ending for one in report.outcomes] == [Ending.DONE]
    done(apply_file(stage, save(stage, destroy=True)))
    assert stage.dump() == {}


@pytest.mark.proof
def test_the_wishes_go_along(stage: Any) -> None:
    stage.write(stage.spec(2))
    path = save(stage, Wishes(only=("function:s/f0",)))
    done(apply_file(stage, path))
    assert sorted(stage.dump()) == [f"1234567890123456/cn-hangzhou/{name}" for name in ("function/s/f0", "service//s")]


@pytest.mark.proof
def test_targets_of_one_file(stage: Any) -> None:
    spec = stage.spec(1)
    spec["targets"] = {
        name: {**spec["targets"]["dev"], "region": region}
        for name, region in (("east", "cn-hangzhou"), ("west", "cn-shanghai"))
    }
    stage.write(spec)
    path = save(stage)
    done(apply_file(stage, path, target="east"))
    with pytest.raises(UsageError):
        apply_file(stage, path, target="nowhere")
    report = apply_file(stage, path)
    assert [one.target.name for one in report.plans.results if one.problem is not None] == ["east"]
    assert [one.target for one in report.outcomes] == ["west"]
    assert {name.split("/")[1] for name in stage.dump()} == {"cn-hangzhou", "cn-shanghai"}


@pytest.mark.proof
def test_equal_code_in_another_archive_is_no_change_here_either(stage: Any, tmp_path: Path) -> None:
    import zipfile

    spec = stage.spec(1)
    stage.write(spec)
    stage.apply()
    with zipfile.ZipFile(stage.root / "same.zip", "w") as made:
        made.write(stage.root / "src" / "index.py", "index.py")
    spec["services"]["s"]["functions"]["f0"] |= {"code": "./same.zip", "memorySize": 640}
    stage.write(spec)
    (planned,) = stage.plan().changes
    assert [one.path for one in planned.fields] == ["memorySize"]
    path = save(stage)
    done(apply_file(other_machine(stage, tmp_path), path))


@pytest.mark.proof
def test_a_killed_apply_of_a_plan_file_is_resumed_without_the_file(stage: Any, tmp_path: Path) -> None:
    changed(stage)
    path = save(stage, expires=10**9)
    wanted = len(stage.plan().steps)
    there = other_machine(stage, tmp_path)
    child = subprocess.run(
        [sys.executable, str(CHILD), str(there.root), stage.emulator.url, str(path), "3"],
        env={**there.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == -9, child.stderr.decode()
    assert there.open_run() is not None
    (problem,) = [one.problem for one in apply_file(there, path).plans.results]
    assert isinstance(problem, OpenRun)
    path.unlink()
    (outcome,) = there.resume()
    assert outcome.ending is Ending.DONE and len(outcome.done) == wanted
    assert stage.plan().is_empty


def test_half_a_plan_is_never_written(stage: Any) -> None:
    stage.write(stage.spec(1))
    path = stage.root.parent / "p.fcplan"
    path.write_text("earlier")
    stage.faults({"match": {"operation": "GetService"}, "effect": {"status": 403, "code": "AccessDenied"}})
    report = asyncio.run(app.plan(stage.where(), Wishes(), saving=Saving(path=path)))
    assert report.results[0].problem is not None
    assert path.read_text() == "earlier"
    stage.faults()
    with pytest.raises(UsageError, match="cannot write"):
        asyncio.run(app.plan(stage.where(), Wishes(), saving=Saving(path=stage.root.parent / "none" / "p.fcplan")))
    assert sorted(one.name for one in stage.root.parent.iterdir() if "fcplan" in one.name) == ["p.fcplan"]


@pytest.mark.proof
def test_a_plan_file_is_left_out_of_archives(stage: Any) -> None:
    stage.write(stage.spec(1))
    stage.apply()
    save(stage)
    (stage.root.parent / "p.fcplan").rename(stage.root / "src" / "p.fcplan")
    assert stage.plan().is_empty


def test_all_of_a_resource_is_saved() -> None:
    """A field that somebody adds to `Resource` is saved too, or said here not to be."""
    span = Span(file="fcdeploy.yaml", line=3, column=5)
    address = Address(provider="alibaba", target="dev", kind="function", identity=("s", "f/ä"))
    resource = Resource(
        address=address,
        body={
            "$ref": 1,
            "b": [Sensitive("a-s3cret", parts=("a-", {"secret": "X"}))],
            "later": Output(step="x", pointer="/y"),
        },
        awaits=True,
        payloads={"code": {"zipFile": ArchiveRef(sha256="00", crc64="1", size=2)}},
        refs=frozenset({structs.replace(address, identity=("s", "g"))}),
        span=span,
        spans={"a.b": span},
        literal=frozenset({"a.b"}),
        protect=True,
        absent=True,
        ignore=(("a", "b.c"),),
        renamed_from="old",
        external=True,
        called=("s", "f/ä"),
    )
    unset = {one for one in Resource.__struct_fields__ if not getattr(resource, one)}
    assert unset == {"code"}, "code is packaged before a plan is saved"
    saved = json.loads(json.dumps(resource.to_json()))
    assert Resource.from_json(saved, lambda part: "s3cret") == resource
