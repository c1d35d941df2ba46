"""HTTP on the wire, imported late (cold start, DESIGN 7).

No client library stands between a signed call and its connection, since of every one of them it would have to be
prevented what must not happen here, and what does happen found out:

- the request target is sent byte for byte as it was signed, and no header that was not given;
- a request is sent once (a library sends a PUT or DELETE again when a connection breaks that was idle before, and the
  second one would meet the effect of the first);
- a failure says whether the request can have left this machine.
"""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from fcdeploy.cloud.body import Body
from fcdeploy.cloud.connection import Connection
from fcdeploy.cloud.exchange import Answer, Fault, TooLarge, kept
from fcdeploy.cloud.ways import Roads, Way, way_to

_SLOWEST: Final = 64 * 1024  # bytes a second that a line must bear before a large body meets its deadline
_STREAM_ABOVE: Final = 512 * 1024
_ERROR_BYTES: Final = 64 * 1024
_CLOSING_SECONDS: Final = 1.0


class Wire:
    """Connections to any number of services, and to whatever their pre-signed URLs lead to; an `exchange.Line`."""

    def __init__(self, *, deadline: float) -> None:
        self._deadline = deadline
        self._roads = Roads()
        self._ways: dict[str, Way] = {}
        self._open: set[Connection] = set()

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body, *, deadline: float | None = None
    ) -> Answer:
        """As `exchange.Line.send`."""
        deadline = self._deadline if deadline is None else deadline
        seconds = deadline + body.length / _SLOWEST
        way, path = self._way(url)
        head = _head(way, method, path, headers, body.length)
        connection = way.idle_connection(time.monotonic()) or await self._opened(way, seconds)
        try:
            whole = body.whole
            if whole is None or len(whole) > _STREAM_ABOVE:
                received = await connection.exchange_pieces(head, _pieces(body), seconds, deadline)
            else:
                received = await connection.exchange(head + whole, seconds)
        except OSError as error:  # of an archive's file; what the network does is a Fault by now
            connection.abort()
            raise Fault(f"what was to be sent cannot be read: {error.strerror}", left=True) from error
        except BaseException:
            connection.abort()
            raise
        status, found = connection.status, connection.headers
        self._give_back(way, connection)
        return Answer(status, found, _plain(received, found), len(received))

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
        way, path = self._way(url)
        head = _head(way, "GET", path, headers, 0)
        connection = way.idle_connection(time.monotonic()) or await self._opened(way, deadline)
        try:
            async with asyncio.timeout(seconds):
                answer = await _read(connection, head, sink, most, deadline)
        except TimeoutError:
            raise Fault(f"no reply within {seconds:.0f} s", left=True) from None
        finally:
            # What is fetched so is one large file; its connection is not worth keeping.
            connection.abort()
        return answer

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in self._open:
            connection.abort()
        await self._roads.aclose()
        if self._open:
            await asyncio.wait([connection.gone for connection in self._open], timeout=_CLOSING_SECONDS)
        self._open.clear()
        self._ways.clear()

    def _way(self, url: str) -> tuple[Way, str]:
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        origin = f"{scheme}://{host}"
        way = self._ways.get(origin)
        if way is None:
            try:
                way = self._ways[origin] = way_to(origin)
            except ValueError as error:
                raise Fault(f"the URL cannot be used: {error}", left=False) from None
        return way, slash + path

    async def _opened(self, way: Way, seconds: float) -> Connection:
        connection = await self._roads.opened(way, seconds)
        self._open.add(connection)
        connection.gone.add_done_callback(lambda _: self._open.discard(connection))
        return connection

    def _give_back(self, way: Way, connection: Connection) -> None:
        if connection.is_usable:
            connection.idle_since = time.monotonic()
            way.idle.append(connection)
        else:
            connection.abort()


def _head(way: Way, method: str, path: str, headers: Mapping[str, str], length: int) -> bytes:
    """Request line and headers. Raises Fault for what would not arrive as it was meant."""
    first = f"{method} {way.before}{path or '/'} HTTP/1.1"
    given = "".join([first, way.name, *headers, *headers.values()])
    # The one place where a line break of somebody else's could become a header, and a space a request line.
    if first.count(" ") != 2 or "\n" in given or "\r" in given:
        raise Fault("a space in the URL, or a line break in a header", left=False)
    host = "" if "host" in headers else f"host: {way.name}\r\n"
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    size = f"content-length: {length}\r\n" if (length or method != "GET") and "content-length" not in headers else ""
    return f"{first}\r\n{host}{lines}{size}{way.login}\r\n".encode()


def _pieces(body: Body) -> Iterator[bytes]:
    for chunk in body.chunks():
        for start in range(0, len(chunk), _STREAM_ABOVE):
            yield chunk[start : start + _STREAM_ABOVE]


async def _read(
    connection: Connection, head: bytes, sink: Callable[[bytes], object], most: int, silence: float
) -> Answer:
    await connection.ask(head, silence)
    status, headers = connection.status, connection.headers
    if status != 200:
        beginning = b""
        while len(beginning) <= _ERROR_BYTES and (part := await connection.next_part(silence)):
            beginning += part
        return Answer(status, headers, beginning, len(beginning))
    if int(headers.get("content-length", "0")) > most:
        raise TooLarge
    taken = 0
    while part := await connection.next_part(silence):
        taken += len(part)
        if taken > most:
            raise TooLarge
        kept(part, sink)
    return Answer(status, headers, b"", taken)


def _plain(received: bytes, headers: Mapping[str, str]) -> bytes:
    """A body as it was before it was compressed. Raises Fault; what is broken off raises an EOFError there."""
    if headers.get("content-encoding", "").lower() != "gzip":
        return received
    try:
        return gzip.decompress(received)
    except (OSError, EOFError, zlib.error) as error:
        raise Fault(f"the reply could not be read ({type(error).__name__})", left=True) from error
