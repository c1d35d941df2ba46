"""What a kind's own hooks take and give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct

from fcdeploy.model import Json


class Finding(Struct, frozen=True, kw_only=True):
    """What a kind's own check has against a body: `path` is dotted, in API names.

    `risk` is the built-in policy that it belongs to, if it does.
    """

    path: str
    summary: str
    detail: str = ""
    hint: str = ""
    is_warning: bool = False
    risk: str = ""


Check: TypeAlias = Callable[[Mapping[str, Json], str, str], Iterable[Finding]]
"""(body as the file gives it, API version, name) -> findings that a JSON Schema cannot express."""

Collides: TypeAlias = Callable[[Mapping[str, Json], Mapping[str, Json]], bool]
"""Whether two bodies under the same parent cannot exist at the same time."""

About: TypeAlias = Callable[[Mapping[str, Json]], str]
"""A body, canonical or as the service gave it -> the one line that a table says of the resource; no secrets in it."""
