"""drift, status and outputs: what is live, each target by itself; nothing is written to any cloud."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from fcdeploy.app.opening import opened_works
from fcdeploy.app.reports import DriftReport, OutputsReport, TargetDrift, TargetStatus
from fcdeploy.app.selection import chosen_of, names_of, warnings_of
from fcdeploy.app.types import Where
from fcdeploy.app.work import Work
from fcdeploy.errors import FcdeployError, SpecError, UsageError


async def outputs(where: Where) -> OutputsReport:
    """What each selected target puts out, read live; nothing is written to any cloud."""
    chosen = chosen_of(where, lambda one: one.project.check(one.targets))
    with opened_works(chosen) as works:
        async with AsyncExitStack() as stack:
            results = await asyncio.gather(*(work.read_outputs(stack) for work in works))
    return OutputsReport(project=names_of(chosen), results=tuple(results), diagnostics=warnings_of(chosen))


async def drift(where: Where) -> DriftReport:
    """What live and the file disagree on in each selected target, and who moved; nothing is written to any cloud."""
    chosen = chosen_of(where, lambda one: one.project.check(one.targets, code=True))

    async def one(work: Work, stack: AsyncExitStack) -> TargetDrift:
        try:
            return await work.read_drift(stack)
        except (SpecError, UsageError):
            raise
        except FcdeployError as problem:
            return TargetDrift(target=work.target, problem=problem)

    with opened_works(chosen) as works:
        async with AsyncExitStack() as stack:
            results = await asyncio.gather(*(one(work, stack) for work in works))
    return DriftReport(project=names_of(chosen), results=tuple(results), diagnostics=warnings_of(chosen))


async def status(where: Where) -> tuple[TargetStatus, ...]:
    """What each selected target owns, live, and its open run. A file with mistakes is in nobody's way."""
    with opened_works(chosen_of(where, None)) as works:
        async with AsyncExitStack() as stack:
            return tuple(await asyncio.gather(*(work.read_status(stack) for work in works)))
