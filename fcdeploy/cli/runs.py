"""resume, rollback: runs that did not end, and runs to be taken back."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import click

from fcdeploy.cli.change import Question, ask, require_consent
from fcdeploy.cli.commands import Command, option
from fcdeploy.cli.exits import FAILED
from fcdeploy.cli.interrupts import Interrupts, WatchedProgress
from fcdeploy.cli.options import GRACE_OPTION, SPEECH, WHERE, YES_OPTION, asks, flags_of
from fcdeploy.cli.speech import Speech

if TYPE_CHECKING:
    from fcdeploy.app import Where
    from fcdeploy.render.views import OutcomeView


@click.command("resume", cls=Command)
@asks(WHERE, SPEECH)
@GRACE_OPTION
def resume(where: Where, speech: Speech, grace: float | None) -> int:
    """Finish runs that were interrupted, from where they stopped.

    Steps whose effect is unknown are settled first, by looking. What was
    planned then is what is sent now; nothing is planned anew.
    """

    from fcdeploy import app
    from fcdeploy.cli.views import outcome_views

    stop = app.StopRequest()
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(speech.progress())
        watch = stack.enter_context(Interrupts(stop, terminal=sys.stderr.isatty(), flags=flags_of(where, target=True)))
        shown = WatchedProgress(progress, watch)
        outcomes = watch.finished(app.resume(where, progress=shown, stop=stop, grace=grace))
    return _report(speech, "resume", outcome_views(outcomes, flags=flags_of(where)))


@click.command("rollback", cls=Command)
@asks(WHERE, SPEECH)
@option("--run", metavar="RUN", default=None, help="A run that ended. Without it: the open run of each target.")
@GRACE_OPTION
@YES_OPTION
def rollback(where: Where, speech: Speech, run: str | None, grace: float | None, yes: bool) -> int:
    """Take a run back: what it made, changed and deleted, in reverse order.

    Every step is guarded: what somebody else has changed since is left alone
    and listed. Runs that are open and runs that ended can be taken back.
    """

    from fcdeploy import app
    from fcdeploy.cli.views import outcome_views

    require_consent("rollback", speech, where, yes=yes)
    stop = app.StopRequest()
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(speech.progress())
        watch = stack.enter_context(Interrupts(stop, terminal=sys.stderr.isatty(), flags=flags_of(where, target=True)))
        question = Question("rollback", speech, progress, watch, yes=yes)
        # The way back from an ended run is a plan of its own and is shown first; an open run's way back is its journal.
        if run is None and not yes:
            question.declined = not ask(speech, watch, "Take back what the open runs have done?")
        outcomes = (
            ()
            if question.declined
            else watch.finished(
                app.rollback(
                    where,
                    run=run,
                    confirm=question,
                    progress=WatchedProgress(progress, watch),
                    stop=stop,
                    grace=grace,
                )
            )
        )
    if question.declined:
        speech.write_talk('Nothing was changed: the answer was not "yes".')
        return FAILED
    # An open run is taken back by itself, one that has ended by a new run, which goes forward.
    inverse = run is not None and all(one.run != run for one in outcomes)
    views = outcome_views(outcomes, flags=flags_of(where), undo_wanted=not inverse, inverse=inverse)
    return _report(speech, "rollback", views, after_plan=question.asked)


def _report(speech: Speech, command: str, views: tuple[OutcomeView, ...], *, after_plan: bool = False) -> int:
    from fcdeploy.cli.views import outcomes_code
    from fcdeploy.render.json import document_text, outcomes_list
    from fcdeploy.render.outcome import outcomes_text

    if speech.json:
        speech.write_data(document_text(command, {"outcomes": outcomes_list(views)}))
    else:
        speech.write_data("\n" * after_plan + outcomes_text(views, ink=speech.ink))
    return outcomes_code(views)
