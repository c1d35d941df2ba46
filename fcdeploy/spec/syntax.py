"""What to say where libyaml stumbles: the hint that fits the line. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

import yaml

from fcdeploy.diagnostics import Diagnostic, Span, error
from fcdeploy.spec.node import TEMPLATE_START

QUOTE = 'quote the template: "${{ … }}"'

Place = Callable[[int, int], Span]
"""Where a line and a column of the text, from 1, are written."""

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def span_of_index(text: str, index: int, place: Place) -> Span:
    """The place of a character by its position from 0."""
    before = _BREAK.split(text[:index])
    return place(len(before), len(before[-1]) + 1)


def syntax_error(problem: yaml.YAMLError, text: str, place: Place) -> Diagnostic:
    """What libyaml found, with the hint that fits the line where it stumbled."""
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    start, context = getattr(problem, "context_mark", None), getattr(problem, "context", None)
    what = getattr(problem, "problem", None) or context or str(problem)
    if mark is None:
        return error(f"not valid YAML: {what}", span=place(1, 1))
    lines = _BREAK.split(text)
    line = lines[mark.line] if mark.line < len(lines) else ""
    detail = ""
    if start is not None and context not in (None, "while scanning for the next token"):
        began = place(start.line + 1, start.column + 1)
        detail = f"{context} that begins at line {began.line}, column {began.column}"
    hint = ""
    if "\t" in line[: mark.column + 1] and not line[: mark.column].strip():
        hint = "YAML indents with spaces; replace the tab"
    elif _has_bare_template(line, mark.column):
        hint = QUOTE
    elif "mapping values are not allowed" in what:
        hint = "quote the text if it holds `: `; otherwise check the indentation"
    elif "did not find expected key" in what:
        hint = "check the indentation of this line"
    elif "cannot start any token" in what and line[mark.column : mark.column + 1] in ("@", "`", "%"):
        hint = f"quote text that begins with `{line[mark.column]}`"
    elif "undefined alias" in what:
        hint = "an anchor (`&name`) must stand before its alias (`*name`)"
    return error(f"not valid YAML: {what}", detail=detail, hint=hint, span=place(mark.line + 1, mark.column + 1))


def _has_bare_template(line: str, column: int) -> bool:
    """Whether the template nearest before a column, or the first of the line, stands outside quotes."""
    start = line.rfind(TEMPLATE_START, 0, column + len(TEMPLATE_START))
    if start < 0:
        start = line.find(TEMPLATE_START)
    before = line[: max(start, 0)]
    return start >= 0 and before.count('"') % 2 == 0 and before.count("'") % 2 == 0
