"""`fcdeploy recover`: whatever an earlier process left, it is ended, and a pipeline need not ask which way."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import OwnServer, Program

SECONDS = 60


def killed(program: Program, server: OwnServer, method: str, path: str) -> None:
    """An apply that was killed while this request was under way."""
    server.slow_down(method, path, nth=1, seconds=30)
    process = program.start("apply", "--yes", "--endpoint", server.url)
    try:
        server.wait_until_slow()
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)
    server.control("DELETE")


def recover(program: Program, server: OwnServer, *words: str) -> subprocess.CompletedProcess[str]:
    return program.run("recover", "--endpoint", server.url, *words)


def test_nothing_open_is_nothing_to_do(program: Program, own_emulator: OwnServer) -> None:
    for words in ((), ("--lock-timeout", "2m", "--grace", "5s")):
        done = recover(program, own_emulator, *words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "No run is open.\n", "")
    assert json.loads(recover(program, own_emulator, "--format", "json").stdout)["outcomes"] == []
    assert not list((program.folder.parent / "state").rglob("journal.db")), "none is made for it"


def test_a_killed_run_is_finished(program: Program, own_emulator: OwnServer) -> None:
    killed(program, own_emulator, "POST", "/triggers")
    done = recover(program, own_emulator)
    assert done.returncode == 0, done.stderr
    assert "target dev: done (4 steps) in " in done.stdout
    assert "No changes." in program.run("plan", "--endpoint", own_emulator.url).stdout
    assert recover(program, own_emulator).stdout == "No run is open.\n"


@pytest.mark.proof
def test_half_a_way_back_is_gone_to_its_end(program: Program, own_emulator: OwnServer) -> None:
    # The trigger fails, and the first delete of the way back is killed.
    own_emulator.control("PUT", {"rules": [
        {"match": {"method": "POST", "path": "/triggers$"}, "effect": {"status": 400, "code": "InvalidArgument"}},
        {"match": {"method": "DELETE", "nth": 1}, "effect": {"delay": 30}},
    ]})  # fmt: skip
    process = program.start("apply", "--yes", "--endpoint", own_emulator.url)
    try:
        while not own_emulator.control("GET")["rules"][1]["fired"]:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)
    own_emulator.control("DELETE")
    assert program.run("resume", "--endpoint", own_emulator.url).returncode == 1
    done = recover(program, own_emulator)
    assert done.returncode == 0, done.stderr
    assert "target dev: rolled back (everything was taken back) in " in done.stdout
    assert "Nothing of this project is there." in program.run("status", "--endpoint", own_emulator.url).stdout


@pytest.mark.proof
def test_one_that_fails_again_is_taken_back_and_over(program: Program, own_emulator: OwnServer) -> None:
    killed(program, own_emulator, "POST", "/functions$")
    own_emulator.control("PUT", {"rules": [
        {"match": {"method": "POST", "path": "/triggers$"}, "effect": {"status": 400, "code": "InvalidArgument"}},
    ]})  # fmt: skip
    done = recover(program, own_emulator, "--format", "json")
    assert done.returncode == 0, done.stderr
    (outcome,) = json.loads(done.stdout)["outcomes"]
    assert outcome["ending"] == "rolled-back"
    own_emulator.control("DELETE")
    assert recover(program, own_emulator).stdout == "No run is open.\n"


@pytest.mark.proof
def test_what_cannot_be_ended_needs_a_person(program: Program, own_emulator: OwnServer) -> None:
    killed(program, own_emulator, "POST", "/triggers")
    own_emulator.control("PUT", {"rules": [
        {"match": {"method": "GET", "path": "/triggers/nightly$"}, "effect": {"status": 500}},
        {"match": {"method": "GET", "path": "/triggers"}, "effect": {"status": 500}},
    ]})  # fmt: skip
    done = recover(program, own_emulator)
    assert done.returncode == 4, done.stdout + done.stderr
    own_emulator.control("DELETE")
    assert recover(program, own_emulator).returncode == 0


@pytest.mark.proof
def test_a_live_holder_is_waited_for_and_then_named(program: Program, own_emulator: OwnServer) -> None:
    own_emulator.slow_down("POST", "/triggers", nth=1, seconds=1)
    process = program.start("apply", "--yes", "--endpoint", own_emulator.url)
    try:
        own_emulator.wait_until_slow()
        refused = recover(program, own_emulator)
        assert refused.returncode == 1
        assert " is at work on dev" in refused.stderr
        waited = recover(program, own_emulator, "--lock-timeout", "1m")
        assert (waited.returncode, waited.stdout) == (0, "No run is open.\n")
        assert process.wait(timeout=SECONDS) == 0
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)
