"""The use cases: what each command does, one screen each. The composition root; prints nothing and never exits.

Targets of one run are worked on side by side. What goes wrong in one target is its result, not the others' end (S39).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from fcdeploy.app.bench import opened_cloud
from fcdeploy.app.building import Building, write_all_builds
from fcdeploy.app.building import build as build
from fcdeploy.app.carrying import carried_out, side_by_side
from fcdeploy.app.history import history as history
from fcdeploy.app.history import past_run as past_run
from fcdeploy.app.recovering import abandon as abandon
from fcdeploy.app.recovering import recover as recover
from fcdeploy.app.recovering import resume as resume
from fcdeploy.app.recovering import rollback as rollback
from fcdeploy.app.rendering import rendered_specs as rendered_specs
from fcdeploy.app.required import Required, required_checked
from fcdeploy.app.required import read_required as read_required
from fcdeploy.app.running import Manner
from fcdeploy.app.saving import PlanFile, Saving, write_plans
from fcdeploy.app.saving import apply_saved as apply_saved
from fcdeploy.app.saving import read_plan_file as read_plan_file
from fcdeploy.app.selection import check_only, chosen_of, names_of, opened_works, patterns_of, project_of, warnings_of
from fcdeploy.app.starting import write_first_project as write_first_project
from fcdeploy.app.types import (
    ApplyReport,
    BuildReport,
    Built,
    DriftReport,
    GraphReport,
    Kept,
    Move,
    MoveReport,
    OpenTarget,
    OutputsReport,
    PlanReport,
    TargetDrift,
    TargetHistory,
    TargetOutputs,
    TargetPlan,
    TargetStatus,
    Validated,
    Where,
)
from fcdeploy.app.work import Work
from fcdeploy.cloud.endpoints import region_warnings
from fcdeploy.engine.graph import graph_of
from fcdeploy.engine.ownership import Wishes
from fcdeploy.engine.safety import leaving, whole_run_findings
from fcdeploy.engine.watch import Progress, StopRequest
from fcdeploy.errors import FcdeployError, PlanRefused, SpecError, UsageError
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.model import Ending


def validate(where: Where, *, portability: bool = False) -> tuple[Validated, ...]:
    """Check each spec for every selected target; no secret is read. `portability`: and say what differs between them.

    Raises SpecError with everything that is wrong in any of them.
    """
    where = replace(where, secrets=False)
    return tuple(
        Validated(
            project=one.project.name,
            file=one.where.spec,
            targets=tuple(target.name for target in one.targets),
            resources=sum(not each.absent for target in one.targets for each in one.project.expand(target).values()),
            diagnostics=(*one.warnings, *(found for target in one.targets for found in region_warnings(target))),
            portability=one.project.portability(one.targets) if portability else None,
        )
        for one in chosen_of(where, lambda one: one.policing.validated(one.targets), calls=False)
    )


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
        await write_all_builds(chosen, building)
    with opened_works(chosen) as works:
        async with AsyncExitStack() as stack:
            results = await side_by_side(works, lambda work: work.read_plan(stack, wishes, destroy, for_apply=False))
            checked = _whole_run_checked(results, wishes, destroy)
            if saving is not None and all(one.can_apply for one in checked):
                await asyncio.to_thread(write_plans, saving, chosen[0].project, works, wishes, destroy=destroy)
    return PlanReport(project=names_of(chosen), results=checked, diagnostics=warnings_of(chosen))


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
        await write_all_builds(chosen, building)
    with opened_works(chosen) as works:
        async with AsyncExitStack() as stack:

            async def prepared(work: Work) -> TargetPlan:
                await work.take(stack, manner)
                return await work.read_plan(stack, wishes, destroy, for_apply=True)

            def checked(results: Sequence[TargetPlan]) -> PlanReport:
                judged = required_checked(_whole_run_checked(results, wishes, destroy), required)
                return PlanReport(project=names_of(chosen), results=judged, diagnostics=warnings_of(chosen))

            command = "destroy" if destroy else "apply"
            return await carried_out(works, prepared, checked, confirm, manner, command=command)


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


def graph(where: Where) -> GraphReport:
    """What each selected target is to have and how it hangs together; no cloud is asked. Raises SpecError."""
    project = project_of(where, calls=False)
    targets = project.select(patterns_of(where))
    warnings = project.check(targets)
    # Without a cloud the account may not be known; only an ARN that the file writes out could name it.
    graphs = tuple(
        (
            target,
            graph_of(
                {} if target.retired else project.expand(target),
                Scope(region=target.region, account=target.account or "", api=target.api),
            ),
        )
        for target in targets
    )
    return GraphReport(project=project.name, graphs=graphs, diagnostics=warnings)


async def status(where: Where) -> tuple[TargetStatus, ...]:
    """What each selected target owns, live, and its open run. A file with mistakes is in nobody's way."""
    with opened_works(chosen_of(where, None)) as works:
        async with AsyncExitStack() as stack:
            return tuple(await asyncio.gather(*(work.read_status(stack) for work in works)))


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


def _whole_run_checked(results: Sequence[TargetPlan], wishes: Wishes, destroy: bool) -> tuple[TargetPlan, ...]:
    """Refuse the plans that delete when the run as a whole deletes too much, though no single target does (S15)."""
    found = () if destroy or wishes.allow_unsafe else whole_run_findings([one.plan for one in results if one.plan])
    if not found:
        return tuple(results)
    return tuple(
        replace(one, problem=PlanRefused(found)) if one.can_apply and one.plan and leaving(one.plan) else one
        for one in results
    )


__all__ = [
    "ApplyReport",
    "BuildReport",
    "Building",
    "Built",
    "DriftReport",
    "GraphReport",
    "Kept",
    "Manner",
    "Move",
    "MoveReport",
    "OpenTarget",
    "OutputsReport",
    "PlanFile",
    "PlanReport",
    "Progress",
    "Required",
    "Saving",
    "StopRequest",
    "TargetDrift",
    "TargetHistory",
    "TargetOutputs",
    "TargetPlan",
    "TargetStatus",
    "Validated",
    "Where",
    "Wishes",
    "abandon",
    "apply",
    "apply_saved",
    "build",
    "drift",
    "graph",
    "history",
    "move_back",
    "outputs",
    "past_run",
    "plan",
    "read_plan_file",
    "read_required",
    "resume",
    "rollback",
    "status",
    "validate",
]
