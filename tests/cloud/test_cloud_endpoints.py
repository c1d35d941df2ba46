"""Hosts by account, region and network."""

from __future__ import annotations

from typing import Any

import pytest

from fcdeploy.cloud.endpoints import endpoint
from fcdeploy.errors import CredentialsError, FcdeployError, UsageError
from fcdeploy.model import Target


def target(**changed: Any) -> Target:
    given: dict[str, Any] = {"name": "prod", "provider": "alibaba", "region": "cn-hangzhou", "account": "123"}
    return Target(**given | changed)


@pytest.mark.parametrize(
    ("changed", "account", "url", "host", "base_url"),
    [
        ({}, None, None, "123.cn-hangzhou.fc.aliyuncs.com", "https://123.cn-hangzhou.fc.aliyuncs.com"),
        ({"account": None}, "9", None, "9.cn-hangzhou.fc.aliyuncs.com", "https://9.cn-hangzhou.fc.aliyuncs.com"),
        ({}, "123", "http://127.0.0.1:9000/", "123.cn-hangzhou.fc.aliyuncs.com", "http://127.0.0.1:9000"),
        ({}, None, "http://h:1/fc", "123.cn-hangzhou.fc.aliyuncs.com", "http://h:1/fc"),
        (
            {"network": "internal", "region": "us-west-1"},
            None,
            None,
            "123.us-west-1-internal.fc.aliyuncs.com",
            "https://123.us-west-1-internal.fc.aliyuncs.com",
        ),
    ],
)
def test_host(changed: dict[str, Any], account: str | None, url: str | None, host: str, base_url: str) -> None:
    found = endpoint(target(**changed), account=account, url=url)
    assert (found.host, found.base_url, found.warnings) == (host, base_url, ())


def test_an_unknown_region_is_a_warning() -> None:
    (found,) = endpoint(target(region="cn-hangzou"), account=None).warnings
    assert "cn-hangzou" in found.summary and found.hint == "did you mean `cn-hangzhou`?"


@pytest.mark.parametrize(
    ("changed", "account", "url", "error", "says"),
    [
        ({"account": None}, None, None, CredentialsError, "no account id"),
        ({}, "124", None, CredentialsError, "account 123, but the credentials are those of account 124"),
        ({"account": "evil.example/"}, None, None, CredentialsError, "not a number"),
        ({"region": "evil.example/"}, None, None, UsageError, "region"),
        ({"network": "vpn"}, None, None, UsageError, "unknown network"),
        ({}, None, "127.0.0.1:9000", UsageError, "not a web address"),
        ({}, None, "http://user:pw@h", UsageError, "not a web address"),
        ({}, None, "http://h/?x", UsageError, "not a web address"),
        ({}, None, "http://[::bad", UsageError, "not a web address"),
        ({}, None, "http://h:99999", UsageError, "not a web address"),
    ],
)
def test_refused(
    changed: dict[str, Any], account: str | None, url: str | None, error: type[FcdeployError], says: str
) -> None:
    with pytest.raises(error, match=says):
        endpoint(target(**changed), account=account, url=url)
