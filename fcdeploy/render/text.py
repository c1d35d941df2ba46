"""Plans as text: a heading a target, the changes with their reasons, what cannot be undone, and the count. Pure.

Of several targets, what they have in common is said once, and a table at the end has a row for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec import Struct

from fcdeploy.diagnostics import Span
from fcdeploy.model import Action, Change, FieldChange, Plan, Step, Target, Told
from fcdeploy.render.findings import Sources, finding_text
from fcdeploy.render.folding import by_targets, names_text, shared
from fcdeploy.render.ink import PLAIN, Ink, Role
from fcdeploy.render.summary import plans_table
from fcdeploy.render.values import field_lines
from fcdeploy.render.views import PlansView, PlanView
from fcdeploy.render.waves import rollout_text, wave_text
from fcdeploy.render.words import WIDTH, chopped, clean, columns, counted, folded

_CHANGING = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
_FIELD_INDENT = " " * 6
_ASKS_NOTHING = "No changes. The file asks for nothing."


class Piece(Struct, frozen=True):
    """A paragraph about a plan; short ones that follow each other stand together."""

    text: str
    is_short: bool = False


def plans_text(view: PlansView, *, ink: Ink = PLAIN, sources: Sources | None = None) -> str:
    """All targets' plans, when there are several the sum of them, and where anything changes, the digest."""
    plans = [one.plan for one in view.plans if one.plan is not None]
    blocks: list[str] = []
    for (project, wave), some in groupby(view.plans, lambda one: (one.target.project, one.wave)):
        if wave is not None:
            blocks.append(f"{ink(wave_text(wave, project), Role.HEADING)}\n")
        several = len(view.plans) > 1
        blocks += (_sections if several else _each_text)(view, tuple(some), ink, sources or {})
    if len(view.plans) > 1:
        blocks += ["\n".join(plans_table(view, ink)) + "\n", _sum_text(view, plans)]
    for rollout in view.rollouts:
        blocks.append("\n".join(folded(rollout_text(rollout, destroy=view.destroy))) + "\n")
    if view.digest and any(map(_has_changes, plans)):
        blocks.append(f"Plan digest: {view.digest}\n")
    return "\n".join(blocks)


def _each_text(view: PlansView, some: Sequence[PlanView], ink: Ink, sources: Sources) -> list[str]:
    """Each plan by itself, with its numbers."""
    blocks: list[str] = []
    for one in some:
        blocks.append(f"{ink(heading(one.target), Role.HEADING)}\n")
        if one.plan is not None:
            blocks.append(
                plan_text(one.plan, destroy=view.destroy, refused=bool(one.problems), ink=ink, sources=sources)
            )
        elif one.problems:
            blocks.append("No plan: see the errors.\n")
    return blocks


def _sections(view: PlansView, some: Sequence[PlanView], ink: Ink, sources: Sources) -> list[str]:
    """What is to be done, by the targets in which it is."""
    targets = {one.target.title: one.target for one in view.plans}
    said = shared(
        (one.target.title, piece)
        for one in some
        if one.plan is not None
        for piece in _pieces(one.plan, destroy=view.destroy, ink=ink, sources=sources)
    )
    blocks: list[str] = []
    for names, pieces in by_targets(said).items():
        one = targets[names[0]] if len(names) == 1 else None
        title = heading_lines(one) if one is not None else folded(f"targets {names_text(names, targets)}", rest="  ")
        lines = [ink(line, Role.HEADING) for part in title for line in chopped(part, rest="  ")]
        blocks.append("\n\n".join(["\n".join(lines), *_paragraphs(pieces)]) + "\n")
    return blocks


def _sum_text(view: PlansView, plans: Sequence[Plan]) -> str:
    """What all targets come to."""
    missing = len(view.plans) - len(plans)
    refused = sum(1 for one in view.plans if one.plan is not None and one.problems)
    blocked = [f"{refused} of them refused"] if refused else []
    blocked += [f"{missing} of them without a plan"] if missing else []
    total = f"Total: {counts_text(plans)}."
    if blocked:
        blocked[-1] += ": see the errors"
    elif not any(map(_has_changes, plans)):
        total = _nothing(sum(plan.unchanged for plan in plans), sum(plan.left_out for plan in plans), view.destroy)
    lines = [f"{', '.join([counted(len(view.plans), 'target'), *blocked])}.", *([total] if plans else [])]
    return "\n".join(lines) + "\n"


def heading(target: Target) -> str:
    """`target dev · alibaba cn-hangzhou · account 1234567890123456`, only what is known."""
    parts = [f"target {target.title}", f"{target.provider} {target.region}".strip()]
    if target.account:
        parts.append(f"{target.account_word} {target.account}")
    return " · ".join(clean(part) for part in parts if part)


def heading_lines(target: Target) -> list[str]:
    """The same in as many lines as it takes."""
    whole = heading(target)
    if columns(whole) <= WIDTH:
        return [whole]
    name, _, place = whole.partition(" · ")
    return [name, f"  {place}"]


def plan_text(
    plan: Plan, *, destroy: bool = False, refused: bool = False, ink: Ink = PLAIN, sources: Sources | None = None
) -> str:
    """One target's plan without its heading; ends with the summary line and, where errors forbid it, with that."""
    blocks = _paragraphs(_pieces(plan, destroy=destroy, ink=ink, sources=sources or {}))
    if refused and not _has_changes(plan):
        # What is refused is not in the plan, so "no changes" would be a lie about the file and the cloud.
        blocks.append("There is no plan to apply because of the errors.")
    else:
        blocks.append(summary_line(plan, destroy=destroy))
        blocks += ["This plan is refused: see the errors."] if refused else []
    return "\n\n".join(blocks) + "\n"


def summary_line(plan: Plan, *, destroy: bool = False) -> str:
    """`Plan: 3 to create, …` or, for an empty plan, a sentence that says why nothing happens."""
    if _has_changes(plan):
        left_out = f" {_capital(_left_out(plan.left_out))}." if plan.left_out else ""
        return f"Plan: {counts_text([plan])}.{left_out}"
    return _nothing(plan.unchanged, plan.left_out, destroy)


def _nothing(unchanged: int, left_out: int, destroy: bool) -> str:
    """Why nothing happens."""
    if destroy:
        return "No changes. There is nothing to destroy."
    seen = counted(unchanged, "resource")
    if left_out:
        told = f"What --only names is as the file says ({seen})" if unchanged else "--only names nothing here"
        return f"No changes. {told}; {_left_out(left_out)}."
    return f"No changes. The cloud is as the file says ({seen})." if unchanged else _ASKS_NOTHING


def _left_out(number: int) -> str:
    return f"{counted(number, 'resource')} left out by --only"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _has_changes(plan: Plan) -> bool:
    return not plan.is_empty or any(change.action in _CHANGING for change in plan.changes)


def counts_text(plans: Iterable[Plan]) -> str:
    """`3 to create, 1 to update, 0 to replace, 1 to delete, 17 unchanged`, over all the plans."""
    every = tuple(plans)
    parts = [f"{sum(plan.count(action) for plan in every)} to {action.value}" for action in _CHANGING]
    return ", ".join([*parts, f"{sum(plan.unchanged for plan in every)} unchanged"])


def place_text(span: Span) -> str:
    """`fcdeploy.yaml:14`."""
    return f"{clean(span.file)}:{span.line}"


def _pieces(plan: Plan, *, destroy: bool, ink: Ink, sources: Sources) -> list[Piece]:
    """What there is to say of a plan, but for its numbers."""
    changes = [_change_lines(change, ink) for change in plan.changes if change.action in _CHANGING]
    pieces = [Piece("\n".join(lines), is_short=len(lines) == 1) for lines in changes]
    for lines in (_bare_steps(plan, ink), _last_steps(plan, ink, destroy=destroy)):
        if lines:
            pieces.append(Piece("\n".join(lines)))
    return [*pieces, *(Piece(finding_text(one, sources=sources, ink=ink).rstrip("\n")) for one in plan.warnings)]


def _paragraphs(pieces: Sequence[Piece]) -> list[str]:
    """A paragraph a piece; those that are one line stand together."""
    blocks: list[str] = []
    short = False
    for piece in pieces:
        if short and piece.is_short:
            blocks[-1] += f"\n{piece.text}"
        else:
            blocks.append(piece.text)
        short = piece.is_short
    return blocks


def _change_lines(change: Change, ink: Ink) -> list[str]:
    title = f"{clean(change.address.short)}"
    place = place_text(change.span) if change.span else ""
    reason = clean(change.reason)
    lines = [f"  {ink.glyph(change.action)} {ink(title, Role.HEADING)}"]
    tail = f"{place}; {reason}" if place and reason else place or reason
    if tail and columns(title) + columns(tail) + 8 <= WIDTH:
        lines[0] += f"  ({tail})"
    else:
        lines[0] += f"  ({place})" if place else ""
        lines += folded(reason, first=_FIELD_INDENT, rest=_FIELD_INDENT) if reason else []
    if change.told is not None:
        lines += folded(told_text(change.told), first=_FIELD_INDENT, rest=_FIELD_INDENT + "  ")
    for one in change.fields:
        lines += field_lines(one, indent=_FIELD_INDENT, ink=ink, place=_field_place(change, one))
    return lines


def told_text(told: Told) -> str:
    """`traffic: 100 % to version 7 -> 90 % to the new version, 10 % to version 7`."""
    sides = [told.after] if not told.before else [told.before, told.after or "none"]
    return f"{clean(told.what)}: {clean(' -> '.join(sides))}"


def _field_place(change: Change, one: FieldChange) -> str:
    """The line that asks for a changed field, where the resource's own place does not say it already."""
    if change.action is Action.CREATE or one.span is None or one.span == change.span:
        return ""
    if change.span is not None and one.span.file == change.span.file:
        return f"line {one.span.line}"
    return place_text(one.span)


def _bare_steps(plan: Plan, ink: Ink) -> list[str]:
    """Writes that no change speaks of, such as a mark that a crash left out (S11): nothing is sent unannounced."""
    told = {change.address for change in plan.changes if change.action in _CHANGING}
    steps = [step for step in plan.steps if step.address not in told]
    return ["  Also written:", *(f"    {_step_text(step, ink)}" for step in steps)] if steps else []


def _last_steps(plan: Plan, ink: Ink, *, destroy: bool) -> list[str]:
    """What comes last is not taken back when a part of it fails (S34); what was kept may still bring it back later."""
    steps = [step for step in plan.steps if step.last]
    if not steps:
        return []
    # A destroy does not fetch what it deletes. An apply does, but not yet when it is only planned.
    lost = destroy and any(not step.undo for step in steps)
    never = [f"  {ink('The code of functions is not kept, so no rollback brings them back.', Role.WARNING)}"]
    if len(steps) == len(plan.steps):
        alone = [f"  {ink('If a step fails, the steps that were done before it are not taken back.', Role.WARNING)}"]
        return (alone if len(steps) > 1 else []) + (never if lost else [])
    return [
        f"  {ink('Comes last', Role.WARNING)}, once all else is done; if one of these fails, none is taken back:",
        *(f"    {_step_text(step, ink)}" for step in steps),
    ]


def _step_text(step: Step, ink: Ink) -> str:
    group = "" if step.group in ("", "body") else f" ({clean(step.group)})"
    return f"{ink.glyph(step.action)} {clean(step.address.short)}{group}"
