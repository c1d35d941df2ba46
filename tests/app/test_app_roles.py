"""Runs that outlive their keys: an emulator whose STS gives keys for two seconds, the vendor's library between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from fcdeploy.emulator.server import Handle, start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.errors import CredentialsError
from fcdeploy.model import Ending

# The library asks for the time in a way that newer Pythons warn of.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

ACCOUNT, OTHER = "1234567890123456", "6543210987654321"
OVER = {"status": 403, "code": "InvalidSecurityToken.Expired", "message": "Specified SecurityToken is expired."}


@pytest.fixture
def stage(stage: Any) -> Iterator[Any]:
    """A stage whose target takes a role, at an emulator of its own."""
    pytest.importorskip("alibabacloud_credentials")
    with start_in_thread(EmulatorSettings(account=ACCOUNT, access_keys={"ak": "sk"})) as handle:
        yield replace(stage, emulator=handle, environ={**stage.environ, "ALIBABA_CLOUD_STS_ENDPOINT": handle.url})


def with_role(spec: dict[str, Any], account: str = ACCOUNT) -> dict[str, Any]:
    role = f"acs:ram::{account}:role/deploy"
    target = {**spec["targets"]["dev"], "credentials": {"roleArn": "acs:ram::${{ target.account }}:role/deploy"}}
    target = target if account == ACCOUNT else {**target, "credentials": {"roleArn": role}}
    return {**spec, "targets": {"dev": target}}


def refusals(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(entry["operation"], entry["code"]) for entry in entries if entry["status"] == 403]


def test_keys_are_renewed_in_the_middle_of_an_apply(stage: Any) -> None:
    stage.write(with_role(stage.spec(3)))
    emulator: Handle = stage.emulator
    emulator.app.world.settings = replace(emulator.app.world.settings, key_life=2.0)
    # One by one and slowly: the run takes longer than any key lasts.
    stage.faults({"match": {"method": ["POST", "PUT"]}, "effect": {"delay": 0.25}})
    stage.apply(parallelism=1)
    entries = stage.requests()
    taken = Counter(entry["operation"] for entry in entries)
    assert taken["AssumeRole"] >= 2
    assert taken["CreateFunction"] == taken["CreateTrigger"] == 3
    assert refusals(entries) == []


def test_a_key_that_is_over_too_soon_is_replaced_and_the_call_sent_again(stage: Any) -> None:
    stage.write(with_role(stage.spec(2)))
    stage.faults({"match": {"operation": "CreateFunction", "nth": 1}, "effect": OVER})
    stage.apply(parallelism=1)
    entries = stage.requests()
    assert refusals(entries) == [("CreateFunction", "InvalidSecurityToken.Expired")]
    taken = Counter(entry["operation"] for entry in entries)
    assert (taken["AssumeRole"], taken["CreateFunction"]) == (2, 3)


def test_when_no_other_key_can_be_had_it_is_taken_back_with_one_that_can(stage: Any) -> None:
    stage.write(with_role(stage.spec(1)))
    stage.faults(
        {"match": {"operation": "CreateFunction"}, "effect": OVER},
        # The service forgot who may take the role, for one moment.
        {"match": {"operation": "AssumeRole", "nth": 2}, "effect": {"status": 403, "code": "NoPermission"}},
    )
    outcome = stage.apply(parallelism=1, ending=Ending.ROLLED_BACK)
    assert "CreateFunction was not sent: no key for role" in str(outcome)
    assert stage.dump() == {}


def test_a_role_of_another_account_is_refused_before_anything_is_asked(stage: Any) -> None:
    spec = with_role(stage.spec(1), OTHER)
    del spec["targets"]["dev"]["account"]
    stage.write(spec)
    # Without `account` it is the role's; that is where it goes.
    stage.plan()
    assert {entry["account"] for entry in stage.requests() if entry["account"]} == {OTHER}
    stage.write(with_role(stage.spec(1)) | {"targets": {"dev": {**spec["targets"]["dev"], "account": ACCOUNT}}})
    with pytest.raises(Exception, match="one of account 6543210987654321") as caught:
        stage.plan_report()
    assert "take a role of the target's account" in str(caught.value.diagnostics[0])
    assert stage.requests() == []


def test_what_sts_refuses_is_a_target_that_cannot_be_read(stage: Any) -> None:
    stage.write(with_role(stage.spec(1)))
    stage.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = "wrong"
    (result,) = stage.plan_report().results
    assert isinstance(result.problem, CredentialsError)
    assert "answered 400 SignatureDoesNotMatch" in result.problem.summary
    assert stage.counts() == {"AssumeRole": 1}
