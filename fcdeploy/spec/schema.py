"""JSON Schemas of a spec, both from one source (S4): the kinds' tables and the words of a spec.

    strict_schema(provider)   what a spec must be once templates are evaluated and defaults are merged
    editor_schema()           what an editor can say while it is written: `${{ }}` may stand for any value or key

The committed files are made by `python -m fcdeploy.spec.schema schemas`; a test fails when they differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access, Codec, Field
from fcdeploy.spec.policy_words import POLICIES
from fcdeploy.spec.words import CODE, DOCUMENT_WORDS, NEEDED_WORDS, TEMPLATE, words_of

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
HOME = "https://fcdeploy.dev/schemas/"
EDITOR_FILE = "project.schema.json"

_SCHEMA_WORD = {"title": "Schema", "description": "The schema of this file, for editors.", "type": "string"}
_GOING: Schema = {"properties": {"absent": {"const": True}}, "required": ["absent"]}
"""That a resource is not to be there."""
_TEMPLATE_REF: Schema = {"$ref": "#/$defs/template"}
_TEMPLATE_KEY = r"\$\{\{"


def strict_schema(provider: str) -> Schema:
    """What a spec for one provider must be after templating and the merge of defaults; nulls are gone by then."""
    kinds = [kind for kind in registry.KINDS.values() if kind.provider == provider]
    return {
        "$schema": DRAFT,
        "$id": f"{HOME}{strict_file(provider)}",
        "title": f"fcdeploy spec for {provider}, resolved",
        "description": "A spec of one target after templates are evaluated and defaults are merged.",
        "type": "object",
        "properties": {
            "$schema": _SCHEMA_WORD,
            **DOCUMENT_WORDS,
            # Targets are judged where they are evaluated, before this schema is asked.
            **{name: _shown(DOCUMENT_WORDS[name]) for name in ("targets", "defaultTarget")},
            "defaults": _defaults_word({kind.name: _without_required(_shared(kind)) for kind in kinds}),
            **{kind.section: _section(kind) for kind in kinds if kind.parent is None},
        },
        "required": [*NEEDED_WORDS],
        "additionalProperties": False,
        "$defs": {kind.name: _resource(kind) for kind in kinds},
    }


def editor_schema() -> Schema:
    """What an editor can check and explain in a spec as it is written: by the tables of the first provider."""
    first = next(iter(registry.KINDS))[0]
    kinds = tuple(kind for kind in registry.KINDS.values() if kind.provider == first)
    defs = {kind.name: _loose(_resource(kind, _as_written)) for kind in kinds}
    return {
        "$schema": DRAFT,
        "$id": f"{HOME}{EDITOR_FILE}",
        "title": "fcdeploy project",
        "description": "What a project of serverless functions is to be in each of its targets.",
        "type": "object",
        "properties": {
            "$schema": _SCHEMA_WORD,
            **{name: _loose(word, keep_required=True) for name, word in DOCUMENT_WORDS.items()},
            # No template is evaluated in these.
            **{name: DOCUMENT_WORDS[name] for name in ("apiVersion", "project", POLICIES)},
            "defaults": _defaults_word(
                {
                    kind.name: _loose(
                        {
                            **_titles(kind),
                            "type": "object",
                            "properties": {
                                name: {"$ref": f"#/$defs/{kind.name}/properties/{name}"}
                                for name in _shared(kind)["properties"]
                            },
                            "additionalProperties": False,
                        }
                    )
                    for kind in kinds
                }
            ),
            **{kind.section: _loose(_as_written(kind)) for kind in kinds if kind.parent is None},
        },
        "required": [*NEEDED_WORDS],
        "additionalProperties": False,
        # An included file may have them.
        "allOf": [
            {"if": {"not": {"required": ["include"]}}, "then": {"required": ["targets"]}},
            *(_needed_without_defaults(kind) for kind in kinds if kind.parent is None),
        ],
        "$defs": {**defs, "template": TEMPLATE},
    }


def strict_file(provider: str) -> str:
    """The file name of a provider's strict schema."""
    return f"{provider}.schema.json"


def schema_text(schema: Mapping[str, Any]) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def schema_files() -> dict[str, str]:
    """Every schema file by name, as text."""
    providers = sorted({provider for provider, _ in registry.KINDS})
    return {
        EDITOR_FILE: schema_text(editor_schema()),
        **{strict_file(provider): schema_text(strict_schema(provider)) for provider in providers},
    }


def write_schemas(folder: Path) -> None:
    """Write every schema file into a folder; raises OSError."""
    for name, content in schema_files().items():
        (folder / name).write_text(content, encoding="utf-8")


def _titles(kind: Kind) -> Schema:
    return {"title": kind.title, "description": kind.description}


def _defaults_word(by_kind: Mapping[str, Schema]) -> Schema:
    return {
        "title": "Defaults",
        "description": "Fields that every resource of a kind has unless it says otherwise; null there cancels one.",
        "type": "object",
        "properties": dict(by_kind),
        "additionalProperties": False,
    }


def _section(kind: Kind) -> Schema:
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


def _as_written(kind: Kind) -> Schema:
    """A section before it is resolved: where a body may stand alone, its fields are known beside the names."""
    found = _section(kind)
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
        **_titles(kind),
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


def _shared(kind: Kind) -> Schema:
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


def _resource(kind: Kind, section: Callable[[Kind], Schema] = _section) -> Schema:
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
        return {**found, **CODE}
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


def _without_required(schema: Schema) -> Schema:
    """The schema of something that is merged into other things: nothing is needed, except inside lists."""
    found: Schema = {}
    for key, value in schema.items():
        match key:
            case "required" | "anyOf" | "if" | "else":
                continue
            case "properties":
                found[key] = {name: _without_required(item) for name, item in value.items()}
            case "allOf":
                found[key] = [{**one, "then": _without_required(one["then"])} for one in value]
            case _:
                found[key] = value
    return found


def _loose(schema: Schema, *, keep_required: bool = False) -> Schema:
    """The schema with a template allowed for every value and key, and null for every value (S3, S4).

    `required` goes, since defaults may give what is missing; inside lists and for the words of a spec it stays.
    """
    if "$ref" in schema:
        return schema
    parts: Schema = {}
    for key, value in schema.items():
        match key:
            case "properties" | "patternProperties":
                parts[key] = {name: _loose(item, keep_required=keep_required) for name, item in value.items()}
            case "additionalProperties" if isinstance(value, dict):
                parts[key] = _loose(value, keep_required=keep_required)
            case "items":
                parts[key] = _loose(value, keep_required=True)
            case "propertyNames":
                parts[key] = {"anyOf": [value, _TEMPLATE_REF]}
            case "allOf":
                parts[key] = [{"if": one["if"], "then": _then(one["then"])} for one in value]
            case "if" | "else":
                # What is needed unless a resource is not to be there; defaults may give that, too.
                continue
            case "required" | "anyOf" if not keep_required:
                continue
            case _:
                parts[key] = value
    if "properties" in parts and parts.get("additionalProperties") is False:
        parts["patternProperties"] = {_TEMPLATE_KEY: True}
    shown = _shown(parts)
    limits = {key: value for key, value in parts.items() if key not in shown}
    return {**shown, **_or_template(limits)} if limits else shown


def _shown(schema: Schema) -> Schema:
    """What an editor shows of a schema."""
    return {key: schema[key] for key in ("title", "description", "default") if key in schema}


def _or_template(schema: Schema) -> Schema:
    """A value, null, or a template. Keywords judge only the types that they know, so most need no alternative."""
    types = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type", "string")]
    limits = {key: value for key, value in schema.items() if key != "type"}
    if "string" not in types and "enum" not in limits:
        return {"type": [*types, "string", "null"], "pattern": _TEMPLATE_KEY, **limits}
    if types == ["string"] and limits:
        return {"anyOf": [schema, _TEMPLATE_REF, {"type": "null"}]}
    if "enum" in limits:
        return {"anyOf": [schema, _TEMPLATE_REF, {"type": "null"}]}
    limits.pop("pattern", None)
    return {"type": [*types, "null"], **limits}


def _then(branch: Schema) -> Schema:
    return {"properties": {name: _loose(item) for name, item in branch["properties"].items()}}


def _needed_without_defaults(kind: Kind) -> Schema:
    """What a resource must name, as long as there are no `defaults` that could give it, nor other files."""

    def needed(one: Kind) -> Schema:
        below = {child.section: {"additionalProperties": needed(child)} for child in registry.within(one)}
        names = [field.spec_name for field in one.fields if field.required]
        # Of what is not to be there nothing is needed, nor of what stands beneath; a template may say so, too.
        going = {"required": ["absent"], "properties": {"absent": {"not": {"const": False}}}}
        return {"if": {"type": "object", "not": going}, "then": {"required": names, "properties": below}}

    return {
        "if": {"not": {"anyOf": [{"required": ["defaults"]}, {"required": ["include"]}]}},
        "then": {"properties": {kind.section: {"additionalProperties": needed(kind)}}},
    }


if __name__ == "__main__":
    import sys

    write_schemas(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas"))
