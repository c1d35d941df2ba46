"""The options that commands share, gathered into the values that the app takes.

A command says which bundles it asks for; each bundle becomes one argument of it: `where`, `wishes`, `speech`, `run`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import click
from msgspec import Struct

from fcdeploy.cli.commands import GENERAL, compose, option
from fcdeploy.cli.speech import Session, Speech
from fcdeploy.cli.values import Days, Duration, Pair, Report, Whole

if TYPE_CHECKING:
    from fcdeploy.app import Where, Wishes

DEFAULT_FILE = "fcdeploy.yaml"
DEFAULT_PARALLELISM = 128

_WHAT, _CLOUD, _OUTPUT, _OWNERSHIP, _RUN = "What", "Which cloud", "Output", "Ownership and safety", "The run"
_JOURNAL = "Journal"


class RunOptions(TypedDict, total=False):
    """How a run is carried out, by the names that the app gives it; times in seconds."""

    on_failure: str
    recover: str | None
    lock_timeout: float
    grace: float | None
    keep_undo: float
    wait: float | None


class Bundle(Struct, frozen=True, kw_only=True):
    """Options that belong together: the argument that they become, and how."""

    argument: str
    options: tuple[Callable[[Any], Any], ...]
    names: tuple[str, ...]
    build: Callable[[Session, Mapping[str, Any]], Any]


def asks(*bundles: Bundle) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of the bundles, and the bundles' values as its arguments."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(**given: Any) -> Any:
            session = click.get_current_context().obj
            gathered: dict[str, Any] = {}
            for bundle in bundles:
                gathered[bundle.argument] = bundle.build(session, {name: given.pop(name) for name in bundle.names})
            return function(**gathered, **given)

        return compose(call, [one for bundle in bundles for one in bundle.options])

    return decorate


def _where(session: Session, given: Mapping[str, Any]) -> Where:
    from fcdeploy.app import Where
    from fcdeploy.errors import UsageError

    if given.get("local") and given.get("endpoint"):
        raise UsageError("--local and --endpoint exclude each other", hint="--local starts an emulator of its own")
    if given.get("journal"):
        from fcdeploy.engine.postgres_url import postgres_url

        postgres_url(given["journal"])
    return Where(
        spec=Path(given["file"][0]),
        more=tuple(map(Path, given["file"][1:])),
        target=given["target"],
        variables=dict(given["variables"]),
        var_files=tuple(Path(name) for name in given["var_files"]),
        local=given.get("local", False),
        endpoint=given.get("endpoint"),
        journal=given.get("journal"),
        parallelism=given.get("parallelism", DEFAULT_PARALLELISM),
        policies=tuple(Path(name) for name in given.get("policies", ())),
        environ=session.environ,
    )


def flags_of(where: Where, *, target: bool = False) -> tuple[str, ...]:
    """The words that lead another command to the same file and cloud; those that say what is the case anyway are left
    out, and so are a password and, unless asked for, the choice of targets.
    """
    return (
        *(word for path in _specs(where) for word in ("-f", str(path))),
        *(word for name, value in where.variables.items() for word in ("--var", f"{name}={value}")),
        *(word for path in where.var_files for word in ("--var-file", str(path))),
        *(word for path in where.policies for word in ("--policy", str(path))),
        *(("--local",) if where.local else ()),
        *(("--endpoint", where.endpoint) if where.endpoint else ()),
        *(("--journal", _shown(where.journal)) if where.journal else ()),
        *(("--target", where.target) if target and where.target is not None else ()),
    )


def _specs(where: Where) -> tuple[Path, ...]:
    """The files that must be named."""
    return (where.spec, *where.more) if where.more or where.spec != Path(DEFAULT_FILE) else ()


def _shown(journal: str) -> str:
    from fcdeploy.engine.postgres_url import shown_url

    return shown_url(journal)


def _wishes(_: Session, given: Mapping[str, Any]) -> Wishes:
    from fcdeploy.app import Wishes

    return Wishes(**given)


def _speech(session: Session, given: Mapping[str, Any]) -> Speech:
    out = Path(given["out"]) if given["out"] else None
    reports = tuple((form, Path(name)) for form, name in given.get("reports", ()))
    session.speech = Speech(session=session, form=given["format"], command=_command_name(), out=out, reports=reports)
    return session.speech


def _command_name() -> str:
    return click.get_current_context().info_name or ""


def _note_verbosity(ctx: click.Context, _: click.Parameter, count: int) -> None:
    if isinstance(ctx.obj, Session):
        ctx.obj.verbosity = count


def _note_no_color(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if isinstance(ctx.obj, Session):
        ctx.obj.no_color = wanted


def _file_option(help_text: str) -> Callable[[Any], Any]:
    """Given more than once it is refused where one file is taken: the last would win in silence."""
    return option("-f", "--file", metavar="FILE|DIR", multiple=True, default=(DEFAULT_FILE,), section=_WHAT,
                  help=help_text)  # fmt: skip


_FILE_OPTIONS = (
    _file_option("The spec, or the folder that it is in. Without it: fcdeploy.yaml here, or fcdeploy.yaml.j2."),
    option("--target", metavar="GLOB", default=None, section=_WHAT,
           help="Only the targets whose name matches, such as 'prod/*'; '*' is all. To change anything, needed "
                "where the file has several and no defaultTarget."),
    option("--var", "variables", metavar="NAME=VALUE", multiple=True, type=Pair("=", "NAME=VALUE"), section=_WHAT,
           help="Set a variable of the file; beats every other place. Repeatable."),
    option("--var-file", "var_files", metavar="FILE", multiple=True, section=_WHAT,
           help="A YAML file of variables; beats the spec. Repeatable."),
)  # fmt: skip

_POLICY_OPTION = option(
    "--policy", "policies", metavar="FILE", multiple=True, section=_WHAT,
    help="A YAML file of policies that hold besides those of the file, and beat what it says of them. Repeatable.",
)  # fmt: skip

_FILES_OPTIONS = (
    _file_option("The spec, or the folder that it is in. Without it: fcdeploy.yaml here, or fcdeploy.yaml.j2. "
                 "Repeatable: several projects in one run."),
    *_FILE_OPTIONS[1:],
)  # fmt: skip

_CLOUD_OPTIONS = (
    option("--local", is_flag=True, section=_CLOUD,
           help="Use the emulator inside this program; needs no credentials."),
    option("--endpoint", metavar="URL", default=None, section=_CLOUD,
           help="Send everything to this address, such as an emulator's."),
    option("--parallelism", metavar="N", type=Whole(1, 512), default=DEFAULT_PARALLELISM, section=_CLOUD,
           help=f"Requests in flight at most. Without it: {DEFAULT_PARALLELISM}; fewer when throttled."),
)  # fmt: skip

_JOURNAL_OPTION = option(
    "--journal", metavar="URL", default=None, section=_JOURNAL,
    help="Keep runs, leases and undo in this PostgreSQL database, for a team; postgresql://USER@HOST/DATABASE. Without "
         "it: what FCDEPLOY_JOURNAL says, else the state folder. Give the password in PGPASSWORD, not here.",
)  # fmt: skip

_SPEECH_OPTIONS = (
    option("--out", metavar="FILE", default=None, section=_OUTPUT,
           help="Write to this file what stdout would get."),
    option("--no-color", is_flag=True, is_eager=True, expose_value=False, callback=_note_no_color, section=_OUTPUT,
           help="No colour on a terminal either; NO_COLOR does the same."),
    option("-v", "--verbose", count=True, is_eager=True, expose_value=False, callback=_note_verbosity, section=_OUTPUT,
           help="Show the traceback if fcdeploy itself breaks."),
)  # fmt: skip

_SAVING_OPTION = option(
    "--out", metavar="FILE", default=None, section=_OUTPUT,
    help="Write to this file what stdout would get. A name that ends in .fcplan saves the plan itself there, for "
         "`fcdeploy apply FILE`, and stdout gets what it would get.",
)  # fmt: skip

_WISH_OPTIONS = (
    option("--adopt", metavar="GLOB", multiple=True, section=_OWNERSHIP,
           help="Take over matching resources that exist unmarked, as long as nothing in them is lost. Repeatable."),
    option("--adopt-over", metavar="GLOB", multiple=True, section=_OWNERSHIP,
           help="The same, and accept what is deleted or reset. Repeatable."),
    option("--adopt-from", metavar="PROJECT/TARGET", multiple=True, section=_OWNERSHIP,
           help="Take over what another project or target owns. Repeatable."),
    option("--allow-unsafe", is_flag=True, section=_OWNERSHIP,
           help="Allow the deletes that are refused for their number or weight."),
)  # fmt: skip

ONLY_OPTION = option(
    "--only", metavar="GLOB", multiple=True, section=_WHAT,
    help="Only the resources whose address matches, such as 'images/resize' or 'trigger:*', and what they need; "
         "nothing is deleted. Repeatable.",
)  # fmt: skip

FORWARD_OPTION = option(
    "--forward", is_flag=True, section=_OWNERSHIP,
    help="Let aliases move on that `fcdeploy rollback --alias` moved back and pinned.",
)  # fmt: skip

_RECOVER_OPTION = option(
    "--recover", metavar="HOW", type=click.Choice(["resume", "rollback", "abandon"]), default=None, section=_RUN,
    help="What to do first with a run that has not ended: resume, rollback or abandon.",
)  # fmt: skip

GRACE_OPTION = option(
    "--grace", metavar="TIME", type=Duration(), default=None, section=_RUN,
    help="After Ctrl-C, how long the run may take to end in order, such as 60s. Without it: as long as it needs.",
)  # fmt: skip

LOCK_OPTION = option(
    "--lock-timeout", metavar="TIME", type=Duration(), default="0s", section=_RUN,
    help="Wait so long for another process on the same target, such as 5m. Without it: not at all.",
)  # fmt: skip

NO_SECRETS_OPTION = option(
    "--no-secrets", is_flag=True, section=_WHAT,
    help="Read no secret: what holds one is shown as (unknown) and not compared.",
)  # fmt: skip

YES_OPTION = option("--yes", is_flag=True, section=GENERAL, help="Ask nothing; needed where there is no terminal.")

_RUN_OPTIONS = (
    option("--on-failure", metavar="HOW", type=click.Choice(["rollback", "stop", "continue"]), default="rollback",
           section=_RUN, help="rollback (the default), stop and leave what was done, or continue with the rest."),
    _RECOVER_OPTION,
    LOCK_OPTION,
    GRACE_OPTION,
    option("--wait", is_flag=True, section=_RUN,
           help="Wait until provisioned instances are ready, or gone: after each config that changes, and before an "
                "alias moves or goes that one hangs on."),
    option("--wait-timeout", metavar="TIME", type=Duration(), default="10m", section=_RUN,
           help="With --wait, how long for one config, such as 600s; then the step has failed. Without it: 10m."),
    option("--keep-undo", metavar="DAYS", type=Days(), default="14", section=_RUN,
           help="How long ended runs can be taken back; drops what was kept for older ones. Without it: 14."),
)  # fmt: skip


def _run(_: Session, given: Mapping[str, Any]) -> RunOptions:
    return RunOptions(
        on_failure=given["on_failure"],
        recover=given["recover"],
        lock_timeout=given["lock_timeout"],
        grace=given["grace"],
        keep_undo=given["keep_undo"],
        wait=given["wait_timeout"] if given["wait"] else None,
    )


def speaking(*forms: str, saves: bool = False) -> Bundle:
    """The options for what stdout gets, of a command that knows these forms besides text and JSON.

    `saves`: and that saves what it shows in a file that is named so.
    """
    every = ["text", "json", *forms]
    form = option(
        "--format", metavar="FORM" if forms else "text|json", type=click.Choice(every), default="text", section=_OUTPUT,
        help=f"What stdout gets{': ' + ', '.join(every[:-1]) + ' or ' + every[-1] if forms else ''}. "
             "Without it: text.",
    )  # fmt: skip
    out = _SAVING_OPTION if saves else _SPEECH_OPTIONS[0]
    if not forms:
        return Bundle(
            argument="speech", options=(form, out, *_SPEECH_OPTIONS[1:]), names=("format", "out"), build=_speech
        )
    report = option(
        "--report", "reports", metavar="FORM=FILE", multiple=True, type=Report(tuple(every[1:])), section=_OUTPUT,
        help="Write the same to this file as well, in this form. Repeatable.",
    )  # fmt: skip
    return Bundle(
        argument="speech",
        options=(form, out, report, *_SPEECH_OPTIONS[1:]),
        names=("format", "out", "reports"),
        build=_speech,
    )


SPEECH = speaking()
FILE = Bundle(
    argument="where",
    options=_FILE_OPTIONS,
    names=("file", "target", "variables", "var_files"),
    build=_where,
)
JUDGED_FILE = Bundle(
    argument="where",
    options=(*_FILES_OPTIONS, _POLICY_OPTION),
    names=(*FILE.names, "policies"),
    build=_where,
)
PLACE = Bundle(
    argument="where",
    options=(*_FILE_OPTIONS, *_CLOUD_OPTIONS[:2], _JOURNAL_OPTION),
    names=(*FILE.names, "local", "endpoint", "journal"),
    build=_where,
)
CLOUD = Bundle(
    argument="where",
    options=(*_FILE_OPTIONS, *_CLOUD_OPTIONS),
    names=(*FILE.names, "local", "endpoint", "parallelism"),
    build=_where,
)
WHERE = Bundle(
    argument="where",
    options=(*CLOUD.options, _JOURNAL_OPTION),
    names=(*CLOUD.names, "journal"),
    build=_where,
)
EVERY_CLOUD = Bundle(argument="where", options=(*_FILES_OPTIONS, *_CLOUD_OPTIONS), names=CLOUD.names, build=_where)
EVERYWHERE = Bundle(argument="where", options=(*EVERY_CLOUD.options, _JOURNAL_OPTION), names=WHERE.names, build=_where)
JUDGED = Bundle(
    argument="where",
    options=(*_FILES_OPTIONS, _POLICY_OPTION, *_CLOUD_OPTIONS, _JOURNAL_OPTION),
    names=(*WHERE.names, "policies"),
    build=_where,
)
WISHES = Bundle(
    argument="wishes",
    options=_WISH_OPTIONS,
    names=("adopt", "adopt_over", "adopt_from", "allow_unsafe"),
    build=_wishes,
)
RUN = Bundle(
    argument="run",
    options=_RUN_OPTIONS,
    names=("on_failure", "recover", "lock_timeout", "grace", "keep_undo", "wait", "wait_timeout"),
    build=_run,
)
