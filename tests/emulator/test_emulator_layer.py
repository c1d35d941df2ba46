"""Layers (facts 9.10)."""

import base64

import pytest

from fcdeploy.emulator.alibaba.code import crc64_text

V2021 = "2021-04-06"


@pytest.fixture
def publish(api, zipped):
    def make(name: str = "l", text: str = "x", **more: object) -> dict:
        code = {"zipFile": base64.b64encode(zipped(text)).decode()}
        version = more.pop("version", "2016-08-15")
        return api.ok("POST", f"/layers/{name}/versions", {"code": code, **more}, version=version)

    return make


def test_a_version_has_its_archive_and_both_names(api, publish, zipped, client) -> None:
    made = publish(description="first", compatibleRuntime=["python3.9"])
    assert (made["layerName"], made["version"], made["acl"], made["description"]) == ("l", 1, 0, "first")
    assert (made["codeSize"], made["codeChecksum"]) == (len(zipped("x")), crc64_text(zipped("x")))
    assert "arnV2" not in made
    answer = api.send("GET", "/layers/l/versions/1")
    seen = answer.json()
    assert len(answer.headers["etag"]) == 32
    assert seen["arnV2"] == f"acs:fc:cn-hangzhou:{api.account}:layers/l/versions/1"
    assert seen["arn"] == made["arn"]
    assert seen["arn"].endswith("#l#1")
    assert seen["compatibleRuntime"] == ["python3.9"]
    assert seen["code"]["repositoryType"] == "OSS"
    assert client.get(seen["code"]["location"]).content == zipped("x")


def test_the_size_is_spelled_by_version_on_create_only(api, publish, zipped) -> None:
    made = publish(version=V2021)
    assert made["codesize"] == len(zipped("x"))
    assert "codeSize" not in made
    assert api.ok("GET", "/layers/l/versions/1", version=V2021)["codeSize"] == len(zipped("x"))


@pytest.mark.parametrize(
    ("name", "change", "text"),
    [
        ("l", {"code": None}, "Code is required"),
        ("l", {"code": {}}, "Code must have either"),
        ("l", {"description": "d" * 257}, "Description exceeds the maximum allowed length (max: 256, actual: '257')"),
        ("l", {"compatibleRuntime": ["cobol"]}, "CompatibleRuntime[0] is set to an invalid value"),
        ("l", {"compatibleRuntime": ["custom-container"]}, "CompatibleRuntime[0]"),
        ("9l", {}, "LayerName doesn't match expected format"),
        ("l" * 129, {}, "max: 128"),
    ],
)
def test_fields_are_checked(api, zipped, name, change, text) -> None:
    body = {"Code": {"zipFile": base64.b64encode(zipped()).decode()}, **change}
    if "code" in change:
        body.pop("Code")
    status, code, message = api.error("POST", f"/layers/{name}/versions", body)
    assert (status, code) == (400, "InvalidArgument")
    assert text in message


def test_versions_rise_and_never_come_again(api, publish) -> None:
    assert [publish()["version"] for _ in range(3)] == [1, 2, 3]
    assert publish("other")["version"] == 1
    for number in (3, 2, 1):
        assert api.send("DELETE", f"/layers/l/versions/{number}").status_code == 204
    assert api.error("GET", "/layers/l/versions/1")[:2] == (404, "LayerNotFound")
    assert publish()["version"] == 4
    assert api.error("GET", "/layers/l/versions/3")[:2] == (404, "LayerVersionNotFound")
    assert api.error("DELETE", "/layers/l/versions/3")[:2] == (404, "LayerVersionNotFound")
    assert api.error("GET", "/layers/l/versions/x")[:2] == (400, "InvalidArgument")


def test_versions_are_listed_from_a_number_on(api, publish) -> None:
    for _ in range(5):
        publish()
    api.ok("DELETE", "/layers/l/versions/3")
    page = api.ok("GET", "/layers/l/versions?limit=2")
    assert [each["version"] for each in page["layers"]] == [1, 2]
    assert page["nextVersion"] == 4
    assert "code" not in page["layers"][0]
    rest = api.ok("GET", f"/layers/l/versions?limit=2&startVersion={page['nextVersion']}")
    assert [each["version"] for each in rest["layers"]] == [4, 5]
    assert "nextVersion" not in rest
    assert api.ok("GET", "/layers/l/versions?startVersion=9") == {"layers": []}
    assert api.error("GET", "/layers/l/versions?startVersion=0")[0] == 400
    assert api.error("GET", "/layers/none/versions")[:2] == (404, "LayerNotFound")


def test_layers_are_listed_with_their_newest_version(api, publish) -> None:
    for name in ("b", "a", "a", "ab", "c"):
        publish(name)
    seen = api.ok("GET", "/layers?limit=2&prefix=a")
    assert [(each["layerName"], each["version"]) for each in seen["layers"]] == [("a", 2), ("ab", 1)]
    assert "nextToken" not in seen
    page = api.ok("GET", "/layers?limit=2&startKey=ab")
    assert [each["layerName"] for each in page["layers"]] == ["ab", "b"]
    rest = api.ok("GET", f"/layers?nextToken={page['nextToken']}")
    assert [each["layerName"] for each in rest["layers"]] == ["c"]
    assert api.ok("GET", "/layers?official=true&public=true") == {"layers": []}
    assert api.error("GET", "/layers?public=yes")[0] == 400


def test_who_may_read_a_layer(server, client, api, publish) -> None:
    made = publish()
    publish()
    from urllib.parse import quote

    other = type(api)(api.url, f"9{api.account}", client)
    arn = quote(f"acs:fc:cn-hangzhou:{api.account}:layers/l/versions/1", safe="")
    assert api.ok("GET", f"/layerarn/{arn}")["version"] == 1
    assert api.ok("GET", f"/layerarn/{quote(made['arn'], safe='')}")["version"] == 1
    assert other.error("GET", f"/layerarn/{arn}")[:2] == (404, "LayerVersionNotFound")
    assert api.send("PUT", "/layers/l/acl?public=true").status_code == 204
    assert api.ok("GET", "/layers/l/versions/2")["acl"] == 1
    assert publish()["acl"] == 1
    assert [each["layerName"] for each in api.ok("GET", "/layers?public=true")["layers"]] == ["l"]
    seen = other.ok("GET", f"/layerarn/{arn}")
    assert seen["arnV2"].split(":")[3] == api.account
    assert client.get(seen["code"]["location"]).status_code == 200
    api.ok("PUT", "/layers/l/acl?public=false")
    assert api.ok("GET", "/layers?public=true") == {"layers": []}
    assert other.error("GET", f"/layerarn/{arn}")[0] == 404
    assert api.error("PUT", "/layers/l/acl")[:2] == (400, "InvalidArgument")
    assert api.error("PUT", "/layers/l/acl?official=true")[:2] == (403, "AccessDenied")
    assert api.error("PUT", "/layers/none/acl?public=true")[:2] == (404, "LayerNotFound")
    assert api.error("GET", "/layerarn/nonsense")[:2] == (400, "InvalidArgument")
    assert api.error("GET", f"/layerarn/{arn}", version=V2021)[:2] == (400, "PathNotSupported")


def test_functions_keep_a_deleted_version(api, publish, function_body) -> None:
    api.ok("POST", "/services", {"serviceName": "s"})
    short = publish()["arn"]
    long = f"acs:fc:cn-hangzhou:{api.account}:layers/l/versions/1"
    for place, name in enumerate((short, long)):
        made = api.ok("POST", "/services/s/functions", function_body(f"f{place}", layers=[name]))
        assert (made["layers"], made["layersArnV2"]) == ([short], [long])
    api.ok("DELETE", "/layers/l/versions/1")
    assert api.ok("GET", "/services/s/functions/f0")["layers"] == [short]
    assert api.ok("PUT", "/services/s/functions/f0", {"timeout": 9})["layersArnV2"] == [long]
    again = api.error("PUT", "/services/s/functions/f0", {"layers": [long]})
    assert again[:2] == (404, "LayerVersionNotFound")


def test_the_official_mark_is_known(api, function_body) -> None:
    api.ok("POST", "/services", {"serviceName": "s"})
    mark = "d3fc5de8d120687be2bfab761518d5de#Python39#2"
    seen = api.ok("POST", "/services/s/functions", function_body(layers=[mark]))
    assert seen["layersArnV2"] == ["acs:fc:cn-hangzhou:official:layers/Python39/versions/2"]
    seen = api.ok("PUT", "/services/s/functions/f", {"layers": seen["layersArnV2"]})
    assert seen["layers"] == [mark]


def test_a_checksum_header_is_compared(api, zipped) -> None:
    body = {"code": {"zipFile": base64.b64encode(zipped()).decode()}}
    wrong = {"x-fc-code-checksum": "1"}
    assert api.error("POST", "/layers/l/versions", body, headers=wrong)[:2] == (400, "InvalidArgument")
    assert api.ok("GET", "/layers") == {"layers": []}


def test_layers_survive_a_restart(start, tmp_path, zipped, client) -> None:
    handle, api = start(data=tmp_path / "db")
    body = {"code": {"zipFile": base64.b64encode(zipped()).decode()}}
    for _ in range(2):
        api.ok("POST", "/layers/l/versions", body)
    api.ok("DELETE", "/layers/l/versions/2")
    handle.stop()
    _, api = start(data=tmp_path / "db")
    seen = api.ok("GET", "/layers/l/versions/1")
    assert client.get(seen["code"]["location"]).content == zipped()
    assert api.ok("POST", "/layers/l/versions", body)["version"] == 3
