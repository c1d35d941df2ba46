"""Text that knows where each of its characters was written: what a `.yaml.j2` renders to, and the way back. Pure.

A `Traced` text is a row of runs. A run of a template's own text is exact: its characters stand in the template one by
one. A run that an expression gave has one place, that of the expression.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from fcdeploy.diagnostics import Span

# What libyaml takes for the end of a line; lines of a template are counted alike.
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class PartOf(str):
    """The name of a template that was included into a file, whose name is `document`."""

    __slots__ = ("document",)

    document: str

    @classmethod
    def of(cls, name: str, document: str) -> PartOf:
        """The name, with the file that it was rendered for."""
        made = cls(name)
        made.document = document
        return made


class Source:
    """A template's text under the name that messages give to its file."""

    __slots__ = ("_starts", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._starts = line_starts(text)

    def span(self, offset: int) -> Span:
        """The place of a character, by its position from 0."""
        line = bisect_right(self._starts, offset)
        return Span(file=self.name, line=line, column=offset - self._starts[line - 1] + 1)

    def line_span(self, line: int) -> Span:
        """The first character of a line, counted from 1, that is no blank; the last line for one beyond the end."""
        start = self._starts[min(max(line, 1), len(self._starts)) - 1]
        blank = re.compile("[ \t]*").match(self.text, start)
        return self.span(blank.end() if blank else start)


class Run(NamedTuple):
    """Characters that follow each other, and where they come from: `offset` in the source is that of the first."""

    length: int
    source: Source
    offset: int
    exact: bool


class Traced(str):
    """Text with its runs, in order; they cover it all."""

    __slots__ = ("runs",)

    runs: tuple[Run, ...]

    def __new__(cls, text: str, runs: Iterable[Run]) -> Traced:
        """Text of these runs."""
        made = super().__new__(cls, text)
        made.runs = tuple(runs)
        return made

    def cut(self, start: int, end: int) -> Traced:
        """The characters from `start` up to `end`."""
        found: list[Run] = []
        at = 0
        for run in self.runs:
            first, last = max(start - at, 0), min(end - at, run.length)
            if first < last:
                found.append(run._replace(length=last - first, offset=run.offset + first if run.exact else run.offset))
            at += run.length
            if at >= end:
                break
        return Traced(self[start:end], found)

    def stripped(self) -> Traced:
        """The text without white space at both ends."""
        start = len(self) - len(self.lstrip())
        return self.cut(start, max(len(self.rstrip()), start))

    def indented(self, width: int, *, first: bool) -> Traced:
        """The text with blanks before each line but the first, unless asked for; none before an empty line."""
        pieces: list[str] = []
        at = 0
        for number, line in enumerate(self.split("\n")):
            end = at + len(line)
            if number:
                pieces.append(self.cut(at - 1, at))
            piece = self.cut(at, end)
            if (number or first) and line:
                pieces.append(Traced(" " * width, (piece.runs[0]._replace(length=width, exact=False),)))
            pieces.append(piece)
            at = end + 1
        return together(pieces)


def together(pieces: Iterable[str], otherwise: Run | None = None) -> Traced:
    """The pieces as one text. Plain ones have the place of `otherwise`; they may not occur without it."""
    found = list(pieces)
    runs: list[Run] = []
    for piece in found:
        if isinstance(piece, Traced):
            runs += piece.runs
        elif piece:
            assert otherwise is not None
            runs.append(otherwise._replace(length=len(piece), exact=False))
    return Traced("".join(found), runs)


class Trace:
    """From a place in a rendered text, as YAML counts it, to the template."""

    def __init__(self, text: Traced, document: str) -> None:
        """`document` is the name of the file that was rendered."""
        self._document = document
        self._names: dict[str, str] = {document: document}
        self._lines = line_starts(text)
        self._runs = [run for run in text.runs if run.length]
        self._length = len(text)
        self._starts: list[int] = []
        at = 0
        for run in self._runs:
            self._starts.append(at)
            at += run.length

    def span(self, line: int, column: int) -> Span:
        """Where the character at a line and column, from 1, is written. The end is where the last character is."""
        offset = self._offset(line, column)
        if not self._runs:
            return Span(file=self._document, line=1, column=1)
        at = max(bisect_right(self._starts, offset) - 1, 0)
        run = self._runs[at]
        span = run.source.span(run.offset + min(offset - self._starts[at], run.length) if run.exact else run.offset)
        if span.file == self._document:
            return span
        name = self._names.setdefault(span.file, PartOf.of(span.file, self._document))
        return Span(file=name, line=span.line, column=span.column)

    def is_written(self, start: tuple[int, int], end: tuple[int, int]) -> bool:
        """Whether every character between two places, the second left out, is text of a template as it stands there."""
        first, last = self._offset(*start), self._offset(*end)
        at = max(bisect_right(self._starts, first) - 1, 0)
        while at < len(self._runs) and self._starts[at] < last:
            if not self._runs[at].exact:
                return False
            at += 1
        return True

    def is_one_piece(self, start: tuple[int, int], end: tuple[int, int]) -> bool:
        """Whether what stands between two places stands in one row in a template, too."""
        first, last = self._offset(*start), self._offset(*end)
        at = max(bisect_right(self._starts, first) - 1, 0)
        return bool(self._runs) and self._runs[at].exact and last <= self._starts[at] + self._runs[at].length

    def _offset(self, line: int, column: int) -> int:
        if line > len(self._lines):
            return self._length
        return min(self._lines[line - 1] + column - 1, self._length)


def line_starts(text: str) -> list[int]:
    """The position of the first character of each line."""
    return [0, *(found.end() for found in _BREAK.finditer(text))]
