"""What a build starts from: all of a folder but what no build needs, read as it lies there, and copied (S25).

A digest of names, contents, x bits and links tells whether a build has anything new to do. Times are no part of it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from fcdeploy.package.archive import opened_as_listed
from fcdeploy.package.errors import PackageError, unreadable, unwritable
from fcdeploy.package.leftout import is_always_left_out
from fcdeploy.package.listing import Listed

_BLOCK = 1 << 20
_READ_HINT = "check its permissions, or move it out of the folder"
_TRACES = frozenset({".venv", ".tox", ".nox", ".hypothesis", ".idea", ".vscode"})
"""What tools leave in a folder, which changes when nothing that is deployed does; a `.venv` does not work elsewhere."""


def is_no_input(name: str) -> bool:
    """Whether a file or folder of this name is of no build's concern, at any depth."""
    return is_always_left_out(name) or name in _TRACES or (name.startswith(".") and name.endswith("_cache"))


class Inputs(Struct, frozen=True, kw_only=True):
    """A folder as it was read: files and links (where each leads from a copy) by name, and the folders between them.

    Names are as on disk, `/` between parts. `marks` has a word for each file and link that changes with it.
    """

    root: Path
    files: Mapping[str, Listed]
    links: Mapping[str, str]
    folders: tuple[str, ...]
    marks: Mapping[str, str]

    @property
    def digest(self) -> str:
        """What two folders share that a build cannot tell apart; hex."""
        whole = b"\0\0".join(os.fsencode(f"{name}\0{self.marks[name]}") for name in sorted(self.marks))
        return hashlib.sha256(whole).hexdigest()


Known = Mapping[str, tuple[tuple[int, ...], str]]
"""The sha256 of files that were read before, by name, with their identities then (S28)."""


def read_inputs(root: Path, *, left_out: frozenset[Path] = frozenset(), known: Known) -> Inputs:
    """Read a folder; a file whose identity is `known` is not read again. Raises PackageError.

    `left_out` are absolute paths that no build gets: the files of the spec. Sockets, pipes and devices are passed over.
    """
    out = frozenset(map(os.path.realpath, left_out))
    files: dict[str, Listed] = {}
    links: dict[str, str] = {}
    folders: list[str] = []
    pending = [""]
    try:
        while pending:
            prefix = pending.pop()
            with os.scandir(root / prefix) as entries:
                for entry in entries:
                    name = prefix + entry.name
                    if is_no_input(entry.name) or entry.path in out:
                        continue
                    if entry.is_symlink():
                        links[name] = _carried(root, name)
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(name)
                        pending.append(name + "/")
                    elif stat.S_ISREG((found := entry.stat(follow_symlinks=False)).st_mode):
                        files[name] = Listed(name, entry.path, found)
    except OSError as error:
        raise unreadable(error, root, _READ_HINT) from error
    marks = {name: f"-> {target}" for name, target in links.items()}
    for name, file in files.items():
        before = known.get(name)
        content = before[1] if before is not None and before[0] == file.identity else _read_digest(file)
        marks[name] = f"{'x' if file.executable else '-'} {content}"
    return Inputs(root=root, files=files, links=links, folders=tuple(sorted(folders)), marks=marks)


def write_copy(inputs: Inputs, to: Path) -> None:
    """Copy the folder as it was read into the empty folder `to`, with the times of its files, which `make` looks at.

    Raises PackageError where it has changed since, and for what cannot be written.
    """
    try:
        for name in inputs.folders:
            (to / name).mkdir(mode=0o755)
        for name, file in inputs.files.items():
            _write_file(file, to / name, inputs.marks[name].split()[-1])
        for name, target in inputs.links.items():
            (to / name).symlink_to(target)
    except OSError as error:
        raise unwritable(f"{inputs.root} cannot be copied for its build", error, inputs.root) from error


def _write_file(file: Listed, to: Path, expected: str) -> None:
    seen = hashlib.sha256()
    with opened_as_listed(file) as opened, to.open("xb") as copy:
        while block := opened.read(_BLOCK):
            seen.update(block)
            copy.write(block)
    if seen.hexdigest() != expected:
        raise PackageError(
            f"{file.path} changed while it was copied", hint="run again when nothing writes to the folder"
        )
    to.chmod(0o755 if file.executable else 0o644)
    modified = file.identity[1]
    os.utime(to, ns=(modified, modified))


def _read_digest(file: Listed) -> str:
    with opened_as_listed(file) as opened:
        try:
            return hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise unreadable(error, Path(file.path), _READ_HINT) from error


def _carried(root: Path, name: str) -> str:
    """What a link in a copy of the folder says, so that it leads to the copy of what it led to, or to the same place
    outside. Whether an archive may have it is judged when there is one.
    """
    path = os.path.join(root, name)
    said = os.readlink(path)
    folder = os.path.dirname(path)
    target = os.path.normpath(os.path.join(folder, said))
    inside = target == str(root) or target.startswith(f"{root}{os.sep}")
    if not inside:
        return target
    return os.path.relpath(target, folder) if os.path.isabs(said) else said
