"""What connections are made of: which certificates are trusted, compressed replies, one line for many clients."""

from __future__ import annotations

import asyncio
import gzip
import secrets
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.cloud.body import EMPTY
from fcdeploy.cloud.client import Client
from fcdeploy.cloud.exchange import Answer, Fault
from fcdeploy.cloud.indoors import Indoors
from fcdeploy.cloud.lines import Lines
from fcdeploy.cloud.wire import Wire
from fcdeploy.errors import NoReply
from fcdeploy.model import Call


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_certificate_is_trusted_where_the_environment_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_certificate: Callable[[Path, str], Path],
    is_trusted: bool,
) -> None:
    file = make_certificate(tmp_path, "service.example")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    arrived = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        await reader.readuntil(b"\r\n\r\n")
        arrived += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async def main() -> Answer:
        async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
            wire = Wire(deadline=20.0)
            try:
                port = server.sockets[0].getsockname()[1]
                return await wire.send("PUT", f"https://localhost:{port}/x", {}, EMPTY)
            finally:
                await wire.aclose()

    if is_trusted:
        assert asyncio.run(main()).content == b"{}"
        assert arrived == 1
        return
    with pytest.raises(Fault, match="certificate is not trusted") as caught:
        asyncio.run(main())
    assert (caught.value.left, arrived) == (False, 0)


@pytest.mark.parametrize("told", [True, False])
def test_a_large_reply_over_tls_is_whole_although_the_service_closes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_certificate: Callable[[Path, str], Path], told: bool
) -> None:
    """All of it may be there, and the end of the connection behind it, before the first of it is looked at."""
    file = make_certificate(tmp_path, "service.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    content = secrets.token_bytes(700_000)
    length = b"content-length: %d\r\n" % len(content) if told else b""

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        connection.settimeout(20.0)
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\n" + length + b"\r\n" + content)

    async def main() -> Answer:
        with socket.create_server(("127.0.0.1", 0)) as server:
            serving = asyncio.create_task(asyncio.to_thread(serve, server))
            wire = Wire(deadline=20.0)
            try:
                return await wire.send("GET", f"https://localhost:{server.getsockname()[1]}/x", {}, EMPTY)
            finally:
                await wire.aclose()
                await serving

    answer = asyncio.run(main())
    assert answer.content == content


def test_a_compressed_reply_is_counted_as_it_came(raw: Any, make_client: Callable[..., Client]) -> None:
    packed = gzip.compress(b'{"services": []}' + b" " * 5000)

    async def main() -> None:
        steps = (
            raw.answer(200, packed, content_encoding="gzip"),
            raw.answer(200, packed[:20], content_encoding="gzip"),
        )
        async with raw.server(*steps) as server, make_client(server.url) as client:
            call = Call(operation="ListServices", method="POST", path="/services")
            assert (await client.send(call)).body == {"services": []}
            assert client.tally.received == len(packed)
            with pytest.raises(NoReply, match="could not be read"):
                await client.send(call)

    asyncio.run(main())


def test_clients_share_their_connections_until_the_last_of_them_is_closed(
    raw: Any, make_client: Callable[..., Client]
) -> None:
    lines = Lines()

    async def main() -> None:
        call = Call(operation="GetService", method="GET", path="/services/s")
        async with raw.server(raw.answer()) as server:
            async with make_client(server.url, lines=lines) as one:
                async with make_client(server.url, lines=lines) as other:
                    await one.send(call)
                    await other.send(call)
                await one.send(call)
                assert server.connections == 1
            async with make_client(server.url, lines=lines) as later:
                await later.send(call)
            assert (len(server.received), server.connections) == (4, 2)

    asyncio.run(main())


def test_what_is_led_through_one_endpoint_shares_no_connection_with_other_hosts(
    raw: Any, make_client: Callable[..., Client]
) -> None:
    lines = Lines()

    async def main() -> None:
        call = Call(operation="GetService", method="GET", path="/services/s")
        async with raw.server(raw.answer()) as server, make_client(server.url, lines=lines) as one:
            async with make_client(server.url, lines=lines, host="other.fc.aliyuncs.com") as other:
                await one.send(call)
                await other.send(call)
            await one.send(call)
            assert (len(server.received), server.connections) == (3, 2)

    asyncio.run(main())


def test_an_application_that_hangs_is_given_up_like_a_service() -> None:
    async def hang(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Fault, match="no reply within") as caught:
        asyncio.run(Indoors(hang, deadline=0.05).send("PUT", "http://in.process/x", {}, EMPTY))
    assert caught.value.left
