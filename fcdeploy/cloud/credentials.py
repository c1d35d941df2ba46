"""An access key, as calls are signed with it. It shows itself nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

from msgspec import Struct

from fcdeploy.errors import CredentialsError

TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN"
ACCOUNT = "ALIBABA_CLOUD_ACCOUNT_ID"
PROJECT = "HUAWEICLOUD_SDK_PROJECT_ID"

_UNFIT = re.compile(r"[^\x21-\x7e]")


class Credentials(Struct, frozen=True, kw_only=True):
    """An access key; `account` is the account id (project id) where the source names it.

    `expires_at` is when a temporary key that can be replaced ends, in seconds since the epoch.
    """

    access_key_id: str
    access_key_secret: str
    security_token: str | None = None
    account: str | None = None
    expires_at: float | None = None

    def __repr__(self) -> str:
        kind = "temporary key" if self.security_token else "key"
        return f"Credentials({kind} {self.access_key_id[:4]}***, account={self.account})"

    def hidden(self, text: str) -> str:
        """The text with this key's secret and token blotted out; services echo what they were sent."""
        return without(text, self.access_key_secret, self.security_token)


def without(text: str, *secrets: str | None) -> str:
    """The text with these blotted out, also as a URL holds them, and as one holds a URL."""
    for secret in secrets:
        if secret:
            for form in (secret, quote(secret, safe=""), quote_plus(secret), quote(quote(secret, safe=""), safe="")):
                text = text.replace(form, "***")
    return text


def given(environ: Mapping[str, str], name: str) -> str | None:
    """A variable that holds something. CI systems pass an unset secret on as an empty string, a pasted one with its
    line end.
    """
    return environ.get(name, "").strip() or None


def checked_key(
    key_id: str,
    secret: str,
    token: str | None,
    *,
    source: str,
    account: str | None = None,
    expires_at: float | None = None,
) -> Credentials:
    """A key that can be one. Raises CredentialsError, in which `source` says whose it is."""
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
    return Credentials(
        access_key_id=key_id,
        access_key_secret=secret,
        security_token=token,
        account=account,
        expires_at=expires_at,
    )
