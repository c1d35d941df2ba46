"""Lists of live resources: every page, and the identity of each item (facts 7.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from fcdeploy.errors import ReadFailed
from fcdeploy.kinds.descriptor import Kind, Listing, Scope
from fcdeploy.model import Call, Json, Reply


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
) -> dict[tuple[str, ...], Mapping[str, Json]]:
    """Bodies by identity of all resources of a kind under the resource `above`, () for all there are.

    `given` are names that the path needs besides. Raises ReadFailed.
    """
    what = f"{kind.section} of {'/'.join(above)}" if above else kind.section
    items = await read_pages(read, kind.listing, {**kind.names(above), **(given or {})}, scope, what, query)
    listed = ((_identity(kind, above, item, what), item) for item in items)
    return {
        identity: item if isinstance(item, Mapping) else {}
        for identity, item in listed
        if identity[: len(above)] == above
    }


async def read_pages(
    read: ReadChecked,
    listing: Listing,
    names: Mapping[str, str],
    scope: Scope,
    what: str,
    query: Mapping[str, str] | None = None,
) -> Sequence[Json]:
    """All items of a list; the last page says nothing of a following one. Raises ReadFailed."""
    items: list[Json] = []
    token: str | None = None
    while True:
        paging = {"limit": str(listing.limit)} if listing.limit else {}
        asked = {**paging, **(query or {}), **({listing.token: token} if token else {})}
        # The values are literal, not templates: a token may hold braces.
        call = listing.operation.call(
            names,
            scope,
            resource=what,
            query={key: value.replace("{", "{{").replace("}", "}}") for key, value in asked.items()},
        )
        body = (await read(call)).body or {}
        items += body.get(listing.items) or []
        following = str(body.get(listing.following) or "") or None
        if following is None:
            return items
        if following == token:
            raise ReadFailed("the service gave the same page twice", resource=what)
        token = following


def _identity(kind: Kind, above: tuple[str, ...], item: Json, what: str) -> tuple[str, ...]:
    """The identity of a listed item: its own name below `above`, or all of it taken from the item."""
    listing = kind.listing
    if not listing.pattern:
        return (*above, str(item[kind.identity[-1]] if isinstance(item, Mapping) else item))
    named = re.fullmatch(listing.pattern, str(item.get(listing.member)))
    if named is None:
        raise ReadFailed(
            "the service lists something that cannot be told apart",
            resource=what,
            detail=f"{listing.member}: {item.get(listing.member)}",
        )
    return tuple(named[part] for part in kind.identity)
