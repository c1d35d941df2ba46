"""Lists of live resources: every page, and the identity of each item (facts 7.1; FunctionGraph facts 12)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from msgspec.structs import replace

from fcdeploy.engine.canonical import said
from fcdeploy.errors import ReadFailed
from fcdeploy.kinds.conditions import value_at
from fcdeploy.kinds.descriptor import Kind, Listing, Scope
from fcdeploy.model import Call, Json, Reply

Found: TypeAlias = dict[tuple[str, ...], Mapping[str, Json]]
"""What a list says, by identity, in the form that `said` gives."""


class ReadChecked(Protocol):
    """Sends a call that only reads; a failure is raised as ReadFailed."""

    async def __call__(self, call: Call) -> Reply:
        """The reply of a call that succeeded."""
        ...


async def read_list(
    read: ReadChecked,
    kind: Kind,
    above: tuple[str, ...],
    scope: Scope,
    query: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None,
) -> Found:
    """Bodies by identity of all resources of a kind under the resource `above`, () for all there are.

    `given` are names that the path needs besides. Raises ReadFailed.
    """
    pages = ListPages(kind, above, scope, query, given)
    found: Found = {}
    while pages.more:
        found |= pages.taken((await read(pages.call())).body)
    return found


async def read_siblings(
    read: ReadChecked,
    kind: Kind,
    identity: tuple[str, ...],
    scope: Scope,
    given: Mapping[str, str] | None = None,
) -> Found:
    """Bodies by identity of the shortest list that has this resource, if there is one; `given` as in `read_list`.

    Raises ReadFailed.
    """
    above = identity[:-1]
    if kind.siblings is None:
        return await read_list(read, kind, above, scope, given=given)
    what = _what(kind, above)
    items = await read_pages(read, kind.siblings, kind.names(identity), scope, what)
    return identified(kind, above, items, what, kind.siblings)


async def read_pages(
    read: ReadChecked,
    listing: Listing,
    names: Mapping[str, str],
    scope: Scope,
    what: str,
    query: Mapping[str, str] | None = None,
) -> Sequence[Json]:
    """All items of a list, as the service says them, with what they were asked for by. Raises ReadFailed."""
    pages = Pages(listing, names, scope, what, query)
    items: list[Json] = []
    while pages.more:
        items += pages.items((await read(pages.call())).body)
    return items


class Pages:
    """The pages of a list, one after the other: what to ask, and what the answer says, as long as there are `more`.

    Nothing is asked here: whoever asks for a page can ask for the next before looking at it.
    """

    def __init__(
        self, listing: Listing, names: Mapping[str, str], scope: Scope, what: str, query: Mapping[str, str] | None
    ) -> None:
        self.more = True
        self._listing = listing
        self._names = names
        self._scope = scope
        self._what = what
        self._query = query or {}
        self._token: str | None = None

    def call(self) -> Call:
        """What asks for the next page."""
        listing = self._listing
        asked = {listing.size: str(listing.limit)} if listing.limit else {}
        asked |= self._query
        if self._token:
            asked[listing.token] = self._token
        if listing.in_body:
            made = listing.operation.call(self._names, self._scope, resource=self._what, body=asked)
            return replace(made, reads=True)
        # The values are literal, not templates: a token may hold braces.
        query = {key: value.replace("{", "{{").replace("}", "}}") for key, value in asked.items()}
        return listing.operation.call(self._names, self._scope, resource=self._what, query=query)

    def items(self, answer: Json) -> Sequence[Json]:
        """The items of the page that was asked for last. Raises ReadFailed."""
        listing = self._listing
        body = answer or {}
        page = (body.get(listing.items) if listing.items and isinstance(body, dict) else body) or []
        if not isinstance(page, list):
            raise ReadFailed("the service's answer is not a list", resource=self._what)
        self._token = _following(listing, body, page, self._token, self._what)
        self.more = self._token is not None
        if not listing.told:
            return page
        places = {"region": self._scope.region, "account": self._scope.account, **self._names}
        told = {name: text.format_map(places) for name, text in listing.told.items()}
        return [{**told, **item} for item in page]


class ListPages(Pages):
    """The pages of the list of a kind under the resource `above`; the rest as for `read_list`."""

    def __init__(
        self,
        kind: Kind,
        above: tuple[str, ...],
        scope: Scope,
        query: Mapping[str, str] | None = None,
        given: Mapping[str, str] | None = None,
    ) -> None:
        names = {**(kind.names(above) if above else {}), **(given or {})}
        super().__init__(kind.listing, names, scope, _what(kind, above), query)
        self._kind = kind
        self._above = above
        self._before: Found = {}

    def taken(self, answer: Json) -> Found:
        """What the page that was asked for last says that earlier ones did not. Raises ReadFailed."""
        items = self.items(answer)
        if not items:
            return {}
        found = identified(self._kind, self._above, items, self._what, before=self._before)
        if self.more:
            self._before |= found
        return found


def _following(listing: Listing, body: Json, page: Sequence[Json], token: str | None, what: str) -> str | None:
    """What the next page is asked for with; None after the last."""
    following = value_at(body, listing.following) if listing.following else None
    if not listing.total:
        text = str(following or "") or None
        if text is not None and text == token:
            raise ReadFailed("the service gave the same page twice", resource=what)
        return text
    before = int(token or 0)
    if not listing.following:
        following = before + len(page)
    total = value_at(body, listing.total)
    # What is called a total may be the size of the page (FunctionGraph facts 19): only a page that is not full is
    # believed to be the last for it.
    is_last = len(page) < listing.limit and (total is None or int(following or 0) >= int(total))
    if not page or is_last or int(following or 0) <= before:
        return None
    return str(following)


def identified(
    kind: Kind,
    above: tuple[str, ...],
    items: Iterable[Json],
    what: str,
    listing: Listing | None = None,
    among: Callable[[tuple[str, ...]], bool] | None = None,
    before: Mapping[tuple[str, ...], Mapping[str, Json]] | None = None,
) -> Found:
    """The items of a list by identity: those beneath `above`, and of these what `among` holds for.

    `before` are those of earlier pages, which are not given again. Raises ReadFailed where two cannot be told apart.
    """
    listing = listing or kind.listing
    before = before or {}
    found: Found = {}
    for item in items:
        raw = said(kind, item) if isinstance(item, Mapping) else {}
        identity = _identity(kind, listing, above, raw if isinstance(item, Mapping) else item, what)
        if identity[: len(above)] != above or (among is not None and not among(identity)):
            continue
        if listing.only and re.fullmatch(listing.only, identity[-1]) is None:
            continue
        other = found.get(identity) or before.get(identity)
        if other is not None and not _is_one(kind, other, raw):
            raise _not_told_apart(kind, identity, (other, raw), what)
        if identity not in before:
            found[identity] = raw
    return found


def _is_one(kind: Kind, one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether two items are one resource, which a page may repeat when others came or went meanwhile."""
    if kind.given and all(one.get(name) == other.get(name) for name in kind.given):
        return True
    return one == other


def _not_told_apart(kind: Kind, identity: tuple[str, ...], both: Sequence[Mapping[str, Json]], what: str) -> ReadFailed:
    # Only what the service itself gave is named: other members may hold secrets.
    ids = [" ".join(str(one.get(name)) for name in kind.given) for one in both]
    return ReadFailed(
        f"the service lists two of the same name: {'/'.join(identity)}",
        resource=what,
        detail=" and ".join(filter(None, ids)),
        hint="delete or rename one of them; nothing was changed",
    )


def _identity(kind: Kind, listing: Listing, above: tuple[str, ...], item: Json, what: str) -> tuple[str, ...]:
    """The identity of a listed item: its own name below `above`, or all of it taken from the item."""
    if not listing.pattern:
        if not isinstance(item, Mapping):
            return (*above, str(item))
        named = kind.identity if listing.everywhere or not above else kind.identity[-1:]
        missing = [part for part in named if item.get(part) in (None, "")]
        if missing:
            raise _nameless(what, ", ".join(missing))
        parts = tuple(str(item[part]) for part in named)
        return parts if named is kind.identity else (*above, *parts)
    found = re.fullmatch(listing.pattern, str(item.get(listing.member)))
    if found is None:
        raise _nameless(what, f"{listing.member}: {item.get(listing.member)}")
    return tuple(found[part] for part in kind.identity)


def _nameless(what: str, detail: str) -> ReadFailed:
    return ReadFailed("the service lists something that cannot be told apart", resource=what, detail=detail)


def _what(kind: Kind, above: tuple[str, ...]) -> str:
    return f"{kind.section} of {'/'.join(above)}" if above else kind.section
