"""Exit codes (S39): what each error and each ending is worth, and which of several counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fcdeploy.errors import FcdeployError
    from fcdeploy.model import Outcome

DONE = 0
FAILED = 1
PENDING = 2
ROLLED_BACK = 3
ATTENTION = 4
STALE = 5
USAGE = 64

_GRAVEST_FIRST = (USAGE, ATTENTION, ROLLED_BACK, FAILED, STALE, PENDING, DONE)


def gravest(codes: Iterable[int]) -> int:
    """The code of a command that met all these: the gravest of 4, 3, 1, 5, 2, 0."""
    return min(codes, key=_GRAVEST_FIRST.index, default=DONE)


def error_code(error: FcdeployError) -> int:
    """What an error is worth that stopped a command, or one of its targets, before anything was changed."""
    from fcdeploy.errors import LeaseLost, OpenRun, PlanOutdated, UsageError

    match error:
        case UsageError():
            return USAGE
        case OpenRun() | LeaseLost():
            return ATTENTION
        case PlanOutdated():
            return STALE
        case _:
            return FAILED


def outcome_code(outcome: Outcome, *, undo_wanted: bool = False, leave_wanted: bool = False) -> int:
    """What a run's ending is worth; `undo_wanted` says that rolling back was the order and not the rescue.

    `leave_wanted` says that closing it as it stands was: then only what is still not known needs a person.
    """
    from fcdeploy.model import Ending

    if leave_wanted and outcome.ending is Ending.STOPPED:
        return ATTENTION if outcome.unknown else DONE
    match outcome.ending:
        case Ending.DONE:
            return DONE
        case Ending.ROLLED_BACK:
            return DONE if undo_wanted else ROLLED_BACK
        case Ending.NEEDS_ATTENTION | Ending.LEFTOVERS:
            return ATTENTION
        case Ending.NOT_BEGUN:
            return FAILED
        case Ending.FAILED | Ending.STOPPED | Ending.STANDS:
            standing = set(outcome.done) - set(outcome.undone)
            return ATTENTION if standing or outcome.leftovers else FAILED
