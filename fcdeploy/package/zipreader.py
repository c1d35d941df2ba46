"""ZIP files of others, read without trusting them: the live archive, or a `.jar`/`.zip` that is sent as it is."""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from fcdeploy.package.errors import PackageError

_BLOCK: Final = 1 << 16
_UNIX: Final = 3
_UTF8: Final = 1 << 11
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})

MOST_DIRECTORY_BYTES: Final = 16 << 20
"""Bound on a central directory: 65,535 entries of 200 bytes and more. `zipfile` makes an object of each at once."""

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LONGEST_COMMENT = 0xFFFF

# What a hostile or damaged archive makes the standard library raise, found by mutating archives in the tests.
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class ZipContents:
    """The files of an open ZIP by their name: no folder entries, `./` taken off, of two of one name the last."""

    def __init__(self, archive: zipfile.ZipFile, path: Path | None) -> None:
        self._archive = archive
        self._path = path
        self.files: dict[str, zipfile.ZipInfo] = {}
        for found in archive.infolist():
            name = _file_name(found)
            if not found.filename.endswith("/") and name:
                self.files[name] = found

    def digest(self, found: zipfile.ZipInfo) -> str:
        """The sha256 of a file's content. Takes in no more than the size that the archive states for the file.

        Raises PackageError for content that is damaged, encrypted, or packed by a method other than deflate.
        """
        seen = hashlib.sha256()
        for block in self._blocks(found):
            seen.update(block)
        return seen.hexdigest()

    def copy(self, found: zipfile.ZipInfo, to: BinaryIO) -> None:
        """Write a file's content to `to`, at most the stated size. Raises PackageError like `digest`, and OSError of
        `to`.
        """
        for block in self._blocks(found):
            to.write(block)

    def _blocks(self, found: zipfile.ZipInfo) -> Iterator[bytes]:
        if found.compress_type not in _METHODS:
            raise _unreadable(self._path, f"{found.filename!r} is packed by method {found.compress_type}")
        try:
            content = self._archive.open(found)
        except _FAULTS as error:
            raise _unreadable(self._path, f"{found.filename!r}: {error}") from error
        with content:
            while True:
                try:
                    block = content.read(_BLOCK)
                except _FAULTS as error:
                    raise _unreadable(self._path, f"{found.filename!r}: {error}") from error
                if not block:
                    return
                yield block


def unix_mode(found: zipfile.ZipInfo) -> int | None:
    """The permission bits of an entry, or None where it was not made on Unix or carries no mode."""
    attributes = found.external_attr >> 16
    return stat.S_IMODE(attributes) if found.create_system == _UNIX and attributes else None


def is_link(found: zipfile.ZipInfo) -> bool:
    """Whether an entry is a symbolic link: its content is then where it leads to."""
    return found.create_system == _UNIX and stat.S_ISLNK(found.external_attr >> 16)


@contextmanager
def read_zip(source: Path | bytes) -> Iterator[ZipContents]:
    """Open a ZIP. Raises PackageError when it is none, or when its directory is out of all proportion."""
    path = source if isinstance(source, Path) else None
    try:
        file: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    except OSError as error:
        raise _unreadable(path, str(error)) from error
    with file:
        try:
            _check_directory_size(file, path)
            archive = zipfile.ZipFile(file)
            contents = ZipContents(archive, path)
        except _FAULTS as error:
            raise _unreadable(path, str(error)) from error
        with archive:
            yield contents


def _file_name(found: zipfile.ZipInfo) -> str:
    name = found.filename
    if not name.isascii() and not found.flag_bits & _UTF8:
        # Many tools write UTF-8 without saying so, and unpackers on Linux take the bytes as they are.
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            name = found.filename
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _check_directory_size(file: BinaryIO, path: Path | None) -> None:
    end_of_file = file.seek(0, io.SEEK_END)
    tail_size = min(end_of_file, _END.size + _LONGEST_COMMENT + _END64_LOCATOR.size)
    file.seek(end_of_file - tail_size)
    tail = file.read(tail_size)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise _unreadable(path, "it has no end-of-directory record")
    sizes = [_END.unpack_from(tail, at)[5]]
    locator_at = at - _END64_LOCATOR.size
    if locator_at >= 0 and tail.startswith(b"PK\x06\x07", locator_at):
        # Readers differ in which they believe: the place that the locator names, or the one just before it.
        stated = _END64_LOCATOR.unpack_from(tail, locator_at)[2]
        before = end_of_file - tail_size + locator_at - _END64.size
        sizes = []
        for place in (stated, before):
            file.seek(min(max(place, 0), end_of_file))
            record = file.read(_END64.size)
            if len(record) == _END64.size and record.startswith(b"PK\x06\x06"):
                sizes.append(_END64.unpack(record)[8])
        if not sizes:
            raise _unreadable(path, "its ZIP64 end-of-directory record is missing")
    if max(sizes) > MOST_DIRECTORY_BYTES:
        raise _unreadable(path, f"its directory alone takes {max(sizes):,} bytes")


def _unreadable(path: Path | None, why: str) -> PackageError:
    return PackageError(
        f"{path or 'the archive'} is not a readable ZIP",
        detail=why,
        hint="make it again with a usual ZIP tool",
        path=path,
    )
