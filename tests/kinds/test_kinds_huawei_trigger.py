"""Triggers of FunctionGraph: what is sent comes back as it was said, for every type and whatever its fields hold."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from huaweicloudsdkfunctiongraph.v2.model import (
    ApigTriggerFuncInfo,
    CreateFunctionTriggerRequestBody,
    TriggerEventDataRequestBody,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from fcdeploy.engine.canonical import desired_body, live_body
from fcdeploy.engine.diff import differing
from fcdeploy.engine.wire import update_call, wire_value
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.kinds.fields import Access, Field
from fcdeploy.kinds.huawei.trigger import FIELDS, KIND
from fcdeploy.kinds.huawei.trigger_rules import about, check, collides, risks
from fcdeploy.kinds.huawei.trigger_travel import derive, identify, said, sent
from fcdeploy.kinds.huawei.trigger_types import BY_CODE, TYPES
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Sensitive

SCOPE = Scope(region="ap-southeast-1", account="p1", api="v2")
URN = "urn:fss:ap-southeast-1:p1:function:default:images-resize"
BY_SDK = {
    *TriggerEventDataRequestBody.attribute_map.values(),
    *("enable_acl", "access_key", "secret_key"),  # RocketMQ: in the operator's reference, not in the SDK (facts 6.3)
}
OTHERS = st.text(alphabet="abcXYZ019-_./:", min_size=1, max_size=12)


def values(field: Field) -> st.SearchStrategy[Any]:
    """What the file may give for a field."""
    schema: Any = field.schema
    match schema.get("type"):
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema.get("minimum", 0), schema.get("maximum", 10**6))
        case "array":
            assert field.item is not None
            return st.lists(values(field.item), min_size=1, max_size=3, unique=True)
    if field.name == "cronExpression":
        return st.sampled_from(["@every 5m", "@every 1h30m", "0 0 2 * * *", "CRON_TZ=Asia/Shanghai 0 0 2 ? * MON"])
    if field.name == "path":
        return OTHERS.map(lambda text: f"/{text}")
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if field.name == "qualifier":
        return st.sampled_from(["latest", "3", "live", "v-1"])
    if "pattern" in schema:
        return st.sampled_from(["FUNCTION:function:create", "ECS:server;disk:create;delete", "VPC::"])
    return OTHERS


def some(fields: tuple[Field, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {one.name: values(one) for one in fields if one.required},
        optional={one.name: values(one) for one in fields if not one.required},
    )


def bodies(word: str) -> st.SearchStrategy[dict[str, Any]]:
    around = tuple(one for one in FIELDS if one.name not in ("type", "config")) if word == "http" else ()
    qualifiers = tuple(one for one in FIELDS if one.name == "qualifier" and not around)
    return st.builds(
        lambda beside, words: {**beside, "type": word, "config": words},
        some((*around, *qualifiers)),
        some(TYPES[word].fields).map(
            lambda words: {**words, "methods": words["methods"][:1]} if "methods" in words else words
        ),
    )


def names(last: str) -> dict[str, str]:
    return KIND.names(("default", "images-resize", last))


def asked(body: dict[str, Any], canonical: dict[str, Any], last: str) -> dict[str, Any]:
    """The body of a create, as the engine makes it."""
    travelling = {
        one.name: wire_value(one, canonical[one.name], canonical, "v2", creating=True)
        for one in KIND.fields
        if canonical.get(one.name) is not None
    }
    return dict(sent(travelling, names(last), SCOPE))


def echoed(told: dict[str, Any], last: str, *, listed: bool = True) -> dict[str, Any]:
    """What the service answers to a create: with what it adds, and passwords, which some answers have (facts 6.3)."""
    raw = copy.deepcopy(told)
    raw |= {"trigger_id": "t1", "last_updated_time": "2022-11-09 16:37:24", "created_time": "2022-11-09 16:37:24"}
    data = raw["event_data"]
    if raw["trigger_type_code"] in ("APIG", "DEDICATEDGATEWAY"):
        data.setdefault("sl_domain", "g.apig.example")
        data |= {"api_id": "a", "triggerid": "t1", "invoke_url": f"https://{data['sl_domain']}{data['path']}"}
        data["func_info"] |= {"function_urn": URN, "version": "latest"}
    if raw["trigger_type_code"] == "DDS":
        data |= {"db_user": "rwuser", "instance_addrs": ["10.0.0.1:8635"], "mode": "ReplicaSet"}
    raw.setdefault("trigger_status", "ACTIVE")
    return {**raw, "func_urn": f"{URN}{names(last)['qualifierEnd'] or ':latest'}"} if listed else raw


@pytest.mark.parametrize("word", sorted(TYPES))
@settings(max_examples=max(5, settings.default.max_examples // 5))
@given(data=st.data())
def test_what_is_sent_comes_back_as_it_was_said(word: str, data: st.DataObject) -> None:
    body = data.draw(bodies(word))
    (last,) = identify(("images", "resize", "mine"), body)
    canonical = desired_body(KIND, body, "v2")
    told = asked(body, canonical, last)
    raw = said(echoed(told, last))
    secrets = {one.name for one in TYPES[word].fields if one.access is Access.WRITE_ONLY}
    readable = {**canonical, "config": {key: item for key, item in canonical["config"].items() if key not in secrets}}
    live = live_body(KIND, raw, "v2")
    # What the service chooses where the file is silent is not compared.
    assert {name: live.get(name) for name in readable} | {"config": None} == readable | {"config": None}
    assert {name: live["config"].get(name) for name in readable["config"]} == readable["config"]
    assert (raw["package"], raw["functionName"], raw["triggerName"]) == ("default", "images-resize", last)
    assert said(raw) == raw
    assert not {TYPES[word].wire[name] for name in secrets} & {*raw["event_data"]}
    # Nothing travels that the SDK does not know.
    assert {*told} <= {*CreateFunctionTriggerRequestBody.attribute_map.values()}
    assert {*told["event_data"]} <= BY_SDK
    assert {*told["event_data"].get("func_info", {})} <= {*ApigTriggerFuncInfo.attribute_map.values()}


def test_all_that_the_sdk_knows_of_event_data_can_be_said_or_is_the_services_own() -> None:
    known = {wire for one in TYPES.values() for wire in one.wire.values()} | {one.named for one in TYPES.values()}
    timer = {"schedule", "schedule_type", "user_event"}
    gateway = {*("type", "path", "protocol", "req_method", "group_id", "match_mode", "env_name", "env_id", "auth")}
    gateway |= {"func_info", "sl_domain", "backend_type", "instance_id"}
    answers = {"group_name", "created_time", "status"}
    assert BY_SDK - known - timer - gateway == answers


@pytest.mark.parametrize(
    ("body", "last"),
    [
        ({"type": "timer", "config": {"cronExpression": "@every 5m"}}, "mine"),
        ({"type": "http", "config": {}, "qualifier": "live"}, "mine@live"),
        ({"type": "cts", "config": {}, "qualifier": "3"}, "mine@3"),
        ({"type": "obs", "config": {"bucket": "pictures"}}, "obs-pictures"),
        ({"type": "obs", "config": {"bucket": "pictures", "prefix": "in/"}}, "obs-pictures-ba8a36b0"),
        ({"type": "smn", "config": {"topicUrn": "urn:smn:ap-southeast-1:p1:orders"}}, "smn-orders"),
        ({"type": "dis", "config": {"streamName": "clicks"}, "qualifier": "latest"}, "dis-clicks"),
        ({"type": "kafka", "config": {"instanceId": "i", "topicIds": ["b", "a"]}}, "kafka-a-b-ed0bc277"),
        ({"type": "dms", "config": {}}, "dms-055539df"),
        ({"type": "nonsense"}, "mine"),
    ],
)
def test_the_last_part_of_an_identity(body: dict[str, Any], last: str) -> None:
    assert identify(("images", "resize", "mine"), body) == (last,)


def test_what_tells_apart_does_so_whatever_the_order_and_whatever_a_secret_is() -> None:
    one = {"type": "kafka", "config": {"instanceId": Sensitive("i", parts=({"secret": "I"},)), "topicIds": ["a", "b"]}}
    two = {"type": "kafka", "config": {"instanceId": "i", "topicIds": ["b", "a"]}}
    three = {"type": "kafka", "config": {"instanceId": "j", "topicIds": ["b", "a"]}}
    found = [identify(("s", "f", "x"), body) for body in (one, two, three)]
    assert found[0] == found[1] != found[2]


def test_an_update_says_no_type() -> None:
    body = {"type": "lts", "config": {"logGroupId": "g", "logTopicId": "t", "enable": False}}
    told = sent(body, {**names("lts-t"), "trigger_id": "1", "trigger_type_code": "LTS"}, SCOPE)
    assert told == {"trigger_status": "DISABLED", "event_data": {"log_group_id": "g", "log_topic_id": "t"}}


def test_where_a_trigger_stands_in_a_path() -> None:
    assert [derive({"triggerName": name})["qualifierEnd"] for name in ("a", "a@3", "a@live")] == ["", ":3", ":!live"]
    assert derive({}) == {"name": "", "qualifierEnd": ""}
    call = KIND.create.call(names("web@live"), SCOPE, resource="x")
    assert call.path == "/fgs/triggers/urn:fss:ap-southeast-1:p1:function:default:images-resize%3A%21live"


@pytest.mark.parametrize(
    ("schedule", "expression"),
    [("5m", "@every 5m"), ("24h", "@every 24h"), ("3d", "@every 72h"), ("weekly", "weekly")],
)
def test_a_rate_is_read_as_the_interval_that_it_is(schedule: str, expression: str) -> None:
    data = {"name": "t", "schedule_type": "Rate", "schedule": schedule}
    raw = said({"trigger_type_code": "TIMER", "trigger_status": "DISABLED", "event_data": data})
    assert raw["config"] == {"cronExpression": expression, "payload": None, "enable": False}
    assert raw["triggerName"] == "t"
    assert "package" not in raw
    assert "qualifier" not in raw


@pytest.mark.parametrize(
    "raw",
    [
        {"trigger_type_code": "OPENSOURCEKAFKA", "trigger_id": "1", "event_data": {"topic_ids": ["a"]}},
        {"trigger_type_code": "TIMER", "trigger_id": "1", "event_data": {"name": "t"}, "func_urn": f"{URN}:v1"},
        {"trigger_id": "1"},
    ],
)
def test_what_nobody_can_declare_is_no_resource(raw: dict[str, Any]) -> None:
    import re

    name = said(raw)["triggerName"]
    assert re.fullmatch(KIND.listing.only, name) is None
    assert KIND.siblings is not None
    assert re.fullmatch(KIND.siblings.only, name) is None


@pytest.mark.parametrize("data", [None, [], "x", {}, {"func_info": 3, "type": "1"}])
def test_an_answer_of_another_form_is_no_reason_to_break(data: Any) -> None:
    for code in BY_CODE:
        assert said({"trigger_type_code": code, "event_data": data})["type"] == BY_CODE[code]


HTTP = {"type": "http", "groupId": "g", "config": {"authType": "app", "methods": ["GET"]}}


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        ({**HTTP, "groupId": None}, "", "`groupId` is missing"),
        ({**HTTP, "config": {"authType": "app", "methods": ["GET", "PUT"]}}, "config.methods", "one method or all"),
        ({**HTTP, "envId": "e"}, "envId", "`envId` and `envName` go together"),
        ({**HTTP, "envName": "e"}, "envName", "`envName` and `envId` go together"),
        ({**HTTP, "qualifier": "LATEST"}, "qualifier", "calls it `latest`"),
        ({"type": "timer", "config": {"cronExpression": "@every x"}}, "config.cronExpression", "no"),
        ({"type": "timer", "config": {"cronExpression": "TZ=UTC 0 0 2 * * *"}}, "config.cronExpression", "no"),
        ({"type": "timer", "config": {"cronExpression": "0 0 2 * * 1-7"}}, "config.cronExpression", "no"),
        ({"type": "timer", "groupId": "g", "config": {"cronExpression": "@every 1h"}}, "groupId", "only"),
        ({"type": "kafka", "config": {}}, "config", "disabled"),
        ({"type": "kafka", "config": {"enable": True, "user": "u"}}, "config.password", "`user` needs"),
        (
            {"type": "rocketmq", "config": {"enableAcl": True, "accessKey": "a"}},
            "config.secretKey",
            "`enableAcl` needs",
        ),
    ],
)
def test_what_a_schema_cannot_say(body: dict[str, Any], path: str, words: str) -> None:
    found = list(check({key: value for key, value in body.items() if value is not None}, "v2", "x"))
    assert [one.path for one in found] == [path]
    assert words in f"{found[0].summary} {found[0].detail}"


def test_what_is_right_has_no_findings() -> None:
    for body in (
        HTTP,
        {**HTTP, "envId": "e", "envName": "n", "qualifier": "live"},
        {"type": "timer", "config": {"cronExpression": "CRON_TZ=Asia/Shanghai 0 0 2 * * 0-6/2"}},
        {"type": "dds", "config": {"enable": False}},
        {"type": "nonsense"},
    ):
        assert not list(check(body, "v2", "x"))


def test_an_api_for_everybody_is_a_risk() -> None:
    (found,) = risks({**HTTP, "config": {"authType": "anonymous"}}, "v2", "x")
    assert (found.risk, found.is_warning) == ("anonymous-http", True)
    assert not list(risks(HTTP, "v2", "x"))


PUT, DELETED = "s3:ObjectCreated:Put", "s3:ObjectRemoved:Delete"


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ({"events": [PUT]}, {"events": [DELETED]}, True),
        ({"events": [PUT]}, {"events": [PUT, DELETED]}, False),
        ({"events": [PUT]}, {"events": ["s3:ObjectCreated:*"]}, False),
        ({"events": [PUT], "prefix": "a/"}, {"events": [PUT], "prefix": "b/"}, True),
        ({"events": [PUT], "prefix": "a/"}, {"events": [PUT], "prefix": "a/b/"}, False),
        ({"events": [PUT], "suffix": ".png"}, {"events": [PUT], "suffix": ".jpg"}, True),
        ({"events": [PUT]}, {"events": [PUT], "bucket": "c"}, True),
    ],
)
def test_objects_that_would_call_twice(one: dict[str, Any], other: dict[str, Any], together: bool) -> None:
    first, second = ({"type": "obs", "config": {"bucket": "b", **config}} for config in (one, other))
    assert collides(first, second) is collides(second, first) is (not together)


def test_other_things_that_cannot_stand_together() -> None:
    topic = {"type": "smn", "config": {"topicUrn": "t"}}
    assert collides(topic, topic)
    assert not collides(topic, {**topic, "qualifier": "live"})
    assert not collides(topic, {"type": "smn", "config": {"topicUrn": "u"}})
    assert collides({**HTTP, "path": "/a"}, {**HTTP, "path": "/a", "qualifier": "live"})
    assert not collides(HTTP, HTTP)
    assert not collides({"type": "timer", "config": {}}, {"type": "timer", "config": {}})


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"type": "timer", "config": {"cronExpression": "@every 5m", "enable": False}}, "timer @every 5m, disabled"),
        (
            {**HTTP, "path": "/a", "qualifier": "live", "urlInternet": "https://x/a"},
            "http GET /a, app, calls live, https://x/a",
        ),
        ({"type": "kafka", "config": {"topicIds": ["a", "b"], "enable": True}}, "kafka a b"),
        ({"type": "obs", "config": {"bucket": "b"}}, "obs b"),
        ({"type": "cts", "config": {}}, "cts"),
    ],
)
def test_the_line_that_a_table_says(body: dict[str, Any], text: str) -> None:
    assert about(body) == text


def test_only_types_with_a_password_change_as_a_whole() -> None:
    config = KIND.field("config")
    sealed = {word for word in TYPES if config.chosen({"type": word}).has_write_only}
    assert sealed == {"kafka", "dds", "rabbitmq", "rocketmq"}
    assert config.chosen({}) is config
    assert config.has_write_only
    live = {"type": "timer", "config": {"cronExpression": "@every 5m", "payload": "", "enable": True}}
    wanted = {"type": "timer", "config": {"cronExpression": "@every 6m", "payload": "", "enable": True}}
    (changed,) = differing(KIND, wanted, live, "v2")
    assert (changed.name, changed.has_write_only) == ("config", False)
    update = update_call(
        KIND,
        ("default", "f", "web"),
        (KIND.field("protocol"),),
        desired_body(KIND, {**HTTP, "protocol": "HTTP", "path": "/a"}, "v2"),
        {},
        SCOPE,
        "x",
        raw={"trigger_id": "1", "trigger_type_code": "APIG"},
    )
    # An update of anything around `config` tells the event data whole.
    assert update.path.endswith(":function:default:f/APIG/1")
    assert {"auth", "req_method", "group_id", "path", "func_info"} <= {*update.body["event_data"]}
    assert update.body["event_data"]["protocol"] == "HTTP"


def test_each_word_that_other_clouds_have_here_has_something_that_comes_near() -> None:
    """And none of them is a word or a value that FunctionGraph does take."""
    there = KINDS["alibaba", "trigger"]
    variants = there.field("triggerConfig").variants
    here = {
        name
        for one in KIND.fields
        for name in (one.name, *(f"config.{each}" for each in KIND.field("config").every_member))
    }
    words = {one.spec_name for one in there.fields}
    words |= {f"config.{one.name}" for word in TYPES if word in variants for one in variants[word]}
    types = {f"type={word}" for word in variants}
    assert {*KIND.lacks} == (words - here) | {one for one in types if one[5:] not in TYPES} | {"config.authType=jwt"}
