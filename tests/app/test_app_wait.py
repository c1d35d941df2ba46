"""`--wait`: provisioned instances are there before anything counts on them, and gone before what they hang on goes."""

from __future__ import annotations

import time
from typing import Any

import fc2
import pytest

from fcdeploy.app import StopRequest
from fcdeploy.model import Ending, EventType

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

APIS = ("2021-04-06", "2016-08-15")
NEVER = 3600.0
"""Seconds that no test lives to see the end of."""


def provisioned(stage: Any, *, api: str = APIS[0], target: int = 4) -> dict[str, Any]:
    """A service whose alias follows the newest version, with instances kept ready behind it."""
    spec: dict[str, Any] = stage.spec(2, api=api)
    spec["services"]["s"]["versions"] = {"publish": "on-change"}
    spec["services"]["s"]["aliases"] = {"live": {"version": "latest"}}
    spec["services"]["s"]["functions"]["f0"]["provision"] = {"live": {"target": target}}
    stage.write(spec)
    return spec


def changed(stage: Any) -> None:
    """Other code, so that a version is published and the alias moves."""
    stage.write_source("src", "def handler(event, context):\n    return 'new'\n")


def take(stage: Any, seconds: float) -> None:
    """From now on instances take so long to come or go."""
    stage.faults(delays={"provision": seconds})


def client(stage: Any) -> Any:
    """The vendor's own client."""
    return fc2.Client(endpoint=stage.emulator.url, accessKeyID="ak", accessKeySecret="sk")


def current(stage: Any) -> int:
    """How many instances there are, as the vendor's own client sees it."""
    return int(client(stage).get_provision_config("s", "live", "f0").data["current"])


def standing_for_long(stage: Any) -> None:
    """All instances are there, however slowly they come or go from now on."""
    stage.change("provision-config", "s", "live#f0", _put=0.0)
    take(stage, NEVER)
    assert current(stage) == 4


def until_waited_for(stage: Any) -> None:
    """Instances neither come nor go until somebody waits for them."""
    take(stage, NEVER)
    told = stage.watcher.waiting

    def waiting(*args: Any) -> None:
        told(*args)
        take(stage, 0.0)

    stage.watcher.waiting = waiting


def alias(stage: Any) -> str:
    return str(stage.dump()["1234567890123456/cn-hangzhou/alias/s/live"]["versionId"])


@pytest.mark.parametrize("api", APIS)
def test_a_config_is_done_when_its_instances_are_there(stage: Any, api: str) -> None:
    spec = provisioned(stage, api=api)
    until_waited_for(stage)
    seen: list[int] = []
    stage.watcher.on_ended = lambda step, event: seen.append(current(stage)) if "provision" in step.id else None
    stage.apply(wait=60.0)
    assert seen == [4]
    assert stage.watcher.waits == ["0 of 4"]
    spec["services"]["s"]["functions"]["f0"]["provision"]["live"]["target"] = 1
    stage.write(spec)
    stage.watcher.waits.clear()
    stage.apply(wait=60.0)
    assert stage.watcher.waits == [], "there are more than there are to be"


def test_without_it_nothing_is_waited_for(stage: Any) -> None:
    provisioned(stage)
    take(stage, NEVER)
    stage.apply()
    assert stage.watcher.waits == []
    assert current(stage) < 4


def test_an_alias_moves_once_what_hangs_on_it_is_ready(stage: Any) -> None:
    provisioned(stage)
    take(stage, NEVER)
    stage.apply()
    assert current(stage) < 4
    until_waited_for(stage)
    changed(stage)
    seen: list[int] = []
    stage.watcher.on_ended = lambda step, event: seen.append(current(stage)) if ".alias:" in step.id else None
    stage.apply(wait=60.0)
    assert seen == [4]
    assert stage.watcher.waits == ["provision s/f0/live has 0 of 4"]
    assert alias(stage) == "2"
    assert stage.plan().is_empty


def test_what_instances_hang_on_goes_when_they_are_gone(stage: Any) -> None:
    provisioned(stage)
    stage.apply()
    standing_for_long(stage)
    until_waited_for(stage)
    stage.requests()
    stage.apply(destroy=True, wait=60.0)
    assert stage.watcher.waits == ["4 left"]
    deletes = [entry for entry in stage.requests() if entry["method"] == "DELETE"]
    assert {entry["status"] for entry in deletes} == {204}, "nothing was refused for instances that were still there"
    assert [address for address in stage.dump() if "/provision-config/" not in address] == []


def test_a_delete_waits_for_instances_that_somebody_else_sent_away(stage: Any) -> None:
    spec = provisioned(stage)
    stage.apply()
    standing_for_long(stage)
    until_waited_for(stage)
    client(stage).put_provision_config("s", "live", "f0", 0)
    del spec["services"]["s"]["aliases"]
    del spec["services"]["s"]["functions"]["f0"]["provision"]
    stage.write(spec)
    stage.requests()
    stage.apply(wait=60.0)
    assert stage.watcher.waits == ["provision s/f0/live has 4 left"]
    assert stage.counts()["DeleteAlias"] == 1


def test_what_takes_too_long_is_a_failure_and_is_taken_back(stage: Any) -> None:
    stage.write(stage.spec(1))
    stage.apply()
    before = stage.dump()
    provisioned(stage)
    take(stage, NEVER)
    outcome = stage.apply(wait=0.3, ending=Ending.ROLLED_BACK)
    (problem,) = [one for one in outcome.diagnostics if one.summary.startswith("provision")]
    assert (problem.summary, problem.detail) == ("provision s/f0/live did not settle in 0.3 s", "0 of 4")
    assert stage.difference(before) == []


def test_an_alias_that_would_wait_too_long_is_not_moved(stage: Any) -> None:
    provisioned(stage)
    take(stage, NEVER)
    stage.apply()
    changed(stage)
    before = alias(stage)
    outcome = stage.apply(wait=0.3, ending=Ending.ROLLED_BACK)
    assert "UpdateAlias" not in stage.counts()
    assert [one.summary for one in outcome.diagnostics] == ["alias s/live did not settle in 0.3 s"]
    assert alias(stage) == before


def test_trouble_that_lasts_is_shown_and_fails_the_step(stage: Any) -> None:
    provisioned(stage)
    stage.apply()
    take(stage, NEVER)
    stage.change("provision-config", "s", "live#f0", target=9, _was=4, _put=time.time(), currentError="no room left")
    changed(stage)
    outcome = stage.apply(wait=60.0, ending=Ending.ROLLED_BACK)
    said = "provision s/f0/live has 4 of 9 (no room left)"
    assert said in stage.watcher.waits
    assert (outcome.diagnostics[0].summary, outcome.diagnostics[0].detail) == ("alias s/live cannot settle", said)


def stopped(stage: Any) -> StopRequest:
    """A request to stop that comes with the first wait."""
    stop = StopRequest()
    stage.watcher.waiting = lambda target, step, why, seconds: stop.request()
    return stop


def test_a_stop_ends_the_wait_for_a_config_of_its_own(stage: Any) -> None:
    provisioned(stage)
    take(stage, NEVER)
    began = time.monotonic()
    outcome = stage.apply(wait=NEVER, stop=stopped(stage))
    assert time.monotonic() - began < NEVER / 10
    assert [one.summary for one in outcome.diagnostics] == [
        "provision s/f0/live had not settled yet when the wait was ended"
    ], "all was sent before the stop, so the run is done, and says what is still to come"


def test_a_stop_before_an_alias_moves_takes_the_run_back(stage: Any) -> None:
    provisioned(stage)
    take(stage, NEVER)
    stage.apply()
    changed(stage)
    before = stage.dump()
    ended: list[tuple[str, EventType]] = []
    stage.watcher.on_ended = lambda step, event: ended.append((step.address.short, event))
    stage.requests()
    began = time.monotonic()
    stage.apply(wait=NEVER, stop=stopped(stage), ending=Ending.ROLLED_BACK)
    assert time.monotonic() - began < NEVER / 10
    assert stage.counts()["UpdateAlias"] == 0
    assert ("alias s/live", EventType.SKIPPED) in ended
    assert stage.difference(before) == []


def test_a_failure_elsewhere_ends_the_wait(stage: Any) -> None:
    spec = provisioned(stage)
    take(stage, NEVER)
    stage.apply()
    # Nothing is published, so that the alias waits beside the function that fails.
    client(stage).update_service("s", description="theirs")
    client(stage).publish_version("s", "theirs")
    del spec["services"]["s"]["versions"]
    spec["services"]["s"]["description"] = "theirs"
    spec["services"]["s"]["functions"]["f1"]["memorySize"] = 1024
    stage.write(spec)
    refused = {"status": 400, "code": "InvalidArgument", "message": "refused by the test"}
    stage.faults(
        {"match": {"operation": "UpdateFunction"}, "when": "before", "effect": refused}, delays={"provision": NEVER}
    )
    began = time.monotonic()
    outcome = stage.apply(wait=NEVER, ending=Ending.FAILED)
    assert time.monotonic() - began < NEVER / 10
    assert [one.summary for one in outcome.diagnostics] == ["cannot update function s/f1"]
    assert alias(stage) == "1"
