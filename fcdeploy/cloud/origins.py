"""What keys are made of: a key at hand, or a role to take and what to take it with. Values only, nothing is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from fcdeploy.cloud.credentials import Credentials, given
from fcdeploy.errors import CredentialsError
from fcdeploy.model import arn_account

STS_ENDPOINT = "ALIBABA_CLOUD_STS_ENDPOINT"
STS_REGION = "ALIBABA_CLOUD_STS_REGION"
VPC_ENDPOINT = "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"

_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[::1\])(?::[0-9]{1,5})?")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class AtHand(Struct, frozen=True, kw_only=True):
    """A key that is there already. `account` is told beside it, where it is known."""

    key: Credentials


class TokenFile(Struct, frozen=True, kw_only=True):
    """An id token in a file, which somebody else writes anew from time to time."""

    path: str


class TokenVariable(Struct, frozen=True, kw_only=True):
    """An id token in an environment variable."""

    name: str


class GithubToken(Struct, frozen=True, kw_only=True):
    """An id token that GitHub Actions gives on request, for this audience ("": its default)."""

    audience: str


Token = TokenFile | TokenVariable | GithubToken


class FederatedRole(Struct, frozen=True, kw_only=True):
    """A role taken with an id token; `sts` is the host to ask, `seconds` None is STS's own default."""

    provider_arn: str
    role_arn: str
    token: Token
    session: str
    sts: str
    seconds: int | None = None
    policy: str | None = None


class AssumedRole(Struct, frozen=True, kw_only=True):
    """A role taken with keys from elsewhere."""

    source: Origin
    role_arn: str
    session: str
    sts: str
    seconds: int | None = None
    external_id: str | None = None
    policy: str | None = None


class MachineRole(Struct, frozen=True, kw_only=True):
    """The role of the machine, as its metadata service gives it; `hardened`: only with a token of that service."""

    role: str | None = None
    hardened: bool = False


class FromUri(Struct, frozen=True, kw_only=True):
    """Keys that a local service gives out. The address may hold a secret."""

    uri: str

    def __repr__(self) -> str:
        return "FromUri()"


class FromCommand(Struct, frozen=True, kw_only=True):
    """Keys that a command of the aliyun CLI's own file prints."""

    command: str
    profile: str

    def __repr__(self) -> str:
        return f"FromCommand(profile={self.profile!r})"


class SignedOn(Struct, frozen=True, kw_only=True):
    """Keys for somebody who is signed on with CloudSSO; `expires` is in seconds since the epoch."""

    url: str
    account: str
    access: str
    token: str
    expires: int
    profile: str

    def __repr__(self) -> str:
        return f"SignedOn(url={self.url!r}, account={self.account!r}, access={self.access!r}, profile={self.profile!r})"


Origin = AtHand | FederatedRole | AssumedRole | MachineRole | FromUri | FromCommand | SignedOn


def account_of(origin: Origin) -> str | None:
    """The account whose keys these are, where that is known without asking."""
    match origin:
        case AtHand(key=key):
            return key.account
        case FederatedRole(role_arn=arn) | AssumedRole(role_arn=arn):
            return arn_account(arn)
        case SignedOn(account=account):
            return account
        case _:
            return None


def told(origin: Origin) -> str:
    """What the origin is called in a message."""
    match origin:
        case AtHand():
            return "the access key"
        case FederatedRole(role_arn=arn) | AssumedRole(role_arn=arn):
            return f"role {arn}"
        case MachineRole(role=role):
            return f"role {role} of this machine" if role else "the role of this machine"
        case FromUri():
            return "the service of ALIBABA_CLOUD_CREDENTIALS_URI or of the profile's credentials_uri"
        case FromCommand(profile=profile):
            return f"the command of profile `{profile}`"
        case SignedOn(profile=profile):
            return f"the CloudSSO sign-on of profile `{profile}`"


def sts_host(environ: Mapping[str, str], *, region: str | None = None, vpc: bool | None = None) -> str:
    """Where roles are asked for: the variables of the vendor's SDKs, else `region` and `vpc`, else the central host.

    `ALIBABA_CLOUD_STS_ENDPOINT` beats all else; it is a host, or for tests an http:// address on this machine. Raises
    CredentialsError for one that is neither.
    """
    endpoint = given(environ, STS_ENDPOINT)
    if endpoint is not None:
        return _endpoint(endpoint)
    if vpc is None and (flag := given(environ, VPC_ENDPOINT)) is not None:
        vpc = flag.lower() == "true"
    region = region or given(environ, STS_REGION)
    if region is None:
        return "sts.aliyuncs.com"
    if not re.fullmatch(r"[a-z0-9-]+", region):
        raise CredentialsError("the region of STS cannot be part of a host name", hint=f"set {STS_REGION} right")
    return f"{'sts-vpc' if vpc else 'sts'}.{region}.aliyuncs.com"


def _endpoint(text: str) -> str:
    scheme, mark, host = text.rstrip("/").rpartition("://")
    if _HOST.fullmatch(host):
        if not mark or scheme == "https":
            return host
        # An id token goes out in the address of the request.
        if scheme == "http" and urlsplit(text).hostname in _LOOPBACK:
            return f"http://{host}"
    raise CredentialsError(
        f"{STS_ENDPOINT} is not a host",
        detail="plain http is for this machine only",
        hint=f"{STS_ENDPOINT}=sts.cn-hangzhou.aliyuncs.com",
    )
