"""`renamedFrom`: what can be wrong with the name that a resource had before. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.model import Sensitive
from fcdeploy.spec.node import Path, path_text
from fcdeploy.spec.resolve import Placed

WORD = "renamedFrom"


def former_name_findings(siblings: Sequence[Placed]) -> Iterator[tuple[Path, Diagnostic]]:
    """Former names that are still in use, or that two resources claim; all stand beside each other."""
    names = {one.identity[-1] for one in siblings}
    claimed: dict[str, Placed] = {}
    for one in siblings:
        node = one.node.fields.get(WORD)
        if node is None or not isinstance(node.value, str) or isinstance(node.value, Sensitive):
            continue
        former, path = node.value, (*one.path, WORD)
        title = one.kind.title.lower()
        if former == one.identity[-1]:
            summary = f"`{former}` cannot be renamed from itself"
            yield path, error(summary, hint=f"remove `{WORD}`", span=node.span, path=path_text(path))
        elif former in names:
            summary = f"`{one.identity[-1]}` cannot be renamed from `{former}`: the file still has that {title}"
            hint = f"remove `{former}`, or `{WORD}`"
            yield path, error(summary, hint=hint, span=node.span, path=path_text(path))
        elif former in claimed:
            summary = (
                f"`{one.identity[-1]}` and `{claimed[former].identity[-1]}` cannot both be renamed from `{former}`"
            )
            yield path, error(summary, hint=f"keep one `{WORD}`", span=node.span, path=path_text(path))
        else:
            claimed[former] = one
