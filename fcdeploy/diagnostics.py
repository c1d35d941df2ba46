"""Diagnostics: what a person is told about a spec, a plan or a run, with its place and a way out."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct


class Severity(enum.StrEnum):
    """How bad a finding is; errors stop the target, warnings are shown."""

    ERROR = "error"
    WARNING = "warning"


class Span(Struct, frozen=True, kw_only=True, order=True):
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def nearest_span(spans: Mapping[str, Span], dotted: str, otherwise: Span | None) -> Span | None:
    """The place of what a dotted path leads to, or of the nearest above it that has one."""
    while dotted:
        found = spans.get(dotted)
        if found is not None:
            return found
        dotted = dotted.rpartition(".")[0]
    return otherwise


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One finding.

    `summary` is a short statement without a full stop, `detail` says what was found and expected, `hint` says what
    to do. `path` is the place inside the spec (`services.images.functions.resize.memorySize`), `address` the
    resource in its printed form. `rule` names the policy that it breaks, `policy/NAME` or one that is built in,
    `builtin/NAME`; empty where none is.
    """

    severity: Severity
    summary: str
    detail: str = ""
    hint: str = ""
    span: Span | None = None
    path: str = ""
    address: str = ""
    rule: str = ""

    def sort_key(self) -> tuple[str, int, int, str, str, str, str]:
        """Order by place in the file, then path, text and address; findings without a place come last."""
        said = (self.path, self.summary, self.detail, self.address)
        if self.span is None:
            return ("\U0010ffff", 0, 0, *said)
        return (self.span.file, self.span.line, self.span.column, *said)

    def to_json(self) -> dict[str, Any]:
        """The finding as a JSON object; empty parts are left out."""
        found: dict[str, Any] = {"severity": self.severity.value, "summary": self.summary}
        for name in ("detail", "hint", "path", "address", "rule"):
            value = getattr(self, name)
            if value:
                found[name] = value
        if self.span is not None:
            found |= {"file": self.span.file, "line": self.span.line, "column": self.span.column}
        return found

    def __str__(self) -> str:
        place = f"{self.span}: " if self.span else ""
        where = self.path or self.address
        lines = [f"{place}{self.severity.value}: {self.summary}" + (f" [{where}]" if where else "")]
        if self.detail:
            lines += [f"    {line}" for line in self.detail.splitlines()]
        if self.hint:
            first, *rest = self.hint.splitlines()
            lines += [f"    hint: {first}", *(f"          {line}" for line in rest)]
        return "\n".join(lines)


def error(summary: str, **parts: Any) -> Diagnostic:
    """A finding that stops the target."""
    return Diagnostic(severity=Severity.ERROR, summary=summary, **parts)


def warning(summary: str, **parts: Any) -> Diagnostic:
    """A finding that is shown and goes no further."""
    return Diagnostic(severity=Severity.WARNING, summary=summary, **parts)


def in_order(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings sorted by place, each once."""
    return tuple(sorted(dict.fromkeys(found), key=Diagnostic.sort_key))


def has_errors(found: Iterable[Diagnostic]) -> bool:
    """Whether any finding stops the target."""
    return any(one.severity is Severity.ERROR for one in found)


_NAMED = 12


def named(names: Iterable[str], most: int = _NAMED) -> str:
    """`dev, prod`, the first few and how many more there are: a list of names that stays a line or two."""
    every = [*names]
    if len(every) <= most:
        return ", ".join(every)
    return f"{', '.join(every[: most - 1])} and {len(every) - most + 1} more"


_SHORT, _NEAR, _NEAR_SHORT = 8, 0.6, 0.65


_BEGINNING = 4
"""Letters from which the beginning of exactly one name is taken for that name."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean `memorySize`?` for the nearest known name, or an empty string.

    Names that differ only in case or in `_`/`-` count as near. A short word must share more of its letters: in a few
    letters a few common ones say nothing (`layers` is not `vars`).
    """
    return _nearest(word, tuple(sorted(known)))


@lru_cache(maxsize=1024)
def _nearest(word: str, names: tuple[str, ...]) -> str:
    # A name that is wrong once is often wrong a thousand times, and comparing takes a millisecond.
    folded = {name.lower().replace("_", "").replace("-", ""): name for name in names}
    same = folded.get(word.lower().replace("_", "").replace("-", ""))
    if same is None and len(word) >= _BEGINNING:
        begun = [name for key, name in sorted(folded.items()) if key.startswith(word.lower())]
        same = begun[0] if len(begun) == 1 else None
    if same is None:
        close = difflib.get_close_matches(word, names, n=1, cutoff=_NEAR if len(word) > _SHORT else _NEAR_SHORT)
        same = close[0] if close else None
    return f"did you mean `{same}`?" if same is not None and same != word else ""
