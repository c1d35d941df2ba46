"""Async invoke configs: what becomes of asynchronous calls, by qualifier. Facts 9, 12, 18; S24, S44, S45."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from fcdeploy.kinds.descriptor import Finding, GuardStyle, Kind, Listing, Marking, Translation
from fcdeploy.kinds.destinations import destination_schema
from fcdeploy.kinds.fields import Field, boolean, integer, obj
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
from fcdeploy.kinds.huawei.urn import LATEST, URN, on_function
from fcdeploy.kinds.operations import Scope
from fcdeploy.model import Json, LaterJson, Output

FUNCTION_ARN = f"{URN}:{LATEST}"
"""What a destination calls a function (facts 2)."""

_ENDS = (("onSuccess", "on_success"), ("onFailure", "on_failure"))
_OBS, _DIS, _SMN, _FUNCTION = "obs://", "dis://", "urn:smn:", "urn:fss:"


def _destination(name: str, title: str, when: str) -> Field:
    return obj(
        name,
        title,
        f"Where the result goes when {when}.",
        off="destination",
        empty={},
        fields=(
            Field(
                name="destination",
                title="Destination",
                description="`obs://bucket/prefix`, `dis://stream`, the URN of a topic (SMN) or of a function with its "
                "version, or `{function: service/name}`.",
                schema=destination_schema(
                    r"^(obs://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S+)?|dis://[^/\s]+|urn:(smn|fss):\S+)$"
                ),
                required=True,
                refers="function",
                arn=FUNCTION_ARN,
                behaves="There are buckets, streams, topics and functions, and no queues and event buses; a topic is "
                "what comes closest to them.",
            ),
            integer(
                "expires",
                "Expires",
                "Days after which the object of a result is deleted from its bucket; 0: never.",
                default=0,
                minimum=0,
                maximum=365,
            ),
        ),
    )


FIELDS = (
    obj(
        "destinationConfig",
        "Destinations",
        "Where results go; the function's role must be allowed to send them there.",
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
        default=3600,
        minimum=1,
        maximum=86400,
    ),
    integer(
        "maxAsyncRetryAttempts", "Retries", "How often a failed call is repeated.", default=1, minimum=0, maximum=3
    ),
    boolean(
        "enableAsyncStatusLog",
        "Status log",
        "Keep the state of each call in the log service, so that it can be asked for.",
        default=False,
    ),
)

_PLAIN = (
    ("maxAsyncEventAgeInSeconds", "max_async_event_age_in_seconds"),
    ("maxAsyncRetryAttempts", "max_async_retry_attempts"),
    ("enableAsyncStatusLog", "enable_async_status_log"),
)


def check(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """Only objects expire."""
    del api, name
    ends = body.get("destinationConfig") or {}
    for end, _ in _ENDS:
        one = ends.get(end) or {}
        destination = one.get("destination")
        if one.get("expires") and isinstance(destination, str | Mapping) and not _is_bucket(destination):
            yield Finding(
                path=f"destinationConfig.{end}.expires",
                summary="only what goes to a bucket expires",
                detail=f"the destination is {destination}" if isinstance(destination, str) else "",
            )


def _is_bucket(destination: Json) -> bool:
    return isinstance(destination, str) and destination.startswith(_OBS)


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


def said(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    """The words of the file; destinations as one text each."""
    told = {**raw, **{name: raw[wire] for name, wire in _PLAIN if wire in raw}}
    ends = raw.get("destination_config") or {}
    told["destinationConfig"] = {name: one for name, wire in _ENDS if (one := _end_said(ends.get(wire)))}
    if "func_urn" in raw:
        told[MEMBER] = behind_of(str(raw["func_urn"]))
    return told


def _end_said(end: Json) -> dict[str, Json] | None:
    if not isinstance(end, Mapping) or not end.get("destination"):
        return None
    try:
        param = json.loads(str(end.get("param") or "{}"))
    except ValueError:
        param = {}
    match end["destination"], param:
        case "OBS", {"bucket": bucket}:
            prefix = param.get("prefix")
            place = f"{_OBS}{bucket}/{prefix}" if prefix else f"{_OBS}{bucket}"
            return {"destination": place, "expires": int(param.get("expires") or 0)}
        case "DIS", {"stream_name": stream}:
            return {"destination": f"{_DIS}{stream}"}
        case "SMN", {"topic_urn": urn}:
            return {"destination": urn}
        case "FunctionGraph", {"func_urn": urn}:
            return {"destination": urn}
        case kind, _:
            # Something that the file has no word for: it differs from all that the file can say.
            return {"destination": f"{kind} {end.get('param')}"}


def sent(body: Mapping[str, Json], names: Mapping[str, str | Output], scope: Scope) -> Mapping[str, Json]:
    """A destination by its type, and what belongs to it as JSON text."""
    del names, scope
    travelling: dict[str, Json] = {wire: body[name] for name, wire in _PLAIN if name in body}
    if "destinationConfig" in body:
        ends = body["destinationConfig"] or {}
        travelling["destination_config"] = {
            wire: _end_sent(end) for name, wire in _ENDS if (end := ends.get(name)) and end.get("destination")
        }
    return travelling


def _end_sent(end: Mapping[str, Json]) -> dict[str, Json]:
    place = end["destination"]
    if not isinstance(place, str):
        # What comes later is of a resource of this file: a function.
        return {"destination": "FunctionGraph", "param": LaterJson(value={"func_urn": place})}
    if place.startswith(_OBS):
        bucket, _, prefix = place.removeprefix(_OBS).partition("/")
        return _typed("OBS", {"bucket": bucket, "prefix": prefix, "expires": end.get("expires") or 0})
    if place.startswith(_DIS):
        return _typed("DIS", {"stream_name": place.removeprefix(_DIS)})
    if place.startswith(_SMN):
        return _typed("SMN", {"topic_urn": place})
    if place.startswith(_FUNCTION):
        return _typed("FunctionGraph", {"func_urn": place})
    # As `said` gave it: only on the way back to what was there.
    kind, _, param = place.partition(" ")
    return {"destination": kind, "param": param}


def _typed(kind: str, param: Mapping[str, Json]) -> dict[str, Json]:
    return {"destination": kind, "param": json.dumps(param, sort_keys=True, separators=(",", ":"), ensure_ascii=False)}


_ONE = "/async-invoke-config"
_PUT = qualified("UpdateFunctionAsyncInvokeConfig", "PUT", _ONE)

KIND = Kind(
    provider="huawei",
    name="asyncInvoke",
    title="Async invoke config",
    description="What becomes of asynchronous calls.",
    section="asyncInvoke",
    parent="function",
    identity=("package", "functionName", "qualifier"),
    name_schema=QUALIFIER_SCHEMA,
    behind=QUALIFIED,
    identify=named,
    derive=end_of,
    alone=LATEST,
    fields=FIELDS,
    create=_PUT,
    read=qualified("ShowFunctionAsyncInvokeConfig", "GET", _ONE),
    update=_PUT,
    delete=qualified("DeleteFunctionAsyncInvokeConfig", "DELETE", _ONE),
    listing=Listing(
        operation=on_function("ListFunctionAsyncInvokeConfig", "GET", "/async-invoke-configs"),
        items="async_invoke_configs",
        limit=100,
        token="marker",
        following="page_info.next_marker",
        total="count",
        member=MEMBER,
        pattern=PATTERN,
        only=ONLY,
    ),
    guard=GuardStyle.RECHECK,
    marking=Marking.PARENT,
    check=check,
    about=about,
    translation=Translation(said=said, sent=sent),
    # A PUT replaces the whole (facts 9).
    whole=True,
    reported=("maxAsyncRetryAttempts", "maxAsyncEventAgeInSeconds", "enableAsyncStatusLog", "destinationConfig"),
    missing=frozenset({"FSS.1051", "FSS.1052", "FSS.1053", "FSS.0404"}),
    lacks={"statefulInvocation": "`enableAsyncStatusLog: true` keeps the state of each call in the log service"},
)
