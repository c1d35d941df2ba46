"""What names what the service numbers: what `latest`, `previous` and the name of a series mean (S23, S31). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, error, warning
from fcdeploy.engine.outputs import number_of, output_of, said_names
from fcdeploy.engine.series import Found, falls_with_parent, goes, members
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.kinds.descriptor import NEW, Kind
from fcdeploy.kinds.fields import Field
from fcdeploy.kinds.registry import KINDS, kind_of
from fcdeploy.model import Action, Json, Output, Resource


def named(resource: Resource, snapshot: Snapshot, found: Found, site: Site) -> tuple[Resource, list[Diagnostic]]:
    """The resource with `latest`, `previous` and names of series as what they mean after this plan (S23, S31)."""
    kind = kind_of(resource.address)
    numbered, weights = _naming_numbers(kind.provider, kind.name)
    if not numbered and not weights:
        return resource, []
    body = dict(resource.body)
    notes: list[Diagnostic] = []
    for one in numbered:
        value = body.get(one.name)
        if value is not None:
            body[one.name] = _meant(one, value, resource, snapshot, found, site, notes)
    for name in weights:
        body[name] = _without_main(kind, name, body, resource, notes)
    return (replace(resource, body=body), notes) if body != resource.body else (resource, notes)


@cache  # asked for at each resource of a plan
def _naming_numbers(provider: str, name: str) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """The fields of a kind that name numbers, and the names of those that are weights."""
    kind = KINDS[(provider, name)]
    return (
        tuple(one for one in kind.fields if names_number(kind, one)),
        tuple(one.name for one in kind.fields if one.by_key),
    )


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
    falls = falls_with_parent(address, found)
    there = [one for one in members(address, snapshot).values() if not falls and not goes(one, found)]
    newest = [number_of(one) for one in reversed(there)]
    coming = found.get(address)
    if coming is not None and coming.action is Action.CREATE:
        newest.insert(0, number_of(address))
    place = 0 if word == "latest" else 1
    return newest[place] if len(newest) > place else None


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
