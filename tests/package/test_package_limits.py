"""S29: what is said of an archive's size, at the edges."""

from __future__ import annotations

import base64
import json

import pytest

from fcdeploy.package.limits import (
    AROUND_THE_ARCHIVE,
    OLDER_REGIONS_ARCHIVE_LIMIT,
    REQUEST_LIMIT,
    base64_size,
    size_findings,
)

LARGEST_SENT = (REQUEST_LIMIT - AROUND_THE_ARCHIVE) // 4 * 3


@pytest.mark.parametrize(
    ("size", "severities"),
    [
        (0, []),
        (22, []),
        (52_428_800, []),
        (52_428_801, ["warning"]),
        (LARGEST_SENT, ["warning"]),
        (LARGEST_SENT + 1, ["error"]),
        (104_857_600, ["error"]),
        (500_000_000, ["error"]),
    ],
)
def test_severity_at_the_edges(size: int, severities: list[str]) -> None:
    assert [finding.severity for finding in size_findings(size)] == severities


def test_a_service_that_counts_the_archive_alone_has_one_limit() -> None:
    assert size_findings(40 << 20, largest=40 << 20) == ()
    (finding,) = size_findings((40 << 20) + 1, largest=40 << 20, scheme="obs")
    assert (finding.severity, finding.detail) == ("error", "the service accepts 41,943,040 bytes of archive")
    assert "obs://bucket/key" in finding.hint


def test_the_error_names_both_sizes_and_the_way_out() -> None:
    (finding,) = size_findings(90_000_000)
    assert "90,000,000" in finding.summary
    assert "120,016,384" in finding.detail and "104,857,600" in finding.detail and f"{LARGEST_SENT:,}" in finding.detail
    assert "oss://" in finding.hint


def test_the_warning_names_the_limit() -> None:
    (finding,) = size_findings(OLDER_REGIONS_ARCHIVE_LIMIT + 1)
    assert "52,428,801" in finding.summary and "52,428,800" in finding.detail and "oss://" in finding.hint


def test_the_rest_of_the_request_counts() -> None:
    around = len(json.dumps({"code": {"zipFile": ""}, "description": "x" * 40_000}))
    fits = (REQUEST_LIMIT - around) // 4 * 3
    assert [finding.severity for finding in size_findings(fits, around=around)] == ["warning"]
    assert [finding.severity for finding in size_findings(fits + 1, around=around)] == ["error"]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 1000, 1001, 1002])
def test_base64_size(size: int) -> None:
    assert base64_size(size) == len(base64.b64encode(bytes(size)))
