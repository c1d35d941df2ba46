"""Killed at any instruction, nothing is lost (law 7): every journal boundary and three moments of every call.

A real process is killed there with SIGKILL. Then, in processes of their own: `resume` leads to the target, `rollback`
back to the start; a machine without the journal, and one that abandons the run, apply anew and reach the target.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import pytest
from crash_stage import CLOUDS, Contents, CrashStage, Ended, differences

PARTS = 16
"""In so many tests, so that several processes have something to do."""

SOME = 1
"""So many moments `make test` tries, in each way."""

BOTH = pytest.mark.parametrize("crash", CLOUDS, indirect=True)

WAYS = ("resume", "rollback", "abandon", "forgotten")

NOTHING = "there is nothing to "


def moments(stage: CrashStage) -> list[str]:
    """Every moment at which a run is killed, in the order of an undisturbed one."""
    return [
        each
        for moment in stage.moments
        for each in ((moment, f"{moment.removesuffix('.before')}.unheard") if is_sent(moment) else (moment,))
    ]


def is_sent(moment: str) -> bool:
    return moment.startswith("call.") and moment.endswith(".before")


def kill(stage: CrashStage, moment: str) -> list[str]:
    """Apply, killed at a moment; what is wrong with that."""
    stage.begin()
    ended = stage.apply(fatal=moment)
    return [] if ended.status == -9 else [f"was not killed: {ended.status} {ended.output[-500:]}"]


def recover(stage: CrashStage, how: str) -> list[str]:
    """Recover as `how` says, and what is not as it must be then."""
    killed = stage.contents()
    if how == "forgotten":
        shutil.rmtree(stage.state)
    if how in ("forgotten", "abandon"):
        return anew(stage, stage.run("abandon", "--yes") if how == "abandon" else None)
    ended = stage.run(how, *(["--yes"] if how == "rollback" else []))
    if NOTHING in ended.output:
        # Killed before the run was open, or after it had ended.
        known = killed == stage.reached or not differences(started_but_for(stage), killed)
        return [] if ended.status == 1 and known else ["half a run is not known to the journal", ended.output]
    return ended_well(stage, ended, how)


def ended_well(stage: CrashStage, ended: Ended, how: str) -> list[str]:
    """What is wrong after `resume` or `rollback`."""
    left = how != "resume" and [*pruned(stage), *reopened(stage)]
    wrong = differences(stage.reached if how == "resume" else started_but_for(stage), stage.contents())
    if ended.status != (4 if left else 0) or (left and "Left behind:" not in ended.output):
        wrong += [f"exit code {ended.status}", ended.output[-6000:]]
    return [*wrong, *(["the run is still open"] if stage.has_open_run() else [])]


def pruned(stage: CrashStage) -> list[str]:
    """What is gone of the numbered things that were there, which come last for that reason and do not come back."""
    return [name for name in stage.started.keys() - stage.contents().keys() if name.startswith(stage.cloud.numbered)]


def reopened(stage: CrashStage) -> list[str]:
    """What was changed of what holds secrets that nobody can put back, and therefore comes last as well."""
    now = stage.contents()
    return [address for address in stage.cloud.sealed if now.get(address) != stage.started[address]]


def started_but_for(stage: CrashStage) -> Contents:
    """What was live before, without what was pruned; what holds other secrets now is as it is."""
    gone, now = pruned(stage), stage.contents()
    before = {address: body for address, body in stage.started.items() if address not in gone}
    return {**before, **{address: now[address] for address in reopened(stage) if address in now}}


def anew(stage: CrashStage, abandoned: Ended | None) -> list[str]:
    """Apply anew, from what live says; the numbers of versions may be others then."""
    if abandoned is not None and abandoned.status and NOTHING not in abandoned.output:
        return [f"abandon: exit code {abandoned.status}", abandoned.output]
    ended = stage.apply()
    if ended.status:
        return [f"apply: exit code {ended.status}", ended.output[-6000:]]
    again = stage.run("plan", "--detailed-exitcode")
    return [] if again.status == 0 else ["the next plan is not empty", again.output]


def try_all(stage: CrashStage, tally: object, how: str, chosen: Sequence[str]) -> None:
    for moment in chosen:
        tally.note(f"{how} after {moment}", kill(stage, moment) or recover(stage, how))  # type: ignore[attr-defined]


@BOTH
@pytest.mark.crash
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("how", ["resume", "rollback"])
def test_every_killed_run_is_recovered(crash: CrashStage, tally: object, how: str, part: int) -> None:
    try_all(crash, tally, how, moments(crash)[part::PARTS])


@BOTH
@pytest.mark.crash
@pytest.mark.parametrize("part", range(PARTS // 4))
@pytest.mark.parametrize("how", ["abandon", "forgotten"])
def test_every_third_killed_run_is_applied_anew(crash: CrashStage, tally: object, how: str, part: int) -> None:
    try_all(crash, tally, how, moments(crash)[::3][part :: PARTS // 4])


def some(stage: CrashStage) -> list[str]:
    """The few moments that `make test` tries: from the middle, and that before the first version goes."""
    every = moments(stage)
    assert len([name for name in every if name.endswith(".unheard")]) >= stage.cloud.least, "so many calls at least"
    step = len(every) // SOME
    return [*every[step // 2 :: step][:SOME], stage.cloud.pruning]


@pytest.mark.parametrize("how", WAYS)
def test_some_killed_runs_are_recovered(crash: CrashStage, tally: object, how: str) -> None:
    try_all(crash, tally, how, some(crash))


@pytest.mark.parametrize("crash", ["huawei"], indirect=True)
def test_some_killed_runs_of_the_other_cloud_are_recovered(crash: CrashStage, tally: object) -> None:
    """All in one test, since what takes most of the time is to lead the project to where it starts."""
    chosen = some(crash)
    for number, how in enumerate(WAYS):
        try_all(crash, tally, how, [chosen[number % len(chosen)]])


def killed_again(stage: CrashStage, tally: object, how: str, moment: str, step: int = 1) -> None:
    """Kill a run, and then its recovery at each of its own boundaries; the recovery after that must end it."""
    wrong = kill(stage, moment)
    left = stage.keep()
    ended = stage.run(how, *(["--yes"] if how == "rollback" else []))
    wrong += ended_well(stage, ended, how)
    tally.note(f"{how} after {moment}", wrong)  # type: ignore[attr-defined]
    for second in [name for name in ended.moments if name.startswith("journal.")][step // 2 :: step]:
        stage.put_back(left)
        again = stage.run(how, *(["--yes"] if how == "rollback" else []), fatal=second)
        wrong = [] if again.status == -9 else [f"was not killed: {again.status}", again.output[-500:]]
        tally.note(f"{how} after {moment} and {second}", wrong or recover(stage, how))  # type: ignore[attr-defined]


def ten(stage: CrashStage) -> list[str]:
    """Ten of the moments at which something is open, from the first to the last."""
    open_ = [name for name in moments(stage) if name.startswith(("journal.begun", "journal.done", "call."))]
    return open_[:: len(open_) // 10][:10]


@BOTH
@pytest.mark.crash
@pytest.mark.parametrize("place", range(10))
@pytest.mark.parametrize("how", ["resume", "rollback"])
def test_a_killed_recovery_is_recovered(crash: CrashStage, tally: object, how: str, place: int) -> None:
    killed_again(crash, tally, how, ten(crash)[place])


@pytest.mark.parametrize("how", ["resume", "rollback"])
def test_some_killed_recoveries_are_recovered(crash: CrashStage, tally: object, how: str) -> None:
    killed_again(crash, tally, how, ten(crash)[5], step=70)
