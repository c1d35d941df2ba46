"""Finds kinds by name and by place; a new kind is one line here."""

from __future__ import annotations

from functools import cache, lru_cache

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
from fcdeploy.kinds.huawei import alias as huawei_alias
from fcdeploy.kinds.huawei import async_invoke as huawei_async_invoke
from fcdeploy.kinds.huawei import function as huawei_function
from fcdeploy.kinds.huawei import layer as huawei_layer
from fcdeploy.kinds.huawei import provision as huawei_provision
from fcdeploy.kinds.huawei import service as huawei_service
from fcdeploy.kinds.huawei import trigger as huawei_trigger
from fcdeploy.kinds.huawei import version as huawei_version
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
        huawei_layer.KIND,
        huawei_version.KIND,
        huawei_alias.KIND,
        huawei_function.KIND,
        huawei_async_invoke.KIND,
        huawei_provision.KIND,
        huawei_trigger.KIND,
    )
}


def kind_of(address: Address) -> Kind:
    """The descriptor for an address; raises KeyError for a kind that is not known."""
    return KINDS[(address.provider, address.kind)]


def sections(provider: str) -> tuple[Kind, ...]:
    """Kinds whose section stands at the top of a file."""
    return _standing_in(provider, None)


def within(kind: Kind) -> tuple[Kind, ...]:
    """Kinds whose section stands in a resource of this one, in a file."""
    return _standing_in(kind.provider, kind.name)


@cache  # asked for at each resource of a file
def _standing_in(provider: str, place: str | None) -> tuple[Kind, ...]:
    return tuple(one for one in KINDS.values() if one.provider == provider and one.place == place)


def providers() -> tuple[str, ...]:
    """The clouds, in the order in which their kinds stand here."""
    return tuple(dict.fromkeys(provider for provider, _ in KINDS))


def chain(kind: Kind) -> tuple[Kind, ...]:
    """The kinds from the top of a file down to this one."""
    if kind.place is None:
        return (kind,)
    return (*chain(KINDS[(kind.provider, kind.place)]), kind)


def is_made_for_each(kind: Kind) -> bool:
    """Whether the file has it once and the cloud once for each of what it stands beneath (S44)."""
    return bool(kind.stands_in) and kind.parent is not None


def name_lengths(kind: Kind) -> tuple[int, ...]:
    """Of how many parts a name in the file can be, without the number that the service gives."""
    length = len(chain(kind)) - (kind.numbering is not None and bool(kind.alone))
    return (length, length + 1) if is_made_for_each(kind) else (length,)


def foreign(provider: str, place: Kind | None) -> tuple[Kind, ...]:
    """Kinds of other clouds whose sections stand in a resource of this kind, or at the top, and that this cloud has no
    word for."""
    known = {one.section for one in (sections(provider) if place is None else within(place))}
    if place is not None:
        known |= {one.spec_name for one in place.fields}
    above = place.name if place is not None else None
    return tuple(
        one for one in KINDS.values() if one.provider != provider and one.place == above and one.section not in known
    )


def namesakes(kind: Kind) -> tuple[Kind, ...]:
    """The same kind of other clouds."""
    return tuple(one for one in KINDS.values() if one.name == kind.name and one.provider != kind.provider)


def roots(provider: str) -> tuple[Kind, ...]:
    """Kinds of the cloud that stand beneath no other."""
    every = (kind for kind in KINDS.values() if kind.provider == provider)
    return tuple(kind for kind in every if kind.parent is None and not kind.grouping)


def listed_under(kind: Kind) -> tuple[Kind, ...]:
    """Kinds whose lists belong to a resource of this one; they may stand further down (DESIGN 3)."""
    return _lists_of(kind.provider, kind.name)


@cache  # asked for at each resource that is live
def _lists_of(provider: str, name: str) -> tuple[Kind, ...]:
    every = (one for one in KINDS.values() if one.provider == provider and not one.grouping)
    return tuple(one for one in every if one.listed_under == name and not one.listing.everywhere)


def listed_everywhere(provider: str) -> tuple[Kind, ...]:
    """Kinds of which one list has all there are, whatever they stand beneath."""
    every = (one for one in KINDS.values() if one.provider == provider)
    return tuple(one for one in every if one.listing.everywhere)


@lru_cache(maxsize=131_072)  # asked for many times of each resource of a plan
def parent_of(address: Address) -> Address | None:
    """The address of the resource above, or None at the top."""
    kind = kind_of(address)
    if kind.parent is None:
        return None
    return Address(provider=address.provider, target=address.target, kind=kind.parent, identity=address.identity[:-1])
