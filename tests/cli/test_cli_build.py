"""build, and plan and apply with --build, as a person and a pipeline see them."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Program

SECONDS = 60
PLAIN = "        code: ./src\n"


def built_by(program: Program, script: str) -> None:
    command = json.dumps(["sh", "-c", script])
    program.edit(PLAIN, f"        code: {{path: ./src, build: {command}}}\n")


def test_a_build_for_people(program: Program) -> None:
    nothing = program.run("build")
    assert (nothing.returncode, nothing.stdout) == (0, "Nothing to build: no `code` of the file has a `build`.\n")
    built_by(program, r'printf "\033[31mred\033[0m\ttab\n"; echo made > made.txt')
    done = program.run("build")
    assert done.returncode == 0
    told = done.stderr.splitlines()
    assert told[0].startswith("[images/resize] $ sh -c 'printf ")
    assert told[1:] == [r"[images/resize] \x1b[31mred\x1b[0m" + " " * 4 + "tab"]
    heading, row = done.stdout.splitlines()
    assert heading == "       CODE OF        FILES    SIZE       SHA-256"
    assert row.startswith("built  images/resize  2 files  ")
    again = program.run("build")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.splitlines()[1].split() == ["unchanged", *row.split()[1:]]
    forced = program.run("build", "--force", "--only", "images/*")
    assert forced.stdout == done.stdout and forced.stderr == done.stderr, "the same input gives the same bytes"


def test_a_build_for_programs(program: Program) -> None:
    built_by(program, "echo talk; echo made > made.txt")
    done = program.run("build", "--format", "json")
    assert done.returncode == 0 and "[images/resize] talk\n" in done.stderr
    document = json.loads(done.stdout)
    assert (document["formatVersion"], document["type"], document["project"]) == (1, "build", "image-pipeline")
    assert document["diagnostics"] == []
    (one,) = document["builds"]
    (package,) = one["packages"]
    assert one["path"] == str((program.folder / "src").resolve())
    assert (one["command"], one["runtime"]) == (["sh", "-c", "echo talk; echo made > made.txt"], "python3.10")
    assert one["unchanged"] is False and one["seconds"] > 0 and len(one["inputs"]) == 64
    assert (package["addresses"], package["files"]) == (["dev:alibaba.function:images/resize"], 2)
    (again,) = json.loads(program.run("build", "--format", "json").stdout)["builds"]
    assert again == {**one, "unchanged": True, "seconds": None}
    planned = json.loads(program.run("plan", "--local", "--format", "json").stdout)
    assert f'"size": {package["size"]}' in json.dumps(planned)


def test_plan_and_apply_build_only_when_they_are_told_to(program: Program) -> None:
    built_by(program, 'echo run >> "$HOME/ran"')
    ran = program.folder.parent / "ran"
    for command in (["plan"], ["apply", "--yes"]):
        refused = program.run(*command, "--local")
        assert refused.returncode == 1
        assert "has not been built with this command here [dev:alibaba.function:images/resize]" in refused.stderr
        assert "hint: run `fcdeploy build`, or give --build" in refused.stderr
    assert not ran.exists()
    planned = program.run("plan", "--local", "--build", "--out", "p.fcplan")
    assert planned.returncode == 0 and "[images/resize] $ sh -c " in planned.stderr
    (program.folder / "src" / "index.py").write_text("def handler(event, context):\n    return 2\n")
    stale = program.run("plan", "--local")
    assert stale.returncode == 0 and "src is newer than what was built of it" in stale.stdout
    assert "what was built is used; files that differ: ~index.py" in stale.stdout
    sarif = json.loads(program.run("plan", "--local", "--format", "sarif").stdout)
    assert [one["ruleId"] for one in sarif["runs"][0]["results"]] == ["unbuilt-code"]
    assert ran.read_text().split() == ["run"]
    assert program.run("apply", "--local", "--yes", "p.fcplan").returncode == 0
    applied = program.run("apply", "--local", "--yes", "--build", "--build-timeout", "1m")
    assert applied.returncode == 0, applied.stderr
    assert "updated function images/resize" in applied.stderr
    assert ran.read_text().split() == ["run", "run"]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["plan", "--local", "--build-timeout", "3s"], "hint: add --build"),
        (["plan", "--local", "--build", "--destroy"], "--build has nothing to do for a plan that destroys"),
        (["apply", "--local", "--yes", "--build", "p.fcplan"], "hint: give --build to `fcdeploy plan`"),
        (["build", "--only", "images/risize"], "--only 'images/risize' names nothing"),
    ],
)
def test_what_cannot_be_asked_for(program: Program, args: list[str], told: str) -> None:
    done = program.run(*args)
    assert done.returncode == 64 and told in done.stderr


def test_a_failure_exits_with_1_and_changes_nothing(program: Program) -> None:
    built_by(program, "echo no such package >&2; exit 7")
    for command in (["build"], ["plan", "--local", "--build"], ["apply", "--local", "--yes", "--build"]):
        done = program.run(*command)
        assert (done.returncode, done.stdout) == (1, "")
        assert "` ended with exit code 7 [dev:alibaba.function:images/resize]" in done.stderr
        assert "    no such package\n" in done.stderr
        assert "fcdeploy.yaml:12:15: error: build failed: " in done.stderr
    document = json.loads(program.run("build", "--format", "json").stdout)
    assert (document["type"], document["exitCode"]) == ("error", 1)
    assert document["diagnostics"][0]["detail"] == "no such package"
    sarif = json.loads(program.run("plan", "--local", "--build", "--format", "sarif").stdout)
    assert [one["ruleId"] for one in sarif["runs"][0]["results"]] == ["build-failed"]


@pytest.mark.parametrize(
    ("args", "number"),
    [
        (["build"], signal.SIGINT),
        pytest.param(["plan", "--local", "--build"], signal.SIGTERM, marks=pytest.mark.proof),
        pytest.param(["apply", "--local", "--yes", "--build"], signal.SIGTERM, marks=pytest.mark.proof),
        pytest.param(["apply", "--local", "--yes", "--build"], signal.SIGHUP, marks=pytest.mark.proof),
    ],
)
def test_a_signal_ends_a_build_and_all_that_it_started(program: Program, args: list[str], number: int) -> None:
    built_by(program, 'sleep 60 & echo $! > "$HOME/pid.new"; mv "$HOME/pid.new" "$HOME/pid"; wait')
    pid = program.folder.parent / "pid"
    process = program.start(*args)
    try:
        deadline = time.monotonic() + SECONDS
        while not pid.exists():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        out, told = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (1, "")
    assert told.splitlines()[-1] == "Interrupted. Nothing was changed."
    assert list((program.folder.parent / "state").glob("*/cache/builds/build-*")) == []
    status = Path(f"/proc/{pid.read_text().strip()}/stat")
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline, "what the build started runs on"
        time.sleep(0.01)
