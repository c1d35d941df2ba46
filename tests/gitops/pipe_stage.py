"""Where pipelines are tried: an emulated cloud that outlives every machine, a project, and machines that do not."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
GITOPS = ROOT / "examples" / "gitops"
SECONDS = 150
"""A process that takes longer hangs."""

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "AK", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "SK"}
STATE_KEY = "5f0c9a1e7b3d4826a1c0e9f2d7b6385c"

SPEC = """\
apiVersion: fcdeploy/v1
project: shop
targets:
  prod: {provider: alibaba, account: "1234567890123456", region: cn-hangzhou}
services:
  shop:
    functions:
      order:
        runtime: python3.10
        handler: index.handler
        code: ./src
        environmentVariables: {GREETING: Hello}
        triggers:
          nightly: {type: timer, config: {cronExpression: "0 0 2 * * *"}}
"""

# What the steps call is the program and nothing else; that the cloud is an emulated one is added here. It is replaced
# by the program as a step is by `exec`, so that a signal to it is one to the program.
_COMMAND = """\
#!/bin/sh
case "$1" in
plan|apply|recover|drift|status)
    command=$1
    shift
    exec {program} "$command" --endpoint {url} "$@" ;;
esac
exec {program} "$@"
"""

_CURL = """\
#!{python} -ISE
import argparse, base64, sys, urllib.error, urllib.parse, urllib.request
words = argparse.ArgumentParser()
for name in ("silent", "show-error", "fail", "location"):
    words.add_argument("--" + name, action="store_true")
for name in ("retry", "output", "user", "write-out", "request", "data-binary", "upload-file"):
    words.add_argument("--" + name)
words.add_argument("--header", action="append", default=[])
words.add_argument("--data-urlencode", action="append", default=[])
words.add_argument("url")
given = words.parse_args()
headers = dict(one.split(": ", 1) for one in given.header)
if given.user:
    headers["Authorization"] = "Basic " + base64.b64encode(given.user.encode()).decode()
body, method = None, "GET"
if given.upload_file:
    body, method = open(given.upload_file, "rb").read(), "PUT"
elif given.data_binary:
    body, method = open(given.data_binary[1:], "rb").read(), "POST"
elif given.data_urlencode:
    pairs = [one.split("@", 1) for one in given.data_urlencode]
    body, method = urllib.parse.urlencode([(name, open(path).read()) for name, path in pairs]).encode(), "POST"
try:
    asked = urllib.request.Request(given.url, data=body, headers=headers, method=given.request or method)
    reply = urllib.request.urlopen(asked, timeout=30)
except urllib.error.HTTPError as error:
    reply = error
if given.fail and reply.status >= 400:
    sys.exit(22)
text = reply.read()
if given.output:
    open(given.output, "wb").write(text)
else:
    sys.stdout.buffer.write(text)
if given.write_out:
    print(reply.status, end="")
"""


def write_command(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a piece of shell ended, and all that it said; `cancelled`: with the job that it was a part of."""

    code: int
    said: str
    cancelled: bool = False


Interruption = Callable[["subprocess.Popen[bytes]"], bool]
"""What is done to a piece of shell that is at work; whether the job counts as cancelled then."""


@dataclass
class Stage:
    """The emulated cloud, the program on the path, and the project as its repository has it."""

    folder: Path
    url: str
    program: str
    repository: Path = field(init=False)
    commands: Path = field(init=False)
    machines: int = 0
    environ: dict[str, str] = field(default_factory=dict)
    """What every machine has in its environment besides."""

    def __post_init__(self) -> None:
        self.repository = self.folder / "repository"
        (self.repository / "src").mkdir(parents=True)
        (self.repository / "src" / "index.py").write_text("def handler(event, context):\n    return 1\n")
        self.spec.write_text(SPEC)
        self.commands = self.folder / "commands"
        write_command(self.commands / "fcdeploy", _COMMAND.format(program=self.program, url=self.url))
        # Last on the path: for machines that have none.
        write_command(self.folder / "stand-ins" / "curl", _CURL.format(python=sys.executable))

    @property
    def spec(self) -> Path:
        return self.repository / "fcdeploy.yaml"

    def edit(self, old: str, new: str) -> None:
        text = self.spec.read_text()
        assert old in text
        self.spec.write_text(text.replace(old, new))

    def new_machine(self) -> Machine:
        """One that has nothing but the programs."""
        self.machines += 1
        folder = self.folder / f"machine-{self.machines}"
        (folder / "home").mkdir(parents=True)
        # `python3` of the steps is that of the tests.
        path = f"{self.commands}:{Path(sys.executable).parent}:{os.environ['PATH']}:{self.folder / 'stand-ins'}"
        environ = {"PATH": path, "HOME": str(folder / "home"), "LANG": "C.UTF-8", "CI": "true", "PYTHONPATH": str(ROOT)}
        return Machine(folder=folder, environ={**environ, **self.environ})

    # ---- the cloud

    def control(self, method: str, document: Any = None) -> Any:
        sent = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.url}/__emulator__/faults", data=sent, method=method)
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:
            return json.loads(reply.read() or b"null")

    def hold(self, operation: str) -> None:
        """Let the next call of this operation take effect and its answer never come, so to say."""
        rule = {"match": {"operation": operation, "nth": 1}, "when": "after", "effect": {"delay": SECONDS}}
        self.control("PUT", {"rules": [rule]})

    def wait_until_held(self) -> None:
        deadline = time.monotonic() + SECONDS
        while not any(rule["fired"] for rule in self.control("GET")["rules"]):
            assert time.monotonic() < deadline, "the call never came"
            time.sleep(0.01)

    def while_held(self, do: Interruption) -> Interruption:
        """Do this to a piece of shell as soon as the call is held; from then on nothing is."""

        def interrupt(process: subprocess.Popen[bytes]) -> bool:
            self.wait_until_held()
            cancelled = do(process)
            self.control("DELETE")
            return cancelled

        return interrupt

    def live(self, *words: str) -> str:
        """What a plan of somebody without any journal says of the cloud as it is now."""
        machine = self.new_machine()
        shutil.copytree(self.repository, machine.folder / "work")
        ended = machine.run(["fcdeploy", "plan", "--target", "prod", *words], cwd=machine.folder / "work", environ=KEYS)
        return ended.said


@dataclass
class Machine:
    """A machine of a pipeline: its folders are all that it has."""

    folder: Path
    environ: dict[str, str]

    def run(
        self,
        command: list[str],
        *,
        cwd: Path,
        environ: Mapping[str, str],
        interruption: Interruption | None = None,
    ) -> Ended:
        """Run a command to its end, or until it is interrupted; it is the leader of a group of its own."""
        said = self.folder / "said"
        with said.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**self.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
            try:
                cancelled = interruption is not None and interruption(process)
                code = process.wait(timeout=SECONDS)
            finally:
                kill_all(process)
        return Ended(code=code, said=said.read_text(encoding="utf-8"), cancelled=cancelled)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """The process, and all of its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def killed(process: subprocess.Popen[bytes]) -> bool:
    """An interruption: out of memory, or whatever else kills a process at once."""
    kill_all(process)
    return False


def others_in_group(process: subprocess.Popen[bytes]) -> Iterator[int]:
    """The processes that a process has started, as far as they stayed in its group."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid="], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        pid, group = map(int, line.split())
        if group == process.pid and pid != process.pid:
            yield pid


def wait_for_end(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def carried(source: Path, destination: Path) -> None:
    """Copy what a pipeline keeps."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, destination, dirs_exist_ok=True)
    else:
        shutil.copy2(source, destination)
