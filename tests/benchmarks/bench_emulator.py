"""An emulator in a process of its own, and what it was asked."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench_process import clean_environ

WRITES = ("POST", "PUT", "DELETE")
_SERVER = Path(__file__).with_name("bench_server.py")
_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One request as it arrived and was answered; times are of the machine's monotonic clock, in seconds.

    `path` and `query` are raw, `sent` is the size of the body. Headers (lower-case names), `body`, `etag` and `reply`
    are there only of what was recorded whole.
    """

    method: str
    path: str
    query: str = ""
    status: int = 200
    sent: int = 0
    arrived: float
    answered: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    etag: str = ""
    reply: str = ""

    @property
    def writes(self) -> bool:
        """Whether it asks for a change."""
        return self.method in WRITES


def to_record(one: Mapping[str, Any]) -> Record:
    """What the process tells of one request."""
    return Record(
        **{name: one[name] for name in ("method", "path", "query", "status", "sent", "arrived", "answered")},
        headers=dict(one.get("headers", [])),
        body=base64.b64decode(one.get("body", "")),
        etag=dict(one.get("replied", [])).get("etag", ""),
        reply=one.get("reply", ""),
    )


class Emulator:
    """A running emulator, `latency` seconds a request; a context manager that ends the process."""

    def __init__(self, latency: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(_SERVER), str(latency)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=clean_environ(),
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError(f"the emulator did not start: exit code {self._process.wait()}")

    def begin(self, *, whole: bool = False) -> None:
        """Forget what was asked so far; `whole`: record headers, bodies and replies as well."""
        self._ask("POST", "/__benchmark__/begin", {"whole": whole})

    def read_records(self) -> list[Record]:
        """All requests since `begin`, in the order in which they arrived."""
        return [to_record(one) for one in self._ask("GET", "/__benchmark__/records")]

    def read_writes(self) -> int:
        """How many writes were answered since `begin`."""
        return int(self._ask("GET", "/__benchmark__/count")["writes"])

    def read_cpu(self) -> float:
        """Seconds of CPU that the process has used."""
        return float(self._ask("GET", "/__benchmark__/cpu")["seconds"])

    def keep(self, name: str) -> None:
        """Keep the contents under this name, in the process."""
        self._ask("POST", "/__benchmark__/keep", {"name": name})

    def restore(self, name: str) -> None:
        """Put the contents back that were kept under this name; faults go."""
        self._ask("POST", "/__benchmark__/restore", {"name": name})

    def set_faults(self, document: Mapping[str, object]) -> None:
        """Put a fault document in force."""
        self._ask("PUT", "/__emulator__/faults", document)

    def close(self) -> None:
        """End the process; a second time does nothing."""
        if self._process.returncode is None:
            self._process.communicate(timeout=_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: str, path: str, given: Mapping[str, object] | None = None) -> Any:
        content = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=content, method=method)
        with urllib.request.urlopen(request, timeout=_SECONDS) as reply:
            text = reply.read()
        return json.loads(text) if text else {}
