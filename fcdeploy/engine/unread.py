"""Plans without secrets (S41): what holds one is left to live where the resource is, and shown as `(unknown)`. Pure.

No secret was read: each stands as text that means nothing. It is left out of the comparison as what others look after
is (S17), and the plan says of every such place that it was not compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, warning
from fcdeploy.engine.redact import HIDDEN
from fcdeploy.engine.snapshot import Desired
from fcdeploy.kinds.fields import Access, Field
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Address, Change, FieldChange, Json, LaterJson, LaterText, Plan, Resource, Sensitive, Unread

UNKNOWN = "(unknown)"
_MOST = 20


def unread_of(desired: Desired) -> tuple[Unread, ...]:
    """Every place of a secret that is to be there, by resource."""
    return tuple(
        Unread(address=address, path=".".join(path), span=resource.spans.get(".".join(path)) or resource.span)
        for address, resource in sorted(desired.items())
        if not resource.absent
        for path, _ in _places(resource)
    )


def without_unread(desired: Desired) -> Desired:
    """The resources with every place of a secret left to live."""
    made: dict[Address, Resource] = {}
    for address, resource in desired.items():
        kept = tuple(dict.fromkeys(left for _, left in _places(resource) if left))
        made[address] = replace(resource, ignore=(*resource.ignore, *kept)) if kept else resource
    return made


def marked(plan: Plan, unread: Collection[Unread]) -> Plan:
    """The plan as one that was made without secrets; what a create would set says that it is not known."""
    places = {(one.address, one.path) for one in unread}
    return replace(
        plan,
        changes=tuple(_marked(change, places) for change in plan.changes),
        unread=tuple(unread),
        warnings=(*plan.warnings, *unread_warnings(unread)),
    )


def unread_warnings(unread: Collection[Unread]) -> tuple[Diagnostic, ...]:
    """What is said of the places that were not compared, once."""
    if not unread:
        return ()
    lines = [f"{one.address.short} {one.path}: {UNKNOWN}" for one in unread]
    more = [f"and {len(lines) - _MOST:,} more"] if len(lines) > _MOST else []
    fields = "1 field holds a secret and was" if len(lines) == 1 else f"{len(lines):,} fields hold secrets and were"
    return (
        warning(
            f"{fields} not compared, since no secret was read",
            detail="\n".join([*lines[:_MOST], *more]),
            hint="without --no-secrets they are compared",
        ),
    )


def _marked(change: Change, places: Collection[tuple[Address, str]]) -> Change:
    mine = [path for address, path in places if address == change.address]
    if not mine:
        return change
    return replace(change, fields=tuple(_field(one, mine) for one in change.fields))


def _field(one: FieldChange, paths: list[str]) -> FieldChange:
    near = any(path == one.path or path.startswith(f"{one.path}.") or one.path.startswith(f"{path}.") for path in paths)
    return replace(one, after=_unknown(one.after)) if near and one.after_hidden else one


def _unknown(value: Json) -> Json:
    match value:
        case Mapping():
            return {key: _unknown(item) for key, item in value.items()}
        case list() | tuple():
            return [_unknown(item) for item in value]
        case _:
            return UNKNOWN if value == HIDDEN else value


def _places(resource: Resource) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Where a secret stands, and what is left to live for it: nothing for what is only written, and never compared."""
    kind = kind_of(resource.address)
    for name, value in resource.body.items():
        yield from _below((name,), value, kind.field(name).chosen(resource.body))


def _below(
    path: tuple[str, ...], value: Json, field: Field | None
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    if isinstance(value, Mapping):
        known = field.every_member if field is not None else {}
        whole = field is not None and field.has_write_only
        for key, item in value.items():
            for place, left in _below((*path, str(key)), item, known.get(str(key))):
                # Half of it from live and half from the file would not fit together (S22).
                yield place, path if whole and left else left
    elif _holds_secret(value):
        yield path, () if field is not None and field.access is Access.WRITE_ONLY else path


def _holds_secret(value: Json) -> bool:
    match value:
        case Sensitive():
            return any(isinstance(part, Mapping) and "secret" in part for part in value.parts)
        case str() | int() | float() | None:
            return False
        case Mapping():
            return any(_holds_secret(item) for item in value.values())
        case list() | tuple():
            return any(_holds_secret(item) for item in value)
        case LaterText():
            return _holds_secret(value.parts)
        case LaterJson():
            return _holds_secret(value.value)
        case _:
            return False
