"""What can be written and never read, such as a private key: it goes along with what it belongs to, and what it was is
lost with a change (S22, S34, S40). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.engine.canonical import visible
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access, Field
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Json, Step


def going_along(kind: Kind, fields: tuple[Field, ...], body: Mapping[str, Json]) -> tuple[Field, ...]:
    """What the service must be told again with these fields and does not show whole: `body`, the file's, has it."""
    more = sorted({name for one in fields for name in one.together} - {one.name for one in fields})
    return tuple(kind.field(name) for name in more if is_whole(kind.field(name), body.get(name)))


def is_whole(field: Field, value: Json) -> bool:
    """Whether a value has also what cannot be read: one that others look after comes from live, without (S17)."""
    return field.has_write_only and value is not None and value != visible(field, value)


def is_lost(field: Field, was: Json, wanted: Json) -> bool:
    """Whether a change takes away what cannot be read back, and so cannot be put back either."""
    return field.has_write_only and was is not None and was != visible(field, wanted)


def unreadable(step: Step) -> str:
    """What of the resource as it is cannot be read and so not be put back; empty: nothing of what the step changes."""
    kind, before = kind_of(step.address), step.before or {}
    lost = [
        f"{name}.{member.name}"
        for name in (step.after if step.after is not None else before)
        if before.get(name) is not None
        for member in kind.field(name).every_member.values()
        if member.access is Access.WRITE_ONLY
    ]
    return f"the {' and '.join(lost)} that it has now cannot be read" if lost else ""
