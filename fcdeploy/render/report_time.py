"""Where the time of a run went: each step as a bar, from where the steps that it needs end. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from fcdeploy.model import Plan
from fcdeploy.render.views import OutcomeView
from fcdeploy.render.words import clean, counted, seconds_text

_MOST = 300


def timeline_html(view: OutcomeView, plan: Plan | None) -> Iterator[str]:
    """The steps in the order in which they could begin; of more than `_MOST` those that took longest."""
    durations = view.outcome.durations
    if not durations:
        return
    starts = _starts(durations, plan)
    whole = max((starts[step] + seconds for step, seconds in durations.items()), default=0.0) or 1.0
    longest = sorted(durations, key=lambda step: -durations[step])[:_MOST]
    undone = frozenset(view.outcome.undone)
    yield "<h3>Where the time went</h3>"
    yield '<p class="faint">A step is drawn from where the steps that it needs end; it may have waited longer.</p>'
    yield '<div class="bars">'
    order = {step: place for place, step in enumerate(durations)}
    for step in sorted(longest, key=lambda step: (starts[step], order[step])):
        seconds = durations[step]
        title = escape(clean(view.titles.get(step, step)))
        left, width = 100 * starts[step] / whole, 100 * seconds / whole
        back = ' class="undone"' if step in undone else ""
        taken = " · taken back" if back else ""
        yield f'<span>{title} <span class="faint">{seconds_text(seconds)}{taken}</span></span>'
        yield f'<div class="bar"><i{back} style="left:{left:.2f}%;width:{width:.2f}%"></i></div>'
    yield "</div>"
    if more := len(durations) - len(longest):
        yield f'<p class="faint">{counted(more, "quicker step")} not drawn.</p>'


def _starts(durations: Mapping[str, float], plan: Plan | None) -> dict[str, float]:
    """When each step could begin, in seconds: a plan's steps stand after those that they need."""
    starts: dict[str, float] = {}
    ends: dict[str, float] = {}
    for step in plan.steps if plan is not None else ():
        starts[step.id] = max((ends.get(one, 0.0) for one in step.needs), default=0.0)
        ends[step.id] = starts[step.id] + durations.get(step.id, 0.0)
    return {step: starts.get(step, 0.0) for step in durations}
