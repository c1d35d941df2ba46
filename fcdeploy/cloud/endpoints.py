"""Hosts of Function Compute by account and region (facts 2), and of FunctionGraph by region (its facts 1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from fcdeploy.cloud.credentials import ACCOUNT, PROJECT
from fcdeploy.diagnostics import Diagnostic, did_you_mean, warning
from fcdeploy.errors import CredentialsError, UsageError
from fcdeploy.model import Target

REGIONS = frozenset(
    {
        "cn-hangzhou",
        "cn-shanghai",
        "cn-qingdao",
        "cn-beijing",
        "cn-zhangjiakou",
        "cn-huhehaote",
        "cn-shenzhen",
        "cn-chengdu",
        "cn-hongkong",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-southeast-5",
        "ap-northeast-1",
        "ap-south-1",
        "eu-central-1",
        "eu-west-1",
        "us-east-1",
        "us-west-1",
        "cn-hangzhou-finance",
        "cn-north-2-gov-1",
    }
)
"""Regions of the API reference 2016-08-15 and of the 2021-04-06 SDK's endpoint map. Others may exist."""

HUAWEI_REGIONS = frozenset(
    {
        *("cn-north-1", "cn-north-4", "cn-north-9", "cn-north-11", "cn-east-2", "cn-east-3", "cn-east-4"),
        *("cn-south-1", "cn-south-4", "cn-southwest-2", "cn-southwest-3"),
        *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
        *("af-south-1", "sa-brazil-1", "la-south-2", "la-north-2", "na-mexico-1", "eu-west-101", "tr-west-1"),
        *("me-east-1", "my-kualalumpur-1", "ru-moscow-1", "ae-ad-1"),
    }
)
"""Regions of the vendor's SDK for Python, 3.1.219. Others may exist."""

_NETWORKS = {"public": "", "internal": "-internal"}
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_ACCOUNT = re.compile(r"[0-9]+")
_PROJECT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OWN_HOST = r"functiongraph\.{region}\.myhuaweicloud\.(?:com|eu)"


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where calls go: `host` is what the service believes it is called, `base_url` where the connection goes."""

    account: str
    host: str
    base_url: str
    warnings: tuple[Diagnostic, ...] = ()


def endpoint(target: Target, *, account: str | None, url: str | None = None) -> Endpoint:
    """The endpoint of a target; `account` is the credentials' own account id, `url` overrides only the connection.

    Raises CredentialsError when no account is known or the target's and the credentials' differ (S6), UsageError when
    region, network or url cannot be part of an address.
    """
    if not _LABEL.fullmatch(target.region):
        raise UsageError(f"target {target.name} has a region that cannot be part of a host name: {target.region!r}")
    return _HOSTS.get(target.provider, _function_compute)(target, account, url)


def _function_compute(target: Target, account: str | None, url: str | None) -> Endpoint:
    chosen = target.account or account
    if chosen is None:
        raise CredentialsError(
            f"target {target.name} has no account id",
            detail="the account id is part of the host name of Function Compute",
            hint=f"write `account:` in the target, or set {ACCOUNT}",
        )
    if account is not None and chosen != account:
        raise CredentialsError(
            f"target {target.name} is account {chosen}, but the credentials are those of account {account}",
            hint="give the target its own `credentials:`, or use the other account's key",
        )
    if not _ACCOUNT.fullmatch(chosen):
        raise CredentialsError(
            f"the account id of target {target.name} is not a number: {chosen!r}", hint="an account id has digits only"
        )
    if target.network not in _NETWORKS:
        known = " or ".join(_NETWORKS)
        raise UsageError(f"target {target.name} has the unknown network {target.network!r}", hint=f"use {known}")
    host = f"{chosen}.{target.region}{_NETWORKS[target.network]}.fc.aliyuncs.com"
    return Endpoint(
        account=chosen,
        host=host,
        base_url=f"https://{host}" if url is None else _base_url(url),
        warnings=region_warnings(target),
    )


def _function_graph(target: Target, account: str | None, url: str | None) -> Endpoint:
    """A key is good for all projects of its user, so that the file may name another than comes with the key."""
    chosen = target.account or account
    if chosen is None:
        raise CredentialsError(
            f"target {target.name} has no project id",
            detail="a project is one region's part of an account; its id is part of every address of FunctionGraph",
            hint="write `projectId:` in the target, or "
            + (f"set {PROJECT}" if target.credentials is None else "`project_id` in its profile"),
        )
    if not _PROJECT.fullmatch(chosen):
        raise CredentialsError(
            f"the project id of target {target.name} cannot be one: {chosen!r}",
            hint="it has 32 letters and digits; My Credentials in the console lists those of all regions",
        )
    if target.network != "public":
        raise UsageError(f"target {target.name}: Huawei Cloud has no network {target.network!r} to its services")
    host = f"functiongraph.{target.region}.myhuaweicloud.com"
    base_url = f"https://{host}" if url is None else _base_url(url)
    named = urlsplit(base_url).hostname or ""
    if re.fullmatch(_OWN_HOST.format(region=re.escape(target.region)), named):
        # The European cloud may be called by another name than the SDK knows (facts 1): then it has that one.
        host = named
    return Endpoint(account=chosen, host=host, base_url=base_url, warnings=region_warnings(target))


_HOSTS: Mapping[str, Callable[[Target, str | None, str | None], Endpoint]] = {
    "alibaba": _function_compute,
    "huawei": _function_graph,
}


def region_warnings(target: Target) -> tuple[Diagnostic, ...]:
    """A warning when nobody has heard of the region; the service itself has the last word."""
    known = HUAWEI_REGIONS if target.provider == "huawei" else REGIONS
    if target.region in known:
        return ()
    hint = did_you_mean(target.region, known) or "check the region's id in the console"
    return (warning(f"target {target.name}: unknown region `{target.region}`", hint=hint, span=target.span),)


def _base_url(url: str) -> str:
    match = re.fullmatch(r"(https?)://([^\s/?#@]+)(/[^\s?#]*)?", url, re.IGNORECASE)
    if match is None or not _has_host(url):
        raise UsageError(
            "the endpoint is not a web address",
            detail="it needs a scheme and a host, and has no user, query or fragment",
            hint="write it like http://127.0.0.1:9000",
        )
    return url.rstrip("/")


def _has_host(url: str) -> bool:
    """Whether host and port can be read: brackets that do not match and ports that are no numbers cannot."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
