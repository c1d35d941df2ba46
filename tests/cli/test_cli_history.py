"""history as a process prints it: words, documents and exit codes, with nothing but the state folder at hand."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from conftest import OwnServer, Program

HEADING = "target dev · alibaba cn-hangzhou · account 1234567890123456"
SCHEMA = Path(__file__).parents[2] / "schemas" / "history.schema.json"


def closed(schema: Any) -> Any:
    """The schema with no other member allowed than those it names."""
    match schema:
        case dict():
            made = {key: closed(value) for key, value in schema.items()}
            return {**made, "additionalProperties": False} if isinstance(schema.get("properties"), dict) else made
        case list():
            return [closed(one) for one in schema]
        case _:
            return schema


def document(program: Program, *args: str) -> Any:
    done = program.run("history", *args, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, closed(schema))
    return found


@pytest.mark.proof
def test_nothing_was_run_yet(program: Program) -> None:
    done = program.spawn("history")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{HEADING}\n  Nothing was run yet from here.\n"
    assert document(program)["targets"][0]["runs"] == []
    assert not Path(program.environ["FCDEPLOY_STATE"]).exists()


def test_runs_and_each_call_of_one(program: Program) -> None:
    assert program.run("apply", "--local", "--yes").returncode == 0
    program.edit("memorySize: 512", "memorySize: 256")
    assert program.run("apply", "--local", "--yes").returncode == 0
    listed = program.spawn("history", "--local")
    assert (listed.returncode, listed.stderr) == (0, "")
    heading, blank, header, *rows = listed.stdout.splitlines()
    assert (heading, blank, header.split()) == (HEADING, "", ["RUN", "STARTED", "(UTC)", "TOOK", "COMMAND", "ENDED"])
    runs = [
        re.fullmatch(r"  (\d{8}-\d{6}-[0-9a-f]{8})  \d{4}-\d\d-\d\d \d\d:\d\d  .+ s  apply +done", row)
        for row in rows[::2]
    ]
    assert len(runs) == 2 and all(runs), listed.stdout
    assert [row.partition(" done, by ")[0] for row in rows[1::2]] == ["      1 of 1 step", "      4 of 4 steps"]
    second, first = (found[1] for found in runs if found)
    assert second != first

    shown = program.spawn("history", second, "--local")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"{HEADING}\n  Run {second} (apply): done\n    begun ")
    assert re.search(r"^  0\.\d s +\d\.\d s +done +update function images/resize$", shown.stdout, re.MULTILINE)
    assert re.search(r"^      UpdateFunction, request [0-9a-f-]{36}$", shown.stdout, re.MULTILINE)
    offered = shown.stdout.splitlines()[-1].removeprefix("  To take back:  fcdeploy ")
    assert offered == f"rollback {second} --local"
    assert program.run(*shlex.split(offered), "--yes").returncode == 0
    assert max(map(len, (listed.stdout + shown.stdout).splitlines())) <= 80

    everything = document(program)["targets"][0]
    assert [run["command"] for run in everything["runs"]] == ["rollback", "apply", "apply"]
    assert everything["total"] == 3
    assert [run["run"] for run in document(program, "--limit", "1")["targets"][0]["runs"]] == [
        everything["runs"][0]["run"]
    ]
    assert "  1 of 3 runs; --limit N shows more.\n" in program.run("history", "--limit", "1").stdout
    one = document(program, first)
    assert (one["type"], one["target"]["name"], one["run"]["ending"]) == ("run", "dev", "done")
    (service, *_) = one["run"]["calls"]
    assert (service["address"], service["operation"], service["result"]) == (
        "dev:alibaba.service:images",
        "CreateService",
        "done",
    )


@pytest.mark.proof
def test_an_unknown_run_is_said_with_what_helps(program: Program) -> None:
    program.run("apply", "--local", "--yes")
    done = program.spawn("history", "20200101-000000-00000000")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no selected target knows a run 20200101-000000-00000000\n")
    written = json.loads(program.run("history", "nothing", "--format", "json").stdout)
    assert (written["type"], written["exitCode"]) == ("error", 1)
    assert written["diagnostics"][0]["hint"] == "`fcdeploy history` lists the runs"
    assert program.run("history", "--target", "nowhere").returncode == 64


@pytest.mark.proof
def test_a_failed_apply_names_the_command_that_shows_its_calls(program: Program, own_emulator: OwnServer) -> None:
    effect = {"status": 400, "code": "InvalidArgument", "message": "not this one"}
    own_emulator.control("PUT", {"rules": [{"match": {"operation": "CreateTrigger"}, "effect": effect}]})
    failed = program.run("apply", "--yes", "--endpoint", own_emulator.url)
    assert failed.returncode == 3
    told = re.search(r"^  To see more:   fcdeploy (history \S+ --endpoint \S+)$", failed.stdout, re.MULTILINE)
    assert told, failed.stdout
    own_emulator.process.terminate()
    own_emulator.process.wait()
    del program.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"]
    shown = program.run(*told[1].split())
    assert (shown.returncode, shown.stderr) == (0, ""), "neither a cloud nor credentials"
    assert "(apply): rolled back\n" in shown.stdout
    assert "    3 of 4 steps done, all taken back, 1 failed\n" in shown.stdout
    assert "create trigger images/resize/nightly\n      CreateTrigger\n" in shown.stdout
    way_back = shown.stdout.partition("\n  The way back\n")[2]
    assert "delete function images/resize\n      DeleteFunction, request " in way_back
    gone = r"update service images \(tags\)\n      TagResource, request \S+\n      went with service images\n"
    assert re.search(gone, shown.stdout)
