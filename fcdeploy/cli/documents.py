"""A plan or a run as one document, in the form that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fcdeploy.app import PlanReport
    from fcdeploy.diagnostics import Diagnostic
    from fcdeploy.render.views import OutcomeView


def plan_document(report: PlanReport, form: str, *, destroy: bool) -> str:
    """The plans of all targets."""
    from fcdeploy.cli.views import plans_view

    match form:
        case "markdown":
            from fcdeploy.render.markdown import plans_markdown

            return plans_markdown(plans_view(report, destroy=destroy))
        case _:
            from fcdeploy.render.json import document_text, plans_content

            return document_text("plan", plans_content(plans_view(report, destroy=destroy, with_bodies=True)))


def outcome_document(report: PlanReport, views: tuple[OutcomeView, ...], form: str, *, destroy: bool, code: int) -> str:
    """What was planned and how the runs ended; `code` is what the command exits with."""
    from fcdeploy.cli.views import plans_view

    match form:
        case "markdown":
            from fcdeploy.render.markdown import outcomes_markdown

            return outcomes_markdown(plans_view(report, destroy=destroy), views, exit_code=code)
        case _:
            from fcdeploy.render.json import document_text, outcomes_list, plans_content

            plans = plans_content(plans_view(report, destroy=destroy, with_bodies=True))
            return document_text("destroy" if destroy else "apply", {"plan": plans, "outcomes": outcomes_list(views)})


def error_document(command: str, found: Sequence[Diagnostic], form: str, *, code: int) -> str:
    """Why a command stopped before it had anything to show; `code` is what it exits with."""
    match form:
        case "markdown":
            from fcdeploy.render.markdown import error_markdown

            return error_markdown(command, found)
        case _:
            from fcdeploy.render.json import document_text, findings_list

            return document_text("error", {"exitCode": code, "diagnostics": findings_list(found)})
