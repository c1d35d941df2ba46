"""The filters and tests of expressions; few on purpose.

    b64encode  b64decode       UTF-8 text to base64 and back
    tojson  fromjson           a value to compact JSON text and back
    default(value, true)       for what is not defined or null; with `true` also for what is empty
    upper  lower  trim         as they say
    replace(old, new)          all occurrences
    slug                       lower case letters, digits and single `-`, at most 63 characters
    split(separator)           text to a list      join(separator)   a list to text
    first  last  length        of a list, a map or text
    int  string                to a number, to text

In files that are rendered as text, also:

    indent(width, first)       blanks before each line but the first, or before all
    items                      a map to a list of `[key, value]`

Tests: defined, undefined, none, string, number, boolean, mapping, sequence, in, true, false.
"""

from __future__ import annotations

import base64
import binascii
import json
import operator
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from fcdeploy.model import Json
from fcdeploy.spec.node import kind_of
from fcdeploy.spec.traced import Traced
from fcdeploy.spec.values import MAX_TEXT, TemplateFault, joined, to_text

_WIDEST = 200
_LONGEST_SLUG = 4096


def _text(value: Json, name: str) -> str:
    if not isinstance(value, str):
        raise TemplateFault(f"`{name}` takes text, not {kind_of(value)}", "convert it first: `|string` or `|tojson`")
    return value


def _b64encode(value: Json) -> str:
    return base64.b64encode(_text(value, "b64encode").encode()).decode()


def _b64decode(value: Json) -> str:
    try:
        return base64.b64decode(_text(value, "b64decode"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise TemplateFault("`b64decode` takes base64 of UTF-8 text") from None


def _tojson(value: Json) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        raise TemplateFault("`tojson` cannot write this value as JSON") from None


def _fromjson(value: Json) -> Json:
    def refuse(word: str) -> Json:
        raise ValueError(word)

    try:
        return json.loads(_text(value, "fromjson"), parse_constant=refuse)
    except (ValueError, RecursionError):
        raise TemplateFault("`fromjson` takes JSON text") from None


def _upper(value: Json) -> str:
    return _text(value, "upper").upper()


def _lower(value: Json) -> str:
    return _text(value, "lower").lower()


def _trim(value: Json) -> str:
    return _text(value, "trim").strip()


def _replace(value: Json, old: Json, new: Json) -> str:
    text, before, after = (_text(one, "replace") for one in (value, old, new))
    if not before:
        raise TemplateFault("`replace` takes the text to replace first")
    if len(text) + text.count(before) * (len(after) - len(before)) > MAX_TEXT:
        raise TemplateFault(f"the value has more than {MAX_TEXT:,} characters")
    return text.replace(before, after)


def _slug(value: Json) -> str:
    text = _text(value, "slug")
    if len(text) > _LONGEST_SLUG:
        raise TemplateFault(f"`slug` takes at most {_LONGEST_SLUG:,} characters")
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain)[:64].strip("-")[:63].strip("-")


def _split(value: Json, separator: Json = None) -> list[str]:
    if separator == "":
        raise TemplateFault("`split` takes a separator that is not empty")
    return _text(value, "split").split(None if separator is None else _text(separator, "split"))


def _join(value: Json, separator: Json = "") -> Json:
    if not isinstance(value, list):
        raise TemplateFault(f"`join` takes a list, not {kind_of(value)}")
    between = _text(separator, "join")
    pieces: list[Json] = []
    for index, item in enumerate(value):
        if index and between:
            pieces.append(between)
        pieces.append(item)
    return joined(pieces)


def _first(value: Json) -> Json:
    return _end(value, "first", 0)


def _last(value: Json) -> Json:
    return _end(value, "last", -1)


def _end(value: Json, name: str, index: int) -> Json:
    if not isinstance(value, (list, str)) or not value:
        raise TemplateFault(f"`{name}` takes a list that is not empty")
    return value[index]


def _length(value: Json) -> int:
    if not isinstance(value, (list, dict, str)):
        raise TemplateFault(f"`length` takes a list, a map or text, not {kind_of(value)}")
    return len(value)


def _int(value: Json) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?[0-9]{1,400}\s*", value):
        return int(value)
    if isinstance(value, (bool, int)) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise TemplateFault(f"`int` cannot make a number of this {'text' if isinstance(value, str) else 'value'}")


def _default(value: Json, fallback: Json = "", boolean: bool = False) -> Json:
    # The sandbox answers for undefined names itself; what comes here is defined.
    return fallback if value is None or (boolean and not value) else value


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_in(value: Json, container: Json) -> bool:
    if not isinstance(container, (str, list, dict)):
        raise TemplateFault(f"`in` takes a list, a map or text, not {kind_of(container)}")
    return value in container


def _items(value: Json) -> list[list[Json]]:
    if not isinstance(value, dict):
        raise TemplateFault(f"`items` takes a map, not {kind_of(value)}")
    return [[key, item] for key, item in value.items()]


def _indent(value: Json, width: Json = 4, first: Json = False) -> str:
    text = _text(value, "indent")
    if isinstance(width, bool) or not isinstance(width, int) or not 0 <= width <= _WIDEST:
        raise TemplateFault(f"`indent` takes a number of blanks from 0 to {_WIDEST}")
    if len(text) + width * (text.count("\n") + 1) > MAX_TEXT:
        raise TemplateFault(f"the value has more than {MAX_TEXT:,} characters")
    if isinstance(text, Traced):
        return text.indented(width, first=bool(first))
    made = re.sub("\n(?=[^\n])", "\n" + " " * width, text)
    return " " * width + made if first and text[:1] not in ("", "\n") else made


def _trim_traced(value: Json) -> str:
    text = _text(value, "trim")
    return text.stripped() if isinstance(text, Traced) else text.strip()


FILTERS: dict[str, Callable[..., Any]] = {
    "b64decode": _b64decode,
    "b64encode": _b64encode,
    "d": _default,
    "default": _default,
    "first": _first,
    "fromjson": _fromjson,
    "int": _int,
    "join": _join,
    "last": _last,
    "length": _length,
    "lower": _lower,
    "replace": _replace,
    "slug": _slug,
    "split": _split,
    "string": to_text,
    "tojson": _tojson,
    "trim": _trim,
    "upper": _upper,
}

TEXT_FILTERS: dict[str, Callable[..., Any]] = {"indent": _indent, "items": _items, "trim": _trim_traced}
"""For text that is not a value yet: the files that are rendered as text before they are read."""

TESTS: dict[str, Callable[..., bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "defined": lambda _value: True,
    "false": lambda value: value is False,
    "in": _is_in,
    "mapping": lambda value: isinstance(value, dict),
    "none": lambda value: value is None,
    "number": _is_number,
    "sequence": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "true": lambda value: value is True,
    "undefined": lambda _value: False,
}

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}
