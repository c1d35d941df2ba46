"""Triggers (facts 9.3)."""

import json

import pytest

ROLE = "acs:ram::1:role/r"
TIMER = {"cronExpression": "0 */5 * * * *", "payload": "p", "enable": True}
HTTP = {"authType": "anonymous", "methods": ["GET"]}
LOG = {
    "sourceConfig": {"logstore": "l"},
    "jobConfig": {"maxRetryTime": 3, "triggerInterval": 60},
    "functionParameter": {"a": 1},
    "logConfig": {"project": "p", "logstore": "m"},
    "enable": True,
}
EVENTBRIDGE = {
    "triggerEnable": True,
    "asyncInvocationType": False,
    "eventRuleFilterPattern": "{}",
    "eventSourceConfig": {"eventSourceType": "Default"},
}
BRIDGE = {"x-fc-enable-eventbridge-trigger": "enable"}
GOOD = {
    "oss": ({"events": ["oss:ObjectCreated:*"], "filter": {"key": {"prefix": "a"}}}, "acs:oss:cn-hangzhou:1:bucket"),
    "log": (LOG, "acs:log:cn-hangzhou:1:project/p"),
    "timer": (TIMER, None),
    "http": (HTTP, None),
    "tablestore": ({}, "acs:ots:cn-hangzhou:1:instance/i/table/t"),
    "cdn_events": (
        {"eventName": "LogFileCreated", "eventVersion": "1.0.0", "notes": "n", "filter": {"domain": ["a"]}},
        "acs:cdn:*:1",
    ),
    "mns_topic": (
        {"filterTag": "t", "notifyContentFormat": "STREAM", "notifyStrategy": "BACKOFF_RETRY"},
        "acs:mns:cn-hangzhou:1:/topics/t",
    ),
    "rds": ({"subscriptionObjects": ["a"], "retry": 1, "concurrency": 1, "eventFormat": "json"}, "acs:rds:r:1:x"),
    "eventbridge": (EVENTBRIDGE, None),
}


def body(kind: str, name: str = "t", **more: object) -> dict:
    config, source = GOOD[kind]
    made = {"triggerName": name, "triggerType": kind, "triggerConfig": config, **more}
    if source is not None:
        made.setdefault("sourceArn", source)
        made.setdefault("invocationRole", ROLE)
    return made


@pytest.fixture
def path(api, function_body) -> str:
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/functions", function_body())
    return "/services/s/functions/f/triggers"


@pytest.mark.parametrize("kind", GOOD)
def test_every_type_in_both_versions(api, path, kind) -> None:
    made = api.ok("POST", path, body(kind), headers=BRIDGE)
    assert made["triggerConfig"] == GOOD[kind][0]
    assert made["qualifier"] is None
    if kind == "eventbridge":
        rule = f"acs:eventbridge:cn-hangzhou:{api.account}:eventbus/default/rule/s-f-t"
        assert made["sourceArn"] == rule
    else:
        assert made["sourceArn"] == GOOD[kind][1]
    newer = api.ok("GET", f"{path}/t", version="2021-04-06")
    assert json.loads(newer["triggerConfig"]) == GOOD[kind][0]
    assert newer["targetArn"] == f"acs:fc:cn-hangzhou:{api.account}:services/s.LATEST/functions/f"
    again = {**body(kind, "u"), "triggerConfig": json.dumps(GOOD[kind][0])}
    if kind == "http":
        api.ok("DELETE", f"{path}/t")
    api.ok("POST", path, again, version="2021-04-06")
    listed = api.ok("GET", path, version="2021-04-06")["triggers"]
    assert all(isinstance(each["triggerConfig"], str) for each in listed)
    assert api.ok("GET", f"{path}/u", headers=BRIDGE)["triggerConfig"] == GOOD[kind][0]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("timer", {"triggerName": "9"}),
        ("timer", {"triggerType": "clock"}),
        ("timer", {"triggerType": None}),
        ("timer", {"triggerConfig": None}),
        ("timer", {"triggerConfig": "{}"}),
        ("timer", {"triggerConfig": {}}),
        ("timer", {"triggerConfig": {**TIMER, "cronExpression": "* * * * *"}}),
        ("timer", {"triggerConfig": {**TIMER, "cronExpression": "@every 0m"}}),
        ("timer", {"triggerConfig": {**TIMER, "payload": "x" * 131073}}),
        ("http", {"triggerConfig": {"authType": "anonymous", "methods": ["BREW"]}}),
        ("http", {"triggerConfig": {"authType": "none", "methods": ["GET"]}}),
        ("http", {"triggerConfig": {"methods": ["GET"]}}),
        ("http", {"triggerConfig": {"authType": "anonymous", "methods": []}}),
        ("oss", {"sourceArn": None}),
        ("oss", {"sourceArn": "acs:log:a:1:project/p"}),
        ("oss", {"invocationRole": None}),
        ("oss", {"invocationRole": "x"}),
        ("oss", {"triggerConfig": {"events": ["oss:Nothing"]}}),
        ("log", {"triggerConfig": {**LOG, "jobConfig": {"maxRetryTime": 101}}}),
        ("log", {"triggerConfig": {**LOG, "sourceConfig": {}}}),
        ("cdn_events", {"triggerConfig": {"eventVersion": "1"}}),
        ("mns_topic", {"triggerConfig": {"notifyStrategy": "NONE"}}),
        ("eventbridge", {"triggerConfig": {**EVENTBRIDGE, "eventSourceConfig": {"eventSourceType": "X"}}}),
    ],
)
def test_fields_are_checked(api, path, kind, change) -> None:
    assert api.error("POST", path, {**body(kind), **change}, headers=BRIDGE)[:2] == (400, "InvalidArgument")
    assert api.ok("GET", path, headers=BRIDGE) == {"triggers": []}


@pytest.mark.parametrize("cron", ["@every 5m", "CRON_TZ=Asia/Shanghai 0 0 4 * * *", "0 0/5 1-3 ? * MON#2"])
def test_timer_expressions(api, path, cron) -> None:
    api.ok("POST", path, {**body("timer"), "triggerConfig": {**TIMER, "cronExpression": cron}})


def test_the_object_of_2016_is_refused_in_2021(api, path) -> None:
    assert api.error("POST", path, body("timer"), version="2021-04-06")[:2] == (400, "InvalidArgument")
    bad = {**body("timer"), "triggerConfig": "{"}
    assert api.error("POST", path, bad, version="2021-04-06")[:2] == (400, "InvalidArgument")


def test_tablestore_needs_no_configuration(api, path) -> None:
    made = {key: value for key, value in body("tablestore").items() if key != "triggerConfig"}
    assert api.ok("POST", path, made)["triggerConfig"] == {}


def test_http_stands_alone_on_a_qualifier(api, path) -> None:
    sent = {**body("http"), "sourceArn": "anything", "invocationRole": ""}
    made = api.ok("POST", path, sent)
    assert made["sourceArn"] is None  # facts 9.3: null even if a value was sent
    assert made["invocationRole"] == ""
    for kind in ("http", "timer"):
        assert api.error("POST", path, body(kind, "u"))[:2] == (400, "InvalidArgument")
    newer = api.ok("GET", f"{path}/t", version="2021-04-06")
    assert newer["urlInternet"] == f"https://{newer['domainName']}"
    assert newer["domainName"].endswith(".cn-hangzhou.fcapp.run")
    closed = json.dumps({"disableURLInternet": True})
    seen = api.ok("PUT", f"{path}/t", {"triggerConfig": closed}, version="2021-04-06")
    assert seen["urlInternet"] is None
    assert json.loads(seen["triggerConfig"])["methods"] == ["GET"]


def test_update_merges_the_configuration(api, path) -> None:
    api.ok("POST", path, body("log"))
    job = {"maxRetryTime": 9, "triggerInterval": 30}
    seen = api.ok("PUT", f"{path}/t", {"triggerConfig": {"jobConfig": job}})
    assert seen["triggerConfig"] == {**LOG, "jobConfig": job}
    seen = api.ok("PUT", f"{path}/t", {"invocationRole": "acs:ram::1:role/other", "triggerType": "timer"})
    assert seen["triggerType"] == "log"
    assert seen["invocationRole"].endswith("other")
    assert api.error("PUT", f"{path}/t", {"invocationRole": ""})[:2] == (400, "InvalidArgument")
    assert api.error("PUT", f"{path}/t", {"qualifier": "9"})[:2] == (404, "VersionNotFound")
    assert api.ok("PUT", f"{path}/t", {"qualifier": "LATEST", "triggerConfig": None})["qualifier"] == "LATEST"


def test_mns_topic_cannot_be_changed(api, path) -> None:
    api.ok("POST", path, body("mns_topic"))
    told = api.error("PUT", f"{path}/t", {"triggerConfig": {"filterTag": "other"}})
    assert told == (400, "InvalidArgument", "Updating trigger is not supported yet.")
    api.ok("PUT", f"{path}/t", {"description": "d"})


def test_eventbridge_needs_its_header_in_2016(api, path) -> None:
    assert api.error("POST", path, body("eventbridge"))[:2] == (400, "InvalidArgument")
    api.ok("POST", path, body("eventbridge"), headers=BRIDGE)
    for method, sent in (("GET", None), ("PUT", {}), ("DELETE", None)):
        assert api.error(method, f"{path}/t", sent)[:2] == (400, "InvalidArgument")
    assert api.ok("GET", path) == {"triggers": []}
    assert len(api.ok("GET", path, headers=BRIDGE)["triggers"]) == 1
    assert api.ok("GET", f"{path}/t", version="2021-04-06")["triggerType"] == "eventbridge"
    assert api.error("DELETE", "/services/s/functions/f")[:2] == (409, "FunctionNotEmpty")
    api.ok("DELETE", f"{path}/t", headers=BRIDGE)


def test_conflicts_guards_and_order_of_deletes(api, path) -> None:
    etag = api.send("POST", path, body("timer")).headers["etag"]
    assert api.error("POST", path, body("timer"))[:2] == (409, "TriggerAlreadyExists")
    assert api.error("PUT", f"{path}/t", {}, headers={"if-match": "0" * 32})[0] == 412
    newer = api.send("PUT", f"{path}/t", {"triggerConfig": {"enable": False}}, headers={"if-match": etag})
    assert newer.json()["triggerConfig"]["cronExpression"] == TIMER["cronExpression"]
    assert api.error("DELETE", f"{path}/t", headers={"if-match": etag})[0] == 412
    assert api.error("DELETE", "/services/s/functions/f") == (
        409,
        "FunctionNotEmpty",
        "function 'f' has active triggers",
    )
    api.ok("DELETE", f"{path}/t", headers={"if-match": newer.headers["etag"]})
    assert api.error("GET", f"{path}/t")[:2] == (404, "TriggerNotFound")
    api.ok("DELETE", "/services/s/functions/f")
    assert api.error("GET", f"{path}/t")[:2] == (404, "FunctionNotFound")
    api.ok("DELETE", "/services/s")


def test_lists(api, path) -> None:
    for name in ("b", "a", "c"):
        api.ok("POST", path, body("timer", name))
    page = api.ok("GET", f"{path}?limit=2")
    assert [each["triggerName"] for each in page["triggers"]] == ["a", "b"]
    assert page["triggers"][0] == api.ok("GET", f"{path}/a")
    assert [each["triggerName"] for each in api.ok("GET", f"{path}?startKey=c")["triggers"]] == ["c"]
