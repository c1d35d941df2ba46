"""Asks for one thing: calls that only read, and what was answered as a live resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from fcdeploy.engine.canonical import live_body, said, stamp
from fcdeploy.engine.marks import unmarked
from fcdeploy.engine.ownership import mark_in
from fcdeploy.engine.pins import unpinned
from fcdeploy.engine.snapshot import Site
from fcdeploy.engine.wire import plain_call
from fcdeploy.errors import ApiError, CloudError, ReadFailed
from fcdeploy.kinds.descriptor import GuardStyle, Kind, TagGroup
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Address, ArchiveRef, Call, Json, Live, Reply


class Sender(Protocol):
    """The engine's view of the cloud: one method that calls, one that downloads a pre-signed address."""

    async def send(
        self,
        call: Call,
        *,
        leaving: Callable[[], None] | None = None,
        before_again: Callable[[], Awaitable[None]] | None = None,
    ) -> Reply:
        """The reply of a call that succeeded; raises ApiError, NotSent or NoReply.

        `leaving` is called just before the call is sent at first, `before_again` awaited just before each repeat of one
        that was refused; what they raise ends the call.
        """
        ...

    async def read_archive(self, url: str, to: Path) -> ArchiveRef:
        """Download an archive into the file `to`; raises CloudError."""
        ...


class Asking:
    """What every read of a target is made of."""

    def __init__(self, sender: Sender, site: Site) -> None:
        self._sender = sender
        self._site = site

    def address(self, kind: Kind, identity: tuple[str, ...]) -> Address:
        """The address of what has this identity in the target."""
        target = self._site.target
        return Address(provider=target.provider, target=target.name, kind=kind.name, identity=identity)

    async def checked(self, call: Call) -> Reply:
        """The reply of a call that only reads. Raises ReadFailed."""
        try:
            return await self._sender.send(call)
        except CloudError as failure:
            raise self._failed(call.resource, failure) from failure

    async def read_or_absent(self, kind: Kind, address: Address) -> Reply | None:
        """What the service answers of one resource, None where it says that there is none. Raises ReadFailed."""
        call = plain_call(kind.read, kind, address.identity, self._site.scope, address.short)
        try:
            return await self._sender.send(call)
        except ApiError as failure:
            if is_missing(kind, failure):
                return None
            raise self._failed(address.short, failure) from failure
        except CloudError as failure:
            raise self._failed(address.short, failure) from failure

    async def read_tags(self, address: Address) -> Mapping[str, Json]:
        """The tags of one resource. Raises ReadFailed."""
        kind = kind_of(address)
        assert kind.tags is not None
        call = plain_call(kind.tags.read, kind, address.identity, self._site.scope, f"tags of {address.short}")
        reply = await self.checked(call)
        return tag_map(kind.tags, (reply.body or {}).get(kind.tags.answer))

    def live(
        self,
        kind: Kind,
        address: Address,
        raw: Json,
        etag: str | None,
        tags: Mapping[str, Json] | None,
        *,
        singly: bool,
    ) -> Live:
        """A live resource of what `said` made of an answer; `singly`: it says enough to be guarded."""
        if not isinstance(raw, Mapping):
            raise ReadFailed("the service's answer is not an object", resource=address.short)
        whole = {**raw, kind.tags.field: dict(tags)} if kind.tags is not None and tags is not None else dict(raw)
        travelling = live_body(kind, whole, self._site.scope.api)
        if singly and kind.guard_in(self._site.scope.api) is GuardStyle.RECHECK:
            etag = stamp(kind, travelling, whole)
        body, mark = unmarked(kind, travelling)
        body, is_pinned = unpinned(kind, body)
        if tags is not None:
            mark = mark_in(tags)
        return Live(address=address, body=body, raw=whole, etag=etag, mark=mark, pinned=is_pinned)

    def _failed(self, resource: str, failure: CloudError) -> ReadFailed:
        return ReadFailed(
            f"cannot read {resource}",
            resource=resource,
            detail=failure.summary + (f" (request {failure.request_id})" if isinstance(failure, ApiError) else ""),
            hint="nothing was changed; a failed read is never taken for an absent resource",
        )


def answered(kind: Kind, reply: Reply) -> Json:
    """The body of a reply in the form that all else takes."""
    return said(kind, reply.body) if isinstance(reply.body, Mapping) else reply.body


def is_missing(kind: Kind, failure: BaseException | None) -> bool:
    """Whether a refusal says that there is no such resource."""
    return isinstance(failure, ApiError) and failure.status == 404 and failure.code in kind.missing


def tag_map(tags: TagGroup, travelling: Json) -> dict[str, Json]:
    """Tags by key, of a map or of a list of `{key, value}`."""
    if isinstance(travelling, Mapping):
        return dict(travelling)
    return {str(one["key"]): one.get("value") or "" for one in travelling or () if tags.pairs}
