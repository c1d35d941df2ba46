"""A warm process that forks real `fcdeploy` processes: one line of JSON on stdin for each, two on stdout.

In:  {"args": [...], "env": {...}, "cwd": ..., "out": FILE, "moments": FILE or null, "fatal": MOMENT or null,
      "deadline": seconds or null}
Out: {"pid": N} as soon as it runs, {"status": exit code, or minus the signal} when it has ended.

A start of the interpreter with all its imports costs many times what a run costs; a fork of a process that has done
nothing yet but import is the same program at the same place.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from crash_points import Moments, watch

from fcdeploy.cli.entry import run

for name in (
    *("fcdeploy.app", "fcdeploy.cli.root", "fcdeploy.cli.change", "fcdeploy.cli.runs", "fcdeploy.cli.views"),
    *(
        "fcdeploy.app.running",
        "fcdeploy.cloud.wire",
        "fcdeploy.render.text",
        "fcdeploy.render.outcome",
        "fcdeploy.render.json",
    ),
    *("fcdeploy.render.progress", "fcdeploy.spec.explain"),
    *("deepdiff", "jinja2", "jsonschema_rs", "cramjam", "fastcrc.crc64", "pathspec", "sqlite3"),
):
    importlib.import_module(name)


def become(order: dict[str, Any]) -> None:
    """Turn this forked process into the command; does not return."""
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for number, source in ((0, null), (1, out), (2, out)):
        os.dup2(source, number)
    note = _noted(Path(order["moments"])) if order["moments"] else lambda moment: None
    watch(Moments(order["fatal"], note), order["deadline"])
    code = run(order["args"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _noted(file: Path) -> Any:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return lambda moment: os.write(descriptor, f"{moment}\n".encode())


def main() -> None:
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            become(order)
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
