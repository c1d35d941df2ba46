"""Every signing vector made with a vendor's SDK is accepted, and refused when anything signed changes."""

import calendar
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from alibabacloud_openapi_util.client import Client as OpenApiUtil
from Tea.request import TeaRequest

from fcdeploy.emulator.alibaba import auth, auth_acs, auth_fc
from fcdeploy.emulator.errors import ApiError
from fcdeploy.emulator.exchange import Request, Tenant
from fcdeploy.emulator.settings import EmulatorSettings

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "alibaba-fc.json").read_text())["vectors"]
NOON = calendar.timegm((2023, 11, 22, 8, 15, 30))


def _target(vector: dict) -> tuple[str, str]:
    given = vector["input"]
    wire = given.get("request_target_on_wire")
    if wire is not None:
        path, _, query = wire.partition("?")
        return path, query
    entries = []
    for key, value in given["queries_signed"].items():
        for each in value if isinstance(value, list) else [value]:
            entries.append(f"{quote(key)}={quote(each, safe='')}")
    return quote(given["path_signed"]), "&".join(entries)


def _request(vector: dict, now: float, **changes: object) -> Request:
    given = vector["input"]
    path, query = _target(vector)
    headers = {name.lower(): value for name, value in given["headers"].items()}
    if vector["authorization"]:
        headers["authorization"] = vector["authorization"]
    else:
        query += f"&x-fc-signature={quote(vector['signature'], safe='')}"
    parts = {
        "method": given["method"],
        "raw_path": path,
        "raw_query": query,
        "headers": headers,
        "body": (given.get("body_utf8") or "").encode(),
        "scheme": "http",
        "server": None,
        "request_id": "r",
        "now": now,
        **changes,
    }
    request = Request(**parts)
    request.tenant = Tenant("1234567890123456", "cn-hangzhou")
    return request


def _settings(vector: dict) -> EmulatorSettings:
    given = vector["input"]
    return EmulatorSettings(access_keys={given["access_key_id"]: given["access_key_secret"]})


def _verify(request: Request, vector: dict) -> str:
    if vector["scheme"] == "FC-presigned-url":
        return auth.authenticate_presigned(request, _settings(vector))
    return auth.authenticate(request, _settings(vector))


def _moment(vector: dict) -> float:
    return 1_583_221_000 if vector["scheme"] == "FC-presigned-url" else NOON


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector_is_accepted(vector: dict) -> None:
    assert _verify(_request(vector, _moment(vector)), vector) == vector["input"]["access_key_id"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
@pytest.mark.parametrize("change", ["method", "path", "secret"])
def test_vector_with_a_change_is_refused(vector: dict, change: str) -> None:
    changed = json.loads(json.dumps(vector))
    request = _request(vector, _moment(vector))
    match change:
        case "method":
            request = _request(vector, _moment(vector), method="PATCH")
        case "path":
            request = _request(vector, _moment(vector), raw_path=_target(vector)[0] + "x")
        case "secret":
            changed["input"]["access_key_secret"] += "x"
    with pytest.raises(ApiError) as caught:
        _verify(request, changed)
    assert (caught.value.status, caught.value.code) == (403, "SignatureNotMatch")


@pytest.mark.parametrize(
    "vector", [each for each in VECTORS if each["scheme"] == "ACS3-HMAC-SHA256"], ids=lambda vector: vector["name"]
)
def test_acs3_covers_query_body_and_every_acs_header(vector: dict) -> None:
    for changes in ({"raw_query": "limit=99"}, {"body": b"{}"}):
        with pytest.raises(ApiError, match="SignatureNotMatch"):
            _verify(_request(vector, NOON, **changes), vector)
    request = _request(vector, NOON)
    unsigned = {**request.headers, "x-acs-extra": "1"}
    with pytest.raises(ApiError, match="SignatureNotMatch"):
        _verify(_request(vector, NOON, headers=unsigned), vector)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_clock_is_checked_to_fifteen_minutes(vector: dict) -> None:
    if vector["scheme"] == "FC-presigned-url":
        with pytest.raises(ApiError) as caught:
            _verify(_request(vector, 1_600_000_000), vector)
        assert caught.value.status == 403
        return
    for off in (-899, 899):
        assert _verify(_request(vector, NOON + off), vector)
    for off in (-901, 901):
        with pytest.raises(ApiError) as caught:
            _verify(_request(vector, NOON + off), vector)
        assert caught.value.status == 403


def test_the_string_to_sign_of_fc_is_the_vector_s() -> None:
    for vector in VECTORS:
        if vector["scheme"] != "FC":
            continue
        path, query = _target(vector)
        resource = vector["string_to_sign"].split("\n", 4)[4]
        block = auth_fc.fc_headers_block({name.lower(): value for name, value in vector["input"]["headers"].items()})
        assert resource.startswith(block)
        candidates = auth_fc.resource_candidates(path, query, trigger="/proxy/" in path)
        assert resource[len(block) :] in list(candidates), vector["name"]


def test_an_http_trigger_must_sign_its_query() -> None:
    candidates = list(auth_fc.resource_candidates("/2016-08-15/proxy/s/f/", "a=1", trigger=True))
    assert candidates == ["/2016-08-15/proxy/s/f/\na=1"] * len(candidates)


@pytest.mark.parametrize("query", [{}, {"limit": "2", "prefix": "a b", "empty": ""}])
def test_roa_v1_as_the_old_sdk_signs(query: dict) -> None:
    sdk = TeaRequest()
    sdk.method, sdk.pathname, sdk.query = "GET", "/2021-04-06/services", query
    sdk.headers = {
        "accept": "application/json",
        "date": "Wed, 22 Nov 2023 08:15:30 GMT",
        "x-acs-version": "2021-04-06",
        "x-acs-signature-nonce": "n",
    }
    mark = OpenApiUtil.get_roasignature(OpenApiUtil.get_string_to_sign(sdk), "secret")
    headers = {**sdk.headers, "authorization": f"acs ak:{mark}"}
    wire = "&".join(f"{key}={quote(value)}" for key, value in query.items())
    vector = {
        "scheme": "ROA",
        "authorization": None,
        "signature": "",
        "input": {
            "method": "GET",
            "headers": headers,
            "request_target_on_wire": f"/2021-04-06/services?{wire}",
            "access_key_id": "ak",
            "access_key_secret": "secret",
        },
    }
    assert auth.authenticate(_request(vector, NOON, raw_query=wire), _settings(vector)) == "ak"
    with pytest.raises(ApiError, match="SignatureNotMatch"):
        auth.authenticate(_request(vector, NOON, raw_query="limit=3"), _settings(vector))


@pytest.mark.parametrize(
    "header", ["ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 Credential=a", "FC", "FC :", "Bearer x", "acs", "acs :", "FC é:ü"]
)
def test_broken_authorization_headers_are_refused_cleanly(header: str) -> None:
    vector = VECTORS[0]
    request = _request(vector, NOON)
    request.headers = {**request.headers, "authorization": header}
    with pytest.raises(ApiError) as caught:
        auth.authenticate(request, _settings(vector))
    assert caught.value.status == 403


@pytest.mark.parametrize("date", ["yesterday", "Wed, 99 Foo 2023 99:99:99 GMT", "Wed, 22 Nov 2023 08:15:30 +0800", "0"])
def test_a_date_that_is_none_is_refused(date: str) -> None:
    request = _request(VECTORS[0], NOON)
    request.headers = {**request.headers, "date": date}
    with pytest.raises(ApiError) as caught:
        auth.authenticate(request, _settings(VECTORS[0]))
    assert caught.value.status in (400, 403)


def test_acs3_query_is_decoded_and_encoded_again() -> None:
    assert auth_acs.canonical_query("b=x+y&a=%7E&c") == "a=~&b=x%20y&c="
