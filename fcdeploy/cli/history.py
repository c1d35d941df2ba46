"""history: the runs that were, and every call of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fcdeploy.cli.commands import Command, option
from fcdeploy.cli.exits import DONE, error_code, gravest
from fcdeploy.cli.options import PLACE, SPEECH, asks, flags_of
from fcdeploy.cli.speech import Speech
from fcdeploy.cli.values import Whole
from fcdeploy.errors import UsageError

if TYPE_CHECKING:
    from fcdeploy.app import Where

_MOST = 100_000


@click.command("history", cls=Command)
@asks(PLACE, SPEECH)
@click.argument("run", metavar="[RUN]", required=False)
@option("--limit", metavar="N", type=Whole(1, _MOST), default=None, help="Runs of each target at most. Without it: 20.")
def history(where: Where, speech: Speech, run: str | None, limit: int | None) -> int:
    """List the runs of each target, newest first; with RUN, every call of one.

    It is read from the journal in the state folder, which keeps it for ever.
    No cloud is asked and no credentials are needed; --local and --endpoint
    only go into the commands that are offered.
    """
    if run is not None and limit is not None:
        raise UsageError("RUN and --limit exclude each other", hint="a run is shown with all its calls")
    return _list(where, speech, limit) if run is None else _show(where, speech, run)


def _list(where: Where, speech: Speech, limit: int | None) -> int:
    import asyncio

    from fcdeploy import app
    from fcdeploy.cli.views import history_views
    from fcdeploy.render.history import histories_text
    from fcdeploy.render.json import document_text
    from fcdeploy.render.json_history import histories_list

    found = asyncio.run(app.history(where) if limit is None else app.history(where, limit=limit))
    views = history_views(found)
    for one in views:
        speech.write_findings(one.problems)
    if speech.json:
        speech.write_data(document_text("history", {"targets": histories_list(views)}))
    else:
        speech.write_data(histories_text(views, ink=speech.ink))
    return gravest([error_code(one.problem) for one in found if one.problem is not None])


def _show(where: Where, speech: Speech, run: str) -> int:
    import asyncio

    from fcdeploy import app
    from fcdeploy.render.history import past_run_text
    from fcdeploy.render.json import document_text
    from fcdeploy.render.json_history import past_run_content
    from fcdeploy.render.views import PastRunView

    target, found = asyncio.run(app.past_run(where, run))
    view = PastRunView(target=target, history=found, flags=flags_of(where))
    if speech.json:
        speech.write_data(document_text("run", past_run_content(view)))
    else:
        speech.write_data(past_run_text(view, ink=speech.ink))
    return DONE
