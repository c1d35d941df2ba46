"""Drift as text: what live has and what the file says, resource by resource, and who moved. Pure.

It offers nothing: `plan` says what apply would do about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fcdeploy.model import Drift, FieldDrift, Gap, Json, Mover
from fcdeploy.render.findings import Sources, finding_text
from fcdeploy.render.ink import PLAIN, Ink, Role
from fcdeploy.render.text import heading, place_text
from fcdeploy.render.values import folded_pieces, hidden, value_pieces, value_text
from fcdeploy.render.views import DriftsView, DriftView
from fcdeploy.render.words import SENSITIVE, WIDTH, clean, columns, counted, folded

_FIELD = " " * 6
_DEEPER = " " * 10

_GAPS = {
    Gap.DIFFERS: "",
    Gap.MISSING: "in the file, not live",
    Gap.EXTRA: "live, not in the file",
    Gap.FOREIGN: "live, not owned by this target",
}
_MOVED = {
    Mover.LIVE: "live moved",
    Mover.FILE: "the file moved",
    Mover.BOTH: "both moved",
}
_ROLES = {Mover.LIVE: Role.WARNING, Mover.BOTH: Role.WARNING, Mover.FILE: Role.FAINT, Mover.UNKNOWN: Role.FAINT}


def drifts_text(view: DriftsView, *, ink: Ink = PLAIN, sources: Sources | None = None) -> str:
    """All targets' drift and, when there are several, the sum of it."""
    blocks = [_target_text(one, ink, sources or {}) for one in view.drifts]
    if len(view.drifts) > 1:
        missing = sum(1 for one in view.drifts if one.problems)
        without = f", {missing} of them not known" if missing else ""
        every = [drift for one in view.drifts for drift in one.drifts]
        counts = counts_text(every, sum(one.equal for one in view.drifts))
        total = "\n".join(folded(f"Total: {counts}."))
        blocks.append(f"{counted(len(view.drifts), 'target')}{without}.\n{total}\n")
    return "\n".join(blocks)


def _target_text(view: DriftView, ink: Ink, sources: Sources) -> str:
    blocks = [ink(heading(view.target), Role.HEADING)]
    blocks += ["\n".join(_drift_lines(one, ink)) for one in view.drifts]
    blocks += [finding_text(one, sources=sources, ink=ink).rstrip("\n") for one in view.warnings]
    if view.problems:
        blocks.append("The drift is not known: see the errors.")
    elif view.drifts:
        counts = folded(f"Drift: {counts_text(view.drifts, view.equal)}.")
        blocks.append("\n".join([*counts, *movers_lines(view)]))
    elif view.equal:
        blocks.append(f"No drift. Live is as the file says ({counted(view.equal, 'resource')}).")
    else:
        blocks.append("No drift. The file asks for nothing, and nothing of it is live.")
    return "\n\n".join(blocks) + "\n"


def counts_text(drifts: Iterable[Drift], equal: int) -> str:
    """`2 differ, 1 not live, 1 not in the file, 17 as the file says`; what there is none of is left out."""
    found = Counter(one.gap for one in drifts)
    said = (
        (found[Gap.DIFFERS], "differs" if found[Gap.DIFFERS] == 1 else "differ"),
        (found[Gap.MISSING], "not live"),
        (found[Gap.EXTRA], "not in the file"),
        (found[Gap.FOREIGN], "not owned"),
    )
    parts = [f"{number} {what}" for number, what in said if number]
    return ", ".join([*parts, f"{equal} as the file says"])


def movers_lines(view: DriftView) -> list[str]:
    """Who moved, summed up; one line where there is no journal, instead of one at each field."""
    if not view.compared:
        return ["Who moved is not known: no run was made from here."]
    found = Counter(mover for one in view.drifts for mover in one.movers)
    said = ((Mover.LIVE, "live"), (Mover.FILE, "the file"), (Mover.BOTH, "both"), (Mover.UNKNOWN, "not known"))
    return ["Moved since the last run: " + ", ".join(f"{word} {found[one]}" for one, word in said if found[one]) + "."]


def _drift_lines(drift: Drift, ink: Ink) -> list[str]:
    title = clean(drift.address.short)
    gap = gap_text(drift)
    place = f"  ({place_text(drift.span)})" if drift.span else ""
    moved = moved_text(drift.moved, drift.why) if drift.gap is not Gap.DIFFERS else ""
    rest = f"{f': {gap}' if gap else ''}{place}"
    lines = [f"  {ink(title, Role.HEADING)}"]
    if columns(f"  {title}{rest}") <= WIDTH:
        lines[0] += rest
    else:
        lines.append(f"{_FIELD}{gap}{place}" if gap else f"{_FIELD}{place.strip()}")
    if moved:
        lines += [_painted(ink, line, _ROLES[drift.moved]) for line in folded(moved, first=_FIELD, rest=_FIELD)]
    if drift.note:
        lines += folded(clean(drift.note), first=_FIELD, rest=_FIELD)
    for one in drift.fields:
        lines += _field_lines(one, drift, ink)
    return lines


def _painted(ink: Ink, line: str, role: Role) -> str:
    """A line in its role's colour, its indentation left alone."""
    text = line.lstrip()
    return line[: len(line) - len(text)] + ink(text, role)


def gap_text(drift: Drift) -> str:
    """How live and the file disagree, in words; empty where the fields say it."""
    if drift.gap is Gap.FOREIGN and drift.owner:
        return f"live, owned by {clean(drift.owner)}"
    return _GAPS[drift.gap]


def moved_text(moved: Mover, why: str) -> str:
    """Who moved, in words; empty where that is not known and nothing is to be said of it."""
    if moved is not Mover.UNKNOWN:
        return _MOVED[moved]
    return f"who moved is not known: {why}" if why else ""


def _field_lines(one: FieldDrift, drift: Drift, ink: Ink) -> list[str]:
    """`memorySize: live has 512, the file says 256; live moved (line 14)` on as many lines as it takes."""
    change = one.change
    name = clean(change.path)
    live = hidden(change.before) if change.before_hidden else change.before
    file = hidden(change.after) if change.after_hidden else change.after
    moved = moved_text(one.moved, one.why)
    role = _ROLES[one.moved]
    sides = f"{_live_side(live)}, {_file_side(file, one.given)}"
    if change.before_hidden and change.after_hidden:
        sides = f"differs, both sides {SENSITIVE}"
    line = f"{_FIELD}{name}: {sides}"
    place = _place(one, drift)
    tail = "".join((f"; {moved}" if moved else "", f"  ({place})" if place else ""))
    if columns(line + tail) <= WIDTH:
        painted = f"; {ink(moved, role)}" if moved else ""
        lines = [line + painted + (f"  ({place})" if place else "")]
    else:
        lines = [line] if columns(line) <= WIDTH else [f"{_FIELD}{name}:", *_both_sides(live, file, one.given)]
        rest = ", ".join(part for part in (moved, place) if part)
        lines += [_painted(ink, part, role) for part in folded(rest, first=_DEEPER, rest=_DEEPER)] if rest else []
    if change.note:
        lines += folded(clean(change.note), first=_DEEPER, rest=_DEEPER)
    return lines


def _live_side(live: Json) -> str:
    return "live has none" if live is None else f"live has {value_text(live)}"


def _file_side(file: Json, given: bool) -> str:
    if file is None:
        return "the file has none"
    return f"the file says {value_text(file)}" if given else f"the file leaves it at {value_text(file)}"


def _both_sides(live: Json, file: Json, given: bool) -> list[str]:
    """Each side on lines of its own, the values below each other."""
    says = "the file says" if given else "the file leaves"
    sides = (("live has", live), (says if file is not None else "the file has", file))
    wide = max(columns(said) for said, _ in sides)
    lines: list[str] = []
    for said, value in sides:
        begin = f"{_DEEPER}{said:<{wide}}  "
        pieces = value_pieces(value) if value is not None else ["none"]
        first, *rest = folded_pieces(pieces, indent=" " * columns(begin))
        lines += [begin + first[len(begin) :], *rest]
    return lines


def _place(one: FieldDrift, drift: Drift) -> str:
    """The line of the file that says so, where the resource's own place does not say it already."""
    span = one.change.span
    if not one.given or span is None or span == drift.span:
        return ""
    if drift.span is not None and span.file == drift.span.file:
        return f"line {span.line}"
    return place_text(span)
