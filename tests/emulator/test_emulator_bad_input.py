"""Whatever is sent, the answer is JSON and never a 500, and nothing half-done stays."""

import json
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fcdeploy.emulator.json_body import BadBody, parse_object


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"3",
        b"\xff\xfe",
        b'{"serviceName": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"{'a': 1}",
        b"{} {}",
        b"{}\x00",
    ],
    ids=range(17),
)
def test_bodies_that_are_no_json_object(api, content) -> None:
    told = api.error("POST", "/services", content=content)
    assert told == (400, "InvalidArgument", "Bad data in request body.")


def test_null_is_an_empty_object(api) -> None:
    assert "ServiceName is required" in api.error("POST", "/services", content=b"null")[2]


def test_of_two_spellings_the_last_wins(api) -> None:
    made = api.ok("POST", "/services", content=b'{"serviceName":"s","description":"a","Description":"b"}')
    assert made["description"] == "b"


def test_text_survives_as_it_was_sent(api) -> None:
    for text in ("é張\U0001f600", "\x00\x01", 'a\\b"c\n', "\u2028"):
        api.ok("POST", "/services", {"serviceName": "s", "description": text})
        assert api.ok("GET", "/services/s")["description"] == text
        api.ok("DELETE", "/services/s")
    made = api.ok("POST", "/services", content=b'{"serviceName":"s","description":"\\ud800x"}')
    assert made["description"] == "\ufffdx"


def test_a_truncated_body_changes_nothing(server, api) -> None:
    import socket
    from urllib.parse import urlsplit

    where = urlsplit(server.url)
    with socket.create_connection((where.hostname, where.port)) as line:
        line.sendall(b"POST /2016-08-15/services HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    api.ok("GET", "/services")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    [
        *("serviceName", "description", "role", "internetAccess", "logConfig", "vpcConfig", "nasConfig"),
        *("tracingConfig", "functionName", "runtime", "handler", "code", "timeout", "memorySize", "cpu", "layers"),
        *("environmentVariables", "customContainerConfig", "customDNS", "instanceLifecycleConfig", "triggerName"),
        *("triggerType", "triggerConfig", "sourceArn", "qualifier", "tags", "tagKeys", "resourceArn", "all"),
    ]
)
PATHS = st.sampled_from(
    [
        *("/services", "/services/s", "/services/s/functions", "/services/s/functions/f", "/tag", "/tags"),
        *("/services/s/functions/f/triggers", "/services/s/functions/f/triggers/t", "/services/s.1/functions"),
    ]
)


@settings(
    max_examples=max(8, settings.default.max_examples // 3),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=PATHS,
    body=st.dictionaries(FIELDS, JSON, max_size=6),
    query=st.text(alphabet=string.printable, max_size=20),
    version=st.sampled_from(["2016-08-15", "2021-04-06"]),
)
def test_no_body_makes_a_500(api, function_body, method, path, body, query, version) -> None:
    api.send("POST", "/services", {"serviceName": "s"})
    api.send("POST", "/services/s/functions", function_body())
    from urllib.parse import quote

    content = json.dumps(body).encode()
    answer = api.send(method, f"{path}?{quote(query)}", content=content, version=version)
    assert answer.status_code < 500
    if answer.content:
        answer.json()


@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_a_bad_body(content) -> None:
    try:
        parsed = parse_object(content)
    except BadBody:
        return
    json.dumps(parsed).encode()
