"""The mark at the end of a description: written, read, and never taken for somebody's text (S10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fcdeploy.engine.marks import as_travelling, marked, unmarked, with_mark, without_mark
from fcdeploy.kinds.descriptor import Marking
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Address, Live, Mark, Sensitive, from_json, to_json

OURS = Mark(project="shop", target="dev")
FUNCTION = KINDS[("alibaba", "function")]
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
MARKS = st.builds(Mark, project=NAMES, target=st.builds("/".join, st.lists(NAMES, min_size=1, max_size=3)))


@pytest.mark.parametrize(
    ("travelling", "text", "mark"),
    [
        ("Resizes. [fcdeploy:shop/dev]", "Resizes.", OURS),
        ("[fcdeploy:shop/dev]", "", OURS),
        (" [fcdeploy:shop/dev]", "", OURS),
        ("Two  [fcdeploy:shop/dev]", "Two ", OURS),
        ("Many\nlines [fcdeploy:shop/dev]", "Many\nlines", OURS),
        ("x [fcdeploy:shop/prod/cn-shanghai]", "x", Mark(project="shop", target="prod/cn-shanghai")),
        ("x [fcdeploy:a/b] [fcdeploy:shop/dev]", "x [fcdeploy:a/b]", OURS),
        ("x [fcdeploy:/]", "x", Mark(project="", target="")),
        # Not marks.
        ("", "", None),
        ("[fcdeploy:shop/dev] first", "[fcdeploy:shop/dev] first", None),
        ("x [fcdeploy:shop/dev]\n", "x [fcdeploy:shop/dev]\n", None),
        ("x[fcdeploy:shop/dev]", "x[fcdeploy:shop/dev]", None),
        ("x [fcdeploy:shop]", "x [fcdeploy:shop]", None),
        ("x [fcdeploy:shop/de v]", "x [fcdeploy:shop/de v]", None),
        ("x [FCDEPLOY:shop/dev]", "x [FCDEPLOY:shop/dev]", None),
    ],
)
def test_a_mark_is_read(travelling: str, text: str, mark: Mark | None) -> None:
    assert without_mark(travelling) == (text, mark)


@given(st.text(max_size=40), MARKS)
def test_what_is_written_is_read_back(text: str, mark: Mark) -> None:
    travelling = with_mark(text, mark)
    assert without_mark(travelling) == (text, mark)
    assert len(travelling) - len(text) == len(mark.suffix) - (not text)


def test_a_secret_in_a_description_stays_one() -> None:
    text = Sensitive("for ACME", parts=("for ", {"secret": "CUSTOMER"}))
    travelling = with_mark(text, OURS)
    assert isinstance(travelling, Sensitive)
    assert str.__str__(travelling) == "for ACME [fcdeploy:shop/dev]"
    assert from_json(to_json(travelling), lambda part: "ACME") == travelling


def test_the_body_of_a_kind_with_a_place_for_it() -> None:
    assert FUNCTION.mark_field == "description"
    body = {"description": "d", "timeout": 3}
    assert marked(FUNCTION, body, OURS) == {"description": "d [fcdeploy:shop/dev]", "timeout": 3}
    assert marked(FUNCTION, {"timeout": 3}, OURS) == {"description": "[fcdeploy:shop/dev]", "timeout": 3}
    assert marked(FUNCTION, body, None) == body
    assert unmarked(FUNCTION, marked(FUNCTION, body, OURS)) == (body, OURS)
    assert unmarked(FUNCTION, {"description": None}) == ({"description": None}, None)


def test_a_kind_without_a_place_for_it_is_left_alone() -> None:
    service = KINDS[("alibaba", "service")]
    body = {"description": "d [fcdeploy:shop/dev]"}
    assert unmarked(service, body) == (body, None)
    assert marked(service, body, OURS) == body


def test_a_live_body_travels_with_its_mark_once() -> None:
    address = Address(provider="alibaba", target="dev", kind="function", identity=("s", "f"))
    live = Live(address=address, body={"description": "d"}, raw={}, mark=OURS)
    there = as_travelling(FUNCTION, live)
    assert there.body == {"description": "d [fcdeploy:shop/dev]"}
    assert as_travelling(FUNCTION, there) == there
    assert as_travelling(FUNCTION, replace(live, mark=None)).body == {"description": "d"}


def test_a_descriptor_that_has_no_place_for_its_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the field"):
        replace(FUNCTION, marking=Marking.DESCRIPTION, mark_field="")
    with pytest.raises(ValueError, match="no text field timeout"):
        replace(FUNCTION, mark_field="timeout")
    with pytest.raises(ValueError, match="no text field descripton"):
        replace(FUNCTION, mark_field="descripton")
