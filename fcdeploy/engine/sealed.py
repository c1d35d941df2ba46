"""What can be written and never read, such as a private key: it goes along with what it belongs to, and what it was is
lost with a change (S22, S34, S40). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.engine.canonical import visible
from fcdeploy.engine.groups import replaces_whole
from fcdeploy.kinds.descriptor import Group, Kind
from fcdeploy.kinds.fields import Access, Field
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Json, Step


def going_along(kind: Kind, fields: tuple[Field, ...], body: Mapping[str, Json], *, group: Group) -> tuple[Field, ...]:
    """What the service must be told again with these fields and does not show whole: `body`, the file's, has it."""
    more = {name for one in fields for name in one.together}
    if replaces_whole(kind, group.name):
        more |= group.fields
    left = sorted(more - {one.name for one in fields})
    along = (kind.field(name).chosen(body) for name in left)
    return tuple(one for one in along if is_whole(one, body.get(one.name)))


def is_whole(field: Field, value: Json) -> bool:
    """Whether a value has also what cannot be read: one that others look after comes from live, without (S17)."""
    return field.has_write_only and value is not None and value != visible(field, value)


def is_lost(field: Field, was: Json, wanted: Json, *, differs: bool = True) -> bool:
    """Whether a change takes away what cannot be read back, and so cannot be put back either.

    `differs`: the field itself changes, and does not only go along. Of one whose values are known by their digest alone
    that says all: its keys may well stay what they are.
    """
    if not field.has_write_only or was in (None, {}):
        return False
    return (bool(field.digest_tag) and differs) or bool(was != visible(field, wanted))


def is_hidden(step: Step) -> bool:
    """Whether an update writes secrets that no read tells and that differ, so that none tells either if it was sent."""
    if step.action is not Action.UPDATE or step.undo or not step.last:
        return False
    return any(
        name in (step.before or {}) and kind_of(step.address).field(name).digest_tag for name in step.after or {}
    )


def unreadable(step: Step) -> str:
    """What of the resource as it is cannot be read and so not be put back; empty: nothing of what the step changes."""
    kind, before = kind_of(step.address), step.before or {}
    named = step.after if step.after is not None else before
    there = [kind.field(name).chosen(before) for name in named if before.get(name)]
    lost = [
        *(one.name for one in there if one.digest_tag),
        *(
            f"{one.name}.{member.name}"
            for one in there
            for member in one.every_member.values()
            if member.access is Access.WRITE_ONLY
        ),
    ]
    return f"the {' and '.join(lost)} that it has now cannot be read" if lost else ""
