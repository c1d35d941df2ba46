"""Which projects, targets and resources a use case is about; judged before any cloud is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.app.policing import Policing
from fcdeploy.app.types import Where
from fcdeploy.diagnostics import Diagnostic, did_you_mean
from fcdeploy.engine.only import matched
from fcdeploy.engine.ownership import Wishes
from fcdeploy.errors import SpecError, UsageError
from fcdeploy.model import Target
from fcdeploy.spec.project import Project, read_project

T = TypeVar("T")


class Chosen(Struct, frozen=True, kw_only=True):
    """A project and those of its targets that a use case is about; `where` leads to it alone."""

    where: Where
    project: Project
    targets: tuple[Target, ...]
    policing: Policing
    warnings: tuple[Diagnostic, ...] = ()


Judged: TypeAlias = Callable[[Chosen], tuple[Diagnostic, ...]]
"""Gives the warnings about a file; raises SpecError where it cannot be used."""


def chosen_of(where: Where, judged: Judged | None, *, writes: bool = False) -> tuple[Chosen, ...]:
    """The chosen targets of each project, each file as `judged`; None: whatever is wrong with them.

    Raises SpecError with everything that is wrong in any of the files: one that is broken stops all. Raises UsageError.
    """
    wheres = where.each
    projects = _each([partial(project_of, one) for one in wheres])
    found = [
        chosen(one, project, targets)
        for one, project in zip(wheres, projects, strict=True)
        if (targets := _targets_of(one, project, writes=writes, alone=len(wheres) == 1))
    ]
    if not found:
        # Where no project has such a target, the first one says what it has.
        projects[0].select(patterns_of(where), writes=writes)
    if judged is not None:
        warnings = _each([partial(judged, one) for one in found])
        found = [replace(one, warnings=some) for one, some in zip(found, warnings, strict=True)]
    return tuple(found) if len(wheres) == 1 else _told_apart(found, check=judged is not None)


def chosen(where: Where, project: Project, targets: tuple[Target, ...]) -> Chosen:
    """Some targets of one project."""
    return Chosen(where=where, project=project, targets=targets, policing=Policing(project=project, where=where))


def _targets_of(where: Where, project: Project, *, writes: bool, alone: bool) -> tuple[Target, ...]:
    """The targets that are asked for; of several projects, some may have none of that name."""
    try:
        return project.select(patterns_of(where), writes=writes)
    except UsageError:
        if alone or where.target is None:
            raise
        return ()


def _told_apart(found: Sequence[Chosen], *, check: bool) -> tuple[Chosen, ...]:
    """Several projects, their targets named by them. Raises UsageError and SpecError for what cannot stand together."""
    files: dict[str, Path] = {}
    for one in found:
        first = files.setdefault(one.project.name, one.project.file)
        if first is not one.project.file:
            raise UsageError(
                f"{first} and {one.project.file} are both of project {one.project.name}",
                hint="several targets of one project stand in one file",
            )
    twice = [
        wrong
        for place, one in enumerate(found)
        for other in found[:place]
        for wrong in (one.project.shared_with(one.targets, other.project, other.targets) if check else ())
    ]
    if twice:
        raise SpecError(twice)
    return tuple(
        replace(one, targets=tuple(replace(target, project=one.project.name) for target in one.targets))
        for one in found
    )


def _each(reads: Sequence[Callable[[], T]]) -> list[T]:
    """What each gives. Raises SpecError with all that is wrong in any of them."""
    made: list[T] = []
    wrong: list[Diagnostic] = []
    for read in reads:
        try:
            made.append(read())
        except SpecError as problem:
            wrong += problem.diagnostics
    if wrong:
        raise SpecError(wrong)
    return made


def names_of(every: Sequence[Chosen]) -> str:
    """The name of the project, or those of all."""
    return ", ".join(one.project.name for one in every)


def warnings_of(every: Sequence[Chosen]) -> tuple[Diagnostic, ...]:
    """What is said against the files, though they can be used."""
    return tuple(found for one in every for found in one.warnings)


def remarks_of(every: Sequence[Chosen], *, destroy: bool) -> tuple[Diagnostic, ...]:
    """The same with what the resources break, of files whose targets have been planned."""
    return tuple(found for one in every for found in one.policing.remarks(one.warnings, one.targets, destroy=destroy))


def project_of(where: Where) -> Project:
    """The spec. Raises SpecError, and UsageError where several are given."""
    if where.more:
        raise UsageError(
            "this takes one file: -f is given more than once",
            hint="validate, plan, drift, status, outputs, apply and destroy take several projects at once",
        )
    assignments = [f"{name}={value}" for name, value in where.variables.items()]
    return read_project(
        where.spec,
        environ=where.environ,
        var_files=where.var_files,
        assignments=assignments,
        policies=where.policies,
        unread=not where.secrets,
    )


def patterns_of(where: Where) -> tuple[str, ...]:
    """What `Project.select` takes."""
    return () if where.target is None else (where.target,)


def check_only(every: Sequence[Chosen], wishes: Wishes, *, destroy: bool) -> None:
    """Raises UsageError for a glob that names no resource of any of the targets, and for what cannot be combined."""
    if not wishes.only:
        return
    if destroy:
        raise UsageError(
            "--only cannot be combined with destroy",
            detail="it never deletes anything",
            hint="remove the resource from the file, or write `absent: true` on it, and apply",
        )
    if wishes.adopt or wishes.adopt_over or wishes.adopt_from:
        raise UsageError(
            "--only cannot be combined with adoption",
            detail="what is taken over is judged as a whole: nothing in it may be lost unseen",
            hint="adopt first, without --only",
        )
    desired = [one.project.expand(target) for one in every for target in one.targets if not target.retired]
    for glob in wishes.only:
        if any(matched(one, [glob]) for one in desired):
            continue
        there = [address for one in desired for address, resource in one.items() if not resource.absent]
        names = {name for address in there for name in (address.name, f"{address.kind}:{address.name}")}
        raise UsageError(
            f"--only {glob!r} names nothing that is to be there",
            hint=did_you_mean(glob, names)
            or "write a name or a pattern, such as 'images/*' or 'trigger:images/*/http'",
        )
