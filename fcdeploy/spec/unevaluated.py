"""What is wrong with a spec that has no usable target: all that is no template can be judged. Pure."""

from __future__ import annotations

from fcdeploy.diagnostics import Diagnostic, Span
from fcdeploy.kinds import registry
from fcdeploy.spec.blocks import with_blocks
from fcdeploy.spec.node import Node
from fcdeploy.spec.resolve import DEFAULTS, with_defaults
from fcdeploy.spec.validate import check_spec, with_unknown
from fcdeploy.spec.words import OUTPUTS, ROLLOUT

EVALUATED = (DEFAULTS, OUTPUTS, ROLLOUT)
"""Words besides the kinds' sections whose templates are evaluated for each target."""


def unevaluated_findings(document: Node) -> list[Diagnostic]:
    """What holds for every cloud that a target names, or for all there are where none does."""
    named = _providers(document)
    by_provider = [_findings(document, provider) for provider in named or registry.providers()]
    if named:
        return list(dict.fromkeys(one for found in by_provider for one in found.values()))
    first, *others = by_provider
    return [one for key, one in first.items() if all(key in found for found in others)]


def _providers(document: Node) -> tuple[str, ...]:
    """The clouds that targets name in plain text."""
    known = registry.providers()
    section = document.at(["targets"])
    given = [target.at(["provider"]) for target in section.fields.values()] if section is not None else []
    return tuple(one for one in known if any(node is not None and node.value == one for node in given))


def _findings(document: Node, provider: str) -> dict[tuple[Span | None, str], Diagnostic]:
    words = frozenset({*EVALUATED, *(kind.section for kind in registry.sections(provider))})
    judged = {key: with_unknown(item) if key in words else item for key, item in document.fields.items()}
    # What only other clouds have may be for other targets.
    elsewhere = {kind.section for kind in registry.foreign(provider, None)}
    ours = {key: item for key, item in judged.items() if key not in elsewhere}
    tree = with_defaults(with_blocks(document.with_value(ours), provider), provider)
    return {(one.span, one.summary): one for one in check_spec(tree, provider=provider)}
