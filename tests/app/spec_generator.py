"""Random specs, made from the descriptors: every kind, every field, with and without it.

A new kind joins by itself; what the descriptors do not say (names, values of a patterned text, what excludes what)
stands in `tests/cases/generator.yaml`. `Coverage` notes what the specs that were tried had in them.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from field_samples import CASES, Place, places
from hypothesis import strategies as st

from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Codec, Field
from fcdeploy.kinds.registry import KINDS, roots, within
from fcdeploy.spec.shape import api_body

PROVIDER = "alibaba"
HINTS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "cases" / "generator.yaml").read_text("utf-8"))
Body = dict[str, Any]

_MISSING = re.compile(r"`(\w+)` is missing")


def hints(kind: Kind, word: str) -> Any:
    """What generator.yaml says of a kind under this word."""
    return HINTS["kinds"].get(kind.name, {}).get(word, {})


def shapes(kind: Kind) -> list[Body]:
    """The ways to be a resource of this kind; null stands for a field that is always there with any value."""
    return copy.deepcopy(hints(kind, "shapes")) or [{}]


def fixed(shape: Body) -> Body:
    """What a shape says without choice."""
    return {name: value for name, value in shape.items() if value is not None}


def variant_of(kind: Kind, body: Mapping[str, Any]) -> str:
    """The value that chooses the variant of those fields that have some."""
    chooser = next((one.discriminator for one in kind.fields if one.discriminator), "")
    return str(body.get(kind.field(chooser).spec_name, "")) if chooser else ""


def fields_of(kind: Kind, variant: str) -> list[Place]:
    """Every field, those inside of others too."""
    return list(places(kind.fields, variant))


# Values


@cache
def _known_values() -> dict[tuple[str, str, str], list[Any]]:
    known: dict[tuple[str, str, str], list[Any]] = {}
    for case, about in CASES.items():
        kind, _, variant = case.partition(".")
        known |= {(kind, variant, word): list(values) for word, values in about.get("values", {}).items()}
    for kind, about in HINTS["kinds"].items():
        for word, values in about.get("values", {}).items():
            known = {key: one for key, one in known.items() if (key[0], key[2]) != (kind, word)}
            known[kind, "", word] = list(values)
    return known


def known_values(kind: Kind, variant: str, place: Place) -> list[Any] | None:
    """The values that a field gets because a file says so; one that has fields of its own is made from them."""
    one, known = place.field, _known_values()
    if one.fields or one.variants or (one.item is not None and one.item.fields):
        return None
    return known.get((kind.name, variant, place.word), known.get((kind.name, "", place.word)))


def values(kind: Kind, variant: str, place: Place) -> st.SearchStrategy[Any]:
    """Values of one field, its default among them."""
    given = known_values(kind, variant, place)
    if given is not None:
        return st.sampled_from(given).map(copy.deepcopy)
    one, schema = place.field, place.field.schema
    members = (*one.fields, *one.variants.get(variant, ()))
    if members or one.variants:
        return _object(kind, variant, place, members)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            step = schema.get("multipleOf", 1)
            least = schema.get("minimum", 0)
            usual = [default.value for default in one.defaults if isinstance(default.value, int)]
            return st.sampled_from([*usual, *(least + step * number for number in range(3))])
        case "array":
            assert one.item is not None
            item = values(kind, variant, Place((*place.path, "[]"), (*place.fields, one.item)))
            unique = (lambda made: str(made.get(one.key))) if one.key else repr
            return st.lists(item, min_size=schema.get("minItems", 0), max_size=2, unique_by=unique)
        case "object":
            return st.dictionaries(st.sampled_from(["A", "B", "C"]), st.sampled_from(["", "0", "1"]), max_size=3)
        case "string" if "pattern" in schema:
            raise LookupError(f"{kind.name}.{place.word} has a pattern: say in generator.yaml what it may be")
        case _:
            words = [f"{one.name}-0", f"{one.name}-1"]
            return st.sampled_from(words if one.required or schema.get("minLength") else ["", *words])


def _object(kind: Kind, variant: str, place: Place, members: tuple[Field, ...]) -> st.SearchStrategy[Body]:
    inner = [Place((*place.path, one.spec_name), (*place.fields, one)) for one in members]
    needed = {one.path[-1]: values(kind, variant, one) for one in inner if one.field.required}
    free = {one.path[-1]: values(kind, variant, one) for one in inner if not one.field.required}
    return st.fixed_dictionaries(needed, optional=free)


# Resources


@cache
def bodies(name: str, api: str) -> st.SearchStrategy[Body]:
    """Resources of a kind, with those beneath them."""
    kind = KINDS[PROVIDER, name]
    return st.one_of([_bodies_like(kind, shape, api) for shape in shapes(kind)])


def _bodies_like(kind: Kind, shape: Body, api: str) -> st.SearchStrategy[Body]:
    variant = variant_of(kind, shape)
    inner = [place for place in fields_of(kind, variant) if len(place.path) == 1 and place.is_in(api)]
    drawn = [place for place in inner if place.field.codec is not Codec.ARCHIVE]
    needed = {
        one.path[0]: values(kind, variant, one)
        for one in drawn
        if (is_needed(one.field, variant) or one.path[0] in shape) and one.path[0] not in fixed(shape)
    }
    free = {one.path[0]: values(kind, variant, one) for one in drawn if one.path[0] not in {*needed, *shape}}
    given = st.fixed_dictionaries(
        {**{name: st.just(value).map(copy.deepcopy) for name, value in fixed(shape).items()}, **needed}, optional=free
    ).map(lambda body: mended(kind, body, api))
    beneath = {one.section: sections(one, api) for one in within(kind)}
    if not beneath:
        return given
    below = st.fixed_dictionaries({}, optional=beneath)
    return st.tuples(given, below).map(lambda both: both[0] | both[1])


def is_needed(one: Field, variant: str) -> bool:
    """Whether a body must have this field."""
    return one.required or any(inner.required for inner in one.variants.get(variant, ()))


def sections(kind: Kind, api: str) -> st.SearchStrategy[Any]:
    """What stands under the key of a kind: a map by name, a list of names, or a resource that stands there alone."""
    names = st.sampled_from(hints(kind, "names"))
    if not kind.fields:
        return st.lists(names, unique=True)
    # An empty map under the key of a kind that may stand alone is a resource with nothing in it.
    by_name = st.dictionaries(names, bodies(kind.name, api), min_size=1 if kind.alone else 0, max_size=2).map(
        lambda made: apart(kind, made)
    )
    return st.one_of(by_name, bodies(kind.name, api)) if kind.alone else by_name


@cache
def specs(api: str) -> st.SearchStrategy[Body]:
    """What stands at the top of a file for the kinds that stand there."""
    return st.fixed_dictionaries({one.section: sections(one, api) for one in roots(PROVIDER)}).map(linked)


def stands_alone(kind: Kind, section: Body) -> bool:
    """Whether what stands under a kind's key is a resource and no map by name."""
    return bool(kind.alone) and (not section or not set(section) <= set(hints(kind, "names")))


def mended(kind: Kind, body: Body, api: str) -> Body:
    """The body without what the API version does not know and what its own rules forbid, with what they want."""
    made = _known(kind.fields, body, variant_of(kind, body), api)
    for _ in range(9):
        wrong = [
            one for one in (kind.check(api_body(kind, made), api, "x") if kind.check else ()) if not one.is_warning
        ]
        if not wrong:
            return made
        for one in wrong:
            missing = _MISSING.search(one.summary)
            if missing:
                made[missing[1]] = copy.deepcopy(hints(kind, "needed")[missing[1]])
            else:
                _drop(kind, made, one.path.split("."))
    raise AssertionError(f"{kind.name} cannot be mended: {wrong}, {made}")


def _known(fields: tuple[Field, ...], body: Body, variant: str, api: str) -> Body:
    known = {one.spec_name: one for one in fields if one.since <= api}
    made: Body = {}
    for name, value in body.items():
        one = known.get(name)
        if one is None:
            continue
        members = (*one.fields, *one.variants.get(variant, ()))
        if isinstance(value, dict) and members:
            value = _known(members, value, variant, api)
        elif isinstance(value, list) and one.item is not None and one.item.fields:
            value = [_known(one.item.fields, item, variant, api) for item in value]
        made[name] = value
    return made


def _drop(kind: Kind, body: Body, path: list[str]) -> None:
    here: Any = body
    names = [next((one.spec_name for one in kind.fields if one.name == path[0]), path[0]), *path[1:]]
    for name in names[:-1]:
        here = here[int(name) if isinstance(here, list) else name]
    del here[int(names[-1]) if isinstance(here, list) else names[-1]]


def apart(kind: Kind, by_name: dict[str, Body]) -> dict[str, Body]:
    """The resources that can stand side by side: the first of those that exclude each other."""
    kept: dict[str, Body] = {}
    for name, body in by_name.items():
        raw = api_body(kind, body)
        if kind.collides is None or not any(kind.collides(api_body(kind, other), raw) for other in kept.values()):
            kept[name] = body
    return kept


def linked(spec: Body) -> Body:
    """The spec with references only to functions that are in it; where there is none, without them."""
    for service in spec["services"].values():
        # An alias follows versions that are there only because an earlier file wanted them: the file alone decides.
        if service.get("versions", {}).get("publish") != "on-change":
            service.pop("aliases", None)
    there = sorted(
        f"{service}/{function}" for service, body in spec["services"].items() for function in body.get("functions", {})
    )
    made: Body = _linked(spec, there)
    for service in made["services"].values():
        for function in service.get("functions", {}).values():
            if "layers" in function:
                function["layers"] = [one for one in function["layers"] if ":" in one or one in made.get("layers", {})]
    return made


def _linked(value: Any, there: list[str]) -> Any:
    if isinstance(value, list):
        return [made for item in value if (made := _linked(item, there)) is not None]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("function"), str) and value["function"] not in there:
        return {**value, "function": there[0]} if there else None
    made = {key: _linked(item, there) for key, item in value.items()}
    return {key: item for key, item in made.items() if item != {"destination": None}}
