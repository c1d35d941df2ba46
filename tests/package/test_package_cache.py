"""S28: read once per run, found again between runs, and never wrong for being found."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.package.archive import Archive
from fcdeploy.package.cache import ArchiveCache
from fcdeploy.package.errors import PackageError
from fcdeploy.package.sources import CodeSource, read_code_source

HOUR_NS = 3_600_000_000_000


def an_hour_on() -> int:
    """What was just written counts as long settled (ctime cannot be set back)."""
    return time.time_ns() + HOUR_NS


class Runs:
    """Runs one after another on one folder, and how many archives they had to make together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._caches: list[ArchiveCache] = []

    def new(self, clock_ns: Callable[[], int] = an_hour_on) -> ArchiveCache:
        self._caches.append(ArchiveCache(self._folder, clock_ns=clock_ns))
        return self._caches[-1]

    @property
    def built(self) -> int:
        return sum(cache.built for cache in self._caches)


@pytest.fixture
def runs(folder: Path) -> Runs:
    return Runs(folder)


@pytest.fixture
def source(tmp_path: Path, write_tree: Callable[..., Path]) -> CodeSource:
    write_tree(tmp_path / "code", {"a.py": b"x = 1\n", "lib/b.py": b"y" * 5000}, executable=frozenset({"a.py"}))
    return read_code_source("code", tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_within_a_run_code_is_read_once(source: CodeSource, runs: Runs) -> None:
    run = runs.new()
    planned = run.archive(source)
    assert source.path is not None
    (source.path / "a.py").write_bytes(b"x = 2\n")
    assert run.archive(source) is planned, "what was planned is what is sent"
    assert runs.built == 1
    later = runs.new().archive(source)
    assert later.sha256 != planned.sha256
    assert run.read_archive(planned.sha256) == planned.path.read_bytes()


def test_between_runs_settled_code_is_not_read(source: CodeSource, runs: Runs) -> None:
    first = runs.new().archive(source)
    assert runs.new().archive(source) == first
    assert runs.built == 1
    assert source.path is not None
    os.utime(source.path / "a.py")
    assert runs.new().archive(source) == first, "other times, the same bytes"
    assert runs.built == 2


def test_young_code_is_not_trusted(source: CodeSource, folder: Path, runs: Runs) -> None:
    assert runs.new(time.time_ns).archive(source) == runs.new(time.time_ns).archive(source)
    assert runs.built == 2
    assert not (folder / "records").exists()


def test_code_read_while_young_is_not_trusted_when_it_is_old(source: CodeSource, runs: Runs) -> None:
    """Written, packaged and written again within a tick: the second content has the first one's identity."""
    first = runs.new(time.time_ns).archive(source)
    assert runs.new().archive(source) == first
    assert runs.built == 2


def test_code_from_the_future_is_not_trusted(source: CodeSource, runs: Runs) -> None:
    assert source.path is not None
    os.utime(source.path / "a.py", ns=(0, time.time_ns() + 2 * HOUR_NS))
    runs.new().archive(source)
    runs.new().archive(source)
    assert runs.built == 2


@pytest.mark.parametrize("change", ["content", "same size and time", "mode", "new", "gone", "renamed", "pattern"])
def test_every_change_is_seen(source: CodeSource, runs: Runs, change: str) -> None:
    root = source.path
    assert root is not None
    file = root / "a.py"
    first = runs.new().archive(source)
    match change:
        case "content":
            file.write_bytes(b"x = 22\n")
        case "same size and time":
            times = file.stat().st_atime_ns, file.stat().st_mtime_ns
            file.write_bytes(b"x = 3\n")
            os.utime(file, ns=times)
        case "mode":
            file.chmod(0o644)
        case "new":
            (root / "c.py").touch()
        case "gone":
            file.unlink()
        case "renamed":
            file.rename(root / "z.py")
        case "pattern":
            (root / ".fcignore").write_text("lib/\n")
    second = runs.new().archive(source)
    assert second.sha256 != first.sha256
    assert runs.built == 2


@pytest.mark.parametrize(
    "damage",
    [
        "record empty",
        "record cut",
        "record of another",
        "record flipped",
        "record gone",
        "archive gone",
        "archive cut",
        "archive flipped",
    ],
)
def test_damage_is_found_and_healed(source: CodeSource, folder: Path, runs: Runs, damage: str) -> None:
    first = runs.new().archive(source)
    good = first.path.read_bytes()
    (record,) = (folder / "records").iterdir()
    match damage:
        case "record empty":
            record.write_bytes(b"")
        case "record cut":
            record.write_bytes(record.read_bytes()[:-20])
        case "record of another":
            record.write_bytes(record.read_bytes().replace(record.stem[:8].encode(), b"00000000"))
        case "record flipped":
            record.write_bytes(record.read_bytes().replace(b'"size":', b'"sizf":'))
        case "record gone":
            record.unlink()
        case "archive gone":
            first.path.unlink()
        case "archive cut":
            os.truncate(first.path, 10)
        case "archive flipped":
            times = first.path.stat()
            first.path.write_bytes(good[:40] + bytes([good[40] ^ 1]) + good[41:])
            os.utime(first.path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert runs.new().archive(source) == first
    assert first.path.read_bytes() == good
    assert runs.built == 2
    assert runs.new().archive(source) == first
    assert runs.built == 2, "healed once and for all"


def test_an_archive_written_anew_by_another_process_is_checked_not_rebuilt(source: CodeSource, runs: Runs) -> None:
    first = runs.new().archive(source)
    content = first.path.read_bytes()
    first.path.unlink()
    first.path.write_bytes(content)
    assert runs.new().archive(source) == first
    assert runs.built == 1


def test_an_archive_that_has_another_link_is_not_read(
    source: CodeSource, folder: Path, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal keeps archives by links to them; the next plan need not look into all of them for that."""
    first = runs.new().archive(source)
    os.link(first.path, folder / "kept")
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("the archive was read"))
    assert runs.new().archive(source) == first
    os.unlink(folder / "kept")
    assert runs.new().archive(source) == first
    assert runs.built == 1


def test_one_folder_two_sources(source: CodeSource, tmp_path: Path, runs: Runs) -> None:
    part = read_code_source({"path": "code", "exclude": ["lib/"]}, tmp_path)
    for _ in range(2):
        run = runs.new()
        assert [entry.name for entry in run.archive(source).entries] == ["a.py", "lib/b.py"]
        assert [entry.name for entry in run.archive(part).entries] == ["a.py"]
        left_out = frozenset({tmp_path / "code" / "a.py"})
        assert [entry.name for entry in run.archive(source, left_out=left_out).entries] == ["lib/b.py"]
    assert runs.built == 3


def test_a_zip_is_not_taken_for_a_file_of_the_same_identity(tmp_path: Path, source: CodeSource, runs: Runs) -> None:
    (tmp_path / "code.zip").write_bytes(runs.new().archive(source).path.read_bytes())
    for _ in range(2):
        run = runs.new()
        as_it_is = run.archive(read_code_source({"zip": "code.zip"}, tmp_path))
        wrapped = run.archive(read_code_source({"file": "code.zip"}, tmp_path))
        assert [entry.name for entry in as_it_is.entries] == ["a.py", "lib/b.py"]
        assert [entry.name for entry in wrapped.entries] == ["code.zip"]
        assert as_it_is.sha256 == run.archive(source).sha256


def test_everything_is_for_the_owner_only(source: CodeSource, folder: Path, runs: Runs) -> None:
    before = os.umask(0)
    try:
        runs.new().archive(source)
    finally:
        os.umask(before)
    for place in ("archives", "records"):
        assert (folder / place).stat().st_mode & 0o777 == 0o700
        assert [path.stat().st_mode & 0o777 for path in (folder / place).iterdir()] == [0o600]


def test_what_is_read_to_be_sent_is_checked(source: CodeSource, runs: Runs) -> None:
    run = runs.new()
    planned = run.archive(source)
    planned.path.write_bytes(planned.path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(PackageError, match="is damaged on disk"):
        run.read_archive(planned.sha256)
    planned.path.unlink()
    with pytest.raises(PackageError, match="cannot be read"):
        run.read_archive(planned.sha256)


def test_removing_what_is_unused(source: CodeSource, folder: Path, tmp_path: Path, runs: Runs) -> None:
    (tmp_path / "one.py").write_text("1")
    (tmp_path / "two.py").write_text("2")
    run = runs.new()
    sources = [source, *(read_code_source(name, tmp_path) for name in ("one.py", "two.py"))]
    used, kept, unused = (run.archive(it) for it in sources)
    (folder / "archives" / "spool-left").touch()
    assert run.remove_unused(keep=(), older_than_s=3600) == 0
    for path in [*(folder / "archives").iterdir(), *(folder / "records").iterdir()]:
        os.utime(path, (0, 0))
    runs.new().archive(source)  # its archive changed its ctime above: checked, and its record written anew
    assert runs.built == 3
    # gone: an archive, a spool, and two records, of which one is of an archive that is kept by name
    assert run.remove_unused(keep={kept.sha256}, older_than_s=3600) == 4
    assert {path.stem for path in (folder / "archives").iterdir()} == {used.sha256, kept.sha256}
    assert not unused.path.exists()
    assert runs.new().archive(source) == used
    assert runs.built == 3


def test_removing_from_nothing(runs: Runs) -> None:
    assert runs.new().remove_unused(keep=(), older_than_s=0) == 0


def test_threads_agree(source: CodeSource, runs: Runs) -> None:
    run = runs.new()
    found: list[Archive] = []
    threads = [threading.Thread(target=lambda: found.append(run.archive(source))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and all(archive is found[0] for archive in found)


def test_processes_share_a_folder(tmp_path: Path, folder: Path, source: CodeSource, runs: Runs) -> None:
    script = textwrap.dedent(
        """
        import hashlib, json, sys, time
        from pathlib import Path
        from fcdeploy.package.cache import ArchiveCache
        from fcdeploy.package.sources import read_code_source

        source, state = read_code_source("code", Path(sys.argv[1])), Path(sys.argv[2])
        later = lambda: time.time_ns() + 3_600_000_000_000
        seen = set()
        for turn in range(25):
            built = ArchiveCache(state, clock_ns=later).archive(source)
            seen.add((built.sha256, hashlib.sha256(built.path.read_bytes()).hexdigest()))
            if turn % 3 == int(sys.argv[3]):
                for path in (state / "records").glob("*.json"):
                    path.unlink(missing_ok=True)
        print(json.dumps(sorted(seen)))
        """
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), str(folder), str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [stderr for _, stderr in answers] == ["", "", ""]
    expected = runs.new().archive(source).sha256
    assert [json.loads(stdout) for stdout, _ in answers] == [[[expected, expected]]] * 3
    (left,) = (folder / "archives").iterdir()
    assert hashlib.sha256(left.read_bytes()).hexdigest() == expected


def test_the_second_time_no_content_is_opened(
    tmp_path: Path, folder: Path, write_tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, runs: Runs
) -> None:
    write_tree(tmp_path / "code", {f"pkg/m{number}.py": b"x" * number for number in range(200)})
    first = runs.new().archive(read_code_source("code", tmp_path))
    opened: list[str] = []
    stats: list[str] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open":
            opened.append(str(arguments[0]))

    real_stat = os.stat

    def counted(path: Any, **options: Any) -> os.stat_result:
        stats.append(str(path))
        return real_stat(path, **options)

    monkeypatch.setattr(os, "stat", counted)
    watching = True
    sys.addaudithook(watch)
    try:
        second = runs.new().archive(read_code_source("code", tmp_path))
    finally:
        watching = False
    assert second == first
    assert [Path(path).parent.name if path.endswith(".json") else Path(path).name for path in opened] == [
        ".fcignore",
        "records",
    ]
    assert not any(path.endswith(".py") for path in stats), "one stat a file, by the folder's own entry"
