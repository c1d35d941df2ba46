"""What a numbered resource froze: its parent and all beside it, as they stood at its creation (facts 9.4, S30)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.engine.canonical import live_body, said
from fcdeploy.engine.lists import ReadChecked, read_pages
from fcdeploy.engine.marks import unmarked
from fcdeploy.engine.snapshot import Desired
from fcdeploy.engine.together import both, together
from fcdeploy.errors import ReadFailed
from fcdeploy.kinds.descriptor import NEW, Kind, Scope
from fcdeploy.kinds.registry import KINDS, kind_of, parent_of
from fcdeploy.model import Address, Json, Live


class Frozen(Struct, frozen=True, kw_only=True):
    """Canonical bodies of what is frozen, by address, and the ETag of the parent that was read with them."""

    bodies: Mapping[Address, Mapping[str, Json]]
    etag: str | None


def newest_to_compare(desired: Desired, lives: Mapping[Address, Live]) -> list[Address]:
    """The newest of each series whose content decides whether a next one is made."""
    series = {
        (address.kind, address.identity[:-1])
        for address, resource in desired.items()
        if (numbering := kind_of(address).numbering) is not None
        and numbering.freezes is not None
        and (numbering.when is None or resource.body.get(numbering.when[0]) == numbering.when[1])
    }
    newest: dict[tuple[str, tuple[str, ...]], Address] = {}
    for address in lives:
        name = (address.kind, address.identity[:-1])
        if name in series and (name not in newest or int(newest[name].identity[-1]) < int(address.identity[-1])):
            newest[name] = address
    return list(newest.values())


async def read_frozen(read: ReadChecked, address: Address, scope: Scope) -> Frozen:
    """What a numbered resource froze; of one that is to be, what it would freeze now. Raises ReadFailed."""
    kind, parent = kind_of(address), parent_of(address)
    assert kind.numbering is not None and kind.numbering.freezes is not None and parent is not None
    freezes, above = kind.numbering.freezes, kind_of(parent)
    is_new = address.identity[-1] == NEW
    names = kind.names(address.identity)
    kinds = [KINDS[(kind.provider, name)] for name in freezes.kinds]
    own_read = (above.read if is_new else freezes.read).call(names, scope, resource=address.short)
    listings = [each.listing if is_new else freezes.listings[each.name] for each in kinds]
    reply, lists = await both(
        read(own_read),
        together(read_pages(read, listing, names, scope, f"content of {address.short}") for listing in listings),
    )
    own = {name: value for name, value in _body(above, reply.body, scope).items() if name not in freezes.besides}
    bodies = {parent: own}
    for each, items in zip(kinds, lists, strict=True):
        for item in items:
            child = replace(parent, kind=each.name, identity=(*parent.identity, str(item[each.identity[-1]])))
            bodies[child] = _body(each, item, scope)
    return Frozen(bodies=bodies, etag=reply.etag)


def _body(kind: Kind, raw: Json, scope: Scope) -> dict[str, Json]:
    if not isinstance(raw, Mapping):
        raise ReadFailed("the service's answer is not an object", resource=kind.name)
    body, _ = unmarked(kind, live_body(kind, said(kind, raw), scope.api))
    return body
