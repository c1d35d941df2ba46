"""The create of what the service numbers, to its end (S23, S30).

There is no name to look for afterwards, so what is already there is looked at first: something newer than the plan saw
that keeps our promise and has our mark is this step's own effect, anything else newer is somebody else's; so also where
we ask for the number, since the others ask for the same. What is to be frozen is compared with what was meant just
before, and what was frozen just after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from fcdeploy.engine.attempt import Attempt
from fcdeploy.engine.canonical import agrees, live_body, said
from fcdeploy.engine.marks import as_travelling
from fcdeploy.engine.outputs import outputs_in
from fcdeploy.engine.results import Done, StepFailed
from fcdeploy.engine.threeway import unfulfilled
from fcdeploy.errors import ApiError, ReadFailed
from fcdeploy.kinds.descriptor import Numbering
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Address, Json, Live, NextAfter, Reply


class NumberedAttempt(Attempt):
    """One try at making the next of a series."""

    _parent_etag: str | None = None

    async def read_effect(self) -> Done | None:
        """The effect of a create whose reply never came, None when there is none; nothing is sent."""
        try:
            return await self._own_of(await self._newer())
        except ReadFailed as failure:
            raise self._telling.not_known(failure) from failure

    async def _settle(self, *, sure: bool) -> Done | None:
        # What is there is looked at before the next try anyway.
        del sure
        return None

    async def _look_first(self, *, uncertain: bool) -> Done | None:
        try:
            newer = await self._newer()
            # Before anything was sent, whatever is newer is somebody else's, and not ours to take back.
            found = await self._own_of(newer) if uncertain else None
            if found is not None:
                return found
            if newer:
                raise self._taken(newer[-1].address)
            if self._step.content is not None:
                await self._compare_content()
        except ReadFailed as failure:
            if uncertain:
                raise self._telling.not_known(failure) from failure
            raise StepFailed(failure.summary, detail=failure.detail, hint="nothing was sent") from failure
        return None

    async def _send(self) -> Reply:
        if self._parent_etag:
            self._call = replace(self._call, headers={**self._call.headers, "If-Match": self._parent_etag})
        return await super()._send()

    async def _refused(self, failure: ApiError, *, uncertain: bool) -> Done | None:
        if failure.status == 412 or failure.status >= 500:
            return None
        if failure.status == 409 and uncertain:
            found = await self.read_effect()
            if found is not None:
                return found
        if failure.status == 409 and self._numbering.asked:
            # A name that is taken may be one that no number reads like, or nothing of this at all.
            taken = [live.address for live in await self._newer_or_none() if live.address.identity[-1] == self._asked]
            if taken:
                raise self._taken(taken[0]) from failure
        raise self._p.failed(self._step, failure) from failure

    def _taken(self, by: Address) -> StepFailed:
        return StepFailed(
            f"{by.short} was made by somebody else meanwhile",
            detail=f"the plan was made after {self._guard.newest or 'none'}",
            hint="run plan again",
        )

    async def _newer_or_none(self) -> list[Live]:
        try:
            return await self._newer()
        except ReadFailed:
            return []  # the refusal itself says enough

    async def _checked(self, reply: Reply) -> Done:
        raw = said(self._kind, reply.body if isinstance(reply.body, Mapping) else {})
        # What answers a create may still call it otherwise: then the number is the one that was asked for.
        number = self._asked if self._numbering.asked else str(raw[self._kind.identity[-1]])
        identity = (*self._step.address.identity[:-1], number)
        outputs = outputs_in(self._kind, identity, raw, self._p.site.scope)
        done = Done(etag=None, request_id=reply.request_id, outputs=outputs, warnings=tuple(self._warnings))
        await self._check_promise(raw, outputs)
        return await self._kept(done)

    async def _check_promise(self, raw: Mapping[str, Json], outputs: Mapping[str, Json]) -> None:
        """The reply, and where that says too little a read, against what was to be made (S21)."""
        promise, number = self._step.after or {}, str(outputs[self._kind.identity[-1]])
        missing = unfulfilled(self._kind, promise, live_body(self._kind, raw, self._p.site.scope.api))
        if not missing:
            return
        try:
            lives = {live.address.identity[-1]: live for live in await self._newer()}
        except ReadFailed as failure:
            raise StepFailed(failure.summary, detail=failure.detail, happened=True, outputs=outputs) from failure
        live = lives.get(number)
        body = as_travelling(self._kind, live).body if live is not None else {}
        missing = unfulfilled(self._kind, promise, body)
        if missing:
            raise StepFailed(
                f"the service did not take {', '.join(missing)} of {self._step.address.short}",
                happened=True,
                outputs=outputs,
            )

    async def _kept(self, done: Done) -> Done:
        """The effect, once what was frozen is what was meant (S30)."""
        if self._step.content is None:
            return done
        number = str(done.outputs[self._kind.identity[-1]])
        address = replace(self._step.address, identity=(*self._step.address.identity[:-1], number))
        try:
            frozen = await self._p.reader.read_frozen(address)
        except ReadFailed as failure:
            raise StepFailed(failure.summary, detail=failure.detail, happened=True, outputs=done.outputs) from failure
        wrong = differing_content(self._step.content, frozen.bodies)
        if wrong:
            raise StepFailed(
                f"{address.short} does not hold what was meant",
                detail=f"changed by somebody else at the same moment: {', '.join(wrong)}",
                hint="run plan again; nothing leads to that version",
                happened=True,
                outputs=done.outputs,
            )
        return done

    async def _compare_content(self) -> None:
        """What would be frozen now against what was meant; the parent's ETag then guards the rest of the moment."""
        assert self._step.content is not None
        now = await self._p.reader.read_frozen(self._step.address)
        wrong = differing_content(self._step.content, now.bodies)
        if wrong:
            raise StepFailed(
                f"{', '.join(wrong)} changed since the plan was made",
                detail="what would be frozen is not what the plan meant",
                hint="run plan again",
            )
        self._parent_etag = now.etag

    async def _own_of(self, newer: Sequence[Live]) -> Done | None:
        """The newest of these that is ours and keeps the promise; also in what it froze."""
        for live in reversed(newer):
            travelled = as_travelling(self._kind, live).body
            if live.mark != self._p.site.mark or unfulfilled(self._kind, self._step.after or {}, travelled):
                continue
            outputs = outputs_in(self._kind, live.address.identity, live.raw, self._p.site.scope)
            done = Done(etag=None, outputs=outputs, note="found done by reading")
            return await self._kept(done)
        return None

    async def _newer(self) -> list[Live]:
        """What was made since the plan, oldest first."""
        newest = self._guard.number
        lives = await self._p.reader.read_series(self._step.address)
        newer = {int(address.identity[-1]): live for address, live in lives.items()}
        return [live for number, live in sorted(newer.items()) if number > newest]

    @property
    def _numbering(self) -> Numbering:
        assert self._kind.numbering is not None
        return self._kind.numbering

    @property
    def _asked(self) -> str:
        """The number that the create asks for, where it does."""
        return str(self._guard.number + 1)

    @property
    def _guard(self) -> NextAfter:
        assert isinstance(self._step.guard, NextAfter)
        return self._step.guard


def differing_content(
    meant: Mapping[str, Mapping[str, Json]], found: Mapping[Address, Mapping[str, Json]]
) -> list[str]:
    """The short addresses of what is not as it was meant to be, missing or too many."""
    bodies = {address.short: (kind_of(address), body) for address, body in found.items()}
    wrong = [name for name in meant if name not in bodies] + [name for name in bodies if name not in meant]
    for name, body in meant.items():
        if name in bodies:
            kind, live = bodies[name]
            if any(not agrees(kind.field(key), value, live.get(key)) for key, value in body.items()):
                wrong.append(name)
    return sorted(wrong)
