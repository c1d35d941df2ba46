"""The past as people read it, in 80 columns, and as a document."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from fcdeploy.diagnostics import error
from fcdeploy.model import Action, Address, CallResult, Ending, PastCall, PastRun, RunHistory, Target
from fcdeploy.render.history import histories_text, past_run_text
from fcdeploy.render.ink import COLOURED
from fcdeploy.render.json import document_text
from fcdeploy.render.json_history import histories_list, past_run_content
from fcdeploy.render.views import HistoryView, PastRunView

GOLDEN = Path(__file__).parent / "golden"
DEV = Target(name="dev", provider="alibaba", region="cn-hangzhou", account="1234567890123456")
STARTED = 1769869501.25
"""2026-01-31 14:25:01 UTC."""


def a_run(number: int, ending: Ending | None, seconds: float, **more: object) -> PastRun:
    fields: dict[str, object] = {
        "run": f"20260131-14250{number}-3fa9c1d{number}",
        "target": "dev",
        "command": "apply",
        "started": STARTED + number,
        "ended": None if ending is None else STARTED + number + seconds,
        "ending": ending,
        "holder": "ci@runner-7f9c pid 4711",
        "tool_version": "0.1.0",
        "total": 12,
        "done": 12,
        "kept": True,
    }
    return PastRun(**{**fields, **more})  # type: ignore[arg-type]


RUNS = (
    a_run(7, None, 0, done=3, unsettled=1),
    a_run(6, Ending.DONE, 0.31, command="rollback", total=1, done=1),
    a_run(5, Ending.STOPPED, 11.2, done=4, undone=2, failed=1, unsettled=1),
    a_run(4, Ending.NEEDS_ATTENTION, 59.0, done=1, failed=11, holder="", command="x\x1by"),
    a_run(
        3, Ending.ROLLED_BACK, 3599.0, done=0, undone=4, failed=1, holder=f"ci@{'long-name-of-a-runner-' * 4}1 pid 77"
    ),
    a_run(8, Ending.LEFTOVERS, 2.0, done=1, undone=3, failed=1),
    a_run(2, Ending.FAILED, 39_540.0, done=0, failed=1),
    a_run(1, Ending.DONE, 125.0),
)


def call(result: CallResult, kind: str, name: str, action: Action = Action.CREATE, **more: object) -> PastCall:
    fields: dict[str, object] = {
        "step": f"{action} {kind} {name}",
        "address": Address(provider="alibaba", target="dev", kind=kind, identity=tuple(name.split("/"))),
        "action": action,
        "group": "body",
        "operation": f"{action.title()}{kind.title()}",
        "last": False,
        "result": result,
        "tries": 1,
        "began": STARTED + 3.1,
        "ended": STARTED + 3.4,
        "request_id": "155a173b-e722-4b28-a82f-500299036b85",
    }
    return PastCall(**{**fields, **more})  # type: ignore[arg-type]


SHOP = Address(provider="alibaba", target="dev", kind="service", identity=("shop",))
LONG = "a-function-with-a-name-that-nobody-should-have-to-type-or-read-" + "x" * 60
ROLLED_BACK = PastRunView(
    target=DEV,
    history=RunHistory(
        run=RUNS[4],
        calls=(
            call(CallResult.UNDONE, "service", "shop", happened=True),
            call(CallResult.UNDONE, "service", "shop", Action.UPDATE, group="tags", happened=True, gone_with=SHOP),
            call(CallResult.UNDONE, "function", f"shop/{LONG}", tries=3, ended=STARTED + 64.0),
            call(
                CallResult.FAILED,
                "trigger",
                "shop/order/nightly",
                began=STARTED + 4000,
                ended=STARTED + 4001,
                request_id="",
                note="CreateTrigger answered 400 InvalidArgument: the cron expression lacks one field\nand\x1bmore",
            ),
            call(CallResult.FAILED, "alias", "shop/live", happened=True, note="version: sent 3, has 2"),
            call(CallResult.UNKNOWN, "version", "shop/3", ended=None, request_id=""),
            call(CallResult.UNKNOWN, "version", "shop/4", note="no reply came", request_id=""),
            call(CallResult.SKIPPED, "alias", "shop/old", Action.DELETE, request_id=""),
            call(CallResult.NOT_STARTED, "alias", "shop/x", began=None, ended=None, tries=0, request_id=""),
        ),
        back=(
            call(CallResult.DONE, "function", "shop/order", Action.DELETE, note="was gone already"),
            PastCall(
                step="undo create dev:alibaba.service:shop",
                address=None,
                action=None,
                group="",
                operation="",
                last=False,
                result=CallResult.NOT_STARTED,
            ),
        ),
    ),
)
HISTORIES = (
    HistoryView(target=DEV, runs=RUNS, total=len(RUNS)),
    HistoryView(target=replace(DEV, name="prod/cn-shanghai"), runs=RUNS[7:], total=57),
    HistoryView(target=replace(DEV, name="new", account=None), runs=()),
    HistoryView(target=replace(DEV, name="torn"), runs=(), problems=(error("the journal is damaged"),)),
)
TEXTS = {
    "history.txt": histories_text(HISTORIES),
    "history.json": document_text("history", {"targets": histories_list(HISTORIES)}),
    "run.txt": past_run_text(ROLLED_BACK),
    "run.json": document_text("run", past_run_content(ROLLED_BACK)),
}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_it_reads_as_its_golden_page(name: str) -> None:
    path = GOLDEN / name
    if not path.exists():
        path.write_text(TEXTS[name], encoding="utf-8")
        pytest.fail(f"{path} was written; read it, and run the test again")
    assert TEXTS[name] == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["history.txt", "run.txt"])
def test_it_fits_a_terminal_and_drives_none(name: str) -> None:
    for line in TEXTS[name].splitlines():
        # A name is never cut, and a line that holds nothing but it may be wider.
        assert len(line) <= 80 or len(line.split()) == 1, line
        assert line == line.rstrip() and "\x1b" not in line


def test_colour_adds_nothing_but_colour() -> None:
    painted = histories_text(HISTORIES, ink=COLOURED) + past_run_text(ROLLED_BACK, ink=COLOURED)
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == TEXTS["history.txt"] + TEXTS["run.txt"]
    assert "\x1b[1;31mfailed\x1b[0m" in painted and "\x1b[1;32mdone\x1b[0m" in painted


def ways(run: PastRun, *flags: str) -> list[str]:
    view = PastRunView(target=DEV, history=RunHistory(run=run, calls=(), back=()), flags=flags)
    return [line.strip() for line in past_run_text(view).splitlines() if "fcdeploy " in line or "taken back:" in line]


def test_what_can_be_done_about_a_run() -> None:
    done = replace(RUNS[7], reversible=True)
    assert ways(done, "-f", "a b") == [f"To take back:  fcdeploy rollback {done.run} -f 'a b'"]
    assert ways(replace(done, ending=Ending.STOPPED)) == [f"To take back:  fcdeploy rollback {done.run}"]
    assert ways(replace(done, ending=Ending.STOPPED, unsettled=1)) == []
    (forgotten,) = ways(replace(done, kept=False))
    assert forgotten == "It can no longer be taken back: what that needs was dropped (--keep-undo)."
    assert ways(replace(done, reversible=False)) == [], "a way back that would be refused is not offered"
    assert ways(RUNS[4]) == [] and ways(RUNS[5]) == []
    assert ways(RUNS[0], "--local") == [
        "To finish:     fcdeploy resume --local --target dev",
        "To take back:  fcdeploy rollback --local --target dev",
    ]
    assert ways(replace(RUNS[0], undoing=True)) == [
        "To finish:     fcdeploy rollback --target dev",
        "To leave it:   fcdeploy abandon --target dev",
    ]


@pytest.mark.parametrize("ending", [None, *Ending])
def test_every_ending_has_a_word(ending: Ending | None) -> None:
    run = a_run(1, ending, 1.0)
    assert len(histories_text((HistoryView(target=DEV, runs=(run,), total=1),)).splitlines()) == 5
    schema = json.loads((Path(__file__).parents[2] / "schemas" / "history.schema.json").read_text(encoding="utf-8"))
    assert (ending.value if ending else None) in schema["$defs"]["run"]["properties"]["ending"]["enum"]


@pytest.mark.parametrize("result", CallResult)
def test_every_result_has_a_word(result: CallResult) -> None:
    history = RunHistory(run=RUNS[0], calls=(call(result, "service", "s"),), back=())
    assert "create service s" in past_run_text(PastRunView(target=DEV, history=history))
    schema = json.loads((Path(__file__).parents[2] / "schemas" / "history.schema.json").read_text(encoding="utf-8"))
    assert result.value in schema["$defs"]["call"]["properties"]["result"]["enum"]


def test_times_of_a_document_are_numbers() -> None:
    document = json.loads(TEXTS["run.json"])
    first, *_, last = document["run"]["calls"]
    assert (document["run"]["started"], document["run"]["seconds"]) == (STARTED + 3, 3599.0)
    assert (first["after"], first["seconds"]) == (0.1, 0.3)
    assert (last["after"], last["seconds"], last["requestId"]) == (None, None, None)
