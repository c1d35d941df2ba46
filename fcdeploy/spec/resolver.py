"""What a spec comes to in one target: templates evaluated, blocks and patches laid over, defaults laid under. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.model import Target
from fcdeploy.spec.blocks import own_defaults, with_blocks, without_foreign
from fcdeploy.spec.early import CHOICES, blocks, early_words
from fcdeploy.spec.leftout import LeftOut
from fcdeploy.spec.node import Node, without_nulls
from fcdeploy.spec.patch import Patching
from fcdeploy.spec.placed import Placed, standing
from fcdeploy.spec.resolve import DEFAULTS, with_defaults
from fcdeploy.spec.scope import Scope
from fcdeploy.spec.template import rendered
from fcdeploy.spec.unevaluated import EVALUATED
from fcdeploy.spec.unfold import Item, Unfolding, is_left_out
from fcdeploy.spec.validate import with_failed_as_unknown


class Resolved(Struct, frozen=True, kw_only=True):
    """What one target comes to: the tree with templates evaluated and defaults merged, what stands in it, and what is
    wrong with them."""

    tree: Node
    there: tuple[Placed, ...]
    found: tuple[Diagnostic, ...]
    left_out: LeftOut
    items: Mapping[str, Item]


class Resolver:
    """Resolves one spec for its targets; what they have in common is shared, and looked for once."""

    def __init__(self, document: Node) -> None:
        self._document = document
        self._words: dict[tuple[str, str], frozenset[str]] = {}
        self._alike: dict[str, Resolved] = {}

    def resolved(self, target: Target, node: Node, scope: Scope) -> Resolved:
        """The spec for one target; `node` holds its fields, `scope` is what its templates know.

        Where nothing depends on the target, what stands in the spec is the same object for all of one cloud.
        """
        patch = node.at(("patch",))
        alike = self._alike.get(target.provider) if patch is None else None
        if alike is not None:
            own = without_nulls(self._document.fields["targets"].with_value({target.name: node}))
            return replace(alike, tree=alike.tree.with_value({**alike.tree.fields, "targets": own}))
        unfolding = Unfolding(scope)
        found = unfolding.found
        sections = {kind.section: kind for kind in _sections(target.provider)}
        made: dict[str, Node] = {}
        settled: set[str] = set()
        for key, item in self._document.fields.items():
            before = len(found)
            if key in sections:
                words = self._early_words(sections[key])
                if not words.isdisjoint(blocks()):
                    item = without_foreign(item, sections[key])
                if words or item.dynamic:
                    item = unfolding.section(item, sections[key])
                else:
                    settled.add(key)
                if is_left_out(item, sections[key], target.provider):
                    continue
            elif key in EVALUATED:
                item = own_defaults(item, target.provider) if key == DEFAULTS else item
                item, problems = rendered(item, scope, (key,))
                found += problems
            made[key] = with_failed_as_unknown(item) if len(found) > before else item
        made["targets"] = self._document.fields["targets"].with_value({target.name: node})
        tree, left_out = self._document.with_value(made), unfolding.left_out
        tree = with_blocks(tree, target.provider, settled)
        if patch is not None:
            place = ("targets", target.name, "patch")
            patch, problems = rendered(patch, scope, place)
            patching = Patching(target.provider, place, left_out)
            tree = patching.tree(tree, with_failed_as_unknown(patch) if problems else patch)
            found += [*problems, *patching.found]
            left_out |= patching.removed
        tree = with_defaults(tree, target.provider)
        there = tuple(standing(tree, target.provider))
        resolved = Resolved(tree=tree, there=there, found=tuple(found), left_out=left_out, items=unfolding.items)
        if patch is None and self._is_plain(target.provider):
            self._alike[target.provider] = resolved
        return resolved

    def _is_plain(self, provider: str) -> bool:
        """Whether the file says the same of every target of a cloud: there is nothing in it to evaluate."""
        fields = self._document.fields
        sections = [kind for kind in _sections(provider) if kind.section in fields]
        evaluated = [fields[key] for key in (*EVALUATED, *(kind.section for kind in sections)) if key in fields]
        return not any(node.dynamic for node in evaluated) and all(
            CHOICES.isdisjoint(self._early_words(kind)) for kind in sections
        )

    def _early_words(self, kind: Kind) -> frozenset[str]:
        """Those in the section of a kind; the same for every target."""
        place = (kind.provider, kind.section)
        if place not in self._words:
            self._words[place] = early_words(self._document.fields[kind.section], kind)
        return self._words[place]


def _sections(provider: str) -> tuple[Kind, ...]:
    """The kinds that have a section at the top, those that only other clouds have first."""
    return (*registry.foreign(provider, None), *registry.sections(provider))
