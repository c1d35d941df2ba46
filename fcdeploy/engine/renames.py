"""`renamedFrom`: which delete and which create are one rename, told as what it is. Pure.

No API renames anything: the old resource goes and a new one comes, with whatever stands beneath.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.engine.snapshot import Desired
from fcdeploy.kinds.registry import parent_of
from fcdeploy.model import Address


def renamed(desired: Desired, leaving: Collection[Address]) -> dict[Address, Address]:
    """New addresses by the old ones that are about to be deleted.

    What stands beneath a renamed resource is renamed with it. A former name that is gone already means nothing.
    """
    there = {address: resource for address, resource in desired.items() if not resource.absent}
    if not any(resource.renamed_from for resource in there.values()):
        return {}
    found: dict[Address, Address] = {}
    for address in there:
        old = next((one for one in _former(address, there) if one in leaving and one not in there), None)
        if old is not None:
            found.setdefault(old, address)
    return found


def protected_renames(renames: Mapping[Address, Address], desired: Desired) -> tuple[Diagnostic, ...]:
    """Renames that `protect` forbids, since the old resource would be deleted (S15)."""
    return tuple(
        error(
            f"{old.short} is protected and would be deleted",
            detail=f"it is renamed to {new.name}, which has `protect: true`",
            hint="keep the old name; or remove `protect: true` first, in a change of its own",
            address=str(old),
            span=desired[new].span,
        )
        for old, new in sorted(renames.items())
        if desired[new].protect
    )


def _former(address: Address, desired: Desired) -> Iterator[Address]:
    """Every other address that a resource may have had, those that differ most first."""
    resource = desired.get(address)
    above = parent_of(address)
    before = resource.renamed_from if resource is not None else None
    names = (*((before,) if before is not None else ()), address.identity[-1])
    for parent in (*_former(above, desired), above) if above is not None else (None,):
        for name in names:
            # What stands beneath nothing may still have several names.
            identity = (*(parent.identity if parent is not None else address.identity[:-1]), name)
            if identity != address.identity:
                yield replace(address, identity=identity)
