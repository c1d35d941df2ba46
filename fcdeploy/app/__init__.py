"""The use cases: what each command does, one screen each. The composition root; prints nothing and never exits.

Targets of one run are worked on side by side. What goes wrong in one target is its result, not the others' end (S39).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from fcdeploy.app.bench import local_cloud
from fcdeploy.app.running import RECOVERIES, Manner, acquired, opened_journal
from fcdeploy.app.selection import check_only
from fcdeploy.app.types import (
    ApplyReport,
    DriftReport,
    GraphReport,
    Kept,
    Move,
    MoveReport,
    PlanReport,
    TargetDrift,
    TargetPlan,
    TargetStatus,
    Validated,
    Where,
)
from fcdeploy.app.work import Work
from fcdeploy.cloud.client import warmed_up
from fcdeploy.cloud.endpoints import region_warnings
from fcdeploy.engine.graph import graph_of
from fcdeploy.engine.journal import KEEP_UNDO
from fcdeploy.engine.ownership import Wishes
from fcdeploy.engine.safety import leaving, whole_run_findings
from fcdeploy.engine.watch import Progress, StopRequest
from fcdeploy.errors import FcdeployError, PlanRefused, RunError, SpecError, UsageError
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.model import Ending, Outcome
from fcdeploy.spec.project import Project, read_project

if TYPE_CHECKING:
    from fcdeploy.emulator.app import App


def validate(where: Where) -> Validated:
    """Check the spec for every selected target. Raises SpecError with everything that is wrong."""
    project = _project(where, calls=False)
    targets = project.select(_patterns(where))
    warnings = project.check(targets, code=True)
    return Validated(
        project=project.name,
        targets=tuple(target.name for target in targets),
        resources=sum(not one.absent for target in targets for one in project.expand(target).values()),
        diagnostics=(*warnings, *(one for target in targets for one in region_warnings(target))),
    )


async def plan(where: Where, wishes: Wishes, *, destroy: bool = False) -> PlanReport:
    """What apply (or destroy) would do to each selected target; nothing is written to any cloud."""
    project = _project(where)
    targets = project.select(_patterns(where))
    warnings = project.check(targets, code=not destroy)
    check_only(project, targets, wishes, destroy=destroy)
    with _local_cloud(where, project) as local:
        async with AsyncExitStack() as stack:
            works = [Work(where, project, target, local) for target in targets]
            results = await _side_by_side(works, lambda work: work.read_plan(stack, wishes, destroy, for_apply=False))
    checked = _whole_run_checked(results, wishes, destroy)
    return PlanReport(project=project.name, results=checked, diagnostics=warnings)


async def apply(
    where: Where,
    wishes: Wishes,
    *,
    destroy: bool = False,
    confirm: Callable[[PlanReport], bool],
    on_failure: str = "rollback",
    recover: str | None = None,
    lock_timeout: float = 0.0,
    grace: float | None = None,
    keep_undo: float = KEEP_UNDO,
    wait: float | None = None,
    progress: Progress,
    stop: StopRequest,
) -> ApplyReport:
    """Plan every selected target under its lease, ask, and carry out the plans that may be.

    What would undo runs that ended more than `keep_undo` seconds ago is forgotten first (S36). `wait`: see
    that what only settles in time does, each for so many seconds at most.
    """
    if recover is not None and recover not in RECOVERIES:
        raise UsageError(f"unknown recovery {recover!r}", hint=f"one of: {', '.join(RECOVERIES)}")
    project = _project(where)
    targets = project.select(_patterns(where), writes=True)
    warnings = project.check(targets, code=not destroy)
    check_only(project, targets, wishes, destroy=destroy)
    manner = Manner(
        on_failure=on_failure, grace=grace, progress=progress, stop=stop, parallelism=where.parallelism, wait=wait
    )
    with _local_cloud(where, project) as local:
        async with AsyncExitStack() as stack:
            works = [Work(where, project, target, local) for target in targets]

            async def prepared(work: Work) -> TargetPlan:
                await work.take(stack, recover, lock_timeout, manner, keep_undo)
                return await work.read_plan(stack, wishes, destroy, for_apply=True)

            results = _whole_run_checked(await _side_by_side(works, prepared), wishes, destroy)
            report = PlanReport(project=project.name, results=results, diagnostics=warnings)
            ready = [work for work, result in zip(works, results, strict=True) if result.can_apply]
            if not ready or stop.requested:
                return ApplyReport(plans=report, outcomes=(), confirmed=False)
            if not confirm(report):
                return ApplyReport(plans=report, outcomes=(), confirmed=False)
            command = "destroy" if destroy else "apply"
            outcomes = await asyncio.gather(*(work.execute(manner, command) for work in ready))
    return ApplyReport(plans=report, outcomes=tuple(outcomes))


async def drift(where: Where) -> DriftReport:
    """What live and the file disagree on in each selected target, and who moved; nothing is written to any cloud."""
    project = _project(where)
    targets = project.select(_patterns(where))
    warnings = project.check(targets, code=True)

    async def one(work: Work, stack: AsyncExitStack) -> TargetDrift:
        try:
            return await work.read_drift(stack)
        except (SpecError, UsageError):
            raise
        except FcdeployError as problem:
            return TargetDrift(target=work.target, problem=problem)

    with _local_cloud(where, project) as local:
        async with AsyncExitStack() as stack:
            works = [Work(where, project, target, local) for target in targets]
            results = await asyncio.gather(*(one(work, stack) for work in works))
    return DriftReport(project=project.name, results=tuple(results), diagnostics=warnings)


def graph(where: Where) -> GraphReport:
    """What each selected target is to have and how it hangs together; no cloud is asked. Raises SpecError."""
    project = _project(where, calls=False)
    targets = project.select(_patterns(where))
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
    """What each selected target owns, live, and its open run."""
    project = _project(where)
    with _local_cloud(where, project) as local:
        async with AsyncExitStack() as stack:
            works = [Work(where, project, target, local) for target in project.select(_patterns(where))]
            return tuple(await asyncio.gather(*(work.read_status(stack) for work in works)))


async def resume(where: Where, *, progress: Progress, stop: StopRequest, grace: float | None) -> tuple[Outcome, ...]:
    """Finish the open run of each selected target; raises RunError when none has one."""
    manner = Manner(on_failure="rollback", grace=grace, progress=progress, stop=stop, parallelism=where.parallelism)
    return await _recovered(where, "resume", manner)


async def rollback(
    where: Where,
    *,
    run: str | None,
    confirm: Callable[[PlanReport], bool],
    progress: Progress,
    stop: StopRequest,
    grace: float | None,
) -> tuple[Outcome, ...]:
    """Undo the open run of each selected target, or the ended run named, whose way back is shown first."""
    manner = Manner(on_failure="stop", grace=grace, progress=progress, stop=stop, parallelism=where.parallelism)
    if run is None:
        return await _recovered(where, "rollback", manner)
    project = _project(where)
    with _local_cloud(where, project) as local:
        async with AsyncExitStack() as stack:
            work = await _work_with_run(where, project, local, stack, run)
            if work.record is not None and work.record.id == run:
                return (await work.recover("rollback", manner),)
            back = await work.read_inverse(run)
            report = PlanReport(
                project=project.name, results=(TargetPlan(target=work.target, plan=back),), diagnostics=()
            )
            if not confirm(report):
                return ()
            return (await work.execute(manner, "rollback"),)


async def move_back(
    where: Where,
    move: Move,
    *,
    confirm: Callable[[PlanReport], bool],
    progress: Progress,
    stop: StopRequest,
    grace: float | None,
    keep_undo: float = KEEP_UNDO,
) -> MoveReport:
    """Move what names a version back to an earlier one, all of it, and pin it there (S33); the plan is shown first."""
    project = _project(where)
    targets = project.select(_patterns(where), writes=True)
    manner = Manner(on_failure="rollback", grace=grace, progress=progress, stop=stop, parallelism=where.parallelism)
    with _local_cloud(where, project) as local:
        async with AsyncExitStack() as stack:
            works = [Work(where, project, target, local) for target in targets]

            async def prepared(work: Work) -> TargetPlan:
                await work.take(stack, None, 0.0, manner, keep_undo)
                return await work.read_move(move)

            results = tuple(await _side_by_side(works, prepared))
            report = PlanReport(project=project.name, results=results)
            ready = [work for work, result in zip(works, results, strict=True) if result.can_apply]
            if not ready or stop.requested or not confirm(report):
                return MoveReport(plans=report)
            outcomes = await asyncio.gather(*(work.execute(manner, "rollback") for work in ready))
            done = [work for work, one in zip(ready, outcomes, strict=True) if one.ending is Ending.DONE]
    return MoveReport(plans=report, outcomes=tuple(outcomes), kept=tuple(kept for work in done for kept in work.kept))


async def _recovered(where: Where, recover: str, manner: Manner) -> tuple[Outcome, ...]:
    """Recover the open run of every selected target that has one."""
    project = _project(where)
    with _local_cloud(where, project) as local:
        async with AsyncExitStack() as stack:
            works: list[Work] = []
            for target in project.select(_patterns(where), writes=True):
                work = Work(where, project, target, local)
                bench = await work.open(stack)
                if not bench.place.journal.exists():
                    continue
                work.journal = await stack.enter_async_context(opened_journal(bench))
                if await work.journal.read_open_run(target.name) is None:
                    continue
                work.lease, work.record = await acquired(work.journal, target.name, recover, 0.0)
                stack.push_async_callback(work.release)
                if work.record is not None:
                    works.append(work)
            if not works:
                what = "roll back" if recover == "rollback" else recover
                raise RunError(f"there is nothing to {what}", detail="no selected target has an open run")
            return tuple(await asyncio.gather(*(work.recover(recover, manner) for work in works)))


async def _work_with_run(where: Where, project: Project, local: App | None, stack: AsyncExitStack, run: str) -> Work:
    """The target whose journal knows a run, its lease taken."""
    for target in project.select(_patterns(where)):
        work = Work(where, project, target, local)
        bench = await work.open(stack)
        if not bench.place.journal.exists():
            continue
        work.journal = await stack.enter_async_context(opened_journal(bench))
        if run not in [record.id for record in await work.journal.read_runs()]:
            continue
        work.lease, work.record = await acquired(work.journal, target.name, "rollback", 0.0)
        stack.push_async_callback(work.release)
        if work.record is not None and work.record.id != run:
            raise RunError(f"run {work.record.id} has not ended", hint="recover it first: `fcdeploy resume`")
        return work
    raise RunError(f"no selected target knows a run {run}", hint="`fcdeploy status` shows open runs")


async def _side_by_side(works: Sequence[Work], read: Callable[[Work], Awaitable[TargetPlan]]) -> list[TargetPlan]:
    """The plans of all targets at once; a target's problem is its result."""

    async def one(work: Work) -> TargetPlan:
        try:
            return await read(work)
        except (SpecError, UsageError):
            raise
        except FcdeployError as problem:
            return TargetPlan(target=work.target, plan=None, problem=problem)

    return list(await asyncio.gather(*(one(work) for work in works)))


def _whole_run_checked(results: Sequence[TargetPlan], wishes: Wishes, destroy: bool) -> tuple[TargetPlan, ...]:
    """Refuse the plans that delete when the run as a whole deletes too much, though no single target does (S15)."""
    found = () if destroy or wishes.allow_unsafe else whole_run_findings([one.plan for one in results if one.plan])
    if not found:
        return tuple(results)
    return tuple(
        replace(one, problem=PlanRefused(found)) if one.can_apply and one.plan and leaving(one.plan) else one
        for one in results
    )


def _project(where: Where, *, calls: bool = True) -> Project:
    if calls:
        warmed_up()
    assignments = [f"{name}={value}" for name, value in where.variables.items()]
    return read_project(where.spec, environ=where.environ, var_files=where.var_files, assignments=assignments)


def _patterns(where: Where) -> tuple[str, ...]:
    return () if where.target is None else (where.target,)


def _local_cloud(where: Where, project: Project) -> AbstractContextManager[App | None]:
    return local_cloud(where, project.name, project.root)


__all__ = [
    "ApplyReport",
    "DriftReport",
    "GraphReport",
    "Kept",
    "Move",
    "MoveReport",
    "PlanReport",
    "Progress",
    "StopRequest",
    "TargetDrift",
    "TargetPlan",
    "TargetStatus",
    "Validated",
    "Where",
    "Wishes",
    "apply",
    "drift",
    "graph",
    "move_back",
    "plan",
    "resume",
    "rollback",
    "status",
    "validate",
]
