"""Moving what names a version back to an earlier one (S33): which it is, where to, and the plan of that one write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from fcdeploy.app.bench import Bench
from fcdeploy.app.types import Kept, Move
from fcdeploy.engine.journal import Journal, fold
from fcdeploy.engine.outputs import filled_step
from fcdeploy.engine.ownership import Wishes, is_owned, matches, verdicts
from fcdeploy.engine.pins import kept_line, moved_back, number_before, pointer
from fcdeploy.engine.planner import to_plan
from fcdeploy.engine.series import members
from fcdeploy.engine.snapshot import Desired, Snapshot
from fcdeploy.engine.steps import Difference
from fcdeploy.errors import ReadFailed, RunError
from fcdeploy.kinds.descriptor import NEW
from fcdeploy.kinds.registry import kind_of, parent_of
from fcdeploy.model import Address, Call, EventType, Json, Live, Plan, Step


async def read_move(bench: Bench, journal: Journal, declared: Desired, move: Move) -> tuple[Plan, tuple[Kept, ...]]:
    """The plan that moves it back, and what the file is to say then.

    Raises ReadFailed, and RunError when there is nothing of that name that is ours, or nothing to move it to.
    """
    asked = {address: one for address, one in declared.items() if kind_of(address).numbering is None}
    snapshot = await bench.reader.read_snapshot(asked)
    found = [
        await _read_difference(bench, journal, address, declared, snapshot, move)
        for address in _named(bench, declared, snapshot, move)
    ]
    plan = to_plan(found, snapshot, bench.site, bench.warnings)
    return plan, tuple(_kept(one, declared) for one in found)


def _named(bench: Bench, declared: Desired, snapshot: Snapshot, move: Move) -> list[Address]:
    """What the words mean: one resource, or, by a glob, several of them."""
    owned = verdicts({}, snapshot, bench.site, Wishes(), declared)
    named = [
        address
        for address in sorted(snapshot.lives)
        if pointer(kind_of(address)) is not None and _is_meant(address, move)
    ]
    ours = [address for address in named if is_owned(address, owned)]
    target = bench.site.target.name
    if named and not ours:
        raise RunError(
            f"{named[0].short} is not ours",
            detail="it carries no mark of this project and target, or another's, so nothing of it is changed",
            hint=f"whoever keeps it can move it back; `fcdeploy status --target {target}` lists what is ours",
        )
    if not ours:
        external = sorted(address.name for address in owned.external)
        raise RunError(
            f"target {target} has no {move.name!r}" + (f" in {move.within!r}" if move.within else ""),
            detail=f"what stands in {', '.join(external)} is somebody else's: `external: true`" if external else "",
            hint="`fcdeploy status` lists what there is",
        )
    if len(ours) > 1 and not _is_glob(move.name) and not (move.within and _is_glob(move.within)):
        names = ", ".join(address.short for address in ours)
        raise RunError(
            f"{move.name!r} could be any of {len(ours)}", detail=names, hint="say which with --service; '*' is all"
        )
    return ours


def _is_glob(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def _is_meant(address: Address, move: Move) -> bool:
    parent = parent_of(address)
    if move.within is not None and (parent is None or not fnmatchcase(parent.name, move.within)):
        return False
    return fnmatchcase(address.identity[-1], move.name) or matches(address, [move.name])


async def _read_difference(
    bench: Bench, journal: Journal, address: Address, declared: Desired, snapshot: Snapshot, move: Move
) -> Difference:
    live = await bench.reader.read_one(address)
    if live is None:
        raise ReadFailed(f"{address.short} went away while it was read", resource=address.short, hint="try again")
    field = pointer(kind_of(address))
    assert field is not None
    series = replace(address, kind=field.refers, identity=(*address.identity[:-1], NEW))
    existing = tuple(members(series, snapshot))
    earlier = None if move.to else await _read_earlier(journal, live, field.name)
    number = number_before(live, existing, earlier=earlier, to=move.to)
    now = live.body.get(field.name)
    there = ", ".join(map(str, existing)) or "none"
    if number is None and move.to:
        raise RunError(f"there is no {field.refers} {move.to} for {address.short}", detail=f"there are: {there}")
    if number is None:
        raise RunError(
            f"there is no {field.refers} before {now} that {address.short} could go back to",
            detail=f"there are: {there}",
        )
    return moved_back(live, number, declared.get(address))


async def _read_earlier(journal: Journal, live: Live, name: str) -> str | None:
    """Where it was before the last move that a run of ours made, if that move led to where it is now."""
    for record in await journal.read_runs():
        if not record.plan or str(live.address) not in {step.address for step in record.steps}:
            continue
        standing = fold(await journal.read_events(record.id))
        outputs = {step: one.outputs for step, one in standing.items() if one.outputs}
        for step in (await journal.read_plan(record.id, _unknown_secret)).steps:
            if step.address == live.address and (one := standing.get(step.id)) and one.type is EventType.DONE:
                was, then = _moved(step, outputs, name)
                if was != then:
                    return str(was) if was is not None and then == live.body.get(name) else None
    return None


def _moved(step: Step, outputs: Mapping[str, Mapping[str, Json]], name: str) -> tuple[Json, Json]:
    """A field before and after a step; the same twice where the step does not write it."""
    bare = replace(step, call=Call(operation="", method="", path=""), undo=())
    after = filled_step(bare, outputs).after or {}
    was = (step.before or {}).get(name)
    return was, after.get(name, was)


def _unknown_secret(part: Json) -> str:
    del part
    return ""


def _kept(difference: Difference, declared: Desired) -> Kept:
    address = difference.address
    field, parent = pointer(difference.kind), parent_of(address)
    assert field is not None and parent is not None
    said, above = declared.get(address), declared.get(parent)
    span = (said.spans.get(field.name) or said.span) if said is not None else above.span if above is not None else None
    return Kept(
        address=address,
        line=kept_line(address, str(difference.body[field.name])),
        above=f"{kind_of(parent).section}.{parent.name}",
        span=span,
    )
