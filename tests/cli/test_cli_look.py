"""drift and status as a process prints them: words, documents and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from fcdeploy.diagnostics import error
from fcdeploy.model import PastRun, Target
from fcdeploy.render.json import document_text, statuses_list
from fcdeploy.render.views import StatusView

if TYPE_CHECKING:
    from conftest import Program, Server

HEADING = "target dev · alibaba cn-hangzhou · account 1234567890123456"
SCHEMA = Path(__file__).parents[2] / "schemas" / "status.schema.json"


def test_drift_says_who_moved_and_exits_with_2(program: Program) -> None:
    nothing = program.run("drift", "--local")
    assert (nothing.returncode, nothing.stderr) == (2, "")
    assert "  service images: in the file, not live  (fcdeploy.yaml:6)\n" in nothing.stdout
    assert nothing.stdout.endswith(
        "\n\nDrift: 3 not live, 0 as the file says.\nWho moved is not known: no run was made from here.\n"
    )
    assert program.run("apply", "--local", "--yes").returncode == 0

    quiet = program.run("drift", "--local")
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert quiet.stdout == f"{HEADING}\n\nNo drift. Live is as the file says (3 resources).\n"

    program.edit("memorySize: 512", "memorySize: 256")
    moved = program.spawn("drift", "--local")
    assert (moved.returncode, moved.stderr) == (2, "")
    assert moved.stdout == (
        f"{HEADING}\n"
        "\n"
        "  function images/resize  (fcdeploy.yaml:9)\n"
        "      memorySize: live has 512, the file says 256; the file moved  (line 13)\n"
        "\n"
        "Drift: 1 differs, 2 as the file says.\n"
        "Moved since the last run: the file 1.\n"
    )
    assert program.run("drift", "--local").stdout == moved.stdout, "the same input gives the same bytes"

    document = json.loads(program.run("drift", "--local", "--format", "json").stdout)
    (found,) = document["targets"][0]["drift"]
    (field,) = found["fields"]
    assert (document["type"], found["gap"], field["live"], field["desired"], field["moved"]) == (
        "drift",
        "differs",
        512,
        256,
        "file",
    )
    comment = program.run("drift", "--local", "--format", "markdown")
    assert (comment.returncode, comment.stderr) == (2, "")
    assert comment.stdout.startswith("<!-- fcdeploy-drift:image-pipeline ")
    assert "-   memorySize: 256\n+   memorySize: 512\n#     the file moved\n" in comment.stdout
    # Nothing was written: the plan still has it all to do.
    assert "1 to update" in program.run("plan", "--local").stdout


def test_a_target_that_cannot_be_read_is_graver_than_drift(program: Program, emulator: Server) -> None:
    program.edit(
        "region: cn-hangzhou}",
        'region: cn-hangzhou}\n  prod: {provider: alibaba, account: "1234567890123456", region: cn-shanghai}',
    )
    program.edit("  images:\n", "  images-${{ target.name }}:\n")
    where = ("--endpoint", emulator.url)
    effect = {"status": 403, "code": "AccessDenied", "message": "no"}
    emulator.control("PUT", {"rules": [{"match": {"path": "/services/images-prod$"}, "effect": effect}]})
    found = program.run("drift", *where)
    assert found.returncode == 1
    assert "cannot read" in found.stderr
    assert "The drift is not known: see the errors.\n\n2 targets, 1 of them not known.\n" in found.stdout
    assert program.run("drift", *where, "--target", "dev").returncode == 2
    assert program.run("drift", *where, "--target", "nowhere").returncode == 64


def test_status_is_one_table_and_a_document_of_its_schema(program: Program) -> None:
    program.spec.write_text(
        program.spec.read_text() + "      web:\n"
        "        {runtime: python3.10, handler: index.handler, code: ./src, provision: {LATEST: {target: 2}},\n"
        "         triggers: {http: {type: http, config: {authType: anonymous, methods: [GET]}}}}\n"
    )
    assert program.run("apply", "--local", "--yes").returncode == 0
    shown = program.run("status", "--local")
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("  ") and not line.startswith("   ")] == [
        ["KIND", "NAME"],
        ["service", "images"],
        ["function", "images/resize"],
        ["trigger", "images/resize/nightly"],
        ["function", "images/web"],
        ["provision", "images/web/LATEST"],
        ["trigger", "images/web/http"],
    ]
    assert "      timer 0 0 2 * * *" in lines
    assert any(line.startswith("      http GET, anonymous,") for line in lines)

    document = json.loads(program.run("status", "--local", "--format", "json").stdout)
    jsonschema.validate(document, closed(json.loads(SCHEMA.read_text(encoding="utf-8"))))
    rows = {row["name"]: row for row in document["targets"][0]["resources"]}
    assert rows["images/resize"]["about"] == "python3.10, 512 MB"
    assert rows["images/web/LATEST"]["reported"]["target"] == 2
    assert "current" in rows["images/web/LATEST"]["reported"]
    assert rows["images/web/http"]["reported"]["urlInternet"].startswith("https://")
    assert rows["images"]["modified"].endswith("Z")


def test_graph_asks_no_cloud_and_gives_the_same_bytes(program: Program) -> None:
    program.edit(
        "        triggers:\n",
        "        asyncInvoke: {destinationConfig: {onFailure: {destination: {function: images/web}}}}\n"
        "        triggers:\n",
    )
    program.spec.write_text(
        program.spec.read_text() + "      web: {runtime: python3.10, handler: index.handler, code: ./src}\n"
    )
    dot = program.spawn("graph")
    assert (dot.returncode, dot.stderr) == (0, "")
    assert dot.stdout.startswith('digraph "image-pipeline" {\n')
    assert dot.stdout.count("[style=dashed") == 1
    assert dot.stdout.count(" -> ") == 5
    assert program.run("graph").stdout == dot.stdout
    mermaid = program.run("graph", "--format", "mermaid", "--target", "dev")
    assert (mermaid.returncode, mermaid.stderr) == (0, "")
    assert mermaid.stdout.startswith('flowchart RL\n  subgraph t0_0["service images"]\n')
    page = program.run("graph", "--format", "html", "--out", "graph.html")
    assert (page.returncode, page.stdout, page.stderr) == (0, "", "")
    text = (program.folder / "graph.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert text.count('class="node"') == 5
    assert not (program.folder.parent / "state").exists(), "nothing is kept of it"
    assert program.run("graph", "--format", "png").returncode == 64
    program.edit("project:", "projekt:")
    broken = program.run("graph")
    assert (broken.returncode, broken.stdout) == (1, "")


def test_what_is_absent_is_not_drawn(program: Program) -> None:
    program.edit("        runtime: python3.10\n", "        runtime: python3.10\n        absent: true\n")
    assert program.run("graph", "--format", "mermaid").stdout == (
        'flowchart RL\n  subgraph t0_0["services"]\n    n0["service<br/>images"]\n  end\n'
    )


def test_the_schema_of_status_names_every_member() -> None:
    target = Target(name="dev", provider="alibaba", region="cn-hangzhou")
    run = PastRun(
        run="r1", target="dev", command="apply", started=1.5, ended=None, ending=None, holder="", tool_version="1.0",
        total=10, done=3, unsettled=1,
    )  # fmt: skip
    problem = error("cannot read it", detail="d", hint="h", address="a")
    view = StatusView(target=target, rows=(), open_run=run, problems=(problem,))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(document_text("status", {"targets": statuses_list([view])}))
    jsonschema.validate(document, closed(schema))


def closed(schema: Any) -> Any:
    """The schema with no other member allowed than those it names, each of which must be there if it says so."""
    match schema:
        case dict():
            made = {key: closed(value) for key, value in schema.items()}
            return {**made, "additionalProperties": False} if isinstance(schema.get("properties"), dict) else made
        case list():
            return [closed(one) for one in schema]
        case _:
            return schema
