"""Diagnostics as text: where, what, the line itself, what was found, and the way out. Pure: the lines are handed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fcdeploy.diagnostics import Diagnostic, Severity
from fcdeploy.render.ink import PLAIN, Ink, Role
from fcdeploy.render.words import WIDTH, clean, columns, counted, paragraphs

Sources = Mapping[str, Sequence[str]]
"""The lines of the files that findings point into, by the name that their spans give."""

_INDENT = "    "
_CUT = "..."


def findings_text(found: Iterable[Diagnostic], *, sources: Sources | None = None, ink: Ink = PLAIN) -> str:
    """Every finding, in the order given, a blank line between two; empty when there are none."""
    return "\n".join(finding_text(one, sources=sources or {}, ink=ink) for one in found)


def finding_text(one: Diagnostic, *, sources: Sources, ink: Ink = PLAIN) -> str:
    """One finding; its first line is `file:line:column: error: …`, as editors and CI annotators expect it."""
    role = Role.ERROR if one.severity is Severity.ERROR else Role.WARNING
    place = f"{clean(str(one.span))}: " if one.span else ""
    about = clean(one.path or one.address)
    lines = [f"{place}{ink(f'{one.severity.value}:', role)} {clean(one.summary)}" + (f" [{about}]" if about else "")]
    lines += _excerpt(one, sources, ink, role)
    if one.detail:
        lines += paragraphs(one.detail, indent=_INDENT)
    if one.hint:
        label = f"{_INDENT}hint: "
        first, *rest = paragraphs(one.hint, indent=" " * len(label))
        lines += [f"{_INDENT}{ink('hint:', Role.HINT)} {first.lstrip()}", *rest]
    return "\n".join(lines) + "\n"


def tally(found: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`, or an empty string."""
    by = [one.severity for one in found]
    parts = [(by.count(Severity.ERROR), "error"), (by.count(Severity.WARNING), "warning")]
    return ", ".join(counted(number, word) for number, word in parts if number)


def _excerpt(one: Diagnostic, sources: Sources, ink: Ink, role: Role) -> list[str]:
    """The line that the finding is about, with a caret below; nothing when it is not at hand."""
    span = one.span
    if span is None or span.file not in sources or not 1 <= span.line <= len(sources[span.file]):
        return []
    raw = sources[span.file][span.line - 1].rstrip("\r\n")
    if not raw.strip():
        return []
    before = clean(raw[: span.column - 1].expandtabs(4))
    text = before + clean(raw[span.column - 1 :].expandtabs(4))
    gutter = f"{_INDENT}{span.line} | "
    shown, caret = _window(text, len(before), WIDTH - len(gutter))
    blank = " " * (len(gutter) - 2) + "| "
    return [
        f"{ink(gutter, Role.FAINT)}{shown}".rstrip(),
        f"{ink(blank, Role.FAINT)}{' ' * columns(shown[:caret])}{ink('^', role)}",
    ]


def _window(text: str, caret: int, room: int) -> tuple[str, int]:
    """The part of a long line around the caret, and where the caret stands in it."""
    if columns(text) <= room:
        return text, caret
    # A third of the room before the caret: it is seen even where every character before it is a wide one.
    start = max(0, caret - room // 3)
    left = _CUT if start else ""
    cut = left + text[start + len(left) :]
    if columns(cut) > room:
        while columns(cut) > room - len(_CUT):
            cut = cut[:-1]
        cut += _CUT
    return cut, caret - start
