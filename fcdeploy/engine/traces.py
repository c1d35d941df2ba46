"""What past runs left of a resource, as far as the journal still knows it. Pure.

A run knows more than what it wrote: an update's `before` is the whole body that it was guarded with, so all of it was
there when the run ended. History keeps for ever which resources a run wrote to; the values go with the saved plan
(S36).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.engine.journal_rows import RunRecord, StepSummary
from fcdeploy.engine.outputs import Outputs, filled_step
from fcdeploy.engine.standing import StepStanding
from fcdeploy.model import Action, Address, EventType, Json, Step

NOT_WRITTEN = "no kept run wrote it"
FORGOTTEN = "what the last run wrote is no longer kept"
UNSETTLED = "the effect of its last write is not known"


class Trace(Struct, frozen=True, kw_only=True):
    """What the run `run`, and those before it, left of one resource.

    `exists` is None while an effect is not known. `body` holds the canonical top-level fields that are known; `why`
    says why the others are not. A `whole` trace has nothing to learn from older runs.
    """

    run: str
    exists: bool | None
    body: Mapping[str, Json]
    whole: bool
    why: str = NOT_WRITTEN

    def over(self, older: Trace) -> Trace:
        """This trace, with what an older run adds to it."""
        if self.whole:
            return self
        return replace(self, body={**older.body, **self.body}, whole=older.whole, why=older.why)


def traces_of(
    record: RunRecord,
    steps: Sequence[Step] | None,
    standing: Mapping[str, StepStanding],
    addresses: Collection[Address],
) -> dict[Address, Trace]:
    """What one run left of these resources; those it had no effect on are absent.

    `steps` are the saved plan's, None when it was forgotten; `standing` is the fold of the run's events.
    """
    outputs = {name: one.outputs for name, one in standing.items() if one.outputs}
    by_id = {step.id: _filled(step, outputs) for step in steps or ()}
    wanted = {str(address): address for address in addresses}
    found: dict[Address, Trace] = {}
    undone: list[StepSummary] = []
    for step in record.steps:
        one = standing.get(step.id)
        if step.address not in wanted or one is None:
            continue
        address = wanted[step.address]
        if one.is_unsettled:
            found[address] = _unsettled(record.id)
        elif one.happened or one.type is EventType.UNDONE:
            found[address] = _after(found.get(address), record.id, step, by_id.get(step.id))
            undone += [step] if one.type is EventType.UNDONE else []
    for step in reversed(undone):
        address = wanted[step.address]
        found[address] = _before(found[address], step, by_id.get(step.id))
    own = {step.id for step in record.steps}
    for name, one in standing.items():
        # The way back has steps of its own, whose ids end with the address.
        if name not in own and one.is_unsettled:
            found |= {wanted[word]: _unsettled(record.id) for word in name.split() if word in wanted}
    return found


def _after(trace: Trace | None, run: str, step: StepSummary, kept: Step | None) -> Trace:
    """The trace when this step has had its effect as well."""
    if trace is not None and trace.exists is None and step.action is Action.UPDATE:
        return trace
    if step.action is Action.DELETE:
        return Trace(run=run, exists=False, body={}, whole=True)
    if kept is None:
        return Trace(run=run, exists=True, body={}, whole=True, why=FORGOTTEN)
    made = step.action is Action.CREATE
    earlier = trace.body if trace is not None and not made else {}
    body = {**earlier, **(kept.before or {}), **(kept.after or {})}
    return Trace(run=run, exists=True, body=body, whole=made or (trace is not None and trace.whole))


def _before(trace: Trace, step: StepSummary, kept: Step | None) -> Trace:
    """The trace when the step was taken back; of several steps of one resource, the last is taken back first."""
    if trace.exists is None:
        return trace
    if step.action is Action.CREATE:
        return replace(trace, exists=False, body={}, whole=True)
    if kept is None:
        return replace(trace, exists=True, body={}, whole=True, why=FORGOTTEN)
    if step.action is Action.DELETE:
        return replace(trace, exists=True, body=dict(kept.before or {}), whole=True)
    return replace(trace, body={**trace.body, **(kept.before or {})})


def _filled(step: Step, outputs: Outputs) -> Step:
    """The step with what the run's replies gave; one whose values are not all known stays as it is."""
    try:
        return filled_step(step, outputs)
    except KeyError:
        return step


def _unsettled(run: str) -> Trace:
    return Trace(run=run, exists=None, body={}, whole=True, why=UNSETTLED)
