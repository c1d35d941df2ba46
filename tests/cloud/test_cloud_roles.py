"""Temporary keys by the vendor's own library, as it is, over sockets: of the emulator's STS and metadata service."""

from __future__ import annotations

import asyncio
import base64
import http.server
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.key_origin import key_origin
from fcdeploy.cloud.keys import Keyring
from fcdeploy.cloud.origins import AssumedRole, AtHand, FromCommand, FromUri, MachineRole, Origin, SignedOn, account_of
from fcdeploy.emulator.alibaba import sts
from fcdeploy.emulator.exchange import Reply, Request
from fcdeploy.emulator.server import Handle, start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.errors import CredentialsError, CredentialsUnreachable
from fcdeploy.model import Federation, KeySource

# The library asks for the time in a way that newer Pythons warn of.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

ACCOUNT = "2222333344445555"
ROLE, HUB = f"acs:ram::{ACCOUNT}:role/deploy", "acs:ram::1111222233334444:role/pipelines"
IDP = "acs:ram::1111222233334444:oidc-provider/gitlab"
SECRET = "the+secret/of=the-user"


def id_token(audience: str = "sts.aliyuncs.com", seconds: float = 600) -> str:
    """An id token as the emulator takes one: nobody's signature is looked at."""
    claims = {"iss": "https://issuer.example", "sub": "repo:a/b", "aud": audience, "exp": time.time() + seconds}
    parts = [{"alg": "RS256"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, "c2lnbmF0dXJlLW9mLXRoZS1pc3N1ZXI"])


@pytest.fixture(scope="module")
def emulator() -> Iterator[Handle]:
    settings = EmulatorSettings(
        access_keys={"LTAIuser": SECRET},
        roles=(ROLE, HUB),
        oidc_audiences=("sts.aliyuncs.com",),
        ecs_role="runner",
        metadata_token=True,
        log_bodies=True,
    )
    with start_in_thread(settings) as handle:
        yield handle


@pytest.fixture(scope="module", autouse=True)
def library() -> None:
    pytest.importorskip("alibabacloud_credentials")


def environ(emulator: Handle, **more: str) -> dict[str, str]:
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIuser", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET}
    return {**keys, "ALIBABA_CLOUD_STS_ENDPOINT": emulator.url, **more}


def fetched(origin: Origin, environ: Mapping[str, str]) -> Credentials:
    """One key of an origin, as a run gets it."""
    return asyncio.run(Keyring(environ, pauses=()).of(origin).current())


def refused(origin: Origin, environ: Mapping[str, str], caplog: pytest.LogCaptureFixture) -> CredentialsError:
    """Why there is no key; nothing is logged, and nothing hangs on the error."""
    with caplog.at_level(logging.DEBUG, "credentials"), pytest.raises(CredentialsError) as caught:
        fetched(origin, environ)
    assert [record for record in caplog.records if record.name in ("credentials", "alibabacloud-tea")] == []
    assert caught.value.__cause__ is None
    return caught.value


def shown(error: CredentialsError) -> str:
    return " | ".join([error.summary, error.detail, error.hint])


def who(emulator: Handle, key: Credentials) -> str:
    """Whom the emulator takes the bearer of a key for: signed as the API documents it."""
    query = {
        "Action": "GetCallerIdentity",
        "Version": "2015-04-01",
        "AccessKeyId": key.access_key_id,
        "SecurityToken": key.security_token or "",
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    pairs = sorted((name, value) for name, value in query.items() if value)
    text = "GET&%2F&" + sts._strict("&".join(f"{sts._strict(k)}={sts._strict(v)}" for k, v in pairs))
    query["Signature"] = sts._signature(key.access_key_secret, text).decode()
    request = Request(
        method="GET",
        raw_path="/",
        raw_query="&".join(f"{sts._strict(k)}={sts._strict(v)}" for k, v in query.items() if v),
        headers={},
        body=b"",
        scheme="http",
        server=None,
        request_id="r",
        now=time.time(),
    )
    reply: Reply = sts.answer(request, emulator.app.world.settings)
    assert isinstance(reply.body, dict)
    return str(reply.body["Arn"])


def test_a_role_taken_with_a_key(emulator: Handle, tmp_path: Path) -> None:
    wanted = KeySource(role_arn=ROLE, session_name="job-7", external_id="x1", duration_seconds=900)
    origin = key_origin(wanted, environ(emulator), tmp_path)
    key = fetched(origin, {})
    assert key.access_key_id.startswith("STS.") and key.account == account_of(origin) == ACCOUNT
    assert key.expires_at is not None and 890 < key.expires_at - time.time() <= 900
    assert who(emulator, key) == f"acs:ram::{ACCOUNT}:assumed-role/deploy/job-7"
    # And with a key of a role: one role takes the next.
    further = AssumedRole(source=origin, role_arn=HUB, session="s2", sts=emulator.url)
    assert who(emulator, fetched(further, {})) == "acs:ram::1111222233334444:assumed-role/pipelines/s2"


def test_one_role_that_takes_many_is_itself_taken_once(emulator: Handle, tmp_path: Path) -> None:
    job = {"CI_TOKEN": id_token(), "ALIBABA_CLOUD_STS_ENDPOINT": emulator.url}
    oidc = Federation(provider_arn=IDP, role_arn=HUB, token_env="CI_TOKEN")
    origins = [key_origin(KeySource(oidc=oidc, role_arn=ROLE, session_name=f"s{n}"), job, tmp_path) for n in range(4)]
    emulator.app.world.log.clear()

    async def main() -> list[Credentials]:
        ring = Keyring(job)
        return await asyncio.gather(*(ring.of(origin).current() for origin in origins for _ in range(3)))

    assert len({key.access_key_id for key in asyncio.run(main())}) == 4
    taken = [entry["operation"] for entry in emulator.entries()]
    assert sorted(taken) == ["AssumeRole"] * 4 + ["AssumeRoleWithOIDC"]


def test_what_the_emulator_logs_of_it_holds_no_token(emulator: Handle) -> None:
    entries = emulator.entries()
    taken = [entry for entry in entries if entry["operation"] == "AssumeRole"]
    assert taken and {entry["query"] for entry in taken} == {"Action=AssumeRole"}


def test_a_role_taken_with_an_id_token_of_a_file_that_is_written_anew(
    emulator: Handle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "token"
    cluster = {
        "ALIBABA_CLOUD_ROLE_ARN": HUB,
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": IDP,
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(file),
        "ALIBABA_CLOUD_STS_ENDPOINT": emulator.url,
    }
    origin = key_origin(None, cluster, tmp_path)
    assert "cannot be read: No such file" in shown(refused(origin, {}, caplog))
    old = id_token(seconds=-5)
    file.write_text(old)
    error = refused(origin, {}, caplog)
    assert "answered 400 AuthenticationFail.OIDCToken.Expired: This JsonWebToken is expired." in error.summary
    assert "request id" in error.detail and "read it each time" in error.hint
    assert old not in shown(error)
    # With the line end that a shell puts there.
    file.write_text(id_token() + "\n")
    assert who(emulator, fetched(origin, {})) == "acs:ram::1111222233334444:assumed-role/pipelines/fcdeploy"


def test_an_id_token_in_a_variable_is_on_no_disk(emulator: Handle, tmp_path: Path) -> None:
    job = {"CI_TOKEN": id_token(), "ALIBABA_CLOUD_STS_ENDPOINT": emulator.url, "TMPDIR": str(tmp_path)}
    wanted = KeySource(oidc=Federation(provider_arn=IDP, role_arn=HUB, token_env="CI_TOKEN"), role_arn=ROLE)
    # The pipeline's role in the hub takes the role of the target's account.
    key = fetched(key_origin(wanted, job, tmp_path), job)
    assert who(emulator, key) == f"acs:ram::{ACCOUNT}:assumed-role/deploy/fcdeploy"
    assert list(tmp_path.iterdir()) == []
    open_files = (
        [os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
        if os.path.isdir("/proc/self/fd")
        else []
    )
    assert [name for name in open_files if "id-token" in name] == []


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("", ["CI_TOKEN is not set", "id_tokens:"]),
        ("not a token", ["what CI_TOKEN holds is not an id token"]),
        ("eyJhbGciOiJub25lIn0", ["AuthenticationFail.OIDCToken.Invalid"]),
        ("for somebody", ["OIDCToken.AudienceNotMatch"]),
    ],
    ids=["none", "spaces", "one-part", "audience"],
)
def test_an_id_token_that_does_not_do(
    emulator: Handle, tmp_path: Path, caplog: pytest.LogCaptureFixture, token: str, says: list[str]
) -> None:
    wanted = KeySource(oidc=Federation(provider_arn=IDP, role_arn=HUB, token_env="CI_TOKEN"))
    origin = key_origin(wanted, {"ALIBABA_CLOUD_STS_ENDPOINT": emulator.url}, tmp_path)
    token = id_token(audience="somebody") if token == "for somebody" else token
    told = shown(refused(origin, {"CI_TOKEN": token}, caplog))
    assert [one for one in says if one not in told] == []
    assert not token or token not in told


class Answers(http.server.ThreadingHTTPServer):
    """Answers every GET with `status` and `body`, and notes what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status, self.body = 200, b""
        self.asked: list[tuple[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answering(http.server.BaseHTTPRequestHandler):
    server: Answers

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("authorization", "")))
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    with Answers() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_github_is_asked_for_the_id_token(
    emulator: Handle, answers: Answers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = KeySource(oidc=Federation(provider_arn=IDP, role_arn=HUB, github="sts.aliyuncs.com"))
    origin = key_origin(wanted, {"ALIBABA_CLOUD_STS_ENDPOINT": emulator.url}, tmp_path)
    job = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{answers.url}/idtoken?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-bearer",
    }
    answers.status, answers.body = 200, json.dumps({"count": 1, "value": id_token()}).encode()
    assert who(emulator, fetched(origin, job)).endswith("assumed-role/pipelines/fcdeploy")
    assert answers.asked == [("/idtoken?api-version=2.0&audience=sts.aliyuncs.com", "Bearer the-bearer")]
    answers.status, answers.body = 403, b'{"message": "no, the-bearer"}'
    told = shown(refused(origin, job, caplog))
    assert "GitHub gave no id token: status 403" in told and "the-bearer" not in told
    nowhere = job | {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:1/"}
    assert isinstance(refused(origin, nowhere, caplog), CredentialsUnreachable)
    assert "permissions: {id-token: write" in shown(refused(origin, {}, caplog))


def test_the_role_of_the_machine_is_asked_for_with_a_token(
    emulator: Handle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # The library knows one address only; the emulator is the proxy on the way there.
    monkeypatch.setenv("HTTP_PROXY", emulator.url)
    emulator.app.world.log.clear()
    key = fetched(MachineRole(hardened=True), {})
    assert who(emulator, key) == "acs:ram::1234567890123456:assumed-role/runner/i-emulated"
    assert key.account is None and key.expires_at is not None
    asked = [(entry["method"], entry["path"]) for entry in emulator.entries()]
    roles = "/latest/meta-data/ram/security-credentials/"
    assert asked == [
        ("PUT", "/latest/api/token"),
        ("GET", roles),
        ("PUT", "/latest/api/token"),
        ("GET", f"{roles}runner"),
    ]
    told = shown(refused(MachineRole(role="another", hardened=True), {}, caplog))
    assert "no key for role another of this machine: what gives it answered 404" in told


def test_keys_of_a_local_service(emulator: Handle, tmp_path: Path) -> None:
    with start_in_thread(EmulatorSettings(access_keys={"a": "b"}, ecs_role="r")) as service:
        uri = f"{service.url}/latest/meta-data/ram/security-credentials/r"
        key = fetched(FromUri(uri=uri), {})
    assert key.access_key_id.startswith("STS.") and key.security_token


def test_keys_that_a_command_prints(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    program = tmp_path / "keys.py"
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600))
    printed = {"mode": "StsToken", "access_key_id": "STS.c", "access_key_secret": "s", "sts_token": "t"}
    program.write_text(f"print({json.dumps(json.dumps({**printed, 'expiration': ends}))})")
    key = fetched(FromCommand(command=f"{sys.executable} {program}", profile="p"), {})
    assert (key.access_key_id, key.security_token) == ("STS.c", "t")
    assert key.expires_at is not None and 590 < key.expires_at - time.time() <= 600
    program.write_text("import sys; sys.exit('file-secret')")
    error = refused(FromCommand(command=f"{sys.executable} {program}", profile="p"), {}, caplog)
    assert error.summary == "no key for the command of profile `p`: exit status 1"
    assert "file-secret" not in shown(error)


def test_a_sign_on_that_is_over(caplog: pytest.LogCaptureFixture) -> None:
    origin = SignedOn(url="https://x.example", account="1", access="a", token="file-token", expires=1, profile="p")
    told = shown(refused(origin, {}, caplog))
    assert "CloudSSO sign-on of profile `p`" in told and "aliyun configure --profile p" in told


@pytest.mark.parametrize(
    ("key", "role", "says"),
    [
        ("LTAIuser", "acs:ram::9:role/gone", ["404 EntityNotExist.Role: The role not exists", "lower case"]),
        ("LTAIother", ROLE, ["404 InvalidAccessKeyId.NotFound", "the access key that takes the role"]),
        ("LTAIuser:wrong", ROLE, ["400 SignatureDoesNotMatch", "the access key's secret is wrong"]),
        ("STS.old", ROLE, ["403 InvalidSecurityToken.Malformed"]),
    ],
)
def test_what_sts_refuses(
    emulator: Handle, caplog: pytest.LogCaptureFixture, key: str, role: str, says: list[str]
) -> None:
    key_id, _, secret = key.partition(":")
    token = "the+token/of=a-session" if key_id == "STS.old" else None
    source = Credentials(access_key_id=key_id, access_key_secret=secret or SECRET, security_token=token)
    origin = AssumedRole(source=AtHand(key=source), role_arn=role, session="s1", sts=emulator.url)
    error = refused(origin, {}, caplog)
    told = shown(error)
    assert [one for one in says if one not in told] == []
    assert "request id" in error.detail and f"role {role}" in error.summary
    # The service tells what it would have signed: the caller's token, encoded twice.
    hidden = [SECRET, "of=a-session", "of%3Da-session", "of%253Da-session", "string to sign", "Signature="]
    assert [one for one in hidden if one in told] == []


def test_sts_that_does_not_answer(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    key = Credentials(access_key_id="LTAIuser", access_key_secret=SECRET)
    origin = AssumedRole(source=AtHand(key=key), role_arn=ROLE, session="s1", sts="http://127.0.0.1:1")
    error = refused(origin, {}, caplog)
    assert isinstance(error, CredentialsUnreachable)
    assert error.summary == f"no key for role {ROLE}: STS (127.0.0.1:1) does not answer (ConnectionError)"
    # Left alone, the library writes the whole request to stderr, three times.
    assert capfd.readouterr() == ("", "")


def test_an_answer_that_is_none(answers: Answers, caplog: pytest.LogCaptureFixture) -> None:
    key = Credentials(access_key_id="LTAIuser", access_key_secret=SECRET)
    answers.status = 200
    for body in (b"", b"[]", b"{}", b'{"Credentials": {}}', b"<html>", b'{"Credentials": 3}'):
        answers.body = body
        origin = AssumedRole(source=AtHand(key=key), role_arn=ROLE, session="s1", sts=answers.url)
        assert f"no key for role {ROLE}" in refused(origin, {}, caplog).summary


BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("alibabacloud_credentials_api", "alibabacloud_credentials", "Tea"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
from fcdeploy.cli import main
main()
"""


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "fcdeploy.yaml").write_text(
        "apiVersion: fcdeploy/v1\nproject: p\n"
        f"targets: {{t: {{provider: alibaba, region: cn-hangzhou, credentials: {{roleArn: '{ROLE}'}}}}}}\n"
    )
    given = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "HOME": str(tmp_path),
        "FCDEPLOY_STATE": str(tmp_path.parent / f"{tmp_path.name}-state"),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIuser",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET,
    }
    command = [sys.executable, "-c", BLOCKED, "plan"]
    done = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, timeout=60, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    assert f"role {ROLE} needs the vendor's library alibabacloud-credentials" in told
    assert "pip install 'fcdeploy[credentials]'" in told
    assert SECRET not in told
