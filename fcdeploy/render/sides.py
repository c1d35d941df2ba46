"""A change as the lines of a diff, what goes and what comes, for readers that colour by a line's first sign. Pure."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator

from msgspec import Struct

from fcdeploy.model import Action, Change, Drift, FieldChange, Gap, Json, Plan, Sensitive
from fcdeploy.render.drift import gap_text, moved_text
from fcdeploy.render.text import place_text, told_text
from fcdeploy.render.values import hidden, is_block, is_map, key_text, same, value_text
from fcdeploy.render.words import clean

GONE, COME, KEPT, TOLD, REMARK = "-", "+", " ", "!", "#"
"""What a line's first sign says: it goes, it comes, it stays, it is what a resource is about, it explains."""

_SIGNS = {Action.CREATE: COME, Action.UPDATE: TOLD, Action.REPLACE: TOLD, Action.DELETE: GONE, Action.NONE: KEPT}
_SHORT = 60
_CONTEXT = 2


class Line(Struct, frozen=True, kw_only=True):
    """One line of a diff; `text` is clean."""

    sign: str
    text: str

    def __str__(self) -> str:
        return f"{self.sign} {self.text}".rstrip()


class Room(Struct, frozen=True, kw_only=True):
    """How much of one resource is shown: signs of a value, lines of a text, and lines of all its fields."""

    value: int
    text: int
    lines: int


WHOLE = Room(value=1_000_000_000, text=1_000_000_000, lines=1_000_000_000)
SOME = Room(value=400, text=40, lines=150)


def change_lines(change: Change, *, room: Room = WHOLE, last: bool = False) -> list[Line]:
    """A change: a line that says what happens to which resource and why, and the lines of its fields.

    `last`: it is done once all else is, and is not taken back (S34).
    """
    place = place_text(change.span) if change.span is not None else ""
    remarks = "; ".join(part for part in (place, clean(change.reason), "comes last" if last else "") if part)
    title = f"{change.action.value} {clean(change.address.short)}" + (f"  ({remarks})" if remarks else "")
    lines = [Line(sign=_SIGNS[change.action], text=_cut(title, room))]
    if change.told is not None:
        lines.append(Line(sign=TOLD, text=_cut(f"  {told_text(change.told)}", room)))
    lines += _limited([line for one in change.fields for line in field_lines(one, room=room)], room)
    return lines


def bare_lines(plan: Plan) -> list[list[Line]]:
    """Writes that no change speaks of (S11), each as a block of its own."""
    told = {change.address for change in plan.changes if change.action is not Action.NONE}
    return [
        [
            Line(
                sign=_SIGNS[step.action],
                text=f"also written: {clean(step.address.short)}"
                + ("" if step.group in ("", "body") else f" ({clean(step.group)})"),
            )
        ]
        for step in plan.steps
        if step.address not in told
    ]


def drift_lines(drift: Drift, *, room: Room = WHOLE) -> list[Line]:
    """A drift: what the file says goes by `-`, what live has by `+`, with the words for who moved."""
    sign = {Gap.DIFFERS: TOLD, Gap.MISSING: GONE, Gap.EXTRA: COME, Gap.FOREIGN: COME}[drift.gap]
    moved = "" if drift.gap is Gap.DIFFERS else clean(moved_text(drift.moved, drift.why))
    place = place_text(drift.span) if drift.span is not None else ""
    remarks = "; ".join(part for part in (place, gap_text(drift), moved, clean(drift.note)) if part)
    lines = [Line(sign=sign, text=_cut(clean(drift.address.short) + (f"  ({remarks})" if remarks else ""), room))]
    fields: list[Line] = []
    for one in drift.fields:
        file = hidden(one.change.after) if one.change.after_hidden else one.change.after
        live = hidden(one.change.before) if one.change.before_hidden else one.change.before
        fields += _diff("  ", clean(one.change.path), file, live, room)
        given = "" if one.given or file is None else "the file leaves it at its default"
        said = "; ".join(
            part for part in (clean(moved_text(one.moved, one.why)), given, clean(one.change.note)) if part
        )
        fields += [Line(sign=REMARK, text=_cut(f"    {said}", room))] if said else []
    return lines + _limited(fields, room)


def field_lines(change: FieldChange, *, room: Room = WHOLE) -> list[Line]:
    """One field's change; what must not be seen is not (S42)."""
    before = hidden(change.before) if change.before_hidden else change.before
    after = hidden(change.after) if change.after_hidden else change.after
    lines = list(_diff("  ", clean(change.path), before, after, room))
    remarks = [*(["forces replacement"] if change.forces_replacement else []), clean(change.note)]
    said = "; ".join(part for part in remarks if part)
    return [*lines, *([Line(sign=REMARK, text=_cut(f"    {said}", room))] if said else [])]


def _diff(indent: str, name: str, before: Json, after: Json, room: Room) -> Iterator[Line]:
    """A value's two sides: maps key by key, lists item by item, texts line by line, all else whole."""
    if is_map(before) and is_map(after):
        for key in sorted({*before, *after}, key=str):
            if not same(before.get(key), after.get(key)):
                yield from _diff(indent, f"{name}.{key_text(key)}", before.get(key), after.get(key), room)
    elif _is_list(before) and _is_list(after) and (_left(before, after) or _left(after, before)):
        yield Line(sign=KEPT, text=f"{indent}{name}:")
        yield from (_item(GONE, indent, one, room) for one in _left(before, after))
        yield from (_item(COME, indent, one, room) for one in _left(after, before))
    elif (is_block(before) or is_block(after)) and all(map(_is_text, (before, after))):
        yield Line(sign=_only(before, after), text=f"{indent}{name}: |")
        yield from _text_lines(indent + "  ", before, after, room)
    else:
        for sign, value in ((GONE, before), (COME, after)):
            if value is not None:
                yield from _side(sign, indent, name, value, room)


def _side(sign: str, indent: str, name: str, value: Json, room: Room) -> Iterator[Line]:
    """One side by itself: on one line, or with its members below it."""
    text = value_text(value)
    if len(text) > _SHORT and is_map(value):
        yield Line(sign=sign, text=f"{indent}{name}:")
        for key, item in value.items():
            yield from _side(sign, indent + "  ", key_text(key), item, room)
    elif len(text) > _SHORT and _is_list(value):
        yield Line(sign=sign, text=f"{indent}{name}:")
        yield from (_item(sign, indent, one, room) for one in value)
    else:
        yield Line(sign=sign, text=f"{indent}{name}: {_cut(text, room)}")


def _item(sign: str, indent: str, value: Json, room: Room) -> Line:
    return Line(sign=sign, text=f"{indent}  - {_cut(value_text(value), room)}")


def _text_lines(indent: str, before: str | None, after: str | None, room: Room) -> Iterator[Line]:
    old = [] if before is None else before.split("\n")
    new = [] if after is None else after.split("\n")
    shown = 0
    for line in itertools.islice(difflib.unified_diff(old, new, lineterm="", n=_CONTEXT), 2, None):
        if shown >= room.text:
            yield Line(sign=REMARK, text=f"{indent}... more lines are not shown")
            return
        if line.startswith("@@"):
            if shown:
                yield Line(sign=KEPT, text=f"{indent}...")
            continue
        shown += 1
        yield Line(sign=line[0], text=_cut(indent + clean(line[1:].expandtabs(4)), room))


def _limited(lines: list[Line], room: Room) -> list[Line]:
    if len(lines) <= room.lines:
        return lines
    more = Line(sign=REMARK, text=f"  ... {len(lines) - room.lines} more lines are not shown")
    return [*lines[: room.lines], more]


def _cut(text: str, room: Room) -> str:
    if len(text) <= room.value:
        return text
    return f"{text[: room.value]}... ({len(text) - room.value} more signs)"


def _is_list(value: Json) -> bool:
    return isinstance(value, list | tuple)


def _is_text(value: Json) -> bool:
    return value is None or (isinstance(value, str) and not isinstance(value, Sensitive))


def _left(items: Json, others: Json) -> list[Json]:
    return [item for item in items if item not in others]


def _only(before: Json, after: Json) -> str:
    return COME if before is None else GONE if after is None else KEPT
