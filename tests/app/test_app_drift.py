"""Drift: every difference between file and live, and who moved, on real runs with a real journal."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from fcdeploy import app
from fcdeploy.app.reports import TargetDrift
from fcdeploy.model import Drift, Ending, Gap, Mover

if TYPE_CHECKING:
    from conftest import Stage

REFUSED = {"status": 400, "code": "InvalidArgument", "message": "refused by the test"}


def drift(stage: Stage) -> TargetDrift:
    (found,) = asyncio.run(app.drift(stage.where())).results
    assert found.problem is None, found.problem
    return found


def drifts(stage: Stage) -> dict[str, Drift]:
    return {one.address.short: one for one in drift(stage).drifts}


def moved(stage: Stage, name: str = "function s/f0") -> dict[str, tuple[Mover, str]]:
    return {one.change.path: (one.moved, one.why) for one in drifts(stage)[name].fields}


def applied(stage: Stage, functions: int = 1, **fields: Any) -> dict[str, Any]:
    """The spec after its apply; `fields` go to the first function."""
    spec = stage.spec(functions)
    spec["services"]["s"]["functions"]["f0"] |= fields
    stage.write(spec)
    stage.apply()
    return spec


def test_who_moved_is_told_field_by_field_and_nothing_is_written(stage: Stage) -> None:
    spec = applied(stage, 2, memorySize=512, timeout=10)
    assert drift(stage).drifts == ()
    assert drift(stage).equal == 5
    one = spec["services"]["s"]["functions"]["f0"]
    stage.change("function", "s", "f0", memorySize=1024, timeout=20, environmentVariables={"NUMBER": "0", "MORE": "1"})
    one |= {"timeout": 30, "description": "new"}
    del one["memorySize"]
    stage.write(spec)
    stage.requests()
    (found,) = drift(stage).drifts
    assert stage.writes() == []
    assert found.gap is Gap.DIFFERS
    assert {one.change.path: (one.change.before, one.change.after, one.given, one.moved) for one in found.fields} == {
        "description": ("", "new", True, Mover.FILE),
        "memorySize": (1024, 128, False, Mover.BOTH),
        "timeout": (20, 30, True, Mover.BOTH),
        "environmentVariables.MORE": ("(sensitive)", None, False, Mover.LIVE),
    }


@pytest.mark.proof
def test_the_newest_run_that_knew_the_field_counts(stage: Stage) -> None:
    spec = applied(stage, memorySize=512)
    function = spec["services"]["s"]["functions"]["f0"]
    # The file follows what somebody changed by hand, and a run about another field sees that.
    stage.change("function", "s", "f0", memorySize=1024)
    function |= {"memorySize": 1024, "timeout": 9}
    stage.write(spec)
    stage.apply()
    stage.change("function", "s", "f0", memorySize=2048)
    assert moved(stage) == {"memorySize": (Mover.LIVE, "")}
    function["memorySize"] = 512
    stage.write(spec)
    assert moved(stage) == {"memorySize": (Mover.BOTH, "")}
    stage.change("function", "s", "f0", memorySize=1024)
    assert moved(stage) == {"memorySize": (Mover.FILE, "")}


def test_what_only_one_side_has(stage: Stage) -> None:
    spec = applied(stage, 3)
    functions = spec["services"]["s"]["functions"]
    del functions["f0"]["triggers"]  # still live
    functions["f9"] = {"code": "./src"}  # new in the file
    stage.write(spec)
    stage.remove("trigger", "s/f1", "t")
    found = drifts(stage)
    assert {name: (one.gap, one.moved, one.why, bool(one.run)) for name, one in found.items()} == {
        "trigger s/f0/t": (Gap.EXTRA, Mover.FILE, "", True),
        "trigger s/f1/t": (Gap.MISSING, Mover.LIVE, "", True),
        "function s/f9": (Gap.MISSING, Mover.UNKNOWN, "no kept run wrote it", False),
    }
    stage.apply()
    # Deleted by that run: wanted again, and made again by somebody else.
    functions["f0"]["triggers"] = stage.spec()["services"]["s"]["functions"]["f0"]["triggers"]
    stage.write(spec)
    assert [(one.gap, one.moved) for one in drift(stage).drifts] == [(Gap.MISSING, Mover.FILE)]


def test_what_carries_another_mark_is_drift_and_nothing_beneath_it_is_compared(stage: Stage) -> None:
    spec = applied(stage)
    stage.write({**spec, "project": "other"})
    stage.apply_report(app.Wishes(adopt_from=("staged/dev",)))
    stage.write(spec)
    (found,) = drift(stage).drifts
    assert (found.address.short, found.gap, found.owner, found.moved) == (
        "service s",
        Gap.FOREIGN,
        "other/dev",
        Mover.LIVE,
    )


def test_a_secret_is_neither_printed_nor_guessed(stage: Stage) -> None:
    stage.environ["TOKEN"] = "hunter2-one"
    spec = stage.spec()
    spec["secrets"] = {"TOKEN": {"env": "TOKEN"}}
    spec["services"]["s"]["functions"]["f0"]["environmentVariables"] = {"TOKEN": "${{ secret('TOKEN') }}", "A": "1"}
    stage.write(spec)
    stage.apply()
    assert drift(stage).drifts == ()
    stage.environ["TOKEN"] = "hunter2-two"
    report = drift(stage)
    assert "hunter2" not in repr(report)
    assert moved(stage) == {"environmentVariables.TOKEN": (Mover.UNKNOWN, "the journal keeps no secrets")}
    stage.change("function", "s", "f0", environmentVariables={"TOKEN": "hunter2-three", "A": "2", "B": "hunter2-four"})
    assert "hunter2" not in repr(drift(stage))
    assert moved(stage) == {
        "environmentVariables.A": (Mover.LIVE, ""),
        "environmentVariables.B": (Mover.LIVE, ""),
        "environmentVariables.TOKEN": (Mover.UNKNOWN, "the journal keeps no secrets"),
    }
    del stage.environ["TOKEN"]
    spec["services"]["s"]["functions"]["f0"]["environmentVariables"] = {"A": "1"}
    del spec["secrets"]
    stage.write(spec)
    # The run's own secrets are not asked for.
    assert set(moved(stage)) == {f"environmentVariables.{name}" for name in ("A", "B", "TOKEN")}


def test_without_a_journal_or_with_a_forgotten_plan_nobody_is_blamed(stage: Stage) -> None:
    spec = applied(stage, memorySize=512)
    stage.change("function", "s", "f0", memorySize=1024)
    stage.remove("trigger", "s/f0", "t")
    forgotten = asyncio.run(_forgotten(stage))
    assert forgotten == 1
    assert moved(stage) == {"memorySize": (Mover.UNKNOWN, "what the last run wrote is no longer kept")}
    # Which resources a run wrote to is kept for ever.
    assert drifts(stage)["trigger s/f0/t"].moved is Mover.LIVE
    shutil.rmtree(stage.state)
    report = drift(stage)
    assert not report.compared
    assert {(one.moved, one.why) for one in report.drifts} == {(Mover.UNKNOWN, "")}
    stage.write(spec)


async def _forgotten(stage: Stage) -> int:
    """Forget every plan that was kept; how many there were."""
    from fcdeploy.engine.journal_sqlite import SqliteJournal

    (path,) = stage.state.glob("*/*/journal.db")
    async with SqliteJournal.open(path) as journal:
        lease = await journal.acquire("dev")
        count = await journal.forget("dev", older_than=-1.0)
        await lease.release()
        return count


def test_a_run_that_was_rolled_back_left_what_was_there_before(stage: Stage) -> None:
    spec = applied(stage, memorySize=512)
    function = spec["services"]["s"]["functions"]["f0"]
    function["memorySize"] = 1024
    function["triggers"]["u"] = {"type": "timer", "config": {"cronExpression": "@every 9m"}}
    stage.write(spec)
    stage.faults({"match": {"operation": "CreateTrigger"}, "effect": REFUSED})
    stage.apply(ending=Ending.ROLLED_BACK)
    stage.faults()
    assert moved(stage) == {"memorySize": (Mover.FILE, "")}
    missing = drifts(stage)["trigger s/f0/u"]
    assert (missing.gap, missing.moved, missing.why) == (Gap.MISSING, Mover.UNKNOWN, "no kept run wrote it")
    stage.change("function", "s", "f0", memorySize=2048)
    assert moved(stage) == {"memorySize": (Mover.BOTH, "")}


def test_code_is_compared_by_content_and_a_retired_target_wants_nothing(stage: Stage) -> None:
    spec = applied(stage)
    stage.write_source("src", "def handler(event, context):\n    return 'other'\n")
    (found,) = drift(stage).drifts
    (field,) = found.fields
    assert (field.change.path, field.change.note, field.moved) == ("code", "files that differ: ~index.py", Mover.FILE)
    spec["targets"]["dev"]["retired"] = True
    stage.write(spec)
    assert {(one.gap, one.moved) for one in drift(stage).drifts} == {(Gap.EXTRA, Mover.FILE)}


@pytest.mark.parametrize("operation", ["ListFunctions", "GetService"])
def test_a_failed_read_is_no_drift(stage: Stage, operation: str) -> None:
    applied(stage)
    stage.faults({"match": {"operation": operation}, "effect": {"status": 403, "code": "AccessDenied"}})
    (found,) = asyncio.run(app.drift(stage.where())).results
    assert found.problem is not None
    assert found.drifts == ()


def test_what_the_file_leaves_to_others_is_no_drift(stage: Stage) -> None:
    applied(stage, memorySize=512, ignore=["memorySize", "environmentVariables.LEVEL"])
    stage.change("function", "s", "f0", memorySize=1024, environmentVariables={"NUMBER": "0", "LEVEL": "9"})
    assert drift(stage).drifts == ()
    stage.change("function", "s", "f0", timeout=9)
    assert moved(stage) == {"timeout": (Mover.LIVE, "")}


def with_domain(spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    route = {"path": "/*", "function": "s/f0"}
    return {**spec, "customDomains": {"a.example.com": {"protocol": "HTTP", "routes": [route], **more}}}


def test_what_carries_no_mark_is_compared_and_owned_when_the_file_declares_it(stage: Stage) -> None:
    plain = stage.spec()
    spec = with_domain(plain)
    stage.write(spec)
    stage.apply()
    (status,) = asyncio.run(app.status(stage.where()))
    rows = {row.address.short: row.about for row in status.rows}
    assert rows["customDomain a.example.com"] == "HTTP, s/f0"
    assert drift(stage).drifts == ()
    stage.write(with_domain(plain, protocol="HTTP,HTTPS") | {"customDomains": {}})
    quiet = drift(stage)
    assert quiet.drifts == (), "it is never ours by being left out"
    assert [one.summary for one in quiet.warnings] == [
        "customDomain a.example.com leads to service s and is not in the file"
    ]
    stage.write(with_domain(plain, absent=True))
    (gone,) = drift(stage).drifts
    assert (gone.address.kind, gone.gap, gone.moved) == ("customDomain", Gap.EXTRA, Mover.FILE)


def test_an_external_service_that_is_not_there_is_missing(stage: Stage) -> None:
    spec = stage.spec()
    spec["services"]["s"] = {"external": True}
    stage.write(spec)
    (found,) = drift(stage).drifts
    assert (found.address.short, found.gap) == ("service s", Gap.MISSING)


@pytest.mark.proof
def test_a_next_version_and_what_would_name_it_are_no_drift_of_their_own(stage: Stage) -> None:
    spec = stage.spec(2)
    service = spec["services"]["s"]
    service["versions"] = {"publish": "on-change", "keep": 1}
    service["aliases"] = {"live": {"version": "latest", "weights": {"previous": 0.1}}}
    stage.write(spec)
    stage.apply()
    assert drift(stage).drifts == ()
    stage.write_source("src", "def handler(event, context):\n    return 'new'\n")
    assert set(drifts(stage)) == {"function s/f0", "function s/f1"}
    stage.apply()
    assert drift(stage).drifts == ()
    (row,) = [row for row in asyncio.run(app.status(stage.where()))[0].rows if row.address.kind == "alias"]
    assert row.about == "90 % to version 2, 10 % to version 1"
    # Somebody moves the alias back: its number in the journal is the one that the publish gave.
    stage.change("alias", "s", "live", versionId="1", additionalVersionWeight={})
    assert moved(stage, "alias s/live") == {
        "versionId": (Mover.LIVE, ""),
        "additionalVersionWeight.1": (Mover.LIVE, ""),
    }
    # Made outside: the file publishes what differs from the newest version, though nothing else drifted.
    stage.change("alias", "s", "live", versionId="2", additionalVersionWeight={"1": 0.1})
    service["functions"]["f0"]["timeout"] = 9
    stage.write(spec)
    stage.change("function", "s", "f0", timeout=9)
    (found,) = drift(stage).drifts
    assert (found.address.short, found.gap, found.note) == (
        "version s/new",
        Gap.MISSING,
        "differs from version 2: function s/f0",
    )
