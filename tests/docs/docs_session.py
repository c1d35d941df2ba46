"""The shell sessions of a document: run as one script, so that what the text says is what the program prints.

A document's blocks, in their order:

    ```console        `$ command` lines with the output that follows them; run, and the output compared
    ```sh             commands; run, and each must succeed
    ```yaml, ```python, ... after `<!-- file: NAME -->`   written to NAME before what follows is run

A NAME with ` (broken)` after it holds mistakes on purpose. `<!-- not run: why -->` before a block leaves it out. All
blocks of a document share one shell and one empty folder. The port 9000 of the text is a free one in the run.
`(exit N)` after a command's output is its exit code, where it is not 0.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs_warm import warm_program

MARK = "\x01end"
WARM = "warm"  # the folder of the program that is loaded already
SECONDS = 120
_FENCE = re.compile(
    r"(?:^<!-- (?P<word>[a-z ]+): (?P<note>[^>]+) -->\n\n?)?^```(?P<language>[a-z]*)\n(?P<body>.*?)^```$", re.M | re.S
)
_DURATION = r"(?:\d+ h \d+ min|(?:\d+ min )?\d+(?:\.\d)? s)"
_STEADY = (
    (re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{8}\b"), "20260131-142501-3fa9c1d2"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "2026-01-31T14:25:01.250Z"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "2026-01-31T14:25:01Z"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"), "2026-01-31 14:25:01 UTC"),
    (re.compile(r"\bby \S+ pid \d+"), "by ci@runner pid 4711"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "8c1f0c3a-52a7-4a5e-a1b2-6f0d3c9e7b54"),
    (re.compile(rf"\({_DURATION}\)"), "(0.0 s)"),
    (re.compile(rf" in {_DURATION}(?= · run |$)", re.M), " in 0.1 s"),
    # Which steps took long is a measured time as well: on a machine that has much to do, any of them.
    (re.compile(rf"\n  Slowest:(?:\n +{_DURATION}  .*)+"), ""),
    (re.compile(r'"ifMatch":"[0-9a-f]{32}"'), '"ifMatch":"e201b7082204cf4593196028f50c8006"'),
    # It is of what the kinds send by default, too, and would be another with any of them.
    (re.compile(r"\bPlan digest: [0-9a-f]{64}\b"), f"Plan digest: {'3f9c' * 16}"),
    (re.compile(r'"durationMs":[0-9.]+'), '"durationMs":1.6'),
)  # fmt: skip
_PROGRESS = re.compile(r"^(undo: )?(creat|updat|replac|delet)(ing|ed) .*(\.\.\.|s\))$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block: `start` and `end` are offsets of its body in the document."""

    language: str
    body: str
    word: str
    note: str
    start: int
    end: int


def blocks(text: str) -> list[Block]:
    """Every fenced block of a document."""
    return [
        Block(
            language=found["language"],
            body=found["body"],
            word=found["word"] or "",
            note=(found["note"] or "").strip(),
            start=found.start("body"),
            end=found.end("body"),
        )
        for found in _FENCE.finditer(text)
    ]


def session_blocks(text: str) -> list[Block]:
    """The blocks that are run, or written for those that are."""
    return [
        one
        for one in blocks(text)
        if one.word != "not run"
        and (one.word == "file" or one.language == "console" or (one.language == "sh" and not make_targets(one.body)))
    ]


def make_targets(body: str) -> list[str]:
    """The targets of a block of nothing but `make` lines: what is run by the makefile's own test."""
    lines = [line.split("#")[0].split() for line in body.splitlines()]
    return [words[1] for words in lines] if all(len(words) == 2 and words[0] == "make" for words in lines) else []


def commands(body: str) -> list[str]:
    """The commands of a console block; a line that ends with a backslash goes on."""
    found: list[str] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif line.startswith("> ") and found and found[-1].endswith("\\"):
            found[-1] += "\n" + line[2:]
    return found


def run_document(text: str, folder: Path, root: Path, *, warm: bool = False) -> dict[int, str]:
    """Run a document; the body that each console block should have, by its offset. Raises AssertionError.

    `warm`: commands are forked from a process that has loaded the program, where the system can do so.
    """
    warm = warm and hasattr(os, "pidfd_open")
    parts = session_blocks(text)
    if not parts:
        return {}
    port = str(_free_port())
    script: list[str] = []
    for number, one in enumerate(parts):
        if one.word == "file":
            path = shlex.quote(str(folder / one.note.split()[0]))
            (folder / f".block{number}").write_text(one.body, encoding="utf-8")
            script += [f'mkdir -p "$(dirname {path})" && cp "$TOP/.block{number}" {path}']
        elif one.language == "console":
            for command in commands(one.body):
                script += [command, f"s=$?; printf '{MARK} %s\\n' $s; (exit $s)"]
        else:
            script += ["set -e", one.body, "set +e"]
    stand_ins = _stand_ins(folder)
    first = f"{folder.parent / WARM}:" if warm else ""
    environ = {
        "PATH": f"{first}{Path(sys.executable).parent}:{os.environ['PATH']}:{stand_ins}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "TOP": str(folder),
        "REPO": str(root),
        "FCDEPLOY_STATE": str(folder.parent / f"{folder.name}-state"),
        # The program of this very checkout, wherever the installed one lies.
        "PYTHONPATH": str(root),
    }
    with warm_program(folder.parent / WARM, root) if warm else contextlib.nullcontext():
        outputs = _run("\n".join(script).replace("9000", port), folder, environ).replace(port, "9000")
    wanted = sum(len(commands(one.body)) for one in parts if one.language == "console" and one.word != "file")
    assert outputs.count(MARK) == wanted, f"the session broke off:\n{outputs}"
    return dict(_bodies(parts, outputs))


_CURL = """\
#!{python}
import argparse, sys, urllib.request
words = argparse.ArgumentParser()
words.add_argument("-sS", action="store_true", dest="quiet")
words.add_argument("-X", default="GET", dest="method")
words.add_argument("--data")
words.add_argument("url")
given = words.parse_args()
body = open(given.data[1:], "rb").read() if given.data else None
request = urllib.request.Request(given.url, data=body, method=given.method)
sys.stdout.buffer.write(urllib.request.urlopen(request, timeout=30).read())
"""


def _stand_ins(folder: Path) -> Path:
    """A folder at the end of the path: `curl` for machines that have none, with the switches that the documents use."""
    place = folder.parent / f"{folder.name}-bin"
    place.mkdir(exist_ok=True)
    (place / "curl").write_text(_CURL.format(python=sys.executable))
    (place / "curl").chmod(0o755)
    return place


def _run(script: str, folder: Path, environ: dict[str, str]) -> str:
    """Everything that the script printed, to either stream, in its order."""
    # A file and no pipe: what the script left in the background would hold a pipe open.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            ["sh", "-c", script],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(timeout=SECONDS)
            said = ""
        except subprocess.TimeoutExpired:
            said = "(the session hangs)"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return output.read() + said


def _bodies(parts: list[Block], outputs: str) -> Iterator[tuple[int, str]]:
    rest = outputs
    for one in parts:
        if one.language != "console" or one.word == "file":
            continue
        lines: list[str] = []
        for command in commands(one.body):
            output, _, rest = rest.partition(MARK)
            code, _, rest = rest.partition("\n")
            lines += ["$ " + command.replace("\n", "\n> ")]
            lines += output.rstrip("\n").split("\n") if output.strip() else []
            if code.strip() != "0":
                lines += [f"(exit {code.strip()})"]
        yield one.start, steady("\n".join(lines)) + "\n"


def steady(text: str) -> str:
    """The text with times, ids and durations that differ from run to run replaced."""
    for pattern, stands_for in _STEADY:
        text = pattern.sub(stands_for, text)
    return text


def comparable(text: str) -> str:
    """The text with progress in one order: steps that run side by side end in any."""
    lines = text.split("\n")
    made: list[str] = []
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and _PROGRESS.match(lines[end]):
            end += 1
        made += sorted(lines[at:end], key=_progress_order) if end > at else [lines[at]]
        at = max(end, at + 1)
    return "\n".join(made)


def _progress_order(line: str) -> tuple[str, int]:
    name = re.sub(r"^(undo: )?\S+ \S+ ", "", line)
    name = re.sub(r" (\.\.\.|\(.*)$", "", name)
    return name, "..." not in line


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_outputs(text: str, outputs: dict[int, str]) -> str:
    """The document with the bodies of those console blocks replaced that say something else."""
    for one in reversed(blocks(text)):
        if one.start in outputs and comparable(outputs[one.start]) != comparable(one.body):
            text = text[: one.start] + outputs[one.start] + text[one.end :]
    return text
