"""plan, apply, destroy."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from fcdeploy.cli.commands import Command, option
from fcdeploy.cli.exits import FAILED, gravest
from fcdeploy.cli.interrupts import Interrupts
from fcdeploy.cli.options import (
    FORWARD_OPTION,
    ONLY_OPTION,
    RUN,
    SPEECH,
    WHERE,
    WISHES,
    YES_OPTION,
    RunOptions,
    asks,
    flags_of,
)
from fcdeploy.cli.speech import Speech
from fcdeploy.cli.watching import Watched, watched
from fcdeploy.errors import UsageError

if TYPE_CHECKING:
    from fcdeploy.app import PlanReport, Where, Wishes

_QUESTIONS = {
    "apply": "Apply these changes",
    "destroy": "Destroy all this",
    "rollback": "Take all this back",
}

_LOOK_FIRST = {"apply": "plan", "destroy": "plan --destroy", "rollback": "status", "abandon": "status"}
"""The command that shows without asking what another one is about to touch."""


@click.command("plan", cls=Command)
@asks(WHERE, WISHES, SPEECH)
@ONLY_OPTION
@FORWARD_OPTION
@option("--destroy", is_flag=True, help="Plan what `fcdeploy destroy` would do.")
@option("--detailed-exitcode", is_flag=True, help="Exit with 2 when changes are pending.")
def plan(
    where: Where,
    wishes: Wishes,
    speech: Speech,
    only: tuple[str, ...],
    forward: bool,
    destroy: bool,
    detailed_exitcode: bool,
) -> int:
    """Show what apply would do to each target, and why. Nothing is written.

    The plan is made from the live state: what is listed is exactly what apply
    would send. The same file and the same cloud give the same bytes.
    """
    import asyncio

    from fcdeploy import app
    from fcdeploy.cli.views import plans_code

    report = asyncio.run(app.plan(where, replace(wishes, only=only, forward=forward), destroy=destroy))
    _write_problems(report, speech)
    _write_plan(report, speech, destroy=destroy)
    return plans_code(report, pending_counts=detailed_exitcode)


@click.command("apply", cls=Command)
@asks(WHERE, WISHES, RUN, SPEECH)
@ONLY_OPTION
@FORWARD_OPTION
@YES_OPTION
def apply(
    where: Where, wishes: Wishes, run: RunOptions, speech: Speech, only: tuple[str, ...], forward: bool, yes: bool
) -> int:
    """Make the cloud as the file says.

    Shows the plan, asks, and carries it out: every write is guarded against
    other writers, and when a step fails, what was done is taken back.
    """
    return _carry_out(where, replace(wishes, only=only, forward=forward), run, speech, yes=yes, destroy=False)


@click.command("destroy", cls=Command)
@asks(WHERE, WISHES, RUN, SPEECH)
@YES_OPTION
def destroy(where: Where, wishes: Wishes, run: RunOptions, speech: Speech, yes: bool) -> int:
    """Delete everything that the project owns in the chosen targets.

    What is marked `protect: true` stops it. Resources of other projects are
    not touched, whatever their names are.
    """
    return _carry_out(where, wishes, run, speech, yes=yes, destroy=True)


def _carry_out(where: Where, wishes: Wishes, run: RunOptions, speech: Speech, *, yes: bool, destroy: bool) -> int:

    from fcdeploy import app
    from fcdeploy.cli.views import outcome_views, outcomes_code, plans_code, plans_view
    from fcdeploy.render.json import document_text, outcomes_list, plans_content
    from fcdeploy.render.outcome import outcomes_text

    command = "destroy" if destroy else "apply"
    require_consent(command, speech, where, yes=yes)
    with watched(speech, where, takes_back=run.on_failure == "rollback") as over:
        question = Question(command, speech, over, yes=yes)
        report = over.signals.finished(
            app.apply(
                where,
                wishes,
                destroy=destroy,
                confirm=question,
                on_failure=run.on_failure,
                recover=run.recover,
                lock_timeout=run.lock_timeout,
                grace=run.grace,
                keep_undo=run.keep_undo,
                wait=run.wait,
                progress=over.progress,
                stop=over.stop,
            )
        )
    if not question.asked:
        question.show(report.plans)
    views = outcome_views(report.outcomes, report.plans, flags=flags_of(where))
    if speech.json:
        plans = plans_content(plans_view(report.plans, destroy=destroy, with_bodies=True))
        speech.write_report(document_text(command, {"plan": plans, "outcomes": outcomes_list(views)}))
    elif views:
        speech.write_report("\n" + outcomes_text(views, ink=speech.ink))
    if question.declined:
        return declined(speech)
    if over.stop.requested and not views:
        speech.write_talk("Interrupted before anything was changed.")
        return FAILED
    return gravest((plans_code(report.plans, pending_counts=False), outcomes_code(views)))


def require_consent(command: str, speech: Speech, where: Where, *, yes: bool, look: str = "") -> None:
    """Refuse a command that would have to ask where nobody can answer (law 10); `look` is what shows more first."""
    if not yes and not speech.may_ask:
        from fcdeploy.render.words import command_line

        look = command_line(look or _LOOK_FIRST[command], flags_of(where, target=True))
        raise UsageError(
            f"`fcdeploy {command}` has to ask before it changes anything, and there is no terminal to ask on",
            hint=f"look first, then give --yes:\n{look}",
        )


def declined(speech: Speech) -> int:
    """What is said and returned when a person did not agree."""
    speech.write_talk('Nothing was changed: the answer was not "yes".')
    return FAILED


class Question:
    """Shows the plan and asks whether to go on; the app calls it once, before the first write."""

    def __init__(self, command: str, speech: Speech, over: Watched, *, yes: bool) -> None:
        self._command = command
        self._speech = speech
        self._over = over
        self._yes = yes
        self.asked = False
        self.declined = False

    def __call__(self, report: PlanReport) -> bool:
        """Whether the plans may be applied."""
        self.asked = True
        self.show(report)
        waiting = [one for one in report.results if one.can_apply and one.plan and not one.plan.is_empty]
        if waiting and not self._yes and not ask(self._speech, self._over.signals, self._what(len(waiting))):
            self.declined = True
            return False
        for one in report.results:
            if one.can_apply and one.plan is not None:
                self._over.display.expect(one.target.name, len(one.plan.steps))
        self._over.signals.work_begins()
        return True

    def show(self, report: PlanReport) -> None:
        """Problems to stderr, the plan to stdout; with JSON the plan is talk, where there is somebody to read it."""
        _write_problems(report, self._speech)
        if not self._speech.json:
            _write_plan(report, self._speech, destroy=self._command == "destroy")
        elif not self._yes:
            self._speech.write_talk(_plan_text(report, self._speech, destroy=self._command == "destroy", talk=True))

    def _what(self, targets: int) -> str:
        return f"{_QUESTIONS[self._command]}{f' in {targets} targets' if targets > 1 else ''}?"


def ask(speech: Speech, watch: Interrupts, question: str) -> bool:
    """Ask on the terminal; only the whole word counts, and Ctrl-C is a no."""
    if not speech.may_ask:
        return False
    try:
        with watch.asking():
            sys.stderr.write(f'{question} Only "yes" is accepted: ')
            sys.stderr.flush()
            return watch.read_answer().strip() == "yes"
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return False


def _write_problems(report: PlanReport, speech: Speech) -> None:
    speech.write_findings(report.diagnostics)
    for one in report.results:
        if one.problem is not None:
            speech.write_error(one.problem)


def _write_plan(report: PlanReport, speech: Speech, *, destroy: bool) -> None:
    from fcdeploy.cli.views import plans_view
    from fcdeploy.render.json import document_text, plans_content

    if speech.json:
        view = plans_view(report, destroy=destroy, with_bodies=True)
        speech.write_data(document_text("plan", plans_content(view)))
    else:
        speech.write_data(_plan_text(report, speech, destroy=destroy))


def _plan_text(report: PlanReport, speech: Speech, *, destroy: bool, talk: bool = False) -> str:
    from fcdeploy.cli.speech import read_sources
    from fcdeploy.cli.views import plans_view
    from fcdeploy.render.text import plans_text

    warnings = [found for one in report.results if one.plan is not None for found in one.plan.warnings]
    return plans_text(
        plans_view(report, destroy=destroy),
        ink=speech.talk_ink if talk else speech.ink,
        sources=read_sources(warnings),
    )
