"""Small JSON files that remember what was worked out before: whole or not there, and never believed when damaged."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fcdeploy.package.errors import unwritable


def read_record(path: Path, form: str) -> dict[str, Any] | None:
    """A record of this form, or None where there is none or it is damaged: then what it says is worked out again."""
    try:
        first, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if first != _first_line(path, form, body):
        return None
    record: dict[str, Any] = json.loads(body)
    return record


def write_record(path: Path, form: str, content: Mapping[str, Any]) -> None:
    """Write a record aside and rename it, so that two processes may share its folder. Raises PackageError."""
    body = json.dumps(content, separators=(",", ":")).encode()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix="record-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_first_line(path, form, body) + b"\n" + body)
            os.replace(name, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as error:
        raise unwritable(f"a record cannot be written under {path.parent}", error, path.parent) from error


def _first_line(path: Path, form: str, body: bytes) -> bytes:
    """What a whole record begins with: its form, its key, and the digest of the rest."""
    return f"{form} {path.stem} {hashlib.sha256(body).hexdigest()}".encode()
