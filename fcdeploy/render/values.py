"""One field's change as lines: values compact where they fit, key by key where they do not. Pure.

Values print as YAML's flow style does, strings always in quotes: `512` is a number and `"512"` a text.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from json.encoder import encode_basestring

from fcdeploy.model import Action, ArchiveRef, FieldChange, Json, LaterJson, LaterText, Output, Sensitive, checksum_text
from fcdeploy.render.ink import PLAIN, Ink, Role
from fcdeploy.render.words import SENSITIVE, WIDTH, chopped, clean, columns, counted, folded, size_text

NOT_SET = "(not set)"
AFTER_APPLY = "(known after apply)"

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_CONTEXT = 2
_ON_ONE_LINE = frozenset({int, float, bool})
_DIFF_SIGNS = {"+": Action.CREATE, "-": Action.DELETE}


class _Hidden:
    """Stands for a value that must not be seen. No two are equal: whether hidden values differ is not ours to know."""


def hidden(value: Json) -> Json:
    """The value with every leaf hidden; the keys of maps and the number of items stay to be seen."""
    match value:
        case None:
            return None
        case Mapping() if value:
            return {key: hidden(item) for key, item in value.items()}
        case list() | tuple() if value:
            return [hidden(item) for item in value]
        case _:
            return _Hidden()


def value_text(value: Json) -> str:
    """Any value on one line, safe to print."""
    if type(value) is str:  # most values; the checks below cost more
        text = encode_basestring(value)
        return SENSITIVE if value == SENSITIVE else text if text.isprintable() else clean(text)
    if type(value) is int:
        return str(value)
    match value:
        case None:
            return "null"
        case _Hidden():
            return SENSITIVE
        case str() if is_hidden_text(value):
            return SENSITIVE
        case Output() | LaterText() | LaterJson():
            return AFTER_APPLY
        case ArchiveRef():
            return f"archive of {size_text(value.size)}"
        case bool():
            return "true" if value else "false"
        case str():
            return clean(encode_basestring(value))
        case int() | float():
            return str(value)
        case {"checksum": str(checksum)} if len(value) == 1:
            return clean(checksum_text(checksum))
        case Mapping():
            return "{" + ", ".join(f"{key_text(key)}: {value_text(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(value_text(item) for item in value) + "]"
        case _:
            raise TypeError(f"not a value of a plan: {type(value).__name__}")


def value_pieces(value: Json) -> list[str]:
    """`value_text` in pieces between which a line may end: one a member. With a blank between any two it is whole."""
    match value:
        case Mapping() if value and tuple(value) != ("checksum",):
            members = [_prefixed(f"{key_text(key)}: ", value_pieces(item)) for key, item in value.items()]
            return _enclosed("{", members, "}")
        case list() | tuple() if value:
            return _enclosed("[", [value_pieces(item) for item in value], "]")
        case _:
            return [value_text(value)]


def _prefixed(prefix: str, pieces: list[str]) -> list[str]:
    return [prefix + pieces[0], *pieces[1:]]


def _enclosed(start: str, members: list[list[str]], end: str) -> list[str]:
    last = len(members) - 1
    ended = [[*pieces[:-1], pieces[-1] + (end if place == last else ",")] for place, pieces in enumerate(members)]
    return _prefixed(start, [piece for pieces in ended for piece in pieces])


def is_hidden_text(value: Json) -> bool:
    """Whether a leaf is a secret, or what the redaction has put in its place."""
    return isinstance(value, Sensitive) or (isinstance(value, str) and value == SENSITIVE)


def key_text(key: str | Output) -> str:
    """A map's key as YAML shows it: bare where that is safe, in quotes else."""
    if isinstance(key, Sensitive):
        return SENSITIVE
    if isinstance(key, Output):
        return AFTER_APPLY
    return key if _BARE.match(key) else clean(encode_basestring(key))


def field_lines(change: FieldChange, *, indent: str, ink: Ink = PLAIN, place: str = "") -> list[str]:
    """A field's change: what it was, what it becomes, what that means, and `place` where it is said."""
    before = hidden(change.before) if change.before_hidden else change.before
    after = hidden(change.after) if change.after_hidden else change.after
    lines = _changed_lines(clean(change.path), before, after, indent, ink)
    if place or change.forces_replacement:
        remarks = [remark for remark in (place, "forces replacement" if change.forces_replacement else "") if remark]
        tail = f"  ({', '.join(remarks)})"
        # Escape codes take no columns, so the room is measured on the unpainted line.
        bare = _changed_lines(clean(change.path), before, after, indent, PLAIN)[0]
        role = Role.REPLACE if change.forces_replacement else Role.FAINT
        if columns(bare) + len(tail) <= WIDTH:
            lines[0] += ink(tail, role)
        else:
            lines.append(f"{indent}    {ink(tail.strip(), role)}")
    if change.note:
        lines += folded(clean(change.note), first=f"{indent}    ", rest=f"{indent}    ")
    return lines


def _changed_lines(name: str, before: Json, after: Json, indent: str, ink: Ink) -> list[str]:
    # Most changes of a large plan give a field its first value, which stands on one line.
    plain = before is None and (type(after) in _ON_ONE_LINE or (type(after) is str and "\n" not in after))
    short = value_text(after) if plain else _short(before, after)
    head = f"{indent}{ink.glyph(Action.CREATE if plain else _action(before, after))} {name}:"
    if short and len(indent) + columns(name + short) + 4 <= WIDTH:
        return [f"{head} {short}"]
    deeper = indent + "    "
    if is_map(before) or is_map(after):
        lines = _map_lines(before, after, deeper, ink)
    elif isinstance(before, list | tuple) or isinstance(after, list | tuple):
        lines = _list_lines(before, after, deeper, ink)
    elif is_block(before) or is_block(after):
        lines = _text_lines(before, after, deeper, ink)
    else:
        lines = []
    return [head, *(lines or _both_sides(before, after, deeper, ink))]


def _action(before: Json, after: Json) -> Action:
    if before is None:
        return Action.CREATE
    return Action.DELETE if after is None else Action.UPDATE


def _short(before: Json, after: Json) -> str:
    """The change on one line; empty where lines of its own say it better."""
    if is_block(before) or is_block(after):
        return ""
    if before is None:
        return "" if is_map(after) and len(after) > 1 else value_text(after)
    if after is None:
        return "" if is_map(before) and len(before) > 1 else f"{value_text(before)} -> {NOT_SET}"
    return "" if is_map(before) and is_map(after) else f"{value_text(before)} -> {value_text(after)}"


def is_block(value: Json) -> bool:
    """Whether a value is a text of several lines."""
    return type(value) is str and "\n" in value.strip("\n")


def is_map(value: Json) -> bool:
    """Whether a value has keys of its own; a code's checksum has not."""
    if value is None or isinstance(value, (str, int)):  # most values; the check below costs more
        return False
    return isinstance(value, (dict, Mapping)) and (len(value) != 1 or "checksum" not in value)


def _map_lines(before: Json, after: Json, indent: str, ink: Ink) -> list[str]:
    """Key by key; nothing when one side is no map at all."""
    if before is None and type(after) is dict and is_map(after):  # nothing to compare with
        return [
            line
            for key in sorted(after)
            if after[key] is not None
            for line in _changed_lines(key_text(key), None, after[key], indent, ink)
        ]
    if not all(value is None or is_map(value) for value in (before, after)):
        return []
    old, new = before or {}, after or {}
    lines: list[str] = []
    for key in sorted({*old, *new}):
        if not same(old.get(key), new.get(key)):
            lines += _changed_lines(key_text(key), old.get(key), new.get(key), indent, ink)
    return lines


def same(old: Json, new: Json) -> bool:
    """Whether two values are equal, and of one type: `1` is not `true`. Hidden ones never are."""
    return type(old) is type(new) and bool(old == new)


def _list_lines(before: Json, after: Json, indent: str, ink: Ink) -> list[str]:
    """The items that go and come; nothing when a side is no list, or when only the order differs."""
    if not all(value is None or isinstance(value, list | tuple) for value in (before, after)):
        return []
    old, new = before or (), after or ()
    gone = [item for item in old if item not in new]
    come = [item for item in new if item not in old]
    if not gone and not come:
        return [
            line
            for items, action in ((old, Action.DELETE), (new, Action.CREATE))
            for line in _items(items, action, indent, ink)
        ]
    stay = len(old) - len(gone)
    kept = [f"{indent}  " + ink(f"({counted(stay, 'item')} unchanged)", Role.FAINT)] if stay else []
    return [*_items(gone, Action.DELETE, indent, ink), *_items(come, Action.CREATE, indent, ink), *kept]


def _items(items: Iterable[Json], action: Action, indent: str, ink: Ink) -> Iterator[str]:
    for item in items:
        yield from _side_lines(item, action, indent, ink)


def _both_sides(before: Json, after: Json, indent: str, ink: Ink) -> list[str]:
    sides = ((before, Action.DELETE), (after, Action.CREATE))
    return [line for value, action in sides if value is not None for line in _side_lines(value, action, indent, ink)]


def _side_lines(value: Json, action: Action, indent: str, ink: Ink) -> list[str]:
    first, *rest = folded_pieces(value_pieces(value), indent=indent + "  ")
    return [f"{indent}{ink.glyph(action)} {first[len(indent) + 2 :]}", *rest]


def folded_pieces(pieces: Iterable[str], *, indent: str) -> list[str]:
    """Lines of whole pieces; one that fills more than a line of its own is cut, and what follows begins afresh."""
    lines: list[str] = []
    room = False
    for piece in pieces:
        if room and columns(lines[-1]) + 1 + columns(piece) <= WIDTH:
            lines[-1] += f" {piece}"
            continue
        cut = chopped(piece, first=indent, rest=indent)
        lines += cut
        room = len(cut) == 1
    return lines


def _text_lines(before: Json, after: Json, indent: str, ink: Ink) -> list[str]:
    """Texts of several lines, as a diff with a little around it; nothing when a side is no plain text."""
    if not all(
        value is None or (isinstance(value, str) and not isinstance(value, Sensitive)) for value in (before, after)
    ):
        return []
    old = [] if before is None else before.split("\n")
    new = [] if after is None else after.split("\n")
    lines: list[str] = []
    for line in list(difflib.unified_diff(old, new, lineterm="", n=_CONTEXT))[2:]:
        if line.startswith("@@"):
            if lines:
                lines.append(f"{indent}{ink('...', Role.FAINT)}")
            continue
        sign, text = line[0], clean(line[1:].expandtabs(4))
        painted = ink.glyph(_DIFF_SIGNS[sign]) if sign in _DIFF_SIGNS else " "
        first, *rest = chopped(text, first=indent + "  ", rest=indent + "  ")
        lines += [f"{indent}{painted} {first[len(indent) + 2 :]}" if text else f"{indent}{painted}".rstrip(), *rest]
    return lines
