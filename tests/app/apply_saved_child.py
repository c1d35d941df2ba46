"""A process that applies a plan file and dies before its n-th `done`: apply_saved_child.py PROJECT URL FILE NUMBER."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from apply_child import DyingJournal, Silence

from fcdeploy import app
from fcdeploy.engine import journal_sqlite


async def main(project: str, url: str, file: str, number: str) -> None:
    DyingJournal.moment, DyingJournal.number = "before-done", int(number)
    journal_sqlite.SqliteJournal = DyingJournal  # type: ignore[misc]
    await app.apply_saved(
        app.Where(spec=Path(project), endpoint=url, environ=os.environ, parallelism=4),
        app.read_plan_file(Path(file)),
        app.Manner(progress=Silence(), stop=app.StopRequest()),
        confirm=lambda report: True,
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
