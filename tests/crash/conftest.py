"""One stage for each test process, and the count of what all of them have shown."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

# Tests of this folder import what several of them share.
sys.path.insert(0, str(Path(__file__).parent))

from crash_stage import CLOUDS, CrashStage
from trouble_stage import TroubleStage, new_stage

_COUNTED = "crash points", "faults"


@dataclass
class Tally:
    """What one test tried, and what of it did not end as it must."""

    of: str
    tried: int = 0
    wrong: list[str] = field(default_factory=list)

    def note(self, point: str, problems: list[str]) -> None:
        """One point was tried; `problems` says what is not as it must be."""
        self.tried += 1
        if problems:
            self.wrong.append("\n    ".join([point, *problems]))


@pytest.fixture(scope="session")
def crash_stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], CrashStage]]:
    """One for each cloud that a test asks for, made when the first does."""
    made: dict[str, CrashStage] = {}

    def of(provider: str) -> CrashStage:
        if provider not in made:
            made[provider] = CrashStage(tmp_path_factory.mktemp("crash"), CLOUDS[provider])
        return made[provider]

    yield of
    for stage in made.values():
        stage.close()


@pytest.fixture
def crash(crash_stages: Callable[[str], CrashStage], request: pytest.FixtureRequest) -> CrashStage:
    """The stage of the cloud that the test is parametrised by."""
    return crash_stages(getattr(request, "param", "alibaba"))


@pytest.fixture(scope="session")
def trouble() -> Iterator[TroubleStage]:
    stage = new_stage()
    yield stage
    stage.close()


@pytest.fixture
def tally(record_property: Any, request: pytest.FixtureRequest) -> Iterator[Tally]:
    """Counts the points of a test; a test fails at its end, when all of its points were tried."""
    counted = Tally(of="faults" if "faults" in request.node.path.stem else "crash points")
    yield counted
    record_property(counted.of, (counted.tried, counted.tried - len(counted.wrong)))
    assert counted.wrong == [], "\n".join(counted.wrong)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """`N crash points, N converged`, over all tests of all processes."""
    tried: Counter[str] = Counter()
    converged: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") != "teardown":
                continue
            for name, value in report.user_properties:
                if name in _COUNTED:
                    tried[name] += value[0]
                    converged[name] += value[1]
    for name in tried:
        terminalreporter.write_line(f"{tried[name]} {name}, {converged[name]} converged")
