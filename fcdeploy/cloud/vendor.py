"""Temporary keys, fetched by the vendor's own library: the extra `fcdeploy[credentials]`, loaded when one is needed.

The library keeps keys and renews them in ways of its own; here each call makes its objects anew, and `keys` decides
when. It writes requests, id tokens in them, to a log on stderr: that is switched off, and its errors are taken apart
for what may be shown. Nothing of them goes on.
"""

from __future__ import annotations

import importlib
import json
import logging
import re
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from fcdeploy.cloud.credentials import Credentials, checked_key, without
from fcdeploy.cloud.id_token import read_id_token, token_path
from fcdeploy.cloud.origins import (
    AssumedRole,
    AtHand,
    FederatedRole,
    FromCommand,
    FromUri,
    MachineRole,
    Origin,
    SignedOn,
    account_of,
    told,
)
from fcdeploy.errors import CredentialsError, CredentialsUnreachable

EXTRA: Final = "pip install 'fcdeploy[credentials]'"

_LOGS = ("credentials", "alibabacloud-tea")
_QUOTED = 300
_STATUS = re.compile(r"http_?code[:=] ?(\d{3})", re.IGNORECASE)
_ECHO = re.compile(r"\s*server string to sign.*", re.IGNORECASE | re.DOTALL)
_PASSING = frozenset({"ServiceUnavailable", "InternalError", "Throttling", "Throttling.User"})

_HINTS: Mapping[str, str] = {
    "NoPermission": "the role's trust policy must name who takes it, who in turn needs sts:AssumeRole; the key of an "
    "account itself cannot take a role",
    "EntityNotExist.Role": "see the role's name and account; RAM writes role names in lower case",
    "EntityNotExist.RoleArn": "see the role's name and account; RAM writes role names in lower case",
    "InvalidParameter.RoleArn": 'a role is written as "acs:ram::ACCOUNT:role/NAME"',
    "InvalidParameter.DurationSeconds": "the role's own maximum is an hour unless it was raised",
    "AuthenticationFail.OIDCToken.Expired": "ask for the token shortly before the job needs it, and read it each time",
    "AuthenticationFail.OIDCToken.Invalid": "the provider's issuer and client id must be those of the token",
    "AuthenticationFail.NoPermission": "the trust policy's oidc:iss, oidc:aud and oidc:sub must be those of the token",
    "InvalidAccessKeyId.NotFound": "the access key that takes the role does not exist",
    "InvalidAccessKeyId.Inactive": "the access key that takes the role is switched off",
    "SignatureDoesNotMatch": "the access key's secret is wrong",
    "InvalidSecurityToken.Expired": "the keys that take the role are over",
    "InvalidTimeStamp.Expired": "this machine's clock is wrong",
}
"""Codes of STS (API reference STS 2015-04-01; "STS FAQ") and what to do about them."""


def read_keys(origin: Origin, environ: Mapping[str, str]) -> Credentials:
    """Fetch a key; takes up to some fifteen seconds. Raises CredentialsError, CredentialsUnreachable if it may pass."""
    if isinstance(origin, AtHand):
        return origin.key
    library = _library(origin)
    with ExitStack() as opened:
        # An error must not carry the provider that it came from: it is raised where that is out of sight.
        got = _asked(origin, environ, library, opened)
    if isinstance(got, CredentialsError):
        raise got
    return checked_key(
        got.key_id, got.secret, got.token, source=told(origin), account=account_of(origin), expires_at=got.expires_at
    )


class _Got(NamedTuple):
    key_id: str
    secret: str
    token: str | None
    expires_at: float | None


class _Library(NamedTuple):
    providers: Any
    errors: tuple[type[Exception], ...]


def _library(origin: Origin) -> _Library:
    try:
        importlib.import_module("alibabacloud_credentials_api")  # small, and there only with the rest
        providers = importlib.import_module("alibabacloud_credentials.provider")
        errors = importlib.import_module("alibabacloud_credentials.exceptions")
        core = importlib.import_module("Tea.exceptions")
    except ImportError as error:
        raise CredentialsError(
            f"{told(origin)} needs the vendor's library alibabacloud-credentials",
            detail=f"{type(error).__name__}: {error.msg}",
            hint=EXTRA,
        ) from None
    for name in _LOGS:
        logging.getLogger(name).disabled = True
    # It takes replies for what they should be: whatever comes of one that is not, is its error.
    wrong = (OSError, ValueError, TypeError, KeyError, AttributeError)
    return _Library(providers, (errors.CredentialException, core.TeaException, core.RetryError, *wrong))


def _asked(origin: Origin, environ: Mapping[str, str], library: _Library, opened: ExitStack) -> _Got | CredentialsError:
    secrets: list[str] = []
    try:
        provider = _provider(origin, environ, library, opened, secrets)
        key = provider.get_credentials()
        key_id, secret, token = key.get_access_key_id(), key.get_access_key_secret(), key.get_security_token()
        ends = key.get_expiration()
    except CredentialsError as error:
        return error
    except library.errors as error:
        return _failure(origin, error, secrets)
    if not isinstance(key_id, str) or not isinstance(secret, str) or not key_id or not secret:
        return CredentialsError(f"{told(origin)} gave no key")
    return _Got(key_id, secret, token or None, float(ends) if ends else None)


def _provider(
    origin: Origin, environ: Mapping[str, str], library: _Library, opened: ExitStack, secrets: list[str]
) -> Any:
    """The library's object for an origin. What it takes from variables of its own is always given."""
    made = library.providers
    match origin:
        case AtHand(key=key):
            secrets += [key.access_key_secret, key.security_token or ""]
            if key.security_token is None:
                return made.StaticAKCredentialsProvider(
                    access_key_id=key.access_key_id, access_key_secret=key.access_key_secret
                )
            return made.StaticSTSCredentialsProvider(
                access_key_id=key.access_key_id,
                access_key_secret=key.access_key_secret,
                security_token=key.security_token,
            )
        case AssumedRole():
            # Fetched here and not by the library, so that its error is told as its own.
            source = AtHand(key=read_keys(origin.source, environ))
            return made.RamRoleArnCredentialsProvider(
                credentials_provider=_provider(source, environ, library, opened, secrets),
                role_arn=origin.role_arn,
                role_session_name=origin.session,
                duration_seconds=origin.seconds,
                policy=origin.policy,
                external_id=origin.external_id,
                sts_endpoint=origin.sts,
            )
        case FederatedRole():
            token = read_id_token(origin.token, environ)
            secrets.append(token)
            return made.OIDCRoleArnCredentialsProvider(
                role_arn=origin.role_arn,
                oidc_provider_arn=origin.provider_arn,
                oidc_token_file_path=opened.enter_context(token_path(token)),
                role_session_name=origin.session,
                duration_seconds=origin.seconds,
                policy=origin.policy,
                sts_endpoint=origin.sts,
            )
        case MachineRole():
            return made.EcsRamRoleCredentialsProvider(
                role_name=origin.role or "", disable_imds_v1=origin.hardened, async_update_enabled=False
            )
        case FromUri():
            return made.URLCredentialsProvider(uri=_with_port(origin.uri))
        case FromCommand():
            return made.ExternalCredentialsProvider(process_command=origin.command)
        case SignedOn():
            secrets.append(origin.token)
            return made.CloudSSOCredentialsProvider(
                sign_in_url=_with_port(origin.url),
                account_id=origin.account,
                access_config=origin.access,
                access_token=origin.token,
                access_token_expire=origin.expires,
            )


def _with_port(uri: str) -> str:
    """The address with its port, without which the library makes none (":None"). Raises CredentialsError."""
    try:
        parts = urlsplit(uri)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    except (ValueError, KeyError):
        host = None
    if not host:
        raise CredentialsError("the address that keys are to come from is not a web address") from None
    return parts._replace(netloc=f"{host}:{port}").geturl()


def _failure(origin: Origin, error: Exception, secrets: list[str]) -> CredentialsError:
    """What may be shown of an error of the library."""
    who, host = told(origin), getattr(origin, "sts", "")
    where = f"STS ({host.rpartition('://')[2]})" if host else "what gives it"
    if type(error).__name__ == "RetryError":
        # Its text is the address of the request, with the id token in it.
        fault = type(error.__context__).__name__ if error.__context__ is not None else "no connection"
        hint = "check the network and the proxy settings; ALIBABA_CLOUD_STS_REGION names a nearer STS"
        return CredentialsUnreachable(
            f"no key for {who}: {where} does not answer ({fault})", hint=hint if host else _machine_hint(origin)
        )
    text = str(error)
    status = _STATUS.search(text)
    reply = _reply(text)
    code = str(reply.get("Code") or "")
    if code or status:
        message = _ECHO.sub("", without(str(reply.get("Message") or ""), *secrets))[:_QUOTED]
        said = " ".join(filter(None, (status[1] if status else "", code))) + (f": {message}" if message else "")
        passes = code in _PASSING or (status is not None and (status[1] == "429" or status[1] >= "500"))
        request = str(reply.get("RequestId") or "")
        return (CredentialsUnreachable if passes else CredentialsError)(
            f"no key for {who}: {where} answered {said}",
            detail=f"request id {request}" if request else "",
            hint=_HINTS.get(code, "") or _machine_hint(origin),
        )
    if isinstance(origin, FromCommand):
        exit_status = re.search(r"exit status (\d+)|timed out", text)
        why = exit_status[0] if exit_status else "it printed no key"
        return CredentialsError(f"no key for {who}: {why}", hint="run it by hand: what it prints is not shown here")
    if isinstance(origin, SignedOn):
        return CredentialsError(
            f"no key for {who}: {type(error).__name__}", hint=f"run `aliyun configure --profile {origin.profile}`"
        )
    summary = f"no key for {who}: the reply of {where} is not one ({type(error).__name__})"
    return CredentialsError(summary, hint=_machine_hint(origin))


def _machine_hint(origin: Origin) -> str:
    if isinstance(origin, MachineRole):
        return "an ECS instance with a RAM role has them; the library asks through HTTP_PROXY, NO_PROXY or not"
    return ""


def _reply(text: str) -> Mapping[str, Any]:
    """The JSON that the library quotes in its error."""
    start = text.find("{")
    try:
        content = json.JSONDecoder().raw_decode(text[start:])[0] if start >= 0 else None
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {}
