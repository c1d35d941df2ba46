"""The emulator's own check of the FunctionGraph signature, against the vectors of the vendor's SDK."""

from __future__ import annotations

import calendar
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.emulator.errors import ApiError
from fcdeploy.emulator.exchange import Request, Tenant
from fcdeploy.emulator.huawei.auth import authenticate
from fcdeploy.emulator.settings import EmulatorSettings

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "functiongraph.json").read_text("utf-8"))["vectors"]
PROJECT = "0123456789abcdef0123456789abcdef"


def to_request(vector: dict[str, Any]) -> Request:
    given = vector["input"]
    path, _, query = vector["request_uri"].partition("?")
    headers = {name.lower(): value for name, value in vector["headers_sent"].items()}
    at = calendar.timegm(time.strptime(headers["x-sdk-date"], "%Y%m%dT%H%M%SZ"))
    request = Request(
        method=given["method"].upper(),
        raw_path=path,
        raw_query=query,
        headers=headers,
        body=(given["body_utf8"] or "").encode(),
        scheme="http",
        server=None,
        request_id="r",
        now=float(at),
    )
    request.tenant = Tenant(PROJECT, "cn-north-4")
    return request


def keys(vector: dict[str, Any], **more: Any) -> EmulatorSettings:
    given = vector["input"]
    return EmulatorSettings(access_keys={given["access_key"]: given["secret_key"]}, **more)


@pytest.mark.parametrize("vector", [pytest.param(one, id=one["name"]) for one in VECTORS])
def test_what_the_sdk_signs_is_accepted(vector: dict[str, Any]) -> None:
    assert authenticate(to_request(vector), keys(vector)) == vector["input"]["access_key"]


def _without(name: str) -> Callable[[Request], None]:
    def spoil(request: Request) -> None:
        request.headers = {key: value for key, value in request.headers.items() if key != name}

    return spoil


def _changed(name: str, value: str) -> Callable[[Request], None]:
    def spoil(request: Request) -> None:
        request.headers = {**request.headers, name: value}

    return spoil


def _later(request: Request) -> None:
    request.now += 901


def _other_body(request: Request) -> None:
    request.body = b"{}"


def _other_query(request: Request) -> None:
    request.raw_query = "a=1"


@pytest.mark.parametrize(
    "spoil",
    [
        _without("authorization"),
        _without("host"),
        _changed("x-sdk-date", "20240301T080911Z"),
        _changed("x-sdk-date", "yesterday"),
        _changed("x-project-id", "f" * 32),
        _changed("authorization", "Bearer x"),
        _later,
        _other_body,
        _other_query,
    ],
)
def test_anything_else_is_refused(spoil: Callable[[Request], None]) -> None:
    vector = next(one for one in VECTORS if one["name"] == "create-function-json-body")
    request = to_request(vector)
    spoil(request)
    with pytest.raises(ApiError) as caught:
        authenticate(request, keys(vector))
    assert (caught.value.status, caught.value.code) == (401, "APIGW.0301")


def test_a_key_of_another_project_is_refused() -> None:
    vector = VECTORS[0]
    with pytest.raises(ApiError, match="does not belong"):
        authenticate(to_request(vector), keys(vector, key_accounts={vector["input"]["access_key"]: "other"}))


UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY = hashlib.sha256(b"").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


def signed(body: bytes, told: str, payload: str) -> Request:
    """A request signed by the letter of facts 16, as Go's clients do it: the host is not signed, the project is told
    after signing.
    """
    headers = {"content-type": "text/plain", "x-sdk-content-sha256": told, "x-sdk-date": "20240301T080910Z"}
    path = f"/v2/{PROJECT}/fgs/functions"
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = "\n".join(("POST", f"{path}/", "", lines, ";".join(headers), payload))
    text = f"SDK-HMAC-SHA256\n20240301T080910Z\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(b"secret", text.encode(), "sha256").hex()
    told_last = {
        "authorization": f"SDK-HMAC-SHA256 Access=AK, SignedHeaders={';'.join(headers)}, Signature={signature}",
        "x-project-id": PROJECT,
    }
    given = {"method": "POST", "access_key": "AK", "secret_key": "secret", "body_utf8": body.decode()}
    return to_request({"input": given, "request_uri": path, "headers_sent": headers | told_last})


@pytest.mark.parametrize(
    ("body", "told", "payload", "accepted"),
    [
        pytest.param(b"{}", UNSIGNED, UNSIGNED, True, id="a body that is not signed"),
        pytest.param(b"", UNSIGNED, EMPTY, True, id="no body, as the Python signer has it"),
        pytest.param(b"", UNSIGNED, UNSIGNED, True, id="no body, as the Go signer has it"),
        pytest.param(b"{}", UNSIGNED, EMPTY, False, id="a body signed as none"),
        pytest.param(b"other", OTHER, OTHER, True, id="the hash of the body"),
        pytest.param(b"{}", OTHER, OTHER, False, id="the hash of another body"),
    ],
)
def test_what_the_header_says_of_the_body(body: bytes, told: str, payload: str, accepted: bool) -> None:
    request, settings = signed(body, told, payload), EmulatorSettings(access_keys={"AK": "secret"})
    if accepted:
        assert authenticate(request, settings) == "AK"
    else:
        with pytest.raises(ApiError, match="signature"):
            authenticate(request, settings)
