"""A folder of one process goes with it, or with the next one after a crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fcdeploy.app.folders import OwnFolder, own_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from fcdeploy.app.folders import own_folder
with own_folder(Path(sys.argv[1]), "live-") as folder:
    (folder / "live.zip").write_bytes(b"code of somebody")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_is_private_and_goes(tmp_path: Path) -> None:
    with own_folder(tmp_path, "live-") as folder:
        assert folder.parent == tmp_path and folder.stat().st_mode & 0o777 == 0o700
        (folder / "live.zip").write_bytes(b"code")
        (folder / "shut" / "in").mkdir(parents=True)
        (folder / "shut" / "in" / "file").write_bytes(b"made by a program")
        (folder / "shut" / "in").chmod(0o500)
        (folder / "shut").chmod(0)
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_use_stays_and_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    source = str(Path(__file__).parents[2])
    child = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env={"PYTHONPATH": source}, check=False)
    assert child.returncode == -9
    (left,) = tmp_path.iterdir()
    assert (left / "live.zip").exists()
    with own_folder(tmp_path, "live-") as one:
        assert not left.exists()
        with own_folder(tmp_path, "live-") as other:
            assert one.exists() and other.exists() and one != other
        assert list(tmp_path.iterdir()) == [one]


def test_one_that_nobody_needs_is_not_made(tmp_path: Path) -> None:
    with OwnFolder(tmp_path, "live-") as needless:
        assert list(tmp_path.iterdir()) == [] and needless.file("live.zip") is None
        left = tmp_path / "live-of-a-killed-process"
        left.mkdir()
        with OwnFolder(tmp_path, "live-") as needed:
            assert not left.exists()
            (needed.path() / "live.zip").write_bytes(b"code")
            assert needed.file("live.zip") == needed.path() / "live.zip" and needed.file("other.zip") is None
    assert list(tmp_path.iterdir()) == []
