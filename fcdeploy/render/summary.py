"""What many targets come to, a row for each: the numbers of their plans, and how their runs ended. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.model import Action
from fcdeploy.render.ink import PLAIN, Ink, Role
from fcdeploy.render.views import PlansView, PlanView
from fcdeploy.render.words import WIDTH, chopped, clean, columns

_ACTIONS = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
_SINGLE = 3
"""Targets without anything to tell that still get a row each."""


class Row(Struct, frozen=True, kw_only=True):
    """A target's cells; `is_quiet`: there is nothing to tell of it, and its numbers may be added up with others'."""

    name: str
    cells: tuple[str, ...]
    is_quiet: bool = False
    role: Role | None = None


def plans_table(view: PlansView, ink: Ink = PLAIN) -> list[str]:
    """How much each plan creates, updates, replaces, deletes and leaves; plans that cannot be applied say so."""
    blocked = any(one.problems for one in view.plans)
    left_out = any(one.plan is not None and one.plan.left_out for one in view.plans)
    in_waves = bool(view.rollouts)
    head = [*(["Wave"] if in_waves else []), *(action.value.capitalize() for action in _ACTIONS), "Unchanged"]
    head += (["Left out"] if left_out else []) + ([""] if blocked else [])
    rows = [_plan_row(one, in_waves=in_waves, left_out=left_out, blocked=blocked) for one in view.plans]

    def together(quiet: Sequence[Row]) -> Row:
        sums = [str(sum(int(row.cells[at]) for row in quiet)) for at in range(in_waves, len(head) - blocked)]
        cells = (*([""] if in_waves else []), *sums, *([""] if blocked else []))
        return Row(name=f"{len(quiet)} targets without changes", cells=cells)

    return table(head, folded_rows(rows, together), texts=int(blocked), ink=ink)


def _plan_row(one: PlanView, *, in_waves: bool, left_out: bool, blocked: bool) -> Row:
    plan = one.plan
    wave = [str(one.wave.number) if one.wave is not None else ""] if in_waves else []
    if plan is None:
        numbers = ["?"] * (len(_ACTIONS) + 1 + left_out)
    else:
        numbers = [*(str(plan.count(action)) for action in _ACTIONS), str(plan.unchanged)]
        numbers += [str(plan.left_out)] if left_out else []
    state = "no plan" if plan is None else "refused" if one.problems else ""
    return Row(
        name=one.target.title,
        cells=(*wave, *numbers, *([state] if blocked else [])),
        is_quiet=plan is not None and not one.problems and plan.is_empty and not any(map(plan.count, _ACTIONS)),
        role=Role.ERROR if state else None,
    )


def outcomes_table(rows: Sequence[Row], ink: Ink = PLAIN) -> list[str]:
    """How runs ended; cells are steps, time, ending and the run's id, which is left out where room is short."""
    head = ["Steps", "Time", "Outcome", "Run"]

    def together(quiet: Sequence[Row]) -> Row:
        return Row(name=f"{len(quiet)} targets with nothing to do", cells=("0", "", quiet[0].cells[2], ""))

    rows = folded_rows(rows, together)
    made = table(head, rows, texts=2, ink=ink)
    if len(made) == len(rows) + 1:
        return made
    return table(head[:-1], [replace(row, cells=row.cells[:-1]) for row in rows], texts=1, ink=ink)


def folded_rows(rows: Sequence[Row], together: Callable[[Sequence[Row]], Row]) -> list[Row]:
    """The rows, with those that have nothing to tell as one at the end where they are more than a few."""
    quiet = [row for row in rows if row.is_quiet]
    if len(quiet) <= _SINGLE:
        return [*rows]
    return [*(row for row in rows if not row.is_quiet), together(quiet)]


def table(
    head: Sequence[str], rows: Sequence[Row], *, texts: int = 0, ink: Ink = PLAIN, width: int = WIDTH
) -> list[str]:
    """Rows in columns two blanks apart, numbers to the right; the last `texts` columns are text.

    A name that leaves no room for its cells stands on a line of its own above them.
    """
    wide = [max(columns(head[at]), *(columns(row.cells[at]) for row in rows)) for at in range(len(head))]
    room = width - sum(one + 2 for one in wide)
    names = [clean(row.name) for row in rows]
    first = max([len("Target"), *(columns(name) for name in names if columns(name) <= room)])

    def line(name: str, cells: Sequence[str]) -> str:
        parts = [name + " " * (first - columns(name))]
        for at, cell in enumerate(cells):
            blank = " " * (wide[at] - columns(cell))
            parts.append(cell + blank if at >= len(cells) - texts else blank + cell)
        return "  ".join(parts).rstrip()

    lines = [ink(line("Target", head), Role.HEADING)]
    for name, row in zip(names, rows, strict=True):
        long = columns(name) > first
        made = chopped(name, first="", rest="  ", width=width) if long else []
        made.append(line("" if long else name, row.cells))
        lines += [ink(one, row.role) if row.role is not None else one for one in made]
    return lines
