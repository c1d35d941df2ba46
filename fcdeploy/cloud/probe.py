"""One GET to an address of the user's own, to see whether it answers; no credentials go along."""

from __future__ import annotations

import asyncio


class NoAnswer(Exception):
    """No whole answer came; the words say why."""


async def read_status(url: str, *, timeout: float) -> int:
    """The status of the answer to a GET, within so many seconds; redirects are not followed. Raises NoAnswer."""
    from fcdeploy.cloud.web import httpx

    try:
        async with (
            asyncio.timeout(timeout),
            httpx.AsyncClient(timeout=timeout, follow_redirects=False) as client,
            client.stream("GET", url) as reply,
        ):
            return int(reply.status_code)
    except TimeoutError:
        raise NoAnswer("no answer in time") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as problem:
        raise NoAnswer(str(problem) or type(problem).__name__) from problem
