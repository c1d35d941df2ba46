"""Where the emulator keeps its contents: one SQLite file, one generic table.

Durability: WAL with ``synchronous=NORMAL``. Every effect of a request is one transaction that is committed before
the reply is written, so a killed process (kill -9) loses nothing that was acknowledged and shows nothing by half.
Archives are rows of their own, keyed by their SHA-256, written in the transaction that refers to them.
A process-wide lock makes transactions of several threads take turns; several processes on one file take turns
through SQLite's own lock (``BEGIN IMMEDIATE``).
"""

import hashlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fcdeploy.emulator.exchange import Json, Tenant

FILE_NAME = "emulator.sqlite3"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
  account TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL, parent TEXT NOT NULL, name TEXT NOT NULL,
  body TEXT NOT NULL, etag TEXT NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY (account, region, kind, parent, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (
  account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (account, region, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (digest TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_COLUMNS = "kind, parent, name, body, etag, created, modified, seq"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A stored resource. Keys of ``body`` that begin with ``_`` are the emulator's own and never leave it."""

    kind: str
    parent: str
    name: str
    body: Json
    etag: str
    created: str
    modified: str
    seq: int = 0


def etag_of(body: Json) -> str:
    """Return 32 lower hex digits, a digest of the whole body (facts 6.2, [INF] digest of the resource body)."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _to_row(values: tuple[str, str, str, str, str, str, str, int]) -> Row:
    kind, parent, name, body, etag, created, modified, seq = values
    return Row(
        kind=kind,
        parent=parent,
        name=name,
        body=json.loads(body),
        etag=etag,
        created=created,
        modified=modified,
        seq=seq,
    )


def _after_prefix(prefix: str) -> str | None:
    """Return the smallest text that is greater than every text that begins with ``prefix``; None if there is none."""
    for end in range(len(prefix), 0, -1):
        code = ord(prefix[end - 1])
        if code < 0x10FFFF:
            following = 0xE000 if code == 0xD7FF else code + 1  # surrogates cannot be stored
            return prefix[: end - 1] + chr(following)
    return None


class Session:
    """The rows of one tenant inside one transaction."""

    __slots__ = ("_connection", "_tenant", "tenant")

    def __init__(self, connection: sqlite3.Connection, tenant: Tenant) -> None:
        self._connection = connection
        self._tenant = (tenant.account, tenant.region)
        self.tenant = tenant

    def get(self, kind: str, parent: str, name: str) -> Row | None:
        """Return one row or None."""
        found = self._connection.execute(
            f"SELECT {_COLUMNS} FROM resources WHERE account=? AND region=? AND kind=? AND parent=? AND name=?",
            (*self._tenant, kind, parent, name),
        ).fetchone()
        return None if found is None else _to_row(found)

    def put(self, row: Row) -> None:
        """Insert the row or replace the one at its address; ``seq`` is given here."""
        body = json.dumps(row.body, separators=(",", ":"), ensure_ascii=True)
        seq = self.next_number("")
        self._connection.execute(
            f"INSERT OR REPLACE INTO resources (account, region, {_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)",
            (*self._tenant, row.kind, row.parent, row.name, body, row.etag, row.created, row.modified, seq),
        )

    def delete(self, kind: str, parent: str, name: str) -> bool:
        """Remove one row; return whether there was one."""
        done = self._connection.execute(
            "DELETE FROM resources WHERE account=? AND region=? AND kind=? AND parent=? AND name=?",
            (*self._tenant, kind, parent, name),
        )
        return done.rowcount > 0

    def delete_under(self, kind: str, parent: str) -> int:
        """Remove every row of ``kind`` right under ``parent``; return how many."""
        done = self._connection.execute(
            "DELETE FROM resources WHERE account=? AND region=? AND kind=? AND parent=?",
            (*self._tenant, kind, parent),
        )
        return done.rowcount

    def delete_beneath(self, parent: str) -> None:
        """Delete rows of every kind whose parent is ``parent`` or stands beneath it."""
        # The character after "/" bounds the names that begin with the parent's.
        self._connection.execute(
            "DELETE FROM resources WHERE account=? AND region=? AND (parent=? OR (parent>? AND parent<?))",
            (*self._tenant, parent, parent + "/", parent + "0"),
        )

    def children(self, kind: str, parent: str, *, start: str = "", prefix: str = "", limit: int = -1) -> list[Row]:
        """Return rows right under ``parent``, ascending by name bytewise, from ``start`` (inclusive) on."""
        clauses = "account=? AND region=? AND kind=? AND parent=? AND name>=?"
        values: list[object] = [*self._tenant, kind, parent, max(start, prefix)]
        end = _after_prefix(prefix) if prefix else None
        if end is not None:
            clauses += " AND name<?"
            values.append(end)
        values.append(limit)
        found = self._connection.execute(
            f"SELECT {_COLUMNS} FROM resources WHERE {clauses} ORDER BY name LIMIT ?", values
        ).fetchall()
        return [_to_row(each) for each in found]

    def scan(self, kind: str) -> list[Row]:
        """Return every row of ``kind``, ordered by parent and name."""
        found = self._connection.execute(
            f"SELECT {_COLUMNS} FROM resources WHERE account=? AND region=? AND kind=? ORDER BY parent, name",
            (*self._tenant, kind),
        ).fetchall()
        return [_to_row(each) for each in found]

    def count(self, kind: str, parent: str) -> int:
        """Return how many rows of ``kind`` are right under ``parent``."""
        found = self._connection.execute(
            "SELECT count(*) FROM resources WHERE account=? AND region=? AND kind=? AND parent=?",
            (*self._tenant, kind, parent),
        ).fetchone()
        return int(found[0])

    def count_all(self, kind: str) -> int:
        """Return how many rows of ``kind`` there are."""
        found = self._connection.execute(
            "SELECT count(*) FROM resources WHERE account=? AND region=? AND kind=?", (*self._tenant, kind)
        ).fetchone()
        return int(found[0])

    def next_number(self, name: str) -> int:
        """Return 1, 2, 3, ... for ``name``; a number is never given twice, whatever is deleted."""
        found = self._connection.execute(
            "INSERT INTO counters (account, region, name, value) VALUES (?,?,?,1) "
            "ON CONFLICT (account, region, name) DO UPDATE SET value = value + 1 RETURNING value",
            (*self._tenant, name),
        ).fetchone()
        return int(found[0])

    def put_blob(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256 in hex; the same content is kept once."""
        digest = hashlib.sha256(content).hexdigest()
        self._connection.execute("INSERT OR IGNORE INTO blobs (digest, content) VALUES (?,?)", (digest, content))
        return digest


class Store:
    """The database of one emulator. Close it when done."""

    def __init__(self, folder: Path | None) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        place = ":memory:" if folder is None else str(folder / FILE_NAME)
        self._connection = sqlite3.connect(place, isolation_level=None, check_same_thread=False, timeout=30.0)
        self._lock = threading.RLock()
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)
        self._connection.execute(
            "INSERT OR IGNORE INTO meta (name, value) VALUES ('link-secret', ?)", (secrets.token_hex(32),)
        )
        # Archives nobody refers to any more go at a start: a running server never has to look for them.
        self._connection.execute(
            "DELETE FROM blobs WHERE digest NOT IN (SELECT json_extract(body, '$._code.digest') FROM resources "
            "WHERE json_extract(body, '$._code.digest') IS NOT NULL)"
        )
        found = self._connection.execute("SELECT value FROM meta WHERE name='link-secret'").fetchone()
        self.link_secret: bytes = bytes.fromhex(found[0])

    @contextmanager
    def read(self, tenant: Tenant) -> Iterator[Session]:
        """Give a session for reading; nobody of this process writes meanwhile."""
        with self._lock:
            yield Session(self._connection, tenant)

    @contextmanager
    def write(self, tenant: Tenant) -> Iterator[Session]:
        """Give a session whose effects are committed together at the end, or not at all when an error is raised."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield Session(self._connection, tenant)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def blob(self, digest: str) -> bytes | None:
        """Return the content kept under ``digest`` or None."""
        with self._lock:
            found = self._connection.execute("SELECT content FROM blobs WHERE digest=?", (digest,)).fetchone()
        return None if found is None else bytes(found[0])

    def dump(self) -> list[Json]:
        """Return all rows of all tenants as plain JSON, ordered by address; emulator-owned keys included."""
        with self._lock:
            found = self._connection.execute(
                f"SELECT account, region, {_COLUMNS} FROM resources ORDER BY account, region, kind, parent, name"
            ).fetchall()
        names = ("account", "region", "kind", "parent", "name", "body", "etag", "created", "modified", "seq")
        rows: list[Json] = [dict(zip(names, each, strict=True)) for each in found]
        for row in rows:
            row["body"] = json.loads(str(row["body"]))
        return rows

    def contents(self) -> bytes:
        """Return everything, counters included, as one piece for :meth:`restore`."""
        with self._lock:
            return self._connection.serialize()

    def restore(self, contents: bytes) -> None:
        """Put back what :meth:`contents` returned, in place of everything. Only for a store in memory."""
        with self._lock:
            self._connection.deserialize(contents)

    def clear(self) -> None:
        """Remove everything, counters included."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            for table in ("resources", "counters", "blobs"):
                self._connection.execute(f"DELETE FROM {table}")
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the database file."""
        with self._lock:
            self._connection.close()
