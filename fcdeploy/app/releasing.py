"""Moving what names a version back to an earlier one (S33): which it is, where to, and the plan of that one write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.app.bench import Bench
from fcdeploy.app.reports import Kept, Move
from fcdeploy.diagnostics import Diagnostic, warning
from fcdeploy.engine.crowding import without_crowds
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
from fcdeploy.kinds.registry import KINDS, kind_of, parent_of
from fcdeploy.model import Action, Address, Call, EventType, Json, Live, Plan, Resource, Step


async def read_move(bench: Bench, journal: Journal, declared: Desired, move: Move) -> tuple[Plan, tuple[Kept, ...]]:
    """The plan that moves it back, and what the file is to say then.

    Raises ReadFailed, and RunError when there is nothing of that name that is ours, or nothing to move it to.
    """
    asked = {address: one for address, one in declared.items() if kind_of(address).numbering is None}
    snapshot = await bench.reader.read_snapshot(asked)
    named = [await _read_origin(bench, journal, one, move) for one in _named(bench, declared, snapshot, move)]
    moving = _moved_last(named, declared) if move.to is None else named
    found = [_difference(one, declared, snapshot, move) for one in moving]
    _refuse_crowds(found, snapshot)
    stays = [_stays(one.live.address) for one in named if one not in moving]
    plan = to_plan(found, snapshot, bench.site, (*bench.warnings, *stays))
    return plan, tuple(_kept(one, found, snapshot, declared) for one in found)


class _Origin(Struct, frozen=True, kw_only=True):
    """What may be moved back: where it was `earlier`, before the last of our runs that moved it to where it is now.

    `age` counts the runs since that one; None where no journal tells.
    """

    live: Live
    earlier: str | None = None
    age: int | None = None


def _moved_last(named: Sequence[_Origin], declared: Desired) -> list[_Origin]:
    """Of those that the file says once, the ones that the last run which moved any of them did move.

    A release makes versions only of the functions that changed; the others have nothing of it to go back from.
    """
    ages: dict[object, int] = {}
    for one in named:
        spot = _spot(one.live.address, declared)
        if one.age is not None:
            ages[spot] = min(one.age, ages.get(spot, one.age))
    return [one for one in named if ages.get(_spot(one.live.address, declared)) in (None, one.age)]


def _stays(address: Address) -> Diagnostic:
    return warning(
        f"{address.short} stays where it is",
        detail="the run that last moved what is moved back now did not move it",
        hint="to move it too, name it by itself",
        address=str(address),
    )


def _spot(address: Address, declared: Desired) -> object:
    """Where the file says it: of what it says once for several, the same."""
    kind, resource = kind_of(address), declared.get(address)
    if not kind.stands_in or resource is None or not resource.called:
        return address
    return (kind.name, resource.called[0], resource.called[-1])


def _refuse_crowds(found: Sequence[Difference], snapshot: Snapshot) -> None:
    """Raises RunError where another stands where one is to go, and stays there."""
    moving = {one.address for one in found}
    beside = {(one.kind, parent_of(one)) for one in moving}
    standing = [
        Difference(address=address, action=Action.NONE, resource=None, body=live.body, live=live)
        for address, live in snapshot.lives.items()
        if address not in moving and (address.kind, parent_of(address)) in beside
    ]
    for one in without_crowds([*standing, *found]):
        for note in one.notes:
            raise RunError(note.summary, detail=note.detail, hint="move that one first, or say another with --to")


def _named(bench: Bench, declared: Desired, snapshot: Snapshot, move: Move) -> list[Address]:
    """What the words mean: one resource, or, by a glob, several of them."""
    owned = verdicts({}, snapshot, bench.site, Wishes(), declared)
    named = [
        address
        for address in sorted(snapshot.lives)
        if pointer(kind_of(address)) is not None and _is_meant(address, declared.get(address), move)
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
    spots = {_spot(address, declared) for address in ours}
    if len(spots) > 1 and not _is_glob(move.name) and not (move.within and _is_glob(move.within)):
        names = ", ".join(address.short for address in ours)
        raise RunError(
            f"{move.name!r} could be any of {len(spots)}", detail=names, hint="say which with --service; '*' is all"
        )
    return ours


def _is_glob(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def _is_meant(address: Address, resource: Resource | None, move: Move) -> bool:
    """Whether the words mean it, by its names in the cloud or by those of the file, the outermost of which will do."""
    parent = parent_of(address)
    called = resource.called if resource is not None else ()
    above = {parent.name} if parent is not None else set()
    names = {address.identity[-1]}
    if called:
        above |= {"/".join(called[:count]) for count in range(1, len(called))}
        names |= {"/".join(called), f"{called[0]}/{called[-1]}"}
    if move.within is not None and not any(fnmatchcase(one, move.within) for one in above):
        return False
    return any(fnmatchcase(one, move.name) for one in names) or matches(address, [move.name])


async def _read_origin(bench: Bench, journal: Journal, address: Address, move: Move) -> _Origin:
    live = await bench.reader.read_one(address)
    if live is None:
        raise ReadFailed(f"{address.short} went away while it was read", resource=address.short, hint="try again")
    field = pointer(kind_of(address))
    assert field is not None
    return _Origin(live=live) if move.to else await _read_earlier(journal, live, field.name)


def _difference(origin: _Origin, declared: Desired, snapshot: Snapshot, move: Move) -> Difference:
    live, address = origin.live, origin.live.address
    field = pointer(kind_of(address))
    assert field is not None
    series = replace(address, kind=field.refers, identity=(*address.identity[:-1], NEW))
    existing = tuple(members(series, snapshot))
    number = number_before(live, existing, earlier=origin.earlier, to=move.to)
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


async def _read_earlier(journal: Journal, live: Live, name: str) -> _Origin:
    """Where it was before the last move that a run of ours made, if that move led to where it is now."""
    for age, record in enumerate(await journal.read_runs()):
        if not record.plan or str(live.address) not in {step.address for step in record.steps}:
            continue
        standing = fold(await journal.read_events(record.id))
        outputs = {step: one.outputs for step, one in standing.items() if one.outputs}
        for step in (await journal.read_plan(record.id, _unknown_secret)).steps:
            if step.address == live.address and (one := standing.get(step.id)) and one.type is EventType.DONE:
                was, then = _moved(step, outputs, name)
                if was != then:
                    led_here = was is not None and then == live.body.get(name)
                    return _Origin(live=live, earlier=str(was), age=age) if led_here else _Origin(live=live)
    return _Origin(live=live)


def _moved(step: Step, outputs: Mapping[str, Mapping[str, Json]], name: str) -> tuple[Json, Json]:
    """A field before and after a step; the same twice where the step does not write it."""
    bare = replace(step, call=Call(operation="", method="", path=""), undo=())
    after = filled_step(bare, outputs).after or {}
    was = (step.before or {}).get(name)
    return was, after.get(name, was)


def _unknown_secret(part: Json) -> str:
    del part
    return ""


def _kept(difference: Difference, found: Sequence[Difference], snapshot: Snapshot, declared: Desired) -> Kept:
    address, kind = difference.address, difference.kind
    field, parent = pointer(kind), parent_of(address)
    assert field is not None and parent is not None
    bodies = {
        **{other: live.body for other, live in snapshot.lives.items()},
        **{one.address: one.body for one in found},
    }
    spot = _spot(address, declared)
    numbers = {str(bodies[one][field.name]) for one in bodies if one == address or _spot(one, declared) == spot}
    place = KINDS[(kind.provider, kind.place or kind_of(parent).name)]
    called = declared[address].called if address in declared else ()
    said, above = declared.get(address), declared.get(parent)
    span = (said.spans.get(field.name) or said.span) if said is not None else above.span if above is not None else None
    return Kept(
        address=address,
        line=kept_line(address, numbers),
        above=f"{place.section}.{called[0] if called else parent.name}",
        span=span,
    )
