"""A warm process that becomes `fcdeploy` as often as it is asked: race_zygote.py, one JSON line in, one out.

A process that starts from nothing reads a second's worth of modules first. This one has read them and forks: each child
has its own folder, environment, output files and delay, and runs the command line's own `main`.

in   {"jobs": [{"argv": [...], "cwd": str, "environ": {...}, "out": path, "err": path, "delay": seconds}]}
out  {"ended": [{"code": int, "began": clock, "ended": clock}]}   code as subprocess has it: -9 is killed by signal 9
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import random
import signal
import sys
import time
from typing import Any, NoReturn

SECONDS = 120
"""A process that takes longer hangs."""

PATIENCE = 2.0
"""Seconds that a passing refusal is waited for (S38), which a proof does not sit out two minutes of."""

LIBRARIES = ("yaml", "jinja2", "jsonschema", "jsonschema_rs", "deepdiff", "rich.console", "rich.text", "pathspec")


def warm() -> None:
    import fcdeploy

    for found in pkgutil.walk_packages(fcdeploy.__path__, "fcdeploy."):
        if not found.name.startswith("fcdeploy.emulator") and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def become(job: dict[str, Any]) -> NoReturn:
    """Be this job's process from here on."""
    from fcdeploy.cli import main
    from fcdeploy.engine import attempt

    code = 70
    try:
        signal.alarm(SECONDS)
        attempt.PATIENCE = PATIENCE
        for descriptor, name, how in (
            (0, os.devnull, os.O_RDONLY),
            (1, job["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (2, job["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        ):
            os.dup2(os.open(name, how, 0o600), descriptor)
        os.chdir(job["cwd"])
        os.environ.clear()
        os.environ.update(job["environ"])
        # Forked twins would draw the same pauses and meet again and again.
        random.seed(os.urandom(16))
        sys.argv = ["fcdeploy", *job["argv"]]
        time.sleep(job["delay"])
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def forked(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run the jobs side by side to their ends."""
    places: dict[int, int] = {}
    began = time.monotonic()
    for place, job in enumerate(jobs):
        pid = os.fork()
        if pid == 0:
            become(job)
        places[pid] = place
    ended: list[dict[str, Any]] = [{} for _ in jobs]
    while places:
        pid, status = os.wait()
        place = places.pop(pid)
        ended[place] = {
            "code": os.waitstatus_to_exitcode(status),
            "began": began + jobs[place]["delay"],
            "ended": time.monotonic(),
        }
    return ended


if __name__ == "__main__":
    warm()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps({"ended": forked(json.loads(line)["jobs"])}), flush=True)
