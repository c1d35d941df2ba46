"""What was read: the live half of the comparison. Pure values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from fcdeploy.kinds.descriptor import Scope
from fcdeploy.kinds.registry import parent_of
from fcdeploy.model import Address, ArchiveRef, Json, Live, Mark, Resource, Target

Desired = Mapping[Address, Resource]


class Site(Struct, frozen=True, kw_only=True):
    """Whose plan this is, and where: the constants of one target's run."""

    project: str
    target: Target
    scope: Scope

    @property
    def mark(self) -> Mark:
        """The mark of what this project's target owns (S10)."""
        return Mark(project=self.project, target=self.target.name)


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything that was read of one target.

    `lives` are the resources that exist, whoever owns them. `archives` are live code archives that were fetched (by
    function), `code_notes` the files in which they differ from the file's, `same_code` those whose content is equal
    although the checksum is not (S27). `marks` are all marks seen in this account and region. `frozen` are the
    canonical bodies of all that a numbered resource froze, by that resource.
    """

    lives: Mapping[Address, Live] = field(default_factory=dict)
    archives: Mapping[Address, ArchiveRef] = field(default_factory=dict)
    code_notes: Mapping[Address, str] = field(default_factory=dict)
    same_code: frozenset[Address] = frozenset()
    marks: frozenset[Mark] = frozenset()
    frozen: Mapping[Address, Mapping[Address, Mapping[str, Json]]] = field(default_factory=dict)

    def with_lives(self, read: Mapping[Address, Live | None]) -> Snapshot:
        """The snapshot with these read again; None means that the resource is gone, and all beneath it."""
        gone = {address for address, live in read.items() if live is None}
        kept = {
            address: live
            for address, live in self.lives.items()
            if address not in read and gone.isdisjoint(lineage(address))
        }
        return replace(self, lives={**kept, **{address: live for address, live in read.items() if live is not None}})

    def under(self, root: Address) -> tuple[Address, ...]:
        """The addresses that stand beneath this one, in order."""
        return tuple(sorted(address for address in self.lives if address != root and is_under(address, root)))


def is_under(address: Address, root: Address) -> bool:
    """Whether `address` is `root` or stands beneath it."""
    return root in lineage(address)


def lineage(address: Address) -> tuple[Address, ...]:
    """The resource itself and everything above it, upwards."""
    above = parent_of(address)
    return (address,) if above is None else (address, *lineage(above))


def root_of(address: Address) -> Address:
    """The topmost resource above (or the resource itself)."""
    above = parent_of(address)
    return address if above is None else root_of(above)


def with_parents_first(addresses: Iterable[Address]) -> list[Address]:
    """Addresses in an order in which every parent comes before its children."""
    # In two rounds: a file mostly has them in the order of their addresses, which is quickly seen, and numbers compare
    # quicker than addresses.
    return sorted(sorted(addresses), key=lambda address: len(address.identity))
