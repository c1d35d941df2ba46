"""Every kind of fault at every call of a run: it ends well, is rolled back whole, or is recovered.

The faults are the emulator's own rules: answers instead of the effect, connections that break before or after it,
replies that never come, and another writer who was there just before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from crash_stage import CLOUDS, CrashStage, Ended, differences

PARTS = 8
DEADLINE = 0.4
"""Seconds that a call may take here, so that a reply that never comes does not take a minute."""


def _answer(status: int, code: str) -> dict[str, Any]:
    return {"effect": {"status": status, "code": code, "message": "a fault"}}


FAULTS: Mapping[str, Mapping[str, Any]] = {
    "400": _answer(400, "InvalidArgument"),
    "403": _answer(403, "AccessDenied"),
    "409 another update": _answer(409, "ConcurrentUpdateError"),
    "412": _answer(412, "PreconditionFailed"),
    "429": _answer(429, "ResourceThrottled"),
    "500 before": _answer(500, "InternalServerError"),
    "500 after": {**_answer(500, "InternalServerError"), "when": "after"},
    "503": _answer(503, "ServiceUnavailable"),
    "disconnected before": {"effect": {"disconnect": True}},
    "disconnected after": {"effect": {"disconnect": True}, "when": "after"},
    "cut": {"effect": {"truncate": True}, "when": "after"},
    "no reply before": {"effect": {"timeout": 2}},
    "no reply after": {"effect": {"timeout": 2}, "when": "after"},
    "slow": {"effect": {"delay": 0.1}},
}
TOUCHES: Mapping[str, Mapping[str, Any]] = {
    "touched": {"effect": {"touch": {}}},
    "deleted by another": {"effect": {"touch": {"delete": True}}},
}
BOTH = pytest.mark.parametrize("crash", CLOUDS, indirect=True)
WRITES = ("POST", "PUT", "DELETE")


def calls(stage: CrashStage) -> Iterator[tuple[str, str, int]]:
    """Every call of an undisturbed run: method, path, and which of that method and path it is."""
    seen: Counter[tuple[str, str]] = Counter()
    for entry in stage.log:
        call = (entry["method"], entry["path"])
        seen[call] += 1
        yield *call, seen[call]


def spoiled(stage: CrashStage, fault: Mapping[str, Any], method: str, path: str, nth: int) -> Ended:
    """Apply, with this fault at this call."""
    stage.begin()
    match = {"method": method, "path": f"^{re.escape(path)}$", "nth": nth}
    stage.emulator.app.world.faults.load({"rules": [{"match": match, **fault}]})
    ended = stage.apply(deadline=DEADLINE)
    stage.emulator.app.world.faults.clear()
    return ended


def wrong_after(stage: CrashStage, ended: Ended) -> list[str]:
    """What is not as the exit code promises (S39), or as recovery must leave it."""
    match ended.status:
        case 0:
            wrong = differences(stage.reached, stage.contents())
        case 1 | 3:
            wrong = differences(stage.started, stage.contents())
        case 4:
            wrong = recovered(stage)
        case _:
            wrong = [f"exit code {ended.status}"]
    if "bug in fcdeploy" in ended.output:
        wrong.append("a bug")
    return [*wrong, f"exit code {ended.status}", ended.output[-2500:]] if wrong else []


def recovered(stage: CrashStage) -> list[str]:
    """Resume what is open, or take it back where that had begun already."""
    resumed = stage.run("resume")
    if resumed.status == 0:
        return differences(stage.reached, stage.contents())
    if resumed.status == 3:
        return differences(stage.started, stage.contents())
    taken_back = stage.run("rollback", "--yes")
    wrong = differences(stage.started, stage.contents())
    return [*wrong, resumed.output[-1500:], taken_back.output[-1500:]] if wrong or taken_back.status else []


def wrong_after_touch(stage: CrashStage, ended: Ended) -> list[str]:
    """Another writer's change may stop a run; whatever came of it, it is said, and applying anew gets there."""
    wrong = [] if ended.status in (0, 1, 3, 4) and "bug in fcdeploy" not in ended.output else ["a bug"]
    if ended.status == 4:
        stage.run("rollback", "--yes")
        stage.run("abandon", "--yes")
    stage.change_code()
    anew = stage.run("apply", "--yes", "--allow-unsafe", "--adopt-over", "*")
    again = stage.run("plan", "--detailed-exitcode")
    if anew.status or again.status:
        wrong += [anew.output[-2500:], again.output[-1500:]]
    return [*wrong, f"exit code {ended.status}", ended.output[-2500:]] if wrong else []


@BOTH
@pytest.mark.crash
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_at_every_call_is_outlived(crash: CrashStage, tally: Any, fault: str, part: int) -> None:
    for method, path, nth in list(calls(crash))[part::PARTS]:
        ended = spoiled(crash, FAULTS[fault], method, path, nth)
        tally.note(f"{fault} at {method} {path} {nth}", wrong_after(crash, ended))


@BOTH
@pytest.mark.crash
@pytest.mark.parametrize("part", range(2))
@pytest.mark.parametrize("fault", TOUCHES)
def test_every_write_may_meet_another_writer(crash: CrashStage, tally: Any, fault: str, part: int) -> None:
    for method, path, nth in [call for call in calls(crash) if call[0] in WRITES][part::2]:
        ended = spoiled(crash, TOUCHES[fault], method, path, nth)
        tally.note(f"{fault} at {method} {path} {nth}", wrong_after_touch(crash, ended))


def test_some_faults_at_some_calls_are_outlived(crash: CrashStage, tally: Any) -> None:
    every = [call for call in calls(crash) if call[0] in WRITES]
    for place, (fault, rule) in enumerate(list(FAULTS.items())[::2]):
        method, path, nth = every[(place * 17) % len(every)]
        tally.note(f"{fault} at {method} {path} {nth}", wrong_after(crash, spoiled(crash, rule, method, path, nth)))
