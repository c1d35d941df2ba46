"""resume, rollback, abandon, recover: runs that did not end, runs to be taken back, and aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fcdeploy.cli.change import Question, ask, declined, require_consent
from fcdeploy.cli.commands import Command, option
from fcdeploy.cli.exits import DONE, FAILED, ROLLED_BACK, gravest
from fcdeploy.cli.interrupts import Interrupts
from fcdeploy.cli.options import GRACE_OPTION, LOCK_OPTION, SPEECH, WHERE, YES_OPTION, asks, flags_of
from fcdeploy.cli.speech import Speech
from fcdeploy.cli.watching import watched
from fcdeploy.errors import UsageError

if TYPE_CHECKING:
    from fcdeploy.app import Move, OpenTarget, PlanReport, TargetOutputs, Where
    from fcdeploy.render.views import OutcomeView, OutputsView

_ALIAS = "An alias"

_ALIAS_OPTION = option(
    "--alias", metavar="NAME", default=None, section=_ALIAS,
    help="Move this alias back instead of a run; a name, or a pattern of addresses such as 'images/*'.",
)  # fmt: skip
_SERVICE_OPTION = option(
    "--service", metavar="GLOB", default=None, section=_ALIAS,
    help="The service that the alias is in; '*' is all that have one of this name.",
)  # fmt: skip
_TO_OPTION = option(
    "--to", metavar="VERSION", default=None, section=_ALIAS,
    help="The version to move to. Without it: the one that the alias led to before.",
)  # fmt: skip


@click.command("resume", cls=Command)
@asks(WHERE, SPEECH)
@LOCK_OPTION
@GRACE_OPTION
def resume(where: Where, speech: Speech, lock_timeout: float, grace: float | None) -> int:
    """Finish runs that were interrupted, from where they stopped.

    Steps whose effect is unknown are settled first, by looking. What was
    planned then is what is sent now; nothing is planned anew.
    """

    from fcdeploy import app
    from fcdeploy.cli.views import outcome_views, outputs_views

    given: list[TargetOutputs] = []
    with watched(speech, where) as over:
        manner = over.manner(lock_timeout=lock_timeout, grace=grace)
        outcomes = over.signals.finished(app.resume(where, manner, put_out=given.append))
    views = outcome_views(outcomes, flags=flags_of(where))
    return _report(speech, "resume", views, given=outputs_views(tuple(given)))


@click.command("rollback", cls=Command)
@asks(WHERE, SPEECH)
@click.argument("run", metavar="[RUN]", required=False)
@_ALIAS_OPTION
@_SERVICE_OPTION
@_TO_OPTION
@LOCK_OPTION
@GRACE_OPTION
@YES_OPTION
def rollback(
    where: Where,
    speech: Speech,
    run: str | None,
    alias: str | None,
    service: str | None,
    to: str | None,
    lock_timeout: float,
    grace: float | None,
    yes: bool,
) -> int:
    """Take a run back: what it made, changed and deleted, in reverse order.

    RUN is one that ended, or is open; the way back from one that ended is
    shown first. Without RUN, the open run of each target is taken back.
    Every step is guarded: what somebody else has changed since is left alone
    and listed.

    With --alias, one write leads all calls of an alias to an earlier version
    and pins it there: apply moves it on only with --forward, or when the file
    names an older version itself. Where each function of a service has the
    alias, those go back that the run which last moved any of them moved.
    """

    from fcdeploy import app
    from fcdeploy.cli.views import outcome_views

    if alias is not None:
        if run is not None:
            raise UsageError("RUN and --alias exclude each other", hint="an alias is moved back by itself")
        return _move_back(where, speech, app.Move(name=alias, within=service, to=to), lock_timeout, grace, yes=yes)
    if service is not None or to is not None:
        raise UsageError("--service and --to say more about --alias", hint="add --alias NAME")
    require_consent("rollback", speech, where, yes=yes, look=f"history {run}" if run is not None else "")
    with watched(speech, where) as over:
        # The way back from an ended run is a plan of its own and is shown first; an open run's way back is its journal.
        question = Question("rollback", speech, over, yes=yes)
        opened = _OpenQuestion("Take back what {these} did?", speech, over.signals, yes=yes)
        outcomes = over.signals.finished(
            app.rollback(
                where,
                over.manner(lock_timeout=lock_timeout, grace=grace),
                run=run,
                confirm=question,
                agree=opened,
            )
        )
    if question.declined or opened.declined:
        return declined(speech)
    # An open run is taken back by itself, one that has ended by a new run, which goes forward.
    inverse = run is not None and all(one.run != run for one in outcomes)
    views = outcome_views(outcomes, flags=flags_of(where), undo_wanted=not inverse, inverse=inverse)
    return _report(speech, "rollback", views, after_plan=question.asked)


@click.command("abandon", cls=Command)
@asks(WHERE, SPEECH)
@LOCK_OPTION
@YES_OPTION
def abandon(where: Where, speech: Speech, lock_timeout: float, yes: bool) -> int:
    """Close runs that were interrupted, and leave what they did as it is.

    Steps whose effect is unknown are settled first, by looking. Nothing is
    sent: the next plan is made from what is live. A run that was abandoned
    cannot be resumed; `fcdeploy rollback RUN` can take it back.
    """

    from fcdeploy import app
    from fcdeploy.cli.views import outcome_views

    require_consent("abandon", speech, where, yes=yes)
    with watched(speech, where) as over:
        question = _OpenQuestion("Close {these} as it stands?", speech, over.signals, yes=yes)
        outcomes = over.signals.finished(app.abandon(where, over.manner(lock_timeout=lock_timeout), agree=question))
    if question.declined:
        return declined(speech)
    return _report(speech, "abandon", outcome_views(outcomes, flags=flags_of(where), leave_wanted=True))


@click.command("recover", cls=Command)
@asks(WHERE, SPEECH)
@LOCK_OPTION
@GRACE_OPTION
def recover(where: Where, speech: Speech, lock_timeout: float, grace: float | None) -> int:
    """End what an earlier process left unfinished, whichever way is left.

    A run of which a part was taken back is taken back; any other is finished.
    Where no run is open, nothing is done: pipelines begin with this command.

    Exits with 0 when no run is open any more. A holder on another machine
    counts as dead when it has not been heard of for a minute: give
    --lock-timeout more than that.
    """

    from fcdeploy import app
    from fcdeploy.cli.views import outcome_views, outcomes_code
    from fcdeploy.render.json import document_text, outcomes_list
    from fcdeploy.render.outcome import outcomes_text

    with watched(speech, where) as over:
        finished, taken_back = over.signals.finished(
            app.recover(where, over.manner(lock_timeout=lock_timeout, grace=grace))
        )
    flags = flags_of(where)
    views = (*outcome_views(finished, flags=flags), *outcome_views(taken_back, flags=flags, undo_wanted=True))
    if speech.json:
        speech.write_report(document_text("recover", {"outcomes": outcomes_list(views)}))
    else:
        speech.write_report(outcomes_text(views, ink=speech.ink) if views else "No run is open.\n")
    code = outcomes_code(views)
    # A run that failed again and was taken back is over as well; it has been told.
    return DONE if code == ROLLED_BACK else code


class _OpenQuestion:
    """Shows the open runs and asks about them; the app calls it once, before anything is sent."""

    def __init__(self, question: str, speech: Speech, watch: Interrupts, *, yes: bool) -> None:
        self._question = question
        self._speech = speech
        self._watch = watch
        self._yes = yes
        self.declined = False

    def __call__(self, found: tuple[OpenTarget, ...]) -> bool:
        """Whether to go on with these."""
        from fcdeploy.cli.views import open_views
        from fcdeploy.render.status import open_runs_text

        if not self._yes:
            self._speech.write_talk(open_runs_text(open_views(found), ink=self._speech.talk_ink).rstrip("\n"))
            these = "this run" if len(found) == 1 else f"each of these {len(found)} runs"
            self.declined = not ask(self._speech, self._watch, self._question.format(these=these))
        return not self.declined


class _MoveQuestion(Question):
    """Shows what is moved back; where nothing is, the words of a file's plan would be wrong."""

    def show(self, report: PlanReport) -> None:
        """The plan, or that there is nothing to do."""
        if self._speech.json or any(one.plan is None or not one.plan.is_empty for one in report.results):
            super().show(report)
        else:
            self._speech.write_data("No changes. It leads there already, and is pinned.\n")


def _move_back(where: Where, speech: Speech, move: Move, lock_timeout: float, grace: float | None, *, yes: bool) -> int:
    from fcdeploy import app
    from fcdeploy.cli.views import keep_views, outcome_views, outcomes_code, plans_code, plans_view
    from fcdeploy.render.json import document_text, keeps_list, outcomes_list, plans_content
    from fcdeploy.render.outcome import keeps_text, outcomes_text

    require_consent("rollback", speech, where, yes=yes)
    with watched(speech, where) as over:
        question = _MoveQuestion("rollback", speech, over, yes=yes)
        manner = over.manner(lock_timeout=lock_timeout, grace=grace)
        report = over.signals.finished(app.move_back(where, move, manner, confirm=question))
    if not question.asked:
        question.show(report.plans)
    views = outcome_views(report.outcomes, report.plans, flags=flags_of(where))
    kept = keep_views(report.kept)
    if speech.json:
        plans = plans_content(plans_view(report.plans, destroy=False, with_bodies=True))
        content = {"plan": plans, "outcomes": outcomes_list(views), "keep": keeps_list(kept)}
        speech.write_report(document_text("rollback", content))
    elif views:
        speech.write_report("\n" + outcomes_text(views, ink=speech.ink) + keeps_text(kept))
    if question.declined:
        return declined(speech)
    if over.stop.requested and not views:
        speech.write_talk("Interrupted before anything was changed.")
        return FAILED
    return gravest((plans_code(report.plans, pending_counts=False), outcomes_code(views)))


def _report(
    speech: Speech,
    command: str,
    views: tuple[OutcomeView, ...],
    *,
    after_plan: bool = False,
    given: tuple[OutputsView, ...] | None = None,
) -> int:
    from fcdeploy.cli.views import outcomes_code
    from fcdeploy.render.json import document_text, outcomes_list
    from fcdeploy.render.outcome import outcomes_text
    from fcdeploy.render.outputs import outputs_list, outputs_text

    if speech.json:
        outputs = {"outputs": outputs_list(given)} if given is not None else {}
        speech.write_report(document_text(command, {"outcomes": outcomes_list(views), **outputs}))
    else:
        speech.write_report("\n" * after_plan + outcomes_text(views, ink=speech.ink))
        if told := outputs_text(given or (), ink=speech.ink):
            speech.write_report("\n" + told)
    for one in given or ():
        speech.write_findings(one.problems)
    return outcomes_code(views)
