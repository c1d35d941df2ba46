"""What a file may not say of what belongs to somebody else, nor where a mark is to stand (S10, S13). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Marking
from fcdeploy.model import Json, Mark
from fcdeploy.spec.node import Path, path_text
from fcdeploy.spec.placed import EXTERNAL, Placed
from fcdeploy.spec.words import FOREACH, WHEN

_LIKE_A_MARK = re.compile(r"\[fcdeploy:[^][]*\]\s*\Z")


def external_findings(placed: Placed) -> Iterator[tuple[Path, Diagnostic]]:
    """Everything that stands on an external resource besides what can say itself whose it is, each at its line."""
    if not placed.external:
        return
    kind = placed.kind
    below = [one for one in registry.within(kind) if one.marking is Marking.PARENT and one.mark_field]
    allowed = {EXTERNAL, WHEN, FOREACH, *(one.section for one in below)}
    ours = " and ".join(one.section for one in below)
    for key, node in placed.node.fields.items():
        if key in allowed:
            continue
        path = (*placed.path, key)
        yield (
            path,
            error(
                f"`{key}` cannot stand on an external {kind.title.lower()}",
                detail=f"somebody else keeps it; of what it holds only {ours} can be this file's",
                hint=f"remove `{key}`, or `{EXTERNAL}: true`",
                span=node.key_span or node.span,
                path=path_text(path),
            ),
        )


def mark_findings(
    placed: Placed, body: Mapping[str, Json], mark: Mark | None, *, stands_outside: bool
) -> Iterator[tuple[Path, Diagnostic]]:
    """A description that ends like a mark, or leaves no room for the one that is added to it.

    `stands_outside`: what is above is external, so the resource bears the mark itself.
    """
    kind = placed.kind
    text = body.get(kind.mark_field) if kind.mark_field else None
    if not isinstance(text, str):
        return
    one = kind.field(kind.mark_field)
    path = (*placed.path, one.spec_name)
    span = placed.node.nearest((one.spec_name,))[0].span
    if _LIKE_A_MARK.search(text):
        yield (
            path,
            error(
                f"`{one.spec_name}` cannot end like a mark of fcdeploy",
                detail="`[fcdeploy:project/target]` at its end says whose it is, and is added where it is needed",
                hint="remove it",
                span=span,
                path=path_text(path),
            ),
        )
        return
    most = one.schema.get("maxLength")
    if mark is None or most is None or not (stands_outside or kind.marking is Marking.DESCRIPTION):
        return
    if len(text) <= most < len(text) + len(mark.suffix):
        yield (
            path,
            error(
                f"`{one.spec_name}` is too long with the mark that is added to it",
                detail=f"{len(text)} characters and {len(mark.suffix)} of `{mark.suffix}`; {most} are allowed together",
                hint=f"shorten it to {max(most - len(mark.suffix), 0)} characters",
                span=span,
                path=path_text(path),
            ),
        )
