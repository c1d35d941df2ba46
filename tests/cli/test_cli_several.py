"""`-f` more than once: one plan, one summary, one exit code, one document; targets are told by their projects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

SCHEMAS = Path(__file__).parents[2] / "schemas"
BOTH = ("-f", "fcdeploy.yaml", "-f", "shop", "--local")


@pytest.fixture
def program(program: Any) -> Any:
    """The program beside a second project, `shop`, with the same names in it."""
    (program.folder / "shop").mkdir()
    other = program.spec.read_text().replace("project: image-pipeline", "project: shop")
    other = other.replace("  images:", "  orders:").replace("./src", "../src")
    (program.folder / "shop" / "fcdeploy.yaml").write_text(other)
    return program


def document(program: Any, *args: str) -> Any:
    return json.loads(program.run(*args, *BOTH, "--format", "json").stdout)


def test_a_plan_of_several_projects_is_one_in_every_form(program: Any) -> None:
    shown = program.run("plan", *BOTH, "--report", "markdown=p.md", "--report", "html=p.html", "--detailed-exitcode")
    assert (shown.returncode, shown.stderr) == (2, "")
    assert [line.split(" · ")[0] for line in shown.stdout.splitlines() if line.startswith("target ")] == [
        "target image-pipeline/dev",
        "target shop/dev",
    ]
    assert "2 targets.\nTotal: 6 to create" in shown.stdout and shown.stdout.count("Plan digest: ") == 1
    plan = document(program, "plan")
    jsonschema.validate(plan, json.loads((SCHEMAS / "plan.schema.json").read_text(encoding="utf-8")))
    assert plan["project"] == "image-pipeline, shop" and plan["summary"]["create"] == 6
    assert [(one["project"], one["name"]) for one in plan["targets"]] == [("image-pipeline", "dev"), ("shop", "dev")]
    assert f"Plan digest: {plan['digest']}\n" in shown.stdout
    comment = (program.folder / "p.md").read_text()
    assert "`image-pipeline/dev`" in comment and "`shop/dev`" in comment and comment.count("<!-- fcdeploy-plan") == 1
    page = (program.folder / "p.html").read_text()
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids)), "every part of the page has an id of its own"


def test_a_run_of_several_projects_has_one_summary_and_ways_on_of_each(program: Any) -> None:
    applied = program.run("apply", "--yes", *BOTH)
    assert applied.returncode == 0, applied.stderr
    rows = [line.split()[:2] for line in applied.stdout.split("\n\n")[-1].splitlines()]
    assert rows == [["Target", "Steps"], ["image-pipeline/dev", "4"], ["shop/dev", "4"]]
    assert "shop/dev: created function orders/resize" in applied.stderr
    status = document(program, "status")
    jsonschema.validate(status, json.loads((SCHEMAS / "status.schema.json").read_text(encoding="utf-8")))
    assert [(one["project"], len(one["resources"])) for one in status["targets"]] == [
        ("image-pipeline", 3),
        ("shop", 3),
    ]
    assert program.run("drift", *BOTH).returncode == 0
    assert [one["project"] for one in document(program, "drift")["targets"]] == ["image-pipeline", "shop"]
    # Nothing that a document of one project says has changed.
    alone = json.loads(program.run("status", "--local", "--format", "json").stdout)
    assert "project" not in alone["targets"][0]

    path = program.folder / "shop" / "fcdeploy.yaml"
    path.write_text(path.read_text().replace("memorySize: 512", "memorySize: 640"))
    done = document(program, "apply", "--yes")
    assert [(one["project"], one["target"], len(one["done"])) for one in done["outcomes"]] == [
        ("image-pipeline", "dev", 0),
        ("shop", "dev", 1),
    ]
    gone = program.run("destroy", "--yes", *BOTH)
    assert gone.returncode == 0 and "\nshop/dev                3  " in gone.stdout


def test_the_way_on_of_a_failed_run_leads_to_its_own_file(program: Any, emulator: Any) -> None:
    match = {"method": "POST", "path": "/services/orders/functions$"}
    emulator.control("PUT", {"rules": [{"match": match, "effect": {"status": 400, "code": "InvalidArgument"}}]})
    files = (*BOTH[:-1], "--endpoint", emulator.url)
    failed = program.run("apply", "--yes", "--on-failure", "stop", *files)
    assert failed.returncode == 4 and "target shop/dev: stopped (2 steps done, 2 left behind)" in failed.stdout
    assert f"To finish:     fcdeploy resume -f shop --endpoint {emulator.url} --target dev\n" in failed.stdout
    stood = program.run("status", *files).stdout
    assert f"fcdeploy resume -f shop --endpoint {emulator.url} --target dev\n" in stood and stood.count("resume") == 1


def test_checks_are_told_by_file(program: Any) -> None:
    files = BOTH[:-1]
    valid = program.run("validate", *files, "--report", "junit=j.xml", "--report", "json=v.json")
    assert valid.stdout == (
        "fcdeploy.yaml is valid: project image-pipeline, 1 target, 3 resources\n"
        "shop is valid: project shop, 1 target, 3 resources\n"
    )
    suites = [one.get("name") for one in ElementTree.parse(program.folder / "j.xml").getroot()]
    assert suites == ["fcdeploy.yaml", "target image-pipeline/dev", "target shop/dev"]
    assert json.loads((program.folder / "v.json").read_text())["projects"] == [
        {"project": "image-pipeline", "targets": ["dev"], "resources": 3},
        {"project": "shop", "targets": ["dev"], "resources": 3},
    ]
    program.edit("memorySize: 512", "memory: 512")
    broken = program.run("plan", *BOTH)
    assert broken.returncode == 1 and "unknown key `memory`" in broken.stderr and broken.stdout == ""
    assert "what was given is not valid: 1 error" in program.run("validate", *files).stderr


@pytest.mark.parametrize(
    "command",
    [
        *(("render", ()), ("graph", ()), ("history", ()), ("resume", ()), ("rollback", ("--yes",))),
        *(("abandon", ("--yes",)), ("recover", ()), ("apply", ("--yes", "none.fcplan"))),
    ],
    ids=lambda command: command[0],
)
def test_other_commands_take_one_file(program: Any, command: tuple[str, tuple[str, ...]]) -> None:
    if command[1][-1:] == ("none.fcplan",):
        program.run("plan", "--local", "--out", "none.fcplan")
    name, more = command
    refused = program.run(name, *more, *(BOTH[:-1] if name in ("render", "graph") else BOTH))
    assert refused.returncode == 64, refused.stdout
    assert "this takes one file: -f is given more than once" in refused.stderr


def test_a_saved_plan_is_of_one_project(program: Any) -> None:
    refused = program.run("plan", *BOTH, "--out", "p.fcplan")
    assert refused.returncode == 64 and "a saved plan is of one project" in refused.stderr
