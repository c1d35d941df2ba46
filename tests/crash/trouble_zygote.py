"""A warm process that forks real `fcdeploy` processes with local trouble in store, any number at a time.

One line of JSON on stdin for each: {"args", "env", "cwd", "out", "err", "moments", "troubles", "user", "terminal"}. On
stdout {"pid": N} as soon as it runs and {"pid": N, "status": exit code, or minus the signal} when it has ended. With
`user` the process gives up being root for that user and group id, who may not write everywhere; with `terminal`, a
device, it talks to that and to no files.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import sys
from typing import Any

from trouble_points import Troubles, watch

import fcdeploy
from fcdeploy.cli.entry import run

# All of it: who gives up being root may not be allowed to read it later.
for found in pkgutil.walk_packages(fcdeploy.__path__, "fcdeploy."):
    if not found.name.startswith("fcdeploy.emulator") and found.name != "fcdeploy.__main__":
        importlib.import_module(found.name)
for name in ("deepdiff", "jinja2", "jsonschema_rs", "cramjam", "fastcrc.crc64", "pathspec", "sqlite3", "graphlib"):
    importlib.import_module(name)


def become(order: dict[str, Any]) -> None:
    """Turn this forked process into the command; does not return."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # As in a terminal, though whoever runs the tests may have been told to outlive one (`nohup`).
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(order["env"])
    null = os.open(os.devnull, os.O_RDONLY)
    out, err, moments = (
        os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for name in ("out", "err", "moments")
    )
    if order["terminal"]:
        os.setsid()
        # The first terminal that the leader of a session opens is its own: it hears when that is closed.
        null = out = err = os.open(order["terminal"], os.O_RDWR)
    for number, source in ((0, null), (1, out), (2, err)):
        os.dup2(source, number)
    # What the interpreter made at its start knows the pipes of then.
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in ((0, "r"), (1, "w"), (2, "w")))
    if order["user"]:
        os.setgroups([])
        os.setgid(order["user"])
        os.setuid(order["user"])
    os.chdir(order["cwd"])
    troubles = Troubles(order["troubles"], lambda moment: os.write(moments, f"{moment}\n".encode()))
    watch(troubles)
    troubles.pass_by("start")
    code = run(order["args"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    gc.freeze()
    ours, theirs = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(theirs)
    orders = sys.stdin.fileno()
    waiting = b""
    while True:
        ready, _, _ = select.select([orders, ours], [], [])
        if ours in ready:
            os.read(ours, 4096)
            tell_ended()
        if orders in ready:
            got = os.read(orders, 65536)
            if not got:
                return
            *lines, waiting = (waiting + got).split(b"\n")
            for line in lines:
                pid = os.fork()
                if not pid:
                    become(json.loads(line))
                print(json.dumps({"pid": pid}), flush=True)


def tell_ended() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        print(json.dumps({"pid": pid, "status": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
