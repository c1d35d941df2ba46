"""Temporary keys that the emulator's STS gives out. Nothing of them is stored: a token says, sealed, whose key it is.

So they are good after a restart too, as long as the emulator's own access keys are the same.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

from fcdeploy.emulator.errors import ErrorKind
from fcdeploy.emulator.settings import EmulatorSettings

PREFIX = "STS."

# Codes of the vendor's gateway (common error codes); what Function Compute itself says is not documented [INF].
TOKEN_MALFORMED = ErrorKind("InvalidSecurityToken.Malformed", 403, "Specified SecurityToken is malformed.")
TOKEN_MISMATCH = ErrorKind(
    "InvalidSecurityToken.MismatchWithAccessKey", 403, "Specified SecurityToken mismatch with the AccessKey."
)
TOKEN_EXPIRED = ErrorKind("InvalidSecurityToken.Expired", 403, "Specified SecurityToken is expired.")
TOKEN_MISSING = ErrorKind("MissingSecurityToken", 400, "SecurityToken is mandatory for this action.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKey:
    """A key given out: what it opens and until when (unix seconds)."""

    key_id: str
    secret: str
    token: str
    account: str
    role: str
    session: str
    expires: int


def made_key(settings: EmulatorSettings, *, account: str, role: str, session: str, expires: int) -> SessionKey:
    """Return a new key for a session of ``role`` (its bare name) in ``account``."""
    key_id = PREFIX + base64.b32encode(secrets.token_bytes(15)).decode()
    said = {"k": key_id, "a": account, "r": role, "s": session, "e": expires}
    content = base64.urlsafe_b64encode(json.dumps(said).encode()).decode()
    return SessionKey(
        key_id=key_id,
        secret=_seal(settings, "secret", key_id),
        token=f"{content}.{_seal(settings, 'token', content)}",
        account=account,
        role=role,
        session=session,
        expires=expires,
    )


def read_key(settings: EmulatorSettings, key_id: str, token: str, now: float) -> SessionKey | None:
    """Return the key that ``token`` belongs to, None when ``key_id`` is not one that STS gives out.

    Raises:
        ApiError: 400 MissingSecurityToken, 403 InvalidSecurityToken.Malformed, .MismatchWithAccessKey, .Expired.
    """
    if not key_id.startswith(PREFIX) or key_id in settings.access_keys:
        return None
    if not token:
        raise TOKEN_MISSING()
    content, _, seal = token.partition(".")
    if not hmac.compare_digest(seal.encode(), _seal(settings, "token", content).encode()):
        raise TOKEN_MALFORMED()
    said = json.loads(base64.urlsafe_b64decode(content))
    if said["k"] != key_id:
        raise TOKEN_MISMATCH()
    if said["e"] <= now:
        raise TOKEN_EXPIRED()
    return SessionKey(
        key_id=key_id,
        secret=_seal(settings, "secret", key_id),
        token=token,
        account=said["a"],
        role=said["r"],
        session=said["s"],
        expires=said["e"],
    )


def sealed_text(settings: EmulatorSettings, use: str, text: str) -> str:
    """Return ``text`` with a seal that :func:`opened_text` looks at."""
    return f"{text}.{_seal(settings, use, text)}"


def opened_text(settings: EmulatorSettings, use: str, sealed: str) -> str | None:
    """Return what was sealed, None when it was not by this emulator."""
    text, _, seal = sealed.rpartition(".")
    return text if hmac.compare_digest(seal.encode(), _seal(settings, use, text).encode()) else None


def _seal(settings: EmulatorSettings, use: str, text: str) -> str:
    known = json.dumps(sorted(settings.access_keys.items())).encode()
    key = hashlib.sha256(b"fcdeploy emulator\n" + known).digest()
    return base64.urlsafe_b64encode(hmac.digest(key, f"{use}\n{text}".encode(), "sha256")).decode().rstrip("=")
