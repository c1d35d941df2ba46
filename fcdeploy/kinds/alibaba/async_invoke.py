"""Async invoke configs: what becomes of asynchronous calls, by qualifier. Facts 6.2, 7.2, 8.1, 9.9, S24."""

from __future__ import annotations

from fcdeploy.kinds.alibaba.qualifier import QUALIFIER_SCHEMA, qualified
from fcdeploy.kinds.descriptor import GuardStyle, Kind, Listing, Marking, Operation
from fcdeploy.kinds.fields import Default, Field, Reset, boolean, integer, obj

_FUNCTION_NAME = {
    "title": "Function",
    "description": "A function as `service/name`.",
    "type": "string",
    "pattern": "^[^/\\s]+/[^/\\s]+$",
}


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
                schema={
                    "type": ["string", "object"],
                    "pattern": r"^acs:(mns|fc|eventbridge):[^\s]+$",
                    "properties": {"function": _FUNCTION_NAME},
                    "required": ["function"],
                    "additionalProperties": False,
                },
                required=True,
                refers="function",
                arn="acs:fc:{region}:{account}:services/{serviceName}/functions/{functionName}",
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
    missing=frozenset(
        {"AsyncConfigNotExists", "AliasNotFound", "VersionNotFound", "FunctionNotFound", "ServiceNotFound"}
    ),
)
