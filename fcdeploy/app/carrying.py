"""What every command that applies plans has in common: the plans of all targets, one question, then the runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from fcdeploy.app.rollout import rolled_out
from fcdeploy.app.types import ApplyReport, PlanReport, TargetPlan
from fcdeploy.app.work import Work
from fcdeploy.errors import FcdeployError, ReadFailed, SpecError, UsageError
from fcdeploy.model import Ending

if TYPE_CHECKING:
    from fcdeploy.app.running import Manner

SILENCE = 10.0
"""Seconds that targets which have answered nothing are waited for once every other one is through."""
LOOK = 0.25
"""Seconds between two looks at who is silent."""


async def carried_out(
    works: Sequence[Work],
    prepared: Callable[[Work], Awaitable[TargetPlan]],
    checked: Callable[[Sequence[TargetPlan]], PlanReport],
    confirm: Callable[[PlanReport], bool],
    manner: Manner,
    *,
    command: str,
    plan_id: str = "",
) -> ApplyReport:
    """Prepare the plan of each target, judge them all together, ask, and carry out those that may be.

    Projects are rolled out side by side: their waves do not wait for each other.
    """
    report = checked(await side_by_side(works, prepared))
    ready = [work for work, result in zip(works, report.results, strict=True) if result.can_apply]
    if not ready or manner.stop.requested or not confirm(report):
        return ApplyReport(plans=report, outcomes=(), confirmed=False)
    of_project: dict[str, list[Work]] = {}
    for work in works:
        of_project.setdefault(work.project.name, []).append(work)
    names = frozenset(work.target.title for work in ready)
    rolled = await asyncio.gather(
        *(rolled_out(some, names, manner, command=command, plan_id=plan_id) for some in of_project.values())
    )
    outcomes = {name: outcome for some in rolled for name, outcome in some.items()}
    done = [work for work in ready if outcomes[work.target.title].ending is Ending.DONE]
    given = await asyncio.gather(*(work.read_outputs() for work in done)) if command != "destroy" else ()
    return ApplyReport(plans=report, outcomes=tuple(outcomes.values()), outputs=tuple(given))


async def side_by_side(works: Sequence[Work], read: Callable[[Work], Awaitable[TargetPlan]]) -> list[TargetPlan]:
    """The plans of all targets at once; a target's problem is its result.

    Who has answered nothing is waited for no longer than `SILENCE` once every other is through: a dead region would
    hold up the rest for as long as its reads are tried. Raises SpecError and UsageError, which are about all of them.
    """

    async def one(work: Work) -> TargetPlan:
        try:
            return await read(work)
        except (SpecError, UsageError):
            raise
        except FcdeployError as problem:
            return _without_plan(work, problem)

    tasks: dict[asyncio.Task[TargetPlan], Work] = {}
    clock = asyncio.get_running_loop().time
    waiting: set[asyncio.Task[TargetPlan]] = set()
    try:
        for number, work in enumerate(works, 1):
            work.cloud.limiters.to_come(len(works) - number)
            waiting.add(task := asyncio.create_task(one(work)))
            tasks[task] = work
            # What one target asks is on its way, and answered, while the next one is being prepared.
            await asyncio.sleep(0)
        since = clock()
        while waiting:
            done, waiting = await asyncio.wait(waiting, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if done or len(waiting) == len(tasks) or not all(tasks[task].is_silent for task in waiting):
                since = clock()
            elif clock() - since >= SILENCE:
                break
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    return [_without_plan(work, _silent(work)) if task in waiting else task.result() for task, work in tasks.items()]


def _without_plan(work: Work, problem: FcdeployError) -> TargetPlan:
    return TargetPlan(target=work.target, plan=None, problem=problem, wave=work.wave, where=work.where)


def _silent(work: Work) -> ReadFailed:
    return ReadFailed(
        f"{work.target.region} has answered nothing",
        resource=work.target.title,
        detail=f"it was waited for {SILENCE:g} s longer than any other target needed",
        hint="the other targets go on without it; run the command for it again with --target",
    )
