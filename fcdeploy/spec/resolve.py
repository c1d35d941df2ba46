"""Lays the file's `defaults`, and what a group says of all that stands in it, under its resources (S3, S44). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access
from fcdeploy.spec.node import Node, Path, merged, without_nulls
from fcdeploy.spec.placed import is_external
from fcdeploy.spec.words import words_of

DEFAULTS = "defaults"
IGNORE = "ignore"


def with_defaults(root: Node, provider: str) -> Node:
    """The spec with `defaults` merged into every resource of `provider`, and nulls gone (S3).

    A resource that is null is an empty one: `images:` declares a service of that name. What does not have the shape
    of a spec passes through untouched, so that validation can speak of it.
    """
    if not isinstance(root.value, dict):
        return root
    found = root.value.get(DEFAULTS)
    if found is not None and found.fields:
        # What other clouds alone have needs no defaults here.
        found = found.with_value({key: item for key, item in found.fields.items() if not is_foreign(key, provider)})
        root = root.with_value({**root.value, DEFAULTS: found})
    merger = _Merger(found.fields if found is not None else {})
    sections = {kind.section: kind for kind in registry.sections(provider)}
    made: dict[str, Node] = {}
    for key, item in root.value.items():
        kind = sections.get(key)
        if item.value is not None:
            made[key] = without_nulls(item) if kind is None else merger.section(item, kind)
    return root.with_value(made)


def is_foreign(name: str, provider: str) -> bool:
    """Whether only other clouds have a kind of this name."""
    return (provider, name) not in registry.KINDS and any(kind == name for _, kind in registry.KINDS)


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
    if kind.alone and isinstance(value, dict) and is_alone(value, kind):
        return section.with_value({kind.alone: section})
    return section


def is_alone(value: dict[str, Node], kind: Kind) -> bool:
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
    """Lays defaults under resources. What no default touches, and holds no null, is shared."""

    def __init__(self, defaults: dict[str, Node]) -> None:
        self._below: dict[str, dict[str, Kind]] = {}
        self._bases: dict[str, dict[str, Node]] = {
            name: without_nulls(node).fields for name, node in defaults.items() if isinstance(node.value, dict)
        }

    def section(self, section: Node, kind: Kind, handed: Mapping[str, Node] | None = None) -> Node:
        """A map from names to resources of a kind; `handed` is what the group in which they stand says of each."""
        section = by_name(section, kind)
        if not isinstance(section.value, dict):
            return section
        below = self._below.get(kind.name)
        if below is None:
            below = self._below[kind.name] = {child.section: child for child in registry.within(kind)}
        # Resources below are not part of a kind's own defaults; validation refuses them there.
        base = {key: item for key, item in self._bases.get(kind.name, {}).items() if key not in below}
        both: Node | None = None
        if handed:
            both = handed.get(IGNORE)
            base |= {key: self._laid(item, base.get(key)) for key, item in handed.items() if key != IGNORE}
        made: dict[str, Node] = {}
        changed = False
        for name, item in section.value.items():
            # What all have in common is said of those that are this file's (S13).
            one = self._resource(item, {} if is_external(item, kind) else base, below, kind)
            made[name] = one = _ignoring(item, one, both)
            changed = changed or one is not item
        return section.with_value(made) if changed else section

    def _resource(self, node: Node, base: dict[str, Node], below: dict[str, Kind], kind: Kind) -> Node:
        if node.value is None:
            node = node.with_value({})
        value = node.value
        if not isinstance(value, dict):
            return node
        made = {key: item for key, item in base.items() if key not in value}
        changed = bool(made)
        for key, item in value.items():
            if item.value is None:
                changed = True
                continue
            if key not in below:
                one = self._laid(item, base.get(key)) if type(item.value) is dict else item
            elif kind.grouping:
                # What is handed down has to be known first; it keeps its place.
                one = item
            else:
                one = self.section(item, below[key])
            made[key] = one
            changed = changed or one is not item
        if kind.grouping:
            changed = True
            for key in [key for key in made if key in below]:
                child = below[key]
                made[key] = self.section(made[key], child, {n: made[n] for n in handed_down(kind, child) if n in made})
        return node.with_value(made) if changed else node

    def _laid(self, over: Node, base: Node | None) -> Node:
        if type(over.value) is not dict:
            return over
        if base is not None and isinstance(base.value, dict):
            return merged(base, over)
        return without_nulls(over)


def handed_down(group: Kind, child: Kind) -> tuple[str, ...]:
    """The words of a group that count for each resource of a kind that stands in it (S44).

    Its fields, where the other has the same, and what may be said in `defaults` too; `ignore` is said in addition. Not
    what it says of itself alone (PLANNING), nor of what has a place of its own in the cloud beneath another resource.
    """
    if not group.grouping or child.stands_in != group.name or child.parent is not None:
        return ()
    own = {one.spec_name for one in child.fields if one.access is not Access.READ_ONLY}
    fields = (one.spec_name for one in group.fields if one.spec_name in own and one.access is not Access.PLANNING)
    return (*fields, *(word.name for word in words_of(child) if word.shared))


def _ignoring(given: Node, made: Node, handed: Node | None) -> Node:
    """The resource with what its group says under `ignore` in addition to its own, unless it cancels that."""
    own = given.fields.get(IGNORE)
    if handed is None or not isinstance(made.value, dict) or (own is not None and own.value is None):
        return made
    before = made.value.get(IGNORE)
    if before is None:
        return made.with_value({**made.value, IGNORE: handed})
    if not isinstance(before.value, list) or not isinstance(handed.value, list):
        return made
    known = [item.value for item in before.value]
    more = [item for item in handed.value if item.value not in known]
    return made.with_value({**made.value, IGNORE: before.with_value([*before.value, *more])})


def handing(path: Path, provider: str) -> Path | None:
    """Where the group says what a resource in it would have from there; None for what no group hands down."""
    group = next((kind for kind in registry.sections(provider) if path and kind.section == path[0]), None)
    if group is None or not group.grouping or len(path) < 5:
        return None
    child = next((kind for kind in registry.within(group) if kind.section == path[2]), None)
    if child is None or path[4] not in handed_down(group, child):
        return None
    return (*path[:2], *path[4:])
