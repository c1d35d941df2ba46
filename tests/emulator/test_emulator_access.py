"""Who is let in (facts 4.7, 6.1), and which paths exist."""

from email.utils import formatdate

import httpx
import pytest


def test_no_credentials(api) -> None:
    assert api.error("GET", "/services", sign=False) == (
        400,
        "MissingRequiredHeader",
        "required HTTP header Authorization was not specified",
    )
    unsigned = {"authorization": "FC LTAItest:x", "date": ""}
    assert api.error("GET", "/services", sign=False, headers=unsigned) == (
        400,
        "MissingRequiredHeader",
        "required HTTP header Date was not specified",
    )


def test_unknown_key_comes_before_existence(api) -> None:
    told = api.error("GET", "/services/none", ak="LTAIother")
    assert told == (403, "InvalidAccessKeyID", "invalid access key ID 'LTAIother'.")


def test_wrong_secret(api) -> None:
    status, code, message = api.error("GET", "/services/none", sk="other")
    assert (status, code) == (403, "SignatureNotMatch")
    assert message.startswith("The request signature we calculated does not match the signature you provided.")


@pytest.mark.parametrize("off", [-1000, 1000])
def test_a_clock_that_is_off(api, off) -> None:
    import time

    told = api.error("GET", "/services", headers={"date": formatdate(time.time() + off, usegmt=True)})
    assert told[:2] == (403, "AccessDenied")


def test_a_key_of_another_account(start) -> None:
    _, api = start(key_accounts={"LTAItest": "42"})
    assert api.error("GET", "/services") == (403, "AccessDenied", "The service or function doesn't belong to you.")
    api.account = "42"
    api.ok("GET", "/services")


def test_the_switch(start) -> None:
    _, api = start(check_signatures=False)
    api.ok("GET", "/services", sign=False)


def test_a_failed_signature_has_no_effect(api) -> None:
    assert api.error("POST", "/services", {"serviceName": "s"}, sk="other")[0] == 403
    assert api.error("GET", "/services/s")[0] == 404


@pytest.mark.parametrize("path", ["", "/", "/favicon.ico", "/2015-01-01/services", "//", "/services"])
def test_paths_outside_the_versions(server, client, path) -> None:
    answer = client.get(server.url + path)
    assert answer.status_code == 400
    assert answer.json()["ErrorCode"] == "PathNotSupported"
    assert answer.json()["Message"] == f"'GET' against '{path or '/'}' is not supported"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/services/s"),
        ("GET", "/services/s/"),
        ("GET", "/services//functions"),
        ("GET", "/services/s/versions/1/x"),
        ("POST", "/services/s"),
        ("GET", ""),
        ("OPTIONS", "/services"),
    ],
)
def test_paths_and_methods_that_no_operation_has(api, method, path) -> None:
    assert api.error(method, path)[:2] == (400, "PathNotSupported")


def test_path_tricks_are_clean(api) -> None:
    api.ok("POST", "/services", {"serviceName": "s"})
    for path in ("/services/..%2fs", "/services/a%2Fb", "/services/%2e%2e", "/services/s%00", "/services/%F0%9F%98%80"):
        assert api.error("GET", path)[:2] == (404, "ServiceNotFound"), path
    assert api.error("GET", "/services/%ff")[:2] == (400, "InvalidArgument")
    assert api.ok("GET", "/services/%73")["serviceName"] == "s"


def test_a_megabyte_of_name(api) -> None:
    name = "a" * 1_000_000
    status, code, message = api.error("POST", "/services", {"serviceName": name})
    assert (status, code) == (400, "InvalidArgument")
    assert len(message) < 600
    try:
        answer = api.send("GET", f"/services/{name[:60_000]}")
    except httpx.RemoteProtocolError:
        return  # the server may cut a request line that long
    assert answer.status_code in (400, 404)
    assert len(answer.content) < 3000


def test_a_path_prefix_is_stripped_and_not_signed(start) -> None:
    handle, api = start(path_prefix="/fc")
    api.url = f"{handle.url}/fc"
    assert api.ok("GET", "/services") == {"services": []}
