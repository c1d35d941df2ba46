"""What a spec has at its top, without what it says of it: enough to tell which names two targets share (S7). Pure.

A target that a command is not about must not cost what it would cost to judge it: of ten thousand functions in a dozen
services, the dozen names are evaluated.
"""

from __future__ import annotations

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.spec.early import CHOICES, blocks
from fcdeploy.spec.node import Node
from fcdeploy.spec.placed import ABSENT, EXTERNAL
from fcdeploy.spec.resolve import DEFAULTS
from fcdeploy.spec.unevaluated import EVALUATED


def outline(document: Node, provider: str) -> Node:
    """The document with no more of each resource than decides whether it is there and what it is called."""
    tops = {kind.section: kind for kind in registry.sections(provider)}
    dropped = {one.section for one in registry.foreign(provider, None)}
    made: dict[str, Node] = {}
    for key, item in document.fields.items():
        if key in tops:
            made[key] = _section(item, tops[key])
        elif key not in dropped and (key == DEFAULTS or key not in EVALUATED):
            made[key] = item
    return document.with_value(made)


def _section(section: Node, kind: Kind) -> Node:
    if not isinstance(section.value, dict) or kind.grouping or kind.alone or kind.identify is not None:
        return section
    kept = CHOICES | blocks() | {ABSENT, EXTERNAL, *(one.section for one in registry.within(kind) if _has_roots(one))}
    return section.with_value(
        {
            name: item.with_value({key: node for key, node in item.fields.items() if key in kept})
            if isinstance(item.value, dict)
            else item
            for name, item in section.value.items()
        }
    )


def _has_roots(kind: Kind) -> bool:
    """Whether something of this kind, or in it, stands beneath nothing in the cloud."""
    return kind.parent is None or any(map(_has_roots, registry.within(kind)))
