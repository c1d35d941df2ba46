"""What a way back cannot take away again, and what it must put back or leave out because the service does. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fcdeploy.engine.groups import is_tags
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Codec, Field, Reset
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Json, Live, Step


def stays(step: Step) -> tuple[str, ...]:
    """The fields that a step gives their first value and that nothing takes away again."""
    if step.action is not Action.UPDATE or is_tags(step):
        return ()
    given = (kind_of(step.address).field(name) for name, value in (step.after or {}).items() if value is not None)
    return tuple(one.name for one in staying(given, step.before or {}))


def kept(step: Step) -> str:
    """Why a step cannot be undone at all; empty when it gives no field a first value that stays."""
    names = stays(step)
    return f"{', '.join(names)} had no value before, and the service has no way to take one away" if names else ""


def staying(fields: Iterable[Field], before: Mapping[str, Json]) -> tuple[Field, ...]:
    """Those of the fields that had no value before and cannot be without one again."""
    return tuple(
        one
        for one in fields
        if one.reset is Reset.NONE and one.codec is not Codec.ARCHIVE and before.get(one.name) is None
    )


def lowered(kind: Kind, body: Mapping[str, Json], live: Mapping[str, Json]) -> dict[str, Json]:
    """The live fields that `body` does not name and that would exceed what it has for their bound: with that bound."""
    return {
        one.name: bound
        for one in kind.bounded
        if one.name not in body
        and isinstance(bound := body.get(one.at_most), int)
        and isinstance(standing := live.get(one.name), int)
        and standing > bound
    }


def dropped(kind: Kind, live: Live, body: Mapping[str, Json], api: str) -> tuple[Field, ...]:
    """Fields that lose their meaning by a change, so that the service drops their values: the way back sets them."""
    return tuple(
        one
        for one in kind.writable(api)
        if one.name not in body
        and live.body.get(one.name) is not None
        and one.default(live.body) is not None
        and one.default(body) is None
    )


def comes_with(field: Field, live: Live, body: Mapping[str, Json]) -> bool:
    """Whether a field has a meaning only since the change: the way back drops it, and sending it would be refused."""
    return field.name not in live.body and field.default(live.body) is None and field.default(body) is not None
