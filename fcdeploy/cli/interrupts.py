"""Ctrl-C, SIGTERM and a terminal that is closed (SIGHUP): before the work begins they end the program, during it they
ask for an orderly end (law 7)."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
from collections.abc import Coroutine, Iterator
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fcdeploy.cli.exits import ATTENTION

if TYPE_CHECKING:
    import asyncio

    from fcdeploy.app import StopRequest
    from fcdeploy.model import EventType, Step
    from fcdeploy.render.progress import Shown

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FIRST = "\nStopping: what is in flight may end{then}. Press Ctrl-C again to leave at once.\n"
_TAKEN_BACK, _STAYS = ", then it is taken back", ", and what is done stays"
_SECOND = "\nLeft at once; the run is still open. How to go on:\n  {status}\n"
"""Not which command ends it: after the first signal the way back may have begun or not, and `status` knows."""

_SHOW_CURSOR = "\x1b[?25h"


class Interrupts:
    """Watches the signals for the time of a run. `takes_back`: a stop takes back what was done."""

    def __init__(self, stop: StopRequest, *, terminal: bool, flags: tuple[str, ...], takes_back: bool = True) -> None:
        from fcdeploy.render.words import command_line  # late: the model is not on the way to the help

        self._stop = stop
        self._terminal = terminal
        self._first = _FIRST.format(then=_TAKEN_BACK if takes_back else _STAYS)
        self._second = _SECOND.format(status=command_line("status", flags))
        self._working = False
        self._asking = False
        self._main: asyncio.Task[Any] | None = None
        self._count = 0
        self._before: dict[signal.Signals, object] = {}

    def work_begins(self) -> None:
        """From here on a signal must not tear the run apart."""
        self._working = True

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """While a person is asked, a signal is an answer: KeyboardInterrupt."""
        before, self._working, self._asking = self._working, False, True
        try:
            yield
        finally:
            self._working, self._asking = before, False

    def read_answer(self) -> str:
        """A line from stdin; raises KeyboardInterrupt on a signal, at whatever instant it comes.

        A plain read would sleep on if the signal came just before it: Python runs handlers between its own
        instructions only. The wakeup socket remembers the signal, and `select` sees both.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.setblocking(False)
            before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
            try:
                while sys.stdin not in select.select([sys.stdin, ours], [], [])[0]:
                    ours.recv(1)
            finally:
                signal.set_wakeup_fd(before)
        return sys.stdin.readline()

    def __enter__(self) -> Self:
        # Whoever started it so that it outlives the terminal (nohup) wants just that.
        watched = [one for one in _SIGNALS if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN]
        self._before = {one: signal.signal(one, self._react) for one in watched}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for one, before in self._before.items():
            signal.signal(one, before)  # type: ignore[arg-type]

    def _react(self, number: int, frame: FrameType | None) -> None:
        if not self._working:
            self._leave()
            return
        self._count += 1
        if self._count == 1:
            self._say(self._first)
            import asyncio

            try:
                # From inside the loop, so that a loop that sleeps on its sockets wakes up.
                asyncio.get_running_loop().call_soon_threadsafe(self._stop.request)
            except RuntimeError:
                self._stop.request()
            return
        self._say((_SHOW_CURSOR if self._terminal else "") + self._second)
        # Nothing is cleaned up: the journal is made to be left at any instruction.
        os._exit(ATTENTION)

    def finished(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the work in a loop of its own and give its result. Raises KeyboardInterrupt when it was interrupted.

        Before anything has begun, a signal cancels the work as a whole: an exception raised wherever the loop happens
        to be would end one task and leave the others to complain.
        """

        import asyncio  # late: not on the way to the help

        async def main() -> T:
            self._main = asyncio.current_task()
            return await work

        try:
            return asyncio.run(main())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            self._main = None

    def _leave(self) -> None:
        if self._main is None or self._asking:
            raise KeyboardInterrupt
        self._main.get_loop().call_soon_threadsafe(self._main.cancel)

    def _say(self, text: str) -> None:
        # Not through the buffered stream: the signal may have come in the middle of a write to it.
        try:
            os.write(2, text.encode())
        except OSError:
            return


class WatchedProgress:
    """Passes progress on to a display; the first step that begins is the work's beginning, whoever started it."""

    def __init__(self, shown: Shown, watch: Interrupts) -> None:
        self._shown = shown
        self._watch = watch

    def begun(self, target: str, step: Step, undoing: bool) -> None:
        """A step's request is about to leave."""
        self._watch.work_begins()
        self._shown.begun(target, step, undoing)

    def ended(self, target: str, step: Step, event: EventType, seconds: float, note: str) -> None:
        """The step is over."""
        self._shown.ended(target, step, event, seconds, note)

    def waiting(self, target: str, step: Step, why: str, seconds: float) -> None:
        """The step will be repeated."""
        self._shown.waiting(target, step, why, seconds)

    def said(self, target: str, text: str) -> None:
        """Something that is about no single step."""
        self._shown.said(target, text)
