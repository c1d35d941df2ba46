"""A run that is killed and finished, and a service that lets only so much through."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from bench_cases import central, of
from bench_figures import Bar, Figures, Row, figures_of, together
from bench_process import Failed
from bench_project import Shape
from bench_stage import Site, Stage

RATE = 200
_LOOK = 0.02  # seconds between two looks at how far a run has come


def steps_of(shape: Shape) -> int:
    """How many steps the first apply has: one a resource, and the mark of each service is one of its own."""
    return shape.resources + shape.targets * shape.services


def resume(stage: Stage) -> Iterator[Row]:
    """The first apply killed in the middle, and finished: both together, beside a run that nobody disturbs."""
    shape = central(stage)
    site = stage.site(shape)
    whole, parts = [], []
    for _ in range(stage.runs):
        site.forget()
        whole.append(site.measured("apply", "--yes").wall)
        site.forget()
        parts.append(_killed_and_resumed(site, steps_of(shape) // 2))
    stage.is_applied(shape)
    # Of neighbours, since the machine is not as fast in one minute as in the next.
    ratio = median(one.wall / other for one, other in zip(parts, whole, strict=True))
    yield Row.of(
        "resume",
        f"killed, resumed, {of(shape)}",
        parts,
        (Bar(name="undisturbed", value=ratio, most=1.4, unit="× undisturbed"),),
        more={"undisturbed": median(whole)},
        notes=(f"undisturbed runs beside it: {', '.join(f'{one:.2f}' for one in whole)} s",),
    )


def _killed_and_resumed(site: Site, writes: int) -> Figures:
    """Kill an apply after so many writes, resume it, and see that nothing is left to do; figures of both together."""
    emulator = site.emulator
    emulator.begin()
    used = emulator.read_cpu()
    started = site.start("apply", "--yes")
    while emulator.read_writes() < writes:
        if not started.running:
            raise Failed("the run ended before it could be killed")
        time.sleep(_LOOK)
    started.kill()
    killed = figures_of(started.wait(-9), emulator.read_records(), emulator_cpu=emulator.read_cpu() - used)
    finished = site.measured("resume")
    site.run("plan", "--detailed-exitcode")
    return together(killed, finished)


def throttle(stage: Stage) -> Iterator[Row]:
    """The first apply, where a token bucket lets 200 calls a second through and refuses the others with Retry-After."""
    shape = central(stage)
    site = stage.site(shape)
    rate = stage.sized(RATE)
    start_up = stage.start_up("apply", "--yes")
    several = []
    for _ in range(stage.runs):
        site.forget()
        site.emulator.set_faults({"throttle": {"rate": rate, "burst": rate, "retryAfter": True}})
        several.append(site.measured("apply", "--yes", start_up=start_up))
    stage.is_applied(shape)
    steps = steps_of(shape)
    yield Row.of(
        "throttle",
        f"apply, {rate} calls a second",
        several,
        lambda one: (
            Bar(name="bucket", value=(one.wall - start_up) / bucket_seconds(one, rate), most=1.3, unit="× the bucket"),
            Bar(name="calls", value=one.requests / steps, most=1.2, unit="calls a step"),
        ),
    )


def bucket_seconds(figures: Figures, rate: int) -> float:
    """How long the bucket takes to let through what it let through; it is full, with one second's calls, at first."""
    return max(1, figures.requests - figures.refused - rate) / rate
