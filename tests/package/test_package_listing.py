"""S26: which files go into an archive, and which folders make none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.package import listing as listing_module
from fcdeploy.package.errors import PackageError
from fcdeploy.package.listing import read_listing
from fcdeploy.package.sources import read_code_source


def names(root: Path, left_out: frozenset[Path] = frozenset(), **patterns: Any) -> list[str]:
    source = read_code_source({"path": str(root), **patterns}, root)
    return [file.name for file in read_listing(source, left_out=left_out).files]


def refusal(root: Path, **patterns: Any) -> PackageError:
    with pytest.raises(PackageError) as caught:
        names(root, **patterns)
    return caught.value


ALWAYS_OUT = [
    ".git/HEAD",
    "sub/.git",
    ".fcdeploy/runs/1",
    ".s/code.zip",
    ".env",
    ".env.prod",
    "deep/er/.envrc",
    "__pycache__/a.cpython-311.pyc",
    "sub/__pycache__/b.txt",
    "old.pyc",
    "p.fcplan",
    ".DS_Store",
    "sub/.DS_Store",
    ".fcignore",
]


def test_what_is_always_left_out(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    stays = ["env.py", ".gitignore", "git/HEAD", "a.pyc.txt", ".svn", "sub/.fcignore"]
    write_tree(tmp_path, dict.fromkeys([*ALWAYS_OUT, *stays], b""))
    assert names(tmp_path) == sorted(stays)
    assert names(tmp_path, include=["*", ".env"]) == sorted(stays)


def test_sorted_by_name_not_by_folder(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    write_tree(tmp_path, dict.fromkeys(["a/z", "a-b", "a.py", "B", "é", "a/é/x", "𝒳", "\uffee"], b""))
    assert names(tmp_path) == ["B", "a-b", "a.py", "a/z", "a/é/x", "é", "\uffee", "𝒳"]
    assert names(tmp_path) == sorted(names(tmp_path), key=str.encode)


@pytest.mark.parametrize(
    ("ignore", "patterns", "expected"),
    [
        ("", {}, ["a.md", "a.py", "docs/b.md", "docs/c.py", "lib/d.so"]),
        ("*.md\n", {}, ["a.py", "docs/c.py", "lib/d.so"]),
        ("# nothing\n\n/a.md\n", {}, ["a.py", "docs/b.md", "docs/c.py", "lib/d.so"]),
        ("docs/\n!docs/c.py\n", {}, ["a.md", "a.py", "lib/d.so"]),
        ("docs/*\n!docs/c.py\n", {}, ["a.md", "a.py", "docs/c.py", "lib/d.so"]),
        ("*.md\n", {"exclude": ["!a.md"]}, ["a.md", "a.py", "docs/c.py", "lib/d.so"]),
        ("", {"exclude": ["*.py", "lib"]}, ["a.md", "docs/b.md"]),
        ("", {"include": ["*.py"]}, ["a.py", "docs/c.py"]),
        ("", {"include": ["docs/", "a.*"], "exclude": ["*.md"]}, ["a.py", "docs/c.py"]),
        ("*.so\n", {"include": ["lib/", "a.py"]}, ["a.py"]),
        ("\ufeff*.md\r\n*.so\r\n", {}, ["a.py", "docs/c.py"]),
    ],
)
def test_patterns(
    tmp_path: Path,
    write_tree: Callable[..., Path],
    ignore: str,
    patterns: dict[str, Any],
    expected: list[str],
) -> None:
    write_tree(tmp_path, dict.fromkeys(["a.md", "a.py", "docs/b.md", "docs/c.py", "lib/d.so"], b""))
    (tmp_path / ".fcignore").write_text(ignore, encoding="utf-8")
    assert names(tmp_path, **patterns) == expected


def test_a_pattern_in_nfc_matches_a_name_in_nfd(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    write_tree(tmp_path, {"cafe\u0301.txt": b"", "a.py": b""})
    assert names(tmp_path) == ["a.py", "caf\u00e9.txt"]
    assert names(tmp_path, exclude=["caf\u00e9.txt"]) == ["a.py"]


def test_spec_and_plan_files_stay_out(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    write_tree(tmp_path / "p", dict.fromkeys(["fcdeploy.yaml", "a.py", "sub/fcdeploy.yaml", "plans/x.plan"], b""))
    (tmp_path / "alias").symlink_to("p")
    # a path through a link names the same file
    left_out = frozenset({tmp_path / "alias" / "fcdeploy.yaml", tmp_path / "p" / "plans"})
    assert names(tmp_path / "p", left_out) == ["a.py", "sub/fcdeploy.yaml"]


def test_links_inside_are_packaged_as_what_they_lead_to(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    root = write_tree(tmp_path, {"lib/real.so.1": b"content", "lib/sub/x": b"x"}, executable=frozenset({"lib/sub/x"}))
    (root / "real.so").symlink_to("lib/real.so.1")
    (root / "again").symlink_to(root / "lib")
    (root / "run").symlink_to("again/sub/x")
    found = read_listing(read_code_source(".", root)).files
    expected = ["again/real.so.1", "again/sub/x", "lib/real.so.1", "lib/sub/x", "real.so", "run"]
    assert [file.name for file in found] == expected
    assert {file.name: file.executable for file in found}["run"] is True
    assert Path(found[4].path).read_bytes() == b"content"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("../outside.txt", "leads outside"),
        ("/etc/hostname", "leads outside"),
        ("..", "leads outside"),
        ("../code-too/x", "leads outside"),
        ("missing", "leads nowhere"),
        ("link", "leads nowhere"),
        (".", "a folder that it lies in"),
        (".env", "never goes into an archive"),
        (".git/config", "never goes into an archive"),
    ],
)
def test_links_that_are_refused(tmp_path: Path, write_tree: Callable[..., Path], target: str, said: str) -> None:
    write_tree(tmp_path, {"outside.txt": b"", "code-too/x": b""})
    root = write_tree(tmp_path / "code", {"a.py": b"", ".env": b"S=1", ".git/config": b""})
    (root / "link").symlink_to(target)
    error = refusal(root)
    assert said in error.summary and str(root / "link") in error.summary
    assert error.path == root / "link" and error.hint
    assert names(root, exclude=["link"]) == ["a.py"], "what is left out by a pattern is not followed"


def test_a_link_to_the_spec_file_is_refused(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    root = write_tree(tmp_path, {"a.py": b"", "fcdeploy.yaml": b""})
    (root / "copy.yaml").symlink_to("fcdeploy.yaml")
    source = read_code_source(".", root)
    with pytest.raises(PackageError, match="never goes into an archive"):
        read_listing(source, left_out=frozenset({root / "fcdeploy.yaml"}))


def test_links_in_a_circle_end(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    root = write_tree(tmp_path, {"a/x": b"", "b/x": b""})
    (root / "a" / "to-b").symlink_to("../b")
    (root / "b" / "to-a").symlink_to("../a")
    assert "a folder that it lies in" in refusal(root).summary


def test_links_that_multiply_end(
    tmp_path: Path, write_tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_tree(tmp_path, {"0/x": b""})
    for level in range(1, 24):
        (root / str(level)).mkdir()
        for side in "ab":
            (root / str(level) / side).symlink_to(f"../{level - 1}")
    monkeypatch.setattr(listing_module, "MOST_ENTRIES", 2000)
    assert "holds more than 2,000" in refusal(root).summary


def test_empty_folders(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert "it holds no file" in refusal(tmp_path).summary
    write_tree(tmp_path, {"a/.env": b"", "x.pyc": b""})
    assert "everything in it is left out" in refusal(tmp_path).summary


def test_special_files(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    root = write_tree(tmp_path, {"a.py": b""})
    os.mkfifo(root / "pipe")
    assert "pipe is not a regular file" in refusal(root).summary
    assert names(root, exclude=["pipe"]) == ["a.py"]
    os.unlink(root / "pipe")
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{short}/s")
        assert "s is not a regular file" in refusal(Path(short)).summary


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("caf\u00e9", "cafe\u0301"),
        ("caf\u00e9/x", "cafe\u0301/x"),
        ("caf\u00e9", "cafe\u0301/x"),
        ("d/caf\u00e9/y/x", "d/cafe\u0301"),
        ("K", "\u212a"),
    ],
)
def test_names_that_collide(tmp_path: Path, write_tree: Callable[..., Path], one: str, other: str) -> None:
    write_tree(tmp_path, {one: b"1", other: b"2"})
    assert "the same after Unicode normalisation" in refusal(tmp_path).summary


def test_folders_that_merge_without_a_collision(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    write_tree(tmp_path, {"caf\u00e9/x": b"1", "cafe\u0301/y": b"2"})
    assert names(tmp_path) == ["caf\u00e9/x", "caf\u00e9/y"]


@pytest.mark.parametrize(("raw", "said"), [(b"caf\xe9.py", r"caf\xe9.py is not UTF-8"), (b"a\\b", "backslash")])
def test_names_that_cannot_stand_in_an_archive(tmp_path: Path, raw: bytes, said: str) -> None:
    (tmp_path / "a.py").touch()
    with open(os.path.join(os.fsencode(tmp_path), raw), "wb"):
        pass
    assert said in refusal(tmp_path).summary
    assert names(tmp_path, include=["*.py"], exclude=["caf*"]) == ["a.py"]


def test_too_many_files(tmp_path: Path, write_tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, dict.fromkeys(["a", "b", "c", "d"], b""))
    monkeypatch.setattr(listing_module, "MOST_ENTRIES", 4)
    assert len(names(tmp_path)) == 4
    monkeypatch.setattr(listing_module, "MOST_ENTRIES", 3)
    assert "more than 3 files" in refusal(tmp_path).summary


def test_ignore_files_that_cannot_be_used(tmp_path: Path, write_tree: Callable[..., Path]) -> None:
    write_tree(tmp_path, {"a.py": b"", ".fcignore": b"caf\xe9\n"})
    assert "is not UTF-8" in refusal(tmp_path).summary
    (tmp_path / ".fcignore").write_bytes(b"a\n!\n")
    error = refusal(tmp_path)
    assert "pattern" in error.summary and "'!'" in error.detail
    (tmp_path / ".fcignore").write_bytes(b"#" * (1 << 20) + b"#")
    assert "larger than" in refusal(tmp_path).summary
    os.unlink(tmp_path / ".fcignore")
    (tmp_path / ".fcignore").mkdir()
    assert ".fcignore cannot be read" in refusal(tmp_path).summary


def test_what_may_not_be_read_is_an_error_with_its_path() -> None:
    """As another user where the tests run as root: root reads everything."""
    script = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from fcdeploy.package.archive import build_archive
        from fcdeploy.package.errors import PackageError
        from fcdeploy.package.sources import read_code_source

        root = Path(sys.argv[1])
        (root / "state").mkdir()
        for name in ("warm", "file", "folder/closed"):
            (root / name).mkdir(parents=True)
        for name in ("warm/a.py", "file/a.py", "folder/a.py", "folder/closed/a.py"):
            (root / name).write_text(name)
        (root / "file/a.py").chmod(0)
        (root / "folder/closed").chmod(0)
        build_archive(read_code_source("warm", root), root / "warm-state")  # so that all is imported
        os.chmod(root / "state", 0o777)
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        for name in ("file", "folder", "folder/closed/a.py"):
            try:
                build_archive(read_code_source(name, root), root / "state")
            except PackageError as error:
                print(error.summary.replace(str(root) + "/", ""), "|", error.detail, "|", error.path.relative_to(root))
        try:
            build_archive(read_code_source("warm", root), root / "warm" / "a.py")
        except PackageError as error:
            print(error.summary.replace(str(root) + "/", ""), "|", error.detail)
        """
    )
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        done = subprocess.run(
            [sys.executable, "-c", script, root], capture_output=True, text=True, check=False, timeout=60
        )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "file/a.py cannot be read | Permission denied | file/a.py",
        "folder/closed cannot be read | Permission denied | folder/closed",
        "the code path cannot be read: folder/closed/a.py | Permission denied | folder/closed/a.py",
        "the archive cannot be written under warm/a.py | Not a directory",
    ]
