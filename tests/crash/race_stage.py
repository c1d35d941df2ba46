"""What the proofs of concurrency stand on: processes that start at once, clouds that start alike, and a dump to judge.

The emulator runs in the test's process, on a socket and with a latency, so that runs overlap; every `fcdeploy` is a
process of its own with a project folder, a state folder and an environment of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fcdeploy.emulator.server import Handle, start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings

ACCOUNT = "1234567890123456"
REGION = "cn-hangzhou"
KEY, SECRET = "AK", "SK"
THEIR_KEY, THEIR_SECRET = "AK2", "SK2"
LATENCY = 0.01
SECONDS = 150
TREE = Path(__file__).resolve().parents[2]
_TIMES = frozenset(
    {
        *("createdTime", "lastModifiedTime", "createTime", "functionId", "serviceId", "triggerId"),
        *("urlInternet", "urlIntranet", "arn", "acl"),
    }
)

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One `fcdeploy` to be: `delay` seconds after the others of its start."""

    name: str
    folder: Path
    state: Path
    url: str
    words: tuple[str, ...] = ("apply", "--yes", "--format", "json")
    delay: float = 0.0

    def message(self, out: Path, err: Path) -> dict[str, Any]:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.state.parent),
            "LANG": "C.UTF-8",
            "FCDEPLOY_STATE": str(self.state),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": KEY,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET,
        }
        return {
            "argv": [*self.words, "--endpoint", self.url],
            "cwd": str(self.folder),
            "environ": environ,
            "out": str(out),
            "err": str(err),
            "delay": self.delay,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended and what it said; `began` and `ended` are of one clock."""

    name: str
    code: int
    out: str
    err: str
    began: float
    ended: float

    @property
    def document(self) -> dict[str, Any]:
        """What `--format json` put out; empty when the command stopped before there was anything to put out."""
        found: dict[str, Any] = json.loads(self.out) if self.out.strip() else {}
        return found

    @property
    def changes(self) -> dict[tuple[str, tuple[str, ...]], dict[str, Any]]:
        """What the plan showed, by kind and identity."""
        return {
            (change["kind"], tuple(change["identity"])): change
            for target in self.document.get("plan", {}).get("targets", ())
            for change in target["changes"]
        }

    @property
    def outcome(self) -> dict[str, Any]:
        """The outcome of the only target; empty when nothing was carried out."""
        found = self.document.get("outcomes", [])
        return dict(found[0]) if found else {}

    @property
    def findings(self) -> list[dict[str, Any]]:
        """Everything that the outcome says."""
        return list(self.outcome.get("diagnostics", ()))

    @property
    def problems(self) -> list[dict[str, Any]]:
        """Why there was no plan, or why it was refused."""
        targets = self.document.get("plan", {}).get("targets", ())
        return [one for target in targets for one in target["diagnostics"] if one["severity"] == "error"]


class Zygote:
    """The warm process of race_zygote.py."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._jobs: list[tuple[Job, Path, Path]] = []
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("race_zygote.py"))],
            env={**os.environ, "PYTHONPATH": str(TREE)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def start(self, jobs: Sequence[Job]) -> None:
        """Let them run; `ended` waits for them."""
        assert self._process.stdin is not None and not self._jobs
        for job in jobs:
            self._number += 1
            out, err = (self._folder / f"{self._number}.{end}" for end in ("out", "err"))
            self._jobs.append((job, out, err))
        message = {"jobs": [job.message(out, err) for job, out, err in self._jobs]}
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def ended(self) -> list[Ended]:
        """How the processes of the last start ended, in their order."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the warm process is gone"
        jobs, self._jobs = self._jobs, []
        return [
            Ended(name=job.name, out=out.read_text("utf-8"), err=err.read_text("utf-8"), **how)
            for (job, out, err), how in zip(jobs, json.loads(line)["ended"], strict=True)
        ]

    def run(self, *jobs: Job) -> list[Ended]:
        """Run them side by side to their ends."""
        self.start(jobs)
        return self.ended()

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(SECONDS)
        self._process.stdout.close()


@contextmanager
def warm_process(folder: Path) -> Iterator[Zygote]:
    """A warm process, ended at the end."""
    zygote = Zygote(folder)
    try:
        yield zygote
    finally:
        zygote.stop()


@contextmanager
def cloud(data: Path, latency: float = LATENCY) -> Iterator[Handle]:
    """An emulator on a socket with the contents of this folder, which it goes on writing to."""
    settings = EmulatorSettings(
        account=ACCOUNT,
        region=REGION,
        access_keys={KEY: SECRET, THEIR_KEY: THEIR_SECRET},
        data=data,
        latency=latency,
        log_bodies=True,
    )
    with start_in_thread(settings) as handle:
        yield handle


def write_project(folder: Path, spec: Mapping[str, Any], sources: Mapping[str, str] | None = None) -> Path:
    """A project folder with this spec and these files; returns it."""
    for name, text in (sources or {"src/index.py": "def handler(event, context):\n    return 'ok'\n"}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    (folder / "fcdeploy.yaml").write_text(yaml.safe_dump(dict(spec), sort_keys=False), "utf-8")
    return folder


Contents = dict[tuple[str, str], dict[str, Any]]
"""What a cloud holds: bodies by (kind, path), without times and ids."""


def contents(handle: Handle) -> Contents:
    """What this cloud holds now."""
    return {
        (row["kind"], f"{row['parent']}/{row['name']}".strip("/")): timeless(row["body"])
        for row in handle.app.world.store.dump()
    }


def timeless(value: Json) -> Json:
    """A body without what is another each time."""
    if isinstance(value, Mapping):
        return {name: timeless(one) for name, one in value.items() if name not in _TIMES}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def copied(data: Path, to: Path) -> Path:
    """A cloud's contents once more, to go on from."""
    shutil.copytree(data, to)
    return to
