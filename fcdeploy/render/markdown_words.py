"""Text of others in Markdown for a forge's comment, where it may not act. Pure.

Nothing foreign stands outside code: there no forge takes `@name` for a person, `#1` for an issue, `/close` for an order
or a bracket for markup. Rules: GitHub Flavored Markdown 0.29, 4.5 (fences), 6.3 (code spans), 4.6 (HTML blocks).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

from fcdeploy.render.words import clean

_LONGEST_NAME = 120
_TICKS = re.compile(r"`+")


def code(text: str) -> str:
    """A name in code; where a span of backticks cannot hold it, in HTML with every sign that could act as a number."""
    shown = _short(text)
    if not shown.strip():
        return ""
    if "`" in shown or "|" in shown or shown != shown.strip():
        return f"<code>{''.join(one if one.isalnum() or one == ' ' else f'&#{ord(one)};' for one in shown)}</code>"
    return f"`{shown}`"


def html_code(text: str) -> str:
    """A name in code inside an HTML block, where Markdown means nothing."""
    return f"<code>{escape(_short(text))}</code>"


def fenced(lines: Iterable[str], language: str = "text") -> str:
    """Lines, clean already, in a block of code whose fence is longer than any row of backticks in it."""
    text = "\n".join(lines)
    longest = max((len(found) for found in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def marker(what: str, project: str, digest: str) -> str:
    """A comment that nobody sees, by which a bot finds what it wrote; no project's name can end it early."""
    name = quote(project, safe="").replace("--", "-%2D")
    return f"<!-- fcdeploy-{what}:{name} digest={digest or 'none'} -->"


def row(cells: Sequence[str]) -> str:
    """A table's row; the cells are Markdown."""
    return f"| {' | '.join(cells)} |"


def details(summary: str, body: str) -> str:
    """What opens with a click; `summary` is HTML, `body` Markdown."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def _short(text: str) -> str:
    shown = clean(text)
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 3] + "..."
