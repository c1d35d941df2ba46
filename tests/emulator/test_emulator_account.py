"""Bindings, event sources, the account's own calls, and the bucket for big code (facts 9.12 to 9.14, 8.1)."""

import base64
import hashlib
from email.utils import formatdate
from urllib.parse import quote

import pytest

from fcdeploy.emulator.alibaba import upload
from fcdeploy.emulator.alibaba.account import RESERVED_CAPACITY
from fcdeploy.emulator.exchange import Tenant
from fcdeploy.emulator.store import Row

V2021 = "2021-04-06"
GPU = {"imageId": "m", "instanceType": "g", "sgId": "sg-1", "vpcId": "vpc-1", "vswId": "vsw-1", "password": "hush"}


def test_vpc_bindings(api) -> None:
    path = "/services/s/bindings"
    assert api.error("GET", path)[:2] == (404, "ServiceNotFound")
    api.ok("POST", "/services", {"serviceName": "s"})
    assert api.ok("GET", path) == {"vpcIds": []}
    for name in ("vpc-b", "vpc-a"):
        answer = api.send("POST", path, {"vpcId": name})
        assert (answer.status_code, answer.content) == (204, b"")
    assert api.ok("GET", path, version=V2021) == {"vpcIds": ["vpc-a", "vpc-b"]}
    assert api.error("POST", path, {"vpcId": "vpc-a"})[0] == 409
    assert api.error("POST", path, {})[:2] == (400, "InvalidArgument")
    assert api.send("DELETE", f"{path}/vpc-a").status_code == 204
    assert api.error("DELETE", f"{path}/vpc-a")[0] == 404
    for place in range(19):
        api.ok("POST", path, {"vpcId": f"vpc-{place}"})
    assert api.error("POST", path, {"vpcId": "vpc-x"})[:2] == (400, "LimitExceededError")
    api.ok("DELETE", "/services/s")
    api.ok("POST", "/services", {"serviceName": "s"})
    assert api.ok("GET", path) == {"vpcIds": []}


def test_event_sources(api, function_body) -> None:
    api.ok("POST", "/services", {"serviceName": "s"})
    path, arn = "/services/s/functions/f/event-sources", "acs:mns:cn-hangzhou:1:/queues/q"
    assert api.error("POST", path, {"sourceArn": arn}, version=V2021)[:2] == (404, "FunctionNotFound")
    api.ok("POST", "/services/s/functions", function_body())
    made = api.ok("POST", path, {"sourceArn": arn}, version=V2021)
    assert set(made) == {"sourceArn", "createdTime"}
    assert api.ok("GET", path, version=V2021) == {"eventSources": [made]}
    assert api.ok("GET", f"{path}?qualifier=LATEST", version=V2021) == {"eventSources": [made]}
    assert api.error("GET", f"{path}?qualifier=none", version=V2021)[:2] == (404, "AliasNotFound")
    assert api.error("POST", path, {"sourceArn": arn}, version=V2021)[0] == 409
    assert api.error("POST", path, {"sourceArn": "x"}, version=V2021)[0] == 400
    one = f"{path}/{quote(arn, safe='')}"
    assert api.send("DELETE", one, version=V2021).status_code == 204
    assert api.error("DELETE", one, version=V2021)[0] == 404
    assert api.error("GET", path)[:2] == (400, "PathNotSupported")


@pytest.mark.parametrize("version", ["2016-08-15", V2021])
def test_account_settings(api, version) -> None:
    seen = api.ok("GET", "/account-settings", version=version)
    assert seen["availableAZs"][0].startswith("cn-hangzhou-")
    assert api.account in seen["defaultRole"]


def test_account_configs(api) -> None:
    assert api.ok("GET", "/accountConfigs?config=CodeSizeLimit") == {"CodeSizeLimit": 524288000}
    assert api.ok("GET", "/accountConfigs") == {"CodeSizeLimit": 524288000}
    assert api.ok("GET", "/accountConfigs?config=Other") == {}


def test_reserved_capacities(api, server) -> None:
    for path, version in (("/reservedCapacities", "2016-08-15"), ("/reserved-capacities", V2021)):
        assert api.ok("GET", path, version=version) == {"reservedCapacities": []}
        other = V2021 if version != V2021 else "2016-08-15"
        assert api.error("GET", path, version=other)[:2] == (400, "PathNotSupported")
    with server.app.world.write(Tenant(api.account, "cn-hangzhou")) as session:
        for place in range(3):
            name = f"i-{place:020d}"
            body = {"instanceId": name, "cu": 5, "isRefunded": "false"}
            session.put(Row(kind=RESERVED_CAPACITY, parent="", name=name, body=body, etag="", created="", modified=""))
    page = api.ok("GET", "/reservedCapacities?limit=2")
    assert [each["cu"] for each in page["reservedCapacities"]] == [5, 5]
    rest = api.ok("GET", f"/reservedCapacities?nextToken={page['nextToken']}")
    assert len(rest["reservedCapacities"]) == 1
    assert api.error("GET", "/reservedCapacities?limit=101")[0] == 400


def test_gpu_instances(api, server, client) -> None:
    made = api.ok("POST", "/gpuInstances", GPU, version=V2021)
    assert set(made) == {"createdTime", "instanceId", "publicIp"}
    assert "hush" not in client.get(f"{server.url}/__emulator__/dump").text
    assert api.error("POST", "/gpuInstances", {**GPU, "vpcId": None}, version=V2021)[0] == 400
    assert api.send("DELETE", f"/gpuInstances/{made['instanceId']}", version=V2021).status_code == 204
    assert api.error("DELETE", f"/gpuInstances/{made['instanceId']}", version=V2021)[0] == 404
    assert api.error("POST", "/gpuInstances", GPU)[:2] == (400, "PathNotSupported")


class Oss:
    """A client of the bucket; it signs by the document, with the parts a test may get wrong."""

    def __init__(self, api, told: dict) -> None:
        self.api, self.told = api, told
        self.key = f"{api.account}/{told['objectName']}"

    def put(self, content: bytes, *, key: str = "", virtual: bool = True, **change: str | None):
        given = self.told["credentials"]
        key = key or self.key
        bucket = self.told["ossBucket"]
        headers = {
            "content-type": "application/zip",
            "content-md5": base64.b64encode(hashlib.md5(content).digest()).decode(),
            "x-oss-date": formatdate(usegmt=True),
            "x-oss-security-token": given["SecurityToken"],
        }
        if virtual:
            headers["host"] = f"{bucket}.oss-cn-hangzhou.aliyuncs.com"
        headers |= {name.replace("_", "-"): value for name, value in change.items() if value is not None}
        text = upload.string_to_sign("PUT", headers, f"/{bucket}/{key}")
        mark = upload.signature(given["AccessKeySecret"], text)
        headers.setdefault("authorization", f"OSS {given['AccessKeyId']}:{mark}")
        path = f"/{quote(key)}" if virtual else f"/{bucket}/{quote(key)}"
        return self.api.client.put(self.told["ossEndpoint"] + path, content=content, headers=headers)


@pytest.mark.parametrize("virtual", [True, False])
def test_big_code_goes_through_the_bucket(api, zipped, function_body, virtual) -> None:
    api.ok("POST", "/services", {"serviceName": "s"})
    told = api.ok("GET", "/services/s/tempCodeBucketToken?functionName=f&instanceType=undefined")
    assert told["codeSizeLimit"] == 524288000
    assert told["ossRegion"] == "oss-cn-hangzhou"
    oss = Oss(api, told)
    oss.key = f"{api.account}/s/{told['objectName']}"
    answer = oss.put(zipped(), virtual=virtual)
    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"{hashlib.md5(zipped()).hexdigest().upper()}"'
    assert answer.headers["x-oss-request-id"]
    code = {"ossBucketName": told["ossBucket"], "ossObjectName": oss.key}
    made = api.ok("POST", "/services/s/functions", function_body(code=code))
    assert made["codeSize"] == len(zipped())
    url = api.ok("GET", "/services/s/functions/f/code")["url"]
    assert api.client.get(url).content == zipped()
    none = {**code, "ossObjectName": f"{oss.key}x"}
    assert api.error("PUT", "/services/s/functions/f", {"code": none})[:2] == (400, "InvalidArgument")
    assert api.error("GET", "/services/none/tempCodeBucketToken")[:2] == (404, "ServiceNotFound")


def test_a_layer_from_the_bucket(api, zipped) -> None:
    oss = Oss(api, api.ok("GET", "/tempBucketToken"))
    assert oss.put(zipped()).status_code == 200
    code = {"ossBucketName": oss.told["ossBucket"], "ossObjectName": oss.key}
    assert api.ok("POST", "/layers/l/versions", {"code": code})["codeSize"] == len(zipped())


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"authorization": "OSS nobody:x"}, 403, "InvalidAccessKeyId"),
        ({"authorization": "OSS4-HMAC-SHA256 x"}, 403, "AccessDenied"),
        ({"x_oss_security_token": "x.y"}, 403, "InvalidSecurityToken"),
        ({"x_oss_date": "Mon, 01 Jan 2024 00:00:00 GMT"}, 403, "RequestTimeTooSkewed"),
        ({"x_oss_date": "yesterday"}, 403, "AccessDenied"),
        ({"key": "other/object"}, 403, "AccessDenied"),
        ({"content_md5": "x"}, 400, "InvalidDigest"),
    ],
)
def test_the_bucket_is_guarded(api, zipped, change, status, code) -> None:
    oss = Oss(api, api.ok("GET", "/tempBucketToken"))
    answer = oss.put(zipped(), **change)
    assert answer.status_code == status
    assert f"<Code>{code}</Code>" in answer.text
    assert answer.headers["content-type"] == "application/xml"


def test_a_changed_request_does_not_match(api, zipped) -> None:
    oss = Oss(api, api.ok("GET", "/tempBucketToken"))
    oss.told["credentials"]["AccessKeySecret"] += "x"
    assert "SignatureDoesNotMatch" in oss.put(zipped()).text
    host = {"host": f"{oss.told['ossBucket']}.oss-cn-hangzhou.aliyuncs.com"}
    assert api.client.get(f"{api.url}/{oss.key}", headers=host).status_code == 405


def test_a_bucket_token_expires(start, zipped) -> None:
    moment = [1_700_000_000.0]
    _, api = start(clock=lambda: moment[0], check_signatures=False)
    oss = Oss(api, api.ok("GET", "/tempBucketToken"))
    moment[0] += 1801
    assert "SecurityTokenExpired" in oss.put(zipped()).text
