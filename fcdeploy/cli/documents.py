"""A plan, a run, drift or findings as one document, in the form that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fcdeploy.cli.options import DEFAULT_FILE

if TYPE_CHECKING:
    from fcdeploy.app import PlanReport, Validated, Where
    from fcdeploy.diagnostics import Diagnostic
    from fcdeploy.render.views import DriftsView, GraphView, OutcomeView, OutputsView


def spec_file(given: Path) -> str:
    """The spec's file, where a folder may be given for it; as findings call it."""
    from fcdeploy.spec import project

    return str(project.spec_file(given))


def read_graph(where: Where) -> GraphView | None:
    """The graph of the files; None where one has been broken since it was planned from."""
    from fcdeploy import app
    from fcdeploy.cli.views import graph_view
    from fcdeploy.errors import SpecError

    try:
        return graph_view([app.graph(one) for one in where.each])
    except SpecError:
        return None


def plan_document(report: PlanReport, form: str, where: Where, *, destroy: bool) -> str:
    """The plans of all targets."""
    from fcdeploy.cli.views import plans_view

    match form:
        case "markdown":
            from fcdeploy.render.markdown import plans_markdown

            return plans_markdown(plans_view(report, destroy=destroy))
        case "html":
            from fcdeploy.render.report import report_html

            return report_html(plans_view(report, destroy=destroy), read_graph(where))
        case "sarif" | "junit":
            ready = [one.target.title for one in report.results if one.can_apply]
            found = plans_view(report, destroy=destroy).findings
            return findings_document(found, form, file=spec_file(where.spec), targets=ready)
        case _:
            from fcdeploy.render.json import document_text, plans_content

            return document_text("plan", plans_content(plans_view(report, destroy=destroy, with_bodies=True)))


def drift_document(view: DriftsView, form: str) -> str:
    """The drift of all targets."""
    match form:
        case "markdown":
            from fcdeploy.render.markdown_drift import drifts_markdown

            return drifts_markdown(view)
        case _:
            from fcdeploy.render.json import document_text, drifts_content

            return document_text("drift", drifts_content(view))


def validation_document(found: Sequence[Diagnostic], valid: Sequence[Validated], form: str, where: Where) -> str:
    """What a check found; `valid` is what the files come to, nothing where one is broken."""
    if form != "json":
        several = len(valid) > 1
        targets = [f"{one.project}/{name}" if several else name for one in valid for name in one.targets]
        return findings_document(found, form, file=spec_file(where.spec), targets=targets)
    from fcdeploy.render.json import document_text, findings_list
    from fcdeploy.render.portability import portability_content

    projects = [
        {
            "project": one.project,
            "targets": list(one.targets),
            "resources": one.resources,
            **({"portability": portability_content(one.portability)} if one.portability is not None else {}),
        }
        for one in valid
    ]
    figures: dict[str, object] = {"projects": projects} if len(projects) > 1 else dict(*projects)
    content = {"valid": bool(valid), **figures, "diagnostics": findings_list(found)}
    return document_text("validation", content)


def findings_document(found: Iterable[Diagnostic], form: str, *, file: str, targets: Sequence[str] = ()) -> str:
    """Findings for programs that show them at their lines; `file` is the spec's, `targets` those without an error."""
    match form:
        case "junit":
            from fcdeploy.render.junit import junit_text

            return junit_text(found, file=file, targets=targets)
        case _:
            from fcdeploy import __version__
            from fcdeploy.render.sarif import sarif_text

            return sarif_text(found, file=file, version=__version__)


def outcome_document(
    report: PlanReport,
    views: tuple[OutcomeView, ...],
    given: tuple[OutputsView, ...],
    form: str,
    where: Where,
    *,
    destroy: bool,
    code: int,
) -> str:
    """What was planned, how the runs ended and what is put out; `code` is what the command exits with."""
    from fcdeploy.cli.views import plans_view

    match form:
        case "markdown":
            from fcdeploy.render.markdown import outcomes_markdown

            return outcomes_markdown(plans_view(report, destroy=destroy), views, exit_code=code, outputs=given)
        case "html":
            from fcdeploy.render.report import report_html

            view = plans_view(report, destroy=destroy)
            return report_html(view, read_graph(where), views, exit_code=code, outputs=given)
        case _:
            from fcdeploy.render.json import document_text, outcomes_list, plans_content
            from fcdeploy.render.outputs import outputs_list

            plans = plans_content(plans_view(report, destroy=destroy, with_bodies=True))

            content = {"plan": plans, "outcomes": outcomes_list(views), "outputs": outputs_list(given)}
            return document_text("destroy" if destroy else "apply", content)


def error_document(command: str, found: Sequence[Diagnostic], form: str, *, code: int) -> str:
    """Why a command stopped before it had anything to show; `code` is what it exits with."""
    match form:
        case "markdown":
            from fcdeploy.render.markdown import error_markdown

            return error_markdown(command, found)
        case "html":
            from fcdeploy.render.report import error_html

            return error_html(command, found)
        case "sarif" | "junit":
            return findings_document(found, form, file=DEFAULT_FILE)
        case _:
            from fcdeploy.render.json import document_text, findings_list

            return document_text("error", {"exitCode": code, "diagnostics": findings_list(found)})
