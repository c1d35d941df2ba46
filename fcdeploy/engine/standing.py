"""Where each step of a run stands, folded from the journal's events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from fcdeploy.model import Event, EventType, Json


class StepStanding(Struct, frozen=True, kw_only=True):
    """The last word on one step.

    `etag` and `outputs` are the newest that a reply of this step gave; a step that is begun again keeps them until the
    next reply. `began` and `at` are wall times in seconds since the epoch: of the last `begun` (None if it never began)
    and of the last event; clocks jump, so what came after what is said by `order`, the place of the last reply, or of
    the last event where there was none, in the journal. `happened` says that its effect is known to be there, whether
    or not it is all that was promised.
    """

    type: EventType
    at: float
    order: int = 0
    happened: bool = False
    began: float | None = None
    etag: str | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    request_id: str = ""
    note: str = ""

    @property
    def is_unsettled(self) -> bool:
        """Whether an effect may or may not have happened: begun and no answer, or the answer never came (law 5)."""
        return self.type in (EventType.BEGUN, EventType.UNKNOWN)


def fold(events: Iterable[Event]) -> dict[str, StepStanding]:
    """Events in the order they were appended, by step id; steps without an event are absent."""
    standing: dict[str, StepStanding] = {}
    for order, event in enumerate(events):
        standing[event.step] = _after(standing.get(event.step), event, order)
    return standing


def unsettled_in(standing: Mapping[str, StepStanding]) -> frozenset[str]:
    """The steps whose effect is not known."""
    return frozenset(name for name, one in standing.items() if one.is_unsettled)


def done_in(standing: Mapping[str, StepStanding]) -> frozenset[str]:
    """The steps whose last word is that they are done."""
    return frozenset(name for name, one in standing.items() if one.type is EventType.DONE)


def _after(before: StepStanding | None, event: Event, order: int) -> StepStanding:
    now = StepStanding(
        type=event.type,
        at=event.at,
        order=order,
        happened=event.type is EventType.DONE,
        began=event.at if event.type is EventType.BEGUN else before.began if before else None,
        etag=event.etag,
        outputs=event.outputs,
        request_id=event.request_id,
        note=event.note,
    )
    if before is None or event.type in (EventType.DONE, EventType.UNDONE):
        return now
    # Only `done` and `undone` stand for a whole reply; every other event leaves what the last reply said.
    return replace(
        now,
        order=before.order if before.happened else order,
        happened=before.happened,
        etag=now.etag if now.etag is not None else before.etag,
        outputs={**before.outputs, **now.outputs},
    )
