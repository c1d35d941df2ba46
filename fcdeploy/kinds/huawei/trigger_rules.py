"""What there is to say of triggers beyond their fields: rules, risks, what cannot stand together, words not to be had.

Facts 6.3, 13; S45. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fcdeploy.kinds.cron import cron_problem
from fcdeploy.kinds.descriptor import Finding
from fcdeploy.kinds.huawei.trigger_travel import GATEWAY, RELEASE, RELEASE_ID
from fcdeploy.kinds.huawei.trigger_types import TYPES
from fcdeploy.kinds.huawei.urn import LATEST
from fcdeploy.kinds.risks import ANONYMOUS_HTTP
from fcdeploy.model import Json

GATEWAY_WORDS = (*GATEWAY, "public", "timeout", "invocationType")
"""What only an http trigger has beside `config`: its gateway wants to know it (S45)."""

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


LACKS: Mapping[str, str] = {
    "sourceArn": "name the source under `config`, such as `bucket` of type obs",
    "invocationRole": "the agency that the function has as its `role` is what counts",
    "description": "write it as a comment of the file",
    "config.disableURLInternet": "who may call is up to the gateway: `huawei: {instanceId: …}` names one of yours",
    "config.authConfig": "`authType: app` asks for the key of an app",
    "config.authType=jwt": "`authType: app` asks for the key of an app",
    "type=oss": "write `type: obs` for objects of a bucket",
    "type=log": "write `type: lts` for a log stream",
    "type=mns_topic": "write `type: smn` for a topic",
    "type=rds": "write `type: dds` for changes of documents; there is none for tables",
    "type=eventbridge": "write `type: eventgrid` for events of a channel",
    "type=tablestore": "there is none for tables; `type: dis` reads a stream",
    "type=cdn_events": "there is none; `type: cts` follows operations",
}
"""Words and values of other clouds, each with what comes nearest (S45)."""
