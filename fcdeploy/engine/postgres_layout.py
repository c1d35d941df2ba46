"""The tables of a shared journal, in a schema `fcdeploy` of their own, and their making.

Every row says of which project and target it is: one database serves a team. What two first users make at once is made
once, since each waits for a lock of the server's. Nothing is ever changed in tables of another layout.
"""

from __future__ import annotations

import secrets

from fcdeploy.engine.journal_key import SALT_BYTES
from fcdeploy.engine.postgres_connection import Transaction
from fcdeploy.errors import JournalError

VERSION = 1
"""The layout below, as it stands in `fcdeploy.journal`."""

_LOCK = 0x66636A6C
"""`fcjl`: who makes the tables holds this advisory lock."""

_TABLES = (
    "CREATE TABLE fcdeploy.journal (layout integer NOT NULL, salt bytea NOT NULL, key_check bytea)",
    """CREATE TABLE fcdeploy.runs (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- the order of opening, whatever the clocks said
        id text NOT NULL UNIQUE,
        project text NOT NULL,
        target text NOT NULL,
        command text NOT NULL,
        started double precision NOT NULL,
        ended double precision,
        ending text,
        steps text NOT NULL,        -- what may be kept for ever: ids, addresses, actions, operations
        plan text,                  -- the name of the whole plan in sealed, until it is forgotten
        plan_id text NOT NULL,
        spec_digest text NOT NULL,
        tool_version text NOT NULL,
        holder text NOT NULL
    )""",
    "CREATE UNIQUE INDEX open_run ON fcdeploy.runs (project, target) WHERE ended IS NULL",
    "CREATE INDEX runs_of_target ON fcdeploy.runs (project, target, number)",
    """CREATE TABLE fcdeploy.events (
        run text NOT NULL REFERENCES fcdeploy.runs (id),
        seq integer NOT NULL,
        step text NOT NULL,
        type text NOT NULL,
        at double precision NOT NULL,
        etag text,
        outputs text NOT NULL,
        request_id text NOT NULL,
        note text NOT NULL,
        PRIMARY KEY (run, seq)
    )""",
    """CREATE TABLE fcdeploy.materials (
        run text NOT NULL REFERENCES fcdeploy.runs (id),
        name text NOT NULL,
        PRIMARY KEY (run, name)
    )""",
    """CREATE TABLE fcdeploy.sealed (
        project text NOT NULL,
        target text NOT NULL,
        name text NOT NULL,
        number integer NOT NULL,    -- from 0; the last one, of no content, says that all are there
        last boolean NOT NULL,
        content bytea NOT NULL,
        PRIMARY KEY (project, target, name, number)
    )""",
    # What is sealed cannot be compressed.
    "ALTER TABLE fcdeploy.sealed ALTER COLUMN content SET STORAGE EXTERNAL",
    """CREATE TABLE fcdeploy.leases (
        project text NOT NULL,
        target text NOT NULL,
        epoch bigint NOT NULL,
        holder text,                -- NULL: given back
        run text NOT NULL,
        acquired timestamptz NOT NULL,
        beat timestamptz NOT NULL,
        lasts double precision NOT NULL,  -- seconds after a beat, as its holder promised
        written text NOT NULL,      -- the last transaction of its holder
        PRIMARY KEY (project, target)
    )""",
)

_PERMISSION = "let its administrator run `CREATE SCHEMA fcdeploy AUTHORIZATION <the role>` in that database"


def has_layout(transaction: Transaction, journal: str) -> bool:
    """Whether the tables are there. Raises JournalError for those of another layout."""
    found = _found(transaction)
    if found is None or not found[0]:
        return False
    (_, usable, _) = found
    # Without USAGE on the schema the server would say that there is none.
    if not usable:
        raise JournalError(
            f"the journal {journal} must not be read by this role",
            hint="let its owner run `GRANT USAGE ON SCHEMA fcdeploy TO <the role>`, and grant it the tables",
        )
    (layout,) = transaction.row("SELECT layout FROM fcdeploy.journal")
    if layout != VERSION:
        raise JournalError(
            f"the journal {journal} has layout {layout}, and this fcdeploy knows layout {VERSION}",
            detail="it was written by another version of fcdeploy",
            hint="use that version to finish what is open, then begin a new journal in another database",
        )
    return True


def write_layout(transaction: Transaction, journal: str) -> None:
    """Make the tables unless they are there. Raises JournalError when that is not allowed."""
    # Before anything is looked for: a server may go on believing for a while what it has found missing.
    transaction.row("SELECT pg_advisory_xact_lock(%s)", _LOCK)
    if has_layout(transaction, journal):
        return
    found = _found(transaction)
    (encoding, may_make) = transaction.row(
        "SELECT current_setting('server_encoding'), has_database_privilege(current_database(), 'CREATE')"
    )
    if encoding != "UTF8":
        raise JournalError(
            f"the database of {journal} cannot hold every name",
            detail=f"its encoding is {encoding}",
            hint="make one with `CREATE DATABASE fcdeploy ENCODING 'UTF8' TEMPLATE template0`",
        )
    if not (found[2] if found is not None else may_make):
        raise JournalError(f"the journal {journal} cannot be made: the role may not", hint=_PERMISSION)
    if found is None:
        transaction.change("CREATE SCHEMA fcdeploy")
    for table in _TABLES:
        transaction.change(table)
    transaction.change(
        "INSERT INTO fcdeploy.journal (layout, salt) VALUES (%s, %s)", VERSION, secrets.token_bytes(SALT_BYTES)
    )


def _found(transaction: Transaction) -> tuple[bool, bool, bool] | None:
    """Of our schema, None without one: whether it has tables, and whether we may use it and make tables in it."""
    row = transaction.found(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'journal'),"
        " has_schema_privilege(n.oid, 'USAGE'), has_schema_privilege(n.oid, 'CREATE')"
        " FROM pg_catalog.pg_namespace n WHERE n.nspname = 'fcdeploy'"
    )
    return None if row is None else (row[0], row[1], row[2])
