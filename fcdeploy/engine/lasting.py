"""What an update cannot take away again: fields that the service keeps once they have a value. Pure (S16, S40)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Codec, Field, Reset
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Json, Step


def stays(step: Step) -> tuple[str, ...]:
    """The fields that a step gives their first value and that nothing takes away again."""
    if step.action is not Action.UPDATE or step.group != "body":
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
        for one in kind.fields
        if one.at_most
        and one.name not in body
        and isinstance(bound := body.get(one.at_most), int)
        and isinstance(standing := live.get(one.name), int)
        and standing > bound
    }
