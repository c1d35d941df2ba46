"""Drift as Markdown for a comment: a table, what is not known, and per resource the file against live. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.model import Gap
from fcdeploy.render.drift import counts_text, movers_lines
from fcdeploy.render.markdown import findings_parts
from fcdeploy.render.markdown_blocks import MOST, Block, capped, folded_blocks, sections_text
from fcdeploy.render.markdown_words import code, marker, row
from fcdeploy.render.sides import SOME, drift_lines
from fcdeploy.render.views import DriftsView, DriftView
from fcdeploy.render.words import counted

_GAPS = (
    (Gap.MISSING, "not live"),
    (Gap.DIFFERS, "differing"),
    (Gap.EXTRA, "not in the file"),
    (Gap.FOREIGN, "not owned"),
)
_TABLE_MOST = 10_000
_BLANK_LINES = 200
_MORE = "`fcdeploy drift` shows all."


def drifts_markdown(view: DriftsView) -> str:
    """The drift of all targets, in at most `MOST` characters; it begins with a marker that names the project."""
    parts = [
        marker("drift", view.project, ""),
        f"### fcdeploy drift: {code(view.project)}",
        _sentence(view),
        *_table(view),
        *findings_parts(_findings(view)),
    ]
    blocks = folded_blocks(block for one in view.drifts for block in _blocks(one))
    if blocks:
        parts.append("Below, `-` is what the file says and `+` what live has.")
    room = MOST - sum(len(part) + 2 for part in parts) - _BLANK_LINES
    sections, shown = sections_text(blocks, room=room, more=_MORE)
    if shown < len(blocks):
        left = counted(len(blocks) - shown, "resource")
        parts.append(f"**{left} of {len(blocks)} not shown:** the comment would be too long. {_MORE}")
    return "\n\n".join([*parts, *([sections] if sections else [])]) + "\n"


def _sentence(view: DriftsView) -> str:
    every = [drift for one in view.drifts for drift in one.drifts]
    unknown = sum(1 for one in view.drifts if one.problems)
    equal = sum(one.equal for one in view.drifts)
    if every:
        said = f"**Drift: {counts_text(every, equal)}**"
    else:
        said = "**Not known**" if unknown == len(view.drifts) else f"**No drift** ({counted(equal, 'resource')})"
    return f"{said}." + (f" **{counted(unknown, 'target')} not known**: see the errors." if unknown else "")


def _table(view: DriftsView) -> list[str]:
    if not view.drifts:
        return []
    head = ["Target", "Differs", "Not live", "Not in the file", "Not owned", "As the file says", "Who moved"]
    ranked = sorted(view.drifts, key=lambda one: (not one.problems, -len(one.drifts)))
    rows = {id(one): row(_cells(one)) for one in view.drifts}
    fitting = len(capped((rows[id(one)] for one in ranked), _TABLE_MOST))
    kept = {id(one) for one in ranked[:fitting]}
    left = len(ranked) - fitting
    lines = [row(head), row([":--", *["--:"] * 5, ":--"]), *(rows[id(one)] for one in view.drifts if id(one) in kept)]
    more = [f"{counted(left, 'more target')} not shown in this table, those with the least drift."] if left else []
    return ["\n".join(lines), *more]


def _cells(one: DriftView) -> list[str]:
    name = code(one.target.title)
    if one.problems:
        return [name, "?", "?", "?", "?", "?", "**not known**"]
    gaps = (Gap.DIFFERS, Gap.MISSING, Gap.EXTRA, Gap.FOREIGN)
    counts = [sum(1 for drift in one.drifts if drift.gap is gap) for gap in gaps]
    (moved,) = movers_lines(one) if one.drifts else ("",)
    moved = moved.removeprefix("Moved since the last run: ").rstrip(".")
    return [name, *(f"**{number}**" if number else "0" for number in counts), str(one.equal), moved]


def _findings(view: DriftsView) -> list[tuple[str, tuple[Diagnostic, ...]]]:
    several = len(view.drifts) > 1
    each = [(one.target.title if several else "", (*one.problems, *one.warnings)) for one in view.drifts]
    return [("", view.diagnostics), *each]


def _blocks(view: DriftView) -> Iterable[Block]:
    gaps = [gap for gap, _ in _GAPS]
    for drift in view.drifts:
        rank = gaps.index(drift.gap)
        lines = tuple(str(line) for line in drift_lines(drift, room=SOME))
        yield Block(target=view.target.title, rank=rank, word=_GAPS[rank][1], lines=lines)
