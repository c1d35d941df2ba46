"""Builds: what `code.build` names is run in a copy of its folder, and what it makes is kept (S25).

Nothing else in the program runs them: plan and apply use what is kept unless they are told to build first.
"""

from __future__ import annotations

import asyncio
import shlex
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from fcdeploy.app.code import BUILDS, recipe_of
from fcdeploy.app.commands import run_command
from fcdeploy.app.folders import own_folder
from fcdeploy.app.reports import BuildReport, Built, BuiltPackage
from fcdeploy.app.selection import Chosen, check_only, chosen, patterns_of, project_of
from fcdeploy.app.types import Where
from fcdeploy.diagnostics import Diagnostic, Span, error
from fcdeploy.engine.only import matched, needed
from fcdeploy.engine.ownership import Wishes
from fcdeploy.engine.places import place_of
from fcdeploy.engine.redact import Redactor
from fcdeploy.errors import BuildFailed
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Address, Target
from fcdeploy.package.archive import Archive, build_archive
from fcdeploy.package.builds import BuildStore, Recipe
from fcdeploy.package.errors import PackageError
from fcdeploy.package.inputs import Inputs, write_copy
from fcdeploy.spec.project import Project

SIDE_BY_SIDE = 4
MOST_SECONDS = 1800.0
"""How long a build may take, unless told otherwise."""

_LAST_LINES = 15
_LEAST_LINE = 8
_LONGEST_COMMAND = 100
_LONGEST_LINE = 2000
_KEYS = (
    *("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"),
    *("HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
)

P = ParamSpec("P")
T = TypeVar("T")


class Building(Struct, frozen=True, kw_only=True):
    """How builds are run: `said` is told the name of one and a line; `force` builds again what is unchanged."""

    said: Callable[[str, str], None]
    force: bool = False
    seconds: float = MOST_SECONDS


class _Job(Struct, kw_only=True):
    """One command in one folder, for all that is packaged of what it makes."""

    path: Path
    argv: tuple[str, ...]
    runtime: str
    span: Span | None
    packages: dict[Recipe, list[Address]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What people call it: the first function or layer that is made of it."""
        names = sorted({_name(address) for addresses in self.packages.values() for address in addresses})
        return names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "")

    @property
    def command(self) -> str:
        """The command as a shell would take it."""
        return shlex.join(self.argv)


async def build(where: Where, building: Building, *, only: tuple[str, ...] = ()) -> BuildReport:
    """Build what the selected targets need, or only what these globs name.

    Raises SpecError, UsageError and BuildFailed.
    """
    project = project_of(where)
    targets = project.select(patterns_of(where))
    warnings = project.check(targets, code=True)
    check_only([chosen(where, project, targets)], Wishes(only=only), destroy=False)
    results = await write_builds(where, project, targets, building, only=only)
    return BuildReport(project=project.name, results=results, diagnostics=warnings)


async def write_all_builds(every: Sequence[Chosen], building: Building) -> None:
    """The builds of several projects, one project after the other. Raises BuildFailed."""
    for one in every:
        await write_builds(one.where, one.project, one.targets, building)


async def write_builds(
    where: Where,
    project: Project,
    targets: Sequence[Target],
    building: Building,
    *,
    only: tuple[str, ...] = (),
) -> tuple[Built, ...]:
    """Run each build whose inputs have changed since it was run, and keep what it makes. Raises BuildFailed.

    Results that nothing has used for long are forgotten when there are new ones.
    """
    jobs = _jobs(project, targets, only)
    if not jobs:
        return ()
    place = place_of(project.name, targets[0].name, spec_folder=project.root, environ=where.environ)
    place.write_folders()
    store = BuildStore(place.cache / BUILDS, left_out=frozenset(one.resolve() for one in project.files))
    runner = _Runner(where=where, building=building, store=store, redactor=_redactor(where, project))
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(runner.built(job)) for job in jobs]
    results = tuple(found for one in waiting if (found := one.result()) is not None)
    if runner.failures:
        raise BuildFailed(runner.failures)
    if any(one.seconds is not None for one in results):
        await asyncio.to_thread(store.remove_unused)
    return results


def _jobs(project: Project, targets: Sequence[Target], only: tuple[str, ...]) -> list[_Job]:
    jobs: dict[tuple[Path, tuple[str, ...], str], _Job] = {}
    for target in targets:
        desired = {} if target.retired else project.expand(target)
        chosen = needed(desired, matched(desired, only)) if only else desired.keys()
        for address in sorted(chosen):
            resource = desired[address]
            for reference in resource.code.values() if not resource.absent else ():
                # What is wrong with it has been told: the spec was checked with its code.
                recipe = recipe_of(resource, reference)
                argv = recipe.source.build
                if argv:
                    key = (recipe.path, argv, recipe.runtime)
                    job = jobs.setdefault(
                        key, _Job(path=recipe.path, argv=argv, runtime=recipe.runtime, span=reference.span)
                    )
                    job.packages.setdefault(recipe, []).append(address)
    return list(jobs.values())


class _Runner(Struct, kw_only=True):
    """Runs the jobs of one command; after a failure no other is begun, and those under way may end."""

    where: Where
    building: Building
    store: BuildStore
    redactor: Redactor
    failures: list[Diagnostic] = field(default_factory=list)
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))

    async def built(self, job: _Job) -> Built | None:
        """What came of a job; None where it failed or was not begun."""
        async with self._free:
            if self.failures:
                return None
            try:
                return await self._built(job)
            except PackageError as problem:
                self._failed(job, problem.summary, problem.detail, problem.hint)
                return None

    async def _built(self, job: _Job) -> Built | None:
        inputs = await _to_the_end(self.store.inputs, job.path)
        kept = {recipe: self.store.result(recipe, inputs) for recipe in job.packages}
        found = {recipe: archive for recipe, archive in kept.items() if archive is not None}
        if len(found) == len(kept) and not self.building.force:
            for recipe in found:
                self.store.choose(recipe, inputs)
            return self._result(job, inputs, found, None)
        begun = time.monotonic()
        self._say(job, f"$ {job.command}")
        with own_folder(self._work(), "build-") as folder:
            copy = folder / (job.path.name or "code")
            copy.mkdir()
            await _to_the_end(write_copy, inputs, copy)
            if not await self._run(job, copy):
                return None
            made = await _to_the_end(self._packaged, job, inputs, copy)
        return self._result(job, inputs, made, time.monotonic() - begun)

    def _work(self) -> Path:
        self.store.folder.mkdir(mode=0o700, exist_ok=True)
        return self.store.folder

    async def _run(self, job: _Job, copy: Path) -> bool:
        """Whether the command did its work."""
        last: deque[str] = deque(maxlen=_LAST_LINES)

        def said(line: str) -> None:
            line = _shortened(self.redactor.text(line), _LONGEST_LINE)
            last.append(line)
            self._say(job, line)

        environ = {**self.where.environ, "PWD": str(copy), "FCDEPLOY_BUILD": "1", "FCDEPLOY_RUNTIME": job.runtime}
        command = _shortened(self.redactor.text(job.command), _LONGEST_COMMAND)
        hint = f"it ran in a copy of {job.path}; run it in one by hand to see more"
        try:
            code = await run_command(job.argv, folder=copy, environ=environ, seconds=self.building.seconds, said=said)
        except TimeoutError:
            summary = f"`{command}` took longer than {self.building.seconds:g} s and was ended"
            self._failed(job, summary, "\n".join(last), "--build-timeout gives it longer")
            return False
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else "its arguments cannot be passed"
            self._failed(job, f"`{command}` cannot be started: {reason}", "", hint)
            return False
        if code != 0:
            how = f"was ended by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
            self._failed(job, f"`{command}` {how}", "\n".join(last), hint)
        return code == 0

    def _packaged(self, job: _Job, inputs: Inputs, copy: Path) -> dict[Recipe, Archive]:
        """Archives of what lies in the copy now, kept."""
        made: dict[Recipe, Archive] = {}
        for recipe in job.packages:
            try:
                archive = build_archive(replace(recipe.source, path=copy, build=()), self.store.folder)
            except PackageError as problem:
                summary = problem.summary.replace(str(copy), f"what was built of {job.path}")
                raise PackageError(summary, detail=problem.detail, hint=problem.hint) from problem
            self.store.keep(recipe, inputs, archive)
            made[recipe] = archive
        return made

    def _result(self, job: _Job, inputs: Inputs, made: dict[Recipe, Archive], seconds: float | None) -> Built:
        packages = tuple(
            BuiltPackage(
                addresses=tuple(sorted(addresses)),
                sha256=made[recipe].sha256,
                crc64=made[recipe].crc64,
                size=made[recipe].size,
                files=len(made[recipe].entries),
            )
            for recipe, addresses in job.packages.items()
        )
        return Built(
            name=job.name,
            path=job.path,
            argv=tuple(map(self.redactor.text, job.argv)),
            runtime=job.runtime,
            inputs=inputs.digest,
            seconds=seconds,
            packages=packages,
        )

    def _failed(self, job: _Job, summary: str, detail: str, hint: str) -> None:
        (first, *_) = sorted(address for addresses in job.packages.values() for address in addresses)
        found = error(f"build failed: {summary}", detail=detail, hint=hint, span=job.span, address=str(first))
        self.failures.append(found)

    def _say(self, job: _Job, line: str) -> None:
        self.building.said(job.name, self.redactor.text(line))


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"


def _name(address: Address) -> str:
    """Its name in the file: what is numbered has no number yet."""
    return "/".join(address.identity[:-1]) if kind_of(address).numbering is not None else address.name


def _redactor(where: Where, project: Project) -> Redactor:
    """Cuts out the secrets of the file and of the caller; of those that have lines each line, since so they come."""
    secrets = {*project.surroundings.secrets_read, *(where.environ.get(name, "") for name in _KEYS)}
    lines = {line for one in secrets for line in one.splitlines() if len(line) >= _LEAST_LINE}
    return Redactor(secrets | lines)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


async def _to_the_end(function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """In a thread, without blocking the loop; cancelled, it is waited for: what it works in is about to go."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **named))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
