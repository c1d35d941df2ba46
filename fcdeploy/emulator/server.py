"""The emulator on a socket: uvicorn with httptools, for the command line and, in a thread, for tests."""

import asyncio
import json
import socket
import threading
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fcdeploy.emulator.alibaba.errors import invalid_argument, to_error_body
from fcdeploy.emulator.app import App, Message, Receive, Scope, Send, create_app
from fcdeploy.emulator.exchange import Json
from fcdeploy.emulator.settings import EmulatorSettings

KEEP_ALIVE = 90  # seconds an idle connection is kept (facts 3.2)
_SHUTDOWN = 5  # seconds that running requests get at the end


class _Spelled(bytes):
    """A header name that uvicorn writes as it is spelled; it lower-cases the others (``Etag``, facts 3.2)."""

    def lower(self) -> bytes:
        return self


_SPELLED = {
    name: _Spelled(name)
    for name in (
        b"Etag",
        b"X-Fc-Request-Id",
        b"Content-Type",
        b"Date",
        b"Access-Control-Expose-Headers",
        b"Retry-After",
    )
}


Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


def _on_socket(app: Asgi) -> Asgi:
    """Return ``app`` with its header names written as they are spelled."""

    async def serve_scope(scope: Scope, receive: Receive, send: Send) -> None:
        def send_spelled(message: Message) -> Awaitable[None]:
            headers = message.get("headers")
            if headers is not None:
                message["headers"] = [(_SPELLED.get(name, name), value) for name, value in headers]
            return send(message)

        await app(scope, receive, send_spelled)

    return serve_scope


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with the connection in the scope (faults close it) and JSON for what is not HTTP."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"fcdeploy.transport": self.transport}  # type: ignore[dict-item]

    def send_400_response(self, msg: str) -> None:
        request_id = str(uuid.uuid4())
        content = json.dumps(to_error_body(invalid_argument(msg), request_id)).encode()
        head = (
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"X-Fc-Request-Id: {request_id}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + content)
        self.transport.close()


def _uvicorn_config(app: Asgi) -> uvicorn.Config:
    return uvicorn.Config(
        _on_socket(app),
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=_SHUTDOWN,
        backlog=2048,
    )


def _listening_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    settings: EmulatorSettings,
    host: str = "127.0.0.1",
    port: int = 9000,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; running requests may end, then the database is closed.

    ``port`` 0 takes a free one. ``on_ready`` is called with the address (``http://127.0.0.1:9000``) once the socket
    accepts connections: a client that connects after it is served.

    Raises:
        OSError: the address is in use or not ours.
        BadFaults: the faults file is not one.
    """
    listener = _listening_socket(host, port)
    with listener:
        app = create_app(settings)
        try:
            if on_ready is not None:
                on_ready(_address(listener))
            uvicorn.Server(_uvicorn_config(app)).run(sockets=[listener])
        finally:
            app.close()


@dataclass(frozen=True, slots=True)
class Handle:
    """A running server of :func:`start_in_thread`. ``url`` is ``http://127.0.0.1:PORT``."""

    url: str
    app: App
    _server: uvicorn.Server
    _thread: threading.Thread

    def entries(self) -> list[Json]:
        """The request log, with every request whose reply has been read: one is noted after its reply is written."""
        (server,) = self._server.servers
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), server.get_loop()).result(timeout=60)
        return self.app.world.log.entries()

    def stop(self) -> None:
        """End the server, its thread and its database; a second call does nothing."""
        self._server.should_exit = True
        self._thread.join(timeout=_SHUTDOWN + 10)
        self.app.close()

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _ThreadServer(uvicorn.Server):
    """A server that leaves the process's signals alone and says when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


def start_in_thread(
    settings: EmulatorSettings,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    through: Callable[[Asgi], Asgi] = lambda app: app,
) -> Handle:
    """Start a server in a thread of this process and return when it accepts connections.

    ``through`` may put something between the socket and the emulator, as ASGI middleware.

    Raises:
        RuntimeError: it did not come up within ten seconds.
    """
    app = create_app(settings)
    listener = _listening_socket(host, port)
    url = _address(listener)
    server = _ThreadServer(_uvicorn_config(through(app)))

    def run() -> None:
        with listener:
            asyncio.run(server.serve(sockets=[listener]))

    thread = threading.Thread(target=run, name="fcdeploy-emulator", daemon=True)
    thread.start()
    if not server.accepting.wait(timeout=10):
        server.should_exit = True
        raise RuntimeError("the emulator did not start")
    return Handle(url, app, server, thread)
