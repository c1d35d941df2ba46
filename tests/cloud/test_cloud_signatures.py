"""The signatures against the vectors that the vendors' own SDKs made, and what `signed` adds to a request."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from fcdeploy.cloud import sign_acs3, sign_fc
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.signing import Unsigned

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "alibaba-fc.json").read_text(encoding="utf-8"))["vectors"]
AT = 1700640930.0  # Wed, 22 Nov 2023 08:15:30 GMT

# We make neither HTTP-trigger calls nor pre-signed URLs, and sign 2021-04-06 with ACS3 only.
OURS = {
    "py2016-get-service-plain",
    "py2016-put-function-sts",
    "node2016-create-service-md5",
    "tea2021-get-function-query",
    "tea2021-update-function-if-match-sts",
    "gateway2021-pop-get-service",
}


def vectors(scheme: str) -> list[Any]:
    return [pytest.param(one, id=one["name"]) for one in VECTORS if one["name"] in OURS and one["scheme"] == scheme]


def credentials(vector: dict[str, Any]) -> Credentials:
    given = vector["input"]
    return Credentials(
        access_key_id=given["access_key_id"],
        access_key_secret=given["access_key_secret"],
        security_token=given["security_token"],
    )


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_every_vector_that_we_need_is_there() -> None:
    assert {one["name"] for one in VECTORS} >= OURS


@pytest.mark.parametrize("vector", vectors("FC"))
def test_fc_signature(vector: dict[str, Any]) -> None:
    given = vector["input"]
    path = given["request_target_on_wire"].partition("?")[0]
    text = sign_fc.string_to_sign(method=given["method"], path=path, headers=lower(given["headers"]))
    assert text == vector["string_to_sign"]
    assert sign_fc.authorization(text, credentials(vector)) == vector["authorization"]


@pytest.mark.parametrize("vector", vectors("ACS3-HMAC-SHA256"))
def test_acs3_signature(vector: dict[str, Any]) -> None:
    given = vector["input"]
    wire = urlsplit(given["request_target_on_wire"])
    headers = lower(given["headers"])
    body = (given["body_utf8"] or "").encode()
    text = sign_acs3.canonical_request(
        method=given["method"],
        path=wire.path,
        query=parse_qsl(wire.query, keep_blank_values=True),
        headers={name: headers[name] for name in vector["signed_headers"]},
        sha256=hashlib.sha256(body).hexdigest(),
    )
    assert text == vector["canonical_request"]
    assert sign_acs3.string_to_sign(text) == vector["string_to_sign"]
    assert sign_acs3.authorization(text, vector["signed_headers"], credentials(vector)) == vector["authorization"]


def unsigned(**changed: Any) -> Unsigned:
    given: dict[str, Any] = {
        "operation": "ListFunctions",
        "version": "2021-04-06",
        "method": "GET",
        "host": "1234567890123456.cn-hangzhou.fc.aliyuncs.com",
        "path": "/2021-04-06/services/demo/functions",
        "at": AT,
        "nonce": "0123456789abcdef0123456789abcdef",
        "sha256": hashlib.sha256(b"").hexdigest(),
    }
    return Unsigned(**given | changed)


def test_a_whole_fc_request_equals_the_vector() -> None:
    vector = next(one for one in VECTORS if one["name"] == "py2016-put-function-sts")
    given = vector["input"]
    headers = {name: given["headers"][name] for name in ("content-type", "if-match", "x-fc-trace-id")}
    request = unsigned(
        method="PUT", path=given["path_signed"], version="2016-08-15", headers=headers, host=given["headers"]["host"]
    )
    signed = sign_fc.signed(request, credentials(vector))
    assert signed["authorization"] == vector["authorization"]
    assert {name: given["headers"][name] for name in ("date", "host", "x-fc-security-token")}.items() <= signed.items()


def test_a_whole_acs3_request_equals_the_gateways_vector() -> None:
    vector = next(one for one in VECTORS if one["name"] == "gateway2021-pop-get-service")
    request = unsigned(operation="GetService", path="/2021-04-06/services/demo", query=(("qualifier", "1"),))
    signed = sign_acs3.signed(request, credentials(vector))
    assert signed["authorization"] == vector["authorization"]
    assert "date" not in signed


def test_acs3_leaves_out_what_a_proxy_may_rewrite_and_signs_the_rest() -> None:
    headers = {
        "accept": "application/json",
        "user-agent": "x",
        "content-type": "application/json",
        "if-match": "e",
        "x-fc-account-id": "1",
    }
    key = Credentials(access_key_id="STS.x", access_key_secret="s", security_token="t")
    signed = sign_acs3.signed(unsigned(headers=headers), key)
    names = signed["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert names == sorted(names)
    assert set(names) == set(signed) - {"accept", "user-agent", "authorization"}
    assert (signed["x-acs-security-token"], signed["x-acs-accesskey-id"]) == ("t", "STS.x")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ((), ""),
        ((("b", "2"), ("a", "1")), "a=1&b=2"),
        ((("a-b", "2"), ("a", "1")), "a=1&a-b=2"),
        ((("k", "a b~/*+ü"),), "k=a%20b~%2F%2A%2B%C3%BC"),
        ((("k", ""),), "k="),
    ],
)
def test_acs3_canonical_query(query: tuple[tuple[str, str], ...], expected: str) -> None:
    text = sign_acs3.canonical_request(method="get", path="/p", query=query, headers={"host": " h "}, sha256="0")
    assert text == f"GET\n/p\n{expected}\nhost:h\n\nhost\n0"


def test_fc_signs_the_decoded_path_and_empty_headers() -> None:
    headers = {"x-fc-account-id": "", "accept": "no", "date": "D"}
    text = sign_fc.string_to_sign(method="get", path="/a/acs%3Afc%2Fx", headers=headers)
    assert text == "GET\n\n\nD\nx-fc-account-id:\n/a/acs:fc/x"
