"""What stays out of an archive: fixed names, `.fcignore`, and the spec's `include` and `exclude` (S25, S26)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fcdeploy.package.errors import PackageError, os_reason

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".fcignore"
_NAMES = frozenset({".git", ".fcdeploy", ".s", "__pycache__", ".DS_Store"})
_LARGEST_IGNORE_FILE = 1 << 20


def is_always_left_out(name: str) -> bool:
    """Whether a file or folder of this name never goes into an archive, at any depth and whatever the patterns."""
    return name in _NAMES or name.startswith(".env") or name.endswith((".pyc", ".fcplan"))


class Patterns:
    """The patterns of one folder: `.fcignore` at its root, then `exclude`, then `include`.

    All are gitignore patterns relative to the folder, and as in git the last one that matches decides: `exclude:
    ["!docs/"]` takes back what `.fcignore` left out, unless a folder above is left out. Where `include` is given, a
    file must match it too. `.fcignore` files below the root are ordinary files.
    """

    __slots__ = ("_exclude", "_include")

    def __init__(self, *, exclude: Sequence[str], include: Sequence[str], root: Path) -> None:
        self._exclude = _compiled(exclude, root) if exclude else None
        self._include = _compiled(include, root) if include else None

    @property
    def is_empty(self) -> bool:
        """Whether every path is kept, so that asking can be spared."""
        return self._exclude is None and self._include is None

    def keeps_folder(self, name: str) -> bool:
        """Whether the folder `name` (relative, `/` between parts, none at the end) is to be walked."""
        return self._exclude is None or not self._exclude.match_file(name + "/")

    def excludes(self, name: str) -> bool:
        """Whether the file or link `name` is left out by a pattern, `include` not asked."""
        return self._exclude is not None and self._exclude.match_file(name)

    def keeps_file(self, name: str) -> bool:
        """Whether the file `name` (relative, `/` between parts) goes into the archive."""
        return not self.excludes(name) and (self._include is None or self._include.match_file(name))


def read_patterns(root: Path, *, include: Sequence[str], exclude: Sequence[str]) -> Patterns:
    """The patterns that hold in `root`. Raises PackageError for an ignore file or pattern that cannot be used."""
    return Patterns(exclude=[*_read_ignore_file(root / IGNORE_FILE), *exclude], include=include, root=root)


def _read_ignore_file(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_IGNORE_FILE + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise PackageError(
            f"{IGNORE_FILE} cannot be read",
            detail=os_reason(error),
            hint=f"{IGNORE_FILE} is a text file of gitignore patterns",
            path=path,
        ) from error
    if len(content) > _LARGEST_IGNORE_FILE:
        raise PackageError(f"{IGNORE_FILE} is larger than {_LARGEST_IGNORE_FILE:,} bytes", path=path)
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise PackageError(f"{IGNORE_FILE} is not UTF-8", detail=f"at byte {error.start}", path=path) from error


def _compiled(lines: Sequence[str], root: Path) -> GitIgnoreSpec:
    # 80 ms of import: only where there are patterns.
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise PackageError(
            "a pattern of what to leave out or take in cannot be used",
            detail=str(error),
            hint=f"patterns in {IGNORE_FILE}, `include` and `exclude` are written as in .gitignore",
            path=root,
        ) from error
