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
from fcdeploy.kinds.huawei import function as huawei_function
from fcdeploy.kinds.huawei import service as huawei_service
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
        huawei_service.KIND,
        huawei_function.KIND,
    )
}


def kind_of(address: Address) -> Kind:
    """The descriptor for an address; raises KeyError for a kind that is not known."""
    return KINDS[(address.provider, address.kind)]


def sections(provider: str) -> tuple[Kind, ...]:
    """Kinds whose section stands at the top of a file."""
    return tuple(kind for kind in KINDS.values() if kind.provider == provider and kind.place is None)


def within(kind: Kind) -> tuple[Kind, ...]:
    """Kinds whose section stands in a resource of this one, in a file."""
    return tuple(one for one in KINDS.values() if one.provider == kind.provider and one.place == kind.name)


def roots(provider: str) -> tuple[Kind, ...]:
    """Kinds of the cloud that stand beneath no other."""
    every = (kind for kind in KINDS.values() if kind.provider == provider)
    return tuple(kind for kind in every if kind.parent is None and not kind.grouping)


def listed_under(kind: Kind) -> tuple[Kind, ...]:
    """Kinds whose lists belong to a resource of this one; they may stand further down (DESIGN 3)."""
    every = (one for one in KINDS.values() if one.provider == kind.provider and not one.grouping)
    return tuple(one for one in every if one.listed_under == kind.name and not one.listing.everywhere)


def listed_everywhere(provider: str) -> tuple[Kind, ...]:
    """Kinds of which one list has all there are, whatever they stand beneath."""
    every = (one for one in KINDS.values() if one.provider == provider)
    return tuple(one for one in every if one.listing.everywhere)


def parent_of(address: Address) -> Address | None:
    """The address of the resource above, or None at the top."""
    kind = kind_of(address)
    if kind.parent is None:
        return None
    return Address(provider=address.provider, target=address.target, kind=kind.parent, identity=address.identity[:-1])
