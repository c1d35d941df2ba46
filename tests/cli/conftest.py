"""Fixtures for the command line: a small project and the program as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.cli.entry import run
from fcdeploy.emulator.server import Handle, start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings

SPEC = """\
apiVersion: fcdeploy/v1
project: image-pipeline
targets:
  dev: {provider: alibaba, account: "1234567890123456", region: cn-hangzhou}
services:
  images:
    description: Thumbnails
    functions:
      resize:
        runtime: python3.10
        handler: index.handler
        code: ./src
        memorySize: 512
        environmentVariables: {LEVEL: "3"}
        triggers:
          nightly: {type: timer, config: {cronExpression: "0 0 2 * * *", payload: ""}}
"""
SECONDS = 60
"""A process that takes longer hangs."""


@dataclass
class Program:
    """`fcdeploy` in a project folder with a state folder of its own and nothing of the caller's environment."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def spec(self) -> Path:
        return self.folder / "fcdeploy.yaml"

    def edit(self, old: str, new: str) -> None:
        text = self.spec.read_text()
        assert old in text
        self.spec.write_text(text.replace(old, new))

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "fcdeploy", *args]

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """The command inside this process: a fifth of the time, and all but the interpreter's own start is the same."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            for name in os.environ:
                patch.delenv(name)
            for name, value in self.environ.items():
                patch.setenv(name, value)
            self.capture.readouterr()
            code = run(list(args))
        out, err = self.capture.readouterr()
        return subprocess.CompletedProcess(args, code, out, err)

    def spawn(self, *args: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """The command as a process of its own."""
        return subprocess.run(
            self.command(*args),
            cwd=self.folder,
            env={**self.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
        )

    def start(self, *args: str) -> subprocess.Popen[str]:
        """The command as a process that goes on beside the test."""
        return subprocess.Popen(
            self.command(*args),
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "src" / "index.py").write_text("def handler(event, context):\n    return 1\n")
    (project / "fcdeploy.yaml").write_text(SPEC)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "FCDEPLOY_STATE": str(tmp_path / "state"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return Program(folder=project, capture=capsys, environ=environ)


LATENCY = 0.05  # seconds
KEYS = {"AK": "SK"}


@dataclass
class Server:
    """An emulator, and how to reach it."""

    url: str

    def slow_down(self, method: str, path: str, *, nth: int, seconds: float) -> None:
        """Let one request take its time, so that a test can act while it is under way."""
        match = {"method": method, "path": path, "nth": nth}
        self.control("PUT", {"rules": [{"match": match, "effect": {"delay": seconds}}]})

    def wait_until_slow(self) -> None:
        """Until that request is under way."""
        deadline = time.monotonic() + SECONDS
        while not any(rule["fired"] for rule in self.control("GET")["rules"]):
            assert time.monotonic() < deadline, "the request never came"
            time.sleep(0.01)

    def control(self, method: str, document: Any = None) -> Any:
        """Talk to the emulator's own fault interface."""
        sent = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.url}/__emulator__/faults", data=sent, method=method)
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:
            return json.loads(reply.read() or b"null")


@dataclass
class OwnServer(Server):
    """An emulator that is the program in a process of its own."""

    process: subprocess.Popen[str]
    log: Path


def give_keys(program: Program) -> None:
    ((name, secret),) = KEYS.items()
    program.environ |= {"ALIBABA_CLOUD_ACCESS_KEY_ID": name, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret}


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[Handle]:
    with start_in_thread(EmulatorSettings(access_keys=KEYS, latency=LATENCY)) as handle:
        yield handle


@pytest.fixture
def emulator(program: Program, running_emulator: Handle) -> Server:
    """An empty emulator in this process. A test that leaves a request hanging takes `own_emulator`."""
    running_emulator.app.world.clear()
    give_keys(program)
    return Server(url=running_emulator.url)


@pytest.fixture
def own_emulator(program: Program, tmp_path: Path) -> Iterator[OwnServer]:
    log = tmp_path / "requests.jsonl"
    data = str(tmp_path / "data")
    process = program.start(
        *("emulator", "--port", "0", "--data", data, "--log", str(log)),
        *("--access-key", "AK:SK", "--latency", f"{LATENCY * 1000:.0f}ms"),
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line + process.stderr.read()
        give_keys(program)
        yield OwnServer(url=line.split()[-1], process=process, log=log)
    finally:
        # Asked to end, it would wait for a request that a test left hanging.
        process.kill()
        process.communicate(timeout=SECONDS)
