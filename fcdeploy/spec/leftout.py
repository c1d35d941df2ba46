"""What a resource says of another that `when` leaves out of this target: an error that names both lines (S46). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.kinds import registry
from fcdeploy.model import Sensitive
from fcdeploy.spec.node import Node, Path, path_text
from fcdeploy.spec.placed import Placed, spot
from fcdeploy.spec.references import Named, names_in
from fcdeploy.spec.shape import Shape, shapes

LeftOut: TypeAlias = Mapping[tuple[str, tuple[str, ...]], str]
"""The resources that are left out, by kind and the names on the way to them, with the reason and its place."""


def place_left_out(named: Named, provider: str, left_out: LeftOut) -> tuple[str, str, str] | None:
    """The kind and name of what is left out, a named resource or something above it, with the reason."""
    kind = registry.KINDS[(provider, named.kind)]
    names = spot(kind, named.called)
    while names:
        reason = left_out.get((kind.name, names))
        if reason is not None:
            return kind.name, "/".join(names[:-1] if kind.numbering is not None else names), reason
        if kind.place is None:
            return None
        kind, names = registry.KINDS[(provider, kind.place)], names[:-1]
    return None


def left_out_findings(placed: Placed, left_out: LeftOut) -> Iterator[tuple[Path, Diagnostic]]:
    """Everything by which a resource leads to another that is left out, by name or by qualifier."""
    if not left_out:
        return
    provider = placed.kind.provider
    for named in (*names_in(placed), *_qualifiers(placed)):
        found = place_left_out(named, provider, left_out)
        if found is None:
            continue
        kind, name, reason = found
        path = (*placed.path, *named.path)
        node = placed.node.nearest(named.path)[0]
        yield (
            path,
            error(
                f"the {kind} `{name}` is left out here, and this leads to it",
                detail=reason,
                hint="leave this out of the target as well, or let a template lead it elsewhere",
                span=node.span if named.path else node.key_span or node.span,
                path=path_text(path),
            ),
        )


def _qualifiers(placed: Placed) -> Iterator[Named]:
    """The aliases, and what else a qualifier may name, that a resource stands behind or leads to."""
    kind = placed.kind
    for behind in kind.behind.values():
        yield from (Named(path=(), kind=one, called=(placed.called[0], placed.called[-1])) for one in behind)
    yield from _behind(shapes(kind.provider, kind.name), placed.node, placed.called[0], ())


def _behind(known: Mapping[str, Shape], node: Node, above: str, path: Path) -> Iterator[Named]:
    # A name beside the qualifier says in what it is one; otherwise it is where the resource stands.
    beside = next(
        (node.fields[name].value for name, one in known.items() if one.field.refers and name in node.fields), 0
    )
    if isinstance(beside, str) and not isinstance(beside, Sensitive):
        above = beside.split("/")[0]
    for name, item in node.fields.items():
        shape = known.get(name)
        if shape is None:
            continue
        here = (*path, name)
        if shape.field.behind and isinstance(item.value, str) and not isinstance(item.value, Sensitive):
            yield from (Named(path=here, kind=one, called=(above, str(item.value))) for one in shape.field.behind)
        yield from _behind(shape.members, item, above, here)
        if shape.item is not None:
            for index, one in enumerate(item.items):
                yield from _behind(shape.item.members, one, above, (*here, index))
