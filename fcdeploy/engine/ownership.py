"""Whose a resource is, and who may take it over (S10-S15). Pure: decisions come back as values and findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from fcdeploy.diagnostics import Diagnostic, error, warning
from fcdeploy.engine.canonical import covers, desired_body
from fcdeploy.engine.snapshot import Desired, Site, Snapshot, root_of
from fcdeploy.kinds.descriptor import Kind, Marking
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Address, Json, Mark

MARK_PROJECT = "fcdeploy.project"
MARK_TARGET = "fcdeploy.target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user allows beyond the ordinary: globs of addresses, `P/T` marks, unsafe plans (S12, S15)."""

    adopt: tuple[str, ...] = ()
    adopt_over: tuple[str, ...] = ()
    adopt_from: tuple[str, ...] = ()
    allow_unsafe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Which roots are ours, which of them only by being adopted now, and what stops the plan.

    `gently` are adopted on condition that nothing is deleted or reset beneath.
    """

    roots: frozenset[Address]
    gently: frozenset[Address]
    found: tuple[Diagnostic, ...]


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
    full = str(address)
    kind_and_name = f"{address.kind}:{address.name}"
    return any(
        fnmatchcase(text, glob)
        for glob in globs
        for text in (full, full.partition(":")[2], kind_and_name, address.name)
    )


def owned_roots(desired: Desired, snapshot: Snapshot, site: Site, wishes: Wishes) -> Owned:
    """Sort the roots of desired and live into ours, adopted and somebody else's."""
    roots: set[Address] = set()
    gently: set[Address] = set()
    found: list[Diagnostic] = []
    for address, live in snapshot.lives.items():
        kind = kind_of(address)
        if kind.marking is not Marking.TAGS:
            continue
        if live.mark == site.mark:
            roots.add(address)
            continue
        if address not in desired:
            continue
        if live.mark is None and (
            matches(address, wishes.adopt_over) or _is_our_unmarked(kind, address, desired, snapshot, site)
        ):
            roots.add(address)
        elif live.mark is None and matches(address, wishes.adopt):
            roots.add(address)
            gently.add(address)
        elif live.mark is not None and f"{live.mark.project}/{live.mark.target}" in wishes.adopt_from:
            roots.add(address)
            if not matches(address, wishes.adopt_over):
                gently.add(address)
        else:
            found.append(_refusal(address, live.mark, desired))
    return Owned(roots=frozenset(roots), gently=frozenset(gently), found=tuple(found))


def is_owned(address: Address, owned: Owned) -> bool:
    """Whether a resource lives under one of our roots."""
    return root_of(address) in owned.roots


def orphan_warnings(snapshot: Snapshot, site: Site, targets: Iterable[str]) -> tuple[Diagnostic, ...]:
    """Marked resources of this project whose target the file no longer names (S9)."""
    known = {*targets, site.target.name}
    return tuple(
        warning(
            f"target {mark.target!r} is not in the file, but still owns resources here",
            detail=f"marked {mark.project}/{mark.target} in {site.scope.region}; nothing of it is touched",
            hint=f"to remove them, add the target back with `retired: true` and apply `--target {mark.target}`",
        )
        for mark in sorted(snapshot.marks)
        if mark.project == site.project and mark.target not in known
    )


def _is_our_unmarked(kind: Kind, address: Address, desired: Desired, snapshot: Snapshot, site: Site) -> bool:
    """A crash between create and mark leaves an unmarked, empty resource that equals the promise (S11)."""
    if snapshot.under(address):
        return False
    promise = desired_body(kind, desired[address].body, site.scope.api)
    live = snapshot.lives[address].body
    assert kind.tags is not None
    wanted = {name: value for name, value in promise.items() if name != kind.tags.field}
    return not live.get(kind.tags.field) and covers(wanted, live)


def _refusal(address: Address, mark: Mark | None, desired: Desired) -> Diagnostic:
    if mark is None:
        return error(
            f"{address.short} exists already and is not managed by fcdeploy",
            detail="it carries no mark of a project, so nothing of it is changed",
            hint=f"to take it over: --adopt '{address.kind}:{address.name}'; or choose another name",
            address=str(address),
            span=desired[address].span,
        )
    return error(
        f"{address.short} belongs to {mark.project}/{mark.target}",
        detail="it is marked as another project's or target's, so nothing of it is changed",
        hint=f"choose another name, or take it over: --adopt-from {mark.project}/{mark.target}",
        address=str(address),
        span=desired[address].span,
    )
