"""What is wrong with identities that are not the names of the file: two that are the same, and such as nothing that is
known when the file is read gives (S44). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.kinds.fields import Access
from fcdeploy.model import LATER, Sensitive
from fcdeploy.spec.identity_body import body_with_placeholders
from fcdeploy.spec.node import Node, Path, path_text
from fcdeploy.spec.placed import Placed


def identity_findings(everything: Sequence[Placed]) -> Iterator[tuple[Path, Diagnostic]]:
    """Resources that would be one in the cloud; what stands beneath such is not told."""
    first: dict[tuple[str, tuple[str, ...]], Placed] = {}
    twice: set[tuple[str | None, tuple[str, ...]]] = set()
    for placed in everything:
        if placed.absent:
            continue
        key = (placed.kind.name, placed.identity)
        known = first.setdefault(key, placed)
        if known is placed or known.path == placed.path:
            continue
        twice.add(key)
        beneath = known.called[:-1] != placed.called[:-1] and placed.kind.parent is not None
        if beneath and (placed.kind.parent, placed.identity[:-1]) in twice:
            continue
        title = placed.kind.title.lower()
        mine, theirs = "/".join(placed.name), "/".join(known.name)
        yield (
            placed.path,
            error(
                f"{title} `{mine}` and {title} `{theirs}` are the same {title} in the cloud",
                detail=f"both are `{'/'.join(placed.identity)}` there\n"
                f"`{theirs}` is at {known.node.key_span or known.node.span}",
                hint=_hint(placed),
                span=placed.node.key_span or placed.node.span,
                path=path_text(placed.path),
            ),
        )


def _hint(placed: Placed) -> str:
    """How to keep them apart: by the fields that only say what a resource is called, if it has such."""
    named = [one.spec_name for one in placed.kind.fields if one.access is Access.PLANNING]
    if placed.kind.identify is not None and named:
        return f"give one of them another name: `{placed.kind.provider}: {{{named[0]}: …}}`"
    return "remove one of them"


def unsaid_findings(everything: Iterable[Placed]) -> Iterator[Diagnostic]:
    """Identities that hold a secret, which would be printed and saved, or what is known only after apply."""
    for placed in everything:
        kind = placed.kind
        if kind.identify is None or placed.absent or not _has_unsaid(placed.node):
            continue
        own = placed.identity[len(placed.identity) - 1 if kind.parent is not None else 0 :]
        if own == kind.identify(placed.called, body_with_placeholders(kind, placed.node)):
            continue
        yield error(
            f"what a {kind.title.lower()} is called must be known before the plan is made, and be no secret",
            detail="it becomes part of its address, which is printed and saved",
            hint="write the value itself, or use env('NAME')",
            span=placed.node.key_span or placed.node.span,
            path=path_text(placed.path),
        )


def _has_unsaid(node: Node) -> bool:
    value = node.value
    if type(value) is dict:
        return any(_has_unsaid(item) for item in value.values())
    if type(value) is list:
        return any(_has_unsaid(item) for item in value)
    return isinstance(value, (Sensitive, *LATER))
