"""What of a resource its identity may be made of: what is known when the file is read, and has the right type. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fcdeploy.kinds.descriptor import Kind
from fcdeploy.model import LATER, Json, Sensitive
from fcdeploy.spec.node import Node
from fcdeploy.spec.shape import Shape, shapes

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def identity_body(kind: Kind, node: Node) -> dict[str, Json]:
    """A resource under API names without secrets, without what comes later, and without what has a wrong type.

    An address is printed and saved, so no secret can be part of one.
    """
    known = shapes(kind.provider, kind.name)
    return _members(known, node, node, unsaid=None)


def body_with_placeholders(kind: Kind, node: Node) -> dict[str, Json]:
    """The same with text that means nothing in place of secrets and of what comes later."""
    return _members(shapes(kind.provider, kind.name), node, node, unsaid="unsaid")


def _members(known: Mapping[str, Shape], node: Node, resource: Node, *, unsaid: str | None) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, item in node.fields.items():
        shape = known.get(name)
        if shape is None:
            continue
        value = _value(shape, item, resource, unsaid=unsaid)
        if value is not None:
            found[shape.field.name] = value
    return found


def _value(shape: Shape, node: Node, resource: Node, *, unsaid: str | None) -> Json:
    """The value, None where there is nothing to go by."""
    value = node.value
    if isinstance(value, (Sensitive, *LATER)):
        value = unsaid
    wanted = shape.field.schema.get("type", ())
    types = tuple(one for name in ([wanted] if isinstance(wanted, str) else wanted) for one in _TYPES.get(name, ()))
    if value is None or (types and not isinstance(value, types)) or (isinstance(value, bool) and bool not in types):
        return None
    if isinstance(value, dict):
        below = shape.below(resource)
        if below:
            return _members(below, node, resource, unsaid=unsaid)
        items = {key: _plain(item, unsaid) for key, item in node.fields.items()}
        return {key: item for key, item in items.items() if item is not None}
    if isinstance(value, list):
        one = shape.item
        every = [_plain(item, unsaid) if one is None else _value(one, item, resource, unsaid=unsaid) for item in value]
        return [item for item in every if item is not None]
    return value if isinstance(value, (str, int, float)) else None


def _plain(node: Node, unsaid: str | None) -> Json:
    if isinstance(node.value, (Sensitive, *LATER)):
        return unsaid
    return node.value if isinstance(node.value, (str, int, float)) else None
