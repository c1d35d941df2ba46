"""What holds of every pipeline, without running it: who may do what, what is never put into a shell, what is linked."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pipe_expressions import evaluated, expressions, filled, runs
from pipe_github import FOLDER
from pipe_gitlab import FILE as GITLAB
from pipe_jenkins import FILE as JENKINS
from pipe_jenkins import steps
from pipe_stage import GITOPS, ROOT

WORKFLOWS = ("plan", "apply", "drift")
_ALLOWED_PERMISSIONS = {
    "plan": {"contents": "read", "id-token": "write", "pull-requests": "write", "security-events": "write"},
    "apply": {"actions": "read", "contents": "read", "id-token": "write", "pull-requests": "read"},
    "drift": {"contents": "read", "id-token": "write", "issues": "write"},
}


def workflow(name: str) -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    return made


def every_step() -> Iterator[dict[str, Any]]:
    for name in WORKFLOWS:
        for job in workflow(name)["jobs"].values():
            yield from job["steps"]


def action() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((FOLDER / "action.yml").read_text())
    return made


def shell_of_gitlab() -> Iterator[tuple[str, str]]:
    for name, job in yaml.safe_load(GITLAB.read_text()).items():
        if isinstance(job, dict):
            for part in ("before_script", "script", "after_script"):
                yield f"{name}.{part}", "\n".join(job.get(part, []))


def every_shell() -> list[tuple[str, str, str]]:
    """Every piece of shell: where it stands, which shell reads it, and its text."""
    found = [("github " + step["name"], "bash", step["run"]) for step in action()["runs"]["steps"] if "run" in step]
    found += [(f"gitlab {where}", "bash", text) for where, text in shell_of_gitlab() if text]
    text = JENKINS.read_text()
    found += [
        (f"jenkins {at}", "sh", step.text) for at, step in enumerate(steps(text)) if step.word in ("sh", "status")
    ]
    found.append(("drift", "sh", (GITOPS / "drift" / "fcdeploy-drift.sh").read_text()))
    return found


def test_every_piece_of_shell_is_one() -> None:
    for where, shell, text in every_shell():
        checked = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True, check=False, timeout=30)
        assert checked.returncode == 0, (where, checked.stderr)
    assert len(every_shell()) > 20


def test_no_expression_stands_in_a_shell() -> None:
    """A title or a branch's name would be a program there; in an environment variable it is a text."""
    for step in action()["runs"]["steps"]:
        assert not expressions(step.get("run", "")), step["name"]
    for step in every_step():
        assert "run" not in step, "the action alone runs anything"


def test_of_what_a_stranger_writes_only_numbers_are_used() -> None:
    used = {
        one
        for path in FOLDER.glob("*.yml")
        for text in expressions(path.read_text())
        for one in re.findall(r"github\.(?:event\.[\w.]+|head_ref|ref_name|base_ref)", text)
    }
    assert used <= {"github.event.pull_request.number"}
    # And in conditions: where it is only compared.
    assert (
        "github.event.pull_request.head.repo.full_name == github.repository" in workflow("plan")["jobs"]["plan"]["if"]
    )
    assert "pull_request_target" not in "".join(path.read_text() for path in FOLDER.glob("*.yml"))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_do_what_it_needs_and_no_more(name: str) -> None:
    document = workflow(name)
    assert document["permissions"] == {"contents": "read"}
    assert document["concurrency"]["cancel-in-progress"] is (name == "plan")
    for job in document["jobs"].values():
        assert job["timeout-minutes"] <= 60
        assert [step for step in job["steps"] if step["uses"].startswith("actions/checkout")]
    given = document["jobs"][name]
    assert given["permissions"] == _ALLOWED_PERMISSIONS[name]
    assert given["env"] == {word: f"${{{{ secrets.{word} }}}}" for word in given["env"]}
    for job in document["jobs"].values():
        assert job is given or ("env" not in job and job["permissions"] == {"contents": "read"})


def test_only_a_merge_applies_one_at_a_time_and_keeps_the_journal_whatever_happens() -> None:
    document = workflow("apply")
    # YAML 1.1 takes the key for a truth value.
    assert document[True]["push"] == {"branches": ["main"]}
    assert document["concurrency"] == {"group": "fcdeploy-apply", "cancel-in-progress": False, "queue": "max"}
    *_, apply, keep = document["jobs"]["apply"]["steps"]
    assert (keep["if"], keep["with"]["command"], keep["uses"]) == ("always()", "keep", apply["uses"])
    by_name = {step["name"]: step for step in action()["runs"]["steps"]}
    order = [step["name"] for step in action()["runs"]["steps"]]
    assert order.index("Unpack the journal") < order.index("Recover") < order.index("Apply")
    for name in ("Recover", "Apply"):
        # Signals reach the step's own process alone.
        assert by_name[name]["run"].strip().startswith("exec fcdeploy ")
        assert '--grace "$GRACE"' in by_name[name]["run"] and "--lock-timeout 5m" in by_name[name]["run"]
    restored, saved = by_name["Fetch the journal"]["with"], by_name["Save the journal"]["with"]
    assert (restored["path"], restored["key"]) == (saved["path"], saved["key"])
    assert saved["key"].startswith(restored["restore-keys"]) and "run_attempt" in saved["key"]


def test_every_input_is_used_and_every_word_is_known() -> None:
    document = action()
    assert set(document) == {"name", "description", "inputs", "outputs", "runs"}
    text = (FOLDER / "action.yml").read_text()
    for name in document["inputs"]:
        assert f"inputs.{name}" in text, name
    used = {word for one in expressions(text) for word in re.findall(r"inputs\.([\w-]+)", one)}
    used |= {word for step in document["runs"]["steps"] for word in re.findall(r"inputs\.([\w-]+)", step.get("if", ""))}
    assert used <= set(document["inputs"])
    ids = {step["id"] for step in document["runs"]["steps"] if "id" in step}
    assert set(re.findall(r"steps\.(\w+)\.", text)) <= ids
    for step in document["runs"]["steps"]:
        assert ("run" in step) is ("shell" in step) is ("uses" not in step), step["name"]
    for step in every_step():
        if step["uses"].startswith("./"):
            assert set(step["with"]) <= set(document["inputs"])


def seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)s", text)
    assert found is not None
    return float(found[1])


def test_the_grace_is_less_than_what_each_gives() -> None:
    assert seconds(action()["inputs"]["grace"]["default"]) < 7.5
    assert seconds(yaml.safe_load(GITLAB.read_text())["variables"]["GRACE"]) < 10
    grace = re.search(r"GRACE = '(\d+s)'", JENKINS.read_text())
    assert grace is not None and seconds(grace[1]) < 5
    text = "".join(part for _, _, part in every_shell())
    for command in re.findall(r"fcdeploy (?:apply|recover)[^\n]*(?:\n +--[^\n]*)*", text):
        assert "--grace" in command and "--lock-timeout 5m" in command, command


def test_what_changes_something_in_gitlab_is_never_two_at_once_nor_cut_off() -> None:
    document = yaml.safe_load(GITLAB.read_text())
    changes = document[".fcdeploy-changes"]
    assert (changes["interruptible"], changes["resource_group"]) == (False, "fcdeploy-$TARGET")
    assert {
        name for name, job in document.items() if isinstance(job, dict) and job.get("extends") == ".fcdeploy-changes"
    } == {
        "recover",
        "apply",
    }
    assert document["stages"].index("recover") < document["stages"].index("plan") < document["stages"].index("apply")
    hours = {"50m": 50, "5m": 5}
    script, after = (hours[changes["variables"][f"RUNNER_{part}_TIMEOUT"]] for part in ("SCRIPT", "AFTER_SCRIPT"))
    assert changes["timeout"] == "1h" and script + after <= 60
    for name, job in document.items():
        if isinstance(job, dict) and "stage" in job:
            assert job["stage"] in document["stages"], name


def test_nothing_is_said_of_a_secret_in_a_shell() -> None:
    for where, _, text in every_shell():
        assert "set -x" not in text, where
        for word in ("FCDEPLOY_STATE_KEY", "ACCESS_KEY_SECRET", "FCDEPLOY_JOURNAL_KEY"):
            # Only asked whether it is there, or named for a program that reads it from its environment.
            rest = re.sub(rf"\$\{{{word}:[-?][^}}]*\}}|env:{word}|[Ss]et the secret [^.]*\.|#.*", "", text)
            assert word not in rest, (where, word)


def test_every_folder_is_explained() -> None:
    manual = (ROOT / "docs" / "pipelines.md").read_text()
    readme = (ROOT / "README.md").read_text()
    for name in ("github", "gitlab", "jenkins", "drift"):
        assert f"examples/gitops/{name}" in manual and f"examples/gitops/{name}" in readme
        assert (GITOPS / name / "README.md").is_file()
    assert "docs/pipelines.md" in readme and ".pre-commit-hooks.yaml" in manual


def test_expressions_mean_what_github_means() -> None:
    contexts = {"a": {"b": "X", "none": None, "c": {"d": "e"}}, "inputs": {"x-y": "1"}}
    statuses = {"always": lambda: True, "success": lambda: False, "failure": lambda: True, "cancelled": lambda: False}
    for text, value in (
        ("a.b == 'x'", True), ("a.none == ''", True), ("a.missing.deeper == 'q'", False), ("!a.none", True),
        ("a.b == 'x' && inputs.x-y == '1'", True), ("a.none || 'it''s'", "it's"), ("(a.b != 'X') || a.c.d", "e"),
        ("${{ always() && a.b == 'X' }}", True), ("true", True), ("a.b && 'one' || 'two'", "one"),
    ):  # fmt: skip
        assert evaluated(text, contexts, statuses) == value, text
    assert filled("v${{ a.b }}-${{ a.none }}-${{ inputs.x-y }}", contexts, statuses) == "vX--1"
    assert filled(False, contexts, statuses) == "false"
    assert not runs(None, contexts, statuses) and not runs("a.b == 'X'", contexts, statuses)
    assert runs("always()", contexts, statuses) and runs("failure() && a.b == 'X'", contexts, statuses)
