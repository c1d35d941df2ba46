"""Which keys a target uses: its own `credentials:`, the environment, or a profile of the aliyun CLI, in that order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fcdeploy.cloud.credentials import ACCOUNT, TOKEN, checked_key, given
from fcdeploy.cloud.origins import (
    AssumedRole,
    AtHand,
    FederatedRole,
    FromUri,
    GithubToken,
    Origin,
    Token,
    TokenFile,
    TokenVariable,
    sts_host,
)
from fcdeploy.cloud.profiles import DEFAULT_SESSION, FILE, SESSION, machine_role, profile_origin
from fcdeploy.errors import CredentialsError
from fcdeploy.model import Federation, KeySource

KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID"
KEY_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
ROLE_ARN = "ALIBABA_CLOUD_ROLE_ARN"
OIDC_PROVIDER = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
OIDC_TOKEN_FILE = "ALIBABA_CLOUD_OIDC_TOKEN_FILE"
PROFILE = "ALIBABA_CLOUD_PROFILE"
IGNORE_PROFILE = "ALIBABA_CLOUD_IGNORE_PROFILE"
PROFILE_DISABLED = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"
ECS_METADATA = "ALIBABA_CLOUD_ECS_METADATA"
ECS_METADATA_DISABLED = "ALIBABA_CLOUD_ECS_METADATA_DISABLED"
CREDENTIALS_URI = "ALIBABA_CLOUD_CREDENTIALS_URI"


def key_origin(
    wanted: KeySource | None, environ: Mapping[str, str], home: Path, *, inside: str | None = None
) -> Origin:
    """What the keys of a target are made of (S6); nothing but the aliyun CLI's file is read.

    `wanted` is the target's `credentials:`. What it does not name comes from the first of these that is there, in the
    order of the vendor's SDKs: a key in the environment; a role with an id token; the current profile of the aliyun
    CLI, or the one that `ALIBABA_CLOUD_PROFILE` names; the machine's role; a local service. The machine is asked only
    when `ALIBABA_CLOUD_ECS_METADATA` names its role. `ALIBABA_CLOUD_ACCOUNT_ID` belongs to the environment's key or to
    the current profile, never to a profile that a target names itself.

    `inside` is the region whose internal network the target is reached through: STS is asked through it too. Raises
    CredentialsError, which says what is missing and where it was looked for.
    """
    vpc = None if inside is None else True
    wanted = wanted or KeySource()
    source: Origin
    if wanted.profile is not None:
        source = profile_origin(wanted.profile, environ, home, account=None)
    elif wanted.oidc is not None:
        source = _federated(wanted.oidc, environ, sts_host(environ, region=inside, vpc=vpc))
    elif wanted.ecs_role is not None:
        source = machine_role(wanted.ecs_role or None, environ)
    else:
        source = _from_environment(environ, home, inside)
    if wanted.role_arn is None:
        return source
    return AssumedRole(
        source=source,
        role_arn=wanted.role_arn,
        session=wanted.session_name or _session(environ),
        sts=sts_host(environ, region=inside, vpc=vpc),
        seconds=wanted.duration_seconds,
        external_id=wanted.external_id,
    )


def _federated(oidc: Federation, environ: Mapping[str, str], sts: str) -> FederatedRole:
    token: Token
    if oidc.token_file is not None:
        token = TokenFile(path=oidc.token_file)
    elif oidc.token_env is not None:
        token = TokenVariable(name=oidc.token_env)
    else:
        token = GithubToken(audience=oidc.github or "")
    return FederatedRole(
        provider_arn=oidc.provider_arn,
        role_arn=oidc.role_arn,
        token=token,
        session=oidc.session_name or _session(environ),
        sts=sts,
        seconds=oidc.duration_seconds,
    )


def _session(environ: Mapping[str, str]) -> str:
    return given(environ, SESSION) or DEFAULT_SESSION


def _from_environment(environ: Mapping[str, str], home: Path, inside: str | None) -> Origin:
    found = _key(environ) or _role(environ, inside)
    if found is not None:
        return found
    file = home / FILE
    ignored = any((given(environ, name) or "").lower() == "true" for name in (IGNORE_PROFILE, PROFILE_DISABLED))
    if not ignored and file.exists():
        return profile_origin(given(environ, PROFILE), environ, home, account=given(environ, ACCOUNT))
    machine, uri = given(environ, ECS_METADATA), given(environ, CREDENTIALS_URI)
    if machine is not None and (given(environ, ECS_METADATA_DISABLED) or "").lower() != "true":
        return machine_role(machine, environ)
    if uri is not None:
        return FromUri(uri=uri)
    raise CredentialsError(
        "no credentials found",
        detail=f"looked at {KEY_ID}, {KEY_SECRET}, {OIDC_TOKEN_FILE}, {file}, {ECS_METADATA} and {CREDENTIALS_URI}",
        hint=_partly(environ) or f"set {KEY_ID} and {KEY_SECRET}, or run `aliyun configure`",
    )


def _key(environ: Mapping[str, str]) -> AtHand | None:
    key_id, secret, token = (given(environ, name) for name in (KEY_ID, KEY_SECRET, TOKEN))
    if key_id is None and secret is None and token is None:
        return None
    for name, value in ((KEY_ID, key_id), (KEY_SECRET, secret)):
        if value is None:
            others = [other for other, got in ((KEY_ID, key_id), (KEY_SECRET, secret), (TOKEN, token)) if got]
            raise CredentialsError(
                f"{name} is not set, but {' and '.join(others)} {'is' if len(others) == 1 else 'are'}",
                hint=f"set {name} too, or unset {' and '.join(others)} to use a profile",
            )
    key = checked_key(key_id or "", secret or "", token, account=given(environ, ACCOUNT), source="the environment")
    return AtHand(key=key)


def _role(environ: Mapping[str, str], inside: str | None) -> FederatedRole | None:
    role, provider, file = (given(environ, name) for name in (ROLE_ARN, OIDC_PROVIDER, OIDC_TOKEN_FILE))
    if role is None or provider is None or file is None:
        return None
    return FederatedRole(
        provider_arn=provider,
        role_arn=role,
        token=TokenFile(path=file),
        session=_session(environ),
        sts=sts_host(environ, region=inside, vpc=None if inside is None else True),
    )


def _partly(environ: Mapping[str, str]) -> str:
    """What is missing of the three variables of a role with an id token."""
    names = (ROLE_ARN, OIDC_PROVIDER, OIDC_TOKEN_FILE)
    missing = [name for name in names if given(environ, name) is None]
    return "" if len(missing) == len(names) else f"set {' and '.join(missing)} too"
