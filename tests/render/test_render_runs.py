"""Outcomes, standings and progress: what a person reads while a run goes on and when it is over."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from fcdeploy.diagnostics import error
from fcdeploy.model import Action, Address, Call, Ending, EventType, MustNotExist, Outcome, PastRun, Step, Target
from fcdeploy.render.ink import COLOURED, PLAIN
from fcdeploy.render.json import document_text, outcomes_list, statuses_list
from fcdeploy.render.outcome import outcome_text, outcomes_text
from fcdeploy.render.progress import LiveProgress, PlainProgress
from fcdeploy.render.status import statuses_text
from fcdeploy.render.views import OutcomeView, StandingView, StatusView

TITLES = {"create a": "create function images/a", "delete b": "delete function images/b"}


def outcome(ending: Ending, code: int, **parts: object) -> OutcomeView:
    views = {name: parts.pop(name) for name in ("undo_wanted", "leave_wanted", "inverse", "flags") if name in parts}
    made = Outcome(**{"run": "r1", "target": "prod/cn-shanghai", "ending": ending, "seconds": 125.0, **parts})  # type: ignore[arg-type]
    return OutcomeView(outcome=made, code=code, titles=TITLES, **views)  # type: ignore[arg-type]


def test_a_run_that_went_well() -> None:
    view = outcome(Ending.DONE, 0, done=("create a",), durations={"create a": 64.0, "quick": 0.2, "delete b": 3.5})
    assert outcome_text(view) == (
        "target prod/cn-shanghai: done (1 step) in 2 min 5 s · run r1\n"
        "  Slowest:\n"
        "     1 min 4 s  create function images/a\n"
        "         3.5 s  delete function images/b\n"
    )
    nothing = outcome(Ending.DONE, 0, run="")
    assert outcome_text(nothing) == "target prod/cn-shanghai: done (nothing was sent) in 2 min 5 s\n"
    long = outcome(Ending.ROLLED_BACK, 0, run="20250131-142501-3fa9c1d2", done=("create a",))
    assert outcome_text(long).splitlines() == [
        "target prod/cn-shanghai: failed and rolled back (everything was taken back) in 2 min 5 s",
        "  run 20250131-142501-3fa9c1d2",
    ]


def test_a_run_that_was_rolled_back() -> None:
    view = outcome(
        Ending.ROLLED_BACK,
        3,
        done=("create a", "tag a"),
        undone=("create a",),
        diagnostics=(error("CreateTrigger answered 400", detail="request id 7", address="dev:alibaba.trigger:a/b/c"),),
    )
    assert outcome_text(view) == (
        "error: CreateTrigger answered 400 [dev:alibaba.trigger:a/b/c]\n"
        "    request id 7\n"
        "\n"
        "target prod/cn-shanghai: failed and rolled back (everything was taken back) in 2 min 5 s\n"
        "  run r1\n"
        "  Exit code 3: failed and rolled back completely.\n"
        "  Everything is as it was before. Mend what the error says and apply again.\n"
        "  To see more:   fcdeploy history r1\n"
    )
    wanted = outcome(Ending.ROLLED_BACK, 0, done=("create a",), undone=("create a",), undo_wanted=True)
    assert outcome_text(wanted) == (
        "target prod/cn-shanghai: rolled back (everything was taken back) in 2 min 5 s\n  run r1\n"
    )


def test_a_run_that_needs_a_person() -> None:
    view = outcome(Ending.NEEDS_ATTENTION, 4, done=("create a", "delete b"), leftovers=("create a", "a \x1bnote"))
    assert outcome_text(view) == (
        "target prod/cn-shanghai: needs a person (2 steps done, 2 left behind) in 2 min 5 s\n"
        "  run r1\n"
        "  Left behind:\n"
        "    ! create function images/a\n"
        "    ! a \\x1bnote\n"
        "  Exit code 4: something needs a person.\n"
        "  To finish:     fcdeploy resume --target prod/cn-shanghai\n"
        "  To take back:  fcdeploy rollback --target prod/cn-shanghai\n"
        "  To see more:   fcdeploy history r1\n"
    )


def test_what_nothing_takes_back_is_named_and_the_run_is_over() -> None:
    view = outcome(Ending.LEFTOVERS, 4, done=("create a", "delete b"), undone=("create a",), leftovers=("delete b",))
    assert outcome_text(view) == (
        "target prod/cn-shanghai: rolled back in part (1 left behind) in 2 min 5 s\n"
        "  run r1\n"
        "  Left behind:\n"
        "    ! delete function images/b\n"
        "  Exit code 4: something needs a person.\n"
        "  What is left behind nothing can take back; the run is over.\n"
        "  To go on:      fcdeploy plan --target prod/cn-shanghai\n"
        "  To see more:   fcdeploy history r1\n"
    )


def test_of_many_steps_that_stand_the_first_are_named() -> None:
    many = tuple(f"create a{number}" for number in range(14))
    text = outcome_text(outcome(Ending.NEEDS_ATTENTION, 4, done=many, leftovers=many))
    assert text.count("    ! ") == 10 and "    and 4 more\n" in text
    taken_back = outcome_text(outcome(Ending.NEEDS_ATTENTION, 4, done=many, undone=("create b",), leftovers=many))
    assert taken_back.count("    ! ") == 14


def commands(view: OutcomeView) -> list[tuple[str, str]]:
    """The ways on: what for, and the command."""
    lines = [line.strip() for line in outcome_text(view).splitlines() if " fcdeploy " in line]
    parts = [line.partition(" fcdeploy ") for line in lines]
    return [(what.strip(), f"fcdeploy {command}") for what, _, command in parts]


def test_half_a_way_back_is_finished_by_going_back() -> None:
    view = outcome(
        Ending.NEEDS_ATTENTION,
        4,
        done=("create a", "tag a", "delete b"),
        undone=("create a",),
        leftovers=("delete b",),
        undoing=True,
    )
    assert "needs a person (3 steps done, 2 taken back, 1 left behind) in" in outcome_text(view)
    assert commands(view) == [
        ("To finish:", "fcdeploy rollback --target prod/cn-shanghai"),
        ("To leave it:", "fcdeploy abandon --target prod/cn-shanghai"),
        ("To see more:", "fcdeploy history r1"),
    ]
    assert commands(outcome(Ending.NEEDS_ATTENTION, 4, undo_wanted=True))[0][1].startswith("fcdeploy rollback")
    # The way back of a run that had ended is a run of its own: it is resumed, and nothing takes it back.
    inverse = commands(outcome(Ending.NEEDS_ATTENTION, 4, done=("delete b",), leftovers=("delete b",), inverse=True))
    assert [command.split()[1] for _, command in inverse] == ["resume", "abandon", "history"]


def test_an_effect_that_is_not_known_is_not_called_nothing() -> None:
    text = outcome_text(outcome(Ending.NEEDS_ATTENTION, 4, unknown=("create a",)))
    assert text.startswith("target prod/cn-shanghai: needs a person (1 effect not known) in 2 min 5 s\n")
    both = outcome_text(outcome(Ending.NEEDS_ATTENTION, 4, done=("delete b",), unknown=("create a", "x")))
    assert "(1 step done, 2 effects not known)" in both
    assert "(nothing was changed)" not in outcome_text(outcome(Ending.NEEDS_ATTENTION, 4))


def test_advice_can_be_copied_into_a_shell() -> None:
    flags = ("-f", "my project/it's.yaml", "--local", "--var", "STAGE=a b", "--endpoint", "http://127.0.0.1:9000")
    view = outcome(Ending.STOPPED, 4, done=("create a",), leftovers=("create a",), flags=flags, target="a *")
    (*ways, (_, calls)) = commands(view)
    for (_, command), name in zip(ways, ("resume", "rollback"), strict=True):
        assert shlex.split(command) == ["fcdeploy", name, *flags, "--target", "a *"]
    assert shlex.split(calls) == ["fcdeploy", "history", "r1", *flags]


def test_an_abandoned_run_is_not_called_finished_or_undone() -> None:
    view = outcome(Ending.STOPPED, 0, done=("create a",), leftovers=("create a",), leave_wanted=True)
    assert outcome_text(view) == (
        "target prod/cn-shanghai: abandoned in 2 min 5 s · run r1\n"
        "  What it did stays; the next plan is made from what is live.\n"
    )
    unknown = outcome_text(outcome(Ending.STOPPED, 4, unknown=("create a",), leave_wanted=True))
    assert unknown == (
        "target prod/cn-shanghai: abandoned (1 effect not known) in 2 min 5 s · run r1\n"
        "  Exit code 4: something needs a person.\n"
        "  What it did stays; the next plan is made from what is live.\n"
        "  To see more:   fcdeploy history r1\n"
    )


@pytest.mark.parametrize("ending", [Ending.FAILED, Ending.STOPPED])
def test_a_run_that_did_nothing(ending: Ending) -> None:
    text = outcome_text(outcome(ending, 1))
    assert "(nothing was changed)" in text
    assert "Nothing was changed." in text
    assert "resume" not in text


def test_a_stopped_run_with_changes_standing_says_how_to_go_on() -> None:
    text = outcome_text(outcome(Ending.STOPPED, 4, done=("create a",)), ink=COLOURED)
    assert "\x1b[1;33mstopped\x1b[0m" in text
    assert "fcdeploy resume" in text


def test_several_outcomes_and_their_json() -> None:
    views = (
        outcome(Ending.DONE, 0, done=("create a",), durations={"create a": 0.12345}),
        outcome(Ending.FAILED, 1, diagnostics=(error("x"),)),
    )
    assert outcomes_text(views).count("\n\n") == 2
    document = json.loads(document_text("apply", {"outcomes": outcomes_list(views)}))
    first, second = document["outcomes"]
    assert first["done"] == [{"step": "create a", "title": "create function images/a"}]
    assert first["durations"] == {"create a": 0.123}
    assert (second["ending"], second["exitCode"], second["diagnostics"][0]["summary"]) == ("failed", 1, "x")


DEV = Target(name="dev", provider="alibaba", region="cn-hangzhou")


def open_run(**figures: Any) -> PastRun:
    return PastRun(run="r1", target="dev", ended=None, ending=None, tool_version="1.0", **figures)


def standing(kind: str, *identity: str, **more: Any) -> StandingView:
    return StandingView(address=Address(provider="alibaba", target="dev", kind=kind, identity=identity), **more)


def test_standings_are_a_table_and_an_open_run() -> None:
    run = open_run(command="apply", started=1_700_000_000.25, holder="", done=3, unsettled=1, total=10)
    rows = (
        standing("service", "images", modified="2026-01-02T03:04:05Z"),
        standing(
            "function", "images", "a", about="python3.10 \x1b and so much more", reported={"runtime": "python3.10"}
        ),
    )
    views = (
        StatusView(target=DEV, rows=rows, open_run=run),
        StatusView(target=DEV, rows=()),
        StatusView(target=DEV, rows=(), problems=(error("x"),)),
    )
    assert statuses_text(views) == (
        "target dev · alibaba cn-hangzhou\n"
        "  Open run r1 (apply): 3 of 10 steps done, 1 effect unknown\n"
        "    begun 2023-11-14 22:13:20 UTC\n"
        "    to finish:     fcdeploy resume --target dev\n"
        "    to take back:  fcdeploy rollback --target dev\n"
        "\n"
        "  KIND      NAME      MODIFIED              ABOUT\n"
        "  service   images    2026-01-02T03:04:05Z\n"
        "  function  images/a                        python3.10 \\x1b and so much more\n"
        "\n"
        "target dev · alibaba cn-hangzhou\n"
        "  Nothing of this project is there.\n"
        "\n"
        "target dev · alibaba cn-hangzhou\n"
        "  Could not be read: see the errors.\n"
    )
    document = json.loads(document_text("status", {"targets": statuses_list(views)}))
    assert document["targets"][0]["openRun"]["started"] == 1_700_000_000.25
    assert document["targets"][0]["resources"][0] == {
        "address": "dev:alibaba.service:images",
        "kind": "service",
        "identity": ["images"],
        "name": "images",
        "modified": "2026-01-02T03:04:05Z",
        "about": "",
        "reported": {},
    }
    assert document["targets"][0]["resources"][1]["modified"] is None
    assert document["targets"][1]["openRun"] is None


def test_what_is_long_to_tell_is_folded_or_stands_below() -> None:
    long = "http GET POST PUT DELETE, anonymous, calls live, with many more words than fit beside the name"
    beside = statuses_text((StatusView(target=DEV, rows=(standing("trigger", "s", "f", "t", about=long),)),))
    assert beside == (
        "target dev · alibaba cn-hangzhou\n"
        "\n"
        "  KIND     NAME   MODIFIED  ABOUT\n"
        "  trigger  s/f/t            http GET POST PUT DELETE, anonymous, calls live,\n"
        "                            with many more words than fit beside the name\n"
    )
    address = "https://resize-images-abcdefghij.cn-hangzhou.fcapp.run"
    rows = (
        standing("function", "images", "a" * 40, modified="2026-01-02T03:04:05Z", about="python3.10"),
        standing("trigger", "images", "a" * 40, "t", modified="2026-01-02T03:04:05Z", about=f"http, {address}"),
        standing("vpcBinding", "images", "vpc-1"),
    )
    assert statuses_text((StatusView(target=DEV, rows=rows),)) == (
        "target dev · alibaba cn-hangzhou\n"
        "\n"
        f"  KIND        NAME{' ' * 47}MODIFIED\n"
        f"  function    images/{'a' * 40}    2026-01-02T03:04:05Z\n"
        "      python3.10\n"
        f"  trigger     images/{'a' * 40}/t  2026-01-02T03:04:05Z\n"
        f"      http, {address}\n"
        "  vpcBinding  images/vpc-1\n"
    )


def test_an_open_run_names_who_had_it() -> None:
    run = open_run(command="apply", started=0.0, holder="ci-7 pid 12", done=0, unsettled=0, total=1)
    text = statuses_text((StatusView(target=DEV, rows=(), open_run=run),))
    assert "    begun 1970-01-01 00:00:00 UTC by ci-7 pid 12\n" in text
    assert "fcdeploy resume --target dev" in text


def test_an_open_run_on_its_way_back_is_not_resumed() -> None:
    run = open_run(command="apply", started=0.0, holder="", done=1, undone=2, undoing=True, unsettled=0, total=5)
    view = StatusView(target=DEV, rows=(), open_run=run, flags=("-f", "a b", "--local"))
    text = statuses_text((view,))
    assert "  Open run r1 (apply): 1 of 5 steps done, 2 undone\n" in text
    assert "    to finish:     fcdeploy rollback -f 'a b' --local --target dev\n" in text
    assert "    to leave it:   fcdeploy abandon -f 'a b' --local --target dev\n" in text
    assert "resume" not in text
    document = json.loads(document_text("status", {"targets": statuses_list((view,))}))
    assert document["targets"][0]["openRun"]["undone"] == 2
    inverse = StatusView(target=DEV, rows=(), open_run=replace(run, command="rollback", undoing=False))
    ways = [line for line in statuses_text((inverse,)).splitlines() if " fcdeploy " in line]
    assert [line.split(" fcdeploy ")[1].split()[0] for line in ways] == ["resume", "abandon"]


def step(action: Action, name: str, group: str = "body") -> Step:
    return Step(
        id=f"{action} {name} {group}",
        address=Address(provider="alibaba", target="dev", kind="function", identity=("images", name)),
        action=action,
        group=group,
        call=Call(operation="x", method="PUT", path="/x"),
        guard=MustNotExist(),
        before=None,
        after=None,
    )


def test_plain_progress_is_a_line_for_each_thing() -> None:
    lines: list[str] = []
    progress = PlainProgress(lines.append)
    make, tag, back = step(Action.CREATE, "a"), step(Action.UPDATE, "a", "tags"), step(Action.DELETE, "a")
    with progress:
        progress.expect("dev", 2)
        progress.begun("dev", make, False)
        progress.waiting("dev", make, "ServiceNotFound \x1b", 0.5)
        progress.waiting("dev", make, "ServiceNotFound \x1b", 1.5)
        progress.waiting("dev", make, "ServiceNotFound \x1b", 12.0)
        progress.ended("dev", make, EventType.DONE, 0.26, "")
        progress.begun("dev", tag, False)
        progress.ended("dev", tag, EventType.FAILED, 1.0, "answered 400\nbad")
        progress.ended("dev", tag, EventType.UNKNOWN, 1.0, "")
        progress.ended("dev", tag, EventType.SKIPPED, 0.0, "not needed")
        progress.said("dev", "rolling back 1 step")
        progress.begun("dev", back, True)
        progress.ended("dev", back, EventType.DONE, 0.1, "")
    assert lines == [
        "creating function images/a ...",
        "waiting for function images/a: ServiceNotFound \\x1b (0.5 s)",
        "waiting for function images/a: ServiceNotFound \\x1b (12.0 s)",
        "created function images/a (0.3 s)",
        "updating function images/a (tags) ...",
        "failed updating function images/a (tags) (1.0 s): answered 400\\nbad",
        "no answer while updating function images/a (tags) (1.0 s)",
        "skipped function images/a (tags): not needed",
        "rolling back 1 step",
        "undo: deleting function images/a ...",
        "undo: deleted function images/a (0.1 s)",
    ]


def test_lines_that_come_together_are_written_together() -> None:
    written: list[str] = []
    waiting: list[Callable[[], None]] = []
    progress = PlainProgress(written.append, soon=waiting.append)
    with progress:
        for name in ("a", "b"):
            progress.begun("dev", step(Action.CREATE, name), False)
        assert (written, len(waiting)) == ([], 1)
        waiting.pop()()
        assert written == ["creating function images/a ...\ncreating function images/b ..."]
        progress.begun("dev", step(Action.CREATE, "c"), False)
        assert (len(written), len(waiting)) == (1, 1)
    # What is over writes nothing twice.
    waiting.pop()()
    assert written[1:] == ["creating function images/c ..."]


def test_the_live_display_draws_at_once_what_happened_meanwhile() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80, highlight=False)
    due: list[Callable[[], None]] = []
    progress = LiveProgress(console, ink=PLAIN, soon=due.append)
    with progress:
        for name in ("a", "b"):
            progress.begun("dev", step(Action.CREATE, name), False)
        progress.ended("dev", step(Action.CREATE, "a"), EventType.DONE, 0.1, "")
        assert (stream.getvalue(), len(due)) == ("", 1)
        progress.catch_up()
        assert "created function images/a (0.1 s)" in stream.getvalue()
        due.pop()()
        progress.ended("dev", step(Action.CREATE, "b"), EventType.DONE, 0.1, "")
    assert stream.getvalue().count("created function images/a (0.1 s)") == 1
    assert stream.getvalue().count("created function images/b (0.1 s)") == 1
    after = stream.getvalue()
    due.pop()()
    assert stream.getvalue() == after


def test_with_several_targets_each_line_names_its_own() -> None:
    lines: list[str] = []
    progress = PlainProgress(lines.append)
    progress.expect("dev", 1)
    progress.expect("prod", 1)
    progress.begun("prod", step(Action.DELETE, "a"), False)
    assert lines == ["prod: deleting function images/a ..."]


def test_the_live_display_shows_what_is_over_and_cleans_up() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80, highlight=False)
    progress = LiveProgress(console, ink=PLAIN)
    first, second = step(Action.CREATE, "a[bold]"), step(Action.CREATE, "b")
    with progress:
        progress.expect("dev", 2)
        assert stream.getvalue() == "", "nothing is drawn before the first step: a question may stand there"
        progress.begun("dev", first, False)
        progress.begun("dev", second, False)
        progress.waiting("dev", second, "throttled", 2.0)
        progress.ended("dev", first, EventType.DONE, 0.1, "")
        progress.said("dev", "half way")
        progress.ended("dev", second, EventType.FAILED, 0.1, "no")
    progress.stop()
    shown = stream.getvalue()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "created function images/a%5Bbold%5D (0.1 s)" in text
    assert "half way" in text
    assert "failed creating function images/b (0.1 s): no" in text
    assert "1/2" in text
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1
