"""The fields of every kind as places in a file, and values for each: made from the descriptors.

`tests/cases/fields.yaml`, and `fields_huawei.yaml` for the other cloud, have by kind the file around a resource and the
values where a schema does not say enough.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access, Codec, Field, Reset
from fcdeploy.kinds.registry import KINDS


def _read_cases(file: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "cases" / file).read_text("utf-8"))
    return read


CASES = _read_cases("fields.yaml")
"""By kind, and by variant after a dot."""
EVERY = CASES | {
    f"huawei/{name}": case
    for name, case in _read_cases("fields_huawei.yaml").items()
    if ("huawei", name.partition(".")[0]) in KINDS
}
"""Those of the other cloud as well, with its name and `/` before the kind's."""
ABSENT = object()


def kind_of_case(case: str) -> Kind:
    """The descriptor of the kind that a case is about."""
    provider, _, name = case.rpartition("/")
    return KINDS[provider or "alibaba", name.partition(".")[0]]


@dataclass(frozen=True)
class Place:
    """A field and the fields that it stands in, outermost first; `[]` in `path` is the only item of a list."""

    path: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def field(self) -> Field:
        return self.fields[-1]

    @property
    def word(self) -> str:
        return ".".join(self.path)

    @property
    def shown(self) -> str:
        """The path that a plan shows: a list is one leaf."""
        names: list[str] = []
        for field in self.fields:
            names.append(field.name)
            if field.item is not None:
                break
        return ".".join(names)

    def is_in(self, api: str) -> bool:
        """Whether this API version knows the field and all that it stands in."""
        return all(one.since <= api for one in self.fields)


def places(
    fields: tuple[Field, ...], variant: str = "", path: tuple[str, ...] = (), above: tuple[Field, ...] = ()
) -> Iterator[Place]:
    """Every field that a file may name, those inside of others too."""
    for one in fields:
        if one.access is Access.READ_ONLY:
            continue
        here = Place((*path, one.spec_name), (*above, one))
        yield here
        yield from places((*one.fields, *one.variants.get(variant, ())), variant, here.path, here.fields)
        if one.item is not None:
            yield from places(one.item.fields, variant, (*here.path, "[]"), here.fields)


def sample(kind: str, place: Place, number: int) -> Any:
    """The first or the second value of a field; neither is its default."""
    given = EVERY[kind].get("values", {})
    if place.word in given:
        return copy.deepcopy(given[place.word][number])
    field, schema = place.field, place.field.schema
    taken = [one.value for one in field.defaults]
    if "enum" in schema:
        values = [one for one in schema["enum"] if one not in taken]
        return values[min(number, len(values) - 1)]
    match schema["type"]:
        case "integer":
            step = schema.get("multipleOf", 1)
            first = max(schema.get("minimum", 1), step)
            return next(one for one in (first + step * n for n in range(number, 9)) if one not in taken)
        case "boolean":
            return next(one for one in (True, False) if one not in taken) if number == 0 else ABSENT
        case "array":
            assert field.item is not None
            item = Place((*place.path, "[]"), (*place.fields, field.item))
            return [sample(kind, item, number)]
        case "object" if field.fields:
            inner = [Place((*place.path, one.spec_name), (*place.fields, one)) for one in field.fields]
            kept = [one for one in inner if one.field.required] or inner[:1]
            return {one.path[-1]: sample(kind, one, number) for one in kept}
        case "object":
            return {"KEY": f"value {number}"}
        case _:
            return f"{field.name}-{number}"


def put(kind: str, body: dict[str, Any], place: Place, value: Any) -> None:
    """Write a value at a place; what it stands in gets what it needs."""
    here: Any = body
    for depth, word in enumerate(place.path[:-1]):
        if word == "[]":
            here = here[0]
            continue
        fields = place.fields[: 1 + sum(1 for one in place.path[:depth] if one != "[]")]
        here = here.setdefault(word, sample(kind, Place(place.path[: depth + 1], fields), 0))
    if value is ABSENT:
        here.pop(place.path[-1], None)
    else:
        here[place.path[-1]] = value


def base(kind: str) -> dict[str, Any]:
    """What the file around a resource says of the resource itself."""
    here: Any = EVERY[kind]["around"]
    for key in EVERY[kind]["at"]:
        here = here[key]
    return dict(here)


def returns(kind: str, place: Place, body: Mapping[str, Any]) -> bool:
    """Whether a field that leaves the file goes back to a default of ours, or to what the file around it has."""
    field, whole = place.field, {**base(kind), **body}
    if place.word in base(kind):
        return True
    default = field.default(whole)
    return default is not None and default.compared and field.reset is not Reset.NONE


def tried(kind: str) -> list[Place]:
    """The fields of a kind that are tried one by one; code has tests of its own."""
    variant = kind.partition(".")[2]
    skipped, only = EVERY[kind].get("skipped", {}), EVERY[kind].get("only")
    every = [one for one in places(kind_of_case(kind).fields, variant) if one.field.codec is not Codec.ARCHIVE]
    found = [one for one in every if only is None or one.path[0] in only]
    assert {*skipped, *(only or ())} <= {one.word for one in found}
    return [one for one in found if not any(one.word == skip or one.word.startswith(f"{skip}.") for skip in skipped)]
