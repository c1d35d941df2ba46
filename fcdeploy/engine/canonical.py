"""One form for both sides of the comparison.

A canonical body has, for every field that the API version knows and a file may name, the value or its default; nulls,
empty objects and the service's various ways to say "not set" become one `None`. A field whose default the service
chooses is absent unless somebody set it. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Final, TypeGuard

from fcdeploy.kinds.conditions import holds
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access, Codec, Field, Order, is_meaningless, is_moved
from fcdeploy.model import PLAIN, Json


class _Missing(Enum):
    MISSING = "missing"


MISSING: Final = _Missing.MISSING

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=repr).encode

_UNWRITTEN: Final = (Access.READ_ONLY,)
_UNREAD: Final = (Access.READ_ONLY, Access.WRITE_ONLY)
_JSON_TEXT: Final = Codec.JSON_TEXT


def desired_body(kind: Kind, given: Mapping[str, Json], api: str) -> dict[str, Json]:
    """The canonical form of what the file gives, defaults filled in (S16)."""
    return _object(kind.writable(api), given, given, api, live=False)


def said(kind: Kind, raw: Mapping[str, Json]) -> dict[str, Json]:
    """What the service answered, with the members of the kind's fields under the fields' names beside it.

    Every item and answer passes here once, where it comes in; all else takes this form: `Live.raw`, identities,
    canonical bodies, outputs, what is reported.
    """
    return dict(raw if kind.translation is None else kind.translation.said(raw))


def live_body(kind: Kind, raw: Mapping[str, Json], api: str, only: Iterable[str] | None = None) -> dict[str, Json]:
    """The canonical form of what the service answered, as `said` gives it; `only` these of the fields that travel."""
    fields = kind.writable(api) if only is None else tuple(map(kind.field, only))
    return _object(fields, raw, raw, api, live=True)


def unlike_raw(kind: Kind, body: Mapping[str, Json], raw: Mapping[str, Json]) -> dict[str, Json]:
    """The part of a canonical body that is not to be found in an answer as it stands there.

    Most values travel as they are: where those are equal, nothing needs to be made of the answer to compare them.
    """
    fields = kind.field_of
    return {name: value for name, value in body.items() if not _stands_there(fields[name], value, raw.get(name))}


def _stands_there(field: Field, value: Json, told: Json) -> bool:
    """Whether a canonical value is what the service said, and would be the canonical form of that."""
    kind = type(value)
    if type(told) is not kind or told != value or not field.is_plain:
        return False
    if value is None:
        return not field.defaults or field.usual is not None  # or the rest of the body says what it is then
    return kind in PLAIN or value == [] or (kind is dict and not field.every_member)


def is_absent(kind: Kind, body: Mapping[str, Json]) -> bool:
    """Whether a canonical body is the kind's way to say that there is none."""
    return bool(kind.absent) and holds(kind.absent, body)


def fingerprint(body: Json) -> str:
    """Hex SHA-256 of a canonical body, for the Recheck guard (law 4)."""
    return hashlib.sha256(compact(body).encode()).hexdigest()


def stamp(kind: Kind, body: Mapping[str, Json], raw: Mapping[str, Json]) -> str:
    """What a Recheck guard compares of a resource: its canonical body as it travels, and the members of the answer
    that change with every write. Tags are no part of it: they have a guard of their own."""
    own = dict(body)
    if kind.tags is not None:
        own.pop(kind.tags.field, None)
    return fingerprint([own, [raw.get(name) for name in kind.stamps]] if kind.stamps else own)


def compact(value: Json) -> str:
    """JSON text with sorted keys and no spaces: equal values give equal text, also where something comes later."""
    return _encode(value)


def covers(desired: Json, live: Json) -> bool:
    """Whether `live` agrees with everything that `desired` has an opinion on.

    Objects are compared by the keys of `desired`; fields that the service chose for itself do not matter.
    """
    if isinstance(desired, Mapping) and isinstance(live, Mapping):
        return all(key in live and covers(value, live[key]) for key, value in desired.items())
    if isinstance(desired, list) and isinstance(live, list):
        return len(desired) == len(live) and all(map(covers, desired, live))
    return bool(desired == live) and isinstance(desired, bool) == isinstance(live, bool)


def agrees(field: Field, desired: Json, live: Json) -> bool:
    """Like `covers`, but a free map (environment variables, tags) must have the same keys on both sides.

    Of a map whose values cannot be read that is all there is to compare (S22).
    """
    if field.access is Access.WRITE_ONLY:
        return True
    if type(desired) in PLAIN and type(desired) is type(live) and desired == live:
        return True  # most values; what follows costs more
    if not (_is_mapping(desired) and _is_mapping(live)):
        return covers(_counting(field, desired), _counting(field, live))
    if field.digest_tag:
        return desired.keys() == live.keys()
    # Members of different variants may share a name; each is found only in bodies of its own variant, and all that
    # matters here is whether it is a free map.
    members = field.every_member
    if not members:
        return dict(desired) == dict(live)
    return all(
        agrees(members[key], value, live.get(key)) and (key in live or members[key].access is Access.WRITE_ONLY)
        if key in members
        else key in live and covers(value, live[key])
        for key, value in desired.items()
    )


def _counting(field: Field, value: Json) -> Json:
    """What counts of a value: of texts that a person reads before their last part, that part alone."""
    if isinstance(value, list) and field.item is not None:
        return [_counting(field.item, item) for item in value]
    return value.rpartition(field.last_part)[2] if field.last_part and isinstance(value, str) else value


def visible(field: Field, value: Json) -> Json:
    """A canonical value without what can only be written: as a read would give it (S22)."""
    if not isinstance(value, Mapping) or not field.has_write_only:
        return value
    if field.digest_tag:
        return dict.fromkeys(value, "")
    members = field.every_member
    return {
        key: visible(members[key], item) if key in members else item
        for key, item in value.items()
        if key not in members or members[key].access is not Access.WRITE_ONLY
    }


def visible_body(kind: Kind, body: Mapping[str, Json]) -> dict[str, Json]:
    """A canonical body as a read would give it."""
    if not kind.has_write_only:
        return dict(body)
    return {name: visible(kind.field(name), value) for name, value in body.items()}


def _is_mapping(value: Json) -> TypeGuard[Mapping[str, Json]]:
    """Whether a value is an object: nearly every one is a dict, and the question about the others costs more."""
    return type(value) is dict or isinstance(value, Mapping)


def _object(
    fields: tuple[Field, ...], value: Mapping[str, Json], whole: Mapping[str, Json], api: str, *, live: bool
) -> dict[str, Json]:
    silent = _UNREAD if live else _UNWRITTEN
    body: dict[str, Json] = {}
    for one in fields:
        if one.since > api:
            continue
        name = one.name
        if one.is_plain:
            told = value.get(name)
        elif one.access in silent or (one.moved_by and is_moved(one, whole)):
            continue
        elif one.only_with and is_meaningless(one, whole):
            told = None
        else:
            told = _raw(one, value) if live else value.get(name)
        if told is not None:
            canonical = told if type(told) in one.as_it_is else _value(one, told, whole, api, live=live)
            if canonical is not MISSING:
                body[name] = canonical
                continue
        if not one.defaults:
            continue
        default = one.usual or one.default(whole)
        if default is not None and default.compared:
            told = default.value
            as_it_is = told is None or type(told) in one.as_it_is
            body[name] = told if as_it_is else _settled(one, told, whole, api)
    return body


def _settled(field: Field, value: Json, whole: Mapping[str, Json], api: str) -> Json:
    """The canonical form of a default."""
    settled = _value(field, value, whole, api, live=False)
    return None if settled is MISSING else settled


def _raw(field: Field, value: Mapping[str, Json]) -> Json:
    """What the service says of a field, None where it says nothing."""
    if field.codec is Codec.ARCHIVE:
        checksum = value.get(field.checksum)
        return {"checksum": str(checksum)} if checksum not in (None, "") else None
    if field.split:
        parts = [value.get(part) for part in field.split]
        return "/".join(map(str, parts)) if all(parts) else None
    for name in field.read_from or (field.name,):
        if value.get(name) is not None:
            found = value[name]
            return found.get(field.wrapped) if field.wrapped and isinstance(found, Mapping) else found
    return None


def _value(field: Field, value: Json, whole: Mapping[str, Json], api: str, *, live: bool) -> Json:
    if value is None:
        return MISSING
    if type(value) in field.as_it_is:  # most values; the checks below cost more
        return value
    if isinstance(value, str):
        if value == field.empty:
            return MISSING
        if field.codec is _JSON_TEXT:
            if not value.strip():
                return MISSING
            try:
                value = json.loads(value)
            except ValueError:
                return value
        if isinstance(value, str):
            return value.lower() if field.ignore_case else value
    if isinstance(value, list) and field.item is not None:
        items = [_value(field.item, item, whole, api, live=live) for item in value]
        kept = [item for item in items if item is not MISSING]
        return sorted(kept, key=_sort_key(field)) if field.order is Order.SET else kept
    if _is_mapping(value):
        return _mapping(field, value, whole, api, live=live)
    return value


def _mapping(field: Field, value: Mapping[str, Json], whole: Mapping[str, Json], api: str, *, live: bool) -> Json:
    members = field.members(whole)
    if field.off and value.get(field.off) in (None, "", [], {}):
        return MISSING
    if not members:
        return {key: item for key, item in value.items() if item is not None}
    body = _object(members, value, whole, api, live=live)
    if isinstance(field.empty, Mapping) and body == _object(members, field.empty, whole, api, live=False):
        return MISSING
    return body


def _sort_key(field: Field) -> Callable[[Json], tuple[str, str]]:
    if field.key:
        return lambda item: (str(item.get(field.key)) if isinstance(item, Mapping) else "", compact(item))
    return lambda item: ("", compact(item))
