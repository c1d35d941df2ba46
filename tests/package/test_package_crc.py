"""Every figure of facts 12, and that a stream gives what the whole gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcdeploy.package.crc import checksum_text, crc64_xz

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"123456789", "11051210869376104954"),
        (b"", "0"),
        (b"hello", "11177612005948864433"),
        (EMPTY_ZIP, "2220831586920633690"),
    ],
)
def test_figures_of_the_fact_sheet(content: bytes, text: str) -> None:
    assert checksum_text(crc64_xz(content)) == text


def test_check_value_in_hex() -> None:
    assert crc64_xz(b"123456789") == 0x995DC9BBDF1939FA


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_pieces_give_what_the_whole_gives(pieces: list[bytes]) -> None:
    crc = 0
    for piece in pieces:
        crc = crc64_xz(piece, crc)
    assert crc == crc64_xz(b"".join(pieces)) == crc64_xz(memoryview(b"".join(pieces)))
