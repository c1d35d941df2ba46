"""`fcdeploy render`: each target's spec with everything evaluated, and where each line of it comes from."""

from __future__ import annotations

from msgspec import Struct

from fcdeploy.app.selection import patterns_of, project_of
from fcdeploy.app.types import Where
from fcdeploy.diagnostics import Diagnostic, in_order
from fcdeploy.errors import SpecError
from fcdeploy.model import Target
from fcdeploy.spec.written import Written


class Rendered(Struct, frozen=True, kw_only=True):
    """One target's spec as a spec of its own."""

    target: Target
    spec: Written


class RenderReport(Struct, frozen=True, kw_only=True):
    """The specs of all selected targets, in the file's order; `diagnostics` are what is wrong with them."""

    project: str
    results: tuple[Rendered, ...]
    diagnostics: tuple[Diagnostic, ...]


def rendered_specs(where: Where) -> RenderReport:
    """Each selected target's spec, evaluated. Raises SpecError when a template of one fails."""
    project = project_of(where)
    targets = project.select(patterns_of(where))
    results: list[Rendered] = []
    broken = False
    for target in targets:
        try:
            results.append(Rendered(target=target, spec=project.resolved(target)[0]))
        except SpecError:
            broken = True
    found = in_order(project.diagnostics(targets))
    if broken:
        raise SpecError(found)
    return RenderReport(project=project.name, results=tuple(results), diagnostics=found)
