"""Where the state folder lies, and that it is ours alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcdeploy.engine.places import place_of, slug, state_root
from fcdeploy.errors import RunError


@pytest.mark.parametrize(
    ("environ", "root"),
    [
        ({"FCDEPLOY_STATE": "/s", "XDG_STATE_HOME": "/x", "HOME": "/h"}, "/s"),
        ({"FCDEPLOY_STATE": "", "XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/fcdeploy"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/fcdeploy"),
        ({"HOME": "/h"}, "/h/.local/state/fcdeploy"),
    ],
)
def test_the_state_folder_is_found(environ: dict[str, str], root: str) -> None:
    assert state_root(environ) == Path(root)


def test_the_layout(tmp_path: Path) -> None:
    place = place_of("p", "prod/cn-shanghai", spec_folder=tmp_path / "repo", environ={"FCDEPLOY_STATE": str(tmp_path)})
    assert place.folder.parent == place.project_folder
    assert place.project_folder.parent == tmp_path
    assert re.fullmatch(r"prod-cn-shanghai-[0-9a-f]{12}", place.folder.name)
    assert place.journal == place.folder / "journal.db"
    assert (place.spool, place.undo) == (place.folder / "spool", place.folder / "undo")
    other = place_of("p", "dev", spec_folder=tmp_path / "repo", environ={"FCDEPLOY_STATE": str(tmp_path)})
    assert other.folder != place.folder
    assert other.cache == place.cache == place.project_folder / "cache"
    assert other.local == place.local == place.project_folder / "local"
    assert not place.project_folder.exists()


def test_folders_are_private_under_an_open_umask_and_narrowed_when_too_wide(tmp_path: Path) -> None:
    place = place_of("p", "dev", spec_folder=tmp_path / "repo", environ={"FCDEPLOY_STATE": str(tmp_path / "s" / "t")})
    before = os.umask(0)
    try:
        place.write_folders()
    finally:
        os.umask(before)
    made = [tmp_path / "s", *(tmp_path / "s").rglob("*")]
    assert len(made) == 8
    assert {path.stat().st_mode & 0o777 for path in made} == {0o700}
    place.undo.chmod(0o755)
    place.write_folders()
    assert place.undo.stat().st_mode & 0o777 == 0o700


def test_folders_can_be_made_under_a_closed_umask(tmp_path: Path) -> None:
    place = place_of("p", "dev", spec_folder=tmp_path / "repo", environ={"FCDEPLOY_STATE": str(tmp_path / "s")})
    before = os.umask(0o777)
    try:
        place.write_folders()
    finally:
        os.umask(before)
    assert place.spool.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("inside", ["repo", "repo/.state", "link/.state"])
def test_a_state_folder_in_the_checkout_is_refused(tmp_path: Path, inside: str) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "repo")
    for spec_folder in (tmp_path / "repo", tmp_path / "link"):
        with pytest.raises(RunError, match="inside the checkout") as caught:
            place_of("p", "dev", spec_folder=spec_folder, environ={"FCDEPLOY_STATE": str(tmp_path / inside)})
        assert "FCDEPLOY_STATE" in caught.value.hint


def test_a_sibling_whose_name_begins_alike_is_not_inside(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    place = place_of(
        "p", "dev", spec_folder=tmp_path / "repo", environ={"FCDEPLOY_STATE": str(tmp_path / "repo-state")}
    )
    assert place.folder.is_relative_to(tmp_path / "repo-state")


def test_a_file_in_the_way_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    place = place_of("p", "dev", spec_folder=tmp_path / "repo", environ={"FCDEPLOY_STATE": str(tmp_path / "s")})
    with pytest.raises(RunError, match="cannot be used") as caught:
        place.write_folders()
    assert "FCDEPLOY_STATE" in caught.value.hint


@given(st.text())
def test_a_slug_is_one_safe_folder_name(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,39})-[0-9a-f]{12}", slug(name))


def test_slugs_of_different_names_differ() -> None:
    names = [
        "Prod",
        "prod",
        "prod/a",
        "prod-a",
        "prod a",
        "pröd",
        "prod.",
        ".",
        "..",
        "",
        "缩略图",
        "x" * 300,
        "x" * 301,
    ]
    names += ["con", "e\u0301", "\u00e9", "\ud800"]
    assert len({slug(name) for name in names}) == len(names)
