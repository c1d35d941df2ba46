"""Finds kinds by name and by place; a new kind is one line here."""

from __future__ import annotations

from fcdeploy.kinds.alibaba import (
    alias,
    async_invoke,
    custom_domain,
    function,
    layer,
    on_demand,
    provision,
    service,
    trigger,
    version,
    vpc_binding,
)
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.model import Address

KINDS: dict[tuple[str, str], Kind] = {
    (kind.provider, kind.name): kind
    for kind in (
        service.KIND,
        layer.KIND,
        version.KIND,
        alias.KIND,
        function.KIND,
        trigger.KIND,
        async_invoke.KIND,
        on_demand.KIND,
        provision.KIND,
        vpc_binding.KIND,
        custom_domain.KIND,
    )
}


def kind_of(address: Address) -> Kind:
    """The descriptor for an address; raises KeyError for a kind that is not known."""
    return KINDS[(address.provider, address.kind)]


def roots(provider: str) -> tuple[Kind, ...]:
    """Kinds that stand at the top of a spec."""
    return tuple(kind for kind in KINDS.values() if kind.provider == provider and kind.parent is None)


def children(kind: Kind) -> tuple[Kind, ...]:
    """Kinds that stand directly under this one."""
    return tuple(one for one in KINDS.values() if one.provider == kind.provider and one.parent == kind.name)


def listed_under(kind: Kind) -> tuple[Kind, ...]:
    """Kinds whose lists belong to a resource of this one; they may stand further down (DESIGN 3)."""
    return tuple(one for one in KINDS.values() if one.provider == kind.provider and one.listed_under == kind.name)


def parent_of(address: Address) -> Address | None:
    """The address of the resource above, or None at the top."""
    kind = kind_of(address)
    if kind.parent is None:
        return None
    return Address(provider=address.provider, target=address.target, kind=kind.parent, identity=address.identity[:-1])
