"""How the origin of a URL is reached: addresses, proxies of the environment, TLS. Whatever fails here never left."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import socket
import ssl
import sys
from collections import deque
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from aiohappyeyeballs import start_connection
from msgspec import Struct, field

from fcdeploy.cloud.connection import Connection
from fcdeploy.cloud.exchange import Fault
from fcdeploy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Coroutine

_CONNECT_SECONDS: Final = 10.0
_KEEP_ALIVE_SECONDS: Final = 50.0  # the service closes idle connections after 90 s (facts 3.2)
_ADDRESS_SECONDS: Final = 300.0
_NEXT_ADDRESS_AFTER: Final = 0.25  # seconds; what RFC 8305 recommends
_PORTS: Final = {"http": 80, "https": 443}


class Peer(Struct, frozen=True, kw_only=True):
    """What a TCP connection is made to, and whether TLS is spoken with it."""

    host: str
    port: int
    is_secure: bool


class Proxy(Struct, frozen=True, kw_only=True):
    """What a request goes through, and the header that lets it through."""

    peer: Peer
    login: str


class Way(Struct, kw_only=True):
    """To one origin; `name` is its Host header, `before` what precedes the path in a request line."""

    peer: Peer
    name: str
    before: str
    login: str = ""
    through: Proxy | None
    idle: deque[Connection] = field(default_factory=deque)

    def idle_connection(self, now: float) -> Connection | None:
        """The one that was used last, if it still can be; `now` is of `time.monotonic`."""
        while self.idle:
            connection = self.idle.pop()
            if connection.is_usable and now - connection.idle_since < _KEEP_ALIVE_SECONDS:
                return connection
            connection.abort()
        return None


def way_to(origin: str) -> Way:
    """The way to an origin, such as `https://host:8443`.

    Raises UsageError for a proxy that cannot be used, ValueError for what is no origin.
    """
    parts = urlsplit(origin)
    peer = _peer(parts)
    named = environment_proxy(parts.scheme, peer.host)
    if named is None:
        return Way(peer=peer, name=parts.netloc, before="", through=None)
    split = urlsplit(named)
    login = ""
    if split.username is not None:
        pair = f"{unquote(split.username)}:{unquote(split.password or '')}".encode()
        login = f"proxy-authorization: Basic {base64.b64encode(pair).decode('ascii')}\r\n"
    proxy = Proxy(peer=_peer(split), login=login)
    if peer.is_secure:
        return Way(peer=peer, name=parts.netloc, before="", through=proxy)
    return Way(peer=peer, name=parts.netloc, before=origin, login=login, through=proxy)


class Roads:
    """Makes connections; a host's addresses are looked up once for all of them."""

    def __init__(self) -> None:
        self._addresses: dict[tuple[str, int], tuple[float, asyncio.Task[list[Any]]]] = {}

    async def opened(self, way: Way, seconds: float) -> Connection:
        """A new connection on which requests can be sent. Raises Fault, at the latest after so many seconds."""
        seconds = min(seconds, _CONNECT_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                if way.through is None:
                    return await self._connection(way.peer)
                if not way.peer.is_secure:
                    return await self._connection(way.through.peer)
                return await self._tunnel(way, way.through, seconds)
        except Fault:
            raise
        except (OSError, TimeoutError) as error:
            raise Fault(_words(error, seconds), left=False) from error

    async def _connection(self, peer: Peer) -> Connection:
        reached = await start_connection(
            await self._found(peer.host, peer.port), happy_eyeballs_delay=_NEXT_ADDRESS_AFTER
        )
        secure: dict[str, Any] = {"ssl": _trusted(), "server_hostname": peer.host} if peer.is_secure else {}
        _, connection = await asyncio.get_running_loop().create_connection(Connection, sock=reached, **secure)
        return connection

    async def _tunnel(self, way: Way, proxy: Proxy, seconds: float) -> Connection:
        """Through a proxy that only passes on what is sent to the other end."""
        first = await self._connection(proxy.peer)
        try:
            end = f"{_bracketed(way.peer.host)}:{way.peer.port}"
            request = f"CONNECT {end} HTTP/1.1\r\nhost: {end}\r\n{proxy.login}\r\n"
            raw = await first.open_tunnel(request.encode("latin-1"), seconds)
            if not 200 <= first.status < 300:
                raise Fault(f"the proxy refused with status {first.status}", left=False)
            connection = Connection()
            loop = asyncio.get_running_loop()
            secure = await loop.start_tls(raw, connection, _trusted(), server_hostname=way.peer.host)
            if secure is None:
                raise ConnectionAbortedError("closed in the middle")
            connection.connection_made(secure)
            return connection
        except Fault as fault:
            first.abort()
            raise Fault(fault.words, left=False) from None
        except BaseException:
            first.abort()
            raise

    async def _found(self, host: str, port: int) -> list[Any]:
        """The addresses of a host; many who ask at once are one question, which nobody's haste breaks off."""
        loop = asyncio.get_running_loop()
        until, looked_up = self._addresses.get((host, port), (0.0, None))
        if looked_up is None or until < loop.time():
            # As bytes: of a str it would be made with the tables for all the world's scripts, 25 ms to load.
            name = host.encode("ascii") if host.isascii() else host
            asking: Coroutine[Any, Any, list[Any]] = loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
            looked_up = loop.create_task(asking)
            self._addresses[host, port] = (loop.time() + _ADDRESS_SECONDS, looked_up)
        try:
            return await asyncio.shield(looked_up)
        except OSError:
            self._addresses.pop((host, port), None)
            raise

    async def aclose(self) -> None:
        """Ask for no address any more."""
        for _, looked_up in self._addresses.values():
            looked_up.cancel()
        self._addresses.clear()


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
    if is_loopback(host) or not _may_name_proxies():
        return None
    from urllib.request import getproxies, proxy_bypass

    named = getproxies()
    proxy = named.get(scheme) or named.get("all")
    if not proxy or proxy_bypass(host):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        kind = proxy.partition("://")[0]
        raise UsageError(f"a proxy of kind {kind} cannot be used", hint="name an http:// proxy in HTTPS_PROXY")
    return proxy


def _may_name_proxies() -> bool:
    """Whether it is worth loading what reads them. Some systems name them outside the environment as well."""
    return sys.platform in ("darwin", "win32") or any(name.lower().endswith("_proxy") for name in os.environ)


def _peer(parts: SplitResult) -> Peer:
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("neither http nor https")
    return Peer(host=parts.hostname, port=parts.port or _PORTS[parts.scheme], is_secure=parts.scheme == "https")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _trusted() -> ssl.SSLContext:
    return _trusting(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache  # 20 ms, which plain http need not spend, and many targets only once
def _trusting(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The certificates that the environment names, else those that come with the program."""
    if file:
        return ssl.create_default_context(cafile=file)
    if folder:
        return ssl.create_default_context(capath=folder)
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


def _words(error: OSError, seconds: float) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return "the service's certificate is not trusted"
        case ssl.SSLError():
            return "no secure connection could be made"
        case socket.gaierror():
            return "the host's name cannot be resolved"
        case TimeoutError():
            return f"no connection within {seconds:.0f} s"
        case _:
            return f"no connection: {error.strerror or 'refused'}"
