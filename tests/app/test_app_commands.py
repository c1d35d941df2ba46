"""A command is told line by line, and nothing of it is left, whichever way it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from fcdeploy.app import commands
from fcdeploy.app.commands import run_command

ENVIRON = {"PATH": os.environ["PATH"], "WORD": "given"}


def ran(folder: Path, *argv: str, seconds: float = 30) -> tuple[int, list[str]]:
    lines: list[str] = []
    code = asyncio.run(run_command(argv, folder=folder, environ=ENVIRON, seconds=seconds, said=lines.append))
    return code, lines


def shell(folder: Path, script: str, seconds: float = 30) -> tuple[int, list[str]]:
    return ran(folder, "sh", "-c", script, seconds=seconds)


def test_both_streams_are_told_by_line(tmp_path: Path) -> None:
    script = (
        r'printf "one\n\n"; echo two >&2; printf "10%%\r20%%\r\nlast \303\251 \377"; pwd; echo "$WORD$HOME"; exit 7'
    )
    code, lines = shell(tmp_path, script)
    assert code == 7
    assert lines == ["one", "two", "10%", "20%", f"last é �{tmp_path}", "given"]


def test_a_line_is_told_whole_or_not_at_all(tmp_path: Path) -> None:
    long = commands.LONGEST_LINE
    code, lines = shell(tmp_path, f'line() {{ head -c $1 /dev/zero | tr "\\0" x; }}; line {long}; echo; '
                                  f"line {3 * long}; echo; echo short; line {long + 1}")  # fmt: skip
    left_out = f"(a line of more than {long:,} characters is left out)"
    assert (code, lines) == (0, ["x" * long, left_out, "short", left_out])


def test_it_has_nothing_to_read(tmp_path: Path) -> None:
    assert shell(tmp_path, "read line || echo nothing") == (0, ["nothing"])


def test_a_program_of_the_folder_is_found_there(tmp_path: Path) -> None:
    (tmp_path / "tool.sh").write_text("#!/bin/sh\necho ours\n")
    (tmp_path / "tool.sh").chmod(0o755)
    assert ran(tmp_path, "./tool.sh") == (0, ["ours"])
    with pytest.raises(FileNotFoundError):
        ran(tmp_path, "no-such-tool")


def alive(folder: Path) -> Sequence[int]:
    """The processes that a script named in files of the folder, as far as they still run."""
    found = []
    for path in folder.glob("*.pid"):
        pid = int(path.read_text())
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(pid)
    return found


def all_gone(folder: Path) -> bool:
    """Whether they all end in a moment: who was killed is not gone yet."""
    deadline = time.monotonic() + 30
    while alive(folder) and time.monotonic() < deadline:
        time.sleep(0.01)
    return alive(folder) == []


CHILDREN = "sleep 60 & echo $! > a.pid; sh -c 'echo $$ > b.pid; trap \"\" TERM; while :; do sleep 0.05; done' & "


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "GRACE", 0.3)


def test_what_it_leaves_in_the_background_ends_with_it(tmp_path: Path, _hurried: None) -> None:
    begun = time.monotonic()
    code, lines = shell(tmp_path, CHILDREN + "while ! test -s b.pid; do sleep 0.01; done; echo done")
    assert (code, lines) == (0, ["done"])
    assert time.monotonic() - begun < 30, "an end of the pipe in other hands is not waited for"
    assert all_gone(tmp_path)


def test_what_takes_too_long_is_ended_with_all_its_children(tmp_path: Path, _hurried: None) -> None:
    with pytest.raises(TimeoutError):
        shell(tmp_path, CHILDREN + "echo $$ > c.pid; trap '' TERM; while :; do sleep 0.05; done", seconds=0.3)
    assert len(list(tmp_path.glob("*.pid"))) == 3
    assert all_gone(tmp_path)


def test_it_may_end_by_itself_when_it_is_told_to(tmp_path: Path) -> None:
    script = "trap 'echo bye > said; exit 0' TERM; touch ready; while :; do sleep 0.01; done"

    async def main() -> None:
        work = asyncio.create_task(
            run_command(["sh", "-c", script], folder=tmp_path, environ=ENVIRON, seconds=30, said=print)
        )
        while not (tmp_path / "ready").exists():
            await asyncio.sleep(0.01)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(main())
    assert (tmp_path / "said").read_text() == "bye\n"


def test_cancelled_twice_it_is_killed_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        script = CHILDREN + "trap '' TERM; while :; do sleep 0.05; done"
        work = asyncio.create_task(
            run_command(["sh", "-c", script], folder=tmp_path, environ=ENVIRON, seconds=30, said=print)
        )
        while not (tmp_path / "b.pid").exists() or not (tmp_path / "b.pid").read_text():
            await asyncio.sleep(0.01)
        work.cancel()
        await asyncio.sleep(0.1)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    begun = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - begun < commands.GRACE
    assert all_gone(tmp_path)
