"""What every signature scheme is given. A scheme is a pure function from this to the headers to send."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from msgspec import Struct, field


@lru_cache(maxsize=4096)
def encoded(text: str) -> str:
    """A name or a value of a query, percent-encoded as all schemes sign it and as it is sent (RFC 3986).

    The same few are in nearly every request, twice in each.
    """
    return quote(text, safe="-_.~")


@lru_cache(maxsize=8)
def date(form: str, second: int) -> str:
    """A second since the epoch in UTC, in a form of `time.strftime`; hundreds of requests are signed in each."""
    return time.strftime(form, time.gmtime(second))


class Unsigned(Struct, frozen=True, kw_only=True):
    """A request before it is signed.

    `path` is the percent-encoded path exactly as it is sent, `query` decoded pairs, `headers` have lower-case names and
    hold what the caller wants sent beside what a scheme adds. `host` is the host that the service believes it has.
    `sha256` is the hex digest of the body, where the scheme signs it. `at` is in seconds since the epoch; `nonce` is 32
    random hex digits.
    """

    operation: str
    version: str
    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    at: float
    nonce: str
