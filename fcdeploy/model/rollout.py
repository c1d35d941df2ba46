"""How the targets of a project follow each other."""

from __future__ import annotations

from fnmatch import fnmatchcase

from msgspec import Struct


class Rollout(Struct, frozen=True, kw_only=True):
    """The targets in waves, and what a wave needs for the next to begin; `pause` in seconds.

    `waves` are patterns of target names; a target belongs to the first wave that names it, and comes last where none
    does. Without waves all are one. A wave has failed when more than `max_failures` of its targets did not end well, or
    when one is not healthy; `probe` says how that is asked, empty where it is not. `takes_back`: then what this and the
    waves before it did is taken back.
    """

    waves: tuple[tuple[str, ...], ...] = ()
    max_failures: int = 0
    pause: float = 0.0
    probe: str = ""
    takes_back: bool = False

    def wave_of(self, target: str) -> int:
        """The number of the wave that a target of this name belongs to, from 1."""
        for number, patterns in enumerate(self.waves, start=1):
            if any(fnmatchcase(target, pattern) for pattern in patterns):
                return number
        return len(self.waves) + 1

    def names(self, target: str) -> bool:
        """Whether a wave names the target."""
        return self.wave_of(target) <= len(self.waves)


class Wave(Struct, frozen=True, kw_only=True):
    """One wave of a rollout: the how manieth it is, from 1, and of how many."""

    rollout: Rollout
    number: int
    total: int

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns that it has in the file; none where it has what no pattern names."""
        return self.rollout.waves[self.number - 1] if self.number <= len(self.rollout.waves) else ()
