from __future__ import annotations

from fcdeploy.diagnostics import Span, error, warning
from fcdeploy.render.findings import finding_text, findings_text, tally
from fcdeploy.render.ink import COLOURED
from fcdeploy.render.words import columns


def at(line: int, column: int) -> Span:
    return Span(file="fcdeploy.yaml", line=line, column=column)


def test_a_finding_says_where_what_and_how_to_go_on() -> None:
    one = error(
        "unknown field `memorysize`",
        detail="found in a function\n  of a service",
        hint="did you mean `memorySize`?\nthe schema knows all names",
        span=at(2, 3),
        path="services.images.functions.resize",
    )
    assert finding_text(one, sources={"fcdeploy.yaml": ["functions:", "  memorysize: 512"]}) == (
        "fcdeploy.yaml:2:3: error: unknown field `memorysize` [services.images.functions.resize]\n"
        "    2 |   memorysize: 512\n"
        "      |   ^\n"
        "    found in a function\n"
        "      of a service\n"
        "    hint: did you mean `memorySize`?\n"
        "          the schema knows all names\n"
    )


def test_without_its_file_a_finding_is_still_whole() -> None:
    one = warning("odd", span=at(9, 1), address="dev:alibaba.function:a/b")
    expected = "fcdeploy.yaml:9:1: warning: odd [dev:alibaba.function:a/b]\n"
    for sources in ({}, {"fcdeploy.yaml": []}, {"other.yaml": ["x"] * 9}, {"fcdeploy.yaml": ["", *[" "] * 9]}):
        assert finding_text(one, sources=sources) == expected
    assert finding_text(error("no place"), sources={}) == "error: no place\n"


def test_the_caret_stands_under_its_column_whatever_the_line_holds() -> None:
    for line, column in (
        ("\t\tkey: x", 3),
        ("名前: 値", 5),
        ("a" * 200 + "!" + "b" * 200, 201),
        ("!" + "a" * 300, 1),
        ("a" * 300 + "!", 301),
        ("\x1b[31m!", 6),
    ):
        text = finding_text(error("x", span=at(1, column)), sources={"fcdeploy.yaml": [line]})
        _, excerpt, caret = text.splitlines()
        assert columns(excerpt) <= 80 and len(caret) <= 80
        assert "\x1b" not in excerpt
        wanted = excerpt.index("!") if "!" in excerpt else excerpt.index("key" if "key" in excerpt else "値")
        assert columns(caret[: caret.index("^")]) == columns(excerpt[:wanted])


def test_service_messages_are_made_safe_and_folded() -> None:
    one = error("code \x1b]0;x\x07", detail="word " * 40 + "\x1b[2J", hint="do " * 50)
    text = finding_text(one, sources={})
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    assert max(len(line) for line in text.splitlines()) <= 80


def test_several_are_told_apart_by_blank_lines_and_counted() -> None:
    found = [error("one"), warning("two"), error("three")]
    assert findings_text(found) == "error: one\n\nwarning: two\n\nerror: three\n"
    assert tally(found) == "2 errors, 1 warning"
    assert (tally([]), findings_text([])) == ("", "")


def test_colour_marks_severity_and_hint_only() -> None:
    text = finding_text(error("x", hint="y"), sources={}, ink=COLOURED)
    assert text == "\x1b[1;31merror:\x1b[0m x\n    \x1b[36mhint:\x1b[0m y\n"
