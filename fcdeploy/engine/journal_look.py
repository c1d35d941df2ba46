"""What is read of runs in the journal of one machine, and a short look whether one has not ended.

A command that only reads asks this of each target, and of a hundred at once; a journal that is opened to be written has
a thread of its own, which takes longer than the whole look.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from fcdeploy.engine.journal_layout import journal_error, open_connection
from fcdeploy.engine.journal_rows import RUN_COLUMNS, RunRecord, from_run_row
from fcdeploy.engine.past import past_run
from fcdeploy.model import EventType, PastRun

OPEN = "WHERE target = ? AND ended IS NULL"
"""The run of a target that has not ended, for `records_in`."""


def read_open_figures(path: Path, target: str) -> PastRun | None:
    """The run of a target that has not ended, in figures. Blocks. Raises JournalError."""
    with contextlib.closing(open_connection(path, None)) as connection:
        try:
            found = records_in(connection, OPEN, target)
            return past_run(found[0], words_in(connection, found[0].id)) if found else None
        except (OSError, sqlite3.Error) as error:
            raise journal_error("read", path, error) from error


def records_in(connection: sqlite3.Connection, where: str, *values: str | int) -> list[RunRecord]:
    """The runs that a part of a query, from WHERE or ORDER BY on, picks. Raises sqlite3.Error."""
    rows = connection.execute(f"SELECT {RUN_COLUMNS} FROM runs {where}", values)
    return [from_run_row(row) for row in rows.fetchall()]


def words_in(connection: sqlite3.Connection, run: str) -> list[tuple[str, EventType]]:
    """Which step each event of a run is of, and of what type, in order. Raises sqlite3.Error."""
    rows = connection.execute("SELECT step, type FROM events WHERE run = ? ORDER BY seq", (run,))
    return [(step, EventType(kind)) for step, kind in rows.fetchall()]
