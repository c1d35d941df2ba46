"""Services over a real socket (facts 3, 6, 7, 9.1)."""

import re

import pytest

BOTH = ("2016-08-15", "2021-04-06")


@pytest.mark.parametrize("version", BOTH)
def test_create_answers_defaults_headers_and_an_etag(api, version) -> None:
    answer = api.send("POST", "/services", {"serviceName": "s"}, version=version)
    assert answer.status_code == 200
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["etag"])
    assert len(answer.headers["x-fc-request-id"]) == 36
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert "x-fc-request-id" in answer.headers["access-control-expose-headers"]
    assert answer.headers["connection"] == "keep-alive"
    body = answer.json()
    assert body["internetAccess"] is True
    assert body["description"] == body["role"] == ""
    assert body["logConfig"]["project"] == ""
    assert body["vpcConfig"] == {"vpcId": "", "vSwitchIds": [], "securityGroupId": ""}
    assert body["nasConfig"] == {"userId": -1, "groupId": -1, "mountPoints": []}
    assert body["tracingConfig"] == {"type": None, "params": None}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["createdTime"])
    assert not [key for key in body if key.startswith("_")]


def test_a_service_is_the_same_in_both_versions(api) -> None:
    made = api.send("POST", "/services", {"serviceName": "s"})
    seen = api.send("GET", "/services/s", version="2021-04-06")
    assert seen.json() == made.json()
    assert seen.headers["etag"] == made.headers["etag"]


def test_keys_in_any_case_null_unknown_and_read_only_keys(api) -> None:
    body = {
        "ServiceName": "s",
        "DESCRIPTION": "d",
        "role": None,
        "serviceId": "mine",
        "createdTime": "x",
        "color": 3,
        "logconfig": None,
    }
    made = api.ok("POST", "/services", body)
    assert made["description"] == "d"
    assert made["serviceId"] != "mine"
    assert "color" not in made
    assert made["role"] == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("1a", r"allowed: '^[_a-zA-Z][-_a-zA-Z0-9]*$', actual: '1a'"),
        ("a.b", "doesn't match expected format"),
        ("", "doesn't match expected format"),
        ("a" * 129, "max: 128, actual: '129'"),
        (None, "ServiceName is required"),
        (7, "actual: '7'"),
        ("a\n", "actual: 'a?'"),
    ],
)
def test_names_are_checked(api, name, text) -> None:
    status, code, message = api.error("POST", "/services", {"serviceName": name})
    assert (status, code) == (400, "InvalidArgument")
    assert text in message


@pytest.mark.parametrize(
    "field",
    [
        {"internetAccess": "yes"},
        {"description": 1},
        {"logConfig": []},
        {"logConfig": {"logBeginRule": "Sometimes"}},
        {"nasConfig": {"userId": "100"}},
        {"nasConfig": {"mountPoints": [{"mountDir": "/a"}]}},
        {"nasConfig": {"mountPoints": [{"mountDir": "/a", "serverAddr": "x"}] * 6}},
        {"tracingConfig": {"type": "Zipkin"}},
        {"vpcConfig": {"vSwitchIds": [1]}},
        {"role": "admin"},
    ],
)
def test_fields_are_checked_on_create_and_update(api, field) -> None:
    assert api.error("POST", "/services", {"serviceName": "s", **field})[:2] == (400, "InvalidArgument")
    assert api.error("GET", "/services/s")[0] == 404
    api.ok("POST", "/services", {"serviceName": "s"})
    before = api.send("GET", "/services/s")
    assert api.error("PUT", "/services/s", field)[:2] == (400, "InvalidArgument")
    assert api.send("GET", "/services/s").headers["etag"] == before.headers["etag"]


def test_a_second_create_is_a_conflict(api) -> None:
    api.ok("POST", "/services", {"serviceName": "s"})
    assert api.error("POST", "/services", {"serviceName": "s"}) == (
        409,
        "ServiceAlreadyExists",
        "service 's' already exists",
    )


def test_update_merges_and_objects_are_replaced_whole(api) -> None:
    log = {"project": "p", "logstore": "l", "enableRequestMetrics": True, "enableInstanceMetrics": True}
    api.ok("POST", "/services", {"serviceName": "s", "description": "d", "logConfig": log})
    seen = api.ok("PUT", "/services/s", {"internetAccess": False, "description": None})
    assert seen["description"] == "d"
    assert seen["internetAccess"] is False
    assert seen["logConfig"]["enableInstanceMetrics"] is True
    seen = api.ok("PUT", "/services/s", {"logConfig": {"project": "q", "logstore": "l"}, "description": ""})
    assert seen["description"] == ""
    assert seen["logConfig"]["enableInstanceMetrics"] is False
    seen = api.ok("PUT", "/services/s", {"tracingConfig": {"type": "Jaeger", "params": {"endpoint": "e"}}})
    assert seen["tracingConfig"] == {"type": "Jaeger", "params": {"endpoint": "e"}}
    assert api.ok("PUT", "/services/s", {"tracingConfig": {}})["tracingConfig"] == {"type": None, "params": None}


def test_every_update_is_later_and_has_another_etag(api) -> None:
    made = api.send("POST", "/services", {"serviceName": "s"})
    times, etags = [made.json()["lastModifiedTime"]], [made.headers["etag"]]
    for _ in range(3):
        seen = api.send("PUT", "/services/s", {"description": "same"})
        times.append(seen.json()["lastModifiedTime"])
        etags.append(seen.headers["etag"])
        assert seen.json()["createdTime"] == made.json()["createdTime"]
    assert times == sorted(set(times))
    assert len(set(etags)) == 4


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_if_match(api, method) -> None:
    etag = api.send("POST", "/services", {"serviceName": "s"}).headers["etag"]
    body = {"description": "x"} if method == "PUT" else None
    for wrong in ("0" * 32, "*", f'"{etag}"', etag.upper() + "x"):
        assert api.error(method, "/services/s", body, headers={"if-match": wrong}) == (
            412,
            "PreconditionFailed",
            "the resource being modified has been changed",
        )
    assert api.ok("GET", "/services/s")["description"] == ""
    api.ok(method, "/services/s", body, headers={"if-match": etag})


def test_if_match_on_a_missing_service_is_404(api) -> None:
    assert api.error("PUT", "/services/s", {}, headers={"if-match": "x"}) == (
        404,
        "ServiceNotFound",
        "service 's' does not exist",
    )


def test_delete_is_204_without_a_body_or_a_type(api) -> None:
    api.ok("POST", "/services", {"serviceName": "s"})
    answer = api.send("DELETE", "/services/s")
    assert answer.status_code == 204
    assert answer.content == b""
    assert "content-type" not in answer.headers
    assert api.error("DELETE", "/services/s")[:2] == (404, "ServiceNotFound")


def test_a_service_with_functions_is_not_deleted(api, function_body) -> None:
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/functions", function_body())
    assert api.error("DELETE", "/services/s") == (409, "ServiceNotEmpty", "service 's' has active 'functions'.")


def test_a_recreated_service_is_another_one(api) -> None:
    first = api.send("POST", "/services", {"serviceName": "s"})
    api.ok("DELETE", "/services/s")
    second = api.send("POST", "/services", {"serviceName": "s"})
    assert first.json()["serviceId"] != second.json()["serviceId"]
    assert first.headers["etag"] != second.headers["etag"]


def test_accounts_and_regions_are_apart(api) -> None:
    api.ok("POST", "/services", {"serviceName": "s"})
    for host in (f"{api.account}.cn-shanghai.fc.aliyuncs.com", "99.cn-hangzhou.fc.aliyuncs.com"):
        assert api.error("GET", "/services/s", headers={"host": host})[:2] == (404, "ServiceNotFound")
    for host in (f"{api.account}.cn-hangzhou.fc.aliyuncs.com", f"{api.account}.cn-hangzhou-internal.fc.aliyuncs.com"):
        assert api.ok("GET", "/services/s", headers={"host": host})["serviceName"] == "s"


def test_lists_are_paged_in_byte_order(api) -> None:
    names = ["a", "B", "b-1", "b_1", "b1", "_z"]
    for name in names:
        api.ok("POST", "/services", {"serviceName": name})
    seen, query = [], "limit=2"
    pages = 0
    while True:
        page = api.ok("GET", f"/services?{query}")
        seen += [each["serviceName"] for each in page["services"]]
        pages += 1
        if "nextToken" not in page:
            break
        query = f"limit=2&nextToken={page['nextToken']}"
    assert seen == sorted(names)
    assert pages == 3
    listed = api.ok("GET", "/services?prefix=b")["services"]
    assert [each["serviceName"] for each in listed] == ["b-1", "b1", "b_1"]
    listed = api.ok("GET", "/services?startKey=b1")["services"]
    assert [each["serviceName"] for each in listed] == ["b1", "b_1"]


def test_next_token_wins_over_start_key_and_the_prefix_still_filters(api) -> None:
    for name in ("a", "b", "c"):
        api.ok("POST", "/services", {"serviceName": name})
    token = api.ok("GET", "/services?limit=1")["nextToken"]
    listed = api.ok("GET", f"/services?nextToken={token}&startKey=c")["services"]
    assert [each["serviceName"] for each in listed] == ["b", "c"]
    assert api.ok("GET", f"/services?nextToken={token}&prefix=a") == {"services": []}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1e2", "nextToken=%ff"])
def test_lists_refuse_what_is_out_of_range(api, query) -> None:
    assert api.error("GET", f"/services?{query}")[:2] == (400, "InvalidArgument")


def test_an_empty_list_is_empty_and_has_no_token(api) -> None:
    assert api.ok("GET", "/services") == {"services": []}


def test_only_latest_may_qualify_a_write(api) -> None:
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("PUT", "/services/s.LATEST", {"description": "x"})
    assert api.error("PUT", "/services/s.1", {})[:2] == (400, "InvalidArgument")
    assert api.ok("GET", "/services/s.LATEST")["description"] == "x"
    assert api.ok("GET", "/services/s?qualifier=LATEST", version="2021-04-06")["description"] == "x"
    assert api.error("GET", "/services/s.7") == (404, "VersionNotFound", "version '7' of service 's' does not exist")
    assert api.error("GET", "/services/s?qualifier=x", version="2021-04-06")[:2] == (404, "AliasNotFound")
