"""A change of more than forty steps of every kind is taken back whole: every body, and every archive byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from crash_stage import CrashStage, differences


@pytest.fixture
def spared(crash: CrashStage) -> Iterator[CrashStage]:
    """The stage with a change that prunes nothing, so that all of it can be taken back."""
    crash.begin()
    text = crash.spec.read_text()
    crash.spec.write_text(
        text.replace("keep: 2", "keep: 9").replace("  new: {", "  old: {code: ./layer-old}\n  new: {", 1)
    )
    yield crash
    crash.spec.write_text(text)


def archives(stage: CrashStage) -> dict[str, bytes]:
    """The code of every function and layer, frozen ones too, as the service keeps it."""
    found = {}
    for address, body in stage.contents().items():
        digest = (body.get("_code") or {}).get("digest")
        if digest:
            content = stage.emulator.app.world.store.blob(digest)
            assert content, address
            found[address] = content
    return found


def run_of(output: str) -> str:
    """The id that the closing words of a run say."""
    return output.split("run ")[-1].split()[0]


def test_a_failure_takes_forty_steps_back_byte_for_byte(spared: CrashStage) -> None:
    before = archives(spared)
    assert len(before) >= 8
    refused = {"effect": {"status": 400, "code": "InvalidArgument", "message": "no"}}
    rule: dict[str, Any] = {"match": {"method": "PUT", "path": "/aliases/next|functions/order/provision-config$"}}
    spared.emulator.app.world.faults.load({"rules": [{**rule, **refused}]})
    ended = spared.apply()
    spared.emulator.app.world.faults.clear()
    assert ended.status == 3, ended.output
    assert differences(spared.started, spared.contents()) == []
    assert archives(spared) == before


def test_an_ended_run_of_forty_steps_is_taken_back_byte_for_byte(spared: CrashStage) -> None:
    before = archives(spared)
    ended = spared.apply()
    assert ended.status == 0, ended.output
    assert sum(moment.startswith("journal.begun") for moment in ended.moments) >= 2 * 40
    assert archives(spared) != before
    shown = spared.run("rollback", run_of(ended.output), "--yes")
    assert shown.status == 0, shown.output
    assert differences(spared.started, spared.contents()) == []
    assert archives(spared) == before


def test_a_run_that_pruned_versions_is_taken_back_but_for_these(crash: CrashStage) -> None:
    crash.begin()
    ended = crash.apply()
    back = crash.run("rollback", run_of(ended.output), "--yes")
    assert back.status == 0, back.output
    assert "version shop/1 does not come back" in back.output
    gone = [line for line in differences(crash.started, crash.contents()) if "absent" in line]
    assert {line.split()[0].split("/")[0] for line in gone} <= {"version", "layer-version", "layer", "frozen-function"}
    assert len(gone) == len(differences(crash.started, crash.contents()))
