"""`ignore`: the paths of a resource that only its create sets (S17), and what can be wrong with them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from fcdeploy.diagnostics import Diagnostic, did_you_mean, error
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.model import Sensitive
from fcdeploy.spec.node import Node, Path, path_text
from fcdeploy.spec.place import short, shown
from fcdeploy.spec.placed import Placed
from fcdeploy.spec.shape import Shape, shapes

WORD = "ignore"


class _Unusable(Struct, frozen=True, kw_only=True):
    """Why a path cannot be ignored."""

    summary: str
    detail: str = ""
    hint: str = ""


def ignored_paths(placed: Placed) -> tuple[tuple[str, ...], ...]:
    """The paths in API names, each once; of a resource that has passed validation."""
    read = (_path(placed, node.value) for _, node in _listed(placed.node))
    every = (path for one in read if isinstance(one, tuple) for path in (one, *_secret(placed.kind, one)))
    return tuple(dict.fromkeys(every))


def _secret(kind: Kind, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Where the same travels while it is a secret; what is live need not be where the file has it (S22)."""
    field = kind.field(path[0])
    if field.secrets_in:
        yield (field.secrets_in, *path[1:])


def ignore_findings(placed: Placed) -> Iterator[tuple[Path, Diagnostic]]:
    """Paths that name no field of the kind, or one that nobody else could change alone."""
    for index, node in _listed(placed.node):
        read = _path(placed, node.value)
        if isinstance(read, _Unusable):
            path = (*placed.path, WORD, index)
            # The path may be a secret by mistake, and then no near name is told either.
            hint = "" if isinstance(node.value, Sensitive) else read.hint
            summary = f"{shown(node)} cannot be ignored: {read.summary}"
            yield path, error(summary, detail=read.detail, hint=hint, span=node.span, path=path_text(path))


def _listed(resource: Node) -> Iterator[tuple[int, Node]]:
    """The entries that are text, with their positions; the others are the schema's to tell."""
    listed = resource.fields.get(WORD)
    for index, one in enumerate(listed.items if listed is not None else ()):
        if isinstance(one.value, str) and one.value:
            yield index, one


def _path(placed: Placed, dotted: str) -> tuple[str, ...] | _Unusable:
    known: Mapping[str, Shape] = shapes(placed.kind.provider, placed.kind.name)
    made: list[str] = []
    rest, within = str.__str__(dotted), ""
    if not all(rest.split(".")):
        return _Unusable(summary="a part of the path is empty")
    while True:
        name, _, rest = rest.partition(".")
        shape = known.get(name)
        if shape is None:
            return _unknown(placed.kind, name, within, known)
        within = f"{within}.{name}" if within else name
        made.append(shape.field.name)
        if not rest:
            return _deciding(placed.kind, shape, within, known) or tuple(made)
        known = shape.below(placed.node)
        if known and shape.chosen(placed.node).has_write_only:
            # Half of it from live and half from the file would not fit together (S22).
            return _Unusable(summary=f"`{within}` changes as a whole", hint=f"ignore `{within}` as a whole")
        if known:
            continue
        if shape.chooser:
            chosen = placed.node.fields.get(shape.chooser)
            if chosen is not None and str(chosen.value) in shape.variants:
                return _unknown(placed.kind, rest.partition(".")[0], within, known)
            # Which members there are is not known; the schema says why, unless the resource is not to be there.
            return (*made, *rest.split("."))
        if shape.field.schema.get("type") == "object":
            # A map of any keys: what follows is one key, dots and all.
            return (*made, rest)
        what = "a list" if shape.item is not None else "a single value"
        return _Unusable(summary=f"`{within}` is {what}", hint=f"ignore `{within}` as a whole")


def _unknown(kind: Kind, name: str, within: str, known: Mapping[str, Shape]) -> _Unusable:
    above = f"`{within}`" if within else f"a {kind.title.lower()}"
    near = did_you_mean(name, known)
    if near and within:
        near = near.replace("`", f"`{within}.", 1)
    return _Unusable(
        summary=f"there is no field `{short(name)}` in {above}",
        detail="" if near else f"known there: {', '.join(sorted(known)) or 'no field at all'}",
        hint=near,
    )


def _deciding(kind: Kind, shape: Shape, within: str, siblings: Mapping[str, Shape]) -> _Unusable | None:
    """A field that says what others of the same resource mean cannot come from live while they come from the file."""
    above, _, name = within.rpartition(".")
    if not above and name in {one.chooser for one in siblings.values()}:
        ruled = next(key for key, one in siblings.items() if one.chooser == name)
        return _Unusable(summary=f"it says what `{ruled}` holds")
    if above and any(name == one for one in _switches(kind, above)):
        return _Unusable(summary=f"it says whether there is a `{above}` at all", hint=f"ignore `{above}` as a whole")
    return None


def _switches(kind: Kind, above: str) -> Iterator[str]:
    """The member, by its name in the file, whose emptiness switches off the object at this path."""
    known: Mapping[str, Shape] = shapes(kind.provider, kind.name)
    shape: Shape | None = None
    for name in above.split("."):
        shape = known.get(name)
        if shape is None:
            return
        known = shape.members
    if shape is not None and shape.field.off:
        yield next(key for key, one in shape.members.items() if one.field.name == shape.field.off)
