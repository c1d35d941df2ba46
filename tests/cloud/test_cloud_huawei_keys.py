"""Where the keys of a target at Huawei Cloud come from, and where its calls go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fcdeploy.cloud.endpoints import endpoint
from fcdeploy.cloud.huawei_keys import huawei_key_origin
from fcdeploy.errors import CredentialsError, FcdeployError, UsageError
from fcdeploy.model import KeySource, Target

PROJECT = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b"
AK, SK, TOKEN = "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"
OWN = "HUAWEICLOUD_SDK_PROJECT_ID"
ENV = {AK: "AKenv", SK: "env-secret\n"}
FILE = """
[basic]
ak = AKbasic
SK = file-secret%(x)s
project_id = basic-project

[temp]
ak = AKtemp
sk = file-secret
security_token = file-token

[half]
ak = AKhalf

[federated]
idp_id = acme
id_token_file = /run/token
"""


def found(tmp_path: Path, environ: dict[str, str], profile: str | None = None, file: str | None = FILE) -> Any:
    folder = tmp_path / ".huaweicloud"
    folder.mkdir(exist_ok=True)
    if file is not None:
        (folder / "credentials").write_text(file, encoding="utf-8")
    return huawei_key_origin(KeySource(profile=profile) if profile else None, environ, tmp_path).key


@pytest.mark.parametrize(
    ("environ", "profile", "key_id", "secret", "token", "project"),
    [
        (ENV, None, "AKenv", "env-secret", None, None),
        (ENV | {TOKEN: "t", OWN: PROJECT}, None, "AKenv", "env-secret", "t", PROJECT),
        ({}, None, "AKbasic", "file-secret%(x)s", None, "basic-project"),
        ({OWN: PROJECT, SK: ""}, None, "AKbasic", "file-secret%(x)s", None, PROJECT),
        (ENV | {OWN: PROJECT}, "temp", "AKtemp", "file-secret", "file-token", None),
    ],
)
def test_the_first_that_is_there(
    tmp_path: Path,
    environ: dict[str, str],
    profile: str | None,
    key_id: str,
    secret: str,
    token: str | None,
    project: str | None,
) -> None:
    key = found(tmp_path, environ, profile)
    assert (key.access_key_id, key.access_key_secret) == (key_id, secret)
    assert (key.security_token, key.account) == (token, project)


def test_a_variable_names_the_file(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("[basic]\nak=AKother\nsk=s\n")
    assert found(tmp_path, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(other)}).access_key_id == "AKother"


@pytest.mark.parametrize(
    ("environ", "profile", "file", "says"),
    [
        ({}, None, None, [AK, SK, ".huaweicloud/credentials", "[basic]"]),
        ({"HUAWEICLOUD_SDK_IDP_ID": "x"}, None, None, ["no roles with an id token"]),
        ({AK: "a"}, None, FILE, [f"{SK} is not set, but {AK} is"]),
        ({TOKEN: "t", SK: "s"}, None, FILE, [f"{AK} is not set, but {SK} and {TOKEN} are"]),
        ({AK: "a b", SK: "s"}, None, FILE, ["the access key id of the environment holds a space"]),
        ({}, "basik", FILE, ["profile `basik` is not in", "basic, federated, half, temp", "did you mean `basic`?"]),
        ({}, "half", FILE, ["profile `half` lacks sk"]),
        ({}, "federated", FILE, ["profile `federated` lacks ak and sk", "no roles with an id token"]),
        ({}, "basic", None, ["there is no ", "credentials"]),
        ({}, None, "ak = file-secret\n", ["not a file of profiles at line 1"]),
        ({}, None, "[basic]\nfile-secret\n", ["not a file of profiles at line 2"]),
        ({}, None, "[basic]\nsk = file-secret\nsk = file-secret\n", ["stands there twice"]),
    ],
)
def test_what_is_missing_is_told_without_a_secret(
    tmp_path: Path, environ: dict[str, str], profile: str | None, file: str | None, says: list[str]
) -> None:
    with pytest.raises(CredentialsError) as caught:
        found(tmp_path, environ, profile, file)
    text = f"{caught.value.summary}\n{caught.value.detail}\n{caught.value.hint}"
    assert [one for one in says if one not in text] == []
    chain: BaseException | None = caught.value
    while chain is not None:  # nor in what a log of the error would hold
        assert "file-secret" not in str(chain)
        chain = chain.__cause__ or chain.__context__


def target(**changed: Any) -> Target:
    given: dict[str, Any] = {"name": "prod", "provider": "huawei", "region": "cn-north-4", "account": PROJECT}
    return Target(**given | changed)


@pytest.mark.parametrize(
    ("changed", "account", "url", "host", "base_url", "project"),
    [
        ({}, None, None, "functiongraph.cn-north-4.myhuaweicloud.com", "", PROJECT),
        ({}, "of-the-key", None, "functiongraph.cn-north-4.myhuaweicloud.com", "", PROJECT),
        ({"account": None}, "of-the-key", None, "functiongraph.cn-north-4.myhuaweicloud.com", "", "of-the-key"),
        ({}, None, "http://127.0.0.1:1/", "functiongraph.cn-north-4.myhuaweicloud.com", "http://127.0.0.1:1", PROJECT),
        (
            {"region": "eu-west-101"},
            None,
            "https://functiongraph.eu-west-101.myhuaweicloud.eu",
            "functiongraph.eu-west-101.myhuaweicloud.eu",
            "",
            PROJECT,
        ),
    ],
)
def test_host(
    changed: dict[str, Any], account: str | None, url: str | None, host: str, base_url: str, project: str
) -> None:
    there = endpoint(target(**changed), account=account, url=url)
    assert (there.host, there.base_url, there.account) == (host, base_url or f"https://{host}", project)
    assert there.warnings == ()


def test_an_unknown_region_is_a_warning() -> None:
    (warning,) = endpoint(target(region="cn-nort-4"), account=None).warnings
    assert warning.hint == "did you mean `cn-north-4`?"
    assert endpoint(target(region="cn-hangzhou"), account=None).warnings


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"account": None}, CredentialsError, "no project id"),
        ({"account": "a/../b"}, CredentialsError, "cannot be one"),
        ({"network": "internal"}, UsageError, "no network 'internal'"),
        ({"region": "evil.example/"}, UsageError, "region"),
    ],
)
def test_refused(changed: dict[str, Any], error: type[FcdeployError], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        endpoint(target(**changed), account=None)
    if says == "no project id":
        assert "HUAWEICLOUD_SDK_PROJECT_ID" in caught.value.hint
