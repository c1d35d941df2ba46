"""A store of files by content: archives to be sent and what takes a change back (S36).

A file's name is the hex SHA-256 of its bytes and its mode 0600. It gets that name only after its bytes are on disk, and
a store returns only after the name is on disk too; so whatever the journal refers to is there after a power cut.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fcdeploy.engine.places import write_folder, write_folder_entries
from fcdeploy.errors import JournalError

_GONE_HINT = "what it was needed for cannot be resumed or rolled back: `--recover abandon` plans anew from live"

_NAME = re.compile(r"[0-9a-f]{64}")
_TEMPORARY = ".new-"
_CHUNK = 1 << 20
_WRITERS = 16
"""Threads of `adopt_files`: file systems put fsyncs that arrive together into one commit."""


class Spool:
    """One folder of content-addressed files. Safe for several processes: names only ever appear whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write_bytes(self, content: bytes) -> str:
        """Store `content` and return its hex SHA-256, durable; raises JournalError when it cannot be written."""
        sha256 = hashlib.sha256(content).hexdigest()
        with _write_errors(self.folder):
            write_folder(self.folder)
            if self._is_whole(sha256):
                write_folder_entries(self.folder)
                return sha256

            def fill(out: BinaryIO) -> str:
                out.write(content)
                return sha256

            self._write_file(fill)
            write_folder_entries(self.folder)
        return sha256

    def adopt_file(self, path: Path, *, immutable: bool = False) -> str:
        """Store a copy of a file; see `adopt_files`."""
        return self.adopt_files([path], immutable=immutable)[0]

    def adopt_files(self, paths: Iterable[Path], *, immutable: bool = False) -> list[str]:
        """Store copies of files and return their hex SHA-256s, all durable.

        `immutable` says that nobody ever writes into these files again (the package cache): then a hard link does.
        Raises JournalError when one cannot be read or written.
        """
        every = list(paths)
        with _write_errors(self.folder):
            write_folder(self.folder)
            if len(every) == 1:  # in each of many targets: a thread costs more than a link
                stored = [self._adopt(every[0], immutable)]
            else:
                with ThreadPoolExecutor(max_workers=_WRITERS, thread_name_prefix="fcdeploy-spool") as pool:
                    stored = list(pool.map(lambda path: self._adopt(path, immutable), every))
            write_folder_entries(self.folder)
        return stored

    def holds(self, sha256: str) -> bool:
        """Whether a file of that content is here (by name; `read_bytes` verifies)."""
        return self._location(sha256).is_file()

    def path(self, sha256: str) -> Path:
        """Where the content lies; raises JournalError when it is not here."""
        location = self._location(sha256)
        if not location.is_file():
            raise JournalError(
                f"{sha256[:12]} is missing from {self.folder}",
                hint=_GONE_HINT,
            )
        return location

    def read_bytes(self, sha256: str) -> bytes:
        """The content, verified; raises JournalError when it is missing, unreadable or not what its name says."""
        location = self.path(sha256)
        try:
            content = location.read_bytes()
        except OSError as error:
            raise JournalError(f"{location} cannot be read", detail=error.strerror or str(error)) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise JournalError(
                f"{location} is damaged",
                detail="its bytes are not those that were stored",
                hint=_GONE_HINT,
            )
        return content

    def forget(self, keep: Collection[str]) -> int:
        """Remove every file but those of `keep`, and what a killed process left half written; returns how many.

        Only for the holder of the target's lease: another process may have stored a file that it has not yet noted.
        """
        if not self.folder.is_dir():
            return 0
        removed = 0
        with _write_errors(self.folder):
            for path in sorted(self.folder.iterdir()):
                if path.name.startswith(_TEMPORARY) or (_NAME.fullmatch(path.name) and path.name not in keep):
                    path.unlink(missing_ok=True)
                    removed += 1
            if removed:
                write_folder_entries(self.folder)
        return removed

    def _location(self, sha256: str) -> Path:
        if not _NAME.fullmatch(sha256):
            raise ValueError(f"not a hex SHA-256: {sha256!r}")
        return self.folder / sha256

    def _is_whole(self, sha256: str) -> bool:
        location = self._location(sha256)
        try:
            with location.open("rb") as stored:
                return hashlib.file_digest(stored, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False

    def _adopt(self, path: Path, immutable: bool) -> str:
        if immutable and (linked := self._linked(path)):
            return linked

        def fill(out: BinaryIO) -> str:
            digest = hashlib.sha256()
            with path.open("rb") as source:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
            return digest.hexdigest()

        return self._write_file(fill)

    def _linked(self, path: Path) -> str | None:
        """The hash of a file taken over by a hard link, or None where only a copy will do."""
        with path.open("rb") as source:
            # A link shares the mode; a file that others may read must be copied to become private.
            if os.fstat(source.fileno()).st_mode & 0o777 != 0o600:
                return None
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()
            if self._is_whole(sha256):
                return sha256
            os.fsync(source.fileno())
        temporary = self._temporary()
        try:
            temporary.hardlink_to(path)
        except OSError:
            return None  # Another file system, or one without links.
        try:
            temporary.replace(self._location(sha256))
        finally:
            # A rename between two links of one file (a twin was faster) does nothing and leaves both.
            temporary.unlink(missing_ok=True)
        return sha256

    def _write_file(self, fill: Callable[[BinaryIO], str]) -> str:
        """Let `fill` write a new file and name it by the hash it returns; the folder is still to be made durable."""
        temporary = self._temporary()
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as out:
                os.fchmod(out.fileno(), 0o600)
                sha256 = fill(out)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(self._location(sha256))
        finally:
            temporary.unlink(missing_ok=True)
        return sha256

    def _temporary(self) -> Path:
        return self.folder / f"{_TEMPORARY}{secrets.token_hex(8)}"


@contextmanager
def _write_errors(folder: Path) -> Iterator[None]:
    """Turns what the file system refuses into a JournalError."""
    try:
        yield
    except OSError as error:
        raise JournalError(
            f"nothing can be stored in {folder}",
            detail=str(error),
            hint="free some space or make it writable, or set FCDEPLOY_STATE to another folder",
        ) from error
