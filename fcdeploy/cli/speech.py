"""How the command line speaks: data to stdout or `--out`, talk to stderr, colour only for people.

A reader that goes away (a closed pipe) never disturbs a run: what it would have read is dropped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from fcdeploy.diagnostics import Diagnostic
    from fcdeploy.errors import FcdeployError
    from fcdeploy.render.ink import Ink
    from fcdeploy.render.progress import Shown

_SOURCE_LIMIT = 5_000_000
"""Bytes of a file up to which findings quote its lines."""


@dataclass(kw_only=True)
class Session:
    """What one call of the program knows; `verbosity` counts `-v`, `speech` is there once the options are read."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    verbosity: int = 0
    no_color: bool = False
    speech: Speech | None = None


@dataclass(kw_only=True)
class Speech:
    """The two ways out of the program, as the options want them."""

    session: Session
    json: bool = False
    out: Path | None = None
    _written: str = ""

    @property
    def ink(self) -> Ink:
        """Colour for what goes to stdout or `--out`."""
        return _ink(self.session, None if self.out else sys.stdout)

    @property
    def talk_ink(self) -> Ink:
        """Colour for what goes to stderr."""
        return _ink(self.session, sys.stderr)

    @property
    def may_ask(self) -> bool:
        """Whether there is a person to answer: both ends are a terminal and no pipeline is at work (law 10)."""
        return not self.session.environ.get("CI") and _is_terminal(sys.stdin) and _is_terminal(sys.stderr)

    def write_data(self, text: str) -> None:
        """Put out what the command was asked for; raises UsageError when the file cannot be written."""
        if self.out is None:
            _write(sys.stdout, text)
            return
        try:
            # Beside its final place, then renamed: a reader never sees half of it.
            draft = self.out.with_name(f".{self.out.name}.{os.getpid()}")
            self._written += text
            draft.write_text(self._written, encoding="utf-8")
            draft.replace(self.out)
        except OSError as error:
            from fcdeploy.errors import UsageError

            raise UsageError(f"cannot write {self.out}: {error.strerror or error}") from error

    def write_talk(self, text: str) -> None:
        """Say something to the person or the log; a newline is added."""
        if not sys.stdout.closed:
            # Terminals show both streams: what was put out before must be seen before.
            _write(sys.stdout, "")
        _write(sys.stderr, text + "\n")

    def write_findings(self, found: Iterable[Diagnostic]) -> None:
        """Say each finding, with the line it is about."""
        findings = tuple(found)
        if findings:
            from fcdeploy.render.findings import findings_text

            text = findings_text(findings, sources=read_sources(findings), ink=self.talk_ink)
            self.write_talk(text.rstrip("\n"))

    def write_error(self, error: FcdeployError) -> None:
        """Say why the command, or one of its targets, stops."""
        self.write_findings(to_findings(error))

    def write_end(self, error: FcdeployError, code: int) -> None:
        """Say why the whole command stops; a reader of JSON gets it as a document, too."""
        self.write_error(error)
        if self.json and self.out is None:
            from fcdeploy.render.json import document_text, findings_list

            content = {"exitCode": code, "diagnostics": findings_list(to_findings(error))}
            self.write_data(document_text("error", content))

    def progress(self) -> Shown:
        """The display for a run: live on a terminal, plain lines elsewhere."""
        from fcdeploy.render.progress import LiveProgress, PlainProgress

        ink = self.talk_ink
        if self.session.environ.get("CI") or not _is_terminal(sys.stderr) or self.session.environ.get("TERM") == "dumb":
            return PlainProgress(self.write_talk, ink=ink)
        from rich.console import Console

        return LiveProgress(Console(file=sys.stderr, highlight=False, no_color=not ink.colour), ink=ink)


def to_findings(error: FcdeployError) -> tuple[Diagnostic, ...]:
    """An error as findings; a service's request id is added, support asks for it."""
    from fcdeploy.diagnostics import error as finding
    from fcdeploy.errors import ApiError, DiagnosedError

    if isinstance(error, DiagnosedError) and error.diagnostics:
        return error.diagnostics
    detail = error.detail
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ApiError) and cause.request_id and cause.request_id not in detail:
            detail = "\n".join(part for part in (detail, f"request id {cause.request_id}") if part)
        cause = cause.__cause__
    return (finding(error.summary, detail=detail, hint=error.hint),)


def read_sources(found: Iterable[Diagnostic]) -> dict[str, list[str]]:
    """The lines of the files that the findings point into; one that cannot be read is left out."""
    lines: dict[str, list[str]] = {}
    for name in sorted({one.span.file for one in found if one.span is not None}):
        try:
            path = Path(name)
            if path.is_file() and path.stat().st_size <= _SOURCE_LIMIT:
                # As the loader counts lines: by the newline alone.
                lines[name] = path.read_text(encoding="utf-8", errors="replace").split("\n")
        except (OSError, ValueError):
            continue
    return lines


def _ink(session: Session, stream: TextIO | None) -> Ink:
    from fcdeploy.render.ink import COLOURED, PLAIN

    environ = session.environ
    plain = session.no_color or environ.get("NO_COLOR") or environ.get("CI") or environ.get("TERM") == "dumb"
    return COLOURED if stream is not None and not plain and _is_terminal(stream) else PLAIN


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def drop(stream: TextIO) -> None:
    """Let everything that is still written to the stream go nowhere, the interpreter's last flush included."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _write(stream: TextIO, text: str) -> None:
    """Write and flush; from the first broken pipe on, everything for this stream goes nowhere."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        drop(stream)
    except ValueError:
        if not stream.closed:
            raise
