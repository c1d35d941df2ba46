"""What performing a step is given and what it gives back: surroundings and refusals, done, failed, unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

from msgspec import Struct, field

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.errors import CloudError, FcdeployError
from fcdeploy.model import Address, Json


class StepFailed(FcdeployError):
    """A step did not do what it promised.

    `happened`: its effect is there all the same and must be undone; `etag` is then what guards that, if it is known,
    and `outputs` what names it.
    """

    def __init__(
        self,
        summary: str,
        *,
        detail: str = "",
        hint: str = "",
        happened: bool = False,
        etag: str | None = None,
        outputs: Mapping[str, Json] | None = None,
    ) -> None:
        super().__init__(summary, detail=detail, hint=hint)
        self.happened = happened
        self.etag = etag
        self.outputs = outputs or {}


class StepUnknown(FcdeployError):
    """Neither the reply nor a read says whether the effect is there."""


class StepSkipped(FcdeployError):
    """The run was to end before the step was sent; nothing happened."""


class Refusal(Protocol):
    """A refusal that passes by itself: why, and whether writes to that parent should go one by one (S38)."""

    @property
    def reason(self) -> str:
        """What is waited for."""
        ...

    @property
    def of_children(self) -> bool:
        """Whether something beneath is in the way."""
        ...

    @property
    def one_by_one(self) -> bool:
        """Whether writes to the same parent should now go in turn."""
        ...


class Waits(Protocol):
    """Says whether an error passes by itself (S38), None when it stands."""

    def __call__(
        self,
        error: CloudError,
        *,
        parent_created: bool = ...,
        children_deleted: Collection[str] = ...,
        freed: bool = ...,
    ) -> Refusal | None:
        """The refusal to sit out, or None."""
        ...


class Done(Struct, frozen=True, kw_only=True):
    """The effect is there: the ETag we were given, the request that did it, and what is worth saying, in words of ours
    or redacted.

    `outputs` are what later steps may want of the reply. `ours` is false when somebody else brought the effect about
    and nothing of ours was sent: then it is not this run's to take back.
    """

    etag: str | None
    request_id: str = ""
    note: str = ""
    warnings: tuple[Diagnostic, ...] = ()
    outputs: Mapping[str, Json] = field(default_factory=dict)
    ours: bool = True


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the run knows around a step: its own ETag of the resource, what it did above and beneath, all that it
    deleted, and its voice.

    `leaving` raises StepSkipped when the run is to start nothing more. `halting` sleeps so many seconds, or until then,
    and says whether it is so.
    """

    own_etag: str | None
    parent_created: bool
    children_deleted: Collection[str]
    deleted: Collection[Address]
    begun: Callable[[], Awaitable[None]]
    leaving: Callable[[], None]
    waiting: Callable[[str, float], None]
    in_turn: asyncio.Lock | None
    go_in_turn: Callable[[], asyncio.Lock]
    halting: Callable[[float], Awaitable[bool]]
