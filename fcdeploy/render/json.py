"""Plans, outcomes, findings and standings as JSON: versioned, sorted keys, the same bytes for the same input. Pure.

Every document has `formatVersion` and `type`. A reader must ignore keys that it does not know; `formatVersion` grows
when a key changes its meaning or goes. A hidden value is `{"sensitive": true}`, one that is known only after apply
`{"knownAfterApply": true}`, a code archive `{"archive": {"sha256": …, "size": …}}`. The steps of a plan are the calls
that apply sends, and there are no others: `body` is the request's, in which what travels as JSON text stands as JSON.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Mapping

from fcdeploy.diagnostics import Diagnostic, Span
from fcdeploy.model import (
    Action,
    ArchiveRef,
    Change,
    Drift,
    FieldChange,
    Gap,
    Guard,
    IfMatch,
    Json,
    JustCreated,
    LaterJson,
    LaterText,
    Mover,
    MustNotExist,
    NextAfter,
    Output,
    PastRun,
    Plan,
    Recheck,
    Sensitive,
    Step,
    Target,
    Told,
)
from fcdeploy.render.values import is_hidden_text
from fcdeploy.render.views import (
    DriftsView,
    DriftView,
    KeepView,
    OutcomeView,
    PlansView,
    PlanView,
    StandingView,
    StatusView,
)
from fcdeploy.render.waves import rollout_content

FORMAT_VERSION = 1

_ENCODER = json.JSONEncoder(sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False)

_CHANGING = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)


def document_text(kind: str, content: Mapping[str, Json]) -> str:
    """A document as text: ASCII (so that nothing in it can drive a terminal), two blanks, sorted keys, a newline."""
    whole = {"formatVersion": FORMAT_VERSION, "type": kind, **content}
    # Piece by piece: a list of all pieces, as `dumps` makes it, takes several times what the text does.
    text = io.StringIO()
    for piece in _ENCODER.iterencode(whole):
        text.write(piece)
    text.write("\n")
    return text.getvalue()


def plans_content(view: PlansView) -> dict[str, Json]:
    """The plans of all targets."""
    plans = [one.plan for one in view.plans if one.plan is not None]
    return {
        "project": view.project,
        "destroy": view.destroy,
        "targets": [_plan(one) for one in view.plans],
        **_rollouts(view),
        "summary": _summary(plans),
        "digest": view.digest or None,
        "diagnostics": findings_list(view.diagnostics),
    }


def _rollouts(view: PlansView) -> dict[str, Json]:
    """How the targets follow each other; of several projects by their names."""
    found = {one.target.project: rollout_content(one.wave.rollout) for one in view.plans if one.wave is not None}
    if not found:
        return {}
    return {"rollout": found[""]} if "" in found else {"rollouts": found}


def drifts_content(view: DriftsView) -> dict[str, Json]:
    """The drift of all targets."""
    every = [drift for one in view.drifts for drift in one.drifts]
    movers = [mover for drift in every for mover in drift.movers]
    return {
        "project": view.project,
        "targets": [_target_drift(one) for one in view.drifts],
        "summary": {
            **{gap.value: sum(1 for one in every if one.gap is gap) for gap in Gap},
            "equal": sum(one.equal for one in view.drifts),
            "moved": {mover.value: movers.count(mover) for mover in Mover},
        },
        "diagnostics": findings_list(view.diagnostics),
    }


def _target_drift(view: DriftView) -> dict[str, Json]:
    return {
        **target_content(view.target),
        "known": not view.problems,
        "compared": view.compared,
        "drift": [_drift(one) for one in view.drifts],
        "equal": view.equal,
        "diagnostics": findings_list((*view.warnings, *view.problems)),
    }


def _drift(drift: Drift) -> dict[str, Json]:
    return {
        "address": str(drift.address),
        "kind": drift.address.kind,
        "identity": list(drift.address.identity),
        "gap": drift.gap.value,
        "owner": drift.owner or None,
        "run": drift.run or None,
        "note": drift.note,
        **({} if drift.gap is Gap.DIFFERS else {"moved": drift.moved.value, "why": drift.why}),
        "fields": [
            {
                "path": one.change.path,
                "live": plain_value(one.change.before, hide=one.change.before_hidden),
                "desired": plain_value(one.change.after, hide=one.change.after_hidden),
                "given": one.given,
                "moved": one.moved.value,
                "why": one.why,
                "note": one.change.note,
                **_place(one.change.span if one.given else None),
            }
            for one in drift.fields
        ],
        **_place(drift.span),
    }


def outcomes_list(views: Iterable[OutcomeView]) -> list[Json]:
    """How the runs ended; times are in seconds, rounded to milliseconds."""
    return [
        {
            "run": view.outcome.run,
            **({"project": view.outcome.project} if view.outcome.project else {}),
            "target": view.outcome.target,
            "ending": view.outcome.ending.value,
            "exitCode": view.code,
            "because": view.outcome.because or None,
            "done": [_step_name(step, view) for step in view.outcome.done],
            "undone": [_step_name(step, view) for step in view.outcome.undone],
            "leftovers": [view.titles.get(one, one) for one in view.outcome.leftovers],
            "unknown": [_step_name(step, view) for step in view.outcome.unknown],
            "seconds": round(view.outcome.seconds, 3),
            "durations": {step: round(seconds, 3) for step, seconds in view.outcome.durations.items()},
            "diagnostics": findings_list(view.outcome.diagnostics),
        }
        for view in views
    ]


def keeps_list(views: Iterable[KeepView]) -> list[Json]:
    """What a file says so that what was moved back stays; the place is that of what stands there now."""
    return [
        {"address": str(view.address), "yaml": view.line, "section": view.above, **_place(view.span)} for view in views
    ]


def findings_list(found: Iterable[Diagnostic]) -> list[Json]:
    """Findings in the order given."""
    return [one.to_json() for one in found]


def statuses_list(views: Iterable[StatusView]) -> list[Json]:
    """How the targets stand; the shape is that of schemas/status.schema.json."""
    return [
        {
            **target_content(view.target),
            "resources": [_standing(row) for row in view.rows],
            "openRun": _open_run(view.open_run) if view.open_run else None,
            "diagnostics": findings_list(view.problems),
        }
        for view in views
    ]


def _standing(row: StandingView) -> dict[str, Json]:
    return {
        "address": str(row.address),
        "kind": row.address.kind,
        "identity": list(row.address.identity),
        "name": row.address.name,
        "modified": row.modified or None,
        "about": row.about,
        "reported": plain_value(row.reported, hide=False) or {},
    }


def _open_run(run: PastRun) -> dict[str, Json]:
    return {
        "run": run.run,
        "command": run.command,
        "started": round(run.started, 3),
        "holder": run.holder or None,
        "done": run.done,
        "undone": run.undone,
        "undoing": run.undoing,
        "unsettled": run.unsettled,
        "total": run.total,
    }


def _step_name(step: str, view: OutcomeView) -> dict[str, Json]:
    return {"step": step, "title": view.titles.get(step, step)}


def target_content(target: Target) -> dict[str, Json]:
    """What every document says of a target."""
    return {
        **({"project": target.project} if target.project else {}),
        "name": target.name,
        "provider": target.provider,
        "region": target.region,
        "account": target.account,
    }


def _plan(view: PlanView) -> dict[str, Json]:
    plan = view.plan
    warnings = plan.warnings if plan else ()
    return {
        **target_content(view.target),
        **({"wave": view.wave.number} if view.wave is not None else {}),
        "planned": plan is not None,
        "refused": plan is not None and bool(view.problems),
        "changes": [_change(one) for one in plan.changes if one.action in _CHANGING] if plan else [],
        "steps": [_step(one, view.bodies.get(one.id)) for one in plan.steps] if plan else [],
        "summary": _summary([plan]) if plan else None,
        "digests": list(view.digests),
        **({"unread": _unread(plan)} if plan is not None and plan.unread is not None else {}),
        "diagnostics": findings_list((*view.problems, *warnings)),
    }


def _unread(plan: Plan) -> list[Json]:
    return [{"address": str(one.address), "path": one.path} for one in plan.unread or ()]


def _summary(plans: Iterable[Plan]) -> dict[str, Json]:
    every = list(plans)
    counts: dict[str, Json] = {action.value: sum(plan.count(action) for plan in every) for action in _CHANGING}
    return counts | {
        "unchanged": sum(plan.unchanged for plan in every),
        "leftOut": sum(plan.left_out for plan in every),
    }


def _change(change: Change) -> dict[str, Json]:
    return {
        "address": str(change.address),
        "kind": change.address.kind,
        "identity": list(change.address.identity),
        "action": change.action.value,
        "reason": change.reason,
        "fields": [_field(one, change) for one in change.fields],
        **({"told": _told(change.told)} if change.told is not None else {}),
        **_place(change.span),
    }


def _told(told: Told) -> dict[str, Json]:
    return {"what": told.what, "before": told.before or None, "after": told.after or None}


def _field(one: FieldChange, change: Change) -> dict[str, Json]:
    return {
        "path": one.path,
        "before": plain_value(one.before, hide=one.before_hidden),
        "after": plain_value(one.after, hide=one.after_hidden),
        "forcesReplacement": one.forces_replacement,
        "note": one.note,
        **_place(change.place_of(one)),
    }


def _step(step: Step, body: Json) -> dict[str, Json]:
    return {
        "id": step.id,
        "address": str(step.address),
        "action": step.action.value,
        "group": step.group,
        "operation": step.call.operation,
        "method": step.call.method,
        "path": step.call.path,
        "query": {key: value for key, value in step.call.query},
        "body": plain_value(body, hide=False),
        "guard": _guard(step.guard),
        "needs": sorted(step.needs),
        "last": step.last,
    }


def _key(key: str | Output) -> str:
    match key:
        case Sensitive():
            return "(sensitive)"
        case Output():
            return "(known after apply)"
        case _:
            return key


def _guard(guard: Guard) -> str:
    match guard:
        case IfMatch():
            return "ifMatch"
        case MustNotExist():
            return "mustNotExist"
        case Recheck():
            return "recheck"
        case NextAfter():
            return "nextAfter"
        case JustCreated():
            return "justCreated"


def _place(span: Span | None) -> dict[str, Json]:
    return {} if span is None else {"file": span.file, "line": span.line, "column": span.column}


def plain_value(value: Json, *, hide: bool = False) -> Json:
    """A value as plain JSON without secrets; where `hide` is set every leaf is one."""
    match value:
        case None:
            return None
        case Mapping() if value:
            return {_key(key): plain_value(item, hide=hide) for key, item in value.items()}
        case list() | tuple() if value:
            return [plain_value(item, hide=hide) for item in value]
        case _ if hide or is_hidden_text(value):
            return {"sensitive": True}
        case Output() | LaterText() | LaterJson():
            return {"knownAfterApply": True}
        case ArchiveRef():
            return {"archive": {"sha256": value.sha256, "size": value.size}}
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value
