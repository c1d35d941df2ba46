"""Folders for what must not outlive the process that needed it; each goes with it, or with the next after a crash."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

_REMOVALS = 3


@contextmanager
def own_folder(beside: Path, prefix: str) -> Iterator[Path]:
    """A new folder in `beside`, mode 0700, locked for as long as it is used; what killed processes left there under
    this prefix goes.
    """
    with _locked(beside, fcntl.LOCK_EX):
        # Nobody else makes or locks a folder meanwhile, so one that is not locked has lost its owner.
        for left in beside.glob(f"{prefix}*"):
            _remove_abandoned(left)
        folder = Path(tempfile.mkdtemp(dir=beside, prefix=prefix))
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        yield folder
    finally:
        remove_tree(folder)
        os.close(descriptor)


class OwnFolder:
    """The same as `own_folder`, made when it is first needed, which few commands come to; used as `with`.

    What killed processes left there goes in any case.
    """

    def __init__(self, beside: Path, prefix: str) -> None:
        self._beside = beside
        self._prefix = prefix
        self._stack = ExitStack()
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        if any(name.startswith(self._prefix) for name in os.listdir(self._beside)):
            self.path()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def path(self) -> Path:
        """The folder."""
        if self._folder is None:
            self._folder = self._stack.enter_context(own_folder(self._beside, self._prefix))
        return self._folder

    def file(self, name: str) -> Path | None:
        """A file in it, if there is one of this name."""
        found = self._folder / name if self._folder is not None else None
        return found if found is not None and found.is_file() else None


def remove_tree(folder: Path) -> None:
    """Remove a folder and all that is in it, also what a program made unwritable; what cannot be removed stays."""
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        for path, below, _ in os.walk(folder):
            for name in (".", *below):
                if not os.path.islink(inner := os.path.join(path, name)):
                    with suppress(OSError):
                        os.chmod(inner, 0o700)


def _remove_abandoned(folder: Path) -> None:
    try:
        with _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            remove_tree(folder)
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
