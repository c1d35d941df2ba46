"""What the journal says of a run, and what is left when it has ended."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from msgspec import Struct, field

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.model.leaves import Json


class EventType(enum.StrEnum):
    """What the journal says of a step."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    UNDONE = "undone"


class Event(Struct, frozen=True, kw_only=True):
    """One line of the journal; `at` is seconds since the epoch, `note` is redacted already."""

    step: str
    type: EventType
    at: float
    etag: str | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    request_id: str = ""
    note: str = ""


class Ending(enum.StrEnum):
    """How a run ended.

    LEFTOVERS: all that can be taken back was, and the rest stands for good. STOPPED and NEEDS_ATTENTION leave
    something for a person to do: such a run stays open until it is resumed, rolled back or abandoned. STANDS and
    NOT_BEGUN are no endings of a run, but what a rollout made of its target: it is as planned although its wave failed,
    or its turn never came.
    """

    DONE = "done"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    LEFTOVERS = "leftovers"
    STOPPED = "stopped"
    NEEDS_ATTENTION = "needs-attention"
    STANDS = "stands"
    NOT_BEGUN = "not-begun"


class Outcome(Struct, frozen=True, kw_only=True):
    """The fold of a run: what was done, undone and left; `seconds` is wall time, `durations` seconds by step id.

    `unknown` are steps, undo steps too, of which neither the reply nor a read says whether they took effect. `undoing`
    says that something was taken back, or may have been: such a run can only be finished by taking back the rest.
    `because` says what outside of the target decided its ending. `inverse`: the run itself takes an ended one back.
    `project` and `title` are as those of a Target.
    """

    run: str
    target: str
    ending: Ending
    done: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    undoing: bool = False
    because: str = ""
    inverse: bool = False
    project: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0
    durations: Mapping[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """How people are told of the target."""
        return f"{self.project}/{self.target}" if self.project else self.target
