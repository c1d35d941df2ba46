"""One request and its reply, whatever it travels on: what is said of it, and what goes wrong. Loads no library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from fcdeploy.cloud.body import Body

App = Callable[..., Any]
"""An ASGI application."""


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


class Answer(Struct, frozen=True):
    """A whole reply; header names are lower case, `received` counts the bytes of the body on the wire."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    received: int


class Line(Protocol):
    """What requests travel on."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body, *, deadline: float | None = None
    ) -> Answer:
        """One request and its whole reply; raises Fault. Redirects are replies like any other.

        `deadline` is in seconds, for a body that is small; without it, that of the line.
        """
        ...

    async def read(
        self,
        url: str,
        headers: Mapping[str, str],
        sink: Callable[[bytes], object],
        *,
        most: int,
        deadline: float | None = None,
    ) -> Answer:
        """GET `url` and hand the body of a 200 to `sink` bit by bit; `deadline` is for each silence, not the whole.

        Raises Fault, TooLarge beyond `most` bytes, and Unwritable when `sink` raises an OSError.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


def kept(chunk: bytes, sink: Callable[[bytes], object]) -> None:
    """Hand a part of a reply on. Raises Unwritable."""
    try:
        sink(chunk)
    except OSError as error:
        raise Unwritable(error) from error
