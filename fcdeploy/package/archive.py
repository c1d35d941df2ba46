"""Archives: the code of a function or layer as bytes on disk, the same on every machine (S25, S26, S28)."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO

from msgspec import Struct

from fcdeploy.package.crc import checksum_text, crc64_xz
from fcdeploy.package.deflate import CHUNK, check_encoder, deflated, deflated_whole
from fcdeploy.package.errors import PackageError, unreadable, unwritable
from fcdeploy.package.listing import Listed, Listing, read_listing, stat_identity
from fcdeploy.package.sources import CodeSource, SourceKind
from fcdeploy.package.zipreader import is_link, read_zip, unix_mode
from fcdeploy.package.zipwriter import DEFLATED, LARGEST, STORED, ZipWriter

_SAMPLE = 1 << 16
_WORTH = 50  # a fiftieth saved in the sample is the least that makes a file worth packing
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ArchiveEntry(Struct, frozen=True, kw_only=True):
    """A file inside an archive. `mode` are its permission bits, None where the archive carries none; `size` is in
    bytes of content; `link` says that the content is where a symbolic link leads to.
    """

    name: str
    mode: int | None
    size: int
    sha256: str
    link: bool = False


class Archive(Struct, frozen=True, kw_only=True):
    """An archive on disk: what was planned and what is sent (S28).

    `sha256`, `sha512`, `md5` (hex) and `crc64` (unsigned decimal, facts 12) are of the archive's bytes, `size` counts
    them, and `path` holds them. `entries` are in the order of the archive, without folders.
    """

    sha256: str
    crc64: str
    sha512: str
    md5: str
    size: int
    path: Path
    entries: tuple[ArchiveEntry, ...]


def archive_path(cache: Path, sha256: str) -> Path:
    """Where the archive of this digest lies under the folder `cache`. Raises ValueError for what is no digest."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError("not a sha256 in hex")
    return cache / "archives" / f"{sha256}.zip"


def build_archive(source: CodeSource, cache: Path, *, left_out: frozenset[Path] = frozenset()) -> Archive:
    """Read the code and write its archive under `cache`, whatever an earlier run left there.

    `left_out` are the spec and plan files (absolute paths), which no archive of a folder may hold. Raises PackageError
    when the code cannot be read, changes meanwhile, or makes no archive; ValueError for an OSS source.
    """
    return write_archive(source, read_listing(source, left_out=left_out), cache)


def write_archive(source: CodeSource, listing: Listing, cache: Path) -> Archive:
    """Write the archive of files already listed; see `build_archive`."""
    if source.kind is SourceKind.ARCHIVE:
        return _write_as_it_is(listing.files[0], cache)
    check_encoder()
    if listing.size > LARGEST:
        raise PackageError(
            f"{source.path} holds {listing.size:,} bytes",
            detail=f"an archive takes {LARGEST:,}",
            hint="leave files out with `exclude` or .fcignore",
            path=source.path,
        )
    with _spooled(cache) as spool:
        writer = ZipWriter(spool)
        try:
            entries = tuple([_add(writer, file, cache) for file in listing.files])
            writer.finish()
        except OverflowError as error:
            raise PackageError(f"{source.path} makes an archive of more than 4 GiB", path=source.path) from error
        return spool.keep(cache, entries)


def verified_path(cache: Path, sha256: str) -> Path | None:
    """The path of an archive whose bytes have just been found to be those of its digest; None where they are not."""
    path = archive_path(cache, sha256)
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
    return path if found == sha256 else None


class _Spool:
    """A temporary file that is hashed as it is written and takes its digest for a name at the end."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self.size = 0
        self._sha256 = hashlib.sha256()
        # What other services keep of an archive; nothing here trusts the MD5.
        self._sha512, self._md5 = hashlib.sha512(), hashlib.md5(usedforsecurity=False)
        self._crc = 0

    @property
    def path(self) -> Path:
        """Where it lies until it is kept."""
        return Path(self._name)

    def flush(self) -> None:
        """Let others who open the path see all that was written."""
        self._file.flush()

    def write(self, block: bytes) -> None:
        self._file.write(block)
        for each in (self._sha256, self._sha512, self._md5):
            each.update(block)
        self._crc = crc64_xz(block, self._crc)
        self.size += len(block)

    def keep(self, cache: Path, entries: tuple[ArchiveEntry, ...]) -> Archive:
        """Make it durable under its name. An archive of that name is replaced: should it be damaged, it is healed."""
        digest = self._sha256.hexdigest()
        path = archive_path(cache, digest)
        self._file.flush()
        os.fsync(self._file.fileno())
        os.replace(self._name, path)
        _send_to_disk(path.parent)
        return Archive(
            sha256=digest,
            crc64=checksum_text(self._crc),
            sha512=self._sha512.hexdigest(),
            md5=self._md5.hexdigest(),
            size=self.size,
            path=path,
            entries=entries,
        )


def _send_to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _spooled(cache: Path) -> Iterator[_Spool]:
    """A spool in the archives' folder, gone afterwards unless kept. Files are 0600 and folders 0700 (S36)."""
    folder = cache / "archives"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix="spool-", dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield _Spool(file, name)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as error:
        raise unwritable(f"the archive cannot be written under {cache}", error, cache) from error


def _add(writer: ZipWriter, file: Listed, cache: Path) -> ArchiveEntry:
    """Pack one file. One of up to a chunk is packed in memory; of a larger one no more than a chunk is held."""
    with opened_as_listed(file) as opened:
        chunk = _read(opened, CHUNK, file)
        rest = _read(opened, 1, file) if len(chunk) == CHUNK else b""
        if rest:
            return _add_large(writer, file, _chunks(chunk, rest, opened, file), _worth_packing(chunk), cache)
    method, packed = STORED, chunk
    if _worth_packing(chunk):
        tighter = deflated_whole(chunk)
        if len(tighter) < len(chunk):
            method, packed = DEFLATED, tighter
    writer.add(
        file.name,
        executable=file.executable,
        method=method,
        crc=zlib.crc32(chunk),
        size=len(chunk),
        packed_size=len(packed),
        packed=[packed],
    )
    return _entry(file, len(chunk), hashlib.sha256(chunk).hexdigest())


def _worth_packing(chunk: bytes) -> bool:
    """Whether the start of a file promises to shrink: images, archives and models are stored, which is much faster."""
    if len(chunk) <= _SAMPLE:
        return True
    return len(deflated_whole(chunk[:_SAMPLE])) < _SAMPLE - _SAMPLE // _WORTH


def _add_large(writer: ZipWriter, file: Listed, chunks: Iterable[bytes], worth: bool, cache: Path) -> ArchiveEntry:
    """Pack a file through a temporary one, since sizes and checksum stand before the content."""
    crc, size, seen = 0, 0, hashlib.sha256()

    def counted() -> Iterator[bytes]:
        nonlocal crc, size
        for chunk in chunks:
            crc = zlib.crc32(chunk, crc)
            size += len(chunk)
            seen.update(chunk)
            yield chunk

    with tempfile.TemporaryFile(dir=cache / "archives") as packed:
        for block in deflated(counted()) if worth else counted():
            packed.write(block)
        packed_size = packed.tell()
        packed.seek(0)
        writer.add(
            file.name,
            executable=file.executable,
            method=DEFLATED if worth else STORED,
            crc=crc,
            size=size,
            packed_size=packed_size,
            packed=iter(lambda: packed.read(CHUNK), b""),
        )
    return _entry(file, size, seen.hexdigest())


def _entry(file: Listed, size: int, sha256: str) -> ArchiveEntry:
    return ArchiveEntry(name=file.name, mode=0o755 if file.executable else 0o644, size=size, sha256=sha256)


def _write_as_it_is(file: Listed, cache: Path) -> Archive:
    """Take a copy of an archive, bytes untouched, and list what is in it; reading all of it proves it readable."""
    with _spooled(cache) as spool:
        with opened_as_listed(file) as opened:
            for chunk in iter(lambda: _read(opened, CHUNK, file), b""):
                spool.write(chunk)
        spool.flush()
        return spool.keep(cache, _entries_of(spool.path, Path(file.path)))


def _entries_of(copy: Path, original: Path) -> tuple[ArchiveEntry, ...]:
    try:
        with read_zip(copy) as contents:
            total = sum(found.file_size for found in contents.files.values())
            if total > LARGEST:
                raise PackageError(f"{original} unpacks to {total:,} bytes", path=original)
            return tuple(
                ArchiveEntry(
                    name=name,
                    mode=unix_mode(found),
                    size=found.file_size,
                    sha256=contents.digest(found),
                    link=is_link(found),
                )
                for name, found in contents.files.items()
            )
    except PackageError as error:
        summary = error.summary.replace(str(copy), str(original))
        raise PackageError(summary, detail=error.detail, hint=error.hint, path=original) from error


@contextmanager
def opened_as_listed(file: Listed) -> Iterator[BufferedReader]:
    """The open file, which is the one that was listed and stays so until it is closed: else PackageError.

    Without blocking: it may have become a pipe since.
    """
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise _read_error(file, error) from error
    with os.fdopen(descriptor, "rb") as opened:
        _check_unchanged(file, opened)
        yield opened
        _check_unchanged(file, opened)


def _check_unchanged(file: Listed, opened: IO[bytes]) -> None:
    if stat_identity(os.fstat(opened.fileno())) != file.identity:
        raise PackageError(
            f"{file.path} changed while it was packaged",
            detail="what is planned must be what is sent, and a half-written file is neither",
            hint="run again when nothing writes to the folder",
            path=Path(file.path),
        )


def _chunks(first: bytes, start: bytes, opened: IO[bytes], file: Listed) -> Iterator[bytes]:
    """`first`, then the rest of the file, of which `start` has been read, in pieces of CHUNK bytes."""
    yield first
    chunk = start + _read(opened, CHUNK - len(start), file)
    while chunk:
        yield chunk
        chunk = _read(opened, CHUNK, file)


def _read(opened: IO[bytes], size: int, file: Listed) -> bytes:
    try:
        return opened.read(size)
    except OSError as error:
        raise _read_error(file, error) from error


def _read_error(file: Listed, error: OSError) -> PackageError:
    return unreadable(error, Path(file.path), "check its permissions, or leave it out with `exclude` or .fcignore")
