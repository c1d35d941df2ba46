"""STS and the metadata of an instance: what is looked at, what is refused, and that the keys open what they should."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import quote

import pytest

from fcdeploy.emulator.alibaba import sts
from fcdeploy.emulator.errors import ApiError
from fcdeploy.emulator.exchange import Request
from fcdeploy.emulator.settings import EmulatorSettings

ROLE, IDP = "acs:ram::42:role/deploy", "acs:ram::42:oidc-provider/gitlab"
ROLES = "/latest/meta-data/ram/security-credentials/"


def encoded(text: str) -> str:
    return quote(text, safe="~")


def stamp(seconds: float = 0.0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def query(key: str, secret: str, /, method: str = "GET", **given: str) -> str:
    """A query signed as the vendor documents it (signature version 1.0), by hand."""
    fields = {"Version": "2015-04-01", "AccessKeyId": key, "Timestamp": stamp(), "SignatureMethod": "HMAC-SHA1"}
    fields |= given
    text = "&".join(f"{encoded(k)}={encoded(v)}" for k, v in sorted(fields.items()))
    digest = hmac.new(f"{secret}&".encode(), f"{method}&%2F&{encoded(text)}".encode(), hashlib.sha1).digest()
    return f"/?{text}&Signature={encoded(base64.b64encode(digest).decode())}"


def token(**claims: Any) -> str:
    said = {"iss": "https://issuer", "sub": "job", "aud": ["a", "fc"], "exp": time.time() + 60} | claims
    return f"e30.{base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip('=')}.c2ln"


def taken(api: Any, **given: str) -> tuple[int, dict[str, Any]]:
    asked = {"Action": "AssumeRole", "RoleArn": ROLE, "RoleSessionName": "ci one".replace(" ", "-")} | given
    key, secret = asked.pop("key", "LTAItest"), asked.pop("secret", "secret")
    answer = api.client.get(api.url + query(key, secret, **asked))
    return answer.status_code, answer.json()


def test_the_keys_of_a_role_open_its_own_account_only(server: Any, api: Any) -> None:
    status, body = taken(api)
    assert (status, body["AssumedRoleUser"]["Arn"]) == (200, "acs:ram::42:assumed-role/deploy/ci-one")
    key = body["Credentials"]
    api.account = "42"
    signed = {"ak": key["AccessKeyId"], "sk": key["AccessKeySecret"]}
    with_token = {"headers": {"x-fc-security-token": key["SecurityToken"]}}
    assert api.ok("GET", "/services", **signed, **with_token)["services"] == []
    assert api.error("GET", "/services", **signed)[:2] == (400, "MissingSecurityToken")
    tampered = key["SecurityToken"][:-2] + "xx"
    found = api.error("GET", "/services", **signed, headers={"x-fc-security-token": tampered})
    assert found[:2] == (403, "InvalidSecurityToken.Malformed")
    other = taken(api)[1]["Credentials"]["SecurityToken"]
    found = api.error("GET", "/services", **signed, headers={"x-fc-security-token": other})
    assert found[:2] == (403, "InvalidSecurityToken.MismatchWithAccessKey")
    api.account = "43"
    assert api.error("GET", "/services", **signed, **with_token)[:2] == (403, "AccessDenied")
    # And they sign a call to STS as the user's own do.
    given = {"key": key["AccessKeyId"], "secret": key["AccessKeySecret"], "SecurityToken": key["SecurityToken"]}
    assert taken(api, **given)[0] == 200
    caller = api.client.get(api.url + query("LTAItest", "secret", Action="GetCallerIdentity")).json()
    assert (caller["Arn"], caller["IdentityType"]) == ("acs:ram::1234567890123456:user/LTAItest", "RAMUser")


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"Action": "DeleteAll"}, 404, "InvalidAction.NotFound"),
        ({"RoleArn": "deploy"}, 400, "InvalidParameter.RoleArn"),
        ({"RoleArn": ""}, 400, "MissingParameter"),
        ({"RoleSessionName": "a b"}, 400, "InvalidParameter.RoleSessionName"),
        ({"DurationSeconds": "899"}, 400, "InvalidParameter.DurationSeconds"),
        ({"DurationSeconds": "43201"}, 400, "InvalidParameter.DurationSeconds"),
        ({"Timestamp": stamp(-1000)}, 400, "InvalidTimeStamp.Expired"),
        ({"Timestamp": "yesterday"}, 400, "InvalidTimeStamp.Expired"),
        ({"secret": "other"}, 400, "SignatureDoesNotMatch"),
        ({"key": "nobody"}, 404, "InvalidAccessKeyId.NotFound"),
        ({"key": "STS.nobody"}, 400, "MissingSecurityToken"),
    ],
)
def test_what_sts_refuses(api: Any, given: dict[str, str], status: int, code: str) -> None:
    found, body = taken(api, **given)
    assert (found, body["Code"]) == (status, code)
    assert body["RequestId"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, ""),
        ({"aud": "fc"}, ""),
        ({"aud": "other"}, "AuthenticationFail.OIDCToken.AudienceNotMatch"),
        ({"exp": 1.5}, "AuthenticationFail.OIDCToken.Expired"),
        ({"exp": True}, "AuthenticationFail.OIDCToken.Expired"),
        ({"exp": "soon"}, "AuthenticationFail.OIDCToken.Invalid"),
        ({"exp": 1e300}, "AuthenticationFail.OIDCToken.Invalid"),
        ({"nbf": 1e11}, "AuthenticationFail.OIDCToken.Invalid"),
        ("e30.e30", "AuthenticationFail.OIDCToken.Invalid"),
        ("e30.W10.c2ln", "AuthenticationFail.OIDCToken.Invalid"),
        ("a.%ff.c", "AuthenticationFail.OIDCToken.Invalid"),
        ("", "MissingParameter"),
    ],
)
def test_id_tokens(given: dict[str, Any] | str, code: str) -> None:
    settings = EmulatorSettings(oidc_audiences=("fc",), roles=(ROLE,))
    fields = {
        "Action": "AssumeRoleWithOIDC",
        "OIDCProviderArn": IDP,
        "OIDCToken": given if isinstance(given, str) else token(**given),
    }
    fields |= {"RoleArn": ROLE, "RoleSessionName": "ci"}
    request = Request(
        method="POST",
        raw_path="/",
        raw_query="",
        headers={"content-type": "application/x-www-form-urlencoded"},
        body="&".join(f"{k}={encoded(v)}" for k, v in fields.items()).encode(),
        scheme="http",
        server=None,
        request_id="r",
        now=time.time(),
    )
    assert sts.is_call(request) and sts.operation(request) == "AssumeRoleWithOIDC"
    if not code:
        body: Any = sts.answer(request, settings).body
        assert body["OIDCTokenInfo"]["Subject"] == "job" and body["Credentials"]["SecurityToken"]
        return
    with pytest.raises(ApiError) as caught:
        sts.answer(request, settings)
    assert caught.value.code == code


def test_the_metadata_of_an_instance(start: Any) -> None:
    settings = {"ecs_role": "runner", "metadata_token": True, "key_life": 5.0}
    _, api = start(**settings)
    ttl = "x-aliyun-ecs-metadata-token-ttl-seconds"
    get, put = api.client.get, api.client.put
    assert put(f"{api.url}/latest/api/token").status_code == 400
    assert put(f"{api.url}/latest/api/token", headers={ttl: "21601"}).status_code == 400
    got = put(f"{api.url}/latest/api/token", headers={ttl: "60"}).text
    assert get(api.url + ROLES).status_code == 403
    assert get(api.url + ROLES, headers={"x-aliyun-ecs-metadata-token": got + "x"}).status_code == 403
    allowed = {"headers": {"x-aliyun-ecs-metadata-token": got}}
    assert get(api.url + ROLES, **allowed).text == "runner"
    assert get(f"{api.url}{ROLES}other", **allowed).status_code == 404
    key = get(f"{api.url}{ROLES}runner", **allowed).json()
    assert key["Code"] == "Success" and stamp(3) <= key["Expiration"] <= stamp(5)
    _, bare = start()
    assert bare.client.get(bare.url + ROLES).status_code == 404
