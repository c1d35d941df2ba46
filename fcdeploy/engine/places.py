"""Where a run keeps what must survive it: the state folder (S35), one folder per project and target, mode 0700.

    <state>/<project>/cache/                packages, shared by the project's targets
                      local/                the embedded emulator's own files (`--local`), shared too
                      <target>/journal.db   events, history, lease
                               spool/       archives to be sent
                               undo/        plans and what takes them back

`<state>` is `$FCDEPLOY_STATE`, else `$XDG_STATE_HOME/fcdeploy`, else `~/.local/state/fcdeploy`. It never lies in the
checkout: what it holds must not be committed, packed into an archive, or swept away by `git clean`.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from fcdeploy.errors import RunError

_READABLE = 40
"""Characters of a name that a folder shows; the rest is in the hash."""

_MOVE_HINT = "set FCDEPLOY_STATE to a folder of your own outside the checkout"


class Place(Struct, frozen=True, kw_only=True):
    """The folders of one project and target; nothing exists before `write_folders`."""

    project_folder: Path
    folder: Path

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / "journal.db"

    @property
    def spool(self) -> Path:
        """Archives to be sent, by content."""
        return self.folder / "spool"

    @property
    def undo(self) -> Path:
        """Plans and undo material, by content."""
        return self.folder / "undo"

    @property
    def local(self) -> Path:
        """What the embedded emulator keeps: one cloud for all targets of the project."""
        return self.project_folder / "local"

    @property
    def cache(self) -> Path:
        """The package cache, shared by the targets of the project."""
        return self.project_folder / "cache"

    def write_folders(self) -> None:
        """Make every folder, mode 0700 whatever the umask; raises RunError when that cannot be done."""
        own = (self.project_folder, self.cache, self.folder, self.spool, self.undo, self.local)
        try:
            for folder in own:
                if (mode := _mode(folder)) is None or not stat.S_ISDIR(mode):
                    write_folder(folder)
                # The user may have widened a folder of ours, or an archive tool may have restored it too wide.
                elif stat.S_IMODE(mode) != 0o700:
                    folder.chmod(0o700)
        except OSError as error:
            raise RunError(
                f"the state folder {self.folder} cannot be used",
                detail=error.strerror or str(error),
                hint="make it writable, or set FCDEPLOY_STATE to another folder of your own",
            ) from error


def _mode(path: Path) -> int | None:
    """What stands there; None: nothing."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def place_of(project: str, target: str, *, spec_folder: Path, environ: Mapping[str, str]) -> Place:
    """The place of one project and target; raises RunError when it would lie in the folder of the spec."""
    root = state_root(environ)
    if root.is_relative_to(spec_folder.resolve()):
        raise RunError(
            f"the state folder {root} lies inside the checkout",
            detail="it holds undo material and archives, which must not be committed or packed",
            hint=_MOVE_HINT,
        )
    project_folder = root / slug(project)
    return Place(project_folder=project_folder, folder=project_folder / slug(target))


def state_root(environ: Mapping[str, str]) -> Path:
    """The state folder with symbolic links followed; raises RunError when no variable and no home names one."""
    try:
        if own := environ.get("FCDEPLOY_STATE"):
            return Path(own).expanduser().resolve()
        # The base directory rules say that a relative XDG path is to be ignored.
        if (base := environ.get("XDG_STATE_HOME", "")) and Path(base).is_absolute():
            return (Path(base) / "fcdeploy").resolve()
        home = environ.get("HOME") or str(Path.home())
        return (Path(home) / ".local" / "state" / "fcdeploy").resolve()
    except RuntimeError as error:
        raise RunError("there is no home folder to keep the journal in", detail=str(error), hint=_MOVE_HINT) from error


def slug(name: str) -> str:
    """A folder name for any text: readable, safe on every file system, and different for different texts.

    The hash is over the exact text, so names that differ only in case, accents or length stay apart.
    """
    flat = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    readable = re.sub(r"[^a-z0-9_]+", "-", flat)[:_READABLE].strip("-") or "x"
    return f"{readable}-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:12]}"


def write_folder(folder: Path) -> None:
    """Make a folder and its missing parents, each 0700 whatever the umask, so that they survive a power cut."""
    missing: list[Path] = []
    step = folder
    while not step.exists():
        missing.append(step)
        step = step.parent
    for made in reversed(missing):
        made.mkdir(mode=0o700, exist_ok=True)
        # mkdir's mode is cut by the umask; a umask of 0777 would lock us out of our own folder.
        made.chmod(0o700)
        write_folder_entries(made.parent)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))


def write_folder_entries(folder: Path) -> None:
    """Make the names in a folder durable (fsync of the folder)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
