"""What comes back on a connection, in every form that HTTP/1.1 allows it, and what must not be taken for a reply."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcdeploy.cloud import ways
from fcdeploy.cloud.body import EMPTY, Body
from fcdeploy.cloud.exchange import Answer, Fault, TooLarge
from fcdeploy.cloud.wire import Wire

Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MIB = 1 << 20


@asynccontextmanager
async def serving(act: Act, **how: Any) -> AsyncIterator[int]:
    """Act once per connection; gives the port."""
    tasks: set[asyncio.Task[Any] | None] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await act(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has what it wanted
        finally:
            writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0, **how) as server:
        yield server.sockets[0].getsockname()[1]
        server.close()
        for task in tasks:
            assert task is not None
            task.cancel()
        await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)


async def head_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def asked(act: Act, *, times: int = 1, body: Body = EMPTY, method: str = "PUT") -> list[Answer | Fault]:
    """What a number of requests, one after the other, come to."""

    async def main() -> list[Answer | Fault]:
        found: list[Answer | Fault] = []
        async with serving(act) as port:
            wire = Wire(deadline=5.0)
            for _ in range(times):
                try:
                    found.append(await wire.send(method, f"http://127.0.0.1:{port}/x", {}, body))
                except Fault as fault:
                    found.append(fault)
            await wire.aclose()
        return found

    return asyncio.run(main())


def answering(*pieces: bytes) -> Act:
    """Sends a reply in these pieces to each request, and ends the connection."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return act


BODY = b'{"a": [1, 2, 3]}'
CHUNKED = b"transfer-encoding: chunked\r\n\r\n5\r\n" + BODY[:5] + b"\r\nb;x=y\r\n" + BODY[5:] + b"\r\n0\r\nt: u\r\n\r\n"
FORMS = {
    "length": b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\nEtag: e\r\n\r\n" + BODY,
    "chunked": b"HTTP/1.1 200 OK\r\nEtag: e\r\n" + CHUNKED,
    "until the end": b"HTTP/1.1 200 OK\r\nEtag: e\r\n\r\n" + BODY,
    "old": b"HTTP/1.0 200 OK\r\nEtag: e\r\n\r\n" + BODY,
    "go on": b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\nHTTP/1.1 200 OK\r\nEtag: e\r\ncontent-length: 16\r\n\r\n" + BODY,
}


@settings(max_examples=12, deadline=None)
@given(form=st.sampled_from(sorted(FORMS)), cuts=st.lists(st.integers(1, 120), max_size=6))
def test_a_reply_is_the_same_in_whatever_pieces_it_comes(form: str, cuts: list[int]) -> None:
    whole = FORMS[form]
    ends = sorted({*(cut for cut in cuts if cut < len(whole)), len(whole)})
    pieces = [whole[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    (answer,) = asked(answering(*pieces))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.content, answer.headers["etag"]) == (200, BODY, "e")
    assert "x" not in answer.headers


@pytest.mark.parametrize("status", [204, 304])
def test_a_reply_without_a_body_keeps_its_connection(raw: Any, status: int) -> None:
    async def main() -> None:
        async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(3):
                await head_of(reader)
                writer.write(b"HTTP/1.1 %d X\r\netag: e\r\n\r\n" % status)

        async with serving(act) as port:
            wire = Wire(deadline=5.0)
            for _ in range(3):
                answer = await wire.send("GET", f"http://127.0.0.1:{port}/", {}, EMPTY)
                assert (answer.status, answer.content) == (status, b"")
            await wire.aclose()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", "broke within the reply"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{", "broke within the reply"),
        (b"HTTP/1.1 200 OK\r\ncontent-le", "broke before the reply"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", "could not be read"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n{}", "could not be read"),
        (b"HTTP/1.1 101 Upgrade\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", "could not be read"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 150_000, "could not be read"),
        (b"HTTP/1.1 200 OK\r\na: " + b"b" * 300_000, "could not be read"),
    ],
)
def test_what_is_no_whole_reply_is_none(reply: bytes, words: str) -> None:
    (fault,) = asked(answering(reply))
    assert isinstance(fault, Fault)
    assert fault.left and words in fault.words


def test_what_nobody_asked_for_is_not_taken_for_the_next_reply() -> None:
    """A second reply in one packet with the first: its connection is not used again."""
    seen = 0

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        while True:
            await head_of(reader)
            seen += 1
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%dHTTP/1.1 201 OK\r\nx: y\r\n\r\n" % seen)

    first, second = asked(act, times=2)
    assert isinstance(first, Answer) and isinstance(second, Answer)
    assert (first.status, first.content, second.status, second.content) == (200, b"1", 200, b"2")
    assert "x" not in first.headers


def test_a_service_that_has_heard_enough_is_not_sent_the_rest() -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        await asyncio.sleep(30)  # reads nothing more: what is sent on would wait forever

    (answer,) = asked(act, body=Body((b"x" * 64 * MIB,), 64 * MIB))
    assert isinstance(answer, Answer)
    assert answer.status == 413


def test_a_large_body_arrives_whole_and_in_bits(tmp_path: Path) -> None:
    file = tmp_path / "code.zip"
    file.write_bytes(b"abc" * MIB)
    body = Body((b'{"zip": "', file, b'"}'), 9 + 4 * MIB + 2)
    got = 0

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        while True:
            head = await head_of(reader)
            assert b"content-length: %d\r\n" % body.length in head
            got += len(await reader.readexactly(body.length))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    found = asked(act, body=body, times=2)
    assert [isinstance(one, Answer) for one in found] == [True, True]
    assert got == 2 * body.length


def test_a_body_that_cannot_be_read_on_breaks_the_request_off(tmp_path: Path) -> None:
    file = tmp_path / "code.zip"
    file.write_bytes(b"abc")
    ended = asyncio.Event()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        await reader.read()
        ended.set()

    async def main() -> None:
        async with serving(act) as port:
            wire = Wire(deadline=5.0)
            file.unlink()
            with pytest.raises(Fault, match="cannot be read: No such file") as caught:
                await wire.send("PUT", f"http://127.0.0.1:{port}/x", {}, Body((b"{", file, b"}"), 6))
            assert caught.value.left
            await asyncio.wait_for(ended.wait(), 5)
            await wire.aclose()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:{}/a b", {}),
        ("http://127.0.0.1:{}/a\nb", {}),
        ("http://127.0.0.1:{}/a", {"token": "secret\n"}),
        ("http://127.0.0.1:{}/a", {"token": "secret\r\nx: y"}),
        ("ftp://127.0.0.1:{}/a", {}),
    ],
)
def test_what_would_arrive_as_something_else_does_not_leave(url: str, headers: dict[str, str]) -> None:
    seen = []

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await head_of(reader))

    async def main() -> None:
        async with serving(act) as port:
            wire = Wire(deadline=5.0)
            with pytest.raises(Fault) as caught:
                await wire.send("GET", url.format(port), headers, EMPTY)
            await wire.aclose()
            assert not caught.value.left and "secret" not in caught.value.words

    asyncio.run(main())
    assert not seen


def test_a_call_that_is_broken_off_leaves_no_connection_to_the_next() -> None:
    connections = 0

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        mine = connections
        await head_of(reader)
        if mine == 1:
            await asyncio.sleep(30)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d" % mine)
        await reader.read()

    async def main() -> Answer:
        async with serving(act) as port:
            wire = Wire(deadline=20.0)
            url = f"http://127.0.0.1:{port}/"
            task = asyncio.create_task(wire.send("PUT", url, {}, EMPTY))
            while not connections:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            answer = await wire.send("PUT", url, {}, EMPTY)
            await wire.aclose()
            return answer

    assert asyncio.run(main()).content == b"2"


def test_what_has_been_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "_KEEP_ALIVE_SECONDS", 0.0)
    seen = []

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await head_of(reader))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1")
        await reader.read()

    assert all(isinstance(one, Answer) for one in asked(act, times=2))
    assert len(seen) == 2


def test_a_name_is_looked_up_once_for_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        found, asked_for = loop.getaddrinfo, []

        async def counted(host: bytes, port: int, **how: Any) -> Any:
            asked_for.append(host)
            return await found(host, port, **how)

        monkeypatch.setattr(loop, "getaddrinfo", counted)
        async with serving(act) as port:
            wire = Wire(deadline=5.0)
            await asyncio.gather(*(wire.send("GET", f"http://localhost:{port}/", {}, EMPTY) for _ in range(8)))
            await wire.aclose()
        assert asked_for == [b"localhost"]

    asyncio.run(main())


def test_a_name_that_nobody_knows_has_never_left() -> None:
    async def main() -> None:
        wire = Wire(deadline=5.0)
        with pytest.raises(Fault, match="name cannot be resolved") as caught:
            await wire.send("PUT", "http://host.invalid/", {}, EMPTY)
        await wire.aclose()
        assert not caught.value.left

    asyncio.run(main())


@pytest.mark.parametrize("is_large", [True, False])
def test_a_download_comes_in_bits_and_stops_where_it_is_too_large(is_large: bool) -> None:
    size = 3 * MIB
    most = size - 1 if is_large else size

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")  # tells no length
        for _ in range(48):
            writer.write(b"x" * (size // 48))
            await writer.drain()

    async def main() -> None:
        got: list[bytes] = []
        async with serving(act) as port:
            wire = Wire(deadline=5.0)
            url = f"http://127.0.0.1:{port}/"
            if is_large:
                with pytest.raises(TooLarge):
                    await wire.read(url, {}, got.append, most=most)
            else:
                answer = await wire.read(url, {}, got.append, most=most)
                assert (answer.status, answer.received) == (200, size)
            await wire.aclose()
        assert len(b"".join(got)) <= most
        assert len(got) > 2

    asyncio.run(main())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_tls_is_spoken_with_the_service_itself_through_any_proxy(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_certificate: Callable[[Path, str], Path],
    scheme: str,
) -> None:
    file = make_certificate(tmp_path, "service.example")
    for name in ("SSL_CERT_DIR", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    seen: list[bytes] = []

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append(await head_of(reader))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    async def main() -> None:
        async with serving(service, ssl=context) as port:

            async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                seen.append(await head_of(reader))
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                there, back = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(passed_on(reader, back), passed_on(there, writer))

            how = {"ssl": context} if scheme == "https" else {}
            async with serving(proxy, **how) as at:
                monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://me:pw@localhost:{at}")
                wire = Wire(deadline=5.0)
                for _ in range(2):
                    answer = await wire.send("PUT", "https://service.example/a%3Ab", {"x": "y"}, EMPTY)
                    assert answer.content == b"{}"
                await wire.aclose()

    asyncio.run(main())
    through, *requests = seen
    assert through == (
        b"CONNECT service.example:443 HTTP/1.1\r\nhost: service.example:443\r\n"
        b"proxy-authorization: Basic bWU6cHc=\r\n\r\n"
    )
    assert (
        requests
        == [
            b"PUT /a%3Ab HTTP/1.1\r\nhost: service.example\r\nx: y\r\ncontent-length: 0\r\n\r\n",
        ]
        * 2
    )


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()
