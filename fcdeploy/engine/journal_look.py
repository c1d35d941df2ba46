"""A short look into the journal of one machine: whether a run of a target has not ended.

A command that only reads asks this of each target, and of a hundred at once; a journal that is opened to be written has
a thread of its own, which takes longer than the whole look.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from fcdeploy.engine.journal_layout import journal_error, open_connection
from fcdeploy.engine.journal_rows import RUN_COLUMNS, from_run_row
from fcdeploy.engine.past import past_run
from fcdeploy.model import EventType, PastRun


def read_open_figures(path: Path, target: str) -> PastRun | None:
    """The run of a target that has not ended, in figures. Blocks. Raises JournalError."""
    with contextlib.closing(open_connection(path, None)) as connection:
        try:
            row = connection.execute(
                f"SELECT {RUN_COLUMNS} FROM runs WHERE target = ? AND ended IS NULL", (target,)
            ).fetchone()
            if row is None:
                return None
            record = from_run_row(row)
            words = connection.execute("SELECT step, type FROM events WHERE run = ? ORDER BY seq", (record.id,))
            return past_run(record, [(step, EventType(kind)) for step, kind in words])
        except (OSError, sqlite3.Error) as error:
            raise journal_error("read", path, error) from error
