"""Signals to a real process: an orderly end, an end at once, and what comes after both (laws 6 and 7)."""

from __future__ import annotations

import os
import pty
import select
import signal
from typing import Any

import pytest
from trouble_stage import Process, TroubleStage, longer

FUNCTIONS = ("second", "third")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ONE_SIGNAL = (signal.SIGHUP, *longer(*SIGNALS[:2]))
RESUME = ("resume", *longer("rollback"))
CREATE = "send POST /services/shop/functions"
HANGS: dict[str, Any] = {"match": {"operation": "CreateFunction", "nth": 2}, "effect": {"timeout": 600}}
"""The second create has no effect and no answer, as long as a test can take."""


@pytest.fixture
def stage(trouble: TroubleStage) -> TroubleStage:
    trouble.begin(FUNCTIONS)
    return trouble


def comes(number: int, when: str, nth: int = 1) -> dict[str, Any]:
    """A signal that comes at a moment."""
    return {"when": when, "nth": nth, "do": "send_self", "with": {"number": number}}


def one_by_one(stage: TroubleStage, *args: str, **more: Any) -> Process:
    return stage.apply("--parallelism", "1", *args, **more)


def assert_finished(stage: TroubleStage) -> None:
    """All of the file is live, nothing is open, nothing is left to do."""
    names = {name.rpartition("/")[2] for name in stage.contents()}
    assert names == {"shop", "first", *FUNCTIONS}
    again = stage.run("plan", "--detailed-exitcode")
    assert (again.status, again.err) == (0, ""), again.told


def assert_as_before(stage: TroubleStage, before: Any) -> None:
    assert stage.contents() == before
    assert "has not ended" not in stage.run("plan").err


@pytest.mark.parametrize("number", ONE_SIGNAL)
def test_a_signal_is_an_orderly_end(stage: TroubleStage, number: int) -> None:
    ended = one_by_one(stage, troubles=[comes(number, CREATE, 2)])
    assert ended.status == 3, ended.told
    assert "interrupted" in ended.told
    assert "Everything is as it was before." in ended.out
    assert len([one for one in ended.moments if one == CREATE]) == 2, "what was in flight ended, nothing new began"
    assert_as_before(stage, {})


@pytest.mark.parametrize("number", ONE_SIGNAL)
def test_a_run_that_is_to_stop_stays_where_it_is(stage: TroubleStage, number: int) -> None:
    ended = one_by_one(stage, "--on-failure", "stop", troubles=[comes(number, CREATE, 2)])
    assert ended.status == 4, ended.told
    assert "Stopping: what is in flight may end, and what is done stays." in ended.err
    assert {name.rpartition("/")[2] for name in stage.contents()} == {"shop", "first", "second"}
    assert stage.run("resume").status == 0
    assert_finished(stage)


@pytest.mark.parametrize("how", RESUME)
def test_a_call_that_hangs_is_left_when_the_grace_is_over(stage: TroubleStage, how: str) -> None:
    stage.faults(HANGS)
    ended = one_by_one(stage, "--grace", "200ms", troubles=[comes(signal.SIGTERM, CREATE, 2)])
    assert ended.status == 4, ended.told
    assert "1 effect not known" in ended.out
    stage.faults()
    if how == "resume":
        assert stage.run("resume").status == 0
        assert_finished(stage)
    else:
        assert stage.run("rollback", "--yes").status == 0
        assert_as_before(stage, {})


@pytest.mark.parametrize("second", ONE_SIGNAL)
@pytest.mark.parametrize("how", RESUME)
def test_the_second_signal_is_the_end_at_once(stage: TroubleStage, second: int, how: str) -> None:
    stage.faults(HANGS)
    running = stage.start("apply", "--yes", "--parallelism", "1", troubles=[comes(signal.SIGINT, CREATE, 2)])
    while "Stopping" not in running.err:
        running.wait_for(CREATE)
    running.send(second)
    assert running.wait().status == 4
    assert "the run is still open" in running.err
    stage.faults()
    if how == "resume":
        assert stage.run("resume").status == 0
        assert_finished(stage)
    else:
        assert stage.run("rollback", "--yes").status == 0
        assert_as_before(stage, {})


def test_what_a_pipeline_does_to_a_step_that_is_cancelled(stage: TroubleStage) -> None:
    """SIGINT, then SIGTERM, then SIGKILL, whatever the process says."""
    stage.faults(HANGS)
    running = stage.start("apply", "--yes", "--parallelism", "1")
    running.wait_for(CREATE)
    running.send(signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    assert running.wait().status in (4, -signal.SIGKILL)
    stage.faults()
    assert stage.run("resume").status == 0
    assert_finished(stage)


@pytest.mark.parametrize("number", ONE_SIGNAL)
def test_a_signal_does_not_stop_the_way_back(stage: TroubleStage, number: int) -> None:
    refused = {"status": 400, "code": "InvalidArgument", "message": "no"}
    stage.faults({"match": {"operation": "CreateFunction", "nth": 3}, "effect": refused})
    ended = one_by_one(stage, troubles=[comes(number, "send DELETE *", 1)])
    assert ended.status == 3, ended.told
    assert_as_before(stage, {})


def test_a_way_back_that_hangs_is_left_when_the_grace_is_over(stage: TroubleStage) -> None:
    stage.faults({"match": {"method": "DELETE", "nth": 1}, "effect": {"timeout": 600}})
    # Long enough that what is in flight ends, also on a machine that stands still for a while.
    ended = one_by_one(stage, "--grace", "1s", troubles=[comes(signal.SIGTERM, CREATE, 2)])
    assert ended.status == 4, ended.told
    stage.faults()
    assert "was being rolled back" in stage.run("resume").err
    assert stage.run("rollback", "--yes").status == 0
    assert_as_before(stage, {})


@pytest.mark.parametrize("how", ["resume", "rollback"])
def test_a_signal_to_a_recovery_leaves_nothing_half_done(stage: TroubleStage, how: str) -> None:
    killed = one_by_one(stage, troubles=[comes(signal.SIGKILL, CREATE, 2)])
    assert killed.status == -signal.SIGKILL
    yes = ["--yes"] if how == "rollback" else []
    ended = stage.run(how, "--parallelism", "1", *yes, troubles=[comes(signal.SIGTERM, "send *", 1)])
    assert ended.status == (3 if how == "resume" else 0), ended.told
    assert_as_before(stage, {})


def test_a_signal_before_anything_was_sent_changes_nothing(stage: TroubleStage) -> None:
    ended = stage.apply(troubles=[comes(signal.SIGHUP, "spool")])
    assert ended.status == 1, ended.told
    assert stage.sent() == []
    assert_as_before(stage, {})


def test_a_run_that_is_to_outlive_the_terminal_does(stage: TroubleStage) -> None:
    troubles = [{"when": "start", "do": "ignore", "with": {"number": signal.SIGHUP}}, comes(signal.SIGHUP, CREATE)]
    assert stage.apply(troubles=troubles).status == 0
    assert_finished(stage)


@pytest.mark.parametrize("live", [True, *longer(False)], ids=["live", "plain"])
def test_a_terminal_that_is_closed_is_an_orderly_end(stage: TroubleStage, live: bool) -> None:
    """As when the connection of a session breaks: a signal comes, and nothing can be said any more."""
    stage.faults({"match": {"operation": "CreateFunction", "nth": 2}, "effect": {"delay": 0.5}})
    ours, theirs = pty.openpty()
    environ = {"TERM": "xterm"} if live else {"CI": "1"}
    running = stage.start("apply", "--yes", "--parallelism", "1", terminal=os.ttyname(theirs), environ=environ)
    running.wait_for("start")
    os.close(theirs)
    while running.moments.count(CREATE) < 2:
        if select.select([ours], [], [], 0.01)[0]:
            os.read(ours, 65536)
        stage.listen(0.0)
        assert running.status is None
    os.close(ours)
    assert running.wait().status == 3
    assert_as_before(stage, {})


@pytest.mark.parametrize("way", ["out", "err"])
def test_a_full_disk_under_what_is_said_does_not_disturb_the_run(stage: TroubleStage, way: str) -> None:
    ended = stage.apply(**{way: "/dev/full"})
    if way == "out":
        assert ended.status == 64, ended.told
        assert "cannot write" in ended.err and "No space left on device" in ended.err
        assert stage.sent() == [], "a plan that nobody sees is not carried out"
    else:
        assert ended.status == 0, ended.told
        assert_finished(stage)
