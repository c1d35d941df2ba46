"""How the command line speaks: data to stdout or `--out`, talk to stderr, colour only for people.

A reader that goes away (a closed pipe, a closed terminal) never disturbs a run: what it would have read is dropped, and
so is talk that cannot be written. What the command was asked for and cannot be written is an error.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from fcdeploy.diagnostics import Diagnostic
    from fcdeploy.errors import FcdeployError
    from fcdeploy.render.ink import Ink
    from fcdeploy.render.progress import Shown

_GONE = (errno.EPIPE, errno.EIO)
"""What a write answers when the reader of a pipe, or the terminal, is there no more."""

_FRAME = 0.05
"""Seconds between two drawings of the live display; nobody sees more, and each takes milliseconds."""

_SOURCE_LIMIT = 5_000_000
"""Bytes of a file up to which findings quote its lines."""


class Session:
    """What one call of the program knows; `verbosity` counts `-v`, `speech` is there once the options are read."""

    def __init__(self) -> None:
        self.environ: Mapping[str, str] = os.environ
        self.verbosity = 0
        self.no_color = False
        self.speech: Speech | None = None


class Speech:
    """The two ways out of the program, as the options want them.

    `reports`: documents that are written besides, each as its form and its file.
    """

    def __init__(
        self,
        *,
        session: Session,
        form: str = "text",
        command: str = "",
        out: Path | None = None,
        reports: tuple[tuple[str, Path], ...] = (),
    ) -> None:
        self.session = session
        self.form = form
        self.command = command
        self.out = out
        self.reports = reports
        self._written = ""
        self._shown: Shown | None = None

    @property
    def json(self) -> bool:
        """Whether a program reads it."""
        return self.form == "json"

    @property
    def is_document(self) -> bool:
        """Whether it is one whole at the end, and not lines as they come."""
        return self.form != "text"

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
        """Put out what the command was asked for; raises UsageError when it cannot be written."""
        self._catch_up()
        if self.out is None:
            trouble = _write(sys.stdout, text)
            if trouble is not None and trouble.errno not in _GONE:
                from fcdeploy.errors import UsageError

                raise UsageError(f"cannot write to stdout: {trouble.strerror or trouble}")
            return
        self._written += text
        _write_file(self.out, self._written)

    def write_reports(self, document: Callable[[str], str], *, ended: bool = False) -> None:
        """Write what is reported besides, each as `document` gives it for its form.

        Raises UsageError when one cannot be written; of a run that has `ended` it is only told, as by `write_report`.
        """
        from fcdeploy.errors import UsageError

        for form, path in self.reports:
            try:
                _write_file(path, document(form))
            except UsageError as problem:
                if not ended:
                    raise
                self.write_error(problem)

    def write_report(self, text: str) -> None:
        """Put out how a run ended: it has been made, and what cannot be written of it changes no exit code."""
        from fcdeploy.errors import UsageError

        try:
            self.write_data(text)
        except UsageError as problem:
            self.write_error(problem)

    def write_talk(self, text: str) -> None:
        """Say something to the person or the log; a newline is added."""
        self._catch_up()
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
        """Say why the whole command stops; who wants a document gets it as one, too."""
        from fcdeploy.errors import UsageError

        self.write_error(error)
        # Where that cannot be written it has been said already, and may be the very error.
        if self.is_document:
            with contextlib.suppress(UsageError):
                self.write_data(self._error_document(error, self.form, code))
        with contextlib.suppress(UsageError):
            self.write_reports(lambda form: self._error_document(error, form, code))

    def _error_document(self, error: FcdeployError, form: str, code: int) -> str:
        from fcdeploy.cli.documents import error_document

        return error_document(self.command, to_findings(error), form, code=code)

    def progress(self) -> Shown:
        """The display for a run: live on a terminal, plain lines elsewhere."""
        from fcdeploy.render.progress import LiveProgress, PlainProgress

        ink = self.talk_ink
        if self.session.environ.get("CI") or not _is_terminal(sys.stderr) or self.session.environ.get("TERM") == "dumb":
            self._shown = PlainProgress(self.write_talk, ink=ink, soon=_soon)
            return self._shown
        from rich.console import Console

        console = Console(file=cast("IO[str]", _Steady(sys.stderr)), highlight=False, no_color=not ink.colour)
        self._shown = LiveProgress(console, ink=ink, soon=partial(_soon, seconds=_FRAME))
        return self._shown

    def _catch_up(self) -> None:
        if self._shown is not None:
            self._shown.catch_up()


def _soon(work: Callable[[], None], seconds: float = 0.0) -> None:
    """Do it after so many seconds, and not before the loop is through with what it is at: each write lets another
    thread go first. Where no loop runs it is done at once.
    """
    import asyncio  # late: not on the way to the help

    try:
        asyncio.get_running_loop().call_later(seconds, work)
    except RuntimeError:
        work()


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


def _write_file(path: Path, text: str) -> None:
    """Put a whole file where it belongs; raises UsageError when that cannot be done."""
    try:
        # Beside its final place, then renamed: a reader never sees half of it.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        from fcdeploy.errors import UsageError

        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


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


class _Steady(io.TextIOBase):
    """A stream for a display that draws by itself: what cannot be written goes nowhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's own."""
        return self._stream.encoding

    def fileno(self) -> int:
        """The stream's own."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return _is_terminal(self._stream)

    def write(self, text: str) -> int:
        """Write and flush."""
        _write(self._stream, text)
        return len(text)

    def flush(self) -> None:
        """Flush."""
        _write(self._stream, "")


def _write(stream: TextIO, text: str) -> OSError | None:
    """Write and flush; from the first write on that fails, which is returned, all for this stream goes nowhere."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        drop(stream)
        return error
    except ValueError:
        if not stream.closed:
            raise
    return None
