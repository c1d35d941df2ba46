"""The digest of a plan: what was reviewed, in 64 characters (S43). Pure.

It covers where each change goes, its address, its action, its fields before and after, the archives that are sent and
which secrets go where; not ETags, times, reasons or places in the file, and never the value of a secret, which could
be guessed from it. Of a value that may not be printed it knows only that there is one.

A change has a digest of its own. The digest of a plan is made of those of all its changes, in all targets, whatever
their order; so a part of a reviewed plan can be told from something else by whoever has the list.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter

import orjson

from fcdeploy.engine.redact import has_secret
from fcdeploy.model import (
    PLAIN,
    Action,
    Address,
    Change,
    FieldChange,
    Json,
    Plan,
    Sensitive,
    Step,
    archives_in,
    to_json,
)

_LAYOUT = "fcdeploy plan digest 2"
"""Stands in front of what is hashed; another number when the same changes give another digest."""


def plan_digest(plan: Plan) -> str:
    """The digest of one plan, in hex."""
    return plans_digest([plan])


def plans_digest(plans: Iterable[Plan]) -> str:
    """The digest of the plans of all targets together, in hex; of plans without a change it is always the same."""
    every = sorted(one for plan in plans for one in change_digests(plan))
    return hashlib.sha256("\n".join([_LAYOUT, *every]).encode()).hexdigest()


def change_digests(plan: Plan) -> tuple[str, ...]:
    """The digest of each change, in hex, sorted."""
    return tuple(sorted(digest for _, digest in digests_by_address(plan)))


def digests_by_address(plan: Plan) -> Iterator[tuple[Address, str]]:
    """Each change's address and digest. What is written without a change of fields, such as a mark, counts as one."""
    target = plan.target
    place = [plan.project, target.name, target.provider, target.region, target.account, target.api]
    steps: dict[Address, list[Step]] = {}
    for step in plan.steps:
        steps.setdefault(step.address, []).append(step)
    changes = {change.address: change for change in plan.changes if change.action is not Action.NONE}
    for address in sorted({**changes, **steps}):  # which are in order already, nearly always
        mine = steps.get(address, [])
        covered = {
            "place": place,
            "address": str(address),
            "change": _change(changes[address]) if address in changes else None,
            "steps": [[step.action.value, step.group] for step in mine],
            "archives": sorted({one.sha256 for step in mine for one in archives_in(step.call.body)}),
            "secrets": [
                [step.group, *one]
                for step in mine
                if has_secret(step.after)
                for one in _secrets(step, changes.get(address))
            ],
        }
        yield address, hashlib.sha256(_encoded(covered)).hexdigest()


def _encoded(covered: Json) -> bytes:
    try:
        return orjson.dumps(covered, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # a lone surrogate, an integer of more than 64 bits
        return json.dumps(covered, sort_keys=True, separators=(",", ":")).encode()


def _change(change: Change) -> Json:
    return {
        "action": change.action.value,
        "fields": [_field(one) for one in sorted(change.fields, key=attrgetter("path"))],
    }


def _field(change: FieldChange) -> Json:
    before, after = change.before, change.after
    return [
        change.path,
        before if before is None else _value(before, hidden=change.before_hidden),
        after if after is None else _value(after, hidden=change.after_hidden),
        change.forces_replacement,
    ]


def _value(value: Json, *, hidden: bool) -> Json:
    if hidden:
        return {"$hidden": True}
    return value if type(value) in PLAIN else to_json(value)


def _secrets(step: Step, change: Change | None) -> Iterator[Json]:
    """The secrets that a step writes anew; one that is there already is no part of a change."""
    changed = {one.path for one in change.fields} if change is not None else set()
    for path, parts in _references(step.after, ()):
        above = {".".join(path[:length]) for length in range(1, len(path) + 1)}
        if step.action is Action.CREATE or not changed.isdisjoint(above):
            yield [list(path), parts]


def _references(value: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Where secrets stand, and what each is made of."""
    match value:
        case Sensitive():
            yield path, list(value.parts)
        case str() | int() | float() | None:  # most values; the checks below cost more
            return
        case Mapping():
            for key in sorted(value, key=str):
                yield from _references(value[key], (*path, str(key)))
        case list() | tuple():
            for index, item in enumerate(value):
                yield from _references(item, (*path, str(index)))
