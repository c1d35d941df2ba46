"""Words on a resource that are settled before it is read: `when`, `foreach`, and the blocks of the clouds. Pure.

Most files have few of them or none; where they stand is looked for first, and what would only look for them is left
out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.spec.node import Node
from fcdeploy.spec.words import FOREACH, WHEN

CHOICES = frozenset((WHEN, FOREACH))
"""Whether a resource is there at all, and how often."""


def blocks() -> frozenset[str]:
    """The words for what a resource says besides in targets of one cloud."""
    return frozenset(registry.providers())


def early_words(section: Node, kind: Kind) -> frozenset[str]:
    """Those that stand on a resource of the section or beneath it, or on a body in its place."""
    found: set[str] = set()
    _find(section, kind, CHOICES | blocks(), found)
    return frozenset(found)


def sections_within(kind: Kind) -> Mapping[str, Kind]:
    """The sections that a resource may have, those of kinds included that only other clouds have: what is left out of
    this target by `when` may have them."""
    return _sections(kind.provider, kind.name)


@cache
def _sections(provider: str, kind: str) -> Mapping[str, Kind]:
    described = registry.KINDS[(provider, kind)]
    every = (*registry.foreign(provider, described), *registry.within(described))
    return {child.section: child for child in every}


def _find(section: Node, kind: Kind, wanted: frozenset[str], found: set[str]) -> None:
    value = section.value
    if not isinstance(value, dict):
        return
    below = sections_within(kind).items()
    for item in (section, *value.values()) if kind.alone else value.values():
        fields = item.value
        if type(fields) is not dict:
            continue
        if not wanted.isdisjoint(fields):
            found |= wanted.intersection(fields)
        for name, child in below:
            inner = fields.get(name)
            if inner is not None:
                _find(inner, child, wanted, found)
