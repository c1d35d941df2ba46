"""HTTP on the wire: the only module that uses aiohttp, and itself imported late (cold start, DESIGN 7).

aiohttp alone: httpx above it adds redirects, cookies and logins, which no call of ours may have, and even without them
takes as much processor time again. It is held to three things that it does not do by itself:

- the request target is sent byte for byte as it was signed, and no header that was not given;
- a request is sent once (aiohttp by itself sends a PUT or DELETE again when the connection breaks, and the second one
  would meet the effect of the first);
- a failure says whether the request can have left this machine.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import ipaddress
import os
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi

from fcdeploy.cloud.body import Body
from fcdeploy.cloud.exchange import Answer, TooLarge, kept
from fcdeploy.cloud.exchange import Fault as Fault
from fcdeploy.cloud.libraries import CIMultiDict, aiohttp, yarl
from fcdeploy.errors import UsageError

_CONNECT_SECONDS: Final = 10.0
_KEEP_ALIVE_SECONDS: Final = 50.0  # the service closes idle connections after 90 s (facts 3.2)
_SLOWEST: Final = 64 * 1024  # bytes a second that a line must bear before a large body meets its deadline
_STREAM_ABOVE: Final = 512 * 1024
_ERROR_BYTES: Final = 64 * 1024
_CHUNK: Final = 64 * 1024

# What aiohttp raises while a connection is being made; all its other errors come after that.
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
# What is compressed and broken off raises an EOFError.
_FAULTS = (aiohttp.ClientError, OSError, TimeoutError, zlib.error, EOFError)


class _Request(aiohttp.ClientRequest):
    """Has the headers that it was given, where aiohttp looks through each of them for what it could add."""

    def update_headers(self, headers: Any) -> None:
        """A signed request has its Host; what is fetched without a signature is given that of the URL."""
        self.headers = CIMultiDict(headers)
        if aiohttp.hdrs.HOST not in self.headers:
            self.headers[aiohttp.hdrs.HOST] = self.url.host_port_subcomponent or ""

    def update_auto_headers(self, skip_auto_headers: Any) -> None:
        """None is added, also not later on."""
        self._skip_auto_headers = _NEVER_ADDED


_NEVER_ADDED: Final = CIMultiDict[None]([(aiohttp.hdrs.CONTENT_TYPE, None)])


class Wire:
    """Connections to any number of services, and to whatever their pre-signed URLs lead to; an `exchange.Line`."""

    def __init__(self, *, deadline: float) -> None:
        self._deadline = deadline
        # How long a small call may take is left to `asyncio.timeout`: one timer for the call, not one for each read.
        self._brief = aiohttp.ClientTimeout(connect=_CONNECT_SECONDS, sock_connect=_CONNECT_SECONDS)
        self._session: aiohttp.ClientSession | None = None
        self._ways: dict[str, Mapping[str, Any]] = {}

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body, *, deadline: float | None = None
    ) -> Answer:
        """As `exchange.Line.send`."""
        deadline = self._deadline if deadline is None else deadline
        seconds = deadline + body.length / _SLOWEST
        whole = body.whole
        content: bytes | AsyncIterator[bytes] | None = whole or None
        silence = self._brief
        if whole is None or len(whole) > _STREAM_ABOVE:
            headers = {**headers, "content-length": str(body.length)}
            content, silence = _stream(body), self._patient(deadline)
        try:
            async with asyncio.timeout(seconds):
                response = await self._request(method, url, headers, data=content, timeout=silence)
                received = await response.read()
                return _answer(response, received)
        except _FAULTS as error:
            raise _fault(error, seconds) from error

    async def read(
        self,
        url: str,
        headers: Mapping[str, str],
        sink: Callable[[bytes], object],
        *,
        most: int,
        deadline: float | None = None,
    ) -> Answer:
        """As `exchange.Line.read`."""
        deadline = self._deadline if deadline is None else deadline
        seconds = deadline + most / _SLOWEST
        try:
            async with (
                asyncio.timeout(seconds),
                await self._request("GET", url, headers, timeout=self._patient(deadline)) as response,
            ):
                if response.status != 200:
                    beginning = await _beginning(response)
                    return Answer(response.status, _headers(response), beginning, len(beginning))
                if (response.content_length or 0) > most:
                    raise TooLarge
                taken = 0
                async for chunk in response.content.iter_chunked(_CHUNK):
                    taken += len(chunk)
                    if taken > most:
                        raise TooLarge
                    kept(chunk, sink)
                return Answer(response.status, _headers(response), b"", taken)
        except _FAULTS as error:
            # `from None`: the library's text may hold the URL, and a pre-signed URL is a key.
            raise _fault(error, seconds) from None

    async def aclose(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _request(self, method: str, url: str, headers: Mapping[str, str], **given: Any) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = _session()
        target = yarl.URL(url, encoded=True)
        return await self._session.request(
            method, target, headers=headers, allow_redirects=False, **self._way(url), **given
        )

    def _patient(self, silence: float) -> aiohttp.ClientTimeout:
        """For what takes long: so many seconds in which nothing comes."""
        return aiohttp.ClientTimeout(connect=_CONNECT_SECONDS, sock_connect=_CONNECT_SECONDS, sock_read=silence)

    def _way(self, url: str) -> Mapping[str, Any]:
        """How the origin of a URL is reached, as aiohttp takes it."""
        origin = "/".join(url.split("/", 3)[:3])
        way = self._ways.get(origin)
        if way is None:
            parts = urlsplit(url)
            proxy = environment_proxy(parts.scheme, parts.hostname or "")
            secure = "https" in (parts.scheme, (proxy or "").partition(":")[0])
            trusted = _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")) if secure else True
            way = self._ways[origin] = {"ssl": trusted, **(_through(proxy) if proxy else {})}
        return way


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


@cache  # 20 ms, which plain http need not spend, and many targets only once
def _trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The certificates that the environment names, else those that come with the program."""
    if file:
        return ssl.create_default_context(cafile=file)
    if folder:
        return ssl.create_default_context(capath=folder)
    return ssl.create_default_context(cafile=certifi.where())


def _session() -> aiohttp.ClientSession:
    # No bound on connections here: the limiter has the say. aiohttp itself sets TCP_NODELAY.
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS, ttl_dns_cache=300),
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=_Request,
        auto_decompress=False,  # what is counted is what came over the wire
        trust_env=False,
    )
    # aiohttp has no public switch for this; test_cloud_wire holds it to its meaning.
    session._retry_connection = False
    return session


def _through(proxy: str) -> Mapping[str, Any]:
    """What aiohttp is given to go through a proxy."""
    parts = urlsplit(proxy)
    headers = {}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        # aiohttp turns this into Proxy-Authorization, of the CONNECT or, for plain http, of the request itself.
        headers["authorization"] = f"Basic {base64.b64encode(login).decode('ascii')}"
    return {"proxy": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", "proxy_headers": headers}


async def _stream(body: Body) -> AsyncIterator[bytes]:
    for chunk in body.chunks():
        view = memoryview(chunk)
        for start in range(0, len(view), _STREAM_ABOVE):
            yield bytes(view[start : start + _STREAM_ABOVE])


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    content = b""
    async for chunk in response.content.iter_chunked(_CHUNK):
        content += chunk
        if len(content) > _ERROR_BYTES:
            break
    return content


def _answer(response: aiohttp.ClientResponse, received: bytes) -> Answer:
    headers = _headers(response)
    content = gzip.decompress(received) if headers.get("content-encoding", "").lower() == "gzip" else received
    return Answer(response.status, headers, content, len(received))


def _headers(response: aiohttp.ClientResponse) -> Mapping[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.raw_headers}


def _fault(error: BaseException, seconds: float) -> Fault:
    match error:
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            words = "the service's certificate is not trusted"
        case aiohttp.ClientConnectorDNSError():
            words = "the host's name cannot be resolved"
        case aiohttp.ClientSSLError():
            words = "no secure connection could be made"
        case aiohttp.ConnectionTimeoutError():
            words = f"no connection within {_CONNECT_SECONDS:.0f} s"
        case aiohttp.ClientHttpProxyError():
            words = f"the proxy refused with status {error.status}"
        case aiohttp.ClientConnectorError():
            words = f"no connection: {error.strerror or 'refused'}"
        case TimeoutError():
            words = f"no reply within {seconds:.0f} s"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | BrokenPipeError():
            words = "the connection broke before the reply"
        case aiohttp.ClientPayloadError():
            words = "the connection broke within the reply"
        case _:
            words = f"the reply could not be read ({type(error).__name__})"
    return Fault(words, left=not isinstance(error, _NEVER_LEFT))
