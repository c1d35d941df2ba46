"""import: a file of what is live already."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fcdeploy.cli.commands import Command, option
from fcdeploy.cli.exits import ATTENTION, DONE
from fcdeploy.cli.options import DEFAULT_FILE, DEFAULT_PARALLELISM
from fcdeploy.cli.speech import Session, Speech
from fcdeploy.cli.values import Whole

if TYPE_CHECKING:
    from fcdeploy.app.importing import Imported

_NEW, _CLOUD, _FILE = "The new file", "Which cloud", "Or as an existing file says"


@click.command("import", cls=Command)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@option(
    "--out",
    metavar="DIR",
    required=True,
    section=_NEW,
    help="Write fcdeploy.yaml into this folder, which must be new or empty.",
)
@option(
    "--with-code", is_flag=True, section=_NEW, help="Download the code, too: a folder a function, src/SERVICE/FUNCTION."
)
@option(
    "--project", metavar="NAME", default=None, section=_NEW, help="The project's name. Without it: that of the folder."
)
@option(
    "--secrets-out",
    metavar="FILE",
    default=None,
    section=_NEW,
    help="Write the values that look like secrets into this new file, readable by you alone.",
)
@option("--force", is_flag=True, section=_NEW, help="Write into a folder that is not empty.")
@option(
    "--provider",
    metavar="CLOUD",
    type=click.Choice(["alibaba", "huawei"]),
    default=None,
    section=_CLOUD,
    help="alibaba or huawei. Without it: the first.",
)
@option("--region", metavar="REGION", default=None, section=_CLOUD, help="The region, such as cn-hangzhou.")
@option(
    "--account",
    metavar="ID",
    default=None,
    section=_CLOUD,
    help="The account, or of huawei the project. Without it: that of the credentials.",
)
@option(
    "--api",
    metavar="VERSION",
    type=click.Choice(["2021-04-06", "2016-08-15", "v2"]),
    default=None,
    section=_CLOUD,
    help="2021-04-06 or 2016-08-15, of huawei v2. Without it: the first.",
)
@option(
    "--profile",
    metavar="NAME",
    default=None,
    section=_CLOUD,
    help="A profile of the aliyun CLI. Without it: the environment, or its current profile.",
)
@option("--local", is_flag=True, section=_CLOUD, help="Read the emulator inside this program.")
@option(
    "--endpoint",
    metavar="URL",
    default=None,
    section=_CLOUD,
    help="Send everything to this address, such as an emulator's.",
)
@option(
    "--parallelism",
    metavar="N",
    type=Whole(1, 512),
    default=DEFAULT_PARALLELISM,
    section=_CLOUD,
    help=f"Requests in flight at most. Without it: {DEFAULT_PARALLELISM}.",
)
@option(
    "-f",
    "--file",
    metavar="FILE|DIR",
    default=None,
    section=_FILE,
    help="Take account, region and credentials from a target of this file.",
)
@option("--target", metavar="NAME", default=None, section=_FILE, help="Which target, where the file has several.")
@click.pass_context
def import_(
    ctx: click.Context,
    names: tuple[str, ...],
    out: str,
    secrets_out: str | None,
    file: str | None,
    target: str | None,
    local: bool,
    endpoint: str | None,
    parallelism: int,
    provider: str | None,
    region: str | None,
    account: str | None,
    api: str | None,
    profile: str | None,
    project: str | None,
    with_code: bool,
    force: bool,
) -> int:
    """Write a file of what is live already.

    NAME is a service or a pattern such as 'web-*'; SERVICE/FUNCTION takes
    single functions out of a service that stays somebody else's. Without a
    name: every service that no project owns. Where the cloud has no services,
    NAME is a function, and becomes one of a service in the file. Nothing live
    is changed.

    What looks like a secret is not written: the file names a variable for it,
    and the report lists them.
    """
    import asyncio

    from fcdeploy.app import Where
    from fcdeploy.app.importing import Asked, import_live
    from fcdeploy.errors import UsageError

    session = ctx.obj
    assert isinstance(session, Session)
    speech = session.speech = Speech(session=session)
    if local and endpoint:
        raise UsageError("--local and --endpoint exclude each other", hint="--local starts an emulator of its own")
    made_up = {"--provider": provider, "--region": region, "--account": account, "--api": api, "--profile": profile}
    given = [name for name, value in made_up.items() if value is not None]
    if (file or target) and given:
        raise UsageError(f"{given[0]} and a target of a file exclude each other", hint="give the one or the other")
    where = Where(
        spec=Path(file or DEFAULT_FILE),
        target=target,
        local=local,
        endpoint=endpoint,
        parallelism=parallelism,
        environ=session.environ,
    )
    asked = Asked(
        names=names,
        out=Path(out),
        from_file=bool(file or target),
        provider=provider,
        region=region,
        account=account,
        api=api,
        profile=profile,
        project=project,
        with_code=with_code,
        secrets_out=Path(secrets_out) if secrets_out else None,
        force=force,
    )
    done = asyncio.run(import_live(where, asked))
    flags = (*(("--local",) if local else ()), *(("--endpoint", endpoint) if endpoint else ()))
    _report(done, speech, flags, with_code=with_code)
    return DONE if done.is_whole else ATTENTION


def _report(done: Imported, speech: Speech, flags: tuple[str, ...], *, with_code: bool) -> None:
    """Say what was written and what is left to do; the file itself is the product."""
    from fcdeploy.render.words import clean, command_line, counted

    speech.write_findings(done.findings)
    parts = ", ".join(counted(number, _in_a_sentence(title)) for title, number in done.counts.items())
    lines = [f"{clean(str(done.file))}: {parts}"]
    if done.secrets:
        lines += ["", "Kept out of the file, and read from these variables by every command:"]
        lines += [f"  {one.name}" + ("" if one.known else "  (the service never tells it)") for one in done.secrets]
        if done.secrets_out is not None:
            name = str(done.secrets_out)
            # Without a slash a shell looks for it on its path.
            place = shlex.quote(name if "/" in name else f"./{name}")
            lines += ["Their values:", clean(f"set -a; . {place}; set +a")]
    if not with_code:
        lines += ["", "The code is not there: fill the folders under `code:`, or import again with --with-code."]
    if done.is_whole:
        look = command_line("plan", ("-f", str(done.file.parent), *done.adopt, *flags))
        lines += ["", "Nothing is taken over yet. What taking over writes is marks, and nothing else:", look]
    speech.write_talk("\n".join(lines))


def _in_a_sentence(title: str) -> str:
    """A kind's title where no sentence begins: `custom domain`, `VPC binding`."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]
