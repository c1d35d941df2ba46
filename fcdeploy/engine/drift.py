"""What live and the file disagree on, and who moved since the last run. Pure; the words are render's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from fcdeploy.engine.canonical import covers
from fcdeploy.engine.diff import leaf_changes
from fcdeploy.engine.numbered import names_number
from fcdeploy.engine.pins import unpinned
from fcdeploy.engine.redact import has_secret
from fcdeploy.engine.snapshot import Desired, Snapshot, lineage
from fcdeploy.engine.steps import Difference
from fcdeploy.engine.traces import NOT_WRITTEN, UNSETTLED, Trace
from fcdeploy.kinds.fields import Codec, Field
from fcdeploy.kinds.registry import parent_of
from fcdeploy.model import Action, Address, Drift, FieldDrift, Gap, Json, Mover, has_later

NO_SECRETS = "the journal keeps no secrets"

_BY_ACTION = {Action.CREATE: Gap.MISSING, Action.DELETE: Gap.EXTRA}


def drifting(found: Sequence[Difference], stopped: Iterable[Address], snapshot: Snapshot) -> dict[Address, Gap]:
    """The resources that live and the file disagree on.

    What a plan would do as a consequence is no drift: a resource that goes with its parent or is beyond what is kept, a
    next version because of what it freezes, and what would then name it. `stopped` are those of which ownership allows
    no plan: what is there is somebody else's, or what somebody else is to keep is not there (S12, S13).
    """
    gaps: dict[Address, Gap] = {}
    freezing: list[Difference] = []
    for one in found:
        numbering = one.kind.numbering
        if numbering is not None and numbering.freezes is not None and one.action is Action.CREATE:
            freezing.append(one)
        elif one.action is Action.CREATE or (one.action is Action.DELETE and not (numbering and one.reason)):
            gaps[one.address] = _BY_ACTION[one.action]
        elif one.action in (Action.UPDATE, Action.REPLACE) and _own_fields(one):
            gaps[one.address] = Gap.DIFFERS
    gaps |= {address: Gap.FOREIGN if address in snapshot.lives else Gap.MISSING for address in stopped}
    frozen = {above for address in gaps for above in lineage(address)}
    late = {one.address: Gap.MISSING for one in freezing if parent_of(one.address) not in frozen}
    return gaps | late


def _own_fields(difference: Difference) -> tuple[Field, ...]:
    """The fields that differ by themselves: not for a number that only a plan would give, nor for the note of a pin."""
    late = {one.name for one in difference.fields if has_later(difference.body.get(one.name))}
    noted, live = difference.kind.pin_field, difference.live.body if difference.live is not None else {}
    same = unpinned(difference.kind, live)[0].get(noted) == unpinned(difference.kind, difference.body)[0].get(noted)
    # What `previous` means goes with what `latest` means.
    return tuple(
        one
        for one in difference.fields
        if one.name not in late
        and not (late and names_number(difference.kind, one))
        and not (same and one.name == noted)
    )


def drifts(
    found: Sequence[Difference],
    gaps: Mapping[Address, Gap],
    wanted: Desired,
    snapshot: Snapshot,
    traces: Mapping[Address, Trace] | None,
) -> tuple[Drift, ...]:
    """Every resource of `gaps` in the order of their addresses; `traces` is None where there is no journal."""
    differences = {one.address: one for one in found}
    return tuple(
        _drift(address, gaps[address], differences.get(address), wanted, snapshot, traces) for address in sorted(gaps)
    )


def _drift(
    address: Address,
    gap: Gap,
    difference: Difference | None,
    wanted: Desired,
    snapshot: Snapshot,
    traces: Mapping[Address, Trace] | None,
) -> Drift:
    trace = traces.get(address) if traces is not None else None
    fields: tuple[FieldDrift, ...] = ()
    moved, why = Mover.UNKNOWN, ""
    if gap is Gap.DIFFERS and difference is not None:
        fields = tuple(_fields(difference, snapshot, trace, known=traces is not None))
    elif traces is not None:
        moved, why = _existence(gap, trace)
    live, resource = snapshot.lives.get(address), wanted.get(address)
    mark = live.mark if live is not None and gap is Gap.FOREIGN else None
    return Drift(
        address=address,
        gap=gap,
        fields=fields,
        moved=moved,
        why=why,
        run=trace.run if trace is not None else "",
        note=difference.reason if difference is not None and gap is Gap.MISSING else "",
        owner=f"{mark.project}/{mark.target}" if mark is not None else "",
        span=resource.span if resource is not None else None,
    )


def _existence(gap: Gap, trace: Trace | None) -> tuple[Mover, str]:
    """Who made a resource be on one side only."""
    if trace is None:
        return Mover.UNKNOWN, NOT_WRITTEN
    if trace.exists is None:
        return Mover.UNKNOWN, trace.why
    if gap is Gap.FOREIGN:
        return (Mover.LIVE, "") if trace.exists else (Mover.BOTH, "")
    return (Mover.LIVE, "") if trace.exists is (gap is Gap.MISSING) else (Mover.FILE, "")


def _fields(difference: Difference, snapshot: Snapshot, trace: Trace | None, *, known: bool) -> Iterable[FieldDrift]:
    resource, live = difference.resource, difference.live
    assert resource is not None and live is not None
    notes = {
        one.name: snapshot.code_notes.get(difference.address, "")
        for one in difference.fields
        if one.codec is Codec.ARCHIVE
    }
    (body, _), (now, _) = unpinned(difference.kind, difference.body), unpinned(difference.kind, live.body)
    if trace is not None:
        trace = replace(trace, body=unpinned(difference.kind, trace.body)[0])
    for leaf in leaf_changes(_own_fields(difference), body, now, resource, notes):
        moved, why = mover(leaf.path, leaf.before, leaf.after, trace) if known else (Mover.UNKNOWN, "")
        change = replace(leaf.change, note=notes.get(leaf.path[0], ""))
        yield FieldDrift(change=change, given=leaf.given, moved=moved, why=why)


def mover(path: tuple[str, ...], live: Json, file: Json, trace: Trace | None) -> tuple[Mover, str]:
    """Who moved a field on which the two disagree, compared with what the last run left; or why that is not known."""
    if trace is None:
        return Mover.UNKNOWN, NOT_WRITTEN
    if trace.exists is False:
        return Mover.BOTH, ""
    if trace.exists is None or path[0] not in trace.body:
        return Mover.UNKNOWN, trace.why
    left: Json = trace.body
    for part in path:
        left = left.get(part) if isinstance(left, Mapping) else None
    if has_later(left):
        return Mover.UNKNOWN, UNSETTLED
    if has_secret(left):
        # References only: what they resolve to now is not what was sent then (S36).
        return Mover.UNKNOWN, NO_SECRETS
    live_moved = not covers(left, live)
    file_moved = not (covers(left, file) and covers(file, left))
    match live_moved, file_moved:
        case True, True:
            return Mover.BOTH, ""
        case True, False:
            return Mover.LIVE, ""
        case False, True:
            return Mover.FILE, ""
        case _:
            return Mover.UNKNOWN, ""
