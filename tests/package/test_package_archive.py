"""S26: the same folder gives the same bytes, on every machine, and a ZIP that everyone can read."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import stat
import subprocess
import sys
import tempfile
import textwrap
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import cramjam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcdeploy.package import deflate
from fcdeploy.package.archive import Archive, archive_path, build_archive, write_archive
from fcdeploy.package.crc import checksum_text, crc64_xz
from fcdeploy.package.errors import PackageError
from fcdeploy.package.listing import read_listing
from fcdeploy.package.sources import read_code_source

# A tree with everything that the format has a rule for; its large file goes through the streaming encoder.
GOLDEN_SCRIPT = textwrap.dedent(
    """
    import json, os, random, sys
    from pathlib import Path

    umask, order, root, cache = int(sys.argv[1], 8), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    os.umask(umask)
    noise = random.Random(26)
    words = [bytes(noise.choices(b"abcdefghij", k=noise.randrange(2, 9))) for _ in range(500)]
    tree = {
        "index.py": b"def handler(event, context):\\n    return event\\n",
        "bin/run.sh": b"#!/bin/sh\\nexec true\\n",
        "empty": b"",
        "one": b"1",
        "caf\\u00e9/na\\u0308me.txt": "Gr\\u00fc\\u00dfe\\n".encode() * 50,
        "data/noise.bin": noise.randbytes(200_000),
        "data/large.txt": b" ".join(noise.choices(words, k=400_000)),
        "data/large.bin": noise.randbytes(1_500_000),
        ".env": b"SECRET=1",
        "__pycache__/index.cpython-311.pyc": noise.randbytes(10),
    }
    for name in sorted(tree, reverse=order == "backward"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tree[name])
        if name.startswith("bin/"):
            path.chmod(path.stat().st_mode | 0o100)
        os.utime(path, (noise.randrange(2**31), noise.randrange(2**31)))

    from fcdeploy.package.archive import build_archive
    from fcdeploy.package.sources import read_code_source

    archive = build_archive(read_code_source(str(root), root), cache)
    mode = archive.path.stat().st_mode & 0o777, archive.path.parent.stat().st_mode & 0o777
    print(json.dumps([archive.sha256, archive.crc64, archive.size, len(archive.entries), *mode]))
    """
)
GOLDEN = [
    "9df2bd8a5d9e8dc7d4ab7aa00584031d91eed5b5fa6a067b0c80e85f7649ed39",
    "4808111009283084219",
    2469463,
    8,
    0o600,
    0o700,
]


@pytest.mark.parametrize(("umask", "order"), [("022", "forward"), ("077", "backward")])
def test_golden_archive(tmp_path: Path, umask: str, order: str) -> None:
    """Whoever changes these figures makes every function of every user look changed once."""
    done = subprocess.run(
        [sys.executable, "-c", GOLDEN_SCRIPT, umask, order, str(tmp_path / "code"), str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == GOLDEN


def test_the_pinned_encoder_is_installed() -> None:
    assert cramjam.__version__ == deflate.ENCODER_VERSION


def test_another_encoder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").touch()
    monkeypatch.setattr(deflate, "ENCODER_VERSION", "0.0.1")
    with pytest.raises(PackageError, match=r"archives are made with 0\.0\.1") as caught:
        build_archive(read_code_source("a.py", tmp_path), tmp_path / "cache")
    assert "cramjam==0.0.1" in caught.value.hint


@given(st.binary(max_size=2000), st.integers(1, 60))
def test_whole_and_streamed_deflate_agree(content: bytes, times: int) -> None:
    chunk = content * times
    packed = deflate.deflated_whole(chunk)
    assert packed == b"".join(deflate.deflated([chunk]))
    assert zlib.decompress(packed, -15) == chunk


def test_every_byte_of_a_small_archive(tmp_path: Path, archive_of: Callable[..., Archive]) -> None:
    (tmp_path / "é").write_bytes(b"hi")
    built = archive_of(tmp_path, tmp_path / "cache", "é")
    crc = zlib.crc32(b"hi").to_bytes(4, "little")
    common = (
        b"\x14\0" + b"\0\x08" + b"\0\0" + b"\0\0" + b"\x21\0"  # needs 2.0, UTF-8 name, stored, 00:00, 1980-01-01
        + crc + b"\x02\0\0\0" * 2 + b"\x02\0" + b"\0\0"
    )  # fmt: skip
    local = b"PK\x03\x04" + common + "é".encode() + b"hi"
    central = b"PK\x01\x02" + b"\x14\x03" + common + bytes(6) + b"\0\0\xa4\x81" + bytes(4) + "é".encode()
    end = b"PK\x05\x06" + bytes(4) + b"\x01\0" * 2 + len(central).to_bytes(4, "little")
    end += len(local).to_bytes(4, "little") + bytes(2)
    assert built.path.read_bytes() == local + central + end


def test_what_the_standard_library_reads(
    tmp_path: Path, write_tree: Callable[..., Path], archive_of: Callable[..., Archive]
) -> None:
    tree = {"b.py": b"print(1)\n" * 99, "a/run": b"#!/bin/sh\n", "a/é.txt": b"", "z.bin": os.urandom(3000)}
    root = write_tree(tmp_path / "code", tree, executable=frozenset({"a/run"}))
    built = archive_of(root, tmp_path / "cache")
    with zipfile.ZipFile(built.path) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == ["a/run", "a/é.txt", "b.py", "z.bin"]
        assert {name: opened.read(name) for name in opened.namelist()} == tree
        assert {found.date_time for found in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        modes = {found.filename: found.external_attr >> 16 for found in opened.infolist()}
        methods = {found.filename: found.compress_type for found in opened.infolist()}
    assert modes.pop("a/run") == stat.S_IFREG | 0o755
    assert set(modes.values()) == {stat.S_IFREG | 0o644}
    assert methods == {"a/run": 0, "a/é.txt": 0, "b.py": 8, "z.bin": 0}, "packed only where it shrinks"


def test_the_archive_tells_the_truth_about_its_bytes(
    tmp_path: Path, write_tree: Callable[..., Path], archive_of: Callable[..., Archive]
) -> None:
    tree = {"b.py": b"x = 1\n", "a/run": b"#!/bin/sh\n"}
    root = write_tree(tmp_path / "code", tree, executable=frozenset({"a/run"}))
    built = archive_of(root, tmp_path / "cache")
    content = built.path.read_bytes()
    assert built.sha256 == hashlib.sha256(content).hexdigest()
    assert built.crc64 == checksum_text(crc64_xz(content))
    assert built.sha512 == hashlib.sha512(content).hexdigest()
    assert built.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert built.size == len(content)
    assert built.path == archive_path(tmp_path / "cache", built.sha256)
    assert [(entry.name, entry.mode, entry.size, entry.sha256, entry.link) for entry in built.entries] == [
        ("a/run", 0o755, 10, hashlib.sha256(tree["a/run"]).hexdigest(), False),
        ("b.py", 0o644, 6, hashlib.sha256(tree["b.py"]).hexdigest(), False),
    ]
    assert [path.name for path in built.path.parent.iterdir()] == [built.path.name], "no spool is left"


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20, (2 << 20) + 7])
@pytest.mark.parametrize("packs", [True, False])
def test_sizes_around_a_chunk(tmp_path: Path, archive_of: Callable[..., Archive], size: int, packs: bool) -> None:
    content = b"0123456789abcdef" * (size // 16 + 1) if packs else random.Random(size).randbytes(size)
    (tmp_path / "f").write_bytes(content[:size])
    built = archive_of(tmp_path, tmp_path / "cache", "f")
    with zipfile.ZipFile(built.path) as opened:
        assert opened.read("f") == content[:size]
    assert built.entries[0].sha256 == hashlib.sha256(content[:size]).hexdigest()
    if size > 1:
        assert (built.size < size) is packs


def test_a_file_with_a_compact_head_and_a_random_tail(tmp_path: Path, archive_of: Callable[..., Archive]) -> None:
    content = bytes(3 << 20) + os.urandom(3 << 20)
    (tmp_path / "f").write_bytes(content)
    built = archive_of(tmp_path, tmp_path / "cache", "f")
    with zipfile.ZipFile(built.path) as opened:
        assert opened.read("f") == content
    assert built.size < (3 << 20) * 1.01


@pytest.mark.proof
def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import random, resource, sys
        from pathlib import Path
        from fcdeploy.package.archive import build_archive
        from fcdeploy.package.sources import read_code_source

        root = Path(sys.argv[1])
        noise = random.Random(1)
        block = b"".join(noise.choices([noise.randbytes(9) for _ in range(3000)], k=29128))[: 1 << 18]
        def peak(name, blocks):
            with (root / name).open("wb") as file:
                for number in range(blocks):
                    file.write(block if number % 2 else noise.randbytes(1 << 18))
            build_archive(read_code_source(name, root), root / "cache")
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        print(peak("small", 12), peak("large", 160), peak("stored", 0), peak("again", 160))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    small, large, _, again = map(int, done.stdout.split())
    assert large - small < 4 << 20, "from 3 MB to 40 MB of content"
    assert again - large < 2 << 20


def test_an_archive_is_sent_as_it_is(tmp_path: Path, archive_of: Callable[..., Archive]) -> None:
    with zipfile.ZipFile(tmp_path / "app.jar", "w", zipfile.ZIP_DEFLATED) as jar:
        jar.writestr("META-INF/", b"")
        jar.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF"), b"Main: x\n")
        link = zipfile.ZipInfo("lib/current")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        jar.writestr(link, b"v1")
        windows = zipfile.ZipInfo("./a.txt")
        windows.create_system = 0
        jar.writestr(windows, b"a")
    content = b"#!/bin/sh\nexec java -jar $0\n" + (tmp_path / "app.jar").read_bytes()
    (tmp_path / "app.jar").write_bytes(content)
    built = archive_of(tmp_path, tmp_path / "cache", "app.jar")
    assert built.path.read_bytes() == content
    assert [(entry.name, entry.mode, entry.link) for entry in built.entries] == [
        ("META-INF/MANIFEST.MF", 0o600, False),
        ("lib/current", 0o777, True),
        ("a.txt", None, False),
    ]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip at all" * 99, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_refused(tmp_path: Path, archive_of: Callable[..., Archive], content: bytes) -> None:
    (tmp_path / "code.zip").write_bytes(content)
    with pytest.raises(PackageError, match=r"code\.zip is not a readable ZIP") as caught:
        archive_of(tmp_path, tmp_path / "cache", "code.zip")
    assert caught.value.path == tmp_path / "code.zip"
    assert list((tmp_path / "cache" / "archives").iterdir()) == []


def test_a_damaged_archive_is_refused(tmp_path: Path, archive_of: Callable[..., Archive]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr("a.txt", b"some content")
    (tmp_path / "code.zip").write_bytes(packed.getvalue().replace(b"some content", b"same content"))
    with pytest.raises(PackageError, match="not a readable ZIP") as caught:
        archive_of(tmp_path, tmp_path / "cache", "code.zip")
    assert "a.txt" in caught.value.detail


def test_a_file_that_changed_since_it_was_listed(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"before")
    source = read_code_source("f", tmp_path)
    listing = read_listing(source)
    (tmp_path / "f").write_bytes(b"afterwards")
    with pytest.raises(PackageError, match="f changed while it was packaged"):
        write_archive(source, listing, tmp_path / "cache")
    (tmp_path / "f").unlink()
    with pytest.raises(PackageError, match="f cannot be read"):
        write_archive(source, listing, tmp_path / "cache")
    os.mkfifo(tmp_path / "f")
    with pytest.raises(PackageError, match="f changed while it was packaged"):
        write_archive(source, listing, tmp_path / "cache")
    assert list((tmp_path / "cache" / "archives").iterdir()) == []


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    """A large file is written to when its first chunk has been read and the place for the rest is opened."""
    path = tmp_path / "f"
    path.write_bytes(b"0123456789abcdef" * (1 << 17))
    opened: list[str] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open":
            opened.append(str(arguments[0]))
            if (
                str(path) in opened[:-1]
                and opened[-1].startswith(str(tmp_path / "cache"))
                and opened.count("done") == 0
            ):
                opened.append("done")
                os.truncate(path, 1 << 20)

    watching = True
    sys.addaudithook(watch)
    try:
        with pytest.raises(PackageError, match="f changed while it was packaged"):
            build_archive(read_code_source("f", tmp_path), tmp_path / "cache")
    finally:
        watching = False
    assert "done" in opened
    assert list((tmp_path / "cache" / "archives").iterdir()) == []


def test_oss_has_no_archive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="OSS"):
        build_archive(read_code_source("oss://my-bucket/key", tmp_path), tmp_path)


def test_a_path_is_only_made_of_a_digest(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sha256"):
        archive_path(tmp_path, "../../etc/passwd")


NAMES = st.lists(st.sampled_from(["a", "b", "a.py", "é", "e\u0301", "lib", "-", "K", "B"]), min_size=1, max_size=3)
TREES = st.dictionaries(NAMES.map("/".join), st.tuples(st.binary(max_size=200), st.booleans()), min_size=1, max_size=8)


def tree_on_disk(
    root: Path, tree: dict[str, tuple[bytes, bool]], seed: int, umask: int
) -> dict[str, tuple[bytes, bool]]:
    """Write as much of `tree` as can stand in one archive, in an order and at times of the seed's choice."""
    written: dict[str, tuple[bytes, bool]] = {}
    files: set[str] = set()
    folders: set[str] = set()
    for name, file in sorted(tree.items()):
        composed = unicodedata.normalize("NFC", name)
        above = {composed[:at] for at, letter in enumerate(composed) if letter == "/"}
        if composed not in files | folders and not above & files:
            written[name] = file
            files.add(composed)
            folders |= above
    before = os.umask(umask)
    try:
        chance = random.Random(seed)
        for name in chance.sample(sorted(written), len(written)):
            content, is_executable = written[name]
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if is_executable:
                path.chmod(path.stat().st_mode | 0o100)
            os.utime(path, (0, chance.randrange(1 << 31)))
    finally:
        os.umask(before)
    return written


@settings(max_examples=40, deadline=None)
@given(
    TREES,
    st.integers(),
    st.integers(),
    st.sampled_from([0o000, 0o022, 0o027, 0o077]),
    st.sampled_from(["NFC", "NFD"]),
)
def test_same_tree_same_bytes(
    tree: dict[str, tuple[bytes, bool]], one: int, other: int, umask: int, form: Literal["NFC", "NFD"]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        written = tree_on_disk(root / "1", tree, one, 0o022)
        tree_on_disk(root / "2", {unicodedata.normalize(form, name): written[name] for name in written}, other, umask)
        first = build_archive(read_code_source("1", root), root / "cache")
        second = build_archive(read_code_source("2", root), root / "cache")
        assert first == second
        with zipfile.ZipFile(first.path) as opened:
            assert opened.testzip() is None


@settings(max_examples=40, deadline=None)
@given(TREES, st.data())
def test_any_change_changes_both_checksums(tree: dict[str, tuple[bytes, bool]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        written = tree_on_disk(root / "code", tree, 1, 0o022)
        first = build_archive(read_code_source("code", root), root / "cache")
        name = data.draw(st.sampled_from(sorted(written)))
        path = root / "code" / name
        match data.draw(st.sampled_from(["content", "mode", "name", "new"])):
            case "content":
                before = written[name][0]
                path.write_bytes(data.draw(st.binary(max_size=200).filter(lambda new: new != before)))
            case "mode":
                path.chmod(path.stat().st_mode ^ 0o100)
            case "name":
                path.rename(path.with_name("renamed"))
            case "new":
                (root / "code" / "new").touch()
        second = build_archive(read_code_source("code", root), root / "cache")
        assert first.sha256 != second.sha256
        assert first.crc64 != second.crc64
