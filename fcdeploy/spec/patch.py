"""`patch:` of a target: a JSON merge patch for each resource that it names, laid over the file for that target alone.

It comes after templates, `when` and `foreach`, and before `defaults`: so a null cancels a default as well (S3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fcdeploy.diagnostics import Diagnostic, did_you_mean, error
from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import NEW, Kind
from fcdeploy.spec.blocks import with_block
from fcdeploy.spec.leftout import LeftOut
from fcdeploy.spec.node import Node, Path, laid, path_text
from fcdeploy.spec.place import UNKNOWN
from fcdeploy.spec.resolve import by_name
from fcdeploy.spec.shape import shapes
from fcdeploy.spec.words import FOREACH, WHEN, words_of


class Patching:
    """The patch of one target. `found` is what is wrong, `removed` what it takes away, with the reason."""

    def __init__(self, provider: str, path: Path, left_out: LeftOut) -> None:
        self._provider = provider
        self._path = path
        self._left_out = left_out
        self.found: list[Diagnostic] = []
        self.removed: dict[tuple[str, tuple[str, ...]], str] = {}

    def tree(self, root: Node, patch: Node) -> Node:
        """The spec with the patch laid over it; `patch` has its templates evaluated."""
        if not isinstance(patch.value, dict):
            if patch.value is not None:
                hint = 'patch: {"function:service/name": {memorySize: 1024}}'
                summary = f"`patch` must be a map of resources, not {patch.what}"
                self.found.append(error(summary, span=patch.span, path=path_text(self._path), hint=hint))
            return root
        for address, node in patch.value.items():
            if node.value is not UNKNOWN:
                root = self._patched(root, address, node)
        return root

    def _patched(self, root: Node, address: str, node: Node) -> Node:
        kind_name, colon, name = address.partition(":")
        kind = registry.KINDS.get((self._provider, kind_name))
        if kind is None or not colon:
            known = sorted(kind for provider, kind in registry.KINDS if provider == self._provider)
            hint = (did_you_mean(kind_name, known) if colon else "") or f"KIND:NAME, with a kind of: {', '.join(known)}"
            self._say(f"`{address}` is not the address of a resource", node, (address,), hint)
            return root
        node = with_block(node, kind)
        chain = registry.chain(kind)
        names = tuple(name.split("/"))
        if kind.alone and len(names) == len(chain) - 1:
            names = (*names, kind.alone)
        made = self._at(root, chain, names, node, ()) if len(names) == len(chain) else None
        if made is not None:
            return made
        reason = self._left_out.get((kind.name, _identity(kind, names)))
        if reason is not None:
            self._say(f"there is no {kind.name} `{name}` to patch here", node, (address,), detail=reason)
            return root
        there = [one for one in _addresses(root, registry.sections(self._provider), ()) if one != address]
        near = did_you_mean(address, there)
        form = "/".join([one.name for one in chain])
        self._say(
            f"there is no {kind.name} `{name}` to patch", node, (address,), near or f"written `{kind.name}:{form}`"
        )
        return root

    def _at(
        self, holder: Node, chain: tuple[Kind, ...], names: tuple[str, ...], patch: Node, above: Path
    ) -> Node | None:
        """The holder with the resource at the end of the chain patched; None when there is none."""
        kind, name = chain[0], names[0]
        section = holder.fields.get(kind.section)
        section = by_name(section, kind) if section is not None else None
        if section is None or name not in section.fields:
            return None
        here = (*above, name)
        resource: Node | None = section.fields[name]
        assert resource is not None
        if len(chain) == 1:
            resource = self._merged(resource, patch, kind, here, (f"{kind.name}:{'/'.join(map(str, here))}",))
        else:
            resource = self._at(resource, chain[1:], names[1:], patch, here)
            if resource is None:
                return None
        made = {**section.fields, name: resource} if resource is not None else dict(section.fields)
        if resource is None:
            del made[name]
        return holder.with_value({**holder.fields, kind.section: section.with_value(made)})

    def _merged(self, base: Node | None, patch: Node, kind: Kind, names: Path, at: Path) -> Node | None:
        """A resource with its patch; None when the patch takes it away."""
        if patch.value is None:
            self.removed[(kind.name, _identity(kind, tuple(map(str, names))))] = f"the patch at {patch.span} removes it"
            return None
        if not isinstance(patch.value, dict):
            return patch
        below = {child.section: child for child in registry.within(kind)}
        fields = dict(base.fields) if base is not None else {}
        for key, item in patch.value.items():
            place = (*at, key)
            if key in (WHEN, FOREACH):
                self._say(f"`{key}` cannot stand in a patch", item, place, "`null` leaves a resource out of the target")
            elif key in below:
                fields[key] = self._merged_section(fields.get(key), item, below[key], names, place)
            else:
                self._check_null(item, key, kind, place)
                fields[key] = laid(fields.get(key), item)
        return (base if base is not None else patch).with_value(fields)

    def _merged_section(self, base: Node | None, patch: Node, kind: Kind, above: Path, at: Path) -> Node:
        """The resources of a section with their patches; a section that is no map is replaced whole."""
        over = by_name(patch, kind)
        if isinstance(patch.value, list) or not isinstance(over.value, dict):
            return patch
        before = by_name(base, kind) if base is not None else over.with_value({})
        made = dict(before.fields)
        for name, item in over.value.items():
            one = self._merged(made.get(name), item, kind, (*above, name), (*at, name))
            if one is None:
                made.pop(name, None)
            else:
                made[name] = one
        return before.with_value(made) if isinstance(before.value, dict) else over.with_value(made)

    def _check_null(self, item: Node, key: str, kind: Kind, at: Path) -> None:
        """A null leaves nothing behind that could be judged later, so its name is judged here."""
        known = {*shapes(kind.provider, kind.name), *(word.name for word in words_of(kind))}
        if item.value is None and key not in known:
            self._say(f"a {kind.title.lower()} has no field `{key}`", item, at, did_you_mean(key, known))

    def _say(self, summary: str, node: Node, at: Path, hint: str = "", detail: str = "") -> None:
        place = path_text((*self._path, *at))
        self.found.append(error(summary, detail=detail, hint=hint, span=node.key_span or node.span, path=place))


def _identity(kind: Kind, names: tuple[str, ...]) -> tuple[str, ...]:
    return (*names, NEW) if kind.numbering is not None and not kind.alone else names


def _addresses(holder: Node, kinds: tuple[Kind, ...], above: tuple[str, ...]) -> Iterator[str]:
    """The addresses of all resources, as a patch names them."""
    fields: Mapping[str, Node] = holder.fields
    for kind in kinds:
        if kind.section not in fields:
            continue
        for name, item in by_name(fields[kind.section], kind).fields.items():
            yield f"{kind.name}:{'/'.join((*above, name))}"
            yield from _addresses(item, registry.within(kind), (*above, name))
