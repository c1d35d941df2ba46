"""What every command that applies plans has in common: the plans of all targets, one question, then the runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from fcdeploy.app.rollout import rolled_out
from fcdeploy.app.running import Manner
from fcdeploy.app.types import ApplyReport, PlanReport, TargetPlan
from fcdeploy.app.work import Work
from fcdeploy.diagnostics import Diagnostic
from fcdeploy.errors import FcdeployError, SpecError, UsageError
from fcdeploy.model import Ending


async def carried_out(
    works: Sequence[Work],
    prepared: Callable[[Work], Awaitable[TargetPlan]],
    checked: Callable[[Sequence[TargetPlan]], tuple[TargetPlan, ...]],
    confirm: Callable[[PlanReport], bool],
    manner: Manner,
    *,
    command: str,
    plan_id: str = "",
    diagnostics: tuple[Diagnostic, ...] = (),
) -> ApplyReport:
    """Prepare the plan of each target, judge them all together, ask, and carry out those that may be."""
    results = checked(await side_by_side(works, prepared))
    report = PlanReport(project=works[0].project.name, results=results, diagnostics=diagnostics)
    ready = [work for work, result in zip(works, report.results, strict=True) if result.can_apply]
    if not ready or manner.stop.requested or not confirm(report):
        return ApplyReport(plans=report, outcomes=(), confirmed=False)
    outcomes = await rolled_out(works, ready, manner, command=command, plan_id=plan_id)
    done = [work for work in ready if outcomes[work.target.name].ending is Ending.DONE]
    given = await asyncio.gather(*(work.read_outputs() for work in done)) if command != "destroy" else ()
    return ApplyReport(plans=report, outcomes=tuple(outcomes.values()), outputs=tuple(given))


async def side_by_side(works: Sequence[Work], read: Callable[[Work], Awaitable[TargetPlan]]) -> list[TargetPlan]:
    """The plans of all targets at once; a target's problem is its result."""

    async def one(work: Work) -> TargetPlan:
        try:
            return await read(work)
        except (SpecError, UsageError):
            raise
        except FcdeployError as problem:
            return TargetPlan(target=work.target, plan=None, problem=problem, wave=work.wave)

    return list(await asyncio.gather(*(one(work) for work in works)))
