"""How a run ended, as text: what was done and undone, what is left, where the time went, what to do now. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.model import Ending, Outcome
from fcdeploy.render.findings import Sources, findings_text
from fcdeploy.render.ink import PLAIN, Ink, Role
from fcdeploy.render.summary import Row, outcomes_table
from fcdeploy.render.text import place_text
from fcdeploy.render.views import KeepView, OutcomeView, PlansView, PlanView
from fcdeploy.render.words import WIDTH, clean, columns, command_line, counted, folded, seconds_text, ways_on

_SLOWEST = 3
_SLOW_SECONDS = 1.0
_MOST_STANDING = 10

EXIT_MEANING = {
    0: "done, or nothing to do",
    1: "failed, nothing was changed",
    2: "changes are pending",
    3: "failed and rolled back completely",
    4: "something needs a person",
    5: "the plan file is stale, used or expired",
    64: "the command line cannot be obeyed",
}
"""What each exit code says (S39)."""

_SAID = {
    Ending.DONE: ("done", Role.GOOD),
    Ending.FAILED: ("failed", Role.ERROR),
    Ending.ROLLED_BACK: ("failed and rolled back", Role.WARNING),
    Ending.LEFTOVERS: ("rolled back in part", Role.WARNING),
    Ending.STOPPED: ("stopped", Role.WARNING),
    Ending.NEEDS_ATTENTION: ("needs a person", Role.ERROR),
    Ending.STANDS: ("done, but", Role.ERROR),
    Ending.NOT_BEGUN: ("not begun:", Role.WARNING),
}
_BY_ROLLOUT = {
    **{ending: _SAID[ending] for ending in (Ending.STANDS, Ending.NOT_BEGUN)},
    Ending.ROLLED_BACK: ("rolled back:", Role.WARNING),
    Ending.LEFTOVERS: ("rolled back in part:", Role.WARNING),
}
"""Endings that the failure of another target, or of a probe, has decided."""


def outcomes_text(
    views: tuple[OutcomeView, ...],
    *,
    plans: PlansView | None = None,
    ink: Ink = PLAIN,
    sources: Sources | None = None,
) -> str:
    """How every target's run ended, a blank line between two.

    With the `plans` of several targets those are told of that did not go well, and a table has all of them.
    """
    if plans is None or len(plans.plans) <= 1:
        return "\n".join(outcome_text(view, ink=ink, sources=sources) for view in views)
    # Of a run that was not begun the table says all.
    told = [view for view in views if view.outcome.diagnostics or (view.code and view.outcome.run)]
    ran = {view.outcome.title: _row(view) for view in views}
    rows = [ran.get(one.target.title) or _row_without_run(one) for one in plans.plans]
    blocks = [outcome_text(view, ink=ink, sources=sources) for view in told]
    return "\n".join([*blocks, "\n".join(outcomes_table(rows, ink)) + "\n"])


def _row(view: OutcomeView) -> Row:
    outcome = view.outcome
    said, role = _said(view)
    return Row(
        name=outcome.title,
        cells=(str(len(outcome.done)), seconds_text(outcome.seconds), said, clean(outcome.run)),
        is_quiet=view.code == 0 and not outcome.done and not outcome.diagnostics,
        role=role if view.code else None,
    )


def _row_without_run(one: PlanView) -> Row:
    """A target whose plan was not carried out."""
    blocked = one.plan is None or bool(one.problems)
    said = "no plan" if one.plan is None else "refused" if one.problems else "not begun"
    return Row(name=one.target.title, cells=("0", "", said, ""), role=Role.ERROR if blocked else None)


def outcome_text(view: OutcomeView, *, ink: Ink = PLAIN, sources: Sources | None = None) -> str:
    """One run's closing words; findings that it met come first, the way on comes last."""
    outcome = view.outcome
    said, role = _said(view)
    blocks: list[str] = []
    if outcome.diagnostics:
        blocks.append(findings_text(outcome.diagnostics, sources=sources, ink=ink).rstrip("\n"))
    lines = _first_lines(view, said, ink, role)
    if outcome.leftovers and not view.leave_wanted:
        lines.append(f"  {ink('Left behind:', Role.WARNING)}")
        # Where nothing was taken back they are the run's own steps, which were told one by one as they were done.
        shown = outcome.leftovers if outcome.undone else outcome.leftovers[:_MOST_STANDING]
        for one in shown:
            lines += folded(clean(view.titles.get(one, one)), first="    ! ", rest="      ")
        if more := len(outcome.leftovers) - len(shown):
            lines.append(f"    and {more} more")
    lines += _slowest(outcome.durations, view.titles)
    if view.code and outcome.ending is not Ending.NOT_BEGUN:
        lines.append(f"  Exit code {view.code}: {EXIT_MEANING[view.code]}.")
    lines += [f"  {line}" for line in _next(view)]
    blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def ending_words(view: OutcomeView) -> str:
    """How the run ended: `done`, `failed and rolled back`."""
    return _said(view)[0]


def _said(view: OutcomeView) -> tuple[str, Role]:
    if view.leave_wanted:
        return "abandoned", Role.WARNING
    if view.undo_wanted and view.outcome.ending is Ending.ROLLED_BACK:
        return "rolled back", Role.GOOD
    if view.outcome.because and view.outcome.ending in _BY_ROLLOUT:
        said, role = _BY_ROLLOUT[view.outcome.ending]
        return f"{said} {clean(view.outcome.because)}", role
    return _SAID[view.outcome.ending]


def keeps_text(views: tuple[KeepView, ...]) -> str:
    """What to write into the file, so that what was moved back stays there; the lines are there to be copied."""
    if not views:
        return ""
    lines = ["", "It is pinned: apply does not move it forward again without --forward.", "To keep it there, write:"]
    for view in views:
        place = f" ({place_text(view.span)})" if view.span is not None else ""
        lines += [f"  {clean(view.line)}", *folded(f"in {clean(view.above)}{place}", first="    ", rest="    ")]
    return "\n".join(lines) + "\n"


def _first_lines(view: OutcomeView, said: str, ink: Ink, role: Role) -> list[str]:
    """The closing line with the run's id, which `rollback RUN` asks for; on a line of its own where room is short."""
    outcome = view.outcome
    if outcome.ending is Ending.NOT_BEGUN:
        return [f"target {clean(outcome.title)}: {ink(said, role)}"]
    counts = _left(outcome) if view.leave_wanted else _counts(outcome)
    told = f"target {clean(outcome.title)}: ", f"{counts} in {seconds_text(outcome.seconds)}"
    line = f"{told[0]}{ink(said, role)}{told[1]}"
    if not outcome.run:
        return [line]
    run = f"run {clean(outcome.run)}"
    # Escape codes take no columns.
    fits = columns(f"{told[0]}{said}{told[1]} · {run}") <= WIDTH
    return [f"{line} · {run}"] if fits else [line, f"  {run}"]


def _left(outcome: Outcome) -> str:
    """What an abandoned run leaves open; what stands of it is live and not the run's any more."""
    return f" ({counted(len(outcome.unknown), 'effect')} not known)" if outcome.unknown else ""


def _counts(outcome: Outcome) -> str:
    match outcome.ending:
        case Ending.ROLLED_BACK:
            # Not by number: one undo may cover several steps, and the difference would look like a leftover.
            return " (everything was taken back)"
        case Ending.LEFTOVERS:
            return f" ({len(outcome.leftovers)} left behind)"
        case Ending.DONE | Ending.STANDS:
            return f" ({counted(len(outcome.done), 'step')})" if outcome.done else " (nothing was sent)"
    parts = [counted(len(outcome.done), "step") + " done"] if outcome.done else []
    if outcome.undone:
        parts.append(f"{len(set(outcome.done) - set(outcome.leftovers))} taken back")
    if outcome.leftovers:
        parts.append(f"{len(outcome.leftovers)} left behind")
    if outcome.unknown:
        parts.append(f"{counted(len(outcome.unknown), 'effect')} not known")
    if not parts:
        return " (nothing was changed)" if outcome.ending is not Ending.NEEDS_ATTENTION else ""
    return f" ({', '.join(parts)})"


def _slowest(durations: Mapping[str, float], titles: Mapping[str, str]) -> list[str]:
    """The few steps that took long; where none did there is nothing to say."""
    slow = sorted(((seconds, step) for step, seconds in durations.items() if seconds >= _SLOW_SECONDS), reverse=True)
    if not slow:
        return []
    return [
        "  Slowest:",
        *(f"    {seconds_text(seconds):>10}  {clean(titles.get(step, step))}" for seconds, step in slow[:_SLOWEST]),
    ]


def _next(view: OutcomeView) -> list[str]:
    """What to do now. Command lines are not folded: they are there to be copied."""
    outcome, code = view.outcome, view.code

    def way(what: str, command: str, target: str = outcome.target) -> str:
        return f"{what:<13}  {command_line(command, view.flags, target=target)}"

    # The id of a run says in which target it was.
    more = way("To see more:", f"history {outcome.run}", "") if outcome.run else way("To see more:", "status")
    match outcome.ending:
        case _ if view.leave_wanted:
            return ["What it did stays; the next plan is made from what is live.", *([more] if outcome.unknown else [])]
        case _ if code == 0:
            return []
        case Ending.NOT_BEGUN:
            return []
        case Ending.STANDS if outcome.run:
            return ["What it did stays.", way("To take back:", f"rollback {outcome.run}", ""), more]
        case Ending.STANDS:
            return ["Nothing was sent to it. Mend what the error says and apply again."]
        case Ending.FAILED if code == 1:
            return ["Nothing was changed. Mend what the error says and apply again."]
        case Ending.ROLLED_BACK:
            return ["Everything is as it was before. Mend what the error says and apply again.", more]
        case Ending.LEFTOVERS:
            return ["What is left behind nothing can take back; the run is over.", way("To go on:", "plan"), more]
        case Ending.STOPPED if code != 4:
            return ["Nothing was changed. Apply again when you are ready."]
        case _:
            undoing = outcome.undoing or view.undo_wanted
            return [*(way(what, command) for what, command in ways_on(undoing, view.inverse)), more]
