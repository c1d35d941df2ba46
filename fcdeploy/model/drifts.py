"""Drift: what live and the file disagree on, and which of the two moved since the last run."""

from __future__ import annotations

import enum

from msgspec import Struct

from fcdeploy.diagnostics import Span
from fcdeploy.model.plans import FieldChange
from fcdeploy.model.resources import Address


class Mover(enum.StrEnum):
    """Which side is no longer as the last run left it."""

    LIVE = "live"
    FILE = "file"
    BOTH = "both"
    UNKNOWN = "unknown"


class Gap(enum.StrEnum):
    """How live and the file disagree on a resource.

    MISSING: the file has it and live does not. EXTRA: live has it, as ours, and the file does not. FOREIGN: live has
    it, but it is not this project's and target's.
    """

    DIFFERS = "differs"
    MISSING = "missing"
    EXTRA = "extra"
    FOREIGN = "foreign"


class FieldDrift(Struct, frozen=True, kw_only=True):
    """One field: `change.before` is live, `change.after` the file, hidden where they must be (S42).

    `given` says whether the file names it; else its value is the default. `why` says what keeps the mover from being
    known; empty where there is nothing to say.
    """

    change: FieldChange
    given: bool
    moved: Mover = Mover.UNKNOWN
    why: str = ""


class Drift(Struct, frozen=True, kw_only=True):
    """One resource that live and the file disagree on.

    `moved` and `why` are about its being there or not; for one that differs each field has its own. `run` is the newest
    run known here that wrote to it, `owner` whose a FOREIGN one is (`project/target`, empty without a mark). `note`
    says why one that is numbered is wanted anew.
    """

    address: Address
    gap: Gap
    fields: tuple[FieldDrift, ...] = ()
    moved: Mover = Mover.UNKNOWN
    why: str = ""
    run: str = ""
    owner: str = ""
    note: str = ""
    span: Span | None = None

    @property
    def movers(self) -> tuple[Mover, ...]:
        """Who moved, once a field, or once for a resource that only one side has."""
        return tuple(one.moved for one in self.fields) if self.gap is Gap.DIFFERS else (self.moved,)
