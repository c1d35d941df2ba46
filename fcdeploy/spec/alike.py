"""What targets have in common that come to the very same resources: it is judged and expanded once. Pure.

A file without templates is the same in a hundred regions, but for what stands under each target's own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.kinds import registry
from fcdeploy.model import Address, Mark, Resource, Target
from fcdeploy.spec.belongings import mark_findings
from fcdeploy.spec.expand import Desired, expand
from fcdeploy.spec.judge import Judged
from fcdeploy.spec.node import Node
from fcdeploy.spec.placed import Placed
from fcdeploy.spec.plain import keeps_secret
from fcdeploy.spec.resolver import Resolved
from fcdeploy.spec.shape import api_body
from fcdeploy.spec.validate import check_spec


class _First(Struct):
    """The first target with some resources, and what was found; `common`: nothing of that is about it alone."""

    made: Resolved
    mark: Mark
    found: Sequence[Diagnostic]
    common: bool | None = None


class Alike:
    """The targets of one spec, `several` or one.

    What `Resolver` gives to several is the same object, and so known again.
    """

    def __init__(self, folders: Mapping[str, str], *, several: bool) -> None:
        self._folders = folders
        self._several = several
        self._first: dict[tuple[int, str], _First] = {}
        self._desired: dict[int, Desired] = {}

    def findings(self, made: Resolved, target: Target, mark: Mark, *, unread: bool) -> Sequence[Diagnostic]:
        """What `check_spec` finds in a target; `mark` is what its own resources bear."""
        key = (id(made.there), target.api)
        # Nothing at all is one object for all that have nothing, whatever else is wrong with them.
        first = self._first.get(key) if made.there else None
        if first is not None:
            if first.common is None:
                first.common = _is_sound(first.made.tree, made.there, target.provider, first.mark)
            if first.common and _is_sound(made.tree, made.there, target.provider, mark):
                return first.found
        found = check_spec(
            made.tree,
            provider=target.provider,
            api=target.api,
            mark=mark,
            left_out=made.left_out,
            unread=unread,
            there=made.there,
        )
        # It holds on to what it is about, whose `id` is thus no other's.
        self._first.setdefault(key, _First(made, mark, found))
        return found

    def desired(self, made: Resolved, target: Target) -> Desired:
        """What `expand` gives for a target that has been judged."""
        key = id(made.there)
        known = self._desired.get(key)
        if known is not None:
            return _readdressed(known.values(), target)
        desired = expand(made.tree, target, self._folders, made.there)
        # A secret knows its address.
        if self._several and not any(keeps_secret(one.address, one.body) for one in desired.values()):
            self._desired[key] = desired
        return desired


def _is_sound(tree: Node, there: Iterable[Placed], provider: str, mark: Mark) -> bool:
    """Whether nothing is wrong with what stands besides the resources, nor with them for the mark that they bear."""
    sections = {kind.section for kind in registry.sections(provider)}
    own = tree.with_value({key: node for key, node in tree.fields.items() if key not in sections})
    judged = Judged.of(own, provider)
    if judged.mistakes or judged.has_open or judged.has_secrets:
        return False
    external = frozenset(placed.path for placed in there if placed.external)
    for placed in there:
        kind, fields = placed.kind, placed.node.fields
        if not kind.mark_field or placed.absent or kind.field(kind.mark_field).spec_name not in fields:
            continue
        body = api_body(kind, {name: node.plain() for name, node in fields.items()})
        if any(mark_findings(placed, body, mark, stands_outside=placed.path[:-2] in external)):
            return False
    return True


def _readdressed(resources: Iterable[Resource], target: Target) -> dict[Address, Resource]:
    """The same resources in another target of the same cloud."""

    def there(one: Address) -> Address:
        return Address(provider=one.provider, target=target.name, kind=one.kind, identity=one.identity)

    made: dict[Address, Resource] = {}
    for one in resources:
        address = there(one.address)
        made[address] = replace(one, address=address, refs=frozenset(map(there, one.refs)))
    return made
