"""The use cases: what each command does, one screen each. The composition root; prints nothing and never exits.

Targets of one run are worked on side by side. What goes wrong in one target is its result, not the others' end (S39).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from fcdeploy.app_bench import Bench, opened_bench
from fcdeploy.app_code import Packages, check_code
from fcdeploy.app_plan import read_plan
from fcdeploy.app_run import (
    RECOVERIES,
    Manner,
    abandon,
    acquired,
    execute,
    opened_journal,
    read_inverse,
    read_summary,
    roll_back,
    write_archives,
)
from fcdeploy.app_run import (
    resume as resume_run,
)
from fcdeploy.app_types import (
    ApplyReport,
    PlanReport,
    StatusRow,
    TargetPlan,
    TargetStatus,
    Validated,
    Where,
)
from fcdeploy.diagnostics import error, has_errors
from fcdeploy.engine.journal import RunRecord, SqliteJournal
from fcdeploy.engine.lease import Lease
from fcdeploy.engine.ownership import Wishes
from fcdeploy.engine.places import place_of
from fcdeploy.engine.snapshot import Desired, root_of
from fcdeploy.engine.watch import Progress as Progress
from fcdeploy.engine.watch import StopRequest as StopRequest
from fcdeploy.errors import FcdeployError, PlanRefused, RunError, SpecError, UsageError
from fcdeploy.model import Ending, Outcome, Plan, Target
from fcdeploy.spec.project import Project, read_project

if TYPE_CHECKING:
    from fcdeploy.emulator.app import App

T = TypeVar("T")


def validate(where: Where) -> Validated:
    """Check the spec for every selected target. Raises SpecError with everything that is wrong."""
    project = _project(where)
    targets = project.select(where.target)
    desired = [project.expand(target) for target in targets]
    found = [*project.diagnostics, *(one for part in desired for one in check_code(part))]
    if has_errors(found):
        raise SpecError(found)
    return Validated(
        project=project.name,
        targets=tuple(target.name for target in targets),
        resources=sum(len(part) for part in desired),
        diagnostics=tuple(found),
    )


async def plan(where: Where, wishes: Wishes, *, destroy: bool = False) -> PlanReport:
    """What apply (or destroy) would do to each selected target; nothing is written to any cloud."""
    project = _project(where)
    with _local_cloud(where, project) as local:
        async with AsyncExitStack() as stack:
            works = [_Work(where, project, target, local) for target in project.select(where.target)]
            results = await _side_by_side(works, lambda work: work.read_plan(stack, wishes, destroy, for_apply=False))
    return PlanReport(project=project.name, results=tuple(results), diagnostics=project.diagnostics)


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
    progress: Progress,
    stop: StopRequest,
) -> ApplyReport:
    """Plan every selected target under its lease, ask, and carry out the plans that may be."""
    if recover is not None and recover not in RECOVERIES:
        raise UsageError(f"unknown recovery {recover!r}", hint=f"one of: {', '.join(RECOVERIES)}")
    project = _project(where)
    targets = project.select(where.target, writing=True)
    manner = Manner(on_failure=on_failure, grace=grace, progress=progress, stop=stop, parallelism=where.parallelism)
    with _local_cloud(where, project) as local:
        async with AsyncExitStack() as stack:
            works = [_Work(where, project, target, local) for target in targets]

            async def prepared(work: _Work) -> TargetPlan:
                await work.take(stack, recover, lock_timeout, manner)
                return await work.read_plan(stack, wishes, destroy, for_apply=True)

            results = await _side_by_side(works, prepared)
            report = PlanReport(project=project.name, results=tuple(results), diagnostics=project.diagnostics)
            ready = [work for work, result in zip(works, results, strict=True) if result.can_apply]
            if not ready or stop.requested:
                return ApplyReport(plans=report, outcomes=(), confirmed=False)
            if not confirm(report):
                return ApplyReport(plans=report, outcomes=(), confirmed=False)
            command = "destroy" if destroy else "apply"
            outcomes = await asyncio.gather(*(work.execute(manner, command) for work in ready))
    return ApplyReport(plans=report, outcomes=tuple(outcomes))


async def status(where: Where) -> tuple[TargetStatus, ...]:
    """What each selected target owns, live, and its open run."""
    project = _project(where)
    with _local_cloud(where, project) as local:
        async with AsyncExitStack() as stack:
            works = [_Work(where, project, target, local) for target in project.select(where.target)]
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


@dataclass(slots=True)
class _Work:
    """One target in the middle of a use case: filled in step by step."""

    where: Where
    project: Project
    target: Target
    local: App | None
    bench: Bench | None = None
    packages: Packages | None = None
    desired: Desired | None = None
    journal: SqliteJournal | None = None
    lease: Lease | None = None
    record: RunRecord | None = None
    plan: Plan | None = None

    async def open(self, stack: AsyncExitStack) -> Bench:
        """The bench, made once."""
        if self.bench is None:
            place = place_of(
                self.project.name, self.target.name, spec_folder=self.project.folder, environ=self.where.environ
            )
            self.packages = Packages(place.cache, frozenset(self.project.files))
            self.bench = await stack.enter_async_context(
                opened_bench(self.where, self.project.name, self.target, place, self.packages, self.local)
            )
        return self.bench

    async def take(self, stack: AsyncExitStack, recover: str | None, lock_timeout: float, manner: Manner) -> None:
        """The lease; an open run is recovered first as asked. Raises RunError."""
        bench = await self.open(stack)
        self.journal = await stack.enter_async_context(opened_journal(bench))
        self.lease, self.record = await acquired(self.journal, self.target.name, recover, lock_timeout)
        stack.push_async_callback(self.release)
        if self.record is not None and recover is not None:
            outcome = await self.recover(recover, manner)
            if recover != "abandon" and outcome.ending not in (Ending.DONE, Ending.ROLLED_BACK, Ending.FAILED):
                raise RunError(
                    f"run {outcome.run} of target {self.target.name} could not be recovered",
                    detail="\n".join(one.summary for one in outcome.diagnostics),
                    hint="`fcdeploy status` explains it",
                )
            await self.release()
            self.lease = await self.journal.acquire(self.target.name, timeout=lock_timeout)
            self.record = None

    async def release(self) -> None:
        """Give the lease back."""
        if self.lease is not None:
            await self.lease.release()
            self.lease = None

    async def recover(self, recover: str, manner: Manner) -> Outcome:
        """Resume, roll back or abandon the open run whose lease is held."""
        assert self.bench is not None and self.journal is not None and self.record is not None
        secret = self.project.secret_source(self.target)
        match recover:
            case "resume":
                return await resume_run(self.bench, self.journal, self.record, secret, manner)
            case "rollback":
                return await roll_back(self.bench, self.journal, self.record, secret, manner)
            case _:
                await abandon(self.journal, self.record)
                return Outcome(run=self.record.id, target=self.target.name, ending=Ending.STOPPED)

    async def read_plan(self, stack: AsyncExitStack, wishes: Wishes, destroy: bool, *, for_apply: bool) -> TargetPlan:
        """This target's plan; a refusal comes with the plan that it refuses."""
        bench = await self.open(stack)
        assert self.packages is not None
        destroying = destroy or self.target.retired
        expanded = self.project.expand(self.target)
        self.desired, warnings = (expanded, ()) if destroying else await self.packages.packaged(expanded)
        self.plan, refusals = await read_plan(
            bench,
            self.packages,
            self.desired,
            wishes,
            targets=[target.name for target in self.project.targets],
            destroying=destroying,
            for_apply=for_apply,
            warnings=warnings,
        )
        problem = PlanRefused(refusals) if refusals else None
        return TargetPlan(target=self.target, plan=self.plan, problem=problem)

    async def read_inverse(self, run: str) -> Plan:
        """The plan that takes an ended run back."""
        assert self.bench is not None and self.journal is not None
        record = await self.journal.read_run(run)
        self.plan = await read_inverse(self.bench, self.journal, record, self.project.secret_source(self.target))
        self.desired = {}
        return self.plan

    async def execute(self, manner: Manner, command: str) -> Outcome:
        """Carry the plan out; trouble with journal or state folder becomes an outcome that needs a person."""
        assert self.bench is not None and self.journal is not None and self.packages is not None
        assert self.plan is not None and self.desired is not None
        try:
            await write_archives(self.bench, self.journal, self.packages, self.plan)
            redactor = self.bench.redactor(self.desired)
            return await execute(self.bench, self.journal, self.plan, redactor, manner, command=command)
        except RunError as problem:
            found = error(problem.summary, detail=problem.detail, hint=problem.hint)
            return Outcome(run="", target=self.target.name, ending=Ending.FAILED, diagnostics=(found,))

    async def read_status(self, stack: AsyncExitStack) -> TargetStatus:
        """What the target owns, and its open run."""
        try:
            bench = await self.open(stack)
            open_run = None
            if bench.place.journal.exists():
                async with opened_journal(bench) as journal:
                    open_run = await read_summary(journal, self.target.name)
            snapshot = await bench.reader.read_snapshot({})
        except FcdeployError as problem:
            return TargetStatus(target=self.target, problem=problem)
        rows = tuple(
            StatusRow(
                address=address,
                modified=str(live.raw.get("lastModifiedTime", "")),
                about=_about(live.raw),
            )
            for address, live in sorted(snapshot.lives.items())
            if snapshot.lives[root_of(address)].mark == bench.site.mark
        )
        return TargetStatus(target=self.target, rows=rows, open_run=open_run)


def _about(raw: object) -> str:
    """The one thing that a reader of a table asks of a resource: its runtime, its type, its address."""
    if not isinstance(raw, dict):
        return ""
    parts = [raw.get("runtime"), raw.get("triggerType"), raw.get("urlInternet"), raw.get("description")]
    return str(next((part for part in parts if part), ""))


async def _recovered(where: Where, recover: str, manner: Manner) -> tuple[Outcome, ...]:
    """Recover the open run of every selected target that has one."""
    project = _project(where)
    with _local_cloud(where, project) as local:
        async with AsyncExitStack() as stack:
            works: list[_Work] = []
            for target in project.select(where.target, writing=True):
                work = _Work(where, project, target, local)
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
                raise RunError(f"there is nothing to {recover}", detail="no selected target has an open run")
            return tuple(await asyncio.gather(*(work.recover(recover, manner) for work in works)))


async def _work_with_run(where: Where, project: Project, local: App | None, stack: AsyncExitStack, run: str) -> _Work:
    """The target whose journal knows a run, its lease taken."""
    for target in project.select(where.target):
        work = _Work(where, project, target, local)
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


async def _side_by_side(works: Sequence[_Work], read: Callable[[_Work], Awaitable[TargetPlan]]) -> list[TargetPlan]:
    """The plans of all targets at once; a target's problem is its result."""

    async def one(work: _Work) -> TargetPlan:
        try:
            return await read(work)
        except SpecError:
            raise
        except FcdeployError as problem:
            return TargetPlan(target=work.target, plan=None, problem=problem)

    return list(await asyncio.gather(*(one(work) for work in works)))


def _project(where: Where) -> Project:
    return read_project(where.spec, variables=where.variables, var_files=where.var_files, environ=where.environ)


@contextmanager
def _local_cloud(where: Where, project: Project) -> Iterator[App | None]:
    """The embedded emulator for `--local`, its contents in the state folder; one cloud for all targets."""
    if not where.local:
        yield None
        return
    from fcdeploy.app_bench import LOCAL_ACCOUNT, LOCAL_KEY
    from fcdeploy.emulator.app import create_app
    from fcdeploy.emulator.settings import EmulatorSettings

    place = place_of(project.name, "local", spec_folder=project.folder, environ=where.environ)
    place.write_folders()
    app = create_app(
        EmulatorSettings(
            account=LOCAL_ACCOUNT,
            access_keys={LOCAL_KEY.access_key_id: LOCAL_KEY.access_key_secret},
            data=place.local,
        )
    )
    try:
        yield app
    finally:
        app.close()


__all__ = [
    "ApplyReport",
    "PlanReport",
    "Progress",
    "StopRequest",
    "TargetPlan",
    "TargetStatus",
    "Validated",
    "Where",
    "Wishes",
    "apply",
    "plan",
    "resume",
    "rollback",
    "status",
    "validate",
]
