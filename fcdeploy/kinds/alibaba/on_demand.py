"""On-demand configs: the most instances that a function may have, by qualifier. Facts 6.2, 7.1, 8.1, 9.8, S24."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.alibaba.qualifier import QUALIFIED, QUALIFIER_SCHEMA, qualified
from fcdeploy.kinds.descriptor import GuardStyle, Kind, Listing, Marking, Operation
from fcdeploy.kinds.fields import integer
from fcdeploy.model import Json

FIELDS = (
    integer(
        "maximumInstanceCount",
        "Most instances",
        "How many instances may run on demand; 0 stops the function. The account's quota is the upper bound.",
        required=True,
        minimum=0,
    ),
)


def about(body: Mapping[str, Json]) -> str:
    """The most instances."""
    most = body.get("maximumInstanceCount")
    return "" if most is None else f"at most {most} instances" if most else "stopped: no instance may run"


_PUT = qualified("PutFunctionOnDemandConfig", "PUT", "on-demand-config")

KIND = Kind(
    provider="alibaba",
    name="onDemand",
    title="On-demand config",
    description="How many instances a function may have at most.",
    section="onDemand",
    parent="function",
    identity=("serviceName", "functionName", "qualifier"),
    name_schema=QUALIFIER_SCHEMA,
    behind=QUALIFIED,
    alone="LATEST",
    fields=FIELDS,
    create=_PUT,
    read=qualified("GetFunctionOnDemandConfig", "GET", "on-demand-config"),
    update=_PUT,
    delete=qualified("DeleteFunctionOnDemandConfig", "DELETE", "on-demand-config"),
    listing=Listing(
        operation=Operation(
            name="ListOnDemandConfigs",
            method="GET",
            path="/on-demand-configs",
            query={"prefix": "services/{serviceName}."},
        ),
        items="configs",
        under="service",
        member="resource",
        pattern=r"services/(?P<serviceName>[^./]+)\.(?P<qualifier>[^/]+)/functions/(?P<functionName>[^/]+)",
    ),
    guard=GuardStyle.ETAG,
    marking=Marking.PARENT,
    about=about,
    reported=("maximumInstanceCount",),
    missing=frozenset(
        {"OnDemandConfigNotFound", "AliasNotFound", "VersionNotFound", "FunctionNotFound", "ServiceNotFound"}
    ),
)
