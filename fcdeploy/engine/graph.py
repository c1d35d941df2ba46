"""What stands in what and what names what, of everything that a target is to have. Pure; nothing live is read."""

from __future__ import annotations

from fcdeploy.engine.planner import present
from fcdeploy.engine.snapshot import Desired
from fcdeploy.kinds.registry import parent_of
from fcdeploy.model import Edge, Graph, Need


def graph_of(desired: Desired, api: str) -> Graph:
    """The graph of what the file wants to be there; what only live has, or somebody else made, is not in it."""
    nodes = present(desired, api)
    return Graph(nodes=tuple(sorted(nodes)), edges=tuple(sorted(edges_of(nodes))))


def edges_of(nodes: Desired) -> frozenset[Edge]:
    """Every need of these resources that another of them meets. The one place that knows what makes an edge."""
    found: set[Edge] = set()
    for address, resource in nodes.items():
        parent = parent_of(address)
        if parent in nodes and parent is not None:
            found.add(Edge(source=address, goal=parent, need=Need.PARENT))
        found |= {
            Edge(source=address, goal=goal, need=Need.REFERENCE)
            for goal in resource.refs
            if goal in nodes and goal not in (parent, address)
        }
    return frozenset(found)
