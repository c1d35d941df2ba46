"""Reports for others to read: what `--format` puts on stdout or into `--out`, and nothing besides."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

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
