"""What of a live account an import takes: the resources that its names choose, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from fcdeploy.app.bench import Bench
from fcdeploy.diagnostics import Diagnostic, did_you_mean, warning
from fcdeploy.engine.edges import address_of, names_of
from fcdeploy.engine.ownership import says_itself
from fcdeploy.engine.snapshot import Snapshot, lineage, root_of
from fcdeploy.engine.together import together
from fcdeploy.errors import UsageError
from fcdeploy.kinds.descriptor import Marking, Scope
from fcdeploy.kinds.registry import kind_of, parent_of, roots
from fcdeploy.model import Address, Live, Mark, Resource


class Chosen(Struct, frozen=True, kw_only=True):
    """What is imported. `external` are resources of which only some of what stands beneath is. `adopt` are the words
    with which an apply takes it over (S12).
    """

    lives: Mapping[Address, Live]
    external: frozenset[Address] = frozenset()
    adopt: tuple[str, ...] = ()
    found: tuple[Diagnostic, ...] = ()


async def read_chosen(bench: Bench, names: Sequence[str]) -> Chosen:
    """Everything under what the names choose, as it is live; without names, all that no project owns.

    A name with a `/` chooses something in a resource that somebody else keeps (S13). What cannot be marked comes along
    where it leads to nothing but what is chosen (S14). Raises UsageError and ReadFailed.
    """
    target = bench.site.target
    kinds = [kind for kind in roots(target.provider) if kind.marking is Marking.TAGS]
    named = await together(map(bench.reader.read_identities, kinds))
    everything = [
        Address(provider=target.provider, target=target.name, kind=kind.name, identity=identity)
        for kind, there in zip(kinds, named, strict=True)
        for identity in there
    ]
    _check_matched(names, everything)
    wanted = sorted(address for address in everything if not names or _selects(names, address))
    snapshot = await bench.reader.read_snapshot({address: Resource(address=address, body={}) for address in wanted})
    return chosen(names, wanted, snapshot, bench.site.mark, bench.site.scope)


def chosen(names: Sequence[str], wanted: Iterable[Address], snapshot: Snapshot, ours: Mark, scope: Scope) -> Chosen:
    """What the names choose of a snapshot; `wanted` are the roots that they are about. Pure. Raises UsageError."""
    choosing = _Choosing(names, snapshot, ours)
    for root in wanted:
        if root in snapshot.lives:
            choosing.add_root(root)
    for address in sorted(snapshot.lives):
        if kind_of(address).marking is Marking.NONE:
            choosing.add_unmarked(address, scope)
    choosing.add_series(scope)
    if not set(choosing.lives) - choosing.external:
        raise UsageError(
            "there is nothing to import",
            detail="\n".join(one.summary for one in choosing.found) or "nothing that is live matches",
        )
    return Chosen(
        lives=choosing.lives,
        external=frozenset(choosing.external),
        adopt=choosing.adopt(),
        found=tuple(choosing.found),
    )


class _Choosing:
    """The choice, root by root."""

    def __init__(self, names: Sequence[str], snapshot: Snapshot, ours: Mark) -> None:
        self._names = names
        self._snapshot = snapshot
        self._ours = ours
        self._bearers: set[Address] = set()
        self._below: dict[Address, list[Address]] = {}
        for address in sorted(snapshot.lives):
            if (root := root_of(address)) != address:
                self._below.setdefault(root, []).append(address)
        self.lives: dict[Address, Live] = {}
        self.external: set[Address] = set()
        self.found: list[Diagnostic] = []

    def add_root(self, root: Address) -> None:
        """A root with what stands beneath it, or only what is named in it."""
        if not self._names or any(_is_whole(one, root) for one in self._names):
            self._add_whole(root)
        elif kind_of(root).may_be_external:
            self._add_parts(root)
        else:
            raise UsageError(f"{root.short} can only be imported as a whole")

    def add_unmarked(self, address: Address, scope: Scope) -> None:
        """What shows whose it is only by what it leads to."""
        names = names_of(address, self._snapshot.lives[address].body, scope)
        led = {address_of(name, address) for name in names}
        led_roots = {root_of(one) for one in led}
        elsewhere = sorted((led_roots - self.lives.keys()) | {one for one in led if self._is_left_out(one)})
        if led and not elsewhere:
            self.lives[address] = self._snapshot.lives[address]
        elif not led_roots.isdisjoint(self.lives):
            others = " and ".join(one.short for one in elsewhere)
            self.found.append(warning(f"{address.short} is left out: it leads to {others}, too"))

    def add_series(self, scope: Scope) -> None:
        """The newest of each series at the top that is this project's own: without a line in the file it would go."""
        newest: dict[tuple[str, str], Address] = {}
        for address, live in self._snapshot.lives.items():
            kind = kind_of(address)
            if kind.numbering is None or kind.parent is not None or live.mark != self._ours:
                continue
            name = (kind.name, address.identity[0])
            if name not in newest or int(newest[name].identity[-1]) < int(address.identity[-1]):
                newest[name] = address
        named = {name for one, live in self.lives.items() for name in names_of(one, live.body, scope)}
        self._add(
            address for address in newest.values() if not self._names or (address.kind, address.identity) in named
        )

    def _is_left_out(self, address: Address) -> bool:
        """Whether this is live in something that is chosen, and is not chosen itself although it could be."""
        return (
            root_of(address) in self.lives
            and address in self._snapshot.lives
            and address not in self.lives
            and (root_of(address) not in self.external or says_itself(address, self.external))
        )

    def adopt(self) -> tuple[str, ...]:
        """The options that take it over."""
        marks = {self.lives[address].mark for address in self._bearers} - {self._ours}
        foreign = [word for mark in sorted(one for one in marks if one) for word in ("--adopt-from", str(mark))]
        return (*(("--adopt", "*") if None in marks else ()), *foreign)

    def _add_whole(self, root: Address) -> None:
        if self._is_foreign(root):
            mark = self._snapshot.lives[root].mark
            if not self._names:
                hint = f"name it to import it: {root.name}"
                self.found.append(warning(f"{root.short} is left out: it belongs to {mark}", hint=hint))
                return
            self.found.append(warning(f"{root.short} belongs to {mark}", hint=f"take it over with --adopt-from {mark}"))
        below = self._below.get(root, [])
        left = {one for one in below if self._is_foreign(one) and not self._is_named(one)}
        for address in sorted(left):
            mark = self._snapshot.lives[address].mark
            self.found.append(warning(f"{address.short} is left out: it belongs to {mark}"))
        self._bearers.add(root)
        self._bearers |= {one for one in below if self._is_foreign(one)} - left
        self._add(one for one in (root, *below) if left.isdisjoint(lineage(one)))

    def _add_parts(self, root: Address) -> None:
        below = self._below.get(root, [])
        # Only what has a place for a mark of its own can be ours beneath what is somebody else's (S13).
        picked = {one for one in below if parent_of(one) == root and kind_of(one).mark_field and self._is_named(one)}
        if not picked:
            return
        self.external.add(root)
        self._bearers |= picked
        self._add((root, *(one for one in below if not picked.isdisjoint(lineage(one)))))

    def _add(self, addresses: Iterable[Address]) -> None:
        self.lives |= {address: self._snapshot.lives[address] for address in addresses}

    def _is_foreign(self, address: Address) -> bool:
        # Whoever published what the service numbered: no file names it.
        if kind_of(address).numbering is not None:
            return False
        return self._snapshot.lives[address].mark not in (None, self._ours)

    def _is_named(self, address: Address) -> bool:
        depth = len(root_of(address).identity)
        return any(name.count("/") >= depth and fnmatchcase(address.name, name) for name in self._names)


def _selects(names: Sequence[str], root: Address) -> bool:
    """Whether a name is about this resource at the top, or about something in it."""
    return any(_is_whole("/".join(_parts(name, root)[0]), root) for name in names)


def _is_whole(name: str, root: Address) -> bool:
    """Whether a name chooses a resource at the top itself: by all parts of its name, or by the last of several."""
    own, beneath = _parts(name, root)
    return not beneath and fnmatchcase(root.name if len(own) > 1 else root.identity[-1], "/".join(own))


def _parts(name: str, root: Address) -> tuple[list[str], list[str]]:
    """What of a name is about the resource at the top, and what about something in it."""
    parts = name.split("/")
    return parts[: len(root.identity)], parts[len(root.identity) :]


def _check_matched(names: Sequence[str], everything: Sequence[Address]) -> None:
    for name in names:
        if not any(_selects((name,), root) for root in everything):
            known = [root.identity[-1] for root in everything]
            hint = did_you_mean(name.split("/")[0], known) or f"there are: {', '.join(known[:20]) or 'none'}"
            raise UsageError(f"nothing live is called `{name}`", hint=hint)
