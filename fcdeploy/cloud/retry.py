"""What may be sent again, and after how long. Pure: chance and time are given.

A read may be repeated after any passing fault. A write only where nothing can have happened: it was refused for lack of
room (429, 503 ResourceThrottled) or never left. All else is raised; the executor settles it by reading back (law 5).
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Collection
from email.utils import parsedate_to_datetime

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.errors import ApiError, CloudError, KeyExpired, NoReply, NotSent

ATTEMPTS = 6
"""How often a call is sent in all, refusals for lack of room not counted."""

BUDGET = 120.0
"""Seconds within which a refusal for lack of room, or a wait of S38, is borne."""

FIRST_BUDGET = 30.0
"""Seconds after which a read is not sent again to a place that has answered nothing yet: it may be dead altogether, and
nothing is lost with a read."""

KEY_REFUSED = frozenset({"APIGW.0301", "APIG.0301"})
"""What Huawei Cloud's gateway calls a key, a signature or a token that it does not take (FunctionGraph facts 1)."""

_EXPIRED = re.compile(r"security ?token.{0,60}expired|expired.{0,20}security ?token", re.IGNORECASE)
_FAULT_BASE, _FAULT_CEILING = 0.3, 4.8
_ROOM_BASE, _ROOM_CEILING = 0.5, 10.0


class Cause(enum.Enum):
    """Why a call failed, as far as repeating it is concerned."""

    NO_ROOM = "no room"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"
    KEY_EXPIRED = "key expired"
    REFUSED = "refused"


class Tries(Struct, frozen=True):
    """How often a call has failed so far, by budget."""

    faults: int = 0
    no_room: int = 0
    keys: int = 0


class Again(Struct, frozen=True):
    """Send again after `seconds`."""

    seconds: float
    tries: Tries


def cause(error: CloudError) -> Cause:
    """What a failure means for repeating the call."""
    match error:
        case KeyExpired():
            return Cause.KEY_EXPIRED
        case ApiError(status=429) | ApiError(status=503, code="ResourceThrottled"):
            return Cause.NO_ROOM
        case ApiError(status=status) if status >= 500:
            return Cause.UNKNOWN
        case NoReply():
            return Cause.UNKNOWN
        case NotSent():
            return Cause.NOT_SENT
        case _:
            return Cause.REFUSED


def again(
    error: CloudError,
    *,
    reads: bool,
    tries: Tries,
    elapsed: float,
    random: Callable[[], float],
    answered: bool = True,
) -> Again | None:
    """When to send the call again, or None when the error is to be raised.

    `tries` are the failures before this one, `elapsed` the seconds since the call was first sent, but for those in
    which it waited for its turn, `random` gives numbers in [0, 1). Waits have full jitter; a Retry-After is the least
    that is waited, and one that ends beyond the budget means giving up now. `answered`: the place has answered
    something since the command began.
    """
    match cause(error):
        case Cause.NO_ROOM:
            tries = replace(tries, no_room=tries.no_room + 1)
            seconds = jitter(tries.no_room, base=_ROOM_BASE, ceiling=_ROOM_CEILING, random=random)
        case Cause.NOT_SENT:
            tries = replace(tries, faults=tries.faults + 1)
            seconds = jitter(tries.faults, base=_FAULT_BASE, ceiling=_FAULT_CEILING, random=random)
        case Cause.UNKNOWN if reads:
            tries = replace(tries, faults=tries.faults + 1)
            seconds = jitter(tries.faults, base=_FAULT_BASE, ceiling=_FAULT_CEILING, random=random)
        case Cause.KEY_EXPIRED if tries.keys == 0:
            # Refused before anything happened; with the next key it is another call.
            tries = replace(tries, keys=1)
            seconds = 0.0
        case _:
            return None
    seconds = max(seconds, (error.retry_after or 0.0) if isinstance(error, ApiError) else 0.0)
    budget = BUDGET if answered or not reads else FIRST_BUDGET
    if tries.faults >= ATTEMPTS or elapsed + seconds > budget:
        return None
    return Again(seconds, tries)


def says_expired(status: int, code: str, message: str, *, temporary: bool = False) -> bool:
    """Whether a refusal is because of a temporary key that is over; `temporary`: the call was signed with one.

    `InvalidSecurityToken.Expired` is the code of the vendor's gateway, `SecurityTokenExpired` that of its storage. What
    Function Compute itself says is not documented (facts 6.1), so its words count too. Huawei Cloud's gateway has one
    code for all that is wrong with a key; a temporary one was right when it was fetched.
    """
    if status == 401 and code in KEY_REFUSED:
        return temporary
    return status in (400, 401, 403) and bool(_EXPIRED.search(f"{code} {message}"))


def jitter(failures: int, *, base: float, ceiling: float, random: Callable[[], float]) -> float:
    """Full jitter: anything up to `base` doubled with each failure after the first, at most `ceiling` seconds."""
    return random() * min(ceiling, base * 2.0 ** min(failures - 1, 60))


def retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds that a Retry-After header asks for (a number, or a date against `now`); None when it says nothing."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except ValueError:
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


class Wait(Struct, frozen=True, kw_only=True):
    """A refusal that passes by itself: `reason` is shown, `one_by_one` asks for writes to that parent in turn.

    `of_children`: something beneath is in the way, and waiting helps only if that is on its way out.
    """

    reason: str
    one_by_one: bool = False
    of_children: bool = False


def waits(
    error: CloudError,
    *,
    parent_created: bool = False,
    children_deleted: Collection[str] = (),
    freed: bool = False,
) -> Wait | None:
    """What S38 lets the executor sit out, for at most `BUDGET` seconds, or None when the error stands.

    `parent_created`: this run created the parent of what the call is about. `children_deleted`: what this run deleted
    beneath what the call deletes, as the service calls it (`functions`); other things that stand there never pass.
    `freed`: the call deletes, after steps of this run that let go of what it deletes. Nothing of status 500 is sat out
    here, FSS.1162 ("delayed effect") neither: it may have happened, which is seen by reading, and sent again if not.
    """
    match error:
        case ApiError(status=409, code="ConcurrentUpdateError"):
            return Wait(reason="another update is under way", one_by_one=True)
        case ApiError(status=409, code="ServiceNotEmpty" | "FunctionNotEmpty", message=message) if any(
            name in message for name in children_deleted
        ):
            return Wait(reason="what was beneath it is still going", of_children=True)
        case ApiError(status=409, code="ProvisionConfigExist") if children_deleted:
            return Wait(reason="its provisioned instances are still going")
        case ApiError(status=404, code=code) if parent_created and code.endswith("NotFound"):
            return Wait(reason="what it belongs to is not visible yet")
        case ApiError(status=403, code="AccessDenied") if parent_created:
            return Wait(reason="what it belongs to is not accessible yet")
        case ApiError(status=404, code="FSS.1051" | "FSS.1052" | "FSS.1053") if parent_created:
            return Wait(reason="what it belongs to is not visible yet")
        case ApiError(status=412, code="FSS.1033") if freed:
            return Wait(reason="what used it is still letting go")
        case ApiError(status=403, code="FSS.1094") if freed:
            return Wait(reason="the alias that led to it is still letting go")
        case _:
            return None


def look_pause(looks: int, *, random: Callable[[], float]) -> float:
    """Seconds until the next look at what settles in time: one second growing to five, a fifth more or less."""
    return min(5.0, 1.5 ** min(looks - 1, 60)) * (0.8 + 0.4 * random())


def pause(failures: int, *, random: Callable[[], float]) -> float:
    """Seconds before the next try of a wait of S38: half a second to five, growing, never nothing."""
    return 0.25 + jitter(failures, base=0.5, ceiling=4.75, random=random)
