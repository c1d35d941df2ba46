"""The calls of a plan as a reader may see them: what is sent, without what is a secret (laws 1 and 9). Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from fcdeploy.engine.redact import has_secret
from fcdeploy.kinds.fields import Codec, Field
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import LATER, Json, LaterJson, LaterText, Sensitive, Step

_HIDDEN = Sensitive("", parts=())


def body_shown(step: Step) -> Json:
    """The body that a step sends, with `Sensitive` in place of every value that must not be seen.

    Hidden is what came from a secret, and what stands in a sensitive field that the file does not give as a plain
    literal, since it may be a live value (S42). What travels as JSON text is shown as the JSON in it.
    """
    body = step.call.body
    if not isinstance(body, Mapping):
        return body
    fields = {one.name: one for one in kind_of(step.address).fields}
    return {
        name: _shown(fields[name], value, name, step.literal) if name in fields else value
        for name, value in body.items()
    }


def _shown(field: Field, value: Json, path: str, literal: Collection[str], *, hide: bool = False) -> Json:
    if isinstance(value, LaterJson):
        value = value.value
    elif isinstance(value, LaterText) and has_secret(value):
        return _HIDDEN
    if value is None or isinstance(value, (Sensitive, *LATER)) or path in literal:
        return value
    if field.codec is Codec.JSON_TEXT and isinstance(value, str) and value:
        value = json.loads(value)
    hide = hide or field.sensitive
    members = field.every_member
    if isinstance(value, Mapping) and field.codec is not Codec.ARCHIVE:
        return {
            key: _shown(members.get(key, _LEAF), item, f"{path}.{key}", literal, hide=hide)
            for key, item in value.items()
        }
    if isinstance(value, list):
        inner = field.item or _LEAF
        return [_shown(inner, item, path, literal, hide=hide) for item in value]
    return _HIDDEN if hide else value


_LEAF = Field(name="value", title="Value", description="What a free map or list holds.", required=True)
