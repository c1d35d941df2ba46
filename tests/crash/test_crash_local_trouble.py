"""Trouble on our own machine: a full disk, a journal that is gone or damaged, clocks that jump, files that change, and
another process that takes over. Nothing is sent that could not be remembered (law 5), and nothing is lost (law 7)."""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from trouble_stage import NOBODY, Process, TroubleStage, assert_reached, at, longer, one_by_one, recover

UPDATES = ("update *service:shop", "update *function:shop/first", "create *function:shop/fourth")
"""The steps of the run, one after the other."""
DAY = 86400.0


@pytest.fixture
def stage(trouble: TroubleStage) -> TroubleStage:
    trouble.begin_update()
    return trouble


def explained(ended: Process, path: Path, *words: str) -> None:
    """It says which file, and what to do."""
    text = " ".join(ended.told.split())
    for part in (f"the journal {path}", "hint: ", *words):
        assert part in text, ended.told


# A journal that cannot be written any more


MOMENTS = (("opened", 0), ("done update *service:shop", 1), ("begun update *first", 1), ("done update *first", 2))
LATER = (("begun create *fourth", 2), ("done create *fourth", 3), ("after done create *fourth", 3))
SOME = {("opened", "resume"), ("begun update *first", "rollback"), ("done update *first", "resume")}


@pytest.mark.parametrize(
    ("when", "sent", "how"),
    [
        pytest.param(when, sent, how, marks=[] if (when, how) in SOME else pytest.mark.crash)
        for when, sent in (*MOMENTS, *LATER)
        for how in ("resume", "rollback")
    ],
)
def test_a_full_disk_stops_the_run_before_its_next_effect(stage: TroubleStage, when: str, sent: int, how: str) -> None:
    ended = one_by_one(stage, at(when, "fill_journal", journal=str(stage.journal)))
    assert ended.status == 4, ended.told
    explained(ended, stage.journal, "cannot be written", "space", "fcdeploy resume", "fcdeploy rollback")
    assert len(stage.sent()) == sent
    recover(stage, how)


def test_a_disk_that_is_full_from_the_start_changes_nothing(stage: TroubleStage) -> None:
    ended = one_by_one(stage, at("planned", "fill_journal", journal=str(stage.journal)))
    assert ended.status == 1, ended.told
    assert f"nothing can be stored in {stage.target_folder}/undo" in " ".join(ended.told.split())
    assert "Nothing was changed." in ended.out
    assert stage.sent() == []
    assert stage.apply().status == 0
    assert_reached(stage)


def test_undo_material_that_finds_no_room_changes_nothing(stage: TroubleStage) -> None:
    """What would be taken away is kept first; it is more than there is room for."""
    rows = [(name, {f"V{number}": "x" * 400 for number in range(9)}) for name in ("first", "second", "third")]
    for name, variables in rows:
        stage.change(name, environmentVariables=variables)
    ended = one_by_one(stage, at("planned", "fill", size=8_000))
    assert ended.status == 1, ended.told
    assert f"nothing can be stored in {stage.target_folder}/undo" in " ".join(ended.told.split())
    assert stage.sent() == []
    assert stage.apply().status == 0
    assert_reached(stage)


def test_live_code_that_finds_no_room_changes_nothing(stage: TroubleStage) -> None:
    (stage.project / "src" / "big").write_bytes(random.Random(1).randbytes(300_000))
    assert stage.apply().status == 0
    (stage.project / "src" / "big").unlink()
    stage.world.log.clear()
    ended = one_by_one(stage, at("start", "fill", size=200_000))
    assert ended.status == 1, ended.told
    assert "cannot be written" in ended.err and str(stage.target_folder) in "".join(ended.err.split())
    assert stage.sent() == []
    assert stage.apply().status == 0


@pytest.mark.parametrize("whole", [False, *longer(True)], ids=["journal", "folder"])
def test_a_journal_that_is_removed_stops_the_run(stage: TroubleStage, whole: bool) -> None:
    path = stage.journal
    ended = one_by_one(stage, at("begun create *", "remove", path=str(path.parent if whole else path)))
    assert ended.status == 4, ended.told
    explained(ended, path, "moved or deleted")
    assert len(stage.sent()) == 2
    # The cloud knows what was done; the next run does the rest.
    assert stage.apply().status == 0
    assert len(stage.sent()) == 3
    assert_reached(stage)


@pytest.mark.parametrize("other", [*longer("journal"), "folder"])
def test_a_journal_that_is_replaced_stops_the_run(stage: TroubleStage, other: str) -> None:
    path, source = stage.journal, stage.folder / "other"
    shutil.rmtree(source, ignore_errors=True)
    source.unlink(missing_ok=True) if source.is_file() else None
    if other == "journal":
        shutil.copy(path, source)
    else:
        source.mkdir()
    ended = one_by_one(stage, at("begun create *", "put", path=str(path), source=str(source)))
    assert ended.status == 4, ended.told
    explained(ended, path, "moved or deleted", "move it back")
    assert len(stage.sent()) == 2
    if other == "folder":
        refused = stage.apply()
        assert refused.status == 1, refused.told
        shutil.rmtree(path)
    Path(f"{path}.aside").replace(path)
    recover(stage, "rollback")


# A state folder that cannot be used


def test_a_state_folder_that_may_not_be_written_is_refused(stage: TroubleStage) -> None:
    ended = stage.apply(user=NOBODY)
    assert ended.status == 1, ended.told
    assert "the state folder " in ended.err and "FCDEPLOY_STATE" in ended.err
    assert stage.sent() == []


def test_a_journal_of_another_user_is_refused(stage: TroubleStage) -> None:
    stage.give_away()
    os.chown(stage.journal, 0, 0)
    ended = stage.apply(user=NOBODY)
    assert ended.status == 1, ended.told
    explained(ended, stage.journal, "cannot be opened")
    assert stage.sent() == []


@pytest.mark.parametrize("when", ["opened", *longer("spool", "begun *first", "done *first")])
def test_a_folder_that_becomes_read_only_is_outlived(stage: TroubleStage, when: str) -> None:
    """What is open already can still be written; what cannot be stops the run in order."""
    stage.give_away()
    folder = stage.target_folder
    ended = one_by_one(stage, at(when, "protect", path=str(folder)), user=NOBODY)
    for one in (folder, *folder.rglob("*")):
        one.chmod(0o700 if one.is_dir() else 0o600)
    if ended.status == 0:
        assert_reached(stage)
    elif ended.status == 1:
        assert stage.sent() == [], ended.told
    else:
        assert ended.status == 4, ended.told
        recover(stage, "resume", user=NOBODY)


# A journal that is none


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scribbled(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 2048] = random.Random(start).randbytes(2048)
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOILERS = (scribbled, *longer(newer, folder, truncated, empty, foreign))


@pytest.mark.parametrize("spoil", SPOILERS)
def test_what_is_no_journal_is_told_and_touched_by_nobody(stage: TroubleStage, spoil: Callable[[Path], None]) -> None:
    path = stage.journal
    spoil(path)
    refused = stage.apply()
    assert refused.status == 1, refused.told
    assert str(path) in "".join(refused.err.split()) and "hint: " in refused.err
    assert stage.sent() == []
    looked = stage.run("plan")
    assert looked.status == 0, looked.told
    assert str(path) in "".join(looked.told.split()), "a reading command says so and goes on"
    assert "Plan: 1 to create, 2 to update" in looked.out
    status = stage.run("status")
    assert re.search("function +shop/first", status.out), status.told
    assert "Whether a run is open is not known" in status.out
    for other in ("resume", "rollback"):
        ended = stage.run(other, *(["--yes"] if other == "rollback" else []))
        assert ended.status == 1 and "hint: " in ended.err, ended.told
    path.rename(f"{path}.aside")
    assert stage.apply().status == 0
    assert_reached(stage)
