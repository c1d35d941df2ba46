"""rollback --to: what names a version goes back to an earlier one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from fcdeploy.app.bench import opened_cloud
from fcdeploy.app.carrying import side_by_side
from fcdeploy.app.reports import Move, MoveReport
from fcdeploy.app.running import Manner
from fcdeploy.app.selection import patterns_of, project_of
from fcdeploy.app.types import PlanReport, TargetPlan, Where
from fcdeploy.app.work import Work
from fcdeploy.model import Ending


async def move_back(where: Where, move: Move, manner: Manner, *, confirm: Callable[[PlanReport], bool]) -> MoveReport:
    """Move what names a version back to an earlier one, all of it, and pin it there (S33); the plan is shown first."""
    project = project_of(where)
    targets = project.select(patterns_of(where), writes=True)
    with opened_cloud(where, project.name, project.root) as cloud:
        async with AsyncExitStack() as stack:
            works = [Work(where, project, target, cloud) for target in targets]

            async def prepared(work: Work) -> TargetPlan:
                await work.take(stack, manner)
                return await work.read_move(move)

            results = tuple(await side_by_side(works, prepared))
            report = PlanReport(project=project.name, results=results)
            ready = [work for work, result in zip(works, results, strict=True) if result.can_apply]
            if not ready or manner.stop.requested or not confirm(report):
                return MoveReport(plans=report)
            outcomes = await asyncio.gather(*(work.execute(manner, "rollback") for work in ready))
            done = [work for work, one in zip(ready, outcomes, strict=True) if one.ending is Ending.DONE]
    return MoveReport(plans=report, outcomes=tuple(outcomes), kept=tuple(kept for work in done for kept in work.kept))
