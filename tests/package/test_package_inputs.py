"""What a build starts from: which files, where links lead in the copy, and what its digest says of it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from fcdeploy.package.errors import PackageError
from fcdeploy.package.inputs import Inputs, read_inputs, write_copy

TREE = {"index.py": b"x = 1\n", "lib/run": b"#!/bin/sh\n", "README.md": b"read me\n", ".fcignore": b"*.md\n"}


@pytest.fixture
def root(tmp_path: Path, write_tree: Callable[..., Path]) -> Path:
    return write_tree(tmp_path.resolve() / "src", TREE, executable=frozenset({"lib/run"}))


def read(root: Path, **more: object) -> Inputs:
    return read_inputs(root, known={}, **more)  # type: ignore[arg-type]


def copied(root: Path, to: Path, **more: object) -> Path:
    to.mkdir()
    write_copy(read(root, **more), to)
    return to


def tree_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_copy_has_all_but_what_no_build_needs(
    root: Path, tmp_path: Path, write_tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(
        root,
        {
            **dict.fromkeys((".git/HEAD", ".env", ".env.prod", "a/__pycache__/b.pyc", "old.fcplan"), b"never"),
            **dict.fromkeys((".venv/bin/python", ".pytest_cache/x", "lib/.mypy_cache/y", ".idea/z"), b"traces"),
            **dict.fromkeys(("node_modules/left/pad.js", ".babelrc", "tests/test_it.py"), b"needed"),
            "fcdeploy.yaml": b"spec",
        },
    )
    (root / "empty").mkdir()
    os.utime(root / "index.py", ns=(5, 1_000_000_007))
    monkeypatch.chdir(root)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        to = copied(root, tmp_path / "copy", left_out=frozenset({root / "fcdeploy.yaml"}))
    needed = dict.fromkeys(("node_modules/left/pad.js", ".babelrc", "tests/test_it.py"), b"needed")
    assert tree_of(to) == {**TREE, **needed}
    assert (to / "empty").is_dir() and not (to / "socket").exists()
    assert (to / "lib/run").stat().st_mode & 0o777 == 0o755
    assert (to / "index.py").stat().st_mode & 0o777 == 0o644
    assert (to / "index.py").stat().st_mtime_ns == 1_000_000_007


def test_links_lead_to_the_copy_of_what_they_led_to_or_outside_as_before(root: Path, tmp_path: Path) -> None:
    outside = tmp_path.resolve() / "shared.py"
    outside.write_text("shared = 1\n")
    (root / "lib/beside").symlink_to("../index.py")
    (root / "lib/absolute").symlink_to(root / "index.py")
    (root / "lib/away").symlink_to("../../shared.py")
    (root / "lib/nowhere").symlink_to("gone")
    (root / "folder").symlink_to("lib")
    (tmp_path / "deep").mkdir()
    to = copied(root, tmp_path / "deep" / "copy")
    assert os.readlink(to / "lib/beside") == "../index.py"
    assert (to / "lib/absolute").resolve() == (to / "index.py").resolve()
    assert (to / "lib/away").read_text() == "shared = 1\n"
    assert os.readlink(to / "lib/nowhere") == "gone"
    assert os.readlink(to / "folder") == "lib"


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda root: os.utime(root / "index.py", (1, 1)), True),
        (lambda root: (root / "empty").mkdir(), True),
        (lambda root: (root / ".env").write_text("A=1"), True),
        (lambda root: (root / "index.py").chmod(0o640), True),
        (lambda root: (root / "index.py").write_text("x = 2\n"), False),
        (lambda root: (root / "index.py").chmod(0o755), False),
        (lambda root: (root / "index.py").rename(root / "main.py"), False),
        (lambda root: (root / ".fcignore").write_text("*.rst\n"), False),
        (lambda root: (root / "new").write_text(""), False),
        (lambda root: (root / "link").symlink_to("index.py"), False),
    ],
)
def test_the_digest_changes_with_what_a_build_can_see(root: Path, change: Callable[[Path], None], same: bool) -> None:
    before = read(root).digest
    change(root)
    assert (read(root).digest == before) is same


def test_the_digest_is_of_the_folder_wherever_it_lies(root: Path, tmp_path: Path) -> None:
    assert read(copied(root, tmp_path / "copy")).digest == read(root).digest


def test_a_known_file_is_not_read_again_and_a_changed_one_is(root: Path) -> None:
    listed = read(root).files["index.py"]
    known = {"index.py": (listed.identity, "0" * 64)}
    assert read_inputs(root, known=known).marks["index.py"] == "- " + "0" * 64
    (root / "index.py").write_text("y = 22\n")
    assert read_inputs(root, known=known).marks["index.py"] == read(root).marks["index.py"]


def test_what_changes_before_it_is_copied_is_refused(root: Path, tmp_path: Path) -> None:
    found = read(root)
    (root / "index.py").write_text("half")
    (tmp_path / "copy").mkdir()
    with pytest.raises(PackageError, match=r"index\.py changed while it was"):
        write_copy(found, tmp_path / "copy")
    # Nor does a digest that was remembered wrongly get through.
    wrong = read_inputs(root, known={"index.py": (read(root).files["index.py"].identity, "0" * 64)})
    (tmp_path / "other").mkdir()
    with pytest.raises(PackageError, match=r"index\.py changed while it was copied"):
        write_copy(wrong, tmp_path / "other")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="cannot be read"):
        read(tmp_path / "gone")
