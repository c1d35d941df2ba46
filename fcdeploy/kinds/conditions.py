"""Conditions over a body, as defaults and attributes have them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, TypeAlias

from fcdeploy.model import Json


class _NotEmpty(enum.Enum):
    NOT_EMPTY = "not-empty"


NOT_EMPTY: Final = _NotEmpty.NOT_EMPTY
"""In a condition: any value but absent, null, empty string, list or object."""


When: TypeAlias = Mapping[str, tuple[Json, ...] | _NotEmpty]
"""A condition over the body: each dotted path holds one of the values. An empty mapping always holds."""


def holds(when: When, body: Mapping[str, Json]) -> bool:
    """Whether every path of the condition has one of its values in `body`."""
    # Asked for at each field with a condition, where a generator takes twice as long.
    for path, allowed in when.items():
        if not is_allowed(value_at(body, path) if "." in path else body.get(path), allowed):
            return False
    return True


def is_allowed(value: Json, allowed: tuple[Json, ...] | _NotEmpty) -> bool:
    """Whether a value is one of these."""
    if allowed is NOT_EMPTY:
        return value not in (None, "", [], {})
    return value in allowed


def value_at(body: Json, path: str) -> Json:
    """The value at a dotted path, None where there is none."""
    if "." not in path:
        return body.get(path) if isinstance(body, Mapping) else None
    for part in path.split("."):
        if not isinstance(body, Mapping):
            return None
        body = body.get(part)
    return body
