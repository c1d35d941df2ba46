"""The FC signature of the 2016-08-15 API (facts 4.2): HMAC-SHA256 over method, date, x-fc- headers and decoded path."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from urllib.parse import unquote

from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.signing import Unsigned


def signed(request: Unsigned, credentials: Credentials) -> dict[str, str]:
    """All headers of the signed request. The query is sent but not signed, and so is If-Match."""
    headers = {**request.headers, "date": _date(int(request.at)), "host": request.host}
    if credentials.security_token:
        headers["x-fc-security-token"] = credentials.security_token
    text = string_to_sign(method=request.method, path=request.path, headers=headers)
    headers["authorization"] = authorization(text, credentials)
    return headers


@lru_cache(maxsize=8)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def string_to_sign(*, method: str, path: str, headers: Mapping[str, str]) -> str:
    """What is signed; `headers` must have lower-case names, `path` is percent-decoded here.

    An empty x-fc- header is still a line (facts 4.2).
    """
    canonical = "".join([f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-fc-")])
    md5, kind, date = [headers.get(name, "") for name in ("content-md5", "content-type", "date")]
    return f"{method.upper()}\n{md5}\n{kind}\n{date}\n{canonical}{unquote(path)}"


def authorization(text: str, credentials: Credentials) -> str:
    """The Authorization header for a string to sign."""
    digest = hmac.digest(credentials.access_key_secret.encode(), text.encode(), "sha256")
    return f"FC {credentials.access_key_id}:{base64.b64encode(digest).decode('ascii')}"
