"""How targets stand, as text: a table a target, and the run that has not ended. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from fcdeploy.model import PastRun
from fcdeploy.render.ink import PLAIN, Ink, Role
from fcdeploy.render.text import heading
from fcdeploy.render.views import StandingView, StatusView
from fcdeploy.render.words import WIDTH, clean, columns, command_line, counted, folded, table, ways_on

_INDENT = "  "
_GAP = "  "
_BELOW = " " * 6
_LEAST_ROOM = 20
"""Columns that a line about a resource needs to stand beside its name."""


def statuses_text(views: tuple[StatusView, ...], *, ink: Ink = PLAIN) -> str:
    """Every target's standing, a blank line between two."""
    return "\n".join(status_text(view, ink=ink) for view in views)


def status_text(view: StatusView, *, ink: Ink = PLAIN) -> str:
    """One target: its heading, an open run if there is one, and its resources."""
    lines = [ink(heading(view.target), Role.HEADING)]
    if view.open_run:
        first, *rest = _open_run(view.open_run, view.target.name, view.flags)
        lines += [f"  {ink(first, Role.WARNING)}", *(f"  {line}" for line in rest)]
    if view.rows:
        if view.problems:
            lines.append(f"  {ink('Whether a run is open is not known: see the errors.', Role.WARNING)}")
        header, *rows = _table(view.rows)
        lines += ["", ink(header, Role.FAINT), *rows]
    elif not view.problems:
        lines.append("  Nothing of this project is there.")
    else:
        lines.append("  Could not be read: see the errors.")
    return "\n".join(lines) + "\n"


def open_runs_text(views: tuple[StatusView, ...], *, ink: Ink = PLAIN) -> str:
    """The runs that have not ended, to be asked about: without their ways out, of which one was chosen already."""
    lines: list[str] = []
    for view in views:
        lines.append(ink(heading(view.target), Role.HEADING))
        if view.open_run:
            first, begun, *_ = _open_run(view.open_run, view.target.name, view.flags)
            lines += [f"  {ink(first, Role.WARNING)}", f"  {begun}"]
    return "\n".join(lines) + "\n"


def _table(rows: tuple[StandingView, ...]) -> list[str]:
    """Header and rows. What matters of a resource is a column where that has room for it, and stands below it else."""
    cells = [(row.address.kind, clean(row.address.name), clean(row.modified)) for row in rows]
    header, *lines = table(("KIND", "NAME", "MODIFIED"), cells, indent=_INDENT)
    wide = max(columns(line) for line in (header, *lines)) + len(_GAP)
    told = [clean(row.about) for row in rows]
    longest = max((columns(word) for text in told for word in text.split(" ")), default=0)
    if max(longest, _LEAST_ROOM) > WIDTH - wide:
        below = [folded(text, first=_BELOW, rest=_BELOW) if text else [] for text in told]
        return [header, *(part for line, more in zip(lines, below, strict=True) for part in (line, *more))]
    made = [header + " " * (wide - columns(header)) + "ABOUT"]
    for line, text in zip(lines, told, strict=True):
        first, *rest = folded(text, first=line + " " * (wide - columns(line)), rest=" " * wide)
        made += [first.rstrip(), *rest]
    return made


def _open_run(run: PastRun, target: str, flags: tuple[str, ...]) -> list[str]:
    undone = f", {run.undone} undone" if run.undone else ""
    unsettled = f", {counted(run.unsettled, 'effect')} unknown" if run.unsettled else ""
    begun = datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    by = f" by {clean(run.holder)}" if run.holder else ""
    ways = ways_on(run.undoing, run.command == "rollback")
    return [
        f"Open run {clean(run.run)} ({clean(run.command)}): "
        f"{run.done} of {counted(run.total, 'step')} done{undone}{unsettled}",
        f"  begun {begun}{by}",
        *(f"  {what.lower():<13}  {command_line(command, flags, target=target)}" for what, command in ways),
    ]
