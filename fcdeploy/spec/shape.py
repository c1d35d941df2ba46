"""A kind's fields by the names that the file uses, for walking a resource's tree. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from msgspec import Struct

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access, Codec, Field
from fcdeploy.model import Json
from fcdeploy.spec.node import Node, Path


class Shape(Struct, frozen=True, kw_only=True):
    """One field. `members` by spec name; for a field with variants, `variants` by the value of `chooser`.

    `renames`: something below has another name in the file than in the API.
    """

    field: Field
    members: Mapping[str, Shape]
    item: Shape | None
    chooser: str
    variants: Mapping[str, Mapping[str, Shape]]
    renames: bool

    def below(self, resource: Node) -> Mapping[str, Shape]:
        """The members of this object inside the given resource."""
        if not self.chooser:
            return self.members
        chosen = resource.fields.get(self.chooser)
        return self.variants.get(str(chosen.value), {}) if chosen is not None else {}

    def chosen(self, resource: Node) -> Field:
        """The field as it is inside the given resource: of one with variants, the one that it is of."""
        named = resource.fields.get(self.chooser) if self.chooser else None
        return self.field.by_variant.get(str(named.value), self.field) if named is not None else self.field


@cache
def shapes(provider: str, kind: str) -> Mapping[str, Shape]:
    """The fields of a kind that a file may name, by the file's names; raises KeyError for an unknown kind."""
    described = registry.KINDS[(provider, kind)]
    return _shapes(described.fields, described)


@cache
def archives(provider: str, kind: str) -> tuple[tuple[str, Shape], ...]:
    """The fields of a kind that hold code, by the file's names."""
    return tuple(one for one in shapes(provider, kind).items() if one[1].field.codec is Codec.ARCHIVE)


def _shapes(fields: tuple[Field, ...], kind: Kind) -> dict[str, Shape]:
    return {one.spec_name: _shape(one, kind) for one in fields if one.access is not Access.READ_ONLY}


def _shape(field: Field, kind: Kind) -> Shape:
    members = _shapes(field.fields, kind)
    item = _shape(field.item, kind) if field.item is not None else None
    variants = {value: _shapes(members, kind) for value, members in field.variants.items()}
    below = [one for group in (members, *variants.values()) for one in group.values()]
    return Shape(
        field=field,
        members=members,
        item=item,
        chooser=kind.field(field.discriminator).spec_name if field.discriminator else "",
        variants=variants,
        renames=(item is not None and item.renames) or any(one.renames or one.field.spec for one in below),
    )


def api_body(kind: Kind, given: Mapping[str, Json]) -> dict[str, Json]:
    """A resource of the file, as plain JSON, under API names and without what is no field of the kind."""
    known = shapes(kind.provider, kind.name)
    return {
        known[name].field.name: _renamed(value, known[name], given) for name, value in given.items() if name in known
    }


def _renamed(value: Json, shape: Shape, resource: Mapping[str, Json]) -> Json:
    if not shape.renames:
        return value
    if isinstance(value, dict):
        known = shape.members
        if shape.chooser:
            known = shape.variants.get(str(resource.get(shape.chooser)), {})
        return {
            (known[key].field.name if key in known else key): _renamed(item, known[key], resource)
            if key in known
            else item
            for key, item in value.items()
        }
    if isinstance(value, list) and shape.item is not None:
        return [_renamed(item, shape.item, resource) for item in value]
    return value


def in_file_words(kind: Kind, resource: Node, dotted: str) -> Path:
    """A dotted path in API names as a path of the file, below the resource; names without a field stay."""
    known: Mapping[str, Shape] = shapes(kind.provider, kind.name)
    made: list[str | int] = []
    for part in dotted.split(".") if dotted else ():
        found = next((one for one in known.values() if one.field.name == part), None)
        if found is None and part.isdecimal():
            # A position in a list: what follows is named as in the list's item.
            made.append(int(part))
            continue
        made.append(found.field.spec_name if found is not None else part)
        known = {}
        if found is not None:
            known = found.item.members if found.item is not None else found.below(resource)
    return tuple(made)


def later_than(kind: Kind, resource: Node, api: str) -> Iterator[tuple[Path, Field]]:
    """Fields that the resource names although the API version does not know them; what is below is not looked at."""
    if _knows_all(kind.provider, kind.name, api):
        return
    yield from _later(shapes(kind.provider, kind.name), resource, resource, api, ())


def _later(
    known: Mapping[str, Shape], node: Node, resource: Node, api: str, path: Path
) -> Iterator[tuple[Path, Field]]:
    for name, item in node.fields.items():
        shape = known.get(name)
        if shape is None:
            continue
        here = (*path, name)
        if shape.field.since > api:
            yield here, shape.field
            continue
        yield from _later(shape.below(resource), item, resource, api, here)
        if shape.item is not None:
            for index, one in enumerate(item.items):
                yield from _later(shape.item.members, one, resource, api, (*here, index))


@cache
def _knows_all(provider: str, kind: str, api: str) -> bool:
    return not any(one > api for one in _versions(shapes(provider, kind)))


def _versions(known: Mapping[str, Shape]) -> Iterator[str]:
    for shape in known.values():
        yield shape.field.since
        yield from _versions(shape.members)
        for members in shape.variants.values():
            yield from _versions(members)
        if shape.item is not None:
            yield from _versions(shape.item.members)
