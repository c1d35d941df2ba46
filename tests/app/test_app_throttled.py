"""A service that allows only so many requests a second: the run ends well, and does not flood it (S38)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from fcdeploy.cloud.client import Client
from fcdeploy.model import Ending

REGION = "cn-hangzhou"
WRITES = ("POST", "PUT", "DELETE")
CALLS_PER_STEP = 1.2


@pytest.fixture
def patient(stage: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stage whose client really waits."""
    monkeypatch.setattr("fcdeploy.app.bench.Client", Client)
    return stage


@dataclass(frozen=True)
class Counted:
    """One apply: steps of its plans, requests of any kind, writes, refusals, seconds from first to last."""

    steps: int
    requests: int
    writes: int
    refused: int
    seconds: float
    reasons: tuple[str, ...]


def counted(stage: Any, **more: Any) -> Counted:
    """Apply all targets and count what the emulator saw."""
    stage.requests()
    report = stage.apply_report(**more)
    plans = [result.plan for result in report.plans.results]
    assert [outcome.ending for outcome in report.outcomes] == [Ending.DONE] * len(plans), report.outcomes
    log = stage.requests()
    at = sorted(datetime.fromisoformat(one["ts"]).timestamp() for one in log)
    return Counted(
        steps=sum(len(plan.steps) for plan in plans),
        requests=len(log),
        writes=sum(one["method"] in WRITES for one in log),
        refused=sum(one["status"] in (429, 503) for one in log),
        seconds=at[-1] - at[0],
        reasons=tuple({one["code"] for one in log if one["status"] >= 400}),
    )


def anew(stage: Any) -> Any:
    """The same project, its cloud empty and its state folder new."""
    stage.emulator.app.world.clear()
    state = stage.state.with_name(f"{stage.state.name}-anew")
    return replace(stage, state=state, environ={**stage.environ, "FCDEPLOY_STATE": str(state)})


def check(stage: Any, throttle: dict[str, Any], **more: Any) -> None:
    """A run against a throttled service asks for little more than one against a service with room."""
    free = counted(stage, **more)
    assert free.writes == free.steps and free.refused == 0
    stage = anew(stage)
    stage.faults(throttle=throttle)
    seen = counted(stage, **more)
    stage.faults()
    print(f"{seen.steps} steps, {throttle}: {seen}; with room: {free}")
    assert seen.steps == free.steps
    assert seen.refused > 0
    assert seen.writes <= CALLS_PER_STEP * seen.steps
    assert seen.requests <= CALLS_PER_STEP * free.requests
    assert all(result.plan.is_empty for result in stage.plan_report().results)


@pytest.mark.parametrize("told", [True, pytest.param(False, marks=pytest.mark.proof)])
def test_a_hundred_resources(patient: Any, told: bool) -> None:
    patient.write(patient.spec(50))
    check(patient, {"rate": 30, "burst": 30, "retryAfter": told}, parallelism=8)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("throttle", "parallelism"),
    [
        ({"rate": 30, "burst": 30, "retryAfter": False}, 32),
        ({"rate": 30, "burst": 1, "retryAfter": True}, 32),
        ({"rate": 40, "burst": 100, "retryAfter": False}, 64),
    ],
)
def test_a_thousand_resources(patient: Any, throttle: dict[str, Any], parallelism: int) -> None:
    spec = patient.spec(50, service="s0")
    spec["services"] |= {f"s{number}": spec["services"]["s0"] for number in range(1, 10)}
    patient.write(spec)
    check(patient, throttle, parallelism=parallelism)


def two_targets(stage: Any, region: str) -> None:
    """A second target of the same account in this region; each has a service of its own."""
    spec = stage.spec(25, service="${{ target.name }}")
    spec["targets"]["other"] = {**spec["targets"]["dev"], "region": region}
    stage.write(spec)


def test_targets_of_one_account_and_region_share_what_it_allows(patient: Any) -> None:
    two_targets(patient, REGION)
    check(patient, {"rate": 30, "burst": 30, "retryAfter": False}, parallelism=8, target="*")


@pytest.mark.parametrize(("region", "shares"), [(REGION, True), ("cn-shanghai", False)])
def test_a_pause_is_one_of_an_account_and_region(patient: Any, region: str, shares: bool) -> None:
    """A refusal of one target holds up the other where both share what the service allows, and nowhere else."""
    two_targets(patient, region)
    refusal = {"status": 429, "code": "ResourceExhausted", "retryAfter": 2}
    match = {"operation": "CreateFunction", "path": "/services/dev/", "nth": 3}
    patient.faults({"match": match, "effect": refusal})
    report = patient.apply_report(target="*", parallelism=4)
    assert [outcome.ending for outcome in report.outcomes] == [Ending.DONE] * 2
    log = [(datetime.fromisoformat(one["ts"]).timestamp(), one) for one in patient.requests()]
    (refused,) = (at for at, one in log if one["status"] == 429)
    # What was on its way is long there after half a second; what is not held up goes on at once.
    held = [one["path"] for at, one in log if refused + (0.5 if shares else 0.0) < at < refused + 1.9]
    assert any("/services/other" in path for path in held) is not shares
    assert not shares or held == []
