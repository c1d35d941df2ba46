"""The JSON Schema for editors: what a spec can be while it is written, for every cloud at once (S4, S45).

A resource outside a provider block may say what any cloud knows of it; in a block, what that cloud knows. So there is a
definition of each kind for each cloud, `alibaba.function`, and one under the kind's own name that has all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.model.providers import provider_of
from fcdeploy.spec.kind_schema import Schema, as_written, defaults_word, resource, shared, titles
from fcdeploy.spec.policy_words import POLICIES
from fcdeploy.spec.words import DOCUMENT_WORDS, FOREACH, NEEDED_WORDS, TEMPLATE, WHEN, words_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"
HOME = "https://fcdeploy.dev/schemas/"
EDITOR_FILE = "project.schema.json"
SCHEMA_WORD = {"title": "Schema", "description": "The schema of this file, for editors.", "type": "string"}

_TEMPLATE_REF: Schema = {"$ref": "#/$defs/template"}
_TEMPLATE_KEY = r"\$\{\{"
_NOT_IN_A_BLOCK = (WHEN, FOREACH)
_SHOWN = ("title", "description", "default")


def editor_schema() -> Schema:
    """What an editor can check and explain in a spec as it is written, for every provider at once."""
    by_name: dict[str, list[Kind]] = {}
    for kind in registry.KINDS.values():
        by_name.setdefault(kind.name, []).append(kind)
    at_top = [kinds for kinds in by_name.values() if kinds[0].place is None]
    of_cloud = {_definition(kind): _block(kind) for kind in registry.KINDS.values()}
    every = {name: _of_every_cloud(kinds, of_cloud) for name, kinds in by_name.items()}
    return {
        "$schema": DRAFT,
        "$id": f"{HOME}{EDITOR_FILE}",
        "title": "fcdeploy project",
        "description": "What a project of serverless functions is to be in each of its targets.",
        "type": "object",
        "properties": {
            "$schema": SCHEMA_WORD,
            **{name: _loose(word, keep_required=True) for name, word in DOCUMENT_WORDS.items()},
            # No template is evaluated in these.
            **{name: DOCUMENT_WORDS[name] for name in ("apiVersion", "project", POLICIES)},
            "defaults": _loose(defaults_word({name: _defaults(kinds) for name, kinds in by_name.items()})),
            **{kinds[0].section: _section(kinds) for kinds in at_top},
        },
        "required": [*NEEDED_WORDS],
        "additionalProperties": False,
        # An included file may have them.
        "allOf": [
            {"if": {"not": {"required": ["include"]}}, "then": {"required": ["targets"]}},
            *(_needed_without_defaults(kinds) for kinds in at_top),
        ],
        "$defs": {**every, **of_cloud, "template": TEMPLATE},
    }


def _definition(kind: Kind) -> str:
    return f"{kind.provider}.{kind.name}"


def _block(kind: Kind) -> Schema:
    """What one cloud knows of a resource: what may stand in its block."""
    found = _loose(resource(kind, as_written))
    found["properties"] = {name: one for name, one in found["properties"].items() if name not in _NOT_IN_A_BLOCK}
    return found


def _of_every_cloud(kinds: Sequence[Kind], of_cloud: Mapping[str, Schema]) -> Schema:
    """A resource outside a block: what any of the clouds knows, the blocks, and the words that no block may have."""
    first = kinds[0]
    below = _below(kinds)
    names = dict.fromkeys(name for kind in kinds for name in of_cloud[_definition(kind)]["properties"])
    early = {word.name: _loose(word.schema(first)) for word in words_of(first) if word.name in _NOT_IN_A_BLOCK}
    properties: Schema = {}
    for name in names:
        having = [kind for kind in kinds if name in of_cloud[_definition(kind)]["properties"]]
        if name in below and len(below[name]) == len(having):
            properties[name] = _section(below[name])
        else:
            properties[name] = _either([(_definition(kind), of_cloud[_definition(kind)]) for kind in having], name)
    branches = _branches([(_definition(kind), of_cloud[_definition(kind)]) for kind in kinds])
    return {
        **titles(first),
        **_or_template({"type": "object"}),
        "properties": {**properties, **early, **_blocks(kinds)},
        "additionalProperties": False,
        "patternProperties": {_TEMPLATE_KEY: True},
        **({"allOf": branches} if branches else {}),
    }


def _blocks(kinds: Sequence[Kind]) -> Schema:
    return {
        kind.provider: {
            "title": provider_of(kind.provider).service,
            "description": f"What it says besides in targets of {provider_of(kind.provider).service}; laid over its "
            "other fields, null cancels one.",
            "anyOf": [{"$ref": f"#/$defs/{_definition(kind)}"}],
        }
        for kind in kinds
    }


def _either(having: Sequence[tuple[str, Schema]], name: str) -> Schema:
    """A word that several clouds may have: one schema where they agree on what it may be, else any of theirs."""
    refs: dict[str, Schema] = {}
    for definition, schema in having:
        refs.setdefault(_limits(schema["properties"][name]), {"$ref": f"#/$defs/{definition}/properties/{name}"})
    if len(refs) == 1:
        return next(iter(refs.values()))
    first = having[0][1]["properties"][name]
    about = {key: first[key] for key in ("title", "description") if key in first}
    return {**about, "anyOf": [*refs.values()]}


def _limits(schema: Any) -> str:
    """What a schema allows, as text: without what an editor shows of it."""

    def bare(one: Any, *, named: bool = False) -> Any:
        if isinstance(one, dict):
            kept = one if named else {key: item for key, item in one.items() if key not in _SHOWN}
            return {
                key: bare(item, named=not named and key in ("properties", "patternProperties"))
                for key, item in kept.items()
            }
        return [bare(item) for item in one] if isinstance(one, list) else one

    return json.dumps(bare(schema), sort_keys=True)


def _branches(given: Sequence[tuple[str, Schema]]) -> list[Schema]:
    """`if/then` of several clouds: where two have the same condition, either of theirs holds then."""
    refs: dict[str, tuple[Schema, dict[str, Schema]]] = {}
    for definition, schema in given:
        for index, branch in enumerate(schema.get("allOf", ())):
            known = refs.setdefault(json.dumps(branch["if"], sort_keys=True), (branch, {}))
            known[1][definition] = {"$ref": f"#/$defs/{definition}/allOf/{index}/then"}
    made = []
    for branch, then in refs.values():
        either = [*then.values(), *(_unbranched(branch, *one) for one in given if one[0] not in then)]
        ways = [one for one in either if one]
        made.append({"if": branch["if"], "then": ways[0] if len(ways) == 1 else {"anyOf": ways}})
    return made


def _unbranched(branch: Schema, definition: str, schema: Schema) -> Schema:
    """What a cloud without this branch allows where its condition holds; empty where that cannot be there."""
    ((chooser, chosen),) = branch["if"]["properties"].items()
    (field,) = branch["then"]["properties"]
    known = schema["properties"]
    rule = known.get(chooser, {})
    enums = [one["enum"] for one in (rule, *rule.get("anyOf", ())) if "enum" in one]
    if field not in known or chooser not in known or (enums and chosen["const"] not in enums[0]):
        return {}
    return {"properties": {field: {"$ref": f"#/$defs/{definition}/properties/{field}"}}}


def _below(kinds: Sequence[Kind]) -> dict[str, list[Kind]]:
    """What stands in a resource, by section, of every cloud."""
    found: dict[str, list[Kind]] = {}
    for kind in kinds:
        for child in registry.within(kind):
            found.setdefault(child.section, []).append(child)
    return found


def _section(kinds: Sequence[Kind]) -> Schema:
    """A section of the same kind of several clouds; a name that one of them allows is one."""
    made = [as_written(kind) for kind in kinds]
    found = dict(made[0])
    known = {name: one for schema in reversed(made) for name, one in schema.get("properties", {}).items()}
    if known:
        blocks = {kind.provider: {"$ref": f"#/$defs/{kind.name}/properties/{kind.provider}"} for kind in kinds}
        found["properties"] = {**known, **blocks}
        made.append({"propertyNames": {"enum": [*blocks]}})
    rules = [*{json.dumps(one["propertyNames"], sort_keys=True): one["propertyNames"] for one in made}.values()]
    if len(rules) > 1:
        found["propertyNames"] = {"anyOf": rules}
    return _loose(found)


def _defaults(kinds: Sequence[Kind]) -> Schema:
    names = dict.fromkeys(name for kind in kinds for name in (*shared(kind)["properties"], kind.provider))
    return {
        **titles(kinds[0]),
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/{kinds[0].name}/properties/{name}"} for name in names},
        "additionalProperties": False,
    }


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
    about = shown(parts)
    limits = {key: value for key, value in parts.items() if key not in about}
    return {**about, **_or_template(limits)} if limits else about


def shown(schema: Mapping[str, Any]) -> Schema:
    """What an editor shows of a schema."""
    return {key: schema[key] for key in _SHOWN if key in schema}


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


def _needed_without_defaults(kinds: Sequence[Kind]) -> Schema:
    """What a resource must name, as long as there are no `defaults` that could give it, nor other files."""

    def needed(some: Sequence[Kind]) -> Schema:
        below = {
            section: {"additionalProperties": needed(children)}
            for section, children in _below(some).items()
            if not any(field.spec_name == section for one in some for field in one.fields)
        }
        every = [{field.spec_name for field in one.fields if field.required} for one in some]
        names = [field.spec_name for field in some[0].fields if field.spec_name in set.intersection(*every)]
        # Of what is not to be there nothing is needed, nor of what stands beneath; a template may say so, too.
        going = {"required": ["absent"], "properties": {"absent": {"not": {"const": False}}}}
        blocks = [{"required": [one.provider]} for one in some]
        return {
            "if": {"type": "object", "not": going},
            "then": {
                "properties": below,
                # A block may give it.
                **({"if": {"not": {"anyOf": blocks}}, "then": {"required": names}} if names else {}),
            },
        }

    return {
        "if": {"not": {"anyOf": [{"required": ["defaults"]}, {"required": ["include"]}]}},
        "then": {"properties": {kinds[0].section: {"additionalProperties": needed(kinds)}}},
    }
