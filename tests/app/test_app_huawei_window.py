"""FunctionGraph guards nothing: what somebody else writes meanwhile is found by the read just before a write (law 4).

Of functions test_app_groups tells; here are the other kinds, and what is lost between that read and the write.
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from fcdeploy.emulator.exchange import Tenant
from fcdeploy.model import Ending

PROJECT = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b"
REGION = "cn-north-4"
PLACE = "default/s-f"
PROOF = pytest.mark.proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a file says of one kind before and after, and what somebody else makes of it.

    `theirs` changes what the file changes, `beside` another member, where there is one.
    """

    row: str
    name: str
    operation: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    theirs: Mapping[str, Any]
    beside: Mapping[str, Any]


TICK = {"type": "timer", "config": {"cronExpression": "@every 5m", "payload": "before"}}
CASES = {
    "alias": Case(
        row="fgs-alias",
        name="live",
        operation="UpdateVersionAlias",
        before={"aliases": {"live": {"version": "latest", "description": "before"}}},
        after={"aliases": {"live": {"version": "latest", "description": "after"}}},
        theirs={"description": "theirs"},
        beside={},
    ),
    "trigger": Case(
        row="fgs-trigger",
        name="",
        operation="UpdateTrigger",
        before={"triggers": {"tick": TICK}},
        after={"triggers": {"tick": {**TICK, "config": {**TICK["config"], "cronExpression": "@every 6m"}}}},
        theirs={"event_data": {"name": "tick", "schedule_type": "Rate", "schedule": "1h", "user_event": "before"}},
        beside={"trigger_status": "DISABLED"},
    ),
    "asyncInvoke": Case(
        row="fgs-async-config",
        name="latest",
        operation="UpdateFunctionAsyncInvokeConfig",
        before={"asyncInvoke": {"maxAsyncRetryAttempts": 1}},
        after={"asyncInvoke": {"maxAsyncRetryAttempts": 2}},
        theirs={"max_async_retry_attempts": 3},
        beside={"max_async_event_age_in_seconds": 7200},
    ),
    "provision": Case(
        row="fgs-reserved",
        name="!live",
        operation="UpdateFunctionReservedInstancesCount",
        before={"provision": {"live": {"target": 1}}},
        after={"provision": {"live": {"target": 2}}},
        theirs={"min_count": 7},
        beside={"idle_mode": True},
    ),
    "function": Case(
        row="fgs-function",
        name="s-f",
        operation="UpdateFunctionConfig",
        before={"description": "before", "timeout": 30},
        after={"description": "after", "timeout": 30},
        theirs={"description": "theirs"},
        beside={"handler": "index.other"},
    ),
}


class Scene:
    """One function with one thing of a kind that two writers change."""

    def __init__(self, stage: Any, case: Case) -> None:
        self.stage, self.case = stage, case

    def write(self, words: Mapping[str, Any]) -> None:
        """The file with these words."""
        aliases = words.get("aliases", {"live": {"version": "latest"}})
        function = {name: value for name, value in words.items() if name != "aliases"}
        code = {"runtime": "python3.10", "handler": "index.handler", "code": self.stage.write_source("src")}
        service = {"versions": {"publish": "on-change"}, "aliases": aliases, "functions": {"f": {**code, **function}}}
        self.stage.write(
            {
                "apiVersion": "fcdeploy/v1",
                "project": "staged",
                "targets": {"dev": {"provider": "huawei", "region": REGION, "projectId": PROJECT}},
                "services": {"s": service},
            }
        )

    def deploy(self, words: Mapping[str, Any]) -> None:
        self.write(words)
        self.stage.apply()
        self.stage.requests()

    def row(self) -> dict[str, Any]:
        """The thing as it is stored."""
        (row,) = (one for one in self.stage.whole_dump() if self._is_it(one["kind"], one["name"]))
        return dict(row["body"])

    def _is_it(self, kind: str, name: str) -> bool:
        return kind == self.case.row and self.case.name in ("", name)

    def somebody(self, members: Mapping[str, Any]) -> None:
        """Another writer sets these members."""
        parent = "default" if self.case.row == "fgs-function" else PLACE
        with self.stage.emulator.app.world.write(Tenant(PROJECT, REGION)) as session:
            (row,) = (one for one in session.children(self.case.row, parent) if self._is_it(one.kind, one.name))
            session.put(replace(row, body={**row.body, **copy.deepcopy(dict(members))}))


def named(*names: str) -> list[Any]:
    """Cases by name: that of triggers in `make test`, the others in `make proofs`."""
    return [pytest.param(name, marks=() if name == "trigger" else PROOF) for name in names]


@pytest.fixture(params=named(*CASES))
def scene(stage: Any, request: pytest.FixtureRequest) -> Scene:
    stage.environ |= {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk"}
    made = Scene(stage, CASES[request.param])
    made.deploy(made.case.before)
    return made


def test_an_edit_between_plan_and_apply_is_not_overwritten(scene: Scene) -> None:
    scene.write(scene.case.after)

    def confirm(report: Any) -> bool:
        scene.somebody(scene.case.theirs)
        return True

    (outcome,) = scene.stage.apply_report(confirm=confirm).outcomes
    assert outcome.ending is Ending.FAILED
    assert "was changed by somebody else meanwhile" in outcome.diagnostics[0].summary
    assert not [entry for entry in scene.stage.writes() if entry["operation"] == scene.case.operation]
    assert {name: scene.row()[name] for name in scene.case.theirs} == scene.case.theirs
    assert not scene.stage.plan().is_empty, "the next plan shows what they wrote"


@pytest.mark.parametrize("scene", named(*(name for name, case in CASES.items() if case.beside)), indirect=True)
def test_an_edit_of_what_is_not_written_is_kept_and_told(scene: Scene) -> None:
    scene.write(scene.case.after)

    def confirm(report: Any) -> bool:
        scene.somebody(scene.case.beside)
        return True

    (outcome,) = scene.stage.apply_report(confirm=confirm).outcomes
    assert outcome.ending is Ending.DONE
    assert {name: scene.row()[name] for name in scene.case.beside} == scene.case.beside
    assert any(one.summary.startswith("drifted during apply: ") for one in outcome.diagnostics)


@PROOF
def test_an_edit_between_the_second_read_and_the_write_is_lost(scene: Scene) -> None:
    """The window that remains: nothing can tell, so the documents do (docs/lifecycle.md)."""
    scene.write(scene.case.after)
    # The other writer is let in when our write has arrived and has had no effect yet.
    edit = {"touch": {"set": scene.case.theirs}}
    scene.stage.faults({"match": {"operation": scene.case.operation, "nth": 1}, "effect": edit})
    outcome = scene.stage.apply()
    assert scene.stage.emulator.app.world.faults.report()[0]["fired"] == 1
    scene.stage.faults()
    assert outcome.diagnostics == ()
    assert scene.stage.plan().is_empty
    assert {name: scene.row()[name] for name in scene.case.theirs} != scene.case.theirs


@PROOF
def test_how_long_the_window_is(scene: Scene, figure: Callable[[str], None]) -> None:
    """From the answer of the second read to the arrival of the write, on this machine alone."""
    windows: list[float] = []
    for number in range(4):
        scene.write((scene.case.after, scene.case.before)[number % 2])
        scene.stage.requests()
        scene.stage.apply()
        asked = scene.stage.requests()
        (at,) = [place for place, entry in enumerate(asked) if entry["operation"] == scene.case.operation]
        read, write = asked[at - 1], asked[at]
        assert read["method"] == "GET", "nothing lies between the read and the write"
        answered = datetime.fromisoformat(read["ts"]).timestamp() * 1000 + read["durationMs"]
        windows.append(datetime.fromisoformat(write["ts"]).timestamp() * 1000 - answered)
    figure(
        f"from second read to write, huawei {scene.case.operation}: "
        f"median {statistics.median(windows):.1f} ms, longest {max(windows):.1f} ms"
    )
