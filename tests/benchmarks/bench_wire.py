"""The bare loop's way to the server: HTTP/1.1 on a kept connection, ACS3-HMAC-SHA256 signed, nothing else.

No code of the product, so that what the product does too slowly is not in the limit as well.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote

_ALGORITHM = "ACS3-HMAC-SHA256"
_KEY_ID, _SECRET = "local", b"local"
_RESENT = ("x-acs-action", "x-acs-version", "x-fc-account-id", "content-type", "host")

Answered = Callable[["Connection", int, int, str], None]


def resent_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Of the headers of a recorded request those that a bare client must send, too; a signature is made anew."""
    return {name: headers[name] for name in _RESENT if name in headers}


def signed_request(
    method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, if_match: str = ""
) -> bytes:
    """The bytes of a request, signed for now. `headers` are those of `resent_headers`."""
    digest = hashlib.sha256(body).hexdigest()
    sent = {
        **headers,
        "x-acs-content-sha256": digest,
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-signature-nonce": secrets.token_hex(16),
    }
    if if_match:
        sent["if-match"] = if_match
    names = sorted(sent)
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    asked = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
    lines = "".join([f"{name}:{sent[name]}\n" for name in names])
    listed = ";".join(names)
    canonical = f"{method}\n{path}\n{asked}\n{lines}\n{listed}\n{digest}"
    text = f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(_SECRET, text.encode(), "sha256").hex()
    head = "".join([f"{name}: {value}\r\n" for name, value in sent.items()])
    target = f"{path}?{query}" if query else path
    return (
        f"{method} {target} HTTP/1.1\r\n{head}content-length: {len(body)}\r\n"
        f"authorization: {_ALGORITHM} Credential={_KEY_ID},SignedHeaders={listed},Signature={signature}\r\n\r\n"
    ).encode("latin-1") + body


class Connection(asyncio.Protocol):
    """One connection with one request at a time; tells `answered` its number, status and ETag.

    `lost` is told when the server closes it, which it has no reason to.
    """

    def __init__(self, answered: Answered, lost: Callable[[], None]) -> None:
        self._answered = answered
        self._lost = lost
        self._number = -1
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def send(self, number: int, request: bytes) -> None:
        """Send the request of this number."""
        assert self._transport is not None and self._number == -1
        self._number = number
        self._transport.write(request)

    def close(self) -> None:
        """Close it; nobody is told."""
        self._lost = lambda: None
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self._lost()

    def data_received(self, part: bytes) -> None:
        """Take a part of a reply; the last one frees the connection."""
        received = self._received
        received += part
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        status, headers = _head(bytes(received[:end]))
        if len(received) < end + 4 + int(headers.get("content-length", "0")):
            return
        received.clear()
        number, self._number = self._number, -1
        self._answered(self, number, status, headers.get("etag", ""))


def _head(text: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = text.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return int(first[9:12]), {name.lower(): value for name, _, value in pairs}
