"""A dependency graph as one HTML page with its SVG in it: nothing is loaded from anywhere. Pure.

A click on a node, or Enter, shows it with its neighbours alone; Escape or a click beside it shows all again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from fcdeploy.model import Action, Address, Edge, Graph, Need, Target
from fcdeploy.render.graph import label, numbered, sizes_text, target_title
from fcdeploy.render.ink import GLYPHS
from fcdeploy.render.layout import Box, Layout, layout_of
from fcdeploy.render.views import GraphView
from fcdeploy.render.words import clean, columns

_HUES = (212, 150, 32, 280, 340, 96, 186, 12, 250, 54)
"""Of kinds in the order of their names; there are more hues than a graph has kinds a person tells apart."""

_CSS = """
:root { color-scheme: light dark; --page: #ffffff; --frame: #f6f7f9; --line: #d5d9e0; --text: #1c2330; --faint: #5d6675;
  --edge: #a7afbc; --named: #b4540a; --box: #ffffff; --light: 45%; --focus: #0b57d0; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171c; --frame: #1b2027; --line: #343b46; --text: #e7eaef; --faint: #9aa4b2;
    --edge: #566070; --named: #f0a35e; --box: #232932; --light: 62%; --focus: #8ab4f8; }
}
body { margin: 0; padding: 20px 24px; background: var(--page); color: var(--text);
  font: 14px/1.4 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 18px; margin: 0 0 4px; }
h2 { font-size: 15px; margin: 0 0 8px; font-weight: 600; }
h2 span, p { color: var(--faint); font-weight: 400; }
p { margin: 0 0 18px; }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin: 0 5px 0 12px; }
main { display: flex; flex-wrap: wrap; gap: 32px; align-items: flex-start; }
"""

DRAWING_CSS = """
svg { display: block; }
svg text { fill: var(--text); font-size: 13px; }
.frame { fill: var(--frame); stroke: var(--line); }
svg .title { font-weight: 600; }
.node { cursor: pointer; outline: none; }
.node rect { fill: var(--box); stroke: var(--line); }
.node .stripe { fill: hsl(var(--hue) 55% var(--light)); stroke: none; }
.key { background: hsl(var(--hue) 55% var(--light)); }
svg .kind { fill: var(--faint); font-size: 10.5px; }
.node:focus-visible rect, .node.chosen rect { stroke: var(--focus); stroke-width: 2; }
.node.chosen .stripe, .node:focus-visible .stripe { stroke: none; }
.edge { fill: none; stroke: var(--edge); stroke-width: 1.3; }
.edge.reference { stroke: var(--named); stroke-dasharray: 5 3; }
.tip { fill: var(--named); }
svg.chosen .node, svg.chosen .edge { opacity: 0.18; }
svg.chosen .near { opacity: 1; }
svg.chosen .edge.near { stroke-width: 2; }
.node.create .kind { fill: var(--good); } .node.update .kind { fill: var(--warn); }
.node.replace .kind { fill: var(--change); }
.node.delete .kind { fill: var(--bad); } .node.delete rect { stroke-dasharray: 4 3; } .node.same { opacity: 0.55; }
.node.create .kind, .node.update .kind, .node.replace .kind, .node.delete .kind { font-weight: 700; }
"""
"""What a drawing looks like; the colours are the page's."""

DRAWING_SCRIPT = """
for (const svg of document.querySelectorAll("svg")) {
  const nodes = new Map([...svg.querySelectorAll(".node")].map(node => [node.id, node]));
  const edges = [...svg.querySelectorAll(".edge")];
  const clear = () => {
    svg.classList.remove("chosen");
    svg.querySelectorAll(".near, .chosen").forEach(one => one.classList.remove("near", "chosen"));
    svg.dispatchEvent(new CustomEvent("chosen", {detail: null}));
  };
  const choose = node => {
    const again = node.classList.contains("chosen");
    clear();
    if (again) return;
    svg.classList.add("chosen");
    node.classList.add("near", "chosen");
    svg.dispatchEvent(new CustomEvent("chosen", {detail: node.id}));
    for (const edge of edges) {
      if (edge.dataset.source !== node.id && edge.dataset.goal !== node.id) continue;
      edge.classList.add("near");
      nodes.get(edge.dataset.source).classList.add("near");
      nodes.get(edge.dataset.goal).classList.add("near");
    }
  };
  svg.addEventListener("click", event => {
    const node = event.target.closest(".node");
    node ? choose(node) : clear();
  });
  svg.addEventListener("keydown", event => {
    const node = event.target.closest(".node");
    if (event.key === "Escape") clear();
    else if (node && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); choose(node); }
  });
}
"""


def page_text(view: GraphView) -> str:
    """The whole page."""
    return "\n".join(_lines(view)) + "\n"


def _lines(view: GraphView) -> Iterator[str]:
    ids = numbered(view)
    hues = hues_of(view.graphs)
    title = escape(clean(view.project))
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield (
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
    )
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}: what it is made of</title>\n<style>{_CSS}{DRAWING_CSS}</style>\n</head>\n<body>"
    yield f"<h1>{title}</h1>"
    keys = "".join(f'<span class="key" style="--hue: {hues[kind]}"></span>{escape(clean(kind))}' for kind in hues)
    yield f"<p>A line: stands in. Dashed: names, and is made after it. Click a resource for its neighbours.{keys}</p>"
    yield "<main>"
    for target, graph in view.graphs:
        yield from _target_lines(target, graph, ids, hues)
    yield f"</main>\n<script>{DRAWING_SCRIPT}</script>\n</body>\n</html>"


def _target_lines(target: Target, graph: Graph, ids: Mapping[Address, str], hues: Mapping[str, int]) -> Iterator[str]:
    yield f"<section>\n<h2>{escape(target_title(target))} <span>{escape(sizes_text(graph))}</span></h2>"
    if not graph.nodes:
        yield "<p>The file asks for nothing here.</p>\n</section>"
        return
    yield from drawing_lines(target, graph, ids, hues)
    yield "</section>"


def hues_of(graphs: Sequence[tuple[Target, Graph]]) -> dict[str, int]:
    """A colour for each kind, in the order of their names."""
    kinds = sorted({node.kind for _, graph in graphs for node in graph.nodes})
    return {kind: _HUES[place % len(_HUES)] for place, kind in enumerate(kinds)}


def drawing_lines(
    target: Target,
    graph: Graph,
    ids: Mapping[Address, str],
    hues: Mapping[str, int],
    actions: Mapping[Address, Action] | None = None,
) -> Iterator[str]:
    """A graph that is not empty, as SVG; with `actions` it says what happens to each resource."""
    layout = layout_of(graph)
    width, height = _number(layout.width + 2), _number(layout.height + 2)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="-1 -1 {width} {height}" '
        f'role="group" aria-label="{escape(target_title(target))}">'
    )
    for title, frame in layout.frames:
        yield f'<rect class="frame" rx="8" {_place(frame)}/>'
        x, y = _number(frame.x + 16), _number(frame.y + 19)
        yield f'<text class="title" x="{x}" y="{y}">{escape(clean(title))}</text>'
    for edge in graph.edges:
        yield from _edge_lines(edge, layout, ids)
    for node in graph.nodes:
        action = actions.get(node, Action.NONE) if actions is not None else None
        yield from _node_lines(node, layout.boxes[node], ids[node], hues[node.kind], action)
    yield "</svg>"


def _node_lines(node: Address, box: Box, name: str, hue: int, action: Action | None) -> Iterator[str]:
    kind, text = label(node)
    look = said = ""
    if action is not None:
        look = " same" if action is Action.NONE else f" {action.value}"
        said = "" if action is Action.NONE else f": {action.value}"
        kind = kind if action is Action.NONE else f"{GLYPHS[action]} {kind}"
    x = _number(box.x + 14)
    yield f'<g class="node{look}" id="{name}" tabindex="0" role="button">'
    yield f"<title>{escape(clean(str(node)))}{said}</title>"
    yield f'<rect rx="6" {_place(box)}/>'
    stripe = Box(x=box.x + 4, y=box.y + 5, width=4, height=box.height - 10)
    yield f'<rect class="stripe" rx="2" style="--hue: {hue}" {_place(stripe)}/>'
    yield f'<text class="kind" x="{x}" y="{_number(box.y + 13)}">{escape(kind)}</text>'
    yield f'<text x="{x}" y="{_number(box.y + 27)}">{escape(_cut(text, box.width))}</text></g>'


def _edge_lines(edge: Edge, layout: Layout, ids: Mapping[Address, str]) -> Iterator[str]:
    source, goal = layout.boxes[edge.source], layout.boxes[edge.goal]
    ends = f'data-source="{ids[edge.source]}" data-goal="{ids[edge.goal]}"'
    if edge.need is Need.PARENT:
        half = (goal.right + source.x) / 2
        bend = _number(half)
        way = f"M{_number(goal.right)} {_number(goal.middle)}H{bend}V{_number(source.middle)}H{_number(source.x)}"
        yield f'<path class="edge" {ends} d="{way}"/>'
        return
    start, end, lean_start, lean_end = _sides(source, goal)
    y, to = source.middle, goal.middle
    way = (
        f"M{_number(start)} {_number(y)}C{_number(start + lean_start)} {_number(y)} "
        f"{_number(end + lean_end)} {_number(to)} {_number(end)} {_number(to)}"
    )
    back = 6 if lean_end > 0 else -6
    tip = f"M{_number(end)} {_number(to)}l{back} -4v8z"
    yield f'<g class="edge reference" {ends}><path d="{way}"/><path class="tip" stroke="none" d="{tip}"/></g>'


def _sides(source: Box, goal: Box) -> tuple[float, float, float, float]:
    """Where a reference leaves and arrives, and which way it leans at each end: on the sides that face each other."""
    if goal.x > source.right:
        lean = max(24.0, (goal.x - source.right) / 2)
        return source.right, goal.x, lean, -lean
    if goal.right < source.x:
        lean = max(24.0, (source.x - goal.right) / 2)
        return source.x, goal.right, -lean, lean
    return source.right, goal.right, 30.0, 30.0


def _cut(text: str, width: float) -> str:
    """The text as far as its box has room; the whole is in the node's title."""
    room = int((width - 22) / 7.4)
    if columns(text) <= room:
        return text
    while text and columns(text) > room - 1:
        text = text[:-1]
    return text + "…"


def _place(box: Box) -> str:
    return f'x="{_number(box.x)}" y="{_number(box.y)}" width="{_number(box.width)}" height="{_number(box.height)}"'


def _number(value: float) -> str:
    """A tenth of a pixel is enough, and no digit too many."""
    return f"{value:.1f}".removesuffix(".0")
