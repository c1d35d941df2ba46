"""Dependency graphs for other tools: DOT and Mermaid. Pure; the same graph gives the same bytes.

An arrow goes from what needs to what is needed, from right to left, so that roots stand at the left. A line is
standing in something, a dashed one is naming it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from msgspec import Struct

from fcdeploy.model import Address, Graph, Need, Target
from fcdeploy.render.views import GraphView
from fcdeploy.render.words import clean, counted


class Cluster(Struct, frozen=True, kw_only=True):
    """What belongs together: a root with all beneath it, or the roots of one kind that have nothing beneath them."""

    title: str
    nodes: tuple[Address, ...]


def clusters(graph: Graph) -> tuple[Cluster, ...]:
    """The graph's nodes in clusters, those with a root of their own first, each in the order of the addresses."""
    above = {edge.source: edge.goal for edge in graph.edges if edge.need is Need.PARENT}
    members: dict[Address, list[Address]] = {}
    for node in graph.nodes:
        root = node
        while root in above:
            root = above[root]
        members.setdefault(root, []).append(node)
    whole = [
        Cluster(title=f"{root.kind} {root.name}", nodes=tuple(nodes))
        for root, nodes in sorted(members.items())
        if len(nodes) > 1
    ]
    alone: dict[str, list[Address]] = {}
    for root, nodes in sorted(members.items()):
        if len(nodes) == 1:
            alone.setdefault(root.kind, []).append(root)
    return (*whole, *(Cluster(title=f"{kind}s", nodes=tuple(nodes)) for kind, nodes in sorted(alone.items())))


def label(node: Address) -> tuple[str, str]:
    """Kind, and the name without what stands above it."""
    return clean(node.kind), clean(node.identity[-1])


def target_title(target: Target) -> str:
    """`dev · cn-hangzhou`."""
    return clean(f"{target.title} · {target.region}" if target.region else target.title)


def sizes_text(graph: Graph) -> str:
    """`12 resources, 3 references`."""
    named = sum(1 for edge in graph.edges if edge.need is Need.REFERENCE)
    return f"{counted(len(graph.nodes), 'resource')}, {counted(named, 'reference')}"


def numbered(view: GraphView) -> dict[Address, str]:
    """A short id for each node: names may hold what no format takes."""
    return {node: name for names in numbered_each(view) for node, name in names.items()}


def numbered_each(view: GraphView) -> tuple[dict[Address, str], ...]:
    """The same by graph: targets of two projects may have resources of one address."""
    numbers = itertools.count()
    return tuple({node: f"n{next(numbers)}" for node in graph.nodes} for _, graph in view.graphs)


def dot_text(view: GraphView) -> str:
    """The graph in Graphviz' language."""
    ids = numbered(view)
    lines = [
        f"digraph {_quoted(clean(view.project))} {{",
        "  rankdir=RL;",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
        '  edge [color="#666666"];',
    ]
    several = len(view.graphs) > 1
    for number, (target, graph) in enumerate(view.graphs):
        inner = "    " if several else "  "
        if several:
            lines += [f"  subgraph cluster_t{number} {{", f"    label={_quoted(target_title(target))};"]
        for place, cluster in enumerate(clusters(graph)):
            lines += [
                f"{inner}subgraph cluster_t{number}_{place} {{",
                f"{inner}  label={_quoted(clean(cluster.title))};",
            ]
            for node in cluster.nodes:
                text = "\\n".join(_escaped(part) for part in label(node))
                lines.append(f'{inner}  {ids[node]} [label="{text}", tooltip={_quoted(clean(str(node)))}];')
            lines.append(f"{inner}}}")
        for edge in graph.edges:
            style = " [style=dashed, constraint=false]" if edge.need is Need.REFERENCE else ""
            lines.append(f"{inner}{ids[edge.source]} -> {ids[edge.goal]}{style};")
        lines += ["  }"] if several else []
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def mermaid_text(view: GraphView) -> str:
    """The graph in Mermaid's language, as forges and wikis draw it."""
    return "\n".join(_mermaid_lines(view, numbered(view))) + "\n"


def _mermaid_lines(view: GraphView, ids: Mapping[Address, str]) -> Iterator[str]:
    yield "flowchart RL"
    several = len(view.graphs) > 1
    for number, (target, graph) in enumerate(view.graphs):
        inner = "    " if several else "  "
        if several:
            yield f'  subgraph t{number}["{_entities(target_title(target))}"]'
        for place, cluster in enumerate(clusters(graph)):
            yield f'{inner}subgraph t{number}_{place}["{_entities(clean(cluster.title))}"]'
            for node in cluster.nodes:
                kind, name = label(node)
                yield f'{inner}  {ids[node]}["{_entities(kind)}<br/>{_entities(name)}"]'
            yield f"{inner}end"
        if several:
            yield "  end"
        for edge in graph.edges:
            yield f"  {ids[edge.source]} {'-.->' if edge.need is Need.REFERENCE else '-->'} {ids[edge.goal]}"


def _entities(text: str) -> str:
    """Mermaid's own escapes; what it would take for markup is a number."""
    return "".join(sign if sign.isalnum() or sign in " .-_/:*·" else f"#{ord(sign)};" for sign in text)
