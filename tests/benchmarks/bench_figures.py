"""What a measured run comes to: its figures, its share of the limit, and the bars that it is held against. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Self

from bench_emulator import Record
from bench_process import Run
from bench_replay import Limit

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One thing that a case must show: a measured value and the most that it may be, in this unit."""

    name: str
    value: float
    most: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether it is within the bar."""
        return self.value <= self.most


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One run. Times in seconds, sizes in bytes.

    `first` is from the start of the process until its first request arrived, `calls` from there until the last reply
    was written, `last` from there until its end; without requests all of it is `first`. `start_up` is what the same
    command takes for the smallest project, without its calls. `emulator_cpu` is what the other side took meanwhile.
    """

    wall: float
    cpu: float
    peak: int
    requests: int = 0
    writes: int = 0
    sent: int = 0
    refused: int = 0
    first: float = 0.0
    calls: float = 0.0
    last: float = 0.0
    emulator_cpu: float = 0.0
    start_up: float | None = None
    limit: Limit | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the limit it took, start-up apart."""
        if self.limit is None:
            return None
        return (self.wall - (self.start_up or 0.0)) / self.limit.seconds


def figures_of(run: Run, records: Sequence[Record] = (), *, emulator_cpu: float = 0.0) -> Figures:
    """The figures of a run that sent these requests; beside what is only known from other runs."""
    arrived = min((record.arrived for record in records), default=run.ended)
    answered = max((record.answered for record in records), default=run.ended)
    return Figures(
        wall=run.wall,
        cpu=run.cpu,
        peak=run.peak,
        requests=len(records),
        writes=sum(record.writes for record in records),
        sent=sum(record.sent for record in records),
        refused=sum(record.status in (429, 503) for record in records),
        first=arrived - run.started,
        calls=answered - arrived,
        last=run.ended - answered,
        emulator_cpu=emulator_cpu,
    )


def middle(several: Sequence[Figures]) -> Figures:
    """The run of several that stands in the middle, by its ratio where there is one, else by its time."""
    ranked = sorted(several, key=lambda one: (one.ratio or 0.0, one.wall))
    return ranked[(len(ranked) - 1) // 2]


_SUMMED = ("wall", "cpu", "requests", "writes", "sent", "refused", "first", "calls", "last", "emulator_cpu")


def together(one: Figures, other: Figures) -> Figures:
    """Two runs, one after the other, as if they were one."""
    sums = {name: getattr(one, name) + getattr(other, name) for name in _SUMMED}
    return Figures(peak=max(one.peak, other.peak), **sums)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: what was done, its figures, all its times, and the bars it is held against."""

    case: str
    title: str
    figures: Figures
    walls: tuple[float, ...] = ()
    bars: tuple[Bar, ...] = ()
    notes: tuple[str, ...] = ()
    more: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        case: str,
        title: str,
        several: Sequence[Figures],
        bars: Callable[[Figures], tuple[Bar, ...]] | tuple[Bar, ...] = (),
        **more: Any,
    ) -> Self:
        """A line of several runs of the same; `bars` are its bars, or make them from the run in the middle."""
        figures = middle(several)
        walls = tuple(one.wall for one in several)
        held = bars(figures) if callable(bars) else bars
        return cls(case=case, title=title, figures=figures, walls=walls, bars=held, **more)

    def to_json(self) -> dict[str, Any]:
        """Everything, with what follows from it."""
        told = asdict(self)
        told["figures"]["ratio"] = self.figures.ratio
        told["figures"]["medianWall"] = median(self.walls) if self.walls else self.figures.wall
        told["bars"] = [{**asdict(bar), "met": bar.met} for bar in self.bars]
        return told


def within_limit(figures: Figures, most: float = 1.5) -> tuple[Bar, ...]:
    """The bar of a case that is held against the limit."""
    return () if figures.ratio is None else (Bar(name="limit", value=figures.ratio, most=most, unit="× limit"),)


def within_seconds(value: float, most: float, name: str = "time") -> Bar:
    """A bar in seconds."""
    return Bar(name=name, value=value, most=most, unit="s")


def within_memory(figures: Figures, most: float) -> Bar:
    """A bar in MiB of peak memory."""
    return Bar(name="memory", value=figures.peak / MIB, most=most, unit="MiB")


def no_writes(figures: Figures) -> tuple[Bar, ...]:
    """The bars of whatever must change nothing."""
    return (
        Bar(name="writes", value=figures.writes, most=0, unit="writes"),
        Bar(name="sent", value=figures.sent, most=0, unit="bytes sent"),
    )
