"""How functions are named in paths and answers: URNs, with colons as they are. Facts 2, 3.1."""

from __future__ import annotations

from fcdeploy.kinds.descriptor import Operation
from fcdeploy.model import Json

PROVIDER = "huawei"
API = "v2"
LATEST = "latest"

URN = "urn:fss:{region}:{account}:function:{package}:{functionName}"
"""A function: a template over its identity and where the target is."""

URN_PATTERN = r"urn:fss:[^:]*:[^:]*:function:(?P<package>[^:]+):(?P<functionName>[^:]+)"
"""A function's URN taken apart; what follows it is a qualifier."""

FUNCTION = f"/fgs/functions/{URN}"
"""Where a function is."""

NAME_PATTERN = r"^[A-Za-z]([A-Za-z0-9_-]{0,58}[A-Za-z0-9])?$"
LONGEST_NAME = 60
PACKAGE_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
DEFAULT_PACKAGE = "default"

NAME_SCHEMA: dict[str, Json] = {
    "description": "a name has letters, digits, `_` and `-`, begins with a letter and ends with a letter or digit",
    "type": "string",
    "pattern": NAME_PATTERN,
    "minLength": 1,
    "maxLength": LONGEST_NAME,
}


def on_function(name: str, method: str, tail: str = "", **rest: Json) -> Operation:
    """An operation beneath a function's URN; `tail` is what follows it in the path, `rest` goes to the operation."""
    return Operation(name=name, method=method, path=f"{FUNCTION}{tail}", **rest)
