"""What the journal saves as what: runs, plans and events to rows and JSON text and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import orjson
from msgspec import Struct

from fcdeploy.engine.redact import has_secret, shown
from fcdeploy.errors import JournalError
from fcdeploy.model import (
    Action,
    Ending,
    Event,
    EventType,
    Json,
    KeySource,
    Plan,
    SecretSource,
    Step,
    Target,
    from_json,
    to_json,
)


class StepSummary(Struct, frozen=True, kw_only=True):
    """What history keeps of a step; `address` in its printed form. `undo` are the steps that take it back, in order."""

    id: str
    address: str
    action: Action
    group: str
    operation: str
    last: bool
    undo: tuple[StepSummary, ...] = ()


class RunRecord(Struct, frozen=True, kw_only=True):
    """One run. Times are seconds since the epoch; `ended` and `ending` are None while it is open.

    `plan` is the SHA-256 of the saved plan, None when it was forgotten. `plan_id` is that of the plan file it came
    from, empty without one. `holder` is who opened it.
    """

    id: str
    project: str
    target: str
    command: str
    started: float
    ended: float | None
    ending: Ending | None
    steps: tuple[StepSummary, ...]
    plan: str | None
    plan_id: str
    spec_digest: str
    tool_version: str
    holder: str

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.ended is None


_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True, allow_nan=False).encode

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS


def _to_text(saved: Json) -> str:
    """JSON text of plain JSON. A `Sensitive` must not be written as its plain text, so there must be none left."""
    try:
        return orjson.dumps(saved, option=_OPTIONS).decode()
    except orjson.JSONEncodeError as error:  # a `Sensitive`, a lone surrogate, an integer of more than 64 bits
        if has_secret(saved):
            raise JournalError(
                "a secret would be saved as plain text", hint="this is a defect of fcdeploy: please report it"
            ) from error
        return _encode(saved)


def _step_text(step: Step) -> str:
    """The JSON text of a step's `to_json`, nearly always without making all of that."""
    try:
        return orjson.dumps(step.to_json(_body_text), option=_OPTIONS).decode()
    except orjson.JSONEncodeError:
        return _to_text(step.to_json())


def _body_text(body: Json) -> orjson.Fragment | None:
    """The JSON text of what `to_json` makes of a body: its leaves are written as that says, the rest as it is.

    `to_json` would also double the `$` with which a user's own key may begin: where the text holds more of what looks
    like that than our leaves do, it is asked after all.
    """
    if body is None:
        return None
    leaves = 0

    def to_plain(leaf: object) -> Json:
        nonlocal leaves
        leaves += not isinstance(leaf, Mapping)
        saved = to_json(leaf)
        if saved is leaf or has_secret(saved):
            raise TypeError(f"a {type(leaf).__name__} has no plain form")
        return saved

    try:
        text = orjson.dumps(body, default=to_plain, option=_OPTIONS)
    except orjson.JSONEncodeError:
        text = b""
    # To look for one byte is a fraction of the work, and each leaf has one at least.
    as_saved = text.count(b"$") == leaves or text.count(b'"$') == leaves
    return orjson.Fragment(text if text and as_saved else _to_text(to_json(body)))


def _storable(text: str | None) -> str | None:
    """Text that SQLite takes: a service's message may hold lone surrogates, which must not cost us its answer."""
    if text is None or (type(text) is str and text.isascii()):  # nearly all
        return text
    return str(shown(text)).encode(errors="replace").decode()


def _list_text(items: Iterable[str]) -> str:
    return f"[{','.join(items)}]"


def to_plan_text(plan: Plan) -> str:
    """What it takes to go on with a plan or to take it back: target and steps, whole."""
    target = plan.target
    head = {
        "project": plan.project,
        # The target's variables may hold secrets and are not needed any more: the steps are what they made.
        "target": {
            "name": target.name,
            "provider": target.provider,
            "region": target.region,
            "account": target.account,
            "api": target.api,
            "network": target.network,
            "credentials": target.credentials.to_json() if target.credentials else None,
            "retired": target.retired,
        },
    }
    # Step by step: what stands between steps and text takes several times what either does.
    return f'{_to_text(head)[:-1]},"steps":{_list_text(map(_step_text, plan.steps))}}}'


def from_plan_text(text: bytes, secret: SecretSource) -> Plan:
    """The inverse of `to_plan_text`, without `changes`; raises what `secret` raises for a missing one."""
    saved = json.loads(text)
    steps = tuple(Step.from_json(step, secret) for step in saved["steps"])
    return Plan(project=saved["project"], target=_target_from_json(saved["target"]), changes=(), steps=steps)


def _target_from_json(saved: dict[str, Any]) -> Target:
    credentials = saved["credentials"]
    return Target(**{**saved, "credentials": KeySource.from_json(credentials) if credentials else None})


def to_summary_text(plan: Plan) -> str:
    """What history keeps of a plan's steps."""
    return _to_text([_summary_to_json(step) for step in plan.steps])


def _summary_to_json(step: Step) -> Json:
    saved: dict[str, Json] = {
        "id": step.id,
        "address": str(step.address),
        "action": step.action.value,
        "group": step.group,
        "operation": step.call.operation,
        "last": step.last,
    }
    if step.undo:
        saved["undo"] = [_summary_to_json(undo) for undo in step.undo]
    return saved


def _summary_of(saved: Mapping[str, Json]) -> StepSummary:
    return StepSummary(
        id=saved["id"],
        address=saved["address"],
        action=Action(saved["action"]),
        group=saved["group"],
        operation=saved["operation"],
        last=saved["last"],
        undo=tuple(_summary_of(undo) for undo in saved.get("undo", ())),
    )


RUN_COLUMNS = (
    "id, project, target, command, started, ended, ending, steps, plan, plan_id, spec_digest, tool_version, holder"
)


def from_run_row(row: Sequence[Json]) -> RunRecord:
    """A row of `RUN_COLUMNS`."""
    (run, project, target, command, started, ended, ending, steps, plan, plan_id, spec_digest, version, holder) = row
    return RunRecord(
        id=run,
        project=project,
        target=target,
        command=command,
        started=started,
        ended=ended,
        ending=Ending(ending) if ending else None,
        steps=_summaries(steps),
        plan=plan,
        plan_id=plan_id,
        spec_digest=spec_digest,
        tool_version=version,
        holder=holder,
    )


@lru_cache(maxsize=1)  # whoever goes on with a run reads its record a few times
def _summaries(text: str) -> tuple[StepSummary, ...]:
    return tuple(_summary_of(step) for step in json.loads(text))


EVENT_COLUMNS = "step, type, at, etag, outputs, request_id, note"

EventRow: TypeAlias = tuple[str | float | None, ...]
"""The values of `EVENT_COLUMNS`."""


def to_event_row(event: Event) -> EventRow:
    """The values of `EVENT_COLUMNS`."""
    return (
        event.step,
        event.type.value,
        event.at,
        _storable(event.etag),
        _to_text(to_json(event.outputs)) if event.outputs else "{}",
        _storable(event.request_id),
        _storable(event.note),
    )


def from_event_row(row: Sequence[Json]) -> Event:
    """The inverse of `to_event_row`."""
    step, kind, at, etag, outputs, request_id, note = row
    return Event(
        step=step,
        type=EventType(kind),
        at=at,
        etag=etag,
        outputs=from_json(json.loads(outputs), _no_secret),
        request_id=request_id,
        note=note,
    )


def _no_secret(part: Json) -> str:
    raise JournalError(
        f"an output in the journal refers to the secret {part['secret']}", hint="a defect: please report it"
    )
