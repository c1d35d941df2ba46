"""The graph of what the file asks for with what a plan does to it: what goes away is on it, too. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.model import Action, Address, Edge, Graph, Need, Plan

EMPTY = Graph(nodes=(), edges=())


def planned_graph(graph: Graph, plan: Plan | None) -> Graph:
    """The graph, and in it all that the plan names; what only live has stands in what its identity begins with."""
    named = actions_of(plan)
    known_before = frozenset(graph.nodes)
    nodes = tuple(sorted({*known_before, *named}))
    new = [one for one in nodes if one not in known_before]
    parents = _parent_kinds(graph)
    by_identity: dict[tuple[str, tuple[str, ...]], list[Address]] = {}
    for node in nodes:
        by_identity.setdefault((node.target, node.identity), []).append(node)
    edges = set(graph.edges)
    for node in new:
        above = by_identity.get((node.target, node.identity[:-1]), [])
        known = [one for one in above if one.kind == parents.get(node.kind)]
        # Where no resource of its kind stays, its parent is the only one that it can be.
        for parent in known or (above if len(above) == 1 else []):
            edges.add(Edge(source=node, goal=parent, need=Need.PARENT))
    return Graph(nodes=nodes, edges=tuple(sorted(edges)))


def actions_of(plan: Plan | None) -> Mapping[Address, Action]:
    """What happens to each resource that the plan does something to."""
    if plan is None:
        return {}
    bare = {step.address: step.action for step in plan.steps}
    return bare | {change.address: change.action for change in plan.changes if change.action is not Action.NONE}


def _parent_kinds(graph: Graph) -> dict[str, str]:
    return {edge.source.kind: edge.goal.kind for edge in graph.edges if edge.need is Need.PARENT}
