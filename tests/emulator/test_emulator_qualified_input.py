"""Versions, aliases and settings by qualifier: bad input makes no 500, and another writer's touch finds their rows."""

import json
import string
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(["1", "LATEST"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        *("description", "aliasName", "versionId", "additionalVersionWeight", "resolvePolicy", "routePolicy"),
        *("target", "scheduledActions", "targetTrackingPolicies", "alwaysAllocateCPU", "maximumInstanceCount"),
        *("destinationConfig", "maxAsyncEventAgeInSeconds", "maxAsyncRetryAttempts", "statefulInvocation"),
    ]
)
NEAR = {
    "additionalVersionWeight": st.dictionaries(st.sampled_from(["1", "2", "01", "x"]), JSON, max_size=2),
    "scheduledActions": st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "target", "startTime", "scheduleExpression"), JSON)),
        max_size=3,
    ),
    "targetTrackingPolicies": st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "metricType", "metricTarget", "minCapacity"), JSON)),
        max_size=3,
    ),
    "destinationConfig": st.fixed_dictionaries({}, optional=dict.fromkeys(("onSuccess", "onFailure"), JSON)),
    "target": st.integers(-1, 10_001),
}
PATHS = st.one_of(
    st.sampled_from(
        [
            *("/services/s/versions", "/services/s/versions/1", "/services/s/versions/x", "/services/s/aliases"),
            *("/services/s/aliases/a", "/provision-configs", "/on-demand-configs", "/proxy/s/f/x", "/proxy/s.1/f"),
            *("/services/s/functions/f/async-invoke-configs", "/stateful-async-invocation-functions"),
        ]
    ),
    st.builds(
        lambda qualifier, rest: f"/services/s.{quote(qualifier, safe='')}/functions/f/{rest}",
        st.sampled_from(["1", "a", "LATEST", "²", "9" * 40, "a#b", "%", "é"]),
        st.sampled_from(
            [
                *("provision-config", "on-demand-config", "async-invoke-config", "async-invoke-configs", "instances"),
                *("invocations", "stateful-async-invocations", "stateful-async-invocations/i", "code"),
            ]
        ),
    ),
)
QUERIES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("limit", "nextToken", "startKey", "prefix", "direction", "qualifier", "serviceName"),
                *("sortOrderByTime", "startedTimeBegin", "instanceIds"),
            ]
        ),
        st.text(alphabet=string.printable, max_size=6) | st.integers(-1, 200).map(str),
    ),
    max_size=3,
)


@settings(
    max_examples=max(8, settings.default.max_examples // 3),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PUT", "DELETE"]),
    path=PATHS,
    names=st.lists(FIELDS, max_size=4, unique=True),
    query=QUERIES,
    version=st.sampled_from(["2016-08-15", "2021-04-06"]),
    draw=st.data(),
)
def test_no_body_makes_a_500(api, function_body, method, path, names, query, version, draw) -> None:
    api.send("POST", "/services", {"serviceName": "s"})
    api.send("POST", "/services/s/functions", function_body())
    api.send("POST", "/services/s/versions")
    api.send("POST", "/services/s/aliases", {"aliasName": "a", "versionId": "1"})
    body = {name: draw.draw(JSON | NEAR[name] if name in NEAR else JSON) for name in names}
    text = "&".join(f"{key}={quote(value, safe='')}" for key, value in query)
    answer = api.send(method, f"{path}?{text}", content=json.dumps(body).encode(), version=version)
    assert answer.status_code < 500 or (answer.status_code, answer.json()["Code"]) == (501, "NotImplemented")
    if answer.content:
        answer.json()
    for listing in ("/services/s/versions", "/services/s/aliases", "/provision-configs", "/on-demand-configs"):
        api.ok("GET", listing)


@pytest.mark.parametrize(
    ("operation", "path", "body", "change"),
    [
        ("PutProvisionConfig", "provision-config", {"target": 2}, {"target": 5}),
        ("PutFunctionOnDemandConfig", "on-demand-config", {"maximumInstanceCount": 2}, {"maximumInstanceCount": 5}),
        (
            "PutFunctionAsyncInvokeConfig",
            "async-invoke-config",
            {"maxAsyncRetryAttempts": 2},
            {"statefulInvocation": True},
        ),
    ],
)
def test_a_touch_finds_its_row(start, function_body, operation, path, body, change) -> None:
    rule = {"match": {"operation": operation, "nth": 2}, "effect": {"touch": {"set": change}}, "when": "after"}
    _, api = start(faults={"rules": [rule]})
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/functions", function_body())
    where = f"/services/s.LATEST/functions/f/{path}"
    first = api.send("PUT", where, body)
    assert api.ok("GET", where) == first.json()
    second = api.send("PUT", where, body)
    seen = api.send("GET", where)
    assert {key: seen.json()[key] for key in change} == change
    assert seen.json() != second.json()
    if path != "async-invoke-config":
        assert seen.headers["etag"] != second.headers["etag"]
        assert api.error("PUT", where, body, headers={"if-match": second.headers["etag"]})[0] == 412
