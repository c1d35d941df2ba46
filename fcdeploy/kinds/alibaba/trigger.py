"""Triggers of Function Compute 2.0. Facts 6.2, 7.2, 7.3, 8.1, 9.3."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from fcdeploy.kinds.alibaba.qualifier import BEHIND
from fcdeploy.kinds.alibaba.service import API_2021, NAME_SCHEMA, ROLE_PATTERN, wildcard_findings
from fcdeploy.kinds.alibaba.trigger_types import NO_ROLE, NO_SOURCE, SOURCE_PATTERNS, VARIANTS
from fcdeploy.kinds.cron import cron_problem
from fcdeploy.kinds.descriptor import Attribute, Finding, GuardStyle, Kind, Listing, Marking, Operation
from fcdeploy.kinds.fields import Access, Codec, Default, Field, Reset, text
from fcdeploy.kinds.risks import ANONYMOUS_HTTP
from fcdeploy.model import Json

MAX_PAYLOAD = 131072
MOST_TRIGGERS = 50
"""Of a function, unless the limit was raised: the newer service's page says so (facts 13)."""

_NOTHING_TO_SAY = tuple(sorted(kind for kind, members in VARIANTS.items() if not any(one.required for one in members)))

FIELDS = (
    text(
        "triggerType",
        "Type",
        "What calls the function.",
        spec="type",
        access=Access.CREATE_ONLY,
        required=True,
        enum=sorted(VARIANTS),
    ),
    Field(
        name="triggerConfig",
        title="Configuration",
        description="What the source needs to know; its fields depend on the type.",
        spec="config",
        schema={"type": "object"},
        codec=Codec.JSON_TEXT,
        text_since=API_2021,
        discriminator="triggerType",
        variants=VARIANTS,
        # The service wants one, however little there is to say (facts 9.3).
        defaults=(Default(value={}, when={"triggerType": _NOTHING_TO_SAY}),),
        reset=Reset.NONE,
    ),
    text(
        "sourceArn",
        "Source",
        "ARN of what sends the events; not for timer, http and eventbridge.",
        access=Access.CREATE_ONLY,
        default=None,
        # The service shows one for types that have none to give (facts 9.3, eventbridge).
        defaults=(Default(value=None, sent=False, compared=False, when={"triggerType": tuple(sorted(NO_SOURCE))}),),
        reset=Reset.NONE,
        pattern=r"^acs:[^\s]+$",
    ),
    text(
        "invocationRole",
        "Role",
        "ARN of the role with which the source calls the function; not for timer and http.",
        defaults=(Default(value="", sent=False),),
        default=None,
        pattern=ROLE_PATTERN,
    ),
    text(
        "qualifier",
        "Qualifier",
        "The version or alias that is called; LATEST when left out.",
        defaults=(Default(value="LATEST", sent=False),),
        default=None,
        pattern=r"^(LATEST|[0-9]+|[_a-zA-Z][-_a-zA-Z0-9]*)$",
        behind=BEHIND,
    ),
    text("description", "Description", "What the trigger is for.", since=API_2021),
)


def check(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """Rules by trigger type: facts 9.3, S5."""
    del api, name
    kind = str(body.get("triggerType"))
    if kind not in VARIANTS:
        return
    config = body.get("triggerConfig")
    source = body.get("sourceArn")
    if kind in NO_SOURCE:
        if source is not None:
            yield Finding(path="sourceArn", summary=f"a trigger of type {kind} has no source", hint="remove it")
    elif source is None:
        yield Finding(
            path="",
            summary="`sourceArn` is missing",
            detail=f"a trigger of type {kind} is called by a resource of yours",
            hint=f"its ARN looks like `{SOURCE_PATTERNS[kind][1]}`",
        )
    elif isinstance(source, str) and not source.startswith(SOURCE_PATTERNS[kind][0]):
        yield Finding(
            path="sourceArn",
            summary=f"this is not the ARN of a source of type {kind}",
            detail=f"found {source}",
            hint=f"it looks like `{SOURCE_PATTERNS[kind][1]}`",
        )
    if kind in NO_ROLE:
        if body.get("invocationRole"):
            yield Finding(path="invocationRole", summary=f"a trigger of type {kind} has no role", hint="remove it")
    elif kind not in NO_SOURCE and not body.get("invocationRole"):
        yield Finding(
            path="",
            summary="`invocationRole` is missing",
            detail=f"a source of type {kind} calls the function with a role",
            hint="write `invocationRole: acs:ram::{account}:role/{name}`",
        )
    if isinstance(config, Mapping):
        yield from _check_config(kind, config)


def _check_config(kind: str, config: Mapping[str, Json]) -> Iterable[Finding]:
    if kind == "timer":
        expression, payload = config.get("cronExpression"), config.get("payload")
        problem = cron_problem(expression) if isinstance(expression, str) else None
        if problem:
            yield Finding(
                path="triggerConfig.cronExpression",
                summary="this is not a timer expression",
                detail=f"{expression!r}: {problem}",
                hint="for example `@every 5m`, or `0 0 2 * * *` for 02:00:00 every day (seconds first)",
            )
        if isinstance(payload, str) and len(payload.encode()) > MAX_PAYLOAD:
            yield Finding(
                path="triggerConfig.payload",
                summary=f"the payload is larger than {MAX_PAYLOAD} bytes",
                detail=f"found {len(payload.encode())} bytes",
            )
    if kind == "http":
        if config.get("authConfig") and config.get("authType") != "jwt":
            yield Finding(path="triggerConfig.authConfig", summary="`authConfig` is only for authType jwt")
        if config.get("authType") == "jwt" and not config.get("authConfig"):
            yield Finding(path="triggerConfig", summary="authType jwt needs `authConfig`")


def risks(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """An address in the internet that everybody may call, and a role or a source that is many (facts 9.3)."""
    del api, name
    config = body.get("triggerConfig")
    if (
        body.get("triggerType") == "http"
        and isinstance(config, Mapping)
        and config.get("authType") == "anonymous"
        and not config.get("disableURLInternet")
    ):
        yield Finding(
            path="triggerConfig.authType",
            summary="everybody may call this function",
            detail="authType anonymous asks for no signature, and the trigger has an address in the internet",
            hint="write `authType: function` or `jwt`, or `disableURLInternet: true`; if it is meant, say so: "
            "`policies: {builtin/anonymous-http: off}`",
            is_warning=True,
            risk=ANONYMOUS_HTTP,
        )
    source = body.get("sourceArn") if body.get("triggerType") not in _ANY_REGION else None
    yield from wildcard_findings(("invocationRole", body.get("invocationRole")), ("sourceArn", source))


_ANY_REGION = ("cdn_events",)
"""Types whose source names no region, but `*`."""


def collides(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """An http trigger stands alone on its qualifier (facts 9.3, http)."""
    return "http" in (one.get("triggerType"), other.get("triggerType")) and (
        (one.get("qualifier") or "LATEST") == (other.get("qualifier") or "LATEST")
    )


def about(body: Mapping[str, Json]) -> str:
    """What calls the function, when or from where, and which version or alias of it; of an http trigger its address."""
    config = body.get("triggerConfig")
    if isinstance(config, str):
        # The newer API answers with text (facts 1, row 19).
        try:
            config = json.loads(config)
        except ValueError:
            config = {}
    given = config if isinstance(config, Mapping) else {}
    methods = given.get("methods") or ()
    source = body.get("sourceArn") or given.get("cronExpression") or " ".join(map(str, methods))
    qualifier = body.get("qualifier")
    parts = (
        f"{body.get('triggerType') or ''} {source or ''}".strip(),
        given.get("authType"),
        "disabled" if given.get("enable") is False else "",
        f"calls {qualifier}" if qualifier not in (None, "", "LATEST") else "",
        body.get("urlInternet") or body.get("urlIntranet"),
    )
    return ", ".join(str(part) for part in parts if part)


# Facts 1, row 20: every 2016 call about an eventbridge trigger carries this header; others ignore it.
_EVENTBRIDGE = {"2016-08-15": {"x-fc-enable-eventbridge-trigger": "enable"}}
_LIST = "/services/{serviceName}/functions/{functionName}/triggers"
_ONE = _LIST + "/{triggerName}"

KIND = Kind(
    provider="alibaba",
    name="trigger",
    title="Trigger",
    description="What calls a function.",
    section="triggers",
    parent="function",
    identity=("serviceName", "functionName", "triggerName"),
    name_schema=NAME_SCHEMA,
    fields=FIELDS,
    create=Operation(name="CreateTrigger", method="POST", path=_LIST, headers=_EVENTBRIDGE),
    read=Operation(name="GetTrigger", method="GET", path=_ONE, headers=_EVENTBRIDGE),
    update=Operation(name="UpdateTrigger", method="PUT", path=_ONE, headers=_EVENTBRIDGE),
    delete=Operation(name="DeleteTrigger", method="DELETE", path=_ONE, headers=_EVENTBRIDGE),
    listing=Listing(
        operation=Operation(name="ListTriggers", method="GET", path=_LIST, headers=_EVENTBRIDGE), items="triggers"
    ),
    guard=GuardStyle.ETAG,
    marking=Marking.PARENT,
    missing=frozenset({"TriggerNotFound", "FunctionNotFound", "ServiceNotFound"}),
    check=check,
    risks=risks,
    soft_limit=MOST_TRIGGERS,
    about=about,
    reported=("triggerType", "sourceArn", "qualifier", "urlInternet", "urlIntranet"),
    collides=collides,
    collision="an http trigger stands alone on its qualifier",
    attributes=(
        Attribute(name="name", description="The trigger's name.", template="{triggerName}"),
        Attribute(name="triggerId", description="The id that the trigger got when it was created.", member="triggerId"),
        Attribute(
            name="urlInternet",
            description="The address of an http trigger in the internet.",
            member="urlInternet",
            since=API_2021,
            when={"triggerType": ("http",), "triggerConfig.disableURLInternet": (None, False)},
            moved_by=("triggerConfig.disableURLInternet",),
        ),
        Attribute(
            name="urlIntranet",
            description="The address of an http trigger in the provider's own network.",
            member="urlIntranet",
            since=API_2021,
            when={"triggerType": ("http",)},
        ),
    ),
)
