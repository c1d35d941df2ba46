"""What the service numbers: whether a next one is made, which old ones go, what `latest` means (S23, S30-S32). Pure.

The resources of one numbered kind under one name are a series. The file describes the next one; its address ends in
`new`. It is made when the newest that exists differs from the file, or from what it would freeze after this plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, error, warning
from fcdeploy.engine.canonical import agrees, desired_body
from fcdeploy.engine.diff import differing
from fcdeploy.engine.edges import Name, names_of
from fcdeploy.engine.marks import as_travelling, marked
from fcdeploy.engine.outputs import number_of, output_of, said_names
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.engine.steps import Difference
from fcdeploy.kinds.descriptor import NEW, Freezing, Kind
from fcdeploy.kinds.fields import Field
from fcdeploy.kinds.registry import KINDS, kind_of, parent_of
from fcdeploy.model import Action, Address, Json, Live, Output, Resource

Found = Mapping[Address, Difference]


def rank(address: Address) -> int:
    """When a resource can be compared: what freezes others comes after them, what names a number after its series."""
    kind = kind_of(address)
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
    newest = snapshot.lives[there[max(there)]] if there and not _falls_with_parent(address, found) else None
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


def _falls_with_parent(address: Address, found: Found) -> bool:
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


def named(resource: Resource, snapshot: Snapshot, found: Found, site: Site) -> tuple[Resource, list[Diagnostic]]:
    """The resource with `latest`, `previous` and names of series as what they mean after this plan (S23, S31)."""
    kind = kind_of(resource.address)
    body = dict(resource.body)
    notes: list[Diagnostic] = []
    for one in kind.fields:
        value = body.get(one.name)
        if value is None or not names_number(kind, one):
            continue
        body[one.name] = _meant(one, value, resource, snapshot, found, site, notes)
    weights = [one.name for one in kind.fields if one.by_key]
    for name in weights:
        body[name] = _without_main(kind, name, body, resource, notes)
    return (replace(resource, body=body), notes) if body != resource.body else (resource, notes)


def names_number(kind: Kind, field: Field) -> bool:
    """Whether a field names one of what the service numbers."""
    inner = field.item or field
    return bool(inner.refers) and KINDS[(kind.provider, inner.refers)].numbering is not None


def _meant(
    field: Field,
    value: Json,
    resource: Resource,
    snapshot: Snapshot,
    found: Found,
    site: Site,
    notes: list[Diagnostic],
) -> Json:
    if field.item is not None and isinstance(value, list):
        return [_newest_arn(field.item, item, resource, snapshot, found, site) for item in value]
    if not field.by_key:
        number = _relative(field, value, resource, snapshot, found)
        if number is None:
            notes.append(_no_version(field, str(value), resource, is_weight=False))
        return number
    kept: dict[Json, Json] = {}
    for key, share in value.items():
        number = _relative(field, key, resource, snapshot, found)
        if number is None:
            notes.append(_no_version(field, str(key), resource, is_weight=True))
        else:
            kept[number] = kept.get(number, 0) + share
    return kept


def _relative(field: Field, word: Json, resource: Resource, snapshot: Snapshot, found: Found) -> str | Output | None:
    """`latest` and `previous` as a number, or as what the step that makes the new one will give (S31)."""
    if word not in ("latest", "previous"):
        return str(word)
    address = replace(resource.address, kind=field.refers, identity=(*resource.address.identity[:-1], NEW))
    falls = _falls_with_parent(address, found)
    there = [one for one in members(address, snapshot).values() if not falls and not _goes(one, found)]
    newest = [number_of(one) for one in reversed(there)]
    coming = found.get(address)
    if coming is not None and coming.action is Action.CREATE:
        newest.insert(0, number_of(address))
    place = 0 if word == "latest" else 1
    return newest[place] if len(newest) > place else None


def _goes(address: Address, found: Found) -> bool:
    return address in found and found[address].action is Action.DELETE


def _newest_arn(field: Field, word: Json, resource: Resource, snapshot: Snapshot, found: Found, site: Site) -> Json:
    """The newest of a series by its name, as the ARN that travels; an ARN stays what it is (S23)."""
    if not isinstance(word, str) or ":" in word or "#" in word:
        return word
    address = replace(resource.address, kind=field.refers, identity=(word, NEW))
    coming = found.get(address)
    if coming is not None and coming.action is Action.CREATE:
        return output_of(address, "arn")
    there = members(address, snapshot)
    if not there:
        return word
    newest = snapshot.lives[there[max(there)]]
    names = said_names(kind_of(address), newest.address.identity, newest.raw, site.scope)
    return field.arn.format_map(names)


def _without_main(kind: Kind, name: str, body: Mapping[str, Json], resource: Resource, notes: list[Diagnostic]) -> Json:
    """The weights without the main version, which the service refuses (facts 1.18)."""
    weights = body.get(name)
    mains = [body.get(one.name) for one in kind.fields if one.refers == kind.field(name).refers and not one.by_key]
    if not isinstance(weights, Mapping) or not any(main in weights for main in mains):
        return weights
    notes.append(
        warning(
            f"{resource.address.short}: a weight is for the version that it stands for anyway",
            detail="that version gets all that the other weights leave",
            address=str(resource.address),
            span=resource.spans.get(name),
        )
    )
    return {version: share for version, share in weights.items() if version not in mains}


def _no_version(field: Field, word: str, resource: Resource, *, is_weight: bool) -> Diagnostic:
    address = resource.address
    span = resource.spans.get(field.name) or resource.span
    if is_weight:
        return warning(
            f"{address.short}: there is no {word} version, so its weight is dropped",
            detail="it counts again as soon as there is one",
            address=str(address),
            span=span,
        )
    kind = KINDS[(address.provider, field.refers)]
    when = kind.numbering.when if kind.numbering is not None else None
    asks = f": {{{when[0]}: {when[1]}}}" if when is not None else ""
    return error(
        f"{address.short}: there is no {word} version",
        hint=f"write `{kind.section}{asks}` on the {kind.place}, so that one is published",
        address=str(address),
        span=span,
    )


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
        if keep is None or _falls_with_parent(address, found):
            continue
        ours = [
            member
            for member in members(address, snapshot).values()
            if snapshot.lives[member].mark == site.mark and not _goes(member, found)
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
        and not _goes(address, by_address)
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
