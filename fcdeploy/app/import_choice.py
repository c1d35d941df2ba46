"""What of a live account an import takes: the resources that its names choose, and what stands beneath them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from fcdeploy.app.bench import Bench
from fcdeploy.diagnostics import Diagnostic, did_you_mean, warning
from fcdeploy.engine.snapshot import lineage
from fcdeploy.errors import UsageError
from fcdeploy.kinds.descriptor import Marking
from fcdeploy.kinds.registry import kind_of, roots
from fcdeploy.model import Address, Live, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is imported. `external` are resources of which only some of what stands beneath is. `adopt` are the words
    with which an apply takes it over (S12).
    """

    lives: Mapping[Address, Live]
    external: frozenset[Address] = frozenset()
    adopt: tuple[str, ...] = ()
    found: tuple[Diagnostic, ...] = ()


async def read_chosen(bench: Bench, names: Sequence[str]) -> Chosen:
    """Everything under what the names choose, as it is live; without names, all that no project owns.

    A name with a `/` chooses something in a resource that somebody else keeps (S13). Raises UsageError and ReadFailed.
    """
    target = bench.site.target
    kinds = [kind for kind in roots(target.provider) if kind.marking is Marking.TAGS]
    named = await asyncio.gather(*map(bench.reader.read_names, kinds))
    everything = [
        Address(provider=target.provider, target=target.name, kind=kind.name, identity=(name,))
        for kind, there in zip(kinds, named, strict=True)
        for name in there
    ]
    wanted = {address for address in everything if not names or _selects(names, address)}
    _check_matched(names, everything)
    wishes = {address: Resource(address=address, body={}) for address in wanted}
    snapshot = await bench.reader.read_snapshot(wishes)
    lives: dict[Address, Live] = {}
    external: set[Address] = set()
    found: list[Diagnostic] = []
    for root in sorted(wanted & snapshot.lives.keys()):
        mark = snapshot.lives[root].mark
        if mark is not None and mark != bench.site.mark:
            foreign = f"{mark.project}/{mark.target}"
            if not names:
                found.append(
                    warning(
                        f"{root.short} is left out: it belongs to {foreign}", hint=f"name it to import it: {root.name}"
                    )
                )
                continue
            found.append(
                warning(f"{root.short} belongs to {foreign}", hint=f"take it over with --adopt-from {foreign}")
            )
        below = [root, *snapshot.under(root)]
        if names and not any(fnmatchcase(root.name, one) for one in names if "/" not in one):
            if not kind_of(root).may_be_external:
                raise UsageError(f"{root.short} can only be imported as a whole")
            external.add(root)
            picked = {one for one in below if kind_of(one).mark_field and len(one.identity) == 2}
            picked = {one for one in picked if any(fnmatchcase(one.name, name) for name in names)}
            below = [root, *(one for one in below if not picked.isdisjoint(lineage(one)))]
        lives |= {address: snapshot.lives[address] for address in below}
    if not set(lives) - external:
        raise UsageError(
            "there is nothing to import",
            detail="\n".join(one.summary for one in found) or "nothing that is live matches",
        )
    marks = {live.mark for address, live in lives.items() if kind_of(address).parent is None} - {bench.site.mark}
    from_others = sorted({f"{mark.project}/{mark.target}" for mark in marks if mark is not None})
    adopt = (*(("--adopt", "*") if None in marks else ()), *(w for one in from_others for w in ("--adopt-from", one)))
    return Chosen(lives=lives, external=frozenset(external), adopt=adopt, found=tuple(found))


def _selects(names: Sequence[str], root: Address) -> bool:
    """Whether a name is about this resource at the top, or about something in it."""
    return any(fnmatchcase(root.name, name.partition("/")[0]) for name in names)


def _check_matched(names: Sequence[str], everything: Sequence[Address]) -> None:
    for name in names:
        if not any(_selects((name,), root) for root in everything):
            known = [root.name for root in everything]
            hint = did_you_mean(name.partition("/")[0], known) or f"there are: {', '.join(known[:20]) or 'none'}"
            raise UsageError(f"nothing live is called `{name}`", hint=hint)
