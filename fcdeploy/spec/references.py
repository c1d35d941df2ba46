"""What a resource of the file says of other resources by their names, such as `images/resize`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from msgspec import Struct

from fcdeploy.kinds.descriptor import NEW
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Sensitive
from fcdeploy.spec.node import Node, Path
from fcdeploy.spec.placed import Placed
from fcdeploy.spec.shape import Shape, shapes


class Named(Struct, frozen=True, kw_only=True):
    """One name: where it stands below the resource, the kind that it names, and what that is called in the file."""

    path: Path
    kind: str
    called: tuple[str, ...]


def names_in(placed: Placed) -> Iterable[Named]:
    """Every resource that this one names; what has not the form of a name is left out."""
    known = _naming(placed.kind.provider, placed.kind.name)
    if known.keys().isdisjoint(placed.node.fields):
        return ()
    return _members(placed.kind.provider, known, placed.node, ())


@cache
def _naming(provider: str, kind: str) -> Mapping[str, Shape]:
    """The fields in which a name may stand."""
    return {name: shape for name, shape in shapes(provider, kind).items() if _names_one(shape)}


def _names_one(shape: Shape) -> bool:
    below = (*shape.members.values(), *((shape.item,) if shape.item is not None else ()))
    return bool(shape.field.refers) or any(map(_names_one, below))


def _members(provider: str, known: Mapping[str, Shape], node: Node, path: Path) -> Iterator[Named]:
    for name, item in node.fields.items():
        if name in known:
            yield from _below(provider, known[name], item, (*path, name))


def _below(provider: str, shape: Shape, node: Node, path: Path) -> Iterator[Named]:
    kind = shape.field.refers
    described = KINDS[(provider, kind)] if kind else None
    if described is not None and described.numbering is not None:
        # The series of a name; `latest` and its like are no resources of the file.
        value = node.value
        if described.parent is None and isinstance(value, str) and not set(value) & {":", "#"}:
            yield Named(path=path, kind=kind, called=(value, NEW))
        return
    if kind:
        # Where an ARN may stand as well, the name is told apart by a key.
        named = node.fields.get(kind) if shape.field.arn else node
        value = named.value if named is not None else None
        if isinstance(value, str) and not isinstance(value, Sensitive) and all(value.split("/")):
            yield Named(path=(*path, kind) if shape.field.arn else path, kind=kind, called=tuple(value.split("/")))
        return
    yield from _members(provider, shape.members, node, path)
    if shape.item is not None:
        for index, item in enumerate(node.items):
            yield from _below(provider, shape.item, item, (*path, index))
