"""Fixtures for the pipelines: a stage with an emulated cloud, and the program loaded already or as it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "docs")]

from docs_warm import warm_program  # noqa: E402
from pipe_stage import KEYS, ROOT, SECONDS, Stage  # noqa: E402


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A `fcdeploy` that is loaded already: a fifth of the time. It hears no signals but the one that kills."""
    place = tmp_path_factory.mktemp("warm") / "bin"
    with warm_program(place, ROOT):
        yield place / "fcdeploy"


@pytest.fixture
def stage(tmp_path: Path, warm: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A stage whose program is loaded already; in a proof, it is the program itself."""
    proof = request.node.get_closest_marker("proof") is not None
    program = f"{sys.executable} -m fcdeploy" if proof else str(warm)
    keys = ("--access-key", ":".join(KEYS.values()))
    process = subprocess.Popen(
        [str(warm), "emulator", "--port", "0", "--data", str(tmp_path / "cloud"), *keys],
        env={"PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        yield Stage(folder=tmp_path, url=line.split()[-1], program=program)
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)
