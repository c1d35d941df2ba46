"""Reads what stands at the top and says by tags whose it is (S9, S10)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct

from fcdeploy.engine.asking import Asking, answered, tag_map
from fcdeploy.engine.lists import read_list, read_pages
from fcdeploy.engine.ownership import MARK_PROJECT, mark_in
from fcdeploy.engine.snapshot import Site
from fcdeploy.engine.together import both, together
from fcdeploy.kinds.descriptor import Kind, Marking, TagGroup
from fcdeploy.model import Address, Json, Live, Mark

FEW_ROOTS = 8
"""Up to so many roots are read one by one, which also gives their ETags; beyond it the whole list is cheaper."""

Identity: TypeAlias = tuple[str, ...]


class _Tagged(Struct, frozen=True, kw_only=True):
    """Tags by identity, and every mark that was seen; `named` are roots that carry our mark."""

    tags: Mapping[Identity, Mapping[str, Json]]
    marks: frozenset[Mark]
    named: frozenset[Identity]


def is_read_singly(kind: Kind, wanted: Iterable[Identity]) -> bool:
    """Whether roots are read one by one: there are few, or their list does not say all of them."""
    return not kind.listing.whole or len({*wanted}) <= FEW_ROOTS


class Roots:
    """Reads the roots of one target."""

    def __init__(self, ask: Asking, site: Site) -> None:
        self._ask = ask
        self._site = site

    async def read(self, kind: Kind, wanted: set[Identity]) -> tuple[dict[Address, Live], set[Mark]]:
        """What is wanted or carries our mark, and all marks that were seen. Raises ReadFailed."""
        if kind.marking is not Marking.TAGS or kind.tags is None:
            raise ValueError(f"a root of kind {kind.name} has no mark")
        # Everything that can be asked at once is asked at once: one round trip in the common case.
        singly = is_read_singly(kind, wanted)
        tagged, first = await both(
            self._read_tagged(kind, kind.tags),
            self._read_bodies(kind, wanted) if singly else self._read_listed(kind),
        )
        missing = tagged.named - first.keys() if singly else set[Identity]()
        bodies: dict[Identity, tuple[Json, str | None]] = {**first, **(await self._read_bodies(kind, missing))}
        relevant = (wanted | tagged.named) & bodies.keys()
        unknown = sorted(relevant - tagged.tags.keys()) if kind.tags.listing_since > self._site.scope.api else []
        extra = await self._read_tags(kind, unknown)
        lives: dict[Address, Live] = {}
        for identity in sorted(relevant):
            raw, etag = bodies[identity]
            address = self._ask.address(kind, identity)
            tags = tagged.tags.get(identity, extra.get(identity, {}))
            lives[address] = self._ask.live(kind, address, raw, etag, tags, singly=singly)
        return lives, {*tagged.marks, *(live.mark for live in lives.values() if live.mark is not None)}

    async def _read_bodies(self, kind: Kind, wanted: Iterable[Identity]) -> dict[Identity, tuple[Json, str | None]]:
        listed = sorted(wanted)
        replies = await together(self._ask.read_or_absent(kind, self._ask.address(kind, one)) for one in listed)
        found = zip(listed, replies, strict=True)
        return {one: (answered(kind, reply), reply.etag) for one, reply in found if reply is not None}

    async def _read_listed(self, kind: Kind) -> dict[Identity, tuple[Json, str | None]]:
        listed = await read_list(self._ask.checked, kind, (), self._site.scope)
        return {identity: (item, None) for identity, item in listed.items()}

    async def _read_tags(self, kind: Kind, listed: Iterable[Identity]) -> dict[Identity, Mapping[str, Json]]:
        ordered = sorted(listed)
        read = await together(self._ask.read_tags(self._ask.address(kind, one)) for one in ordered)
        return dict(zip(ordered, read, strict=True))

    async def _read_tagged(self, kind: Kind, tags: TagGroup) -> _Tagged:
        if tags.listing_since <= self._site.scope.api:
            return self._tagged(await self._read_all_tags(kind, tags))
        # An older API has no list of tagged resources, but its own list can be filtered by a tag (facts 7.1). The
        # project's other targets are seen by leaving the target out; only the tags say which target it is (S9).
        filters = {f"{tags.filter_prefix}{MARK_PROJECT}": self._site.mark.project}
        listed = await read_list(self._ask.checked, kind, (), self._site.scope, filters)
        return self._tagged(await self._read_tags(kind, listed))

    async def _read_all_tags(self, kind: Kind, tags: TagGroup) -> dict[Identity, Mapping[str, Json]]:
        items = await read_pages(self._ask.checked, tags.listing, {}, self._site.scope, f"tagged {kind.section}")
        found: dict[Identity, Mapping[str, Json]] = {}
        for item in items:
            # Other things may have tags, too: they are no resources of this kind.
            if named := re.fullmatch(tags.listing.pattern, str(item.get(tags.listing.member, ""))):
                found[tuple(named[part] for part in kind.identity)] = tag_map(tags, item.get(tags.answer))
        return found

    def _tagged(self, found: Mapping[Identity, Mapping[str, Json]]) -> _Tagged:
        marks = {one: mark for one, tags in found.items() if (mark := mark_in(tags)) is not None}
        ours = frozenset(one for one, mark in marks.items() if mark == self._site.mark)
        return _Tagged(tags=found, marks=frozenset(marks.values()), named=ours)
