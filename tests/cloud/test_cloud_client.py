"""The client against a server that breaks things to order: what is repeated, what is raised, what is remembered."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastcrc import crc64

from fcdeploy import __version__
from fcdeploy.cloud import client as module
from fcdeploy.cloud.body import Body
from fcdeploy.cloud.client import Client
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.keys import Keys
from fcdeploy.errors import ApiError, CloudError, NoReply, NotSent
from fcdeploy.model import ArchiveRef, Call, Reply, Sensitive

Make = Callable[..., Client]
GET = Call(operation="GetService", method="GET", path="/services/demo", resource="service demo")
PUT = Call(
    operation="UpdateService",
    method="PUT",
    path="/services/demo",
    headers={"If-Match": "e1"},
    body={"description": "x"},
    resource="service demo",
)
DELETE = Call(operation="DeleteService", method="DELETE", path="/services/demo", headers={"If-Match": "e1"})
NO_ROOM = {"ErrorCode": "ResourceThrottled", "ErrorMessage": "later"}


def exchange(raw: Any, make: Make, call: Call, *steps: Any, **changed: Any) -> tuple[Reply | CloudError, Any, Client]:
    """What one call gives or raises, the server that it went to and the client that sent it."""

    async def main() -> tuple[Reply | CloudError, Any, Client]:
        async with raw.server(*steps) as server, make(server.url, **changed) as client:
            try:
                found: Reply | CloudError = await client.send(call)
            except CloudError as error:
                found = error
            return found, server, client

    return asyncio.run(main())


def test_a_call_and_its_reply(raw: Any, make_client: Make) -> None:
    call = Call(
        operation="ListFunctions",
        method="GET",
        path="/services/a%3Ab/functions",
        query=(("limit", "100"), ("prefix", "a b~/")),
    )
    headers = {"Etag": "abc", "X-Fc-Request-Id": "r-1"}
    found, server, client = exchange(raw, make_client, call, raw.answer(200, {"functions": []}, **headers))
    assert isinstance(found, Reply)
    assert (found.status, found.body, found.etag, found.request_id) == (200, {"functions": []}, "abc", "r-1")
    (got,) = server.received
    assert got.target == "/2016-08-15/services/a%3Ab/functions?limit=100&prefix=a%20b~%2F"
    assert set(got.headers) == {
        *("accept", "accept-encoding", "authorization", "date", "host", "user-agent", "x-fc-account-id")
    }
    assert (got.headers["host"], got.headers["user-agent"]) == (raw.HOST, f"fcdeploy/{__version__}")
    assert (client.tally.requests, client.tally.sent, client.tally.received) == (
        {"GET": 1},
        0,
        len(b'{"functions": []}'),
    )


def test_a_write_carries_compact_json_and_its_guard(raw: Any, make_client: Make) -> None:
    body = {"a": [1, None], "s": Sensitive("pässword", parts=({"secret": "S"},))}
    call = Call(operation="UpdateService", method="PUT", path="/x", headers={"If-Match": "e1"}, body=body)
    found, server, client = exchange(raw, make_client, call, raw.answer(204, b""), scheme="acs3", api="2021-04-06")
    assert isinstance(found, Reply) and found.body is None
    (got,) = server.received
    assert got.body == b'{"a":[1,null],"s":"p\\u00e4ssword"}'
    assert got.headers["content-length"] == str(len(got.body))
    assert got.headers["x-acs-content-sha256"] == hashlib.sha256(got.body).hexdigest()
    assert (got.headers["x-acs-action"], got.headers["x-acs-version"]) == ("UpdateService", "2021-04-06")
    assert got.headers["if-match"] == "e1"
    assert "SignedHeaders=content-type;host;if-match;x-acs-action" in got.headers["authorization"]
    assert client.tally.sent == len(got.body)


@pytest.mark.parametrize("scheme", ["fc", "acs3"])
# By itself in the body, from its file in a body that is small, and in one that is large.
@pytest.mark.parametrize("size", [1000, 300_000, 3_000_001])
def test_an_archive_is_sent_from_its_file(raw: Any, make_client: Make, tmp_path: Path, scheme: str, size: int) -> None:
    content = os.urandom(size)
    ref = ArchiveRef(sha256=hashlib.sha256(content).hexdigest(), crc64="0", size=size)
    (tmp_path / ref.sha256).write_bytes(content)
    call = Call(operation="UpdateFunction", method="PUT", path="/x", body={"code": {"zipFile": ref}})
    # Once refused, so that the file is read a second time.
    found, server, _ = exchange(raw, make_client, call, raw.answer(429, NO_ROOM), raw.answer(), scheme=scheme)
    assert isinstance(found, Reply)
    assert len(server.received) == 2
    for got in server.received:
        assert json.loads(got.body) == {"code": {"zipFile": base64.b64encode(content).decode()}}
        if scheme == "acs3":
            assert got.headers["x-acs-content-sha256"] == hashlib.sha256(got.body).hexdigest()


def test_a_lost_archive_is_not_sent(raw: Any, make_client: Make) -> None:
    call = Call(
        operation="Op", method="PUT", path="/x", body={"zipFile": ArchiveRef(sha256="0" * 64, crc64="0", size=3)}
    )
    found, server, _ = exchange(raw, make_client, call, raw.answer())
    assert isinstance(found, NotSent) and server.received == []


@pytest.mark.parametrize("step", ["reset", "half", "garbage"])
def test_a_read_is_repeated_until_it_comes(raw: Any, make_client: Make, naps: list[float], step: str) -> None:
    bad = getattr(raw, step)
    found, server, client = exchange(
        raw, make_client, GET, bad, bad, raw.answer(500), raw.answer(200, b"{oops"), raw.answer(200, {"ok": 1})
    )
    assert isinstance(found, Reply) and found.body == {"ok": 1}
    assert len(server.received) == 5 and len(naps) == 4 and client.tally.retries == 4
    assert naps == pytest.approx([0.15, 0.3, 0.6, 1.2])


@pytest.mark.parametrize("step", ["reset", "half", "garbage"])
def test_a_read_gives_up_after_six_attempts(raw: Any, make_client: Make, step: str) -> None:
    found, server, client = exchange(raw, make_client, GET, getattr(raw, step))
    assert isinstance(found, NoReply)
    assert (len(server.received), client.tally.retries) == (6, 5)


def test_a_read_of_a_place_that_never_answered_has_less_time(
    raw: Any, make_client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two silences only the one before the first answer ends soon."""
    monkeypatch.setattr(module, "FIRST_DEADLINE", 0.2)

    async def main() -> list[str]:
        said: list[str] = []
        async with raw.server(raw.silence) as server, make_client(server.url, deadline=0.9) as client:
            for answered in (False, True):
                client.limiter.answered = answered
                with pytest.raises(NoReply) as caught:
                    await client._attempt(GET, Body((), 0), "")
                said.append(caught.value.summary)
        return said

    assert asyncio.run(main()) == ["GetService: no reply within 0 s", "GetService: no reply within 1 s"]


@pytest.mark.parametrize("call", [PUT, DELETE], ids=["PUT", "DELETE"])
@pytest.mark.parametrize("step", ["reset", "half", "garbage", "silence"])
def test_a_write_whose_reply_is_lost_is_never_repeated(
    raw: Any, make_client: Make, naps: list[float], call: Call, step: str
) -> None:
    # Long enough that the request has arrived on a machine that stands still for a while.
    found, server, client = exchange(raw, make_client, call, getattr(raw, step), raw.answer(), deadline=2.0)
    assert isinstance(found, NoReply)
    assert (found.operation, found.resource) == (call.operation, call.resource)
    assert (len(server.received), naps, client.tally.retries) == (1, [], 0)


def test_a_write_answered_with_broken_json_has_an_unknown_effect(raw: Any, make_client: Make) -> None:
    found, server, _ = exchange(raw, make_client, PUT, raw.answer(200, b'{"serviceName":'))
    assert isinstance(found, NoReply) and len(server.received) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_answered_5xx_is_raised_at_once(raw: Any, make_client: Make, status: int) -> None:
    found, server, _ = exchange(raw, make_client, PUT, raw.answer(status, {"ErrorCode": "InternalServerError"}))
    assert isinstance(found, ApiError) and found.status == status and len(server.received) == 1


def test_a_hang_up_that_the_service_saw_has_an_unknown_effect(raw: Any, make_client: Make) -> None:
    found, server, _ = exchange(raw, make_client, PUT, raw.answer(499, {"ErrorCode": "ClientClosedRequest"}))
    assert isinstance(found, NoReply) and len(server.received) == 1


@pytest.mark.parametrize("call", [GET, PUT, DELETE], ids=["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("status", [429, 503])
def test_no_room_is_waited_for(raw: Any, make_client: Make, naps: list[float], call: Call, status: int) -> None:
    steps = [raw.answer(status, NO_ROOM)] * 8
    found, server, client = exchange(raw, make_client, call, *steps, raw.answer())
    assert isinstance(found, Reply)
    assert (len(server.received), len(naps), client.tally.retries) == (9, 8, 8)
    assert client.limiter.limit < client.limiter.ceiling


def test_retry_after_holds_up_this_call_and_every_other(raw: Any, make_client: Make, naps: list[float]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        steps = [raw.answer(429, NO_ROOM, retry_after="0.3"), raw.answer()]
        async with raw.server(*steps) as server, make_client(server.url, parallelism=1) as client:
            began = loop.time()
            await asyncio.gather(client.send(PUT), client.send(GET))
            assert loop.time() - began >= 0.29
            assert naps == [0.3]
            assert len(server.received) == 3

    asyncio.run(main())


def test_no_room_for_longer_than_the_budget_is_an_error(raw: Any, make_client: Make, naps: list[float]) -> None:
    found, server, _ = exchange(raw, make_client, PUT, raw.answer(429, NO_ROOM, retry_after="121"))
    assert isinstance(found, ApiError) and found.retry_after == 121.0
    assert (len(server.received), naps) == (1, [])


def test_before_a_repeat_it_is_asked_again_when_all_waiting_is_over(
    raw: Any, make_client: Make, naps: list[float]
) -> None:
    async def main() -> None:
        asked: list[tuple[int, int]] = []
        refusal = raw.answer(429, NO_ROOM, retry_after="0.1")
        async with raw.server(refusal, refusal, raw.answer()) as server, make_client(server.url) as client:
            loop = asyncio.get_running_loop()
            began = loop.time()

            async def ask() -> None:
                asked.append((len(server.received), len(naps)))
                assert loop.time() - began >= 0.09 * len(naps)

            assert isinstance(await client.send(PUT, before_again=ask), Reply)
            assert (asked, len(server.received)) == ([(1, 1), (2, 2)], 3)

    asyncio.run(main())


@pytest.mark.parametrize("error", [RuntimeError("the lease is gone"), NotSent("no", operation="x")])
def test_what_is_raised_before_a_repeat_ends_the_call(raw: Any, make_client: Make, error: Exception) -> None:
    async def main() -> None:
        async def ask() -> None:
            raise error

        async with raw.server(raw.answer(429, NO_ROOM), raw.answer()) as server, make_client(server.url) as client:
            with pytest.raises(type(error)) as caught:
                await client.send(PUT, before_again=ask)
            assert caught.value is error
            assert (len(server.received), client.tally.retries, client.limiter.in_flight) == (1, 0, 0)

    asyncio.run(main())


def test_before_it_first_leaves_it_is_said_once(raw: Any, make_client: Make) -> None:
    async def main() -> None:
        told: list[int] = []
        refusal = raw.answer(429, NO_ROOM, retry_after="0.1")
        async with raw.server(refusal, raw.answer()) as server, make_client(server.url, parallelism=1) as client:

            def stop() -> None:
                raise RuntimeError("nothing more")

            first = asyncio.create_task(client.send(PUT, leaving=lambda: told.append(client.limiter.in_flight)))
            second = asyncio.create_task(client.send(PUT, leaving=stop))
            assert isinstance(await first, Reply)
            with pytest.raises(RuntimeError, match="nothing more"):
                await second
            assert (told, len(server.received), client.limiter.in_flight) == ([1], 2, 0)

    asyncio.run(main())


def test_a_write_that_never_left_is_sent_again(raw: Any, make_client: Make, unused_port: int) -> None:
    async def main() -> None:
        async with make_client(f"http://127.0.0.1:{unused_port}") as client:
            with pytest.raises(NotSent) as caught:
                await client.send(PUT)
            assert client.tally.retries == 5
            assert "UpdateService was not sent: no connection" in caught.value.summary
            assert caught.value.hint

    asyncio.run(main())


@pytest.mark.parametrize(
    ("content", "code", "message", "request_id"),
    [
        ({"ErrorCode": "ServiceNotFound", "ErrorMessage": "gone"}, "ServiceNotFound", "gone", ""),
        ({"errorCode": "A", "errorMessage": "b"}, "A", "b", ""),
        ({"Code": "A", "Message": "b", "RequestId": "r"}, "A", "b", "r"),
        ({"code": "A", "message": "b", "requestId": "r"}, "A", "b", "r"),
        ({"other": 1}, "(no code)", "", ""),
        (b"<html>\n <b>Bad\tGateway</b>", "(no code)", "<html> <b>Bad Gateway</b>", ""),
        (b"x" * 400, "(no code)", "x" * 300 + "…", ""),
        (b"\xff\xfe", "(no code)", "\ufffd\ufffd", ""),
        (b"", "(no code)", "", ""),
        (b"[1]", "(no code)", "[1]", ""),
    ],
)
def test_errors(raw: Any, make_client: Make, content: object, code: str, message: str, request_id: str) -> None:
    found, server, _ = exchange(raw, make_client, GET, raw.answer(404, content))
    assert isinstance(found, ApiError)
    assert (found.status, found.code, found.message, found.request_id) == (404, code, message, request_id)
    assert (found.operation, found.resource, len(server.received)) == ("GetService", "service demo", 1)


def test_an_error_takes_the_request_id_of_the_header_and_shows_no_secret(raw: Any, make_client: Make) -> None:
    key = Credentials(access_key_id="STS.x", access_key_secret="the-secret", security_token="the-token")
    body = {"Code": "SignatureDoesNotMatch", "Message": "we signed x-acs-security-token:the-token with the-secret"}
    steps = [raw.answer(403, body, X_Fc_Request_Id="r-9", date="Wed, 22 Nov 2023 08:15:30 GMT")]
    found, _, _ = exchange(raw, make_client, GET, *steps, keys=Keys.of(key))
    assert isinstance(found, ApiError) and found.request_id == "r-9"
    assert "the-token" not in str(found) and "the-secret" not in str(found)
    assert "clock differs" in found.hint


def test_no_more_than_the_given_number_at_once(make_client: Make) -> None:
    now = most = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002)
        now -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def main() -> None:
        async with make_client("http://in.process", app=app, parallelism=3) as client:
            await asyncio.gather(*(client.send(GET) for _ in range(30)))

    asyncio.run(main())
    assert most == 3


@pytest.mark.parametrize("size", [0, 1, 1_000_000])
def test_an_archive_is_downloaded_and_measured(raw: Any, make_client: Make, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    to = tmp_path / "code.zip"

    async def main() -> None:
        async with raw.server(raw.half, raw.answer(200, content)) as server, make_client(server.url) as client:
            ref = await client.read_archive(f"{server.url}/b/o%2Fx?Expires=1&Signature=a%2Bb%3D", to)
            assert ref == ArchiveRef(
                sha256=hashlib.sha256(content).hexdigest(),
                crc64=str(crc64.xz(content)),
                size=size,
                sha512=hashlib.sha512(content).hexdigest(),
                md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            )
            got = server.received[-1]
            assert got.target == "/b/o%2Fx?Expires=1&Signature=a%2Bb%3D"
            assert set(got.headers) == {"host", "accept-encoding", "user-agent"}

    asyncio.run(main())
    assert to.read_bytes() == content
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["code.zip"]


def test_a_link_on_the_services_own_host_goes_where_calls_go(raw: Any, make_client: Make, tmp_path: Path) -> None:
    async def main() -> None:
        async with raw.server(raw.answer(200, b"zip")) as server, make_client(server.url) as client:
            await client.read_archive(f"https://{raw.HOST}/code?x=%2F", tmp_path / "a")
            (got,) = server.received
            assert (got.target, got.headers["host"]) == ("/code?x=%2F", raw.HOST)

    asyncio.run(main())


def test_a_failed_download_leaves_nothing_and_does_not_show_the_link(
    raw: Any, make_client: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ARCHIVE_MOST", 10)
    denied = b"<Error><Code>AccessDenied</Code><Message>expired: Signature=abc</Message></Error>"
    cases = [
        (raw.answer(403, denied), ApiError, "403 AccessDenied"),
        (raw.answer(200, b"x" * 11), CloudError, "larger than"),
        (raw.half, NoReply, "connection broke"),
        (raw.silence, NoReply, "no reply within"),
    ]

    async def main() -> None:
        for step, kind, says in cases:
            async with raw.server(step) as server, make_client(server.url, deadline=0.2) as client:
                monkeypatch.setattr(module, "ARCHIVE_MOST", 200 if step is raw.half else 10)
                with pytest.raises(kind, match=says) as caught:
                    await client.read_archive(f"{server.url}/?Signature=abc", tmp_path / "code.zip")
                assert "Signature" not in str(caught.value)
                assert caught.value.__cause__ is None

    asyncio.run(main())
    assert os.listdir(tmp_path) == []


def test_a_download_that_cannot_be_kept_is_not_a_fault_of_the_network(
    raw: Any, make_client: Make, tmp_path: Path
) -> None:
    async def main() -> None:
        async with raw.server(raw.answer(200, b"zip")) as server, make_client(server.url) as client:
            with pytest.raises(CloudError, match="cannot be written: No such file"):
                await client.read_archive(f"{server.url}/", tmp_path / "missing" / "code.zip")
            assert client.tally.retries == 0

    asyncio.run(main())


def test_importing_the_client_loads_no_http_library() -> None:
    code = "import sys, fcdeploy.cloud.client; print({'httpx', 'httptools', 'fastcrc'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
