"""Finds the resources in the tree of a resolved spec: under which names the file has each, and what its identity is in
the cloud (S44). Pure.

Most resources are in the cloud what they are called in the file. A kind that only groups others is nothing there, what
stands in it may have an identity made of several names, and a version or alias beside functions is one of each.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import NEW, Kind
from fcdeploy.kinds.fields import Access
from fcdeploy.spec.identity_body import identity_body
from fcdeploy.spec.node import Node, Path

ABSENT = "absent"
EXTERNAL = "external"


class Placed(Struct, frozen=True, kw_only=True):
    """A resource where it stands in the spec: `path` from the root, `identity` in API order, `node` its map.

    `called` are the names of the file, outermost first: (service, function, trigger); of what is made for each
    function, that function's name stands before its own. Where a kind has no identity of its own making, both are the
    same. `absent`: it is not to be there, or something above it is not. `group` is the group that it stands in.
    """

    kind: Kind
    identity: tuple[str, ...]
    called: tuple[str, ...]
    path: Path
    node: Node
    absent: bool = False
    group: Node | None = None

    @property
    def external(self) -> bool:
        """Whether somebody else keeps it (S13)."""
        return is_external(self.node, self.kind)

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """Its kind and what it is called."""
        return self.kind.name, self.called

    @property
    def name(self) -> tuple[str, ...]:
        """What it is called, as the file writes it: without the number that the service gives."""
        return self.called[:-1] if self.kind.numbering is not None and self.called[-1] == NEW else self.called

    @property
    def spot(self) -> tuple[str, ...]:
        """The names on the way to where it stands in the file; those of several that stand there once are the same."""
        return spot(self.kind, self.called)

    def is_set(self, word: str) -> bool:
        """Whether a word that is true or false stands here and is true."""
        found = self.node.fields.get(word)
        return found is not None and found.value is True


def is_external(node: Node, kind: Kind) -> bool:
    """Whether a resource says that somebody else keeps it (S13)."""
    found = node.fields.get(EXTERNAL) if kind.may_be_external else None
    return found is not None and found.value is True


def spot(kind: Kind, called: tuple[str, ...]) -> tuple[str, ...]:
    """The names on the way to a place in the file, of something that is called so."""
    if registry.is_made_for_each(kind) and len(called) > len(registry.chain(kind)):
        return (called[0], *called[2:])
    return called


def resources(root: Node, provider: str) -> Iterator[Placed]:
    """Every resource of a resolved spec, parents before what stands beneath; skips what has not the shape."""
    for placed in standing(root, provider):
        if not placed.kind.grouping:
            yield placed


def standing(root: Node, provider: str) -> list[Placed]:
    """The same with what only groups others, whose identity is empty."""
    found: list[Placed] = []
    for kind in registry.sections(provider):
        _add_section(found, root, kind, None)
    return found


def _add_section(found: list[Placed], holder: Node, kind: Kind, above: Placed | None) -> None:
    """Every resource of one section of the holder, each followed by what stands in it."""
    here = _entries(holder, kind)
    if not here:
        return
    below = registry.within(kind)
    ordinary = [child for child in below if not registry.is_made_for_each(child)]
    repeated = [child for child in below if registry.is_made_for_each(child)]
    for name, node in here:
        placed = _placed(kind, name, node, holder=above, parent=above if kind.parent else None)
        found.append(placed)
        first = len(found)
        fields = node.fields
        for child in ordinary:
            if child.section in fields:
                _add_section(found, node, child, placed)
        made = found[first:] if repeated else []
        for child in repeated:
            entries = _entries(node, child)
            for parent in made if entries else ():
                if parent.kind.name == child.parent:
                    found += [_placed(child, its, item, holder=placed, parent=parent) for its, item in entries]


def _entries(holder: Node, kind: Kind) -> list[tuple[str, Node]]:
    section = holder.fields.get(kind.section)
    if section is None:
        return []
    return [(name, node) for name, node in section.fields.items() if isinstance(node.value, dict)]


def _placed(kind: Kind, name: str, node: Node, *, holder: Placed | None, parent: Placed | None) -> Placed:
    """`holder` is the resource in whose section the file has it, `parent` what it stands beneath in the cloud."""
    above = parent or holder
    last = (name, NEW) if kind.numbering is not None and not kind.alone else (name,)
    called = (*above.called, *last) if above is not None else last
    gone = node.fields.get(ABSENT)
    return Placed(
        kind=kind,
        identity=_identity(kind, called, parent, node),
        called=called,
        path=(*(holder.path if holder is not None else ()), kind.section, name),
        node=node,
        group=holder.node if holder is not None and holder.kind.grouping else None,
        absent=(above is not None and above.absent) or (gone is not None and gone.value is True),
    )


def _identity(kind: Kind, called: tuple[str, ...], parent: Placed | None, node: Node) -> tuple[str, ...]:
    above = parent.identity if parent is not None else ()
    if kind.grouping:
        return ()
    if kind.identify is not None:
        return (*above, *kind.identify(called, identity_body(kind, node)))
    return (*above, *called[len(parent.called) if parent is not None else 0 :])


def identity_named(provider: str, kind_name: str, called: tuple[str, ...]) -> tuple[str, ...]:
    """The identity of what the file only names, as far as names tell."""
    kind = registry.KINDS[(provider, kind_name)]
    above = identity_named(provider, kind.parent, called[:-1]) if kind.parent is not None else ()
    if kind.identify is not None:
        return (*above, *kind.identify(called, {}))
    return (*above, called[-1]) if kind.parent is not None else called


def former_identity(placed: Placed, called: tuple[str, ...]) -> tuple[str, ...]:
    """The identity that a resource had under other names of the file, where it said nothing of it itself."""
    kind = placed.kind
    if kind.grouping:
        return ()
    above = placed.identity[: len(placed.identity) - 1]
    if kind.identify is None:
        return (*above, called[-1])
    silent = {one.name for one in kind.fields if one.access is Access.PLANNING}
    body = {name: value for name, value in identity_body(kind, placed.node).items() if name not in silent}
    return (*above, kind.identify(called, body)[-1])
