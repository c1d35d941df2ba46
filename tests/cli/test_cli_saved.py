"""`plan --out FILE.fcplan`, `apply FILE.fcplan` and `--require-plan-digest`, as the program says them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

if TYPE_CHECKING:
    from conftest import Program

SCHEMA = Path(__file__).parents[2] / "schemas" / "plan.schema.json"


def closed(schema: Any) -> Any:
    """The schema with no member allowed that it does not name: what is printed is described, all of it."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    return {**made, "additionalProperties": False} if isinstance(schema.get("properties"), dict) else made


def test_every_json_plan_is_as_its_schema_says(program: Program) -> None:
    schema = closed(json.loads(SCHEMA.read_text(encoding="utf-8")))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    def plan(*words: str) -> Any:
        document = json.loads(program.run("plan", "--local", "--format", "json", *words).stdout)
        assert [error.message for error in validator.iter_errors(document)] == []
        return document

    created = plan()
    assert [one["action"] for one in created["targets"][0]["changes"]] == ["create"] * 3
    applied = json.loads(program.run("apply", "--local", "--yes", "--format", "json").stdout)["plan"]
    assert [error.message for error in validator.iter_errors({**applied, "type": "plan", "formatVersion": 1})] == []
    assert plan()["targets"][0]["digests"] == []
    program.edit("memorySize: 512", "memorySize: 1024\n        initializer: index.start")
    program.edit("{type: timer, config", "{type: timer, qualifier: LATEST, config")
    assert plan()["targets"][0]["changes"]
    assert plan("--destroy")["destroy"] is True
    assert plan("--only", "service:*")["summary"]["leftOut"] == 2
    program.edit("  images:\n", "  pictures:\n")
    refused = plan()
    assert (refused["targets"][0]["refused"], refused["digest"]) == (True, None)
    program.edit("    description: Thumbnails\n", "    description: Thumbnails\n    publish: 1\n")
    broken = json.loads(program.run("plan", "--local", "--format", "json").stdout)
    assert broken["type"] == "error", "a broken file is no plan"


def test_a_plan_is_saved_applied_and_then_used(program: Program) -> None:
    shown = program.run("plan", "--local").stdout
    saved = program.run("plan", "--local", "--out", "p.fcplan", "--expires", "7d", "--detailed-exitcode")
    assert (saved.returncode, saved.stdout) == (2, shown)
    assert saved.stderr == "Saved. To apply exactly this plan:\n  fcdeploy apply p.fcplan --local\n"
    assert (program.folder / "p.fcplan").stat().st_mode & 0o777 == 0o600
    # JSON goes to stdout as well.
    document = json.loads(program.run("plan", "--local", "--format", "json", "--out", "p.fcplan").stdout)
    found = re.search(r"\nPlan digest: ([0-9a-f]{64})\n\Z", shown)
    assert found is not None and document["digest"] == found[1]

    (program.folder / "src" / "index.py").unlink()
    applied = program.run("apply", "p.fcplan", "--local", "--yes", "--require-plan-digest", found[1])
    assert applied.returncode == 0, applied.stderr
    assert applied.stdout.startswith(shown), "the very plan"
    again = program.run("apply", "p.fcplan", "--local", "--yes")
    assert again.returncode == 5
    assert "error: p.fcplan was used already for target dev\n" in again.stderr
    assert "No plan: see the errors." in again.stdout
    document = json.loads(program.run("apply", "p.fcplan", "--local", "--yes", "--format", "json").stdout)
    assert [one["exitCode"] for one in document["outcomes"]] == []
    assert "was used already" in document["plan"]["targets"][0]["diagnostics"][0]["summary"]


def test_a_saved_destroy_says_what_it_is(program: Program) -> None:
    program.run("apply", "--local", "--yes")
    program.run("plan", "--destroy", "--local", "--out", "gone.fcplan")
    gone = program.run("apply", "gone.fcplan", "--local", "--yes")
    assert (gone.returncode, "Plan: 0 to create, 0 to update, 0 to replace, 3 to delete" in gone.stdout) == (0, True)
    assert " (destroy)" in program.run("history", gone.stdout.strip().rsplit("run ", 1)[1]).stdout


def test_mistakes_about_saved_plans(program: Program) -> None:
    program.run("plan", "--local", "--out", "p.fcplan")
    for words, code, said in (
        (("plan", "--local", "--expires", "1h"), 64, "--expires is about a saved plan"),
        (("plan", "--local", "--out", "nowhere/p.fcplan"), 64, "cannot write nowhere/p.fcplan"),
        (("apply", "--local", "--yes", "q.fcplan"), 64, "cannot read q.fcplan"),
        (("apply", "--local", "--yes", "p.fcplan", "--allow-unsafe"), 64, "is a part of a saved plan"),
        (("apply", "--local", "--yes", "p.fcplan", "--only", "service:*"), 64, "is a part of a saved plan"),
        (("apply", "--local", "--yes", "p.fcplan", "--target", "prod"), 64, "no target"),
        (("apply", "--local", "--yes", "fcdeploy.yaml"), 5, "fcdeploy.yaml is no plan file of fcdeploy"),
        (("apply", "--local", "--yes", "--require-plan-digest", "0" * 64), 5, "is not the one that was reviewed"),
        (("apply", "--local", "--yes", "--require-plan-digest", "0"), 64, "is no digest"),
    ):
        found = program.run(*words)
        assert (found.returncode, said in found.stderr) == (code, True), (words, found.stderr)
    assert "Nothing of this project is there." in program.run("status", "--local").stdout


def test_one_that_is_refused_is_not_saved(program: Program) -> None:
    program.run("apply", "--local", "--yes")
    program.edit("  images:\n", "  pictures:\n")
    refused = program.run("plan", "--local", "--out", "p.fcplan")
    assert refused.returncode == 1
    assert "Not saved in p.fcplan: there is no plan to apply for every target.\n" in refused.stderr
    assert not (program.folder / "p.fcplan").exists()
    assert "Plan digest" not in refused.stdout
