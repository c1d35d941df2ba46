"""Plain scalars as the core schema of YAML 1.2 reads them (S1): `on`, `12:30:00`, dates and `1_000` are text."""

from __future__ import annotations

import math
import re

_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMBER_STARTS = frozenset("0123456789+-.")
# Far beyond any field of any API, and below the length at which Python refuses to convert.
_LONGEST_NUMBER = 400

Plain = str | int | float | bool | None


def plain_scalar(text: str) -> Plain:
    """The value of an unquoted scalar. Raises ValueError for numbers that JSON cannot hold."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INT.fullmatch(text):
        return int(_short(text))
    if _FLOAT.fullmatch(text):
        number = float(_short(text))
        if not math.isfinite(number):
            raise ValueError("the number is too large")
        return number
    if _OCTAL.fullmatch(text):
        return int(_short(text)[2:], 8)
    if _HEX.fullmatch(text):
        return int(_short(text)[2:], 16)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("infinity and not-a-number have no place in a spec")
    return text


def tagged_scalar(text: str, tag: str) -> Plain:
    """The value of a scalar with an explicit core tag (`!!int`); `tag` is the part after `tag:yaml.org,2002:`.

    Raises ValueError when the text is not of that type, KeyError for a tag outside the core schema.
    """
    wanted: type | tuple[type, ...]
    match tag:
        case "str":
            return text
        case "null":
            wanted = type(None)
        case "bool":
            wanted = bool
        case "int":
            wanted = int
        case "float":
            wanted = (int, float)
        case _:
            raise KeyError(tag)
    value = plain_scalar(text)
    if not isinstance(value, wanted) or (isinstance(value, bool) and tag != "bool"):
        raise ValueError(f"the text is not of the type !!{tag}")
    return float(value) if tag == "float" and isinstance(value, int) else value


def _short(text: str) -> str:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"the number has more than {_LONGEST_NUMBER} characters")
    return text
