"""Words for people: safe text, folded lines, sizes, times and counts. Pure.

Text that comes from a cloud or a file may hold anything, also what drives a terminal. `clean` is applied to all of it.
"""

from __future__ import annotations

import shlex
import textwrap
import unicodedata
from collections.abc import Sequence

from fcdeploy.model import Sensitive

WIDTH = 80
"""Columns that every text fits in, on a terminal and in a log alike: the same input gives the same bytes."""

SENSITIVE = "(sensitive)"

_SIZES = ("kB", "MB", "GB", "TB")


def clean(text: str) -> str:
    """The text with every control and invisible character written as an escape (`\\x1b`, `\\u202e`).

    What Python calls printable may stay: that leaves out controls (also C1), characters that are invisible or change
    the direction, odd blanks and line ends, and surrogates. None of them may act, and none may hide a difference.
    """
    if type(text) is str and text.isprintable():
        return text
    if isinstance(text, Sensitive):
        return SENSITIVE
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)


def clean_lines(text: str) -> list[str]:
    """Text that may have lines of its own (a detail, a hint), each line clean; tabs become blanks."""
    if isinstance(text, Sensitive):
        return [SENSITIVE]
    return [clean(line.expandtabs(4).rstrip()) for line in text.replace("\r\n", "\n").split("\n")]


def _escaped(sign: str) -> str:
    match sign:
        case "\n":
            return "\\n"
        case "\t":
            return "\\t"
        case "\r":
            return "\\r"
    code = ord(sign)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def columns(text: str) -> int:
    """How many terminal columns the text takes: wide East Asian characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def folded(text: str, *, first: str = "", rest: str = "", width: int = WIDTH) -> list[str]:
    """Prose wrapped at blanks; `first` and `rest` begin the first and the later lines. Words are never cut."""
    wrapper = textwrap.TextWrapper(
        width=width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.wrap(text) or [first.rstrip()]


def chopped(text: str, *, first: str = "", rest: str = "", width: int = WIDTH) -> list[str]:
    """Text of which every character counts (a value), cut at the width whatever stands there."""
    lines: list[str] = []
    line, room = first, width - columns(first)
    for sign in text:
        wide = columns(sign)
        if wide > room and line not in (first, rest):
            lines.append(line)
            line, room = rest, width - columns(rest)
        line += sign
        room -= wide
    lines.append(line)
    return lines


def paragraphs(text: str, *, indent: str, width: int = WIDTH) -> list[str]:
    """Foreign prose, line by line clean, folded and indented; a line's own indentation stays.

    A line that is a command of ours stays whole: it is there to be copied.
    """
    lines: list[str] = []
    for line in clean_lines(text):
        if line.startswith("fcdeploy "):
            lines.append(indent + line)
            continue
        own = line[: len(line) - len(line.lstrip())]
        lines += folded(line.strip(), first=indent + own, rest=indent + own, width=width) if line else [""]
    return lines


def counted(number: int, one: str, many: str = "") -> str:
    """`1 step`, `3 steps`, `2 aliases`."""
    return f"{number} {one if number == 1 else many or one + ('es' if one.endswith('s') else 's')}"


def command_line(command: str, flags: Sequence[str] = (), *, target: str = "") -> str:
    """A command that can be copied into a shell; `flags` are the words of the options that the caller gave."""
    words = ["fcdeploy", *command.split(), *flags, *(("--target", target) if target else ())]
    return clean(shlex.join(words))


def ways_on(undoing: bool, inverse: bool) -> tuple[tuple[str, str], tuple[str, str]]:
    """How a run that has not ended is brought to an end: what for, and the command.

    `undoing`: some of it is undone already, and half of a way back is no place to go forward from. `inverse`: the run
    takes an earlier one back, and nothing takes that back.
    """
    leave = ("To leave it:", "abandon")
    if undoing:
        return (("To finish:", "rollback"), leave)
    return (("To finish:", "resume"), leave if inverse else ("To take back:", "rollback"))


def size_text(size: int) -> str:
    """Bytes as people say them: `512 bytes`, `1.4 MB` (decimal units)."""
    if size < 1000:
        return counted(size, "byte")
    amount = float(size)
    for unit in _SIZES:
        amount /= 1000
        # 999,950 bytes would round to "1000.0 kB".
        if amount < 999.95 or unit == _SIZES[-1]:
            return f"{amount:.1f} {unit}"
    raise AssertionError("the last unit takes every size")


def seconds_text(seconds: float) -> str:
    """A time as people say it: `0.3 s`, `2 min 5 s`, `1 h 4 min`."""
    if seconds < 59.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, indent: str = "") -> list[str]:
    """Rows in columns, two blanks apart, the last column as long as it is; cells are clean already."""
    every = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(columns(row[place]) for row in every) for place in range(len(header))]
    lines = []
    for row in every:
        cells = [cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines
