"""The Jenkinsfile of examples/gitops/jenkins: its shell steps, run as they are written against the emulator."""

from __future__ import annotations

import pytest
from pipe_jenkins import FILE, Jenkins, abort, block, steps
from pipe_stage import KEYS, STATE_KEY, Stage, killed

SECRETS = {**KEYS, "FCDEPLOY_STATE_KEY": STATE_KEY}


def test_every_stage_is_read() -> None:
    text = FILE.read_text()
    words = {
        name: [step.word for step in steps(block(block(text, f"stage('{name}')"), "steps"))]
        for name in ("Validate", "Plan", "Approve", "Apply")
    }
    assert words == {
        "Validate": ["sh"],
        "Plan": ["copy", "sh", "sh", "status"],
        "Approve": [],
        "Apply": ["unstash", "copy", "copy own", "sh", "sh", "sh"],
    }
    assert text.count("'''") == 2 * 9, "each step of the shell is one of these"
    for name in ("Plan", "Apply"):
        # What was planned, or begun, is kept whichever way it ended.
        assert "always" in block(block(text, f"stage('{name}')"), "post")
        assert "lock(resource: 'fcdeploy-prod')" in block(block(text, f"stage('{name}')"), "options")
    assert "branch 'main'" in block(block(text, "stage('Apply')"), "when")


@pytest.mark.proof
def test_the_plan_that_was_agreed_to_is_applied_and_a_killed_one_is_finished(stage: Stage) -> None:
    jenkins = Jenkins(stage, SECRETS)
    first = jenkins.begin()
    assert jenkins.run(first, "Validate") is True, first.said
    assert jenkins.run(first, "Plan") is True, first.said
    assert (first.planned, "No run is open." in first.said) == ("2", True)
    assert set(first.stashed) == {".fcdeploy/change.fcplan"}
    stage.hold("CreateTrigger")
    assert jenkins.run(first, "Apply", ("apply", stage.while_held(killed))) is False
    assert "creating trigger" in first.said and SECRETS["FCDEPLOY_STATE_KEY"] not in first.said
    assert b"SQLite" not in first.archived[".fcdeploy/journal.enc"].read_bytes()

    second = jenkins.begin()
    assert jenkins.run(second, "Plan") is True, second.said
    assert "target prod: done (4 steps)" in second.said
    assert second.planned == "0", "nothing is left to agree to"
    assert "No changes." in stage.live()

    # A plan that is no longer true when it is agreed to is refused.
    stage.edit("GREETING: Hello", "GREETING: Bonjour")
    third = jenkins.begin()
    assert jenkins.run(third, "Plan") is True and third.planned == "2"
    fourth = jenkins.begin()
    assert jenkins.run(fourth, "Plan") is True
    assert jenkins.run(fourth, "Apply") is True, fourth.said
    assert jenkins.run(third, "Apply") is False
    assert "error: function shop/order is not as it was when the plan was made" in third.said, third.said
    assert "No changes." in stage.live()


@pytest.mark.proof
def test_an_aborted_apply_is_taken_back_or_recovered(stage: Stage) -> None:
    jenkins = Jenkins(stage, SECRETS)
    first = jenkins.begin()
    assert jenkins.run(first, "Plan") is True, first.said
    rule = {"match": {"operation": "CreateFunction", "nth": 1}, "when": "after", "effect": {"delay": 2}}
    stage.control("PUT", {"rules": [rule]})
    assert jenkins.run(first, "Apply", ("apply", stage.while_held(abort))) is False
    assert first.aborted
    assert "target prod: failed and rolled back (everything was taken back)" in first.said, first.said
    second = jenkins.begin()
    assert jenkins.run(second, "Plan") is True and "No run is open." in second.said
    stage.hold("CreateTrigger")
    assert jenkins.run(second, "Apply", ("apply", stage.while_held(abort))) is False
    assert "target prod: needs a person" in second.said, "it has ended by itself, within what Jenkins gives"
    third = jenkins.begin()
    assert jenkins.run(third, "Plan") is True, third.said
    assert "No run is open." not in third.said
    if third.planned == "2":
        assert jenkins.run(third, "Apply") is True, third.said
    assert "No changes." in stage.live()


@pytest.mark.proof
def test_a_stage_that_is_restarted_recovers_and_keeps_the_newest_journal(stage: Stage) -> None:
    jenkins = Jenkins(stage, SECRETS)
    first = jenkins.begin()
    assert jenkins.run(first, "Plan") is True, first.said
    stage.hold("CreateTrigger")
    assert jenkins.run(first, "Apply", ("apply", stage.while_held(killed))) is False
    restarted = jenkins.begin(restarted=first)
    assert jenkins.run(restarted, "Apply") is False
    assert "target prod: done (4 steps)" in restarted.said, restarted.said
    assert "error: .fcdeploy/change.fcplan was used already for target prod" in restarted.said, "and what it was to do"
    assert "No changes." in stage.live()
    third = jenkins.begin()
    assert jenkins.run(third, "Plan") is True, third.said
    assert ("No run is open." in third.said, third.planned) == (True, "0")


@pytest.mark.proof
def test_a_wrong_key_leaves_the_journal_that_there_is(stage: Stage) -> None:
    jenkins = Jenkins(stage, SECRETS)
    first = jenkins.begin()
    assert jenkins.run(first, "Plan") is True, first.said
    stage.hold("CreateTrigger")
    assert jenkins.run(first, "Apply", ("apply", stage.while_held(killed))) is False
    jenkins.environ["FCDEPLOY_STATE_KEY"] = "another"
    second = jenkins.begin()
    assert jenkins.run(second, "Plan") is False
    assert "bad decrypt" in second.said and "fcdeploy recover" not in second.said
    jenkins.environ["FCDEPLOY_STATE_KEY"] = STATE_KEY
    third = jenkins.begin()
    assert jenkins.run(third, "Plan") is True, third.said
    assert "target prod: done (4 steps)" in third.said


@pytest.mark.proof
def test_another_branch_only_plans(stage: Stage) -> None:
    jenkins = Jenkins(stage, SECRETS, branch="feature")
    build = jenkins.begin()
    stage.control("PUT", {"rules": []})
    assert jenkins.run(build, "Plan") is True, build.said
    assert (build.planned, "fcdeploy recover" in build.said) == ("2", False)
