"""ACS3-HMAC-SHA256, the signature of the 2021-04-06 API (facts 4.4)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache

from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.signing import Unsigned, date, encoded

_ALGORITHM = "ACS3-HMAC-SHA256"
# A proxy on the way may rewrite any other header, which the service then could not verify.
_SIGNED = frozenset({"host", "content-type", "if-match"})
_SIGNED_PREFIXES = ("x-acs-", "x-fc-")


def signed(request: Unsigned, credentials: Credentials) -> dict[str, str]:
    """All headers of the signed request; `request.sha256` must be the body's digest."""
    headers = {
        **request.headers,
        "host": request.host,
        "x-acs-action": request.operation,
        "x-acs-version": request.version,
        "x-acs-date": date("%Y-%m-%dT%H:%M:%SZ", int(request.at)),
        "x-acs-signature-nonce": request.nonce,
        "x-acs-content-sha256": request.sha256,
    }
    if credentials.security_token:
        headers["x-acs-accesskey-id"] = credentials.access_key_id
        headers["x-acs-security-token"] = credentials.security_token
    chosen = {name: headers[name] for name in _covered(tuple(headers))}
    text = canonical_request(
        method=request.method, path=request.path, query=request.query, headers=chosen, sha256=request.sha256
    )
    headers["authorization"] = authorization(text, chosen, credentials)
    return headers


@lru_cache(maxsize=64)
def _covered(names: tuple[str, ...]) -> list[str]:
    """Which of these headers are signed, in order; nearly all requests have the same."""
    return sorted(name for name in names if name in _SIGNED or name.startswith(_SIGNED_PREFIXES))


def canonical_request(
    *, method: str, path: str, query: Iterable[tuple[str, str]], headers: Mapping[str, str], sha256: str
) -> str:
    """The canonical request: `headers` (lower-case names) are exactly those to sign, `path` is as it is sent."""
    # By key, not by the joined pair: "a=1" comes before "a-b=2".
    pairs = "&".join([f"{encoded(key)}={encoded(value)}" for key, value in sorted(query)])
    names = sorted(headers)
    lines = "".join([f"{name}:{headers[name].strip()}\n" for name in names])
    return f"{method.upper()}\n{path}\n{pairs}\n{lines}\n{';'.join(names)}\n{sha256}"


def string_to_sign(canonical: str) -> str:
    """What the HMAC is taken of."""
    return f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def authorization(canonical: str, names: Iterable[str], credentials: Credentials) -> str:
    """The Authorization header for a canonical request whose signed headers are `names`."""
    key, text = credentials.access_key_secret.encode(), string_to_sign(canonical).encode()
    signature = hmac.digest(key, text, "sha256").hex()
    listed = ";".join(sorted(names))
    return f"{_ALGORITHM} Credential={credentials.access_key_id},SignedHeaders={listed},Signature={signature}"
