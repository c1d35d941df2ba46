"""Targets out of a matrix: each has its account, region, mark, state folder and journal, whatever its name holds."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from fcdeploy import app
from fcdeploy.app import Wishes
from fcdeploy.errors import PlanRefused
from fcdeploy.model import Action, Ending

ACCOUNTS = ("1234567890123456", "6543210987654321")
REGIONS = ("cn-hangzhou", "ap-southeast-1")


def matrix_spec(stage: Any, **rest: Any) -> dict[str, Any]:
    """Two accounts with two regions each, in a service and a layer each."""
    return {
        "apiVersion": "fcdeploy/v1",
        "project": "staged",
        "vars": {"accounts": {"ads": ACCOUNTS[0], "web": ACCOUNTS[1]}},
        "targets": {
            "prod": {
                "provider": "alibaba",
                "account": "${{ vars.accounts[target.team] }}",
                "credentials": {"profile": "${{ target.team }}"},
                "matrix": {"team": ["ads", "web"], "region": list(REGIONS)},
                **rest,
            }
        },
        "layers": {"tools": {"code": stage.write_source("layer"), "compatibleRuntime": ["python3.10"]}},
        "services": {
            "shop": {
                "functions": {
                    "order": {
                        "runtime": "python3.10",
                        "handler": "index.handler",
                        "code": stage.write_source("src"),
                        "layers": ["tools"],
                        "environmentVariables": {"TARGET": "${{ target.name }}"},
                    }
                }
            }
        },
    }


@pytest.fixture
def profiles(stage: Any, tmp_path: Path) -> None:
    """The profiles that the targets name."""
    key = {"mode": "AK", "access_key_id": "ak", "access_key_secret": "sk"}
    home = Path(stage.environ["HOME"])
    (home / ".aliyun").mkdir(parents=True, exist_ok=True)
    found = {"current": "", "profiles": [{"name": name, **key} for name in ("ads", "web")]}
    (home / ".aliyun" / "config.json").write_text(json.dumps(found))


@pytest.mark.usefixtures("profiles")
def test_each_row_is_a_target_of_its_own(stage: Any) -> None:
    spec = matrix_spec(stage)
    stage.write(spec)
    report = stage.apply_report(target="*")
    names = [f"prod/{team}/{region}" for team in ("ads", "web") for region in REGIONS]
    assert [one.target for one in report.outcomes] == names
    assert {one.ending for one in report.outcomes} == {Ending.DONE}, report.outcomes
    live = stage.dump()
    for name in names:
        _, team, region = name.split("/")
        place = f"{ACCOUNTS[team == 'web']}/{region}"
        assert live[f"{place}/service//shop"]["_tags"] == {"fcdeploy.project": "staged", "fcdeploy.target": name}
        assert live[f"{place}/function/shop/order"]["environmentVariables"]["TARGET"] == name
        layers = [one for key, one in live.items() if key.startswith(f"{place}/layer")]
        described = [one["description"] for one in layers if "description" in one]
        assert described == [f"[fcdeploy:staged/{name}]"]
    journals = [path.parent.name for path in stage.state.rglob("journal.db")]
    assert len(set(journals)) == 4 and all("/" not in one and one.startswith("prod-") for one in journals)
    stage.requests()
    assert stage.apply_report(target="prod/*").outcomes == () or stage.writes() == []
    assert stage.writes() == []
    # A run is found by its target, and taken back.
    (outcome,) = stage.rollback(report.outcomes[0].run, target=names[0])
    assert outcome.ending is Ending.DONE, outcome
    assert not [key for key in stage.dump() if key.startswith(f"{ACCOUNTS[0]}/{REGIONS[0]}/service")]


@pytest.mark.usefixtures("profiles")
def test_a_row_that_goes_is_told_of_adopted_or_retired(stage: Any) -> None:
    spec = matrix_spec(stage)
    spec["targets"]["prod"]["matrix"] = {"team": ["ads"], "region": ["cn-hangzhou"], "stage": ["a", "b"]}
    shop = spec["services"].pop("shop")
    spec["services"]["shop-${{ target.stage }}"] = shop
    del spec["layers"], shop["functions"]["order"]["layers"]
    stage.write(spec)
    stage.apply_report(target="*")
    spec["targets"]["prod"]["exclude"] = [{"stage": "b"}]
    stage.write(spec)
    (result,) = stage.plan_report().results
    told = "target 'prod/ads/cn-hangzhou/b' is not in the file, but still owns resources here"
    assert [one.summary for one in result.plan.warnings] == [told]
    assert result.plan.is_empty
    (drift,) = asyncio.run(app.drift(stage.where())).results
    assert [one.summary for one in drift.warnings] == [told] and drift.drifts == ()

    # The same row under another name: what it wants is the old target's, and can be taken from it.
    spec["targets"]["prod"] |= {"name": "live-${{ target.stage }}", "exclude": [{"stage": "a"}]}
    stage.write(spec)
    (result,) = stage.plan_report().results
    assert isinstance(result.problem, PlanRefused)
    assert result.problem.diagnostics[0].summary == "service shop-b belongs to staged/prod/ads/cn-hangzhou/b"
    stage.apply(Wishes(adopt_from=("staged/prod/ads/cn-hangzhou/b",)))
    tags = stage.dump()[f"{ACCOUNTS[0]}/cn-hangzhou/service//shop-b"]["_tags"]
    assert tags == {"fcdeploy.project": "staged", "fcdeploy.target": "live-b"}

    # What is left of the other one goes under its old name, which a single target can have, too.
    spec["targets"] = {
        "prod/ads/cn-hangzhou/a": {
            "provider": "alibaba",
            "account": ACCOUNTS[0],
            "region": "cn-hangzhou",
            "credentials": {"profile": "ads"},
            "retired": True,
            "vars": {"accounts": {}},
        },
        "live-b": {"provider": "alibaba", "account": ACCOUNTS[0], "region": "cn-shanghai"},
    }
    spec["targets"]["live-b"]["credentials"] = {"profile": "ads"}
    spec["services"] = {"shop-${{ 'b' if target.name == 'live-b' else 'a' }}": shop}
    stage.write(spec)
    (result, _) = stage.plan_report().results
    assert {change.action for change in result.plan.changes} == {Action.DELETE}
    moved = "target 'live-b' leads to cn-shanghai of account 1234567890123456 now, but still owns resources here"
    assert [one.summary for one in result.plan.warnings] == [moved]
    stage.apply(target="prod/*")
    assert {key.rpartition("/")[2] for key in stage.dump()} == {"shop-b", "order"}
