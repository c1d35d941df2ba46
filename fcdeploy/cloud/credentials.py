"""Where access keys come from: a profile of the aliyun CLI or the environment. No message here holds a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcdeploy.diagnostics import did_you_mean
from fcdeploy.errors import CredentialsError

KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID"
KEY_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN"
ACCOUNT = "ALIBABA_CLOUD_ACCOUNT_ID"
PROFILE = "ALIBABA_CLOUD_PROFILE"
IGNORE_PROFILE = "ALIBABA_CLOUD_IGNORE_PROFILE"

_FILE = Path(".aliyun") / "config.json"
_MODES = {"ak": ("access_key_id", "access_key_secret"), "ststoken": ("access_key_id", "access_key_secret", "sts_token")}
_UNFIT = re.compile(r"[^\x21-\x7e]")
_EXPORT = f"export {KEY_ID}, {KEY_SECRET} and {TOKEN} of a temporary key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An access key; `account` is the account id where the source names it."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    account: str | None = None

    def __repr__(self) -> str:
        kind = "temporary key" if self.security_token else "key"
        return f"Credentials({kind} {self.access_key_id[:4]}***, account={self.account})"

    def hidden(self, text: str) -> str:
        """The text with this key's secret and token blotted out; services echo what they were sent."""
        for secret in (self.access_key_secret, self.security_token):
            if secret:
                text = text.replace(secret, "***")
        return text


def read_credentials(profile: str | None, environ: Mapping[str, str], home: Path) -> Credentials:
    """The key to use: the target's own profile, else the environment, else the aliyun CLI's current profile (S6).

    The variables and the file are those of the aliyun CLI ("Environment variables for Alibaba Cloud CLI"), but a key in
    the environment comes before the current profile, as in the vendor's SDKs. `ALIBABA_CLOUD_PROFILE` names another
    profile than the current one, `ALIBABA_CLOUD_IGNORE_PROFILE=TRUE` leaves the file alone. `ALIBABA_CLOUD_ACCOUNT_ID`
    belongs to the environment's key or to the current profile, never to a profile that a target names itself.

    Raises CredentialsError, which says what is missing and where it was looked for.
    """
    if profile is not None:
        return _from_profile(profile, home, account=None)
    found = _from_environment(environ)
    if found is not None:
        return found
    file = home / _FILE
    if environ.get(IGNORE_PROFILE) == "TRUE" or not file.exists():
        raise CredentialsError(
            "no credentials found",
            detail=f"looked at {KEY_ID}, {KEY_SECRET} and {file}",
            hint=f"set {KEY_ID} and {KEY_SECRET}, or run `aliyun configure`",
        )
    return _from_profile(_given(environ, PROFILE), home, account=_given(environ, ACCOUNT))


def _given(environ: Mapping[str, str], name: str) -> str | None:
    # CI systems pass an unset secret on as an empty string, and a pasted one with its line end.
    return environ.get(name, "").strip() or None


def _from_environment(environ: Mapping[str, str]) -> Credentials | None:
    key_id, secret, token = (_given(environ, name) for name in (KEY_ID, KEY_SECRET, TOKEN))
    if key_id is None and secret is None and token is None:
        return None
    for name, value in ((KEY_ID, key_id), (KEY_SECRET, secret)):
        if value is None:
            others = [other for other, given in ((KEY_ID, key_id), (KEY_SECRET, secret), (TOKEN, token)) if given]
            raise CredentialsError(
                f"{name} is not set, but {' and '.join(others)} {'is' if len(others) == 1 else 'are'}",
                hint=f"set {name} too, or unset {' and '.join(others)} to use a profile",
            )
    return _checked(key_id or "", secret or "", token, account=_given(environ, ACCOUNT), source="the environment")


def _from_profile(name: str | None, home: Path, *, account: str | None) -> Credentials:
    file = home / _FILE
    content = _read_file(file)
    profiles = {
        one["name"]: one
        for one in content.get("profiles") or ()
        if isinstance(one, dict) and type(one.get("name")) is str
    }
    name = name or content.get("current") or "default"
    chosen = profiles.get(name)
    if chosen is None:
        known = ", ".join(sorted(profiles)) or "none"
        raise CredentialsError(
            f"profile `{name}` is not in {file}",
            detail=f"profiles there: {known}",
            hint=did_you_mean(name, profiles) or f"run `aliyun configure --profile {name}`",
        )
    mode = str(chosen.get("mode") or "AK")
    fields = _MODES.get(mode.lower())
    if fields is None:
        raise CredentialsError(
            f"profile `{name}` has mode {mode}, which fcdeploy cannot use",
            detail="fcdeploy reads profiles of mode AK and StsToken",
            hint=f"{_EXPORT}, or name a profile of mode AK or StsToken",
        )
    values = {one: chosen[one].strip() for one in fields if isinstance(chosen.get(one), str) and chosen[one].strip()}
    missing = [one for one in fields if one not in values]
    if missing:
        raise CredentialsError(
            f"profile `{name}` of mode {mode} lacks {' and '.join(missing)}",
            detail=f"in {file}",
            hint=f"run `aliyun configure --mode {mode} --profile {name}`",
        )
    return _checked(
        values["access_key_id"],
        values["access_key_secret"],
        values.get("sts_token"),
        account=account,
        source=f"profile `{name}`",
    )


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


def _checked(key_id: str, secret: str, token: str | None, *, account: str | None, source: str) -> Credentials:
    for what, value in (("access key id", key_id), ("access key secret", secret), ("security token", token or "")):
        if _UNFIT.search(value):
            raise CredentialsError(
                f"the {what} of {source} holds a space or a character that no key has",
                hint="it was probably pasted with something around it",
            )
    # Without its token a temporary key is only refused by the service, with a message that does not say why.
    if key_id.startswith("STS.") and token is None:
        raise CredentialsError(
            f"the access key id of {source} is that of a temporary key, but there is no security token",
            hint=f"set {TOKEN}, or `aliyun configure --mode StsToken`",
        )
    return Credentials(access_key_id=key_id, access_key_secret=secret, security_token=token, account=account)
