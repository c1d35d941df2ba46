"""What is wrong with references: unknown names, attributes that are not there, places that cannot wait (S46). Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence

from fcdeploy.diagnostics import Diagnostic, did_you_mean, error
from fcdeploy.kinds.conditions import holds
from fcdeploy.kinds.fields import Access, Codec, Field
from fcdeploy.kinds.registry import within
from fcdeploy.model import Json, LaterText, Ref, refs_in
from fcdeploy.spec.circles import circle_findings
from fcdeploy.spec.judge import Judged
from fcdeploy.spec.leftout import LeftOut
from fcdeploy.spec.node import Node, Path, path_text
from fcdeploy.spec.placed import Placed
from fcdeploy.spec.refs import name_of
from fcdeploy.spec.refs_found import Found
from fcdeploy.spec.shape import Shape, in_file_words, shapes
from fcdeploy.spec.words import OUTPUTS, ROLLOUT

_TEXT_ONLY = "what ref() gives is text, which may be known only after apply"


def reference_findings(
    judged: Judged, everything: Sequence[Placed], api: str, left_out: LeftOut
) -> Iterator[tuple[Path | None, Diagnostic]]:
    """All of it, with the path that each is about; None where the value there says nothing about the finding."""
    if not judged.has_open:
        return
    found = Found(everything, left_out)
    edges: list[tuple[Placed, Placed, Node, Ref]] = []
    for placed in everything:
        if placed.absent:
            continue
        for path, node, field in _waiting(placed):
            whole = (*placed.path, *path)
            problem = _place_problem(node, whole, field)
            if problem is not None:
                yield None, problem
                continue
            for ref in refs_in(node.value):
                goal = yield from _judged_ref(ref, node, whole, found, judged, api)
                if goal is not None:
                    edges.append((placed, goal, node, ref))
    for word in (OUTPUTS, ROLLOUT):
        section = judged.root.fields.get(word)
        for path, node in _leaves(section, (word,)) if section is not None else ():
            for ref in refs_in(node.value):
                yield from _judged_ref(ref, node, path, found, judged, api)
    yield from ((None, one) for one in circle_findings(everything, edges))


def _judged_ref(
    ref: Ref, node: Node, path: Path, found: Found, judged: Judged, api: str
) -> Generator[tuple[Path | None, Diagnostic], None, Placed | None]:
    """What is wrong with one reference; gives what it means, None where that is not known."""
    meant = found.of(ref)
    shown = name_of(ref)

    def told(summary: str, hint: str, detail: str = "") -> tuple[Path | None, Diagnostic]:
        detail = "\n".join(filter(None, (detail, f"in {node.origin.strip()}" if node.origin else "")))
        return None, error(summary, detail=detail, hint=hint, span=node.span, path=path_text(path))

    if not meant:
        for named, reason in found.left_out(ref):
            hint = "leave this out of the target as well, or let a template lead it elsewhere"
            yield told(f"the {named} is left out here, and this refers to it", hint, reason)
            return None
        hint = found.near(ref) or "ref() names what stands in this file; for what does not, write the value itself"
        yield told(f"there is no {ref.kind or 'resource'} `{shown.removeprefix(ref.kind + ':')}` in this file", hint)
        return None
    if len(meant) > 1:
        ways = [f"ref('{one.kind.name}:{'/'.join(one.name)}')" for one in meant]
        yield told(f"`{shown}` names several resources", f"write {' or '.join(ways)}")
        return None
    (placed,) = meant
    what = f"{placed.kind.title.lower()} `{'/'.join(ref.identity)}`"
    if placed.absent:
        yield told(f"the {what} is not to be there", "it is `absent: true`: refer to something else")
        return None
    attribute = placed.kind.attribute(ref.attribute)
    if attribute is None:
        names = [one.name for one in placed.kind.attributes]
        hint = did_you_mean(ref.attribute, names) or f"it has: {', '.join(names)}"
        yield told(f"the {what} has no `{ref.attribute}`", hint)
        return None
    if api and attribute.since > api:
        yield told(
            f"`{ref.attribute}` is not known to API version {api}",
            f"set `api: {attribute.since}` on the target",
            f"the service says it with {attribute.since} or later",
        )
        return None
    if not holds(attribute.when, judged.body(placed)):
        conditions = " and ".join(
            f"`{path_text(in_file_words(placed.kind, placed.node, one))}` is {_allowed(allowed)}"
            for one, allowed in attribute.when.items()
        )
        yield told(f"the {what} has no `{ref.attribute}`", f"it has one where {conditions}")
        return None
    return placed


def _allowed(allowed: Json) -> str:
    return " or ".join("not given" if one is None else f"`{str(one).lower()}`" for one in allowed)


def _place_problem(node: Node, path: Path, field: Field | None) -> Diagnostic | None:
    """Why a value of `ref()` cannot stand in a place, None where it can."""
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    types = _types(field) if field is not None else ()
    summary, hint = "", ""
    if field is None or field.access is Access.PLANNING or field.codec is Codec.ARCHIVE:
        summary, hint = f"`{name}` must be known before the plan is made", "write the value itself"
    elif field.refers and not field.arn:
        summary, hint = f"`{name}` names a resource itself", f"write the name of the {field.refers}"
    elif "enum" in field.schema:
        summary, hint = f"`{name}` must be known before the plan is made", "write the value itself"
    elif "string" not in types:
        summary, hint = f"`{name}` cannot be text", "write the value itself"
    if not summary:
        return None
    detail = "\n".join(filter(None, (_TEXT_ONLY, f"in {node.origin.strip()}" if node.origin else "")))
    return error(summary, detail=detail, hint=hint, span=node.span, path=path_text(path))


def _types(field: Field) -> tuple[str, ...]:
    schema = field.schema
    inner = schema.get("additionalProperties")
    if isinstance(inner, Mapping):
        schema = inner
    types = schema.get("type", "string")
    return tuple(types) if isinstance(types, list) else (types,)


def _waiting(placed: Placed) -> Iterator[tuple[Path, Node, Field | None]]:
    """Every value of a resource that is not known yet, with its field; None where it is in no field."""
    known = shapes(placed.kind.provider, placed.kind.name)
    below = {child.section for child in within(placed.kind)}
    for name, node in placed.node.fields.items():
        if name not in below:
            yield from _below(node, known.get(name), (name,), placed.node)


def _below(node: Node, shape: Shape | None, path: Path, resource: Node) -> Iterator[tuple[Path, Node, Field | None]]:
    if isinstance(node.value, (Ref, LaterText)):
        yield path, node, shape.field if shape is not None else None
        return
    known = shape.below(resource) if shape is not None else {}
    # The keys of a free map are its own, and what they hold is judged as the map is.
    free = shape if shape is not None and not known else None
    for key, item in node.fields.items():
        yield from _below(item, known.get(key, free), (*path, key), resource)
    for index, item in enumerate(node.items):
        yield from _below(item, shape.item if shape is not None else None, (*path, index), resource)


def _leaves(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    if isinstance(node.value, (Ref, LaterText)):
        yield path, node
    for key, item in node.fields.items():
        yield from _leaves(item, (*path, key))
    for index, item in enumerate(node.items):
        yield from _leaves(item, (*path, index))
