"""What the journal tells of runs that were, and of every call in one of them."""

from __future__ import annotations

import enum

from msgspec import Struct

from fcdeploy.model.plans import Action
from fcdeploy.model.resources import Address
from fcdeploy.model.runs import Ending


class CallResult(enum.StrEnum):
    """What came of a call in the end. `unknown`: it may or may not have had its effect."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    UNDONE = "undone"
    NOT_STARTED = "not-started"


class PastRun(Struct, frozen=True, kw_only=True):
    """One run in figures; times are seconds since the epoch, `ended` and `ending` are None while it is open.

    Of its `total` steps the effects of `done` stand and `undone` were taken back, by a step of their own or with the
    resource that they stood in; `failed` is the last word on so many. `unsettled` counts the calls, of the way back
    too, of which it is not known whether they took effect. `undoing`: as in Outcome. `kept`: its plan is still there,
    without which nothing can take it back or resume it. `reversible`: something stands, and all of it has a way back.
    `holder` is the process that opened it.
    """

    run: str
    target: str
    command: str
    started: float
    ended: float | None
    ending: Ending | None
    holder: str
    tool_version: str
    total: int
    done: int = 0
    undone: int = 0
    failed: int = 0
    unsettled: int = 0
    undoing: bool = False
    kept: bool = False
    reversible: bool = False


class PastCall(Struct, frozen=True, kw_only=True):
    """One call of a run. `began` is its first try and `ended` its last answer, both None where there was none.

    `address`, `action`, `group` and `operation` are those of the step; None and empty for an undo step of a run whose
    journal was written before they were kept. `tries` counts how often it was about to be sent. `last`: as in Step.
    `happened`: its effect was there at some time, also where it failed all the same. `gone_with` is the resource that
    took its effect along when it was taken back. `note` is redacted.
    """

    step: str
    address: Address | None
    action: Action | None
    group: str
    operation: str
    last: bool
    result: CallResult
    tries: int = 0
    began: float | None = None
    ended: float | None = None
    happened: bool = False
    gone_with: Address | None = None
    request_id: str = ""
    note: str = ""

    @property
    def seconds(self) -> float | None:
        """From its first try to its last answer."""
        return None if self.began is None or self.ended is None else self.ended - self.began


class RunHistory(Struct, frozen=True, kw_only=True):
    """One run with its calls, and with those of its way back; in the order they began, those that never did last."""

    run: PastRun
    calls: tuple[PastCall, ...]
    back: tuple[PastCall, ...]
