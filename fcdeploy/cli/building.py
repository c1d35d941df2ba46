"""build: what the file's `code.build` names is run and kept; and the options by which plan and apply do so first."""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from fcdeploy.cli.commands import Command, option
from fcdeploy.cli.exits import DONE
from fcdeploy.cli.interrupts import Interrupts
from fcdeploy.cli.options import FILE, SPEECH, Bundle, asks
from fcdeploy.cli.speech import Session, Speech
from fcdeploy.cli.values import Duration
from fcdeploy.errors import UsageError

if TYPE_CHECKING:
    from fcdeploy.app import Building, BuildReport, Where

_SECTION = "Builds"
_DEFAULT_TIMEOUT = "30m"

T = TypeVar("T")


class BuildOptions(Struct, frozen=True, kw_only=True):
    """Whether to build first, and for how many seconds each build may run."""

    wanted: bool
    seconds: float | None

    def building(self, speech: Speech) -> Building | None:
        """How to build, where that is wanted. Raises UsageError."""
        if self.wanted:
            return to_building(speech, self.seconds)
        if self.seconds is not None:
            raise UsageError("--build-timeout is about a build", hint="add --build")
        return None


def _build_options(_: Session, given: Mapping[str, Any]) -> BuildOptions:
    return BuildOptions(wanted=given["build"], seconds=given["build_timeout"])


_TIMEOUT_OPTION = option(
    "--build-timeout", metavar="TIME", type=Duration(), default=None, section=_SECTION,
    help=f"How long one build may run, such as 90s or 1h. Without it: {_DEFAULT_TIMEOUT}.",
)  # fmt: skip

BUILD = Bundle(
    argument="builds",
    options=(
        option("--build", is_flag=True, section=_SECTION,
               help="First run the builds of the file whose inputs have changed, as `fcdeploy build` does."),
        _TIMEOUT_OPTION,
    ),
    names=("build", "build_timeout"),
    build=_build_options,
)  # fmt: skip


def to_building(speech: Speech, seconds: float | None, *, force: bool = False) -> Building:
    """How to build for somebody who reads along."""
    from fcdeploy import app
    from fcdeploy.render.words import clean

    def said(name: str, line: str) -> None:
        speech.write_talk(f"[{clean(name)}] {clean(line.expandtabs().rstrip())}")

    given = {} if seconds is None else {"seconds": seconds}
    return app.Building(said=said, force=force, **given)


def watched_to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Run what may build: whatever signal ends this program ends the builds with it."""
    from fcdeploy import app

    with Interrupts(app.StopRequest(), terminal=sys.stderr.isatty(), flags=()) as signals:
        return signals.finished(work)


@click.command("build", cls=Command)
@asks(FILE, SPEECH)
@option("--only", metavar="GLOB", multiple=True, section="What",
        help="Only the code of the resources whose address matches, such as 'images/resize', and of what they need. "
             "Repeatable.")  # fmt: skip
@option("--force", is_flag=True, section=_SECTION, help="Build what is unchanged, too.")
@_TIMEOUT_OPTION
def build(where: Where, speech: Speech, only: tuple[str, ...], force: bool, build_timeout: float | None) -> int:
    """Run the builds of the file, and keep what they make for plan and apply.

    Each `code: {path, build}` is a command that runs in a copy of the folder; the
    files that are there when it ends become the package. What has not changed
    since it was built is not built again. No cloud is asked.

    The command has your environment, and FCDEPLOY_RUNTIME. What it writes goes to
    stderr, with secrets of the file cut out.
    """
    from fcdeploy import app
    from fcdeploy.render.json import document_text, findings_list

    building = to_building(speech, build_timeout, force=force)
    report = watched_to_its_end(app.build(where, building, only=only))
    speech.write_findings(report.diagnostics)
    if speech.json:
        content = {
            "project": report.project,
            "builds": _builds_list(report),
            "diagnostics": findings_list(report.diagnostics),
        }
        speech.write_data(document_text("build", content))
    else:
        speech.write_data(_builds_text(report))
    return DONE


def _builds_list(report: BuildReport) -> list[dict[str, Any]]:
    return [
        {
            "path": str(one.path),
            "command": list(one.argv),
            "runtime": one.runtime or None,
            "unchanged": one.seconds is None,
            "seconds": None if one.seconds is None else round(one.seconds, 3),
            "inputs": one.inputs,
            "packages": [
                {
                    "addresses": [str(address) for address in package.addresses],
                    "sha256": package.sha256,
                    "crc64": package.crc64,
                    "size": package.size,
                    "files": package.files,
                }
                for package in one.packages
            ],
        }
        for one in report.results
    ]


def _builds_text(report: BuildReport) -> str:
    from fcdeploy.render.words import clean, counted, size_text, table

    if not report.results:
        return "Nothing to build: no `code` of the file has a `build`.\n"
    rows = [
        (
            "unchanged" if one.seconds is None else "built",
            clean(one.name),
            counted(package.files, "file"),
            size_text(package.size),
            package.sha256[:12],
        )
        for one in report.results
        for package in one.packages
    ]
    return "\n".join(table(("", "CODE OF", "FILES", "SIZE", "SHA-256"), rows)) + "\n"
