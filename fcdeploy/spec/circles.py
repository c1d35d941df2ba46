"""References that lead back to where they begin: nothing in such a circle could be made first (S46). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.kinds.descriptor import NEW
from fcdeploy.kinds.registry import KINDS, chain
from fcdeploy.model import Ref
from fcdeploy.spec.node import Node, path_text
from fcdeploy.spec.placed import Placed
from fcdeploy.spec.references import names_in
from fcdeploy.spec.shape import Shape, shapes

Key: TypeAlias = tuple[str, tuple[str, ...]]
"""A kind, and what one of it is called in the file."""

Reference: TypeAlias = tuple[Placed, Placed, Node, Ref]
"""From, to, where it is written, and what."""


def circle_findings(everything: Sequence[Placed], references: Sequence[Reference]) -> Iterator[Diagnostic]:
    """One finding a circle, at the reference of its first resource."""
    if not references:
        return
    needs = _needs(everything)
    written: dict[tuple[Key, Key], Reference] = {}
    for one in references:
        start, end = one[0].key, one[1].key
        written.setdefault((start, end), one)
        needs.setdefault(start, {}).setdefault(end, f"refers to {{}} at {one[2].span}")
    turning = _never_first(needs)
    told: set[frozenset[Key]] = set()
    for (start, end), (source, goal, node, ref) in sorted(written.items(), key=lambda pair: pair[0]):
        way = _way(needs, end, start) if {start, end} <= turning else None
        if way is None or frozenset(way) in told:
            continue
        told.add(frozenset(way))
        ring = [start, *way]
        attribute = goal.kind.attribute(ref.attribute)
        places = {**goal.kind.names(goal.identity), "region": "{region}", "account": "{account}"}
        template = attribute.template.format_map(places) if attribute is not None else ""
        yield error(
            f"the references go in a circle: {' -> '.join(map(_shown, ring))}",
            detail="\n".join(
                f"{_shown(one)} {needs[one][other].format(_shown(other))}" for one, other in pairwise(ring)
            ),
            hint=f"write the value itself: {template}" if template else "take one of the references out",
            span=node.span,
            path=path_text(source.path),
        )


def _shown(key: Key) -> str:
    kind, identity = key
    return f"{kind} {'/'.join(identity[:-1] if identity[-1] == NEW else identity)}"


def _never_first(needs: Mapping[Key, Mapping[Key, str]]) -> frozenset[Key]:
    """What stands in a circle, or needs something that does."""
    waiting: dict[Key, list[Key]] = {}
    missing: dict[Key, int] = {}
    for one, others in needs.items():
        known = [other for other in others if other in needs]
        missing[one] = len(known)
        for other in known:
            waiting.setdefault(other, []).append(one)
    ready = [one for one, count in missing.items() if not count]
    for one in ready:
        for other in waiting.get(one, ()):
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    return frozenset(needs.keys() - set(ready))


def _way(needs: Mapping[Key, Mapping[Key, str]], start: Key, goal: Key) -> list[Key] | None:
    """The shortest way of needs from one resource to another, both ends included; None where there is none."""
    came: dict[Key, Key | None] = {start: None}
    waiting = [start]
    for one in waiting:
        if one == goal:
            way = [one]
            while (before := came[way[-1]]) is not None:
                way.append(before)
            return way[::-1]
        for other in sorted(needs.get(one, ())):
            if other not in came:
                came[other] = one
                waiting.append(other)
    return None


def _needs(everything: Sequence[Placed]) -> dict[Key, dict[Key, str]]:
    """By resource, what must be there before it, and why: a sentence with a place for its name."""
    found: dict[Key, dict[Key, str]] = {}
    there = {placed.key for placed in everything if not placed.absent}
    frozen: dict[tuple[str, ...], list[Key]] = {}
    for placed in everything:
        frozen.setdefault(placed.called[:-1], []).append(placed.key)
    for placed in everything:
        mine = found.setdefault(placed.key, {})
        if placed.kind.parent is not None:
            mine[placed.kind.parent, placed.called[:-1]] = "stands in {}"
        for name in (*_named(placed), *_behind(placed)):
            if name in there:
                mine.setdefault(name, "names {}")
        numbering = placed.kind.numbering
        if numbering is not None and numbering.freezes is not None:
            for other in frozen.get(placed.called[:-1], ()):
                if other[0] in numbering.freezes.kinds:
                    mine.setdefault(other, "holds {}")
    return found


def _named(placed: Placed) -> Iterator[Key]:
    """What names in its fields mean; `latest` and its like mean the next of their series."""
    for one in names_in(placed):
        yield one.kind, one.called
    for field in placed.kind.fields:
        described = KINDS[(placed.kind.provider, field.refers)] if field.refers else None
        if described is not None and described.numbering is not None and described.parent is not None:
            yield field.refers, (*placed.called[:-1], NEW)


def _behind(placed: Placed) -> Iterator[Key]:
    """What its qualifiers mean: in its own identity, or in its fields."""
    provider = placed.kind.provider
    for part, kinds in placed.kind.behind.items():
        value = placed.identity[placed.kind.identity.index(part)]
        yield from ((kind, (*_root(provider, kind, placed.called), value)) for kind in kinds)
    known = shapes(provider, placed.kind.name)
    yield from _qualifiers(provider, known, placed.node.fields, placed.called, placed.node)


def _root(provider: str, kind: str, called: tuple[str, ...]) -> tuple[str, ...]:
    """What an alias, or whatever a qualifier names, stands beneath: the beginning of the names of what is behind it."""
    parent = KINDS[(provider, kind)].parent
    return called[: len(chain(KINDS[(provider, parent)]))] if parent is not None else ()


def _qualifiers(
    provider: str, known: Mapping[str, Shape], fields: Mapping[str, Node], root: tuple[str, ...], resource: Node
) -> Iterator[Key]:
    by_name = {shape.field.name: fields[name] for name, shape in known.items() if name in fields}
    for name, shape in known.items():
        node = fields.get(name)
        if node is None:
            continue
        above = by_name.get(shape.field.root)
        named = tuple(str(above.value).split("/")) if above is not None else root
        if isinstance(node.value, str):
            value = str.__str__(node.value)
            yield from ((kind, (*_root(provider, kind, named), value)) for kind in shape.field.behind)
        yield from _qualifiers(provider, shape.below(resource), node.fields, root, resource)
        for item in node.items if shape.item is not None else ():
            yield from _qualifiers(provider, shape.item.members, item.fields, root, resource) if shape.item else ()
