"""The file of the journal of one machine, and the thread that alone writes to it.

Durability: WAL with synchronous=FULL, so a COMMIT returns only after fsync.

The first write that fails ends all writing through this object: after it nothing more may be sent, since nothing more
could be remembered.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from fcdeploy.engine.journal_layout import journal_error, open_connection
from fcdeploy.engine.journal_thread import Job, JournalThread, fail_all
from fcdeploy.errors import JournalError


class JournalFile(JournalThread[sqlite3.Connection]):
    """An open journal file. Every piece of work runs on its one writer thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(str(path))
        self.path = path
        self._connection = connection
        self._inode = os.stat(path).st_ino
        self._failure: JournalError | None = None
        self._thread.start()

    @classmethod
    def open(cls, path: Path, *, trace: Callable[[str], object] | None = None) -> Self:
        """Open a journal, or make a new one; `trace` is told every SQL statement (for tests).

        Raises JournalError with a way out when the file is foreign, newer, damaged or cannot be opened.
        """
        connection = open_connection(path, trace)
        try:
            return cls(path, connection)
        except OSError as error:
            connection.close()
            raise journal_error("opened", path, error) from error

    def _shut(self) -> None:
        self._connection.close()

    def _write_batch(self, jobs: Sequence[Job[sqlite3.Connection]]) -> None:
        if self._failure is None:
            try:
                self._refuse_moved()
                self._connection.execute("BEGIN IMMEDIATE")
                for job in jobs:
                    self._write_one(job)
                self._connection.execute("COMMIT")
                return
            except (sqlite3.Error, OSError) as error:
                # Poisoned: whether this batch reached the disk is unknown, so nobody may act on it or after it.
                self._failure = journal_error("written", self.path, error)
            except JournalError as error:
                self._failure = error
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        fail_all(jobs, self._failure)

    def _write_one(self, job: Job[sqlite3.Connection]) -> None:
        """Do one work of a transaction; what it returned or raised is told after the commit."""
        before = self._connection.total_changes
        try:
            job.result = job.work(self._connection)
        except sqlite3.Error:
            raise  # The file's trouble, not this work's: the batch fails as a whole.
        except BaseException as error:
            # Forwarded to whoever waits for this work, as concurrent.futures does; the others are not concerned.
            job.error = error
            if self._connection.total_changes != before:
                raise JournalError(f"half of a change would be written to the journal {self.path}") from error

    def _read_one(self, job: Job[sqlite3.Connection]) -> None:
        try:
            job.result = job.work(self._connection)
        except (sqlite3.Error, OSError) as error:
            job.error = journal_error("read", self.path, error)
        except BaseException as error:
            job.error = error  # Forwarded, as above.

    def _refuse_moved(self) -> None:
        """Two processes with two files of one name would both hold the lease."""
        try:
            if os.stat(self.path).st_ino == self._inode:
                return
        except FileNotFoundError:
            pass
        raise JournalError(
            f"the journal {self.path} was moved or deleted while in use",
            hint="nothing more was sent; move it back and `fcdeploy resume`, or plan again: what this run did is in "
            "the cloud and will be seen there",
        )
