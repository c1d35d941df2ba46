"""Triggers of FunctionGraph through the whole stack: made, as they are, changed, disabled, removed."""

from __future__ import annotations

import copy
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.emulator.exchange import Tenant
from fcdeploy.emulator.huawei.common import TRIGGER
from fcdeploy.model import Action, Ending

PROJECT = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b"
REGION = "ap-southeast-1"

EVERY: dict[str, dict[str, Any]] = {
    "tick": {"type": "timer", "config": {"cronExpression": "@every 5m", "payload": "x"}},
    "web": {"type": "http", "groupId": "g1", "config": {"authType": "function", "methods": ["GET"]}},
    "own": {
        "type": "http",
        "groupId": "g2",
        "instanceId": "i1",
        "path": "/own",
        "qualifier": "latest",
        "config": {"authType": "app", "methods": ["ANY"]},
    },
    "trail": {"type": "cts", "config": {"operations": ["FunctionGraph:function:create"]}},
    "queue": {"type": "dms", "config": {"queueId": "q1", "consumerGroupId": "c1", "pollingInterval": 30}},
    "stream": {
        "type": "dis",
        "config": {
            "streamName": "clicks",
            "shardIteratorType": "LATEST",
            "batchSize": 100,
            "pollingInterval": 30,
            "pollingUnit": "s",
            "isSerial": True,
        },
    },
    "logs": {"type": "lts", "config": {"logGroupId": "g1", "logTopicId": "t1"}},
    "pictures": {"type": "obs", "config": {"bucket": "b", "events": ["s3:ObjectCreated:*"], "prefix": "in/"}},
    "news": {"type": "smn", "config": {"topicUrn": f"urn:smn:{REGION}:{PROJECT}:news"}},
    "rows": {
        "type": "dds",
        "config": {
            "instanceId": "d1",
            "dbName": "shop",
            "collectionName": "orders",
            "dbPassword": "${{ secret('DB') }}",
            "batchSize": 10,
            "enable": True,
        },
    },
    "kafka": {
        "type": "kafka",
        "config": {
            "instanceId": "k1",
            "topicIds": ["b", "a"],
            "batchSize": 100,
            "user": "u",
            "password": "${{ secret('DB') }}",
            "enable": True,
        },
    },
    "rabbit": {
        "type": "rabbitmq",
        "config": {"instanceId": "r1", "exchangeName": "x", "password": "${{ secret('DB') }}", "batchSize": 10},
    },
    "rocket": {"type": "rocketmq", "config": {"instanceId": "m1", "batchSize": 10}},
    "events": {"type": "eventgrid", "config": {"channelId": "c1", "sourceName": "HC.OBS.DWR", "agency": "a"}},
}
CHANGES: dict[str, dict[str, Any]] = {
    "tick": {"cronExpression": "CRON_TZ=Asia/Shanghai 0 0 2 * * *"},
    "web": {"authType": "app"},
    "own": {"methods": ["PUT"]},
    "trail": {"operations": ["FunctionGraph:function:delete;create"]},
    "queue": {"pollingInterval": 40},
    "stream": {"isSerial": False},
    "logs": {"enable": False},
    "pictures": {"events": ["s3:ObjectCreated:Put", "s3:ObjectCreated:Post"]},
    "rows": {"batchSize": 11},
    "kafka": {"batchSize": 101},
    "rabbit": {"batchSize": 11},
    "rocket": {"batchSize": 11},
    "events": {"eventTypes": ["OBS:DWR:ObjectCreated:PUT"]},
}
SECRET = "opened-sesame"
NAMES = sorted(
    [
        *("tick", "web", "own", "trail", "events", "dms-q1", "dis-clicks", "smn-news", "rocketmq-m1"),
        *("lts-t1-X", "obs-b-X", "dds-orders-X", "kafka-a-b-X", "rabbitmq-x-X"),
    ]
)


@pytest.fixture
def graph(stage: Any) -> Any:
    """A stage with the keys of the other cloud, and a password."""
    stage.environ |= {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk", "DB": SECRET}
    return stage


def spec(graph: Any, functions: dict[str, dict[str, Any]], **aliases: Any) -> dict[str, Any]:
    code = graph.write_source("src")
    return {
        "apiVersion": "fcdeploy/v1",
        "project": "staged",
        "secrets": {"DB": {"env": "DB"}},
        "targets": {"dev": {"provider": "huawei", "region": REGION, "projectId": PROJECT}},
        "defaults": {"function": {"runtime": "python3.10", "handler": "index.handler", "code": code}},
        "services": {"s": {"functions": {name: {"triggers": one} for name, one in functions.items()}, **aliases}},
    }


def split(triggers: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Over two functions: a version takes ten triggers."""
    names = sorted(triggers)
    return {"f": {name: triggers[name] for name in names[:7]}, "g": {name: triggers[name] for name in names[7:]}}


def test_every_type_is_made_stays_changes_and_goes(graph: Any) -> None:
    graph.write(spec(graph, split(EVERY)))
    graph.apply()
    graph.requests()
    assert graph.plan().steps == ()
    # One list has them all, whatever function they belong to.
    asked = graph.counts()
    assert asked["ListProjectTriggers"] == 1 and not asked["ListFunctionTriggers"], asked
    triggers = {address.identity[-1]: live for address, live in graph.lives().items() if address.kind == "trigger"}
    assert sorted(re.sub("-[0-9a-f]{8}$", "-X", name) for name in triggers) == NAMES
    assert SECRET not in repr(triggers)
    changed = copy.deepcopy(EVERY)
    for name, change in CHANGES.items():
        changed[name]["config"] |= change
    changed["web"]["timeout"] = 6000
    graph.write(spec(graph, split(changed)))
    before = graph.dump()
    plan = graph.plan()
    assert {(step.action, step.address.kind, step.group) for step in plan.steps} == {(Action.UPDATE, "trigger", "body")}
    assert len(plan.steps) == len(CHANGES)
    # Only what holds a password cannot be put back.
    lost = {step.address.identity[-1].partition("-")[0] for step in plan.steps if step.last or not step.undo}
    assert lost == {"dds", "kafka", "rabbitmq", "rocketmq"}
    graph.apply()
    assert graph.plan().steps == ()
    assert {name for _, name, _, _ in graph.difference(before)} <= {"event_data", "trigger_status", "last_updated_time"}
    graph.write(spec(graph, {"f": {}, "g": {}}))
    graph.apply(Wishes(allow_unsafe=True))
    assert not [address for address in graph.lives() if address.kind == "trigger"]
    assert not [entry for entry in graph.requests() if entry["status"] >= 400 and entry["method"] != "GET"]


def test_a_trigger_of_an_alias_comes_after_it_and_goes_before_it(graph: Any) -> None:
    functions = {"f": {"tick": {**EVERY["tick"], "qualifier": "live"}, "pictures": EVERY["pictures"]}}
    aliases = {"versions": {"publish": "on-change"}, "aliases": {"live": {"version": "latest"}}}
    graph.write(spec(graph, functions, **aliases))
    made = [step.address.identity[-1] for step in graph.plan().steps]
    assert made.index("live") < made.index("tick@live")
    graph.apply()
    assert graph.plan().steps == ()
    assert "tick@live" in {address.identity[-1] for address in graph.lives()}
    graph.write(spec(graph, {"f": {"pictures": EVERY["pictures"]}}, versions={"publish": "on-change"}))
    gone = [step.address.identity[-1] for step in graph.plan(Wishes(allow_unsafe=True)).steps]
    assert gone == ["tick@live", "live"]
    graph.apply(Wishes(allow_unsafe=True))
    assert graph.plan().steps == ()


def test_what_failed_half_way_is_as_it_was(graph: Any) -> None:
    graph.write(spec(graph, {"f": {name: EVERY[name] for name in ("tick", "web", "news", "pictures")}}))
    graph.apply()
    before = {address: live.body for address, live in graph.lives().items()}
    slower = {**EVERY["tick"], "config": {"cronExpression": "@every 9m", "enable": False}}
    moved = {**EVERY["web"], "path": "/elsewhere"}
    # The service does not take two of them for one kind of object at a time.
    wider = {**EVERY["pictures"], "config": {"bucket": "b", "events": ["s3:ObjectCreated:*"]}}
    triggers = {"tick": slower, "web": moved, "pictures": wider, "stream": EVERY["stream"]}
    graph.write(spec(graph, {"f": triggers}))
    plan = graph.plan()
    counted = Counter(change.action.value for change in plan.changes)
    assert counted == {"update": 1, "replace": 1, "create": 2, "delete": 2}
    order = {step.address.identity[-1]: number for number, step in enumerate(plan.steps) if step.group == "body"}
    (narrow,) = (name for name in order if name.startswith("obs-b-"))
    assert order[narrow] < order["obs-b"]
    # The first write but one, and the last of those that can be taken back: what only goes, goes after them.
    for number in (2, len(plan.steps) - 1):
        refused = {"status": 400, "code": "FSS.0400", "message": "refused by the test"}
        writes = {"method": ["POST", "PUT", "DELETE"], "path": "/fgs/triggers/"}
        graph.faults({"match": {**writes, "nth": number}, "effect": refused})
        outcome = graph.apply(Wishes(allow_unsafe=True), ending=Ending.ROLLED_BACK)
        assert outcome.leftovers == ()
        assert {address: live.body for address, live in graph.lives().items()} == before, number
    graph.faults()
    graph.apply(Wishes(allow_unsafe=True))
    assert graph.plan().steps == ()


def test_what_somebody_changed_is_seen_and_put_back(graph: Any) -> None:
    graph.write(spec(graph, {"f": {"tick": EVERY["tick"], "rows": EVERY["rows"]}}))
    graph.apply()
    with graph.emulator.app.world.write(Tenant(PROJECT, REGION)) as session:
        (row,) = (one for one in session.scan(TRIGGER) if one.body["trigger_type_code"] == "TIMER")
        slower = {**row.body["event_data"], "schedule_type": "Rate", "schedule": "1h"}
        session.put(replace(row, body={**row.body, "trigger_status": "DISABLED", "event_data": slower}))
    (change,) = graph.plan().changes
    assert {one.path: (one.before, one.after) for one in change.fields} == {
        "config.cronExpression": ("@every 1h", "@every 5m"),
        "config.enable": (False, True),
    }
    graph.apply()
    assert graph.plan().steps == ()
