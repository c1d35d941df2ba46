"""Where keys come from, in which order, and what is said when they are not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.key_origin import key_origin
from fcdeploy.cloud.origins import (
    AssumedRole,
    AtHand,
    FederatedRole,
    FromCommand,
    FromUri,
    GithubToken,
    MachineRole,
    Origin,
    SignedOn,
    TokenFile,
    TokenVariable,
    account_of,
)
from fcdeploy.errors import CredentialsError
from fcdeploy.model import Federation, KeySource

ID, SECRET = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
TOKEN, ACCOUNT = "ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABA_CLOUD_ACCOUNT_ID"
HIDDEN = ["env-secret", "file-secret", "env-token", "file-token"]
ROLE, HUB = "acs:ram::42:role/deploy", "acs:ram::41:role/hub"
IDP = "acs:ram::41:oidc-provider/gitlab"

FILE: dict[str, Any] = {
    "current": "work",
    "profiles": [
        {"name": "work", "mode": "AK", "access_key_id": "LTAIwork", "access_key_secret": "file-secret"},
        {
            "name": "temp",
            "mode": "ststoken",
            "access_key_id": "STS.temp",
            "access_key_secret": "file-secret",
            "sts_token": "file-token",
        },
        {"name": "role", "mode": "RamRoleArn", "access_key_id": "LTAIrole", "access_key_secret": "file-secret"},
        {
            "name": "deploy",
            "mode": "RamRoleArn",
            "access_key_id": "LTAIrole",
            "access_key_secret": "file-secret",
            "ram_role_arn": ROLE,
            "ram_session_name": "ci",
            "expired_seconds": 900,
            "external_id": "x1",
            "sts_region": "cn-beijing",
        },
        {"name": "ecs", "mode": "EcsRamRole", "ram_role_name": "runner"},
        {"name": "ecs-deploy", "mode": "RamRoleArnWithEcs", "ram_role_name": "runner", "ram_role_arn": ROLE},
        {"name": "chain", "mode": "ChainableRamRoleArn", "source_profile": "deploy", "ram_role_arn": HUB},
        {"name": "loop", "mode": "ChainableRamRoleArn", "source_profile": "loop", "ram_role_arn": HUB},
        {
            "name": "oidc",
            "mode": "OIDC",
            "oidc_provider_arn": IDP,
            "oidc_token_file": "/token",
            "ram_role_arn": HUB,
        },
        {"name": "uri", "mode": "CredentialsURI", "credentials_uri": "http://127.0.0.1:1/k"},
        {"name": "command", "mode": "External", "process_command": "print-keys"},
        {
            "name": "sso",
            "mode": "CloudSSO",
            "cloud_sso_sign_in_url": "https://signin.example/login",
            "cloud_sso_account_id": "42",
            "cloud_sso_access_config": "ac-1",
            "access_token": "file-token",
            "cloud_sso_access_token_expire": 99,
        },
        {"name": "oauth", "mode": "OAuth", "oauth_refresh_token": "file-token"},
        {"name": "new", "mode": "Retina"},
        {"name": "bare", "mode": "AK", "access_key_id": "LTAIbare"},
        {"name": "tokenless", "mode": "StsToken", "access_key_id": "STS.x", "access_key_secret": "file-secret"},
        {"name": "spaced", "mode": "AK", "access_key_id": "LTAI x", "access_key_secret": "file-secret"},
    ],
}
ENV = {ID: "LTAIenv", SECRET: "env-secret"}


def home(tmp_path: Path, content: object = FILE) -> Path:
    folder = tmp_path / ".aliyun"
    folder.mkdir()
    (folder / "config.json").write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return tmp_path


def read_credentials(profile: str | None, environ: dict[str, str], folder: Path) -> Credentials:
    """The key at hand of a profile or of the environment."""
    origin = key_origin(KeySource(profile=profile) if profile else None, environ, folder)
    assert isinstance(origin, AtHand)
    return origin.key


def key(id_: str, secret: str, token: str | None = None, account: str | None = None) -> Credentials:
    return Credentials(access_key_id=id_, access_key_secret=secret, security_token=token, account=account)


@pytest.mark.parametrize(
    ("profile", "environ", "expected"),
    [
        pytest.param(None, ENV, key("LTAIenv", "env-secret"), id="environment"),
        pytest.param(None, ENV | {ACCOUNT: "12"}, key("LTAIenv", "env-secret", None, "12"), id="its-account"),
        pytest.param(
            None, ENV | {ID: "STS.e", TOKEN: "env-token"}, key("STS.e", "env-secret", "env-token"), id="its-token"
        ),
        pytest.param(None, {ID: " LTAIenv\n", SECRET: "env-secret\r\n"}, key("LTAIenv", "env-secret"), id="pasted"),
        pytest.param("work", ENV | {ACCOUNT: "12"}, key("LTAIwork", "file-secret"), id="a-targets-profile-beats-it"),
        pytest.param("temp", {}, key("STS.temp", "file-secret", "file-token"), id="sts-profile"),
        pytest.param(None, {}, key("LTAIwork", "file-secret"), id="current-profile"),
        pytest.param(None, {ID: "", SECRET: "", TOKEN: ""}, key("LTAIwork", "file-secret"), id="empty-is-unset"),
        pytest.param(None, {ACCOUNT: "12"}, key("LTAIwork", "file-secret", None, "12"), id="current-with-account"),
        pytest.param(
            None,
            {"ALIBABA_CLOUD_PROFILE": "temp"},
            key("STS.temp", "file-secret", "file-token"),
            id="named-by-variable",
        ),
        pytest.param(None, ENV | {"ALIBABA_CLOUD_PROFILE": "temp"}, key("LTAIenv", "env-secret"), id="key-beats-name"),
    ],
)
def test_found(tmp_path: Path, profile: str | None, environ: dict[str, str], expected: Credentials) -> None:
    assert read_credentials(profile, environ, home(tmp_path)) == expected


@pytest.mark.parametrize(
    ("profile", "environ", "says"),
    [
        pytest.param(None, {ID: "LTAIenv"}, [f"{SECRET} is not set, but {ID} is"], id="id-alone"),
        pytest.param(None, {SECRET: "env-secret"}, [f"{ID} is not set, but {SECRET} is"], id="secret-alone"),
        pytest.param(None, {ID: "LTAIenv", TOKEN: "env-token"}, [f"{ID} and {TOKEN} are"], id="no-secret"),
        pytest.param(None, {TOKEN: "env-token"}, [f"{ID} is not set, but {TOKEN} is"], id="token-alone"),
        pytest.param(None, ENV | {ID: "STS.e"}, ["temporary key", TOKEN], id="token-missing"),
        pytest.param(None, ENV | {SECRET: "env-secret oops"}, ["access key secret of the environment"], id="space"),
        pytest.param("wrok", {}, ["profile `wrok` is not in", "bare, chain", "did you mean `work`?"], id="typo"),
        pytest.param("role", {}, ["of mode RamRoleArn lacks ram_role_arn"], id="role-without-a-role"),
        pytest.param("oauth", {}, ["mode OAuth, which fcdeploy cannot use", "only the CLI", "RamRoleArn"], id="mode"),
        pytest.param("new", {}, ["unknown mode Retina", "ChainableRamRoleArn"], id="mode-of-tomorrow"),
        pytest.param("loop", {}, ["profile `loop` is its own source"], id="loop"),
        pytest.param("bare", {}, ["lacks access_key_secret", "aliyun configure --mode AK --profile bare"], id="lacks"),
        pytest.param("tokenless", {}, ["lacks sts_token"], id="no-token"),
        pytest.param("spaced", {}, ["access key id of profile `spaced`"], id="spaced"),
        pytest.param(
            None, {"ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE"}, ["no credentials found", ID, SECRET], id="ignore-profiles"
        ),
    ],
)
def test_refused(tmp_path: Path, profile: str | None, environ: dict[str, str], says: list[str]) -> None:
    with pytest.raises(CredentialsError) as caught:
        read_credentials(profile, environ, home(tmp_path))
    shown = " ".join([caught.value.summary, caught.value.detail, caught.value.hint])
    assert [one for one in says if one not in shown] == []
    assert [one for one in HIDDEN if one in shown] == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"profiles": [{"access_key_secret": "file-secret",,]}', "is not JSON"),
        ("[]", "not a file of the aliyun CLI"),
        ({"profiles": "file-secret"}, "profile `default` is not in"),
        ({"current": "x", "profiles": [1, {"name": 2}]}, "profile `x` is not in"),
    ],
)
def test_a_broken_file(tmp_path: Path, content: object, says: str) -> None:
    with pytest.raises(CredentialsError, match=says) as caught:
        read_credentials(None, {}, home(tmp_path, content))
    assert "file-secret" not in caught.value.summary + caught.value.detail
    assert caught.value.__cause__ is None


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="no credentials found"):
        read_credentials(None, {}, tmp_path)
    with pytest.raises(CredentialsError, match=r"there is no .*config\.json"):
        read_credentials("work", ENV, tmp_path)


def test_a_key_does_not_show_itself() -> None:
    shown = repr(key("LTAI1234567890", "the-secret", "the-token", "42"))
    assert "the-secret" not in shown and "the-token" not in shown and "1234567890" not in shown
    assert key("x", "the-secret", "the-token").hidden("a the-secret b the-token") == "a *** b ***"


STS = "sts.aliyuncs.com"
DEPLOY = AssumedRole(
    source=AtHand(key=key("LTAIrole", "file-secret")),
    role_arn=ROLE,
    session="ci",
    sts="sts.cn-beijing.aliyuncs.com",
    seconds=900,
    external_id="x1",
)
CLUSTER = {
    "ALIBABA_CLOUD_ROLE_ARN": HUB,
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": IDP,
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/token",
}
IN_CLUSTER = FederatedRole(provider_arn=IDP, role_arn=HUB, token=TokenFile(path="/token"), session="fcdeploy", sts=STS)
MACHINE, SERVICE = {"ALIBABA_CLOUD_ECS_METADATA": "runner"}, {"ALIBABA_CLOUD_CREDENTIALS_URI": "http://127.0.0.1:1/k"}
FILELESS = {"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true"}


def federated(**token: str) -> KeySource:
    return KeySource(oidc=Federation(provider_arn=IDP, role_arn=HUB, **token))


@pytest.mark.parametrize(
    ("wanted", "environ", "expected", "account"),
    [
        pytest.param(KeySource(profile="deploy"), {}, DEPLOY, "42", id="RamRoleArn"),
        pytest.param(KeySource(profile="ecs"), {}, MachineRole(role="runner"), None, id="EcsRamRole"),
        pytest.param(
            KeySource(profile="ecs-deploy"),
            {"ALIBABA_CLOUD_ROLE_SESSION_NAME": "job-7"},
            AssumedRole(source=MachineRole(role="runner"), role_arn=ROLE, session="job-7", sts=STS),
            "42",
            id="RamRoleArnWithEcs",
        ),
        pytest.param(
            KeySource(profile="chain"),
            {},
            AssumedRole(source=DEPLOY, role_arn=HUB, session="fcdeploy", sts=STS),
            "41",
            id="ChainableRamRoleArn",
        ),
        pytest.param(KeySource(profile="oidc"), {}, IN_CLUSTER, "41", id="OIDC"),
        pytest.param(KeySource(profile="uri"), {}, FromUri(uri="http://127.0.0.1:1/k"), None, id="CredentialsURI"),
        pytest.param(
            KeySource(profile="command"), {}, FromCommand(command="print-keys", profile="command"), None, id="External"
        ),
        pytest.param(
            KeySource(profile="sso"),
            {},
            SignedOn(
                url="https://signin.example/login",
                account="42",
                access="ac-1",
                token="file-token",
                expires=99,
                profile="sso",
            ),
            "42",
            id="CloudSSO",
        ),
        # The order of the environment: each beats those after it.
        pytest.param(None, ENV | CLUSTER | MACHINE | SERVICE, AtHand(key=key("LTAIenv", "env-secret")), None, id="1st"),
        pytest.param(None, CLUSTER | MACHINE | SERVICE, IN_CLUSTER, "41", id="2nd-an-id-token"),
        pytest.param(
            None, MACHINE | SERVICE, AtHand(key=key("LTAIwork", "file-secret")), None, id="3rd-the-current-profile"
        ),
        pytest.param(
            None, MACHINE | SERVICE | {"ALIBABA_CLOUD_PROFILE": "deploy"}, DEPLOY, "42", id="3rd-or-another-profile"
        ),
        pytest.param(None, FILELESS | MACHINE | SERVICE, MachineRole(role="runner"), None, id="4th-the-machine"),
        pytest.param(
            None,
            FILELESS | MACHINE | {"ALIBABA_CLOUD_IMDSV1_DISABLED": "TRUE"},
            MachineRole(role="runner", hardened=True),
            None,
            id="4th-hardened",
        ),
        pytest.param(
            None,
            FILELESS | MACHINE | SERVICE | {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"},
            FromUri(uri="http://127.0.0.1:1/k"),
            None,
            id="5th-a-service",
        ),
        # A target's own beat all of it.
        pytest.param(
            federated(token_env="CI_TOKEN"),
            ENV | CLUSTER,
            FederatedRole(
                provider_arn=IDP, role_arn=HUB, token=TokenVariable(name="CI_TOKEN"), session="fcdeploy", sts=STS
            ),
            "41",
            id="tokenEnv",
        ),
        pytest.param(
            federated(github="sts.aliyuncs.com"),
            ENV,
            FederatedRole(
                provider_arn=IDP,
                role_arn=HUB,
                token=GithubToken(audience="sts.aliyuncs.com"),
                session="fcdeploy",
                sts=STS,
            ),
            "41",
            id="github",
        ),
        pytest.param(KeySource(ecs_role=""), ENV, MachineRole(), None, id="ecsRole"),
        pytest.param(
            KeySource(role_arn=ROLE, session_name="me", external_id="x", duration_seconds=1000),
            ENV | {ACCOUNT: "41"},
            AssumedRole(
                source=AtHand(key=key("LTAIenv", "env-secret", None, "41")),
                role_arn=ROLE,
                session="me",
                sts=STS,
                seconds=1000,
                external_id="x",
            ),
            "42",
            id="roleArn-with-the-environment",
        ),
        pytest.param(
            KeySource(profile="oidc", role_arn=ROLE),
            ENV,
            AssumedRole(source=IN_CLUSTER, role_arn=ROLE, session="fcdeploy", sts=STS),
            "42",
            id="roleArn-with-a-profile",
        ),
    ],
)
def test_what_keys_are_made_of(
    tmp_path: Path, wanted: KeySource | None, environ: dict[str, str], expected: Origin, account: str | None
) -> None:
    found = key_origin(wanted, environ, home(tmp_path))
    assert (found, account_of(found)) == (expected, account)
    assert [one for one in HIDDEN if one in repr(found)] == []


@pytest.mark.parametrize(
    ("environ", "inside", "host"),
    [
        ({}, None, "sts.aliyuncs.com"),
        ({"ALIBABA_CLOUD_STS_REGION": "cn-beijing"}, None, "sts.cn-beijing.aliyuncs.com"),
        (
            {"ALIBABA_CLOUD_STS_REGION": "cn-beijing", "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": "true"},
            None,
            "sts-vpc.cn-beijing.aliyuncs.com",
        ),
        ({}, "cn-shanghai", "sts-vpc.cn-shanghai.aliyuncs.com"),
        ({"ALIBABA_CLOUD_STS_ENDPOINT": "sts.mine.example"}, "cn-shanghai", "sts.mine.example"),
        ({"ALIBABA_CLOUD_STS_ENDPOINT": "https://sts.mine.example/"}, None, "sts.mine.example"),
        ({"ALIBABA_CLOUD_STS_ENDPOINT": "http://127.0.0.1:9000"}, None, "http://127.0.0.1:9000"),
        ({"ALIBABA_CLOUD_STS_ENDPOINT": "http://sts.mine.example"}, None, ""),
        ({"ALIBABA_CLOUD_STS_ENDPOINT": "sts.mine.example/path"}, None, ""),
        ({"ALIBABA_CLOUD_STS_REGION": "cn/beijing"}, None, ""),
    ],
)
def test_where_roles_are_asked_for(tmp_path: Path, environ: dict[str, str], inside: str | None, host: str) -> None:
    wanted = KeySource(role_arn=ROLE)
    if not host:
        with pytest.raises(CredentialsError, match="STS"):
            key_origin(wanted, ENV | environ, tmp_path, inside=inside)
        return
    found = key_origin(wanted, ENV | environ, tmp_path, inside=inside)
    assert isinstance(found, AssumedRole)
    assert found.sts == host


def test_what_is_missing_of_a_role_with_an_id_token_is_said(tmp_path: Path) -> None:
    environ = {name: value for name, value in CLUSTER.items() if "TOKEN" not in name}
    with pytest.raises(CredentialsError, match="no credentials found") as caught:
        key_origin(None, environ, tmp_path)
    assert caught.value.hint == "set ALIBABA_CLOUD_OIDC_TOKEN_FILE too"
