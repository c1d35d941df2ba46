"""Which files an archive is made of, found with one `stat` a file and without opening any (S26, S28)."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from fcdeploy.package.errors import PackageError, os_reason, unreadable
from fcdeploy.package.leftout import IGNORE_FILE, Patterns, is_always_left_out, read_patterns
from fcdeploy.package.sources import CodeSource, SourceKind

MOST_ENTRIES = 65_535
"""Files in an archive without ZIP64. Also the bound on folders: links may lead to one folder many times over."""

_SHOWN_LINK = 200


class Listed:
    """A file that goes into the archive, as it was when it was listed. Plain slots: there may be tens of thousands.

    `name` is the NFC name inside the archive, `path` where its bytes are, `executable` the owner's x bit.
    """

    __slots__ = ("executable", "identity", "name", "path")

    def __init__(self, name: str, path: str, found: os.stat_result) -> None:
        self.name = name
        self.path = path
        self.executable = bool(found.st_mode & stat.S_IXUSR)
        self.identity = stat_identity(found)


def stat_identity(found: os.stat_result) -> tuple[int, int, int, int, int]:
    """(size, mtime_ns, ctime_ns, inode, device): what changes whenever a file's bytes do (S28)."""
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)


class Listing(Struct, frozen=True, kw_only=True):
    """The files of a source, sorted by their name inside the archive (by code point, which is UTF-8's order too)."""

    files: tuple[Listed, ...]

    @property
    def size(self) -> int:
        """Bytes of content, before compression."""
        return sum(file.identity[0] for file in self.files)

    @property
    def newest_ns(self) -> int:
        """The latest time that any file's bytes or mode may have changed, in ns since the epoch."""
        return max(max(file.identity[1], file.identity[2]) for file in self.files)

    def key(self, form: str) -> str:
        """A digest of names, modes and identities: the same key means the same bytes in the form of archive `form`."""
        fields = [form]
        fields += [f"{file.name}\0{file.executable:d}\0{file.identity}" for file in self.files]
        return hashlib.sha256("\0\0".join(fields).encode()).hexdigest()


def read_listing(source: CodeSource, *, left_out: frozenset[Path] = frozenset()) -> Listing:
    """The files of a local source.

    `left_out` are absolute paths of files or folders that no archive may hold (the spec and plan files); they do not
    apply to a source that is itself one file, which was named on purpose.
    Raises PackageError for an empty folder, a link that leads outside or in a circle, a special file, names that
    collide or cannot stand in an archive, too many files, and what the system cannot read.
    """
    if source.path is None:
        raise ValueError("an OSS source has no files here")
    try:
        if source.kind is SourceKind.FOLDER:
            return _read_folder(source, source.path, left_out)
        found = os.stat(source.path)
    except OSError as error:
        raise unreadable(error, source.path, "check its permissions, or exclude it") from error
    if not stat.S_ISREG(found.st_mode):
        raise PackageError(f"{source.path} is no longer a file", hint="run again", path=source.path)
    return Listing(files=(Listed(_archive_name(source.path.name, source.path), str(source.path), found),))


def _read_folder(source: CodeSource, root: Path, left_out: frozenset[Path]) -> Listing:
    patterns = read_patterns(root, include=source.include, exclude=source.exclude)
    walk = _Walk(root, patterns, frozenset(os.path.realpath(path) for path in left_out))
    files = list(walk.files())
    if not files:
        why = "everything in it is left out" if walk.passed_over else "it holds no file"
        raise PackageError(f"nothing to package in {root}: {why}", hint="a function needs at least one file", path=root)
    if not walk.all_ascii:
        _check_collisions(files, root)
    files.sort(key=lambda file: file.name)
    return Listing(files=tuple(files))


class _Walk:
    """One walk of a folder. Real paths are walked and names carried beside them, so that a link's target is known."""

    def __init__(self, root: Path, patterns: Patterns, left_out: frozenset[str]) -> None:
        self._root = str(root)
        self._patterns = patterns
        self._ask = not patterns.is_empty
        self._left_out = left_out
        self.all_ascii = True
        self.passed_over = False

    def files(self) -> Iterator[Listed]:
        """Every file that stays in, in no particular order."""
        # (real path, name prefix with `/`, real paths of this folder and those above it)
        pending: list[tuple[str, str, tuple[str, ...]]] = [(self._root, "", (self._root,))]
        files = folders = 0
        while pending:
            folder, prefix, above = pending.pop()
            folders += 1
            if folders > MOST_ENTRIES:
                raise self._too_many("folders")
            with os.scandir(folder) as entries:
                for entry in entries:
                    name = prefix + entry.name
                    if not name.isascii():
                        self.all_ascii = False
                        name = unicodedata.normalize("NFC", name)
                    if is_always_left_out(entry.name) or entry.path in self._left_out or name == IGNORE_FILE:
                        self.passed_over = True
                        continue
                    found: os.stat_result | None = None
                    path = entry.path
                    if entry.is_symlink():
                        if self._patterns.excludes(name):  # before it is followed: a broken link may be left out
                            self.passed_over = True
                            continue
                        path, found = self._followed(entry.path, above)
                        is_folder = stat.S_ISDIR(found.st_mode)
                    else:
                        is_folder = entry.is_dir(follow_symlinks=False)
                    if self._ask and not (self._patterns.keeps_folder if is_folder else self._patterns.keeps_file)(
                        name
                    ):
                        self.passed_over = True
                        continue
                    if not name.isascii() or "\\" in name:
                        _archive_name(name, Path(entry.path))
                    if is_folder:
                        pending.append((path, name + "/", (*above, path)))
                        continue
                    files += 1
                    if files > MOST_ENTRIES:
                        raise self._too_many("files")
                    yield _regular(name, path, found or entry.stat(follow_symlinks=False))

    def _followed(self, path: str, above: tuple[str, ...]) -> tuple[str, os.stat_result]:
        """The real path behind a link. A link inside the folder is packaged as what it leads to: the archive formats
        of the services promise nothing about links, and a copy works everywhere.
        """
        hint = f"copy what it leads to into the folder, or leave the link out with `exclude` or {IGNORE_FILE}"
        try:
            target = os.path.realpath(path, strict=True)
            found = os.stat(target)
        except OSError as error:
            raise PackageError(
                f"the symbolic link {path} leads nowhere", detail=os_reason(error), hint=hint, path=Path(path)
            ) from error
        relative = os.path.relpath(target, self._root)
        if relative == os.pardir or relative.startswith(os.pardir + os.sep):
            shown = os.readlink(path)[:_SHOWN_LINK]
            raise PackageError(
                f"the symbolic link {path} leads outside the code folder",
                detail=f"it leads to {shown}",
                hint=hint,
                path=Path(path),
            )
        if target in above:
            raise PackageError(
                f"the symbolic link {path} leads to a folder that it lies in", hint=hint, path=Path(path)
            )
        parts = relative.split(os.sep)
        whole = [os.path.join(self._root, *parts[: depth + 1]) for depth in range(len(parts))]
        if any(map(is_always_left_out, parts)) or not self._left_out.isdisjoint(whole):
            # Otherwise a link would be a way for `.env` to travel under another name.
            raise PackageError(
                f"the symbolic link {path} leads to a file that never goes into an archive",
                detail=f"it leads to {relative}",
                hint=hint,
                path=Path(path),
            )
        return target, found

    def _too_many(self, what: str) -> PackageError:
        return PackageError(
            f"{self._root} holds more than {MOST_ENTRIES:,} {what}",
            hint=f"leave some out with `exclude` or {IGNORE_FILE}, or put dependencies into a layer",
            path=Path(self._root),
        )


def _regular(name: str, path: str, found: os.stat_result) -> Listed:
    if not stat.S_ISREG(found.st_mode):
        raise PackageError(
            f"{path} is not a regular file",
            detail="a socket, a pipe or a device has no content to package",
            hint=f"remove it, or leave it out with `exclude` or {IGNORE_FILE}",
            path=Path(path),
        )
    return Listed(name, path, found)


def _archive_name(name: str, path: Path) -> str:
    """The NFC form of `name`; raises PackageError where it cannot stand in an archive."""
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        raise PackageError(
            f"the file name {shown} is not UTF-8", hint="rename it, or leave it out", path=path
        ) from None
    if "\\" in name:
        raise PackageError(
            f"the file name {name} holds a backslash",
            detail="some unpackers take it for a folder separator",
            hint="rename it, or leave it out",
            path=path,
        )
    return unicodedata.normalize("NFC", name)


def _check_collisions(files: list[Listed], root: Path) -> None:
    """Refuse two files, or a file and a folder, whose names differ on disk and are one in NFC."""
    by_name: dict[str, Listed] = {}
    folders: dict[str, Listed] = {}
    for file in files:
        clash = by_name.setdefault(file.name, file)
        if clash is not file:
            raise _collision(clash, file, root)
        parts = file.name.split("/")[:-1]
        for depth in range(len(parts)):
            folders.setdefault("/".join(parts[: depth + 1]), file)
    for name in by_name.keys() & folders.keys():
        raise _collision(by_name[name], folders[name], root)


def _collision(one: Listed, other: Listed, root: Path) -> PackageError:
    return PackageError(
        f"two names in {root} are the same after Unicode normalisation (NFC)",
        detail=f"{one.path!a} and {other.path!a}",
        hint="rename or remove one of them",
        path=Path(other.path),
    )
