"""Each field of every kind, one after the other: set, changed, removed; both API versions.

What is tried is made from the descriptors, so a new field is tried without a word here. `tests/cases/fields.yaml` has,
by kind, the file around a resource and the values where a schema does not say enough.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from fcdeploy.app import Wishes
from fcdeploy.kinds.fields import Access, Codec, Field, Reset
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Action

APIS = ("2021-04-06", "2016-08-15")
CASES: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "cases" / "fields.yaml").read_text("utf-8"))
ALL = Wishes(allow_unsafe=True)
ABSENT = object()
DAY = "2026-01-01T00:00:00Z"


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


def places(
    fields: tuple[Field, ...], variant: str = "", path: tuple[str, ...] = (), above: tuple[Field, ...] = ()
) -> Iterator[Place]:
    for one in fields:
        if one.access is Access.READ_ONLY:
            continue
        here = Place((*path, one.spec_name), (*above, one))
        yield here
        yield from places((*one.fields, *one.variants.get(variant, ())), variant, here.path, here.fields)
        if one.item is not None:
            yield from places(one.item.fields, variant, (*here.path, "[]"), here.fields)


def is_about(place: Place, paths: set[str]) -> bool:
    """Whether a plan shows this field and no other: the field, what is in it, or the object that goes with it."""
    return bool(paths) and all(
        path == place.shown or path.startswith(f"{place.shown}.") or place.shown.startswith(f"{path}.")
        for path in paths
    )


def sample(kind: str, place: Place, number: int) -> Any:
    """The first or the second value of a field; neither is its default."""
    given = CASES[kind].get("values", {})
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


class Bench:
    """One resource of one kind in a file around it, on the stage."""

    def __init__(self, stage: Any, kind: str, api: str) -> None:
        self.stage, self.kind, self.api = stage, kind, api
        self.case = CASES[kind]
        stage.write_source("src")
        for row in self.case.get("rows", []):
            put_row(stage, **row)

    def apply(self, body: Mapping[str, Any]) -> None:
        self.write(body)
        self.stage.apply(ALL)
        again = self.stage.plan(ALL)
        assert again.is_empty, [(one.address.short, one.fields) for one in again.changes]

    def write(self, body: Mapping[str, Any]) -> None:
        spec = self.stage.spec(0, api=self.api)
        del spec["defaults"]
        around = json.loads(json.dumps(self.case["around"]))
        here = around
        for key in self.case["at"]:
            here = here[key]
        here.update(body)
        self.stage.write({**spec, **around})

    def changed(self) -> tuple[Action, set[str]] | None:
        """What the plan does to the resource, and the paths that it shows; nothing else may change."""
        changes = self.stage.plan(ALL).changes
        if not changes:
            return None
        (change,) = changes
        assert change.address.kind == self.kind.partition(".")[0]
        return change.action, {one.path for one in change.fields}


def put_row(stage: Any, kind: str, parent: str, name: str, body: dict[str, Any]) -> None:
    """What no kind can make yet, put into the cloud by hand."""
    from fcdeploy.emulator.exchange import Tenant
    from fcdeploy.emulator.store import Row, etag_of

    with stage.emulator.app.world.write(Tenant("1234567890123456", "cn-hangzhou")) as session:
        session.put(Row(kind=kind, parent=parent, name=name, body=body, etag=etag_of(body), created=DAY, modified=DAY))


def base(kind: str) -> dict[str, Any]:
    """What the file around a resource says of the resource itself."""
    here: Any = CASES[kind]["around"]
    for key in CASES[kind]["at"]:
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
    """The fields of a kind that are tried here; code has tests of its own."""
    known = KINDS[("alibaba", kind.partition(".")[0])]
    skipped = CASES[kind].get("skipped", {})
    found = [one for one in places(known.fields, kind.partition(".")[2]) if one.field.codec is not Codec.ARCHIVE]
    assert set(skipped) <= {one.word for one in found}
    return [one for one in found if not any(one.word == skip or one.word.startswith(f"{skip}.") for skip in skipped)]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("kind", list(CASES))
def test_each_field_is_set_changed_and_taken_back(stage: Any, kind: str, api: str) -> None:
    bench = Bench(stage, kind, api)
    bench.apply({})
    for place in tried(kind):
        if any(one.since > api for one in place.fields):
            continue
        body: dict[str, Any] = copy.deepcopy(CASES[kind].get("with", {}).get(place.path[0], {}))
        put(kind, body, place, sample(kind, place, 0))
        bench.apply(body)
        other = sample(kind, place, 1)
        if other is not ABSENT and other != sample(kind, place, 0):
            put(kind, body, place, other)
            bench.write(body)
            found = bench.changed()
            assert found is not None, place.word
            assert found[0] in (Action.UPDATE, Action.REPLACE)
            assert is_about(place, found[1]), (place.word, found)
            bench.apply(body)
        if not place.field.required:
            put(kind, body, place, ABSENT)
            bench.write(body)
            found = bench.changed()
            assert (found is not None) == returns(kind, place, body), (place.word, found)
            if found is not None:
                assert is_about(place, found[1]), (place.word, found)
                assert found[0] in (Action.UPDATE, Action.REPLACE)
            bench.apply(body)
        bench.apply({})


def test_every_kind_is_tried() -> None:
    assert {kind.partition(".")[0] for kind in CASES} == {name for (_, name), kind in KINDS.items() if kind.fields}
