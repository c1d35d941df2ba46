"""One connection: requests that go out as they were given, one after the other, and what comes back.

A client library would do more than a signed call may have done to it (see `wire`) and takes three times as much
processor time for it. What is easy to get wrong, to read HTTP/1.1, is left to llhttp (by httptools).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from fcdeploy.cloud.exchange import Fault

if TYPE_CHECKING:
    Waiter = asyncio.Future[None]

_HEADER_BYTES: Final = 256 * 1024
_RECEIVED_BYTES: Final = 64 * 1024
"""How much is received at a time; most replies are smaller."""
_RECORD_BYTES: Final = 18 * 1024
"""A TLS record, of which all but the end may have come before what is received."""


class _Refused(Exception):
    """What the service sends is not to be read on; llhttp stops where this is raised."""


class Connection(asyncio.BufferedProtocol):
    """Made by `ways`, and used by one call at a time.

    `status` and `headers` (names in lower case) are those of the last reply, as soon as they are there.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        # What llhttp tells for each header and each part of a body is kept without a call of ours.
        self._raw: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self.on_header = self._raw.__setitem__
        self.on_body = self._parts.append
        self._parser = HttpResponseParser(self)
        self._buffer = memoryview(bytearray(_RECEIVED_BYTES))
        self._ended: Waiter | None = None  # the reply that is waited for; None before the first request
        self._news: Waiter | None = None  # somebody waits for a part of the reply, or for room to write
        self._failure: Fault | None = None
        self._is_tunnel = False
        self._is_full = False
        self._is_kept = False
        self._header_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._late_at, self._seconds = math.inf, 0.0  # when what is waited for is late, and how many seconds that was
        self.status = 0
        self.headers: dict[str, str] = {}
        self.gone: Waiter = self._loop.create_future()
        self.idle_since = 0.0

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent."""
        transport = self._transport
        return self._is_kept and transport is not None and not transport.is_closing()

    async def exchange(self, request: bytes, seconds: float) -> bytes:
        """Send a whole request and give the body of its reply. Raises Fault."""
        ended = self._begin()
        self._out().write(request)
        self._end_within(seconds)
        await ended
        return self._whole()

    async def exchange_pieces(self, head: bytes, pieces: Iterable[bytes], seconds: float, silence: float) -> bytes:
        """As `exchange`, with a body bit by bit: so many seconds in all, and for the reply after the last of it.

        A service that answers before it has the whole body is not sent the rest. Raises also what `pieces` raises.
        """
        ended = self._begin()
        self._out().write(head)
        self._end_within(seconds)
        for piece in pieces:
            if ended.done():
                self._is_kept = False
                break
            self._out().write(piece)
            while self._is_full and not ended.done():
                await self._told()
        else:
            self._end_within(silence)
        await ended
        return self._whole()

    async def ask(self, request: bytes, silence: float) -> None:
        """Send a whole request and wait for status and headers of its reply; `next_part` has the body. Raises Fault."""
        self._begin()
        self._out().write(request)
        await self._hear(silence)

    async def next_part(self, silence: float) -> bytes:
        """What has come of the body since the last call, at least a byte; nothing at its end. Raises Fault."""
        if not self._parts:
            await self._hear(silence)
        part = b"".join(self._parts)
        self._parts.clear()
        return part

    async def open_tunnel(self, request: bytes, silence: float) -> asyncio.Transport:
        """Send a CONNECT; gives what then leads to the other end, unless `status` says otherwise. Raises Fault."""
        self._is_tunnel = True
        await self.ask(request, silence)
        return self._out()

    def abort(self) -> None:
        """Break the connection, whatever it is at."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As `asyncio.BufferedProtocol`."""
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """As `asyncio.BufferedProtocol`. As a plain `Protocol` each reply is given 256 KiB anew, which takes 20 µs."""
        # Of what TLS has received already all must fit: when the other end closes, asyncio drops what is left.
        if sizehint + _RECORD_BYTES > len(self._buffer):
            self._buffer = memoryview(bytearray(sizehint + _RECORD_BYTES))
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """As `asyncio.BufferedProtocol`."""
        try:
            self._parser.feed_data(self._buffer[:nbytes])
            if not self.status:
                self._header_bytes += nbytes
                if self._header_bytes >= _HEADER_BYTES:  # llhttp itself knows no bound
                    raise HttpParserError
        except (HttpParserError, HttpParserUpgrade):
            self._fail("the reply could not be read (malformed HTTP)")
            self.abort()
        if self._news is not None:
            self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        """As `asyncio.BufferedProtocol`."""
        self._is_kept = False
        if self._timer is not None:
            self._timer.cancel()
        if exc is None and self.status and not self.headers.keys() & {"content-length", "transfer-encoding"}:
            self._end()  # a reply whose length nobody told ends with the connection
        else:
            self._fail(f"the connection broke {'within' if self.status else 'before'} the reply")
        self.gone.set_result(None)

    def pause_writing(self) -> None:
        """As `asyncio.BufferedProtocol`."""
        self._is_full = True

    def resume_writing(self) -> None:
        """As `asyncio.BufferedProtocol`."""
        self._is_full = False
        self._tell()

    def on_message_begin(self) -> None:
        """Of llhttp. What nobody asked for must not be taken for the reply to the next request."""
        if self._ended is None or self._ended.done():
            raise _Refused

    def on_headers_complete(self) -> None:
        """Of llhttp."""
        self.status = self._parser.get_status_code()
        # What follows a body in chunks comes later and is not read: nobody signs it or waits for it.
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._raw.items()}
        if self._is_tunnel:
            self._end()

    def on_message_complete(self) -> None:
        """Of llhttp."""
        if self.status < 200:  # "go on" and its like; the reply itself is still to come
            self.status = 0
            self.headers = {}
            self._raw.clear()
            return
        self._is_kept = self._parser.should_keep_alive()
        self._end()

    def _begin(self) -> Waiter:
        self.status = self._header_bytes = 0
        self.headers = {}
        self._raw.clear()
        self._parts.clear()
        self._failure = None
        self._is_kept = False
        self._ended = ended = self._loop.create_future()
        return ended

    def _out(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def _whole(self) -> bytes:
        if self._failure is not None:
            raise self._failure
        parts = self._parts
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _hear(self, silence: float) -> None:
        """Wait for status and headers, or for more of the body, or its end."""
        ended, known = self._ended, self.status
        assert ended is not None
        self._end_within(silence)
        try:
            while not ended.done() and not self._parts and self.status == known:
                await self._told()
        finally:
            self._late_at = math.inf
        if self._failure is not None:
            raise self._failure

    async def _told(self) -> None:
        self._news = self._loop.create_future()
        try:
            await self._news
        finally:
            self._news = None

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _end_within(self, seconds: float) -> None:
        """What is waited for is to come in so many seconds. Mostly a timer that was set before comes early enough."""
        self._late_at, self._seconds = self._loop.time() + seconds, seconds
        if self._timer is None or self._timer.when() > self._late_at:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._late_at, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._ended is None or self._ended.done() or self._late_at == math.inf:
            return
        if self._late_at <= self._loop.time():
            self._late(self._seconds)
        else:
            self._set_timer()

    def _late(self, seconds: float) -> None:
        self._fail(f"no reply within {seconds:.0f} s")
        self.abort()

    def _fail(self, words: str) -> None:
        if self._ended is not None and not self._ended.done():
            self._failure = Fault(words, left=True)
            self._end()

    def _end(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
            self._tell()
