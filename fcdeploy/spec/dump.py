"""A tree -> YAML text that `loader` and `template` read back as the same tree. Pure.

Block style, keys in their given order, comments where the tree has them. All text is meant literally: what would be a
template is escaped, so that only an `Expression` is evaluated (S2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import yaml
from msgspec import Struct

from fcdeploy.model import Json
from fcdeploy.spec.node import TEMPLATE_START
from fcdeploy.spec.scalars import plain_scalar

_PLAIN = re.compile(r"[A-Za-z0-9_./$](?:[-A-Za-z0-9_./@+*=~^(){}\[\]$' ?,;%&!]|:(?=[^ ]))*(?<![ :])")
# Words and numbers of YAML 1.1: text to us, but not to every tool that may read the file.
_OTHERS = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null|[-+]?[0-9][0-9_]*(?:[.:][0-9_:.]*)?|[0-9]{4}-[0-9].*")
_ESCAPED = f"${{{{ '{TEMPLATE_START}' }}}}"
_INDENT = "  "
_LONGEST_PLAIN = 200


class Expression(Struct, frozen=True, kw_only=True):
    """A template that is the whole value: `secret('X')`."""

    text: str


class Template(Struct, frozen=True, kw_only=True):
    """Text that holds templates, as it stands in a file."""

    text: str


class Remarked(Struct, frozen=True, kw_only=True):
    """A value with lines of comment above its key, and a note at the end of its first line."""

    value: Json | Expression
    remarks: tuple[str, ...]
    note: str = ""


def to_yaml(tree: Mapping[str, Json], *, head: tuple[str, ...] = ()) -> str:
    """The text of a whole file; `head` are lines of comment at its top. Raises ValueError for what JSON cannot hold."""
    lines = [*_comments(head, ""), *_map(tree, "")]
    return "\n".join(lines) + "\n"


def literal(text: str) -> str:
    """Text whose template value is the given text."""
    return text.replace(TEMPLATE_START, _ESCAPED)


def scalar(value: Json) -> str:
    """One scalar as it stands in a block map."""
    match value:
        case Expression():
            return f"${{{{ {value.text} }}}}"
        case Template():
            return _quoted(value.text)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case str():
            return _text(literal(value))
    raise ValueError(f"a spec cannot hold a {type(value).__name__}")


def _map(tree: Mapping[str, Json], indent: str) -> Iterator[str]:
    for key, item in tree.items():
        value, remarks, note = _opened(item)
        yield from _comments(remarks, indent)
        word = scalar(key)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{word}:{note}"
            yield from _map(value, indent + _INDENT)
        elif isinstance(value, list) and value:
            yield f"{indent}{word}:{note}"
            yield from _list(value, indent + _INDENT)
        else:
            yield f"{indent}{word}: {_leaf(value)}{note}"


def _list(items: list[Json], indent: str) -> Iterator[str]:
    for one in items:
        item, _, note = _opened(one)
        if isinstance(item, Mapping) and item:
            first, *rest = _map(item, indent + _INDENT)
            yield f"{indent}- {first.removeprefix(indent + _INDENT)}"
            yield from rest
        elif isinstance(item, list) and item:
            first, *rest = _list(item, indent + _INDENT)
            yield f"{indent}- {first.removeprefix(indent + _INDENT)}"
            yield from rest
        else:
            yield f"{indent}- {_leaf(item)}{note}"


def _opened(item: Json) -> tuple[Json, tuple[str, ...], str]:
    """A value, its comments, and its note as it stands at the end of a line."""
    if not isinstance(item, Remarked):
        return item, (), ""
    return item.value, item.remarks, f"  # {' '.join(item.note.split())}" if item.note else ""


def _leaf(value: Json) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list):
        return "[]"
    return scalar(value)


def _comments(lines: tuple[str, ...], indent: str) -> Iterator[str]:
    for line in lines:
        # What a comment quotes must not end it.
        yield f"{indent}# {' '.join(line.split())}".rstrip()


def _number(value: int | float) -> str:
    text = repr(value)
    if plain_scalar(text) != value:
        raise ValueError(f"a spec cannot hold {text}")
    return text


def _text(text: str) -> str:
    is_word = len(text) <= _LONGEST_PLAIN and _PLAIN.fullmatch(text) and not _OTHERS.fullmatch(text)
    if is_word and TEMPLATE_START not in text and _stays_text(text):
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    if text.isprintable():
        if '"' not in text and "\\" not in text:
            return f'"{text}"'
        return "'" + text.replace("'", "''") + "'"
    written: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf"))
    return written.rstrip("\n")


def _stays_text(text: str) -> bool:
    try:
        return isinstance(plain_scalar(text), str)
    except ValueError:
        return False
