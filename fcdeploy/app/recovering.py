"""What is done with runs that were: finish, take back or leave the open ones, and take back one that has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TypeAlias

from msgspec.structs import replace

from fcdeploy.app.bench import Cloud, opened_cloud
from fcdeploy.app.journals import read_figures
from fcdeploy.app.recalling import read_unknown_run
from fcdeploy.app.reports import OpenTarget, TargetOutputs
from fcdeploy.app.running import Manner
from fcdeploy.app.selection import patterns_of, project_of
from fcdeploy.app.types import PlanReport, TargetPlan, Where
from fcdeploy.app.work import Work
from fcdeploy.errors import RunError
from fcdeploy.model import Ending, Outcome
from fcdeploy.spec.project import Project

Agree: TypeAlias = Callable[[tuple[OpenTarget, ...]], bool]
"""Asked once, before anything is sent, whether to go on with these open runs."""

_WORDS = {"resume": "resume", "rollback": "roll back", "abandon": "abandon"}


async def resume(
    where: Where, manner: Manner, *, put_out: Callable[[TargetOutputs], None] | None = None
) -> tuple[Outcome, ...]:
    """Finish the open run of each selected target; raises RunError when none has one.

    `put_out` is given what each target puts out whose `apply` has ended well by it.
    """
    return await _recovered(where, "resume", manner, None, put_out)


async def abandon(where: Where, manner: Manner, *, agree: Agree | None = None) -> tuple[Outcome, ...]:
    """Close the open run of each selected target as it stands, what is not known settled by reading (S37).

    None of them when `agree` says no. Raises RunError when no target has one.
    """
    return await _recovered(where, "abandon", manner, agree)


async def recover(where: Where, manner: Manner) -> tuple[tuple[Outcome, ...], tuple[Outcome, ...]]:
    """End the open run of each selected target, whichever way is left: those finished, and those taken back.

    A run of which something was taken back can only be taken back, any other is finished. Where no run is open, nothing
    is done. The manner's `lock_timeout` is for the process that holds a target, which may be dead on a machine that is
    gone. Raises RunError.
    """
    project = project_of(where)
    with opened_cloud(where, project.name, project.root) as cloud:
        async with AsyncExitStack() as stack:
            works = await _held(where, project, cloud, stack, "recover", manner)
            undoing = [await _is_undoing(work) for work in works]
            outcomes = await asyncio.gather(
                *(
                    work.recover("rollback" if taken_back else "resume", manner)
                    for work, taken_back in zip(works, undoing, strict=True)
                )
            )
    pairs = tuple(zip(outcomes, undoing, strict=True))
    finished = tuple(outcome for outcome, taken_back in pairs if not taken_back)
    return finished, tuple(outcome for outcome, taken_back in pairs if taken_back)


async def _is_undoing(work: Work) -> bool:
    """Whether something of the open run was taken back, or may have been."""
    assert work.journal is not None
    summary = await read_figures(work.journal, work.target.name)
    return summary is not None and summary.undoing


async def rollback(
    where: Where,
    manner: Manner,
    *,
    run: str | None,
    confirm: Callable[[PlanReport], bool],
    agree: Agree | None = None,
) -> tuple[Outcome, ...]:
    """Undo the open run of each selected target, or the run named.

    The way back of one that has ended is a plan, which `confirm` is shown first; about open ones `agree` is asked.
    """
    if run is None:
        return await _recovered(where, "rollback", manner, agree)
    project = project_of(where)
    with opened_cloud(where, project.name, project.root) as cloud:
        async with AsyncExitStack() as stack:
            work = await _work_with_run(where, project, cloud, stack, run, manner)
            if work.record is not None and work.record.id == run:
                if not await _agreed([work], agree):
                    return ()
                return (await work.recover("rollback", manner),)
            back = await work.read_inverse(run)
            report = PlanReport(
                project=project.name, results=(TargetPlan(target=work.target, plan=back),), diagnostics=()
            )
            if not confirm(report):
                return ()
            # A way back that fails is not taken back in its turn: what it has undone is as it was wanted.
            return (await work.execute(replace(manner, on_failure="stop"), "rollback"),)


async def _recovered(
    where: Where,
    recover: str,
    manner: Manner,
    agree: Agree | None,
    put_out: Callable[[TargetOutputs], None] | None = None,
) -> tuple[Outcome, ...]:
    """Recover the open run of every selected target that has one."""
    project = project_of(where)
    with opened_cloud(where, project.name, project.root) as cloud:
        async with AsyncExitStack() as stack:
            works = await _held(where, project, cloud, stack, recover, manner)
            if not works:
                raise RunError(f"there is nothing to {_WORDS[recover]}", detail="no selected target has an open run")
            if not await _agreed(works, agree):
                return ()
            # Recovering may close the record.
            applied = [work.record is not None and work.record.command == "apply" for work in works]
            outcomes = await asyncio.gather(*(work.recover(recover, manner) for work in works))
            for work, was_apply, outcome in zip(works, applied, outcomes, strict=True):
                if put_out is not None and was_apply and outcome.ending is Ending.DONE:
                    put_out(await work.read_outputs())
            return tuple(outcomes)


async def _held(
    where: Where, project: Project, cloud: Cloud, stack: AsyncExitStack, recover: str, manner: Manner
) -> list[Work]:
    """Every selected target that has an open run, its lease taken."""
    works: list[Work] = []
    for target in project.select(patterns_of(where), writes=True):
        work = Work(where, project, target, cloud)
        journal = await work.find_journal(stack)
        if journal is None or await journal.read_open_run(target.name) is None:
            continue
        await work.hold(stack, recover, manner.lock_timeout)
        if work.record is not None:
            works.append(work)
    return works


async def _agreed(works: list[Work], agree: Agree | None) -> bool:
    """Whether to go on with the open runs of these targets, whose leases are held."""
    if agree is None:
        return True
    found: list[OpenTarget] = []
    for work in works:
        assert work.journal is not None
        summary = await read_figures(work.journal, work.target.name)
        assert summary is not None
        found.append(OpenTarget(target=work.target, run=summary))
    return agree(tuple(found))


async def _work_with_run(
    where: Where, project: Project, cloud: Cloud, stack: AsyncExitStack, run: str, manner: Manner
) -> Work:
    """The target whose journal knows a run, its lease taken."""
    for target in project.select(patterns_of(where)):
        work = Work(where, project, target, cloud)
        journal = await work.find_journal(stack)
        if journal is None or await journal.find_run(run) is None:
            continue
        await work.hold(stack, "rollback", manner.lock_timeout)
        if work.record is not None and work.record.id != run:
            raise RunError(f"run {work.record.id} has not ended", hint="recover it first: `fcdeploy resume`")
        return work
    raise await read_unknown_run(where, project, run)
