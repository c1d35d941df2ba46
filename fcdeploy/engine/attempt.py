"""One step to its end: guard, send, and where the answer is not clear, read back and decide (laws 4 and 5).

sent and answered          -> compare the reply with the promise (S21) -> done
412                        -> three bodies: untouched goes on, touched stops (S20)
no reply, or 5xx           -> read back: it happened, it did not, or somebody else was there
S38's passing refusals     -> wait and repeat, at most 120 s
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.engine.again import aimed, is_as_left, rebuilt
from fcdeploy.engine.canonical import fingerprint, live_body, said, stamp, unlike_raw
from fcdeploy.engine.groups import goes_with_create, group_named, is_tags
from fcdeploy.engine.guards import UNKNOWN_ETAG
from fcdeploy.engine.ignoring import writes_beside
from fcdeploy.engine.marks import as_travelling, remarked
from fcdeploy.engine.outputs import gifts, lacking
from fcdeploy.engine.reader import Reader, Sender
from fcdeploy.engine.redact import Redactor
from fcdeploy.engine.results import Done, Refusal, StepFailed, Surroundings, Waits
from fcdeploy.engine.sealed import is_hidden
from fcdeploy.engine.snapshot import Site
from fcdeploy.engine.telling import Telling
from fcdeploy.engine.threeway import drifted, is_same, merged, touched, unfulfilled
from fcdeploy.engine.wire import standing
from fcdeploy.errors import ApiError, CloudError, NoReply, ReadFailed
from fcdeploy.kinds.descriptor import GuardStyle, Kind
from fcdeploy.kinds.registry import kind_of, parent_of
from fcdeploy.model import Action, Call, IfMatch, Json, JustCreated, Live, MustNotExist, Recheck, Reply, Step

PATIENCE = 120.0
"""Seconds that a passing refusal is waited for (S38)."""

MOST_SENDS = 6
"""How often one step is sent in all when its effect is unknown or its guard keeps missing."""


class Tools(Struct, frozen=True, kw_only=True):
    """What a step is performed with: the way to the cloud, and what is known of the target."""

    sender: Sender
    reader: Reader
    site: Site
    redactor: Redactor
    waits: Waits
    pause: Callable[[int], float]

    def failed(self, step: Step, failure: CloudError) -> StepFailed:
        """The failure as a person reads it; secrets that the service repeats are cut out."""
        code, request = (failure.code, failure.request_id) if isinstance(failure, ApiError) else ("", "")
        return StepFailed(
            f"cannot {step.action.value} {step.address.short}",
            detail=self.redactor.text(failure.summary) + (f" (request {request})" if request else ""),
            hint=kind_of(step.address).hints.get(code, "") or failure.hint,
        )


class Attempt:
    """One step on its way to its end."""

    def __init__(self, tools: Tools, step: Step, around: Surroundings) -> None:
        self._p = tools
        self._step = step
        self._around = around
        self._kind: Kind = kind_of(step.address)
        self._call: Call = step.call
        self._is_tags = is_tags(step)
        self._etag = None if self._is_tags else around.own_etag
        if self._etag is None:
            match step.guard:
                case IfMatch(etag=planned) | Recheck(fingerprint=planned):
                    self._etag = planned
        self._promise = step.after
        self._telling = Telling(self._kind, step, tools.redactor)
        self._warnings: list[Diagnostic] = []
        self._seen: Live | None = None
        self._is_alone = True
        self._may_have_left = False

    async def run(self, unsettled: bool) -> Done:
        """Do it. Raises StepFailed, StepUnknown, and, before anything is sent, StepSkipped and what `begun` raises."""
        self._may_have_left = unsettled
        refused, sent, began = 0, 0, time.monotonic()
        if unsettled or self._must_look() or (isinstance(self._step.guard, IfMatch | Recheck) and not self._etag):
            # An undo whose ETag is not known is no reason to go without a guard: what stands there is looked at first.
            settled = await self._settle(sure=False)
            if settled is not None:
                return settled
        while True:
            missed = False
            # Durable before the look, so that nothing lies between the look and the request.
            await self._around.begun()
            settled = await self._look_first(uncertain=unsettled or sent > 0)
            if settled is not None:
                return settled
            sent += 1
            try:
                reply = await self._send()
            except ApiError as failure:
                refusal = self._p.waits(
                    failure,
                    # What is to be deleted and is not there is gone, however new its parent.
                    parent_created=self._around.parent_created and self._step.action is not Action.DELETE,
                    children_deleted=self._around.children_deleted,
                    freed=self._step.action is Action.DELETE and bool(self._step.needs),
                )
                if refusal is not None and time.monotonic() - began < PATIENCE:
                    if refusal.of_children:
                        await self._refuse_others(failure)
                    refused += 1
                    await self._sit_out(refusal, refused)
                    sent -= 1
                    continue
                missed = failure.status == 412
                done = await self._refused(failure, uncertain=unsettled or sent > 1)
            except NoReply:
                done = await self._settle(sure=False)
            except CloudError as failure:
                raise self._p.failed(self._step, failure) from failure
            else:
                return await self._checked(reply)
            if done is not None:
                return done
            if sent >= MOST_SENDS:
                raise StepFailed(
                    f"cannot {self._step.action.value} {self._step.address.short}",
                    detail=f"sent {sent} times and never took effect; another writer may keep changing it",
                )
            if not missed:
                # What was read to meet the guard grows old: after a pause it would only be missed again.
                await asyncio.sleep(self._p.pause(sent))

    def _must_look(self) -> bool:
        """Whether live values have to go back with what is undone: the plan's are from before the step itself (S17)."""
        step = self._step
        return self._telling.is_undo and step.action is Action.UPDATE and writes_beside(step.after or {}, step.ignored)

    async def read_effect(self) -> Done | None:
        """The effect of a step whose reply never came, None when there is none; nothing is sent."""
        step = self._step
        live = await self._read_or_unknown()
        if live is None:
            return Done(etag=None, note="found gone by reading") if step.action is Action.DELETE else None
        if step.action is Action.DELETE or (is_hidden(step) and live.etag == self._etag):
            return None
        if self._unkept(step.after, standing(self._kind, live)):
            return None
        return Done(etag=self._own(live, None), note="found done by reading", outputs=gifts(step, live.raw))

    async def _send(self) -> Reply:
        call = self._call
        if isinstance(self._step.guard, IfMatch) and self._etag:
            call = replace(call, headers={**call.headers, "If-Match": self._etag})
        # What may have had an effect is brought to its end, even where nothing new is to be started any more.
        leaving = None if self._may_have_left else self._around.leaving
        self._may_have_left = True
        async with self._around.in_turn or nullcontext():
            return await self._p.sender.send(call, leaving=leaving, before_again=self._around.begun)

    async def _sit_out(self, refusal: Refusal, times: int) -> None:
        if refusal.one_by_one:
            self._around = replace(self._around, in_turn=self._around.go_in_turn())
        seconds = self._p.pause(times)
        self._around.waiting(refusal.reason, seconds)
        await asyncio.sleep(seconds)

    async def _refuse_others(self, failure: ApiError) -> None:
        """Waiting helps only while it is our own deletes that the service still sees; what it names says of which kind.

        Raises StepFailed when somebody else's is there too.
        """
        try:
            there = await self._p.reader.read_beneath(self._step.address)
        except ReadFailed:
            return  # The next try is told the same, or not.
        blocking = {address for address in there if kind_of(address).section in failure.message}
        if others := blocking.difference(self._around.deleted):
            raise self._telling.not_empty(others) from failure

    async def _refused(self, failure: ApiError, *, uncertain: bool) -> Done | None:
        """What an error answer means: done after all, None to send again, or StepFailed."""
        step = self._step
        if failure.status >= 500:
            return await self._settle(sure=False)
        if failure.status == 412:
            return await self._settle(sure=not uncertain)
        if step.action is Action.DELETE and failure.status == 404 and failure.code in self._kind.missing:
            return self._found("was gone already", None, None, sure=not uncertain, request_id=failure.request_id)
        if step.action is Action.CREATE and failure.status == 409 and uncertain:
            return await self._settle(sure=False)
        raise self._p.failed(step, failure) from failure

    async def _settle(self, *, sure: bool) -> Done | None:
        """Read back and decide. `sure`: nothing of ours can have had effect, so what differs is another writer's.

        Done when the promise is kept, None when the step is still to be sent (with what was read as its new guard).
        """
        seen = self._seen
        live = await self._read_or_unknown()
        if live is None:
            return self._gone(sure=sure)
        if self._step.action is Action.DELETE:
            return self._still_there(live)
        return self._decided(live, seen, sure=sure)

    def _decided(self, live: Live, seen: Live | None, *, sure: bool) -> Done | None:
        """What a create or an update makes of what stands there now, and stood there when last looked at."""
        step, missing = self._step, self._unkept(self._step.after, standing(self._kind, live))
        if not missing and not (sure and step.action is Action.CREATE) and not is_hidden(step):
            return self._found("found done by reading", live, seen, sure=sure)
        if step.action is Action.CREATE:
            if live.etag is not None and live.etag == self._around.own_etag:
                raise self._telling.not_taken(step.after or {}, missing, live, outputs=gifts(step, live.raw))
            raise StepFailed(
                f"{step.address.short} was created by somebody else meanwhile",
                detail=f"it differs in: {', '.join(missing)}" if missing else "",
                hint="run plan again to see what it is",
            )
        self._three_way(live)
        return None

    def _unkept(self, promise: Mapping[str, Json] | None, live: Mapping[str, Json]) -> tuple[str, ...]:
        return unfulfilled(self._kind, promise or {}, live, self._step.ignored)

    def _own(self, live: Live, seen: Live | None) -> str | None:
        """What guards the next step on the same resource; tags have no part in that.

        Where an update is only a part of several, what it left counts only if nobody else was there since the plan, as
        far as the look at what it was sent to (`seen`) tells: the next step has to compare for itself what it writes.
        """
        if self._is_tags:
            return None
        if not self._kind.groups or self._step.action is not Action.UPDATE:
            return live.etag
        known = seen is not None and is_as_left(self._kind, self._promise or {}, seen, live)
        return live.etag if self._is_alone and known else UNKNOWN_ETAG

    def _found(self, note: str, live: Live | None, seen: Live | None, *, sure: bool, request_id: str = "") -> Done:
        """All is as it was to be. `sure`: without anything of ours, so it is another writer's and theirs to keep."""
        drift = self._telling.drift(standing(self._kind, live)) if live is not None else ()
        etag = self._own(live, seen) if live is not None else None
        outputs = self._given(live, etag) if live is not None else {}
        if not sure or self._telling.is_undo:
            return Done(etag=etag, request_id=request_id, note=note, warnings=drift, outputs=outputs)
        warnings = (self._telling.made_by_others, *drift)
        return Done(etag=None, note=f"{note}, by somebody else", warnings=warnings, ours=False, outputs=outputs)

    def _given(self, live: Live, etag: str | None) -> dict[str, Json]:
        """What later steps want of the resource. Raises StepFailed where the service does not say all of it (S46)."""
        outputs = gifts(self._step, live.raw)
        if unsaid := lacking(self._step, outputs):
            raise StepFailed(
                f"the service does not say {', '.join(unsaid)} of {self._step.address.short}",
                detail="other resources of the file, or what is to be done with it later, need it",
                happened=True,
                etag=etag,
                outputs=outputs,
            )
        return outputs

    def _gone(self, *, sure: bool) -> Done | None:
        step = self._step
        match step.action:
            case Action.DELETE:
                return self._found("found gone by reading", None, None, sure=sure)
            case Action.CREATE:
                return None
            case _:
                raise StepFailed(f"{step.address.short} was deleted by somebody else meanwhile", hint="run plan again")

    def _still_there(self, live: Live) -> Done | None:
        """A delete that is still to be sent: only if what stands there is what the plan saw (S20)."""
        step = self._step
        if isinstance(step.guard, JustCreated):
            return None
        before, body = step.before or {}, standing(self._kind, live)
        if live.etag != self._etag and not is_same(before, body, step.ignored):
            raise self._telling.conflict(drifted(self._kind, before, {}, body, step.ignored))
        self._etag = live.etag
        self._call = aimed(step, self._call, None, live, self._p.site.scope)
        return None

    def _three_way(self, live: Live) -> None:
        step = self._step
        if goes_with_create(step) and not self._is_tags:
            return  # what a new resource has by itself is nobody's
        before, after = step.before or {}, step.after or {}
        body = standing(self._kind, live)
        if theirs := touched(self._kind, before, after, body) or remarked(self._kind, before, after, body):
            raise self._telling.conflict(theirs)
        drift = self._telling.drift(body)
        if not drift and self._kind.groups and self._etag and live.etag != self._etag and not self._is_tags:
            drift = (self._telling.elsewhere,)
        self._warnings += drift
        self._is_alone = self._is_alone and (live.etag == self._etag or not self._kind.groups)
        self._etag = live.etag
        if not self._is_tags:
            self._promise = merged(self._kind, before, after, body)
            self._call = rebuilt(step, self._promise, live, self._p.site.scope)

    async def _look_first(self, *, uncertain: bool) -> Done | None:
        """The guard of what the service itself does not guard: read just before the write and compare (law 4).

        Done when nothing is left to do, None when the step is to be sent. `uncertain`: an earlier try may have had its
        effect. Raises StepFailed, or StepUnknown.
        """
        step = self._step
        creating = isinstance(step.guard, MustNotExist) and self._kind.creates_over
        if not creating and not isinstance(step.guard, Recheck):
            return None
        seen = self._seen
        try:
            live = await self._read()
            if live is None and creating and self._telling.is_undo:
                await self._refuse_orphan()
        except ReadFailed as failure:
            if uncertain:
                raise self._telling.not_known(failure) from failure
            raise StepFailed(failure.summary, detail=failure.detail, hint="nothing was sent") from failure
        if live is None:
            return self._gone(sure=not uncertain)
        if creating:
            return self._decided(live, None, sure=not uncertain)
        if live.etag == self._etag:
            self._call = aimed(step, self._call, self._promise, live, self._p.site.scope)
            return None
        if step.action is Action.DELETE:
            return self._still_there(live)
        return self._decided(live, seen, sure=not uncertain)

    async def _refuse_orphan(self) -> None:
        """What the service keeps whether or not its parent is there is not put back beneath one that is gone.

        Nothing would list it there, so no later plan would see it. Raises StepFailed and ReadFailed.
        """
        parent = parent_of(self._step.address)
        if parent is not None and await self._p.reader.read_one(parent) is None:
            raise StepFailed(
                f"{self._step.address.short} is not put back",
                detail=f"{parent.short} was deleted by somebody else meanwhile",
                hint="run plan again",
            )

    async def _read_or_unknown(self) -> Live | None:
        try:
            return await self._read()
        except ReadFailed as failure:
            raise self._telling.not_known(failure) from failure

    async def _read(self) -> Live | None:
        tags = self._kind.tags
        if tags is not None and self._is_tags:
            found = dict(await self._p.reader.read_tags(self._step.address))
            return Live(address=self._step.address, body={tags.field: found}, raw={}, etag=fingerprint(found))
        return await self._read_body()

    async def _read_body(self) -> Live | None:
        live = await self._p.reader.read_one(self._step.address)
        self._seen = as_travelling(self._kind, live) if live is not None else None
        return self._seen

    async def _checked(self, reply: Reply) -> Done:
        """The reply against the promise (S21); a reply that says less than a read is not held against the service."""
        step, promise = self._step, self._promise
        if promise is None or self._is_tags:
            return Done(etag=reply.etag, request_id=reply.request_id, warnings=tuple(self._warnings))
        api = self._p.site.scope.api
        raw = said(self._kind, reply.body if isinstance(reply.body, Mapping) else {})
        rechecks = self._kind.guard_in(api) is GuardStyle.RECHECK
        told = promise if rechecks or self._kind.groups else unlike_raw(self._kind, promise, raw)
        body = live_body(self._kind, raw, api, None if told is promise else told)
        etag = stamp(self._kind, body, raw) if rechecks else reply.etag
        answered = Live(address=step.address, body=body, raw=raw, etag=etag)
        outputs, seen = gifts(step, raw), self._seen
        tells_all = step.action is Action.CREATE or group_named(self._kind, step.group).answers
        if not tells_all or self._unkept(told, standing(self._kind, answered)) or lacking(step, outputs):
            try:
                live = await self._read_body()
            except ReadFailed as failure:
                etag = etag if tells_all else UNKNOWN_ETAG
                raise StepFailed(
                    failure.summary, detail=failure.detail, happened=True, etag=etag, outputs=outputs
                ) from failure
            answered = live or answered
            missing = self._unkept(promise, standing(self._kind, live) if live is not None else {})
            if missing:
                outputs = gifts(step, answered.raw)
                raise self._telling.not_taken(promise, missing, live, self._own(answered, seen), outputs)
        etag = self._own(answered, seen)
        outputs = self._given(answered, etag)
        return Done(etag=etag, request_id=reply.request_id, warnings=tuple(self._warnings), outputs=outputs)
