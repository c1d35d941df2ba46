"""What policies judge: resources, changes and plans as plain JSON, without anything that nobody may see. Pure.

A resource is what it will be: the words of the file with documented defaults filled in. A secret is the text
`(sensitive)` wherever it stands, and what only the service can tell is `(known after apply)`: an expression can ask
whether something is a secret, and can neither compare nor print it (S41, S42).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cache

from fcdeploy.diagnostics import Diagnostic, Span, warning
from fcdeploy.engine.canonical import desired_body
from fcdeploy.engine.diff import place_in
from fcdeploy.engine.ownership import said
from fcdeploy.engine.redact import HIDDEN, has_secret
from fcdeploy.engine.snapshot import Desired, Snapshot
from fcdeploy.kinds.fields import Access, Codec, Field, Order
from fcdeploy.kinds.registry import KINDS, kind_of, parent_of
from fcdeploy.kinds.risks import LIMITS, rule_of
from fcdeploy.model import LATER, Action, Address, Change, Json, Plan, Resource, Sensitive, Target

LATER_TEXT = "(known after apply)"


def target_terms(target: Target) -> dict[str, Json]:
    """`target`: where it goes."""
    return {
        "name": target.name,
        "provider": target.provider,
        "region": target.region,
        "account": target.account,
        "api": target.api,
        "network": target.network,
        "retired": target.retired,
    }


def resource_body(resource: Resource, api: str) -> dict[str, Json]:
    """A resource in the words of the file, with documented defaults; what is not set is not there."""
    kind = kind_of(resource.address)
    body = desired_body(kind, resource.body, api)
    for one in kind.fields:
        if one.name in resource.code:
            body[one.name] = resource.code[one.name].value
        elif one.access is Access.PLANNING and resource.body.get(one.name) is not None:
            body[one.name] = resource.body[one.name]
    return _members(kind.fields, body, body)


def resource_terms(resource: Resource, body: Mapping[str, Json]) -> dict[str, Json]:
    """`resource`: its body, every field that it could have, and how it is called."""
    kind, address = kind_of(resource.address), resource.address
    return {**_unset(kind.provider, kind.name), **body, **_called(address)}


@cache
def _unset(provider: str, kind: str) -> Mapping[str, None]:
    """Every field that a resource of a kind may have, as where none is set."""
    return {one.spec_name: None for one in KINDS[(provider, kind)].fields if one.access is not Access.READ_ONLY}


def _called(address: Address) -> dict[str, Json]:
    title = said(address)
    return {"kind": address.kind, "name": title.partition(":")[2], "address": title}


def _members(fields: Iterable[Field], value: Mapping[str, Json], whole: Mapping[str, Json]) -> dict[str, Json]:
    # A canonical body names known fields, in their order.
    return {
        one.spec_name: item if type(item) in _SIMPLE else _value(one, item, whole)
        for one in fields
        if (item := value.get(one.name)) is not None
    }


def _value(field: Field | None, value: Json, whole: Mapping[str, Json]) -> Json:
    if isinstance(value, Mapping):
        members = field.members(whole) if field is not None and field.codec is not Codec.ARCHIVE else ()
        if members:
            return _members(members, value, whole)
        return {_plain(key): plain(item) for key, item in value.items() if item is not None}
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, list) and field is not None:
        return [_value(field.item, item, whole) for item in value]
    return plain(value)


def plain(value: Json) -> Json:
    """A value as plain JSON: what nobody may see, and what nobody knows yet, as the words for it."""
    if type(value) in _SIMPLE:
        return value
    match value:
        case Mapping():
            return {_plain(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return _plain(value)


_SIMPLE = frozenset({str, int, float, bool, type(None)})
"""Types of most values: no secret, which is text of a class of its own, and nothing that comes later."""


def _plain(value: Json) -> Json:
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, Sensitive):
        return HIDDEN
    if isinstance(value, LATER):
        return HIDDEN if has_secret(value) else LATER_TEXT
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def place_of(resource: Resource, path: Sequence[str | int]) -> Span | None:
    """Where the file says what stands at a path in its words, or what is nearest above it."""
    kind = kind_of(resource.address)
    names: list[str] = []
    known: tuple[Field, ...] = kind.fields
    field: Field | None = None
    for part in path:
        if isinstance(part, int):
            if field is not None and field.order is Order.SET:
                # It is judged in an order of its own.
                break
            field = field.item if field is not None else None
        else:
            field = next((one for one in known if one.spec_name == part), None)
        names.append(field.name if field is not None and isinstance(part, str) else str(part))
        known = field.members(resource.body) if field is not None else ()
    return place_in(resource, ".".join(names)) if names else resource.span


def change_terms(change: Change) -> dict[str, Json]:
    """`change`: what happens to a resource and why; its fields by their paths, as the plan prints them."""
    return {
        "action": change.action.value,
        **_called(change.address),
        "reason": change.reason,
        "fields": {
            one.path: {
                "before": HIDDEN if one.before_hidden else plain(one.before),
                "after": HIDDEN if one.after_hidden else plain(one.after),
                "forcesReplacement": one.forces_replacement,
            }
            for one in change.fields
        },
    }


def plan_terms(plan: Plan, changes: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """`plan`: how many resources have each action, and all changes."""
    counted = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
    return {
        **{action.value: plan.count(action) for action in counted},
        "unchanged": plan.unchanged,
        "changes": [dict(one) for one in changes],
    }


def now_terms(seconds: float, zone: tzinfo) -> dict[str, Json]:
    """`now`: a time, given in seconds since the epoch, as a clock in `zone` shows it."""
    at = datetime.fromtimestamp(seconds, zone)
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return {
        "year": at.year,
        "month": at.month,
        "day": at.day,
        "hour": at.hour,
        "minute": at.minute,
        "weekday": names[at.weekday()],
        "date": f"{at:%Y-%m-%d}",
        "time": f"{at:%H:%M}",
    }


def risk_findings(resource: Resource, api: str, *, checked: bool) -> list[Diagnostic]:
    """What the resource's kind has against it that is allowed and rather should not be.

    `checked`: what the kind's own check finds of that has been told of the file.
    """
    kind, name = kind_of(resource.address), resource.address.identity[-1]
    said = [*kind.risks(resource.body, api, name)] if kind.risks is not None else []
    if not checked and kind.check is not None:
        said += kind.check(resource.body, api, name)
    return [
        warning(
            one.summary,
            detail=one.detail,
            hint=one.hint,
            span=place_in(resource, one.path) if one.path else resource.span,
            address=str(resource.address),
            rule=rule_of(one.risk),
        )
        for one in said
        if one.risk
    ]


def total_findings(desired: Desired) -> list[Diagnostic]:
    """What all resources of a kind together have too much of (S5)."""
    numbers: dict[str, list[tuple[Resource, int]]] = {}
    for resource in desired.values():
        kind = kind_of(resource.address)
        if kind.soft_total is None or resource.absent:
            continue
        value = resource.body.get(kind.soft_total[0])
        if isinstance(value, int):
            numbers.setdefault(kind.name, []).append((resource, value))
    found = []
    for given in numbers.values():
        kind = kind_of(given[0][0].address)
        assert kind.soft_total is not None
        field, most = kind.soft_total
        total = sum(number for _, number in given)
        if total > most:
            largest = max(given, key=lambda one: one[1])[0]
            found.append(
                warning(
                    f"`{field}` of all {kind.section} together is more than {most:,}",
                    detail=f"found {total:,}; the service allows {most:,} in a region unless the quota was raised",
                    span=place_in(largest, field),
                    address=str(largest.address),
                    rule=rule_of(LIMITS),
                )
            )
    return found


def crowd_findings(plan: Plan, snapshot: Snapshot, desired: Desired) -> list[Diagnostic]:
    """Where what is created comes on top of so much else that is live that a limit is passed (S5)."""
    created: dict[tuple[str, Address | None], list[Change]] = {}
    gone: dict[tuple[str, Address | None], int] = {}
    for change in plan.changes:
        where = (change.address.kind, parent_of(change.address))
        if change.action is Action.CREATE and kind_of(change.address).soft_limit:
            created.setdefault(where, []).append(change)
        elif change.action is Action.DELETE:
            gone[where] = gone.get(where, 0) + 1
    if not created:
        return []
    lives = Counter((one.kind, parent_of(one)) for one in snapshot.lives)
    wanted = Counter((one.kind, parent_of(one)) for one, it in desired.items() if not it.absent)
    found = []
    for where, changes in created.items():
        kind = kind_of(changes[0].address)
        live = lives[where]
        there = live + len(changes) - gone.get(where, 0)
        if there > kind.soft_limit >= wanted[where]:
            found.append(
                warning(
                    f"there would be more than {kind.soft_limit} {kind.section} in one {kind.parent or 'target'}",
                    detail=f"{live} are there, {len(changes)} are created and {gone.get(where, 0)} deleted; "
                    f"the service allows {kind.soft_limit} unless the limit was raised",
                    span=changes[0].span,
                    address=str(changes[0].address),
                    rule=rule_of(LIMITS),
                )
            )
    return found
