"""Times as people write them: `250ms`, `30s`, `5m`, `1h`, `7d`, or a bare number of seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping

PATTERN = r"^\d+(\.\d+)?(ms|s|m|min|h|d)?$"
"""A time as text; for JSON Schema, too."""

_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?\Z")
_UNITS: Mapping[str | None, float] = {
    "ms": 0.001,
    "s": 1.0,
    None: 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}


def to_seconds(text: str) -> float | None:
    """The seconds that a text says, None where it says none."""
    found = _FORM.match(text.strip())
    return float(found[1]) * _UNITS[found[2]] if found is not None else None
