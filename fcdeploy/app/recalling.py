"""What was: the runs of each target, and the calls of one. Reads the journal alone; no cloud is asked."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from fcdeploy.app.journals import existing_journal
from fcdeploy.app.reports import TargetHistory
from fcdeploy.app.selection import patterns_of, project_of
from fcdeploy.app.types import Where
from fcdeploy.diagnostics import did_you_mean
from fcdeploy.engine.journal import Journal
from fcdeploy.engine.past import past_run as figures_of
from fcdeploy.engine.past import run_history
from fcdeploy.engine.places import place_of
from fcdeploy.errors import RunError
from fcdeploy.model import RunHistory, Target
from fcdeploy.spec.project import Project

RUNS = 20
"""Runs of each target that are told unless asked for more."""


async def history(where: Where, *, limit: int = RUNS) -> tuple[TargetHistory, ...]:
    """The last runs of each selected target, newest first. Raises SpecError, and UsageError for a target that is none.

    A target in which nothing was run from here has none; nothing is made for it.
    """
    project = project_of(where)
    return tuple([await _history(where, project, target, limit) for target in project.select(patterns_of(where))])


async def past_run(where: Where, run: str) -> tuple[Target, RunHistory]:
    """One run of a selected target, with each of its calls. Raises RunError when no target knows it."""
    project = project_of(where)
    for target in project.select(patterns_of(where)):
        async with _existing_journal(where, project, target) as journal:
            if journal is not None and (record := await journal.find_run(run)) is not None:
                return target, run_history(record, await journal.read_events(run))
    raise await read_unknown_run(where, project, run)


async def _history(where: Where, project: Project, target: Target, limit: int) -> TargetHistory:
    try:
        async with _existing_journal(where, project, target) as journal:
            if journal is None:
                return TargetHistory(target=target)
            records = await journal.read_runs(limit=limit)
            runs = tuple([figures_of(record, await journal.read_words(record.id)) for record in records])
            return TargetHistory(target=target, runs=runs, total=await journal.count_runs())
    except RunError as problem:
        return TargetHistory(target=target, problem=problem)


def _existing_journal(where: Where, project: Project, target: Target) -> AbstractAsyncContextManager[Journal | None]:
    """A target's journal if there is one; none is made. Raises JournalError, and RunError for a misplaced folder."""
    place = place_of(project.name, target.name, spec_folder=project.root, environ=where.environ)
    return existing_journal(where, project.name, target.name, place)


async def read_unknown_run(where: Where, project: Project, run: str) -> RunError:
    """That no selected target knows a run, with what helps: the target that does, or the nearest id."""
    known: set[str] = set()
    chosen = project.select(patterns_of(where))
    for target in project.targets:
        async with _existing_journal(where, project, target) as journal:
            ids = {record.id for record in await journal.read_runs()} if journal is not None else set()
        if target not in chosen and run in ids:
            return RunError(
                f"no selected target knows a run {run}",
                detail=f"it is a run of target {target.name}",
                hint=f"select it: `--target {target.name}`",
            )
        known |= ids if target in chosen else set()
    return RunError(
        f"no selected target knows a run {run}",
        hint=did_you_mean(run, known) or "`fcdeploy history` lists the runs",
    )
