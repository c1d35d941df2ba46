"""Who calls, and may they: the schemes of facts 4.1 tried by the shape of the Authorization header.

Order of the checks: a credential is there, its key is known, its clock is right, its signature matches, its account
is this one. The codes are those of facts 4.7 and 6.1; where a code is not documented the choice is marked [INF].
"""

import calendar
import hmac
import time
from collections.abc import Mapping
from email.utils import parsedate_tz
from functools import lru_cache

from fcdeploy.emulator.alibaba import auth_acs, auth_fc, session_keys
from fcdeploy.emulator.alibaba.errors import (
    ACCESS_DENIED,
    INVALID_ACCESS_KEY,
    MISSING_HEADER,
    SIGNATURE_NOT_MATCH,
    invalid_argument,
)
from fcdeploy.emulator.exchange import Request
from fcdeploy.emulator.settings import EmulatorSettings


@lru_cache(maxsize=4096)
def _http_date_seconds(text: str) -> int | None:
    """Return unix seconds of an RFC 1123 date in GMT, or of the ``EEE,d MMM yyyy`` form (facts 3.1); else None."""
    parsed = parsedate_tz(text)
    if parsed is None or parsed[9] not in (0, None):
        return None
    try:
        return calendar.timegm((*parsed[:6], 0, 0, 0))
    except (ValueError, OverflowError):  # a thirteenth month, the year 0
        return None


def _acs_date_seconds(text: str) -> int | None:
    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return None


def _check_clock(name: str, text: str, seconds: int | None, request: Request, settings: EmulatorSettings) -> None:
    """Refuse a date that is no date or more than 15 minutes off (facts 4.7; the code is [INF])."""
    if seconds is None:
        raise invalid_argument(f"the value of HTTP header {name} is not a valid date")
    if abs(request.now - seconds) > settings.clock_skew:
        raise ACCESS_DENIED(f"the request time '{text}' differs too much from the server time")


def _secret(key_id: str, request: Request, settings: EmulatorSettings) -> str:
    session = session_keys.read_key(settings, key_id, _token(request), request.now)
    secret = session.secret if session is not None else settings.access_keys.get(key_id)
    if secret is None:
        raise INVALID_ACCESS_KEY(key_id)
    return secret


def _token(request: Request) -> str:
    headers = request.headers
    return headers.get("x-acs-security-token") or headers.get("x-fc-security-token") or request.one(auth_fc.TOKEN) or ""


def authenticate(request: Request, settings: EmulatorSettings) -> str:
    """Return the access key id of a correctly signed request.

    Raises:
        ApiError: 400 MissingRequiredHeader, 403 InvalidAccessKeyID, 403 SignatureNotMatch, 403 AccessDenied (clock,
            or a key of another account), and the errors of a temporary key (:mod:`session_keys`).
    """
    authorization = request.headers.get("authorization", "")
    if not authorization:
        raise MISSING_HEADER("Authorization")
    if authorization.startswith("FC "):
        key_id = _check_fc(request, settings, authorization)
    elif authorization.startswith(auth_acs.ACS3):
        key_id = _check_acs3(request, settings, authorization)
    elif authorization.startswith("acs "):
        key_id = _check_roa(request, settings, authorization)
    else:
        raise SIGNATURE_NOT_MATCH()
    session = session_keys.read_key(settings, key_id, _token(request), request.now)
    owner = session.account if session is not None else settings.key_accounts.get(key_id)
    if owner is not None and owner != request.tenant.account:
        raise ACCESS_DENIED("The service or function doesn't belong to you.")  # facts 2, "Account in the host"
    return key_id


def _check_fc(request: Request, settings: EmulatorSettings, authorization: str) -> str:
    key_id, _, signature = authorization[3:].partition(":")
    secret = _secret(key_id, request, settings)
    headers = request.headers
    # Browsers cannot set Date: X-Fc-Date replaces it (facts 3.1); a client that sends both may sign either.
    dated = [name for name in ("x-fc-date", "date") if headers.get(name)]
    if not dated:
        raise MISSING_HEADER("Date")
    for name in dated:
        _check_clock(name, headers[name], _http_date_seconds(headers[name]), request, settings)
    matches = auth_fc.fc_signature_matches(
        secret=secret,
        given=signature,
        method=request.method,
        raw_path=request.raw_path,
        raw_query=request.raw_query,
        headers=headers,
        dates=tuple(headers[name] for name in dated),
        trigger=is_trigger_path(request.raw_path),
    )
    if not matches:
        raise SIGNATURE_NOT_MATCH()
    return key_id


def _check_acs3(request: Request, settings: EmulatorSettings, authorization: str) -> str:
    credential = auth_acs.to_acs3_credential(authorization)
    if credential is None:
        raise SIGNATURE_NOT_MATCH()
    secret = _secret(credential.key_id, request, settings)
    date = request.headers.get("x-acs-date")
    if not date:
        raise MISSING_HEADER("x-acs-date")
    _check_clock("x-acs-date", date, _acs_date_seconds(date), request, settings)
    matches = auth_acs.acs3_signature_matches(
        secret=secret,
        credential=credential,
        method=request.method,
        raw_path=request.raw_path,
        raw_query=request.raw_query,
        headers=request.headers,
        body=request.body,
    )
    if not matches:
        raise SIGNATURE_NOT_MATCH()
    return credential.key_id


def _check_roa(request: Request, settings: EmulatorSettings, authorization: str) -> str:
    key_id, _, signature = authorization[4:].partition(":")
    secret = _secret(key_id, request, settings)
    date = request.headers.get("date")
    if not date:
        raise MISSING_HEADER("Date")
    _check_clock("date", date, _http_date_seconds(date), request, settings)
    text = auth_acs.roa_string_to_sign(request.method, request.raw_path, request.raw_query, request.headers)
    expected = auth_acs.roa_signature(secret, text)
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise SIGNATURE_NOT_MATCH()
    return key_id


def authenticate_presigned(request: Request, settings: EmulatorSettings) -> str:
    """Return the key id of a pre-signed HTTP-trigger URL (facts 4.3); expired or wrong is 403."""
    entries: Mapping[str, str] = dict(request.query)
    key_id = entries.get(auth_fc.KEY_ID, "")
    secret = _secret(key_id, request, settings)
    expires = entries.get(auth_fc.EXPIRES, "")
    matches = auth_fc.presigned_matches(
        secret=secret,
        given=entries.get(auth_fc.SIGNATURE, ""),
        method=request.method,
        raw_path=request.raw_path,
        raw_query=request.raw_query,
        headers=request.headers,
        expires=expires,
    )
    if not matches:
        raise SIGNATURE_NOT_MATCH()
    if not (expires.isascii() and expires.isdigit() and len(expires) < 12) or int(expires) < request.now:
        raise ACCESS_DENIED("the pre-signed URL has expired")
    return key_id


def is_trigger_path(raw_path: str) -> bool:
    """Tell whether a path is ``/{version}/proxy/...``, the service domain of HTTP triggers (facts 2)."""
    return raw_path.split("/", 3)[2:3] == ["proxy"]
