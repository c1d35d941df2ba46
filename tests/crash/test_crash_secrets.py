"""No secret leaves by accident (law 9, S36, S41, S42): nothing that a process says, and no file that it leaves anywhere
outside the undo folder, holds a secret of the file or a live value of a sensitive field, plain or encoded."""

from __future__ import annotations

import base64
import io
import json
import shutil
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from trouble_stage import Process, TroubleStage, at, longer

DOMAIN = Path(__file__).parents[2] / "examples" / "everything" / "secrets"
SECRETS = {
    "TOKEN": 's3cr3t/of "the" file+\u00e4',
    "MIX": "mixed-in-only-7d1f",
    "PAYLOAD": "payload&secret=9c2e?",
    "BROKER": "Br0ker-Pa55-4a6b",
    "KEY": (DOMAIN / "domain.key").read_text().strip(),
}
PLANTED = {
    "variable": "planted live variable 1b3d",
    "payload": "planted live payload 5f7a",
    "password": "planted-live-password-8e9c",
}
ACCOUNT = {"ALIBABA_CLOUD_ACCOUNT_ID": "1234567890123456"}
VALUES = {**SECRETS, **PLANTED}

SPEC = """\
apiVersion: fcdeploy/v1
project: trouble
targets:
  dev: {provider: alibaba, account: "1234567890123456", region: cn-hangzhou}
secrets:
  TOKEN: {env: TOKEN}
  MIX: {env: MIX}
  PAYLOAD: {env: PAYLOAD}
  BROKER: {env: BROKER}
  KEY: {env: KEY}
defaults: {function: {runtime: python3.10, handler: index.handler, code: ./src}}
services:
  shop:
    description: DESCRIPTION
    functions:
      first:
        memorySize: MEMORY
        environmentVariables:
          TOKEN: "${{ secret('TOKEN') }}"
          MIXED: "a-${{ secret('MIX') }}-b"
          STAGE: STAGE
        triggers:
          timed: {type: timer, config: {cronExpression: "@every MEMORYm", payload: "k=${{ secret('PAYLOAD') }}"}}
      second:
        memorySize: MEMORY
        triggers:
          broker:
            type: eventbridge
            config:
              asyncInvocationType: true
              eventRuleFilterPattern: "{}"
              eventSourceConfig:
                eventSourceType: DTS
                eventSourceParameters:
                  sourceDTSParameters:
                    {BrokerUrl: "dts.example.com:18001", InitCheckPoint: 1767225600, Username: shop, Sid: sid-shop,
                     Password: "${{ secret('BROKER') }}", RegionId: cn-hangzhou, TaskId: task-shop, Topic: orders}
customDomains:
  shop.example.com:
    protocol: HTTP,HTTPS
    certConfig: {certName: shop, certificate: "${{ file('domain.pem') }}", privateKey: "${{ secret('KEY') }}"}
    routes: [{path: "/*", function: shop/first, qualifier: LATEST}]
"""


@pytest.fixture
def stage(trouble: TroubleStage) -> TroubleStage:
    trouble.begin()
    trouble.environ |= SECRETS
    shutil.copy(DOMAIN / "domain.pem", trouble.project)
    write(trouble, "before", 128)
    return trouble


def write(stage: TroubleStage, word: str, number: int) -> None:
    text = SPEC.replace("DESCRIPTION", word).replace("STAGE: STAGE", f"STAGE: {word}").replace("MEMORY", str(number))
    (stage.project / "fcdeploy.yaml").write_text(text)


def forms(text: str) -> dict[str, bytes]:
    """Every way in which a value could lie about."""
    raw = text.encode()
    made = {
        "plain": raw,
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "url": quote(text, safe="").encode(),
        "url of a path": quote(text).encode(),
        "json": json.dumps(text)[1:-1].encode(),
        "json of unicode": json.dumps(text, ensure_ascii=False)[1:-1].encode(),
        "repr": repr(text)[1:-1].encode(),
    }
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw)
        # What neither the bytes before nor those behind can have a part in.
        middle = whole[(0, 2, 3)[offset] : len(whole) - (0, 3, 2)[(offset + len(raw)) % 3]]
        made[f"base64 at {offset}"] = middle
        made[f"base64 for urls at {offset}"] = middle.replace(b"+", b"-").replace(b"/", b"_")
    return made


FORMS = [(name, form, text) for name, value in VALUES.items() for form, text in forms(value).items()]


def leaks(content: bytes) -> Iterator[str]:
    """What of the values stands in these bytes, or in an archive that they are."""
    for name, form, text in FORMS:
        if text in content:
            yield f"{name}, {form}"
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.namelist():
                yield from leaks(archive.read(entry))


def files(stage: TroubleStage, *, undo: bool = False) -> Iterator[Path]:
    """Every file that processes have left, outside the undo folder or, with `undo`, in it."""
    for name in ("state", "home", "tmp", "project"):
        for path in sorted((stage.folder / name).rglob("*")):
            if path.is_file() and (path.parent.name == "undo") == undo:
                yield path


def assert_nowhere(stage: TroubleStage, *ended: Process) -> None:
    for process in ended:
        assert list(leaks(process.told.encode())) == [], process.told
    found = {str(path): leaked for path in files(stage) if (leaked := list(leaks(path.read_bytes())))}
    assert found == {}
    assert {path.stat().st_mode & 0o777 for path in files(stage, undo=True)} <= {0o600}


def repeats(operation: str, *texts: str) -> dict[str, Any]:
    """The service refuses and says what it was sent."""
    message = f"bad: {' | '.join(texts)}"
    return {"match": {"operation": operation}, "effect": {"status": 400, "code": "InvalidArgument", "message": message}}


def encoded(value: str) -> list[str]:
    whole = base64.b64encode(f"x{value}y".encode()).decode()
    return [value, whole, quote(value, safe=""), json.dumps(value), value.encode().hex()]


def plant(stage: TroubleStage) -> None:
    """Somebody else sets values that the file knows nothing of."""
    stage.change("first", environmentVariables={"TOKEN": PLANTED["variable"], "THEIRS": PLANTED["variable"]})


def refused(stage: TroubleStage, operation: str, values: list[str], *words: str) -> Process:
    """An apply that the service refuses at one operation, repeating values."""
    stage.faults(repeats(operation, *(form for value in values for form in encoded(value))))
    ended = stage.apply("--parallelism", "1", *words)
    stage.faults()
    assert "bad: (sensitive)" in ended.told, ended.told
    return ended


def test_a_secret_is_in_nothing_that_is_said_or_left(stage: TroubleStage) -> None:
    told = [
        stage.apply("-vv"),
        stage.run("plan", "--format", "json"),
        stage.run("status"),
        stage.run("drift", "--format", "json"),
        stage.run("graph"),
        stage.run("validate", "-vv"),
        stage.run("history", "--format", "json"),
    ]
    assert [one.status for one in told] == [0] * len(told), [one.told for one in told]
    plant(stage)
    write(stage, "after", 256)
    told += [stage.run("plan", "-v"), stage.run("plan", "--format", "json"), stage.run("drift"), stage.apply()]
    assert told[-1].status == 0, told[-1].told
    plant(stage)
    told += [stage.run("destroy", "--yes", "--format", "json")]
    assert told[-1].status == 0, told[-1].told
    assert_nowhere(stage, *told)


@pytest.mark.parametrize(
    ("operation", "names"),
    [
        ("CreateFunction", ["TOKEN", "MIX"]),
        *longer(("CreateTrigger", ["PAYLOAD", "BROKER"]), ("CreateCustomDomain", ["KEY", "TOKEN"])),
    ],
)
def test_a_service_that_repeats_a_secret_is_not_repeated(stage: TroubleStage, operation: str, names: list[str]) -> None:
    values = [SECRETS[name] for name in names]
    told = [
        refused(stage, operation, values, "-vv"),
        refused(stage, operation, values, "--format", "json"),
        refused(stage, operation, values, "--on-failure", "stop"),
        stage.run("history"),
    ]
    stage.faults(repeats(operation, *(form for value in values for form in encoded(value))))
    told += [stage.run("resume"), stage.run("status"), stage.run("history", "--format", "json")]
    assert "bad: (sensitive)" in told[-3].told
    assert_nowhere(stage, *told)


@pytest.mark.parametrize("how", ["rollback", *longer("resume", "abandon")])
def test_a_service_that_repeats_a_live_value_is_not_repeated(stage: TroubleStage, how: str) -> None:
    """A way back sends live values again."""
    assert stage.apply().status == 0
    plant(stage)
    write(stage, "after", 256)
    killed = stage.apply(
        "--parallelism", "1", troubles=[at("begun update *trigger*", "send_self", number=signal.SIGKILL)]
    )
    assert killed.status == -signal.SIGKILL, killed.told
    assert_nowhere(stage, killed)  # With what the journal's log holds of it.
    stage.faults(repeats("UpdateFunction", *encoded(PLANTED["variable"])))
    yes = [] if how == "resume" else ["--yes"]
    told = [killed, stage.run(how, *yes, "-vv"), stage.run("status"), stage.run("history", "--format", "json")]
    if how == "rollback":
        assert "bad: (sensitive)" in told[1].told, told[1].told
    assert_nowhere(stage, *told)
    stage.faults()
    if how == "rollback":
        assert stage.run(how, *yes).status == 0
    assert list(files(stage, undo=True)), "the former values are kept"
    ended = stage.apply("--keep-undo", "0")
    assert ended.status == 0, ended.told
    # The newest run's own is there until the next.
    stage.apply("--keep-undo", "0")
    left = [path for path in files(stage, undo=True) if list(leaks(path.read_bytes()))]
    assert left == []
    assert_nowhere(stage)


def test_a_conflict_and_a_bug_tell_no_value(stage: TroubleStage) -> None:
    assert stage.apply().status == 0
    write(stage, "after", 256)
    variables = {"TOKEN": PLANTED["variable"], "STAGE": "theirs"}
    touch = {"set": {"environmentVariables": variables}}
    stage.faults({"match": {"operation": "UpdateFunction", "nth": 1}, "effect": {"touch": touch}})
    met = stage.apply("--parallelism", "1")
    assert met.status in (1, 3) and "changed by somebody else" in met.told, met.told
    stage.faults()
    words = " ".join(encoded(SECRETS["TOKEN"]) + encoded(SECRETS["MIX"]))
    told = [
        stage.start("plan", *verbose, troubles=[at("listed", "break_down", words=words)])
        for verbose in ([], ["-v"], ["-vv"])
    ]
    for one in told:
        with pytest.raises(AssertionError, match="bug in fcdeploy"):
            one.wait()
        assert one.status == 1
    assert "ZeroDivisionError: (sensitive)" in told[2].err
    assert_nowhere(stage, met, *told)


def test_import_keeps_what_looks_like_a_secret_out_of_its_file(stage: TroubleStage) -> None:
    assert stage.apply().status == 0
    names = ("API_TOKEN", "DB_PASSWORD", "SIGNING_KEY")
    stage.change("first", environmentVariables={name: PLANTED["variable"] for name in names})
    out = stage.folder / "project" / "imported"
    told = stage.run(
        "import", "shop", "--out", str(out), "--region", "cn-hangzhou", "--project", "other", environ=ACCOUNT
    )
    assert "SHOP_FIRST_DB_PASSWORD" in told.told and "SHOP_SECOND_BROKER_PASSWORD" in told.told, told.told
    assert list(leaks(told.told.encode())) == []
    for path in out.rglob("*"):
        if path.is_file():
            assert list(leaks(path.read_bytes())) == [], path
