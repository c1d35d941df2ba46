"""When a resource was last changed, in the words of each cloud."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fcdeploy.app.status_row import status_row
from fcdeploy.model import Address, Json, Live


@pytest.mark.parametrize(
    ("provider", "raw", "said"),
    [
        (
            "alibaba",
            {"lastModifiedTime": "2024-05-01T10:00:00Z", "createTime": "2023-01-01T00:00:00Z"},
            "2024-05-01T10",
        ),
        ("alibaba", {"lastModifiedTime": "", "createTime": "2023-01-01T00:00:00Z"}, "2023-01-01T00:00:00Z"),
        ("huawei", {"last_modified": "2019-10-25 15:37:27"}, "2019-10-25 15:37:27"),
        ("huawei", {"last_modified": 1572017847}, "2019-10-25T15:37:27Z"),
        ("huawei", {"last_updated_time": "2022-11-09 16:37:24", "created_time": "2021"}, "2022-11-09 16:37:24"),
        ("huawei", {}, ""),
    ],
)
def test_a_row_says_when_its_resource_was_last_changed(provider: str, raw: Mapping[str, Json], said: str) -> None:
    address = Address(provider=provider, target="t", kind="function", identity=("a", "b"))
    assert status_row(Live(address=address, body={}, raw=raw)).modified.startswith(said)
