"""The workflows of examples/gitops/github, run as they are written against the emulator."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from pipe_github import Github, cancel
from pipe_stage import KEYS, STATE_KEY, Stage, killed

SECRETS = {**KEYS, "FCDEPLOY_STATE_KEY": STATE_KEY}
DIGEST = re.compile(r"digest=sha256:([0-9a-f]{64})")


@pytest.fixture
def github(stage: Stage) -> Github:
    return Github(stage, SECRETS)


def test_what_was_reviewed_is_applied_and_a_killed_apply_is_finished_elsewhere(stage: Stage, github: Github) -> None:
    planned = github.pull_request(7, "head-1")
    assert planned.conclusion == "success", planned.said
    (comment,) = github.forge["comments"]
    assert comment["body"].startswith("<!-- fcdeploy: fcdeploy.yaml prod -->\n<!-- fcdeploy-plan:shop digest=sha256:")
    assert (planned.outputs["plan"]["status"], len(github.findings)) == ("2", 1)
    assert "**3 to create**" in planned.summary
    assert not github.caches, "a plan keeps nothing"

    stage.hold("CreateTrigger")
    cut_off = github.merge("head-1", "main-1", interrupted=("Apply", stage.while_held(killed)))
    assert cut_off.conclusion == "failure"
    assert "creating trigger" in cut_off.said
    ((key, kept),) = github.caches
    assert key.startswith("fcdeploy-journal-")
    assert b"SQLite" not in (kept / "journal.enc").read_bytes(), "it is encrypted"

    # Somebody has it run again, on another machine.
    again = github.push("main-1")
    assert again.conclusion == "success", again.said
    assert "target prod: done (4 steps)" in again.said, "what was begun is finished"
    assert "No changes." in again.said and "| `prod` | done | 0 |" in again.summary


@pytest.mark.proof
def test_one_comment_is_kept_up_to_date_and_a_merge_does_that_and_no_more(stage: Stage, github: Github) -> None:
    assert github.pull_request(7, "head-1").conclusion == "success"
    assert github.merge("head-1", "main-1").conclusion == "success"
    nothing = github.push("main-1")
    assert nothing.conclusion == "success" and "No changes." in nothing.said
    stage.edit("GREETING: Hello", "GREETING: Good morning")
    assert github.pull_request(8, "head-2").conclusion == "success"
    assert github.pull_request(8, "head-3").conclusion == "success"
    ours = [one for one in github.forge["comments"] if one["issue"] == "8"]
    assert len(ours) == 1 and "Good morning" in ours[0]["body"]
    stage.edit("handler: index.handler", "handler: index.main")
    unseen = github.merge("head-3", "main-2")
    assert unseen.conclusion == "failure"
    assert "this change of function shop/order was not reviewed" in unseen.said


@pytest.mark.proof
def test_a_cancelled_apply_is_taken_back(stage: Stage, github: Github) -> None:
    assert github.pull_request(7, "head-1").conclusion == "success"
    rule = {"match": {"operation": "CreateFunction", "nth": 1}, "when": "after", "effect": {"delay": 2}}
    stage.control("PUT", {"rules": [rule]})
    stopped = github.merge("head-1", "main-1", interrupted=("Apply", stage.while_held(cancel)))
    assert stopped.conclusion == "cancelled", stopped.said
    assert "Stopping: what is in flight may end, then it is taken back." in stopped.said
    assert len(github.caches) == 1
    assert "**Failed and rolled back completely.**" in stopped.summary
    assert "Plan: 3 to create" in stage.live()
    again = github.push("main-1")
    assert again.conclusion == "success", again.said
    assert "No run is open." in again.said
    assert "No changes." in stage.live()


@pytest.mark.proof
def test_a_cancelled_apply_that_cannot_end_in_time_is_open_and_recovered(stage: Stage, github: Github) -> None:
    assert github.pull_request(7, "head-1").conclusion == "success"
    stage.hold("CreateTrigger")
    stopped = github.merge("head-1", "main-1", interrupted=("Apply", stage.while_held(cancel)))
    assert stopped.conclusion == "cancelled", stopped.said
    assert "needs a person" in stopped.summary, stopped.said
    again = github.push("main-1")
    assert again.conclusion == "success", again.said
    assert "No run is open." not in again.said
    assert "No changes." in stage.live()
    # And nobody would have known of it without `exec`: the shell keeps the signal to itself.
    action = stage.repository / ".github/actions/fcdeploy/action.yml"
    action.write_text(action.read_text().replace("exec fcdeploy apply", "fcdeploy apply"))
    stage.edit("GREETING: Hello", "GREETING: Good morning")
    assert github.pull_request(8, "head-2").conclusion == "success"
    stage.hold("UpdateFunction")
    deaf = github.merge("head-2", "main-2", interrupted=("Apply", stage.while_held(cancel)))
    assert "Stopping: " not in deaf.said


@pytest.mark.proof
def test_without_its_journal_a_merge_still_converges(stage: Stage, github: Github) -> None:
    assert github.pull_request(7, "head-1").conclusion == "success"
    stage.hold("CreateTrigger")
    lost = github.merge("head-1", "main-1", interrupted=("Apply", stage.while_held(killed)), machine_lost=True)
    assert (lost.conclusion, github.caches) == ("failure", [])
    again = github.push("main-1")
    assert again.conclusion == "success", again.said
    assert "No run is open." in again.said
    assert "No changes." in stage.live()


@pytest.mark.proof
def test_nobody_sees_that_a_process_elsewhere_is_dead_so_it_is_waited_for(stage: Stage, github: Github) -> None:
    assert github.pull_request(7, "head-1").conclusion == "success"
    stage.hold("CreateTrigger")
    github.merge("head-1", "main-1", interrupted=("Apply", stage.while_held(killed)))
    # The machines of this test are one, whose processes can be looked at: let the dead one be of another.
    ((_, kept),) = github.caches
    moved_elsewhere(kept / "journal.enc", stage.folder / "moved")
    began = time.monotonic()
    again = github.push("main-1")
    assert again.conclusion == "success", again.said
    assert "target prod: done (4 steps)" in again.said
    assert time.monotonic() - began > 60, "no heartbeat for so long"


def moved_elsewhere(packed: Path, folder: Path) -> None:
    """Let the holder of every lease in a packed journal be a process of another machine."""
    folder.mkdir()
    cipher = ["openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-pass", f"pass:{STATE_KEY}"]
    whole = subprocess.run([*cipher, "-d", "-in", packed], capture_output=True, check=True, timeout=60).stdout
    subprocess.run(["tar", "-xzf", "-", "-C", folder], input=whole, check=True, timeout=60)
    (journal,) = folder.rglob("journal.db")
    with contextlib.closing(sqlite3.connect(journal)) as connection, connection:
        ((holder,),) = connection.execute("SELECT holder FROM lease").fetchall()
        elsewhere = json.dumps({**json.loads(holder), "place": "another boot pid:[1]"})
        connection.execute("UPDATE lease SET holder = ?", (elsewhere,))
    packing = subprocess.run(["tar", "-czf", "-", "-C", folder, "."], capture_output=True, check=True, timeout=60)
    subprocess.run([*cipher, "-out", packed], input=packing.stdout, check=True, timeout=60)


@pytest.mark.proof
def test_a_run_that_was_killed_twice_is_recovered_by_the_third(stage: Stage, github: Github) -> None:
    assert github.pull_request(7, "head-1").conclusion == "success"
    stage.hold("CreateFunction")
    github.merge("head-1", "main-1", interrupted=("Apply", stage.while_held(killed)))
    stage.hold("CreateTrigger")
    again = github.push("main-1", interrupted=("Recover", stage.while_held(killed)))
    assert again.conclusion == "failure"
    assert len(github.caches) == 2
    third = github.push("main-1")
    assert third.conclusion == "success", third.said
    assert "target prod: done (4 steps)" in third.said
    assert "No changes." in stage.live()


@pytest.mark.proof
def test_a_wrong_key_stops_before_anything_is_done(stage: Stage, github: Github) -> None:
    assert github.pull_request(7, "head-1").conclusion == "success"
    assert github.merge("head-1", "main-1").conclusion == "success"
    github.secrets = {**SECRETS, "FCDEPLOY_STATE_KEY": "another"}
    refused = github.push("main-1")
    assert refused.conclusion == "failure"
    assert "bad decrypt" in refused.said and "[Recover]" not in refused.said
    github.secrets = KEYS
    unset = github.push("main-1")
    assert unset.conclusion == "failure"
    assert "::error::Set the secret FCDEPLOY_JOURNAL or FCDEPLOY_STATE_KEY" in unset.said


@pytest.mark.proof
def test_a_push_that_nobody_reviewed_is_applied_by_hand_with_its_digest(stage: Stage, github: Github) -> None:
    pushed = github.push("main-1")
    assert pushed.conclusion == "failure"
    assert "::error::No pull request led to main-1." in pushed.said
    shown = github.by_hand()
    assert shown.conclusion == "success", shown.said
    found = DIGEST.search(shown.summary)
    assert found is not None
    assert "Plan: 3 to create" in stage.live(), "it was only shown"
    assert github.by_hand("0" * 64).conclusion == "failure"
    applied = github.by_hand(found[1])
    assert applied.conclusion == "success", applied.said
    assert "No changes." in stage.live()


@pytest.mark.proof
def test_a_pull_request_without_a_plan_is_refused_when_it_is_merged(stage: Stage, github: Github) -> None:
    github.secrets = {}
    foreign = github.pull_request(7, "head-1", fork=True)
    assert (foreign.conclusion, "fcdeploy.yaml is valid" in foreign.said) == ("success", True), foreign.said
    assert github.forge["comments"] == [], "it may not write any"
    github.secrets = SECRETS
    refused = github.merge("head-1", "main-1")
    assert refused.conclusion == "failure"
    assert "::error::The workflow for head-1 kept no plan." in refused.said, refused.said
    unplanned = github.merge("head-0", "main-0")
    assert "::error::There is no plan of head-0" in unplanned.said, unplanned.said
    stage.edit("handler:", "handlr:")
    broken = github.pull_request(8, "head-2")
    assert broken.conclusion == "failure"
    (comment,) = github.forge["comments"]
    assert "handlr" in comment["body"], "what is wrong is told on the pull request"
    assert github.findings[0]["runs"][0]["results"], "and at its line"


@pytest.mark.proof
def test_the_night_opens_keeps_and_closes_an_issue(stage: Stage, github: Github) -> None:
    assert github.pull_request(7, "head-1").conclusion == "success"
    assert github.merge("head-1", "main-1").conclusion == "success"
    quiet = github.night()
    assert (quiet.conclusion, quiet.outputs["drift"]["status"]) == ("success", "0")
    assert github.forge["issues"] == []
    # Somebody else changes what is live: for the file it is the same as if the file had changed behind the journal.
    stage.edit("GREETING: Hello", "GREETING: Bonjour")
    for _ in range(2):
        told = github.night()
        assert (told.conclusion, told.outputs["drift"]["status"]) == ("success", "2"), told.said
        (issue,) = github.forge["issues"]
        assert (issue["title"], issue["state"]) == ("fcdeploy: live has drifted from the file (prod)", "open")
        assert "GREETING" in issue["body"]
        assert "The file moved" in issue["body"] or "the file moved" in issue["body"], "the journal tells who it was"
    stage.edit("GREETING: Bonjour", "GREETING: Hello")
    assert github.night().conclusion == "success"
    (issue,) = github.forge["issues"]
    assert issue["state"] == "closed"
