"""Plans and archives in a shared journal: sealed, in pieces, by content.

A piece is small enough that writing one never keeps a heartbeat waiting. What is written under a name counts only when
its last row is there, so an upload that was cut off is no archive, and whoever goes on with it writes what is missing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import BinaryIO

from fcdeploy.engine.journal_key import JournalKey
from fcdeploy.engine.postgres_connection import PostgresConnection, Transaction
from fcdeploy.errors import JournalError

PIECE = 1 << 20
"""Bytes of content in a row."""

_GONE_HINT = "what it was needed for cannot be resumed or rolled back: `fcdeploy abandon` closes the run"


class SealedStore:
    """What is kept of one target. `check` makes sure, inside a transaction, that its lease is ours."""

    def __init__(self, db: PostgresConnection, project: str, target: str) -> None:
        self._db = db
        self._scope = (project, target)

    async def read_whole(self, names: Collection[str]) -> frozenset[str]:
        """Which of these are there, whole."""
        rows = await self._db.read(
            lambda transaction: transaction.rows(
                "SELECT name FROM fcdeploy.sealed WHERE project = %s AND target = %s AND last AND name = ANY(%s)",
                *self._scope,
                sorted(names),
            )
        )
        return frozenset(name for (name,) in rows)

    async def write(self, key: JournalKey, name: str, content: BinaryIO, check: Callable[[Transaction], None]) -> None:
        """Keep all that `content` has under a name; durable when it returns. Raises JournalError and LeaseLost."""
        number = 0
        while piece := content.read(PIECE):
            sealed = key.sealed(piece, self._about(name, number))
            await self._db.write(partial(self._write_row, name, number, sealed, check))
            number += 1
        end = key.sealed(b"", self._about(name, number))
        await self._db.write(partial(self._write_row, name, number, end, check, last=True))

    async def read(self, key: JournalKey, name: str, out: BinaryIO) -> None:
        """Write into `out` what is kept under a name. Raises JournalError when it is not there or damaged."""
        number, last = 0, False
        while not last:
            row = await self._db.read(partial(self._read_row, name, number))
            if row is None:
                raise JournalError(f"{name[:12]} is missing from the journal {self._db.name}", hint=_GONE_HINT)
            last, sealed = row
            out.write(key.opened(sealed, self._about(name, number)))
            number += 1

    async def read_file(self, key: JournalKey, sha256: str, path: Path) -> None:
        """Make a file, mode 0600, of the archive of a hex SHA-256, verified. Raises JournalError."""
        temporary = path.with_name(f".{path.name}-coming")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb+") as out:
            await self.read(key, key.name_of(sha256), out)
            out.seek(0)
            found = hashlib.file_digest(out, "sha256").hexdigest()
        if found != sha256:
            raise JournalError(f"{sha256[:12]} in the journal {self._db.name} is damaged", hint=_GONE_HINT)
        temporary.replace(path)

    def forget(self, transaction: Transaction) -> None:
        """Remove, inside a transaction, what no run of the target needs, and what was left half written."""
        transaction.change(
            "DELETE FROM fcdeploy.sealed WHERE project = %s AND target = %s AND name NOT IN ("
            " SELECT m.name FROM fcdeploy.materials m JOIN fcdeploy.runs r ON r.id = m.run"
            " WHERE r.project = %s AND r.target = %s)",
            *(*self._scope, *self._scope),
        )

    def _write_row(
        self,
        name: str,
        number: int,
        sealed: bytes,
        check: Callable[[Transaction], None],
        transaction: Transaction,
        *,
        last: bool = False,
    ) -> None:
        check(transaction)
        transaction.change(
            "INSERT INTO fcdeploy.sealed (project, target, name, number, last, content)"
            " VALUES (%s, %s, %s, %s, %s, %b) ON CONFLICT (project, target, name, number) DO NOTHING",
            *(*self._scope, name, number, last, sealed),
        )

    def _read_row(self, name: str, number: int, transaction: Transaction) -> tuple[bool, bytes] | None:
        row = transaction.found(
            "SELECT last, content FROM fcdeploy.sealed"
            " WHERE project = %s AND target = %s AND name = %s AND number = %s",
            *(*self._scope, name, number),
        )
        return None if row is None else (row[0], row[1])

    def _about(self, name: str, number: int) -> str:
        return "\0".join((*self._scope, name, str(number)))
