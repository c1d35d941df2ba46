"""Saved plans: what a plan was made from goes into a file; exactly that plan is applied, once, or refused (S43)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from msgspec import Struct

from fcdeploy import __version__
from fcdeploy.app.bench import opened_cloud
from fcdeploy.app.carrying import carried_out
from fcdeploy.app.planning import read_plan
from fcdeploy.app.policing import Policing
from fcdeploy.app.required import Required, required_checked
from fcdeploy.app.rollout import works_in_waves
from fcdeploy.app.running import Manner
from fcdeploy.app.secret_source import secret_source
from fcdeploy.app.selection import patterns_of, project_of
from fcdeploy.app.types import ApplyReport, PlanReport, TargetPlan, Where
from fcdeploy.app.work import Work
from fcdeploy.diagnostics import error
from fcdeploy.engine.comparing import Comparing
from fcdeploy.engine.digest import change_digests, plans_digest
from fcdeploy.engine.journal import RunRecord
from fcdeploy.engine.ownership import Wishes, found_by_name
from fcdeploy.engine.plan_file import SUFFIX as SUFFIX
from fcdeploy.engine.plan_file import PlanFile as PlanFile
from fcdeploy.engine.plan_file import read_plan_file as read_plan_file
from fcdeploy.engine.plan_file import write_plan_file
from fcdeploy.engine.references import located
from fcdeploy.engine.saved import (
    SavedFile,
    SavedPlan,
    SavedPlans,
    place_findings,
    resources_to_json,
    stale_findings,
    step_digests,
    text_digest,
    whole_digest,
)
from fcdeploy.engine.snapshot import Desired
from fcdeploy.errors import PlanOutdated, UsageError
from fcdeploy.model import Resource, archives_in
from fcdeploy.package.archive import Archive, ArchiveEntry
from fcdeploy.spec.project import Project

EXPIRES = 86400.0
"""Seconds that a plan file may be applied, unless told otherwise."""


class Saving(Struct, frozen=True, kw_only=True):
    """Where a plan is saved, and for how many seconds it may be applied."""

    path: Path
    expires: float = EXPIRES
    clock: Callable[[], float] = time.time


def write_plans(saving: Saving, project: Project, works: Sequence[Work], wishes: Wishes, *, destroy: bool) -> None:
    """Save the plans of all these targets in one file. Raises UsageError when it cannot be written, and RunError."""
    key = secrets.token_hex(16)
    read: dict[str, str] = {}
    saved: list[SavedPlan] = []
    archives: dict[str, Archive] = {}
    for work in works:
        one, needed = _saved_plan(work, key, destroy=destroy)
        # Reading it back tells which secrets it needs, and their values.
        source = secret_source(project, read.__setitem__)
        for resource in one.desired:
            Resource.from_json(resource, source)
        saved.append(one)
        archives |= needed
    now = saving.clock()
    plans = SavedPlans(
        id=secrets.token_hex(16),
        project=project.name,
        tool_version=__version__,
        created=now,
        expires=now + saving.expires,
        destroy=destroy,
        digest=plans_digest(work.plan for work in works if work.plan is not None),
        key=key,
        wishes=wishes,
        secrets={name: text_digest(text, key, name) for name, text in sorted(read.items())},
        plans=tuple(saved),
        archives={sha256: archives[sha256].size for sha256 in sorted(archives)},
    )
    write_plan_file(saving.path, plans, lambda sha256: archives[sha256].path)


def _saved_plan(work: Work, key: str, *, destroy: bool) -> tuple[SavedPlan, dict[str, Archive]]:
    """What is kept of one target's plan, and the archives that it sends and that are the file's own."""
    plan, bench, packages, compared = work.plan, work.bench, work.packages, work.compared
    assert plan is not None and bench is not None and packages is not None
    assert compared is not None and work.desired is not None
    sent = {one.sha256 for step in plan.steps for one in archives_in(step.call.body)}
    # A live archive that goes along (S17) is fetched again by whoever applies.
    own = {sha256: found for sha256 in sorted(sent) if (found := packages.planned(sha256)) is not None}
    payloads = [
        work.desired[address].payloads for address in sorted(compared.snapshot.archives) if address in work.desired
    ]
    against = {one.sha256 for each in payloads for one in archives_in(each)}
    target = bench.site.target
    saved = SavedPlan(
        target=target.name,
        provider=target.provider,
        region=target.region,
        account=bench.site.scope.account,
        api=target.api,
        destroying=destroy or target.retired,
        desired=resources_to_json(work.desired.values()),
        changes=change_digests(plan),
        steps=step_digests(plan, key),
        whole=whole_digest(plan, key),
        archives=tuple(own),
        compared=tuple(
            _saved_file(found) for sha256 in sorted(against) if (found := packages.planned(sha256)) is not None
        ),
    )
    return saved, own


def _saved_file(archive: Archive) -> SavedFile:
    return SavedFile(
        sha256=archive.sha256,
        crc64=archive.crc64,
        sha512=archive.sha512,
        md5=archive.md5,
        size=archive.size,
        entries=tuple((one.name, one.mode, one.size, one.sha256, one.link) for one in archive.entries),
    )


async def apply_saved(
    where: Where,
    file: PlanFile,
    manner: Manner,
    *,
    confirm: Callable[[PlanReport], bool],
    required: Required | None = None,
    clock: Callable[[], float] = time.time,
) -> ApplyReport:
    """Apply exactly the plans of a file, once, or refuse: those of the targets that `where` selects, all without it.

    The spec at hand says where secrets come from and where its targets are; code is not read. `clock` gives seconds
    since the epoch. Raises PlanOutdated for a file that is expired, of another version or of another project.
    """
    plans = file.plans
    _check(file, clock())
    project = project_of(where)
    if project.name != plans.project:
        raise _refused(
            f"{file.path} is a plan of another project",
            detail=f"it is of {plans.project}, and {project.file} is of {project.name}",
            hint="apply it with the file that it was made from",
        )
    chosen = _chosen(where, file, project)
    targets = {target.name: target for target in project.targets}
    gone = [one for saved in chosen if saved.target not in targets for one in place_findings(saved, None, "")]
    if gone:
        raise PlanOutdated(gone)
    saved_of = {one.target: one for one in chosen}
    with opened_cloud(where, project.name, project.root) as cloud:
        async with AsyncExitStack() as stack:
            policing = Policing(project=project, where=where)
            works = works_in_waves(where, project, [targets[one.target] for one in chosen], cloud, policing)

            async def prepared(work: Work) -> TargetPlan:
                saved = saved_of[work.target.name]
                bench = await work.open(stack)
                if found := place_findings(saved, work.target, bench.site.scope.account):
                    raise PlanOutdated(found)
                await work.take(stack, manner)
                return await _read_again(work, file, saved)

            return await carried_out(
                works,
                prepared,
                lambda results: PlanReport(project=project.name, results=required_checked(results, required)),
                confirm,
                manner,
                command="destroy" if plans.destroy else "apply",
                plan_id=plans.id,
            )


def _check(file: PlanFile, now: float) -> None:
    """What the file itself says against it. Raises PlanOutdated."""
    plans = file.plans
    if plans.tool_version != __version__:
        raise _refused(
            f"{file.path} was written by another version of fcdeploy",
            detail=f"by {plans.tool_version}, and this is {__version__}, which may plan otherwise",
            hint="plan again with this version, or apply it with the one that wrote it",
        )
    if now >= plans.expires:
        raise _refused(
            f"{file.path} has expired",
            detail=f"it was made {_time(plans.created)} and could be applied until {_time(plans.expires)}",
            hint="plan again; `--expires` says how long a plan holds",
        )


def _chosen(where: Where, file: PlanFile, project: Project) -> list[SavedPlan]:
    plans = file.plans.plans
    if where.target is None:
        return list(plans)
    names = {target.name for target in project.select(patterns_of(where))}
    chosen = [one for one in plans if one.target in names]
    if not chosen:
        raise UsageError(
            f"{file.path} has no plan of target {where.target!r}",
            hint=f"it has plans of: {', '.join(one.target for one in plans)}",
        )
    return chosen


async def _read_again(work: Work, file: PlanFile, saved: SavedPlan) -> TargetPlan:
    """The plan, made once more from what was saved and what is live, when it is the same. Raises PlanOutdated."""
    bench, journal, packages = work.bench, work.journal, work.packages
    assert bench is not None and journal is not None and packages is not None
    plans = file.plans
    if (used := await journal.find_use(plans.id)) is not None:
        raise _used(file, saved, used)
    desired = _desired(work, file, saved)
    packages.adopt(_archive(one) for one in saved.compared)
    comparing = Comparing(bench.site)
    if not saved.destroying:
        comparing.want(located(desired, bench.site.scope))
    asked = found_by_name(desired) if saved.destroying else desired
    snapshot = await bench.reader.read_snapshot(asked, comparing.see)
    plan, refusals, work.compared = await read_plan(
        bench,
        packages,
        desired,
        snapshot,
        plans.wishes,
        targets=work.project.targets,
        destroying=saved.destroying,
        for_apply=True,
        touched=saved.touched,
        comparing=comparing,
    )
    work.desired, work.plan = desired, plan
    if found := (*stale_findings(saved, plan, plans.key), *refusals):
        return TargetPlan(target=work.target, plan=None, problem=PlanOutdated(found), wave=work.wave, where=work.where)
    if change_digests(plan) != saved.changes:
        raise _refused(f"the plan of target {saved.target} is not what {file.path} says of it", hint="plan again")
    for sha256 in saved.archives:
        if not bench.has_archive(sha256):
            bench.write_download(sha256, file.read_archive(sha256))
    result = TargetPlan(target=work.target, plan=plan, wave=work.wave, where=work.where)
    return work.judged(result, destroying=saved.destroying, saved=True)


def _desired(work: Work, file: PlanFile, saved: SavedPlan) -> Desired:
    """What the target was to have, secrets resolved again. Raises PlanOutdated for one that is another now."""
    read: dict[str, str] = {}
    source = secret_source(work.project, read.__setitem__)
    resources = [Resource.from_json(one, source) for one in saved.desired]
    plans = file.plans
    others = [name for name, text in sorted(read.items()) if text_digest(text, plans.key, name) != plans.secrets[name]]
    if others:
        raise PlanOutdated(
            [
                error(
                    f"the secret {name} is not what it was when the plan was made",
                    hint="plan again; only its name and that it differs are known",
                )
                for name in others
            ]
        )
    return {resource.address: resource for resource in resources}


def _archive(saved: SavedFile) -> Archive:
    """An archive of which only the list of its files is at hand."""
    return Archive(
        sha256=saved.sha256,
        crc64=saved.crc64,
        sha512=saved.sha512,
        md5=saved.md5,
        size=saved.size,
        path=Path(),
        entries=tuple(
            ArchiveEntry(name=name, mode=mode, size=size, sha256=sha256, link=link)
            for name, mode, size, sha256, link in saved.entries
        ),
    )


def _used(file: PlanFile, saved: SavedPlan, run: RunRecord) -> PlanOutdated:
    ended = run.ending.value if run.ending is not None else "has not ended"
    return _refused(
        f"{file.path} was used already for target {saved.target}",
        detail=f"by run {run.id}, begun {_time(run.started)}: {ended}",
        hint=f"`fcdeploy history {run.id}` tells what it did; plan again for anything more",
    )


def _refused(summary: str, *, detail: str = "", hint: str = "") -> PlanOutdated:
    return PlanOutdated([error(summary, detail=detail, hint=hint)])


def _time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
