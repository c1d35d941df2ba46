from __future__ import annotations

import pytest

from fcdeploy.diagnostics import Span
from fcdeploy.model import Sensitive
from fcdeploy.spec.loader import load
from fcdeploy.spec.node import Node, merged, path_text, without_nulls


def test_paths_lead_to_nodes() -> None:
    root = load("a: {b: [x, {c.d: 1}]}\n", "f")
    found = root.at(["a", "b", 1, "c.d"])
    assert found is not None and found.value == 1
    assert root.at([]) is root
    for path in (["a", "x"], ["a", "b", 2], ["a", "b", -1], ["a", 0], ["a", "b", "0"], ["a", "b", 0, "x"]):
        assert root.at(path) is None
    nearest, left = root.nearest(["a", "b", 1, "none", "deeper"])
    assert (str(nearest.span), left) == ("f:1:12", ("none", "deeper"))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("services", "images", "functions", 0), "services.images.functions[0]"),
        (("customDomains", "a.example.com", "routes"), 'customDomains["a.example.com"].routes'),
        (("a", ""), 'a[""]'),
        ((), ""),
    ],
)
def test_paths_are_printed(path: tuple[str | int, ...], text: str) -> None:
    assert path_text(path) == text


def test_merging_lays_maps_over_maps_and_keeps_every_place() -> None:
    base = load("env: {A: 1, B: 2, C: {x: 1}}\nlist: [1, 2]\nonly: base\ngone: 1\nnothing:\n", "base.yaml")
    over = load("env: {B: 3, C: {y: null, z: 2}, D: null}\nlist: [3]\ngone: null\nnew: {n: null, m: 1}\n", "over.yaml")
    made = merged(base, over)
    assert made.plain() == {
        "env": {"A": 1, "B": 3, "C": {"x": 1, "z": 2}},
        "list": [3],
        "only": "base",
        "new": {"m": 1},
    }
    places = {
        path: str(node.span)
        for path in ("env", "env.A", "env.B", "env.C.x", "env.C.z", "list", "only")
        if (node := made.at(path.split("."))) is not None
    }
    assert places == {
        "env": "over.yaml:1:6",
        "env.A": "base.yaml:1:10",
        "env.B": "over.yaml:1:10",
        "env.C.x": "base.yaml:1:26",
        "env.C.z": "over.yaml:1:29",
        "list": "over.yaml:2:7",
        "only": "base.yaml:3:7",
    }
    entry = made.at(["env", "A"])
    assert entry is not None and str(entry.key_span) == "base.yaml:1:7"
    # Neither side is touched, and a map over a scalar replaces it.
    assert base.plain()["gone"] == 1 and over.plain()["gone"] is None
    assert merged(load("a: 1\n", "f"), load("a: {b: 1}\n", "g")).plain() == {"a": {"b": 1}}
    assert merged(load("a: {b: 1}\n", "f"), load("a: 1\n", "g")).plain() == {"a": 1}
    assert merged(None, over).plain()["new"] == {"m": 1}


def test_merging_keeps_what_waits_for_templating() -> None:
    made = merged(load("a: {x: '${{ v }}'}\n", "f"), load("b: 1\n", "g"))
    assert made.dynamic
    assert not merged(load("a: {x: '${{ v }}'}\n", "f"), load("a: null\n", "g")).dynamic
    assert merged(load("'${{ k }}': 1\n", "f"), load("b: 1\n", "g")).dynamic


def test_nulls_go_but_not_inside_lists() -> None:
    node = load("a: {b: null, c: [null, {d: null}]}\n", "f")
    assert without_nulls(node).plain() == {"a": {"c": [None, {"d": None}]}}
    whole = load("a: {b: 1}\n", "f")
    assert without_nulls(whole) is whole


def test_plain_values_become_nodes_that_show_no_secret() -> None:
    span = Span(file="f", line=3, column=4)
    node = Node.of({"a": [1, Sensitive("hunter2", parts=({"secret": "S"},))], "t": "${{ x }}"}, span)
    assert node.plain() == {"a": [1, "hunter2"], "t": "${{ x }}"}
    assert isinstance(node.plain()["a"][1], Sensitive)
    deep = node.at(["a", 1])
    assert deep is not None and deep.span == span
    assert not node.dynamic
    assert "hunter2" not in repr(node) + repr(deep) + repr(node.plain())
