"""The emulator as an ASGI application: routing, latency, faults, authentication, the effect, the reply, the log.

Plain ASGI and no framework: one request costs one pass through :meth:`App._serve`. Operations are synchronous and
short (one SQLite transaction), so they run on the event loop; a request with a big body runs in a thread, because
decoding and hashing an archive would keep every other client waiting.
"""

import asyncio
import json
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from fcdeploy.emulator import codelink, control
from fcdeploy.emulator.alibaba import metadata, sts, upload
from fcdeploy.emulator.alibaba.dialect import ALIBABA
from fcdeploy.emulator.dialect import Dialect, HeaderPairs
from fcdeploy.emulator.errors import ApiError
from fcdeploy.emulator.exchange import Json, Reply, Request
from fcdeploy.emulator.faults import Rule
from fcdeploy.emulator.huawei.dialect import HUAWEI
from fcdeploy.emulator.json_body import BadBody, parse_object
from fcdeploy.emulator.routes import Route
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.emulator.times import to_http_date, to_utc_text
from fcdeploy.emulator.touch import write_touch
from fcdeploy.emulator.world import World

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DIALECTS: tuple[Dialect, ...] = (ALIBABA, HUAWEI)
_THREAD_BODY = 262_144  # bytes of body from which an operation leaves the event loop
_DRAIN_LIMIT = 536_870_912  # bytes read and thrown away, so that a client over the limit can read its error
_CLOSING = 1.0  # seconds that a dropped connection gets to send what was written before
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class _Dropped(Exception):
    """The connection is to be closed without (the rest of) a reply."""


class App:
    """The ASGI application. ``world`` is its contents; :meth:`close` releases the database and the log."""

    def __init__(self, settings: EmulatorSettings, dialects: Sequence[Dialect] = DIALECTS) -> None:
        self.world = World(settings)
        self.dialects = tuple(dialects)
        self._by_segment = {segment: dialect for dialect in dialects for segment in dialect.first_segments}
        self._prefix = settings.path_prefix.rstrip("/")

    def close(self) -> None:
        """Release the database and the log file."""
        self.world.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            raise RuntimeError(f"the emulator serves no {scope['type']}")

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        raw = scope.get("raw_path")
        path = raw.decode("latin-1") if raw is not None else quote(scope["path"])
        if self._prefix and path.startswith(f"{self._prefix}/"):
            path = path[len(self._prefix) :]
        request = Request(
            method=scope["method"],
            raw_path=path,
            raw_query=scope["query_string"].decode("latin-1"),
            headers={key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]},
            body=b"",
            scheme=scope.get("scheme", "http"),
            server=scope.get("server"),
            request_id=_request_id(),
            now=self.world.settings.clock(),
        )
        request.world = self.world
        if path.startswith(control.PREFIX):
            request.body = await _read_body(receive, request, 16_777_216) or b""
            await _write_reply(send, control.answer(self, request, scope.get("client")), [], request)
            return
        entry = _log_entry(request)
        status, code, sent = 0, "", 0
        try:
            status, code, sent = await self._answer(request, scope, receive, send, entry)
        except _Dropped:
            await _close(scope, receive)
        finally:
            entry["status"] = status
            entry["code"] = code
            entry["bytesIn"] = len(request.body)
            if self.world.settings.log_bodies:
                entry["body"] = _logged_body(request.body)
            entry["bytesOut"] = sent
            entry["durationMs"] = round((time.perf_counter() - started) * 1000, 3)
            self.world.log.append(entry)

    async def _answer(
        self, request: Request, scope: Scope, receive: Receive, send: Send, entry: Json
    ) -> tuple[int, str, int]:
        """Produce and write the reply; return its status, error code and size."""
        segments = request.raw_path.split("/")[1:]
        dialect = self._by_segment.get(segments[0], self.dialects[0])
        rules: list[Rule] = []
        code = ""
        try:
            uploading = upload.is_upload(request)
            limit = upload.OBJECT_LIMIT if uploading else self.world.settings.body_limit
            body = await _read_body(receive, request, limit)
            if body is None:
                raise dialect.too_large(limit)
            request.body = body
            if uploading:
                entry["operation"] = "PutObject"
                reply = await asyncio.to_thread(upload.answer, request)
            elif request.raw_path.startswith(codelink.PREFIX):
                reply = codelink.read_link(request)
            elif sts.is_call(request) or metadata.is_call(request):
                reply = await self._give_keys(request, dialect, receive, entry, rules)
            else:
                reply = await self._operate(request, dialect, segments, receive, entry, rules)
        except ApiError as error:
            code = error.code
            reply = Reply(
                status=error.status, body=dialect.error_body(error, request.request_id), headers=error.headers
            )
        except sqlite3.Error:  # a full disk, a lock held for too long: the effect was rolled back
            failure = dialect.internal_error()
            code = failure.code
            reply = Reply(status=failure.status, body=dialect.error_body(failure, request.request_id))
        reply, code = await self._spoil(rules, reply, code, request, dialect, receive)
        if self.world.settings.latency:
            await asyncio.sleep(self.world.settings.latency / 2)
        cut = any(rule.truncate for rule in rules)
        sent = await _write_reply(send, reply, dialect.reply_headers(request.request_id), request, cut=cut)
        return reply.status, code, sent

    async def _give_keys(
        self, request: Request, dialect: Dialect, receive: Receive, entry: Json, rules: list[Rule]
    ) -> Reply:
        """Serve what stands beside the API and gives out keys: STS, and the metadata of an instance."""
        asked = sts.is_call(request)
        name = sts.operation(request) if asked else "InstanceMetadata"
        entry["operation"] = name
        # An id token would be in it, and a signature.
        entry["query"] = f"Action={name}" if asked else ""
        rules += self.world.faults.due(request.method, request.raw_path, name)
        for rule in rules:
            if rule.when == "before":
                await self._spoil_with(rule, dialect, receive)
        return (sts.answer if asked else metadata.answer)(request, self.world.settings)

    async def _operate(
        self,
        request: Request,
        dialect: Dialect,
        segments: list[str],
        receive: Receive,
        entry: Json,
        rules: list[Rule],
    ) -> Reply:
        """Route, authenticate and carry out one operation; ``rules`` collects the faults that are due."""
        world = self.world
        if segments[0] not in dialect.first_segments:
            raise dialect.path_not_supported(request.method, request.raw_path)
        request.tenant = dialect.tenant(request, world.settings)
        entry["account"], entry["region"] = request.tenant.account, request.tenant.region
        found = dialect.routes.find(request.method, segments)
        route = None if found is None else found[0]
        if route is not None:
            entry["operation"] = route.operation
        area = None
        if world.settings.strict_concurrency and route is not None and found is not None:
            request.params = found[1]
            area = dialect.write_area(request, route)
            if area is not None and not world.begin_write(request.tenant, area):
                raise dialect.overlapping_write()
        try:
            if world.settings.latency:
                await asyncio.sleep(world.settings.latency / 2)
            big = len(request.body) > _THREAD_BODY
            if world.settings.check_signatures:
                if big:
                    await asyncio.to_thread(dialect.authenticate, request, world.settings)
                else:
                    dialect.authenticate(request, world.settings)
            if world.faults.active:
                await self._apply_faults(request, dialect, route, receive, rules)
            if found is None or route is None:
                raise dialect.path_not_supported(request.method, request.raw_path)
            request.version = segments[0]
            request.params = _decoded(found[1], dialect)
            for rule in rules:
                if rule.touch is not None and rule.when == "before":
                    write_touch(request, dialect, route, rule.touch)
            if big:
                reply = await asyncio.to_thread(route.call, request)
            else:
                reply = route.call(request)
            for rule in rules:
                if rule.touch is not None and rule.when == "after":
                    write_touch(request, dialect, route, rule.touch)
            return reply
        finally:
            if area is not None:
                world.end_write(request.tenant, area)

    async def _apply_faults(
        self,
        request: Request,
        dialect: Dialect,
        route: Route | None,
        receive: Receive,
        rules: list[Rule],
    ) -> None:
        """Throttle, and let the faults that come before the effect happen."""
        refusal = self.world.faults.throttled(request.tenant.account, request.tenant.region, time.monotonic())
        if refusal is not None:
            raise dialect.throttled(refusal.retry_after)
        rules += self.world.faults.due(request.method, request.raw_path, route.operation if route else "")
        for rule in rules:
            if rule.when == "before":
                await self._spoil_with(rule, dialect, receive)

    async def _spoil_with(self, rule: Rule, dialect: Dialect, receive: Receive) -> None:
        if rule.delay:
            await asyncio.sleep(rule.delay)
        if rule.timeout:
            await _hang(receive, rule.timeout)
        if rule.disconnect:
            raise _Dropped
        if rule.status:
            headers = (("Retry-After", rule.retry_after),) if rule.retry_after else ()
            raise ApiError(rule.status, rule.code, rule.message, headers)

    async def _spoil(
        self, rules: list[Rule], reply: Reply, code: str, request: Request, dialect: Dialect, receive: Receive
    ) -> tuple[Reply, str]:
        """Let the faults happen that come after the effect and before the reply."""
        for rule in rules:
            if rule.when == "after":
                try:
                    await self._spoil_with(rule, dialect, receive)
                except ApiError as error:
                    body = dialect.error_body(error, request.request_id)
                    return Reply(status=error.status, body=body, headers=error.headers), error.code
        return reply, code


def create_app(settings: EmulatorSettings) -> App:
    """Return the emulator as an ASGI application; its contents are open from now on, :meth:`App.close` ends that."""
    return App(settings)


def _request_id() -> str:
    """Return 36 characters in the form of a UUID (facts 3.2), at a tenth of the price of ``uuid4``."""
    text = secrets.token_hex(16)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _log_entry(request: Request) -> Json:
    now = request.now
    return {
        "ts": f"{to_utc_text(int(now))[:-1]}.{int(now % 1 * 1000):03d}Z",
        "method": request.method,
        "path": request.raw_path[:4096],
        "query": request.raw_query[:4096],
        "status": 0,
        "code": "",
        "operation": "",
        "account": "",
        "region": "",
        "ifMatch": request.headers.get("if-match"),
        "requestId": request.request_id,
        "durationMs": 0.0,
        "bytesIn": 0,
        "bytesOut": 0,
    }


def _logged_body(body: bytes) -> Json | None:
    try:
        return parse_object(body) if body else None
    except BadBody:
        return None


def _decoded(params: tuple[str, ...], dialect: Dialect) -> tuple[str, ...]:
    try:
        return tuple(unquote(each, errors="strict") if "%" in each else each for each in params)
    except UnicodeDecodeError:
        raise dialect.malformed_path() from None


async def _read_body(receive: Receive, request: Request, limit: int) -> bytes | None:
    """Return the whole body, or None when it is over ``limit`` (it is then read to its end and thrown away)."""
    declared = request.headers.get("content-length", "")
    over = declared.isdigit() and len(declared) < 20 and int(declared) > limit
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Dropped
        part = message.get("body", b"")
        size += len(part)
        over = over or size > limit
        if over:
            parts.clear()
            if size > limit + _DRAIN_LIMIT:
                raise _Dropped
        elif part:
            parts.append(part)
        if not message.get("more_body", False):
            return None if over else (parts[0] if len(parts) == 1 else b"".join(parts))


async def _hang(receive: Receive, seconds: float) -> None:
    """Say nothing for ``seconds``, or until the client gives up; then the connection is closed."""
    await _gone(receive, seconds)
    raise _Dropped


async def _gone(receive: Receive, seconds: float) -> bool:
    """Wait until the connection is closed, at most ``seconds``; whether it is."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(gone(), seconds)
    except TimeoutError:
        return False
    return True


async def _close(scope: Scope, receive: Receive) -> None:
    """Close the connection under the request; without one (in process) the caller gets ConnectionResetError."""
    transport = scope.get("extensions", {}).get("fcdeploy.transport")
    if transport is None:
        raise ConnectionResetError("the emulator dropped the connection")
    transport.close()
    # The server holds a return before the connection is gone for a mistake, and says so on stderr.
    if not await _gone(receive, _CLOSING):
        transport.abort()


async def _write_reply(send: Send, reply: Reply, headers: HeaderPairs, request: Request, *, cut: bool = False) -> int:
    """Write a reply and return the size of its body. ``cut``: half of the body is kept back and the line dropped."""
    if reply.raw is not None:
        content = reply.raw
    else:
        content = b"" if reply.body is None else _encode(reply.body).encode("utf-8", "replace")
    if content or reply.raw is not None:
        headers.append((b"Content-Type", reply.content_type.encode()))
    if reply.status != 204:
        headers.append((b"Content-Length", str(len(content)).encode()))
    headers.append((b"Date", to_http_date(int(request.now)).encode()))
    if request.headers.get("connection", "").lower() != "close":
        headers.append((b"Connection", b"keep-alive"))
    if reply.etag is not None:
        headers.append((b"Etag", reply.etag.encode()))
    headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if cut:
        await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
        raise _Dropped
    await send({"type": "http.response.body", "body": content})
    return len(content)
