"""The FunctionGraph signature against the vectors that the vendor's own SDK made."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.cloud import sign_huawei
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.signing import Unsigned

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "functiongraph.json").read_text("utf-8"))["vectors"]


def pairs(query: list[list[Any]]) -> list[tuple[str, str]]:
    """The pairs of a query as they are sent: a list is several, a truth value is a word."""
    sent = []
    for key, value in query:
        for each in value if isinstance(value, list) else [value]:
            sent.append((key, str(each).lower() if isinstance(each, bool) else each))
    return sent


def credentials(vector: dict[str, Any]) -> Credentials:
    given = vector["input"]
    return Credentials(
        access_key_id=given["access_key"],
        access_key_secret=given["secret_key"],
        security_token=given["security_token"],
    )


@pytest.mark.parametrize("vector", [pytest.param(one, id=one["name"]) for one in VECTORS])
def test_the_signature_equals_the_sdks(vector: dict[str, Any]) -> None:
    given = vector["input"]
    sent = {name.lower(): value for name, value in vector["headers_sent"].items()}
    covered = {name: sent[name] for name in vector["signed_headers"]}
    body = (given["body_utf8"] or "").encode()
    text = sign_huawei.canonical_request(
        method=given["method"],
        path=given["path"],
        query=pairs(given["query"]),
        headers=covered,
        payload=sent.get("x-sdk-content-sha256") or hashlib.sha256(body).hexdigest(),
    )
    assert text == vector["canonical_request"]
    to_sign = sign_huawei.string_to_sign(text, sent["x-sdk-date"])
    assert to_sign == vector["string_to_sign"]
    assert sign_huawei.authorization(to_sign, covered, credentials(vector)) == vector["authorization"]


def test_a_whole_request_covers_all_but_what_a_proxy_rewrites() -> None:
    key = Credentials(access_key_id="AK", access_key_secret="SK", security_token="token")
    request = Unsigned(
        operation="CreateFunction",
        version="v2/p",
        method="POST",
        host="functiongraph.cn-north-4.myhuaweicloud.com",
        path="/v2/p/fgs/functions",
        headers={"accept": "application/json", "user-agent": "x", "x-project-id": "p"},
        sha256=hashlib.sha256(b"{}").hexdigest(),
        at=1709280550.0,
        nonce="",
    )
    signed = sign_huawei.signed(request, key)
    names = signed["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert names == ["content-type", "host", "x-project-id", "x-sdk-date", "x-security-token"]
    assert (signed["x-sdk-date"], signed["x-security-token"]) == ("20240301T080910Z", "token")
    other = sign_huawei.signed(request, Credentials(access_key_id="AK", access_key_secret="other"))
    assert other["authorization"] != signed["authorization"]
