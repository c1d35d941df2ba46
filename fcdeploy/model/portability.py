"""What differs between the targets of a file: where resources stand, what they say, how the clouds take it (S45)."""

from __future__ import annotations

from msgspec import Struct

from fcdeploy.diagnostics import Span


class Said(Struct, frozen=True, kw_only=True):
    """What some targets say of a word: its value as text, empty where they do not name it."""

    targets: tuple[str, ...]
    value: str


class WordDiffers(Struct, frozen=True, kw_only=True):
    """A word of which not all targets say the same; `path` is below the resource, in the words of the file."""

    path: str
    said: tuple[Said, ...]
    span: Span | None = None


class Compared(Struct, frozen=True, kw_only=True):
    """One resource of the file, by its path. `absent_from` are the targets that do not have it."""

    path: str
    span: Span | None
    absent_from: tuple[str, ...] = ()
    words: tuple[WordDiffers, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.absent_from or self.words)


class Behaviour(Struct, frozen=True, kw_only=True):
    """What a word that is written alike comes to in one cloud.

    `section` is where such resources stand, `path` the word below them, `provider` that cloud's title; `resources` are
    the paths of those that say the word, in the order of the file.
    """

    section: str
    path: str
    provider: str
    sentence: str
    resources: tuple[str, ...]


class Portability(Struct, frozen=True, kw_only=True):
    """What was compared, in the order of the file; `targets` are all that were."""

    targets: tuple[str, ...]
    resources: tuple[Compared, ...]
    behaviours: tuple[Behaviour, ...] = ()
