"""One field's change as lines: what is shown, what is hidden, what cannot act on a terminal, and the 80 columns."""

from __future__ import annotations

import pytest

from fcdeploy.model import ArchiveRef, FieldChange, Json, Output, Sensitive
from fcdeploy.render.ink import COLOURED
from fcdeploy.render.values import field_lines, value_pieces, value_text
from fcdeploy.render.words import WIDTH, columns

SECRET = "hunter2-Zx9"


def secret() -> Sensitive:
    return Sensitive(SECRET, parts=({"secret": "TOKEN"},))


def lines(before: Json, after: Json, **rest: Json) -> list[str]:
    return field_lines(FieldChange(path="field", before=before, after=after, **rest), indent="  ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (512, "512"),
        ("512", '"512"'),
        ("", '""'),
        (0, "0"),
        (0.5, "0.5"),
        (False, "false"),
        (None, "null"),
        ([], "[]"),
        ({}, "{}"),
        (["a", 1, True], '["a", 1, true]'),
        ({"a b": 1, "c": {"d": None}}, '{"a b": 1, c: {d: null}}'),
        ("größe 中", '"größe 中"'),
        (Output(step="create x", pointer="/arn"), "(known after apply)"),
        (ArchiveRef(sha256="ab", crc64="12", size=1_234_567), "archive of 1.2 MB"),
        ({"checksum": "12345"}, "CRC-64 12345"),
        ("(sensitive)", "(sensitive)"),
    ],
)
def test_a_value_reads_as_what_it_is(value: Json, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(secret(), id="bare"),
        pytest.param({"TOKEN": secret()}, id="in a map"),
        pytest.param(["x", {"deep": [secret()]}], id="deep"),
        pytest.param({secret(): "x"}, id="as a key"),
        pytest.param({"checksum": secret()}, id="where a checksum stands"),
        pytest.param("a\n" + "b", id="nothing"),
    ],
)
def test_a_secret_never_prints(value: Json) -> None:
    for before, after in ((value, "x"), ("x\ny", value), (None, value), (value, None), (value, {"k": 1})):
        printed = "\n".join(lines(before, after))
        assert SECRET not in printed
        assert value == "a\nb" or "(sensitive)" in printed


def test_hidden_values_show_their_keys_only() -> None:
    shown = lines({"A": "live-secret", "B": ["x"]}, {"A": "other"}, before_hidden=True, after_hidden=True)
    assert shown == [
        "  ~ field:",
        "      ~ A: (sensitive) -> (sensitive)",
        "      - B: [(sensitive)] -> (not set)",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", '"\\u001b[2J\\u001b]0;title\\u0007"'),
        ("a\rb\x7f\x9b31m", '"a\\rb\\x7f\\x9b31m"'),
        ("abc\u202egnp.exe\u2066", '"abc\\u202egnp.exe\\u2066"'),
        ("zero\u200bwidth\u2028line", '"zero\\u200bwidth\\u2028line"'),
        ("\ud800", '"\\ud800"'),
    ],
)
def test_live_text_cannot_drive_the_terminal(text: str, shown: str) -> None:
    assert value_text(text) == shown
    whole = "\n".join(
        [
            *lines("plain", text),
            *lines({"k": text}, {text: "k"}),
            *lines(f"one\n{text}\nthree", "one\ntwo"),
            *field_lines(FieldChange(path=text, before=1, after=2, note=text), indent=""),
        ]
    )
    assert all(sign.isprintable() or sign == "\n" for sign in whole)


def test_short_changes_stand_on_one_line() -> None:
    assert lines(512, 1024) == ["  ~ field: 512 -> 1024"]
    assert lines(None, "x") == ['  + field: "x"']
    assert lines(False, None) == ["  - field: false -> (not set)"]
    assert lines({"checksum": "1"}, {"checksum": "2"}, note="files that differ: ~index.py") == [
        "  ~ field: CRC-64 1 -> CRC-64 2",
        "      files that differ: ~index.py",
    ]


def test_maps_are_told_key_by_key() -> None:
    before = {"vpcId": "vpc-1", "gone": 1, "same": [1], "deep": {"x": 1, "y": 2}}
    after = {"vpcId": "vpc-2", "new": 2, "same": [1], "deep": {"x": 1, "y": 3}}
    assert lines(before, after) == [
        "  ~ field:",
        "      ~ deep:",
        "          ~ y: 2 -> 3",
        "      - gone: 1 -> (not set)",
        "      + new: 2",
        '      ~ vpcId: "vpc-1" -> "vpc-2"',
    ]


def test_long_lists_tell_what_goes_and_comes() -> None:
    before = [f"acs:fc:cn-hangzhou:1:layers/{name}/versions/1" for name in ("one", "two")]
    after = [before[1], "acs:fc:cn-hangzhou:1:layers/three/versions/7"]
    assert lines(before, after) == [
        "  ~ field:",
        '      - "acs:fc:cn-hangzhou:1:layers/one/versions/1"',
        '      + "acs:fc:cn-hangzhou:1:layers/three/versions/7"',
        "        (1 item unchanged)",
    ]
    assert len(lines(before, before[::-1])) == 5, "another order shows both sides whole"


def test_texts_of_several_lines_are_a_diff() -> None:
    before = "".join(f"line {number}\n" for number in range(20))
    shown = lines(before, before.replace("line 3\n", "line three\n").replace("line 17\n", ""))
    assert shown == [
        "  ~ field:",
        "        line 1",
        "        line 2",
        "      - line 3",
        "      + line three",
        "        line 4",
        "        line 5",
        "      ...",
        "        line 15",
        "        line 16",
        "      - line 17",
        "        line 18",
        "        line 19",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x" * 300, "y" * 300),
        (None, {"key" * 9: "v" * 200, "b": 1}),
        (["item " * 30], ["other " * 30]),
        ("wide 中文" * 40, None),
        ("one\n" + "z" * 200, "one\n" + "w" * 200),
        ({"checksum": "1" * 20}, {"checksum": "2" * 20}),
    ],
)
def test_everything_fits_in_eighty_columns(before: Json, after: Json) -> None:
    shown = lines(before, after, forces_replacement=True, note="why " * 40)
    assert max(columns(line) for line in shown) <= WIDTH
    whole = "".join(line.strip() for line in shown)
    for value in (before, after):
        if isinstance(value, str) and "\n" not in value:
            assert value in whole, "a value that is folded is still there, sign by sign"


def test_meaning_survives_without_colour() -> None:
    change = FieldChange(path="runtime", before="python3.9", after="custom", forces_replacement=True)
    plain = field_lines(change, indent="")
    assert plain == ['~ runtime: "python3.9" -> "custom"  (forces replacement)']
    coloured = field_lines(change, indent="", ink=COLOURED)
    assert "\x1b[" in coloured[0]
    import re

    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == plain


def test_a_value_of_a_kind_that_no_body_has_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        value_text(b"raw")


def test_maps_in_a_list_are_folded_between_their_members() -> None:
    mounts = [
        {"serverAddr": "1234567890-abcd.cn-hangzhou.nas.aliyuncs.com:/", "mountDir": "/mnt/auto", "enableTLS": False},
        {"serverAddr": "n" * 80, "mountDir": "/m"},
        {"a": {"b": [1, {}], "c": []}},
    ]
    assert " ".join(value_pieces(mounts)) == value_text(mounts)
    assert lines(None, mounts) == [
        "  + field:",
        '      + {serverAddr: "1234567890-abcd.cn-hangzhou.nas.aliyuncs.com:/",',
        '        mountDir: "/mnt/auto", enableTLS: false}',
        '      + {serverAddr: "' + "n" * 58,
        "        " + "n" * 22 + '",',
        '        mountDir: "/m"}',
        "      + {a: {b: [1, {}], c: []}}",
    ]
