"""What a signed call must be able to rely on: exact targets, one sending, and knowing what left."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from fcdeploy.cloud.body import EMPTY, Body
from fcdeploy.cloud.exchange import Fault
from fcdeploy.cloud.ways import environment_proxy
from fcdeploy.cloud.wire import Wire
from fcdeploy.errors import UsageError

JSON = {"content-type": "application/json"}


def fault(raw: Any, *steps: Any, method: str = "GET", deadline: float = 5.0) -> tuple[Fault, int]:
    """The fault of one request, and how many requests the server saw."""

    async def main() -> tuple[Fault, int]:
        async with raw.server(*steps) as server:
            wire = Wire(deadline=deadline)
            try:
                with pytest.raises(Fault) as caught:
                    await wire.send(method, server.url + "/x", JSON, Body((b"{}",), 2) if method != "GET" else EMPTY)
            finally:
                await wire.aclose()
            return caught.value, len(server.received)

    return asyncio.run(main())


@pytest.mark.parametrize(
    "target", ["/a%3Ab%2Fc%2A~%7E%40x%24?k=b%20c&d=%3A%2B", "/", "/%E5%BC%A0?x=", "/a//b/../c", "/s.LATEST?q=a%26b%3D"]
)
def test_the_target_is_sent_as_it_was_signed(raw: Any, target: str) -> None:
    async def main() -> None:
        async with raw.server(raw.answer()) as server:
            wire = Wire(deadline=5.0)
            await wire.send("GET", server.url + target, {"host": raw.HOST}, EMPTY)
            await wire.aclose()
            (got,) = server.received
        assert got.target == target
        # Nothing that was not asked for: the signature would not cover it, or the service would not expect it.
        assert got.headers == {"host": raw.HOST}

    asyncio.run(main())


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("step", ["reset", "half", "garbage"])
def test_a_broken_request_is_sent_once_and_may_have_had_its_effect(raw: Any, method: str, step: str) -> None:
    found, seen = fault(raw, getattr(raw, step), raw.answer(), method=method)
    assert (found.left, seen) == (True, 1)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_connection_that_broke_while_idle_is_not_used_twice(raw: Any, method: str) -> None:
    async def main() -> None:
        async with raw.server(raw.answer(), raw.reset, raw.answer()) as server:
            wire = Wire(deadline=5.0)
            await wire.send("GET", server.url + "/", {}, EMPTY)
            with pytest.raises(Fault) as caught:
                await wire.send(method, server.url + "/", {}, EMPTY)
            await wire.aclose()
            assert caught.value.left
            assert [one.method for one in server.received] == ["GET", method]
            assert server.connections == 1

    asyncio.run(main())


def test_on_a_connection_that_is_kept_each_request_has_its_own_deadline(raw: Any) -> None:
    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.2)
        await raw.answer()(writer)

    async def main() -> None:
        async with raw.server(raw.answer(), late, raw.silence) as server:
            wire = Wire(deadline=5.0)
            await wire.send("GET", server.url + "/", {}, EMPTY, deadline=1.0)
            answer = await wire.send("GET", server.url + "/", {}, EMPTY, deadline=20.0)
            assert answer.status == 200, "what is left of the deadline before does not count"
            with pytest.raises(Fault, match="no reply within 0 s"):
                await wire.send("GET", server.url + "/", {}, EMPTY, deadline=0.2)
            await wire.aclose()
            assert server.connections == 1

    asyncio.run(main())


def test_no_reply_within_the_deadline(raw: Any) -> None:
    # Long enough that the request has arrived on a machine that stands still for a while.
    found, seen = fault(raw, raw.silence, method="PUT", deadline=2.0)
    assert (found.left, seen) == (True, 1)
    assert "no reply within" in found.words


def test_what_could_not_be_sent_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/secret?Signature=abc"

        async def main() -> Fault:
            wire = Wire(deadline=5.0)
            try:
                with pytest.raises(Fault) as caught:
                    await wire.send("PUT", url, JSON, Body((b"{}",), 2))
            finally:
                await wire.aclose()
            return caught.value

        found = asyncio.run(main())
    assert not found.left
    assert "no connection" in found.words and "Signature" not in found.words


def test_a_connection_is_kept_and_has_no_delay(raw: Any) -> None:
    async def main() -> None:
        async with raw.server(raw.answer()) as server:
            wire = Wire(deadline=5.0)
            for _ in range(5):
                answer = await wire.send("GET", server.url + "/", {}, EMPTY)
                assert (answer.status, answer.content, answer.received) == (200, b"{}", 2)
            await wire.aclose()
            assert (len(server.received), server.connections) == (5, 1)

    asyncio.run(main())


def test_redirects_are_not_followed(raw: Any) -> None:
    async def main() -> None:
        async with raw.server(raw.answer(302, b"", location="/elsewhere")) as server:
            wire = Wire(deadline=5.0)
            answer = await wire.send("GET", server.url + "/", {}, EMPTY)
            await wire.aclose()
            assert (answer.status, len(server.received)) == (302, 1)

    asyncio.run(main())


PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("variables", "scheme", "host", "expected"),
    [
        ({}, "https", "h.example", None),
        ({"HTTPS_PROXY": PROXY}, "https", "h.example", PROXY),
        ({"https_proxy": "proxy.example:3128"}, "https", "h.example", PROXY),
        ({"HTTPS_PROXY": PROXY}, "http", "h.example", None),
        ({"ALL_PROXY": PROXY}, "http", "h.example", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": ".example"}, "https", "h.example", None),
        ({"HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY}, "http", "127.0.0.1", None),
        ({"HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY}, "http", "127.9.9.9", None),
        ({"HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY}, "http", "localhost", None),
        ({"HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY}, "http", "::1", None),
        ({"HTTP_PROXY": PROXY}, "http", "localhost.example", PROXY),
    ],
)
def test_proxies(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], scheme: str, host: str, expected: str | None
) -> None:
    clear_proxies(monkeypatch)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(scheme, host) == expected


def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_proxies(monkeypatch)
    monkeypatch.setenv("ALL_PROXY", "socks5://me:pw@p")
    with pytest.raises(UsageError, match="kind socks5") as caught:
        environment_proxy("https", "h.example")
    assert "pw" not in caught.value.summary + caught.value.hint


def test_a_request_goes_through_the_proxy_with_its_login(raw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clear_proxies(monkeypatch)

    async def main() -> None:
        async with raw.server(raw.answer()) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:p%40w@"))
            wire = Wire(deadline=5.0)
            await wire.send("GET", "http://h.example/a%3Ab?c=%3A", {}, EMPTY)
            await wire.aclose()
            (got,) = proxy.received
        assert got.target == "http://h.example/a%3Ab?c=%3A"
        assert got.headers["host"] == "h.example"
        assert got.headers["proxy-authorization"] == "Basic bWU6cEB3"

    asyncio.run(main())


def test_a_proxy_that_refuses_lets_nothing_through(raw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clear_proxies(monkeypatch)

    async def main() -> None:
        async with raw.server(raw.answer(407)) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:pw@"))
            wire = Wire(deadline=5.0)
            with pytest.raises(Fault) as caught:
                await wire.send("PUT", "https://h.example/x", JSON, Body((b"{}",), 2))
            await wire.aclose()
            (got,) = proxy.received
        assert (got.method, got.target) == ("CONNECT", "h.example:443")
        assert got.headers["proxy-authorization"] == "Basic bWU6cHc="
        assert "authorization" not in got.headers
        assert not caught.value.left and "the proxy refused with status 407" in caught.value.words

    asyncio.run(main())


def clear_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/a b", {}),
        ("/a\nb", {}),
        ("/", {"x": "1\r\ny: 2"}),
        ("/", {"x": "1\ny: 2"}),
        ("/", {"x\r": "1"}),
        ("/", {"x\n": "1"}),
    ],
)
def test_what_would_be_read_as_another_request_does_not_leave(target: str, headers: dict[str, str]) -> None:
    async def main() -> Fault:
        wire = Wire(deadline=5.0)
        with pytest.raises(Fault) as caught:
            await wire.send("GET", f"http://127.0.0.1:1{target}", headers, EMPTY)
        await wire.aclose()
        return caught.value

    found = asyncio.run(main())
    assert not found.left and "line break" in found.words
