"""What builds made, kept by what they were made of: the same inputs need no second build (S25, S26, S28)."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from fcdeploy.package.archive import Archive
from fcdeploy.package.cache import SETTLED_NS, ArchiveCache
from fcdeploy.package.inputs import Inputs, Known, read_inputs
from fcdeploy.package.records import read_record, write_record
from fcdeploy.package.sources import CodeSource

KEPT_SECONDS = 30 * 86400.0
"""How long a result is kept that is neither the newest of its kind nor used."""

_READ_FORM = "fcdeploy build inputs 1"
_NEWEST_FORM = "fcdeploy newest build 1"


class Recipe(Struct, frozen=True, kw_only=True):
    """What is to be packaged: the folder with its command and patterns, and the runtime that the command is told."""

    source: CodeSource
    runtime: str = ""

    @property
    def path(self) -> Path:
        """The folder."""
        if self.source.path is None:
            raise ValueError("only a folder is built")
        return self.source.path

    def words(self) -> list[Any]:
        """All that tells it from other recipes for the same files."""
        return [self.source.build, self.runtime, self.source.include, self.source.exclude]


class Newest(Struct, frozen=True, kw_only=True):
    """The last build of a recipe: what it made, and the marks of the files that it was made of."""

    archive: Archive
    marks: Mapping[str, str]


class BuildStore:
    """The results under one folder of the state folder, for one run; within it a folder is read once (S28)."""

    def __init__(
        self,
        folder: Path,
        *,
        left_out: frozenset[Path] = frozenset(),
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`left_out` are the files of the spec, which no build gets; `clock_ns` gives ns since the epoch."""
        self.folder = folder
        self._cache = ArchiveCache(folder)
        self._left_out = left_out
        self._clock_ns = clock_ns
        self._read: dict[Path, Inputs] = {}

    def inputs(self, path: Path) -> Inputs:
        """A folder as a build would find it. Raises PackageError. Safe from threads."""
        known = self._read.get(path)
        if known is not None:
            return known
        begun_ns = self._clock_ns()
        record = self.folder / "inputs" / f"{_digest(str(path))}.json"
        before = _known(read_record(record, _READ_FORM))
        found = read_inputs(path, left_out=self._left_out, known=before)
        # A young file may change again within the same tick of its file system's clock.
        settled = {
            name: (file.identity, found.marks[name].split()[-1])
            for name, file in found.files.items()
            if max(file.identity[1], file.identity[2]) + SETTLED_NS <= begun_ns
        }
        if settled != before:
            write_record(record, _READ_FORM, {"files": settled})
        return self._read.setdefault(path, found)

    def result(self, recipe: Recipe, inputs: Inputs) -> Archive | None:
        """What a build made of exactly this, None where there was none."""
        return self._cache.remembered(_result_key(recipe, inputs))

    def newest(self, recipe: Recipe) -> Newest | None:
        """The last build of the recipe, whatever its folder holds by now."""
        record = read_record(self._newest_path(recipe), _NEWEST_FORM)
        archive = self._cache.remembered(record["result"]) if record is not None else None
        return Newest(archive=archive, marks=record["marks"]) if record is not None and archive is not None else None

    def keep(self, recipe: Recipe, inputs: Inputs, archive: Archive) -> None:
        """Let what was built, an archive in this store's folder, be found as the result and as the newest one."""
        key = _result_key(recipe, inputs)
        self._cache.remember(key, archive)
        self.choose(recipe, inputs)

    def choose(self, recipe: Recipe, inputs: Inputs) -> None:
        """Let the result for these inputs be the newest one of the recipe."""
        content = {"path": str(recipe.path), "result": _result_key(recipe, inputs), "marks": dict(inputs.marks)}
        write_record(self._newest_path(recipe), _NEWEST_FORM, content)

    def remove_unused(self, *, older_than_s: float = KEPT_SECONDS) -> int:
        """Delete what was last used so many seconds ago or more and is not the newest of a folder that is still there;
        returns how many files.
        """
        for path in sorted((self.folder / "newest").glob("*.json")):
            record = read_record(path, _NEWEST_FORM)
            with suppress(FileNotFoundError):  # another process cleans too
                if record is None or not os.path.isdir(record["path"]):
                    path.unlink()
                else:
                    os.utime(self.folder / "records" / f"{record['result']}.json")
        return self._cache.remove_unused(keep=(), older_than_s=older_than_s)

    def _newest_path(self, recipe: Recipe) -> Path:
        return self.folder / "newest" / f"{_digest(str(recipe.path), *recipe.words())}.json"


def _known(record: Mapping[str, Any] | None) -> Known:
    files = record["files"] if record is not None else {}
    return {name: (tuple(identity), content) for name, (identity, content) in files.items()}


def _result_key(recipe: Recipe, inputs: Inputs) -> str:
    return _digest(inputs.digest, *recipe.words())


def _digest(*words: Any) -> str:
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()
