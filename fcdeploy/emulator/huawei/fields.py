"""Types of body fields: each reads a JSON value or says which FSS error it is (facts 3.2, 13)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from fcdeploy.emulator.errors import ErrorKind
from fcdeploy.emulator.exchange import Json
from fcdeploy.emulator.huawei.errors import BAD_BODY, BAD_PARAMETER
from fcdeploy.emulator.json_body import BadBody, parse_object


class Type(Protocol):
    """How one field is read."""

    def read(self, value: object, name: str) -> object:
        """Return the value; raises ApiError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string; ``pattern`` must match the whole of it."""

    pattern: str = ""
    allowed: tuple[str, ...] = ()
    shortest: int = 0
    longest: int = 0
    error: ErrorKind = BAD_PARAMETER

    def read(self, value: object, name: str) -> str:
        """Return the string."""
        if not isinstance(value, str):
            raise BAD_BODY(f"{name} must be a string")
        unfit = (
            (bool(self.allowed) and value not in self.allowed)
            or len(value) < self.shortest
            or (self.longest > 0 and len(value) > self.longest)
            or (bool(self.pattern) and re.fullmatch(self.pattern, value) is None)
        )
        if unfit:
            raise self.error(*([f"{name} = {value}"] if "%s" in self.error.template else []))
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """An integer within bounds, or one of ``allowed``."""

    least: int | None = None
    most: int | None = None
    allowed: tuple[int, ...] = ()
    error: ErrorKind = BAD_PARAMETER

    def read(self, value: object, name: str) -> int:
        """Return the integer; ``"3"`` and ``3.0`` are none."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise BAD_BODY(f"{name} must be an integer")
        below = self.least is not None and value < self.least
        above = self.most is not None and value > self.most
        if below or above or (self.allowed and value not in self.allowed):
            raise self.error(f"{name} = {value}")
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""

    def read(self, value: object, name: str) -> bool:
        """Return the boolean."""
        if not isinstance(value, bool):
            raise BAD_BODY(f"{name} must be true or false")
        return value


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value, kept as it is."""

    def read(self, value: object, name: str) -> object:
        """Return the value."""
        del name
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """A list of ``item``."""

    item: Type
    most: int = 0
    error: ErrorKind = BAD_PARAMETER

    def read(self, value: object, name: str) -> list[object]:
        """Return the list."""
        if not isinstance(value, list):
            raise BAD_BODY(f"{name} must be a list")
        if self.most and len(value) > self.most:
            raise self.error(self.most)
        return [self.item.read(each, f"{name}[{place}]") for place, each in enumerate(value)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A map with free keys."""

    item: Type
    most: int = 0

    def read(self, value: object, name: str) -> dict[str, object]:
        """Return the map."""
        if not isinstance(value, dict):
            raise BAD_BODY(f"{name} must be an object")
        if self.most and len(value) > self.most:
            raise BAD_PARAMETER(f"{name} has more than {self.most} entries")
        return {key: self.item.read(each, f"{name}.{key}") for key, each in value.items() if each is not None}


class Struct:
    """An object with known fields: null is absent, unknown keys are ignored (facts 17, the SDK drops None)."""

    __slots__ = ("_check", "_fields", "_required")

    def __init__(
        self,
        fields: Mapping[str, Type],
        *,
        required: Mapping[str, ErrorKind] | tuple[str, ...] = (),
        check: Callable[[Json, str], None] | None = None,
    ) -> None:
        self._fields = dict(fields)
        self._required = dict(required) if isinstance(required, Mapping) else dict.fromkeys(required, BAD_PARAMETER)
        self._check = check

    def read(self, value: object, name: str) -> Json:
        """Return the fields that were given."""
        if not isinstance(value, dict):
            raise BAD_BODY(f"{name} must be an object")
        dot = f"{name}." if name else ""
        result: Json = {
            key: self._fields[key].read(each, dot + key)
            for key, each in value.items()
            if key in self._fields and each is not None
        }
        for key, error in self._required.items():
            if key not in result:
                raise error(f"{dot}{key} is missing")
        if self._check is not None:
            self._check(result, name)
        return result


def read_body(body: bytes, fields: Struct) -> Json:
    """Return the fields of a JSON request body; one that is no JSON object is FSS.0406 (facts 13)."""
    try:
        value = parse_object(body)
    except BadBody as error:
        raise BAD_BODY(str(error)) from None
    return fields.read(value, "")
