"""The graph of what a target is to have: resources, and what each of them needs."""

from __future__ import annotations

import enum
from functools import total_ordering

from msgspec import Struct

from fcdeploy.model.resources import Address


class Need(enum.StrEnum):
    """Why one resource needs another: it stands in it, or names it."""

    PARENT = "parent"
    REFERENCE = "reference"


@total_ordering
class Edge(Struct, frozen=True, kw_only=True):
    """`source` needs `goal`: it is made after it and goes before it."""

    source: Address
    goal: Address
    need: Need

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Edge):
            return NotImplemented
        return (self.source, self.goal, self.need) < (other.source, other.goal, other.need)


class Graph(Struct, frozen=True, kw_only=True):
    """The resources of one target in the order of their addresses, and the edges between them, sorted.

    Every end of an edge is one of `nodes`.
    """

    nodes: tuple[Address, ...]
    edges: tuple[Edge, ...]
