"""`renamedFrom`: what can be wrong with the name that a resource had before. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.model import Sensitive
from fcdeploy.spec.node import Path, path_text
from fcdeploy.spec.placed import Placed, former_identity

WORD = "renamedFrom"


def former_name(placed: Placed) -> str | None:
    """The last part of the identity that a resource of a judged spec had before; None where it had no other.

    What it was called in the file gives it, and what the group was called in which it stands.
    """
    own = placed.node.fields.get(WORD)
    if placed.kind.identify is None:
        return str(own.value) if own is not None else None
    group = placed.group.fields.get(WORD) if placed.group is not None and placed.kind.parent is None else None
    if own is None and group is None:
        return None
    called = (*placed.called[:-1], str(own.value) if own is not None else placed.called[-1])
    called = (str(group.value), *called[1:]) if group is not None else called
    former = former_identity(placed, called)[-1]
    return former if former != placed.identity[-1] else None


def former_name_findings(siblings: Sequence[Placed]) -> Iterator[tuple[Path, Diagnostic]]:
    """Former names that are still in use, or that two resources claim; all stand beside each other."""
    names = {one.called[-1] for one in siblings}
    claimed: dict[str, Placed] = {}
    for one in siblings:
        node = one.node.fields.get(WORD)
        if node is None or not isinstance(node.value, str) or isinstance(node.value, Sensitive):
            continue
        former, path = node.value, (*one.path, WORD)
        title = one.kind.title.lower()
        own = one.called[-1]
        if former == own:
            if former_identity(one, one.called)[-1:] != one.identity[-1:]:
                # It has been given another name in the cloud, and none in the file.
                continue
            summary = f"`{former}` cannot be renamed from itself"
            yield path, error(summary, hint=f"remove `{WORD}`", span=node.span, path=path_text(path))
        elif former in names:
            summary = f"`{own}` cannot be renamed from `{former}`: the file still has that {title}"
            hint = f"remove `{former}`, or `{WORD}`"
            yield path, error(summary, hint=hint, span=node.span, path=path_text(path))
        elif former in claimed:
            summary = f"`{own}` and `{claimed[former].called[-1]}` cannot both be renamed from `{former}`"
            yield path, error(summary, hint=f"keep one `{WORD}`", span=node.span, path=path_text(path))
        else:
            claimed[former] = one
