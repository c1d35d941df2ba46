"""One target in the middle of a use case, from bench to outcome."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.app.bench import Bench, Cloud, opened_bench
from fcdeploy.app.code import Packages
from fcdeploy.app.journals import existing_journal, opened_journal, read_open_run
from fcdeploy.app.planning import Compared, read_plan
from fcdeploy.app.policing import Policing
from fcdeploy.app.secret_source import secret_source
from fcdeploy.app.types import TargetPlan, Where
from fcdeploy.diagnostics import Diagnostic, error, warning
from fcdeploy.engine.comparing import Comparing
from fcdeploy.engine.ownership import Wishes, found_by_name, is_owned, verdicts
from fcdeploy.engine.places import Place, place_of
from fcdeploy.engine.redact import Redactor
from fcdeploy.engine.references import located
from fcdeploy.engine.snapshot import Desired, Snapshot
from fcdeploy.engine.together import dropped
from fcdeploy.engine.unmarked import with_unmarked
from fcdeploy.engine.unread import marked, unread_of, unread_warnings, without_unread
from fcdeploy.errors import FcdeployError, PlanRefused, RunError, SpecError, UsageError
from fcdeploy.model import Ending, Outcome, Plan, Target, Wave
from fcdeploy.spec.project import Project

if TYPE_CHECKING:
    from fcdeploy.app.reports import Kept, Move, TargetDrift, TargetOutputs, TargetStatus
    from fcdeploy.app.running import Manner
    from fcdeploy.engine.journal import Journal, RunRecord
    from fcdeploy.engine.lease import Lease


class _Read(Struct, frozen=True, kw_only=True):
    """What the file wants, packaged, and what the lists say is live, compared as far as that could be done meanwhile;
    warnings about an open run (`notices`) and about the file."""

    desired: Desired
    snapshot: Snapshot
    comparing: Comparing
    notices: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]


class Work(Struct):
    """One target in the middle of a use case: filled in step by step."""

    where: Where
    project: Project
    target: Target
    cloud: Cloud
    wave: Wave | None = None
    bench: Bench | None = None
    packages: Packages | None = None
    journal: Journal | None = None
    lease: Lease | None = None
    record: RunRecord | None = None
    desired: Desired | None = None
    plan: Plan | None = None
    compared: Compared | None = None
    kept: tuple[Kept, ...] = ()
    policing: Policing | None = None

    @property
    def is_silent(self) -> bool:
        """Whether the cloud was asked something and has answered nothing, not even a refusal."""
        client = self.bench.client if self.bench is not None else None
        return client is not None and client.tally.requests.total() > 0 and not client.limiter.answered

    async def open(self, stack: AsyncExitStack) -> Bench:
        """The bench, made once."""
        if self.bench is None:
            place = place_of(
                self.project.name, self.target.name, spec_folder=self.project.root, environ=self.where.environ
            )
            left_out = frozenset(one.resolve() for one in self.project.files)
            self.packages = Packages(place.cache, left_out, self.cloud.archives)
            self.bench = await stack.enter_async_context(
                opened_bench(
                    self.where,
                    self.project.name,
                    self.target,
                    place,
                    self.packages,
                    self.cloud,
                    secrets_read=lambda: self.project.surroundings.secrets_read,
                )
            )
        return self.bench

    async def take(self, stack: AsyncExitStack, manner: Manner) -> None:
        """The lease; an open run is recovered first as asked, and old undo material is dropped. Raises RunError."""
        from fcdeploy.app.running import CLOSING

        recover = manner.recover
        bench = await self.open(stack)
        self.journal = await stack.enter_async_context(opened_journal(*self._journal_of(bench)))
        await self.hold(stack, recover, manner.lock_timeout)
        if self.record is not None and recover is not None:
            outcome = await self.recover(recover, manner)
            if recover != "abandon" and outcome.ending not in CLOSING:
                raise RunError(
                    f"run {outcome.run} of target {self.target.title} could not be recovered",
                    detail="\n".join(one.summary for one in outcome.diagnostics),
                    hint="`fcdeploy status` explains it",
                )
            if outcome.leftovers and outcome.ending is Ending.LEFTOVERS:
                left = ", ".join(outcome.leftovers)
                manner.progress.said(self.target.title, f"run {outcome.run} was taken back, but for: {left}")
            await self.release()
            self.lease = await self.journal.acquire(self.target.name, timeout=manner.lock_timeout)
            self.record = None
        await self.journal.forget(self.target.name, older_than=manner.keep_undo)

    async def find_journal(self, stack: AsyncExitStack) -> Journal | None:
        """The target's journal, None where nothing was run yet from here. Raises JournalError."""
        bench = await self.open(stack)
        self.journal = await stack.enter_async_context(existing_journal(*self._journal_of(bench)))
        return self.journal

    def _journal_of(self, bench: Bench) -> tuple[Where, str, str, Place]:
        return self.where, self.project.name, self.target.name, bench.place

    async def hold(self, stack: AsyncExitStack, recover: str | None, lock_timeout: float = 0.0) -> None:
        """The lease, until the stack ends, and the open run that `recover` says what to do with. Raises RunError."""
        from fcdeploy.app.running import acquired

        assert self.journal is not None
        self.lease, self.record = await acquired(self.journal, self.target.name, recover, lock_timeout)
        stack.push_async_callback(self.release)

    async def release(self) -> None:
        """Give the lease back; where that cannot be written it is taken over from this process once it is dead."""
        if self.lease is not None:
            # Whoever could not write before has told of it, and its report must not be lost to this.
            with suppress(RunError):
                await self.lease.release()
            self.lease = None

    def redactor(self) -> Redactor:
        """Cuts out of foreign text what nobody may see of this target."""
        assert self.bench is not None and self.plan is not None
        return self.bench.redactor(self.plan)

    async def go_on(self) -> None:
        """Hold the lease on for another run of the target. Raises RunError when it is lost."""
        from fcdeploy.engine.journal import new_run_id

        assert self.lease is not None
        await self.lease.go_on(new_run_id())

    async def recover(self, recover: str, manner: Manner) -> Outcome:
        """Resume, roll back or abandon the open run whose lease is held."""
        from fcdeploy.app.running import abandon, resume, roll_back

        assert self.bench is not None and self.journal is not None and self.record is not None
        secret = secret_source(self.project)
        match recover:
            case "resume":
                return await resume(self.bench, self.journal, self.record, secret, manner)
            case "rollback":
                return await roll_back(self.bench, self.journal, self.record, secret, manner)
            case _:
                return await abandon(self.bench, self.journal, self.record, secret, manner)

    async def read_plan(self, stack: AsyncExitStack, wishes: Wishes, destroy: bool, *, for_apply: bool) -> TargetPlan:
        """This target's plan; a refusal comes with the plan that it refuses."""
        bench = await self.open(stack)
        assert self.packages is not None
        destroying = destroy or self.target.retired
        read = await self._read_both(bench, destroying, looks=not for_apply, judges=True)
        self.desired = read.desired
        unread = () if self.where.secrets or destroying else unread_of(self.desired)
        if unread:
            self.desired = without_unread(self.desired)
        self.plan, refusals, self.compared = await read_plan(
            bench,
            self.packages,
            self.desired,
            read.snapshot,
            wishes,
            targets=self.project.targets,
            destroying=destroying,
            for_apply=for_apply,
            warnings=(*read.notices, *read.warnings),
            comparing=read.comparing,
        )
        if not self.where.secrets:
            self.plan = marked(self.plan, unread)
        problem = PlanRefused(refusals) if refusals else None
        result = TargetPlan(target=self.target, plan=self.plan, problem=problem, wave=self.wave, where=self.where)
        return self.judged(result, destroying=destroying)

    def judged(self, result: TargetPlan, *, destroying: bool, saved: bool = False) -> TargetPlan:
        """The plan that was just made, as policies let it be; `saved`: from a plan file."""
        assert self.desired is not None and self.compared is not None
        policing = self.policing or Policing(project=self.project, where=self.where)
        return policing.judged(result, self.desired, self.compared.snapshot, destroying=destroying, saved=saved)

    async def read_drift(self, stack: AsyncExitStack) -> TargetDrift:
        """What live and the file disagree on in this target. Raises ReadFailed and SpecError."""
        from fcdeploy.app.drifting import read_drift

        bench = await self.open(stack)
        assert self.packages is not None
        read = await self._read_both(bench, self.target.retired, looks=True)
        desired, notices = read.desired, read.notices
        if not self.where.secrets and not self.target.retired:
            notices = (*notices, *unread_warnings(unread_of(desired)))
            desired = without_unread(desired)
        return await read_drift(
            bench,
            self.packages,
            desired,
            read.snapshot,
            targets=self.project.targets,
            destroying=self.target.retired,
            opening=lambda: existing_journal(*self._journal_of(bench)),
            warnings=(*notices, *read.warnings),
            comparing=read.comparing,
        )

    async def _read_both(self, bench: Bench, destroying: bool, *, looks: bool, judges: bool = False) -> _Read:
        """Both sides; `looks`: and for an open run. `judges`: and policies about resources have been asked."""
        assert self.packages is not None
        expanded = self.project.expand(self.target)
        comparing = Comparing(bench.site)
        # Live state is asked for by address alone, so all else is done while the answers are on their way.
        asked = found_by_name(expanded) if destroying else expanded
        reading = asyncio.create_task(bench.reader.read_snapshot(asked, comparing.see))
        try:
            notices = await self._open_run_warning(bench) if looks else ()
            desired, warnings = (expanded, ()) if destroying else await self.packages.packaged(expanded)
            if judges and not destroying and self.policing is not None:
                self.policing.resource_findings(self.target)
        except (SpecError, UsageError, asyncio.CancelledError):
            await dropped([reading])
            raise
        if self.where.secrets and not destroying:
            comparing.want(located(desired, bench.site.scope))
        return _Read(
            desired=desired,
            snapshot=await reading,
            comparing=comparing,
            notices=notices,
            warnings=tuple(warnings),
        )

    async def _open_run_warning(self, bench: Bench) -> tuple[Diagnostic, ...]:
        """A reading command warns of an open run and goes on (S37)."""
        try:
            summary = await read_open_run(*self._journal_of(bench))
        except RunError as problem:
            return (warning(problem.summary, detail=problem.detail, hint=problem.hint),)
        if summary is None:
            return ()
        return (
            warning(
                f"run {summary.run} of target {self.target.title} has not ended",
                detail=f"`fcdeploy {summary.command}` by {summary.holder}: {summary.done} of {summary.total} steps "
                f"done, {summary.unsettled} not known; live state may be halfway",
                hint="`fcdeploy status` explains it; `fcdeploy resume` or `fcdeploy rollback` ends it",
            ),
        )

    async def read_inverse(self, run: str) -> Plan:
        """The plan that takes an ended run back."""
        from fcdeploy.app.inverse import read_inverse

        assert self.bench is not None and self.journal is not None
        record = await self.journal.read_run(run)
        self.plan = await read_inverse(self.bench, self.journal, record, secret_source(self.project))
        return self.plan

    async def read_move(self, move: Move) -> TargetPlan:
        """The plan that moves something back, once the lease is held; `kept` then has what the file is to say."""
        from fcdeploy.app.releasing import read_move

        assert self.bench is not None and self.journal is not None
        self.plan, self.kept = await read_move(self.bench, self.journal, self.project.expand(self.target), move)
        return TargetPlan(target=self.target, plan=self.plan)

    async def execute(self, manner: Manner, command: str, plan_id: str = "") -> Outcome:
        """Carry the plan out; trouble with journal or state folder becomes an outcome that needs a person."""
        from fcdeploy.app.running import execute, write_archives

        assert self.bench is not None and self.journal is not None and self.packages is not None
        assert self.plan is not None
        try:
            await write_archives(self.bench, self.journal, self.packages, self.plan)
            return await execute(self.bench, self.journal, self.plan, manner, command=command, plan_id=plan_id)
        except RunError as problem:
            found = error(problem.summary, detail=problem.detail, hint=problem.hint)
            return replace(self.outcome(Ending.FAILED), diagnostics=(found,))

    def outcome(self, ending: Ending, because: str = "") -> Outcome:
        """What comes of the target without a run of it."""
        return Outcome(run="", target=self.target.name, project=self.target.project, ending=ending, because=because)

    async def read_outputs(self, stack: AsyncExitStack | None = None) -> TargetOutputs:
        """What the target puts out now; nothing where it is retired. Without a stack its bench is open already."""
        from fcdeploy.app.output_values import read_outputs
        from fcdeploy.app.reports import TargetOutputs

        try:
            # After a run the file is not judged for nothing: a resume does without.
            unasked = self.target.retired or (stack is None and not self.project.has_outputs)
            wanted = {} if unasked else self.project.outputs(self.target)
            bench = self.bench if stack is None else await self.open(stack)
            values = await read_outputs(bench, wanted) if wanted and bench is not None else ()
        except FcdeployError as problem:
            return TargetOutputs(target=self.target, problem=problem)
        return TargetOutputs(target=self.target, values=values)

    def _declared(self) -> Desired:
        """What the file declares; a file with mistakes says nothing, and status goes on."""
        try:
            return self.project.expand(self.target)
        except SpecError:
            return {}

    async def read_status(self, stack: AsyncExitStack) -> TargetStatus:
        """What the target owns, and its open run; a journal that cannot be read is a problem beside what it owns."""
        from fcdeploy.app.reports import TargetStatus
        from fcdeploy.app.status_row import status_row

        open_run, unread = None, None
        try:
            bench = await self.open(stack)
            try:
                open_run = await read_open_run(*self._journal_of(bench))
            except RunError as problem:
                unread = problem
            declared = located(self._declared(), bench.site.scope)
            # Some of what is ours carries no mark that a list would show: only the file says so (S13, S14).
            snapshot = await bench.reader.read_snapshot(found_by_name(declared))
            owned = verdicts({}, snapshot, bench.site, Wishes(), found_by_name(declared))
            owned = with_unmarked(owned, declared, snapshot, Wishes(), bench.site.scope)
        except FcdeployError as problem:
            return TargetStatus(target=self.target, where=self.where, problem=problem)
        rows = tuple(status_row(live) for address, live in sorted(snapshot.lives.items()) if is_owned(address, owned))
        return TargetStatus(target=self.target, where=self.where, rows=rows, open_run=open_run, problem=unread)
