"""From what the app reports to what the renderers take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from fcdeploy.cli.exits import DONE, PENDING, error_code, gravest, outcome_code
from fcdeploy.cli.options import flags_of
from fcdeploy.cli.speech import to_findings
from fcdeploy.engine.calls import body_shown
from fcdeploy.engine.digest import change_digests, plans_digest
from fcdeploy.model import Outcome
from fcdeploy.render.views import (
    DriftsView,
    DriftView,
    GraphView,
    HistoryView,
    KeepView,
    OutcomeView,
    OutputsView,
    OutputView,
    PlansView,
    PlanView,
    StandingView,
    StatusView,
)

if TYPE_CHECKING:
    from fcdeploy.app import (
        DriftReport,
        GraphReport,
        Kept,
        OpenTarget,
        PlanReport,
        TargetHistory,
        TargetOutputs,
        TargetPlan,
        TargetStatus,
    )


def plans_view(report: PlanReport, *, destroy: bool, with_bodies: bool = False, with_digest: bool = True) -> PlansView:
    """Plans and problems of every target; `with_bodies`: and what each step sends; `with_digest`: and the digest."""
    whole = [one.plan for one in report.results if one.plan is not None and one.problem is None]
    return PlansView(
        project=report.project,
        plans=tuple(_plan_view(one, with_bodies) for one in report.results),
        diagnostics=report.diagnostics,
        destroy=destroy,
        digest=plans_digest(whole) if with_digest and len(whole) == len(report.results) else "",
    )


def _plan_view(one: TargetPlan, with_bodies: bool) -> PlanView:
    return PlanView(
        target=one.target,
        plan=one.plan,
        wave=one.wave,
        problems=to_findings(one.problem) if one.problem else (),
        digests=change_digests(one.plan) if with_bodies and one.plan else (),
        # What is live may hold a secret that nobody has read and so nobody knows to hide.
        bodies=(
            {step.id: body_shown(step) for step in one.plan.steps}
            if with_bodies and one.plan and one.plan.unread is None
            else {}
        ),
    )


def plans_code(report: PlanReport, *, pending_counts: bool) -> int:
    """What the plans are worth: problems always, pending changes where they count."""
    codes = [error_code(one.problem) for one in report.results if one.problem is not None]
    if pending_counts and any(one.plan is not None and not one.plan.is_empty for one in report.results):
        codes.append(PENDING)
    return gravest(codes)


def drifts_view(report: DriftReport) -> DriftsView:
    """Drift and problems of every target."""
    return DriftsView(
        project=report.project,
        drifts=tuple(
            DriftView(
                target=one.target,
                drifts=one.drifts,
                equal=one.equal,
                compared=one.compared,
                warnings=one.warnings,
                problems=to_findings(one.problem) if one.problem else (),
            )
            for one in report.results
        ),
        diagnostics=report.diagnostics,
    )


def drifts_code(report: DriftReport) -> int:
    """What the drift is worth: problems always, and that there is any."""
    codes = [error_code(one.problem) for one in report.results if one.problem is not None]
    return gravest([*codes, *([PENDING] if any(one.drifts for one in report.results) else [])])


def graph_view(reports: Sequence[GraphReport]) -> GraphView:
    """The graphs of every target; of several projects, with the project at each target."""
    return GraphView(
        project=", ".join(one.project for one in reports),
        graphs=tuple(
            (replace(target, project=one.project) if len(reports) > 1 else target, graph)
            for one in reports
            for target, graph in one.graphs
        ),
    )


def outcome_views(
    outcomes: Iterable[Outcome],
    plans: PlanReport | None = None,
    *,
    flags: tuple[str, ...],
    own_flags: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    undo_wanted: bool = False,
    leave_wanted: bool = False,
    inverse: bool = False,
) -> tuple[OutcomeView, ...]:
    """Outcomes with their exit codes, and steps named by kind and name where the plan is at hand.

    `own_flags` are those that lead to one of several projects alone, by its name.
    """
    titles = {
        step.id: f"{step.action} {step.address.short}" + ("" if step.group in ("", "body") else f" ({step.group})")
        for one in (plans.results if plans else ())
        if one.plan is not None
        for step in one.plan.steps
    }
    return tuple(
        OutcomeView(
            outcome=one,
            code=outcome_code(one, undo_wanted=undo_wanted, leave_wanted=leave_wanted),
            undo_wanted=undo_wanted,
            leave_wanted=leave_wanted,
            inverse=inverse or one.inverse,
            titles=titles,
            flags=own_flags.get(one.project, flags),
        )
        for one in outcomes
    )


def history_views(found: Iterable[TargetHistory]) -> tuple[HistoryView, ...]:
    """The runs of every target."""
    return tuple(
        HistoryView(
            target=one.target,
            runs=one.runs,
            total=one.total,
            problems=to_findings(one.problem) if one.problem else (),
        )
        for one in found
    )


def outputs_views(found: Iterable[TargetOutputs]) -> tuple[OutputsView, ...]:
    """What every target puts out."""
    return tuple(
        OutputsView(
            target=one.target,
            values=tuple(OutputView(name=value.name, value=value.value, why=value.why) for value in one.values),
            problems=to_findings(one.problem) if one.problem else (),
        )
        for one in found
    )


def keep_views(kept: Iterable[Kept]) -> tuple[KeepView, ...]:
    """What the file says so that what was moved back stays, said once where several targets share a file."""
    views = (KeepView(address=one.address, line=one.line, above=one.above, span=one.span) for one in kept)
    return tuple({(view.line, view.above, view.span): view for view in views}.values())


def outcomes_code(views: Iterable[OutcomeView]) -> int:
    """The gravest of the outcomes."""
    return gravest(view.code for view in views) or DONE


def status_views(found: Iterable[TargetStatus]) -> tuple[StatusView, ...]:
    """How every target stands."""
    return tuple(
        StatusView(
            target=one.target,
            rows=tuple(
                StandingView(address=row.address, modified=row.modified, about=row.about, reported=row.reported)
                for row in one.rows
            ),
            open_run=one.open_run,
            problems=to_findings(one.problem) if one.problem else (),
            flags=flags_of(one.where),
        )
        for one in found
    )


def open_views(found: Iterable[OpenTarget]) -> tuple[StatusView, ...]:
    """Targets with their open runs alone."""
    return tuple(StatusView(target=one.target, rows=(), open_run=one.run) for one in found)
