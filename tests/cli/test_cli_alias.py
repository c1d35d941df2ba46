"""`rollback --alias` as a person meets it: the plan with its traffic, the line for the file, what apply says then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Program

LINES = """\
    versions: {publish: on-change}
    aliases:
      live: {version: latest}
"""


def released(program: Program) -> None:
    program.spec.write_text(program.spec.read_text() + LINES)
    for number in range(3):
        (program.folder / "src" / "index.py").write_text(f"NUMBER = {number}\n")
        assert program.run("apply", "--local", "--yes").returncode == 0


def test_an_alias_is_moved_back_and_stays(program: Program) -> None:
    released(program)
    moved = program.run("rollback", "--alias", "live", "--local", "--yes")
    assert moved.returncode == 0, moved.stderr
    assert moved.stdout.startswith(
        "target dev · alibaba cn-hangzhou · account 1234567890123456\n"
        "\n"
        "  ~ alias images/live  (fcdeploy.yaml:19; moved back and pinned)\n"
        "      traffic: 100 % to version 3 -> 100 % to version 2\n"
        '      ~ versionId: "3" -> "2"\n'
        '      ~ description: "" -> "[fcdeploy:pinned]"\n'
        "          only the note that it is pinned\n"
        "\n"
        "Plan: 0 to create, 1 to update, 0 to replace, 0 to delete, 0 unchanged.\n"
        "\n"
        "target dev: done (1 step) in "
    )
    assert moved.stdout.endswith(
        "\n"
        "It is pinned: apply does not move it forward again without --forward.\n"
        "To keep it there, write:\n"
        '  aliases: {live: {version: "2"}}\n'
        "    in services.images (fcdeploy.yaml:19)\n"
    )
    again = program.run("rollback", "--alias", "live", "--to", "2", "--local", "--yes")
    assert again.returncode == 0
    assert again.stdout.startswith("No changes. It leads there already, and is pinned.\n")

    refused = program.run("apply", "--local", "--yes")
    assert refused.returncode == 1
    assert "error: alias images/live was moved back to version 2 and pinned there" in refused.stderr
    assert 'hint: to keep it there, write `version: "2"`; to move it all the same,' in refused.stderr
    assert program.run("plan", "--local", "--forward").returncode == 0
    program.edit("live: {version: latest}", 'live: {version: "2"}')
    assert "No changes." in program.run("apply", "--local", "--yes").stdout
    program.edit('live: {version: "2"}', "live: {version: latest}")
    onward = program.run("apply", "--local", "--yes", "--forward")
    assert onward.returncode == 0
    assert "traffic: 100 % to version 2 -> 100 % to version 3" in onward.stdout


def test_what_cannot_be_moved_back_is_a_failure_that_says_why(program: Program) -> None:
    released(program)
    other = program.run("rollback", "--alias", "beta", "--local", "--yes")
    assert other.returncode == 1
    assert other.stdout.endswith("\n\nNo plan: see the errors.\n")
    assert other.stderr.startswith("error: target dev has no 'beta'\n")
    missing = program.run("rollback", "--alias", "live", "--to", "9", "--local", "--yes")
    assert missing.returncode == 1
    assert "error: there is no version 9 for alias images/live" in missing.stderr
    assert "there are: 1, 2, 3" in missing.stderr


def test_the_json_has_plan_outcome_and_line(program: Program) -> None:
    released(program)
    document = json.loads(program.run("rollback", "--alias", "live", "--local", "--yes", "--format", "json").stdout)
    assert document["type"] == "rollback"
    (change,) = document["plan"]["targets"][0]["changes"]
    told = {"what": "traffic", "before": "100 % to version 3", "after": "100 % to version 2"}
    assert change["told"] == told
    assert [one["ending"] for one in document["outcomes"]] == ["done"]
    (kept,) = document["keep"]
    assert kept["yaml"] == 'aliases: {live: {version: "2"}}'
    assert (kept["section"], kept["file"], kept["line"]) == ("services.images", "fcdeploy.yaml", 19)
