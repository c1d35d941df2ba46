"""Plans and runs as Markdown for a comment on a pull request, as GitHub and GitLab show it. Pure.

A summary and a table, then errors and warnings where nobody has to open anything, then the changes as diffs, folded.
Foreign text stands in code only, and the whole stays under the forges' limit whatever the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fcdeploy.diagnostics import Diagnostic, Severity
from fcdeploy.model import Action, Plan
from fcdeploy.render.findings import finding_text, tally
from fcdeploy.render.folding import shared
from fcdeploy.render.markdown_blocks import MOST, Block, capped, folded_blocks, sections_text
from fcdeploy.render.markdown_words import code, fenced, marker, row
from fcdeploy.render.outcome import EXIT_MEANING, ending_words, outcome_text
from fcdeploy.render.outputs import outputs_text
from fcdeploy.render.sides import SOME, bare_lines, change_lines
from fcdeploy.render.views import OutcomeView, OutputsView, PlansView, PlanView
from fcdeploy.render.waves import rollout_text
from fcdeploy.render.words import clean, counted, seconds_text

_DANGER = (Action.DELETE, Action.REPLACE, Action.UPDATE, Action.CREATE)
_COLUMNS = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
_TABLE_MOST, _FINDINGS_MOST, _ENDINGS_MOST, _OUTPUTS_MOST = 10_000, 15_000, 15_000, 5_000
_LONGEST_FINDING = 3_000
_BLANK_LINES = 200
"""Room for the blank lines between the parts and for the note of what is left out."""


def plans_markdown(view: PlansView) -> str:
    """The plans of all targets, in at most `MOST` characters; it begins with a marker that names the project."""
    parts = [
        marker("plan", view.project, _digest(view)),
        f"### fcdeploy plan{' --destroy' if view.destroy else ''}: {code(view.project)}",
        _plans_sentence(view),
        *_plans_table(view),
        *findings_parts(_plan_findings(view)),
        *_last_parts(view),
    ]
    return _with_blocks(parts, view, "`fcdeploy plan` shows all.")


def outcomes_markdown(
    view: PlansView, outcomes: Sequence[OutcomeView], *, exit_code: int, outputs: Sequence[OutputsView] = ()
) -> str:
    """What a run came to in each target, what was planned, and what is put out; `exit_code` is that of all (S39)."""
    command = "destroy" if view.destroy else "apply"
    parts = [
        marker(command, view.project, _digest(view)),
        f"### fcdeploy {command}: {code(view.project)}",
        f"**{_capital(EXIT_MEANING[exit_code])}.**" + (f" Exit code {exit_code}." if exit_code else ""),
        *_outcomes_table(view, outcomes),
        *findings_parts(_plan_findings(view)),
        *_endings(outcomes),
        *_outputs(outputs),
    ]
    return _with_blocks(parts, view, "`fcdeploy history RUN` shows all.")


def _outputs(outputs: Sequence[OutputsView]) -> list[str]:
    """What every target puts out; nothing for none."""
    text = outputs_text(outputs)
    if not text:
        return []
    lines = text.rstrip("\n").split("\n")
    shown = capped(lines, _OUTPUTS_MOST)
    left = len(lines) - len(shown)
    more = f"\n\n{counted(left, 'more line')} not shown: `fcdeploy outputs` has all." if left else ""
    return ["**Outputs**", fenced(shown) + more]


def error_markdown(what: str, found: Sequence[Diagnostic]) -> str:
    """A command that ended before it had anything to show."""
    parts = [f"<!-- fcdeploy-{what}: digest=none -->", f"### fcdeploy {what}", "**Failed.** There is nothing to show."]
    return "\n\n".join([*parts, *findings_parts([("", found)])]) + "\n"


def findings_parts(found: Iterable[tuple[str, Iterable[Diagnostic]]]) -> list[str]:
    """Errors and warnings by target, errors first, what several targets have said once; nothing for none."""
    targets = shared((target, one) for target, some in found for one in some)
    ranked = sorted(targets, key=lambda one: one.severity is not Severity.ERROR)
    if not ranked:
        return []
    texts = (_finding(one, tuple(name for name in targets[one] if name)) for one in ranked)
    shown = capped(texts, _FINDINGS_MOST)
    left = len(ranked) - len(shown)
    more = f"\n\n{counted(left, 'more finding')} not shown." if left else ""
    return [f"**{_capital(tally(ranked))}**", fenced("\n\n".join(shown).split("\n")) + more]


def _finding(one: Diagnostic, targets: Sequence[str]) -> str:
    text = finding_text(one, sources={}).rstrip("\n")
    if len(text) > _LONGEST_FINDING:
        text = text[:_LONGEST_FINDING] + "..."
    # Blanks before each line: no forge takes a line's first sign for an order to itself.
    lines = [f"  {line}".rstrip() for line in text.split("\n")]
    heading = [f"target {', '.join(_clean_names(targets))}:"] if targets else []
    return "\n".join([*heading, *lines])


def _clean_names(targets: Sequence[str]) -> list[str]:
    names = [clean(name)[:100] for name in targets[:8]]
    return [*names, f"{len(targets) - 8} more"] if len(targets) > 8 else names


def _with_blocks(parts: list[str], view: PlansView, more: str) -> str:
    """The parts and below them as many changes as there is room for."""
    blocks = folded_blocks(block for one in view.plans if one.plan is not None for block in _blocks(one.plan))
    room = MOST - sum(len(part) + 2 for part in parts) - _BLANK_LINES
    sections, shown = sections_text(blocks, room=room, more=more)
    if shown < len(blocks):
        left = counted(len(blocks) - shown, "change")
        note = f"**{left} of {len(blocks)} not shown:** the comment would be too long. The most dangerous are. {more}"
        parts = [*parts, note]
    return "\n\n".join([*parts, *([sections] if sections else [])]) + "\n"


def _blocks(plan: Plan) -> Iterable[Block]:
    last = {step.address for step in plan.steps if step.last}
    for change in plan.changes:
        if change.action in _DANGER:
            lines = change_lines(change, room=SOME, last=change.address in last)
            yield Block(
                target=plan.target.title,
                rank=_DANGER.index(change.action),
                word=f"to {change.action.value}",
                lines=tuple(str(line) for line in lines),
            )
    for bare in bare_lines(plan):
        lines_ = tuple(str(line) for line in bare)
        yield Block(target=plan.target.title, rank=len(_DANGER), word="also written", lines=lines_)


def _digest(view: PlansView) -> str:
    return f"sha256:{view.digest}" if view.digest else ""


def _plans_sentence(view: PlansView) -> str:
    """What would happen, before anything else; it names what stands in the way."""
    plans = [one.plan for one in view.plans if one.plan is not None]
    refused = sum(1 for one in view.plans if one.plan is not None and one.problems)
    missing = sum(1 for one in view.plans if one.plan is None)
    counts = [(sum(plan.count(action) for plan in plans), action) for action in _COLUMNS]
    told = ", ".join(f"{number} to {action.value}" for number, action in counts if number)
    if not told and any(not plan.is_empty for plan in plans):
        told = "Only marks are written"
    blocked = [f"{counted(refused, 'target')} refused"] if refused else []
    blocked += [f"{counted(missing, 'target')} without a plan"] if missing else []
    said = f"**{_capital(told)}**" if told else "**No plan**" if missing == len(view.plans) else "**No changes**"
    where = f" in {counted(len(view.plans), 'target')}" if len(view.plans) > 1 else ""
    return f"{said}{where}." + (f" **{_capital(', '.join(blocked))}**: see the errors." if blocked else "")


def _plans_table(view: PlansView) -> list[str]:
    """A row a target, those that are in trouble and then those that lose most first where not all fit."""
    if not view.plans:
        return []
    blocked = any(one.problems for one in view.plans)
    left_out = any(one.plan is not None and one.plan.left_out for one in view.plans)
    in_waves = bool(view.rollouts)
    head = [*(["Wave"] if in_waves else []), "Target", "Create", "Update", "Replace", "Delete", "Unchanged"]
    head += (["Left out by `--only`"] if left_out else []) + ([""] if blocked else [])
    rule = [*(["--:"] if in_waves else []), ":--"]
    rule += [*["--:"] * (len(head) - len(rule) - blocked), *([":--"] if blocked else [])]

    def cells(one: PlanView) -> list[str]:
        counts = [one.plan.count(action) for action in _COLUMNS] if one.plan is not None else []
        numbers = [f"**{number}**" if number else "0" for number in counts] or ["?"] * len(_COLUMNS)
        numbers.append(str(one.plan.unchanged) if one.plan is not None else "?")
        if left_out:
            numbers.append(str(one.plan.left_out) if one.plan is not None else "?")
        state = "**no plan**" if one.plan is None else "**refused**" if one.problems else ""
        place = f"{one.target.provider} {one.target.region}".strip()
        where = " ".join(part for part in (code(one.target.title), code(place)) if part)
        wave = [str(one.wave.number) if one.wave is not None else ""] if in_waves else []
        return [*wave, where, *numbers, *([state] if blocked else [])]

    told = [rollout_text(one, destroy=view.destroy) for one in view.rollouts]
    return [*_table(head, rule, [(one, cells(one)) for one in view.plans]), *told]


def _danger_of(view: PlanView) -> tuple[int, ...]:
    if view.plan is None or view.problems:
        return (0,)
    return (1, *(-view.plan.count(action) for action in _DANGER))


def _table(head: Sequence[str], rule: Sequence[str], rows: Sequence[tuple[PlanView, Sequence[str]]]) -> list[str]:
    texts = {id(view): row(cells) for view, cells in rows}
    ranked = sorted((view for view, _ in rows), key=_danger_of)
    fitting = len(capped((texts[id(view)] for view in ranked), _TABLE_MOST))
    kept = {id(view) for view in ranked[:fitting]}
    left = len(rows) - fitting
    lines = [row(head), row(rule), *(texts[id(view)] for view, _ in rows if id(view) in kept)]
    more = [f"{counted(left, 'more target')} not shown in this table, those with the least to lose."] if left else []
    return ["\n".join(lines), *more]


def _plan_findings(view: PlansView) -> list[tuple[str, tuple[Diagnostic, ...]]]:
    several = len(view.plans) > 1
    found = [("", view.diagnostics)]
    for one in view.plans:
        name = one.target.title if several else ""
        found.append((name, (*one.problems, *(one.plan.warnings if one.plan is not None else ()))))
    return found


def _last_parts(view: PlansView) -> list[str]:
    """What comes last is not taken back when a part of it fails (S34)."""
    steps = [step for one in view.plans if one.plan is not None for step in one.plan.steps if step.last]
    if not steps:
        return []
    # A destroy does not fetch what it deletes (S34).
    lost = view.destroy and any(not step.undo for step in steps)
    never = " The code of functions is not kept, so no rollback brings them back." if lost else ""
    return [f"What *comes last* is done once all else is; if one of these steps fails, none is taken back.{never}"]


def _outcomes_table(view: PlansView, outcomes: Sequence[OutcomeView]) -> list[str]:
    if not view.plans:
        return []
    head = ["Target", "Outcome", "Steps done", "Taken back", "Left behind", "Not known", "Time", "Run"]
    rule = [":--", ":--", "--:", "--:", "--:", "--:", "--:", ":--"]
    by_target = {one.outcome.title: one for one in outcomes}
    return _table(head, rule, [(one, _outcome_cells(one, by_target)) for one in view.plans])


def _outcome_cells(one: PlanView, outcomes: Mapping[str, OutcomeView]) -> list[str]:
    found = outcomes.get(one.target.title)
    if found is None:
        said = "**no plan**" if one.plan is None else "**refused**" if one.problems else "nothing to do"
        if one.plan is not None and not one.problems and not one.plan.is_empty:
            said = "not begun"
        return [code(one.target.title), said, "0", "0", "0", "0", "", ""]
    outcome = found.outcome
    said = ending_words(found)
    counts = (len(outcome.done), len(outcome.undone), len(outcome.leftovers), len(outcome.unknown))
    numbers = [str(counts[0]), *(f"**{number}**" if number else "0" for number in counts[1:])]
    return [
        code(outcome.title),
        f"**{said}**" if found.code else said,
        *numbers,
        seconds_text(outcome.seconds),
        code(outcome.run),
    ]


def _endings(outcomes: Sequence[OutcomeView]) -> list[str]:
    """The closing words of every run that did not end as it should, and of those that met something on the way."""
    told = [one for one in outcomes if one.code or one.outcome.diagnostics]
    texts = (
        "\n".join(f"  {line}".rstrip() for line in outcome_text(one)[:_LONGEST_FINDING].rstrip("\n").split("\n"))
        for one in sorted(told, key=lambda one: not one.code)
    )
    shown = capped(texts, _ENDINGS_MOST)
    left = len(told) - len(shown)
    more = f"\n\n{counted(left, 'more target')} not shown." if left else ""
    return [fenced("\n\n".join(shown).split("\n")) + more] if shown else []


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
