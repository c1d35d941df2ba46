"""Whether what a folder says that it needs lies in it: by names and places alone, no file of a package is opened."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from fcdeploy.package.leftout import read_patterns
from fcdeploy.package.sources import CodeSource, SourceKind

_LANGUAGES = ("python", "nodejs", "java", "php", "go", "dotnetcore")
"""How the names of runtimes begin that run one language only."""

_PLACES = re.compile(
    r"python|lib|lib64|libs|python3\.\d+|site-packages|dist-packages|\.python_packages|vendor|vendored|packages|deps"
    r"|dependencies|third_party"
)
"""Folders that packages are put into."""

_DEEPEST = 4
_LARGEST = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NAMED = 3


class Missing(Struct, frozen=True, kw_only=True):
    """A file that names what is needed, some of what it names, and the command that installs it."""

    file: str
    names: tuple[str, ...]
    command: str


def read_missing(source: CodeSource, runtimes: Sequence[str] = ()) -> tuple[Missing, ...]:
    """What the folder of a source needs and has nothing of, for code that runs in one of these runtimes.

    Nothing is said of a folder that is built, of files that are left out of the archive, and of what another language
    needs. Raises PackageError for patterns that cannot be used.
    """
    root = source.path
    if source.kind is not SourceKind.FOLDER or source.build or root is None:
        return ()
    found: list[Missing] = []
    if _may_run("python", runtimes):
        wanted = _requirements(root / "requirements.txt")
        if wanted and not _has_package(root, {form for name in wanted for form in _forms(name)}):
            command = "pip install -r requirements.txt -t ."
            found.append(Missing(file="requirements.txt", names=tuple(filter(None, wanted)), command=command))
    if _may_run("nodejs", runtimes):
        wanted = _dependencies(root / "package.json")
        if wanted and not any(os.path.isdir(root / place) for place in ("node_modules", "nodejs/node_modules")):
            found.append(Missing(file="package.json", names=wanted, command="npm install --omit=dev"))
    if not found:
        return ()
    patterns = read_patterns(root, include=(), exclude=source.exclude)
    return tuple(one for one in found if not patterns.excludes(one.file))


def named(missing: Missing) -> str:
    """Some of the names, for a sentence; empty where none is known."""
    more = len(missing.names) - _NAMED
    return ", ".join(missing.names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _may_run(language: str, runtimes: Sequence[str]) -> bool:
    return not runtimes or any(one.startswith(language) or not one.startswith(_LANGUAGES) for one in runtimes)


def _requirements(path: Path) -> tuple[str, ...]:
    """What a requirements file asks for in any case; an empty name for what is not told by name."""
    names = []
    for line in _text(path).replace("\\\n", " ").splitlines():
        asked = re.split(r"(?:^|\s)#", line.strip(), maxsplit=1)[0].strip()
        # What has a condition may not be needed; an option that asks for nothing asks for nothing.
        if not asked or ";" in asked or (asked.startswith("-") and not re.match(r"-r|--requirement|-e|--edit", asked)):
            continue
        is_name = not asked.startswith("-") and "://" not in asked.split("@")[0]
        name = _NAME.match(asked) if is_name else None
        names.append(name[0] if name else "")
    return tuple(names)


def _forms(name: str) -> set[str]:
    """How a distribution's top folder or module may be called."""
    plain = re.sub(r"[-_.]+", "_", name.lower())
    return {plain, plain.removeprefix("python_"), plain.removeprefix("py_"), plain.removeprefix("py")} - {""}


def _has_package(root: Path, forms: set[str]) -> bool:
    return any(
        name.endswith((".dist-info", ".egg-info")) or name.lower().partition(".")[0] in forms
        for name in _names(str(root), _DEEPEST)
    )


def _names(folder: str, deeper: int) -> Iterator[str]:
    """What lies in a folder and in those below it that packages are put into."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir()) for entry in entries]
    except OSError:
        return
    yield from (name for name, _ in found)
    for name, is_folder in found:
        if is_folder and deeper and _PLACES.fullmatch(name):
            yield from _names(os.path.join(folder, name), deeper - 1)


def _dependencies(path: Path) -> tuple[str, ...]:
    try:
        content = json.loads(_text(path) or "{}")
    except ValueError:
        return ()
    needed = content.get("dependencies") if isinstance(content, dict) else None
    return tuple(map(str, needed)) if isinstance(needed, dict) else ()


def _text(path: Path) -> str:
    """The text of a file; nothing where there is none that could be read as one."""
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
