"""The coverage table, and the wall between the emulator and the rest of the product."""

import ast
from pathlib import Path

import fcdeploy.emulator
from fcdeploy.emulator.alibaba import operations as alibaba
from fcdeploy.emulator.alibaba import registry as alibaba_registry
from fcdeploy.emulator.coverage import PROVIDERS, coverage_rows, shared_choices
from fcdeploy.emulator.huawei import operations as huawei
from fcdeploy.emulator.huawei import registry as huawei_registry
from fcdeploy.emulator.routes import Extent

VENDORS = {
    "alibaba": (alibaba.OPERATIONS, alibaba_registry.ROUTES),
    "huawei": (huawei.OPERATIONS, huawei_registry.ROUTES),
}
BEYOND_THE_SDK = {"huawei": ("ListProjectTriggers", "ListRuntimeTypes", "ListTriggerTypes")}
"""What Terraform calls and the SDK does not know."""
ROOT = Path(fcdeploy.emulator.__file__).parent


def test_every_operation_is_listed_and_every_route_is_an_operation() -> None:
    for provider, (operations, routes) in VENDORS.items():
        listed = {row.operation for row in coverage_rows() if row.provider == provider}
        assert listed == {*operations, *BEYOND_THE_SDK.get(provider, ())}
        assert {route.operation for route in routes} <= listed
        assert len(operations) == len(set(operations))


def test_every_emulated_operation_names_its_sources_and_partial_ones_what_is_missing() -> None:
    for row in coverage_rows():
        assert row.sources, row.operation
        assert (row.extent is Extent.WHOLE) == (not row.missing), row.operation


def test_what_all_operations_share_is_told_with_its_source() -> None:
    for provider in PROVIDERS:
        shared = shared_choices(provider)
        assert len({topic for topic, _, _ in shared}) == len(shared)
        assert all(choice and ("facts" in source or source == "[INF]") for _, choice, source in shared)


def test_the_emulator_imports_nothing_of_the_rest_and_never_prints() -> None:
    for file in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, file
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("print", "exit"), file
            for name in names:
                assert not name.startswith("fcdeploy") or name.startswith("fcdeploy.emulator"), (file, name)
                assert name not in ("httpx", "aiohttp"), (file, name)


def test_modules_stay_small() -> None:
    for file in ROOT.rglob("*.py"):
        assert len(file.read_text().splitlines()) < 400, file
