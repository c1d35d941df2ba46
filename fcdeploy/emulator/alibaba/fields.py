"""Types of body fields: each reads a JSON value into its canonical form or says InvalidArgument.

A label is the dotted name with capital initials, as the server prints it (facts 6.3: "Runtime is set to ...").
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from fcdeploy.emulator.alibaba.errors import invalid_argument, too_many, wrong_format, wrong_value
from fcdeploy.emulator.exchange import Json
from fcdeploy.emulator.json_body import BadBody, parse_object

NAME_PATTERN = "^[_a-zA-Z][-_a-zA-Z0-9]*$"  # facts 6.3
_NAME = re.compile(r"[_a-zA-Z][-_a-zA-Z0-9]*")


class Type(Protocol):
    """How one field is read."""

    def read(self, value: object, label: str) -> object:
        """Return the canonical value; raises ApiError (InvalidArgument)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string; ``pattern`` must match the whole of it, ``allowed`` is an enumeration, lengths are in characters."""

    pattern: str = ""
    allowed: tuple[str, ...] = ()
    shortest: int = 0
    longest: int = 0

    def read(self, value: object, label: str) -> str:
        """Return the string."""
        if not isinstance(value, str):
            raise wrong_value(label, self.allowed or ("string",), _shown(value))
        if self.allowed and value not in self.allowed:
            raise wrong_value(label, self.allowed, value)
        if len(value) < self.shortest:
            raise invalid_argument(f"{label} is required but not provided")
        if self.longest and len(value) > self.longest:
            raise invalid_argument(
                f"{label} exceeds the maximum allowed length (max: {self.longest}, actual: '{len(value)}')"
            )
        if self.pattern and re.fullmatch(self.pattern, value) is None:
            raise wrong_format(label, self.pattern, value)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """An integer within bounds, a multiple of ``step``, or one of ``allowed``."""

    least: int | None = None
    most: int | None = None
    step: int = 1
    allowed: tuple[int, ...] = ()

    def read(self, value: object, label: str) -> int:
        """Return the integer; ``3.0`` and ``"3"`` are not integers (Go's decoder)."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_value(label, ("integer",), _shown(value))
        if self.allowed and value not in self.allowed:
            raise wrong_value(label, tuple(str(each) for each in self.allowed), value)
        below = self.least is not None and value < self.least
        above = self.most is not None and value > self.most
        if below or above:
            raise wrong_value(label, (f"[{self.least}, {self.most}]",), value)
        if value % self.step:
            raise wrong_value(label, (f"multiple of {self.step}",), value)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number within bounds and, when ``parts`` is given, a whole number of ``1/parts``."""

    least: float
    most: float
    parts: int = 0

    def read(self, value: object, label: str) -> int | float:
        """Return the number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_value(label, ("number",), _shown(value))
        if not self.least <= value <= self.most:
            raise wrong_value(label, (f"[{self.least}, {self.most}]",), value)
        if self.parts and abs(value * self.parts - round(value * self.parts)) > 1e-6:
            raise wrong_value(label, (f"multiple of {1 / self.parts:g}",), value)
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""

    def read(self, value: object, label: str) -> bool:
        """Return the boolean."""
        if not isinstance(value, bool):
            raise wrong_value(label, ("true", "false"), _shown(value))
        return value


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value, kept as it is."""

    def read(self, value: object, label: str) -> object:
        """Return the value."""
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """A list of ``item``; null items are refused."""

    item: Type
    most: int = 0
    least: int = 0

    def read(self, value: object, label: str) -> list[object]:
        """Return the list."""
        if not isinstance(value, list):
            raise wrong_value(label, ("array",), _shown(value))
        if self.most and len(value) > self.most:
            raise too_many(label, self.most, len(value))
        if len(value) < self.least:
            raise invalid_argument(f"{label} is required but not provided")
        return [self.item.read(each, f"{label}[{place}]") for place, each in enumerate(value)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A map with free keys, which keep their case; null values are dropped."""

    item: Type
    most: int = 0

    def read(self, value: object, label: str) -> dict[str, object]:
        """Return the map."""
        if not isinstance(value, dict):
            raise wrong_value(label, ("object",), _shown(value))
        if self.most and len(value) > self.most:
            raise too_many(label, self.most, len(value))
        return {key: self.item.read(each, f"{label}.{key[:64]}") for key, each in value.items() if each is not None}


class Struct:
    """An object with known fields: case-insensitive keys, null is absent, unknown keys are ignored (facts 7.2).

    ``defaults`` fills what was not given when the object itself was; ``required`` must be given. ``check`` sees the
    finished object. Of two keys that differ only in case the last one wins, as in Go.
    """

    __slots__ = ("_by_lower", "_check", "_defaults", "_required")

    def __init__(
        self,
        fields: Mapping[str, Type],
        *,
        defaults: Mapping[str, object] | None = None,
        required: tuple[str, ...] = (),
        check: Callable[[Json, str], None] | None = None,
    ) -> None:
        self._by_lower = {name.lower(): (name, kind) for name, kind in fields.items()}
        self._defaults = dict(defaults or {})
        self._required = required
        self._check = check

    def read(self, value: object, label: str) -> Json:
        """Return the given fields under their canonical names, over the defaults."""
        if not isinstance(value, dict):
            raise wrong_value(label, ("object",), _shown(value))
        result: Json = dict(self._defaults)
        dot = f"{label}." if label else ""
        for key, item in value.items():
            known = self._by_lower.get(key.lower())
            if known is not None and item is not None:
                name, kind = known
                result[name] = kind.read(item, dot + capital(name))
        for name in self._required:
            if name not in result:
                raise invalid_argument(f"{dot}{capital(name)} is required but not provided")
        if self._check is not None:
            self._check(result, label)
        return result


def capital(name: str) -> str:
    """Return ``functionName`` as ``FunctionName``."""
    return name[:1].upper() + name[1:]


def _shown(value: object) -> object:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def read_body(body: bytes, fields: Struct) -> Json:
    """Return the fields of a JSON request body; raises InvalidArgument "Bad data in request body." (facts 6.3)."""
    try:
        value = parse_object(body)
    except BadBody:
        raise invalid_argument("Bad data in request body.") from None
    return fields.read(value, "")


def checked_name(value: object, label: str, longest: int) -> str:
    """Return a resource name to create; the name of an absent one is None."""
    if value is None:
        raise invalid_argument(f"{label} is required but not provided")
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise wrong_format(label, NAME_PATTERN, value)
    if len(value) > longest:
        raise invalid_argument(f"{label} exceeds the maximum allowed length (max: {longest}, actual: '{len(value)}')")
    return value
