"""drift, status, graph: what is there, and how it hangs together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from fcdeploy.cli.commands import Command, option
from fcdeploy.cli.exits import DONE, error_code, gravest
from fcdeploy.cli.options import EVERYWHERE, FILE, NO_SECRETS_OPTION, SPEECH, asks, speaking
from fcdeploy.cli.speech import Speech

if TYPE_CHECKING:
    from fcdeploy.app import Where


@click.command("drift", cls=Command)
@asks(EVERYWHERE, speaking("markdown"))
@NO_SECRETS_OPTION
def drift(where: Where, speech: Speech, no_secrets: bool) -> int:
    """Show where live differs from the file, and who moved. Nothing is written.

    What a past run from here left is compared with both: if live is no longer
    like that, live moved; if the file is not, the file moved.

    Exits with 2 when anything differs and with 0 when nothing does.
    """
    import asyncio

    from fcdeploy import app
    from fcdeploy.cli.documents import drift_document
    from fcdeploy.cli.speech import read_sources
    from fcdeploy.cli.views import drifts_code, drifts_view
    from fcdeploy.render.drift import drifts_text

    report = asyncio.run(app.drift(replace(where, secrets=not no_secrets)))
    view = drifts_view(report)
    speech.write_findings((*report.diagnostics, *(found for one in view.drifts for found in one.problems)))
    if speech.is_document:
        speech.write_data(drift_document(view, speech.form))
    else:
        sources = read_sources(found for one in view.drifts for found in one.warnings)
        speech.write_data(drifts_text(view, ink=speech.ink, sources=sources))
    speech.write_reports(lambda form: drift_document(view, form))
    return drifts_code(report)


@click.command("graph", cls=Command)
@asks(FILE)
@option(
    "--format",
    "form",
    metavar="dot|mermaid|html",
    type=click.Choice(["dot", "mermaid", "html"]),
    default="dot",
    section="Output",
    help="dot for Graphviz (without it: this one), mermaid for forges and wikis, html for a browser.",
)
@option("--out", metavar="FILE", default=None, section="Output", help="Write to this file what stdout would get.")
@click.pass_context
def graph(ctx: click.Context, where: Where, form: str, out: str | None) -> int:
    """Draw what the file asks for: which resource stands in or names which.

    No cloud is asked and no credentials are needed. The page is one file that
    loads nothing; a click on a resource shows its neighbours alone.
    """
    from fcdeploy import app
    from fcdeploy.cli.views import graph_view
    from fcdeploy.render.graph import dot_text, mermaid_text
    from fcdeploy.render.page import page_text

    speech = Speech(session=ctx.obj, out=Path(out) if out else None)
    report = app.graph(where)
    speech.write_findings(report.diagnostics)
    drawn = {"dot": dot_text, "mermaid": mermaid_text, "html": page_text}[form]
    speech.write_data(drawn(graph_view([report])))
    return DONE


@click.command("status", cls=Command)
@asks(EVERYWHERE, SPEECH)
def status(where: Where, speech: Speech) -> int:
    """Show what the project has deployed, and whether a run is open."""
    import asyncio

    from fcdeploy import app
    from fcdeploy.cli.views import status_views
    from fcdeploy.render.json import document_text, statuses_list
    from fcdeploy.render.status import statuses_text

    found = asyncio.run(app.status(where))
    views = status_views(found)
    for one in views:
        speech.write_findings(one.problems)
    if speech.json:
        speech.write_data(document_text("status", {"targets": statuses_list(views)}))
    else:
        speech.write_data(statuses_text(views, ink=speech.ink))
    return gravest([error_code(one.problem) for one in found if one.problem is not None])
