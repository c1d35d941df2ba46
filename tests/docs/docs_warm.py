"""`fcdeploy` without the interpreter's start: a process that has loaded it forks a child for every command.

A session of a document has dozens of commands, and two thirds of the time of each is the loading of modules that the
one before had loaded too. The child has the words, the folder, the environment and the streams of the caller, and dies
with it; what it prints is what the program prints. `make proofs` runs the same sessions with the program itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_CALLER = """\
#!{python} -ISE
import array, json, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({address!r})
call = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
line.sendmsg([len(call).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
line.sendall(call)
sys.exit(int(line.recv(4) or b"255"))
"""


@contextlib.contextmanager
def warm_program(place: Path, root: Path) -> Iterator[None]:
    """Put a `fcdeploy` into a folder that forks from a process of the checkout at `root`; it ends with the context."""
    place.mkdir()
    address = str(place / "line")
    command = place / "fcdeploy"
    command.write_text(_CALLER.format(python=sys.executable, address=address))
    command.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            env={"PYTHONPATH": str(root), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            process_group=0,
        )
    try:
        yield
    finally:
        # With all that it has forked: what runs in the background of a document may have lost its caller just now.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def serve(listener: socket.socket) -> None:
    """Fork a child for each caller; tell the caller how it ended, and end it when the caller has gone."""
    callers: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as watched:
        watched.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in watched.select():
                if key.fileobj is listener:
                    line, _ = listener.accept()
                    child = os.pidfd_open(_forked(line, listener))
                    callers[child] = line
                    watched.register(child, selectors.EVENT_READ, (line, child))
                    watched.register(line, selectors.EVENT_READ, (line, child))
                    continue
                line, child = key.data
                # Both may come at once: the child's end, and the caller's.
                if callers.get(child) is line:
                    if key.fileobj is line:
                        signal.pidfd_send_signal(child, signal.SIGKILL)
                    ended = os.waitid(os.P_PIDFD, child, os.WEXITED)
                    assert ended is not None
                    with contextlib.suppress(OSError):
                        line.sendall(str(ended.si_status).encode())
                    watched.unregister(line)
                    watched.unregister(child)
                    line.close()
                    os.close(child)
                    del callers[child]


def _forked(line: socket.socket, listener: socket.socket) -> int:
    """Fork a child that is the caller's command; its number."""
    head, streams, _, _ = socket.recv_fds(line, 4, 3)
    with line.makefile("rb") as reader:
        words, folder, environ = json.loads(reader.read(int.from_bytes(head, "big")))
    child = os.fork()
    if child:
        for stream in streams:
            os.close(stream)
        return child
    listener.close()
    line.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    code = 255
    try:
        with (
            open(0, encoding="utf-8", closefd=False) as sys.stdin,
            open(1, "w", encoding="utf-8", closefd=False) as sys.stdout,
            open(2, "w", encoding="utf-8", buffering=1, closefd=False) as sys.stderr,
        ):
            code = run(words)
    finally:
        os._exit(code)


if __name__ == "__main__":
    # All that a command may need, loaded once; the child loads nothing.
    import fcdeploy.app
    import fcdeploy.cli.root
    import fcdeploy.cloud.wire
    import fcdeploy.emulator.server  # noqa: F401
    from fcdeploy.cli.entry import run

    serve(socket.socket(fileno=int(sys.argv[1])))
