"""validate, schema: what needs no cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fcdeploy.cli.commands import Command, option
from fcdeploy.cli.exits import DONE, FAILED
from fcdeploy.cli.options import JUDGED_FILE, asks, speaking
from fcdeploy.cli.speech import Speech
from fcdeploy.errors import SpecError

if TYPE_CHECKING:
    from fcdeploy.app import Where


@click.command("validate", cls=Command)
@asks(JUDGED_FILE, speaking("junit", "sarif"))
@option(
    "--explain-portability",
    is_flag=True,
    help="Also list what differs between the targets: in fields, and in what each cloud makes of the same word.",
)
def validate(where: Where, speech: Speech, explain_portability: bool) -> int:
    """Check the file: its form, its templates, its names, every target.

    No cloud is asked and no credentials are needed. All problems are shown at
    once, with their place in the file.
    """
    from fcdeploy import app
    from fcdeploy.cli.documents import validation_document
    from fcdeploy.render.findings import tally
    from fcdeploy.render.words import clean, counted

    try:
        valid = app.validate(where, portability=explain_portability)
    except SpecError as error:
        diagnostics = error.diagnostics
        if speech.is_document:
            speech.write_data(validation_document(diagnostics, (), speech.form, where))
        else:
            speech.write_error(error)
            name = str(where.spec) if not where.more else "what was given"
            speech.write_talk(f"\n{clean(name)} is not valid: {tally(diagnostics)}")
        speech.write_reports(lambda form: validation_document(diagnostics, (), form, where))
        return FAILED
    found = [one for each in valid for one in each.diagnostics]
    speech.write_reports(lambda form: validation_document(found, valid, form, where))
    if speech.is_document:
        speech.write_data(validation_document(found, valid, speech.form, where))
        return DONE
    speech.write_findings(found)
    for one in valid:
        size = f"{counted(len(one.targets), 'target')}, {counted(one.resources, 'resource')}"
        warned = f", {tally(one.diagnostics)}" if one.diagnostics else ""
        speech.write_data(f"{clean(str(one.file))} is valid: project {clean(one.project)}, {size}{warned}\n")
        if one.portability is not None:
            from fcdeploy.render.portability import portability_text

            speech.write_data("\n" + portability_text(one.portability))
    return DONE


@click.command("schema", cls=Command)
@option("--out", metavar="FILE", default=None, help="Write to this file what stdout would get.")
@click.pass_context
def schema(ctx: click.Context, out: str | None) -> int:
    """Print the JSON Schema of fcdeploy.yaml, for editors.

    It allows a template wherever a value or a name stands. Name it in the
    file's first line and the editor completes and checks while you write:

    \b
      # yaml-language-server: $schema=fcdeploy.schema.json
    """
    import json
    from pathlib import Path

    from fcdeploy.spec.schema import editor_schema

    speech = Speech(session=ctx.obj, out=Path(out) if out else None)
    speech.write_data(json.dumps(editor_schema(), indent=2, ensure_ascii=True) + "\n")
    return DONE
