"""Bodies: compact JSON, archives as base64, secrets as their text."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcdeploy.cloud import body as bodies
from fcdeploy.cloud.body import UnusableArchive, body
from fcdeploy.model import ArchiveRef, Output, Sensitive


def spooled(folder: Path, content: bytes) -> ArchiveRef:
    ref = ArchiveRef(sha256=hashlib.sha256(content).hexdigest(), crc64="0", size=len(content))
    (folder / ref.sha256).write_bytes(content)
    return ref


def no_archives(digest: str) -> Path:
    raise AssertionError(digest)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, b""),
        ({}, b"{}"),
        ({"a": [1, None, True, "ü"], "b": 0}, b'{"a":[1,null,true,"\\u00fc"],"b":0}'),
        ({"password": Sensitive('s"1', parts=({"secret": "X"},))}, b'{"password":"s\\"1"}'),
        (MappingProxyType({"a": (1, MappingProxyType({"b": 2}))}), b'{"a":[1,{"b":2}]}'),
    ],
)
def test_json(value: object, text: bytes) -> None:
    made = body(value, no_archives)
    assert (made.whole, made.length, b"".join(made.chunks())) == (text, len(text), text)


@pytest.mark.parametrize("value", [{"a": Output(step="1", pointer="/x")}, {"a": {1}}])
def test_what_cannot_be_sent_is_our_mistake(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be sent"):
        body(value, no_archives)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000, bodies.ARCHIVE_INLINE, bodies.ARCHIVE_INLINE + 1, 1_000_003])
def test_archives_are_base64_whatever_their_size(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    ref = spooled(tmp_path, content)
    made = body({"code": {"zipFile": ref}, "again": ref, "name": "x"}, lambda digest: tmp_path / digest)
    whole = b"".join(made.chunks())
    text = base64.b64encode(content).decode()
    assert json.loads(whole) == {"code": {"zipFile": text}, "again": text, "name": "x"}
    assert (made.length, made.sha256()) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert (made.whole is None) is (size > bodies.ARCHIVE_INLINE)
    assert max(map(len, made.chunks())) < 2 * 1024 * 1024


def test_a_folder_that_many_functions_share_is_read_once(tmp_path: Path) -> None:
    shared = spooled(tmp_path, b"shared")
    others = [spooled(tmp_path, bytes([n]) * 9) for n in range(3 * bodies.KEPT)]
    large = spooled(tmp_path, b"x" * (bodies.ARCHIVE_INLINE + 1))
    read: list[str] = []

    def archive(digest: str) -> Path:
        read.append(digest)
        return tmp_path / digest

    kept: dict[str, bytes] = {}
    sent = [body({"name": n, "zipFile": shared}, archive, kept).whole for n in range(1000)]
    assert read == [shared.sha256]
    text = base64.b64encode(b"shared").decode()
    assert [json.loads(one or b"") for one in sent] == [{"name": n, "zipFile": text} for n in range(1000)]
    for ref in (*others, large):
        body({"zipFile": ref}, archive, kept)
        assert len(kept) <= bodies.KEPT
    assert large.sha256 not in kept


def test_an_archive_that_is_not_what_it_was(tmp_path: Path) -> None:
    ref = spooled(tmp_path, b"zip")
    (tmp_path / ref.sha256).write_bytes(b"other bytes")
    with pytest.raises(UnusableArchive, match="has 11 bytes and should have 3"):
        body({"zipFile": ref}, lambda digest: tmp_path / digest)
    (tmp_path / ref.sha256).unlink()
    with pytest.raises(UnusableArchive, match="cannot be read"):
        body({"zipFile": ref}, lambda digest: tmp_path / digest)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda kids: st.dictionaries(st.text(), kids))
)
def test_any_json_survives(value: object) -> None:
    made = body({"v": value}, no_archives)
    assert json.loads(b"".join(made.chunks())) == {"v": value}
