"""Pipelines on several machines with one journal: real processes, each machine with folders of its own."""

from __future__ import annotations

import copy
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PostgresServer

from fcdeploy.emulator.server import Handle, start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings

pytestmark = pytest.mark.postgres

SPEC = """\
apiVersion: fcdeploy/v1
project: shop
targets:
  dev: {provider: alibaba, account: "1234567890123456", region: cn-hangzhou}
secrets:
  TOKEN: {env: SHOP_TOKEN}
services:
  shop:
    functions:
      order:
        runtime: python3.10
        handler: index.handler
        code: ./src
        memorySize: 128
        environmentVariables: {TOKEN: "${{ secret('TOKEN') }}", LEVEL: "1"}
        triggers:
          nightly: {type: timer, config: {cronExpression: "0 0 2 * * *"}}
"""
KEY = "a passphrase of the whole team"
TOKEN = "tok-9f8e7d6c5b"
LASTS = 15
"""Seconds of a lease: more than a command takes to start on a busy machine."""
SECONDS = 180
"""A process that takes longer hangs."""

HOLDER = r"\S+@\S+ pid {pid} \(https://ci\.example/jobs/{name}\) is at work on dev"


@dataclass
class Machine:
    """A machine with a checkout and a state folder of its own."""

    name: str
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def spec(self) -> Path:
        return self.folder / "checkout" / "fcdeploy.yaml"

    def edit(self, old: str, new: str) -> None:
        text = self.spec.read_text()
        assert old in text
        self.spec.write_text(text.replace(old, new))

    def start(self, *args: str, **environ: str) -> subprocess.Popen[str]:
        """The command as a process that goes on beside the test."""
        process = subprocess.Popen(
            [sys.executable, "-m", "fcdeploy", *args],
            cwd=self.spec.parent,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self.running.append(process)
        return process

    def run(self, *args: str, **environ: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr) of the command."""
        return ended(self.start(*args, **environ))


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=SECONDS)
    # Talk is wrapped to the width of a terminal.
    return process.returncode, out, " ".join(err.split())


@dataclass
class Team:
    """Machines with one cloud and one journal."""

    folder: Path
    emulator: Handle
    server: PostgresServer
    machines: list[Machine] = field(default_factory=list)

    def machine(self, name: str) -> Machine:
        """One more, its checkout as that of the first one is now."""
        folder = self.folder / name
        (folder / "home").mkdir(parents=True)
        if self.machines:
            shutil.copytree(self.machines[0].spec.parent, folder / "checkout")
        else:
            (folder / "checkout" / "src").mkdir(parents=True)
            (folder / "checkout" / "fcdeploy.yaml").write_text(SPEC)
            (folder / "checkout" / "src" / "index.py").write_text("def handler(event, context):\n    return 1\n")
        made = Machine(
            name=name,
            folder=folder,
            environ={
                "PATH": os.environ["PATH"],
                "HOME": str(folder / "home"),
                "FCDEPLOY_STATE": str(folder / "state"),
                "LANG": "C.UTF-8",
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "ALIBABA_CLOUD_ACCESS_KEY_ID": "AK",
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "SK",
                "SHOP_TOKEN": TOKEN,
                "CI_JOB_URL": f"https://ci.example/jobs/{name}",
                "FCDEPLOY_JOURNAL": self.server.url,
                "FCDEPLOY_JOURNAL_KEY": KEY,
                "FCDEPLOY_LEASE_SECONDS": str(LASTS),
                **self.server.environ,
            },
        )
        self.machines.append(made)
        return made

    @property
    def words(self) -> tuple[str, ...]:
        """What leads a command to the cloud."""
        return ("--endpoint", self.emulator.url)

    def slow_down(self, operation: str, seconds: float) -> None:
        """Let a call have its effect at once and its answer late."""
        rule = {"match": {"operation": operation}, "when": "after", "effect": {"delay": seconds}}
        self.emulator.app.world.faults.load({"rules": [rule]})

    def wait_until_slow(self) -> None:
        """Until such a call has come."""
        deadline = time.monotonic() + SECONDS
        while not any(rule["fired"] for rule in self.emulator.app.world.faults.report()):
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.02)

    def contents(self) -> dict[tuple[str, str, str], Any]:
        """Everything the cloud holds, but for ids, times and ETags."""
        rows = copy.deepcopy(self.emulator.app.world.store.dump())
        return {(row["kind"], row["parent"], row["name"]): _steady(row["body"]) for row in rows}


def _steady(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: _steady(item)
                for name, item in value.items()
                if not re.search(r"(?i)(etag|time|id|_at|modified|created)$", name)
            }
        case list():
            return [_steady(item) for item in value]
        case _:
            return value


@pytest.fixture(scope="module")
def emulator() -> Iterator[Handle]:
    with start_in_thread(EmulatorSettings(access_keys={"AK": "SK"}, latency=0.01)) as handle:
        yield handle


@pytest.fixture
def team(tmp_path: Path, emulator: Handle, server: PostgresServer) -> Iterator[Team]:
    server.clear()
    emulator.app.world.clear()
    made = Team(folder=tmp_path, emulator=emulator, server=server)
    yield made
    for machine in made.machines:
        for process in machine.running:
            process.kill()
            process.communicate(timeout=SECONDS)


def test_of_two_pipelines_that_race_one_stops_or_waits(team: Team) -> None:
    first, second = team.machine("first"), team.machine("second")
    # Longer than a command takes to start on a busy machine, and than a lease lasts.
    team.slow_down("CreateTrigger", 20.0)
    holder = first.start("apply", "--yes", *team.words)
    team.wait_until_slow()

    code, _, err = second.run("apply", "--yes", *team.words)
    assert code == 1
    assert re.search(HOLDER.format(pid=holder.pid, name="first"), err), err
    assert re.search(r"run \d{8}-\d{6}-[0-9a-f]{8}, for \d+ s", err), err
    assert "--lock-timeout" in err

    code, out, err = second.run("apply", "--yes", "--lock-timeout", "60s", *team.words)
    assert (code, holder.poll()) == (0, 0), err
    assert "No changes" in out
    # While it waited, the lease of the first lasted by heartbeats alone.
    assert ended(holder)[0] == 0

    code, out, _ = second.run("history")
    assert code == 0 and out.count("https://ci.example/jobs/first") == 1


@pytest.mark.parametrize("way", ["resume", "rollback"])
def test_the_run_of_a_killed_holder_is_recovered_on_another_machine(team: Team, way: str) -> None:
    first = team.machine("first")
    assert first.run("apply", "--yes", *team.words)[0] == 0
    start = team.contents()
    # Code, a secret and a plain value change, and something new is made.
    first.edit('LEVEL: "1"', 'LEVEL: "2"')
    first.edit(
        "          nightly:",
        '          hourly: {type: timer, config: {cronExpression: "0 0 * * * *"}}\n          nightly:',
    )
    (first.spec.parent / "src" / "index.py").write_text("def handler(event, context):\n    return 2\n")
    second = team.machine("second")
    third = team.machine("third")
    team.slow_down("CreateTrigger", 30.0)
    holder = first.start("apply", "--yes", *team.words)
    team.wait_until_slow()
    holder.kill()
    holder.wait()
    team.emulator.app.world.faults.load({"rules": []})
    shutil.rmtree(first.folder)

    # As long as it may live it is not replaced.
    code, _, err = second.run(way, *(("--yes",) if way == "rollback" else ()), *team.words, FCDEPLOY_LEASE_SECONDS="60")
    assert code == 1 and re.search(HOLDER.format(pid=holder.pid, name="first"), err), err
    assert re.search(r"its lease ends in \d+ s", err), err
    code, out, _ = second.run("status", *team.words)
    assert code == 0 and "Open run" in out and "https://ci.example/jobs/first" in out and "1 effect unknown" in out

    words = (way, "--lock-timeout", "60s", *(("--yes",) if way == "rollback" else ()), *team.words)
    code, out, err = second.run(*words)
    assert code == 0, out + err
    if way == "rollback":
        assert team.contents() == start
    else:
        assert second.run("plan", "--detailed-exitcode", *team.words)[0] == 0
        assert TOKEN in str(team.contents()) and "'2'" in str(team.contents())
    assert TOKEN not in out + err

    # Whoever looks sees one history.
    histories = [machine.run("history")[1] for machine in (second, third)]
    assert histories[0] == histories[1]
    assert re.search(r"apply +" + {"resume": "done", "rollback": "rolled back"}[way], histories[0]), histories[0]
    assert not [path for path in (team.folder / "second").rglob("*") if path.name == "journal.db"]


def test_an_ended_run_is_taken_back_on_another_machine(team: Team) -> None:
    first = team.machine("first")
    assert first.run("apply", "--yes", *team.words)[0] == 0
    start = team.contents()
    (first.spec.parent / "src" / "index.py").write_text("def handler(event, context):\n    return 2\n")
    first.edit("memorySize: 128", "memorySize: 256")
    code, out, err = first.run("apply", "--yes", *team.words)
    assert code == 0
    (run,) = re.findall(r"run (\d{8}-\d{6}-[0-9a-f]{8})", out + err)
    assert team.contents() != start and "256" in str(team.contents())
    second = team.machine("second")
    shutil.rmtree(first.folder)
    code, out, err = second.run("rollback", run, "--yes", *team.words)
    assert code == 0, out + err
    assert team.contents() == start


def test_without_the_key_another_machine_can_only_abandon(team: Team) -> None:
    first, second = team.machine("first"), team.machine("second")
    del second.environ["FCDEPLOY_JOURNAL_KEY"]
    team.slow_down("CreateTrigger", 30.0)
    holder = first.start("apply", "--yes", *team.words)
    team.wait_until_slow()
    holder.kill()
    holder.wait()
    team.emulator.app.world.faults.load({"rules": []})

    for words in (("apply", "--yes"), ("destroy", "--yes"), ("resume",), ("rollback", "--yes")):
        code, _, err = second.run(*words, "--lock-timeout", "60s", *team.words)
        assert code == 1 and "FCDEPLOY_JOURNAL_KEY is not set" in err, err
        assert "can only be abandoned" in err
    code, _, err = second.run("resume", "--lock-timeout", "60s", *team.words, FCDEPLOY_JOURNAL_KEY="another " + KEY)
    assert code == 1 and "is not the key of the journal" in err, err

    code, out, err = second.run("abandon", "--yes", "--lock-timeout", "60s", *team.words)
    assert code == 4 and "FCDEPLOY_JOURNAL_KEY is not set" in out + err, out + err
    assert "No changes" in first.run("apply", "--yes", *team.words)[1]
    assert re.search("apply +abandoned", second.run("history")[1])


def test_a_server_that_is_restarted_in_the_middle_of_a_run_stops_nothing(team: Team) -> None:
    first = team.machine("first")
    team.slow_down("CreateService", 3.0)
    applying = first.start("apply", "--yes", *team.words)
    team.wait_until_slow()
    team.server.stop(signal.SIGQUIT)
    team.server.start()
    code, out, err = ended(applying)
    assert code == 0, out + err
    assert "4 of 4 steps done" in first.run("history")[1]
    assert "No changes" in first.run("plan", *team.words)[1]


def test_a_server_that_stays_away_stops_the_run_which_is_finished_later(team: Team) -> None:
    first, second = team.machine("first"), team.machine("second")
    team.slow_down("CreateService", 8.0)
    applying = first.start("apply", "--yes", *team.words)
    team.wait_until_slow()
    team.server.stop()
    try:
        code, out, err = ended(applying)
        assert code == 4, out + err
        told = out + err
        assert "the journal postgresql://team@" in told and "cannot be written" in told, told
        assert not re.search("CreateFunction", str([one for one in team.emulator.app.world.log.entries()]))
        # Who only looks is warned, and goes on.
        code, out, err = second.run("plan", *team.words)
        assert code == 0 and "cannot be opened" in out + err
        code, out, err = second.run("apply", "--yes", *team.words)
        assert code == 1 and "cannot be opened" in out + err
    finally:
        team.server.start()
    assert second.run("apply", "--yes", "--lock-timeout", "60s", *team.words)[0] == 4
    code, out, err = second.run("recover", "--lock-timeout", "60s", *team.words)
    assert code == 0, out + err
    assert "No changes" in first.run("plan", *team.words)[1]


def test_a_plan_file_is_used_once_wherever_it_is_applied(team: Team) -> None:
    first = team.machine("first")
    file = str(team.folder / "reviewed.fcplan")
    assert first.run("plan", "--out", file, *team.words)[0] == 0
    second, third = team.machine("second"), team.machine("third")
    # Code is in the file.
    shutil.rmtree(second.spec.parent / "src")
    code, out, err = second.run("apply", file, "--yes", *team.words)
    assert code == 0, out + err
    code, out, err = third.run("apply", file, "--yes", *team.words)
    assert code == 5 and "was used already" in out + err, out + err


def test_the_password_is_in_no_hint_and_the_address_is(team: Team) -> None:
    first = team.machine("first")
    secret = first.environ.pop("PGPASSWORD")
    url = first.environ.pop("FCDEPLOY_JOURNAL")
    from urllib.parse import quote

    given = url.replace("team@", f"team:{quote(secret, safe='')}@")
    team.slow_down("CreateTrigger", 30.0)
    holder = first.start("apply", "--yes", "--journal", given, *team.words)
    team.wait_until_slow()
    holder.kill()
    holder.wait()
    code, out, err = first.run("status", "--journal", given, *team.words)
    assert code == 0 and "fcdeploy resume" in out, out + err
    assert "--journal 'postgresql://team@/postgres?host=" in out, out
    for part in (secret, quote(secret, safe=""), "pa55"):
        assert part not in out + err
