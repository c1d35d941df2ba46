"""The past as text: the runs of each target, newest first, and one run call by call. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from fcdeploy.model import CallResult, Ending, PastCall, PastRun
from fcdeploy.render.ink import PLAIN, Ink, Role
from fcdeploy.render.text import heading
from fcdeploy.render.views import HistoryView, PastRunView
from fcdeploy.render.words import (
    clean,
    clean_lines,
    columns,
    command_line,
    counted,
    folded,
    seconds_text,
    table,
    ways_on,
)

_INDENT = "  "
_BELOW = " " * 6
_NONE = "-"

_ENDINGS = {
    None: ("open", Role.WARNING),
    Ending.DONE: ("done", Role.GOOD),
    Ending.FAILED: ("failed", Role.ERROR),
    Ending.ROLLED_BACK: ("rolled back", Role.WARNING),
    Ending.LEFTOVERS: ("leftovers", Role.WARNING),
    # Nothing else closes a run that was stopped.
    Ending.STOPPED: ("abandoned", Role.WARNING),
    Ending.NEEDS_ATTENTION: ("attention", Role.ERROR),
    # What a rollout makes of a target closes no run.
    Ending.STANDS: ("stands", Role.ERROR),
    Ending.NOT_BEGUN: ("not begun", Role.WARNING),
}

_RESULTS = {
    CallResult.DONE: ("done", Role.GOOD),
    CallResult.FAILED: ("failed", Role.ERROR),
    CallResult.UNKNOWN: ("unknown", Role.WARNING),
    CallResult.SKIPPED: ("skipped", Role.FAINT),
    CallResult.UNDONE: ("undone", Role.FAINT),
    CallResult.NOT_STARTED: ("not started", Role.FAINT),
}


def histories_text(views: Sequence[HistoryView], *, ink: Ink = PLAIN) -> str:
    """Every target's runs, a blank line between two."""
    return "\n".join(_history_text(view, ink) for view in views)


def _history_text(view: HistoryView, ink: Ink) -> str:
    lines = [ink(heading(view.target), Role.HEADING)]
    if view.problems:
        lines.append("  Could not be read: see the errors.")
    elif not view.runs:
        lines.append("  Nothing was run yet from here.")
    else:
        cells = [_run_cells(run) for run in view.runs]
        header, *rows = table(("RUN", "STARTED (UTC)", "TOOK", "COMMAND", "ENDED"), cells, indent=_INDENT)
        lines += ["", ink(header, Role.FAINT)]
        for run, row in zip(view.runs, rows, strict=True):
            word, role = _ENDINGS[run.ending]
            by = f", by {clean(run.holder)}" if run.holder else ""
            lines += [row.removesuffix(word) + ink(word, role), *folded(_counts(run) + by, first=_BELOW, rest=_BELOW)]
        if len(view.runs) < view.total:
            lines += ["", f"  {len(view.runs)} of {counted(view.total, 'run')}; --limit N shows more."]
    return "\n".join(lines) + "\n"


def _run_cells(run: PastRun) -> tuple[str, ...]:
    # To the minute: the id has the second, and with it a row would be wider than a terminal.
    started = datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M")
    return clean(run.run), started, _took(run), clean(run.command), _ENDINGS[run.ending][0]


def _took(run: PastRun) -> str:
    return _NONE if run.ended is None else seconds_text(run.ended - run.started)


def _counts(run: PastRun) -> str:
    """`4 of 12 steps done, 1 failed`; of a run that was rolled back, how far it had come."""
    if run.ending is Ending.ROLLED_BACK:
        reached = run.done + run.undone
        parts = [f"{reached} of {counted(run.total, 'step')} done", "all taken back"]
    else:
        parts = [f"{run.done} of {counted(run.total, 'step')} done"]
        parts += [f"{run.undone} undone"] if run.undone else []
    parts += [f"{run.failed} failed"] if run.failed else []
    parts += [f"{counted(run.unsettled, 'effect')} unknown"] if run.unsettled else []
    return ", ".join(parts)


def past_run_text(view: PastRunView, *, ink: Ink = PLAIN) -> str:
    """One run: how it went, its calls, those of its way back, and what can be done about it now."""
    run = view.history.run
    word, role = _ENDINGS[run.ending]
    begun = datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    took = f", took {_took(run)}" if run.ended is not None else ""
    by = f" by {clean(run.holder)}" if run.holder else ""
    blocks = [
        [
            ink(heading(view.target), Role.HEADING),
            f"{_INDENT}Run {clean(run.run)} ({clean(run.command)}): {ink(word, role)}",
            *folded(f"begun {begun}{by}{took}", first=_INDENT * 2, rest=_INDENT * 3),
            *folded(_counts(run), first=_INDENT * 2, rest=_INDENT * 3),
        ]
    ]
    if view.history.calls:
        blocks.append(_calls(view.history.calls, run, "STEP", ink))
    if view.history.back:
        blocks.append([f"{_INDENT}{ink('The way back', Role.HEADING)}", *_calls(view.history.back, run, "STEP", ink)])
    if ways := _ways(view):
        blocks.append([f"{_INDENT}{line}" for line in ways])
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _calls(calls: Sequence[PastCall], run: PastRun, title: str, ink: Ink) -> list[str]:
    """A table, each call with what else is known of it below its row."""
    cells = [
        (
            _NONE if one.began is None else seconds_text(one.began - run.started),
            _NONE if one.seconds is None else seconds_text(one.seconds),
            _RESULTS[one.result][0],
        )
        for one in calls
    ]
    header, *rows = table(("AFTER", "TOOK", "RESULT"), cells, indent=_INDENT)
    wide = max(columns(line) for line in (header, *rows)) + 2
    lines = [ink(header + " " * (wide - columns(header)) + title, Role.FAINT)]
    for one, row in zip(calls, rows, strict=True):
        word, role = _RESULTS[one.result]
        first, *rest = folded(_title(one), first=" " * wide, rest=" " * wide)
        painted = row.removesuffix(word) + ink(word, role)
        lines += [painted + " " * (wide - columns(row)) + first[wide:], *rest]
        lines += folded(told, first=_BELOW, rest=_BELOW) if (told := _told(one)) else []
        for line in _notes(one):
            lines += folded(line, first=_BELOW, rest=_BELOW)
    return lines


def _title(call: PastCall) -> str:
    if call.address is None:
        return clean(call.step)
    group = f" ({clean(call.group)})" if call.group not in ("", "body") else ""
    return f"{call.action} {clean(call.address.short)}{group}"


def _told(call: PastCall) -> str:
    """`CreateFunction, 3 tries, request 5F3A…`."""
    parts = [clean(call.operation)] if call.operation else []
    parts += [counted(call.tries, "try", "tries")] if call.tries > 1 else []
    parts += [f"request {clean(call.request_id)}"] if call.request_id else []
    return ", ".join(parts)


def _notes(call: PastCall) -> list[str]:
    """What its result alone does not say, and what was noted."""
    if call.gone_with is not None:
        return [f"went with {clean(call.gone_with.short)}"]
    lines = clean_lines(call.note) if call.note else []
    if call.result is CallResult.UNKNOWN and call.ended is None:
        lines.append("no answer was noted")
    if call.result is CallResult.FAILED and call.happened:
        lines.append("its effect is there all the same")
    return lines


def _ways(view: PastRunView) -> list[str]:
    """What can be done about the run now. Command lines are not folded: they are there to be copied."""
    run = view.history.run
    if run.ending is None:
        ways = ways_on(run.undoing, run.command == "rollback")
        return [f"{what:<13}  {command_line(line, view.flags, target=run.target)}" for what, line in ways]
    if run.ending not in (Ending.DONE, Ending.STOPPED) or not run.reversible or run.unsettled:
        return []
    if not run.kept:
        return ["It can no longer be taken back: what that needs was dropped (--keep-undo)."]
    return [f"To take back:  {command_line(f'rollback {run.run}', view.flags)}"]
