"""What the service numbers: whether a next one is made, which old ones go (S23, S30-S32). Pure.

The resources of one numbered kind under one name are a series. The file describes the next one; its address ends in
`new`. It is made when the newest that exists differs from the file, or from what it would freeze after this plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, warning
from fcdeploy.engine.canonical import agrees, desired_body
from fcdeploy.engine.diff import differing
from fcdeploy.engine.edges import Name, names_of
from fcdeploy.engine.marks import as_travelling, marked
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.engine.steps import Difference
from fcdeploy.kinds.descriptor import Freezing, Kind
from fcdeploy.kinds.fields import Field
from fcdeploy.kinds.registry import KINDS, kind_of, parent_of
from fcdeploy.model import Action, Address, Json, Live, Resource

Found = Mapping[Address, Difference]


def rank(address: Address) -> int:
    """When a resource can be compared: what freezes others comes after them, what names a number after its series."""
    return _rank(address.provider, address.kind)


@cache  # asked for at each resource of a plan
def _rank(provider: str, name: str) -> int:
    kind = KINDS[(provider, name)]
    if kind.numbering is not None:
        return 0 if kind.numbering.freezes is None else 2
    return 3 if names_frozen(kind) else 1


def names_frozen(kind: Kind) -> bool:
    """Whether resources of this kind name a number that freezes others."""
    return any(_names_frozen(kind, one) for one in kind.fields)


def _names_frozen(kind: Kind, field: Field) -> bool:
    numbering = KINDS[(kind.provider, field.refers)].numbering if field.refers else None
    return numbering is not None and numbering.freezes is not None


def members(address: Address, snapshot: Snapshot) -> dict[int, Address]:
    """The numbered resources that exist in the series of this address, by number, oldest first."""
    found = {
        int(one.identity[-1]): one
        for one in snapshot.lives
        if one.kind == address.kind and one.identity[:-1] == address.identity[:-1]
    }
    return dict(sorted(found.items()))


def next_of(resource: Resource, snapshot: Snapshot, found: Found, site: Site) -> Difference:
    """Whether the next of a series is made, and what it is."""
    address = resource.address
    kind = kind_of(address)
    assert kind.numbering is not None
    body = marked(kind, desired_body(kind, resource.body, site.scope.api), site.mark)
    there = members(address, snapshot)
    number = str(max(there)) if there else ""
    newest = snapshot.lives[there[max(there)]] if there and not falls_with_parent(address, found) else None
    made = Difference(address=address, action=Action.CREATE, resource=resource, body=body, live=None, newest=number)
    if kind.numbering.when is not None and resource.body.get(kind.numbering.when[0]) != kind.numbering.when[1]:
        return replace(made, action=Action.NONE)
    freezes = kind.numbering.freezes
    if freezes is not None:
        return _publishing(made, freezes, newest, snapshot, found, site)
    if newest is None:
        return made
    if newest.address in snapshot.same_code:
        body = {**body, **{one.name: newest.body.get(one.name) for one in kind.fields if one.checksum}}
    fields = differing(kind, body, as_travelling(kind, newest).body, site.scope.api)
    if not fields:
        return replace(made, action=Action.NONE)
    what = ", ".join(sorted(one.spec_name for one in fields))
    return replace(made, fields=fields, against=newest, reason=f"version {number}, the newest, differs in: {what}")


def _publishing(
    made: Difference, freezes: Freezing, newest: Live | None, snapshot: Snapshot, found: Found, site: Site
) -> Difference:
    parent = parent_of(made.address)
    assert parent is not None
    meant = {
        one.address: one for one in found.values() if _is_frozen(one, parent, freezes) and one.action != Action.DELETE
    }
    content = {address.short: _content(one, freezes) for address, one in meant.items()}
    made = replace(made, content=content)
    if newest is None:
        goes = f"{parent.short} is made anew, and its {made.kind.section} go with it"
        return replace(made, reason=goes if made.newest else "there is no version yet")
    frozen = snapshot.frozen.get(newest.address, {})
    differing = {address: _differing(one, freezes, frozen.get(address), site) for address, one in meant.items()}
    gone = [address for address in frozen if address not in meant]
    changed = sorted([one for one, fields in differing.items() if fields or one not in frozen] + gone)
    if not changed:
        return replace(made, action=Action.NONE)
    fields = [one for some in differing.values() for one in some]
    if frozen and freezes.decides and freezes.decides.isdisjoint(one.name for one in fields):
        return replace(made, action=Action.NONE, notes=(_stays(made, newest, freezes, fields),))
    names = ", ".join(address.short for address in changed[:_MOST_NAMED])
    more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
    return replace(made, reason=f"differs from version {newest.address.identity[-1]}: {names}{more}")


_MOST_NAMED = 3


def _is_frozen(difference: Difference, parent: Address, freezes: Freezing) -> bool:
    address = difference.address
    return address == parent or (address.kind in freezes.kinds and address.identity[:-1] == parent.identity)


def _content(difference: Difference, freezes: Freezing) -> dict[str, Json]:
    """The body after the plan, as far as it is known: of what changes, what the file gives."""
    body = difference.body
    if difference.action is Action.NONE and difference.live is not None:
        body = difference.live.body
    return {name: value for name, value in body.items() if not _is_beside(difference.kind, name, freezes)}


def _is_beside(kind: Kind, name: str, freezes: Freezing) -> bool:
    # Only of the parent: a function's own description is frozen with it.
    return kind.name not in freezes.kinds and name in freezes.besides


def _differing(
    difference: Difference, freezes: Freezing, frozen: Mapping[str, Json] | None, site: Site
) -> tuple[Field, ...]:
    """The fields that are not as they were frozen; all there are of what was not there.

    What a frozen secret was, no read says: one that this plan writes counts as another (S22).
    """
    # What the file leaves to the service is what it is now.
    live = difference.live.body if difference.live is not None else {}
    after = {**live, **difference.body} if difference.action is not Action.REPLACE else difference.body
    return tuple(
        one
        for one in difference.kind.writable(site.scope.api)
        if one.name in after
        if (one.digest_tag and one in difference.fields)
        or not (
            _is_beside(difference.kind, one.name, freezes)
            or (frozen is not None and agrees(one, after[one.name], frozen.get(one.name)))
        )
    )


def _stays(made: Difference, newest: Live, freezes: Freezing, fields: Sequence[Field]) -> Diagnostic:
    """That the newest stays although something differs from it (S44)."""
    parent = parent_of(made.address)
    assert parent is not None
    known = {one.name: one.spec_name for one in kind_of(parent).fields}
    names = ", ".join(sorted(one.spec_name for one in fields))
    decisive = " or ".join(known.get(name, name) for name in sorted(freezes.decides))
    number = newest.address.identity[-1]
    return warning(
        f"{parent.short}: {made.kind.name} {number} stays as it is, without what changed in: {names}",
        detail=f"the service makes a next one only of other {decisive}",
        address=str(made.address),
        span=made.resource.span if made.resource is not None else None,
    )


def falls_with_parent(address: Address, found: Found) -> bool:
    """Whether what exists of a series goes because what it stands in is made anew."""
    parent = parent_of(address)
    return parent is not None and parent in found and found[parent].action is Action.REPLACE


def lost_with(found: Iterable[Difference], snapshot: Snapshot) -> Iterator[Diagnostic]:
    """What goes with a resource that is made anew and cannot be had again."""
    for one in found:
        if one.action is not Action.REPLACE:
            continue
        beneath = [other for other in snapshot.lives if parent_of(other) == one.address]
        for kind in {kind_of(other).name: kind_of(other) for other in beneath}.values():
            if kind.numbering is not None:
                numbers = sorted(int(other.identity[-1]) for other in beneath if other.kind == kind.name)
                yield warning(
                    f"{one.address.short} is made anew: its {kind.section} {', '.join(map(str, numbers))} go with it",
                    detail="a way back makes it again without them",
                    address=str(one.address),
                    span=one.resource.span if one.resource is not None else None,
                )


def goes(address: Address, found: Found) -> bool:
    """Whether a resource is deleted."""
    return address in found and found[address].action is Action.DELETE


def kept_names(found: Found, snapshot: Snapshot, site: Site) -> frozenset[Name]:
    """Everything that something names after the plan, whoever it belongs to."""
    names: set[Name] = set()
    for one in found.values():
        if one.action is not Action.DELETE:
            names |= names_of(one.address, one.body, site.scope)
            if one.live is not None and one.action is Action.NONE:
                names |= names_of(one.address, one.live.body, site.scope)
    for address, live in snapshot.lives.items():
        if address not in found:
            names |= names_of(address, live.body, site.scope)
    return frozenset(names)


def surplus(found: Found, snapshot: Snapshot, site: Site) -> dict[Address, list[Address]]:
    """By series, oldest first: what is ours and beyond what the file keeps, whether or not something names it."""
    beyond: dict[Address, list[Address]] = {}
    for address, one in found.items():
        keep = _kept(one)
        if keep is None or falls_with_parent(address, found):
            continue
        ours = [
            member
            for member in members(address, snapshot).values()
            if snapshot.lives[member].mark == site.mark and not goes(member, found)
        ]
        coming = 1 if one.action is Action.CREATE else 0
        too_many = len(ours) + coming - keep
        if too_many > 0:
            beyond[address] = ours[:too_many]
    return beyond


def _kept(difference: Difference) -> int | None:
    """How many of a series the file keeps; None where it keeps all, or this is no series."""
    numbering, resource = difference.kind.numbering, difference.resource
    keep = resource.body.get(numbering.keep) if numbering is not None and resource is not None else None
    return None if keep is None else int(keep)


def frozen_to_see(found: Sequence[Difference], snapshot: Snapshot, site: Site) -> list[Address]:
    """What numbered resources froze that has not been read, where it may name an old number that is to go (S23)."""
    # Without the deletes of old numbers themselves: they were decided before all was known.
    by_address = {one.address: one for one in found if one.kind.numbering is None or one.action is not Action.DELETE}
    old = surplus(by_address, snapshot, site)
    if not any(map(_is_named_frozen, old)):
        return []
    return [
        address
        for address in snapshot.lives
        if (numbering := kind_of(address).numbering) is not None
        and numbering.freezes is not None
        and address not in snapshot.frozen
        and not goes(address, by_address)
    ]


def _is_named_frozen(series: Address) -> bool:
    """Whether something that is frozen can name a resource of this series: one that freezes nothing itself."""
    numbering = kind_of(series).numbering
    return numbering is not None and numbering.freezes is None


def pruned(found: Found, snapshot: Snapshot, site: Site) -> Iterator[Difference]:
    """Deletes of what is beyond what the file keeps and nothing names; never what somebody else made (S32)."""
    beyond = surplus(found, snapshot, site)
    if not beyond:
        return
    names = kept_names(found, snapshot, site)
    gone = {address for old in beyond.values() for address in old}
    for version, bodies in snapshot.frozen.items():
        if version not in gone or (version.kind, version.identity) in names:
            names |= {name for address, body in bodies.items() for name in names_of(address, body, site.scope)}
    for series, old in beyond.items():
        keep = _kept(found[series])
        for address in old:
            if (address.kind, address.identity) not in names:
                yield Difference(
                    address=address,
                    action=Action.DELETE,
                    resource=None,
                    body={},
                    live=snapshot.lives[address],
                    reason=f"beyond the {keep} that are kept, and nothing names it",
                )
