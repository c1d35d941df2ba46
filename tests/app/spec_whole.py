"""Specs with every field of every kind, and what is left of them when each object has only what it must have."""

from __future__ import annotations

import copy
from typing import Any

from field_samples import Place
from spec_generator import (
    PROVIDER,
    Body,
    apart,
    fields_of,
    fixed,
    hints,
    is_needed,
    known_values,
    linked,
    mended,
    shapes,
    stands_alone,
    variant_of,
)

from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Codec, Field
from fcdeploy.kinds.registry import roots, within


def full(api: str, number: int) -> Body:
    """A spec with every field of every kind, as far as its shapes allow; `number` chooses among the values."""
    return linked({one.section: _full_section(one, api, number) for one in roots(PROVIDER)})


def lean(api: str, spec: Body, levels: int) -> Body:
    """The same resources with what they must have, and objects inside of one another so many levels deep."""
    return linked({one.section: _lean_section(one, spec.get(one.section), api, levels) for one in roots(PROVIDER)})


def _full_section(kind: Kind, api: str, number: int) -> Any:
    names = hints(kind, "names")
    if not kind.fields:
        return names[number % 2 :]
    made = [_full_body(kind, shape, api, number) for shape in shapes(kind)]
    if kind.alone:
        return made[number % len(made)]
    if len(made) > 1:
        named = {numbered(names[0], position): body for position, body in enumerate(made)}
        return _spread(kind, named, api, number)
    return {names[0]: _with_children(kind, made[0], api, number)}


def numbered(name: str, position: int) -> str:
    """One name of several; that of a domain grows at its beginning."""
    return f"n{position}.{name}" if "." in name else f"{name}{position}"


def _full_body(kind: Kind, shape: Body, api: str, number: int) -> Body:
    variant = variant_of(kind, shape)
    body = fixed(shape)
    for place in fields_of(kind, variant):
        if len(place.path) == 1 and place.path[0] not in body and place.field.codec is not Codec.ARCHIVE:
            body[place.path[0]] = _full_value(kind, variant, place, number)
    return mended(kind, body, api)


def _full_value(kind: Kind, variant: str, place: Place, number: int) -> Any:
    given = known_values(kind, variant, place)
    one, schema = place.field, place.field.schema
    if given is not None:
        return copy.deepcopy(given[-1 - number % len(given)])
    members = (*one.fields, *one.variants.get(variant, ()))
    if members or one.variants:
        return {
            inner.spec_name: _full_value(
                kind, variant, Place((*place.path, inner.spec_name), (*place.fields, inner)), number
            )
            for inner in members
        }
    if "enum" in schema:
        return schema["enum"][(-1 - number) % len(schema["enum"])]
    match schema["type"]:
        case "boolean":
            return number % 2 == 0
        case "integer":
            return schema.get("minimum", 0) + schema.get("multipleOf", 1) * (number + 1)
        case "array":
            assert one.item is not None
            item = Place((*place.path, "[]"), (*place.fields, one.item))
            return [_full_value(kind, variant, item, number)]
        case "object":
            return {"A": str(number), "BCD"[number % 3]: "1"}
        case _:
            return f"{one.name}-{number}"


def _with_children(kind: Kind, body: Body, api: str, number: int) -> Body:
    return body | {one.section: _full_section(one, api, number) for one in within(kind)}


def _spread(kind: Kind, named: dict[str, Body], api: str, number: int) -> dict[str, Body]:
    """Resources with theirs beneath: all that may be alone stands under the first, the rest under later ones."""
    below: dict[str, list[tuple[Kind, Any]]] = {name: [] for name in named}
    for one in within(kind):
        section = _full_section(one, api, number)
        if not isinstance(section, dict) or one.alone:
            for name in named:
                below[name].append((one, copy.deepcopy(section)))
            continue
        left = section
        for name in named:
            here = apart(one, left)
            left = {key: body for key, body in left.items() if key not in here}
            if here:
                below[name].append((one, here))
        assert not left, f"{one.name}: {list(left)} found no place"
    return {name: body | {one.section: made for one, made in below[name]} for name, body in named.items()}


def _lean_section(kind: Kind, section: Any, api: str, levels: int) -> Any:
    if not isinstance(section, dict):
        return section
    if stands_alone(kind, section):
        return _lean_body(kind, section, api, levels)
    return {name: _lean_body(kind, body, api, levels) for name, body in section.items()}


def _lean_body(kind: Kind, body: Body, api: str, levels: int) -> Body:
    fitting = [one for one in shapes(kind) if fixed(one).items() <= body.items() and one.keys() <= body.keys()]
    shape = max(fitting, key=len, default={})
    variant = variant_of(kind, body)
    made = _lean_object(kind.fields, {**body, **dict.fromkeys(fixed(shape))}, variant, levels, frozenset(shape))
    code = {one.spec_name for one in kind.fields if one.codec is Codec.ARCHIVE} & body.keys()
    below = {
        child.section: _lean_section(child, body[child.section], api, levels)
        for child in within(kind)
        if child.section in body
    }
    return mended(kind, {**{name: body[name] for name in code}, **made, **fixed(shape)}, api) | below


def _lean_object(
    fields: tuple[Field, ...], value: Body, variant: str, levels: int, needed: frozenset[str] = frozenset()
) -> Body:
    known = {one.spec_name: one for one in fields}
    made: Body = {}
    for name, item in value.items():
        one = known.get(name)
        if one is None or item is None:
            continue
        members = (*one.fields, *one.variants.get(variant, ()))
        inner = (one.item.fields or None) if one.item is not None else members or None
        must = is_needed(one, variant) or name in needed
        if inner is None:
            if must:
                made[name] = item
        elif must or levels > 0:
            left = levels if must else levels - 1
            made[name] = (
                [_lean_object(inner, one, variant, left) for one in item]
                if isinstance(item, list)
                else _lean_object(inner, item, variant, left)
            )
    return made
