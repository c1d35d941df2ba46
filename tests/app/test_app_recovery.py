"""Killed at any instruction, nothing is lost (law 7): open runs are found, resumed, rolled back, abandoned."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.app import StopRequest, Wishes
from fcdeploy.cli.entry import run
from fcdeploy.errors import OpenRun, RunError
from fcdeploy.model import Ending, EventType

CHILD = Path(__file__).with_name("apply_child.py")
MOMENTS = [
    pytest.param("after-begun", 1, marks=pytest.mark.proof),
    pytest.param("before-done", 1, marks=pytest.mark.proof),
    pytest.param("before-done", 2, marks=pytest.mark.proof),
    ("after-begun", 4),
    pytest.param("before-done", 5, marks=pytest.mark.proof),
    pytest.param("before-done", 8, marks=pytest.mark.proof),
]


def killed_apply(stage: Any, moment: str, number: int) -> None:
    """Apply in a process of its own that kills itself at that moment."""
    child = subprocess.run(
        [sys.executable, str(CHILD), str(stage.root), stage.emulator.url, moment, str(number)],
        env={**stage.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == -9, child.stderr.decode()


def first(stage: Any) -> None:
    stage.write(stage.spec(3))


def change(stage: Any) -> None:
    """Applied once, then changed in code, fields, tags and triggers; eight steps, all of which can be undone."""
    spec = stage.spec(3)
    spec["services"]["s"]["tags"] = {"old": "1"}
    stage.write(spec)
    stage.apply()
    spec["services"]["s"] |= {"tags": {"new": "2"}, "description": "changed"}
    functions = spec["services"]["s"]["functions"]
    functions["f0"] |= {"code": stage.write_source("second", "second = 2\n"), "memorySize": 512}
    functions["f1"]["triggers"]["t"]["config"]["payload"] = "changed"
    functions["f2"]["triggers"]["t"] = {"type": "http", "config": {"authType": "anonymous", "methods": ["GET"]}}
    functions["new"] = {"code": "./src"}
    stage.write(spec)


@pytest.mark.parametrize(("moment", "number"), MOMENTS)
@pytest.mark.parametrize("made", [first, change])
def test_a_killed_apply_is_resumed_or_rolled_back(stage: Any, made: Any, moment: str, number: int) -> None:
    made(stage)
    before = stage.dump()
    wanted = len(stage.plan().steps)
    assert wanted == 8
    recovery = "resume" if (number + (made is change) + (moment == "after-begun")) % 2 else "rollback"
    killed_apply(stage, moment, number)

    run = stage.open_run()
    assert run is not None
    refused = stage.apply_report().plans.results[0].problem
    assert isinstance(refused, OpenRun) and run in refused.summary
    stage.requests()
    if recovery == "resume":
        (outcome,) = stage.resume()
        assert outcome.ending is Ending.DONE and len(outcome.done) == wanted
        assert stage.plan().is_empty
    else:
        (outcome,) = stage.rollback()
        assert outcome.ending in (Ending.ROLLED_BACK, Ending.FAILED), outcome
        assert stage.difference(before) == [] and outcome.leftovers == ()
    unguarded = [
        entry
        for entry in stage.writes()
        if entry["method"] in ("PUT", "DELETE") and "/services/" in entry["path"] and not entry["ifMatch"]
    ]
    assert unguarded == []
    assert stage.open_run() is None


def test_only_what_is_unknown_or_pending_is_read_again(stage: Any) -> None:
    """A resume of a large run must not begin with reading all of it."""
    stage.write(stage.spec(3))
    # The last of eight: three triggers have begun, so their functions are done, whatever went on side by side.
    killed_apply(stage, "before-done", 8)
    record = {step: event.type for step, event in stage.events().items()}
    done = {step.split(":")[-1] for step, last in record.items() if last is EventType.DONE}
    assert len(done) >= 4
    stage.requests()
    (outcome,) = stage.resume()
    assert outcome.ending is Ending.DONE
    asked = [entry for entry in stage.requests() if entry["method"] == "GET"]
    names = {"/".join(entry["path"].split("/")[3::2]) for entry in asked}
    assert asked and names.isdisjoint(done - {"s"}), names


@pytest.mark.parametrize(
    "recovery", ["resume", *(pytest.param(one, marks=pytest.mark.proof) for one in ("rollback", "abandon"))]
)
def test_apply_recovers_first_as_it_is_told(stage: Any, recovery: str) -> None:
    change(stage)
    killed_apply(stage, "before-done", 4)
    stage.apply(recover=recovery)
    assert stage.plan().is_empty and stage.open_run() is None


@pytest.mark.proof
def test_a_second_crash_while_rolling_back_is_rolled_back_to_the_end(stage: Any) -> None:
    change(stage)
    before = stage.dump()
    killed_apply(stage, "before-done", 7)
    refused = {"status": 400, "code": "InvalidArgument", "message": "no"}
    stage.faults({"match": {"operation": "UpdateFunction"}, "effect": refused})
    (outcome,) = stage.rollback()
    assert outcome.ending is Ending.NEEDS_ATTENTION
    stage.faults()
    with pytest.raises(RunError, match="was being rolled back"):
        stage.resume()
    (outcome,) = stage.rollback()
    assert outcome.ending is Ending.ROLLED_BACK, outcome
    assert stage.difference(before) == [] and stage.open_run() is None


def test_there_may_be_nothing_to_recover(stage: Any) -> None:
    stage.write(stage.spec(1))
    with pytest.raises(RunError, match="nothing to resume"):
        stage.resume()
    stage.apply()
    with pytest.raises(RunError, match="nothing to roll back"):
        stage.rollback()


def test_a_stop_request_drains_and_rolls_back(stage: Any) -> None:
    stage.write(stage.spec(6))
    stop = StopRequest()
    begun: list[str] = []

    def ended(step: Any, event: EventType) -> None:
        begun.append(step.id)
        if len(begun) == 5:
            stop.request()

    stage.watcher.on_ended = ended
    outcome = stage.apply(ending=Ending.ROLLED_BACK, stop=stop, parallelism=3)
    assert stage.whole_dump() == [] and stage.open_run() is None
    assert 5 <= len(outcome.done) <= 8
    assert any(one.summary == "interrupted" for one in outcome.diagnostics)


def test_what_is_ready_but_has_not_left_when_the_end_is_asked_for_is_not_sent(stage: Any) -> None:
    """Half as many steps more are made ready as may be sent at once: their intents are on disk, and stay intents."""
    stage.write(stage.spec(4))
    stop = StopRequest()
    stage.watcher.begun = lambda target, step, undoing: stop.request() if step.address.name == "s/f2" else None
    outcome = stage.apply(ending=Ending.STOPPED, stop=stop, parallelism=2, on_failure="stop")
    assert stage.counts()["CreateFunction"] == 0
    waited = [event for name, event in stage.events().items() if name.startswith("create") and "/f" in name]
    assert [one.type for one in waited] == [EventType.SKIPPED] * 3
    assert {one.note for one in waited} == {"the run was to end before it was sent"}
    assert outcome.unknown == () and not any("/f" in name for name in outcome.done)
    (resumed,) = stage.resume()
    assert resumed.ending is Ending.DONE
    # Of what is known not to have left nothing is read.
    assert stage.counts() == {"CreateFunction": 4, "CreateTrigger": 4}
    assert stage.plan().is_empty


def test_a_stop_request_before_the_first_step_changes_nothing(stage: Any) -> None:
    stage.write(stage.spec(1))
    stop = StopRequest()
    stop.request()
    report = stage.apply_report(stop=stop)
    assert report.outcomes == () and stage.whole_dump() == [] and stage.open_run() is None


def test_a_stop_with_grace_leaves_what_hangs_open(stage: Any) -> None:
    """`--grace`: what is in flight when the time is over stays begun, and resume settles it (law 5)."""
    stage.write(stage.spec(2))
    stop = StopRequest()
    stage.faults({"match": {"operation": "CreateTrigger", "nth": 1}, "when": "after", "effect": {"delay": 0.3}})
    stage.watcher.on_ended = lambda step, event: stop.request() if "trigger" in step.id else None
    outcome = stage.apply(ending=Ending.NEEDS_ATTENTION, stop=stop, grace=0.02)
    assert stage.open_run() == outcome.run
    stage.watcher.on_ended = None
    stage.faults()
    (resumed,) = stage.resume()
    assert resumed.ending is Ending.DONE
    assert stage.plan(Wishes()).is_empty
    # The delayed request must end in this test's time, not in the next one's log.
    patience = time.monotonic() + 10
    while not any(entry["durationMs"] >= 300 for entry in stage.emulator.app.world.log.entries()):
        assert time.monotonic() < patience
        time.sleep(0.02)


def test_a_resumed_apply_puts_out_what_an_apply_does(
    stage: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = stage.spec(1)
    spec["outputs"] = {"order": "${{ ref('s/f0').arn }}"}
    stage.write(spec)
    refused = {"status": 400, "code": "InvalidArgument", "message": "no"}
    stage.faults({"match": {"operation": "CreateTrigger"}, "effect": refused})
    stage.apply(ending=Ending.STOPPED, on_failure="stop")
    stage.faults()
    for name, value in stage.environ.items():
        monkeypatch.setenv(name, value)
    assert run(["resume", "-f", str(stage.root), "--endpoint", stage.emulator.url]) == 0
    assert "services/s/functions/f0" in capsys.readouterr().out
