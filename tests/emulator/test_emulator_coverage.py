"""The coverage table, and the wall between the emulator and the rest of the product."""

import ast
from pathlib import Path

import fcdeploy.emulator
from fcdeploy.emulator.alibaba.operations import OPERATIONS
from fcdeploy.emulator.alibaba.registry import ROUTES
from fcdeploy.emulator.coverage import coverage_rows, shared_choices
from fcdeploy.emulator.routes import Extent

ROOT = Path(fcdeploy.emulator.__file__).parent


def test_every_operation_is_listed_and_every_route_is_an_operation() -> None:
    rows = coverage_rows()
    assert {row.operation for row in rows} == set(OPERATIONS)
    assert {route.operation for route in ROUTES} <= set(OPERATIONS)
    assert len(OPERATIONS) == len(set(OPERATIONS))


def test_every_emulated_operation_names_its_sources_and_partial_ones_what_is_missing() -> None:
    for row in coverage_rows():
        assert row.sources, row.operation
        assert (row.extent is Extent.WHOLE) == (not row.missing), row.operation


def test_what_all_operations_share_is_told_with_its_source() -> None:
    assert len({topic for topic, _, _ in shared_choices()}) == len(shared_choices())
    assert all(choice and "facts" in source for _, choice, source in shared_choices())


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
