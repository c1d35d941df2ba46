"""What is somebody else's in the same account: no command changes it, and its names stop a plan (S9 to S14)."""

from __future__ import annotations

import asyncio
import base64
import copy
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from fcdeploy import app
from fcdeploy.app import Wishes
from fcdeploy.cloud.client import Client
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.keys import Keys
from fcdeploy.cloud.limiter import Limiter
from fcdeploy.errors import PlanRefused
from fcdeploy.model import Call, Ending

ACCOUNT, REGION = "1234567890123456", "cn-hangzhou"
APIS = ("2021-04-06", "2016-08-15")
SERVICE_ARN = f"acs:fc:{REGION}:{ACCOUNT}:services/"
REFUSED = {"status": 400, "code": "InvalidArgument", "message": "refused by the test"}
MINE = f"{ACCOUNT}/{REGION}/function/shared/mine"
KINDS = {"service", "function", "trigger", "version", "alias", "custom-domain", "layer"}
WRITES = ["POST", "PUT", "DELETE"]
NOT_NAMING = Wishes(
    adopt=("service:nobody", "function:nobody/*", "customDomain:nobody.*"),
    adopt_over=("service:no-one", "trigger:*", "nobody"),
    adopt_from=("nobody/dev", "staged/nothing", "another/prod"),
    allow_unsafe=True,
)


def archive() -> str:
    """A zip archive as the API takes it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        target.writestr("index.py", "def handler(event, context):\n    return 'theirs'\n")
    return base64.b64encode(made.getvalue()).decode()


def function(name: str, description: str = "") -> tuple[str, dict[str, Any]]:
    return name, {
        "functionName": name,
        "runtime": "python3.9",
        "handler": "index.handler",
        "code": {"zipFile": archive()},
        "description": description,
        "memorySize": 256,
    }


@dataclass
class Account:
    """Calls that make what is in the account, in order."""

    calls: list[Call] = field(default_factory=list)

    def add(self, method: str, path: str, body: Any = None, **query: str) -> None:
        self.calls.append(
            Call(operation="", method=method, path=path, query=tuple(query.items()), body=body, resource=path)
        )

    def service(self, name: str, *functions: tuple[str, dict[str, Any]], **tags: str) -> None:
        """A service with all that one can hold."""
        at = f"/services/{name}"
        self.add("POST", "/services", {"serviceName": name, "description": "theirs", "internetAccess": False})
        if tags:
            self.add("POST", "/tag", {"resourceArn": f"{SERVICE_ARN}{name}", "tags": tags})
        for called, body in functions:
            under = f"{at}/functions/{called}"
            self.add("POST", f"{at}/functions", body)
            timer = {"triggerType": "timer", "triggerConfig": '{"cronExpression": "@every 9m", "enable": true}'}
            self.add("POST", f"{under}/triggers", {"triggerName": "t", **timer})
            self.add("PUT", f"{under}/async-invoke-config", {"maxAsyncRetryAttempts": 1})
            self.add("PUT", f"{under}/on-demand-config", {"maximumInstanceCount": 7}, qualifier="LATEST")
            self.add("PUT", f"{under}/provision-config", {"target": 2}, qualifier="LATEST")
        self.add("POST", f"{at}/bindings", {"vpcId": "vpc-theirs"})
        self.add("POST", f"{at}/versions", {"description": "by hand"})
        self.add("POST", f"{at}/aliases", {"aliasName": "live", "versionId": "1", "description": "by hand"})

    def send(self, stage: Any) -> None:
        async def main() -> None:
            async with Client(
                scheme="acs3",
                api=APIS[0],
                host=f"{ACCOUNT}.{REGION}.fc.aliyuncs.com",
                base_url=stage.emulator.url,
                keys=Keys.of(Credentials(access_key_id="ak", access_key_secret="sk")),
                account=ACCOUNT,
                archives=Path,
                limiter=Limiter(1),
            ) as client:
                for call in self.calls:
                    await client.send(call)

        asyncio.run(main())


@pytest.fixture
def foreign(stage: Any) -> list[dict[str, Any]]:
    """The rows of an account in which others are at home."""
    there = Account()
    there.service("theirs", function("f"), function("g"), team="x")
    there.service("prod", function("f"), **{"fcdeploy.project": "staged", "fcdeploy.target": "prod"})
    there.service("other", function("f"), **{"fcdeploy.project": "another", "fcdeploy.target": "dev"})
    there.service(
        "shared",
        function("hand", "made by hand"),
        function("q", "theirs [fcdeploy:another/dev]"),
        function("p", "[fcdeploy:staged/eu/west]"),
        team="x",
    )
    routes = [{"path": "/*", "serviceName": "theirs", "functionName": "f", "qualifier": "live"}]
    domain = {"domainName": "theirs.example.com", "protocol": "HTTP", "routeConfig": {"routes": routes}}
    there.add("POST", "/custom-domains", domain)
    layer = {"code": {"zipFile": archive()}, "compatibleRuntime": ["python3.9"], "description": "theirs"}
    there.add("POST", "/layers/theirs/versions", layer)
    there.send(stage)
    rows: list[dict[str, Any]] = stage.whole_dump()
    assert {row["kind"] for row in rows} >= KINDS
    return rows


def ours(stage: Any, api: str) -> dict[str, Any]:
    """A project beside them: a service of its own, functions in the shared one, and a domain."""
    spec: dict[str, Any] = stage.spec(2, api=api)
    timer = {"type": "timer", "config": {"cronExpression": "@every 5m"}}
    mine = {"code": "./src", "description": "ours", "triggers": {"t": timer}, "onDemand": {"maximumInstanceCount": 3}}
    spec["services"]["s"] |= {"vpcBindings": ["vpc-ours"], "versions": {"publish": "on-change", "keep": 2}}
    spec["services"]["s"]["aliases"] = {"live": {"version": "latest"}}
    spec["services"]["shared"] = {"external": True, "functions": {"mine": mine, "second": {"code": "./src"}}}
    spec["layers"] = {"ours": {"code": "./src", "compatibleRuntime": ["python3.10"], "description": "Ours."}}
    spec["services"]["s"]["functions"]["f1"]["layers"] = ["ours"]
    spec["customDomains"] = {"ours.example.com": {"routes": [{"path": "/*", "function": "s/f0"}]}}
    return spec


def later(spec: dict[str, Any], number: int) -> dict[str, Any]:
    """The project after some work on it."""
    made = copy.deepcopy(spec)
    made["services"]["s"]["description"] = f"release {number}"
    made["services"]["s"]["functions"]["f0"]["memorySize"] = 128 + 64 * number
    made["services"]["shared"]["functions"]["mine"]["timeout"] = 10 + number
    if number % 2:
        del made["services"]["shared"]["functions"]["second"]
        made["services"]["shared"]["functions"][f"third-{number}"] = {"code": "./src"}
    return made


def is_key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("account", "region", "kind", "parent", "name"))


def of_ours(stage: Any, foreign: Sequence[dict[str, Any]]) -> list[str]:
    """What is there beside theirs; theirs is as it was, byte for byte, times and ETags too."""
    now = {is_key(row): row for row in stage.whole_dump()}
    for row in foreign:
        assert now.pop(is_key(row), None) == row
    return sorted("/".join(key[2:]) for key in now)


def broken_off(stage: Any, **more: Any) -> None:
    """An apply that fails in the middle and is left as it is."""
    stage.faults({"match": {"method": WRITES, "nth": 5}, "effect": REFUSED})
    stage.apply(Wishes(allow_unsafe=True), ending=Ending.STOPPED, on_failure="stop", **more)
    stage.faults()


def rolled_back(stage: Any) -> None:
    stage.faults({"match": {"method": WRITES, "nth": 6}, "effect": REFUSED})
    stage.apply(Wishes(allow_unsafe=True), ending=Ending.ROLLED_BACK)
    stage.faults()


def taken_back(stage: Any) -> None:
    """A run that ended is taken back; the function's description has the mark before, meanwhile and afterwards."""
    stage.apply(Wishes(allow_unsafe=True))
    spec = yaml.safe_load((stage.root / "fcdeploy.yaml").read_text(encoding="utf-8"))
    spec["services"]["shared"]["functions"]["mine"]["description"] = "ours for now"
    stage.write(spec)
    run = stage.apply().run
    assert stage.dump()[MINE]["description"] == "ours for now [fcdeploy:staged/dev]"
    (outcome,) = stage.rollback(run)
    assert outcome.ending is Ending.DONE, outcome
    assert stage.dump()[MINE]["description"] == "ours [fcdeploy:staged/dev]"


def destroy_broken_off(stage: Any) -> None:
    stage.faults({"match": {"method": WRITES, "nth": 4}, "effect": REFUSED})
    stage.apply(destroy=True, ending=Ending.STOPPED, on_failure="stop")
    stage.faults()


def retired(stage: Any) -> None:
    """The target leaves the project, in which another one stays."""
    spec = yaml.safe_load((stage.root / "fcdeploy.yaml").read_text(encoding="utf-8"))
    spec["targets"]["dev"]["retired"] = True
    stage.write(spec)
    stage.apply()


def resumed(stage: Any) -> None:
    broken_off(stage)
    (outcome,) = stage.resume()
    assert outcome.ending is Ending.DONE, outcome


def recovered_by(how: str) -> Callable[[Any], None]:
    def run(stage: Any) -> None:
        broken_off(stage)
        stage.apply(Wishes(allow_unsafe=True), recover=how)

    return run


def undone(stage: Any) -> None:
    broken_off(stage)
    (outcome,) = stage.rollback()
    assert outcome.ending is Ending.ROLLED_BACK, outcome


COMMANDS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("plan", lambda stage: stage.plan()),
    ("apply, failed and rolled back", rolled_back),
    ("apply, broken off, then rollback", undone),
    ("apply, broken off, then resume", resumed),
    ("apply again", lambda stage: stage.apply(Wishes(allow_unsafe=True))),
    ("apply of changes", lambda stage: stage.apply(Wishes(allow_unsafe=True))),
    ("apply with flags that name nothing here", lambda stage: stage.apply(NOT_NAMING)),
    ("rollback of a run", taken_back),
    ("apply --only", lambda stage: stage.apply(Wishes(only=("function:shared/*",)))),
    ("apply, failed and rolled back later", rolled_back),
    ("apply --recover resume", recovered_by("resume")),
    ("apply --recover rollback", recovered_by("rollback")),
    ("apply --recover abandon", recovered_by("abandon")),
    ("drift", lambda stage: asyncio.run(app.drift(stage.where()))),
    ("status", lambda stage: asyncio.run(app.status(stage.where()))),
    ("plan --destroy", lambda stage: stage.plan(destroy=True)),
    ("destroy, broken off", destroy_broken_off),
    ("destroy", lambda stage: stage.apply(destroy=True, recover="resume")),
    ("destroy again", lambda stage: stage.apply(destroy=True)),
    ("apply once more", lambda stage: stage.apply()),
    ("apply of a retired target", retired),
)
"""Every command that reads or writes a cloud, in an order in which each has something to do. Add new ones here."""


@pytest.mark.parametrize("api", APIS)
def test_no_command_changes_what_is_somebody_elses(stage: Any, foreign: list[dict[str, Any]], api: str) -> None:
    spec = ours(stage, api)
    for number, (name, command) in enumerate(COMMANDS):
        stage.write(later(spec, number))
        command(stage)
        try:
            left = of_ours(stage, foreign)
        except AssertionError as problem:
            raise AssertionError(f"after {name}") from problem
        if name in ("apply again", "drift"):
            assert {"service//s", "function/s/f0", "function/shared/mine", "trigger/shared/mine/t"} <= {*left}
    assert left == []


def named(stage: Any, service: str, name: str = "f", **more: Any) -> dict[str, Any]:
    """A project with a function of that name in a service of that name."""
    spec: dict[str, Any] = stage.spec(1)
    spec["services"][service] = {**more, "functions": {name: {"code": "./src"}}}
    return spec


def with_domain(stage: Any) -> dict[str, Any]:
    spec: dict[str, Any] = stage.spec(1)
    spec["customDomains"] = {"theirs.example.com": {"routes": [{"path": "/*", "function": "s/f0"}]}}
    return spec


def with_layer(stage: Any) -> dict[str, Any]:
    spec: dict[str, Any] = stage.spec(1)
    spec["layers"] = {"theirs": {"code": "./src", "compatibleRuntime": ["python3.10"]}}
    return spec


FEW = ("a service without a mark", "a function of another project", "a layer", "a custom domain")
"""The cases of `make test`; `make proofs` has all."""
EXTERNAL = {"external": True}
SAME_NAMES: dict[str, tuple[Callable[[Any], dict[str, Any]], str, str]] = {
    "a service without a mark": (
        lambda stage: named(stage, "theirs"),
        "service theirs exists already and is not managed by fcdeploy",
        "--adopt 'service:theirs'",
    ),
    "a service of another target": (
        lambda stage: named(stage, "prod"),
        "service prod belongs to staged/prod",
        "--adopt-from staged/prod",
    ),
    "a service of another project": (
        lambda stage: named(stage, "other"),
        "service other belongs to another/dev",
        "--adopt-from another/dev",
    ),
    "a function without a mark": (
        lambda stage: named(stage, "shared", "hand", **EXTERNAL),
        "function shared/hand exists already and is not managed by fcdeploy",
        "--adopt 'function:shared/hand'",
    ),
    "a function of another target": (
        lambda stage: named(stage, "shared", "p", **EXTERNAL),
        "function shared/p belongs to staged/eu/west",
        "--adopt-from staged/eu/west",
    ),
    "a function of another project": (
        lambda stage: named(stage, "shared", "q", **EXTERNAL),
        "function shared/q belongs to another/dev",
        "--adopt-from another/dev",
    ),
    "a layer": (
        with_layer,
        "layer theirs exists already and is not managed by fcdeploy",
        "--adopt 'layer:theirs'",
    ),
    "a custom domain": (
        with_domain,
        "customDomain theirs.example.com exists already and leads to service theirs",
        "--adopt 'customDomain:theirs.example.com'",
    ),
}


@pytest.mark.parametrize(
    "case", [one if one in FEW else pytest.param(one, marks=pytest.mark.proof) for one in SAME_NAMES]
)
def test_a_name_that_somebody_else_has_stops_the_plan_with_a_hint(
    stage: Any, foreign: list[dict[str, Any]], case: str
) -> None:
    made, summary, hint = SAME_NAMES[case]
    stage.write(made(stage))
    for wishes in (Wishes(), NOT_NAMING):
        for report in (stage.plan_report(wishes), stage.apply_report(wishes).plans):
            (result,) = report.results
            assert isinstance(result.problem, PlanRefused)
            (found,) = result.problems
            assert found.summary == summary and hint in found.hint, found
            assert of_ours(stage, foreign) == []
    stage.apply_report(destroy=True)
    assert of_ours(stage, foreign) == []


def test_an_external_service_must_exist(stage: Any, foreign: list[dict[str, Any]]) -> None:
    stage.write(named(stage, "nowhere", **EXTERNAL))
    (result,) = stage.apply_report().plans.results
    assert [one.summary for one in result.problems] == ["service nowhere is external and does not exist"]
    assert "external: true" in result.problems[0].hint
    stage.apply_report(destroy=True)
    assert of_ours(stage, foreign) == []


def test_a_target_that_left_the_file_is_named_by_what_it_marked(stage: Any, foreign: list[dict[str, Any]]) -> None:
    """S9: marks in descriptions count, too; of what other projects mark nothing is said."""
    stage.write(named(stage, "shared", "mine", **EXTERNAL))
    assert [one.summary for one in stage.plan().warnings] == [
        f"target '{name}' is not in the file, but still owns resources here" for name in ("eu/west", "prod")
    ]
