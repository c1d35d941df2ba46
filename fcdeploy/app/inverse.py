"""The plan that takes an ended run back, from what the journal kept of it (S34, S36)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from fcdeploy.app.bench import Bench
from fcdeploy.app.running import read_saved_plan
from fcdeploy.diagnostics import Diagnostic, warning
from fcdeploy.engine.diff import returning_fields
from fcdeploy.engine.edges import address_of, names_of
from fcdeploy.engine.journal import Journal, RunRecord, StepStanding, fold
from fcdeploy.engine.lasting import kept
from fcdeploy.engine.outputs import filled_step
from fcdeploy.engine.rollback import inverse
from fcdeploy.engine.standing import unsettled_in
from fcdeploy.engine.steps import OWN_ETAG
from fcdeploy.errors import RunError
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Address, Change, Guard, IfMatch, Plan, Recheck, SecretSource, Step


async def read_inverse(bench: Bench, journal: Journal, record: RunRecord, secret: SecretSource) -> Plan:
    """The plan that takes an ended run back, guarded by the ETags that the run itself was given.

    Versions that the run pruned do not come back, of which the plan warns. Raises RunError when anything else cannot be
    taken back, or would lead to one of these: half a way back is none (law 6).
    """
    plan = await read_saved_plan(bench, journal, record, secret)
    standing = fold(await journal.read_events(record.id))
    unsettled = unsettled_in(standing)
    if doubtful := [step.id for step in plan.steps if step.id in unsettled]:
        raise _refused(record, f"it is not known whether these took effect: {', '.join(doubtful)}")
    done = frozenset(name for name, one in standing.items() if one.happened)
    undo = inverse(plan.steps, done)
    pruned = [step for step in undo.lasting if _is_prune(step)]
    barred = [
        f"{step.id}: {kept(step) or 'nothing was kept that would undo it'}"
        for step in undo.lasting
        if not _is_prune(step)
    ]
    barred += _leading_to(undo.steps, {step.address for step in pruned}, bench.site.scope)
    if barred:
        raise _refused(record, "\n".join(barred))
    etags = _own_etags(plan.steps, standing)
    outputs = {name: one.outputs for name, one in standing.items() if one.outputs}
    steps = tuple(
        filled_step(replace(step, guard=_own(step, etags.get(step.address, OWN_ETAG))), outputs) for step in undo.steps
    )
    by_address: dict[Address, list[Step]] = {}
    for step in steps:
        by_address.setdefault(step.address, []).append(step)
    return Plan(
        project=plan.project,
        target=bench.site.target,
        changes=tuple(_returning(by_address[address], record.id) for address in sorted(by_address)),
        steps=steps,
        warnings=tuple(_left_out(step, record.id) for step in pruned),
    )


def _refused(record: RunRecord, why: str) -> RunError:
    return RunError(
        f"run {record.id} cannot be taken back",
        detail=why,
        hint="apply the file as it was before that run instead",
    )


def _is_prune(step: Step) -> bool:
    """Whether a step deleted one of a series: its number is never given again, so nothing brings it back (S40)."""
    return step.action is Action.DELETE and kind_of(step.address).numbering is not None


def _leading_to(steps: Iterable[Step], gone: Collection[Address], scope: Scope) -> list[str]:
    """What the way back would lead to something that is no longer there, which the service would refuse."""
    return [
        f"{step.address.short} would lead to {address.short} again, which is gone for good"
        for step in steps
        if gone and step.after is not None
        for address in sorted(address_of(name, step.address) for name in names_of(step.address, step.after, scope))
        if address in gone
    ]


def _left_out(step: Step, run: str) -> Diagnostic:
    return warning(
        f"{step.address.short} does not come back",
        detail=f"run {run} deleted it, and the service gives a number only once",
        address=str(step.address),
    )


def _own(step: Step, etag: str) -> Guard:
    """The guard of an undo with what the run itself was given."""
    match step.guard:
        case IfMatch():
            return IfMatch(etag=etag)
        case Recheck(fingerprint=fingerprint) if fingerprint == OWN_ETAG:
            return Recheck(fingerprint=etag)
        case _:
            return step.guard


def _returning(steps: Sequence[Step], run: str) -> Change:
    """What the way back does to one resource."""
    actions = {step.action for step in steps}
    return Change(
        address=steps[0].address,
        action=Action.REPLACE if {Action.DELETE, Action.CREATE} <= actions else steps[0].action,
        reason=f"takes back run {run}",
        fields=tuple(
            field
            for step in steps
            if step.after is not None
            for field in returning_fields(kind_of(step.address), step.before or {}, step.after, step.literal)
        ),
    )


def _own_etags(steps: Iterable[Step], standing: Mapping[str, StepStanding]) -> dict[Address, str]:
    given = [
        (one.order, step.address, one.etag)
        for step in steps
        if (one := standing.get(step.id)) is not None and one.happened and one.etag is not None
    ]
    return {address: etag for _, address, etag in sorted(given, key=lambda item: item[0])}
