"""A line to the server that can be cut at a moment, refuse, or swallow what is said."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

NAME = ".s.PGSQL.5432"


class Proxy:
    """Hands on, by a socket in a folder of its own, what is said to the server in another one."""

    def __init__(self, server: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fcdeploy-px-"))
        self.cuts = 0
        self._server = server
        self._arrives: bool | None = None
        self._refusing = False
        self._open = threading.Event()
        self._open.set()
        self._lines: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.folder / NAME))
        self._listening.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        # A thread that waits for a connection wakes up at one.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as last:
            last.connect(str(self.folder / NAME))
        self._listening.close()
        self._open.set()
        shutil.rmtree(self.folder)

    def cut_at_commit(self, *, arrives: bool) -> None:
        """Break the line at the next COMMIT: before the server has it, or when it has, and its answer is lost."""
        self._arrives = arrives

    def refuse(self) -> None:
        """Break every line and take no new one."""
        self._refusing = True
        self._break()

    def swallow(self) -> None:
        """Take what is said and hand nothing on, like a network that drops every packet."""
        self._open.clear()

    def let_through(self) -> None:
        """Hand on what comes from now on; what was swallowed is lost, with the lines that it was said on."""
        self._break()
        self._open.set()

    def _break(self) -> None:
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self._refusing:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server / NAME))
                self._lines += [client, server]
                threading.Thread(target=self._hand_on, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._hand_on, args=(server, client, False), daemon=True).start()

    def _hand_on(self, source: socket.socket, sink: socket.socket, asking: bool) -> None:
        with source, contextlib.suppress(OSError):
            while said := source.recv(1 << 16):
                if asking and self._arrives is not None and b"COMMIT" in said:
                    arrives, self._arrives = self._arrives, None
                    self.cuts += 1
                    if arrives:
                        # The answer is lost: nobody reads it on this side any more.
                        source.shutdown(socket.SHUT_RDWR)
                        sink.sendall(said)
                    break
                self._open.wait()
                sink.sendall(said)
            sink.shutdown(socket.SHUT_RDWR if asking is False else socket.SHUT_WR)
            if asking:
                source.shutdown(socket.SHUT_RDWR)
