"""Where the journal of a target is: the one place that opens it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fcdeploy.engine.journal import Journal
from fcdeploy.engine.journal_sqlite import SqliteJournal
from fcdeploy.engine.places import Place


@asynccontextmanager
async def opened_journal(place: Place) -> AsyncIterator[Journal]:
    """The journal of a place to run under; made where there is none. Raises JournalError."""
    async with SqliteJournal.open(place.journal) as journal:
        yield journal


@asynccontextmanager
async def existing_journal(place: Place) -> AsyncIterator[Journal | None]:
    """The journal of a place if there is one; none is made. Raises JournalError."""
    if not place.journal.exists():
        yield None
        return
    async with opened_journal(place) as journal:
        yield journal
