"""Where each node of a graph stands on a page: layered by what stands in what, the roots at the left. Pure.

Within a cluster a node's column is its depth and its row the first free one, so that a parent stands in line with its
first child, and no two lines of the tree cross. Clusters are stacked in as many columns as give a page that is not
much higher than wide. All measures are in CSS pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from fcdeploy.model import Address, Graph, Need
from fcdeploy.render.graph import Cluster, clusters, label
from fcdeploy.render.words import columns

NODE_HEIGHT = 34
_ROW = 42
_GUTTER = 44
_PADDING = 16
_TITLE = 26
_BETWEEN = 22
_SIGN = 7.4
_LEAST_WIDTH, _MOST_WIDTH = 96, 260
_MOST_COLUMNS = 6
_EDGE_ROOM = 34
"""Room at the right of all, for references that go back on the side they came from."""


class Box(Struct, frozen=True, kw_only=True):
    """A place on the page, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right side."""
        return self.x + self.width

    @property
    def middle(self) -> float:
        """The y of its middle."""
        return self.y + self.height / 2

    def moved(self, x: float, y: float) -> Box:
        """The same box elsewhere."""
        return Box(x=self.x + x, y=self.y + y, width=self.width, height=self.height)


class Layout(Struct, frozen=True, kw_only=True):
    """A graph on a page: its size, the boxes of its clusters with their titles, and those of its nodes."""

    width: float
    height: float
    frames: tuple[tuple[str, Box], ...]
    boxes: Mapping[Address, Box]


def layout_of(graph: Graph) -> Layout:
    """Every node's place; the same graph gives the same places."""
    parents = {edge.source: edge.goal for edge in graph.edges if edge.need is Need.PARENT}
    parts = [_cluster(cluster, parents) for cluster in clusters(graph)]
    if not parts:
        return Layout(width=0, height=0, frames=(), boxes={})
    frames: list[tuple[str, Box]] = []
    boxes: dict[Address, Box] = {}
    x = width = height = 0.0
    for stack in _stacks(parts):
        y = wide = 0.0
        for title, frame, inside in stack:
            frames.append((title, frame.moved(x, y)))
            boxes |= {node: box.moved(x, y) for node, box in inside.items()}
            y += frame.height + _BETWEEN
            wide = max(wide, frame.width)
        height = max(height, y - _BETWEEN)
        width = x + wide
        x = width + _BETWEEN + _EDGE_ROOM
    return Layout(width=width + _EDGE_ROOM, height=height, frames=tuple(frames), boxes=boxes)


_Part = tuple[str, Box, dict[Address, Box]]


def _cluster(cluster: Cluster, parents: Mapping[Address, Address]) -> _Part:
    """One cluster with its corner at 0, 0."""
    inside = frozenset(cluster.nodes)
    above = {node: parents[node] for node in cluster.nodes if node in parents and parents[node] in inside}
    beneath: dict[Address, list[Address]] = {}
    for node in cluster.nodes:
        if node in above:
            beneath.setdefault(above[node], []).append(node)
    places: dict[Address, tuple[int, int]] = {}
    row = 0
    for root in (node for node in cluster.nodes if node not in above):
        row = _placed(root, beneath, 0, row, places)
    widths = _widths(places)
    starts = [_PADDING + sum(widths[:place]) + place * _GUTTER for place in range(len(widths))]
    boxes = {
        node: Box(x=starts[depth], y=_TITLE + _PADDING / 2 + at * _ROW, width=widths[depth], height=NODE_HEIGHT)
        for node, (depth, at) in places.items()
    }
    title = _PADDING * 2 + columns(cluster.title) * _SIGN
    width = max(title, starts[-1] + widths[-1] + _PADDING)
    height = _TITLE + _PADDING * 1.5 + row * _ROW - (_ROW - NODE_HEIGHT)
    return cluster.title, Box(x=0, y=0, width=width, height=height), boxes


def _placed(
    node: Address,
    beneath: Mapping[Address, Sequence[Address]],
    depth: int,
    row: int,
    places: dict[Address, tuple[int, int]],
) -> int:
    """Place a node and all beneath it from this row on; returns the next free row."""
    places[node] = (depth, row)
    below = row
    for child in beneath.get(node, ()):
        below = _placed(child, beneath, depth + 1, below, places)
    return max(below, row + 1)


def _widths(places: Mapping[Address, tuple[int, int]]) -> list[float]:
    """The width of each column: its longest name, within limits."""
    wide = [float(_LEAST_WIDTH)] * (1 + max(depth for depth, _ in places.values()))
    for node, (depth, _) in places.items():
        text = max(columns(part) for part in label(node))
        wide[depth] = max(wide[depth], min(_MOST_WIDTH, 24 + text * _SIGN))
    return wide


def _stacks(parts: Sequence[_Part]) -> list[list[_Part]]:
    """The clusters in columns: each goes to the lowest one, the leftmost of several."""
    stacks: list[list[_Part]] = [list(parts)]
    for count in range(1, min(_MOST_COLUMNS, len(parts)) + 1):
        stacks = [[] for _ in range(count)]
        heights = [0.0] * count
        for part in parts:
            lowest = heights.index(min(heights))
            stacks[lowest].append(part)
            heights[lowest] += part[1].height + _BETWEEN
        wide = sum(max((frame.width for _, frame, _ in stack), default=0.0) for stack in stacks)
        if max(heights) <= max(800.0, wide):
            break
    return stacks
