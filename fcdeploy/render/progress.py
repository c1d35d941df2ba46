"""Progress of a run: plain lines for logs, a live display for terminals.

Both are told the same things; neither writes by itself: `write` puts one line out, the live one draws on the console
that it is given. Times are shown, so progress is talk (stderr), never data.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from fcdeploy.model import Action, EventType, Step
from fcdeploy.render.ink import PLAIN, Ink, Role
from fcdeploy.render.words import clean, seconds_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_DOING = {
    Action.CREATE: ("creating", "created"),
    Action.UPDATE: ("updating", "updated"),
    Action.REPLACE: ("replacing", "replaced"),
    Action.DELETE: ("deleting", "deleted"),
    Action.NONE: ("checking", "checked"),
}
_REPEAT_SECONDS = 10.0
"""A wait for the same thing is told again after so long."""

_SHOWN = 8
"""Steps in flight that the live display lists."""


class Shown(Protocol):
    """A progress display for the time of a run; what the app reports to, and what the command line opens and closes."""

    def expect(self, target: str, steps: int) -> None:
        """So many steps are to be done on the target."""

    def begun(self, target: str, step: Step, undoing: bool) -> None:
        """A step's request is about to leave."""

    def ended(self, target: str, step: Step, event: EventType, seconds: float, note: str) -> None:
        """The step is over, one way or the other."""

    def waiting(self, target: str, step: Step, why: str, seconds: float) -> None:
        """The step will be repeated; it has waited so long already."""

    def said(self, target: str, text: str) -> None:
        """Something worth knowing that is about no single step."""

    def catch_up(self) -> None:
        """Show all that was told so far, before something else is said."""

    def stop(self) -> None:
        """Leave the terminal as it was; may be called twice, and from a signal."""

    def __enter__(self) -> Self:
        """Open the display."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""


class Telling:
    """Turns what happens into sentences; the displays differ in what they do with them."""

    def __init__(self, *, ink: Ink = PLAIN, several: bool = False) -> None:
        self._ink = ink
        self._several = several
        self._undoing: set[tuple[str, str]] = set()
        self._waits: dict[tuple[str, str], tuple[str, float]] = {}

    def name_targets(self, several: bool) -> None:
        """Whether lines begin with their target's name."""
        self._several = several

    def begun(self, target: str, step: Step, undoing: bool) -> str:
        """`creating function images/resize …`."""
        if undoing:
            self._undoing.add((target, step.id))
        return f"{self._prefix(target)}{self._doing(target, step)} ..."

    def ended(self, target: str, step: Step, event: EventType, seconds: float, note: str) -> str:
        """`created function images/resize (0.3 s)`."""
        self._waits.pop((target, step.id), None)
        undo, about = self._undo(target, step), _about(step)
        doing = f"{undo}{_DOING[step.action][0]} {about}"
        tail = f" ({seconds_text(seconds)})" + (f": {clean(note)}" if note else "")
        match event:
            case EventType.DONE | EventType.UNDONE:
                text = f"{undo}{_DOING[step.action][1]} {about}{tail}"
            case EventType.FAILED:
                text = f"{self._ink('failed', Role.ERROR)} {doing}{tail}"
            case EventType.UNKNOWN:
                text = f"{self._ink('no answer', Role.WARNING)} while {doing}{tail}"
            case EventType.SKIPPED:
                text = f"skipped {about}" + (f": {clean(note)}" if note else "")
            case EventType.BEGUN:
                text = f"{doing} ..."
        return self._prefix(target) + text

    def waiting(self, target: str, step: Step, why: str, seconds: float) -> str:
        """`waiting for service images: ServiceNotEmpty (3.0 s)`; empty when that has just been said."""
        key, reason = (target, step.id), clean(why)
        last = self._waits.get(key)
        if last and last[0] == reason and seconds - last[1] < _REPEAT_SECONDS:
            return ""
        self._waits[key] = (reason, seconds)
        return f"{self._prefix(target)}waiting for {_about(step)}: {reason} ({seconds_text(seconds)})"

    def said(self, target: str, text: str) -> str:
        """The text, with its target."""
        return self._prefix(target) + clean(text)

    def _doing(self, target: str, step: Step) -> str:
        return f"{self._undo(target, step)}{_DOING[step.action][0]} {_about(step)}"

    def _undo(self, target: str, step: Step) -> str:
        return "undo: " if (target, step.id) in self._undoing else ""

    def _prefix(self, target: str) -> str:
        return f"{clean(target)}: " if self._several and target else ""


def _about(step: Step) -> str:
    group = "" if step.group in ("", "body") else f" ({clean(step.group)})"
    return f"{clean(step.address.short)}{group}"


def _at_once(work: Callable[[], None]) -> None:
    work()


class PlainProgress:
    """A line for each thing that happens.

    `soon` does what it is given at once or after what is under way: lines that come until then are written together.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        ink: Ink = PLAIN,
        soon: Callable[[Callable[[], None]], object] = _at_once,
    ) -> None:
        self._write = write
        self._soon = soon
        self._lines: list[str] = []
        self._telling = Telling(ink=ink)
        self._targets: set[str] = set()

    def expect(self, target: str, steps: int) -> None:
        """So many steps are to be done on the target."""
        self._targets.add(target)
        self._telling.name_targets(len(self._targets) > 1)

    def begun(self, target: str, step: Step, undoing: bool) -> None:
        """A step's request is about to leave."""
        self._line(self._telling.begun(target, step, undoing))

    def ended(self, target: str, step: Step, event: EventType, seconds: float, note: str) -> None:
        """The step is over, one way or the other."""
        self._line(self._telling.ended(target, step, event, seconds, note))

    def waiting(self, target: str, step: Step, why: str, seconds: float) -> None:
        """The step will be repeated."""
        if line := self._telling.waiting(target, step, why, seconds):
            self._line(line)

    def said(self, target: str, text: str) -> None:
        """Something that is about no single step."""
        self._line(self._telling.said(target, text))

    def catch_up(self) -> None:
        """Write all that was told so far."""
        lines, self._lines = self._lines, []
        if lines:
            self._write("\n".join(lines))

    def stop(self) -> None:
        """Nothing to take down."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.catch_up()

    def _line(self, text: str) -> None:
        self._lines.append(text)
        if len(self._lines) == 1:
            self._soon(self.catch_up)


class LiveProgress:
    """A bar and the steps in flight at the foot of a terminal; what is over scrolls away above.

    `soon` as of PlainProgress: to draw costs more than a step, so what happens meanwhile is drawn together.
    """

    def __init__(self, console: Console, *, ink: Ink, soon: Callable[[Callable[[], None]], object] = _at_once) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._console = console
        self._telling = Telling(ink=ink)
        self._bars: Bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._totals: dict[str, int] = {}
        self._done = 0
        self._soon = soon
        self._is_due = False
        self._lines: list[str] = []
        self._flying: dict[tuple[str, str], str] = {}
        self._bar: TaskID | None = None

    def expect(self, target: str, steps: int) -> None:
        """So many steps are to be done on the target."""
        self._totals[target] = steps
        self._telling.name_targets(len(self._totals) > 1)
        self._draw_soon()

    def begun(self, target: str, step: Step, undoing: bool) -> None:
        """A step's request is about to leave."""
        self._flying[(target, step.id)] = self._telling.begun(target, step, undoing)
        self._draw_soon()

    def ended(self, target: str, step: Step, event: EventType, seconds: float, note: str) -> None:
        """The step is over, one way or the other."""
        self._flying.pop((target, step.id), None)
        self._done += event is EventType.DONE
        self._lines.append(self._telling.ended(target, step, event, seconds, note))
        self._draw_soon()

    def waiting(self, target: str, step: Step, why: str, seconds: float) -> None:
        """The step will be repeated."""
        if line := self._telling.waiting(target, step, why, seconds):
            self._flying[(target, step.id)] = line
            self._draw_soon()

    def said(self, target: str, text: str) -> None:
        """Something that is about no single step."""
        self._lines.append(self._telling.said(target, text))
        self._draw_soon()

    def catch_up(self) -> None:
        """Draw whatever happened since the last time; nothing of it twice."""
        if self._is_due:
            self._is_due = False
            self._write_lines()
            self._draw_bar()

    def stop(self) -> None:
        """Take the display down."""
        self._bars.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_due = False
        self._write_lines()
        self.stop()

    def _draw_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._soon(self.catch_up)

    def _write_lines(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            from rich.text import Text

            self._console.print(Text.from_ansi("\n".join(lines)), soft_wrap=True)

    def _draw_bar(self) -> None:
        # The display opens with the first step: a question that is asked before must not stand under a bar.
        if self._bar is None:
            if not self._flying:
                return
            self._bar = self._bars.add_task("", total=None)
            self._bars.start()
        flying = list(self._flying.values())
        more = f" and {len(flying) - 1} more" if len(flying) > 1 else ""
        description = (flying[0].removesuffix(" ...") if flying else "finishing") + more
        self._bars.update(
            self._bar, description=description, completed=self._done, total=sum(self._totals.values()) or None
        )
