"""The installed command, run as a user runs it, and what it took."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

COMMAND = Path(sys.executable).with_name("fcdeploy")
_LAUNCHER = Path(__file__).with_name("bench_launch.py")
_PASSED_ON = ("PATH", "PYTHONPATH", "TMPDIR")


class Failed(Exception):
    """A command of a case did not end as it must; the message holds the end of what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: exit code, seconds of wall and CPU (user and system), peak memory in bytes, what it printed.

    `started` and `ended` are of the machine's monotonic clock.
    """

    code: int
    started: float
    ended: float
    cpu: float
    peak: int
    out: Path
    err: Path

    @property
    def wall(self) -> float:
        """Seconds from the start of the process until its end."""
        return self.ended - self.started


def clean_environ(**more: str) -> dict[str, str]:
    """An environment without the switches of whoever measures; compiled modules are written and used."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | more


class Started:
    """A command that runs: its process id, and a way to wait for it."""

    def __init__(self, arguments: tuple[str, ...], folder: Path, environ: dict[str, str], said: Path) -> None:
        if not COMMAND.exists():
            raise Failed(f"{COMMAND} is not there: install the project into this environment")
        said.mkdir(parents=True, exist_ok=True)
        self._arguments, self._out, self._err = arguments, said / "out", said / "err"
        # -S: nothing of site-packages, -I: nothing of the environment; it stays small.
        call = [sys.executable, "-I", "-S", str(_LAUNCHER), str(folder), str(self._out), str(self._err)]
        self._launcher = subprocess.Popen(
            [*call, str(COMMAND), *arguments], stdout=subprocess.PIPE, env=environ, text=True
        )
        assert self._launcher.stdout is not None
        self.pid = int(self._launcher.stdout.readline())

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._launcher.poll() is None

    def kill(self) -> None:
        """End it at whatever instruction it is."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, *codes: int) -> Run:
        """Its figures, when it has ended. Raises Failed for an exit code other than these (none named: 0)."""
        told, _ = self._launcher.communicate()
        run = Run(**json.loads(told), out=self._out, err=self._err)
        if run.code not in (codes or (0,)):
            tail = self._err.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise Failed(f"fcdeploy {' '.join(self._arguments)}: exit code {run.code}\n{tail}")
        return run
