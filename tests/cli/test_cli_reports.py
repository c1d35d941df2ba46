"""Reports for others to read: what `--format` puts on stdout or into `--out`, and nothing besides."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from conftest import Program

MARKER = re.compile(r"<!-- fcdeploy-plan:image-pipeline digest=sha256:([0-9a-f]{64}) -->\n")


def digest(text: str) -> str:
    found = MARKER.match(text)
    assert found is not None, text[:200]
    return found[1]


def test_a_plan_and_a_run_as_comments(program: Program) -> None:
    planned = program.run("plan", "--local", "--format", "markdown", "--detailed-exitcode")
    assert (planned.returncode, planned.stderr) == (2, "")
    assert "**3 to create**.\n" in planned.stdout
    assert "+ create function images/resize  (fcdeploy.yaml:9; does not exist yet)\n" in planned.stdout
    again = program.run("plan", "--local", "--format", "markdown", "--out", "plan.md")
    assert (again.returncode, again.stdout) == (0, "")
    assert (program.folder / "plan.md").read_text() == planned.stdout, "the same input gives the same bytes"

    applied = program.run("apply", "--local", "--yes", "--format", "markdown")
    assert applied.returncode == 0
    first, _, title = applied.stdout.splitlines()[:3]
    assert first == f"<!-- fcdeploy-apply:image-pipeline digest=sha256:{digest(planned.stdout)} -->"
    assert title == "### fcdeploy apply: `image-pipeline`"
    assert "**Done, or nothing to do.**\n" in applied.stdout
    assert re.search(r"\| `dev` \| done \| 4 \| 0 \| 0 \| 0 \| [\d.]+ s \| `[^`]+` \|\n", applied.stdout)

    empty = program.run("plan", "--local", "--format", "markdown").stdout
    assert "**No changes**.\n" in empty and "```" not in empty
    gone = program.run("destroy", "--local", "--yes", "--format", "markdown").stdout
    assert gone.startswith("<!-- fcdeploy-destroy:image-pipeline ") and "- delete service images  (" in gone


def test_one_plan_in_several_forms(program: Program) -> None:
    wanted = ("--report", "markdown=c.md", "--report", "json=p.json", "--report", "sarif=f.sarif")
    shown = program.run("plan", "--local").stdout
    planned = program.run("plan", "--local", *wanted, "--report", "html=p.html", "--out", "saved.fcplan")
    assert (planned.returncode, planned.stdout) == (0, shown)
    document = json.loads((program.folder / "p.json").read_text())
    assert document["digest"] == digest((program.folder / "c.md").read_text())
    assert json.loads((program.folder / "f.sarif").read_text())["version"] == "2.1.0"
    assert (program.folder / "p.html").read_text().startswith("<!doctype html>")
    assert program.run("plan", "--local", "--report", "json=nowhere/p.json").returncode == 64
    required = ("--require-plan-digest", "p.json", "--report", "markdown=a.md", "--format", "json")
    applied = program.run("apply", "--local", "--yes", *required)
    assert (applied.returncode, json.loads(applied.stdout)["type"]) == (0, "apply")
    assert (program.folder / "a.md").read_text().startswith("<!-- fcdeploy-apply:image-pipeline digest=")
    drifted = program.run("drift", "--local", "--report", "json=d.json", "--report", "markdown=d.md")
    assert drifted.returncode == 0 and json.loads((program.folder / "d.json").read_text())["type"] == "drift"

    program.edit("memorySize: 512", "memorySise: 512")
    checked = program.run("validate", "--report", "junit=v.xml", "--report", "json=v.json")
    assert (checked.returncode, json.loads((program.folder / "v.json").read_text())["valid"]) == (1, False)
    assert ElementTree.parse(program.folder / "v.xml").getroot().get("failures") == "1"
    assert program.run("plan", "--local", *wanted).returncode == 1
    assert "memorySise" in (program.folder / "c.md").read_text(), "what went wrong is in every report"
    assert json.loads((program.folder / "p.json").read_text())["type"] == "error"
    for word in ("dot=x", "markdown", "markdown="):
        refused = program.run("plan", "--local", "--report", word)
        assert (refused.returncode, "is no report" in refused.stderr) == (64, True)


def test_the_digest_is_of_what_changes(program: Program) -> None:
    def made() -> str:
        return digest(program.run("plan", "--local", "--format", "markdown").stdout)

    first = made()
    assert made() == first
    program.edit("description: Thumbnails", "description: Thumbnails\n    # a remark moves every line")
    assert made() == first, "where it stands in the file changes nothing"
    program.edit("memorySize: 512", "memorySize: 1024")
    assert made() != first


def test_a_secret_is_in_no_report_and_no_digest(program: Program) -> None:
    program.edit("services:\n", "secrets:\n  TOKEN: {env: TOKEN}\nservices:\n")
    program.edit('{LEVEL: "3"}', '{TOKEN: "${{ secret(\'TOKEN\') }}", LEVEL: "3"}')
    digests = set()
    for secret in ("hunter2-Zx9", "hunter3-Yw8"):
        program.environ["TOKEN"] = secret
        planned = program.run("plan", "--local", "--format", "markdown")
        assert planned.returncode == 0, planned.stderr
        assert secret not in planned.stdout and "TOKEN: (sensitive)" in planned.stdout
        digests.add(digest(planned.stdout))
    assert len(digests) == 1, "a digest that follows a secret could be used to guess it"


def test_a_plan_and_a_run_as_pages(program: Program) -> None:
    planned = program.run("plan", "--local", "--format", "html")
    assert (planned.returncode, planned.stderr) == (0, "")
    assert program.run("plan", "--local", "--format", "html").stdout == planned.stdout, "the same bytes"
    assert planned.stdout.count('<details class="change"') == 3
    assert planned.stdout.count('<g class="node create"') == 3 and planned.stdout.count('<path class="edge"') == 2
    applied = program.run("apply", "--local", "--yes", "--format", "html", "--out", "run.html")
    assert (applied.returncode, applied.stdout) == (0, "")
    page = (program.folder / "run.html").read_text()
    assert page.count('<div class="bar">') == 4 and "Where the time went" in page
    gone = program.run("plan", "--local", "--destroy", "--format", "html").stdout
    assert gone.count('<g class="node delete"') == 3 and gone.count('<path class="edge"') == 2
    program.edit("memorySize: 512", "memorysize: 512")
    failed = program.run("plan", "--local", "--format", "html")
    assert failed.returncode == 1
    assert "unknown key `memorysize`" in failed.stdout and failed.stdout.startswith("<!doctype html>")


def test_a_file_that_is_valid_and_one_that_is_not_as_reports(program: Program) -> None:
    valid = program.run("validate", "--format", "junit")
    assert (valid.returncode, valid.stderr) == (0, "")
    suites = ElementTree.fromstring(valid.stdout)
    assert [(one.get("name"), one.get("failures")) for one in suites] == [("fcdeploy.yaml", "0"), ("target dev", "0")]
    assert json.loads(program.run("validate", "--format", "sarif").stdout)["runs"][0]["results"] == []

    program.edit("memorySize: 512", "memorysize: 512")
    broken = program.run("validate", "--format", "junit", "--out", "validate.xml")
    assert (broken.returncode, broken.stdout, broken.stderr) == (1, "", "")
    (failure,) = ElementTree.parse(program.folder / "validate.xml").iter("failure")
    assert (failure.get("message"), failure.get("type")) == ("unknown key `memorysize`", "unknown-key")
    assert "fcdeploy.yaml:13:9: error: " in (failure.text or "") and "hint: " in (failure.text or "")
    shown = program.run("validate", "--format", "sarif")
    assert (shown.returncode, shown.stderr) == (1, "")
    assert program.run("plan", "--local", "--format", "sarif").stdout == shown.stdout
    (result,) = json.loads(shown.stdout)["runs"][0]["results"]
    (location,) = result["locations"]
    assert (result["ruleId"], result["level"]) == ("unknown-key", "error")
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "fcdeploy.yaml"},
        "region": {"startLine": 13, "startColumn": 9},
    }


def test_what_a_plan_is_refused_for_as_sarif(program: Program) -> None:
    assert program.run("apply", "--local", "--yes").returncode == 0
    program.edit("    description: Thumbnails\n", "    description: Thumbnails\n    protect: true\n")
    assert program.run("apply", "--local", "--yes").returncode == 0
    text = program.spec.read_text()
    program.spec.write_text(text.replace("protect: true", "protect: true\n    absent: true"))
    refused = program.run("plan", "--local", "--format", "sarif", "-f", str(program.folder))
    assert refused.returncode == 1
    results = json.loads(refused.stdout)["runs"][0]["results"]
    assert {one["level"] for one in results} >= {"error"}
    assert {one["ruleId"] for one in results} <= {"protected", "destructive"}


def test_a_command_that_fails_leaves_a_comment_that_says_so(program: Program, tmp_path: Path) -> None:
    program.edit("memorySize: 512", "memorysize: 512")
    failed = program.run("plan", "--local", "--format", "markdown")
    assert failed.returncode == 1
    assert failed.stdout.startswith("<!-- fcdeploy-plan: digest=none -->\n\n### fcdeploy plan\n\n**Failed.**")
    assert "fcdeploy.yaml:13:9: error: unknown key `memorysize`" in failed.stdout
    assert "memorysize" in failed.stderr, "and the person is told as ever"
    written = program.run("plan", "--local", "--format", "markdown", "--out", str(tmp_path / "plan.md"))
    assert written.stdout == ""
    assert (tmp_path / "plan.md").read_text() == failed.stdout
    nowhere = program.run("plan", "--local", "--format", "markdown", "--out", str(tmp_path / "none" / "plan.md"))
    assert nowhere.stdout == "" and "memorysize" in nowhere.stderr
