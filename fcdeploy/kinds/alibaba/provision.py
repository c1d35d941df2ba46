"""Provision configs: instances that are kept ready, by qualifier. Facts 6.2, 7.1, 7.2, 8.1, 9.7, 13, S23, S24."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.alibaba.qualifier import API_2016, API_2021, QUALIFIED, QUALIFIER_SCHEMA, qualified
from fcdeploy.kinds.descriptor import GuardStyle, Kind, Listing, Marking, Operation, Settling
from fcdeploy.kinds.fields import Default, Field, Order, boolean, integer, objects, text
from fcdeploy.model import Json

MOST = 10000
MOST_TOGETHER = 100
"""Instances of a region, unless the quota was raised (facts 13)."""
_PLANS = ("scheduledActions", "targetTrackingPolicies")
_NOT_SET = (Default(value=None, sent=False),)


def _time(name: str, title: str, description: str) -> Field:
    pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
    return text(name, title, description, default=None, defaults=_NOT_SET, pattern=pattern)


_NAME = text("name", "Name", "Its name; no two have the same.", default=None, required=True, minLength=1)
_SPAN = (
    _time("startTime", "Start", "When it begins to hold, in UTC: `2020-10-10T10:10:10Z`."),
    _time("endTime", "End", "When it ends, in UTC."),
)

FIELDS = (
    integer(
        "target",
        "Target",
        "How many instances are kept ready. While there are scheduled actions or policies they move it, and it is not "
        "compared; 0 without any is no config at all.",
        default=0,
        minimum=0,
        maximum=MOST,
        moved_by=_PLANS,
    ),
    objects(
        "scheduledActions",
        "Scheduled actions",
        "Targets by the clock.",
        maxItems=100,
        order=Order.SET,
        key="name",
        together=("target",),
        fields=(
            _NAME,
            *_SPAN,
            integer("target", "Target", "How many instances from then on.", required=True, minimum=0, maximum=MOST),
            text(
                "scheduleExpression",
                "Expression",
                "`at(2020-10-10T10:10:10Z)`, or `cron(…)` with six fields, seconds first.",
                default=None,
                required=True,
                pattern=r"^(at|cron)\(.+\)$",
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
        together=("target",),
        fields=(
            _NAME,
            *_SPAN,
            text(
                "metricType",
                "Metric",
                "What is followed.",
                default=None,
                required=True,
                enum=["ProvisionedConcurrencyUtilization"],
            ),
            Field(
                name="metricTarget",
                title="Metric target",
                description="The share of use to keep, above 0 and up to 1.",
                schema={"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                required=True,
            ),
            integer("minCapacity", "Fewest", "The fewest instances.", required=True, minimum=0, maximum=MOST),
            integer("maxCapacity", "Most", "The most instances.", required=True, minimum=0, maximum=MOST),
        ),
    ),
    boolean(
        "alwaysAllocateCPU",
        "Always allocate CPU",
        "Whether instances have CPU while they serve no call.",
        default=True,
        since=API_2021,
        together=("target",),
    ),
)


def about(body: Mapping[str, Json]) -> str:
    """How many instances are ready of how many there are to be, what moves that number, and what keeps it from it."""
    target, current = body.get("target") or 0, body.get("current")
    ready = f"{target} instances" if current is None else f"{current} of {target} instances ready"
    movers = ("scheduled" if body.get(_PLANS[0]) else "", "follows use" if body.get(_PLANS[1]) else "")
    problem = body.get("currentError")
    return ", ".join(part for part in (ready, *movers, f"error: {problem}" if problem else "") if part)


_PUT = qualified("PutProvisionConfig", "PUT", "provision-config")

KIND = Kind(
    provider="alibaba",
    name="provision",
    title="Provision config",
    description="Instances that are kept ready.",
    section="provision",
    parent="function",
    identity=("serviceName", "functionName", "qualifier"),
    name_schema=QUALIFIER_SCHEMA,
    behind=QUALIFIED,
    fields=FIELDS,
    create=_PUT,
    read=qualified("GetProvisionConfig", "GET", "provision-config"),
    update=_PUT,
    # There is no DELETE (facts 9.7).
    delete=qualified(
        "PutProvisionConfig",
        "PUT",
        "provision-config",
        {"target": 0, "scheduledActions": [], "targetTrackingPolicies": []},
    ),
    listing=Listing(
        operation=Operation(
            name="ListProvisionConfigs",
            method="GET",
            path="/provision-configs",
            query={"serviceName": "{serviceName}"},
        ),
        items="provisionConfigs",
        under="service",
        member="resource",
        pattern=r"[^#]*#(?P<serviceName>[^#]+)#(?P<qualifier>[^#]+)#(?P<functionName>[^#]+)",
    ),
    # Only the older API's documents have If-Match here (facts 6.2).
    guard=GuardStyle.RECHECK,
    guards={API_2016: GuardStyle.ETAG},
    marking=Marking.PARENT,
    missing=frozenset({"ProvisionConfigNotFound", "AliasNotFound", "FunctionNotFound", "ServiceNotFound"}),
    about=about,
    # `current` follows `target` within 30 to 120 s (facts 11).
    settles=Settling(goal="target", reached="current", problem="currentError"),
    reported=("target", "current", "currentError", *_PLANS),
    soft_total=("target", MOST_TOGETHER),
    absent={"target": (0,), "scheduledActions": ([],), "targetTrackingPolicies": ([],)},
)
