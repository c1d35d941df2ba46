"""Members of a map that are secrets and travel in a field of their own, such as environment variables (S22). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Field
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Json, LaterText, Sensitive
from fcdeploy.spec.node import Node


def is_secret(value: Json) -> bool:
    """Whether a value is a secret of the file, or text that holds one."""
    match value:
        case Sensitive():
            return True
        case LaterText():
            return any(map(is_secret, value.parts))
        case _:
            return False


def move_secrets(kind: Kind, body: dict[str, Json], literal: list[str]) -> None:
    """Move the secret members of every such map of the body, given under API names, to the field in which they travel.

    What is left of a map is literal where all its members are; its entry in `literal` is added then.
    """
    for field in _moving(kind.provider, kind.name):
        given = body.get(field.name)
        if not isinstance(given, dict) or not any(map(is_secret, given.values())):
            continue
        body[field.name] = {key: value for key, value in given.items() if not is_secret(value)}
        # What the file gives there itself is said more plainly.
        secret = {key: value for key, value in given.items() if is_secret(value)}
        own = body.get(field.secrets_in)
        body[field.secrets_in] = {**secret, **own} if isinstance(own, dict) else secret
        if body[field.name] and all(f"{field.name}.{key}" in literal for key in body[field.name]):
            literal.append(field.name)
        if field.secrets_in in literal:
            literal.remove(field.secrets_in)


@cache
def _moving(provider: str, kind: str) -> tuple[Field, ...]:
    return tuple(one for one in KINDS[(provider, kind)].fields if one.secrets_in)


def moved_places(field: Field, node: Node, places: Mapping[str, Node]) -> dict[str, Node]:
    """The places of such a map, those of secret members under the field in which they travel."""
    secret = [key for key, item in node.fields.items() if is_secret(item.value)]
    moved = {f"{field.name}.{key}": f"{field.secrets_in}.{key}" for key in secret}
    made = {field.secrets_in: node} if secret else {}
    return made | {moved.get(path, path): one for path, one in places.items()}
