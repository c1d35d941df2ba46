"""Calls of functions: checked as the service checks them, then 501, because the emulator runs no code."""

import base64
import hashlib
import hmac
import time
from urllib.parse import quote

import pytest

PATH = "/services/s/functions/f/invocations"
NOT_RUN = (501, "NotImplemented", "the emulator does not run code: function 'f' of service 's' was not called")


@pytest.fixture
def function(api, function_body) -> str:
    api.ok("POST", "/services", {"serviceName": "s"})
    api.ok("POST", "/services/s/functions", function_body())
    api.ok("POST", "/services/s/versions")
    return "/services/s/functions/f"


@pytest.mark.parametrize("version", ["2016-08-15", "2021-04-06"])
@pytest.mark.parametrize("kind", ["Sync", "Async"])
def test_a_good_call_is_answered_with_501(api, function, version, kind) -> None:
    headers = {"x-fc-invocation-type": kind, "x-fc-stateful-async-invocation-id": "job_1"}
    assert api.error("POST", PATH, content=b"\x00\xff", headers=headers, version=version) == NOT_RUN
    assert api.error("POST", "/services/s.1/functions/f/invocations") == NOT_RUN
    assert api.error("POST", f"{PATH}?qualifier=1", version="2021-04-06") == NOT_RUN


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"x-fc-log-type": "Invalid"}, "LogType is set to an invalid value (allowed: Tail | None, actual: 'Invalid')"),
        (
            {"x-fc-invocation-type": "Async", "x-fc-log-type": "Tail"},
            "LogType is set to an invalid value (allowed: None, actual: 'Tail')",
        ),
        ({"x-fc-invocation-type": "Later"}, "InvocationType is set to an invalid value (allowed: Sync | Async"),
        ({"x-fc-stateful-async-invocation-id": "1a"}, "StatefulAsyncInvocationId doesn't match"),
        ({"x-fc-stateful-async-invocation-id": "a" * 129}, "StatefulAsyncInvocationId doesn't match"),
    ],
)
def test_headers_are_checked(api, function, headers, text) -> None:
    status, code, message = api.error("POST", PATH, headers=headers)
    assert (status, code) == (400, "InvalidArgument")
    assert text in message


def test_what_does_not_exist(api, function) -> None:
    for wrong, code in (
        ("/services/t/functions/f", "ServiceNotFound"),
        ("/services/s/functions/g", "FunctionNotFound"),
        ("/services/s.7/functions/f", "VersionNotFound"),
        ("/services/s.x/functions/f", "AliasNotFound"),
    ):
        for path in ("invocations", "instances", "stateful-async-invocations", "stateful-async-invocations/i"):
            method = "POST" if path == "invocations" else "GET"
            assert api.error(method, f"{wrong}/{path}")[:2] == (404, code)


def test_payloads_have_a_limit(api, function) -> None:
    kind = {"x-fc-invocation-type": "Async"}
    assert api.error("POST", PATH, content=b"x" * 131_072, headers=kind) == NOT_RUN
    assert api.error("POST", PATH, content=b"x" * 131_073, headers=kind) == (
        400,
        "EntityTooLarge",
        "payload size exceeds maximum allowed size (131072 bytes)",
    )
    assert api.error("POST", PATH, content=b"x" * 33_554_433)[:2] == (400, "EntityTooLarge")


@pytest.mark.parametrize("version", ["2016-08-15", "2021-04-06"])
def test_nothing_ran_so_nothing_is_listed(api, function, version) -> None:
    assert api.ok("GET", f"{function}/instances?limit=1000&instanceIds=a&instanceIds=b", version=version) == {
        "instances": []
    }
    stateful = f"{function}/stateful-async-invocations"
    query = "limit=100&sortOrderByTime=desc&startedTimeBegin=1&startedTimeEnd=2&includePayload=true&status=Running"
    assert api.ok("GET", f"{stateful}?{query}", version=version) == {"invocations": None}
    for method in ("GET", "PUT"):
        assert api.error(method, f"{stateful}/job", version=version) == (
            404,
            "StatefulAsyncInvocationNotFound",
            "stateful async invocation 'job' of function 'f' does not exist",
        )


@pytest.mark.parametrize(
    "query",
    [
        *("instances?limit=1001", "instances?limit=-1", "stateful-async-invocations?limit=0"),
        *("stateful-async-invocations?limit=101", "stateful-async-invocations?sortOrderByTime=up"),
        *("stateful-async-invocations?startedTimeBegin=now", "stateful-async-invocations?startedTimeEnd=-1"),
        *("stateful-async-invocations?includePayload=yes", "stateful-async-invocations?status=Done"),
    ],
)
def test_queries_are_checked(api, function, query) -> None:
    assert api.error("GET", f"{function}/{query}")[:2] == (400, "InvalidArgument")


def proxied(api, method: str, path: str, *, sign: bool = True, query: str = "", **more: object):
    """Call through a trigger: its signature covers the query, and always a line break."""
    if not sign:
        return api.send(method, f"/proxy{path}{query}", sign=False, **more)
    from email.utils import formatdate

    date = formatdate(usegmt=True)
    block = f"x-fc-account-id:{api.account}\n"
    lines = "\n".join(sorted(query[1:].split("&"))) if query else ""
    text = f"{method}\n\n\n{date}\n{block}/2016-08-15/proxy{path}\n{lines}"
    mark = base64.b64encode(hmac.new(b"secret", text.encode(), hashlib.sha256).digest()).decode()
    headers = {"date": date, "authorization": f"FC LTAItest:{mark}"}
    return api.send(method, f"/proxy{path}{query}", sign=False, headers=headers, **more)


def test_an_anonymous_trigger_is_called_by_anybody(api, function) -> None:
    http = {"authType": "anonymous", "methods": ["GET"]}
    body = {"triggerName": "h", "triggerType": "http", "triggerConfig": http}
    api.ok("POST", f"{function}/triggers", body)
    for path in ("/s/f/", "/s/f", "/s/f/a/b//c", "/s.LATEST/f/x.html"):
        for method in ("GET", "POST", "PATCH", "OPTIONS", "DELETE"):
            answer = proxied(api, method, path, sign=False)
            assert answer.status_code == 501
            assert answer.json()["Code"] == answer.json()["ErrorCode"] == "NotImplemented"
            assert answer.headers["x-fc-error-type"] == "FcCommonError"
    assert proxied(api, "HEAD", "/s/f/", sign=False).status_code == 501
    assert api.error("GET", "/proxy/s/f/", version="2021-04-06", sign=False)[:2] == (400, "PathNotSupported")


def test_a_trigger_is_bound_to_its_qualifier(api, function) -> None:
    http = {"authType": "function", "methods": ["GET"]}
    body = {"triggerName": "h", "triggerType": "http", "triggerConfig": http, "qualifier": "1"}
    api.ok("POST", f"{function}/triggers", body)
    assert proxied(api, "GET", "/s.1/f/path", query="?b=1&a=2").status_code == 501
    told = proxied(api, "GET", "/s/f/path")
    assert (told.status_code, told.json()["ErrorCode"]) == (404, "TriggerNotFound")
    for path, code in (("/s.9/f/", "VersionNotFound"), ("/t/f/", "ServiceNotFound"), ("/s/g/", "FunctionNotFound")):
        told = proxied(api, "GET", path)
        assert (told.status_code, told.json()["ErrorCode"]) == (404, code)
        assert told.headers["x-fc-error-type"] == "FcCommonError"


def test_a_signature_is_wanted_before_existence_is_told(api, function) -> None:
    http = {"authType": "function", "methods": ["GET"]}
    api.ok("POST", f"{function}/triggers", {"triggerName": "h", "triggerType": "http", "triggerConfig": http})
    for path in ("/s/f/x", "/none/f/x", "/s"):
        answer = proxied(api, "GET", path, sign=False)
        assert (answer.status_code, answer.json()["ErrorCode"]) == (400, "MissingRequiredHeader")
        assert answer.headers["x-fc-error-type"] == "FcCommonError"
    plain = api.send("GET", "/proxy/s/f/x")  # signed like an ordinary call: without the query block
    assert (plain.status_code, plain.json()["ErrorCode"]) == (403, "SignatureNotMatch")


def test_pre_signed_urls(api, function) -> None:
    http = {"authType": "function", "methods": ["GET"]}
    api.ok("POST", f"{function}/triggers", {"triggerName": "h", "triggerType": "http", "triggerConfig": http})

    def link(expires: int) -> str:
        lines = "\n".join(["a=1", "x-fc-access-key-id=LTAItest", f"x-fc-expires={expires}"])
        text = f"GET\n\n\n{expires}\n/2016-08-15/proxy/s/f/x\n{lines}"
        mark = base64.b64encode(hmac.new(b"secret", text.encode(), hashlib.sha256).digest()).decode()
        return f"/s/f/x?a=1&x-fc-access-key-id=LTAItest&x-fc-expires={expires}&x-fc-signature={quote(mark, safe='')}"

    def told(path: str) -> tuple[int, str]:
        # A browser sends no x-fc- header; the account is in the host.
        host = {"host": f"{api.account}.cn-hangzhou.fc.aliyuncs.com"}
        answer = api.client.get(f"{api.url}/2016-08-15/proxy{path}", headers=host)
        return answer.status_code, answer.json()["ErrorCode"]

    soon = int(time.time()) + 600
    assert told(link(soon)) == (501, "NotImplemented")
    assert told(link(soon).replace("a=1", "a=2")) == (403, "SignatureNotMatch")
    assert told(link(soon - 10_000)) == (403, "AccessDenied")
    assert told(link(soon).replace("LTAItest", "LTAInobody")) == (403, "InvalidAccessKeyID")
