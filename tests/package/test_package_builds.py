"""What builds made is found by what it was made of, and the newest of a recipe whatever its folder holds by now."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from fcdeploy.package.archive import Archive, build_archive
from fcdeploy.package.builds import BuildStore, Recipe
from fcdeploy.package.cache import SETTLED_NS
from fcdeploy.package.sources import read_code_source


@pytest.fixture
def root(tmp_path: Path, write_tree: Callable[..., Path]) -> Path:
    return write_tree(tmp_path.resolve() / "src", {"index.py": b"x = 1\n"})


def recipe(root: Path, *argv: str, runtime: str = "", **more: object) -> Recipe:
    return Recipe(
        source=read_code_source({"path": str(root), "build": list(argv or ("make",)), **more}, root), runtime=runtime
    )


def kept(store: BuildStore, one: Recipe) -> Archive:
    """As if the build had changed nothing."""
    archive = build_archive(replace(one.source, build=()), store.folder)
    store.keep(one, store.inputs(one.path), archive)
    return archive


def test_a_result_is_found_by_its_inputs_and_by_its_recipe(root: Path, tmp_path: Path) -> None:
    store = BuildStore(tmp_path / "store")
    one = recipe(root)
    assert store.result(one, store.inputs(root)) is None and store.newest(one) is None
    archive = kept(store, one)
    again = BuildStore(tmp_path / "store")
    assert again.result(one, again.inputs(root)) == archive
    newest = again.newest(one)
    assert newest is not None and newest.archive == archive and list(newest.marks) == ["index.py"]
    for other in (
        recipe(root, "make", "all"),
        recipe(root, runtime="python3.10"),
        recipe(root, exclude=["*.md"]),
        recipe(root, include=["*.py"]),
    ):
        assert again.result(other, again.inputs(root)) is None and again.newest(other) is None


def test_going_back_finds_what_was_built_before(root: Path, tmp_path: Path) -> None:
    one = recipe(root)
    first = kept(BuildStore(tmp_path / "store"), one)
    (root / "index.py").write_text("x = 22\n")
    second = kept(BuildStore(tmp_path / "store"), one)
    assert first != second
    (root / "index.py").write_text("x = 1\n")
    store = BuildStore(tmp_path / "store")
    assert store.result(one, store.inputs(root)) == first
    newest = store.newest(one)
    assert newest is not None and newest.archive == second
    store.choose(one, store.inputs(root))
    newest = store.newest(one)
    assert newest is not None and newest.archive == first


def test_another_checkout_shares_results_and_not_what_is_newest(
    root: Path, tmp_path: Path, write_tree: Callable[..., Path]
) -> None:
    store = BuildStore(tmp_path / "store")
    archive = kept(store, recipe(root))
    other = write_tree(tmp_path.resolve() / "other" / "src", {"index.py": b"x = 1\n"})
    assert store.result(recipe(other), store.inputs(other)) == archive
    assert store.newest(recipe(other)) is None


def test_within_a_run_a_folder_is_read_once(root: Path, tmp_path: Path) -> None:
    store = BuildStore(tmp_path / "store")
    before = store.inputs(root)
    (root / "index.py").write_text("x = 22\n")
    assert store.inputs(root) is before
    assert BuildStore(tmp_path / "store").inputs(root).digest != before.digest


@pytest.mark.parametrize("age", [0, 2 * SETTLED_NS])
def test_only_what_has_settled_is_remembered_as_read(root: Path, tmp_path: Path, age: int) -> None:
    changed = os.stat(root / "index.py").st_ctime_ns
    BuildStore(tmp_path / "store", clock_ns=lambda: changed + age).inputs(root)
    assert (tmp_path / "store" / "inputs").exists() is (age > 0)


def test_a_damaged_store_has_no_result(root: Path, tmp_path: Path) -> None:
    store = BuildStore(tmp_path / "store")
    one = recipe(root)
    archive = kept(store, one)
    archive.path.write_bytes(b"PK")
    assert store.result(one, store.inputs(root)) is None and store.newest(one) is None
    kept(store, one)
    assert store.newest(one) is not None
    for path in (tmp_path / "store" / "newest").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert store.newest(one) is None and store.result(one, store.inputs(root)) is not None


def test_the_newest_of_each_folder_stays_and_the_rest_goes(
    root: Path, tmp_path: Path, write_tree: Callable[..., Path]
) -> None:
    one = recipe(root)
    first = kept(BuildStore(tmp_path / "store"), one)
    (root / "index.py").write_text("x = 22\n")
    second = kept(BuildStore(tmp_path / "store"), one)
    gone = write_tree(tmp_path.resolve() / "gone", {"index.py": b"x = 3\n"})
    third = kept(BuildStore(tmp_path / "store"), recipe(gone))
    for path in (tmp_path / "store").rglob("*.*"):
        os.utime(path, (1, 1))
    (gone / "index.py").unlink()
    gone.rmdir()
    store = BuildStore(tmp_path / "store")
    assert store.remove_unused(older_than_s=3600) == 4
    assert [one.path.exists() for one in (first, second, third)] == [False, True, False]
    newest = store.newest(one)
    assert newest is not None and newest.archive == second
    assert len(list((tmp_path / "store" / "newest").iterdir())) == 1
