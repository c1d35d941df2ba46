"""Tags (facts 9.11)."""

import pytest


@pytest.fixture
def arn(api) -> str:
    api.ok("POST", "/services", {"serviceName": "s"})
    return f"acs:fc:cn-hangzhou:{api.account}:services/s"


def test_tags_merge_and_both_arns_work(api, arn) -> None:
    answer = api.send("POST", "/tag", {"resourceArn": "services/s", "tags": {"a": "1", "B": ""}})
    assert answer.status_code == 200
    assert answer.json() == {"requestId": answer.headers["x-fc-request-id"]}
    api.ok("POST", "/tag", {"resourceArn": arn, "tags": {"a": "2"}})
    seen = api.ok("GET", f"/tag?resourceArn={arn}")
    assert (seen["resourceArn"], seen["tags"]) == (arn, {"a": "2", "B": ""})
    assert api.ok("GET", "/services/s")["tags"] == {"a": "2", "B": ""}
    assert api.ok("GET", "/services")["services"][0]["tags"] == {"a": "2", "B": ""}


def test_tags_do_not_change_the_etag(api, arn) -> None:
    before = api.send("GET", "/services/s").headers["etag"]
    api.ok("POST", "/tag", {"resourceArn": arn, "tags": {"a": "1"}})
    assert api.send("GET", "/services/s").headers["etag"] == before


def test_untag_is_delete_in_2016_and_put_in_2021(api, arn) -> None:
    api.ok("POST", "/tag", {"resourceArn": arn, "tags": {"a": "1", "b": "2", "c": "3"}})
    api.ok("DELETE", "/tag", {"resourceArn": arn, "tagKeys": ["a", "none"]})
    assert api.ok("GET", f"/tag?resourceArn={arn}")["tags"] == {"b": "2", "c": "3"}
    api.ok("PUT", "/tag", {"resourceArn": arn, "tagKeys": ["b"]}, version="2021-04-06")
    api.ok("PUT", "/tag", {"resourceArn": arn, "all": True}, version="2021-04-06")
    assert api.ok("GET", f"/tag?resourceArn={arn}")["tags"] == {}
    assert "tags" not in api.ok("GET", "/services/s")
    assert api.error("PUT", "/tag", {})[:2] == (400, "PathNotSupported")
    assert api.error("DELETE", "/tag", {}, version="2021-04-06")[:2] == (400, "PathNotSupported")


def test_what_is_refused(api, arn) -> None:
    for sent in (
        {"tags": {"a": "1"}},
        {"resourceArn": arn},
        {"resourceArn": arn, "tags": {"": "1"}},
        {"resourceArn": arn, "tags": {"a": 1}},
        {"resourceArn": arn, "tags": {f"k{n}": "" for n in range(21)}},
        {"resourceArn": arn.replace("hangzhou", "beijing"), "tags": {"a": "1"}},
        {"resourceArn": f"{arn}/functions/f", "tags": {"a": "1"}},
    ):
        assert api.error("POST", "/tag", sent)[:2] == (400, "InvalidArgument")
    assert api.error("POST", "/tag", {"resourceArn": "services/x", "tags": {"a": "1"}})[:2] == (404, "ServiceNotFound")
    assert api.error("DELETE", "/tag", {"resourceArn": arn})[:2] == (400, "InvalidArgument")
    assert api.error("GET", "/tag")[:2] == (400, "InvalidArgument")


def test_services_are_filtered_by_tags(api) -> None:
    for number in range(30):
        api.ok("POST", "/services", {"serviceName": f"s{number:02d}"})
    for number in (3, 25, 28):
        api.ok("POST", "/tag", {"resourceArn": f"services/s{number:02d}", "tags": {"env": "prod", "n": str(number)}})

    def names(query: str) -> list[str]:
        return [each["serviceName"] for each in api.ok("GET", f"/services?{query}")["services"]]

    assert names("tag_env=prod") == ["s03", "s25", "s28"]
    assert names("tag_env=") == ["s03", "s25", "s28"]
    assert names("tag_env=prod&tag_n=25") == ["s25"]
    assert names("tag_env=test") == []
    page = api.ok("GET", "/services?tag_env=prod&limit=2")
    assert [each["serviceName"] for each in page["services"]] == ["s03", "s25"]
    assert names(f"tag_env=prod&limit=2&nextToken={page['nextToken']}") == ["s28"]


def test_tagged_resources_and_the_end_of_a_service(api, arn) -> None:
    api.ok("POST", "/tag", {"resourceArn": arn, "tags": {"a": "1"}})
    listed = api.ok("GET", "/tags", version="2021-04-06")
    assert listed == {"resources": [{"resourceArn": arn, "tags": {"a": "1"}}]}
    api.ok("DELETE", "/services/s")
    assert api.ok("GET", "/tags", version="2021-04-06") == {"resources": []}
    api.ok("POST", "/services", {"serviceName": "s"})
    assert api.ok("GET", "/tag?resourceArn=services/s")["tags"] == {}
