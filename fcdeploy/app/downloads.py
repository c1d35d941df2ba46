"""A folder for the live archives that one bench fetches; it goes with the bench, or with the next one after a crash."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "live-"


@contextmanager
def downloads_folder(beside: Path) -> Iterator[Path]:
    """A new folder in `beside`, mode 0700, locked for as long as it is used; what killed processes left there goes.

    Live archives may hold what nobody should find lying about, so they must not outlive the process that asked.
    """
    with _locked(beside, fcntl.LOCK_EX):
        # Nobody else makes or locks a folder meanwhile, so one that is not locked has lost its owner.
        for left in beside.glob(f"{_PREFIX}*"):
            _remove_abandoned(left)
        folder = Path(tempfile.mkdtemp(dir=beside, prefix=_PREFIX))
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _remove_abandoned(folder: Path) -> None:
    try:
        with _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)
    except (BlockingIOError, FileNotFoundError, NotADirectoryError):
        return  # In use, gone this moment, or none of ours.


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
