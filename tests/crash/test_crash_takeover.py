"""Clocks that jump, and another process that takes over: what has begun is never begun twice (S37)."""

from __future__ import annotations

import re
import signal

import pytest
from trouble_stage import TroubleStage, assert_reached, at, killed, longer, one_by_one, recover

DAY = 86400.0


@pytest.fixture
def stage(trouble: TroubleStage) -> TroubleStage:
    trouble.begin_update()
    return trouble


# Clocks that jump


BACK, AHEAD = -3600.0, 30 * DAY


@pytest.mark.parametrize("seconds", [BACK, *longer(AHEAD)])
def test_a_clock_that_jumps_between_two_steps_changes_nothing(stage: TroubleStage, seconds: float) -> None:
    ended = one_by_one(stage, at("begun update *first", "jump", seconds=seconds))
    assert ended.status == 0, ended.told
    assert_reached(stage)
    # The way back goes by the order in the journal: what was made last is taken away first.
    (run,) = re.findall(r"run (\d{8}-\d{6}-\w{8})", ended.out)
    stage.world.log.clear()
    back = stage.run("rollback", run, "--yes", "--parallelism", "1", troubles=[at("start", "jump", seconds=-seconds)])
    assert back.status == 0, back.told
    assert stage.contents() == stage.before
    (newest, *_) = stage.rows("SELECT command FROM runs ORDER BY number DESC")
    assert newest == ("rollback",)


@pytest.mark.parametrize(
    ("seconds", "how"),
    [
        (AHEAD, "resume"),
        (BACK, "rollback"),
        *longer((AHEAD, "rollback"), (BACK, "resume")),
    ],
)
def test_a_clock_that_jumps_before_the_recovery_changes_nothing(stage: TroubleStage, seconds: float, how: str) -> None:
    killed(stage, "done update *first", at("begun update *first", "jump", seconds=-seconds / 2))
    later = at("start", "jump", seconds=seconds)
    # Undo material of an open run is not forgotten, however long it seems to be open.
    refused = stage.apply("--keep-undo", "0", troubles=[later])
    assert refused.status == 4 and "has not ended" in refused.err, refused.told
    recover(stage, how, troubles=[later])


@pytest.mark.parametrize("seconds", [AHEAD, *longer(BACK)])
def test_a_clock_that_jumps_does_not_take_a_lease(stage: TroubleStage, seconds: float) -> None:
    troubles = [at("start", "move_elsewhere", place="there"), at("send *", "send_self", number=signal.SIGSTOP)]
    holder = stage.start("apply", "--yes", "--parallelism", "1", troubles=troubles)
    holder.wait_for("send ")
    for _ in range(2):
        refused = stage.apply(troubles=[at("start", "jump", seconds=seconds)])
        assert refused.status == 1 and "is at work on dev" in refused.err, refused.told
    holder.send(signal.SIGCONT)
    assert holder.wait().status == 0, holder.told
    assert_reached(stage)


# Who works on a target


HOLDER = r"error: \S+@\S+ pid {pid} is at work on dev\n +run \d{{8}}-\d{{6}}-\w{{8}}, for \d+ s\n"


def test_a_process_of_this_machine_that_is_stopped_is_left_alone(stage: TroubleStage) -> None:
    holder = stage.start(
        "apply", "--yes", "--parallelism", "1", troubles=[at("begun update *first", "send_self", number=signal.SIGSTOP)]
    )
    holder.wait_for("begun update dev:alibaba.function:shop/first")
    hurried = at("start", "hurry", stale=0.0)
    for command in (["apply", "--yes", "--recover", "rollback"], ["resume"], ["rollback", "--yes"]):
        refused = stage.run(*command, troubles=[hurried])
        assert refused.status == 1, refused.told
        assert re.search(HOLDER.format(pid=holder.pid), refused.err), refused.err
    assert stage.run("plan").status == 0
    holder.send(signal.SIGCONT)
    assert holder.wait().status == 0
    assert_reached(stage)


@pytest.mark.parametrize("when", ["wait", *longer("begun update *first")])
def test_who_was_replaced_while_asleep_does_nothing_more(stage: TroubleStage, when: str) -> None:
    """`wait`: asleep between a refusal for lack of room and its repeat, of which `begun` was written long ago."""
    if when == "wait":
        busy = {"status": 429, "code": "ResourceThrottled", "message": "slowly"}
        stage.faults({"match": {"operation": "UpdateFunction", "times": 1}, "effect": busy})
    troubles = [
        at("start", "move_elsewhere", place="there"),
        at(when, "send_self", number=signal.SIGSTOP),
    ]
    first = stage.start("apply", "--yes", "--parallelism", "1", troubles=troubles)
    first.wait_for(when.partition("*")[0].strip())
    quick = at("start", "hurry", stale=0.3)
    second = stage.apply("--recover", "rollback", "--lock-timeout", "30s", troubles=[quick])
    assert second.status == 0, second.told
    assert_reached(stage)
    sent = len(stage.sent())
    first.send(signal.SIGCONT)
    assert first.wait().status == 4, first.told
    told = " ".join(first.told.split())
    assert re.search(rf"error: \S+@\S+ pid {second.pid} took dev over while this process was not heard of", told), told
    assert len(stage.sent()) == sent, "not even a repeat"
    assert_reached(stage)
