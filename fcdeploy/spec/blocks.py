"""Provider blocks: `alibaba:` and `huawei:` on any resource, what it says besides in targets of that cloud (S45). Pure.

Before templates are evaluated, what is for another cloud is taken out, so that no template in it is evaluated and no
secret is read for it. Afterwards the block of the target's own cloud is laid over its resource: maps at every depth,
lists and single values replace, and a null cancels what the resource or `defaults` would give.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import TypeAlias

from msgspec import Struct

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.spec.early import CHOICES, blocks, early_words
from fcdeploy.spec.node import Node, laid
from fcdeploy.spec.resolve import DEFAULTS, by_name, is_alone, is_foreign


class _Described(Struct, frozen=True):
    """A kind, the sections in its resources, and the clouds whose blocks are not for it; worked out once a section."""

    kind: Kind
    below: Mapping[str, Kind]
    others: tuple[str, ...]

    @classmethod
    def of(cls, kind: Kind) -> _Described:
        below = {child.section: child for child in registry.within(kind)}
        return cls(kind, below, tuple(one for one in registry.providers() if one != kind.provider))


_Change: TypeAlias = Callable[[Node, _Described], Node]


def is_block(node: Node) -> bool:
    """Whether what stands under a provider's name on a resource can be laid over it."""
    return isinstance(node.value, dict) and CHOICES.isdisjoint(node.value)


def without_foreign(section: Node, kind: Kind) -> Node:
    """A section before its templates are evaluated: without blocks of other clouds.

    Sections in the block of the kind's own cloud go to where they belong, since resources in them may have `when`.
    """
    return _each(section, kind, _opened)


def own_defaults(defaults: Node, provider: str) -> Node:
    """`defaults` before its templates are evaluated: without other clouds' kinds and blocks."""
    made: dict[str, Node] = {}
    for name, item in defaults.fields.items():
        kind = registry.KINDS.get((provider, name))
        if kind is not None:
            made[name] = _opened(item, _Described.of(kind))
        elif not is_foreign(name, provider):
            made[name] = item
    return defaults.with_value(made) if isinstance(defaults.value, dict) else defaults


def with_blocks(root: Node, provider: str, without: Container[str] = ()) -> Node:
    """The spec, its templates evaluated, with every block of this provider merged and all others gone.

    `without` are sections of which it is known that they have none.
    """
    if not isinstance(root.value, dict):
        return root
    made = dict(root.value)
    words = blocks()
    for kind in registry.sections(provider):
        section = made.get(kind.section) if kind.section not in without else None
        if section is not None and not words.isdisjoint(early_words(section, kind)):
            made[kind.section] = _each(section, kind, _merged)
    if DEFAULTS in made:
        found = own_defaults(made[DEFAULTS], provider)
        kinds = {name: one for (cloud, name), one in registry.KINDS.items() if cloud == provider}
        merged = {name: with_block(item, kinds[name]) if name in kinds else item for name, item in found.fields.items()}
        made[DEFAULTS] = found.with_value(merged) if found.fields else found
    return root.with_value(made)


def with_block(resource: Node, kind: Kind) -> Node:
    """A resource, and what stands beneath it, with the block of its own cloud merged and all others gone."""
    return _merged(resource, _Described.of(kind))


def _merged(resource: Node, described: _Described) -> Node:
    if not isinstance(resource.value, dict):
        return resource
    fields, kind, below = dict(_own(resource, described)), described.kind, described.below
    block = fields.get(kind.provider)
    if block is not None and (block.value is None or is_block(block)):
        del fields[kind.provider]
        for key, item in block.fields.items():
            before = fields.get(key)
            if key in below and before is not None:
                before, item = by_name(before, below[key]), by_name(item, below[key])
            fields[key] = laid(before, item)
    return _changed(resource, _sections(fields, below, _merged))


def _opened(resource: Node, described: _Described) -> Node:
    if not isinstance(resource.value, dict):
        return resource
    fields, kind, below = dict(_own(resource, described)), described.kind, described.below
    block = fields.get(kind.provider)
    if block is not None and is_block(block) and not below.keys().isdisjoint(block.fields):
        left: dict[str, Node] = {}
        for key, item in block.fields.items():
            put = _put(fields.get(key), item, below[key]) if key in below else None
            if put is None:
                left[key] = item
            else:
                fields[key] = put
        fields[kind.provider] = block.with_value(left)
    return _changed(resource, _sections(fields, below, _opened))


def _put(before: Node | None, item: Node, kind: Kind) -> Node | None:
    """A section of a resource with what the block has in that section; None where that cannot be told yet."""
    over = by_name(item, kind)
    if before is None:
        return item
    under = by_name(before, kind)
    if not isinstance(over.value, dict) or not isinstance(under.value, dict):
        return None
    made = dict(under.value)
    for name, one in over.value.items():
        there = made.get(name)
        if there is None or there.value is None:
            made[name] = one
        elif isinstance(there.value, dict) and isinstance(one.value, dict):
            # The block of the resource itself is said nearer by.
            made[name] = there.with_value({**there.value, kind.provider: laid(one, there.fields.get(kind.provider))})
        else:
            return None
    return under.with_value(made)


def _own(resource: Node, described: _Described) -> dict[str, Node]:
    """The fields without the blocks of other clouds."""
    fields = resource.fields
    others = [one for one in described.others if one in fields]
    return {key: item for key, item in fields.items() if key not in others} if others else fields


def _sections(fields: dict[str, Node], below: Mapping[str, Kind], change: _Change) -> dict[str, Node]:
    return {key: _each(item, below[key], change) if key in below else item for key, item in fields.items()}


def _each(section: Node, kind: Kind, change: _Change) -> Node:
    """The section with each of its resources changed; the same one where that changes nothing."""
    value = section.value
    if not isinstance(value, dict):
        return section
    described = _Described.of(kind)
    if kind.alone and is_alone(value, kind):
        return change(section, described)
    return _changed(section, {name: change(item, described) for name, item in value.items()})


def _changed(node: Node, fields: dict[str, Node]) -> Node:
    before = node.fields
    same = len(before) == len(fields) and all(before.get(key) is item for key, item in fields.items())
    return node if same else node.with_value(fields)
