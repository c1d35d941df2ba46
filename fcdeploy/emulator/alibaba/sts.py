"""STS, as far as a pipeline needs it: AssumeRole, AssumeRoleWithOIDC and GetCallerIdentity of version 2015-04-01.

Sources: API reference STS 2015-04-01 (parameters, limits, samples), "STS FAQ" (codes and messages), the vendor's
credentials library (how requests are signed). Id tokens are looked at, but not verified: that takes the issuer's
keys, and the emulator asks nobody. Who may take which role is not asked either, unless settings name the roles.
"""

import base64
import calendar
import hmac
import re
import time
from urllib.parse import parse_qsl, quote, quote_plus

from fcdeploy.emulator.alibaba.session_keys import SessionKey, made_key, read_key
from fcdeploy.emulator.errors import ErrorKind
from fcdeploy.emulator.exchange import Json, Reply, Request
from fcdeploy.emulator.json_body import parse_object
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.emulator.times import to_utc_text

VERSION = "2015-04-01"
ACTIONS = ("AssumeRole", "AssumeRoleWithOIDC", "GetCallerIdentity")
DEFAULT_SECONDS, SHORTEST, LONGEST = 3600, 900, 43200
LATEST = 253_402_300_799  # the end of the year 9999

_ROLE = re.compile(r"acs:ram::([0-9]+):role/([A-Za-z0-9.@_/-]{1,128})")
_PROVIDER = re.compile(r"acs:ram::([0-9]+):oidc-provider/[A-Za-z0-9._-]{1,128}")
_SESSION = re.compile(r"[A-Za-z0-9.@_-]{2,64}")

NO_ACTION = ErrorKind("InvalidAction.NotFound", 404, "Specified api is not found: '%s'.")
MISSING = ErrorKind("MissingParameter", 400, "The parameter %s is mandatory for this action.")  # wording [INF]
BAD_ROLE = ErrorKind("InvalidParameter.RoleArn", 400, "The parameter RoleArn is wrongly formed.")
BAD_PROVIDER = ErrorKind("InvalidParameter.OIDCProviderArn", 400, "The parameter OIDCProviderArn is wrongly formed.")
BAD_SESSION = ErrorKind("InvalidParameter.RoleSessionName", 400, "The parameter RoleSessionName is wrongly formed.")
BAD_SECONDS = ErrorKind(  # wording [INF]
    "InvalidParameter.DurationSeconds", 400, "The parameter DurationSeconds must be from 900 to 43200."
)
NO_ROLE = ErrorKind("EntityNotExist.Role", 404, "The role not exists: %s.")
NO_KEY = ErrorKind("InvalidAccessKeyId.NotFound", 404, "Specified access key is not found.")
BAD_TIME = ErrorKind("InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired.")
BAD_SIGNATURE = ErrorKind(
    "SignatureDoesNotMatch",
    400,
    "Specified signature is not matched with our calculation. server string to sign is:%s",
)
BAD_TOKEN = ErrorKind("AuthenticationFail.OIDCToken.Invalid", 400, "This JsonWebToken is invalid.")  # wording [INF]
OLD_TOKEN = ErrorKind("AuthenticationFail.OIDCToken.Expired", 400, "This JsonWebToken is expired.")
WRONG_AUDIENCE = ErrorKind(  # code and wording [INF]
    "AuthenticationFail.OIDCToken.AudienceNotMatch", 400, "The audience of this JsonWebToken is no client id."
)


def is_call(request: Request) -> bool:
    """Tell whether a request is one to STS: its calls go to ``/`` and name an action."""
    return request.raw_path in ("", "/") and any(key == "Action" for key, _ in _pairs(request))


def operation(request: Request) -> str:
    """Return the action, empty when there is none of that name."""
    action = dict(_pairs(request)).get("Action", "")
    return action if action in ACTIONS else ""


def answer(request: Request, settings: EmulatorSettings) -> Reply:
    """Carry out a call to STS.

    Raises:
        ApiError: a code of this module's table, or of a temporary key (:mod:`session_keys`).
    """
    given = dict(_pairs(request))
    action = given["Action"]
    if action not in ACTIONS:
        raise NO_ACTION(action)
    if action == "GetCallerIdentity":
        return Reply(body=_identity(_caller(request, given, settings), settings, request))
    body: Json = {"RequestId": request.request_id}
    if action == "AssumeRole":
        _caller(request, given, settings)
        key = _session(given, settings, request.now)
    else:
        provider = _needed(given, "OIDCProviderArn")
        if not _PROVIDER.fullmatch(provider):
            raise BAD_PROVIDER()
        claims, ends = _claims(_needed(given, "OIDCToken"), settings, request.now)
        key = _session(given, settings, request.now)
        body["OIDCTokenInfo"] = {
            "Subject": claims.get("sub", ""),
            "Issuer": claims.get("iss", ""),
            "ClientIds": ",".join(_audiences(claims)),
            "ExpirationTime": to_utc_text(ends),
        }
    body["AssumedRoleUser"] = {"Arn": _assumed(key), "AssumedRoleId": f"{_number(key.role)}:{key.session}"}
    body["Credentials"] = {
        "AccessKeyId": key.key_id,
        "AccessKeySecret": key.secret,
        "SecurityToken": key.token,
        "Expiration": to_utc_text(key.expires),
    }
    return Reply(body=body)


def lasting(settings: EmulatorSettings, seconds: int) -> int:
    """Return how many seconds a key lasts for which ``seconds`` were asked."""
    return max(1, int(settings.key_life)) if settings.key_life else seconds


def _pairs(request: Request) -> list[tuple[str, str]]:
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    body = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True) if form else []
    return [*request.query, *body]


def _needed(given: dict[str, str], name: str) -> str:
    value = given.get(name, "")
    if not value:
        raise MISSING(name)
    return value


def _session(given: dict[str, str], settings: EmulatorSettings, now: float) -> SessionKey:
    arn, name = _needed(given, "RoleArn"), _needed(given, "RoleSessionName")
    role = _ROLE.fullmatch(arn)
    if role is None:
        raise BAD_ROLE()
    if not _SESSION.fullmatch(name):
        raise BAD_SESSION()
    text = given.get("DurationSeconds", str(DEFAULT_SECONDS))
    if not (text.isascii() and text.isdigit() and len(text) < 9 and SHORTEST <= int(text) <= LONGEST):
        raise BAD_SECONDS()
    if settings.roles and arn not in settings.roles:
        raise NO_ROLE(arn)
    expires = int(now) + lasting(settings, int(text))
    return made_key(settings, account=role[1], role=role[2], session=name, expires=expires)


def _caller(request: Request, given: dict[str, str], settings: EmulatorSettings) -> tuple[str, SessionKey | None]:
    """Return key id and session of who signed the request."""
    key_id = _needed(given, "AccessKeyId")
    session = read_key(settings, key_id, given.get("SecurityToken", ""), request.now)
    secret = session.secret if session is not None else settings.access_keys.get(key_id)
    if not settings.check_signatures:
        return key_id, session
    if secret is None:
        raise NO_KEY()
    try:
        stamp = calendar.timegm(time.strptime(_needed(given, "Timestamp"), "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        raise BAD_TIME() from None
    if abs(request.now - stamp) > settings.clock_skew:
        raise BAD_TIME()
    signed = sorted((key, value) for key, value in _pairs(request) if key != "Signature")
    texts = [f"{request.method}&%2F&" + form("&".join(f"{form(k)}={form(v)}" for k, v in signed)) for form in _FORMS]
    signature = _needed(given, "Signature").encode()
    if not any(hmac.compare_digest(_signature(secret, text), signature) for text in texts):
        raise BAD_SIGNATURE(texts[0])
    return key_id, session


def _strict(text: str) -> str:
    return quote(text, safe="~")


_FORMS = (_strict, quote_plus)
"""How names and values are encoded: as the vendor documents it, and as its Python library does."""


def _signature(secret: str, text: str) -> bytes:
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), text.encode(), "sha1"))


def _claims(token: str, settings: EmulatorSettings, now: float) -> tuple[Json, int]:
    """Return what an id token says and when it ends; it must be one by its form, not over, and for a known client."""
    head, _, rest = token.partition(".")
    content, _, seal = rest.partition(".")
    try:
        claims = parse_object(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    except ValueError:
        raise BAD_TOKEN() from None
    ends, begins = claims.get("exp"), claims.get("nbf", 0)
    if not head or not seal or not isinstance(ends, int | float) or not isinstance(begins, int | float):
        raise BAD_TOKEN()
    if not 0 <= ends <= LATEST or not begins <= now + 60:
        raise BAD_TOKEN()
    if ends <= now:
        raise OLD_TOKEN()
    if settings.oidc_audiences and not set(_audiences(claims)) & set(settings.oidc_audiences):
        raise WRONG_AUDIENCE()
    return claims, int(ends)


def _audiences(claims: Json) -> list[str]:
    given = claims.get("aud", [])
    return [str(one) for one in (given if isinstance(given, list) else [given])]


def _identity(caller: tuple[str, SessionKey | None], settings: EmulatorSettings, request: Request) -> Json:
    key_id, session = caller
    account = session.account if session else settings.key_accounts.get(key_id, settings.account)
    arn = _assumed(session) if session else f"acs:ram::{account}:user/{key_id}"
    kind = "AssumedRoleUser" if session else "RAMUser"
    return {"AccountId": account, "Arn": arn, "IdentityType": kind, "RequestId": request.request_id}


def _assumed(key: SessionKey) -> str:
    return f"acs:ram::{key.account}:assumed-role/{key.role}/{key.session}"


def _number(role: str) -> str:
    return str(3 * 10**17 + int.from_bytes(role.encode()[:7]))
