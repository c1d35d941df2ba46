"""How targets stand, as text: a table a target, and the run that has not ended. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from fcdeploy.render.ink import PLAIN, Ink, Role
from fcdeploy.render.text import heading
from fcdeploy.render.views import OpenRunView, StatusView
from fcdeploy.render.words import clean, command_line, counted, table, ways_on


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
        header, *rows = table(
            [column.upper() for column in view.columns],
            [[clean(cell) for cell in row] for row in view.rows],
            indent="  ",
        )
        lines += ["", ink(header, Role.FAINT), *rows]
    elif not view.problems:
        lines.append("  Nothing of this project is there.")
    if view.problems:
        lines.append("  Could not be read: see the errors.")
    return "\n".join(lines) + "\n"


def _open_run(run: OpenRunView, target: str, flags: tuple[str, ...]) -> list[str]:
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
