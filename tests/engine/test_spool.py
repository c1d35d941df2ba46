"""Files by content: whole or absent, private, verified, and forgotten on time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fcdeploy.engine.spool import Spool
from fcdeploy.errors import JournalError


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def names(spool: Spool) -> list[str]:
    return sorted(path.name for path in spool.folder.iterdir())


def test_bytes_come_back_under_their_hash(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "a" / "spool")
    for content in (b"", b"x", os.urandom(3_000_000)):
        assert spool.write_bytes(content) == sha(content)
        assert spool.write_bytes(content) == sha(content)
        assert spool.read_bytes(sha(content)) == content
        assert spool.path(sha(content)).read_bytes() == content
    assert len(names(spool)) == 3


def test_modes_under_an_open_umask(tmp_path: Path) -> None:
    source = tmp_path / "cache.zip"
    before = os.umask(0)
    try:
        source.write_bytes(b"cached")
        spool = Spool(tmp_path / "a" / "spool")
        stored = [spool.write_bytes(b"x"), spool.adopt_file(source), spool.adopt_file(source, immutable=True)]
    finally:
        os.umask(before)
    assert {spool.path(name).stat().st_mode & 0o777 for name in stored} == {0o600}
    assert spool.folder.stat().st_mode & 0o777 == spool.folder.parent.stat().st_mode & 0o777 == 0o700
    assert source.stat().st_mode & 0o777 == 0o666


def test_an_adopted_file_is_a_copy_unless_nobody_writes_to_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    users, cached = tmp_path / "users.zip", tmp_path / "cached.zip"
    users.write_bytes(b"users")
    cached.write_bytes(b"cached")
    for path in (users, cached):
        path.chmod(0o600)
    stored = spool.adopt_file(users)
    users.write_bytes(b"changed in place")
    assert spool.read_bytes(stored) == b"users"
    linked = spool.adopt_file(cached, immutable=True)
    assert spool.path(linked).stat().st_ino == cached.stat().st_ino
    cached.unlink()
    assert spool.read_bytes(linked) == b"cached"


def test_many_files_some_of_them_equal(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    paths = []
    for number in range(60):
        paths.append(tmp_path / f"{number}.zip")
        paths[-1].write_bytes(f"archive {number % 20}".encode())
        paths[-1].chmod(0o600)
    for immutable in (True, False, True):
        assert spool.adopt_files(paths, immutable=immutable) == [sha(path.read_bytes()) for path in paths]
        assert names(spool) == sorted({sha(path.read_bytes()) for path in paths})


def test_one_hard_linked_file_from_many_threads_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    path = tmp_path / "one.zip"
    path.write_bytes(b"one")
    path.chmod(0o600)
    with ThreadPoolExecutor(8) as pool:
        stored = set(pool.map(lambda _: spool.adopt_file(path, immutable=True), range(40)))
    assert stored == {sha(b"one")}
    assert names(spool) == [sha(b"one")]


def test_a_link_that_a_twin_made_first_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "spool")
    path = tmp_path / "one.zip"
    path.write_bytes(b"one")
    path.chmod(0o600)
    spool.adopt_file(path, immutable=True)
    # As if the twin's link had appeared just after the look for it.
    monkeypatch.setattr(Spool, "_is_whole", lambda *_: False)
    assert spool.adopt_file(path, immutable=True) == sha(b"one")
    assert names(spool) == [sha(b"one")]


def test_what_is_damaged_is_refused_when_read_and_mended_when_stored_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    stored = spool.write_bytes(b"content")
    spool.path(stored).write_bytes(b"contenu")
    with pytest.raises(JournalError, match="damaged") as caught:
        spool.read_bytes(stored)
    assert caught.value.hint
    assert spool.write_bytes(b"content") == stored
    assert spool.read_bytes(stored) == b"content"


def test_what_is_missing_is_said_to_be(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "never made")
    assert not spool.holds("0" * 64)
    for ask in (spool.path, spool.read_bytes):
        with pytest.raises(JournalError, match="000000000000 is missing"):
            ask("0" * 64)
    assert spool.forget(()) == 0


@pytest.mark.parametrize("name", ["", "../journal.db", "AB" * 32, "0" * 63, "0" * 64 + "\n"])
def test_a_name_that_is_no_hash_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        Spool(tmp_path).path(name)


def test_forget_keeps_what_is_named_and_what_is_not_its_own(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    kept, gone = spool.write_bytes(b"kept"), spool.write_bytes(b"gone")
    (tmp_path / "README").write_text("a person's own note")
    (tmp_path / ".new-00").write_bytes(b"half")
    assert spool.forget({kept}) == 2
    assert names(spool) == sorted(["README", kept])
    assert not spool.holds(gone)


def test_a_source_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    with pytest.raises(JournalError) as caught:
        spool.adopt_files([tmp_path / "absent.zip"])
    assert "absent.zip" in caught.value.detail
    assert names(spool) == []


def test_a_folder_that_cannot_be_made_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="nothing can be stored"):
        Spool(tmp_path / "file" / "spool").write_bytes(b"x")


FULL = """
import resource, sys
from pathlib import Path
from fcdeploy.engine.spool import Spool
from fcdeploy.errors import JournalError
spool = Spool(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    spool.write_bytes(b"x" * 5000)
except JournalError as error:
    print(error.summary, error.hint)
print(spool.write_bytes(b"small"))
"""


def test_a_full_disk_stores_nothing_half(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "spool")], capture_output=True, text=True)
    first, second = ran.stdout.splitlines()
    assert first.startswith("nothing can be stored in ") and "space" in first
    assert second == sha(b"small")
    assert names(Spool(tmp_path / "spool")) == [second]
