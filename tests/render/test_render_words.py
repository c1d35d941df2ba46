from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcdeploy.model import Sensitive
from fcdeploy.render.words import (
    chopped,
    clean,
    clean_lines,
    columns,
    counted,
    paragraphs,
    seconds_text,
    size_text,
    table,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (52_428_800, "52.4 MB"),
        (3 * 10**15, "3000.0 TB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-0.1, "0.0 s"),
        (0.26, "0.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3840, "1 h 4 min"),
    ],
)
def test_times(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_counts() -> None:
    assert [counted(n, "entry", "entries") for n in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]


@given(st.text(alphabet=st.characters(codec=None)))
def test_clean_text_is_printable_and_one_line(text: str) -> None:
    assert clean(text).isprintable()
    assert all(line.isprintable() for line in clean_lines(text))


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"])), st.integers(10, 60))
def test_chopped_loses_nothing(text: str, width: int) -> None:
    lines = chopped(text, first="> ", rest="  ", width=width)
    assert "".join(line[2:] for line in lines) == text
    assert max(columns(line) for line in lines) <= width


def test_a_secret_is_not_cleaned_into_the_open() -> None:
    hidden = Sensitive("pa\nss", parts=("pa\nss",))
    assert clean(hidden) == "(sensitive)"
    assert clean_lines(hidden) == ["(sensitive)"]


def test_prose_keeps_its_own_lines_and_indentation() -> None:
    assert paragraphs("first\n  indented\n\nlast \x1b[1m", indent="> ") == [
        "> first",
        ">   indented",
        "",
        "> last \\x1b[1m",
    ]


def test_tables_count_columns_not_characters() -> None:
    assert table(["KIND", "NAME"], [["函数", "a"], ["x", "b"]]) == ["KIND  NAME", "函数  a", "x     b"]
