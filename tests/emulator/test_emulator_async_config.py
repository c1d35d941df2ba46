"""Async invoke configs (facts 9.9)."""

import pytest

ARN = "acs:fc:cn-hangzhou:1:services/s/functions/other"
QUEUE = "acs:mns:cn-hangzhou:1:/queues/q/messages"


@pytest.fixture
def path(api, function_body) -> str:
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/functions", function_body())
    api.ok("POST", "/services/s/versions")
    api.ok("POST", "/services/s/aliases", {"aliasName": "a", "versionId": "1"})
    return "/services/s.a/functions/f/async-invoke-config"


@pytest.mark.parametrize("version", ["2016-08-15", "2021-04-06"])
def test_life(api, path, version) -> None:
    if version != "2016-08-15":
        path = "/services/s/functions/f/async-invoke-config?qualifier=a"
    missing = (404, "AsyncConfigNotExists", "AsyncConfig for f:a does not exist.")
    for method in ("GET", "DELETE"):
        assert api.error(method, path, version=version) == missing
    made = api.send("PUT", path, {}, version=version)
    assert "etag" not in made.headers
    body = made.json()
    assert body.pop("createdTime") == body.pop("lastModifiedTime")
    assert body == {
        "service": "s",
        "function": "f",
        "qualifier": "a",
        "destinationConfig": {"onSuccess": None, "onFailure": None},
        "maxAsyncEventAgeInSeconds": None,
        "maxAsyncRetryAttempts": 3,
        "statefulInvocation": False,
    }
    assert api.ok("GET", path, version=version) == made.json()
    gone = api.send("DELETE", path, version=version, headers={"if-match": "0" * 32})  # not honoured here
    assert (gone.status_code, gone.content) == (204, b"")
    assert api.error("GET", path, version=version) == missing


def test_put_merges_and_a_destination_goes_only_by_delete(api, path) -> None:
    first = api.ok("PUT", path, {"destinationConfig": {"onSuccess": {"destination": ARN}}, "statefulInvocation": True})
    second = api.ok(
        "PUT",
        path,
        {
            "destinationConfig": {"onSuccess": None, "onFailure": {"destination": QUEUE}},
            "maxAsyncEventAgeInSeconds": 300,
            "statefulInvocation": None,
        },
    )
    assert second["destinationConfig"] == {"onSuccess": {"destination": ARN}, "onFailure": {"destination": QUEUE}}
    assert (second["statefulInvocation"], second["maxAsyncEventAgeInSeconds"]) == (True, 300)
    assert second["createdTime"] == first["createdTime"]
    assert second["lastModifiedTime"] > first["lastModifiedTime"]
    third = api.ok("PUT", path, {"maxAsyncRetryAttempts": 0, "destinationConfig": {}})
    assert third["maxAsyncRetryAttempts"] == 0
    assert third["destinationConfig"] == second["destinationConfig"]
    api.ok("DELETE", path)
    assert api.ok("PUT", path, {})["destinationConfig"] == {"onSuccess": None, "onFailure": None}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"maxAsyncEventAgeInSeconds": 0}, "InvalidArgument"),
        ({"maxAsyncEventAgeInSeconds": 2_592_001}, "InvalidArgument"),
        ({"maxAsyncRetryAttempts": -1}, "InvalidArgument"),
        ({"maxAsyncRetryAttempts": 9}, "InvalidArgument"),
        ({"statefulInvocation": "true"}, "InvalidArgument"),
        ({"destinationConfig": []}, "InvalidArgument"),
        ({"destinationConfig": {"onSuccess": ARN}}, "InvalidArgument"),
        ({"destinationConfig": {"onSuccess": {"destination": "somewhere"}}}, "InvalidArgument"),
        ({"destinationConfig": {"onFailure": {"destination": "acs:oss:r:1:bucket"}}}, "InvalidArgument"),
        ({"destinationConfig": {"onSuccess": {}}}, "InvalidDestinationResources"),
        ({"destinationConfig": {"onFailure": {"destination": None}}}, "InvalidDestinationResources"),
        ({"destinationConfig": {"onFailure": {"destination": ""}}}, "InvalidDestinationResources"),
    ],
)
def test_fields_are_checked(api, path, change, code) -> None:
    assert api.error("PUT", path, change)[:2] == (400, code)
    assert api.error("GET", path)[:2] == (404, "AsyncConfigNotExists")


@pytest.mark.parametrize(
    "arn",
    [
        ARN,
        "acs:fc:cn-hangzhou:1:services/s.a/functions/f",
        QUEUE,
        "acs:mns:cn-hangzhou:1:/topics/t/messages",
        "acs:eventbridge:cn-hangzhou:1:eventbus/b",
    ],
)
def test_destinations(api, path, arn) -> None:
    given = {"destinationConfig": {"onFailure": {"destination": arn}}}
    assert api.ok("PUT", path, given)["destinationConfig"]["onFailure"] == {"destination": arn}


def test_qualifiers(api, path, function_body) -> None:
    made = api.ok("PUT", "/services/s/functions/f/async-invoke-config", {})
    assert made["qualifier"] == "LATEST"  # unset
    assert api.ok("GET", "/services/s.LATEST/functions/f/async-invoke-config") == made
    assert api.ok("PUT", "/services/s.1/functions/f/async-invoke-config", {})["qualifier"] == "1"
    for method in ("PUT", "GET", "DELETE"):
        body = {} if method == "PUT" else None
        assert api.error(method, path.replace("s.a", "s.9"), body)[:2] == (404, "VersionNotFound")
        assert api.error(method, path.replace("s.a", "s.b"), body)[:2] == (404, "AliasNotFound")
        assert api.error(method, path.replace("s.a", "t.a"), body)[:2] == (404, "ServiceNotFound")
        assert api.error(method, path.replace("/f/", "/g/"), body)[:2] == (404, "FunctionNotFound")
    api.ok("POST", "/services/s/functions", function_body("g"))
    assert api.error("PUT", path.replace("/f/", "/g/"), {})[:2] == (404, "FunctionNotFound")  # not in version 1


def test_a_config_stays_when_function_and_alias_go(api, path, function_body) -> None:
    for where in (path, path.replace("s.a", "s")):
        api.ok("PUT", where, {"maxAsyncRetryAttempts": 1})
    api.ok("DELETE", "/services/s/aliases/a")
    api.ok("DELETE", "/services/s/functions/f")
    assert api.ok("GET", path)["maxAsyncRetryAttempts"] == 1
    assert len(api.ok("GET", "/services/s/functions/f/async-invoke-configs")["configs"]) == 2
    api.ok("POST", "/services/s/functions", function_body())
    assert api.ok("GET", path.replace("s.a", "s"))["maxAsyncRetryAttempts"] == 1
    api.ok("DELETE", path)
    assert api.error("GET", path)[:2] == (404, "AliasNotFound")


def test_lists_are_null_when_empty_and_end_with_an_empty_token(api, path) -> None:
    where = "/services/s/functions/f/async-invoke-configs"
    assert api.ok("GET", where) == {"configs": None, "nextToken": ""}
    for qualifier in ("s.a", "s", "s.1"):
        api.ok("PUT", path.replace("s.a", qualifier), {})
    page = api.ok("GET", f"{where}?limit=2", version="2021-04-06")
    assert [each["qualifier"] for each in page["configs"]] == ["1", "LATEST"]
    assert page["nextToken"] == "a"  # facts 7.1: the next qualifier
    rest = api.ok("GET", f"{where}?limit=2&nextToken=a")
    assert [each["qualifier"] for each in rest["configs"]] == ["a"]
    assert rest["nextToken"] == ""
    assert rest["configs"][0] == api.ok("GET", path)
    qualified = api.ok("GET", where.replace("/s/", "/s.a/"))  # as an example of the API reference has it
    assert len(qualified["configs"]) == 3
    assert api.error("GET", where.replace("/f/", "/g/"))[:2] == (404, "FunctionNotFound")
    assert api.error("GET", "/services/t/functions/f/async-invoke-configs")[:2] == (404, "ServiceNotFound")
    assert api.error("GET", f"{where}?limit=0")[:2] == (400, "InvalidArgument")


def test_functions_with_stateful_invocations(api, path, function_body) -> None:
    where = "/stateful-async-invocation-functions"
    assert api.error("GET", where)[:2] == (400, "PathNotSupported")  # 2021 only
    assert api.ok("GET", where, version="2021-04-06") == {"data": []}
    api.ok("PUT", path, {"statefulInvocation": True})
    api.ok("PUT", path.replace("s.a", "s"), {"statefulInvocation": True})
    api.ok("PUT", path.replace("s.a", "s.1"), {})
    first = {"serviceName": "s", "functionName": "f", "qualifier": "LATEST"}
    page = api.ok("GET", f"{where}?limit=1", version="2021-04-06")
    assert page["data"] == [first]
    rest = api.ok("GET", f"{where}?limit=1&nextToken={page['nextToken']}", version="2021-04-06")
    assert rest == {"data": [{**first, "qualifier": "a"}]}
