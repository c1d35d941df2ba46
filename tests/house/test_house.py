"""The rules of the house, held by machine: who may import whom, how long a module may be, who may print."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

import fcdeploy

ROOT = Path(fcdeploy.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
MOST_LINES = 400

BASE = ("errors", "diagnostics", "durations", "model")
PURE = (
    *("canonical", "diff", "wire", "redact", "snapshot", "ownership", "safety", "steps", "planner", "rollback"),
    *("threeway", "standing", "journal_rows", "references", "marks", "as_spec", "calls", "drift", "traces"),
    *("comparing", "ignoring", "policy", "renames", "sealed", "sealing", "unmarked", "adoption", "only"),
    *("edges", "order", "attributes", "outputs", "series", "numbered", "tag_steps", "pins", "crowding"),
    *("graph", "hiding", "lasting", "past", "ledger", "rounds", "schedule", "telling", "digest", "saved"),
    *("calling", "postgres_url", "unread", "groups", "difference", "guards", "create_steps", "update_steps", "again"),
)
IO_MODULES = {"os", "time", "httpx", "logging", "socket", "subprocess", "sqlite3", "pathlib", "asyncio", "tempfile"}

# What each part may import of the product, besides itself (DESIGN 3).
ALLOWED: dict[str, tuple[str, ...]] = {
    "diagnostics": (),
    "durations": (),
    "errors": ("diagnostics",),
    "model": ("diagnostics",),
    "package": BASE,
    "kinds": BASE,
    "spec": (*BASE, "kinds", "package"),
    "engine": (*BASE, "kinds", "package"),
    "cloud": BASE,
    "render": BASE,
    "emulator": (),
    "app": (*BASE, "kinds", "package", "spec", "engine", "cloud", "emulator"),
    "cli": (*BASE, "app", "render", "spec", "emulator", "engine"),
}


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Everything in a file's syntax tree."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, wherever in it, with the line."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.module or "", node.lineno


def part_of(path: Path) -> str:
    """The part of the house that a module belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_a_part_imports_only_what_stands_below() -> None:
    for path in MODULES:
        part = part_of(path)
        if part in ("__init__", "__main__"):
            continue
        allowed = {part, *ALLOWED[part]}
        for module, line in imports(path):
            if module == "fcdeploy" or not module.startswith("fcdeploy."):
                continue
            other = module.split(".")[1]
            assert other in allowed, f"{name_of(path)}:{line}: {part} must not import {module}"


@pytest.mark.parametrize("name", PURE)
def test_the_pure_engine_imports_no_io(name: str) -> None:
    path = ROOT / "engine" / f"{name}.py"
    for module, line in imports(path):
        assert module.split(".")[0] not in IO_MODULES, f"engine/{name}.py:{line}: imports {module}"
    called = {node.func.id for node in nodes(path) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "open" not in called, f"engine/{name}.py opens a file"


def test_every_engine_module_is_either_pure_or_an_effect() -> None:
    effects = {
        *(
            "reader",
            "asking",
            "roots",
            "lists",
            "series_list",
            "frozen",
            "attempt",
            "numbering",
            "together",
            "settling",
        ),
        *("executor", "perform", "journal", "journal_file", "journal_layout", "lease", "places", "spool"),
        *("results", "watch", "__init__"),
        *("plan_file", "journal_sqlite", "journal_thread", "journal_look", "holder"),
        *("journal_key", "journal_postgres", "lease_postgres"),
        *("postgres_connection", "postgres_layout", "postgres_store"),
    }
    names = {path.stem for path in (ROOT / "engine").glob("*.py")}
    assert names == effects | set(PURE)


def test_only_the_client_speaks_http() -> None:
    libraries = {"httpx", "httptools", "aiohappyeyeballs"}
    users = {part_of(path) for path in MODULES for module, _ in imports(path) if module.split(".")[0] in libraries}
    assert users == {"cloud"}


def test_only_the_command_line_prints_or_exits() -> None:
    for path in MODULES:
        if part_of(path) in ("cli", "__main__"):
            continue
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("print", "exit", "quit", "input"), f"{name_of(path)}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys":
                assert node.attr not in ("exit", "stderr"), f"{name_of(path)}:{node.lineno}"


def test_no_engine_module_names_a_kind_or_a_cloud() -> None:
    from fcdeploy.kinds.registry import KINDS

    clouds = {provider for provider, _ in KINDS}
    for path in sorted((ROOT / "engine").glob("*.py")):
        words = {node.value for node in nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        assert not [text for text in words for cloud in clouds if cloud in text.lower()], path.name
        for (_, kind), descriptor in KINDS.items():
            assert kind not in words and descriptor.section not in words, f"engine/{path.name} names {kind}"


def test_value_types_are_structs() -> None:
    for path in MODULES:
        if part_of(path) == "emulator":
            continue
        for module, line in imports(path):
            # A dataclass takes a millisecond to be made, at each start of the command; a Struct takes a twentieth.
            assert module != "dataclasses", f"{name_of(path)}:{line}: take msgspec.Struct"


def test_a_module_stays_short() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    long = {name: lines for name, lines in lengths.items() if lines > MOST_LINES}
    assert not long, "what is their second reason to change?"


def test_nobody_catches_everything() -> None:
    handlers = [
        (f"{name_of(path)}:{node.lineno}", node.type)
        for path in MODULES
        if part_of(path) != "cli"
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler)
    ]
    for place, caught in handlers:
        assert caught is not None, f"{place}: bare except"
        names = {one.id for one in ast.walk(caught) if isinstance(one, ast.Name)}
        assert "Exception" not in names, f"{place}: except Exception"
