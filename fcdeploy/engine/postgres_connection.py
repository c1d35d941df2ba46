"""The connection to a shared journal, and the thread that alone uses it.

A thread with a connection of its own, as the file of one machine has: a loop that is busy packing must not look like a
dead holder, and what is waited for by a task that is cancelled is written all the same.

Durability: every transaction sets `synchronous_commit` on where it is off.

A connection that breaks is made again for as long as the lease lasts, and what was under way is done again, once:
each transaction of a holder leaves a token of its own in the lease's row (`stamp`), so that whoever does not know
whether its COMMIT arrived finds out, also from a server that was restarted or took another's place. After that, and
after any other error, this object writes no more: nothing more may be sent, since nothing more could be remembered.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, LiteralString, Self, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fcdeploy.engine.journal_thread import Job, JournalThread, fail_all
from fcdeploy.engine.postgres_url import passwords_in, shown_url
from fcdeploy.errors import JournalError

T = TypeVar("T")
_Row = tuple[Any, ...]

_DEFAULTS = {
    "application_name": "fcdeploy",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    # Of several hosts the one that takes writes; and never a standby by mistake.
    "target_session_attrs": "read-write",
}

_BEGIN: LiteralString = """SELECT
    set_config('synchronous_commit', CASE now WHEN 'off' THEN 'on' ELSE now END, true),
    set_config('statement_timeout', '20s', true),
    set_config('lock_timeout', '10s', true),
    set_config('idle_in_transaction_session_timeout', '10s', true)
    FROM current_setting('synchronous_commit') AS now"""

_LONGEST = 30.0
"""Seconds that a server which says nothing at all is waited for, and half of the patience at most."""

_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)

_PASSING = ("08", "40", "53300", "55P03", "57014", "57P", "25P03")
"""Beginnings of SQLSTATEs that say nothing against doing the same again: connections, deadlocks, locks, restarts."""


class Transaction:
    """What a work does its reading and writing through.

    `token` is that of the transaction, `seen` what was read in it under a lock, by who read it.
    """

    def __init__(self, connection: psycopg.Connection[_Row], token: str) -> None:
        self.token = token
        self.changes = 0
        self.seen: dict[str, Any] = {}
        self._connection = connection

    def rows(self, query: LiteralString, *values: object) -> list[_Row]:
        """All rows of an answer."""
        return self._connection.execute(query, values, binary=True).fetchall()

    def found(self, query: LiteralString, *values: object) -> _Row | None:
        """The first row of an answer, None when there is none."""
        return self._connection.execute(query, values, binary=True).fetchone()

    def row(self, query: LiteralString, *values: object) -> _Row:
        """The one row of an answer that always has one."""
        row = self.found(query, *values)
        assert row is not None
        return row

    def change(self, query: LiteralString, *values: object) -> None:
        """Send a change; that it was done is known when the transaction is."""
        self.changes += 1
        self._connection.execute(query, values)


class PostgresConnection(JournalThread[Transaction]):
    """An open journal on a server. `patience`: seconds that a broken connection is tried to be made again."""

    def __init__(self, url: str, scope: tuple[str, str], connection: psycopg.Connection[_Row], patience: float) -> None:
        super().__init__(shown_url(url))
        self._url = url
        self._scope = scope
        self._connection: psycopg.Connection[_Row] | None = connection
        self._patience = patience
        self._failure: JournalError | None = None
        self._nap = threading.Event()
        self._thread.start()

    @classmethod
    def open(
        cls, url: str, scope: tuple[str, str], first: Callable[[Transaction], T], *, patience: float
    ) -> tuple[Self, T]:
        """Connect and do `first` in a transaction; `scope` is the project and the target that it is about.

        Raises JournalError when the server cannot be reached or does not let us in, and what `first` raises.
        """
        connection: psycopg.Connection[_Row] | None = None
        try:
            connection = _connected(url)
            with _bounded(connection, patience), _transaction(connection, "") as transaction:
                result = first(transaction)
        except psycopg.Error as error:
            _drop(connection)
            raise postgres_error("opened", url, error) from error
        except JournalError:
            _drop(connection)
            raise
        return cls(url, scope, connection, patience), result

    def _shut(self) -> None:
        self._nap.set()
        _drop(self._connection)

    def _write_batch(self, jobs: Sequence[Job[Transaction]]) -> None:
        if self._failure is None:
            try:
                self._write_once(jobs)
                return
            except psycopg.Error as error:
                # Poisoned: whether this batch was written is unknown, so nobody may act on it or after it.
                self._failure = postgres_error("written", self._url, error)
            except JournalError as error:
                self._failure = error
            self._hang_up()
        fail_all(jobs, self._failure)

    def _write_once(self, jobs: Sequence[Job[Transaction]]) -> None:
        """Until it is written or shown to be written already, however often the connection breaks meanwhile."""
        token = secrets.token_hex(16)
        for again in self._tries():
            with self._passing_by(again), self._opened() as connection:
                with _transaction(connection, token) as transaction:
                    if again and self._is_written(transaction):
                        return
                    for job in jobs:
                        self._write_one(job, transaction)
                return

    def _is_written(self, transaction: Transaction) -> bool:
        """Whether a transaction is there of which that was not told; one that is still under way is waited for."""
        found = transaction.found(
            "SELECT written FROM fcdeploy.leases WHERE project = %s AND target = %s FOR UPDATE", *self._scope
        )
        return found == (transaction.token,)

    def _write_one(self, job: Job[Transaction], transaction: Transaction) -> None:
        """Do one work of a transaction; what it returned or raised is told after the commit."""
        before = transaction.changes
        job.result, job.error = None, None
        try:
            job.result = job.work(transaction)
        except psycopg.Error:
            raise  # The server's trouble, not this work's: the batch fails as a whole.
        except BaseException as error:
            # Forwarded to whoever waits for this work, as concurrent.futures does; the others are not concerned.
            job.error = error
            if transaction.changes != before:
                raise JournalError(f"half of a change would be written to the journal {self.name}") from error

    def _read_one(self, job: Job[Transaction]) -> None:
        try:
            for again in self._tries():
                with self._passing_by(again), self._opened() as connection:
                    job.result = job.work(Transaction(connection, ""))
                    return
        except psycopg.Error as error:
            job.error = postgres_error("read", self._url, error)
        except BaseException as error:
            job.error = error  # Forwarded, as above.

    def _tries(self) -> Iterator[int]:
        """Numbers from 0, each time after a pause; whoever is out of patience finds the last error raised."""
        self._deadline = time.monotonic() + self._patience
        number = 0
        while True:
            yield number
            self._nap.wait(_PAUSES[min(number, len(_PAUSES) - 1)])
            number += 1

    @contextlib.contextmanager
    def _passing_by(self, again: int) -> Iterator[None]:
        """Swallows an error after which the same may be done again, as long as there is time."""
        try:
            yield
        except psycopg.Error as error:
            self._hang_up()
            if not _is_passing(error) or time.monotonic() >= self._deadline:
                raise
        except BaseException:
            self._hang_up()
            raise

    @contextlib.contextmanager
    def _opened(self) -> Iterator[psycopg.Connection[_Row]]:
        if self._connection is None or self._connection.closed:
            self._connection = _connected(self._url)
        with _bounded(self._connection, self._patience):
            yield self._connection

    def _hang_up(self) -> None:
        """What was under way on this connection ends on the server too."""
        _drop(self._connection)
        self._connection = None


def postgres_error(doing: str, url: str, error: psycopg.Error) -> JournalError:
    """What the server or its library reported, with what to do; no password is in it."""
    detail = str(error).strip() or type(error).__name__
    for password in passwords_in(url):
        detail = detail.replace(password, "…")
    hint = "see that the server is there and the address right; nothing more was sent to any cloud"
    if error.sqlstate == "42501":
        hint = "let the owner of the schema fcdeploy grant the role what it needs"
    elif "fe_sendauth" in detail or "authentication" in detail:
        hint = "give the role's password in PGPASSWORD or in ~/.pgpass"
    return JournalError(f"the journal {shown_url(url)} cannot be {doing}", detail=detail, hint=hint)


def _is_passing(error: psycopg.Error) -> bool:
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate.startswith(_PASSING)


def _connected(url: str) -> psycopg.Connection[_Row]:
    given = conninfo_to_dict(url)
    named = {name: value for name, value in _DEFAULTS.items() if name not in given}
    # Statements are not prepared, so that a pooler between us and the server may change servers.
    return psycopg.connect(make_conninfo(url, **named), autocommit=True, prepare_threshold=None)


@contextlib.contextmanager
def _transaction(connection: psycopg.Connection[_Row], token: str) -> Iterator[Transaction]:
    """A transaction that is committed and durable at the end. Changes travel together with the COMMIT."""
    with connection.pipeline():
        connection.execute("BEGIN")
        transaction = Transaction(connection, token)
        transaction.row(_BEGIN)
        yield transaction
        end = connection.execute("COMMIT")
    if end.statusmessage != "COMMIT":
        raise psycopg.OperationalError(f"the server answered COMMIT with {end.statusmessage}")


@contextlib.contextmanager
def _bounded(connection: psycopg.Connection[_Row], patience: float) -> Iterator[None]:
    """Break the connection under a server that says nothing for too long: libpq itself would wait for ever."""
    with socket.socket(fileno=os.dup(connection.fileno())) as line:

        def break_off() -> None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(min(_LONGEST, patience / 2), break_off)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _drop(connection: psycopg.Connection[_Row] | None) -> None:
    if connection is not None:
        with contextlib.suppress(psycopg.Error):
            connection.close()
