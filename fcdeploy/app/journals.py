"""Where the journal of a target is: the one place that opens it, in the state folder or on a server.

What a server needs is loaded only where one is named, and what a journal needs only where there is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypedDict

from fcdeploy.app.types import Where
from fcdeploy.engine.places import Place
from fcdeploy.engine.postgres_url import postgres_url
from fcdeploy.errors import UsageError
from fcdeploy.model import PastRun

if TYPE_CHECKING:
    from fcdeploy.engine.journal import Journal
    from fcdeploy.engine.journal_postgres import PostgresJournal

VARIABLE = "FCDEPLOY_JOURNAL"
_LEASE = "FCDEPLOY_LEASE_SECONDS"


@asynccontextmanager
async def opened_journal(where: Where, project: str, target: str, place: Place) -> AsyncIterator[Journal]:
    """The journal of a target to run under; made where there is none. Raises JournalError and UsageError."""
    url = shared_journal(where)
    if url is None:
        from fcdeploy.engine.journal_sqlite import SqliteJournal

        async with SqliteJournal.open(place.journal) as journal:
            yield journal
        return
    async with await _postgres().open(url, project, target, **_terms(where)) as shared:
        yield shared


@asynccontextmanager
async def existing_journal(where: Where, project: str, target: str, place: Place) -> AsyncIterator[Journal | None]:
    """The journal of a target if there is one; none is made. Raises JournalError and UsageError."""
    url = shared_journal(where)
    if url is None:
        if not place.journal.exists():
            yield None
            return
        from fcdeploy.engine.journal_sqlite import SqliteJournal

        async with SqliteJournal.open(place.journal) as journal:
            yield journal
        return
    found = await _postgres().open_existing(url, project, target, **_terms(where))
    if found is None:
        yield None
        return
    async with found as shared:
        yield shared


async def read_open_run(where: Where, project: str, target: str, place: Place) -> PastRun | None:
    """The run of a target that has not ended, in figures; no journal is made. Raises JournalError and UsageError."""
    if shared_journal(where) is None:
        if not place.journal.exists():
            return None
        from fcdeploy.engine.journal_look import read_open_figures

        return await asyncio.to_thread(read_open_figures, place.journal, target)
    async with existing_journal(where, project, target, place) as journal:
        return await read_figures(journal, target) if journal is not None else None


async def read_figures(journal: Journal, target: str) -> PastRun | None:
    """The run of a target that has not ended, in figures."""
    from fcdeploy.engine.past import past_run

    record = await journal.read_open_run(target)
    return past_run(record, await journal.read_words(record.id)) if record is not None else None


def shared_journal(where: Where) -> str | None:
    """The address of the team's journal, None where the state folder has it. Raises UsageError.

    The embedded emulator's resources are in the state folder, and what the environment says of a journal is not meant
    for them.
    """
    given = where.journal or (None if where.local else where.environ.get(VARIABLE))
    return postgres_url(given) if given else None


class _Terms(TypedDict):
    passphrase: str | None
    lasts: float


def _terms(where: Where) -> _Terms:
    from fcdeploy.engine.journal_key import VARIABLE as KEY
    from fcdeploy.engine.lease_postgres import LASTS, LEAST, MOST

    said = where.environ.get(_LEASE, "")
    try:
        lasts = float(said) if said else LASTS
    except ValueError:
        lasts = 0.0
    if not LEAST <= lasts <= MOST:
        raise UsageError(f"{_LEASE} is no number of seconds from {LEAST:.0f} to {MOST:.0f}")
    return {"passphrase": where.environ.get(KEY), "lasts": lasts}


def _postgres() -> type[PostgresJournal]:
    try:
        from fcdeploy.engine.journal_postgres import PostgresJournal
    except ImportError as error:
        raise UsageError(
            "a journal on a server needs more than is installed",
            detail=str(error),
            hint="pip install 'fcdeploy[postgres]'",
        ) from error
    return PostgresJournal
