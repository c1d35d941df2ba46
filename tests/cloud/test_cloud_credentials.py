"""Where keys come from, in which order, and what is said when they are not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.cloud.credentials import Credentials, read_credentials
from fcdeploy.errors import CredentialsError

ID, SECRET = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
TOKEN, ACCOUNT = "ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABA_CLOUD_ACCOUNT_ID"
HIDDEN = ["env-secret", "file-secret", "env-token", "file-token"]

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
        pytest.param("wrok", {}, ["profile `wrok` is not in", "bare, role", "did you mean `work`?"], id="typo"),
        pytest.param("role", {}, ["mode RamRoleArn", "AK and StsToken", ID, TOKEN], id="mode"),
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
