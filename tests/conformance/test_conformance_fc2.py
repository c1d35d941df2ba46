"""aliyun-fc2 2.5.2 (API 2016-08-15, FC signature): services, tags, functions, code, triggers."""

import gc
import hashlib
from email.utils import parsedate_to_datetime

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

ROLE = "acs:ram::1234567890123456:role/fc"


@pytest.fixture(autouse=True)
def leaks_stay_here():
    """Let the SDK's unclosed files be found in the test that made them, where their warning is expected."""
    yield
    gc.collect()


@pytest.fixture
def client(fc2_client):
    return fc2_client()


def test_service_life(client) -> None:
    log = {"project": "p", "logstore": "l", "enableRequestMetrics": True, "enableInstanceMetrics": False}
    nas = {"userId": 1, "groupId": 2, "mountPoints": [{"serverAddr": "nas:/", "mountDir": "/mnt"}]}
    vpc = {"vpcId": "vpc-1", "vSwitchIds": ["vsw-1"], "securityGroupId": "sg-1"}
    made = client.create_service(
        "demo", description="d", logConfig=log, role=ROLE, vpcConfig=vpc, nasConfig=nas, internetAccess=False
    )
    assert made.data["serviceName"] == "demo"
    assert made.data["logConfig"]["logstore"] == "l"
    assert made.data["nasConfig"]["mountPoints"][0]["mountDir"] == "/mnt"
    assert made.data["vpcConfig"] == vpc
    assert made.data["internetAccess"] is False
    etag = made.headers["etag"]
    assert len(etag) == 32
    assert parsedate_to_datetime(made.headers["date"])
    seen = client.get_service("demo", headers={"x-fc-trace-id": "t"})
    assert (seen.data, seen.headers["etag"]) == (made.data, etag)
    changed = client.update_service("demo", description="new", headers={"if-match": etag})
    assert changed.data["description"] == "new"
    assert changed.data["role"] == ROLE  # what the SDK leaves out is unchanged
    with pytest.raises(fc2.FcError) as caught:
        client.update_service("demo", description="late", headers={"if-match": etag})
    assert caught.value.status_code == 412
    assert caught.value.err_code == "PreconditionFailed"
    assert caught.value.request_id
    client.delete_service("demo", headers={"if-match": changed.headers["etag"]})
    with pytest.raises(fc2.FcError) as caught:
        client.get_service("demo")
    assert (caught.value.status_code, caught.value.err_code) == (404, "ServiceNotFound")


def test_lists(client) -> None:
    for name in ("abc", "abd", "ade", "bcd", "zzz"):
        client.create_service(name)
    assert [each["serviceName"] for each in client.list_services(limit=2).data["services"]] == ["abc", "abd"]
    page = client.list_services(limit=2, prefix="a").data
    rest = client.list_services(limit=2, prefix="a", nextToken=page["nextToken"]).data
    assert [each["serviceName"] for each in rest["services"]] == ["ade"]
    assert "nextToken" not in rest
    seen = client.list_services(limit=2, prefix="x", startKey="a").data
    assert seen["services"] == []
    wins = client.list_services(limit=2, startKey="zzz", nextToken=page["nextToken"]).data
    assert wins["services"][0]["serviceName"] == "ade"


def test_tags(client) -> None:
    client.create_service("one")
    client.create_service("two")
    arn = "acs:fc:cn-hangzhou:1234567890123456:services/one"
    assert client.tag_resource("services/one", {"k": "v", "empty": ""}).data["requestId"]
    client.tag_resource(arn, {"k": "w"})
    seen = client.get_resource_tags("services/one").data
    assert (seen["resourceArn"], seen["tags"]) == (arn, {"k": "w", "empty": ""})
    listed = client.list_services(tags={"k": "w"}).data["services"]
    assert [each["serviceName"] for each in listed] == ["one"]
    client.untag_resource(arn, ["empty"])
    assert client.get_resource_tags(arn).data["tags"] == {"k": "w"}
    client.untag_resource(arn, [], True)
    assert client.get_resource_tags(arn).data["tags"] == {}


def test_function_life_and_code(client, archive) -> None:
    client.create_service("demo")
    made = client.create_function(
        "demo", "hello", "python3.9", "index.handler", codeZipFile=str(archive), environmentVariables={"A": "1"}
    )
    assert made.data["codeSize"] == archive.stat().st_size
    etag, checksum = made.headers["etag"], made.data["codeChecksum"]
    assert checksum.isdigit()
    changed = client.update_function(
        "demo", "hello", description="d", environmentVariables={}, headers={"if-match": etag}
    )
    assert changed.data["environmentVariables"] == {}
    assert changed.data["codeChecksum"] == checksum
    code = client.get_function_code("demo", "hello").data
    assert code["checksum"] == checksum
    fetched = requests.get(code["url"], timeout=10).content
    assert hashlib.md5(fetched).digest() == hashlib.md5(archive.read_bytes()).digest()
    with pytest.raises(fc2.FcError) as caught:
        client.delete_function("demo", "hello", headers={"if-match": etag})
    assert caught.value.status_code == 412
    assert [each["functionName"] for each in client.list_functions("demo").data["functions"]] == ["hello"]
    assert client.list_functions("demo", qualifier="LATEST").data == client.list_functions("demo").data
    with pytest.raises(fc2.FcError) as caught:
        client.create_function("demo", "hello", "python3.9", "index.handler", codeZipFile=str(archive))
    assert (caught.value.status_code, caught.value.err_code) == (409, "FunctionAlreadyExists")
    with pytest.raises(fc2.FcError) as caught:
        client.create_function("none", "hello", "python3.9", "index.handler", codeZipFile=str(archive))
    assert (caught.value.status_code, caught.value.err_code) == (404, "ServiceNotFound")
    client.delete_function("demo", "hello")
    client.delete_service("demo")


def test_code_from_a_folder(client, tmp_path) -> None:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "main.py").write_text("def my_handler(e, c): return 'x'")
    client.create_service("demo")
    made = client.create_function("demo", "dir", "python3", "main.my_handler", codeDir=str(folder))
    assert made.data["codeSize"] > 0


def test_trigger_life(client, archive) -> None:
    client.create_service("demo")
    client.create_function("demo", "hello", "python3.9", "index.handler", codeZipFile=str(archive))
    oss = {"events": ["oss:ObjectCreated:*"], "filter": {"key": {"prefix": "p", "suffix": "s"}}}
    arn = "acs:oss:cn-hangzhou:1234567890123456:bucket"
    made = client.create_trigger("demo", "hello", "t", "oss", oss, arn, ROLE, description="d")
    assert made.data["triggerConfig"] == oss
    assert made.data["sourceArn"] == arn
    etag = made.headers["etag"]
    events = {"events": ["oss:ObjectCreated:PutObject"]}
    changed = client.update_trigger("demo", "hello", "t", triggerConfig=events, headers={"if-match": etag})
    assert changed.data["triggerConfig"] == {**oss, **events}
    with pytest.raises(fc2.FcError) as caught:
        client.update_trigger("demo", "hello", "t", triggerConfig=events, headers={"if-match": etag})
    assert caught.value.status_code == 412
    timer = {"payload": "x", "cronExpression": "0 5 * * * *", "enable": True}
    client.create_trigger("demo", "hello", "u", "timer", timer, "", "")
    assert [each["triggerName"] for each in client.list_triggers("demo", "hello").data["triggers"]] == ["t", "u"]
    with pytest.raises(fc2.FcError) as caught:
        client.delete_function("demo", "hello")
    assert caught.value.status_code == 409
    for name in ("t", "u"):
        client.delete_trigger("demo", "hello", name)
    with pytest.raises(fc2.FcError) as caught:
        client.get_trigger("demo", "hello", "t")
    assert (caught.value.status_code, caught.value.err_code) == (404, "TriggerNotFound")


def test_http_trigger(client, archive) -> None:
    client.create_service("demo")
    client.create_function("demo", "web", "python3.9", "index.handler", codeZipFile=str(archive))
    made = client.create_trigger(
        "demo", "web", "h", "http", {"authType": "anonymous", "methods": ["GET", "POST"]}, "dummy_arn", ""
    )
    assert made.data["sourceArn"] is None
    assert made.data["triggerConfig"]["methods"] == ["GET", "POST"]
    with pytest.raises(fc2.FcError):
        client.create_trigger("demo", "web", "i", "http", {"authType": "anonymous", "methods": ["GET"]}, "", "")


def test_who_is_let_in(fc2_client) -> None:
    fc2_client(token="CAIS==").list_services()  # an STS token is signed along
    for bad, status, code in ((("other", "x"), 403, "InvalidAccessKeyID"), (("", "x"), 403, "SignatureNotMatch")):
        ak, sk = bad
        client = fc2_client(ak=ak, sk=sk) if ak else fc2_client(sk=sk)
        with pytest.raises(fc2.FcError) as caught:
            client.list_services()
        assert (caught.value.status_code, caught.value.err_code) == (status, code)
