"""The JSON Schema of a kind's resources: their fields, the words beside them, and what stands beneath (S4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access, Codec, Field
from fcdeploy.spec.words import code_word, words_of

Schema = dict[str, Any]

_GOING: Schema = {"properties": {"absent": {"const": True}}, "required": ["absent"]}
"""That a resource is not to be there."""


def titles(kind: Kind) -> Schema:
    """What an editor shows of a kind."""
    return {"title": kind.title, "description": kind.description}


def defaults_word(by_kind: Mapping[str, Schema]) -> Schema:
    """The word `defaults`, with what it may say of each kind."""
    return {
        "title": "Defaults",
        "description": "Fields that every resource of a kind has unless it says otherwise; null there cancels one.",
        "type": "object",
        "properties": dict(by_kind),
        "additionalProperties": False,
    }


def section(kind: Kind) -> Schema:
    """A map from names to resources of a kind; a list of names where a name is all there is to say."""
    found: Schema = {
        "title": kind.section[0].upper() + kind.section[1:],
        "description": f"{'A list of names' if not kind.fields else 'By name'}. {kind.description}",
        "type": "object",
        "propertyNames": dict(kind.name_schema),
        "additionalProperties": {"$ref": f"#/$defs/{kind.name}"},
    }
    if kind.fields:
        return found
    return {**found, "type": ["array", "object"], "items": dict(kind.name_schema), "uniqueItems": True}


def as_written(kind: Kind) -> Schema:
    """A section before it is resolved: where a body may stand alone, its fields are known beside the names."""
    found = section(kind)
    if not kind.alone:
        return found
    known = {name: {"$ref": f"#/$defs/{kind.name}/properties/{name}"} for name in _own(kind)["properties"]}
    return {
        **found,
        "description": f"Of {kind.alone}, or by name. {kind.description}",
        "properties": known,
        # A name rule that no field's name keeps would refuse the body that stands alone.
        "propertyNames": {"anyOf": [{"enum": [*known]}, found["propertyNames"]]},
    }


def _own(kind: Kind) -> Schema:
    """A resource without what stands beneath it."""
    writable = [one for one in kind.fields if one.access is not Access.READ_ONLY]
    found: Schema = {
        **titles(kind),
        "type": "object",
        "properties": {
            **{one.spec_name: _field(one) for one in writable},
            **{word.name: word.schema(kind) for word in words_of(kind)},
        },
        "additionalProperties": False,
    }
    branches = [branch for one in writable if one.variants for branch in _branches(kind, one)]
    if branches:
        found["allOf"] = branches
    return found | _needed(kind, writable)


def shared(kind: Kind) -> Schema:
    """What `defaults` may say of every resource of a kind."""
    own = _own(kind)
    alone = {word.name for word in words_of(kind) if not word.shared}
    return {**own, "properties": {name: one for name, one in own["properties"].items() if name not in alone}}


def _needed(kind: Kind, fields: list[Field]) -> Schema:
    """What a resource must have, unless it is not to be there."""
    names = [one.spec_name for one in fields if one.required]
    chosen = [
        {"if": _choice(kind, one, value), "then": {"required": [one.spec_name]}}
        for one in fields
        for value, members in sorted(one.variants.items())
        if any(member.required for member in members)
    ]
    needed: Schema = {**({"required": names} if names else {}), **({"allOf": chosen} if chosen else {})}
    return {"if": _GOING, "else": needed} if needed else {}


def resource(kind: Kind, section: Callable[[Kind], Schema] = section) -> Schema:
    """A resource with what stands beneath it, each section as `section` gives it."""
    found = _own(kind)
    below = {child.section: section(child) for child in registry.within(kind)}
    return {**found, "properties": {**found["properties"], **below}}


def _branches(kind: Kind, field: Field) -> list[Schema]:
    """`if/then` on the discriminator: what the field holds, by variant."""
    return [
        {"if": _choice(kind, field, value), "then": {"properties": {field.spec_name: _closed(members)}}}
        for value, members in sorted(field.variants.items())
    ]


def _choice(kind: Kind, field: Field, value: str) -> Schema:
    """That the discriminator of a field has this value."""
    chooser = kind.field(field.discriminator).spec_name
    return {"properties": {chooser: {"const": value}}, "required": [chooser]}


def _closed(members: tuple[Field, ...]) -> Schema:
    writable = [one for one in members if one.access is not Access.READ_ONLY]
    return {
        "type": "object",
        "properties": {one.spec_name: _field(one) for one in writable},
        "required": [one.spec_name for one in writable if one.required],
        "additionalProperties": False,
    }


def _field(field: Field) -> Schema:
    """The schema of one field, with what an editor shows of it."""
    found: Schema = {"title": field.title, "description": field.description}
    if field.codec is Codec.ARCHIVE:
        return {**found, **code_word(field)}
    if field.defaults and not field.defaults[0].when and field.defaults[0].value is not None:
        found["default"] = field.defaults[0].value
    found |= field.schema
    if field.item is not None:
        # An item's title and description are its list's.
        item = _field(field.item)
        found["items"] = {key: value for key, value in item.items() if key not in ("title", "description")}
    if field.fields:
        found |= _closed(field.fields)
    return found


def without_required(schema: Schema) -> Schema:
    """The schema of something that is merged into other things: nothing is needed, except inside lists."""
    found: Schema = {}
    for key, value in schema.items():
        match key:
            case "required" | "anyOf" | "if" | "else":
                continue
            case "properties":
                found[key] = {name: without_required(item) for name, item in value.items()}
            case "allOf":
                found[key] = [{**one, "then": without_required(one["then"])} for one in value]
            case _:
                found[key] = value
    return found
