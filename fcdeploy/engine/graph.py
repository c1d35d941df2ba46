"""What stands in what and what names what, of everything that a target is to have. Pure; nothing live is read."""

from __future__ import annotations

from fcdeploy.engine.canonical import desired_body
from fcdeploy.engine.edges import address_of, names_of
from fcdeploy.engine.planner import present
from fcdeploy.engine.snapshot import Desired
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.kinds.registry import kind_of, parent_of
from fcdeploy.model import Edge, Graph, Need


def graph_of(desired: Desired, scope: Scope) -> Graph:
    """The graph of what the file wants to be there; what only live has, or somebody else made, is not in it."""
    nodes = present(desired, scope.api)
    return Graph(nodes=tuple(sorted(nodes)), edges=tuple(sorted(edges_of(nodes, scope))))


def edges_of(nodes: Desired, scope: Scope) -> frozenset[Edge]:
    """Every need of these resources that another of them meets. The one place that knows what makes an edge."""
    found: set[Edge] = set()
    for address, resource in nodes.items():
        parent = parent_of(address)
        if parent in nodes and parent is not None:
            found.add(Edge(source=address, goal=parent, need=Need.PARENT))
        body = desired_body(kind_of(address), resource.body, scope.api)
        named = {address_of(name, address) for name in names_of(address, body, scope)}
        found |= {
            Edge(source=address, goal=goal, need=Need.REFERENCE)
            for goal in resource.refs | named
            if goal in nodes and goal not in (parent, address)
        }
    return frozenset(found)
