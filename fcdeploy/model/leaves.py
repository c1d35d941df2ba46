"""Plain JSON, and the leaves that may stand in a call's body where plain JSON is not enough.

`to_json` writes each leaf as a mapping with one `$` key (a user's own key that begins with `$` is doubled, so nothing
can be mistaken):

    Archive bytes      ArchiveRef(sha256=…)            {"$archive": {...}}
    later value        Output(step=…, pointer=…)       {"$output": {...}}, as a key "$output:pointer:step"
    text around it     LaterText(parts=(…))            {"$text": [...]}
    JSON text of it    LaterJson(value=…)              {"$jsonText": value}
    unresolved value   Ref(kind=…, identity=…, …)      {"$ref": {...}}        in no plan
    secret text        Sensitive("…", parts=(…))       {"$secret": [...]}     references, never the value (S36)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self, TypeAlias

from msgspec import Struct

Json: TypeAlias = Any
"""A JSON value; inside call bodies also the leaves above."""

PLAIN = frozenset({str, int, float, bool, type(None)})
"""The very types of most values inside a body. A `Sensitive` is of none: where a value's type is one of these, there is
nothing to find in it, which is asked of every value of every plan."""

_OUTPUT_KEY = "$output:"
_SHA512 = re.compile(r"[0-9a-f]{128}")
_MD5 = re.compile(r"[0-9a-f]{32}(-[0-9]+)?")


class Sensitive(str):
    """A string that holds a secret. Compares and encodes as the plain text; prints and saves as what made it.

    `parts` are the pieces it was put together from: plain text, `{"secret": NAME}` for a named source (S41), or
    `{"jsonText": value}` for JSON text with secrets inside.
    """

    __slots__ = ("parts",)
    parts: tuple[Json, ...]

    def __new__(cls, value: str, *, parts: tuple[Json, ...]) -> Self:
        """Join nothing: `value` is the whole text and `parts` its origin."""
        made = super().__new__(cls, value)
        made.parts = parts
        return made

    def __repr__(self) -> str:
        return "Sensitive(***)"

    def __format__(self, spec: str) -> str:
        return "(sensitive)"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a secret is saved as its references only")


class ArchiveRef(Struct, frozen=True, kw_only=True):
    """A code archive by its content: hex SHA-256, decimal CRC-64/XZ, size in bytes, hex SHA-512 and MD5 ("" where an
    older version of this tool wrote it). Sent as base64 text."""

    sha256: str
    crc64: str
    size: int
    sha512: str = ""
    md5: str = ""

    def checksum(self, by: str) -> str:
        """The checksum that a service keeps, by its kind (`Field.checksum_by`); raises KeyError for another."""
        return {"crc64": self.crc64, "sha512": self.sha512, "md5": self.md5, "sha256": self.sha256}[by]


def archives_in(value: Json) -> list[ArchiveRef]:
    """Every archive that stands anywhere inside a body."""
    found: list[ArchiveRef] = []
    waiting = [value]
    for one in waiting:  # no calls: this is asked of every body of every plan, more than once
        match one:
            case dict():
                if not PLAIN.issuperset(map(type, one.values())):
                    waiting += [item for item in one.values() if type(item) not in PLAIN]
            case list() | tuple():
                waiting += [item for item in one if type(item) not in PLAIN]
            case ArchiveRef():
                found.append(one)
            case str():
                pass
            case Mapping():
                waiting += one.values()
    return found


def checksum_text(checksum: str) -> str:
    """A checksum with the name of its kind, which its form tells; long ones by their first digits."""
    if _SHA512.fullmatch(checksum):
        return f"SHA-512 {checksum[:16]}…"
    return f"MD5 {checksum}" if _MD5.fullmatch(checksum) else f"CRC-64 {checksum}"


class Output(Struct, frozen=True, kw_only=True):
    """A value that an earlier step's reply gives; `pointer` is a JSON pointer into it.

    May also stand as a key of a mapping, and by its `mark` inside a path; nothing that a file says looks like one.
    """

    step: str
    pointer: str

    @property
    def mark(self) -> str:
        """The text that stands for the value where it is a part of other text."""
        return f"{_MARK_BEGIN}{self.step}#{self.pointer}{_MARK_END}"


_MARK_BEGIN, _MARK_END = "\x01", "\x02"
_MARK = re.compile(f"{_MARK_BEGIN}([^{_MARK_END}]*)#([^#{_MARK_END}]*){_MARK_END}")


def outputs_marked(text: str) -> dict[str, Output]:
    """The outputs whose marks stand in a text, by their marks."""
    return {found[0]: Output(step=found[1], pointer=found[2]) for found in _MARK.finditer(text)}


class Ref(Struct, frozen=True, kw_only=True):
    """An attribute of another resource of the file (S46): a value or an `Output` once the plan is made.

    As the file gives it, `kind` may be empty, and the identity is without what only the service numbers.
    """

    kind: str
    identity: tuple[str, ...]
    attribute: str


class LaterText(Struct, frozen=True, kw_only=True):
    """Text of which some pieces come later: `parts` are text, `Sensitive` too, and `Output` or `Ref`."""

    parts: tuple[Json, ...]


class LaterJson(Struct, frozen=True, kw_only=True):
    """The JSON text of a value in which something comes later."""

    value: Json


LATER = (Output, Ref, LaterText, LaterJson)
"""The leaves whose value is not known yet."""


def has_later(value: Json) -> bool:
    """Whether a value that is not known yet stands anywhere inside, as a key too."""
    waiting = [value]
    for one in waiting:  # no calls: this is asked of every text of JSON of every plan
        match one:
            case dict() | Mapping():
                if not (PLAIN.issuperset(map(type, one.values())) and PLAIN.issuperset(map(type, one))):
                    waiting += [item for item in (*one, *one.values()) if type(item) not in PLAIN]
            case list() | tuple():
                waiting += [item for item in one if type(item) not in PLAIN]
            case Output() | Ref() | LaterText() | LaterJson():
                return True
    return False


def refs_in(value: Json) -> Iterator[Ref]:
    """The references anywhere inside."""
    match value:
        case str() | int() | float() | None:  # most values; the checks below cost more
            return
        case Ref():
            yield value
        case LaterText():
            yield from (part for part in value.parts if isinstance(part, Ref))
        case Mapping():
            for item in value.values():
                yield from refs_in(item)
        case list() | tuple():
            for item in value:
                yield from refs_in(item)


def text_of(pieces: Iterable[Json]) -> Json:
    """Pieces of text as one: `str`, `Sensitive` where a secret is in it, `LaterText` where a piece comes later."""
    parts: list[Json] = []
    for piece in pieces:
        for part in piece.parts if isinstance(piece, LaterText) else (piece,):
            if isinstance(part, str) and not part:
                continue
            last = parts[-1] if parts else None
            if all(isinstance(one, str) and not isinstance(one, Sensitive) for one in (part, last)):
                parts[-1] += part
            else:
                parts.append(part)
    if any(isinstance(part, LATER) for part in parts):
        return LaterText(parts=tuple(parts))
    text = "".join(str.__str__(part) for part in parts)
    if not any(isinstance(part, Sensitive) for part in parts):
        return text
    origin = (one for part in parts for one in (part.parts if isinstance(part, Sensitive) else (part,)))
    return Sensitive(text, parts=tuple(origin))


SecretSource: TypeAlias = Callable[[Json], str]
"""Resolves one part of a `Sensitive` that is not plain text: a mapping with the secret's name under `secret`."""


def to_json(value: Json) -> Json:
    """A body with its leaves written as `$` mappings; the result is plain JSON."""
    if type(value) in PLAIN:
        return value
    if type(value) is dict:  # most of what is left
        return _saved_mapping(value)
    match value:
        case Sensitive():
            return {"$secret": list(value.parts)}
        case ArchiveRef():
            more = {"sha512": value.sha512, "md5": value.md5}
            told = {name: text for name, text in more.items() if text}
            return {"$archive": {"sha256": value.sha256, "crc64": value.crc64, "size": value.size, **told}}
        case Output():
            return {"$output": {"step": value.step, "pointer": value.pointer}}
        case LaterText():
            return {"$text": [to_json(part) for part in value.parts]}
        case LaterJson():
            return {"$jsonText": to_json(value.value)}
        case Ref():
            return {"$ref": {"kind": value.kind, "identity": list(value.identity), "attribute": value.attribute}}
        case Mapping():
            return _saved_mapping(value)
        case list() | tuple():
            return [to_json(item) for item in value]
        case _:
            return value


def from_json(value: Json, secret: SecretSource) -> Json:
    """The inverse of `to_json`; secrets are resolved again (S36), a missing one raises what `secret` raises."""
    if isinstance(value, list):
        return [from_json(item, secret) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        match key:
            case "$secret":
                text = "".join(_part_text(part, secret) for part in inner)
                return Sensitive(text, parts=tuple(inner))
            case "$archive":
                return ArchiveRef(**inner)
            case "$output":
                return Output(**inner)
            case "$text":
                return LaterText(parts=tuple(from_json(part, secret) for part in inner))
            case "$jsonText":
                return LaterJson(value=from_json(inner, secret))
            case "$ref":
                return Ref(kind=inner["kind"], identity=tuple(inner["identity"]), attribute=inner["attribute"])
            case _:
                pass
    return {
        _key(key) if key[:1] == "$" else key: item if type(item) in PLAIN else from_json(item, secret)
        for key, item in value.items()
    }


def _saved_mapping(value: Mapping[str, Json]) -> dict[str, Json]:
    return {
        key if type(key) is str and key[:1] != "$" else _saved_key(key): item if type(item) in PLAIN else to_json(item)
        for key, item in value.items()
    }


def _saved_key(key: str | Output) -> str:
    if isinstance(key, Output):
        return f"{_OUTPUT_KEY}{key.pointer}:{key.step}"
    return "$" + key if key[:1] == "$" else key


def _key(saved: str) -> str | Output:
    if saved.startswith(_OUTPUT_KEY):
        pointer, _, step = saved.removeprefix(_OUTPUT_KEY).partition(":")
        return Output(step=step, pointer=pointer)
    return saved[1:] if saved.startswith("$$") else saved


def _part_text(part: Json, secret: SecretSource) -> str:
    match part:
        case str():
            return part
        case {"jsonText": inner}:
            return json.dumps(from_json(inner, secret), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        case _:
            return secret(part)
