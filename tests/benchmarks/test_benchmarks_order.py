"""Which request of a log waits for which."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

# Tests of this folder try what it holds.
sys.path.insert(0, str(Path(__file__).parent))

from bench_emulator import Record
from bench_order import etag_sources, names_shown, needs_of, written_path

S = "/2021-04-06/services"
FIRST = {"functions": [{"functionName": "a"}, {"functionName": "b"}], "nextToken": "c"}


def request(line: str, arrived: float, body: Any = None, **more: Any) -> Record:
    """A request in words, `GET /services/s?limit=1`, that is answered after one second."""
    method, target = line.split()
    path, _, query = f"/2021-04-06{target}".partition("?")
    content = b"" if body is None else json.dumps(body).encode()
    reply = json.dumps(more.pop("reply", {}), separators=(",", ":"))
    return Record(
        method=method,
        path=path,
        query=query,
        arrived=arrived,
        answered=arrived + 1,
        headers={"host": more.pop("host", "1.cn-hangzhou.fc.aliyuncs.com"), **more.pop("headers", {})},
        body=content,
        reply=reply,
        **more,
    )


CASES: dict[str, tuple[list[Record], list[set[int]]]] = {
    "two lists know nothing of each other": (
        [request("GET /services/s/functions", 0), request("GET /services/t/functions", 5)],
        [set(), set()],
    ),
    "a page waits for the page that named it, and not for another list": (
        [
            request("GET /services/s/functions?limit=2", 0, reply=FIRST),
            request("GET /services/t/functions?limit=2", 2, reply=FIRST),
            request("GET /services/s/functions?limit=2&nextToken=c", 4),
        ],
        [set(), set(), {0}],
    ),
    "what a list showed waits for it, and what lies below that": (
        [
            request("GET /services/s/functions", 0, reply=FIRST),
            request("GET /services/s/functions/a", 2),
            request("GET /services/s/functions/a/triggers", 2),
            request("GET /services/s/functions/z/triggers", 2),
        ],
        [set(), {0}, {0}, set()],
    ),
    "what left before the answer did not wait for it": (
        [request("GET /services/s/functions", 0, reply=FIRST), request("GET /services/s/functions/a/triggers", 0.5)],
        [set(), set()],
    ),
    "a function waits for its service and the tags of that, a trigger for its function": (
        [
            request("POST /services", 0, {"serviceName": "s"}),
            request("POST /services", 0, {"serviceName": "t"}),
            request("POST /tag", 2, {"resourceArn": "acs:fc:cn-hangzhou:1:services/s"}),
            request("POST /services/s/functions", 4, {"functionName": "a"}),
            request("POST /services/s/functions/a/triggers", 6, {"triggerName": "x"}),
            request("POST /services/t/functions", 8, {"functionName": "a"}),
        ],
        [set(), set(), {0}, {0, 2}, {0, 2, 3}, {1}],
    ),
    "a write waits for what was read of it": (
        [
            request("GET /services/s", 0),
            request("GET /services/s/functions", 0),
            request("GET /services/t", 0),
            request("PUT /services/s/functions/a", 2),
            request("POST /services", 2, {"serviceName": "s"}),
        ],
        [set(), set(), set(), {1}, {0, 1}],
    ),
    "a delete waits for the deletes below it": (
        [
            request("DELETE /services/s/functions/a/triggers/x", 0),
            request("DELETE /services/s/functions/a", 2),
            request("DELETE /services/s", 4),
            request("DELETE /services/t", 4),
        ],
        [set(), {0}, {0, 1}, set()],
    ),
    "an If-Match waits for the reply that brought the ETag": (
        [
            request("GET /services/s/functions/a", 0, etag="e1"),
            request("PUT /services/s/functions/a", 2, headers={"if-match": "e1"}, etag="e2"),
            request("PUT /services/s/functions/a", 4, headers={"if-match": "e2"}),
        ],
        [set(), {0}, {0, 1}],
    ),
    "one account or region knows nothing of another": (
        [
            request("POST /services", 0, {"serviceName": "s"}),
            request("POST /services/s/functions", 2, {"functionName": "a"}, host="2.cn-hangzhou.fc.aliyuncs.com"),
        ],
        [set(), set()],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_order_of_dependence(name: str) -> None:
    records, expected = CASES[name]
    assert [set(each) for each in needs_of(records)] == expected


def test_an_etag_has_one_source() -> None:
    records, _ = CASES["an If-Match waits for the reply that brought the ETag"]
    assert etag_sources(records) == [None, 0, 1]


def test_what_a_write_is_about() -> None:
    assert written_path(request("POST /services", 0, {"serviceName": "s"})) == f"{S}/s"
    assert written_path(request("PUT /services/s", 0, {"description": "d"})) == f"{S}/s"
    assert written_path(request("POST /services/s/versions", 0, {"description": "d"})) == f"{S}/s/versions"
    assert written_path(request("POST /tag", 0, {"resourceArn": "services/s"})) == f"{S}/s"


def test_what_a_list_shows() -> None:
    assert names_shown(request("GET /services/s/functions", 0, reply=FIRST)) == ["a", "b"]
    assert names_shown(request("GET /services/s", 0, reply={"serviceName": "s"})) == []
