"""A run in front of a person or a pipeline: what shows its progress, and what hears the signals that end it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Unpack

from msgspec import Struct

from fcdeploy.cli.interrupts import Interrupts, WatchedProgress
from fcdeploy.cli.options import RunOptions, flags_of
from fcdeploy.cli.speech import Speech

if TYPE_CHECKING:
    from fcdeploy.app import Manner, StopRequest, Where
    from fcdeploy.render.progress import Shown


class Watched(Struct, frozen=True, kw_only=True):
    """What a use case is given (`stop`, `progress`), and what a question to the person needs (`display`, `signals`)."""

    stop: StopRequest
    progress: WatchedProgress
    display: Shown
    signals: Interrupts

    def manner(self, **options: Unpack[RunOptions]) -> Manner:
        """How the run is carried out, watched by this."""
        from fcdeploy import app

        return app.Manner(progress=self.progress, stop=self.stop, **options)


@contextlib.contextmanager
def watched(speech: Speech, where: Where, *, takes_back: bool = True) -> Iterator[Watched]:
    """Show progress and hear signals until the end; `takes_back`: a stop takes back what was done."""
    from fcdeploy import app

    stop = app.StopRequest()
    flags = flags_of(where, target=True)
    with (
        speech.progress() as display,
        Interrupts(stop, terminal=sys.stderr.isatty(), flags=flags, takes_back=takes_back) as signals,
    ):
        yield Watched(stop=stop, progress=WatchedProgress(display, signals), display=display, signals=signals)
