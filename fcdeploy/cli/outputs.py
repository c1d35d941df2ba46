"""outputs: what the project puts out, read live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fcdeploy.cli.commands import Command, option
from fcdeploy.cli.exits import DONE, error_code, gravest
from fcdeploy.cli.options import EVERY_CLOUD, SPEECH, asks
from fcdeploy.cli.speech import Speech
from fcdeploy.errors import FcdeployError, ReadFailed, UsageError

if TYPE_CHECKING:
    from fcdeploy.app import TargetOutputs, Where

_REVEAL = "--show-sensitive"


@click.command("outputs", cls=Command)
@asks(EVERY_CLOUD, SPEECH)
@click.argument("name", metavar="[NAME]", required=False)
@option(_REVEAL, "reveal", is_flag=True, section="Output", help="Print values that hold a secret, too.")
def outputs(where: Where, speech: Speech, name: str | None, reveal: bool) -> int:
    """Print the outputs of each target, as the cloud has them now.

    With NAME, the bare value of that one output of one target, for scripts: text
    as it is, anything else as JSON. A value that holds a secret is printed only
    when --show-sensitive asks for it.
    """
    import asyncio

    from fcdeploy import app

    report = asyncio.run(app.outputs(where))
    speech.write_findings(report.diagnostics)
    return _list(report.results, speech, reveal) if name is None else _bare(report.results, speech, name, reveal)


def _list(found: tuple[TargetOutputs, ...], speech: Speech, reveal: bool) -> int:
    from fcdeploy.cli.views import outputs_views
    from fcdeploy.render.json import document_text
    from fcdeploy.render.outputs import outputs_list, outputs_text

    views = outputs_views(found)
    for one in views:
        speech.write_findings(one.problems)
    if speech.json:
        speech.write_data(document_text("outputs", {"targets": outputs_list(views, reveal=reveal)}))
    elif any(one.values for one in views):
        speech.write_data(outputs_text(views, reveal=reveal, ink=speech.ink))
    elif not any(one.problems for one in views):
        speech.write_talk("The file names no outputs.")
    return gravest([error_code(one.problem) for one in found if one.problem is not None])


def _bare(found: tuple[TargetOutputs, ...], speech: Speech, name: str, reveal: bool) -> int:
    from fcdeploy.diagnostics import did_you_mean
    from fcdeploy.render.outputs import bare_json, bare_text, holds_secret

    if len(found) != 1:
        names = ", ".join(one.target.title for one in found)
        raise UsageError("the value of one target is asked for", hint=f"give `--target NAME`; targets are: {names}")
    (target,) = found
    if target.problem is not None:
        raise target.problem
    one = next((one for one in target.values if one.name == name), None)
    if one is None:
        known = [one.name for one in target.values]
        listed = f"outputs are: {', '.join(known)}" if known else "name it under `outputs:`"
        hint = did_you_mean(name, known) or listed
        raise UsageError(f"the file names no output {name!r}", hint=hint)
    if one.why:
        raise _not_known(name, one.why)
    if holds_secret(one.value) and not reveal:
        raise UsageError(f"the output {name!r} holds a secret", hint=f"to print it all the same, give {_REVEAL}")
    speech.write_data((bare_json if speech.json else bare_text)(one.value))
    return DONE


def _not_known(name: str, why: str) -> FcdeployError:
    return ReadFailed(f"the output {name!r} is not known", resource=name, detail=why, hint="run apply first")
