"""Says in a person's words what a JSON Schema has against a spec: where, what was found, what is expected, what to do.

Each keyword has one function that turns a fault into mistakes. jsonschema is imported late: only a spec that was
refused needs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fcdeploy.diagnostics import did_you_mean
from fcdeploy.kinds import registry
from fcdeploy.model import Json, Sensitive
from fcdeploy.spec.advice import AUTO, COMMANDS, for_command, for_type, for_unknown_key, where_known
from fcdeploy.spec.elsewhere import instead_of, of_other_clouds
from fcdeploy.spec.node import TEMPLATE_START, Node, Path
from fcdeploy.spec.place import Fault, Mistake, Place, is_open, resource_at, short, shown, shown_with_type
from fcdeploy.spec.shape import shapes

_EXPECTED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "null",
}
# Of several mistakes at one place the first in this order is told; the others follow from it or repeat it.
_RANK = {"type": 0, "const": 1, "enum": 1, "required": 2, "additionalProperties": 2, "minLength": 3}


def mistakes(root: Node, schema: Mapping[str, Any], instance: Json, provider: str) -> list[Mistake]:
    """Everything that the schema has against the instance, which is `root` as JSON; the gravest of each place.

    In the order of the file, so that of several places with one line (defaults, anchors) the first is named.
    """
    found: dict[Path, Mistake] = {}
    for fault in _faults(schema, instance):
        place = Place.of(root, fault.path, provider)
        if is_open(place.node.value):
            continue
        for one in (
            _bad_name(place, fault) if fault.key is not None else _KEYWORDS.get(fault.keyword, _other)(place, fault)
        ):
            known = found.get(one.path)
            if known is None or _RANK.get(one.keyword, 9) < _RANK.get(known.keyword, 9):
                found[one.path] = one
    order = _Order(root)
    return sorted(found.values(), key=lambda one: order.of(one.path))


class _Order:
    """Where a path lies in the file: the position of each of its keys."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._positions: dict[int, dict[str, int]] = {}

    def of(self, path: Path) -> tuple[int, ...]:
        """Comparable positions; what is missing comes before what is there."""
        node: Node | None = self._root
        made = []
        for step in path:
            if isinstance(step, int):
                made.append(step)
            else:
                made.append(self._of_keys(node).get(step, -1) if node is not None else -1)
            node = node.at((step,)) if node is not None else None
        return tuple(made)

    def _of_keys(self, node: Node) -> dict[str, int]:
        known = self._positions.get(id(node))
        if known is None:
            known = self._positions[id(node)] = {key: at for at, key in enumerate(node.fields)}
        return known


def _faults(schema: Mapping[str, Any], instance: Json) -> Iterator[Fault]:
    from jsonschema import Draft202012Validator, ValidationError, validators

    def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[ValidationError]:
        # Python's `$` also stands before a line break at the end; JSON Schema's does not.
        exact = wanted[:-1] + r"\Z" if wanted.endswith("$") and not wanted.endswith(r"\$") else wanted
        if isinstance(value, str) and not re.search(exact, value):
            yield ValidationError("the pattern does not match")

    make: Any = validators.extend
    for one in make(Draft202012Validator, {"pattern": pattern})(schema).iter_errors(instance):
        steps = tuple(one.absolute_schema_path)
        is_name = len(steps) > 1 and steps[-2] == "propertyNames" and steps[-3:-2] != ("properties",)
        yield Fault(
            keyword=str(one.validator),
            wanted=one.validator_value,
            schema=one.schema if isinstance(one.schema, dict) else {},
            path=tuple(one.absolute_path),
            steps=steps,
            key=str.__str__(one.instance) if is_name else None,
        )


def _bad_type(place: Place, fault: Fault) -> Iterator[Mistake]:
    wanted = tuple(fault.wanted) if isinstance(fault.wanted, list) else (fault.wanted,)
    expected = " or ".join(_EXPECTED[one] for one in wanted)
    hint = _auto_hint(place) or _command_hint(place) or for_type(place.node, wanted)
    if not hint and place.node.value is None and isinstance(place.path[-1], int):
        hint = "remove the empty entry"
    yield place.mistake(
        fault.keyword,
        f"{place.name} must be {expected}",
        detail=f"found {shown_with_type(place.node)}",
        hint=hint,
    )


def _command_hint(place: Place) -> str:
    return for_command(place.node) if place.path and place.path[-1] in COMMANDS else ""


def _auto_hint(place: Place) -> str:
    value = place.node.value
    if isinstance(value, str) and value.lower() == "auto" and place.path:
        return AUTO.get(str(place.path[-1]), "")
    return ""


def _bad_choice(place: Place, fault: Fault) -> Iterator[Mistake]:
    allowed = [fault.wanted] if fault.keyword == "const" else list(fault.wanted)
    words = [str(one) for one in allowed]
    value = place.node.value
    if len(allowed) == 1:
        summary, detail = f"{place.name} must be `{words[0]}`", f"found {shown(place.node)}"
    else:
        summary = f"{place.name} has a value that is not known"
        detail = f"found {shown(place.node)}; allowed: {', '.join(words)}"
    readable = isinstance(value, str) and not isinstance(value, Sensitive) and len(allowed) > 1
    hint = (instead_of(place, str(value)) or did_you_mean(value, words)) if readable else ""
    yield place.mistake(fault.keyword, summary, detail=detail, hint=hint)


def _missing(place: Place, fault: Fault) -> Iterator[Mistake]:
    needed_by = _needed_by(place)
    for name in fault.wanted:
        if name in place.node.fields:
            continue
        about = fault.schema.get("properties", {}).get(name) or ({} if needed_by else _about_field(place, name))
        hint = ""
        if "enum" in about:
            hint = f"one of: {', '.join(map(str, about['enum']))}"
        elif "const" in about:
            hint = f"write `{name}: {about['const']}`"
        yield place.key_mistake(
            fault.keyword,
            (*place.path, name),
            f"`{name}` is missing",
            detail="; ".join(filter(None, (needed_by, about.get("description", "")))),
            hint=hint,
        )


def _about_field(place: Place, name: str) -> Mapping[str, Any]:
    """What the schema says of a resource's own field, where the rule that needs it stands apart from it."""
    if place.kind is None or place.rest:
        return {}
    shape = shapes(place.kind.provider, place.kind.name).get(name)
    return {**shape.field.schema, "description": shape.field.description} if shape is not None else {}


def _needed_by(place: Place) -> str:
    """`type timer needs it`, where a variant is what needs it."""
    known = shapes(place.kind.provider, place.kind.name).values() if place.kind is not None else ()
    for shape in known:
        chooser = place.resource.fields.get(shape.chooser) if shape.chooser else None
        if chooser is not None and (not place.rest or place.rest[0] == shape.field.spec_name):
            return f"{shape.chooser} {shown(chooser).strip(chr(34))} needs it"
    return ""


def _unknown_key(place: Place, fault: Fault) -> Iterator[Mistake]:
    known = set(fault.schema.get("properties", {}))
    here = place.node.fields
    for key in [key for key in here if key not in known]:
        elsewhere = of_other_clouds(place, key)
        if elsewhere is not None:
            yield place.key_mistake(
                fault.keyword,
                (*place.path, key),
                elsewhere.summary,
                detail=elsewhere.detail,
                hint=elsewhere.hint,
            )
            continue
        meant = for_unknown_key(key, known - here.keys())
        if not meant and place.kind is not None and not place.rest:
            # A block is no word of the schema: it is gone by now.
            meant = for_unknown_key(key, set(registry.providers()) - here.keys())
        if meant:
            hint = f"did you mean `{meant}`?"
        elif key in ("<", "<<"):
            hint = "a merge key takes an alias: `<<: *name`"
        else:
            hint = _elsewhere(place, key)
        yield place.key_mistake(
            fault.keyword,
            (*place.path, key),
            f"unknown key `{short(key)}`",
            detail="" if hint else f"known here: {', '.join(sorted(known)) or 'no key at all'}",
            hint=hint,
            meant=meant,
        )


def _elsewhere(place: Place, key: str) -> str:
    """Where an unknown key would be known."""
    if not place.path and key.startswith("x-"):
        return "put what anchors share under `vars`"
    if place.kind is None or not place.rest:
        return where_known(key, place.provider)
    shape = shapes(place.kind.provider, place.kind.name).get(str(place.rest[0]))
    if shape is None:
        return ""
    others = [value for value, members in shape.variants.items() if key in members]
    return f"`{key}` is for {shape.chooser} {' and '.join(others)}" if others else ""


def _bad_name(place: Place, fault: Fault) -> Iterator[Mistake]:
    key = fault.key or ""
    path = (*place.path, key)
    kind, rest = resource_at(path, place.provider)
    what = f"a key of {place.name}"
    if kind is not None and not rest:
        title = kind.title if kind.title[:2].isupper() else kind.title.lower()
        what = f"the name of {'an' if title[0] in 'aeiou' else 'a'} {title}"
    match fault.keyword:
        case "minLength":
            rule = "it is empty"
        case "maxLength":
            rule = f"it has {len(key)} characters; at most {fault.wanted} are allowed"
        case "not":
            rule = f"names that match {fault.wanted.get('pattern')} are reserved"
        case _:
            rule = fault.schema.get("description", "") or f"it must match {fault.wanted}"
    called = f"`{short(key)}`" if key else "an empty text"
    hint = AUTO.get(str(path[-2]), "") if key.lower() == "auto" and len(path) > 1 else ""
    yield place.key_mistake("propertyNames", path, f"{called} cannot be {what}", detail=rule, hint=hint)


def _bad_limit(place: Place, fault: Fault) -> Iterator[Mistake]:
    yield place.mistake(
        fault.keyword,
        f"{place.name} must be {_range_text(fault.schema)}",
        detail=f"found {shown(place.node)}",
        hint=_nearest_steps(place.node.value, fault.schema),
    )


def _range_text(limits: Mapping[str, Any]) -> str:
    low, high, above = limits.get("minimum"), limits.get("maximum"), limits.get("exclusiveMinimum")
    words = []
    if above is not None:
        words.append(f"more than {above}" + (f" and at most {high}" if high is not None else ""))
    elif low is not None and high is not None:
        words.append(f"{low} to {high}")
    elif low is not None:
        words.append(f"at least {low}")
    elif high is not None:
        words.append(f"at most {high}")
    if "multipleOf" in limits:
        words.append(f"a multiple of {limits['multipleOf']}")
    return " and ".join(words)


def _nearest_steps(value: Json, limits: Mapping[str, Any]) -> str:
    step = limits.get("multipleOf")
    if not isinstance(step, int) or not isinstance(value, int) or not value % step:
        return ""
    low, high = limits.get("minimum", step), limits.get("maximum")
    below = value // step * step
    near = [one for one in (below, below + step) if one >= low and (high is None or one <= high)]
    return f"the nearest allowed: {' and '.join(map(str, near))}" if near else ""


def _bad_text(place: Place, fault: Fault) -> Iterator[Mistake]:
    value = place.node.value
    if fault.keyword == "minLength":
        yield place.mistake(fault.keyword, f"{place.name} must not be empty")
    elif fault.keyword == "maxLength":
        length = len(value) if isinstance(value, str) else 0
        detail = f"found {length} characters; at most {fault.wanted} are allowed"
        yield place.mistake(fault.keyword, f"{place.name} is too long", detail=detail)
    else:
        expected = fault.schema.get("description", "") or fault.wanted
        is_template = place.node.dynamic and isinstance(value, str) and TEMPLATE_START in value
        yield place.mistake(
            fault.keyword,
            f"{place.name} has not the right form",
            detail=f"found {shown(place.node)}; expected: {expected}",
            hint="a template cannot stand here" if is_template else _auto_hint(place),
        )


def _bad_count(place: Place, fault: Fault) -> Iterator[Mistake]:
    few = fault.keyword in ("minItems", "minProperties")
    yield place.mistake(
        fault.keyword,
        f"{place.name} must have at {'least' if few else 'most'} {fault.wanted} "
        + ("entry" if fault.wanted == 1 else "entries"),
        detail=f"found {len(place.node.items or place.node.fields)}",
    )


def _repeated(place: Place, fault: Fault) -> Iterator[Mistake]:
    plain = [item.plain() for item in place.node.items]
    for index, item in enumerate(place.node.items):
        if plain[index] in plain[:index]:
            there = Place.of(place.root, (*place.path, index), place.provider)
            yield there.mistake(fault.keyword, f"{shown(item)} stands twice in {place.name}", hint="remove one")


def _no_alternative(place: Place, fault: Fault) -> Iterator[Mistake]:
    names = [one["required"][0] for one in fault.wanted if one.get("required")]
    if not names or not isinstance(place.node.value, dict):
        # The alternatives are text or a map; anything else has been told as a wrong type.
        return
    listed = f"{', '.join(f'`{name}`' for name in names[:-1])} or `{names[-1]}`"
    hint = f"write exactly one of them below {place.name}"
    yield place.key_mistake(fault.keyword, place.path, f"{place.name} needs {listed}", hint=hint)


def _excluded(place: Place, fault: Fault) -> Iterator[Mistake]:
    """A key that another key of the same map forbids."""
    if "dependentSchemas" not in fault.steps:
        yield from _other(place, fault)
        return
    other = fault.steps[len(fault.steps) - fault.steps[::-1].index("dependentSchemas")]
    yield place.key_mistake(
        fault.keyword,
        place.path,
        f"{place.name} and `{other}` exclude each other",
        hint=f"keep one of them below `{place.path[-2]}`",
    )


def _other(place: Place, fault: Fault) -> Iterator[Mistake]:
    yield place.mistake(fault.keyword, f"{place.name} is not valid here", detail=f"found {shown(place.node)}")


_KEYWORDS: Mapping[str, Callable[[Place, Fault], Iterator[Mistake]]] = {
    "type": _bad_type,
    "enum": _bad_choice,
    "const": _bad_choice,
    "required": _missing,
    "additionalProperties": _unknown_key,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "multipleOf"), _bad_limit),
    **dict.fromkeys(("pattern", "minLength", "maxLength"), _bad_text),
    **dict.fromkeys(("minItems", "maxItems", "minProperties", "maxProperties"), _bad_count),
    "uniqueItems": _repeated,
    "anyOf": _no_alternative,
    "not": _excluded,
}
