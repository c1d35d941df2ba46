"""emulator: serve the cloud's API from this machine, and say what of it is emulated."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from fcdeploy.cli.commands import SETTINGS, Command, Entry, LazyGroup, option, write_options
from fcdeploy.cli.exits import DONE
from fcdeploy.cli.speech import Session, Speech
from fcdeploy.cli.values import Duration, Pair, Whole

_DEFAULT_KEY = "local"
_SERVER, _WORLD, _KEYS, _TROUBLE = "Server", "Its cloud", "Its temporary keys", "Trouble on purpose"


class _EmulatorGroup(LazyGroup):
    """Serves when no sub-command is named."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options first: serving is what the command is for."""
        write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


@click.group(
    "emulator",
    cls=_EmulatorGroup,
    context_settings=SETTINGS,
    invoke_without_command=True,
    subcommand_metavar="[coverage]",
    entries={
        "coverage": Entry(
            place="fcdeploy.cli.emulator:coverage",
            section="Commands",
            summary="List what is emulated, operation by operation",
        )
    },
)
@option("--host", metavar="HOST", default="127.0.0.1", section=_SERVER, help="Listen here. Without it: 127.0.0.1.")
@option(
    "--port",
    metavar="PORT",
    type=Whole(0, 65535),
    default=9000,
    section=_SERVER,
    help="Listen on this port, 0 for any free one. Without it: 9000.",
)
@option("--log", metavar="FILE", default=None, section=_SERVER, help="Append one JSON object a request.")
@option(
    "--data", metavar="DIR", default=None, section=_WORLD, help="Keep everything in this folder. Without it: in memory."
)
@option("--account", metavar="ID", default=None, section=_WORLD, help="The account where a request names none.")
@option("--region", metavar="REGION", default=None, section=_WORLD, help="The region where a request names none.")
@option(
    "--access-key",
    "access_keys",
    metavar="AK:SK",
    multiple=True,
    type=Pair(":", "AK:SK"),
    section=_WORLD,
    help="Accept this access key and secret. Repeatable. Without it: local:local.",
)
@option(
    "--role",
    "roles",
    metavar="ARN",
    multiple=True,
    section=_KEYS,
    help="A RAM role that STS gives keys of. Repeatable. Without it: any role.",
)
@option(
    "--oidc-audience",
    "oidc_audiences",
    metavar="ID",
    multiple=True,
    section=_KEYS,
    help="Whom id tokens must be for. Repeatable. Without it: anybody.",
)
@option(
    "--ecs-role",
    metavar="NAME",
    default=None,
    section=_KEYS,
    help="Serve the metadata of an ECS instance that has this RAM role. Without it: of one that has none.",
)
@option("--no-signatures", is_flag=True, section=_WORLD, help="Accept every request, signed or not.")
@option(
    "--functions-per-service",
    metavar="N",
    type=Whole(1, 1_000_000),
    default=50,
    section=_WORLD,
    help="The quota of functions in a service. Without it: 50.",
)
@option(
    "--oss-root", metavar="DIR", default=None, section=_WORLD, help="A folder that stands for OSS: {bucket}/{object}."
)
@option(
    "--latency",
    metavar="TIME",
    type=Duration(),
    default="0s",
    section=_TROUBLE,
    help="Take so long for every request, such as 20ms.",
)
@option(
    "--faults",
    metavar="FILE",
    default=None,
    section=_TROUBLE,
    help="Go wrong as this file says: errors, timeouts, cut connections.",
)
@option(
    "--key-life",
    metavar="TIME",
    type=Duration(),
    default="0s",
    section=_TROUBLE,
    help="Let temporary keys end so soon, such as 5s. Without it: when they should.",
)
@option(
    "--strict-concurrency",
    is_flag=True,
    section=_TROUBLE,
    help="Refuse overlapping writes to one service: 409 ConcurrentUpdateError.",
)
@option(
    "--eventual",
    is_flag=True,
    section=_TROUBLE,
    help="Take seconds, as the service does, until roles, log projects, new services, deleted triggers and provisioned "
    "instances are what they should be.",
)
@click.pass_context
def emulator(ctx: click.Context, /, **given: Any) -> int | None:
    """Serve the cloud's API from this machine, for tests and for trying out.

    Signatures, ETags, limits and errors are as the vendor documents them; an
    unmodified SDK works against it. It ends with Ctrl-C, and what is in --data
    is there the next time.
    """  # fmt: skip
    if ctx.invoked_subcommand is not None:
        return None
    session = ctx.obj
    assert isinstance(session, Session)
    return _serve(Speech(session=session), given)


def _serve(speech: Speech, given: dict[str, Any]) -> int:
    from fcdeploy.emulator.faults import BadFaults
    from fcdeploy.emulator.server import serve
    from fcdeploy.emulator.settings import DEFAULT_ACCOUNT, DEFAULT_REGION, EVENTUAL, Delays, EmulatorSettings
    from fcdeploy.errors import UsageError

    keys = dict(given["access_keys"]) or {_DEFAULT_KEY: _DEFAULT_KEY}
    settings = EmulatorSettings(
        account=given["account"] or DEFAULT_ACCOUNT,
        region=given["region"] or DEFAULT_REGION,
        access_keys=keys,
        check_signatures=not given["no_signatures"],
        data=_path(given["data"]),
        latency=given["latency"],
        log=_path(given["log"]),
        faults=_path(given["faults"]),
        oss_root=_path(given["oss_root"]),
        strict_concurrency=given["strict_concurrency"],
        functions_per_service=given["functions_per_service"],
        roles=given["roles"],
        oidc_audiences=given["oidc_audiences"],
        ecs_role=given["ecs_role"],
        key_life=given["key_life"],
        delays=EVENTUAL if given["eventual"] else Delays(),
    )
    host, port = given["host"], given["port"]
    # The server ends in order and then raises the signal that ended it again; both are how one ends an emulator.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve(settings, host=host, port=port, on_ready=lambda url: speech.write_data(f"listening on {url}\n"))
    except KeyboardInterrupt:
        return DONE
    except BadFaults as error:
        raise UsageError(f"--faults: {error}") from error
    except OSError as error:
        raise UsageError(
            f"cannot serve on {host}:{port}: {error.strerror or error}", hint="--port 0 takes a free port"
        ) from error
    finally:
        signal.signal(signal.SIGTERM, before)
    return DONE


def _path(name: str | None) -> Path | None:
    return Path(name) if name else None


@click.command("coverage", cls=Command)
@option(
    "--format",
    "form",
    metavar="text|json",
    type=click.Choice(["text", "json"]),
    default="text",
    help="What stdout gets. Without it: text.",
)
@click.pass_context
def coverage(ctx: click.Context, form: str) -> int:
    """List every operation of the vendors' APIs and how far it is emulated."""  # fmt: skip
    from fcdeploy.emulator.coverage import coverage_rows, to_json
    from fcdeploy.render.json import document_text
    from fcdeploy.render.words import counted, folded, table

    rows = coverage_rows()
    speech = Speech(session=ctx.obj)
    if form == "json":
        speech.write_data(document_text("coverage", {"operations": [to_json(row) for row in rows]}))
        return DONE
    lines = table(
        ["OPERATION", "EXTENT", "API"],
        [(row.operation, row.extent.value, f"{row.provider} {', '.join(row.versions)}") for row in rows],
    )
    told = [lines[0]]
    for line, row in zip(lines[1:], rows, strict=True):
        told.append(line)
        told += folded(row.missing, first="    ", rest="    ") if row.missing else []
    whole = sum(not row.missing for row in rows)
    told += ["", f"{counted(len(rows), 'operation')}, {whole} of them without a gap"]
    speech.write_data("\n".join(told) + "\n")
    return DONE
