"""Provision configs: reserved instances, kept ready behind a qualifier. Facts 8, 12; S23, S24, S44."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from fcdeploy.kinds.descriptor import Finding, GuardStyle, Kind, Listing, Marking, Operation, Translation
from fcdeploy.kinds.fields import Field, Order, boolean, integer, objects, text
from fcdeploy.kinds.huawei.qualifier import (
    MEMBER,
    ONLY,
    PATTERN,
    QUALIFIED,
    QUALIFIER_SCHEMA,
    behind_of,
    end_of,
    named,
    qualified,
)
from fcdeploy.kinds.huawei.urn import URN
from fcdeploy.kinds.operations import Scope
from fcdeploy.model import Json, Output

MOST = 1000
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_METRICS = {"ProvisionedConcurrencyUtilization": "Concurrency"}
_METRIC_WORDS = {wire: word for word, wire in _METRICS.items()}

_NAME = text("name", "Name", "Its name; no two have the same.", default=None, required=True, minLength=1, maxLength=60)


def _time(name: str, title: str, description: str) -> Field:
    pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
    return text(name, title, description, default=None, required=True, pattern=pattern)


FIELDS = (
    integer(
        "target",
        "Target",
        "How many instances are kept ready; 0 without any action or policy is no config at all.",
        default=0,
        minimum=0,
        maximum=MOST,
        behaves="Scheduled actions and policies do not move it: it is the least there is, and none of them goes below.",
    ),
    objects(
        "scheduledActions",
        "Scheduled actions",
        "Targets by the clock.",
        maxItems=100,
        order=Order.SET,
        key="name",
        fields=(
            _NAME,
            _time("startTime", "Start", "When it begins to hold, in UTC: `2020-10-10T10:10:10Z`."),
            _time("endTime", "End", "When it ends, in UTC."),
            integer("target", "Target", "How many instances from then on.", required=True, minimum=0, maximum=MOST),
            text(
                "scheduleExpression",
                "Expression",
                "`cron(…)` with six fields, seconds first.",
                default=None,
                required=True,
                pattern=r"^cron\(.+\)$",
                behaves="There is no `at(…)`: a `cron(…)` that holds from shortly before until shortly after is the "
                "same.",
            ),
        ),
    ),
    objects(
        "targetTrackingPolicies",
        "Tracking policies",
        "Targets that follow the use of the instances.",
        maxItems=100,
        order=Order.SET,
        key="name",
        fields=(
            _NAME,
            text(
                "metricType",
                "Metric",
                "What is followed.",
                default=None,
                required=True,
                enum=[*_METRICS],
            ),
            Field(
                name="metricTarget",
                title="Metric target",
                description="The share of use to keep, 0.01 to 0.99 in whole percents.",
                schema={"type": "number", "minimum": 0.01, "maximum": 0.99},
                required=True,
            ),
            integer("minCapacity", "Fewest", "The fewest instances.", required=True, minimum=0, maximum=MOST),
        ),
        behaves="A policy has no `maxCapacity` and no times: the service goes as far as the account's quota lets it, "
        "and as long as the policy stands.",
    ),
    boolean(
        "alwaysAllocateCPU",
        "Always allocate CPU",
        "Whether instances have CPU while they serve no call.",
        default=True,
        behaves="Without it the instances are in the service's idle mode.",
    ),
)


def check(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """Times that there are, whole percents, and no policy below the target (facts 8)."""
    del api, name
    target = body.get("target") or 0
    for index, one in enumerate(body.get("scheduledActions") or ()):
        where = f"scheduledActions.{index}"
        times = [_seconds(one.get(word)) for word in ("startTime", "endTime")]
        for word, seconds in zip(("startTime", "endTime"), times, strict=True):
            if isinstance(one.get(word), str) and seconds is None:
                yield Finding(path=f"{where}.{word}", summary=f"`{one[word]}` is no time that there is")
        if times[0] is not None and times[1] is not None and times[0] >= times[1]:
            yield Finding(path=f"{where}.endTime", summary="it ends before it begins")
        yield from _below(f"{where}.target", one.get("target"), target)
    for index, one in enumerate(body.get("targetTrackingPolicies") or ()):
        where = f"targetTrackingPolicies.{index}"
        share = one.get("metricTarget")
        if isinstance(share, int | float) and abs(share * 100 - round(share * 100)) > 1e-9:
            yield Finding(
                path=f"{where}.metricTarget",
                summary="the share is a whole percent",
                detail=f"found {share:g}",
                hint=f"write {round(share, 2):g}",
            )
        yield from _below(f"{where}.minCapacity", one.get("minCapacity"), target)


def _below(path: str, count: Json, target: Json) -> Iterable[Finding]:
    if isinstance(count, int) and isinstance(target, int) and count < target:
        yield Finding(
            path=path,
            summary="less than the target",
            detail=f"found {count}; the target, {target}, is the least there is",
            hint="lower `target` of the config",
        )


def about(body: Mapping[str, Json]) -> str:
    """How many instances there are to be at least, and what makes it more."""
    movers = (("scheduledActions", "scheduled"), ("targetTrackingPolicies", "follows use"))
    parts = (f"{body.get('target') or 0} instances", *(told for name, told in movers if body.get(name)))
    return ", ".join(parts)


def _seconds(moment: Json) -> int | None:
    """Seconds since the epoch of a time in UTC as text, None for one that is none."""
    try:
        return int(datetime.strptime(str(moment), _TIME).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _moment(seconds: Json) -> str | None:
    return datetime.fromtimestamp(int(seconds), UTC).strftime(_TIME) if seconds else None


def said(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    """The words of the file, of a listed config or of the answer to a write."""
    tactics = raw.get("tactics_config") or {}
    actions = [
        {
            "name": one.get("name"),
            "startTime": _moment(one.get("start_time")),
            "endTime": _moment(one.get("expired_time")),
            "target": one.get("count"),
            "scheduleExpression": f"cron({one.get('cron')})",
        }
        for one in tactics.get("cron_configs") or ()
    ]
    policies = [
        {
            "name": one.get("name"),
            "metricType": _METRIC_WORDS.get(str(one.get("type")), one.get("type")),
            "metricTarget": (one.get("threshold") or 0) / 100,
            "minCapacity": one.get("min"),
        }
        for one in tactics.get("metric_configs") or ()
    ]
    told = {
        **raw,
        "target": raw.get("min_count", raw.get("count", 0)),
        "scheduledActions": actions,
        "targetTrackingPolicies": policies,
        "alwaysAllocateCPU": not raw.get("idle_mode"),
    }
    if "qualifier_name" in raw:
        alias = "!" if raw.get("qualifier_type") == "alias" else ""
        told[MEMBER] = behind_of(str(raw.get("function_urn")), f"{alias}{raw['qualifier_name']}")
    return told


def sent(body: Mapping[str, Json], names: Mapping[str, str | Output], scope: Scope) -> Mapping[str, Json]:
    """The whole config: what a PUT leaves out is none (facts 8)."""
    del names, scope
    crons = [
        {
            "name": one["name"],
            "cron": one["scheduleExpression"].removeprefix("cron(").removesuffix(")"),
            "count": one["target"],
            "start_time": _seconds(one.get("startTime")) or 0,
            "expired_time": _seconds(one.get("endTime")) or 0,
        }
        for one in body.get("scheduledActions") or ()
    ]
    metrics = [
        {
            "name": one["name"],
            "type": _METRICS.get(one["metricType"], one["metricType"]),
            "threshold": round(one["metricTarget"] * 100),
            "min": one["minCapacity"],
        }
        for one in body.get("targetTrackingPolicies") or ()
    ]
    return {
        "count": body.get("target") or 0,
        "idle_mode": body.get("alwaysAllocateCPU") is False,
        "tactics_config": {"cron_configs": crons, "metric_configs": metrics},
    }


def _configs(query: Mapping[str, str]) -> Operation:
    path = "/fgs/functions/reservedinstanceconfigs"
    return Operation(name="ListReservedInstanceConfigs", method="GET", path=path, query=query)


def _listing(operation: Operation, *, everywhere: bool) -> Listing:
    return Listing(
        operation=operation,
        items="reserved_instances",
        limit=500,
        token="marker",
        following="page_info.next_marker",
        total="count",
        everywhere=everywhere,
        member=MEMBER,
        pattern=PATTERN,
        only=ONLY,
    )


_OF_FUNCTION = _configs({"function_urn": URN})
_PUT = qualified("UpdateFunctionReservedInstancesCount", "PUT", "/reservedinstances")

KIND = Kind(
    provider="huawei",
    name="provision",
    title="Provision config",
    description="Instances that are kept ready, of an alias or of its version, not of both.",
    section="provision",
    parent="function",
    identity=("package", "functionName", "qualifier"),
    name_schema=QUALIFIER_SCHEMA,
    behind=QUALIFIED,
    identify=named,
    derive=end_of,
    fields=FIELDS,
    create=_PUT,
    # There is no GET of one.
    read=_OF_FUNCTION,
    update=_PUT,
    # There is no DELETE (facts 8).
    delete=qualified(
        "UpdateFunctionReservedInstancesCount", "PUT", "/reservedinstances", {"count": 0, "idle_mode": False}
    ),
    listing=_listing(_configs({}), everywhere=True),
    siblings=_listing(_OF_FUNCTION, everywhere=False),
    guard=GuardStyle.RECHECK,
    marking=Marking.PARENT,
    missing=frozenset({"FSS.1051", "FSS.1052", "FSS.1053", "FSS.0404"}),
    check=check,
    about=about,
    hints={"FSS.1076": "more than the account's quota, or both for an alias and for its version"},
    translation=Translation(said=said, sent=sent),
    whole=True,
    reported=("target", "scheduledActions", "targetTrackingPolicies", "alwaysAllocateCPU"),
    absent={"target": (0,), "scheduledActions": ([],), "targetTrackingPolicies": ([],)},
)
