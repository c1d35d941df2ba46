"""Whatever a file said before: after an apply of B the plan is empty, and live is what a fresh apply of B makes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fcdeploy.app import Wishes
from fcdeploy.model import Ending

HERE = "acs:{}:cn-hangzhou:1234567890123456:{}"
ROLE = "acs:ram::1234567890123456:role/fc"


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A map in which each of these may be left out."""
    return st.fixed_dictionaries({}, optional=fields)


WORDS = st.sampled_from(["", "one", "two"])
MAPS = st.dictionaries(st.sampled_from("ABC"), st.sampled_from(["", "0", "1"]), max_size=3)
HOOK = st.fixed_dictionaries({"handler": st.just("index.hook")}, optional={"timeout": st.sampled_from([3, 7])})

TIMER = st.fixed_dictionaries(
    {
        "type": st.just("timer"),
        "config": st.fixed_dictionaries(
            {"cronExpression": st.sampled_from(["@every 1m", "0 0 2 * * *"])},
            optional={"payload": WORDS, "enable": st.booleans()},
        ),
    },
    optional={"description": WORDS},
)
HTTP = st.fixed_dictionaries(
    {
        "type": st.just("http"),
        "config": st.fixed_dictionaries(
            {
                "authType": st.sampled_from(["anonymous", "function"]),
                "methods": st.permutations(["GET", "POST", "PUT"]).map(lambda all_: all_[:2]),
            },
            optional={"disableURLInternet": st.booleans()},
        ),
    }
)
OSS = st.fixed_dictionaries(
    {
        "type": st.just("oss"),
        "sourceArn": st.just(HERE.format("oss", "bucket")),
        "invocationRole": st.just(ROLE),
        "config": st.fixed_dictionaries(
            {"events": st.permutations(["oss:ObjectCreated:PutObject", "oss:ObjectCreated:PostObject"])},
            optional={"filter": st.fixed_dictionaries({"key": maybe(prefix=WORDS, suffix=WORDS)})},
        ),
    }
)
MNS = st.fixed_dictionaries(
    {
        "type": st.just("mns_topic"),
        "sourceArn": st.just(HERE.format("mns", "/topics/t")),
        "invocationRole": st.just(ROLE),
        "config": maybe(filterTag=WORDS, notifyContentFormat=st.sampled_from(["STREAM", "JSON"])),
    }
)
# At most one http trigger on a qualifier, and it stands alone there.
TRIGGERS = st.one_of(
    st.dictionaries(st.sampled_from("tu"), st.one_of(TIMER, OSS, MNS), max_size=2),
    st.dictionaries(st.sampled_from("tu"), HTTP, max_size=1),
)
COMMON: dict[str, st.SearchStrategy[Any]] = {
    "description": WORDS,
    "memorySize": st.sampled_from([128, 192]),
    "timeout": st.sampled_from([3, 60]),
    "initializer": st.sampled_from(["", "index.init"]),
    "initializationTimeout": st.sampled_from([3, 5]),
    "environmentVariables": MAPS,
    "instanceLifecycleConfig": maybe(preFreeze=HOOK, preStop=HOOK),
    "customDNS": maybe(nameServers=st.just(["1.2.3.4"]), searches=st.just(["x.example"])),
    "triggers": TRIGGERS,
}
CODE = st.sampled_from(["./one", "./two"])
PLAIN = st.fixed_dictionaries(
    {"code": CODE, "runtime": st.sampled_from(["python3.10", "nodejs16"])}, optional=dict(COMMON)
)
CUSTOM = st.fixed_dictionaries(
    {"code": CODE, "runtime": st.just("custom")},
    optional={
        **COMMON,
        "caPort": st.sampled_from([9000, 8080]),
        "customHealthCheckConfig": st.fixed_dictionaries(
            {"httpGetUrl": st.just("/ready")}, optional={"periodSeconds": st.sampled_from([3, 5])}
        ),
        "customRuntimeConfig": st.just({"command": ["./run"], "args": ["-v"]}),
    },
)
SERVICE = maybe(
    description=WORDS,
    role=st.sampled_from(["", ROLE]),
    internetAccess=st.booleans(),
    tags=st.dictionaries(st.sampled_from(["team", "cost.centre"]), st.sampled_from(["1", "2"])),
    logConfig=st.fixed_dictionaries(
        {"project": st.just("logs"), "logstore": st.sampled_from(["x", "y"])},
        optional={"enableInstanceMetrics": st.booleans()},
    ),
    nasConfig=st.fixed_dictionaries(
        {"mountPoints": st.permutations([{"serverAddr": f"n:/{d}", "mountDir": f"/{d}"} for d in "ab"])},
        optional={"userId": st.sampled_from([-1, 0, 7])},
    ),
    tracingConfig=st.just({"type": "Jaeger", "params": {"endpoint": "http://x"}}),
    functions=st.dictionaries(st.sampled_from("fg"), st.one_of(PLAIN, CUSTOM), max_size=2),
)
SERVICES = st.dictionaries(st.sampled_from(["a", "b"]), SERVICE, min_size=1, max_size=2)

# What a switched-off object may look like in the cloud; facts 8.1 says that it means the same as none.
NOTHING: tuple[Any, ...] = (None, "", [], {})
OFF = {
    "logConfig": "project",
    "nasConfig": "mountPoints",
    "vpcConfig": "vpcId",
    "tracingConfig": "type",
    "customRuntimeConfig": "command",
    "customHealthCheckConfig": "httpGetUrl",
    "preFreeze": "handler",
    "preStop": "handler",
}


def significant(value: Any, name: str = "") -> Any:
    """A live value without what means "not set"."""
    if isinstance(value, dict):
        if name in OFF and value.get(OFF[name]) in NOTHING:
            return None
        kept = {key: significant(item, key) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in NOTHING} or None
    if isinstance(value, list):
        return sorted((significant(item) for item in value), key=repr)
    return None if (name, value) == ("qualifier", "LATEST") else value


def to_spec(stage: Any, services: dict[str, Any], api: str) -> dict[str, Any]:
    stage.write_source("one", "one = 1\n")
    stage.write_source("two", "two = 2\n")
    spec: dict[str, Any] = stage.spec(0, api=api)
    spec["defaults"]["function"] = {"handler": "index.handler"}
    spec["services"] = services
    if api == "2016-08-15":
        for service in services.values():
            for function in service.get("functions", {}).values():
                for name in ("customDNS", "instanceLifecycleConfig", "customHealthCheckConfig", "customRuntimeConfig"):
                    function.pop(name, None)
                for trigger in function.get("triggers", {}).values():
                    trigger.pop("description", None)
    return spec


@pytest.mark.parametrize(("api", "examples"), [("2021-04-06", 12), ("2016-08-15", 4)])
def test_what_a_file_makes_does_not_depend_on_what_was_before(stage: Any, api: str, examples: int) -> None:
    numbers = itertools.count()

    @given(before=SERVICES, after=SERVICES)
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(before: dict[str, Any], after: dict[str, Any]) -> None:
        stage.emulator.app.world.clear()
        # An example that fails must not leave an open run to the next one.
        stage.environ["FCDEPLOY_STATE"] = str(stage.state / str(next(numbers)))
        wishes = Wishes(allow_unsafe=True)
        stage.write(to_spec(stage, before, api))
        stage.apply(wishes)
        assert stage.plan(wishes).is_empty
        first = stage.dump()
        stage.write(to_spec(stage, after, api))
        outcome = stage.apply(wishes)
        again = stage.plan(wishes)
        assert again.is_empty, again.changes
        changed = {address: significant(row) for address, row in stage.dump().items()}

        if outcome.run:
            (back,) = stage.rollback(outcome.run)
            assert back.ending is Ending.DONE, back
            assert {address: significant(row) for address, row in stage.dump().items()} == {
                address: significant(row) for address, row in first.items()
            }

        stage.emulator.app.world.clear()
        stage.apply(wishes)
        assert {address: significant(row) for address, row in stage.dump().items()} == changed

    check()
