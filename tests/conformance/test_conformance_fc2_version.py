"""aliyun-fc2 2.5.2 (API 2016-08-15): versions, aliases, and reading through them."""

import gc

import fc2
import pytest
import requests

# The SDK never closes the archive that it reads; the warning is its own.
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <_io.FileIO name=.*zip:pytest.PytestUnraisableExceptionWarning"
    ),
    pytest.mark.filterwarnings("ignore:unclosed file <_io.BufferedReader name=.*zip:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def leaks_stay_here():
    """Let the SDK's unclosed files be found in the test that made them, where their warning is expected."""
    yield
    gc.collect()


@pytest.fixture
def client(fc2_client, archive):
    made = fc2_client()
    made.create_service("demo", description="live")
    made.create_function("demo", "f", "python3.9", "index.handler", codeZipFile=str(archive))
    return made


def failure(call, *arguments, **named) -> tuple[int, str]:
    with pytest.raises(fc2.FcError) as caught:
        call(*arguments, **named)
    assert caught.value.request_id
    return caught.value.status_code, caught.value.err_code


def test_version_life(client) -> None:
    made = client.publish_version("demo", "v1 of it")
    assert made.data["versionId"] == "1"
    assert made.data["description"] == "v1 of it"
    assert made.data["createdTime"]
    assert made.data["lastModifiedTime"]
    assert failure(client.publish_version, "demo", "again") == (409, "VersionPublishError")
    client.delete_version("demo", "1")
    assert client.list_versions("demo").data["versions"] == []
    assert client.publish_version("demo").data["versionId"] == "2"  # never reused, and nothing to compare with
    etag = client.get_service("demo").headers["etag"]
    client.update_service("demo", description="changed")
    stale = {"if-match": etag}
    assert failure(client.publish_version, "demo", "x", headers=stale) == (412, "PreconditionFailed")
    fresh = {"if-match": client.get_service("demo").headers["etag"]}
    assert client.publish_version("demo", "x", headers=fresh).data["versionId"] == "3"
    assert failure(client.delete_version, "demo", "1") == (404, "VersionNotFound")
    assert failure(client.publish_version, "none") == (404, "ServiceNotFound")
    assert failure(client.list_versions, "none") == (404, "ServiceNotFound")


def test_version_lists(client) -> None:
    for number in range(1, 7):
        client.update_service("demo", description=str(number))
        client.publish_version("demo", f"v{number}")

    def ids(**query: object) -> list[str]:
        return [each["versionId"] for each in client.list_versions("demo", **query).data["versions"]]

    page = client.list_versions("demo", limit=2).data
    assert [each["versionId"] for each in page["versions"]] == ["6", "5"]
    assert page["direction"] == "BACKWARD"
    assert ids(limit=100, nextToken=page["nextToken"]) == ["4", "3", "2", "1"]
    assert ids(direction="FORWARD", startKey="5") == ["5", "6"]
    assert ids(startKey="2") == ["2", "1"]
    assert failure(client.list_versions, "demo", direction="SIDEWARD") == (400, "InvalidArgument")
    assert failure(client.list_versions, "demo", limit=101) == (400, "InvalidArgument")


def test_reading_through_versions_and_aliases(client, archive, tmp_path) -> None:
    code = archive.read_bytes()
    checksum = client.get_function("demo", "f").data["codeChecksum"]
    client.publish_version("demo", "v1 desc")
    client.create_alias("demo", "test", "1", "an alias")
    folder = tmp_path / "newer"
    folder.mkdir()
    (folder / "index.py").write_text("def handler(event, context): return 'newer'")
    client.update_function("demo", "f", codeDir=str(folder), handler="index.newer", memorySize=256)
    client.create_function("demo", "g", "python3.9", "index.handler", codeZipFile=str(archive))
    client.update_service("demo", description="later")
    client.publish_version("demo", "v2 desc")
    for qualifier in ("1", "test"):
        assert client.get_service("demo", qualifier=qualifier).data["description"] == "v1 desc"
        function = client.get_function("demo", "f", qualifier=qualifier).data
        assert (function["codeChecksum"], function["handler"]) == (checksum, "index.handler")
        told = client.get_function_code("demo", "f", qualifier=qualifier).data
        assert told["checksum"] == checksum
        assert requests.get(told["url"], timeout=10).content == code
        listed = client.list_functions("demo", qualifier=qualifier).data["functions"]
        assert [each["functionName"] for each in listed] == ["f"]
        assert failure(client.get_function, "demo", "g", qualifier=qualifier) == (404, "FunctionNotFound")
    assert client.get_service("demo").data["description"] == "later"
    assert client.get_service("demo", qualifier="2").data["description"] == "v2 desc"
    assert len(client.list_functions("demo", qualifier="2").data["functions"]) == 2
    client.update_alias("demo", "test", "2")
    assert client.get_function("demo", "f", qualifier="test").data["memorySize"] == 256
    assert failure(client.get_function, "demo", "f", qualifier="9") == (404, "VersionNotFound")
    assert failure(client.get_service, "demo", qualifier="nobody") == (404, "AliasNotFound")


def test_alias_life(client) -> None:
    for number in "12":
        client.update_service("demo", description=number)
        client.publish_version("demo")
    made = client.create_alias("demo", "test", "1", "test alias", {"2": 0.1})
    assert made.data["aliasName"] == "test"
    assert made.data["versionId"] == "1"
    assert made.data["description"] == "test alias"
    assert made.data["additionalVersionWeight"] == {"2": 0.1}
    etag = made.headers["etag"]
    assert client.get_alias("demo", "test").data == made.data
    again = failure(client.create_alias, "demo", "test", "1")
    assert again == (409, "AliasAlreadyExists")
    assert failure(client.create_alias, "demo", "other", "7") == (404, "VersionNotFound")
    assert failure(client.create_alias, "demo", "other", "1", None, {"1": 0.5}) == (
        400,
        "AdditionalVersionContainsMajorVersion",
    )
    assert failure(client.create_alias, "demo", "LATEST", "1") == (400, "InvalidArgument")
    changed = client.update_alias("demo", "test", "2", "newer", {"1": 0.8}, headers={"if-match": etag})
    assert changed.data["additionalVersionWeight"] == {"1": 0.8}
    assert changed.data["createdTime"] == made.data["createdTime"]
    assert failure(client.update_alias, "demo", "test", "2", headers={"if-match": etag}) == (412, "PreconditionFailed")
    kept = client.update_alias("demo", "test", None, "only this")
    assert (kept.data["versionId"], kept.data["additionalVersionWeight"]) == ("2", {"1": 0.8})
    assert failure(client.delete_alias, "demo", "test", headers={"if-match": etag}) == (412, "PreconditionFailed")
    client.delete_alias("demo", "test", headers={"if-match": kept.headers["etag"]})
    for call in (client.get_alias, client.delete_alias):
        assert failure(call, "demo", "test") == (404, "AliasNotFound")


def test_alias_lists(client) -> None:
    client.publish_version("demo")
    for number in range(6):
        client.create_alias("demo", f"a{number}", "1")
    client.create_alias("demo", "b", "1")
    page = client.list_aliases("demo", limit=4, prefix="a").data
    assert [each["aliasName"] for each in page["aliases"]] == ["a0", "a1", "a2", "a3"]
    rest = client.list_aliases("demo", limit=4, prefix="a", nextToken=page["nextToken"]).data
    assert [each["aliasName"] for each in rest["aliases"]] == ["a4", "a5"]
    assert "nextToken" not in rest
    assert [each["aliasName"] for each in client.list_aliases("demo", startKey="a5").data["aliases"]] == ["a5", "b"]


def test_the_order_in_which_the_sdk_tests_clean_up(client) -> None:
    """Functions, then versions, then aliases, then the service: deleting a version asks no alias."""
    client.publish_version("demo")
    client.create_alias("demo", "test", "1")
    assert failure(client.delete_service, "demo") == (409, "ServiceNotEmpty")
    client.delete_function("demo", "f")
    assert failure(client.delete_service, "demo") == (409, "ServiceNotEmpty")
    client.delete_version("demo", "1")
    client.delete_alias("demo", "test")
    client.delete_service("demo")
