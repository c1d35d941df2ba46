"""Where the templates are in a text: `a-${{ vars.b }}` is the text `a-` and the expression `vars.b`."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from fcdeploy.spec.node import TEMPLATE_START
from fcdeploy.spec.values import TemplateFault

_OPEN = {"{": "}", "[": "]", "(": ")"}


class Expression(Struct, frozen=True, kw_only=True):
    """The inside of one `${{ }}`; `offset` is where its `$` stands in the text."""

    text: str
    offset: int


_SHORT = 1000


def pieces(text: str) -> tuple[str | Expression, ...]:
    """The text cut at its templates, in order; plain pieces are never empty. Raises Unclosed.

    The end is the first `}}` outside quotes and brackets, so `${{ {'a': {'b': 1}} }}` is one expression.
    """
    return _cut_once(text) if len(text) <= _SHORT else _cut(text)


def _cut(text: str) -> tuple[str | Expression, ...]:
    found: list[str | Expression] = []
    at = 0
    while (start := text.find(TEMPLATE_START, at)) >= 0:
        if start > at:
            found.append(text[at:start])
        end = _end_of(text, start)
        found.append(Expression(text=text[start + len(TEMPLATE_START) : end], offset=start))
        at = end + 2
    if at < len(text) or not found:
        found.append(text[at:])
    return tuple(found)


_cut_once = lru_cache(maxsize=4096)(_cut)


class Unclosed(TemplateFault):
    """A `${{` without its `}}`."""

    def __init__(self, offset: int) -> None:
        super().__init__("`${{` without `}}`", 'close it, or quote the whole value: "${{ … }}"')
        self.offset = offset


def _end_of(text: str, start: int) -> int:
    awaited: list[str] = []
    at = start + len(TEMPLATE_START)
    while at < len(text):
        character = text[at]
        if character in "'\"":
            at = _end_of_string(text, at)
            if at < 0:
                break
        elif character in _OPEN:
            awaited.append(_OPEN[character])
        elif awaited and character == awaited[-1]:
            awaited.pop()
        elif character == "}" and text.startswith("}}", at):
            # Also inside an unclosed bracket: the expression's own error says more than "no end".
            return at
        at += 1
    raise Unclosed(start)


def _end_of_string(text: str, start: int) -> int:
    at = start + 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == text[start]:
            return at
        at += 1
    return -1
