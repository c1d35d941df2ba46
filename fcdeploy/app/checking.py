"""validate and graph: what needs no cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from fcdeploy.app.selection import chosen_of, patterns_of, project_of
from fcdeploy.app.types import Validated, Where
from fcdeploy.cloud.endpoints import region_warnings
from fcdeploy.kinds.descriptor import Scope

if TYPE_CHECKING:
    from fcdeploy.app.reports import GraphReport


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
        for one in chosen_of(where, lambda one: one.policing.validated(one.targets))
    )


def graph(where: Where) -> GraphReport:
    """What each selected target is to have and how it hangs together; no cloud is asked. Raises SpecError."""
    from fcdeploy.app.reports import GraphReport
    from fcdeploy.engine.graph import graph_of

    project = project_of(where)
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
