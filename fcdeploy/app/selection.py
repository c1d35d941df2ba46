"""Which project, targets and resources a use case is about; judged before any cloud is asked."""

from __future__ import annotations

from collections.abc import Sequence

from fcdeploy.app.types import Where
from fcdeploy.cloud.client import warmed_up
from fcdeploy.diagnostics import did_you_mean
from fcdeploy.engine.only import matched
from fcdeploy.engine.ownership import Wishes
from fcdeploy.errors import UsageError
from fcdeploy.model import Target
from fcdeploy.spec.project import Project, read_project


def project_of(where: Where, *, calls: bool = True) -> Project:
    """The spec. `calls`: a cloud will be asked, so what that needs is loaded meanwhile. Raises SpecError."""
    if calls:
        warmed_up()
    assignments = [f"{name}={value}" for name, value in where.variables.items()]
    return read_project(
        where.spec,
        environ=where.environ,
        var_files=where.var_files,
        assignments=assignments,
        policies=where.policies,
    )


def patterns_of(where: Where) -> tuple[str, ...]:
    """What `Project.select` takes."""
    return () if where.target is None else (where.target,)


def check_only(project: Project, targets: Sequence[Target], wishes: Wishes, *, destroy: bool) -> None:
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
    desired = [project.expand(target) for target in targets if not target.retired]
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
