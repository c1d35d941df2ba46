"""S27: what differs between the live archive and the planned one; and that no live archive does harm."""

from __future__ import annotations

import io
import os
import random
import stat
import struct
import tempfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fcdeploy.package import zipreader
from fcdeploy.package.archive import Archive, build_archive
from fcdeploy.package.difference import ArchiveDifference, archive_difference
from fcdeploy.package.errors import PackageError
from fcdeploy.package.sources import read_code_source

TREE = {"a.py": b"a = 1\n", "bin/run": b"#!/bin/sh\n" * 40, "data.bin": bytes(range(256)), "é.txt": b""}


@pytest.fixture
def planned(tmp_path: Path, write_tree: Callable[..., Path], archive_of: Callable[..., Archive]) -> Archive:
    root = write_tree(tmp_path / "code", TREE, executable=frozenset({"bin/run"}))
    return archive_of(root, tmp_path / "cache")


def live_zip(
    tree: Mapping[str, bytes],
    *,
    executable: frozenset[str] = frozenset({"bin/run"}),
    method: int = zipfile.ZIP_DEFLATED,
    system: int = 3,
    when: tuple[int, int, int, int, int, int] = (2024, 5, 17, 3, 2, 0),
) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as opened:
        for name, content in tree.items():
            found = zipfile.ZipInfo(name, when)
            found.create_system = system
            if system == 3:
                found.external_attr = (stat.S_IFREG | (0o775 if name in executable else 0o664)) << 16
            opened.writestr(found, content, method)
    return packed.getvalue()


EQUAL = ArchiveDifference(added=(), removed=(), changed=())


def test_an_archive_equals_itself(planned: Archive) -> None:
    assert archive_difference(planned.path, planned) == EQUAL
    assert archive_difference(planned.path.read_bytes(), planned).equal


@pytest.mark.parametrize(
    "live",
    [
        live_zip(TREE),
        live_zip(TREE, method=zipfile.ZIP_STORED),
        live_zip(dict(reversed(TREE.items()))),
        live_zip({"bin/": b"", "empty/": b"", **TREE}),
        live_zip({f"./{name}": content for name, content in TREE.items()}, executable=frozenset({"./bin/run"})),
        live_zip(TREE, system=0, executable=frozenset()),
        live_zip({**TREE, "a.py": b"a = 1\n"}, when=(1999, 1, 1, 0, 0, 0)),
    ],
    ids=["times and modes", "stored", "order", "folders", "dotted", "no Unix modes", "old"],
)
def test_what_does_not_count(planned: Archive, live: bytes) -> None:
    assert archive_difference(live, planned) == EQUAL


def test_names_in_utf8_that_do_not_say_so(planned: Archive) -> None:
    raw = live_zip({**{name: content for name, content in TREE.items() if name.isascii()}, "\u00e9.txt": b""})
    plain = raw.replace(b"\x00\x08\x08\x00", b"\x00\x00\x08\x00")  # the flag beside "deflate", in both headers
    assert raw != plain
    assert archive_difference(plain, planned) == EQUAL


def test_a_name_given_twice_means_the_last(planned: Archive) -> None:
    packed = io.BytesIO(live_zip({**TREE, "a.py": b"older\n"}))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(packed, "a") as opened:
        opened.writestr("a.py", TREE["a.py"])
    assert archive_difference(packed.getvalue(), planned) == EQUAL


def test_what_counts(planned: Archive) -> None:
    live = live_zip(
        {"a.py": b"a = 2\n", "bin/run": TREE["bin/run"], "data.bin": b"short", "old.py": b"", "lib/old.py": b""},
        executable=frozenset(),
    )
    found = archive_difference(live, planned)
    assert found == ArchiveDifference(
        added=("é.txt",), removed=("lib/old.py", "old.py"), changed=("a.py", "bin/run", "data.bin")
    )
    assert not found.equal


def test_a_link_is_not_a_file_of_the_same_content(planned: Archive) -> None:
    packed = io.BytesIO(live_zip({name: content for name, content in TREE.items() if name != "a.py"}))
    with zipfile.ZipFile(packed, "a") as opened:
        link = zipfile.ZipInfo("a.py")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o644) << 16
        opened.writestr(link, TREE["a.py"])
    assert archive_difference(packed.getvalue(), planned).changed == ("a.py",)


def test_against_an_archive_sent_as_it_is(tmp_path: Path, archive_of: Callable[..., Archive]) -> None:
    (tmp_path / "code.zip").write_bytes(live_zip(TREE))
    planned = archive_of(tmp_path, tmp_path / "cache", "code.zip")
    assert archive_difference(live_zip(TREE, method=zipfile.ZIP_STORED), planned) == EQUAL
    assert archive_difference(live_zip({**TREE, "a.py": b"a = 9\n"}), planned).changed == ("a.py",)


TREES = st.dictionaries(
    st.sampled_from(["a", "b.py", "lib/c", "lib/d.py", "é/f", "g"]), st.binary(max_size=40), min_size=1
)


@settings(max_examples=40, deadline=None)
@given(TREES, TREES)
def test_symmetric_and_empty_on_equal_trees(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        archives = []
        for name, tree in (("one", one), ("other", other)):
            for file, content in tree.items():
                (root / name / file).parent.mkdir(parents=True, exist_ok=True)
                (root / name / file).write_bytes(content)
            archives.append(build_archive(read_code_source(name, root), root / "cache"))
        first, second = archives
        there, back = archive_difference(first.path, second), archive_difference(second.path, first)
    assert (there.added, there.removed, there.changed) == (back.removed, back.added, back.changed)
    assert there.equal == back.equal == (one == other) == (first.sha256 == second.sha256)
    assert set(there.added) == other.keys() - one.keys()
    assert set(there.changed) == {name for name in one.keys() & other.keys() if one[name] != other[name]}


def test_a_bomb_is_not_unpacked(planned: Archive) -> None:
    bomb = live_zip({"a.py": bytes(300 << 20), "bomb": bytes(1 << 20)})
    tracemalloc.start()
    began = time.process_time()
    found = archive_difference(bomb, planned)
    spent = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "a.py" in found.changed and found.removed == ("bomb",)
    assert peak < 2 << 20
    began = time.process_time()
    with zipfile.ZipFile(io.BytesIO(bomb)) as opened:
        opened.testzip()
    assert spent < (time.process_time() - began) / 2, "unpacking it all takes longer"


def test_a_bomb_that_lies_about_its_size(planned: Archive) -> None:
    true_size, stated = 40 << 20, len(TREE["a.py"])
    bomb = live_zip({**TREE, "a.py": bytes(true_size)}).replace(struct.pack("<L", true_size), struct.pack("<L", stated))
    tracemalloc.start()
    with pytest.raises(PackageError, match="not a readable ZIP"):
        archive_difference(bomb, planned)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 << 20


def test_a_directory_out_of_proportion(planned: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = live_zip({f"{number}": b"" for number in range(500)})
    assert len(archive_difference(crowd, planned).removed) == 500
    monkeypatch.setattr(zipreader, "MOST_DIRECTORY_BYTES", 20_000)
    with pytest.raises(PackageError, match="not a readable ZIP") as caught:
        archive_difference(crowd, planned)
    assert "directory alone takes" in caught.value.detail


def test_a_zip64_directory_out_of_proportion(planned: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 10)  # makes the library write ZIP64 records
    crowd = live_zip({f"{number}": b"" for number in range(500)})
    assert b"PK\x06\x06" in crowd
    assert len(archive_difference(crowd, planned).removed) == 500
    monkeypatch.setattr(zipreader, "MOST_DIRECTORY_BYTES", 20_000)
    with pytest.raises(PackageError, match="not a readable ZIP") as caught:
        archive_difference(crowd, planned)
    assert "directory alone takes" in caught.value.detail


def test_a_zip64_locator_that_leads_to_a_decoy(planned: Archive) -> None:
    """Readers may believe the record that the locator names or the one before it: neither may state too much."""
    form = struct.Struct("<4sQ2H2L4Q")
    decoy = form.pack(b"PK\x06\x06", 44, 20, 20, 0, 0, 0, 0, 0, 0)
    adjacent = form.pack(b"PK\x06\x06", 44, 20, 20, 0, 0, 0, 0, 1 << 40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    for first, second in ((decoy, adjacent), (adjacent, decoy)):
        with pytest.raises(PackageError) as caught:
            archive_difference(first + second + locator + end, planned)
        assert "directory alone takes 1,099,511,627,776 bytes" in caught.value.detail


@pytest.mark.parametrize(
    "live",
    [
        b"",
        b"PK",
        b"<html>AccessDenied</html>",
        b"PK\x05\x06" + b"\xff" * 18,
        b"PK\x06\x06" + bytes(52) + b"PK\x06\x07" + b"\xff" * 16 + b"PK\x05\x06" + b"\xff" * 16 + b"\0\0",
        b"PK\x06\x07" + bytes(16) + b"PK\x05\x06" + bytes(18),
        live_zip(TREE)[:-1],
        live_zip(TREE)[: len(live_zip(TREE)) // 2],
        live_zip(TREE, method=zipfile.ZIP_LZMA),
        live_zip(TREE, method=zipfile.ZIP_BZIP2),
    ],
)
def test_what_is_no_readable_archive(planned: Archive, live: bytes) -> None:
    with pytest.raises(PackageError) as caught:
        archive_difference(live, planned)
    assert caught.value.summary == "the archive is not a readable ZIP"
    assert caught.value.detail and caught.value.path is None


def test_an_empty_archive_lacks_everything(planned: Archive) -> None:
    assert archive_difference(b"PK\x05\x06" + bytes(18), planned).added == tuple(sorted(TREE))


def test_a_missing_file(planned: Archive, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="not a readable ZIP") as caught:
        archive_difference(tmp_path / "none.zip", planned)
    assert caught.value.path == tmp_path / "none.zip"


WHOLE = live_zip(TREE)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6))
@example(seed=0, times=1)
def test_mutated_archives_end_cleanly(seed: int, times: int) -> None:
    """Whatever is broken, the answer is a difference or a PackageError."""
    chance = random.Random(seed)
    content = bytearray(WHOLE)
    for _ in range(times):
        at = chance.randrange(len(content))
        match chance.randrange(4):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                content[at : at + 4] = chance.choice([b"\xff" * 4, bytes(4), chance.randbytes(4)])
            case 2:
                del content[at : at + chance.randrange(1, 30)]
            case _:
                content[at:at] = chance.randbytes(chance.randrange(1, 30))
        if not content:
            break
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "a.py").write_bytes(TREE["a.py"])
        planned = build_archive(read_code_source("a.py", root), root)
        other = root / "live.zip"
        other.write_bytes(content)
        try:
            found = archive_difference(bytes(content), planned)
            assert isinstance(found.equal, bool)
        except PackageError as error:
            assert error.detail
        try:
            built = build_archive(read_code_source("live.zip", root), root)
            assert built.size == len(content)
        except PackageError as error:
            assert error.path == other
    assert not os.path.exists(folder)
