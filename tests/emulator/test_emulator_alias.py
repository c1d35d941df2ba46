"""Aliases (facts 9.5)."""

import pytest

ROUTE = {"condition": "AND", "policyItems": [{"key": "x", "operator": "=", "type": "Header", "value": "1"}]}


@pytest.fixture
def path(api, function_body) -> str:
    """A service with the versions 1, 2 and 3."""
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/functions", function_body())
    for number in "123":
        api.ok("PUT", "/services/s", {"description": number})
        assert api.ok("POST", "/services/s/versions")["versionId"] == number
    return "/services/s/aliases"


@pytest.mark.parametrize("version", ["2016-08-15", "2021-04-06"])
def test_create_answers_defaults_and_an_etag(api, path, version) -> None:
    answer = api.send("POST", path, {"aliasName": "a", "versionId": "1"}, version=version)
    body = answer.json()
    assert answer.status_code == 200
    assert body.pop("createdTime") == body.pop("lastModifiedTime")
    assert body == {
        "aliasName": "a",
        "versionId": "1",
        "description": "",
        "additionalVersionWeight": None,
        "resolvePolicy": "Random",
        "routePolicy": None,
    }
    seen = api.send("GET", f"{path}/a", version=version)
    assert seen.json() == answer.json()
    assert seen.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(
    ("change", "status", "code", "text"),
    [
        ({"aliasName": None}, 400, "InvalidArgument", "AliasName is required"),
        ({"aliasName": "LATEST"}, 400, "InvalidArgument", "must not be 'LATEST'"),
        ({"aliasName": "1a"}, 400, "InvalidArgument", "AliasName doesn't match expected format"),
        ({"aliasName": "a" * 129}, 400, "InvalidArgument", "max: 128"),
        ({"versionId": None}, 400, "InvalidArgument", "VersionId is required"),
        ({"versionId": 1}, 400, "InvalidArgument", "VersionId is set to an invalid value"),
        ({"versionId": "LATEST"}, 400, "InvalidArgument", "VersionId doesn't match expected format"),
        ({"versionId": ""}, 400, "InvalidArgument", "VersionId"),
        ({"versionId": "9"}, 404, "VersionNotFound", "version '9' of service 's' does not exist"),
        ({"additionalVersionWeight": {"9": 0.1}}, 404, "VersionNotFound", "version '9'"),
        ({"additionalVersionWeight": {"blue": 0.1}}, 400, "InvalidArgument", "AdditionalVersionWeight"),
        ({"additionalVersionWeight": {"LATEST": 0.1}}, 400, "InvalidArgument", "AdditionalVersionWeight"),
        ({"additionalVersionWeight": {"2": 1.1}}, 400, "InvalidArgument", "[0, 1]"),
        ({"additionalVersionWeight": {"2": -0.1}}, 400, "InvalidArgument", "[0, 1]"),
        ({"additionalVersionWeight": {"2": "0.1"}}, 400, "InvalidArgument", "AdditionalVersionWeight.2"),
        ({"additionalVersionWeight": {"2": True}}, 400, "InvalidArgument", "AdditionalVersionWeight.2"),
        ({"additionalVersionWeight": {"2": 0.7, "3": 0.4}}, 400, "InvalidArgument", "sum"),
        ({"additionalVersionWeight": []}, 400, "InvalidArgument", "AdditionalVersionWeight"),
        (
            {"additionalVersionWeight": {"1": 0.9}},
            400,
            "AdditionalVersionContainsMajorVersion",
            "additionalVersionWeight map[1:0.9] should not contain major version 1",
        ),
        ({"resolvePolicy": "Cookie"}, 400, "InvalidArgument", "allowed: Random | Content"),
        ({"resolvePolicy": "Content"}, 400, "InvalidArgument", "RoutePolicy is required"),
        ({"routePolicy": {"policyItems": [{"key": 1}]}}, 400, "InvalidArgument", "PolicyItems[0].Key"),
    ],
)
def test_fields_are_checked(api, path, change, status, code, text) -> None:
    told = api.error("POST", path, {"aliasName": "a", "versionId": "1", **change})
    assert told[:2] == (status, code)
    assert text in told[2]
    assert api.ok("GET", path) == {"aliases": []}
    if "aliasName" not in change and change.get("versionId", "") is not None:
        api.ok("POST", path, {"aliasName": "a", "versionId": "1"})
        before = api.send("GET", f"{path}/a")
        assert api.error("PUT", f"{path}/a", change)[:2] == (status, code)
        assert api.send("GET", f"{path}/a").headers["etag"] == before.headers["etag"]


def test_names_are_taken_once(api, path) -> None:
    api.ok("POST", path, {"aliasName": "a", "versionId": "1"})
    assert api.error("POST", path, {"aliasName": "a", "versionId": "1"}) == (
        409,
        "AliasAlreadyExists",
        "alias 'a' of service 's' already exists",
    )


def test_update_merges_and_replaces_weights_whole(api, path) -> None:
    weights = {"2": 0.05, "3": 0.1}
    api.ok("POST", path, {"aliasName": "a", "versionId": "1", "description": "d", "additionalVersionWeight": weights})
    seen = api.ok("PUT", f"{path}/a", {"description": None})
    assert (seen["description"], seen["additionalVersionWeight"]) == ("d", weights)
    seen = api.ok("PUT", f"{path}/a", {"description": "", "aliasName": "b", "additionalVersionWeight": {"3": 1}})
    assert (seen["aliasName"], seen["description"], seen["additionalVersionWeight"]) == ("a", "", {"3": 1})
    seen = api.ok("PUT", f"{path}/a", {"versionId": "2"})
    assert (seen["versionId"], seen["additionalVersionWeight"]) == ("2", {"3": 1})
    assert api.ok("PUT", f"{path}/a", {"additionalVersionWeight": {}})["additionalVersionWeight"] == {}
    seen = api.ok("PUT", f"{path}/a", {"resolvePolicy": "Content", "routePolicy": ROUTE}, version="2021-04-06")
    assert seen["routePolicy"] == ROUTE


def test_an_update_must_not_make_a_weighted_version_the_main_one(api, path) -> None:
    api.ok("POST", path, {"aliasName": "a", "versionId": "1", "additionalVersionWeight": {"2": 0.1}})
    assert api.error("PUT", f"{path}/a", {"versionId": "2"})[:2] == (400, "AdditionalVersionContainsMajorVersion")
    seen = api.ok("PUT", f"{path}/a", {"versionId": "2", "additionalVersionWeight": {"1": 0.1}})
    assert seen["additionalVersionWeight"] == {"1": 0.1}


def test_the_switch_allows_the_main_version_among_the_weights(start) -> None:
    _, api = start(main_version_in_weights=True)
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/versions")
    body = {"aliasName": "a", "versionId": "1", "additionalVersionWeight": {"1": 0.9}}
    assert api.ok("POST", "/services/s/aliases", body)["additionalVersionWeight"] == {"1": 0.9}


def test_a_deleted_version_may_still_be_named(api, path) -> None:
    api.ok("POST", path, {"aliasName": "a", "versionId": "1", "additionalVersionWeight": {"2": 0.5}})
    api.ok("DELETE", "/services/s/versions/1")
    api.ok("DELETE", "/services/s/versions/2")
    assert api.ok("PUT", f"{path}/a", {"description": "still"})["versionId"] == "1"
    assert api.error("PUT", f"{path}/a", {"versionId": "1"})[:2] == (404, "VersionNotFound")
    assert api.error("GET", "/services/s.a/functions/f") == (
        404,
        "VersionNotFound",
        "version '1' of service 's' does not exist",
    )
    api.ok("PUT", f"{path}/a", {"versionId": "3"})
    assert api.ok("GET", "/services/s.a/functions/f")["functionName"] == "f"


def test_moving_an_alias_moves_what_it_reads(api, path) -> None:
    api.ok("PUT", "/services/s/functions/f", {"timeout": 44})
    api.ok("POST", "/services/s/versions", {"description": "four"})
    api.ok("POST", path, {"aliasName": "live", "versionId": "3"})
    assert api.ok("GET", "/services/s.live/functions/f")["timeout"] == 3
    api.ok("PUT", f"{path}/live", {"versionId": "4"})
    assert api.ok("GET", "/services/s.live/functions/f")["timeout"] == 44
    assert api.ok("GET", "/services/s?qualifier=live", version="2021-04-06")["description"] == "four"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_if_match(api, path, method) -> None:
    etag = api.send("POST", path, {"aliasName": "a", "versionId": "1"}).headers["etag"]
    newer = api.send("PUT", f"{path}/a", {}).headers["etag"]
    assert newer != etag
    body = {"versionId": "2"} if method == "PUT" else None
    assert api.error(method, f"{path}/a", body, headers={"if-match": etag})[:2] == (412, "PreconditionFailed")
    assert api.ok("GET", f"{path}/a")["versionId"] == "1"
    api.ok(method, f"{path}/a", body, headers={"if-match": newer})


def test_existence_comes_before_the_guard(api, path) -> None:
    for method in ("GET", "PUT", "DELETE"):
        told = api.error(method, f"{path}/none", {} if method == "PUT" else None, headers={"if-match": "x"})
        assert told == (404, "AliasNotFound", "alias 'none' of service 's' does not exist")
        assert api.error(method, "/services/t/aliases/a", {})[:2] == (404, "ServiceNotFound")
    assert api.error("POST", "/services/t/aliases", {"aliasName": "a", "versionId": "1"})[:2] == (
        404,
        "ServiceNotFound",
    )


def test_delete_is_204_and_triggers_do_not_stand_in_its_way(api, path) -> None:
    api.ok("POST", path, {"aliasName": "a", "versionId": "1"})
    timer = {"triggerName": "t", "triggerType": "timer", "triggerConfig": {"cronExpression": "@every 1m"}}
    api.ok("POST", "/services/s/functions/f/triggers", {**timer, "qualifier": "a"})
    answer = api.send("DELETE", f"{path}/a")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    assert api.ok("GET", "/services/s/functions/f/triggers/t")["qualifier"] == "a"
    told = api.error("POST", "/services/s/functions/f/triggers", {**timer, "triggerName": "u", "qualifier": "a"})
    assert told[:2] == (404, "AliasNotFound")


def test_triggers_may_be_bound_to_versions_and_aliases(api, path) -> None:
    api.ok("POST", path, {"aliasName": "a", "versionId": "1"})
    triggers = "/services/s/functions/f/triggers"
    http = {"triggerType": "http", "triggerConfig": {"authType": "anonymous", "methods": ["GET"]}}
    for name, qualifier in (("x", "a"), ("y", "2"), ("z", "LATEST")):
        made = api.ok("POST", triggers, {**http, "triggerName": name, "qualifier": qualifier})
        assert made["qualifier"] == qualifier
    assert api.ok("PUT", f"{triggers}/y", {"qualifier": "3"})["qualifier"] == "3"
    assert api.error("PUT", f"{triggers}/y", {"qualifier": "a"})[:2] == (400, "InvalidArgument")  # taken by another
    seen = api.ok("GET", f"{triggers}/x", version="2021-04-06")
    assert seen["targetArn"].endswith(":services/s.a/functions/f")


def test_lists_are_by_name_in_pages(api, path) -> None:
    for name in ("b", "a", "b-2", "_"):
        api.ok("POST", path, {"aliasName": name, "versionId": "1"})
    page = api.ok("GET", f"{path}?limit=2")
    assert [each["aliasName"] for each in page["aliases"]] == ["_", "a"]
    rest = api.ok("GET", f"{path}?limit=2&nextToken={page['nextToken']}")
    assert [each["aliasName"] for each in rest["aliases"]] == ["b", "b-2"]
    assert "nextToken" not in rest
    assert [each["aliasName"] for each in api.ok("GET", f"{path}?prefix=b&startKey=b-")["aliases"]] == ["b-2"]
    assert rest["aliases"][0] == api.ok("GET", f"{path}/b")


def test_another_writer_is_noticed(start) -> None:
    rule = {"match": {"operation": "UpdateAlias", "nth": 1}, "effect": {"touch": {"set": {"versionId": "2"}}}}
    _, api = start(faults={"rules": [rule]})
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/versions")
    etag = api.send("POST", "/services/s/aliases", {"aliasName": "a", "versionId": "1"}).headers["etag"]
    assert api.error("PUT", "/services/s/aliases/a", {}, headers={"if-match": etag})[0] == 412
    assert api.ok("GET", "/services/s/aliases/a")["versionId"] == "2"
