"""`rollout:`: targets in waves, what is asked between them, and what a failed wave does to the rest."""

from __future__ import annotations

import asyncio
import http.server
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from fcdeploy.app import StopRequest
from fcdeploy.model import Ending, Outcome

REGIONS = {"canary": "cn-hangzhou", "eu-1": "cn-shanghai", "eu-2": "cn-beijing", "us": "cn-shenzhen"}
ALL, FEW = ("us", "eu-2", "eu-1", "canary"), ("us", "canary")
WAVES, TWO = [["canary"], ["eu-*"], ["*"]], [["canary"], ["*"]]
DONE, ROLLED_BACK = Ending.DONE, Ending.ROLLED_BACK
STANDS, NOT_BEGUN = Ending.STANDS, Ending.NOT_BEGUN


def spec(
    stage: Any, *, functions: int = 1, memory: int = 128, names: tuple[str, ...] = ALL, **rollout: Any
) -> dict[str, Any]:
    """A service of so many functions in each of these targets, which do not stand in the order of the waves."""
    code = stage.write_source(f"src-{memory}", f"size = {memory}\n")
    return {
        "apiVersion": "fcdeploy/v1",
        "project": "rolled",
        "targets": {
            name: {"provider": "alibaba", "region": REGIONS[name], "account": "1234567890123456"} for name in names
        },
        "defaults": {"function": {"runtime": "python3.10", "handler": "index.handler", "memorySize": memory}},
        "services": {
            "s-${{ target.name }}": {"functions": {f"f{number}": {"code": code} for number in range(functions)}}
        },
        **({"rollout": rollout} if rollout else {}),
    }


def applied(stage: Any, **more: Any) -> dict[str, Outcome]:
    """Apply to all targets; the outcomes by target."""
    report = stage.apply_report(target="*", **more)
    return {one.target: one for one in report.outcomes}


def endings(outcomes: dict[str, Outcome]) -> dict[str, Ending]:
    return {name: one.ending for name, one in outcomes.items()}


def failing(target: str, **match: Any) -> dict[str, Any]:
    """The first write to a function of a target is refused: in a first apply its third call, after service and mark."""
    return {
        "match": {"method": ["POST", "PUT"], "path": f"/services/s-{target}/functions", **match},
        "effect": {"status": 400, "code": "InvalidArgument"},
    }


def order(stage: Any) -> list[str]:
    """The targets in the order in which they were written to, each once for writes in a row."""
    found: list[str] = []
    for entry in stage.writes():
        name = next((name for name in REGIONS if f"/s-{name}/" in entry["path"]), "")
        if name and found[-1:] != [name]:
            found.append(name)
    return found


def regions(stage: Any) -> set[str]:
    """The regions in which anything is."""
    return {row["region"] for row in stage.whole_dump()}


def test_a_region_that_fails_on_its_third_call_goes_back_alone_or_with_all_others(stage: Any) -> None:
    stage.write(spec(stage))
    stage.faults(failing("eu-2"))
    outcomes = applied(stage)
    assert endings(outcomes) == {"us": DONE, "eu-2": ROLLED_BACK, "eu-1": DONE, "canary": DONE}
    assert regions(stage) == set(REGIONS.values()) - {REGIONS["eu-2"]}, "without a rollout it goes back alone"

    # Elsewhere a change of code and fields, and new functions: what a way back has to bring and to take away.
    before = stage.dump()
    stage.write(spec(stage, functions=3, memory=256, waves=WAVES, onFailure="rollback-all"))
    stage.faults(failing("eu-2"))
    outcomes = applied(stage)
    assert endings(outcomes) == {"canary": ROLLED_BACK, "eu-2": ROLLED_BACK, "eu-1": ROLLED_BACK, "us": NOT_BEGUN}
    assert [one.because for one in outcomes.values()] == ["wave 2 failed", "", "wave 2 failed", "wave 2 failed"]
    assert set(outcomes["canary"].undone) == set(outcomes["canary"].done) != set()
    assert stage.difference(before) == [], "every region is as it was, to the byte"
    assert stage.open_run() is None


def region_of(difference: tuple[str, str, Any, Any]) -> str:
    return difference[0].split("/")[1]


def test_waves_go_one_after_the_other_and_the_plan_says_so(stage: Any) -> None:
    stage.write(spec(stage, functions=2, waves=WAVES[:2], pause="10ms"))
    report = stage.plan_report()
    assert [(one.target.name, one.wave.number, one.wave.total) for one in report.results] == [
        *(("canary", 1, 3), ("eu-2", 2, 3), ("eu-1", 2, 3), ("us", 3, 3))
    ]
    (warned,) = report.diagnostics
    assert warned.summary == "no wave names `us`: what no wave names comes last"
    stage.requests()
    outcomes = applied(stage)
    assert list(outcomes) == ["canary", "eu-2", "eu-1", "us"] and set(endings(outcomes).values()) == {DONE}
    written = order(stage)
    assert (written[0], written[-1]) == ("canary", "us") and set(written[1:-1]) == {"eu-1", "eu-2"}
    assert [one for one in stage.watcher.said_texts if "waiting" in one] == [
        "wave 1 of 3 is done; waiting 0.01 s before the next",
        "wave 2 of 3 is done; waiting 0.01 s before the next",
    ]
    # Where nothing changes there is nothing to wait for.
    stage.watcher.said_texts.clear()
    assert set(endings(applied(stage)).values()) == {DONE} and stage.watcher.said_texts == []
    # A destroy goes in waves, too.
    stage.requests()
    applied(stage, destroy=True)
    assert (order(stage)[0], order(stage)[-1:], regions(stage)) == ("canary", [], set())


@pytest.mark.parametrize(("most", "how"), [(0, "stop"), (1, "rollback-all")])
def test_so_many_targets_of_a_wave_may_fail_and_what_is_done_may_stay(stage: Any, most: int, how: str) -> None:
    stage.write(spec(stage, waves=WAVES, maxFailures=most, onFailure=how))
    stage.faults(failing("eu-1"))
    last = DONE if most else NOT_BEGUN
    assert endings(applied(stage)) == {"canary": DONE, "eu-2": DONE, "eu-1": ROLLED_BACK, "us": last}


def test_a_target_without_a_plan_has_failed(stage: Any) -> None:
    """A read that fails stops its target, and the waves after it."""
    stage.write(spec(stage, waves=WAVES))
    stage.faults({"match": {"method": "GET", "path": "/services/s-canary$"}, "effect": {"status": 403, "code": "No"}})
    report = stage.apply_report(target="*")
    assert [one.target.name for one in report.plans.results if one.problem is not None] == ["canary"]
    assert {one.target: one.ending for one in report.outcomes} == dict.fromkeys(("eu-2", "eu-1", "us"), NOT_BEGUN)
    assert stage.writes() == []


class Health(http.server.BaseHTTPRequestHandler):
    """Answers as the class says, and notes what was asked."""

    status = 200
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def health() -> Iterator[str]:
    """An address that answers; what it answers with is `Health.status`."""
    Health.status = 200
    Health.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_address_is_asked_after_each_wave_and_says_whether_the_next_begins(stage: Any, health: str) -> None:
    probe = {
        "http": {"url": health + "/${{ target.region }}/${{ ref('service:s-' ~ target.name).name }}"},
        "retries": 1,
        "interval": "10ms",
    }
    stage.write(spec(stage, names=FEW, waves=TWO, probe=probe))
    assert set(endings(applied(stage)).values()) == {DONE}
    assert Health.asked == ["/cn-hangzhou/s-canary", "/cn-shenzhen/s-us"]

    Health.status = 302
    Health.asked.clear()
    stage.write(spec(stage, names=FEW, memory=256, waves=TWO, probe=probe))
    outcomes = applied(stage)
    assert endings(outcomes) == {"canary": STANDS, "us": NOT_BEGUN}
    assert Health.asked == ["/cn-hangzhou/s-canary"] * 2, "tried again once, and no redirect followed"
    assert outcomes["canary"].because == "its probe failed"
    assert outcomes["canary"].diagnostics[-1].detail.endswith("/cn-hangzhou/s-canary\nthe answer is 302")
    # The next apply changes nothing in the first wave, and asks it all the same.
    assert endings(applied(stage)) == {"canary": STANDS, "us": NOT_BEGUN} and len(Health.asked) == 4

    # An answer that must be this one; what was done is taken back.
    before = stage.dump()
    probe["http"]["status"] = 204
    stage.write(spec(stage, names=FEW, memory=512, waves=[["canary"]], probe=probe, onFailure="rollback-all"))
    assert endings(applied(stage))["canary"] is ROLLED_BACK and stage.difference(before) == []


def test_a_command_is_asked_in_the_folder_of_the_file_and_no_secret_is_told(stage: Any) -> None:
    stage.environ["TOKEN"] = "s3cret-t0ken"
    (stage.root / "ask").write_text(
        '#!/bin/sh\n[ "$2" = s3cret-t0ken ] && [ -e "up-$1" ] || { echo "no $2"; exit 3; }\n'
    )
    (stage.root / "ask").chmod(0o755)
    probe = {"command": ["./ask", "${{ target.name }}", "${{ secret('T') }}"], "retries": 1, "interval": "1ms"}
    secret = {"secrets": {"T": {"env": "TOKEN"}}}
    stage.write(spec(stage, names=FEW, waves=TWO, probe=probe) | secret)
    (stage.root / "up-canary").touch()
    outcomes = applied(stage)
    assert endings(outcomes) == {"canary": DONE, "us": STANDS}
    assert outcomes["us"].diagnostics[-1].detail == "./ask us (sensitive)\nit ended with 3:\nno (sensitive)"
    assert "s3cret" not in "".join(stage.watcher.said_texts)
    assert "healthy: ./ask canary (sensitive)" in stage.watcher.said_texts
    assert "not healthy yet (./ask us (sensitive)): it ended with 3:\nno (sensitive)" in stage.watcher.said_texts

    # Nothing to do, nothing to ask.
    assert set(endings(applied(stage)).values()) == {DONE}
    stage.watcher.said_texts.clear()

    probe = {"command": ["sleep", "6${{ '0' if target.name == 'us' else 'x' }}"], "timeout": "50ms", "retries": 0}
    stage.write(spec(stage, names=FEW, memory=256, probe=probe))
    found = {name: one.diagnostics[-1].detail for name, one in applied(stage).items()}
    assert found["us"] == "sleep 60\nit took longer than 0.05 s" and "it ended with 1:\nsleep: " in found["canary"]


@pytest.mark.parametrize("during", ["pause", pytest.param("probe", marks=pytest.mark.proof)])
def test_a_stop_between_two_waves_leaves_what_was_done(stage: Any, during: str) -> None:
    """Also where a failure would take it back; and the next apply goes on where it was."""
    more: dict[str, Any] = {"pause": "60s"} if during == "pause" else {"probe": {"command": ["sleep", "60"]}}
    stage.write(spec(stage, names=FEW, waves=TWO, onFailure="rollback-all", **more))
    stop = StopRequest()

    def said(target: str, text: str) -> None:
        if during == "probe" or "waiting" in text:
            asyncio.get_running_loop().call_later(0.2 if during == "probe" else 0, stop.request)

    stage.watcher.said = said
    outcomes = applied(stage, stop=stop)
    assert endings(outcomes) == {"canary": DONE if during == "pause" else STANDS, "us": NOT_BEGUN}
    assert outcomes["us"].because == "interrupted"
    assert stage.open_run() is None and regions(stage) == {REGIONS["canary"]}
    stage.write(spec(stage, names=FEW, waves=TWO))
    stage.requests()
    assert set(endings(applied(stage)).values()) == {DONE} and order(stage) == ["us"]


@pytest.mark.parametrize(("left", "ending"), [pytest.param(0, STANDS, marks=pytest.mark.proof), (1, Ending.STOPPED)])
def test_what_cannot_be_taken_back_is_said_and_stands(stage: Any, left: int, ending: Ending) -> None:
    stage.write(spec(stage, names=FEW))
    applied(stage)
    before = stage.dump()
    stage.write(spec(stage, names=FEW, functions=2 + left, waves=TWO, onFailure="rollback-all"))
    stage.faults(failing("us"))

    def meddle(step: Any, event: Any) -> None:
        if step.address.target == "us":
            stage.change("function", "s-canary", "f1", description="somebody else's")

    stage.watcher.on_ended = meddle
    outcomes = applied(stage)
    canary = outcomes["canary"]
    assert (canary.ending, outcomes["us"].ending) == (ending, Ending.FAILED)
    assert {one[0].split("/", 1)[1] for one in stage.difference(before)} == {"cn-hangzhou/function/s-canary/f1"}
    assert any("changed" in one.summary for one in canary.diagnostics), canary.diagnostics
    # A way back that was begun is an open run of its own, as with `fcdeploy rollback RUN`.
    assert (canary.inverse, canary.because) == (
        (True, "wave 2 failed") if left else (False, "it could not be taken back")
    )
    (journal,) = [one for one in stage.plan_report().results if one.target.name == "canary"]
    assert any("has not ended" in one.summary for one in journal.plan.warnings) is bool(left)


@pytest.mark.proof
def test_a_saved_plan_goes_in_the_waves_of_the_file_at_hand(stage: Any) -> None:
    from test_app_saved import apply_file, save

    stage.write(spec(stage, names=FEW, waves=[["us"], ["*"]]))
    path = save(stage, target="*")
    stage.write(spec(stage, names=FEW, waves=TWO))
    stage.faults(failing("canary"))
    report = apply_file(stage, path, target="*")
    assert {one.target: one.ending for one in report.outcomes} == {"canary": ROLLED_BACK, "us": NOT_BEGUN}


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.proof)])
def test_a_process_that_dies_or_is_stopped_between_two_waves_loses_nothing(stage: Any, number: signal.Signals) -> None:
    stage.write(spec(stage, names=FEW, waves=TWO, pause="60s"))
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "fcdeploy", "apply", "--yes", "--target", "*"),
            *("-f", str(stage.root), "--endpoint", stage.emulator.url),
        ],
        env={**os.environ, **stage.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    (said,) = [next(line for line in child.stderr if "waiting" in line)]
    assert said == "wave 1 of 2 is done; waiting 60 s before the next\n"
    child.send_signal(number)
    out, _ = child.communicate(timeout=60)
    if number is signal.SIGINT:
        assert child.returncode == 1, "what was not begun has failed"
        *_, canary, us = (line.split() for line in out.splitlines())
        assert (canary[0], canary[1], canary[4]) == ("canary", "3", "done")
        assert (us[0], us[1], us[4:]) == ("us", "0", ["not", "begun:", "interrupted"])
    else:
        assert child.returncode == -9
    assert regions(stage) == {REGIONS["canary"]} and stage.open_run() is None
    stage.write(spec(stage, names=FEW, waves=TWO))
    stage.requests()
    assert set(endings(applied(stage)).values()) == {DONE} and order(stage) == ["us"]
