"""What of a plan nobody may see, whoever says it: the file's secrets, and live values of sensitive fields (S41, S42).

A way back, or a map that is sent whole, takes live values to the service, which may repeat them in a refusal. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from fcdeploy.engine.redact import secrets_in
from fcdeploy.kinds.fields import Codec, Field
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Json, Plan, Sensitive, Step

_SHORTEST_LIVE = 6
"""Shorter ones (`prod`, `true`) are no secrets, and cut out they would take the sense from a message."""


def texts_to_hide(plan: Plan) -> Iterator[str]:
    """The text of every secret in the plan's steps, and of every live value that may not be printed."""
    for step in plan.steps:
        yield from _of_step(step)
        for undo in step.undo:
            yield from _of_step(undo)


def _of_step(step: Step) -> Iterator[str]:
    fields = kind_of(step.address).field_of
    for body in (step.call.body, step.before, step.after):
        yield from secrets_in(body)
        for name, value in (body or {}).items() if isinstance(body, Mapping) else ():
            if name in fields and fields[name].hides_something:
                yield from _live(fields[name], value, name, step.literal, hide=False)


def _live(field: Field, value: Json, path: str, literal: frozenset[str], *, hide: bool) -> Iterator[str]:
    hide = hide or field.sensitive
    if isinstance(value, Sensitive) or path in literal:
        return
    if field.codec is Codec.JSON_TEXT and isinstance(value, str) and value:
        value = json.loads(value)
    match value:
        case str():
            if hide and len(value) >= _SHORTEST_LIVE:
                yield value
        case Mapping() if field.codec is not Codec.ARCHIVE:
            members = field.every_member
            for key, item in value.items():
                yield from _live(members.get(key, _LEAF), item, f"{path}.{key}", literal, hide=hide)
        case list():
            for item in value:
                yield from _live(field.item or _LEAF, item, path, literal, hide=hide)


_LEAF = Field(name="value", title="Value", description="What a free map or list holds.", required=True)
