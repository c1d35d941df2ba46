"""A process that applies a spec and dies at one moment of its journal: apply_child.py PROJECT URL MOMENT NUMBER."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from fcdeploy import app
from fcdeploy.engine import journal_sqlite
from fcdeploy.model import Event, EventType, Step


class Silence:
    def begun(self, target: str, step: Step, undoing: bool) -> None:
        pass

    def ended(self, target: str, step: Step, event: EventType, seconds: float, note: str) -> None:
        pass

    def waiting(self, target: str, step: Step, why: str, seconds: float) -> None:
        pass

    def said(self, target: str, text: str) -> None:
        pass


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingJournal(journal_sqlite.SqliteJournal):
    """Dies after the n-th `begun` is durable, or before the n-th `done` is."""

    moment, number = "", 0
    seen = 0

    async def append_events(self, run: str, *events: Event) -> None:
        (event, *_) = events
        if event.type is EventType.DONE and self.moment == "before-done":
            type(self).seen += 1
            if self.seen == self.number:
                die()
        await super().append_events(run, *events)
        if event.type is EventType.BEGUN and self.moment == "after-begun":
            type(self).seen += 1
            if self.seen == self.number:
                die()


async def main(project: str, url: str, moment: str, number: str) -> None:
    DyingJournal.moment, DyingJournal.number = moment, int(number)
    journal_sqlite.SqliteJournal = DyingJournal  # type: ignore[misc]
    await app.apply(
        app.Where(spec=Path(project), endpoint=url, environ=os.environ, parallelism=4),
        app.Wishes(),
        app.Manner(progress=Silence(), stop=app.StopRequest()),
        confirm=lambda report: True,
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
