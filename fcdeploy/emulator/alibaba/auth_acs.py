"""ACS3-HMAC-SHA256 and ROA v1 signatures, verified (facts 4.4, 4.1)."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_plus

ACS3 = "ACS3-HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acs3Credential:
    """The three parts of an ACS3 Authorization header."""

    key_id: str
    signed_headers: tuple[str, ...]
    signature: str


def to_acs3_credential(authorization: str) -> Acs3Credential | None:
    """Parse an Authorization header that begins with ACS3-HMAC-SHA256; None when a part is missing."""
    parts = {}
    for part in authorization[len(ACS3) :].split(","):
        name, mark, value = part.strip().partition("=")
        if not mark:
            return None
        parts[name] = value
    if not {"Credential", "SignedHeaders", "Signature"} <= parts.keys():
        return None
    names = tuple(parts["SignedHeaders"].lower().split(";"))
    return Acs3Credential(key_id=parts["Credential"], signed_headers=names, signature=parts["Signature"])


def canonical_query(raw_query: str) -> str:
    """Return the query decoded, sorted and encoded again: the wire may carry ``+`` for a space (facts 4.4)."""
    pairs = [entry.partition("=") for entry in raw_query.split("&") if entry]
    decoded = sorted((unquote_plus(key), unquote_plus(value)) for key, _, value in pairs)
    return "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in decoded)


def acs3_signature_matches(
    *,
    secret: str,
    credential: Acs3Credential,
    method: str,
    raw_path: str,
    raw_query: str,
    headers: Mapping[str, str],
    body: bytes,
) -> bool:
    """Tell whether the credential's signature is that of the request.

    Stricter than a plain recomputation: the host and every ``x-acs-`` header present must be among the signed ones
    (all known clients do so, facts 4.4) and ``x-acs-content-sha256`` must be the digest of the body.
    """
    signed = credential.signed_headers
    if tuple(sorted(signed)) != signed or any(name not in headers for name in signed):
        return False
    must = {name for name in headers if name.startswith("x-acs-")} | {"host"}
    if not must <= set(signed):
        return False
    digest = hashlib.sha256(body).hexdigest()
    if headers.get("x-acs-content-sha256", digest).lower() != digest:
        return False
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in signed)
    query = canonical_query(raw_query) if raw_query else ""
    paths = dict.fromkeys((raw_path, quote(unquote(raw_path), safe="/~")))
    for path in paths:
        request = f"{method.upper()}\n{path}\n{query}\n{lines}\n{';'.join(signed)}\n{digest}"
        text = f"{ACS3}\n{hashlib.sha256(request.encode('utf-8', 'surrogateescape')).hexdigest()}"
        expected = hmac.digest(secret.encode(), text.encode(), "sha256").hex()
        if hmac.compare_digest(expected.encode(), credential.signature.lower().encode()):
            return True
    return False


def roa_string_to_sign(method: str, raw_path: str, raw_query: str, headers: Mapping[str, str]) -> str:
    """Return the text that a ROA v1 client signs: values of the query are not encoded, an empty one is its key."""
    opening = "\n".join(
        (method.upper(), *(headers.get(name, "") for name in ("accept", "content-md5", "content-type", "date")))
    )
    names = sorted(name for name in headers if name.startswith("x-acs-"))
    block = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    pairs = [entry.partition("=") for entry in raw_query.split("&") if entry]
    decoded = sorted((unquote_plus(key), unquote_plus(value)) for key, _, value in pairs)
    query = "&".join(f"{key}={value}" if value else key for key, value in decoded)
    return f"{opening}\n{block}{raw_path}" + (f"?{query}" if query else "")


def roa_signature(secret: str, text: str) -> str:
    """Return the base64 HMAC-SHA1 of a ROA v1 string to sign."""
    return base64.b64encode(hmac.digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha1")).decode()
