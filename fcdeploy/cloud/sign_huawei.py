"""The SDK-HMAC-SHA256 signature of FunctionGraph (facts 16): HMAC-SHA256 over the canonical request, without scope."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.signing import Unsigned, date, encoded

ALGORITHM = "SDK-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

_LEFT_OUT = frozenset({"accept", "accept-encoding", "user-agent"})
"""What a proxy may rewrite. A verifier follows the list of each request (facts 16)."""


def signed(request: Unsigned, credentials: Credentials) -> dict[str, str]:
    """All headers of the signed request; path, query and body are covered, and so is the security token."""
    headers = {
        "content-type": "application/json",
        **request.headers,
        "host": request.host,
        "x-sdk-date": date("%Y%m%dT%H%M%SZ", int(request.at)),
    }
    if not headers["content-type"].startswith(("application/json", "application/bson")):
        headers["x-sdk-content-sha256"] = UNSIGNED_PAYLOAD
    if credentials.security_token:
        headers["x-security-token"] = credentials.security_token
    covered = {name: headers[name] for name in _covered(tuple(headers))}
    text = string_to_sign(
        canonical_request(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=covered,
            payload=headers.get("x-sdk-content-sha256") or request.sha256,
        ),
        headers["x-sdk-date"],
    )
    headers["authorization"] = authorization(text, covered, credentials)
    return headers


@lru_cache(maxsize=64)
def _covered(names: tuple[str, ...]) -> list[str]:
    """Which of these headers are signed, in order; nearly all requests have the same."""
    return sorted(name for name in names if name not in _LEFT_OUT and "_" not in name)


@lru_cache(maxsize=4096)
def _part(part: str) -> str:
    """A part of a path, decoded and encoded again; those above a resource are in many paths."""
    return quote(unquote_to_bytes(part), safe="-_.~")


def canonical_request(
    *, method: str, path: str, query: Iterable[tuple[str, str]], headers: Mapping[str, str], payload: str
) -> str:
    """The canonical request: `headers`, with lower-case names, are all that is signed; `payload` is a hex digest.

    The path is decoded and encoded again, and ends in a slash here and nowhere else (facts 16, 2).
    """
    parts = "/".join([_part(part) for part in path.split("/")])
    pairs = "&".join([f"{encoded(key)}={encoded(value)}" for key, value in sorted(query)])
    names = sorted(headers)
    lines = "".join([f"{name}:{headers[name].strip()}\n" for name in names])
    end = "" if parts.endswith("/") else "/"
    return f"{method.upper()}\n{parts}{end}\n{pairs}\n{lines}\n{';'.join(names)}\n{payload}"


def string_to_sign(canonical: str, date: str) -> str:
    """What is signed: the algorithm, the date and the digest of the canonical request."""
    return f"{ALGORITHM}\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def authorization(text: str, names: Iterable[str], credentials: Credentials) -> str:
    """The Authorization header for a string to sign, and the names of the headers that it covers."""
    digest = hmac.digest(credentials.access_key_secret.encode(), text.encode(), "sha256").hex()
    return (
        f"{ALGORITHM} Access={credentials.access_key_id}, SignedHeaders={';'.join(sorted(names))}, Signature={digest}"
    )
