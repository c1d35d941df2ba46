"""`fcdeploy` itself: its commands, by what people come for."""

from __future__ import annotations

import click

from fcdeploy import __version__
from fcdeploy.cli.commands import Entry, LazyGroup

_START, _LOOK, _CHANGE, _RECOVER, _MORE = "Start", "Look", "Change", "Recover", "More"

ENTRIES = {
    "init": Entry(
        place="fcdeploy.cli.writing:init",
        section=_START,
        summary="Write a first project that works on the emulator",
    ),
    "validate": Entry(
        place="fcdeploy.cli.check:validate",
        section=_LOOK,
        summary="Check the file; no cloud is asked",
    ),
    "render": Entry(
        place="fcdeploy.cli.writing:render",
        section=_LOOK,
        summary="Show what the file comes to in each target",
    ),
    "plan": Entry(
        place="fcdeploy.cli.change:plan",
        section=_LOOK,
        summary="Show what apply would do, and why",
    ),
    "drift": Entry(
        place="fcdeploy.cli.look:drift",
        section=_LOOK,
        summary="Show where live differs from the file, and who moved",
    ),
    "status": Entry(
        place="fcdeploy.cli.look:status",
        section=_LOOK,
        summary="Show what is deployed and whether a run is open",
    ),
    "outputs": Entry(
        place="fcdeploy.cli.outputs:outputs",
        section=_LOOK,
        summary="Print what the project puts out, for people and scripts",
    ),
    "graph": Entry(
        place="fcdeploy.cli.look:graph",
        section=_LOOK,
        summary="Draw what the file asks for and how it hangs together",
    ),
    "build": Entry(
        place="fcdeploy.cli.building:build",
        section=_CHANGE,
        summary="Build the code of the file, for plan and apply",
    ),
    "apply": Entry(
        place="fcdeploy.cli.change:apply",
        section=_CHANGE,
        summary="Make the cloud as the file says; all of it or nothing",
    ),
    "destroy": Entry(
        place="fcdeploy.cli.change:destroy",
        section=_CHANGE,
        summary="Delete everything that the project owns",
    ),
    "history": Entry(
        place="fcdeploy.cli.history:history",
        section=_LOOK,
        summary="List the runs that were, and every call of one",
    ),
    "resume": Entry(
        place="fcdeploy.cli.runs:resume",
        section=_RECOVER,
        summary="Finish a run that was interrupted",
    ),
    "rollback": Entry(
        place="fcdeploy.cli.runs:rollback",
        section=_RECOVER,
        summary="Take a run back",
    ),
    "abandon": Entry(
        place="fcdeploy.cli.runs:abandon",
        section=_RECOVER,
        summary="Close an interrupted run and leave what it did",
    ),
    "recover": Entry(
        place="fcdeploy.cli.runs:recover",
        section=_RECOVER,
        summary="End what was interrupted, whichever way is left",
    ),
    "import": Entry(
        place="fcdeploy.cli.importing:import_",
        section=_MORE,
        summary="Write a file of what is live already, with its code",
    ),
    "schema": Entry(
        place="fcdeploy.cli.check:schema",
        section=_MORE,
        summary="Print the JSON Schema of the file, for editors",
    ),
    "emulator": Entry(
        place="fcdeploy.cli.emulator:emulator",
        section=_MORE,
        summary="Serve the cloud's API from this machine",
    ),
}

_EPILOG = """\
Options follow the command; `fcdeploy COMMAND --help` lists them.

\b
Exit codes:
   0  done, or nothing to do
   1  failed, nothing was changed
   2  changes are pending (plan --detailed-exitcode, drift)
   3  failed and rolled back completely
   4  something needs a person: leftovers, an unknown effect, an open run
   5  a saved plan is stale, used or expired, or not what was reviewed
  64  the command line cannot be obeyed
With several targets: the gravest of 4, 3, 1, 5, 2, 0.
"""


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"fcdeploy {__version__}")
        ctx.exit()


@click.pass_context
def _show_help(ctx: click.Context) -> None:
    """Without a command: the help, as an answer and not as an error."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


root = LazyGroup(
    name="fcdeploy",
    entries=ENTRIES,
    help=(
        "Deploy serverless functions from one YAML file: see what would change, apply it with every write guarded, "
        "and have it taken back when something fails."
    ),
    epilog=_EPILOG,
    subcommand_metavar="COMMAND [OPTIONS]",
    options_metavar="",
    no_args_is_help=False,
    invoke_without_command=True,
    callback=_show_help,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Print the version.",
        )
    ],
)
