"""Every example is validated, planned, applied, planned again and destroyed."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from fcdeploy import app
from fcdeploy.app import Where, Wishes
from fcdeploy.model import Action

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RESOURCES = {"built": 4, "quickstart": 5, "media-pipeline": 24, "everything": 31}
"""How many resources each example has over all its targets."""
WARNINGS = {"everything": ["alias shop/live: there is no previous version, so its weight is dropped"]}
"""What the first plan of an example says besides."""


@pytest.fixture(params=sorted(RESOURCES))
def example(request: pytest.FixtureRequest, stage: Any) -> str:
    """The name of an example; its folder is the stage's project."""
    shutil.rmtree(stage.root)
    shutil.copytree(EXAMPLES / request.param, stage.root)
    return str(request.param)


def test_every_example_is_here() -> None:
    assert sorted(path.parent.name for path in EXAMPLES.glob("*/fcdeploy.yaml")) == sorted(RESOURCES)


def test_an_example_goes_all_the_way(stage: Any, example: str) -> None:
    # The account of an example that names none is that of the key.
    environ = {**stage.environ, "ALIBABA_CLOUD_ACCOUNT_ID": "1234567890123456", "PATH": os.environ["PATH"]}
    where: Where = dataclasses.replace(stage.where(target="*"), environ=environ)
    assert app.validate(where).resources == RESOURCES[example]

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
