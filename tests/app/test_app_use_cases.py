"""The use cases are loaded when they are asked for: each is found, and one that needs no cloud loads none."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

from fcdeploy import app


def promised() -> dict[str, str]:
    """What type checkers are told that there is, with the module that it is in."""
    tree = ast.parse(Path(app.__file__).read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "fcdeploy." in (node.module or "")]
    return {name.name: node.module or "" for node in found for name in node.names}


def test_every_use_case_is_found_where_it_is_said_to_be() -> None:
    placed = {name: place for place, names in app._PLACES.items() for name in names}
    assert placed == promised()
    for name, place in placed.items():
        assert getattr(app, name) is getattr(sys.modules[place], name)
    # Importing such a module would put it in the place of the use case.
    assert not {one.name for one in pkgutil.iter_modules(app.__path__)} & set(placed)


def test_what_needs_no_cloud_loads_none() -> None:
    program = (
        "import sys; from fcdeploy import app; app.validate, app.graph, app.Where, app.Wishes; "
        "print(sorted(set(sys.modules) & {'asyncio', 'ssl', 'httpx', 'httptools', 'sqlite3', 'jinja2'}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
