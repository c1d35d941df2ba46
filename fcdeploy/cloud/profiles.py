"""Profiles of the aliyun CLI: what each of its modes is made of. No message here holds a secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.cloud.credentials import checked_key, given
from fcdeploy.cloud.origins import (
    AssumedRole,
    AtHand,
    FederatedRole,
    FromCommand,
    FromUri,
    MachineRole,
    Origin,
    SignedOn,
    TokenFile,
    sts_host,
)
from fcdeploy.diagnostics import did_you_mean
from fcdeploy.errors import CredentialsError

FILE = Path(".aliyun") / "config.json"
SESSION = "ALIBABA_CLOUD_ROLE_SESSION_NAME"
IMDS_V1_DISABLED = "ALIBABA_CLOUD_IMDSV1_DISABLED"
DEFAULT_SESSION = "fcdeploy"


def profile_origin(name: str | None, environ: Mapping[str, str], home: Path, *, account: str | None) -> Origin:
    """What the profile's keys are made of; without a name, the current profile's.

    `account` is that of a key which the profile holds itself. Raises CredentialsError.
    """
    file = home / FILE
    content = _read_file(file)
    profiles = {
        one["name"]: one
        for one in content.get("profiles") or ()
        if isinstance(one, dict) and type(one.get("name")) is str
    }
    opened = _Opened(file=file, profiles=profiles, environ=environ)
    return opened.origin(name or content.get("current") or "default", account, ())


class _Opened(Struct, frozen=True, kw_only=True):
    """The CLI's file, read."""

    file: Path
    profiles: Mapping[str, Mapping[str, Any]]
    environ: Mapping[str, str]

    def origin(self, name: str, account: str | None, before: tuple[str, ...]) -> Origin:
        chosen = self.profiles.get(name)
        if chosen is None:
            known = ", ".join(sorted(self.profiles)) or "none"
            raise CredentialsError(
                f"profile `{name}` is not in {self.file}",
                detail=f"profiles there: {known}",
                hint=did_you_mean(name, self.profiles) or f"run `aliyun configure --profile {name}`",
            )
        if name in before:
            raise CredentialsError(f"profile `{name}` is its own source", detail=f"in {self.file}")
        mode = str(chosen.get("mode") or "AK")
        if mode.lower() in _REFUSED:
            raise CredentialsError(
                f"profile `{name}` has mode {mode}, which fcdeploy cannot use",
                detail=_REFUSED[mode.lower()],
                hint=f"modes that it can use: {', '.join(_MODES)}",
            )
        made = next((made for known, made in _MODES.items() if known.lower() == mode.lower()), None)
        if made is None:
            raise CredentialsError(
                f"profile `{name}` has the unknown mode {mode}", hint=f"modes are: {', '.join(_MODES)}"
            )
        origin = made(_Profile(name=name, mode=mode, values=chosen, opened=self, before=(*before, name)))
        return AtHand(key=replace(origin.key, account=account)) if isinstance(origin, AtHand) else origin


class _Profile(Struct, frozen=True, kw_only=True):
    name: str
    mode: str
    values: Mapping[str, Any]
    opened: _Opened
    before: tuple[str, ...]

    @property
    def environ(self) -> Mapping[str, str]:
        return self.opened.environ

    def maybe(self, *names: str) -> str | None:
        """The first of these fields that holds text."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, str) and value.strip():
                return value.strip()
        return None

    def text(self, *names: str) -> str:
        self.need(*names)
        return self.maybe(*names) or ""

    def need(self, *names: str) -> None:
        """Raises CredentialsError, which names all fields that are not there."""
        missing = [name for name in names if self.maybe(name) is None]
        if missing:
            raise CredentialsError(
                f"profile `{self.name}` of mode {self.mode} lacks {' and '.join(missing)}",
                detail=f"in {self.opened.file}",
                hint=f"run `aliyun configure --mode {self.mode} --profile {self.name}`",
            )

    def number(self, name: str) -> int | None:
        value = self.values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

    @property
    def session(self) -> str:
        named = self.maybe("ram_session_name", "role_session_name")
        return named or given(self.environ, SESSION) or DEFAULT_SESSION

    @property
    def sts(self) -> str:
        vpc = self.values.get("enable_vpc")
        return sts_host(self.environ, region=self.maybe("sts_region"), vpc=vpc if isinstance(vpc, bool) else None)


def _key(profile: _Profile) -> AtHand:
    profile.need("access_key_id", "access_key_secret")
    return _static(profile, None)


def _sts_key(profile: _Profile) -> AtHand:
    profile.need("access_key_id", "access_key_secret", "sts_token")
    return _static(profile, profile.text("sts_token"))


def _static(profile: _Profile, token: str | None) -> AtHand:
    key_id, secret = profile.text("access_key_id"), profile.text("access_key_secret")
    return AtHand(key=checked_key(key_id, secret, token, source=f"profile `{profile.name}`"))


def _role_with_key(profile: _Profile) -> AssumedRole:
    profile.need("access_key_id", "access_key_secret", "ram_role_arn")
    return _role(profile, _static(profile, profile.maybe("sts_token")))


def _role_with_machine(profile: _Profile) -> AssumedRole:
    return _role(profile, _machine(profile))


def _chained(profile: _Profile) -> AssumedRole:
    profile.need("source_profile", "ram_role_arn")
    return _role(profile, profile.opened.origin(profile.text("source_profile"), None, profile.before))


def _role(profile: _Profile, source: Origin) -> AssumedRole:
    return AssumedRole(
        source=source,
        role_arn=profile.text("ram_role_arn"),
        session=profile.session,
        sts=profile.sts,
        seconds=profile.number("expired_seconds"),
        external_id=profile.maybe("external_id"),
        policy=profile.maybe("policy"),
    )


def _machine(profile: _Profile) -> MachineRole:
    return machine_role(profile.maybe("ram_role_name"), profile.environ)


def machine_role(name: str | None, environ: Mapping[str, str]) -> MachineRole:
    """The role of the machine; `ALIBABA_CLOUD_IMDSV1_DISABLED=true` asks with a token only."""
    return MachineRole(role=name, hardened=(given(environ, IMDS_V1_DISABLED) or "").lower() == "true")


def _federated(profile: _Profile) -> FederatedRole:
    profile.need("oidc_provider_arn", "oidc_token_file", "ram_role_arn")
    return FederatedRole(
        provider_arn=profile.text("oidc_provider_arn"),
        role_arn=profile.text("ram_role_arn"),
        token=TokenFile(path=profile.text("oidc_token_file")),
        session=profile.session,
        sts=profile.sts,
        seconds=profile.number("expired_seconds"),
        policy=profile.maybe("policy"),
    )


def _uri(profile: _Profile) -> FromUri:
    return FromUri(uri=profile.text("credentials_uri"))


def _command(profile: _Profile) -> FromCommand:
    return FromCommand(command=profile.text("process_command"), profile=profile.name)


def _signed_on(profile: _Profile) -> SignedOn:
    profile.need("cloud_sso_sign_in_url", "cloud_sso_account_id", "cloud_sso_access_config", "access_token")
    return SignedOn(
        url=profile.text("cloud_sso_sign_in_url"),
        account=profile.text("cloud_sso_account_id"),
        access=profile.text("cloud_sso_access_config"),
        token=profile.text("access_token"),
        expires=profile.number("cloud_sso_access_token_expire") or 0,
        profile=profile.name,
    )


_MODES: Mapping[str, Callable[[_Profile], Origin]] = {
    "AK": _key,
    "StsToken": _sts_key,
    "RamRoleArn": _role_with_key,
    "ChainableRamRoleArn": _chained,
    "RamRoleArnWithEcs": _role_with_machine,
    "EcsRamRole": _machine,
    "OIDC": _federated,
    "CredentialsURI": _uri,
    "External": _command,
    "CloudSSO": _signed_on,
}
"""Every mode that can be used, as the CLI spells it."""

_REFUSED: Mapping[str, str] = {
    "oauth": "its tokens are good for one use, and only the CLI may write the next one into its file",
    "rsakeypair": "fcdeploy takes no RSA key pairs; a role or an access key does the same",
}


def _read_file(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise CredentialsError(f"there is no {file}", hint="run `aliyun configure`") from None
    except OSError as error:
        raise CredentialsError(f"{file} cannot be read: {error.strerror or type(error).__name__}") from error
    except json.JSONDecodeError as error:
        # `from None`: the decoder's error holds the whole text, keys included.
        where = f"line {error.lineno}, column {error.colno}"
        raise CredentialsError(f"{file} is not JSON: {error.msg} at {where}", hint="run `aliyun configure`") from None
    except UnicodeDecodeError:
        raise CredentialsError(f"{file} is not UTF-8 text", hint="run `aliyun configure`") from None
    if not isinstance(content, dict):
        raise CredentialsError(f"{file} is not a file of the aliyun CLI", hint="run `aliyun configure`")
    return content
