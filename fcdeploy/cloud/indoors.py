"""Calls to an ASGI application in this process: what `--local` sends on. Imported late, since it loads httpx."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from fcdeploy.cloud.body import EMPTY, Body
from fcdeploy.cloud.exchange import Answer, App, Fault, TooLarge, kept
from fcdeploy.cloud.web import httpx


class Indoors:
    """Sends on no network at all; otherwise as `exchange.Line` says."""

    def __init__(self, app: App, *, deadline: float) -> None:
        self._transport = httpx.ASGITransport(app)
        self._deadline = deadline

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body, *, deadline: float | None = None
    ) -> Answer:
        """As `exchange.Line.send`."""
        content: bytes | AsyncIterator[bytes] = whole if (whole := body.whole) is not None else _stream(body)
        if whole is None:
            headers = {**headers, "content-length": str(body.length)}
        request = httpx.Request(method, url, headers=headers, content=content)
        seconds = self._deadline if deadline is None else deadline
        try:
            async with asyncio.timeout(seconds):
                response = await self._transport.handle_async_request(request)
                content = await response.aread()
        except TimeoutError as error:
            raise Fault(f"no reply within {seconds:.0f} s", left=True) from error
        except (httpx.HTTPError, OSError) as error:
            raise Fault(f"the reply could not be read ({type(error).__name__})", left=True) from error
        received = response.headers
        named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in received.raw}
        return Answer(response.status_code, named, content, response.num_bytes_downloaded)

    async def read(
        self,
        url: str,
        headers: Mapping[str, str],
        sink: Callable[[bytes], object],
        *,
        most: int,
        deadline: float | None = None,
    ) -> Answer:
        """As `exchange.Line.read`; what is in this process is read at once."""
        answer = await self.send("GET", url, headers, EMPTY, deadline=deadline)
        if answer.status != 200:
            return answer
        if len(answer.content) > most:
            raise TooLarge
        kept(answer.content, sink)
        return Answer(answer.status, answer.headers, b"", answer.received)

    async def aclose(self) -> None:
        """There is nothing to close."""


async def _stream(body: Body) -> AsyncIterator[bytes]:
    for chunk in body.chunks():
        yield chunk
