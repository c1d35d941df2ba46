"""Whose a resource is, and who may take it over (S10-S15). Pure: decisions come back as values and findings."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct, field

from fcdeploy.diagnostics import Diagnostic, error, warning
from fcdeploy.engine.canonical import agrees, covers, desired_body
from fcdeploy.engine.groups import as_made
from fcdeploy.engine.snapshot import Desired, Site, Snapshot, lineage, with_parents_first
from fcdeploy.kinds.descriptor import NEW, Kind, Marking
from fcdeploy.kinds.registry import kind_of, parent_of
from fcdeploy.model import Address, Json, Live, Mark, Resource, Target

MARK_PROJECT = "fcdeploy.project"
MARK_TARGET = "fcdeploy.target"


class Wishes(Struct, frozen=True, kw_only=True):
    """What the user asks of a plan: globs of addresses, `P/T` marks, unsafe plans (S12, S15).

    `only`: nothing but the resources that these globs name, and what they need (S46). `forward`: what was moved back
    and pinned may move on (S33).
    """

    adopt: tuple[str, ...] = ()
    adopt_over: tuple[str, ...] = ()
    adopt_from: tuple[str, ...] = ()
    allow_unsafe: bool = False
    only: tuple[str, ...] = ()
    forward: bool = False


class Owned(Struct, frozen=True, kw_only=True):
    """Whose resources are, and what stops the plan.

    What `ours` and `theirs` say of a resource holds for all beneath it, until one of them says otherwise. `adopted` are
    taken over now; of those `gently` on condition that nothing of them or beneath is deleted or reset. `external` are
    the resources that the file calls external; of those, `released` still carry our mark, which goes (S13).
    """

    ours: frozenset[Address]
    theirs: frozenset[Address]
    adopted: frozenset[Address] = frozenset()
    gently: frozenset[Address] = frozenset()
    external: frozenset[Address] = frozenset()
    released: Mapping[Address, Resource] = field(default_factory=dict)
    found: tuple[Diagnostic, ...] = ()


def mark_tags(mark: Mark) -> dict[str, str]:
    """The tags that say whose a resource is."""
    return {MARK_PROJECT: mark.project, MARK_TARGET: mark.target}


def mark_in(tags: Mapping[str, Json]) -> Mark | None:
    """The mark in a tag map; half a mark is somebody else's."""
    if MARK_PROJECT not in tags and MARK_TARGET not in tags:
        return None
    return Mark(project=str(tags.get(MARK_PROJECT, "")), target=str(tags.get(MARK_TARGET, "")))


def matches(address: Address, globs: Iterable[str]) -> bool:
    """Whether a glob names this address: in full, without its target, or by its bare name."""
    full, name = str(address), address.name
    texts = [full, full.partition(":")[2], f"{address.kind}:{name}", name]
    if kind_of(address).numbering is not None:
        # All of a series go by its name.
        texts += [text.rpartition("/")[0] for text in texts]
    return any(fnmatchcase(text, glob) for glob in globs for text in texts)


def said(address: Address) -> str:
    """How a person names a resource in an option: `service:images`, `layer:imaging`."""
    name = address.name.removesuffix(f"/{NEW}") if kind_of(address).numbering is not None else address.name
    return f"{address.kind}:{name}"


def verdicts(
    desired: Desired, snapshot: Snapshot, site: Site, wishes: Wishes, declared: Desired | None = None
) -> Owned:
    """Sort what is desired and what is live into ours and somebody else's.

    `declared` is all that the file says, where `desired` is less because the target is being destroyed.
    """
    sorting = _Sorting(desired, desired if declared is None else declared, snapshot, site, wishes)
    for address in with_parents_first(dict.fromkeys((*sorting.external, *desired, *snapshot.lives))):
        sorting.add(address)
    return Owned(
        ours=frozenset(sorting.ours),
        theirs=frozenset(sorting.theirs),
        adopted=frozenset(sorting.adopted),
        gently=frozenset(sorting.gently),
        external=frozenset(sorting.external),
        released=sorting.released,
        found=tuple(sorting.found),
    )


def is_owned(address: Address, owned: Owned) -> bool:
    """Whether a resource is ours, or is going to be: what says so nearest above it counts."""
    here: Address | None = address
    while here is not None:
        if here in owned.ours:
            return True
        if here in owned.theirs:
            return False
        here = parent_of(here)
    return False


def is_adopted(address: Address, owned: Owned) -> bool:
    """Whether a resource, or something above it, is taken over now (S12)."""
    return bool(owned.adopted) and not owned.adopted.isdisjoint(lineage(address))


def says_itself(address: Address, external: Container[Address]) -> bool:
    """Whether what travels of a resource has the mark at the end of its description.

    So it is of kinds that have no other place for it, and beneath what somebody else keeps (S10, S13).
    """
    kind = kind_of(address)
    if kind.marking is Marking.DESCRIPTION:
        return True
    return kind.marking is Marking.PARENT and bool(kind.mark_field) and parent_of(address) in external


def found_by_name(declared: Desired) -> Desired:
    """What a target can own without any mark that a list would show: only the file says where to look (S13)."""
    return {
        address: resource
        for address, resource in declared.items()
        if any(above in declared and declared[above].external for above in lineage(address))
    }


class _Sorting:
    """The verdicts, parents first."""

    def __init__(self, desired: Desired, declared: Desired, snapshot: Snapshot, site: Site, wishes: Wishes) -> None:
        self._desired = desired
        self._declared = declared
        self._snapshot = snapshot
        self._site = site
        self._wishes = wishes
        self.external = {address for address, resource in declared.items() if resource.external}
        self.released: dict[Address, Resource] = {}
        self.ours: set[Address] = set()
        self.theirs: set[Address] = set()
        self.adopted: set[Address] = set()
        self.gently: set[Address] = set()
        self.found: list[Diagnostic] = []

    def add(self, address: Address) -> None:
        """Decide on one resource, if it decides anything; what is above it has been decided."""
        live = self._snapshot.lives.get(address)
        if address in self.external:
            self._add_external(address, live)
            return
        kind, parent = kind_of(address), parent_of(address)
        if kind.marking is Marking.NONE:
            # Of what is there, the last word is said where it is known what it leads to (S14).
            if live is None:
                self.ours.add(address)
        elif kind.numbering is not None and parent is None and address.identity[-1] == NEW:
            self._add_series(address)
        elif parent is None or (kind.marking is Marking.PARENT and says_itself(address, self.external)):
            self._add_bearer(kind, address, live)
        else:
            self._add_child(address, live)

    def _add_external(self, address: Address, live: Live | None) -> None:
        self.theirs.add(address)
        if live is None and address in self._desired:
            self.found.append(_missing(address, self._desired[address]))
        elif live is not None and live.mark == self._site.mark:
            self.released[address] = self._declared[address]

    def _add_bearer(self, kind: Kind, address: Address, live: Live | None) -> None:
        """What is ours only if it says so itself."""
        parent = parent_of(address)
        if live is None and parent in self.external and parent not in self._snapshot.lives:
            # There is nothing that it could be put in.
            self.theirs.add(address)
        elif live is None or live.mark == self._site.mark:
            self.ours.add(address)
        elif live.mark is None and parent in self.released and address in self._declared:
            # The service above said it until now.
            self.ours.add(address)
        elif address not in self._desired:
            self.theirs.add(address)
        elif live.mark is None and _is_our_unmarked(kind, address, self._desired, self._snapshot, self._site):
            self.ours.add(address)
        else:
            self._claim(address, live.mark)

    def _add_series(self, address: Address) -> None:
        """The next of a series is ours where one of those before it is, or none is there yet."""
        there = [
            live
            for one, live in self._snapshot.lives.items()
            if one.kind == address.kind and one.identity[:-1] == address.identity[:-1]
        ]
        if not there or any(live.mark == self._site.mark for live in there):
            self.ours.add(address)
        else:
            newest = max(there, key=lambda live: int(live.address.identity[-1]))
            self._claim(address, newest.mark)

    def _add_child(self, address: Address, live: Live | None) -> None:
        """What is whose its parent is, but for a mark of somebody else's (S10)."""
        if live is None or live.mark in (None, self._site.mark):
            return
        if address in self._desired and self._is_above_ours(address):
            self._claim(address, live.mark)
        else:
            self.theirs.add(address)

    def _is_above_ours(self, address: Address) -> bool:
        for here in lineage(address)[1:]:
            if here in self.ours or here in self.theirs:
                return here in self.ours
        return False

    def _claim(self, address: Address, mark: Mark | None) -> None:
        """Take over what the user says may be taken over; refuse the rest (S12)."""
        wishes = self._wishes
        over = matches(address, wishes.adopt_over)
        named = over or matches(address, wishes.adopt)
        allowed = named if mark is None else str(mark) in wishes.adopt_from
        if not allowed:
            self.theirs.add(address)
            self.found.append(_refusal(address, mark, self._desired))
            return
        self.ours.add(address)
        self.adopted.add(address)
        if not over:
            self.gently.add(address)


def orphan_warnings(snapshot: Snapshot, site: Site, targets: Iterable[Target]) -> tuple[Diagnostic, ...]:
    """Marked resources of this project whose target the file no longer names, or has led elsewhere (S9).

    `targets` are all those of the file.
    """
    everywhere = {one.name: one for one in targets}
    found: list[Diagnostic] = []
    for mark in sorted(snapshot.marks):
        known = site.target if mark.target == site.target.name else everywhere.get(mark.target)
        if mark.project != site.project or (known is not None and _leads_to(known, site)):
            continue
        said, way = "is not in the file", "add the target back"
        if known is not None:
            said, way = f"leads to {_place_text(known)} now", "lead a target of that name here once more"
        found.append(
            warning(
                f"target {mark.target!r} {said}, but still owns resources here",
                detail=f"marked {mark} in {site.scope.region}; nothing of it is touched",
                hint=f"to remove them, {way} with `retired: true` and apply `--target {mark.target}`",
            )
        )
    return tuple(found)


def _leads_to(target: Target, site: Site) -> bool:
    """Whether a target is in this account and region; one that names no account may be."""
    same_account = target.account is None or target.account == site.scope.account
    return same_account and (target.provider, target.region) == (site.target.provider, site.scope.region)


def _place_text(target: Target) -> str:
    return f"{target.region} of {target.account_word} {target.account}" if target.account else target.region


def _is_our_unmarked(kind: Kind, address: Address, desired: Desired, snapshot: Snapshot, site: Site) -> bool:
    """A crash between create and mark leaves an unmarked, empty resource that equals the promise (S11)."""
    if snapshot.under(address):
        return False
    promise = desired_body(kind, desired[address].body, site.scope.api)
    live = snapshot.lives[address].body
    if kind.tags is None:
        return False
    # What has an update of its own comes after the mark; of secrets that no read tells, a digest would be in the tags.
    made = as_made(kind, promise)
    wanted = {name: value for name, value in made.items() if not kind.field(name).digest_tag}
    told_apart = all(agrees(kind.field(name), made[name], live.get(name)) for name in made.keys() - wanted.keys())
    return not live.get(kind.tags.field) and told_apart and covers(wanted, live)


def _missing(address: Address, resource: Resource) -> Diagnostic:
    return error(
        f"{address.short} is external and does not exist",
        detail="somebody else is to keep it, so fcdeploy does not create it",
        hint="have it created first, or take `external: true` away",
        address=str(address),
        span=resource.span,
    )


def _refusal(address: Address, mark: Mark | None, desired: Desired) -> Diagnostic:
    named = said(address).replace(":", " ", 1)
    if mark is None:
        return error(
            f"{named} exists already and is not managed by fcdeploy",
            detail="it carries no mark of a project, so nothing of it is changed",
            hint=f"to take it over: --adopt '{said(address)}'; or choose another name",
            address=str(address),
            span=desired[address].span,
        )
    return error(
        f"{named} belongs to {mark}",
        detail="it is marked as another project's or target's, so nothing of it is changed",
        hint=f"choose another name, or take it over: --adopt-from {mark}",
        address=str(address),
        span=desired[address].span,
    )
