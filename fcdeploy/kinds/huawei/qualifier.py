"""What a function has behind a qualifier: how the file, the paths and the answers name it. Facts 2, 8, 9."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fcdeploy.kinds.descriptor import Operation
from fcdeploy.kinds.huawei.urn import FUNCTION, LATEST, URN_PATTERN
from fcdeploy.model import Json

LATEST_IN_FILES = "LATEST"
"""How a file for both clouds writes what is not published."""

BEHIND = ("alias", "version")
"""What a qualifier names, unless it is `latest`."""

QUALIFIED: Mapping[str, tuple[str, ...]] = {"qualifier": BEHIND}

QUALIFIER_SCHEMA: Mapping[str, Json] = {
    "description": "a qualifier is `latest`, the name of an alias, or the number of a version",
    "type": "string",
    "pattern": r"^([1-9][0-9]{0,8}|[A-Za-z]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)$",
}

NUMBERED = r"[1-9][0-9]*"
"""Names of versions that are ours; others may name theirs freely, and those are no members of the series (S44)."""

MEMBER = "behind"
PATTERN = r"(?P<package>[^:]+):(?P<functionName>[^:]+):(?P<qualifier>[^:]+)"
ONLY = r"[^=]+"
"""Under which member `behind_of` says whose an item is, how that is taken apart, and which of them count: what stands
behind a foreign version is no resource of ours."""

_WITH_END = re.compile(rf"{URN_PATTERN}(?::(?P<end>[^:]+))?")


def qualified(name: str, method: str, tail: str, body: Mapping[str, Json] | None = None) -> Operation:
    """An operation on what a function has behind a qualifier; `derive=end_of` gives the end of its URN."""
    return Operation(name=name, method=method, path=f"{FUNCTION}:{{behind}}{tail}", body=body or {})


def end_of(names: Mapping[str, str]) -> Mapping[str, str]:
    """The end of the URN that a qualifier makes: `latest`, a version's number, or `!` and an alias."""
    qualifier = names.get("qualifier")
    if qualifier is None:
        return {}
    return {"behind": qualifier if qualifier == LATEST or qualifier.isdecimal() else f"!{qualifier}"}


def behind_of(urn: str, end: str = "") -> str:
    """`package:function:qualifier` of a URN, or of one without a qualifier and its `end`.

    The qualifier of a version that has a name and no number is `=name`: it is not that of an alias of the same name.
    Text that is no URN comes back as it is.
    """
    found = _WITH_END.fullmatch(urn)
    if found is None:
        return urn
    last = end or found["end"] or LATEST
    if last.startswith("!"):
        last = last[1:]
    elif last != LATEST and re.fullmatch(NUMBERED, last) is None:
        last = f"={last}"
    return f"{found['package']}:{found['functionName']}:{last}"


def named(names: tuple[str, ...], body: Mapping[str, Json]) -> tuple[str, ...]:
    """The last part of the identity; a file for both clouds may write `LATEST`."""
    del body
    return (LATEST if names[-1] == LATEST_IN_FILES else names[-1],)
