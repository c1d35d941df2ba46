"""Lays the file's `defaults` under its resources and finds the resources in the tree (S3). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import NEW, Kind
from fcdeploy.spec.node import Node, Path, merged, without_nulls
from fcdeploy.spec.words import words_of

DEFAULTS = "defaults"
EXTERNAL = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A resource where it stands in the spec: `path` from the root, `identity` in API order, `node` its map.

    `absent`: it is not to be there, or something above it is not.
    """

    kind: Kind
    identity: tuple[str, ...]
    path: Path
    node: Node
    absent: bool = False

    @property
    def external(self) -> bool:
        """Whether somebody else keeps it (S13)."""
        return _is_external(self.node, self.kind)

    def is_set(self, word: str) -> bool:
        """Whether a word that is true or false stands here and is true."""
        found = self.node.fields.get(word)
        return found is not None and found.value is True


def _is_external(node: Node, kind: Kind) -> bool:
    found = node.fields.get(EXTERNAL) if kind.may_be_external else None
    return found is not None and found.value is True


def with_defaults(root: Node, provider: str) -> Node:
    """The spec with `defaults` merged into every resource of `provider`, and nulls gone (S3).

    A resource that is null is an empty one: `images:` declares a service of that name. What does not have the shape
    of a spec passes through untouched, so that validation can speak of it.
    """
    if not isinstance(root.value, dict):
        return root
    found = root.value.get(DEFAULTS)
    merger = _Merger(found.fields if found is not None else {}, has_nulls=_has_null(root))
    sections = {kind.section: kind for kind in registry.sections(provider)}
    made: dict[str, Node] = {}
    for key, item in root.value.items():
        kind = sections.get(key)
        if item.value is not None:
            made[key] = without_nulls(item) if kind is None else merger.section(item, kind)
    return root.with_value(made)


def _has_null(node: Node) -> bool:
    value = node.value
    if type(value) is dict:
        return any(_has_null(item) for item in value.values())
    # A null inside a list stays one, and so do those below it.
    return value is None


def by_name(section: Node, kind: Kind) -> Node:
    """A section of a kind as a map by name, whatever form the file gives it.

    A body that stands alone goes under the name that the kind gives it, a list of names becomes a map of empty bodies.
    What is neither stays as it is, so that validation can speak of it.
    """
    value = section.value
    if isinstance(value, list):
        names = [item.value for item in value]
        if kind.fields or not all(type(name) is str for name in names) or len(set(names)) < len(names):
            return section
        return section.with_value({item.value: _empty(item) for item in value})
    if kind.alone and isinstance(value, dict) and _is_alone(value, kind):
        return section.with_value({kind.alone: section})
    return section


def _is_alone(value: dict[str, Node], kind: Kind) -> bool:
    """Whether this is a body: it has a field, or something that is no map. An empty one is a body of defaults."""
    words = {*(one.spec_name for one in kind.fields), *(word.name for word in words_of(kind))}
    return (
        not value
        or not words.isdisjoint(value)
        or not all(item.value is None or isinstance(item.value, dict) for item in value.values())
    )


def _empty(item: Node) -> Node:
    return item.with_value({}).under_key(item.span.line, item.span.column)


class _Merger:
    """Lays defaults under resources. Most files hold no null, and then what no default touches is shared."""

    def __init__(self, defaults: dict[str, Node], *, has_nulls: bool) -> None:
        self._has_nulls = has_nulls
        self._below: dict[str, dict[str, Kind]] = {}
        self._bases: dict[str, dict[str, Node]] = {
            name: without_nulls(node).fields for name, node in defaults.items() if isinstance(node.value, dict)
        }

    def section(self, section: Node, kind: Kind) -> Node:
        """A map from names to resources of a kind."""
        section = by_name(section, kind)
        if not isinstance(section.value, dict):
            return section
        below = self._below.get(kind.name)
        if below is None:
            below = self._below[kind.name] = {child.section: child for child in registry.within(kind)}
        # Resources below are not part of a kind's own defaults; validation refuses them there.
        base = {key: item for key, item in self._bases.get(kind.name, {}).items() if key not in below}
        return section.with_value(
            {
                # What all have in common is said of those that are this file's (S13).
                name: self._resource(item, {} if _is_external(item, kind) else base, below)
                for name, item in section.value.items()
            }
        )

    def _resource(self, node: Node, base: dict[str, Node], below: dict[str, Kind]) -> Node:
        if node.value is None:
            node = node.with_value({})
        value = node.value
        if not isinstance(value, dict):
            return node
        made = {key: item for key, item in base.items() if key not in value}
        for key, item in value.items():
            if item.value is None:
                continue
            if key in below:
                made[key] = self.section(item, below[key])
            else:
                made[key] = self._laid(item, base.get(key))
        return node.with_value(made)

    def _laid(self, over: Node, base: Node | None) -> Node:
        if type(over.value) is not dict:
            return over
        if base is not None and isinstance(base.value, dict):
            return merged(base, over)
        return without_nulls(over) if self._has_nulls else over


def resources(root: Node, provider: str) -> Iterator[Placed]:
    """Every resource of a resolved spec, parents before what stands beneath; skips what has not the shape."""
    for kind in registry.sections(provider):
        yield from _placed(root, kind, (), (), False)


def _placed(parent: Node, kind: Kind, above: tuple[str, ...], path: Path, absent: bool) -> Iterator[Placed]:
    section = parent.fields.get(kind.section)
    if section is None:
        return
    below = registry.within(kind)
    for name, node in section.fields.items():
        if not isinstance(node.value, dict):
            continue
        is_series = kind.numbering is not None and not kind.alone
        identity = (*above, name, NEW) if is_series else (*above, name)
        place = (*path, kind.section, name)
        gone = node.fields.get("absent")
        going = absent or (gone is not None and gone.value is True)
        yield Placed(kind=kind, identity=identity, path=place, node=node, absent=going)
        for child in below:
            yield from _placed(node, child, identity, place, going)
