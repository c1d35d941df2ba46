"""Service versions: publishing, reading through a qualifier, listing, deleting (facts 9.4)."""

import base64
import itertools
import re

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fcdeploy.emulator.settings import Delays

BOTH = ("2016-08-15", "2021-04-06")


@pytest.fixture
def service(api, function_body) -> str:
    api.ok("POST", "/services", {"serviceName": "s", "description": "live"})
    api.ok("POST", "/services/s/functions", function_body())
    return "/services/s"


def change(api, text: str = "x") -> None:
    api.ok("PUT", "/services/s", {"description": text})


@pytest.mark.parametrize("version", BOTH)
def test_publish_answers_the_version_and_an_etag(api, service, version) -> None:
    answer = api.send("POST", f"{service}/versions", {"description": "one"}, version=version)
    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("createdTime") == body.pop("lastModifiedTime")
    assert body == {"versionId": "1", "description": "one"}
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["etag"])
    assert answer.headers["etag"] != api.send("GET", service).headers["etag"]


def test_the_body_is_optional(api, service) -> None:
    assert api.ok("POST", f"{service}/versions")["description"] == ""
    change(api)
    assert api.ok("POST", f"{service}/versions", content=b"null")["versionId"] == "2"
    assert api.error("POST", f"{service}/versions", content=b"[]")[:2] == (400, "InvalidArgument")
    assert api.error("POST", f"{service}/versions", {"description": 7})[:2] == (400, "InvalidArgument")


def test_nothing_changed_is_refused(api, service) -> None:
    api.ok("POST", f"{service}/versions")
    status, code, message = api.error("POST", f"{service}/versions")
    assert (status, code) == (409, "VersionPublishError")
    assert "nothing changed since version '1'" in message


CHANGES = {
    "the service": ("PUT", "", {"description": "y"}),
    "the service, to what it was": ("PUT", "", {"description": "live"}),
    "a function": ("PUT", "/functions/f", {"timeout": 9}),
    "a function, to what it was": ("PUT", "/functions/f", {}),
    "a function less": ("DELETE", "/functions/f", None),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_counts_as_a_change(api, service, what) -> None:
    api.ok("POST", f"{service}/versions")
    method, path, body = CHANGES[what]
    api.ok(method, f"{service}{path}", body)
    assert api.ok("POST", f"{service}/versions")["versionId"] == "2"


def test_a_function_more_counts_and_one_made_anew_too(api, service, function_body) -> None:
    api.ok("POST", f"{service}/versions")
    api.ok("POST", f"{service}/functions", function_body("g"))
    api.ok("POST", f"{service}/versions")
    api.ok("DELETE", f"{service}/functions/g")
    api.ok("POST", f"{service}/functions", function_body("g"))
    assert api.ok("POST", f"{service}/versions")["versionId"] == "3"


def test_what_a_version_does_not_freeze_is_no_change(api, service) -> None:
    api.ok("POST", f"{service}/versions")
    api.ok("POST", "/tag", {"resourceArn": "services/s", "tags": {"a": "b"}})
    api.ok("POST", f"{service}/aliases", {"aliasName": "a", "versionId": "1"})
    timer = {"triggerName": "t", "triggerType": "timer", "triggerConfig": {"cronExpression": "@every 1m"}}
    api.ok("POST", f"{service}/functions/f/triggers", timer)
    api.ok("PUT", f"{service}.LATEST/functions/f/provision-config", {"target": 1})
    api.ok("PUT", f"{service}/functions/f/async-invoke-config", {"maxAsyncRetryAttempts": 1})
    api.ok("PUT", f"{service}/functions/f/on-demand-config", {"maximumInstanceCount": 1})
    assert api.error("POST", f"{service}/versions")[:2] == (409, "VersionPublishError")


def test_the_comparison_is_with_the_newest_that_exists(api, service) -> None:
    api.ok("POST", f"{service}/versions")
    change(api)
    api.ok("POST", f"{service}/versions")
    api.ok("DELETE", f"{service}/versions/2")
    assert api.ok("POST", f"{service}/versions")["versionId"] == "3"  # changed since 1
    api.ok("DELETE", f"{service}/versions/1")
    assert api.error("POST", f"{service}/versions")[:2] == (409, "VersionPublishError")


def test_ids_are_never_given_twice_even_when_all_are_gone(api, service) -> None:
    for expected in ("1", "2", "3"):
        assert api.ok("POST", f"{service}/versions")["versionId"] == expected
        api.ok("DELETE", f"{service}/versions/{expected}")
    assert api.ok("GET", f"{service}/versions")["versions"] == []


def test_ids_are_of_one_service_and_of_one_life_of_it(api, service) -> None:
    api.ok("POST", f"{service}/versions")
    api.ok("POST", "/services", {"serviceName": "t"})
    assert api.ok("POST", "/services/t/versions")["versionId"] == "1"
    api.ok("DELETE", "/services/t/versions/1")
    api.ok("DELETE", "/services/t")
    api.ok("POST", "/services", {"serviceName": "t"})
    assert api.ok("POST", "/services/t/versions")["versionId"] == "1"


def test_publish_is_guarded_by_the_etag_of_the_service(api, service) -> None:
    etag = api.send("GET", service).headers["etag"]
    change(api)
    assert api.error("POST", f"{service}/versions", {}, headers={"if-match": etag}) == (
        412,
        "PreconditionFailed",
        "the resource being modified has been changed",
    )
    assert api.ok("GET", f"{service}/versions")["versions"] == []
    etag = api.send("GET", service).headers["etag"]
    assert api.ok("POST", f"{service}/versions", {}, headers={"if-match": etag})["versionId"] == "1"


def test_the_guard_comes_before_the_comparison(api, service) -> None:
    api.ok("POST", f"{service}/versions")
    assert api.error("POST", f"{service}/versions", {}, headers={"if-match": "0" * 32})[0] == 412


@pytest.mark.parametrize("version", BOTH)
def test_a_version_is_read_with_its_functions_and_code(api, service, function_body, zipped, version) -> None:
    def at(path: str, qualifier: str) -> str:
        if version == BOTH[0]:
            return path.replace("/services/s", f"/services/s.{qualifier}", 1)
        return f"{path}?qualifier={qualifier}"

    live = api.send("GET", f"{service}/functions/f")
    before = api.ok("GET", service)
    published = api.send("POST", f"{service}/versions", {"description": "one"})
    new_code = {"zipFile": base64.b64encode(zipped("new = 1")).decode()}
    api.ok("PUT", f"{service}/functions/f", {"timeout": 77, "code": new_code, "environmentVariables": {"A": "b"}})
    api.ok("POST", f"{service}/functions", function_body("g"))
    api.ok("PUT", service, {"description": "later", "internetAccess": False})
    api.ok("POST", f"{service}/aliases", {"aliasName": "a", "versionId": "1"})
    for qualifier in ("1", "a"):
        frozen = api.send("GET", at(service, qualifier), version=version)
        assert frozen.json() == {**before, "description": "one"}
        assert frozen.headers["etag"] == published.headers["etag"]
        function = api.send("GET", at(f"{service}/functions/f", qualifier), version=version)
        assert function.json() == live.json()
        assert function.headers["etag"] == live.headers["etag"]
        assert api.ok("GET", at(f"{service}/functions", qualifier), version=version) == {"functions": [live.json()]}
        told = api.ok("GET", at(f"{service}/functions/f/code", qualifier), version=version)
        assert told["checksum"] == live.json()["codeChecksum"]
        assert httpx.get(told["url"], trust_env=False).content == zipped()
        missing = api.error("GET", at(f"{service}/functions/g", qualifier), version=version)
        assert missing[:2] == (404, "FunctionNotFound")
    latest = api.ok("GET", at(f"{service}/functions", "LATEST"), version=version)["functions"]
    assert [each["functionName"] for each in latest] == ["f", "g"]
    assert api.ok("GET", at(service, "LATEST"), version=version)["description"] == "later"


@pytest.mark.parametrize("path", ["", "/functions", "/functions/f", "/functions/f/code"])
def test_unknown_qualifiers(api, service, path) -> None:
    assert api.error("GET", f"/services/s.2{path}") == (
        404,
        "VersionNotFound",
        "version '2' of service 's' does not exist",
    )
    assert api.error("GET", f"/services/s.blue{path}") == (
        404,
        "AliasNotFound",
        "alias 'blue' of service 's' does not exist",
    )
    assert api.error("GET", f"/services/t.2{path}")[:2] == (404, "ServiceNotFound")
    assert api.error("GET", f"/services/s{path}?qualifier=2", version="2021-04-06")[:2] == (404, "VersionNotFound")


def test_a_deleted_version_is_not_found_and_an_alias_of_it_names_it_still(api, service) -> None:
    api.ok("POST", f"{service}/versions")
    api.ok("POST", f"{service}/aliases", {"aliasName": "a", "versionId": "1"})
    timer = {"cronExpression": "@every 1m"}
    body = {"triggerName": "t", "triggerType": "timer", "triggerConfig": timer, "qualifier": "1"}
    api.ok("POST", f"{service}/functions/f/triggers", body)
    answer = api.send("DELETE", f"{service}/versions/1", headers={"if-match": "0" * 32})  # not honoured here
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.ok("GET", f"{service}/aliases/a")["versionId"] == "1"
    assert api.ok("GET", f"{service}/functions/f/triggers/t")["qualifier"] == "1"
    assert api.error("GET", "/services/s.a")[:2] == (404, "VersionNotFound")
    assert api.error("GET", "/services/s.1/functions/f")[:2] == (404, "VersionNotFound")
    assert api.error("DELETE", f"{service}/versions/1") == (
        404,
        "VersionNotFound",
        "version '1' of service 's' does not exist",
    )


@pytest.mark.parametrize("name", ["LATEST", "one", "1.5", "-1", "%C2%B2", "99999999999"])
def test_what_is_no_version_id(api, service, name) -> None:
    assert api.error("DELETE", f"{service}/versions/{name}")[:2] == (400, "InvalidArgument")


def test_there_is_no_call_for_one_version(api, service) -> None:
    api.ok("POST", f"{service}/versions")
    for method in ("GET", "PUT"):
        assert api.error(method, f"{service}/versions/1")[:2] == (400, "PathNotSupported")


def test_a_service_with_versions_or_aliases_is_not_deleted(api, service) -> None:
    api.ok("POST", f"{service}/versions")
    api.ok("POST", f"{service}/aliases", {"aliasName": "a", "versionId": "1"})
    api.ok("DELETE", f"{service}/functions/f")
    for path, word in (("versions/1", "versions"), ("aliases/a", "aliases")):
        assert api.error("DELETE", service) == (409, "ServiceNotEmpty", f"service 's' has active '{word}'.")
        api.ok("DELETE", f"{service}/{path}")
    api.ok("DELETE", service)


def test_a_missing_service(api) -> None:
    for method, path in (("POST", "versions"), ("GET", "versions"), ("DELETE", "versions/1")):
        assert api.error(method, f"/services/none/{path}")[:2] == (404, "ServiceNotFound")


def listed(api, query: str, version: str = BOTH[0]) -> tuple[list[str], str | None, str]:
    body = api.ok("GET", f"/services/s/versions?{query}", version=version)
    return [each["versionId"] for each in body["versions"]], body.get("nextToken"), body["direction"]


@pytest.mark.parametrize("version", BOTH)
def test_lists_are_by_number_in_both_directions(api, service, version) -> None:
    for number in range(1, 12):
        change(api, str(number))
        api.ok("POST", f"{service}/versions", {"description": f"d{number}"})
    api.ok("DELETE", f"{service}/versions/9")
    everything = ["11", "10", "8", "7", "6", "5", "4", "3", "2", "1"]
    assert listed(api, "", version) == (everything, None, "BACKWARD")
    assert listed(api, "direction=FORWARD", version) == (everything[::-1], None, "FORWARD")
    assert listed(api, "limit=2", version) == (["11", "10"], "8", "BACKWARD")
    assert listed(api, "limit=3&nextToken=8", version) == (["8", "7", "6"], "5", "BACKWARD")
    assert listed(api, "direction=FORWARD&limit=2&startKey=9", version) == (["10", "11"], None, "FORWARD")
    assert listed(api, "startKey=9&limit=1", version) == (["8"], "7", "BACKWARD")
    assert listed(api, "startKey=3&nextToken=2", version) == (["2", "1"], None, "BACKWARD")  # the token wins
    assert listed(api, "startKey=0", version) == ([], None, "BACKWARD")
    first = api.ok("GET", f"{service}/versions?limit=1")["versions"][0]
    assert first["description"] == "d11"
    assert sorted(first) == ["createdTime", "description", "lastModifiedTime", "versionId"]


@pytest.mark.parametrize("query", ["direction=backward", "direction=UP", "startKey=a", "nextToken=1.5", "limit=101"])
def test_lists_refuse_what_is_out_of_range(api, service, query) -> None:
    assert api.error("GET", f"{service}/versions?{query}")[:2] == (400, "InvalidArgument")


def test_a_fresh_service_has_no_versions_to_ask_for(start) -> None:
    _, api = start(delays=Delays(service=30))
    api.ok("POST", "/services", {"serviceName": "s"})
    assert api.ok("GET", "/services/s")["serviceName"] == "s"
    for method, path in (("POST", "versions"), ("GET", "versions"), ("DELETE", "versions/1")):
        assert api.error(method, f"/services/s/{path}")[:2] == (404, "ServiceNotFound")


def test_frozen_code_outlives_a_restart(start, tmp_path, function_body, zipped) -> None:
    first, api = start(data=tmp_path)
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/functions", function_body())
    api.ok("POST", "/services/s/versions")
    newer = {"code": {"zipFile": base64.b64encode(zipped("n = 1")).decode()}}
    api.ok("PUT", "/services/s/functions/f", newer)
    api.ok("DELETE", "/services/s/functions/f")
    first.stop()
    _, api = start(data=tmp_path)  # archives that nothing refers to go at a start
    told = api.ok("GET", "/services/s.1/functions/f/code")
    assert httpx.get(told["url"], trust_env=False).content == zipped()
    assert api.ok("POST", "/services/s/versions")["versionId"] == "2"


def test_the_other_writer_can_delete_a_version(start) -> None:
    rule = {
        "match": {"operation": "DeleteServiceVersion"},
        "effect": {"touch": {"delete": True}},
        "when": "before",
    }
    _, api = start(faults={"rules": [rule]})
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/versions")
    assert api.error("DELETE", "/services/s/versions/1")[:2] == (404, "VersionNotFound")


_services = itertools.count()
STEPS = st.lists(
    st.one_of(
        *[st.just(("publish", "", ""))] * 3,  # often, and most often with something to freeze
        st.tuples(st.just("service"), st.just(""), st.sampled_from(["a", "b"])),
        st.tuples(st.just("update"), st.sampled_from("ffg"), st.sampled_from(["a", "b"])),
        st.tuples(st.just("code"), st.sampled_from("ffg"), st.sampled_from(["a", "b"])),
        st.tuples(st.just("create"), st.sampled_from("ffg"), st.just("")),
        st.tuples(st.just("delete"), st.sampled_from("ffg"), st.just("")),
        st.tuples(st.just("drop"), st.just(""), st.integers(0, 3)),
    ),
    min_size=8,
    max_size=16,
)


class Model:
    """What must hold: the revision of the service and of each function that exists, and what each version looked like.

    Every accepted change gives a revision of its own. A function that came and went since a version leaves no change.
    """

    def __init__(self, api, path: str, *names: str) -> None:
        self.api, self.path = api, path
        self.revisions = itertools.count(1)
        self.standing = dict.fromkeys(("", *names), 0)
        self.given: list[int] = []
        self.versions: dict[int, tuple[dict[str, int], dict]] = {}

    def seen(self, version: int) -> dict:
        at = f"{self.path}.{version}"
        functions = self.api.ok("GET", f"{at}/functions")["functions"]
        codes = {}
        for each in functions:
            name = each["functionName"]
            assert self.api.ok("GET", f"{at}/functions/{name}") == each
            codes[name] = self.api.ok("GET", f"{at}/functions/{name}/code")["checksum"]
        return {"service": self.api.ok("GET", at), "functions": functions, "codes": codes}

    def publish(self) -> None:
        answer = self.api.send("POST", f"{self.path}/versions", {"description": f"r{len(self.given)}"})
        unchanged = bool(self.versions) and self.versions[max(self.versions)][0] == self.standing
        assert answer.status_code == (409 if unchanged else 200), answer.text
        if unchanged:
            return
        number = int(answer.json()["versionId"])
        assert number == max(self.given, default=0) + 1
        self.given.append(number)
        live = self.api.ok("GET", f"{self.path}/functions")["functions"]
        seen = self.seen(number)
        assert seen["functions"] == live
        self.versions[number] = (dict(self.standing), seen)

    def drop(self, place: int) -> None:
        if self.versions:
            number = sorted(self.versions)[place % len(self.versions)]
            self.api.ok("DELETE", f"{self.path}/versions/{number}")
            del self.versions[number]

    def change(self, name: str, method: str, *call: object) -> None:
        """One change of the service ("") or of a function, if it is accepted."""
        if self.api.send(method, *call).status_code >= 300:
            return
        if method == "DELETE":
            del self.standing[name]
        else:
            self.standing[name] = next(self.revisions)


@pytest.mark.proof
@settings(max_examples=settings.default.max_examples // 4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
@example([("delete", "f", ""), ("publish", "", ""), ("create", "f", ""), ("delete", "f", ""), ("publish", "", "")])
def test_ids_are_never_reused_and_a_version_never_changes(api, function_body, zipped, steps) -> None:
    name = f"s{next(_services)}"
    api.ok("POST", "/services", {"serviceName": name})
    first = function_body()
    model = Model(api, f"/services/{name}", first["functionName"])
    api.ok("POST", f"{model.path}/functions", first)
    for step, function, value in steps:
        path = f"{model.path}/functions"
        match step:
            case "publish":
                model.publish()
            case "service":
                model.change("", "PUT", model.path, {"description": value})
            case "update":
                model.change(function, "PUT", f"{path}/{function}", {"description": value})
            case "code":
                code = {"zipFile": base64.b64encode(zipped(value)).decode()}
                model.change(function, "PUT", f"{path}/{function}", {"code": code})
            case "create":
                model.change(function, "POST", path, function_body(function))
            case "delete":
                model.change(function, "DELETE", f"{path}/{function}")
            case "drop":
                model.drop(value)
        assert {number: model.seen(number) for number in model.versions} == {
            number: seen for number, (_, seen) in model.versions.items()
        }
    listed = [int(each["versionId"]) for each in api.ok("GET", f"{model.path}/versions?limit=100")["versions"]]
    assert listed == sorted(model.versions, reverse=True)
