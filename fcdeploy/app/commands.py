"""A program of somebody else, run to its end or to ours: in its own group of processes, of which nothing is left."""

from __future__ import annotations

import asyncio
import codecs
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, STDOUT

GRACE = 3.0
"""Seconds that a program has to end by itself once it is told to."""

LONGEST_LINE = 1 << 16
"""Characters of a line that is told."""

_LINE_END = re.compile(r"\r\n|\n|\r")


async def run_command(
    argv: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    seconds: float,
    said: Callable[[str], None],
) -> int:
    """Run a program in a folder, with nothing to read; `said` is told each line of what it writes, but empty ones.

    Returns its exit code, a negative signal number where one ended it. Raises OSError where it cannot be started and
    TimeoutError when it has not ended in time. Once this returns, raises or is cancelled, no process of its group runs.
    """
    async with _told_lines(said) as written:
        # Begun in one breath: asyncio's own way may be cancelled between the start and the moment that it tells of it.
        process = subprocess.Popen(
            argv, cwd=folder, env=dict(environ), stdin=DEVNULL, stdout=written, stderr=STDOUT, start_new_session=True
        )
        ended = asyncio.ensure_future(asyncio.to_thread(process.wait))
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(ended)
        finally:
            try:
                if not ended.done():
                    _send_signal(process, signal.SIGTERM)
                    await asyncio.wait([ended], timeout=GRACE)
            finally:
                # What it started in the background goes with it.
                _send_signal(process, signal.SIGKILL)
            await asyncio.wait([ended])


def _send_signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the whole group, whose leader it is."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


@asynccontextmanager
async def _told_lines(said: Callable[[str], None]) -> AsyncIterator[int]:
    """The writing end of a pipe, of which each line is told; all that was written until the end.

    A pipe of our own: asyncio takes a process for running as long as anybody holds one that it made.
    """
    stream = asyncio.StreamReader()
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "wb", buffering=0) as writing:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(ours, "rb", buffering=0)
        )
        reading = asyncio.create_task(_read_lines(stream, said))
        try:
            yield writing.fileno()
        finally:
            writing.close()
            try:
                # Only a process that left the group can still hold the other end.
                with suppress(TimeoutError):
                    await asyncio.wait_for(reading, GRACE)
            finally:
                transport.close()


async def _read_lines(stream: asyncio.StreamReader, said: Callable[[str], None]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest, too_long = "", False
    while block := await stream.read(1 << 16):
        *lines, rest = _LINE_END.split(rest + decoder.decode(block))
        for line in lines:
            _tell(line, too_long, said)
            too_long = False
        if len(rest) > LONGEST_LINE:
            rest, too_long = "", True
    _tell(rest + decoder.decode(b"", final=True), too_long, said)


def _tell(line: str, too_long: bool, said: Callable[[str], None]) -> None:
    # Never a part of a line: what must not be seen is only found whole.
    if too_long or len(line) > LONGEST_LINE:
        said(f"(a line of more than {LONGEST_LINE:,} characters is left out)")
    elif line:
        said(line)
