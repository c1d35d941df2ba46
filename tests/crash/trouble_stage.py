"""A small project, an emulator, and real `fcdeploy` processes that meet trouble on their own machine."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.emulator.server import start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings

HERE = Path(__file__).parent
ACCOUNT, REGION = "1234567890123456", "cn-hangzhou"
NOBODY = 65534
SECONDS = 60
"""A process that takes longer hangs."""
SENT = ("POST", "PUT", "DELETE")

SPEC = """\
apiVersion: fcdeploy/v1
project: trouble
targets:
  dev: {provider: alibaba, account: "1234567890123456", region: cn-hangzhou}
secrets:
  TOKEN: {env: TOKEN_SOURCE}
defaults: {function: {runtime: python3.10, handler: index.handler, code: ./src}}
services:
  shop:
    description: DESCRIPTION
    functions:
      first: {memorySize: MEMORY, environmentVariables: {TOKEN: "${{ secret('TOKEN') }}"}}
FUNCTIONS"""


@dataclass
class Process:
    """A process of the program, running or ended."""

    pid: int
    stage: TroubleStage
    folder: Path
    status: int | None = None
    """Exit code, or minus the signal that ended it."""

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    @property
    def told(self) -> str:
        """All that it said."""
        return f"{self.err}\n{self.out}"

    @property
    def moments(self) -> list[str]:
        return (self.folder / "moments").read_text().splitlines()

    def wait_for(self, moment: str) -> None:
        """Until it has come to this moment (the beginning of its name)."""
        deadline = time.monotonic() + SECONDS
        while not any(one.startswith(moment) for one in self.moments):
            assert self.status is None, f"ended with {self.status} before {moment}:\n{self.told}"
            assert time.monotonic() < deadline, f"{moment} never came: {self.moments}"
            self.stage.listen(0.005)

    def send(self, *numbers: int) -> None:
        for number in numbers:
            os.kill(self.pid, number)

    def wait(self) -> Process:
        deadline = time.monotonic() + SECONDS
        while self.status is None:
            assert time.monotonic() < deadline, f"it does not end:\n{self.told}"
            self.stage.listen(0.1)
        assert "Traceback" not in self.told and "bug in fcdeploy" not in self.told, self.told
        return self


@dataclass
class TroubleStage:
    """One for each test process; `begin` gives a test an empty cloud and empty folders."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    """What was live when `begin_update` had ended."""
    _live: bytes = b""
    _running: dict[int, Process] = field(default_factory=dict)
    _rounds: int = 0

    def __post_init__(self) -> None:
        settings = EmulatorSettings(account=ACCOUNT, region=REGION, check_signatures=False, log_bodies=True)
        self.emulator = start_in_thread(settings)
        self._zygote = subprocess.Popen(
            [sys.executable, str(HERE / "trouble_zygote.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE.parents[1]), str(HERE)))},
        )
        assert self._zygote.stdout is not None
        os.set_blocking(self._zygote.stdout.fileno(), False)
        self._heard = b""

    def close(self) -> None:
        for process in self._running.values():
            os.kill(process.pid, 9)
        assert self._zygote.stdin is not None and self._zygote.stdout is not None
        self._zygote.stdin.close()
        self._zygote.wait(timeout=SECONDS)
        self._zygote.stdout.close()
        self.emulator.stop()
        shutil.rmtree(self.folder)

    def begin(self, functions: Sequence[str] = (), **words: str) -> None:
        """Nothing is live; the file asks for a service with these functions besides the first."""
        self.world.clear()
        for name in ("state", "home", "tmp", "project"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir(mode=0o755)
        (self.project / "src").mkdir()
        (self.project / "src" / "index.py").write_text("def handler(event, context):\n    return 1\n")
        self.environ = {
            "FCDEPLOY_STATE": str(self.state),
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": "ak",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "sk",
            "TOKEN_SOURCE": "s3cr3t-of-the-file",
        }
        self.write_spec(functions, **words)

    def begin_update(self) -> None:
        """A service with two functions is live; the file changes it and the first, and has a fourth to make."""
        aside = self.folder / "state-aside"
        if not self._live:
            self.begin(("second", "third"))
            assert self.apply().status == 0
            self._live = self.world.store.contents()
            shutil.copytree(self.state, aside)
        else:
            self.begin(("second", "third"))
            self.world.restore(self._live)
            shutil.copytree(aside, self.state, dirs_exist_ok=True)
        self.world.log.clear()
        self.before = self.contents()
        self.write_spec(("second", "third", "fourth"), description="after", memory=256)

    def write_spec(
        self, functions: Sequence[str] = (), *, description: str = "before", memory: int = 128, more: str = ""
    ) -> None:
        """Write the file anew."""
        text = SPEC.replace("DESCRIPTION", description).replace("MEMORY", str(memory))
        lines = "".join(f"      {name}: {{}}\n" for name in functions)
        (self.project / "fcdeploy.yaml").write_text(text.replace("FUNCTIONS", lines) + more)

    @property
    def world(self) -> Any:
        return self.emulator.app.world

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def target_folder(self) -> Path:
        """Journal, spool and undo folder of the one target."""
        (found,) = self.state.glob("trouble-*/dev-*")
        return found

    @property
    def journal(self) -> Path:
        return self.target_folder / "journal.db"

    def start(
        self,
        *args: str,
        troubles: Sequence[Mapping[str, Any]] = (),
        user: int = 0,
        environ: Mapping[str, str] = {},
        terminal: str = "",
        **ways: str,
    ) -> Process:
        """Run `fcdeploy` with these arguments beside the test; `ways`: files for `out` and `err` instead of its own."""
        self._rounds += 1
        folder = self.folder / f"process-{self._rounds}"
        folder.mkdir()
        order = {
            "args": [*args, *(["--endpoint", self.emulator.url] if args[0] not in ("validate", "graph") else [])],
            "env": {**self.environ, **environ},
            "cwd": str(self.project),
            "troubles": list(troubles),
            "user": user,
            "terminal": terminal,
            **{name: str(folder / name) for name in ("out", "err", "moments")},
            **ways,
        }
        for name in ("out", "err", "moments"):
            (folder / name).touch()
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(json.dumps(order).encode() + b"\n")
        self._zygote.stdin.flush()
        process = Process(0, self, folder)
        self._running[0] = process
        deadline = time.monotonic() + SECONDS
        while process.pid == 0:
            assert time.monotonic() < deadline, "the zygote does not answer"
            self.listen(0.1)
        return process

    def run(self, *args: str, **more: Any) -> Process:
        """Run it to its end."""
        return self.start(*args, **more).wait()

    def apply(self, *args: str, **more: Any) -> Process:
        return self.run("apply", "--yes", *args, **more)

    def listen(self, seconds: float) -> None:
        """Hear what the zygote has to say, for a moment at most."""
        pipe = self._zygote.stdout
        assert pipe is not None
        if not select.select([pipe], [], [], seconds)[0]:
            return
        got = pipe.read()
        assert got, "the zygote has ended"
        *lines, self._heard = (self._heard + got).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "status" in told:
                self._running.pop(told["pid"]).status = told["status"]
            else:
                process = self._running.pop(0)
                process.pid = told["pid"]
                self._running[process.pid] = process

    def change(self, function: str, **fields: Any) -> None:
        """Somebody else changes a function of the service."""
        path = f"{self.emulator.url}/2021-04-06/services/shop/functions/{function}"
        request = urllib.request.Request(path, data=json.dumps(fields).encode(), method="PUT")
        request.add_header("x-fc-account-id", ACCOUNT)
        with urllib.request.urlopen(request, timeout=SECONDS):
            pass
        while not self.sent():
            time.sleep(0.001)  # It is written down when it is answered.
        self.world.log.clear()

    def give_away(self) -> None:
        """The state folder and what is in it belongs to nobody, who runs the program now."""
        for one in (self.state, *self.state.rglob("*"), self.folder / "home", self.folder / "tmp"):
            os.chown(one, NOBODY, NOBODY)

    def faults(self, *rules: Mapping[str, Any]) -> None:
        self.world.faults.load({"rules": list(rules)})

    def sent(self) -> list[str]:
        """Every write that the service has answered."""
        return [f"{one['method']} {one['path']}" for one in self.world.log.entries() if one["method"] in SENT]

    def rows(self, query: str) -> list[Any]:
        """What the journal holds."""
        with closing(sqlite3.connect(self.journal)) as connection:
            return connection.execute(query).fetchall()

    def contents(self) -> dict[str, Any]:
        """Everything the cloud holds by address; functions by memory size and code alone."""
        return {
            "/".join((row["kind"], row["parent"], row["name"])): {
                name: value for name, value in row["body"].items() if name not in OWN
            }
            for row in self.world.store.dump()
        }


OWN = ("createdTime", "createTime", "lastModifiedTime", "functionId", "serviceId", "triggerId")
"""Times and ids that the service gives to what is created (S40)."""


def new_stage() -> TroubleStage:
    """In a folder that another user can reach, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="fcdeploy-trouble-"))
    folder.chmod(0o755)
    return TroubleStage(folder)


def longer(*rows: Any) -> list[Any]:
    """Parameters that are tried by `make crash` alone."""
    return [pytest.param(*(row if isinstance(row, tuple) else (row,)), marks=pytest.mark.crash) for row in rows]


def at(when: str, do: str, nth: int = 1, **words: Any) -> dict[str, Any]:
    """What happens at a moment."""
    return {"when": when, "nth": nth, "do": do, "with": words}


def one_by_one(stage: TroubleStage, *troubles: Mapping[str, Any], **more: Any) -> Process:
    return stage.apply("--parallelism", "1", troubles=troubles, **more)


def killed(stage: TroubleStage, when: str, *troubles: Mapping[str, Any]) -> None:
    """Apply, killed at a moment."""
    ended = one_by_one(stage, *troubles, at(when, "send_self", number=signal.SIGKILL))
    assert ended.status == -signal.SIGKILL, ended.told


def assert_reached(stage: TroubleStage) -> None:
    """All that the file says is live, and no run is open."""
    live = stage.contents()
    assert live["service//shop"]["description"] == "after"
    assert live["function/shop/first"]["memorySize"] == 256
    assert "function/shop/fourth" in live
    assert_no_open_run(stage)


def assert_as_before(stage: TroubleStage) -> None:
    assert stage.contents() == stage.before
    assert_no_open_run(stage)


def assert_no_open_run(stage: TroubleStage) -> None:
    assert stage.rows("SELECT id FROM runs WHERE ended IS NULL") == []


def recover(stage: TroubleStage, how: str, **more: Any) -> None:
    ended = stage.run(how, *(["--yes"] if how == "rollback" else []), **more)
    assert ended.status == 0, ended.told
    if how == "resume":
        assert_reached(stage)
    else:
        assert_as_before(stage)
