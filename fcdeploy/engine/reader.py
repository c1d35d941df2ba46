"""Reads live state, the fewest requests that can tell the truth (law 1, S9, S19).

Lists give whole bodies but no ETags, so everything is read through lists first; what the plan will change is then read
singly. A read that fails stops the target: it never becomes "absent".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fcdeploy.engine.canonical import is_absent, live_body, said, stamp
from fcdeploy.engine.frozen import Frozen, newest_to_compare, read_frozen
from fcdeploy.engine.lists import read_list, read_pages
from fcdeploy.engine.marks import unmarked
from fcdeploy.engine.ownership import MARK_PROJECT, mark_in
from fcdeploy.engine.pins import unpinned
from fcdeploy.engine.series_list import needs_given, read_all_series
from fcdeploy.engine.snapshot import Desired, Site, Snapshot
from fcdeploy.engine.together import both, together
from fcdeploy.engine.wire import plain_call
from fcdeploy.errors import ApiError, CloudError, ReadFailed
from fcdeploy.kinds.descriptor import NEW, GuardStyle, Kind, Marking, TagGroup
from fcdeploy.kinds.fields import value_at
from fcdeploy.kinds.registry import kind_of, listed_under, parent_of, roots
from fcdeploy.model import Address, ArchiveRef, Call, Json, Live, Mark, Reply

FEW_ROOTS = 8
"""Up to so many roots are read one by one, which also gives their ETags; beyond it the whole list is cheaper."""


class Sender(Protocol):
    """The engine's view of the cloud: one method that calls, one that downloads a pre-signed address."""

    async def send(self, call: Call, *, before_again: Callable[[], Awaitable[None]] | None = None) -> Reply:
        """The reply of a call that succeeded; raises ApiError, NotSent or NoReply.

        `before_again` is awaited just before each repeat of a refused call; what it raises ends the call.
        """
        ...

    async def read_archive(self, url: str, to: Path) -> ArchiveRef:
        """Download an archive into the file `to`; raises CloudError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tagged:
    """Tags by identity, and every mark that was seen; `names` are roots that carry our mark."""

    tags: Mapping[str, Mapping[str, Json]]
    marks: frozenset[Mark]
    names: frozenset[str]


class Reader:
    """Reads one target's live state through a Sender."""

    def __init__(self, sender: Sender, site: Site) -> None:
        self._sender = sender
        self._site = site

    async def read_snapshot(self, desired: Desired) -> Snapshot:
        """Everything under the roots that are wanted or carry our mark. Raises ReadFailed.

        Of what an external root holds, only what is wanted or carries our mark is followed further down (S13).
        """
        kinds = roots(self._site.target.provider)
        trees = await together(self._read_tree(kind, desired) for kind in kinds)
        lives = {address: live for found, _ in trees for address, live in found.items()}
        marks = {mark for _, seen in trees for mark in seen} | {live.mark for live in lives.values() if live.mark}
        # What outlives the resource that it belongs to is in no list of that one, and no create would refuse.
        left = [
            address
            for address in desired
            if address not in lives and kind_of(address).creates_over and parent_of(address) not in lives
        ]
        lives |= {address: live for address, live in (await self.read_singly(left)).items() if live is not None}
        newest = newest_to_compare(desired, lives)
        frozen = dict(zip(newest, await together(map(self.read_frozen, newest)), strict=True))
        return Snapshot(
            lives=lives,
            marks=frozenset(marks),
            frozen={address: found.bodies for address, found in frozen.items()},
        )

    async def read_frozen(self, address: Address) -> Frozen:
        """What a numbered resource froze; of one that is to be, what it would freeze now. Raises ReadFailed."""
        return await read_frozen(self._checked, address, self._site.scope)

    async def _read_tree(self, kind: Kind, desired: Desired) -> tuple[dict[Address, Live], set[Mark]]:
        wanted = {address.identity[0] for address in desired if address.kind == kind.name}
        if kind.numbering is not None:
            return await self._read_all_series(kind, wanted), set()
        if kind.marking is Marking.NONE:
            # Any of them may lead to what is ours, so all are read (S14).
            return await self._read_children(kind, ()), set()
        # What is wanted most likely exists, so what stands beneath is asked for in the same round trip; what is said
        # of a root that turns out not to exist does not count.
        early = [self._root(kind, name) for name in sorted(wanted)] if len(wanted) <= FEW_ROOTS else []
        guesses = [asyncio.create_task(self._read_beneath(address, desired)) for address in early]
        try:
            found, marks = await self._read_roots(kind, wanted)
        except (ReadFailed, asyncio.CancelledError):
            for guess in guesses:
                guess.cancel()
            await asyncio.gather(*guesses, return_exceptions=True)
            raise
        late = sorted(found.keys() - set(early))
        beneath = [
            *await asyncio.gather(*guesses, return_exceptions=True),
            *await together(self._read_beneath(address, desired) for address in late),
        ]
        for address, below in zip([*early, *late], beneath, strict=True):
            if address not in found:
                continue
            if isinstance(below, BaseException):
                raise below
            found |= below
        return found, marks

    async def _read_all_series(self, kind: Kind, wanted: set[str]) -> dict[Address, Live]:
        """The whole of each series that is wanted, or whose newest has our mark."""
        # What is wanted most likely exists; its list can be asked for at once, unless only another list tells how.
        early = [] if needs_given(kind) else sorted(wanted)
        listed, series = await both(
            read_all_series(self._checked, kind, self._site.scope),
            together(self._read_siblings(kind, self._root(kind, name, NEW)) for name in early),
        )
        late = {
            name: one.given
            for name, one in sorted(listed.items())
            if name not in early
            and (
                name in wanted
                or self._live(kind, self._root(kind, name, NEW), one.newest, None, None, singly=False).mark
                == self._site.mark
            )
        }
        more = await together(
            self._read_siblings(kind, self._root(kind, name, NEW), given) for name, given in late.items()
        )
        return {address: live for found in (*series, *more) for address, live in found.items()}

    async def read_singly(self, addresses: Iterable[Address]) -> dict[Address, Live | None]:
        """Each of these with its ETag; None where it is gone. Raises ReadFailed."""
        listed = list(addresses)
        read = await together(self.read_one(address) for address in listed)
        return dict(zip(listed, read, strict=True))

    async def read_one(self, address: Address) -> Live | None:
        """One resource with its ETag and tags, None when it does not exist. Raises ReadFailed."""
        kind = kind_of(address)
        if kind.read == kind.listing.operation:
            return (await self._read_siblings(kind, address)).get(address)
        reply = await self._read_or_absent(kind, address)
        if reply is None:
            return None
        tags = await self.read_tags(address) if kind.tags is not None else None
        live = self._live(kind, address, reply.body, reply.etag, tags, singly=True)
        return None if is_absent(kind, live.body) else live

    async def read_said(self, address: Address) -> Mapping[str, Json] | None:
        """One resource as the service says it, also what counts as absent; None when there is none."""
        kind = kind_of(address)
        reply = await self._read_or_absent(kind, address)
        return said(kind, reply.body) if reply is not None and isinstance(reply.body, Mapping) else None

    async def read_listed(self, kind: Kind, above: tuple[str, ...]) -> dict[Address, Mapping[str, Json]]:
        """What the list of a kind says, also of what counts as absent. Raises ReadFailed."""
        listed = await read_list(self._checked, kind, above, self._site.scope)
        target = self._site.target
        return {
            Address(provider=target.provider, target=target.name, kind=kind.name, identity=identity): raw
            for identity, raw in listed.items()
        }

    async def read_series(self, address: Address) -> dict[Address, Live]:
        """All that exist of the series in which a numbered resource stands. Raises ReadFailed."""
        return await self._read_siblings(kind_of(address), address)

    async def read_beneath(self, address: Address) -> frozenset[Address]:
        """All that stands beneath a resource. Raises ReadFailed."""
        return frozenset(await self._read_beneath(address, {}))

    async def read_names(self, kind: Kind) -> tuple[str, ...]:
        """The names of all there are of a kind that stands at the top, in order. Raises ReadFailed."""
        return tuple(sorted(await self._read_listed(kind)))

    async def read_tags(self, address: Address) -> Mapping[str, Json]:
        """The tags of one resource. Raises ReadFailed."""
        kind = kind_of(address)
        assert kind.tags is not None
        call = plain_call(kind.tags.read, kind, address.identity, self._site.scope, f"tags of {address.short}")
        reply = await self._checked(call)
        return dict((reply.body or {}).get(kind.tags.answer) or {})

    async def read_code_url(self, address: Address, raw: Mapping[str, Json] | None = None) -> str:
        """A short-lived address of a live code archive; `raw` is what the service said of it. Raises ReadFailed."""
        kind = kind_of(address)
        assert kind.archive_read is not None
        names = kind.names(address.identity, raw)
        call = kind.archive_read.call(names, self._site.scope, resource=f"code of {address.short}")
        reply = await self._checked(call)
        url = value_at(reply.body, kind.archive_url)
        if not isinstance(url, str) or not url:
            raise ReadFailed(f"{kind.archive_read.name} gave no address", resource=address.short)
        return url

    async def _read_roots(self, kind: Kind, wanted: set[str]) -> tuple[dict[Address, Live], set[Mark]]:
        if kind.marking is not Marking.TAGS or kind.tags is None:
            raise ValueError(f"a root of kind {kind.name} has no mark")
        # Everything that can be asked at once is asked at once: one round trip in the common case.
        few = len(wanted) <= FEW_ROOTS
        tagged, first = await both(
            self._read_tagged(kind, kind.tags),
            self._read_bodies(kind, wanted) if few else self._read_listed(kind),
        )
        missing = tagged.names - first.keys() if few else set[str]()
        bodies: dict[str, tuple[Json, str | None]] = {**first, **(await self._read_bodies(kind, missing))}
        lives: dict[Address, Live] = {}
        relevant = (wanted | tagged.names) & bodies.keys()
        unknown = sorted(relevant - tagged.tags.keys()) if kind.tags.listing_since > self._site.scope.api else []
        extra = dict(
            zip(
                unknown,
                await together(self.read_tags(self._root(kind, name)) for name in unknown),
                strict=True,
            )
        )
        for name in sorted(relevant):
            raw, etag = bodies[name]
            address = self._root(kind, name)
            tags = tagged.tags.get(name, extra.get(name, {}))
            lives[address] = self._live(kind, address, raw, etag, tags, singly=few)
        return lives, {*tagged.marks, *(live.mark for live in lives.values() if live.mark is not None)}

    async def _read_bodies(self, kind: Kind, names: Iterable[str]) -> dict[str, tuple[Json, str | None]]:
        listed = sorted(names)
        replies = await together(self._read_or_absent(kind, self._root(kind, name)) for name in listed)
        found = zip(listed, replies, strict=True)
        return {name: (reply.body, reply.etag) for name, reply in found if reply is not None}

    async def _read_or_absent(self, kind: Kind, address: Address) -> Reply | None:
        call = plain_call(kind.read, kind, address.identity, self._site.scope, address.short)
        try:
            return await self._sender.send(call)
        except ApiError as failure:
            if failure.status == 404 and failure.code in kind.missing:
                return None
            raise self._failed(address.short, failure) from failure
        except CloudError as failure:
            raise self._failed(address.short, failure) from failure

    async def _read_listed(self, kind: Kind) -> dict[str, tuple[Json, str | None]]:
        listed = await read_list(self._checked, kind, (), self._site.scope)
        return {name: (item, None) for (name,), item in listed.items()}

    async def _read_tagged(self, kind: Kind, tags: TagGroup) -> _Tagged:
        if tags.listing_since <= self._site.scope.api:
            return await self._read_all_tags(kind, tags)
        # An older API has no list of tagged resources, but its own list can be filtered by a tag (facts 7.1). The
        # project's other targets are seen by leaving the target out; only the tags say which target it is (S9).
        filters = {f"{tags.filter_prefix}{MARK_PROJECT}": self._site.mark.project}
        listed = await read_list(self._checked, kind, (), self._site.scope, filters)
        names = sorted(name for (name,) in listed)
        read = await together(self.read_tags(self._root(kind, name)) for name in names)
        by_name = dict(zip(names, read, strict=True))
        marks = {name: mark for name, found in by_name.items() if (mark := mark_in(found)) is not None}
        ours = frozenset(name for name, mark in marks.items() if mark == self._site.mark)
        return _Tagged(tags=by_name, marks=frozenset(marks.values()), names=ours)

    async def _read_all_tags(self, kind: Kind, tags: TagGroup) -> _Tagged:
        scope = self._site.scope
        items = await read_pages(self._checked, tags.listing, {}, scope, f"tagged {kind.section}")
        by_name: dict[str, Mapping[str, Json]] = {}
        for item in items:
            # Other things may have tags, too: they are no resources of this kind.
            if named := re.fullmatch(tags.listing.pattern, str(item.get(tags.listing.member, ""))):
                by_name[named[kind.identity[-1]]] = item.get(tags.answer) or {}
        marks = {name: mark for name, found in by_name.items() if (mark := mark_in(found)) is not None}
        ours = frozenset(name for name, mark in marks.items() if mark == self._site.mark)
        return _Tagged(tags=by_name, marks=frozenset(marks.values()), names=ours)

    async def _read_beneath(self, address: Address, desired: Desired) -> dict[Address, Live]:
        """All resources beneath one, every kind at once."""
        external = address in desired and desired[address].external
        kinds = [
            kind
            for kind in listed_under(kind_of(address))
            if not external or kind.parent != address.kind or (kind.marking is Marking.PARENT and kind.mark_field)
        ]
        found: dict[Address, Live] = {}
        for part in await together(self._read_children(kind, address.identity) for kind in kinds):
            found |= part
        followed = [
            child for child, live in found.items() if not external or child in desired or live.mark == self._site.mark
        ]
        for part in await together(self._read_beneath(child, desired) for child in followed):
            found |= part
        return found

    async def _read_siblings(
        self, kind: Kind, address: Address, given: Mapping[str, str] | None = None
    ) -> dict[Address, Live]:
        """What stands beside an address in its list; `given` is looked for where the list needs it."""
        if given is None and needs_given(kind) and kind.numbering is not None:
            name = address.identity[0]
            one = (await read_all_series(self._checked, kind, self._site.scope, name=name)).get(name)
            if one is None:
                return {}
            given = one.given
        try:
            return await self._read_children(kind, address.identity[:-1], singly=True, given=given)
        except ReadFailed as failure:
            cause = failure.__cause__
            if isinstance(cause, ApiError) and cause.status == 404 and cause.code in kind.missing:
                return {}
            raise

    async def _read_children(
        self, kind: Kind, above: tuple[str, ...], *, singly: bool = False, given: Mapping[str, str] | None = None
    ) -> dict[Address, Live]:
        """What the list of a kind has; `singly`: there is no other way to read one of them."""
        lives: dict[Address, Live] = {}
        listed = await read_list(self._checked, kind, above, self._site.scope, given=given)
        for identity, raw in listed.items():
            target = self._site.target
            address = Address(provider=target.provider, target=target.name, kind=kind.name, identity=identity)
            live = self._live(kind, address, raw, None, None, singly=singly)
            if not is_absent(kind, live.body):
                lives[address] = live
        return lives

    async def _checked(self, call: Call) -> Reply:
        try:
            return await self._sender.send(call)
        except CloudError as failure:
            raise self._failed(call.resource, failure) from failure

    def _live(
        self,
        kind: Kind,
        address: Address,
        raw: Json,
        etag: str | None,
        tags: Mapping[str, Json] | None,
        *,
        singly: bool,
    ) -> Live:
        if not isinstance(raw, Mapping):
            raise ReadFailed("the service's answer is not an object", resource=address.short)
        whole = said(kind, raw)
        if kind.tags is not None and tags is not None:
            whole[kind.tags.field] = dict(tags)
        travelling = live_body(kind, whole, self._site.scope.api)
        if singly and kind.guard_in(self._site.scope.api) is GuardStyle.RECHECK:
            etag = stamp(kind, travelling, whole)
        body, mark = unmarked(kind, travelling)
        body, is_pinned = unpinned(kind, body)
        if tags is not None:
            mark = mark_in(tags)
        return Live(address=address, body=body, raw=whole, etag=etag, mark=mark, pinned=is_pinned)

    def _root(self, kind: Kind, *identity: str) -> Address:
        target = self._site.target
        return Address(provider=target.provider, target=target.name, kind=kind.name, identity=identity)

    def _failed(self, resource: str, failure: CloudError) -> ReadFailed:
        return ReadFailed(
            f"cannot read {resource}",
            resource=resource,
            detail=failure.summary + (f" (request {failure.request_id})" if isinstance(failure, ApiError) else ""),
            hint="nothing was changed; a failed read is never taken for an absent resource",
        )
