"""SDK-HMAC-SHA256, verified from the raw request (facts 16, verifier recipe)."""

import calendar
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from fcdeploy.emulator.exchange import Request
from fcdeploy.emulator.huawei.errors import UNAUTHORIZED
from fcdeploy.emulator.settings import EmulatorSettings

ALGORITHM = "SDK-HMAC-SHA256"
_FORM = re.compile(r"SDK-HMAC-SHA256 Access=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})")
_HASH = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class _Credential:
    key_id: str
    signed: tuple[str, ...]
    signature: str


def authenticate(request: Request, settings: EmulatorSettings) -> str:
    """Return the access key id of a correctly signed request; anything else is 401 APIGW.0301 (facts 1).

    A token (``X-Auth-Token``) is refused: there is no IAM here that could have issued one. A key that the settings tie
    to an account is good for that project alone.
    """
    credential = _credential(request)
    secret = settings.access_keys.get(credential.key_id)
    if secret is None:
        raise UNAUTHORIZED("the access key is not known")
    date = request.headers.get("x-sdk-date", "")
    if "x-sdk-date" not in credential.signed:
        raise UNAUTHORIZED("x-sdk-date is not signed")
    try:
        seconds = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise UNAUTHORIZED("x-sdk-date is not a date") from None
    if abs(request.now - seconds) > settings.clock_skew:
        raise UNAUTHORIZED("x-sdk-date differs too much from the server's clock")
    if not any(_signs(request, credential, secret, date, payload) for payload in _payloads(request)):
        raise UNAUTHORIZED("verify ak sk signature fail")
    owner = settings.key_accounts.get(credential.key_id)
    if owner is not None and owner != request.tenant.account:
        raise UNAUTHORIZED("the access key does not belong to the project")
    project = request.headers.get("x-project-id")
    if project and project != request.tenant.account:
        raise UNAUTHORIZED("X-Project-Id is not the project of the path")
    return credential.key_id


def _credential(request: Request) -> _Credential:
    found = _FORM.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise UNAUTHORIZED("the request is not signed with an access key")
    return _Credential(found[1], tuple(found[2].split(";")), found[3])


def _signs(request: Request, credential: _Credential, secret: str, date: str, payload: str) -> bool:
    canonical = hashlib.sha256(_canonical(request, credential.signed, payload).encode()).hexdigest()
    wanted = hmac.digest(secret.encode(), f"{ALGORITHM}\n{date}\n{canonical}".encode(), "sha256").hex()
    return hmac.compare_digest(wanted, credential.signature)


def _canonical(request: Request, signed: tuple[str, ...], payload: str) -> str:
    """Return the canonical request: the path decoded and encoded again, the query sorted, the listed headers."""
    path = "/".join(_again(part) for part in request.raw_path.split("/"))
    if not path.endswith("/"):
        path += "/"
    pairs = sorted(_pair(entry) for entry in request.raw_query.split("&") if entry)
    query = "&".join(f"{_encoded(key)}={_encoded(value)}" for key, value in pairs)
    for name in signed:
        if name not in request.headers:
            raise UNAUTHORIZED(f"the signed header {name} is missing")
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in signed)
    return "\n".join((request.method, path, query, headers, ";".join(signed), payload))


def _payloads(request: Request) -> tuple[str, ...]:
    """Return what a signer may have put for the body (facts 16, 6): of an empty one the Python signer takes the hash,
    the Go signer what X-Sdk-Content-Sha256 says. A hash in that header must be the body's.
    """
    counted = hashlib.sha256(request.body).hexdigest()
    told = request.headers.get("x-sdk-content-sha256")
    if not told or _HASH.fullmatch(told):
        return (counted,)
    return (told,) if request.body else (counted, told)


def _pair(entry: str) -> tuple[str, str]:
    key, _, value = entry.partition("=")
    # Plain percent rules: a plus is a plus.
    return _decoded(key), _decoded(value)


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def _encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe="-_.~")


def _again(part: str) -> str:
    return quote(unquote_to_bytes(part), safe="-_.~")
