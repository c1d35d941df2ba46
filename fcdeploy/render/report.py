"""A plan, and the run of it, as one HTML page that loads nothing: counts, findings, graph, diffs, times. Pure.

All text of others is escaped; the page's policy runs no script but its own, which is named there by its checksum.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from fcdeploy.diagnostics import Diagnostic, Severity
from fcdeploy.model import Action, Address, Change, Graph, Plan, Target
from fcdeploy.render.graph import numbered_each, sizes_text
from fcdeploy.render.ink import GLYPHS
from fcdeploy.render.outcome import EXIT_MEANING, ending_words, outcome_text
from fcdeploy.render.outputs import outputs_text
from fcdeploy.render.page import DRAWING_CSS, DRAWING_SCRIPT, drawing_lines, hues_of
from fcdeploy.render.report_graph import EMPTY, actions_of, planned_graph
from fcdeploy.render.report_style import CSS, SCRIPT
from fcdeploy.render.report_time import timeline_html
from fcdeploy.render.sides import COME, GONE, REMARK, TOLD, Line, bare_lines, change_lines
from fcdeploy.render.text import counts_text, heading, summary_line
from fcdeploy.render.views import GraphView, OutcomeView, OutputsView, PlansView, PlanView
from fcdeploy.render.waves import rollout_text
from fcdeploy.render.words import clean, clean_lines

_ACTIONS = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
_CLASSES = {COME: "come", GONE: "gone", TOLD: "told", REMARK: "remark"}
_FEW_CHANGES, _FEW_NODES = 30, 40
"""Up to how many changes stand open, and of how many nodes a graph is shown without a click."""

_JS = DRAWING_SCRIPT + SCRIPT


def report_html(
    view: PlansView,
    graph: GraphView | None,
    outcomes: Sequence[OutcomeView] | None = None,
    *,
    exit_code: int = 0,
    outputs: Sequence[OutputsView] = (),
) -> str:
    """The whole page; `outcomes` is None for what is only planned, `exit_code` that of the command (S39)."""
    return "\n".join(_page(view, graph, outcomes, exit_code, outputs_text(outputs).strip())) + "\n"


def error_html(command: str, found: Sequence[Diagnostic]) -> str:
    """A command that ended before it had anything to show."""
    body = [
        f"<h1>fcdeploy {escape(clean(command))}</h1>",
        '<p class="bad"><b>Failed.</b> There is nothing to show.</p>',
    ]
    body += _findings([("", found)])
    return "\n".join([*_head(f"fcdeploy {clean(command)}"), *body, "</body>\n</html>"]) + "\n"


def _head(title: str) -> Iterator[str]:
    checksum = base64.b64encode(hashlib.sha256(_JS.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{checksum}'; img-src data:; "
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f"<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}base-uri 'none'; form-action 'none'\">"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>'
    yield f"<style>{DRAWING_CSS}{CSS}</style>\n</head>\n<body>"


def _page(
    view: PlansView, graph: GraphView | None, outcomes: Sequence[OutcomeView] | None, exit_code: int, outputs: str
) -> Iterator[str]:
    drawn = {target.title: one for target, one in graph.graphs} if graph is not None else {}
    graphs = [(one.target, planned_graph(drawn.get(one.target.title, EMPTY), one.plan)) for one in view.plans]
    ids = numbered_each(GraphView(project=view.project, graphs=tuple(graphs)))
    hues = hues_of(graphs)
    plans = [one.plan for one in view.plans if one.plan is not None]
    command = ("destroy" if view.destroy else "apply") if outcomes is not None else "plan"
    title = f"fcdeploy {command}: {clean(view.project)}"
    yield from _head(title)
    yield '<a class="skip" href="#changes">To the changes</a>'
    yield f"<header><h1>{escape(title)}</h1>"
    if outcomes is not None:
        yield f'<p class="{"bad" if exit_code else "good"}"><b>{escape(_capital(EXIT_MEANING[exit_code]))}.</b></p>'
    yield f"<p>{escape(_capital(counts_text(plans)))}.</p>"
    if view.digest:
        yield f'<p class="faint">digest sha256:<code>{escape(view.digest)}</code></p>'
    yield "</header>\n<main>"
    yield from _table(view, outcomes)
    yield from (f"<p>{escape(rollout_text(one, destroy=view.destroy))}</p>" for one in view.rollouts)
    yield from _findings(_by_target(view))
    if outputs:
        yield f'<h2>Outputs</h2><pre class="block">{escape(outputs)}</pre>'
    total = sum(len(actions_of(plan)) for plan in plans)
    if total:
        yield from _tools(view, plans)
    yield '<div id="changes">'
    by_target = {one.outcome.title: one for one in outcomes or ()}
    for place, (one, (_, whole)) in enumerate(zip(view.plans, graphs, strict=True)):
        outcome = by_target.get(one.target.title)
        yield from _target(one, whole, outcome, place, ids[place], hues, total <= _FEW_CHANGES, view.destroy)
    yield '<p class="none faint" hidden>No change has all these words.</p>' if total else ""
    yield f"</div>\n</main>\n<script>{_JS}</script>\n</body>\n</html>"


def _table(view: PlansView, outcomes: Sequence[OutcomeView] | None) -> Iterator[str]:
    by_target = {one.outcome.title: one for one in outcomes or ()}
    names = ["Target", "", *(_capital(action.value) for action in _ACTIONS), "Unchanged"]
    yield '<div class="wide"><table><thead><tr>'
    yield "".join(f'<th scope="col"{" class=n" if place > 1 else ""}>{name}</th>' for place, name in enumerate(names))
    yield "</tr></thead><tbody>"
    for place, one in enumerate(view.plans):
        link = f'<a href="#t{place}">{escape(clean(one.target.title))}</a>'
        wave = f" · wave {one.wave.number} of {one.wave.total}" if one.wave is not None else ""
        where = escape(clean(f"{one.target.provider} {one.target.region}".strip() + wave))
        cells = "".join(_number(one.plan, action) for action in _ACTIONS)
        unchanged = str(one.plan.unchanged) if one.plan is not None else "?"
        state = _state(one, by_target.get(one.target.title), outcomes is not None)
        yield (
            f'<tr><th scope="row">{link} <span class="faint">{where}</span></th><td>{state}</td>{cells}'
            f'<td class="n">{unchanged}</td></tr>'
        )
    yield "</tbody></table></div>"


def _state(one: PlanView, outcome: OutcomeView | None, is_run: bool) -> str:
    if outcome is not None:
        return f'<b class="{"bad" if outcome.code else "good"}">{escape(ending_words(outcome))}</b>'
    if one.plan is None:
        return '<b class="bad">no plan</b>'
    if one.problems:
        return '<b class="bad">refused</b>'
    return "" if not is_run else "nothing to do" if one.plan.is_empty else "not begun"


def _number(plan: Plan | None, action: Action) -> str:
    if plan is None:
        return '<td class="n">?</td>'
    number = plan.count(action)
    return f'<td class="n {action.value if number else "zero"}">{number}</td>'


def _by_target(view: PlansView) -> Iterator[tuple[str, Iterable[Diagnostic]]]:
    yield "", view.diagnostics
    for one in view.plans:
        name = one.target.title if len(view.plans) > 1 else ""
        yield name, (*one.problems, *(one.plan.warnings if one.plan is not None else ()))


def _findings(found: Iterable[tuple[str, Iterable[Diagnostic]]]) -> Iterator[str]:
    """Errors before warnings; what several targets have stands once."""
    targets: dict[Diagnostic, list[str]] = {}
    for target, some in found:
        for one in some:
            targets.setdefault(one, []).extend([target] if target else [])
    for one in sorted(targets, key=lambda one: one.severity is not Severity.ERROR):
        yield _finding(one, targets[one])


def _finding(one: Diagnostic, targets: Sequence[str]) -> str:
    place = f"<code>{escape(clean(str(one.span)))}</code> " if one.span is not None else ""
    about = [clean(one.path or one.address), *(f"target {clean(name)}" for name in targets)]
    where = f'<div class="faint">{escape(" · ".join(part for part in about if part))}</div>' if any(about) else ""
    lines = clean_lines(one.detail) if one.detail else []
    lines += [f"hint: {one.hint}"] if one.hint and "\n" not in one.hint else []
    lines += ["hint:", *clean_lines(one.hint)] if "\n" in one.hint else []
    more = f"<pre>{escape(chr(10).join(clean(line) for line in lines))}</pre>" if lines else ""
    words = f"{place}<b>{one.severity.value}</b> {escape(clean(one.summary))}"
    return f'<div class="finding {one.severity.value}" role="note">{words}{where}{more}</div>'


def _tools(view: PlansView, plans: Sequence[Plan]) -> Iterator[str]:
    """What narrows the list; hidden until the page's script is there to obey it."""
    yield '<div class="tools" role="search" hidden>'
    yield '<input type="search" placeholder="Search the changes  ( / )" aria-label="Search the changes">'
    for action in _ACTIONS:
        if number := sum(plan.count(action) for plan in plans):
            name = f'<span class="k-{action.value}">{escape(GLYPHS[action])} {action.value}</span> {number}'
            yield f'<label><input type="checkbox" value="{action.value}" checked> {name}</label>'
    if number := sum(len(bare_lines(plan)) for plan in plans):
        yield f'<label><input type="checkbox" value="none" checked> also written {number}</label>'
    if len(view.plans) > 1:
        yield '<select aria-label="Target"><option value="">all targets</option>'
        names = [escape(clean(one.target.title)) for one in view.plans]
        yield "".join(f'<option value="{name}">{name}</option>' for name in names) + "</select>"
    yield '<button type="button" name="open">Open all</button><button type="button" name="close">Close all</button>'
    yield '<output class="faint" aria-live="polite"></output></div>'


def _target(
    one: PlanView,
    graph: Graph,
    outcome: OutcomeView | None,
    place: int,
    ids: Mapping[Address, str],
    hues: Mapping[str, int],
    is_open: bool,
    destroy: bool,
) -> Iterator[str]:
    yield f'<section class="target" id="t{place}"><h2>{escape(heading(one.target))}</h2>'
    if outcome is not None:
        yield f'<pre class="block">{escape(outcome_text(outcome).rstrip())}</pre>'
    if one.plan is None:
        yield '<p class="bad">No plan: see the errors.</p></section>'
        return
    refused = bool(one.problems)
    words = "This plan is refused: see the errors." if refused else summary_line(one.plan, destroy=destroy)
    yield f"<p{' class=bad' if refused else ''}>{escape(words)}</p>"
    if graph.nodes:
        yield from _drawing(one.target, graph, one.plan, ids, hues)
    if outcome is not None:
        yield from timeline_html(outcome, one.plan)
    yield from _cards(one.plan, ids, is_open)
    yield "</section>"


def _drawing(
    target: Target, graph: Graph, plan: Plan, ids: Mapping[Address, str], hues: Mapping[str, int]
) -> Iterator[str]:
    is_open = " open" if len(graph.nodes) <= _FEW_NODES and actions_of(plan) else ""
    yield f'<details class="graph"{is_open}><summary>Graph: {escape(sizes_text(graph))}</summary>'
    yield '<div class="wide">'
    yield from drawing_lines(target, graph, ids, hues, actions_of(plan))
    yield '</div><p class="picked-link faint" aria-live="polite">A click on a resource shows what it hangs on.</p>'
    yield "</details>"


def _cards(plan: Plan, ids: Mapping[Address, str], is_open: bool) -> Iterator[str]:
    last = {step.address for step in plan.steps if step.last}
    target = escape(clean(plan.target.title))
    for change in plan.changes:
        if change.action in _ACTIONS:
            lines = change_lines(change, last=change.address in last)
            yield _card(change, lines, target, f"c-{ids[change.address]}", is_open)
    told = {change.address for change in plan.changes if change.action in _ACTIONS}
    for name, (line,) in zip(
        dict.fromkeys(step.address for step in plan.steps if step.address not in told), bare_lines(plan), strict=False
    ):
        yield (
            f'<details class="change" data-action="none" data-target="{target}" id="c-{ids[name]}"><summary>'
            f"{escape(line.text)}</summary></details>"
        )


def _card(change: Change, lines: Sequence[Line], target: str, name: str, is_open: bool) -> str:
    title, *rest = lines
    glyph = f'<b class="k-{change.action.value}" aria-hidden="true">{escape(GLYPHS[change.action])}</b>'
    head, _, remarks = title.text.partition("  (")
    said = f' <span class="faint">{escape(remarks[:-1])}</span>' if remarks else ""
    body = "".join(f"<span{_class(line)}>{escape(str(line))}\n</span>" for line in rest)
    diff = f'<pre class="diff">{body}</pre>' if rest else ""
    return (
        f'<details class="change" data-action="{change.action.value}" data-target="{target}" id="{name}"'
        f"{' open' if is_open and rest else ''}><summary>{glyph} {escape(head)}{said}</summary>{diff}</details>"
    )


def _class(line: Line) -> str:
    return f' class="{_CLASSES[line.sign]}"' if line.sign in _CLASSES else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
