"""A raw HTTP server on loopback that misbehaves to order."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import io
import json
import selectors
import socket
import struct
import zipfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastcrc import crc64

from fcdeploy.cloud.client import Client
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.keys import Keys
from fcdeploy.cloud.limiter import Limiter
from fcdeploy.cloud.lines import Lines
from fcdeploy.model import ArchiveRef

HOST = "1234567890123456.cn-hangzhou.fc.aliyuncs.com"


@dataclass
class Received:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Step = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 200, body: bytes | object = b"{}", **headers: str) -> Step:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def send(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} X", f"content-length: {len(content)}", "content-type: application/json"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        await writer.drain()

    return send


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection without a reply."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def half(writer: asyncio.StreamWriter) -> None:
    """Promise a hundred bytes, give nine, hang up."""
    writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\r\n{"half":1')
    await writer.drain()
    writer.close()


async def garbage(writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()
    writer.close()


async def silence(writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


@dataclass
class RawServer:
    """Answers the n-th request with the n-th step, and all further ones with the last; remembers what it received."""

    steps: list[Step]
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    url: str = ""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> RawServer:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            while not writer.is_closing():
                self.received.append(await self._read(reader))
                step = self.steps[min(len(self.received), len(self.steps)) - 1]
                await step(writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client hung up, or the test is over
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Received:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in headers.items()}
        assert "transfer-encoding" not in headers
        return Received(method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))


@pytest.fixture
def raw() -> Any:
    """The server and its ways to answer."""

    class Raw:
        HOST = HOST

        @staticmethod
        def server(*steps: Step) -> RawServer:
            return RawServer(list(steps))

    for step in (answer, reset, half, garbage, silence):
        setattr(Raw, step.__name__, staticmethod(step))
    return Raw


@pytest.fixture
def naps() -> list[float]:
    """The waits that clients of `make_client` took; none of them is really slept."""
    return []


@pytest.fixture
def make_client(tmp_path: Path, naps: list[float]) -> Callable[..., Client]:
    """Makes clients whose waits are counted and whose clock shows only those waits."""

    async def sleep(seconds: float) -> None:
        naps.append(seconds)
        await asyncio.sleep(0)

    def make(base_url: str, **changed: Any) -> Client:
        given: dict[str, Any] = {
            "scheme": "fc",
            "api": "2016-08-15",
            "host": HOST,
            "base_url": base_url,
            "keys": Keys.of(Credentials(access_key_id="LTAItest", access_key_secret="secret0123456789")),
            "account": "1234567890123456",
            "archives": lambda digest: tmp_path / digest,
            "chance": lambda: 0.5,
            "clock": lambda: sum(naps),
            "sleep": sleep,
        }
        given["limiter"] = Limiter(changed.pop("parallelism", 4))
        given["lines"] = Lines(changed.pop("app", None))
        return Client(**given | changed)

    return make


class _NoSockets(selectors.SelectSelector):
    """Nothing ever comes from outside: to wait is to move the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits for somebody else"
        self.now += max(0.0, timeout)
        return []


class _VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes at once."""

    def __init__(self) -> None:
        self._clockwork = _NoSockets()
        super().__init__(self._clockwork)

    def time(self) -> float:
        return self._clockwork.now


@pytest.fixture(scope="session")
def run_virtually() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a coroutine that waits for timers only; hours of them take no time."""

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
            return runner.run(main)

    return run


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port that refuses connections: taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def _archive(folder: Path) -> tuple[bytes, ArchiveRef]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("index.py", "def handler(event, context): return event")
        file.writestr("blob", b"\0" * 700_000)  # stored: large enough to be read while it is sent
    content = buffer.getvalue()
    ref = ArchiveRef(
        sha256=hashlib.sha256(content).hexdigest(),
        crc64=str(crc64.xz(content)),
        size=len(content),
        sha512=hashlib.sha512(content).hexdigest(),
        md5=hashlib.md5(content).hexdigest(),
    )
    (folder / ref.sha256).write_bytes(content)
    return content, ref


@pytest.fixture
def archive() -> Callable[[Path], tuple[bytes, ArchiveRef]]:
    """Writes an archive into a folder, under the name by which a client looks for it."""
    return _archive


def _certificate(folder: Path, other: str) -> Path:
    """A certificate of "localhost" and another host that nobody has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName(other)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "own.pem"
    form = serialization.Encoding.PEM
    secret = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(made.public_bytes(form) + secret)
    return file


@pytest.fixture
def make_certificate() -> Callable[[Path, str], Path]:
    """Makes the certificate of a host, to be found in a folder."""
    return _certificate
