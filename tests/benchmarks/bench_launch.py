"""Run one command and tell what it took: `python -IS bench_launch.py FOLDER OUT ERR COMMAND...`.

A process of its own, and a small one: the peak memory that the system tells of a process begins with that of who
started it, and the harness holds logs and archives.
The first line of stdout is the process id, the second the figures, as JSON.
"""

import json
import os
import sys
import time


def main() -> None:
    """Run it, wait for it, tell."""
    folder, out, err, *command = sys.argv[1:]
    os.chdir(folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, out, flags, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, err, flags, 0o600),
    ]
    started = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=files)
    print(pid, flush=True)
    _, status, used = os.wait4(pid, 0)
    ended = time.monotonic()
    figures = {
        "code": os.waitstatus_to_exitcode(status),
        "started": started,
        "ended": ended,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
