"""What the packaging tests share: trees written from a mapping, and sources made of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fcdeploy.package.archive import Archive, build_archive
from fcdeploy.package.sources import read_code_source

Tree = Mapping[str, bytes]


@pytest.fixture(scope="session")
def write_tree() -> Callable[..., Path]:
    def write(root: Path, tree: Tree, *, executable: frozenset[str] = frozenset()) -> Path:
        root.mkdir(parents=True, exist_ok=True)
        for name, content in tree.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.chmod(path, 0o755 if name in executable else 0o644)
        return root

    return write


@pytest.fixture(scope="session")
def archive_of() -> Callable[..., Archive]:
    def build(folder: Path, cache: Path, code: object = ".", left_out: frozenset[Path] = frozenset()) -> Archive:
        return build_archive(read_code_source(code, folder), cache, left_out=left_out)

    return build
