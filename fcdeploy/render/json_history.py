"""The past as JSON; the shape is that of schemas/history.schema.json. Times are seconds since the epoch. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from fcdeploy.model import Json, PastCall, PastRun
from fcdeploy.render.json import findings_list, target_content
from fcdeploy.render.views import HistoryView, PastRunView

_DIGITS = 3


def histories_list(views: Iterable[HistoryView]) -> list[Json]:
    """The runs of every target, newest first."""
    return [
        {
            **target_content(view.target),
            "runs": [_run(one) for one in view.runs],
            "total": view.total,
            "diagnostics": findings_list(view.problems),
        }
        for view in views
    ]


def past_run_content(view: PastRunView) -> dict[str, Json]:
    """One run with its calls."""
    started = view.history.run.started
    return {
        "target": target_content(view.target),
        "run": {
            **_run(view.history.run),
            "calls": [_call(one, started) for one in view.history.calls],
            "back": [_call(one, started) for one in view.history.back],
        },
    }


def _run(run: PastRun) -> dict[str, Json]:
    return {
        "run": run.run,
        "command": run.command,
        "started": round(run.started, _DIGITS),
        "ended": _rounded(run.ended),
        "seconds": _rounded(run.ended - run.started if run.ended is not None else None),
        "ending": run.ending.value if run.ending else None,
        "holder": run.holder or None,
        "toolVersion": run.tool_version,
        "total": run.total,
        "done": run.done,
        "undone": run.undone,
        "failed": run.failed,
        "unsettled": run.unsettled,
        "undoing": run.undoing,
        "kept": run.kept,
    }


def _call(call: PastCall, started: float) -> dict[str, Json]:
    where = call.address
    return {
        "step": call.step,
        "address": str(where) if where else None,
        "kind": where.kind if where else None,
        "identity": list(where.identity) if where else None,
        "action": call.action.value if call.action else None,
        "group": call.group or None,
        "operation": call.operation or None,
        "last": call.last,
        "result": call.result.value,
        "happened": call.happened,
        "goneWith": str(call.gone_with) if call.gone_with else None,
        "tries": call.tries,
        "after": _rounded(call.began - started if call.began is not None else None),
        "seconds": _rounded(call.seconds),
        "requestId": call.request_id or None,
        "note": call.note,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, _DIGITS)
