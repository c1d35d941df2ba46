"""How many examples a property is tried on, and the figures that tests measure: printed at the end.

`make test` tries a property on a part of the examples that `make proofs` tries it on.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import settings

# Who is at work is told with the address of its pipeline: tests say themselves in which one they are.
for _name in ("CI_JOB_URL", "GITHUB_RUN_ID", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL", "BUILD_BUILDID", "BUILD_URL"):
    os.environ.pop(_name, None)
# And no journal of a team is theirs.
for _name in ("FCDEPLOY_JOURNAL", "FCDEPLOY_JOURNAL_KEY", "FCDEPLOY_LEASE_SECONDS"):
    os.environ.pop(_name, None)

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
