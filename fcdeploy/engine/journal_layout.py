"""The journal's file as such: its tables, its making, and what is not taken for one.

A file that is not ours, is newer, or is damaged is refused before anything is written to it, and the error says what to
do: moving it away loses no resource (law 8).
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import secrets
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from fcdeploy.engine.places import write_folder
from fcdeploy.errors import JournalError

APPLICATION_ID = 0x66636A6C
"""`fcjl`, in the SQLite header: the file is one of ours."""

VERSION = 2
"""The layout below, as `user_version`."""

_SCHEMA = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which runs were opened, whatever the clock said
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    target TEXT NOT NULL,
    command TEXT NOT NULL,
    started REAL NOT NULL,
    ended REAL,
    ending TEXT,
    steps TEXT NOT NULL,    -- what may be kept for ever: ids, addresses, actions, operations
    plan TEXT,              -- SHA-256 of the whole plan in undo/, until it is forgotten
    plan_id TEXT NOT NULL,
    spec_digest TEXT NOT NULL,
    tool_version TEXT NOT NULL,
    holder TEXT NOT NULL
);
CREATE UNIQUE INDEX open_run ON runs (target) WHERE ended IS NULL;
CREATE TABLE events (
    run TEXT NOT NULL REFERENCES runs (id),
    seq INTEGER NOT NULL,
    step TEXT NOT NULL,
    type TEXT NOT NULL,
    at REAL NOT NULL,
    etag TEXT,
    outputs TEXT NOT NULL,
    request_id TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE TABLE materials (
    run TEXT NOT NULL REFERENCES runs (id),
    sha256 TEXT NOT NULL,
    PRIMARY KEY (run, sha256)
) WITHOUT ROWID;
CREATE TABLE lease (
    target TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    holder TEXT,            -- NULL: released
    run TEXT NOT NULL,
    acquired REAL NOT NULL,
    beat INTEGER NOT NULL   -- counts heartbeats; never a time, so no clock can make a holder look dead
) WITHOUT ROWID;
CREATE TABLE sightings (
    target TEXT NOT NULL,
    observer TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    beat INTEGER NOT NULL,
    at REAL NOT NULL,       -- the observer's own monotonic clock
    PRIMARY KEY (target, observer)
) WITHOUT ROWID;
"""

_START_OVER = (
    "move it away (with its -wal and -shm) and run again: no resource is lost with it, only history and the means to "
    "resume or roll back an open run; the next plan shows what such a run has left in the cloud"
)

_TROUBLE = {
    "SQLITE_FULL": ("the disk is full", "free some space, then `fcdeploy resume` or `fcdeploy rollback`"),
    "SQLITE_READONLY": (
        "it is read-only",
        "make it and its folder writable, or set FCDEPLOY_STATE to another folder",
    ),
    "SQLITE_BUSY": (
        "another process has been writing to it for too long",
        "if a process was stopped in the middle of a write, let it go on or end it",
    ),
    "SQLITE_CORRUPT": ("the file is damaged", _START_OVER),
    "SQLITE_NOTADB": ("the file is damaged", _START_OVER),
}


def journal_error(doing: str, path: Path, error: sqlite3.Error | OSError) -> JournalError:
    """What SQLite or the system reported, with what to do."""
    if isinstance(error, IsADirectoryError):
        return JournalError(f"the journal {path} cannot be {doing}: it is a folder", hint=_START_OVER)
    name = getattr(error, "sqlite_errorname", "") or ""
    for prefix, (detail, hint) in _TROUBLE.items():
        if name.startswith(prefix):
            return JournalError(f"the journal {path} cannot be {doing}: {detail}", detail=str(error), hint=hint)
    return JournalError(
        f"the journal {path} cannot be {doing}",
        detail=f"{error} {name}".strip(),
        hint="see that the folder exists, is writable and has space, or set FCDEPLOY_STATE to a local folder",
    )


def open_connection(path: Path, trace: Callable[[str], object] | None) -> sqlite3.Connection:
    """Open a journal, or make a new one. Raises JournalError with a way out when it cannot be used."""
    try:
        if not path.exists():
            _write_new(path)
        _refuse_foreign(path)
        if path.stat().st_mode & 0o777 != 0o600:
            path.chmod(0o600)
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",  # rw: never create
            uri=True,
            timeout=10,
            isolation_level=None,
            check_same_thread=False,  # made here, used by the writer thread alone
        )
    except (OSError, sqlite3.Error) as error:
        raise journal_error("opened", path, error) from error
    try:
        if trace:
            connection.set_trace_callback(trace)
        _write_settings(connection, path)
        return connection
    except (OSError, sqlite3.Error) as error:
        connection.close()
        raise journal_error("opened", path, error) from error
    except JournalError:
        connection.close()
        raise


def _write_new(path: Path) -> None:
    """Make a journal if there is still none: built under another name, so that nobody ever sees half of one."""
    write_folder(path.parent)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if path.exists():
            return
        # The log of a journal that somebody deleted would be replayed into the new one.
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        try:
            _write_empty(temporary)
            temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_empty(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        # SQLite gives -wal and -shm the mode of the file itself.
        os.fchmod(descriptor, 0o600)
        file.write(_empty())
        file.flush()
        os.fsync(descriptor)


@functools.cache
def _empty() -> bytes:
    """The content of a journal that holds nothing: with many targets a command makes many, all alike."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(
                f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION}; BEGIN; {_SCHEMA} COMMIT;"
            )
        return path.read_bytes()


def _refuse_foreign(path: Path) -> None:
    """Look at the header alone, before SQLite may touch anything (it would, say, replay a foreign file's log)."""
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise JournalError(
            f"{path} is not a journal",
            detail="it is not an SQLite file, or only the beginning of one",
            hint=_START_OVER,
        )
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise JournalError(
            f"{path} is not a journal",
            detail="it is an SQLite file of another program",
            hint="move it away, or set FCDEPLOY_STATE to a folder of your own",
        )
    _refuse_newer(path, int.from_bytes(header[60:64], "big"))


def _refuse_newer(path: Path, version: int) -> None:
    if version != VERSION:
        raise JournalError(
            f"the journal {path} has layout {version}, and this fcdeploy knows layout {VERSION}",
            detail="it was written by another version of fcdeploy",
            hint=f"use that version to finish what is open, or {_START_OVER}",
        )


def _write_settings(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    # What `forget` deletes must not linger in free pages.
    connection.execute("PRAGMA secure_delete=ON")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    _refuse_newer(path, version)
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise JournalError(
            f"the journal {path} lies on a file system that cannot keep it safe",
            detail=f"SQLite offers journal mode {mode} there",
            hint="set FCDEPLOY_STATE to a folder on a local disk",
        )
    for (finding,) in connection.execute("PRAGMA quick_check(1)"):
        if finding != "ok":
            raise JournalError(f"the journal {path} is damaged", detail=str(finding), hint=_START_OVER)
