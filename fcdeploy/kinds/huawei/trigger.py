"""Triggers of FunctionGraph. Facts 6, 13, 15; S44, S45."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fcdeploy.kinds.cron import cron_problem
from fcdeploy.kinds.descriptor import (
    Attribute,
    Finding,
    GuardStyle,
    Kind,
    Listing,
    Marking,
    Operation,
    Translation,
)
from fcdeploy.kinds.fields import Access, Default, Field, Reset, integer, text
from fcdeploy.kinds.huawei.trigger_travel import GATEWAY, RELEASE, RELEASE_ID, derive, identify, in_file, said, sent
from fcdeploy.kinds.huawei.trigger_types import TYPES, VARIANTS
from fcdeploy.kinds.huawei.urn import LATEST, URN
from fcdeploy.kinds.risks import ANONYMOUS_HTTP
from fcdeploy.model import Json

MOST_TRIGGERS = 10
"""Of a version or an alias (facts 6.3)."""

_HTTP = {"type": ("http",)}
GATEWAY_WORDS = (*GATEWAY, "public", "timeout", "invocationType")
"""What only an http trigger has beside `config`: its gateway wants to know it (S45)."""

FIELDS = (
    text(
        "type",
        "Type",
        "What calls the function.",
        access=Access.CREATE_ONLY,
        required=True,
        enum=sorted(VARIANTS),
    ),
    Field(
        name="config",
        title="Configuration",
        description="What the source needs to know; its fields depend on the type.",
        schema={"type": "object"},
        discriminator="type",
        variants=VARIANTS,
        reset=Reset.NONE,
    ),
    text(
        "qualifier",
        "Qualifier",
        "The version, by its number, or the alias that is called; `latest` when left out.",
        access=Access.CREATE_ONLY,
        defaults=(Default(value=LATEST, sent=False),),
        default=None,
        pattern=r"^([1-9][0-9]{0,8}|[A-Za-z]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)$",
        behind=("alias", "version"),
    ),
    text(
        "groupId",
        "Group",
        "Id of the group of APIs, of type http.",
        access=Access.CREATE_ONLY,
        default=None,
        minLength=1,
    ),
    text(
        "envId",
        "Environment's id",
        "Id of the environment that the API is published in, of type http.",
        default=None,
        defaults=(Default(value=RELEASE_ID, when=_HTTP),),
        minLength=1,
    ),
    text(
        "envName",
        "Environment",
        "Name of the environment that the API is published in, of type http.",
        default=None,
        defaults=(Default(value=RELEASE, when=_HTTP),),
        minLength=1,
    ),
    text(
        "path",
        "Path",
        "Path of the API, of type http; `/` and the trigger's name when left out.",
        access=Access.CREATE_ONLY,
        default=None,
        pattern=r"^/",
        maxLength=255,
    ),
    text(
        "protocol",
        "Protocol",
        "How the API is called, of type http.",
        default=None,
        defaults=(Default(value="HTTPS", when=_HTTP),),
        enum=["HTTP", "HTTPS"],
    ),
    text(
        "matchMode",
        "Match",
        "SWA: the path and all below it; NORMAL: the path alone. Of type http.",
        default=None,
        defaults=(Default(value="SWA", when=_HTTP),),
        enum=["SWA", "NORMAL"],
    ),
    Field(
        name="public",
        title="Public",
        description="Whether it is a public API, of type http.",
        schema={"type": "boolean"},
        defaults=(Default(value=True, when=_HTTP),),
    ),
    integer(
        "timeout",
        "Time limit",
        "Milliseconds that a call may take, of type http.",
        defaults=(Default(value=5000, when=_HTTP),),
        minimum=1,
        maximum=60000,
    ),
    text(
        "domain",
        "Domain",
        "The domain that the API is called by, of type http; the group's own when left out.",
        default=None,
        reset=Reset.NONE,
        minLength=1,
        maxLength=255,
    ),
    text(
        "invocationType",
        "Invocation",
        "Whether a caller waits for the function's answer, of type http.",
        default=None,
        defaults=(Default(value="sync", when=_HTTP),),
        enum=["sync", "async"],
    ),
    text(
        "instanceId",
        "Gateway",
        "Id of a gateway of your own, of type http; the shared one when left out.",
        access=Access.CREATE_ONLY,
        default=None,
        defaults=(Default(value=None, sent=False),),
        minLength=1,
    ),
)


_TOGETHER = {
    "kafka": (("user", "password"), ("password", "user")),
    "rocketmq": (("enableAcl", "accessKey"), ("enableAcl", "secretKey")),
}
"""By type: words that need another one."""


def check(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """Rules by type: facts 6.3, S45."""
    del api, name
    word = str(body.get("type"))
    kind = TYPES.get(word)
    if kind is None:
        return
    if body.get("qualifier") == LATEST.upper():
        yield Finding(
            path="qualifier",
            summary="FunctionGraph calls it `latest`",
            hint="leave `qualifier` out: what is newest is called in either cloud",
        )
    if word != "http":
        for one in GATEWAY_WORDS:
            if body.get(one) is not None:
                yield Finding(path=one, summary=f"only a trigger of type http has `{one}`", hint="remove it")
    given = body.get("config")
    words = given if isinstance(given, Mapping) else {}
    if word == "http":
        yield from _check_gateway(body, words)
    if word == "timer":
        yield from _check_timer(words.get("cronExpression"))
    if kind.starts is False and "enable" not in words:
        yield Finding(
            path="config",
            summary=f"a new trigger of type {word} is disabled",
            detail="the service starts it so, and that is what leaving `enable` out means",
            hint="write `enable: true`, or `enable: false` if it is meant",
            is_warning=True,
        )
    for here, other in _TOGETHER.get(word, ()):
        # A value that is not known yet is not shown: the path leads to it, so that nothing is said of it.
        if words.get(here) and not words.get(other):
            yield Finding(path=f"config.{other}", summary=f"`{here}` needs `{other}`", hint=f"write `{other}` as well")


def _check_gateway(body: Mapping[str, Json], words: Mapping[str, Json]) -> Iterable[Finding]:
    if body.get("groupId") is None:
        yield Finding(
            path="",
            summary="`groupId` is missing",
            detail="an http trigger is an API of API Gateway, which stands in a group",
            hint="write `huawei: {groupId: …}` with the id of a group of APIs",
        )
    if (body.get("envId") is None) != (body.get("envName") is None):
        here, other = ("envId", "envName") if body.get("envName") is None else ("envName", "envId")
        if body.get(here) not in (RELEASE, RELEASE_ID):
            yield Finding(path=here, summary=f"`{here}` and `{other}` go together", hint=f"write `{other}` as well")
    methods = words.get("methods")
    if isinstance(methods, list) and len(methods) > 1:
        yield Finding(
            path="config.methods",
            summary="API Gateway takes one method or all",
            detail=f"found {', '.join(map(str, methods))}",
            hint="write `huawei: {config: {methods: [ANY]}}`, which lets in the other methods as well",
        )


def _check_timer(expression: Json) -> Iterable[Finding]:
    if not isinstance(expression, str):
        return
    problem = cron_problem(expression)
    if problem is None and expression.startswith("TZ="):
        problem = "a time zone is written `CRON_TZ=Zone`"
    if problem is None and not expression.startswith("@") and "7" in expression.split()[-1].split("/")[0]:
        problem = "day of week: it is 0 to 6 here, and Sunday is 0"
    if problem is not None:
        yield Finding(
            path="config.cronExpression",
            summary="this is not a timer expression",
            detail=f"{expression!r}: {problem}",
            hint="for example `@every 5m`, or `0 0 2 * * *` for 02:00:00 every day (seconds first)",
        )


def risks(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """An API that everybody may call (facts 6.3)."""
    del api, name
    words = body.get("config")
    if body.get("type") == "http" and isinstance(words, Mapping) and words.get("authType") == "anonymous":
        yield Finding(
            path="config.authType",
            summary="everybody may call this function",
            detail="authType anonymous asks for no signature, and the API is in the internet",
            hint="write `authType: function` or `app`; if it is meant, say so: "
            "`policies: {builtin/anonymous-http: off}`",
            is_warning=True,
            risk=ANONYMOUS_HTTP,
        )


_ALONE = {"smn": "topicUrn", "lts": "logTopicId"}
"""Types of which a version or alias has one for each value of this field (facts 13)."""


def collides(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """What the service refuses side by side: one path of a group, one topic, one stream, one event of objects."""
    word = one.get("type")
    first, second = one.get("config"), other.get("config")
    if word != other.get("type") or not isinstance(first, Mapping) or not isinstance(second, Mapping):
        return False
    if word == "http":
        path = one.get("path")
        return path is not None and (path, one.get("groupId")) == (other.get("path"), other.get("groupId"))
    if word == "obs":
        return _share_objects(first, second)
    alone = _ALONE.get(str(word))
    same_place = (one.get("qualifier") or LATEST) == (other.get("qualifier") or LATEST)
    return alone is not None and same_place and first.get(alone) == second.get(alone)


def _share_objects(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether an event of an object could call both (FSS.1108)."""
    if one.get("bucket") != other.get("bucket"):
        return False
    begins = [str(each.get("prefix") or "") for each in (one, other)]
    ends = [str(each.get("suffix") or "") for each in (one, other)]
    if not (begins[0].startswith(begins[1]) or begins[1].startswith(begins[0])):
        return False
    if not (ends[0].endswith(ends[1]) or ends[1].endswith(ends[0])):
        return False
    events = [{str(event) for event in each.get("events") or ()} for each in (one, other)]
    return any(_same_event(first, second) for first in events[0] for second in events[1])


def _same_event(one: str, other: str) -> bool:
    return one == other or (one.rpartition(":")[0] == other.rpartition(":")[0] and "*" in one[-1] + other[-1])


def about(body: Mapping[str, Json]) -> str:
    """What calls the function, when or from where, and which version or alias of it; of an http trigger its address."""
    given = body.get("config")
    words = given if isinstance(given, Mapping) else {}
    word = str(body.get("type") or "")
    kind = TYPES.get(word)
    shown = words.get(kind.shown) if kind is not None and kind.shown else words.get("cronExpression")
    if word == "http":
        shown = [*(words.get("methods") or ()), body.get("path")]
    source = " ".join(str(one) for one in shown if one) if isinstance(shown, list) else shown
    qualifier = body.get("qualifier")
    parts = (
        f"{word} {source or ''}".strip(),
        words.get("authType"),
        "disabled" if words.get("enable") is False else "",
        f"calls {qualifier}" if qualifier not in (None, "", LATEST) else "",
        body.get("urlInternet"),
    )
    return ", ".join(str(part) for part in parts if part)


_OF_ONE = f"/fgs/triggers/{URN}{{qualifierEnd}}"
_ONE = _OF_ONE + "/{trigger_type_code}/{trigger_id}"

KIND = Kind(
    provider="huawei",
    name="trigger",
    title="Trigger",
    description="What calls a function.",
    section="triggers",
    parent="function",
    identity=("package", "functionName", "triggerName"),
    name_schema={
        "description": "a trigger's name has 1 to 64 letters, digits, `_` and `-`, and begins with a letter",
        "type": "string",
        "pattern": r"^[A-Za-z][A-Za-z0-9_-]*$",
        "minLength": 1,
        "maxLength": 64,
    },
    fields=FIELDS,
    create=Operation(name="CreateFunctionTrigger", method="POST", path=_OF_ONE),
    read=Operation(name="ShowFunctionTrigger", method="GET", path=_ONE),
    update=Operation(name="UpdateTrigger", method="PUT", path=_ONE),
    delete=Operation(name="DeleteFunctionTrigger", method="DELETE", path=_ONE),
    listing=Listing(
        operation=Operation(name="ListProjectTriggers", method="GET", path="/fgs/triggers"),
        items="triggers",
        limit=500,
        following="next_marker",
        token="marker",
        size="maxitems",
        # There is no such member: a page that is not full is the last (facts 12).
        total="count",
        everywhere=True,
        only=r"[A-Za-z].*",
    ),
    siblings=Listing(
        operation=Operation(name="ListFunctionTriggers", method="GET", path=_OF_ONE),
        items="",
        limit=0,
        told={"func_urn": f"{URN}{{qualifierEnd}}"},
        only=r"[A-Za-z].*",
    ),
    guard=GuardStyle.RECHECK,
    marking=Marking.PARENT,
    # A function that is gone takes its triggers along.
    missing=frozenset(
        {
            *("FSS.0404", "FSS.0410", "FSS.1051", "FSS.1052", "FSS.1053"),
            *(f"FSS.{code}" for code in (1131, 1132, 1133, 1134, 1136, 1138, 1140, 1160, 1163, 1174)),
        }
    ),
    check=check,
    risks=risks,
    soft_limit=MOST_TRIGGERS,
    about=about,
    reported=("type", "qualifier", "status", "subscriptionStatus", "urlInternet"),
    collides=collides,
    collision="the service refuses two of them for the same path, topic, stream or objects",
    identify=identify,
    in_file=in_file,
    derive=derive,
    given=("trigger_type_code", "trigger_id"),
    translation=Translation(said=said, sent=sent),
    whole=True,
    stamps=("last_updated_time",),
    lacks={
        "sourceArn": "the words of the source under `config`, such as `bucket` of type obs",
        "invocationRole": "`role` of the function",
        "description": "a comment in the file",
    },
    attributes=(
        Attribute(name="name", description="The trigger's name.", template="{name}"),
        Attribute(
            name="triggerId", description="The id that the trigger got when it was created.", member="trigger_id"
        ),
        Attribute(
            name="urlInternet",
            description="The address of an http trigger.",
            member="urlInternet",
            when={"type": ("http",)},
            moved_by=("protocol", "domain"),
        ),
    ),
)
