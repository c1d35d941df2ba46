"""init, render: what writes or shows a spec and asks no cloud."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fcdeploy.cli.commands import Command, option
from fcdeploy.cli.exits import DONE, FAILED
from fcdeploy.cli.options import FILE, asks
from fcdeploy.cli.speech import Speech

if TYPE_CHECKING:
    from fcdeploy.app import Where


@click.command("init", cls=Command)
@click.argument("folder", metavar="[FOLDER]", default=".", required=False)
@option("--name", metavar="NAME", default=None, help="The project's name. Without it: the folder's.")
@option("--region", metavar="REGION", default="cn-hangzhou", help="Where it goes. Without it: cn-hangzhou.")
@click.pass_context
def init(ctx: click.Context, folder: str, name: str | None, region: str) -> int:
    """Write a first project into FOLDER, or here: a spec, a function, a schema.

    It works at once on the emulator inside this program. Nothing is asked and
    nothing is overwritten.
    """
    import shlex

    from fcdeploy import app
    from fcdeploy.render.words import clean

    speech = Speech(session=ctx.obj)
    done = app.write_first_project(Path(folder), name=name, region=region)
    lines = [f"{clean(str(done.folder / one))}" for one in done.files]
    flags = "" if done.folder == Path(".") else f" -f {shlex.quote(str(done.folder))}"
    steps = "".join(f"  {clean(f'fcdeploy {command} --local{flags}')}\n" for command in ("plan", "apply"))
    wrote = "\n".join(f"  {line}" for line in lines)
    speech.write_data(f"Project {clean(done.project)}:\n{wrote}\n\nNext, without an account:\n{steps}")
    return DONE


@click.command("render", cls=Command)
@asks(FILE)
@option("--origins", is_flag=True, section="Output", help="Say of each line in which file and line it was written.")
@option(
    "--format",
    "form",
    metavar="yaml|json",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    section="Output",
    help="What stdout gets. Without it: yaml.",
)
@option("--out", metavar="FILE", default=None, section="Output", help="Write to this file what stdout would get.")
@click.pass_context
def render(ctx: click.Context, where: Where, origins: bool, form: str, out: str | None) -> int:
    """Show what the file comes to in each target: one spec without templates.

    Variables, when, foreach, patch, include and defaults have done their work.
    Secrets stay references. Each document is a spec of its own and can be
    planned. No cloud is asked; secrets are read, since templates may use them.
    """
    from fcdeploy import app
    from fcdeploy.diagnostics import has_errors
    from fcdeploy.render.findings import tally
    from fcdeploy.render.json import document_text, findings_list
    from fcdeploy.render.words import clean
    from fcdeploy.spec.dump import to_yaml
    from fcdeploy.spec.written import as_json, with_notes

    speech = Speech(session=ctx.obj, out=Path(out) if out else None)
    report = app.rendered_specs(where)
    speech.write_findings(report.diagnostics)
    if form == "json":
        targets = [
            {
                "target": one.target.name,
                "spec": as_json(one.spec.tree),
                **({"origins": one.spec.origins} if origins else {}),
            }
            for one in report.results
        ]
        content = {"project": report.project, "targets": targets, "diagnostics": findings_list(report.diagnostics)}
        speech.write_data(document_text("render", content))
    else:
        texts = (
            to_yaml(with_notes(one.spec.tree, one.spec.origins) if origins else one.spec.tree) for one in report.results
        )
        speech.write_data("---\n".join(texts))
    if has_errors(report.diagnostics):
        speech.write_talk(f"\n{clean(str(where.spec))} is not valid: {tally(report.diagnostics)}")
        return FAILED
    return DONE
