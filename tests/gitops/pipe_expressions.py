"""The expressions of GitHub's workflows, as far as the examples use them: `a.b == 'c' && !always() || ''`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z_][\w.-]*)|(?P<sign>==|!=|&&|\|\||[!()]))")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.S)
_WORDS = {"true": True, "false": False, "null": None}

Statuses = Mapping[str, Callable[[], bool]]
"""always, success, failure and cancelled, as they are where the expression stands."""


class _Reader:
    def __init__(self, text: str, contexts: Mapping[str, Any], statuses: Statuses) -> None:
        self._contexts = contexts
        self._statuses = statuses
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            assert found is not None, f"no expression: {text!r}"
            self._tokens.append((str(found.lastgroup), str(found[str(found.lastgroup)])))
            at = found.end()

    def value(self) -> Any:
        made = self._any()
        assert not self._tokens, f"left over: {self._tokens}"
        return made

    def _next(self, *signs: str) -> str | None:
        if self._tokens and self._tokens[0][0] == "sign" and self._tokens[0][1] in signs:
            return self._tokens.pop(0)[1]
        return None

    def _any(self) -> Any:
        made = self._all()
        while self._next("||"):
            other = self._all()
            made = made if _holds(made) else other
        return made

    def _all(self) -> Any:
        made = self._equal()
        while self._next("&&"):
            other = self._equal()
            made = other if _holds(made) else made
        return made

    def _equal(self) -> Any:
        made = self._one()
        while sign := self._next("==", "!="):
            made = _same(made, self._one()) is (sign == "==")
        return made

    def _one(self) -> Any:
        if self._next("!"):
            return not _holds(self._one())
        if self._next("("):
            made = self._any()
            assert self._next(")")
            return made
        kind, token = self._tokens.pop(0)
        if kind == "text":
            return token[1:-1].replace("''", "'")
        assert kind == "word", token
        if self._next("("):
            assert self._next(")")
            return self._statuses[token]()
        if token in _WORDS:
            return _WORDS[token]
        first, *rest = token.split(".")
        found: Any = self._contexts[first]
        for name in rest:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found


def _holds(value: Any) -> bool:
    return value not in (None, False, "", 0)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    # Of different types: both as numbers, where nothing and the empty text are 0.
    return one == other or (not _holds(one) and not _holds(other))


def evaluated(text: str, contexts: Mapping[str, Any], statuses: Statuses) -> Any:
    """The value of one expression, written with or without its braces."""
    whole = _EXPRESSION.fullmatch(text.strip())
    return _Reader(whole[1] if whole else text, contexts, statuses).value()


def filled(text: Any, contexts: Mapping[str, Any], statuses: Statuses) -> str:
    """A text with the values of its expressions."""

    def value(found: re.Match[str]) -> str:
        made = _Reader(found[1], contexts, statuses).value()
        return "" if made is None else str(made).lower() if isinstance(made, bool) else str(made)

    return _EXPRESSION.sub(value, str(text).lower() if isinstance(text, bool) else str(text))


def runs(condition: str | None, contexts: Mapping[str, Any], statuses: Statuses) -> bool:
    """Whether a step with this `if` runs: without a function of the status it needs success besides."""
    text = "success()" if condition is None else str(condition)
    if not re.search(r"\b(always|success|failure|cancelled)\(\)", text):
        text = f"success() && ({_EXPRESSION.sub(lambda found: found[1], text)})"
    return _holds(evaluated(text, contexts, statuses))


def expressions(text: str) -> list[str]:
    """Every expression of a text, without its braces."""
    return [one.strip() for one in _EXPRESSION.findall(text)]
