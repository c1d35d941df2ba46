"""The way in: runs a command, turns whatever it ends with into words and an exit code, and lets nothing else out."""

from __future__ import annotations

import contextlib
import gc
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fcdeploy.cli.exits import DONE, FAILED, USAGE, error_code
from fcdeploy.cli.speech import Session, Speech, drop

if TYPE_CHECKING:
    from fcdeploy.engine.redact import Redactor


_FILES = 16_384


def run(args: Sequence[str]) -> int:
    """Run one command line; returns the exit code (S39) and never raises."""
    _allow_files()
    session = Session()
    speech = Speech(session=session)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a sign gets its escape; a plan must not fail on a name.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        from fcdeploy.cli.root import root

        code = root.main(list(args), prog_name="fcdeploy", standalone_mode=False, obj=session)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        from fcdeploy.cli.usage import to_usage_error

        speech.write_error(to_usage_error(error))
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        speech.write_talk("Interrupted. Nothing was changed.")
        return FAILED
    except SystemExit:
        # click's answer to a broken pipe. Help is what it writes itself: a reader who has seen enough is no failure.
        drop(sys.stdout)
        return DONE if session.speech is None else FAILED
    except Exception as error:
        from fcdeploy.errors import FcdeployError

        if isinstance(error, FcdeployError):
            (session.speech or speech).write_end(error, error_code(error))
            return error_code(error)
        speech.write_talk(_bug_text(error, session.verbosity))
        return FAILED


def _allow_files() -> None:
    """Let the process open as many files as it may: a target has some ten connections and a journal, and systems give
    256 or 1,024 to a process that does not ask for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # A system may have a bound of its own below `hard`; then it stays as it is.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _bug_text(error: Exception, verbosity: int) -> str:
    """What is said of an exception that nobody expected.

    Its own text may hold a live value, so only `-vv` shows it; secrets of the file are cut out of it.
    """
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    ours = Path(__file__).parent.parent
    place = ""
    for frame in frames:
        if Path(frame.filename).is_relative_to(ours):
            place = f" in {Path(frame.filename).relative_to(ours.parent)}:{frame.lineno}"
    lines = [f"error: this is a bug in fcdeploy: {type(error).__name__}{place}"]
    if verbosity:
        lines += ["".join(traceback.format_list(frames)).rstrip("\n")]
    if verbosity > 1:
        lines += [f"{type(error).__name__}: {_redactor().text(str(error))}"]
    lines.append(
        {
            0: "    hint: run it again with -v for the traceback, and report it",
            1: "    hint: the exception's own text may hold a live value; -vv shows it",
        }.get(verbosity, "")
    )
    return "\n".join(line for line in lines if line)


def _redactor() -> Redactor:
    """Cuts out every secret that this process has read: a bug may be where no project is at hand to ask for them."""
    from fcdeploy.engine.redact import Redactor
    from fcdeploy.spec.sources import Surroundings

    worlds = [one for one in gc.get_objects() if isinstance(one, Surroundings)]
    return Redactor(text for one in worlds for text in one.secrets_read)
