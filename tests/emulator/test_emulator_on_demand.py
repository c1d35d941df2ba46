"""On-demand configs (facts 9.8)."""

import re

import pytest

PATH = "/services/s.a/functions/f/on-demand-config"
RESOURCE = "services/s.a/functions/f"


@pytest.mark.parametrize("version", ["2016-08-15", "2021-04-06"])
def test_life(api, version) -> None:
    path = PATH if version == "2016-08-15" else "/services/s/functions/f/on-demand-config?qualifier=a"
    missing = (404, "OnDemandConfigNotFound", f"on demand config for '{RESOURCE}' does not exist")
    assert api.error("GET", path, version=version) == missing
    assert api.ok("GET", "/on-demand-configs", version=version) == {"configs": None}
    put = api.send("PUT", path, {"maximumInstanceCount": 10}, version=version)
    assert put.json() == {"resource": RESOURCE, "maximumInstanceCount": 10}
    assert re.fullmatch("[0-9a-f]{32}", put.headers["etag"])
    seen = api.send("GET", path, version=version)
    assert (seen.json(), seen.headers["etag"]) == (put.json(), put.headers["etag"])
    assert api.ok("GET", "/on-demand-configs", version=version) == {"configs": [put.json()]}
    gone = api.send("DELETE", path, version=version)
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "DELETE"):
        assert api.error(method, path, version=version) == missing


def test_nothing_has_to_exist_and_nothing_takes_it_away(api, function_body) -> None:
    for qualifier, path in (("LATEST", "s"), ("7", "s.7"), ("none", "s.none")):
        made = api.ok("PUT", f"/services/{path}/functions/f/on-demand-config", {"maximumInstanceCount": 0})
        assert made["resource"] == f"services/s.{qualifier}/functions/f"
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/functions", function_body())
    api.ok("DELETE", "/services/s/functions/f")
    api.ok("DELETE", "/services/s")
    assert len(api.ok("GET", "/on-demand-configs")["configs"]) == 3


@pytest.mark.parametrize("count", [None, -1, 101, "1", 1.5, True])
def test_counts_are_checked(api, count) -> None:
    told = api.error("PUT", PATH, {"maximumInstanceCount": count})
    assert told[:2] == (400, "InvalidArgument")
    assert "MaximumInstanceCount" in told[2]
    assert api.ok("GET", "/on-demand-configs") == {"configs": None}


def test_the_quota_is_a_setting(start) -> None:
    _, api = start(instances_per_region=300)
    assert api.ok("PUT", PATH, {"maximumInstanceCount": 300})["maximumInstanceCount"] == 300
    assert api.error("PUT", PATH, {"maximumInstanceCount": 301})[0] == 400


def test_if_match_on_put_and_delete(api) -> None:
    body = {"maximumInstanceCount": 1}
    assert api.error("PUT", PATH, body, headers={"if-match": "0" * 32})[:2] == (412, "PreconditionFailed")
    assert api.error("DELETE", PATH, headers={"if-match": "0" * 32})[0] == 404
    first = api.send("PUT", PATH, body).headers["etag"]
    second = api.send("PUT", PATH, body, headers={"if-match": first}).headers["etag"]
    assert first != second
    for method in ("PUT", "DELETE"):
        told = api.error(method, PATH, body if method == "PUT" else None, headers={"if-match": first})
        assert told == (412, "PreconditionFailed", "the resource being modified has been changed")
    api.ok("DELETE", PATH, headers={"if-match": second})


def test_lists_go_by_resource(api) -> None:
    def names(query: str) -> list[str]:
        return [each["resource"] for each in api.ok("GET", f"/on-demand-configs?{query}")["configs"] or []]

    wanted = [f"services/s.test-qualifier-{number}/functions/f" for number in range(5)]
    for number in range(5):
        path = f"/services/s.test-qualifier-{number}/functions/f/on-demand-config"
        api.ok("PUT", path, {"maximumInstanceCount": number})
    assert names("") == wanted
    assert names("prefix=services/s.test-qualifier-1") == wanted[1:2]
    assert names("startKey=services/s.test-qualifier-3") == wanted[3:]
    page = api.ok("GET", "/on-demand-configs?limit=3")
    assert [each["resource"] for each in page["configs"]] == wanted[:3]
    assert names(f"limit=3&nextToken={page['nextToken']}") == wanted[3:]
    assert api.ok("GET", "/on-demand-configs?prefix=x") == {"configs": None}
    assert api.error("GET", "/on-demand-configs?limit=0")[:2] == (400, "InvalidArgument")
