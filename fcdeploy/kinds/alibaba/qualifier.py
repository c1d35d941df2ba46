"""What belongs to a function behind a qualifier: how its name looks and how each API version writes it (facts 8.1)."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.descriptor import Operation
from fcdeploy.model import Json

API_2016 = "2016-08-15"
API_2021 = "2021-04-06"
LATEST = "LATEST"

BEHIND = ("alias", "version")
"""What a qualifier names, unless it is LATEST."""

QUALIFIED: Mapping[str, tuple[str, ...]] = {"qualifier": BEHIND}

QUALIFIER_SCHEMA: Mapping[str, Json] = {
    "description": "a qualifier is `LATEST`, the name of an alias, or the number of a version",
    "type": "string",
    "pattern": r"^([0-9]+|[_a-zA-Z][-_a-zA-Z0-9]*)$",
    "minLength": 1,
    "maxLength": 128,
}


def qualified(name: str, method: str, last: str, body: Mapping[str, Json] | None = None) -> Operation:
    """An operation on what a function has behind a qualifier: 2016 writes it into the path, 2021 into the query."""
    return Operation(
        name=name,
        method=method,
        path="/services/{serviceName}/functions/{functionName}/" + last,
        paths={API_2016: "/services/{serviceName}.{qualifier}/functions/{functionName}/" + last},
        queries={API_2021: {"qualifier": "{qualifier}"}},
        body=body or {},
    )
