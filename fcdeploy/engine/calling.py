"""What a file would call resources that are live, and where it would say them: the way back from identities. Pure.

Most are called what they are. A kind with an identity of its own making says itself which names give it (`in_file`);
what stands in a group is put into one, and what the file has once for all of a group is the same in each (S44).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct, field

from fcdeploy.engine.snapshot import with_parents_first
from fcdeploy.kinds.descriptor import Kind, NamesInFile
from fcdeploy.kinds.registry import KINDS, is_made_for_each, kind_of, parent_of
from fcdeploy.model import Address, Json

Path: TypeAlias = tuple[tuple[str, str], ...]
"""Sections of a file and the names in them, from the top down."""


class Called(Struct, frozen=True, kw_only=True):
    """Where a resource stands in a file: sections and names from the top, and the fields that only say its name."""

    path: Path
    naming: Mapping[str, Json] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names on the way down."""
        return tuple(name for _, name in self.path)


def calling(
    bodies: Mapping[Address, Mapping[str, Json]], told: Mapping[Address, tuple[str, ...]] | None = None
) -> dict[Address, Called]:
    """What a file calls each of these; one that no file could say beside the others is left out, with all beneath.

    A resource whose parent is not among them stands at the top. `told` are the names, outermost first, that a file has
    for some of them already.
    """
    book = _Book(bodies, told or {})
    ordered = with_parents_first(bodies)
    # What a file has already keeps its place.
    for address in (*filter(book.is_told, ordered), *(one for one in ordered if not book.is_told(one))):
        book.add(address)
    return book.called


class _Book:
    """The places that are taken so far."""

    def __init__(self, bodies: Mapping[Address, Mapping[str, Json]], told: Mapping[Address, tuple[str, ...]]) -> None:
        self._bodies = bodies
        self._told = told
        self._shared: dict[Address, dict[tuple[str, tuple[str, ...]], Mapping[str, Json]]] = {}
        for address, body in bodies.items():
            parent = parent_of(address)
            kind = kind_of(address)
            if parent is not None and is_made_for_each(kind) and kind.numbering is None:
                own = address.identity[len(parent.identity) :]
                self._shared.setdefault(parent, {})[(kind.name, own)] = body
        self._groups: dict[Path, Mapping[tuple[str, tuple[str, ...]], Mapping[str, Json]]] = {}
        self._taken: set[Path] = set()
        self.called: dict[Address, Called] = {}

    def is_told(self, address: Address) -> bool:
        """Whether a file has it already."""
        return address in self._told

    def add(self, address: Address) -> None:
        """Find a place for one; its parent has one."""
        kind, parent = kind_of(address), parent_of(address)
        there = parent is not None and parent in self._bodies
        if there and parent not in self.called:
            return
        above = self.called[parent].path if there and parent is not None else ()
        if is_made_for_each(kind):
            # All of a group share one place.
            name = address.identity[-1]
            self.called[address] = Called(path=(*above[:-1], (kind.section, name)))
            return
        told = self._told.get(address)
        for names, naming in _candidates(kind, address, self._bodies[address]) if told is None else ((told, {}),):
            holder = self._holder(kind, names, above)
            path = (*holder, (kind.section, names[-1]))
            if told is None and (path in self._taken or not self._can_join(address, holder)):
                continue
            self._taken.add(path)
            self.called[address] = Called(path=path, naming=naming)
            return

    def _holder(self, kind: Kind, names: tuple[str, ...], above: Path) -> Path:
        if kind.parent is not None or kind.place is None:
            return above
        group = KINDS[(kind.provider, kind.place)]
        return ((group.section, names[0]),)

    def _can_join(self, address: Address, holder: Path) -> bool:
        """Whether a group says for all that stands in it what is true of this one."""
        kind = kind_of(address)
        if kind.parent is not None or kind.place is None:
            return True
        shared = self._shared.get(address, {})
        return self._groups.setdefault(holder, shared) == shared


def _candidates(kind: Kind, address: Address, body: Mapping[str, Json]) -> Iterator[NamesInFile]:
    """The names that give this identity, with the fields that it takes besides, best first."""
    if kind.in_file is None:
        yield (address.identity[-1 if kind.numbering is None else 0],), {}
        return
    above = parent_of(address)
    yield from kind.in_file(address.identity[len(above.identity) if above is not None else 0 :], body)
