"""A live archive back as a folder, where a folder can say the same (S26, S27)."""

from __future__ import annotations

import shutil
import tempfile
import unicodedata
import zipfile
from pathlib import Path

from fcdeploy.package.archive import build_archive
from fcdeploy.package.difference import archive_difference
from fcdeploy.package.errors import PackageError, os_reason
from fcdeploy.package.leftout import IGNORE_FILE, is_always_left_out
from fcdeploy.package.listing import MOST_ENTRIES
from fcdeploy.package.sources import CodeSource, SourceKind
from fcdeploy.package.zipreader import ZipContents, is_link, read_zip, unix_mode

MOST_UNPACKED = 4 << 30
"""Bytes; no code that a service takes comes near it."""
_OWNER_EXECUTES = 0o100
_LONGEST_PART = 255
# Names that a checkout on another system cannot hold.
_ODD = frozenset('<>:"|?*')


def write_unpacked(archive: Path, folder: Path) -> None:
    """Unpack an archive into the new folder `folder`, so that packaging the folder gives equal content.

    Nothing is written outside of it, whatever the archive says, and nothing is left behind when it fails. Raises
    PackageError, which says why a folder cannot stand for the archive: a file that packaging leaves out, a symbolic
    link, a name that no file can have or that differs from another only by case.
    """
    made = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=_made(folder.parent)))
    try:
        with read_zip(archive) as contents:
            _check(contents)
            for name, found in contents.files.items():
                _write_file(contents, found, made / name)
        _check_equal(archive, made)
        made.chmod(0o755)
        made.rename(folder)
    except OSError as error:
        raise PackageError(f"cannot unpack into {folder}", detail=os_reason(error), path=folder) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PackageError(f"the folder {folder} cannot be made", detail=os_reason(error), path=folder) from error
    return folder


def _check(contents: ZipContents) -> None:
    """Refuse what a folder cannot hold, before anything is written."""
    if not contents.files:
        raise PackageError("the archive holds no file")
    if len(contents.files) > MOST_ENTRIES:
        raise PackageError(f"the archive holds more than {MOST_ENTRIES:,} files")
    if sum(found.file_size for found in contents.files.values()) > MOST_UNPACKED:
        raise PackageError("the archive unpacks to more than 4 GiB")
    seen: dict[str, str] = {}
    for name, found in contents.files.items():
        why = _why_not(name) or ("it is a symbolic link" if is_link(found) else "")
        if why:
            raise PackageError(f"{name!r} cannot be kept in a folder: {why}")
        parts = name.split("/")
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            other = seen.setdefault(path.casefold(), path)
            if other != path:
                raise PackageError(f"{path!r} and {other!r} differ only by case")
    folders = {name.rsplit("/", depth)[0] for name in contents.files for depth in range(1, name.count("/") + 1)}
    both = sorted(folders & contents.files.keys())
    if both:
        raise PackageError(f"{both[0]!r} is a file and a folder")


def _why_not(name: str) -> str:
    """What is wrong with a name (`/` between parts, none empty or `.`), "" when nothing is."""
    parts = name.split("/")
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if ".." in parts:
        return "it leads outside"
    if "\\" in name or not _ODD.isdisjoint(name) or not name.isprintable():
        return "its name holds a character that not every system can write"
    if any(part[-1] in ". " for part in parts) or max(sizes) > _LONGEST_PART:
        return "not every system can write its name"
    if unicodedata.normalize("NFC", name) != name:
        return "its name is not in the Unicode form NFC"
    if any(map(is_always_left_out, parts)) or name == IGNORE_FILE:
        return "packaging leaves it out"
    return ""


def _write_file(contents: ZipContents, found: zipfile.ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        contents.copy(found, file)
    mode = unix_mode(found)
    path.chmod(0o755 if mode is not None and mode & _OWNER_EXECUTES else 0o644)


def _check_equal(archive: Path, folder: Path) -> None:
    """Package the folder and compare: what import promises is looked at, not hoped for."""
    with tempfile.TemporaryDirectory(prefix=".packing-", dir=folder.parent) as cache:
        planned = build_archive(CodeSource(kind=SourceKind.FOLDER, path=folder.resolve()), Path(cache))
        difference = archive_difference(archive, planned)
    if not difference.equal:
        names = [*difference.added, *difference.removed, *difference.changed]
        raise PackageError(f"{names[0]!r} would not be the same after packaging")
