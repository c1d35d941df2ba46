"""Diff blocks of many targets in as many signs as a comment takes: equal ones once, the most dangerous first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from fcdeploy.render.folding import by_targets, shared
from fcdeploy.render.markdown_words import details, fenced, html_code
from fcdeploy.render.words import counted

MOST = 65_000
"""Characters of a whole comment. GitHub takes 65,536, GitLab more."""

_NAMED = 8
_WRAPPING = 200
"""Signs that a section needs besides its blocks and its targets' names: tags, fences, what is left out."""


class Block(Struct, frozen=True, kw_only=True):
    """What is said of one resource in one target; `rank` 0 is the most dangerous, `word` counts it (`to delete`)."""

    target: str
    rank: int
    word: str
    lines: tuple[str, ...]


class Folded(Struct, frozen=True, kw_only=True):
    """A block with all the targets that have the same."""

    targets: tuple[str, ...]
    rank: int
    word: str
    lines: tuple[str, ...]

    @property
    def size(self) -> int:
        """Characters with the line ends, and the empty line before it."""
        return sum(len(line) + 1 for line in self.lines) + 1


def folded_blocks(blocks: Iterable[Block]) -> list[Folded]:
    """Equal blocks of several targets as one, in the order in which they first stand."""
    said = shared((one.target, (one.rank, one.word, one.lines)) for one in blocks)
    return [Folded(targets=names, rank=rank, word=word, lines=lines) for (rank, word, lines), names in said.items()]


def sections_text(blocks: Sequence[Folded], *, room: int, more: str) -> tuple[str, int]:
    """A section for each set of targets that has something, in at most `room` characters, and how many blocks it has.

    What does not fit is left out by whole blocks, the least dangerous first, and counted; `more` says where it is seen.
    """
    sections = by_targets({one: one.targets for one in blocks})
    kept: dict[tuple[str, ...], list[Folded]] = {}
    left = room
    # Blocks of a kind that do not fit end the choice: a harmless one is not shown in the place of a dangerous one.
    for one in sorted(blocks, key=lambda block: block.rank):
        cost = one.size + (0 if one.targets in kept else _WRAPPING + len(more) + len(_names(one.targets)))
        if cost > left:
            break
        left -= cost
        kept.setdefault(one.targets, []).append(one)
    texts = [_section(targets, kept[targets], every, more) for targets, every in sections.items() if targets in kept]
    return "\n\n".join(texts), sum(len(some) for some in kept.values())


def words_text(blocks: Iterable[Folded]) -> str:
    """`1 to delete, 2 to update`, the most dangerous first."""
    counts: dict[tuple[int, str], int] = {}
    for one in blocks:
        counts[one.rank, one.word] = counts.get((one.rank, one.word), 0) + 1
    return ", ".join(f"{number} {word}" for (_, word), number in sorted(counts.items()))


def _section(targets: tuple[str, ...], some: Sequence[Folded], every: Sequence[Folded], more: str) -> str:
    lines: list[str] = []
    for one in sorted(some, key=lambda block: block.rank):
        lines += ["", *one.lines] if lines else one.lines
    shown = {id(one) for one in some}
    left = [one for one in every if id(one) not in shown]
    body = fenced(lines, "diff") + (f"\n\nNot shown here: {words_text(left)}. {more}" if left else "")
    each = " in each" if len(targets) > 1 else ""
    return details(f"{_names(targets)}: {words_text(every)}{each}", body)


def _names(targets: Sequence[str]) -> str:
    names = ", ".join(html_code(name) for name in targets[:_NAMED])
    rest = len(targets) - _NAMED
    return f"{names} and {counted(rest, 'more target', 'more targets')}" if rest > 0 else names


def capped(lines: Iterable[str], most: int) -> list[str]:
    """The lines, from the first, that fit into `most` characters; no more of them are made."""
    fitting: list[str] = []
    used = 0
    for line in lines:
        used += len(line) + 1
        if used > most:
            break
        fitting.append(line)
    return fitting
