"""Every example is validated, planned, applied, planned again and destroyed."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fcdeploy import app
from fcdeploy.app import Where, Wishes
from fcdeploy.emulator.server import start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.model import Action

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RESOURCES = {
    "built": 4,
    "quickstart": 5,
    "policies": 8,
    "media-pipeline": 24,
    "everything": 31,
    "multi-region": 18,
    "two-clouds": 17,
}
"""How many resources each example has over all its targets that are tried here."""
TARGETS = {"multi-region": "staging/*/cn-hangzhou"}
"""Which targets of an example are tried; all, where it is not here."""
ACCOUNTS = {"ads": "1111111111111111", "shop": "2222222222222222", "pay": "3333333333333333"}
"""Whose profile is whose account in the example of many regions."""
_NO_PREVIOUS = "alias {}: there is no previous version, so its weight is dropped"
WARNINGS = {
    "everything": [_NO_PREVIOUS.format("shop/live")],
    "two-clouds": [_NO_PREVIOUS.format(f"{name}/live") for name in ("shop", "default/shop-api", "default/shop-order")],
}
"""What the first plan of an example says besides."""


@pytest.fixture(params=sorted(RESOURCES))
def example(request: pytest.FixtureRequest, stage: Any) -> str:
    """The name of an example; its folder is the stage's project."""
    shutil.rmtree(stage.root)
    shutil.copytree(EXAMPLES / request.param, stage.root)
    return str(request.param)


def write_profiles(home: Path, keys: dict[str, tuple[str, str]]) -> None:
    """Profiles of the aliyun CLI, each with its key and secret."""
    profiles = [
        {"name": name, "mode": "AK", "access_key_id": key, "access_key_secret": secret}
        for name, (key, secret) in keys.items()
    ]
    (home / ".aliyun").mkdir()
    (home / ".aliyun" / "config.json").write_text(json.dumps({"current": "", "profiles": profiles}))


def test_every_example_is_here() -> None:
    assert sorted(path.parent.name for path in EXAMPLES.glob("*/fcdeploy.yaml")) == sorted(RESOURCES)


def test_an_example_goes_all_the_way(stage: Any, example: str) -> None:
    # The account of an example that names none is that of the key.
    environ = {
        **stage.environ,
        "ALIBABA_CLOUD_ACCOUNT_ID": "1234567890123456",
        "HUAWEICLOUD_SDK_AK": "ak",
        "HUAWEICLOUD_SDK_SK": "sk",
        "DB_PASSWORD": "of-the-database",
        "PATH": os.environ["PATH"],
    }
    chosen = stage.where(target=TARGETS.get(example, "*"))
    # Not on a Friday: on those one of them deletes nothing.
    where: Where = msgspec.structs.replace(chosen, environ=environ, clock=lambda: 1_700_000_000.0)
    write_profiles(Path(environ["HOME"]), dict.fromkeys(ACCOUNTS, ("ak", "sk")))
    assert app.validate(where)[0].resources == RESOURCES[example]

    said: list[str] = []
    asyncio.run(app.build(where, app.Building(said=lambda name, line: said.append(f"{name}: {line}"))))
    assert ("site/pages: wrote index.html" in said) is (example == "built")

    def applied(destroy: bool = False) -> None:
        report = asyncio.run(app.apply(where, Wishes(), stage.manner(), confirm=lambda _: True, destroy=destroy))
        assert [one.problem for one in report.plans.results] == [None] * len(report.plans.results)
        assert {outcome.ending.value for outcome in report.outcomes} == {"done"}, report.outcomes

    plans = [one.plan for one in asyncio.run(app.plan(where, Wishes())).results]
    assert sum(plan.count(Action.CREATE) for plan in plans if plan) == RESOURCES[example]
    assert [warning.summary for plan in plans if plan for warning in plan.warnings] == WARNINGS.get(example, [])
    applied()
    after = asyncio.run(app.plan(where, Wishes())).results
    assert all(one.plan is not None and one.plan.is_empty for one in after)
    assert sum(one.plan.unchanged for one in after if one.plan) == RESOURCES[example]
    stage.requests()
    applied()
    assert stage.writes() == []
    applied(destroy=True)
    assert [row for row in stage.whole_dump() if not row["kind"].startswith("_")] == []


def test_the_example_of_many_regions_is_short() -> None:
    lines = (EXAMPLES / "multi-region" / "fcdeploy.yaml").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 80


@pytest.mark.proof
def test_one_file_is_rolled_out_to_48_places(stage: Any) -> None:
    """Three accounts, eight regions, two stages; each target has its own key, which is good for its account only."""
    shutil.rmtree(stage.root)
    shutil.copytree(EXAMPLES / "multi-region", stage.root)
    keys = {name: (f"key-of-{name}", f"secret-of-{name}") for name in ACCOUNTS}
    write_profiles(Path(stage.environ["HOME"]), keys)
    cloud = EmulatorSettings(
        access_keys=dict(keys.values()),
        key_accounts={keys[name][0]: account for name, account in ACCOUNTS.items()},
    )
    with start_in_thread(cloud) as emulator:
        world = dataclasses.replace(stage, emulator=emulator)
        plans = [one.plan for one in world.plan_report(target="*").results]
        assert [plan.count(Action.CREATE) for plan in plans if plan is not None] == [6] * 48
        world.requests()
        report = world.apply_report(target="*")
        assert [one.ending.value for one in report.outcomes] == ["done"] * 48
        written = world.writes()
        assert len(written) == 48 * 7, "a service is created and marked, and five things are made in it"
        places = {(entry["account"], entry["region"]) for entry in written}
        assert len(places) == 24 and {account for account, _ in places} == {*ACCOUNTS.values()}
        report = world.apply_report(target="*")
        assert len(report.plans.results) == 48 and all(one.can_apply for one in report.plans.results)
        assert world.writes() == []
        assert len({path.parent for path in world.state.rglob("journal.db")}) == 48
