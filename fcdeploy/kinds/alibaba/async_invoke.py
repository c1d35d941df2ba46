"""Async invoke configs: what becomes of asynchronous calls, by qualifier. Facts 6.2, 7.2, 8.1, 9.9, S24."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fcdeploy.kinds.alibaba.function import FUNCTION_ARN
from fcdeploy.kinds.alibaba.qualifier import QUALIFIED, QUALIFIER_SCHEMA, qualified
from fcdeploy.kinds.alibaba.service import wildcard_findings
from fcdeploy.kinds.descriptor import Finding, GuardStyle, Kind, Listing, Marking, Operation
from fcdeploy.kinds.destinations import destination_schema
from fcdeploy.kinds.fields import Default, Field, Reset, boolean, integer, obj
from fcdeploy.model import Json


def _destination(name: str, title: str, when: str) -> Field:
    # A PUT merges destination by destination: one that is there goes only with the whole config (facts 7.2).
    return obj(
        name,
        title,
        f"Where the result goes when {when}.",
        off="destination",
        reset=Reset.RECREATE,
        fields=(
            Field(
                name="destination",
                title="Destination",
                description="ARN of a queue, a topic, a function or an event bus, or `{function: service/name}`.",
                schema=destination_schema(r"^acs:(mns|fc|eventbridge):[^\s]+$"),
                required=True,
                refers="function",
                arn=FUNCTION_ARN,
            ),
        ),
    )


FIELDS = (
    obj(
        "destinationConfig",
        "Destinations",
        "Where results go; whether a destination exists is not checked by the service.",
        reset=Reset.RECREATE,
        empty={},
        fields=(
            _destination("onSuccess", "On success", "a call succeeded"),
            _destination("onFailure", "On failure", "a call failed, after its retries"),
        ),
    ),
    integer(
        "maxAsyncEventAgeInSeconds",
        "Longest age",
        "Seconds that a call may wait before it is given up.",
        defaults=(Default(value=None, sent=False),),
        # Null in a PUT keeps what is there (facts 7.2), and no number means "not set".
        reset=Reset.RECREATE,
        minimum=1,
        maximum=2592000,
    ),
    integer(
        "maxAsyncRetryAttempts", "Retries", "How often a failed call is repeated.", default=3, minimum=0, maximum=8
    ),
    boolean(
        "statefulInvocation", "Stateful", "Keep the state of each call, so that it can be asked for.", default=False
    ),
)


def risks(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """A destination that is many."""
    del api, name
    ends = body.get("destinationConfig") or {}
    yield from wildcard_findings(
        *(
            (f"destinationConfig.{end}.destination", (ends.get(end) or {}).get("destination"))
            for end in ("onSuccess", "onFailure")
        )
    )


def about(body: Mapping[str, Json]) -> str:
    """Retries, the age at which a call is given up, and where results go."""
    retries, age = body.get("maxAsyncRetryAttempts"), body.get("maxAsyncEventAgeInSeconds")
    ends = body.get("destinationConfig") or {}
    parts = (
        "" if retries is None else f"{retries} {'retry' if retries == 1 else 'retries'}",
        f"within {age} s" if age else "",
        *(
            f"{when} to {end['destination']}"
            for name, when in (("onSuccess", "success"), ("onFailure", "failure"))
            if (end := ends.get(name)) and end.get("destination")
        ),
    )
    return ", ".join(part for part in parts if part)


_PUT = qualified("PutFunctionAsyncInvokeConfig", "PUT", "async-invoke-config")

KIND = Kind(
    provider="alibaba",
    name="asyncInvoke",
    title="Async invoke config",
    description="What becomes of asynchronous calls.",
    section="asyncInvoke",
    parent="function",
    identity=("serviceName", "functionName", "qualifier"),
    name_schema=QUALIFIER_SCHEMA,
    behind=QUALIFIED,
    alone="LATEST",
    fields=FIELDS,
    create=_PUT,
    read=qualified("GetFunctionAsyncInvokeConfig", "GET", "async-invoke-config"),
    update=_PUT,
    delete=qualified("DeleteFunctionAsyncInvokeConfig", "DELETE", "async-invoke-config"),
    listing=Listing(
        operation=Operation(
            name="ListFunctionAsyncInvokeConfigs",
            method="GET",
            path="/services/{serviceName}/functions/{functionName}/async-invoke-configs",
        ),
        items="configs",
    ),
    guard=GuardStyle.RECHECK,
    marking=Marking.PARENT,
    about=about,
    risks=risks,
    reported=("maxAsyncRetryAttempts", "maxAsyncEventAgeInSeconds", "statefulInvocation", "destinationConfig"),
    missing=frozenset(
        {"AsyncConfigNotExists", "AliasNotFound", "VersionNotFound", "FunctionNotFound", "ServiceNotFound"}
    ),
)
