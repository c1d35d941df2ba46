"""Who holds a lease: a process, and what can be said of it from the process table."""

from __future__ import annotations

import enum
import json
import os
import pwd
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from msgspec import Struct
from msgspec.structs import asdict


class Holder(Struct, frozen=True, kw_only=True):
    """A process. `started` tells it from a later one with its pid; `place` is where pids have one meaning.

    Both are empty where the system does not tell; then only heartbeats count. `pipeline` is the address of the pipeline
    that it works for, empty where none says so.
    """

    user: str
    host: str
    pid: int
    started: str
    place: str
    pipeline: str = ""

    @classmethod
    def current(cls) -> Self:
        """This process."""
        pid = os.getpid()
        try:
            user = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            user = f"uid{os.geteuid()}"  # Containers often run as a user without a name.
        seen = _process_of(pid)
        return cls(
            user=user,
            host=socket.gethostname(),
            pid=pid,
            started=seen[1] if seen else "",
            place=_place(),
            pipeline=pipeline_of(os.environ),
        )

    @classmethod
    def from_text(cls, saved: str) -> Self:
        """Read `to_text` back."""
        return cls(**json.loads(saved))

    def to_text(self) -> str:
        """As it is kept in the journal."""
        return json.dumps(asdict(self), sort_keys=True)

    def __str__(self) -> str:
        return f"{self.user}@{self.host} pid {self.pid}" + (f" ({self.pipeline})" if self.pipeline else "")


_PIPELINES = (
    "{CI_JOB_URL}",
    "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
    "{BUILDKITE_BUILD_URL}",
    "{CIRCLE_BUILD_URL}",
    "{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
    "{BUILD_URL}",
)
"""How GitLab, GitHub, Buildkite, CircleCI, Azure Pipelines and Jenkins tell a job its address."""


def pipeline_of(environ: Mapping[str, str]) -> str:
    """The address of the pipeline that runs us, empty when none says so. One with a password in it is not taken."""
    for form in _PIPELINES:
        try:
            found = form.format_map(environ)
        except KeyError:
            continue
        if re.fullmatch(r"https?://[\x21-\x3f\x41-\x7e]{1,400}", found):
            return found
    return ""


class Vitality(enum.Enum):
    """What can be said of a holder without waiting."""

    ALIVE = enum.auto()
    DEAD = enum.auto()
    UNSURE = enum.auto()


def read_vitality(holder: Holder, *, place: str) -> Vitality:
    """Whether `holder` lives, as far as a process at `place` can tell from the process table."""
    if not place or holder.place != place:
        return Vitality.UNSURE
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return Vitality.DEAD
    except PermissionError:
        pass  # Somebody else's process: it exists, and its start time says whether it is the one.
    match _process_of(holder.pid):
        case ("Z" | "X", _):
            return Vitality.DEAD
        case (_, started) if holder.started:
            return Vitality.ALIVE if started == holder.started else Vitality.DEAD
        case _:
            return Vitality.UNSURE


def _place() -> str:
    """The boot of this machine and the namespace that pids belong to, or empty where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _process_of(pid: int) -> tuple[str, str] | None:
    """A process's letter of condition (Z zombie, X dead) and start time in clock ticks, or None if not told."""
    try:
        # proc(5): the command's name stands in parentheses and may hold any byte; fields count from after the last one.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return fields[0].decode(), fields[19].decode()
