"""plan, apply, destroy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from fcdeploy.cli.building import BUILD, BuildOptions, watched_to_its_end
from fcdeploy.cli.commands import Command, option
from fcdeploy.cli.exits import FAILED, gravest
from fcdeploy.cli.interrupts import Interrupts
from fcdeploy.cli.options import (
    FORWARD_OPTION,
    JUDGED,
    NO_SECRETS_OPTION,
    ONLY_OPTION,
    RUN,
    WISHES,
    YES_OPTION,
    RunOptions,
    asks,
    flags_of,
    speaking,
)
from fcdeploy.cli.speech import Speech, to_findings
from fcdeploy.cli.values import Duration
from fcdeploy.cli.watching import Watched, watched
from fcdeploy.errors import UsageError

if TYPE_CHECKING:
    from fcdeploy.app import Building, PlanFile, PlanReport, Required, Saving, Where, Wishes

_QUESTIONS = {
    "apply": "Apply these changes",
    "destroy": "Destroy all this",
    "rollback": "Take all this back",
}

_LOOK_FIRST = {"apply": "plan", "destroy": "plan --destroy", "rollback": "status", "abandon": "status"}
"""The command that shows without asking what another one is about to touch."""


_REQUIRE_OPTION = option(
    "--require-plan-digest", metavar="DIGEST|FILE", default=None, section="Ownership and safety",
    help="Go on only if the plan is the one of this digest, or does nothing; with the FILE of a JSON plan, also if "
         "it does only a part of that.",
)  # fmt: skip


_EXPIRES_OPTION = option(
    "--expires", metavar="TIME", type=Duration(), default=None, section="Output",
    help="How long a saved plan may be applied, such as 30m or 7d. Without it: 24h.",
)  # fmt: skip


@click.command("plan", cls=Command)
@asks(JUDGED, WISHES, BUILD, speaking("markdown", "html", "sarif", "junit", saves=True))
@ONLY_OPTION
@FORWARD_OPTION
@option("--destroy", is_flag=True, help="Plan what `fcdeploy destroy` would do.")
@_EXPIRES_OPTION
@NO_SECRETS_OPTION
@option("--detailed-exitcode", is_flag=True, help="Exit with 2 when changes are pending.")
def plan(
    where: Where,
    wishes: Wishes,
    builds: BuildOptions,
    speech: Speech,
    only: tuple[str, ...],
    forward: bool,
    destroy: bool,
    expires: float | None,
    no_secrets: bool,
    detailed_exitcode: bool,
) -> int:
    """Show what apply would do to each target, and why. Nothing is changed.

    The plan is made from the live state: what is listed is exactly what apply
    would send. The same file and the same cloud give the same bytes.

    With --out FILE.fcplan the plan is saved: `fcdeploy apply FILE.fcplan`
    applies exactly that, once, or refuses.
    """
    from fcdeploy import app
    from fcdeploy.cli.documents import plan_document
    from fcdeploy.cli.views import plans_code

    saving = _saving(speech, expires)
    wishes = replace(wishes, only=only, forward=forward)
    building = builds.building(speech)
    if no_secrets:
        if saving is not None:
            raise UsageError("a plan without secrets cannot be saved", hint="leave out --no-secrets")
        if building is not None:
            raise UsageError("--build and --no-secrets exclude each other", hint="run `fcdeploy build` before")
        where = replace(where, secrets=False)
    if building is not None and destroy:
        raise UsageError("--build has nothing to do for a plan that destroys", hint="leave it out")
    report = watched_to_its_end(app.plan(where, wishes, destroy=destroy, saving=saving, building=building))
    _write_problems(report, speech)
    if speech.is_document:
        speech.write_data(plan_document(report, speech.form, where, destroy=destroy))
    else:
        speech.write_data(_plan_text(report, speech, destroy=destroy, digest=True))
    speech.write_reports(lambda form: plan_document(report, form, where, destroy=destroy))
    if saving is not None:
        _tell_saved(report, speech, saving, where)
    return plans_code(report, pending_counts=detailed_exitcode)


@click.command("apply", cls=Command)
@asks(JUDGED, WISHES, BUILD, RUN, speaking("markdown", "html"))
@ONLY_OPTION
@FORWARD_OPTION
@_REQUIRE_OPTION
@YES_OPTION
@click.argument("plan_file", metavar="[FILE.fcplan]", required=False)
def apply(
    where: Where,
    wishes: Wishes,
    builds: BuildOptions,
    run: RunOptions,
    speech: Speech,
    plan_file: str | None,
    only: tuple[str, ...],
    forward: bool,
    require_plan_digest: str | None,
    yes: bool,
) -> int:
    """Make the cloud as the file says.

    Shows the plan, asks, and carries it out: every write is guarded against
    other writers, and when a step fails, what was done is taken back.

    With FILE.fcplan, which `fcdeploy plan --out` saved, exactly that plan is
    applied, once, or refused with exit code 5: it is expired, used, changed, of
    another place, or something that it touches is no longer as it was. The
    spec still says where secrets come from; code is taken from the plan.
    """
    from fcdeploy import app

    wishes = replace(wishes, only=only, forward=forward)
    required = app.read_required(require_plan_digest) if require_plan_digest is not None else None
    building = builds.building(speech)
    if plan_file is None:
        return _carry_out(where, wishes, run, speech, yes=yes, destroy=False, required=required, building=building)
    if building is not None:
        raise UsageError("what was built is a part of a saved plan", hint="give --build to `fcdeploy plan`")
    if wishes != app.Wishes():
        raise UsageError(
            "what is adopted, narrowed or allowed is a part of a saved plan",
            hint="give --adopt, --only, --forward and --allow-unsafe to `fcdeploy plan`",
        )
    file = app.read_plan_file(Path(plan_file))
    return _carry_out(where, wishes, run, speech, yes=yes, destroy=file.plans.destroy, required=required, file=file)


@click.command("destroy", cls=Command)
@asks(JUDGED, WISHES, RUN, speaking("markdown", "html"))
@_REQUIRE_OPTION
@YES_OPTION
def destroy(
    where: Where, wishes: Wishes, run: RunOptions, speech: Speech, require_plan_digest: str | None, yes: bool
) -> int:
    """Delete everything that the project owns in the chosen targets.

    What is marked `protect: true` stops it. Resources of other projects are
    not touched, whatever their names are.
    """
    from fcdeploy import app

    required = app.read_required(require_plan_digest) if require_plan_digest is not None else None
    return _carry_out(where, wishes, run, speech, yes=yes, destroy=True, required=required)


def _carry_out(
    where: Where,
    wishes: Wishes,
    run: RunOptions,
    speech: Speech,
    *,
    yes: bool,
    destroy: bool,
    required: Required | None = None,
    file: PlanFile | None = None,
    building: Building | None = None,
) -> int:
    from fcdeploy import app
    from fcdeploy.cli.documents import outcome_document
    from fcdeploy.cli.views import outcome_views, outcomes_code, outputs_views, plans_code, plans_view
    from fcdeploy.render.outcome import outcomes_text
    from fcdeploy.render.outputs import outputs_text

    command = "destroy" if destroy else "apply"
    require_consent(command, speech, where, yes=yes)
    with watched(speech, where, takes_back=run["on_failure"] == "rollback") as over:
        question = Question(command, speech, over, yes=yes)
        manner = over.manner(**run)
        report = over.signals.finished(
            app.apply(where, wishes, manner, confirm=question, destroy=destroy, required=required, building=building)
            if file is None
            else app.apply_saved(where, file, manner, confirm=question, required=required)
        )
    if not question.asked:
        question.show(report.plans)
    own_flags = {one.target.project: flags_of(one.where) for one in report.plans.results if one.where is not None}
    views = outcome_views(report.outcomes, report.plans, flags=flags_of(where), own_flags=own_flags)
    code = gravest((plans_code(report.plans, pending_counts=False), outcomes_code(views)))
    if question.declined or (over.stop.requested and not views):
        code = FAILED
    given = outputs_views(report.outputs)

    def document(form: str) -> str:
        return outcome_document(report.plans, views, given, form, where, destroy=destroy, code=code)

    if speech.is_document:
        speech.write_report(document(speech.form))
    elif views:
        plans = plans_view(report.plans, destroy=destroy, with_digest=False)
        speech.write_report("\n" + outcomes_text(views, plans=plans, ink=speech.ink))
        if told := outputs_text(given, ink=speech.ink):
            speech.write_report("\n" + told)
    speech.write_reports(document, ended=True)
    for one in given:
        speech.write_findings(one.problems)
    if question.declined:
        declined(speech)
    elif over.stop.requested and not views:
        speech.write_talk("Interrupted before anything was changed.")
    return code


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
                self._over.display.expect(one.target.title, len(one.plan.steps))
        self._over.signals.work_begins()
        return True

    def show(self, report: PlanReport) -> None:
        """Problems to stderr, the plan to stdout; with a document the plan is talk, where somebody is to read it."""
        _write_problems(report, self._speech)
        destroy, digest = self._command == "destroy", self._command in ("apply", "destroy")
        if not self._speech.is_document:
            self._speech.write_data(_plan_text(report, self._speech, destroy=destroy, digest=digest))
        elif not self._yes:
            self._speech.write_talk(_plan_text(report, self._speech, destroy=destroy, digest=digest, talk=True))

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
    found = [(one.target.title, to_findings(one.problem)) for one in report.results if one.problem is not None]
    if len(report.results) == 1:
        speech.write_findings(problem for _, some in found for problem in some)
    elif found:
        from fcdeploy.render.folding import shared_findings

        speech.write_findings(shared_findings(found, [one.target.title for one in report.results]))


def _saving(speech: Speech, expires: float | None) -> Saving | None:
    """Where the plan is to be saved, if it is; stdout then gets what it would get without."""
    if speech.out is None and expires is None:
        return None
    from fcdeploy.app.saving import EXPIRES, SUFFIX, Saving

    if speech.out is None or speech.out.suffix != SUFFIX:
        if expires is not None:
            raise UsageError("--expires is about a saved plan", hint=f"add --out FILE{SUFFIX}")
        return None
    path, speech.out = speech.out, None
    return Saving(path=path, expires=EXPIRES if expires is None else expires)


def _tell_saved(report: PlanReport, speech: Speech, saving: Saving, where: Where) -> None:
    from fcdeploy.render.words import command_line

    if all(one.can_apply for one in report.results):
        line = command_line("apply", (str(saving.path), *flags_of(where)))
        speech.write_talk(f"Saved. To apply exactly this plan:\n  {line}")
    else:
        speech.write_talk(f"Not saved in {saving.path}: there is no plan to apply for every target.")


def _plan_text(report: PlanReport, speech: Speech, *, destroy: bool, digest: bool, talk: bool = False) -> str:
    from fcdeploy.cli.speech import read_sources
    from fcdeploy.cli.views import plans_view
    from fcdeploy.render.text import plans_text

    warnings = [found for one in report.results if one.plan is not None for found in one.plan.warnings]
    return plans_text(
        plans_view(report, destroy=destroy, with_digest=digest),
        ink=speech.talk_ink if talk else speech.ink,
        sources=read_sources(warnings),
    )
