"""What the service names by an id of its own: a run knows that of what it made, and else what stands there by then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fcdeploy.app import Wishes
from fcdeploy.emulator.exchange import Tenant
from fcdeploy.model import Ending

PROJECT = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b"
REGION = "cn-north-4"
ALL = Wishes(allow_unsafe=True)
REFUSED = {"status": 400, "code": "FSS.0400", "message": "no"}
MAKES, CHANGES, DELETES = "CreateFunctionTrigger", "UpdateTrigger", "DeleteFunctionTrigger"


class Timers:
    """One function with timers."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage
        stage.environ |= {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk"}
        self.code = stage.write_source("src")

    def write(self, timers: Mapping[str, str]) -> None:
        """The file with these timers, each with what it runs by."""
        triggers = {
            name: {"type": "timer", "config": {"cronExpression": f"@every {rate}"}} for name, rate in timers.items()
        }
        function = {"runtime": "python3.10", "handler": "index.handler", "code": self.code, "triggers": triggers}
        self.stage.write(
            {
                "apiVersion": "fcdeploy/v1",
                "project": "staged",
                "targets": {"dev": {"provider": "huawei", "region": REGION, "projectId": PROJECT}},
                "services": {"s": {"functions": {"f": function}}},
            }
        )

    def apply(self, *, ending: Ending = Ending.DONE, **more: Any) -> str:
        """Carry it out one by one; the run's id."""
        self.stage.requests()
        return str(self.stage.apply(ALL, ending=ending, parallelism=1, **more).run)

    def refuse(self, *rules: tuple[str, int, Mapping[str, Any]]) -> None:
        """(operation, which of them, the fault's effect) of each."""
        self.stage.faults(
            *(
                {
                    "match": {"operation": operation, "nth": nth},
                    "when": "before" if "status" in effect else "after",
                    "effect": effect,
                }
                for operation, nth, effect in rules
            )
        )

    def there(self) -> dict[str, tuple[str, str]]:
        """(id, what it runs by) of each timer that there is."""
        rows = (row["body"] for row in self.stage.whole_dump() if row["kind"] == "fgs-trigger")
        return {
            row["event_data"]["name"]: (row["trigger_id"], row["event_data"]["schedule"].removeprefix("@every "))
            for row in rows
        }

    def replaced(self, name: str) -> None:
        """Somebody deletes a timer and makes one just like it, which has another id."""
        with self.stage.emulator.app.world.write(Tenant(PROJECT, REGION)) as session:
            (row,) = (one for one in session.scan("fgs-trigger") if one.body["event_data"]["name"] == name)
            session.delete("fgs-trigger", row.parent, row.name)
            new = row.name.replace(row.body["trigger_id"], "0" * 32)
            assert new != row.name
            session.put(replace(row, name=new, body={**row.body, "trigger_id": "0" * 32}))


@pytest.fixture
def timers(stage: Any) -> Timers:
    made = Timers(stage)
    made.write({})
    made.apply()
    return made


def test_what_was_made_is_taken_back_though_its_answer_never_came(timers: Timers) -> None:
    timers.write({"a": "5m", "b": "6m"})
    timers.refuse((MAKES, 1, {"disconnect": True}), (MAKES, 2, REFUSED))
    timers.apply(ending=Ending.ROLLED_BACK)
    assert timers.there() == {}


def test_what_was_made_is_taken_back_out_of_the_journal(timers: Timers) -> None:
    timers.write({"a": "5m", "b": "6m"})
    timers.refuse((MAKES, 2, REFUSED))
    timers.apply(ending=Ending.STOPPED, on_failure="stop")
    timers.stage.faults()
    assert timers.there().keys() == {"a"}
    (outcome,) = timers.stage.rollback()
    assert outcome.ending is Ending.ROLLED_BACK and timers.there() == {}
    run = timers.apply()
    assert timers.there().keys() == {"a", "b"}
    (outcome,) = timers.stage.rollback(run)
    assert outcome.ending is Ending.DONE and timers.there() == {}


def test_what_was_deleted_has_another_id_when_it_is_back(timers: Timers) -> None:
    timers.write({"a": "5m", "b": "6m"})
    timers.apply()
    before = timers.there()
    timers.write({"b": "7m"})
    run = timers.apply()
    assert timers.there() == {"b": (before["b"][0], "7m")}
    timers.stage.rollback(run)
    now = timers.there()
    assert {name: rate for name, (_, rate) in now.items()} == {"a": "5m", "b": "6m"}
    assert now["a"][0] != before["a"][0] and now["b"] == before["b"]
    timers.write({"a": "8m", "b": "6m"})
    timers.apply()
    assert timers.there()["a"] == (now["a"][0], "8m")


@pytest.mark.parametrize("wanted", [{"a": "7m"}, {}], ids=("changed", "deleted"))
def test_one_like_it_that_somebody_made_meanwhile_is_meant(timers: Timers, wanted: dict[str, str]) -> None:
    timers.write({"a": "5m"})
    timers.apply()
    timers.write(wanted)

    def confirm(report: Any) -> bool:
        timers.replaced("a")
        return True

    (outcome,) = timers.stage.apply_report(ALL, confirm=confirm).outcomes
    assert outcome.ending is Ending.DONE
    assert timers.there() == {name: ("0" * 32, rate) for name, rate in wanted.items()}
