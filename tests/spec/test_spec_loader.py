from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcdeploy.diagnostics import Span
from fcdeploy.errors import SpecError
from fcdeploy.spec.loader import MAX_ALIASED, load, read_spec

CASES = Path(__file__).parents[1] / "cases" / "yaml"


def told(source: bytes | str) -> str:
    with pytest.raises(SpecError) as caught:
        load(source, "f.yaml")
    return "\n".join(map(str, caught.value.diagnostics)) + "\n"


@pytest.mark.parametrize("case", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_is_wrong_is_told_with_its_place(case: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read_spec(case, case.name)
    assert "\n".join(map(str, caught.value.diagnostics)) + "\n" == case.with_suffix(".expected").read_text()


def test_every_expectation_has_its_case() -> None:
    assert {path.stem for path in CASES.glob("*.expected")} == {path.stem for path in CASES.glob("*.yaml")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("Yes", "yes".capitalize()),
        ("12:30:00", "12:30:00"),
        ("2001-01-01", "2001-01-01"),
        ("2021-04-06T00:00:00Z", "2021-04-06T00:00:00Z"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("3.10", 3.1),
        ("007", 7),
        ("-0", 0),
        ("+12", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0x1F", "-0x1F"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        (".", "."),
        ("+", "+"),
        ("1e", "1e"),
        ("true", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("'~'", "~"),
        ('"12"', "12"),
        ("! 12", "12"),
        ("!!str 12", "12"),
        ("!!float 12", 12.0),
        ("!!int '12'", 12),
        ("=", "="),
        ("１２", "１２"),
    ],
)
def test_scalars_are_those_of_the_core_schema(text: str, value: object) -> None:
    found = load(f"a: {text}\n", "f").plain()["a"]
    assert found == value
    assert type(found) is type(value)


def test_anchors_aliases_and_merges_keep_their_places() -> None:
    root = load(
        "base: &base {runtime: python3.10, timeout: 60}\n"
        "one:\n"
        "  <<: *base\n"
        "  timeout: 5\n"
        "two: *base\n"
        "three: {<<: [{timeout: 1}, *base]}\n"
        "list: [&x 7, *x]\n"
        "key: *x\n",
        "f",
    )
    base = {"runtime": "python3.10", "timeout": 60}
    assert root.plain() == {
        "base": base,
        "one": {"timeout": 5, "runtime": "python3.10"},
        "two": base,
        "three": {"timeout": 1, "runtime": "python3.10"},
        "list": [7, 7],
        "key": 7,
    }
    places = {
        path: (root.at(path.split(".")).key_span, root.at(path.split(".")).span)  # type: ignore[union-attr]
        for path in ("one.runtime", "one.timeout", "two", "base", "key")
    }
    assert {path: (str(key), str(value)) for path, (key, value) in places.items()} == {
        "one.runtime": ("f:1:14", "f:1:23"),
        "one.timeout": ("f:4:3", "f:4:12"),
        "two": ("f:5:1", "f:1:7"),
        "base": ("f:1:1", "f:1:7"),
        "key": ("f:8:1", "f:7:8"),
    }
    anchored = root.at(["list", 0])
    assert anchored is not None and anchored.key_span is None


def test_an_aliased_key_is_a_key() -> None:
    assert load("a: &name b\n*name : c\n", "f").plain() == {"a": "b", "b": "c"}
    assert load("&k a: 1\nb: *k\n", "f").plain() == {"a": 1, "b": "a"}


def test_columns_count_characters_not_bytes() -> None:
    node = load('a: {"ключ": é, "b": "x"}\n', "f").at(["a", "b"])
    assert node is not None
    assert (node.key_span, node.span) == (Span(file="f", line=1, column=16), Span(file="f", line=1, column=21))


def test_nodes_know_how_they_were_written() -> None:
    root = load("a: 007\nb: '7'\nc: |\n  text\nd: x\ne: ${{ v }}\nf: \"${{ v }}\"\ng: '''${{ v }}'\n", "f")
    told = {key: (node.text, node.quoted, node.dynamic, node.lead, node.templated) for key, node in root.fields.items()}
    assert told == {
        "a": ("007", False, False, None, False),
        "b": ("", True, False, None, False),
        "c": ("", True, False, None, False),
        "d": ("", False, False, None, False),
        "e": ("", False, True, 0, False),
        "f": ("", True, True, 1, False),
        "g": ("", True, True, None, False),
    }
    assert root.dynamic


def test_a_byte_order_mark_moves_no_column() -> None:
    for source in (b"\xef\xbb\xbfa: 1\n", "\ufeffa: 1\n"):
        root = load(source, "f")
        assert root.plain() == {"a": 1}
        assert str(root.span) == "f:1:1"
    assert told(b"\xef\xbb\xbfa: \xff\n").startswith("f.yaml:1:4: error: the file is not UTF-8: byte 0xFF\n")


@pytest.mark.parametrize(
    ("source", "first"),
    [
        (b"a: \xc3\n", "f.yaml:1:4: error: the file is not UTF-8: byte 0xC3"),
        ("a: é\nb: ü".encode("latin-1"), "f.yaml:1:4: error: the file is not UTF-8: byte 0xE9"),
        ("a: 1\n".encode("utf-16"), "f.yaml:1:1: error: the file is in UTF-16 or UTF-32"),
        (b"a: 1\nb: \x07\n", "f.yaml:2:4: error: a control character (U+0007) stands in the file"),
        ("a: \ud800", "f.yaml:1:4: error: a control character (U+D800) stands in the file"),
    ],
)
def test_bytes_that_are_no_text(source: bytes | str, first: str) -> None:
    assert told(source).splitlines()[0] == first


def test_line_ends_of_every_kind_are_counted() -> None:
    for end in ("\n", "\r\n", "\r"):
        assert told(f"a: 1{end}b: 2{end}a: 3{end}").startswith("f.yaml:3:1: error: the key `a` stands twice")
        assert told(f"a: 1{end}b: \x01").startswith("f.yaml:2:4: error: a control character")


def test_merges_are_counted_as_aliases() -> None:
    many = "base: &b {" + ", ".join(f"k{i}: {i}" for i in range(2000)) + "}\n"
    many += "".join(f"m{i}: {{<<: *b}}\n" for i in range(MAX_ALIASED // 2000 + 1))
    assert told(many).startswith(f"f.yaml:501:12: error: aliases stand for more than {MAX_ALIASED:,} nodes")


def test_very_deep_text_ends_with_a_diagnostic() -> None:
    for text in ("[" * 200_000, "{a: " * 200_000, "- " * 200_000, "? " * 100_000):
        assert "nested deeper than 64 levels" in told(text) or "not valid YAML" in told(text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def message(path: Path) -> str:
        with pytest.raises(SpecError) as caught:
            read_spec(path, "spec")
        return str(caught.value.diagnostics[0])

    assert message(tmp_path / "none.yaml").startswith("spec:1:1: error: there is no such file")
    assert message(tmp_path).startswith("spec:1:1: error: this is a folder, not a file")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert message(tmp_path / "loop").startswith("spec:1:1: error: the file cannot be read")
    assert message(Path("a\0b")).startswith("spec:1:1: error: the file cannot be read")


@given(st.binary(max_size=200))
def test_no_bytes_give_a_traceback(content: bytes) -> None:
    try:
        load(content, "f").plain()
    except SpecError as problem:
        assert problem.diagnostics
        assert all(one.span is not None and one.span.line >= 1 for one in problem.diagnostics)


_YAML_WORDS = st.sampled_from(
    [
        "a",
        ":",
        " ",
        "\n",
        "\n  ",
        "- ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&x ",
        "*x",
        "<<",
        "!!int ",
        "!t ",
        "'",
        '"',
        "|",
        ">",
        "\n---\n",
        "\n...\n",
        "%",
        "@",
        "${{",
        "}}",
        "#",
        "1",
        "null",
        "~",
        "\t",
        "0x",
        ".inf",
        "\\",
        "é",
        "\ufeff",
    ]
)


@given(st.lists(_YAML_WORDS, max_size=40).map("".join))
def test_no_text_gives_a_traceback(text: str) -> None:
    try:
        load(text, "f").plain()
    except SpecError as problem:
        assert problem.diagnostics
        assert all(one.span is not None and one.span.line >= 1 for one in problem.diagnostics)
