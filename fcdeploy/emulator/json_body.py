"""Reading a JSON request body the way a Go server does, but never guessing.

Keys are matched case-insensitively (facts 1.5), null means absent (facts 1.6), unknown keys are ignored (facts 7.2,
[INF]). The parse errors are the caller's: this module raises :class:`BadBody` and knows no error table.
"""

import json
import math
import re
from typing import NoReturn

from fcdeploy.emulator.exchange import Json

_NESTING_LIMIT = 64  # deeper than any body of these APIs; the canonical writers recurse once per level
_SURROGATE = re.compile("[\ud800-\udfff]")


class BadBody(ValueError):
    """The body is not a JSON object in UTF-8."""


def _reject(token: str) -> NoReturn:
    raise BadBody(f"{token} is no JSON value")


def _tame(value: object, depth: int) -> object:
    """Bound the nesting and replace lone surrogates by U+FFFD, as Go's decoder does: they cannot be stored."""
    if depth > _NESTING_LIMIT:
        raise BadBody("nested too deeply")
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {str(_tame(key, depth)): _tame(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_tame(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):  # 1e999 is valid JSON and no number
        raise BadBody("number out of range")
    return value


def parse_object(body: bytes) -> Json:
    """Return the object that ``body`` holds; ``null`` is an empty one.

    Raises:
        BadBody: not UTF-8, not JSON (NaN and Infinity included), not an object, or nested too deeply.
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_reject)
    except RecursionError:
        raise BadBody("nested too deeply") from None
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, and integers of more than 4300 digits
        raise BadBody(str(error)) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadBody("not an object")
    tamed = _tame(value, 0)
    assert isinstance(tamed, dict)
    return tamed
