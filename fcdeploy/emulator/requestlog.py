"""The request log: one JSON object a request, in memory for tests and in a file for people."""

import json
from collections import deque
from pathlib import Path
from typing import TextIO

from fcdeploy.emulator.exchange import Json

KEPT = 50_000


class RequestLog:
    """Keeps the newest entries and appends each to a file, line by line, so that a reader sees it at once."""

    def __init__(self, path: Path | None) -> None:
        self._recent: deque[Json] = deque(maxlen=KEPT)
        self.total = 0
        self._stream: TextIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = path.open("a", encoding="utf-8", buffering=1)

    def append(self, entry: Json) -> None:
        """Add one entry."""
        self.total += 1
        self._recent.append(entry)
        if self._stream is not None:
            self._stream.write(json.dumps(entry, separators=(",", ":")) + "\n")

    def entries(self) -> list[Json]:
        """Return the kept entries, oldest first."""
        return list(self._recent)

    def clear(self) -> None:
        """Forget the kept entries; the file stays as it is."""
        self._recent.clear()
        self.total = 0

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
