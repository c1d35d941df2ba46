"""What was, told from the journal: a run in figures, and each of its calls. Pure.

It needs neither the saved plan nor a cloud, so what it tells is told for ever (S36: history stays).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from fcdeploy.engine.journal_rows import RunRecord, StepSummary
from fcdeploy.engine.snapshot import lineage
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Address, CallResult, Event, EventType, PastCall, PastRun, RunHistory

_RESULTS = {
    EventType.BEGUN: CallResult.UNKNOWN,
    EventType.UNKNOWN: CallResult.UNKNOWN,
    EventType.DONE: CallResult.DONE,
    EventType.FAILED: CallResult.FAILED,
    EventType.SKIPPED: CallResult.SKIPPED,
    EventType.UNDONE: CallResult.UNDONE,
}


class _Told(Struct):
    """What the events say of one step so far."""

    word: EventType = EventType.BEGUN
    happened: bool = False
    tries: int = 0
    began: float | None = None
    ended: float | None = None
    request_id: str = ""
    note: str = ""

    def hear(self, word: EventType) -> None:
        """One more event."""
        self.word = word
        self.happened = self.happened or word is EventType.DONE

    def hear_whole(self, event: Event) -> None:
        """One more event, with all that it says."""
        self.hear(event.type)
        match event.type:
            case EventType.BEGUN:
                self.tries += 1
                self.began = event.at if self.began is None else self.began
                # What an earlier try was answered is not the answer any more.
                self.ended, self.request_id, self.note = None, "", ""
            case EventType.UNDONE:
                return
            case _:
                self.ended = event.at
                self.request_id = event.request_id or self.request_id
                self.note = event.note or self.note

    @property
    def stands(self) -> bool:
        """Whether its effect is there, as far as its own events say."""
        return self.happened and self.word is not EventType.UNDONE


def past_run(record: RunRecord, words: Iterable[tuple[str, EventType]]) -> PastRun:
    """A run in figures; `words` are its events in their order, as step id and type."""
    told: dict[str, _Told] = {}
    for step, word in words:
        told.setdefault(step, _Told()).hear(word)
    return _figures(record, told)


def run_history(record: RunRecord, events: Iterable[Event]) -> RunHistory:
    """A run with all its calls; `events` in the order they were appended."""
    told: dict[str, _Told] = {}
    for event in events:
        told.setdefault(event.step, _Told()).hear_whole(event)
    gone = _gone(record, told)
    own = {step.id: step for step in record.steps}
    back = {undo.id: undo for step in record.steps for undo in step.undo}
    begun = [name for name in told if name in own]
    pending = list(_pending(record, told, gone)) if _is_undoing(own, told) else []
    return RunHistory(
        run=_figures(record, told),
        calls=tuple(
            _call(own[name], name, told.get(name), gone.get(name))
            for name in (*begun, *(name for name in own if name not in told))
        ),
        back=tuple(
            _call(back.get(name), name, told.get(name), None)
            for name in (*(name for name in told if name not in own), *pending)
        ),
    )


def _figures(record: RunRecord, told: Mapping[str, _Told]) -> PastRun:
    own = [(step.id, told[step.id]) for step in record.steps if step.id in told]
    gone = _gone(record, told)
    standing = [step for step in record.steps if step.id in told and told[step.id].stands and step.id not in gone]
    undone = sum(1 for name, one in own if one.word is EventType.UNDONE or name in gone)
    return PastRun(
        run=record.id,
        target=record.target,
        command=record.command,
        started=record.started,
        ended=record.ended,
        ending=record.ending,
        holder=record.holder,
        tool_version=record.tool_version,
        total=len(record.steps),
        done=len(standing),
        undone=undone,
        failed=sum(1 for _, one in own if one.word is EventType.FAILED),
        unsettled=sum(1 for one in told.values() if _RESULTS[one.word] is CallResult.UNKNOWN),
        undoing=_is_undoing({step.id for step in record.steps}, told),
        kept=record.plan is not None,
        reversible=_is_reversible(standing),
    )


def _is_undoing(own: Iterable[str], told: Mapping[str, _Told]) -> bool:
    """Whether the way back has had an effect, or may have had one."""
    names = frozenset(own)
    return any(
        one.word is EventType.UNDONE
        or (name not in names and (one.happened or _RESULTS[one.word] is CallResult.UNKNOWN))
        for name, one in told.items()
    )


def _gone(record: RunRecord, told: Mapping[str, _Told]) -> dict[str, Address]:
    """Steps whose effect went away with a resource that this run made and took back, by id, with that resource."""
    undone = {name for name, one in told.items() if one.word is EventType.UNDONE}
    taken = {step.address for step in record.steps if step.action is Action.CREATE and step.id in undone and step.undo}
    gone: dict[str, Address] = {}
    for step in record.steps if taken else ():
        along = not step.undo if step.id in undone else step.id in told and told[step.id].stands
        if not along or step.action is Action.DELETE:
            continue
        above = next((one for one in lineage(Address.parse(step.address)) if str(one) in taken), None)
        if above is not None:
            gone[step.id] = above
    return gone


def _pending(record: RunRecord, told: Mapping[str, _Told], gone: Mapping[str, Address]) -> Iterator[str]:
    """The undo steps of what stands that have not begun, in the order in which they would."""
    for step in reversed(record.steps):
        if step.id in told and told[step.id].stands and step.id not in gone:
            yield from (undo.id for undo in step.undo if undo.id not in told)


def _is_reversible(standing: Collection[StepSummary]) -> bool:
    """Whether each step has a way back, its own or that of something that the run made and it stands in.

    One of a series that was deleted is in nobody's way: the way back does without it.
    """
    made = {step.address for step in standing if step.action is Action.CREATE and step.undo}

    def passes(step: StepSummary) -> bool:
        address = Address.parse(step.address)
        if step.action is Action.DELETE:
            return kind_of(address).numbering is not None
        return any(str(above) in made for above in lineage(address))

    return any(step.undo for step in standing) and all(step.undo or passes(step) for step in standing)


def _call(step: StepSummary | None, name: str, told: _Told | None, gone_with: Address | None) -> PastCall:
    result = CallResult.NOT_STARTED
    if told is not None:
        result = CallResult.UNDONE if gone_with is not None else _RESULTS[told.word]
    told = told or _Told()
    return PastCall(
        step=name,
        address=Address.parse(step.address) if step else None,
        action=step.action if step else None,
        group=step.group if step else "",
        operation=step.operation if step else "",
        last=step.last if step else False,
        result=result,
        tries=told.tries,
        began=told.began,
        ended=told.ended,
        happened=told.happened,
        gone_with=gone_with,
        request_id=told.request_id,
        note=told.note,
    )
