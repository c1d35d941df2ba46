"""What is written as YAML reads back as the same tree, templates and all; what looks like a secret is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from fcdeploy.model import Json, Sensitive
from fcdeploy.spec.dump import Expression, Remarked, to_yaml
from fcdeploy.spec.loader import load
from fcdeploy.spec.node import Node
from fcdeploy.spec.scope import Scope
from fcdeploy.spec.secretlike import looks_secret
from fcdeploy.spec.sources import Surroundings
from fcdeploy.spec.template import render

HARD = [
    *("1e5", "0o17", "0x1F", "on", "Yes", "null", "~", "", "-", "?", ": ", "a: b", "a #b", "#", "%a", "12:30:00"),
    *("2020-01-01", "1_000", ".5", "+1", "-.inf", ".nan", "<<", "=", "y", "---", "...", "\u2028x", "\x85", "😀"),
    *("\ufeff", "a\n b\n", "12345e7", "@a", "0 0 2 * * *", "x:", "${{ x }}", "${{", "}} ${{{ '", "a\\b\"c'", "\0"),
]
TEXT = st.one_of(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=30),
    st.text(alphabet="${} '\"\\:#-a1\n\t!&*?|>%@`,[]~=<0oxe.+_", max_size=12),
    st.sampled_from(HARD),
)
KEYS = TEXT.filter(lambda key: "\0" not in key)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**64), 2**64), st.floats(allow_nan=False, allow_infinity=False), TEXT
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def evaluated(text: str) -> Node:
    """The text as a spec is read: loaded, and its templates evaluated; the secret S is `hush`."""
    root = load(text, "x")
    world = Surroundings(root=Path(), env={}, read_secret=lambda name, source: "hush")
    secrets = load("S: {env: S}", "y")
    return render(root, Scope(world, layers=[], target=Node.of({}, root.span), secrets=secrets))


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
@example({text: [text, {"a": text}] for text in HARD if "\0" not in text})
@example({"${{": {"${{ '${{' }}": "${{ '${{' }}"}})
def test_what_is_written_reads_back(tree: dict[str, Json]) -> None:
    text = to_yaml(tree)
    assert evaluated(text).plain() == tree
    assert to_yaml(tree) == text


@pytest.mark.parametrize("word", ["on", "Yes", "12:30:00", "2020-01-01", "1_000", "0x1F", "1e5", "null", "~"])
def test_text_is_text_to_other_tools(word: str) -> None:
    assert yaml.safe_load(to_yaml({"a": word})) == {"a": word}


def test_a_file_reads_well() -> None:
    tree = {
        "services": {
            "s": {
                "tags": {"team": "media"},
                "empty": {},
                "code": Remarked(value="./src/s", remarks=("fill it\nin",)),
                "secret": Expression(text="secret('S')"),
                "triggers": [{"type": "timer", "days": [1, 2]}, "x"],
            }
        }
    }
    text = """\
# From somewhere.
services:
  s:
    tags:
      team: media
    empty: {}
    # fill it in
    code: ./src/s
    secret: ${{ secret('S') }}
    triggers:
      - type: timer
        days:
          - 1
          - 2
      - x
"""
    assert to_yaml(tree, head=("From somewhere.",)) == text
    assert isinstance(evaluated(text).plain()["services"]["s"]["secret"], Sensitive)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), object(), b"x"])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="a spec cannot hold"):
        to_yaml({"a": value})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DB_PASSWORD", "x"),
        ("dbPassword", "x"),
        ("apiKey", "abc"),
        ("SECRET_FOR_THE_SHOP", "abc"),
        ("X", "LTAI5tKkWmEXAMPLEabcdef"),
        ("X", "postgres://u:p4ss@host/db"),
        ("X", "-----BEGIN PRIVATE KEY-----\nMIIE"),
        ("X", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"),
        ("X", "Bearer abcdefghij"),
        ("X", '{"password": "open sesame"}'),
        ("X", "Server=a;Password=opensesame;"),
        ("X", "d41d8cd98f00b204e9800998ecf8427e"),
        ("X", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"),
    ],
)
def test_a_secret_is_known(name: str, text: str) -> None:
    assert looks_secret(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("KEYBOARD", "de"),
        ("TOKEN_TTL", "3600"),
        ("USE_SECRET", "true"),
        ("PUBLIC_KEY", "abc"),
        ("PASSWORD", ""),
        ("BUCKET", "img-cn-hangzhou"),
        ("ROLE", "acs:ram::1234567890123456:role/aliyunfcdefaultrole"),
        ("URL", "https://example.com/path?x=1"),
        ("ID", "8c1f0c3a-52a7-4a5e-a1b2-6f0d3c9e7b54"),
        ("HANDLER", "com.example.shop.OrderHandler::handle"),
        ("PATH", "/opt/python/lib/python3.10/site-packages"),
    ],
)
def test_what_is_no_secret_stays(name: str, text: str) -> None:
    assert not looks_secret(name, text)
