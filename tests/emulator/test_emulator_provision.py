"""Provision configs (facts 9.7)."""

import itertools

import pytest

from fcdeploy.emulator.settings import Delays

ACTION = {
    "name": "morning",
    "startTime": "2020-10-10T10:10:10Z",
    "endTime": "2030-10-10T10:10:10Z",
    "target": 10,
    "scheduleExpression": "cron(0 30 8 * * *)",
}
POLICY = {
    "name": "busy",
    "startTime": "2020-10-10T10:10:10Z",
    "endTime": "2030-10-10T10:10:10Z",
    "metricType": "ProvisionedConcurrencyUtilization",
    "metricTarget": 0.6,
    "minCapacity": 10,
    "maxCapacity": 100,
}


def prepare(api, function_body) -> None:
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/functions", function_body())
    api.ok("POST", "/services/s/versions")
    api.ok("POST", "/services/s/aliases", {"aliasName": "a", "versionId": "1"})


@pytest.fixture
def path(api, function_body) -> str:
    prepare(api, function_body)
    return "/services/s.a/functions/f/provision-config"


@pytest.mark.parametrize("version", ["2016-08-15", "2021-04-06"])
def test_put_get_and_take_away(api, path, version) -> None:
    if version != "2016-08-15":
        path = "/services/s/functions/f/provision-config?qualifier=a"
    resource = f"{api.account}#s#a#f"
    nothing = {
        "resource": resource,
        "target": 0,
        "current": 0,
        "scheduledActions": [],
        "targetTrackingPolicies": [],
        "alwaysAllocateCPU": True,
        "currentError": "",
    }
    assert api.ok("GET", path, version=version) == nothing
    put = api.send("PUT", path, {"target": 15}, version=version)
    assert put.json() == {**nothing, "target": 15, "current": 15}
    seen = api.send("GET", path, version=version)
    assert seen.json() == put.json()
    assert seen.headers["etag"] == put.headers["etag"]
    assert api.ok("PUT", path, {"target": 0}, version=version) == nothing
    gone = api.send("GET", path, version=version)
    assert gone.json() == nothing
    assert "etag" not in gone.headers
    assert api.ok("GET", "/provision-configs", version=version) == {"provisionConfigs": []}


def test_null_keeps_and_an_empty_list_clears(api, path) -> None:
    full = {"target": 1, "scheduledActions": [ACTION], "targetTrackingPolicies": [POLICY], "alwaysAllocateCPU": False}
    seen = api.ok("PUT", path, full)
    assert (seen["scheduledActions"], seen["targetTrackingPolicies"]) == ([ACTION], [POLICY])
    seen = api.ok("PUT", path, {"target": 2, "scheduledActions": None})
    assert (seen["scheduledActions"], seen["targetTrackingPolicies"]) == ([ACTION], [POLICY])
    assert seen["alwaysAllocateCPU"] is False
    seen = api.ok("PUT", path, {"target": 2, "scheduledActions": []})
    assert (seen["scheduledActions"], seen["targetTrackingPolicies"]) == ([], [POLICY])
    api.ok("PUT", path, {"target": 0})
    assert api.ok("GET", path)["targetTrackingPolicies"] == [POLICY]  # a policy keeps the config alive
    api.ok("PUT", path, {"target": 0, "targetTrackingPolicies": []})
    assert api.ok("GET", path)["alwaysAllocateCPU"] is True


UTC = "is not in UTC time format (example: '2020-10-10T10:10:10Z', actual: "
EXPRESSION = (
    "The ScheduleExpression should be atTime or cron expression (example: ['at(2020-10-10T10:10:10Z)', "
    "'cron(0 */30 * * * *)'], actual: "
)
MANY = [{**ACTION, "name": f"a{number}"} for number in range(110)]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"target": None}, "Target is required but not provided"),
        ({"target": -1}, "Target is set to an invalid value (allowed: [0, 10000], actual: '-1')"),
        ({"target": 10_001}, "allowed: [0, 10000]"),
        ({"target": "1"}, "Target is set to an invalid value"),
        ({"target": 1.5}, "Target is set to an invalid value"),
        ({"alwaysAllocateCPU": "yes"}, "AlwaysAllocateCPU"),
        ({"scheduledActions": {}}, "ScheduledActions"),
        ({"scheduledActions": MANY}, "ScheduledActions contains too many values (max: 100, actual: 110)"),
        (
            {"scheduledActions": [ACTION, ACTION]},
            "Duplicate action name 'morning' in ScheduledActions is not allowed",
        ),
        ({"scheduledActions": [{**ACTION, "startTime": "2020-10-10"}]}, f"The StartTime {UTC}'2020-10-10')"),
        ({"scheduledActions": [{**ACTION, "startTime": "2020-10-10T10:10:10+08:00"}]}, f"The StartTime {UTC}"),
        ({"scheduledActions": [{**ACTION, "endTime": "2020-13-10T10:10:10Z"}]}, f"The EndTime {UTC}"),
        ({"scheduledActions": [{**ACTION, "endTime": ""}]}, f"The EndTime {UTC}'')"),
        ({"scheduledActions": [{**ACTION, "endTime": "2019-01-01T00:00:00Z"}]}, "should be before"),
        ({"scheduledActions": [{**ACTION, "target": 10_001}]}, "ScheduledActions[0].Target"),
        ({"scheduledActions": [{**ACTION, "name": ""}]}, "ScheduledActions[0].Name is required"),
        ({"scheduledActions": [{**ACTION, "scheduleExpression": "daily"}]}, f"{EXPRESSION}'daily')"),
        ({"scheduledActions": [{**ACTION, "scheduleExpression": "cron(* * * * *)"}]}, EXPRESSION),
        ({"scheduledActions": [{**ACTION, "scheduleExpression": "at(tomorrow)"}]}, EXPRESSION),
        ({"scheduledActions": [{**ACTION, "scheduleExpression": "at(2020-10-10T10:10:10Z) "}]}, EXPRESSION),
        ({"scheduledActions": [{**ACTION, "scheduleExpression": None}]}, "ScheduleExpression is required"),
        ({"scheduledActions": [None]}, "ScheduledActions[0]"),
        ({"targetTrackingPolicies": [POLICY, POLICY]}, "Duplicate policy name 'busy'"),
        ({"targetTrackingPolicies": [{**POLICY, "metricType": "Weather"}]}, "allowed: ProvisionedConcurrency"),
        ({"targetTrackingPolicies": [{**POLICY, "metricTarget": 1.5}]}, "MetricTarget"),
        ({"targetTrackingPolicies": [{**POLICY, "metricTarget": 0}]}, "allowed: (0, 1]"),
        ({"targetTrackingPolicies": [{**POLICY, "minCapacity": 101}]}, "should not exceed"),
        ({"targetTrackingPolicies": [{**POLICY, "maxCapacity": 10_001}]}, "MaxCapacity"),
        ({"targetTrackingPolicies": [{**POLICY, "startTime": "soon"}]}, f"The StartTime {UTC}'soon')"),
        ({"targetTrackingPolicies": [{**POLICY, "name": None}]}, "Name is required"),
    ],
)
def test_fields_are_checked(api, path, change, text) -> None:
    status, code, message = api.error("PUT", path, {"target": 1, **change})
    assert (status, code) == (400, "InvalidArgument")
    assert text in message
    assert api.ok("GET", "/provision-configs") == {"provisionConfigs": []}


def test_moments_and_both_kinds_of_expressions_are_accepted(api, path) -> None:
    actions = [
        {**ACTION, "name": "at", "scheduleExpression": "at(2020-10-10T10:10:10Z)"},
        {**ACTION, "name": "cron", "scheduleExpression": "cron(0 */30 1-3 ? * MON#2)"},
        {"name": "bare", "target": 0, "scheduleExpression": "cron(0 0 4 * * *)"},
    ]
    assert api.ok("PUT", path, {"target": 10_000, "scheduledActions": actions})["scheduledActions"] == actions


def test_qualifiers(api, path, function_body) -> None:
    bare = "/services/s/functions/f/provision-config"
    for method in ("PUT", "GET"):
        body = {"target": 1} if method == "PUT" else None
        assert api.error(method, bare, body) == (400, "InvalidArgument", "Qualifier is required but not provided")
        assert api.error(method, path.replace("s.a", "s.1"), body)[:2] == (400, "InvalidArgument")
        assert api.error(method, path.replace("s.a", "s.none"), body)[:2] == (404, "AliasNotFound")
        assert api.error(method, path.replace("s.a", "t.a"), body)[:2] == (404, "ServiceNotFound")
        assert api.error(method, path.replace("/f/", "/g/"), body)[:2] == (404, "FunctionNotFound")
    api.ok("POST", "/services/s/functions", function_body("g"))
    told = api.error("PUT", path.replace("/f/", "/g/"), {"target": 1})  # not in version 1, which the alias shows
    assert told[:2] == (404, "FunctionNotFound")
    latest = "/services/s.LATEST/functions/g/provision-config"
    assert api.ok("PUT", latest, {"target": 3})["resource"] == f"{api.account}#s#LATEST#g"


def test_if_match(api, path) -> None:
    assert api.error("PUT", path, {"target": 1}, headers={"if-match": "0" * 32})[0] == 412
    first = api.send("PUT", path, {"target": 1}).headers["etag"]
    second = api.send("PUT", path, {"target": 1}, headers={"if-match": first}).headers["etag"]
    assert api.error("PUT", path, {"target": 9}, headers={"if-match": first})[:2] == (412, "PreconditionFailed")
    assert api.ok("GET", path)["target"] == 1
    api.ok("PUT", path, {"target": 9}, headers={"if-match": second})


def test_function_and_alias_are_kept_while_a_config_stands(api, path) -> None:
    api.ok("PUT", path, {"target": 1})
    for where in ("/services/s/functions/f", "/services/s/aliases/a"):
        assert api.error("DELETE", where) == (
            409,
            "ProvisionConfigExist",
            "function 'f' of service 's' has a provision config of qualifier 'a'",
        )
    api.ok("PUT", path, {"target": 0, "scheduledActions": [ACTION]})
    assert api.error("DELETE", "/services/s/functions/f")[:2] == (409, "ProvisionConfigExist")
    api.ok("PUT", path, {"target": 0, "scheduledActions": []})
    api.ok("DELETE", "/services/s/aliases/a")
    api.ok("DELETE", "/services/s/functions/f")


def test_a_config_can_be_taken_away_when_its_version_is_gone(api, path) -> None:
    api.ok("PUT", path, {"target": 1})
    api.ok("DELETE", "/services/s/versions/1")
    assert api.ok("GET", path)["target"] == 1
    assert api.error("PUT", path, {"target": 2})[:2] == (404, "VersionNotFound")
    assert api.ok("PUT", path, {"target": 0})["target"] == 0
    assert api.error("GET", path)[:2] == (404, "VersionNotFound")
    api.ok("DELETE", "/services/s/functions/f")


def test_other_functions_and_aliases_are_not_concerned(api, path, function_body) -> None:
    api.ok("PUT", path, {"target": 1})
    api.ok("POST", "/services/s/functions", function_body("g"))
    api.ok("POST", "/services/s/aliases", {"aliasName": "aa", "versionId": "1"})
    api.ok("DELETE", "/services/s/functions/g")
    api.ok("DELETE", "/services/s/aliases/aa")


def test_lists_filter_and_page_in_the_order_of_resources(api, function_body) -> None:
    expected = []
    for service in ("s", "s-2"):
        api.ok("POST", "/services", {"serviceName": service})
        for function in ("f", "f-1"):
            api.ok("POST", f"/services/{service}/functions", function_body(function))
        api.ok("POST", f"/services/{service}/versions")
        api.ok("POST", f"/services/{service}/aliases", {"aliasName": "a", "versionId": "1"})
        for qualifier, function in itertools.product(("a", "LATEST"), ("f", "f-1")):
            api.ok("PUT", f"/services/{service}.{qualifier}/functions/{function}/provision-config", {"target": 1})
            expected.append(f"{api.account}#{service}#{qualifier}#{function}")

    def listed(query: str) -> list[str]:
        found: list[str] = []
        token = ""
        while True:
            page = api.ok("GET", f"/provision-configs?{query}{token}")
            found += [each["resource"] for each in page["provisionConfigs"]]
            if "nextToken" not in page:
                return found
            token = f"&nextToken={page['nextToken']}"

    expected.sort()
    for limit in (1, 3, 8, 100):
        assert listed(f"limit={limit}") == expected
    assert listed("serviceName=s&limit=3") == [each for each in expected if "#s#" in each]
    assert listed("serviceName=s-2&qualifier=a&limit=1") == [each for each in expected if "#s-2#a#" in each]
    assert listed("serviceName=s&qualifier=none") == []
    assert listed("serviceName=none") == []
    for query in ("qualifier=a", "limit=0", "limit=101", "nextToken=%ff"):
        assert api.error("GET", f"/provision-configs?{query}")[:2] == (400, "InvalidArgument")
    one = api.ok("GET", "/provision-configs?serviceName=s&qualifier=a&limit=1")["provisionConfigs"][0]
    assert one == api.ok("GET", "/services/s.a/functions/f/provision-config")


def test_current_converges_to_the_target(start, function_body) -> None:
    now = [1_700_000_000.0]
    _, api = start(delays=Delays(provision=100), clock=lambda: now[0], check_signatures=False)
    prepare(api, function_body)
    path = "/services/s.a/functions/f/provision-config"
    assert api.ok("PUT", path, {"target": 10})["current"] == 0
    seen = []
    for _ in range(5):
        now[0] += 25
        seen.append(api.ok("GET", path)["current"])
    assert seen == [2, 5, 7, 10, 10]
    assert api.ok("PUT", path, {"target": 0})["current"] == 10
    assert api.error("DELETE", "/services/s/functions/f")[:2] == (409, "ProvisionConfigExist")
    assert len(api.ok("GET", "/provision-configs")["provisionConfigs"]) == 1
    now[0] += 50
    assert api.ok("GET", path)["current"] == 5
    assert api.ok("PUT", path, {"target": 20})["current"] == 5  # from where it is
    api.ok("PUT", path, {"target": 0})
    now[0] += 100
    assert api.ok("GET", path)["current"] == 0
    assert api.ok("GET", "/provision-configs") == {"provisionConfigs": []}
    api.ok("DELETE", "/services/s/functions/f")
