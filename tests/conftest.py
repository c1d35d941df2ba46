"""How many examples a property is tried on, and the figures that tests measure: printed at the end.

`make test` tries a property on a part of the examples that `make proofs` tries it on.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings

settings.register_profile("part", settings(max_examples=25, deadline=None))
settings.register_profile("whole", settings(max_examples=300, deadline=None))
settings.load_profile("part")

FIGURE = "figure"


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes a line for the end of the report."""
    return lambda text: record_property(FIGURE, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The lines, under a heading of their own."""
    lines = [
        text
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, text in report.user_properties
        if name == FIGURE
    ]
    if lines:
        terminalreporter.section("figures")
        for line in sorted(lines):
            terminalreporter.write_line(line)
