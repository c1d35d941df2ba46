"""Graphs as DOT, Mermaid and a page: the same bytes for the same graph, every name safe, no node on another."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fcdeploy.model import Address, Edge, Graph, Need, Target
from fcdeploy.render.graph import clusters, dot_text, mermaid_text
from fcdeploy.render.layout import layout_of
from fcdeploy.render.page import page_text
from fcdeploy.render.views import GraphView

GOLDEN = Path(__file__).parent / "golden"
NASTY = '"]; <script>alert(1)</script> \\" & `x` {a|b} \x1b[31m -->'
DEV = Target(name="dev", provider="alibaba", region="cn-hangzhou")
PROD = Target(name="prod/cn-shanghai", provider="alibaba", region="cn-shanghai")


def node(kind: str, *identity: str, target: str = "dev") -> Address:
    return Address(provider="alibaba", target=target, kind=kind, identity=identity)


def tree(services: int, functions: int, triggers: int, *, target: str = "dev", loose: int = 0) -> Graph:
    """Services with functions with triggers; each function's first trigger names the next service's first function."""
    edges: list[Edge] = []
    nodes: list[Address] = [node("customDomain", f"d{number}.example.com", target=target) for number in range(loose)]
    for s in range(services):
        service = node("service", f"s{s}", target=target)
        nodes.append(service)
        for f in range(functions):
            function = node("function", f"s{s}", f"f{f}", target=target)
            nodes.append(function)
            edges.append(Edge(source=function, goal=service, need=Need.PARENT))
            for t in range(triggers):
                trigger = node("trigger", f"s{s}", f"f{f}", f"t{t}", target=target)
                nodes.append(trigger)
                edges.append(Edge(source=trigger, goal=function, need=Need.PARENT))
                if t == 0 and functions > 1:
                    goal = node("function", f"s{(s + 1) % services}", "f1", target=target)
                    if goal != function:
                        edges.append(Edge(source=trigger, goal=goal, need=Need.REFERENCE))
    edges += [
        Edge(source=one, goal=node("function", "s0", "f0", target=target), need=Need.REFERENCE) for one in nodes[:loose]
    ]
    return Graph(nodes=tuple(sorted(nodes)), edges=tuple(sorted(edges)))


ONE = GraphView(project="shop", graphs=((DEV, tree(1, 2, 1, loose=1)),))
TWO = GraphView(project="shop", graphs=((DEV, tree(1, 1, 1)), (PROD, tree(2, 1, 0, target="prod/cn-shanghai"))))


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path} was written; read it, and run the test again")
    assert text == path.read_text(encoding="utf-8")


def test_the_graph_as_dot_and_mermaid() -> None:
    golden("graph.dot", dot_text(ONE) + dot_text(TWO))
    golden("graph.mmd", mermaid_text(ONE) + mermaid_text(TWO))


def test_what_belongs_together_is_one_cluster() -> None:
    graph = tree(2, 1, 1, loose=2)
    found = {one.title: [node.name for node in one.nodes] for one in clusters(graph)}
    assert found == {
        "service s0": ["s0", "s0/f0", "s0/f0/t0"],
        "service s1": ["s1", "s1/f0", "s1/f0/t0"],
        "customDomains": ["d0.example.com", "d1.example.com"],
    }


@pytest.mark.parametrize(("services", "functions", "triggers", "loose"), [(1, 2, 1, 0), (12, 8, 2, 9), (1, 100, 2, 1)])
def test_no_node_stands_on_another_and_all_are_on_the_page(
    services: int, functions: int, triggers: int, loose: int
) -> None:
    graph = tree(services, functions, triggers, loose=loose)
    layout = layout_of(graph)
    assert set(layout.boxes) == set(graph.nodes)
    frames = [frame for _, frame in layout.frames]
    for boxes in (sorted(layout.boxes.values(), key=lambda box: box.y), sorted(frames, key=lambda box: box.y)):
        for place, one in enumerate(boxes):
            assert one.x >= 0 and one.y >= 0
            assert one.right <= layout.width and one.y + one.height <= layout.height
            for other in itertools.takewhile(lambda box, one=one: box.y < one.y + one.height, boxes[place + 1 :]):  # type: ignore[misc]
                assert other.x >= one.right or other.right <= one.x, (one, other)
    for box in layout.boxes.values():
        assert any(frame.x <= box.x and box.right <= frame.right for frame in frames)
    for edge in graph.edges:
        if edge.need is Need.PARENT:
            source, goal = layout.boxes[edge.source], layout.boxes[edge.goal]
            assert goal.right < source.x and goal.y <= source.y, "parents stand to the left, and not below"


def svgs(page: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(text) for text in re.findall(r"<svg.*?</svg>", page, re.S)]


def test_the_page_draws_every_node_and_edge() -> None:
    for view in (ONE, TWO, GraphView(project="big", graphs=((DEV, tree(12, 8, 2, loose=9)),))):
        page = page_text(view)
        assert page == page_text(view)
        for (_, graph), svg in zip(view.graphs, svgs(page), strict=True):
            by_class = [one.get("class", "").split() for one in svg.iter()]
            assert sum("node" in words for words in by_class) == len(graph.nodes)
            assert sum("edge" in words for words in by_class) == len(graph.edges)
            ids = {one.get("id") for one in svg.iter() if one.get("class") == "node"}
            ends = {one.get(f"data-{end}") for one in svg.iter() for end in ("source", "goal")} - {None}
            assert ends <= ids
    assert len(svgs(page_text(TWO))) == 2


class Outside(HTMLParser):
    """Collects everything that a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[tuple[str, str]] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.loads += [(tag, name) for name, _ in attrs if name in ("src", "href", "xlink:href", "onload", "onclick")]
        self.loads += [(tag, "tag") for _ in range(tag in ("link", "img", "iframe", "object", "base", "use"))]


def test_the_page_loads_nothing() -> None:
    page = page_text(ONE)
    found = Outside()
    found.feed(page)
    assert (found.loads, found.scripts) == ([], 1)
    assert set(re.findall(r"https?://[^\s\"']+", page)) == {"http://www.w3.org/2000/svg"}
    assert "@import" not in page and "url(" not in page


def test_names_are_text_in_every_form() -> None:
    service, function = node("service", NASTY), node("function", NASTY, "f" * 80)
    edges = (Edge(source=function, goal=service, need=Need.PARENT),)
    view = GraphView(project=NASTY, graphs=((DEV, Graph(nodes=(service, function), edges=edges)),))
    page = page_text(view)
    found = Outside()
    found.feed(page)
    assert found.scripts == 1
    (svg,) = svgs(page)
    texts = [one.text or "" for one in svg.iter() if one.tag.endswith("text")]
    assert any(text.endswith("…") for text in texts)
    for text in (page, dot_text(view), mermaid_text(view)):
        assert "\x1b" not in text
    for line in mermaid_text(view).splitlines()[1:]:
        assert re.fullmatch(r'\s*(subgraph \w+\["[^"\[\]{}<>`]*"\]|n\d+\["[^"\[\]]*"\]|end|n\d+ --> n\d+)', line), line
    for line in dot_text(view).splitlines():
        assert len(re.findall(r'(?<!\\)(?:\\\\)*"', line)) % 2 == 0, line


def test_a_target_without_resources_says_so() -> None:
    empty = GraphView(project="p", graphs=((DEV, Graph(nodes=(), edges=())),))
    assert "The file asks for nothing here." in page_text(empty)
    assert svgs(page_text(empty)) == []
    assert mermaid_text(empty) == "flowchart RL\n"
    assert dot_text(empty).endswith("];\n}\n")
