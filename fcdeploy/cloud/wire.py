"""HTTP on the wire: the only module that imports httpx, and itself imported late (cold start, DESIGN 7).

httpx over aiohttp, at the level of httpx's transports: its client adds redirects, cookies and logins, which no call of
ours may have, and half as much processor time again. It is held to three things that the libraries do not do by
themselves:

- the request target is sent byte for byte as it was signed (aiohttp would turn `%3A` into `:`);
- a request is sent once (aiohttp by itself sends a PUT or DELETE again when the connection breaks, and the second one
  would meet the effect of the first);
- a failure says whether the request can have left this machine.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from fcdeploy.cloud.body import Body
from fcdeploy.cloud.libraries import aiohttp, httpx, httpx_aiohttp, yarl
from fcdeploy.errors import UsageError

App = Callable[..., Any]
"""An ASGI application."""

_CONNECT_SECONDS = 10.0
_KEEP_ALIVE_SECONDS = 50.0  # the service closes idle connections after 90 s (facts 3.2)
_SLOWEST = 64 * 1024  # bytes a second that a line must bear before a large body meets its deadline
_STREAM_ABOVE = 512 * 1024
_ERROR_BYTES = 64 * 1024

# What aiohttp raises while a connection is being made; all its other errors come after that.
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
_FAULTS = (httpx.HTTPError, aiohttp.ClientError, OSError, TimeoutError)

_target: ContextVar[yarl.URL] = ContextVar("target")


class Fault(Exception):
    """No whole reply; `left` says whether the request can have reached the service."""

    def __init__(self, words: str, *, left: bool) -> None:
        super().__init__(words)
        self.words = words
        self.left = left


class TooLarge(Exception):
    """The reply is larger than the caller allows."""


class Unwritable(Exception):
    """What was received could not be kept; not a fault of the network."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole reply; header names are lower case, `received` counts the bytes of the body on the wire."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    received: int


class _ExactRequest(aiohttp.ClientRequest):
    """Sends the target as it was given and not as yarl would spell it."""

    def __init__(self, method: str, url: yarl.URL, **rest: Any) -> None:
        super().__init__(method, _target.get(), **rest)


class Wire:
    """Connections to one service and to whatever its pre-signed URLs lead to; `app` replaces the network."""

    def __init__(self, *, deadline: float, app: App | None = None) -> None:
        self._deadline = deadline
        self._app = app
        self._timeouts = httpx.Timeout(deadline, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS).as_dict()
        self._transports: dict[tuple[str, str | None], httpx.AsyncBaseTransport] = {}
        self._by_origin: dict[str, httpx.AsyncBaseTransport] = {}
        self._origins: dict[str, httpx.URL] = {}

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body, *, deadline: float | None = None
    ) -> Answer:
        """One request and its whole reply; raises Fault. Redirects are replies like any other.

        `deadline` is in seconds, for a body that is small; without it, that of the wire.
        """
        request = self._request(method, url, headers, body)
        seconds = self._seconds(body.length, deadline)
        try:
            async with asyncio.timeout(seconds):
                response = await self._transport(url).handle_async_request(request)
                try:
                    content = await response.aread()
                finally:
                    await response.aclose()
        except _FAULTS as error:
            raise _fault(error, seconds) from error
        return _answer(response, content)

    async def read(self, url: str, headers: Mapping[str, str], sink: Callable[[bytes], object], *, most: int) -> Answer:
        """GET `url` and hand the body of a 200 to `sink` bit by bit; the deadline is for each silence, not the whole.

        Raises Fault, TooLarge beyond `most` bytes, and Unwritable when `sink` raises an OSError.
        """
        request = self._request("GET", url, headers, Body((), 0))
        seconds = self._seconds(most)
        try:
            async with asyncio.timeout(seconds):
                response = await self._transport(url).handle_async_request(request)
                try:
                    if response.status_code != 200:
                        return _answer(response, await _beginning(response))
                    if int(response.headers.get("content-length", 0)) > most:
                        raise TooLarge
                    taken = 0
                    async for chunk in response.aiter_bytes():
                        taken += len(chunk)
                        if taken > most:
                            raise TooLarge
                        try:
                            sink(chunk)
                        except OSError as error:
                            raise Unwritable(error) from error
                    return _answer(response, b"")
                finally:
                    await response.aclose()
        except _FAULTS as error:
            # `from None`: the library's text may hold the URL, and a pre-signed URL is a key.
            raise _fault(error, seconds) from None

    async def aclose(self) -> None:
        """Close every connection."""
        transports = list(self._transports.values())
        self._transports.clear()
        self._by_origin.clear()
        for transport in transports:
            await transport.aclose()

    def _request(self, method: str, url: str, headers: Mapping[str, str], body: Body) -> httpx.Request:
        _target.set(yarl.URL(url, encoded=True))
        whole = body.whole
        content: bytes | AsyncIterator[bytes] = b"" if whole is None else whole
        if whole is None or len(whole) > _STREAM_ABOVE:
            headers = {**headers, "content-length": str(body.length)}
            content = _stream(body)
        # On the network only the origin counts, as the target is given above: reading whole URLs is a tenth of a call.
        where: str | httpx.URL = url if self._app else self._origin(url)
        return httpx.Request(method, where, headers=headers, content=content, extensions={"timeout": self._timeouts})

    def _origin(self, url: str) -> httpx.URL:
        origin = "/".join(url.split("/", 3)[:3])
        if origin not in self._origins:
            self._origins[origin] = httpx.URL(origin)
        return self._origins[origin]

    def _seconds(self, size: int, deadline: float | None = None) -> float:
        return (self._deadline if deadline is None else deadline) + size / _SLOWEST

    def _transport(self, url: str) -> httpx.AsyncBaseTransport:
        origin = "/".join(url.split("/", 3)[:3])
        transport = self._by_origin.get(origin)
        if transport is None:
            parts = urlsplit(url)
            key = (parts.scheme, None if self._app else environment_proxy(parts.scheme, parts.hostname or ""))
            if key not in self._transports:
                self._transports[key] = httpx.ASGITransport(self._app) if self._app else _transport(*key)
            transport = self._by_origin[origin] = self._transports[key]
        return transport


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def environment_proxy(scheme: str, host: str) -> str | None:
    """The proxy that the environment names for a host; a loopback host never has one.

    Raises UsageError for a kind of proxy that cannot be used.
    """
    if is_loopback(host):
        return None
    named = getproxies()
    proxy = named.get(scheme) or named.get("all")
    if not proxy or proxy_bypass(host):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        kind = proxy.partition("://")[0]
        raise UsageError(f"a proxy of kind {kind} cannot be used", hint="name an http:// proxy in HTTPS_PROXY")
    return proxy


def _transport(scheme: str, proxy: str | None) -> httpx_aiohttp.AiohttpTransport:
    # Reading the certificate store takes 20 ms, which plain http need not spend.
    context = httpx.create_ssl_context(verify=scheme == "https")
    return httpx_aiohttp.AiohttpTransport(
        verify=context, client=lambda: _session(context), proxy=_proxy(proxy) if proxy else None
    )


def _session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    # No bound on connections here: the limiter has the say. aiohttp itself sets TCP_NODELAY.
    connector = aiohttp.TCPConnector(ssl=context, limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS, ttl_dns_cache=300)
    session = aiohttp.ClientSession(
        connector=connector,
        request_class=_ExactRequest,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("accept", "accept-encoding", "user-agent", "content-type"),
        trust_env=False,
    )
    # aiohttp has no public switch for this; test_cloud_wire holds it to its meaning.
    session._retry_connection = False
    return session


def _proxy(url: str) -> httpx.Proxy:
    parts = urlsplit(url)
    headers = {}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        # aiohttp turns this into Proxy-Authorization, of the CONNECT or, for plain http, of the request itself.
        headers["authorization"] = f"Basic {base64.b64encode(login).decode('ascii')}"
    return httpx.Proxy(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", headers=headers)


async def _stream(body: Body) -> AsyncIterator[bytes]:
    for chunk in body.chunks():
        view = memoryview(chunk)
        for start in range(0, len(view), _STREAM_ABOVE):
            yield bytes(view[start : start + _STREAM_ABOVE])


async def _beginning(response: httpx.Response) -> bytes:
    content = b""
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _ERROR_BYTES:
            break
    return content


def _answer(response: httpx.Response, content: bytes) -> Answer:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}
    return Answer(response.status_code, headers, content, response.num_bytes_downloaded)


def _fault(error: BaseException, seconds: float) -> Fault:
    # httpx-aiohttp files a connection broken in the middle under ConnectTimeout: only the cause can be trusted.
    origin = error.__cause__ if isinstance(error, httpx.TransportError) and error.__cause__ else error
    match origin:
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            words = "the service's certificate is not trusted"
        case aiohttp.ClientConnectorDNSError():
            words = "the host's name cannot be resolved"
        case aiohttp.ClientSSLError():
            words = "no secure connection could be made"
        case aiohttp.ConnectionTimeoutError():
            words = f"no connection within {_CONNECT_SECONDS:.0f} s"
        case aiohttp.ClientHttpProxyError():
            words = f"the proxy refused with status {origin.status}"
        case aiohttp.ClientConnectorError():
            words = f"no connection: {origin.strerror or 'refused'}"
        case TimeoutError():
            words = f"no reply within {seconds:.0f} s"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | BrokenPipeError():
            words = "the connection broke before the reply"
        case aiohttp.ClientPayloadError():
            words = "the connection broke within the reply"
        case _:
            words = f"the reply could not be read ({type(origin).__name__})"
    return Fault(words, left=not isinstance(origin, _NEVER_LEFT))
