"""Reads live state, the fewest requests that can tell the truth (law 1, S9, S19).

Lists give whole bodies but no ETags, so everything is read through lists first; what the plan will change is then read
singly. A read that fails stops the target: it never becomes "absent".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from fcdeploy.engine.asking import Asking, answered, is_missing
from fcdeploy.engine.asking import Sender as Sender
from fcdeploy.engine.canonical import is_absent, said
from fcdeploy.engine.frozen import Frozen, newest_to_compare, read_frozen
from fcdeploy.engine.lists import Found, ListPages, identified, read_list, read_pages, read_siblings
from fcdeploy.engine.roots import Identity, Roots, is_read_singly
from fcdeploy.engine.series_list import needs_given, read_all_series
from fcdeploy.engine.snapshot import Desired, Site, Snapshot, lineage
from fcdeploy.engine.together import both, dropped, gathered, together
from fcdeploy.errors import ReadFailed
from fcdeploy.kinds.conditions import value_at
from fcdeploy.kinds.descriptor import NEW, Kind, Marking
from fcdeploy.kinds.registry import KINDS, kind_of, listed_everywhere, listed_under, parent_of, roots
from fcdeploy.model import Address, Json, Live, Mark

See: TypeAlias = Callable[[Mapping[Address, Live]], None]
"""Is told of what has just been read."""

PORTION = 4
"""So many resources of a page are looked at before what has arrived meanwhile has its turn: about a millisecond."""


def _unseen(lives: Mapping[Address, Live]) -> None:
    del lives


class Reader(Asking):
    """Reads one target's live state through a Sender."""

    def __init__(self, sender: Sender, site: Site) -> None:
        super().__init__(sender, site)
        self._roots = Roots(self, site)

    async def read_snapshot(self, desired: Desired, see: See = _unseen) -> Snapshot:
        """Everything under the roots that are wanted or carry our mark. Raises ReadFailed.

        `see` is given what stands beneath others in portions, while the rest is on its way.
        Of what an external root holds, only what is wanted or carries our mark is followed further down (S13).
        """
        provider = self._site.target.provider
        everywhere = listed_everywhere(provider)
        trees, lists = await both(
            together(self._read_tree(kind, desired, see) for kind in roots(provider)),
            together(self._read_everywhere(kind) for kind in everywhere),
        )
        lives = {address: live for found, _ in trees for address, live in found.items()}
        for kind, items in zip(everywhere, lists, strict=True):
            lives |= self._beneath_any(kind, items, lives, desired)
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
        return await read_frozen(self.checked, address, self._site.scope)

    async def _read_tree(self, kind: Kind, desired: Desired, see: See) -> tuple[dict[Address, Live], set[Mark]]:
        if kind.numbering is not None:
            return await self._read_all_series(
                kind, {one.identity[0] for one in desired if one.kind == kind.name}
            ), set()
        if kind.marking is Marking.NONE:
            # Any of them may lead to what is ours, so all are read (S14).
            return await self._read_children(kind, ()), set()
        wanted = {address.identity for address in desired if address.kind == kind.name}
        # What is wanted most likely exists, so what stands beneath is asked for in the same round trip; what is said
        # of a root that turns out not to exist does not count.
        early = [self.address(kind, one) for one in sorted(wanted)] if is_read_singly(kind, wanted) else []
        guesses = [asyncio.create_task(self._read_beneath(address, desired, see)) for address in early]
        try:
            found, marks = await self._roots.read(kind, wanted)
        except (ReadFailed, asyncio.CancelledError):
            await dropped(guesses)
            raise
        late = sorted(found.keys() - set(early))
        beneath = [
            *await asyncio.gather(*guesses, return_exceptions=True),
            *await together(self._read_beneath(address, desired, see) for address in late),
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
            read_all_series(self.checked, kind, self._site.scope),
            together(self._read_siblings(kind, self.address(kind, (name, NEW))) for name in early),
        )
        late = {
            name: one.given
            for name, one in sorted(listed.items())
            if name not in early
            and (
                name in wanted
                or self.live(
                    kind, self.address(kind, (name, NEW)), said(kind, one.newest), None, None, singly=False
                ).mark
                == self._site.mark
            )
        }
        more = await together(
            self._read_siblings(kind, self.address(kind, (name, NEW)), given) for name, given in late.items()
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
        if kind.read_in_list:
            return (await self._read_siblings(kind, address)).get(address)
        reply = await self.read_or_absent(kind, address)
        if reply is None:
            return None
        tags = await self.read_tags(address) if kind.tags is not None else None
        live = self.live(kind, address, answered(kind, reply), reply.etag, tags, singly=True)
        return None if is_absent(kind, live.body) else live

    async def read_said(self, address: Address) -> Mapping[str, Json] | None:
        """One resource as the service says it, also what counts as absent; None when there is none."""
        kind = kind_of(address)
        if kind.read_in_list:
            return (await self._read_listed_beside(kind, address)).get(address.identity)
        reply = await self.read_or_absent(kind, address)
        body = answered(kind, reply) if reply is not None else None
        return body if isinstance(body, Mapping) else None

    async def read_listed(self, kind: Kind, above: tuple[str, ...]) -> dict[Address, Mapping[str, Json]]:
        """What the list of a kind says, also of what counts as absent. Raises ReadFailed."""
        listed = await read_list(self.checked, kind, above, self._site.scope)
        return {self.address(kind, identity): raw for identity, raw in listed.items()}

    async def read_series(self, address: Address) -> dict[Address, Live]:
        """All that exist of the series in which a numbered resource stands. Raises ReadFailed."""
        return await self._read_siblings(kind_of(address), address)

    async def read_beneath(self, address: Address) -> frozenset[Address]:
        """All that stands beneath a resource. Raises ReadFailed."""
        everywhere = [kind for kind in listed_everywhere(address.provider) if _stands_in(kind, kind_of(address))]
        beneath, lists = await both(
            self._read_beneath(address, {}, _unseen), together(self._read_everywhere(kind) for kind in everywhere)
        )
        for kind, items in zip(everywhere, lists, strict=True):
            beneath |= self._beneath_any(kind, items, {address: None, **beneath}, {})
        return frozenset(beneath)

    async def read_identities(self, kind: Kind) -> tuple[Identity, ...]:
        """Those of all there are of a kind that stands at the top, in order. Raises ReadFailed."""
        return tuple(sorted(await read_list(self.checked, kind, (), self._site.scope)))

    async def read_code_url(self, address: Address, raw: Mapping[str, Json] | None = None) -> str:
        """A short-lived address of a live code archive; `raw` is what the service said of it. Raises ReadFailed."""
        kind = kind_of(address)
        assert kind.archive_read is not None
        names = kind.names(address.identity, raw)
        call = kind.archive_read.call(names, self._site.scope, resource=f"code of {address.short}")
        reply = await self.checked(call)
        url = value_at(reply.body, kind.archive_url)
        if not isinstance(url, str) or not url:
            raise ReadFailed(f"{kind.archive_read.name} gave no address", resource=address.short)
        return url

    async def _read_beneath(self, address: Address, desired: Desired, see: See) -> dict[Address, Live]:
        """All resources beneath one, every kind at once."""
        kinds = _kinds_beneath(address, desired)
        parts = await together(self._read_tree_of(kind, address, desired, see) for kind in kinds)
        return {beneath: live for part in parts for beneath, live in part.items()}

    async def _read_tree_of(self, kind: Kind, above: Address, desired: Desired, see: See) -> dict[Address, Live]:
        """What the list of a kind has in a resource, with all beneath that: each asked for once its page is there."""
        external = _is_external(above, desired)
        pages = ListPages(kind, above.identity, self._site.scope)
        begun: list[asyncio.Task[dict[Address, Live]]] = []
        try:
            while True:
                page = pages.taken((await self.checked(pages.call())).body)
                if not pages.more:
                    break
                # The next page is asked for before this one is looked at.
                begun.append(asyncio.create_task(self._read_beneath_page(kind, page, desired, see, external=external)))
            last = await self._read_beneath_page(kind, page, desired, see, external=external) if page else {}
        except (ReadFailed, asyncio.CancelledError):
            await dropped(begun)
            raise
        found = {address: live for part in await gathered(begun) for address, live in part.items()}
        return found | last

    async def _read_beneath_page(
        self, kind: Kind, page: Found, desired: Desired, see: See, *, external: bool
    ) -> dict[Address, Live]:
        """What is on a page, with all beneath that.

        It is looked at in portions, so that what the first lead to is on its way while the others are looked at.
        """
        found: dict[Address, Live] = {}
        begun: list[asyncio.Task[dict[Address, Live]]] = []
        items = [*page.items()]
        try:
            for first in range(0, len(items), PORTION):
                if first:
                    await asyncio.sleep(0)
                lives = self._lives(kind, items[first : first + PORTION], singly=False)
                found |= lives
                begun += [
                    asyncio.create_task(self._read_tree_of(below, child, desired, see))
                    for child, live in lives.items()
                    if not external or child in desired or live.mark == self._site.mark
                    for below in _kinds_beneath(child, desired)
                ]
                see(lives)
        except (ReadFailed, asyncio.CancelledError):
            await dropped(begun)
            raise
        if begun:
            for part in await gathered(begun):
                found |= part
        return found

    async def _read_everywhere(self, kind: Kind) -> Sequence[Json]:
        """All there are of a kind, whatever they stand beneath, as the service says them."""
        return await read_pages(self.checked, kind.listing, {}, self._site.scope, kind.section)

    def _beneath_any(
        self, kind: Kind, items: Sequence[Json], above: Mapping[Address, Live | None], desired: Desired
    ) -> dict[Address, Live]:
        """What stands in one of `above`, of the list of all there are; nothing else has to be told apart."""

        def among(identity: Identity) -> bool:
            parent = parent_of(self.address(kind, identity))
            return parent is not None and parent in above and _can_be_ours(kind, parent, desired)

        return self._lives(kind, identified(kind, (), items, kind.section, among=among).items(), singly=False)

    async def _read_siblings(
        self, kind: Kind, address: Address, given: Mapping[str, str] | None = None
    ) -> dict[Address, Live]:
        listed = await self._read_listed_beside(kind, address, given)
        return self._lives(kind, listed.items(), singly=True)

    async def _read_listed_beside(self, kind: Kind, address: Address, given: Mapping[str, str] | None = None) -> Found:
        """What stands beside an address in its list; `given` is looked for where the list needs it."""
        if given is None and needs_given(kind) and kind.numbering is not None:
            name = address.identity[0]
            one = (await read_all_series(self.checked, kind, self._site.scope, name=name)).get(name)
            if one is None:
                return {}
            given = one.given
        try:
            return await read_siblings(self.checked, kind, address.identity, self._site.scope, given)
        except ReadFailed as failure:
            # Without what it stands in there is none either.
            if any(is_missing(kind_of(one), failure.__cause__) for one in lineage(address)):
                return {}
            raise

    async def _read_children(self, kind: Kind, above: Identity) -> dict[Address, Live]:
        """What the list of a kind has."""
        listed = await read_list(self.checked, kind, above, self._site.scope)
        return self._lives(kind, listed.items(), singly=False)

    def _lives(
        self, kind: Kind, listed: Iterable[tuple[Identity, Mapping[str, Json]]], *, singly: bool
    ) -> dict[Address, Live]:
        """What a list says, as live resources; `singly`: there is no other way to read one of them."""
        lives: dict[Address, Live] = {}
        for identity, raw in listed:
            address = self.address(kind, identity)
            live = self.live(kind, address, raw, None, None, singly=singly)
            if not is_absent(kind, live.body):
                lives[address] = live
        return lives


def _kinds_beneath(address: Address, desired: Desired) -> Sequence[Kind]:
    """The kinds whose lists may have something of ours in a resource."""
    every = listed_under(kind_of(address))
    if not every or not _is_external(address, desired):
        return every
    return [kind for kind in every if _can_be_ours(kind, address, desired)]


def _is_external(address: Address, desired: Desired) -> bool:
    return address in desired and desired[address].external


def _can_be_ours(kind: Kind, above: Address, desired: Desired) -> bool:
    """Whether one of a kind can be ours in a resource that holds it: in what is external, only what says so (S13)."""
    if not _is_external(above, desired) or kind.parent != above.kind:
        return True
    return kind.marking is Marking.PARENT and bool(kind.mark_field)


def _stands_in(kind: Kind, above: Kind) -> bool:
    """Whether resources of a kind stand in those of another, however far down."""
    if kind.parent is None:
        return False
    return kind.parent == above.name or _stands_in(KINDS[(kind.provider, kind.parent)], above)
