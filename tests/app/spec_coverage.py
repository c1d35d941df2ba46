"""What specs have in them of all that the descriptors know: kinds, fields given and left out, their conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from field_samples import Place
from spec_generator import PROVIDER, Body, fields_of, shapes, stands_alone, variant_of

from fcdeploy.kinds.conditions import holds
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.registry import KINDS, roots, within
from fcdeploy.spec.shape import api_body


@dataclass
class Coverage:
    """What the specs that were tried had in them: kinds, fields given and left out, conditions that held or not."""

    seen: set[str] = field(default_factory=set)

    def note(self, spec: Body, api: str) -> None:
        """Look at one spec that was applied."""
        for kind, body in _resources(roots(PROVIDER), spec):
            self.seen.add(kind.name)
            variant = variant_of(kind, body)
            raw = api_body(kind, body)
            for place in fields_of(kind, variant):
                if place.is_in(api):
                    self._note_field(kind, variant, place, body, raw)

    def _note_field(self, kind: Kind, variant: str, place: Place, body: Body, raw: Body) -> None:
        name = title(kind, variant, place)
        for is_given in _given(body, place.path):
            self.seen.add(f"{name} {'given' if is_given else 'left out'}")
        for number, default in enumerate(place.field.defaults):
            if default.when:
                self.seen.add(f"{name} condition {number} {'holds' if holds(default.when, raw) else 'does not hold'}")

    def missing(self, api: str) -> list[str]:
        """What was never seen."""
        return [one for one in wanted(api) if one not in self.seen]


def title(kind: Kind, variant: str, place: Place) -> str:
    """A field as it is called in a report."""
    inside = any(one.variants for one in place.fields[:-1])
    return f"{kind.name}{f'({variant})' if inside else ''}.{place.word}"


def wanted(api: str) -> list[str]:
    """All that a complete set of specs has under an API version."""
    return list(dict.fromkeys(_wanted(api)))


def _wanted(api: str) -> Iterator[str]:
    for kind in (one for one in KINDS.values() if one.provider == PROVIDER):
        yield kind.name
        for shape in shapes(kind):
            variant = variant_of(kind, shape)
            for place in (one for one in fields_of(kind, variant) if one.is_in(api)):
                name = title(kind, variant, place)
                yield f"{name} given"
                if not place.field.required:
                    yield f"{name} left out"
                for number, default in enumerate(place.field.defaults):
                    if default.when:
                        yield f"{name} condition {number} holds"
                        yield f"{name} condition {number} does not hold"


def _resources(kinds: tuple[Kind, ...], around: Body) -> Iterator[tuple[Kind, Body]]:
    for kind in kinds:
        section = around.get(kind.section)
        if section is None:
            continue
        if isinstance(section, list):
            yield from ((kind, {}) for _ in section)
            continue
        for body in [section] if stands_alone(kind, section) else section.values():
            if body.get("absent"):
                continue
            yield kind, body
            yield from _resources(within(kind), body)


def _given(body: Any, path: tuple[str, ...]) -> Iterator[bool]:
    """Whether the field is given, once for each object that it could stand in."""
    if isinstance(body, list):
        assert path[0] == "[]"
        for item in body:
            yield from _given(item, path[1:])
    elif isinstance(body, dict):
        if len(path) == 1:
            yield path[0] in body
        elif path[0] in body:
            yield from _given(body[path[0]], path[1:])
