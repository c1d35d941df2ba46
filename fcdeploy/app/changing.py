"""plan, apply and destroy.

Targets of one run are worked on side by side. What goes wrong in one target is its result, not the others' end (S39).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from msgspec.structs import replace

from fcdeploy.app.carrying import carried_out, side_by_side
from fcdeploy.app.opening import opened_works
from fcdeploy.app.selection import check_only, chosen_of, names_of, remarks_of
from fcdeploy.app.types import ApplyReport, PlanReport, TargetPlan, Where
from fcdeploy.app.work import Work
from fcdeploy.engine.ownership import Wishes
from fcdeploy.engine.safety import leaving, whole_run_findings
from fcdeploy.errors import PlanRefused, UsageError

if TYPE_CHECKING:
    from fcdeploy.app.building import Building
    from fcdeploy.app.required import Required
    from fcdeploy.app.running import Manner
    from fcdeploy.app.saving import Saving


async def plan(
    where: Where,
    wishes: Wishes,
    *,
    destroy: bool = False,
    saving: Saving | None = None,
    building: Building | None = None,
) -> PlanReport:
    """What apply (or destroy) would do to each selected target; nothing is written to any cloud.

    `building`: and what has changed since it was built is built first. Raises BuildFailed.

    `saving`: and the plans go into a file, when there is one for every target and none is refused (S43).
    """
    chosen = chosen_of(where, lambda one: one.policing.checked(one.targets, destroy=destroy))
    if saving is not None and len(chosen) > 1:
        raise UsageError("a saved plan is of one project", hint="save one for each, in a file of its own")
    check_only(chosen, wishes, destroy=destroy)
    if building is not None and not destroy:
        from fcdeploy.app.building import write_all_builds

        await write_all_builds(chosen, building)
    with opened_works(chosen) as works:
        async with AsyncExitStack() as stack:

            async def planned(work: Work) -> TargetPlan:
                if saving is not None:
                    return await work.read_plan(stack, wishes, destroy, for_apply=False)
                # Who is through needs its connections no longer, and there may be hundreds behind it.
                async with AsyncExitStack() as own:
                    return await work.read_plan(own, wishes, destroy, for_apply=False)

            results = await side_by_side(works, planned)
            checked = _whole_run_checked(results, wishes, destroy)
            if saving is not None and all(one.can_apply for one in checked):
                from fcdeploy.app.saving import write_plans

                await asyncio.to_thread(write_plans, saving, chosen[0].project, works, wishes, destroy=destroy)
    return PlanReport(project=names_of(chosen), results=checked, diagnostics=remarks_of(chosen, destroy=destroy))


async def apply(
    where: Where,
    wishes: Wishes,
    manner: Manner,
    *,
    confirm: Callable[[PlanReport], bool],
    destroy: bool = False,
    required: Required | None = None,
    building: Building | None = None,
) -> ApplyReport:
    """Plan every selected target under its lease, ask, and carry out the plans that may be.

    `required`: and that are what was reviewed, or a part of it (S43). `building`: as `plan` takes it.
    """
    chosen = chosen_of(where, lambda one: one.policing.checked(one.targets, destroy=destroy), writes=True)
    check_only(chosen, wishes, destroy=destroy)
    if building is not None and not destroy:
        from fcdeploy.app.building import write_all_builds

        await write_all_builds(chosen, building)
    with opened_works(chosen) as works:
        async with AsyncExitStack() as stack:

            async def prepared(work: Work) -> TargetPlan:
                await work.take(stack, manner)
                return await work.read_plan(stack, wishes, destroy, for_apply=True)

            def checked(results: Sequence[TargetPlan]) -> PlanReport:
                judged = _whole_run_checked(results, wishes, destroy)
                if required is not None:
                    from fcdeploy.app.required import required_checked

                    judged = required_checked(judged, required)
                return PlanReport(
                    project=names_of(chosen), results=judged, diagnostics=remarks_of(chosen, destroy=destroy)
                )

            command = "destroy" if destroy else "apply"
            return await carried_out(works, prepared, checked, confirm, manner, command=command)


def _whole_run_checked(results: Sequence[TargetPlan], wishes: Wishes, destroy: bool) -> tuple[TargetPlan, ...]:
    """Refuse the plans that delete when the run as a whole deletes too much, though no single target does (S15)."""
    found = () if destroy or wishes.allow_unsafe else whole_run_findings([one.plan for one in results if one.plan])
    if not found:
        return tuple(results)
    return tuple(
        replace(one, problem=PlanRefused(found)) if one.can_apply and one.plan and leaving(one.plan) else one
        for one in results
    )
