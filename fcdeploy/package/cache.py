"""Archives of earlier runs, found again without reading the code (S28)."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from fcdeploy.package.archive import Archive, ArchiveEntry, archive_path, verified_path, write_archive
from fcdeploy.package.deflate import FORM
from fcdeploy.package.errors import PackageError, os_reason
from fcdeploy.package.listing import Listing, read_listing, stat_identity
from fcdeploy.package.records import read_record, write_record
from fcdeploy.package.sources import CodeSource, SourceKind

SETTLED_NS = 2_000_000_000
"""A file changed less than this before it was read may change again within the same tick of its file system's clock
(FAT counts in 2 s), and no `stat` would tell. Such a reading is used for its run and not remembered."""

_FORMAT = "fcdeploy archive record 3"


def _identity(path: Path) -> list[int]:
    """The identity of an archive of ours, and how many links there are to it. Raises OSError."""
    found = os.stat(path)
    return [*stat_identity(found), found.st_nlink]


def _is_linked(before: list[int], now: list[int]) -> bool:
    """Whether all that tells two identities of an archive apart comes of another link to it.

    The journal makes one of each archive that it may have to send again: that changes the time of the last change, and
    the bytes of all archives would be read after each apply.
    """
    (size, mtime, _, inode, device, links), (*rest, links_now) = before, now
    return [size, mtime, inode, device] == [*rest[:2], *rest[3:]] and links != links_now


class Unbuilt(Struct, frozen=True, kw_only=True):
    """A source that was looked up and whose archive is still to be made, of the files as they were listed."""

    source: CodeSource
    left_out: frozenset[Path]
    listing: Listing
    key: str
    begun_ns: int


class ArchiveCache:
    """The archives under one folder of the state folder (S35), for one run.

    Within a run the same source gives the same archive, read once, whatever happens to the files meanwhile. Between
    runs an archive is found by the identities of its files. Records and archives are written aside and renamed, so
    that two processes may share a folder; whatever is damaged there is found out and made again.
    `built` counts the archives that had to be made in this run.
    """

    def __init__(self, folder: Path, *, clock_ns: Callable[[], int] = time.time_ns) -> None:
        """`clock_ns` tells the time in ns since the epoch, by which young files are known (SETTLED_NS)."""
        self.built = 0
        self._counting = threading.Lock()
        self._folder = folder
        self._clock_ns = clock_ns
        self._planned: dict[tuple[CodeSource, frozenset[Path]], Archive] = {}

    def archive(self, source: CodeSource, *, left_out: frozenset[Path] = frozenset()) -> Archive:
        """The archive of a local source; see `build_archive` for `left_out` and the errors. Safe from threads."""
        found = self.looked_up(source, left_out=left_out)
        return found if isinstance(found, Archive) else self.built_of(found)

    def looked_up(self, source: CodeSource, *, left_out: frozenset[Path] = frozenset()) -> Archive | Unbuilt:
        """The archive where none has to be made; listing files is all that this takes. Errors as of `archive`."""
        known = self._planned.get((source, left_out))
        if known is not None:
            return known
        begun_ns = self._clock_ns()
        listing = read_listing(source, left_out=left_out)
        key = listing.key("as it is" if source.kind is SourceKind.ARCHIVE else FORM)
        found = self.remembered(key)
        if found is None:
            return Unbuilt(source=source, left_out=left_out, listing=listing, key=key, begun_ns=begun_ns)
        return self._planned.setdefault((source, left_out), found)

    def built_of(self, unbuilt: Unbuilt) -> Archive:
        """Make an archive. Errors as of `archive`; safe from threads."""
        found = write_archive(unbuilt.source, unbuilt.listing, self._folder)
        with self._counting:
            self.built += 1
        if unbuilt.listing.newest_ns + SETTLED_NS <= unbuilt.begun_ns:
            self.remember(unbuilt.key, found)
        # Two threads may both have built; what the first one planned is what is sent.
        return self._planned.setdefault((unbuilt.source, unbuilt.left_out), found)

    def archive_path(self, sha256: str) -> Path:
        """Where the archive of this digest lies, if there is one."""
        return archive_path(self._folder, sha256)

    def read_archive(self, sha256: str) -> bytes:
        """The bytes of an archive, checked against its digest. Raises PackageError when it is gone or damaged."""
        path = archive_path(self._folder, sha256)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PackageError(
                f"the planned archive {sha256[:12]} cannot be read",
                detail=os_reason(error),
                hint="plan again",
                path=path,
            ) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise PackageError(f"the planned archive {sha256[:12]} is damaged on disk", hint="plan again", path=path)
        return content

    def remove_unused(self, *, keep: Collection[str], older_than_s: float) -> int:
        """Delete archives, records and left-over spools last used that many seconds ago or more; returns how many.

        Archives whose sha256 is in `keep` (those of open runs and saved plans) stay.
        """
        oldest = time.time() - older_than_s
        records, gone = _remove_older(self._folder / "records", oldest, frozenset())
        needed = {record["sha256"] for path in records if (record := read_record(path, _FORMAT)) is not None}
        _, more = _remove_older(self._folder / "archives", oldest, needed.union(keep))
        return gone + more

    def _record_path(self, key: str) -> Path:
        return self._folder / "records" / f"{key}.json"

    def remember(self, key: str, archive: Archive) -> None:
        """Let an archive of this folder be found by a key: a digest in hex of all that it was made of."""
        self._write_record(key, archive, _identity(archive.path))

    def remembered(self, key: str) -> Archive | None:
        """The archive that was made of exactly this, or None where there is none that can be trusted."""
        path = self._record_path(key)
        record = read_record(path, _FORMAT)
        if record is None:
            return None
        sha256: str = record["sha256"]
        archive = Archive(
            sha256=sha256,
            crc64=record["crc64"],
            sha512=record["sha512"],
            md5=record["md5"],
            size=record["size"],
            path=archive_path(self._folder, sha256),
            entries=tuple(
                ArchiveEntry(name=name, mode=mode, size=size, sha256=digest, link=link)
                for name, mode, size, digest, link in record["entries"]
            ),
        )
        try:
            identity = _identity(archive.path)
        except OSError:
            return None
        if identity != record["identity"]:
            # Another process wrote it anew, or something else touched it: its bytes decide.
            if not _is_linked(record["identity"], identity) and verified_path(self._folder, sha256) is None:
                return None
            self._write_record(key, archive, identity)
        else:
            with suppress(OSError):  # "last used" is only for `remove_unused`
                os.utime(path)
        return archive

    def _write_record(self, key: str, archive: Archive, identity: list[int]) -> None:
        content = {
            "sha256": archive.sha256,
            "crc64": archive.crc64,
            "sha512": archive.sha512,
            "md5": archive.md5,
            "size": archive.size,
            "identity": identity,
            "entries": [[entry.name, entry.mode, entry.size, entry.sha256, entry.link] for entry in archive.entries],
        }
        write_record(self._record_path(key), _FORMAT, content)


def _remove_older(folder: Path, oldest: float, keep: Collection[str]) -> tuple[list[Path], int]:
    """Delete files last changed at `oldest` or before, save those whose stem is in `keep`: (what stays, how many)."""
    stay: list[Path] = []
    gone = 0
    if not folder.is_dir():
        return stay, gone
    for path in sorted(folder.iterdir()):
        with suppress(FileNotFoundError):  # another process cleans too
            if path.stem in keep or path.stat().st_mtime > oldest:
                stay.append(path)
            else:
                path.unlink()
                gone += 1
    return stay, gone
