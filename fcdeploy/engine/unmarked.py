"""What cannot say whose it is: ours when the file declares it and it leads to nothing of anybody else (S14). Pure.

Whose it is, is told by what it leads to: the resources that its fields name, by the roots that those stand under.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from fcdeploy.diagnostics import Diagnostic, error, warning
from fcdeploy.engine.edges import address_of, names_of
from fcdeploy.engine.ownership import Owned, Wishes, is_owned, matches
from fcdeploy.engine.snapshot import Desired, Snapshot, root_of
from fcdeploy.kinds.descriptor import Marking, Scope
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Address, Json, Live


def with_unmarked(owned: Owned, declared: Desired, snapshot: Snapshot, wishes: Wishes, scope: Scope) -> Owned:
    """Add the roots that cannot be marked and that the file declares, whether to have them or to be rid of them.

    One that leads to a root that is neither ours nor where the file leads it is refused, unless it is adopted.
    """
    ours: set[Address] = set()
    gently: set[Address] = set()
    found: list[Diagnostic] = []
    for address, live in _unmarkable(snapshot):
        if address not in declared:
            continue
        # What the file itself leads elsewhere is not somebody else's for that.
        meant = {root_of(one) for one in _named(address, declared[address].body, scope)}
        named = _named(address, live.body, scope)
        led = {root_of(one) for one in named if not _is_ours(one, declared, snapshot, owned)}
        foreign = sorted(led - meant)
        if not foreign or matches(address, wishes.adopt_over):
            ours.add(address)
        elif matches(address, wishes.adopt):
            ours.add(address)
            gently.add(address)
        else:
            found.append(
                error(
                    f"{address.short} exists already and leads to {_listed(foreign)}",
                    detail="that is not managed by this project and target, so nothing of it is changed",
                    hint=f"to take it over: --adopt '{address.kind}:{address.name}'; or remove it from the file",
                    address=str(address),
                    span=declared[address].span,
                )
            )
    return replace(
        owned,
        ours=owned.ours | ours,
        adopted=owned.adopted | gently,
        gently=owned.gently | gently,
        found=(*owned.found, *found),
    )


def undeclared_warnings(declared: Desired, snapshot: Snapshot, owned: Owned, scope: Scope) -> tuple[Diagnostic, ...]:
    """What leads to a root of ours, cannot be marked and is not in the file: it is never touched, only named."""
    found, lives = [], snapshot.lives
    for address, live in _unmarkable(snapshot):
        kind = kind_of(address)
        if address in declared:
            continue
        led = (one for one in _named(address, live.body, scope) if is_owned(one, owned))
        ours = sorted({root_of(one) if root_of(one) in owned.ours else one for one in led if root_of(one) in lives})
        if ours:
            found.append(
                warning(
                    f"{address.short} leads to {_listed(ours)} and is not in the file",
                    detail="it cannot be marked, so it is never deleted because the file leaves it out",
                    hint=f"declare it under `{kind.section}`; with `absent: true` to delete it",
                    address=str(address),
                )
            )
    return tuple(found)


def _unmarkable(snapshot: Snapshot) -> list[tuple[Address, Live]]:
    """What is live and cannot say whose it is, in order."""
    unmarkable = sorted(one for one in snapshot.lives if kind_of(one).marking is Marking.NONE)
    return [(address, snapshot.lives[address]) for address in unmarkable]


def _named(address: Address, body: Mapping[str, Json], scope: Scope) -> frozenset[Address]:
    return frozenset(address_of(name, address) for name in names_of(address, body, scope))


def _is_ours(address: Address, declared: Desired, snapshot: Snapshot, owned: Owned) -> bool:
    """Whether a resource is of this project and target: under a root of ours, or declared where nobody else's stands.

    Under a root that the file calls external, what is declared is ours (S13).
    """
    root = root_of(address)
    if is_owned(address, owned):
        return True
    if root not in declared or declared[root].absent:
        return False
    return root not in snapshot.lives or (declared[root].external and address in declared)


def _listed(addresses: list[Address]) -> str:
    return " and ".join(address.short for address in addresses)
