"""`--wait`: what the service only reaches in time is waited for, after our step and before what depends on it.

after a create or an update    until there are as many as there are to be
after a delete                 until there are none
before a move                  until all is there that hangs on what moves, or on what it is led to
before a delete                until nothing is left of what hung on it and is going

Which kinds settle, and how that is read, their tables say. A wait ends at once when the run is to end. A step is not
done in the journal while it is waited for: cut off there, it is settled by reading (law 5).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, warning
from fcdeploy.engine.attempt import Tools
from fcdeploy.engine.edges import address_of, names_of
from fcdeploy.engine.groups import is_tags
from fcdeploy.engine.perform import Performer
from fcdeploy.engine.results import Done, StepFailed, StepSkipped, Surroundings
from fcdeploy.engine.snapshot import lineage
from fcdeploy.engine.steps import UNDO
from fcdeploy.errors import ReadFailed
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.registry import KINDS, kind_of
from fcdeploy.model import Action, Address, Json, Step

PERSISTS = 5
"""After so many looks in a row that find the service's own trouble, it is taken for lasting."""


class Gap(Struct, frozen=True, kw_only=True):
    """What is missing, for people; both are empty when nothing is. `problem` is what the service says is in the way."""

    missing: str = ""
    problem: str = ""


class WaitingPerformer(Performer):
    """Performs steps and waits for what they only begin; `most` seconds for one, `pause` seconds after each look."""

    def __init__(self, tools: Tools, *, most: float, pause: Callable[[int], float]) -> None:
        super().__init__(tools)
        self._most = most
        self._pause = pause

    async def perform(self, step: Step, around: Surroundings, *, unsettled: bool = False) -> Done:
        """Do one step and wait for its end. Raises StepSkipped when the run is to end before it is sent.

        Else as a Performer does; a step that did not get there in time failed, and has happened.
        """
        await self._wait_before(step, around)
        done = await super().perform(step, around, unsettled=unsettled)
        if kind_of(step.address).settles is None or (step.id.startswith(UNDO) and step.action is not Action.DELETE):
            return done
        try:
            settled = await self._wait(step, around, lambda: self._own_gap(step))
        except (StepFailed, ReadFailed) as failure:
            raise StepFailed(
                failure.summary,
                detail=failure.detail,
                hint=failure.hint,
                happened=True,
                etag=done.etag,
                outputs=done.outputs,
            ) from failure
        return done if settled else replace(done, warnings=(*done.warnings, _unfinished(step)))

    async def _wait_before(self, step: Step, around: Surroundings) -> None:
        kinds = [kind for kind in KINDS.values() if kind.settles is not None and _can_hang(kind, step)]
        if not kinds:
            return
        try:
            settled = await self._wait(step, around, lambda: self._others_gap(step, kinds))
        except ReadFailed as failure:
            raise StepFailed(failure.summary, detail=failure.detail, hint="nothing was sent") from failure
        if not settled:
            raise StepSkipped(f"{step.address.short} was still waiting when the run was to end")

    async def _wait(self, step: Step, around: Surroundings, look: Callable[[], Awaitable[Gap]]) -> bool:
        """Look until nothing is missing; False when the run is to end first. Raises StepFailed and ReadFailed."""
        began, looks, troubles = time.monotonic(), 0, 0
        while True:
            gap = await look()
            if not gap.missing:
                return True
            problem = self._tools.redactor.text(gap.problem)
            told = f"{gap.missing} ({problem})" if problem else gap.missing
            troubles = troubles + 1 if problem else 0
            elapsed = time.monotonic() - began
            if troubles >= PERSISTS:
                raise StepFailed(f"{step.address.short} cannot settle", detail=told)
            if elapsed >= self._most:
                raise StepFailed(
                    f"{step.address.short} did not settle in {self._most:g} s",
                    detail=told,
                    hint="give it more time with --wait-timeout, or apply without --wait",
                )
            around.waiting(told, elapsed)
            looks += 1
            if await around.halting(min(self._pause(looks), self._most - elapsed)):
                return False

    async def _own_gap(self, step: Step) -> Gap:
        said = await self._tools.reader.read_said(step.address)
        return gap_of(kind_of(step.address), said or {}, going=step.action is Action.DELETE)

    async def _others_gap(self, step: Step, kinds: list[Kind]) -> Gap:
        """Of all that hangs on what the step is about, the first that has not settled."""
        concerned = _concerned(step, self._tools)
        going = step.action is Action.DELETE
        for kind in kinds:
            above = step.address.identity[: len(KINDS[(kind.provider, kind.listed_under or kind.name)].identity)]
            for address, said in sorted((await self._tools.reader.read_listed(kind, above)).items()):
                on = {address_of(name, address) for name in names_of(address, {}, self._tools.site.scope)}
                if concerned.isdisjoint({*on, *lineage(address)[1:]}):
                    continue
                # What is to stay is no reason to wait with a delete: the service refuses that.
                gap = Gap() if going and _count(kind, said)[0] else gap_of(kind, said, going=going)
                if gap.missing:
                    return Gap(missing=f"{address.short} has {gap.missing}", problem=gap.problem)
        return Gap()


def _unfinished(step: Step) -> Diagnostic:
    return warning(
        f"{step.address.short} had not settled yet when the wait was ended",
        hint="`fcdeploy status` tells how far it is",
        address=str(step.address),
    )


def gap_of(kind: Kind, said: Mapping[str, Json], *, going: bool) -> Gap:
    """What is missing of one resource, as the service says it."""
    assert kind.settles is not None
    goal, reached = _count(kind, said)
    if (reached == 0) if going else (reached >= goal):
        return Gap()
    missing = f"{reached} left" if going else f"{reached} of {goal}"
    return Gap(missing=missing, problem=str(said.get(kind.settles.problem) or ""))


def _count(kind: Kind, said: Mapping[str, Json]) -> tuple[int, int]:
    """How many there are to be, and how many there are."""
    assert kind.settles is not None
    return int(said.get(kind.settles.goal) or 0), int(said.get(kind.settles.reached) or 0)


def _can_hang(kind: Kind, step: Step) -> bool:
    """Whether resources of a kind that settles can hang on what the step deletes, or on what it moves."""
    here = kind_of(step.address)
    if here.provider != kind.provider or here.name == kind.name or is_tags(step):
        return False
    named = {name for names in kind.behind.values() for name in names}
    if step.action is Action.DELETE:
        return here.name in named or here.name in _above(kind)
    # A way back is not held up, and what is numbered names nothing and was named by nobody before.
    if step.id.startswith(UNDO) or here.numbering is not None or here.name not in named:
        return False
    return any(here.field(name).refers for name in step.after or {})


def _above(kind: Kind) -> set[str]:
    """The kinds that one of this kind stands in."""
    if kind.parent is None:
        return set()
    return {kind.parent, *_above(KINDS[(kind.provider, kind.parent)])}


def _concerned(step: Step, tools: Tools) -> set[Address]:
    """What a step is about: the resource itself, and what it is led to."""
    if step.action is Action.DELETE:
        return {step.address}
    body = {**(step.before or {}), **(step.after or {})}
    return {step.address, *(address_of(name, step.address) for name in names_of(step.address, body, tools.site.scope))}
