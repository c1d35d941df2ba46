"""The central cases: a thousand functions with a trigger each, nothing of it there, and all of it."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench_figures import Bar, Figures, Row, no_writes, within_limit, within_memory, within_seconds
from bench_project import Shape
from bench_stage import EMPTY, Stage

_THERE = "there"


def central(stage: Stage) -> Shape:
    """1,000 functions and 1,000 triggers in 20 services."""
    return Shape(services=stage.sized(20), functions=stage.sized(50))


def of(shape: Shape) -> str:
    """Functions and triggers, for a title."""
    functions = shape.services * shape.functions
    return f"{functions:,} + {functions * shape.triggers:,}"


def start(stage: Stage) -> Iterator[Row]:
    """What has nothing to do but to start."""
    site = stage.site(central(stage))
    for option in ("--version", "--help"):
        site.run(option)
        several = [site.measured(option) for _ in range(max(5, stage.runs))]
        yield Row.of("start", option, several, lambda figures: (within_seconds(figures.wall, 0.20),))


def validate(stage: Stage) -> Iterator[Row]:
    """A file of ten thousand functions, without a cloud."""
    shape = Shape(services=stage.sized(200), functions=50, triggers=0)
    site = stage.site(shape)
    several = [site.measured("validate") for _ in range(stage.runs)]
    title = f"validate {shape.services * shape.functions:,} functions"
    yield Row.of("validate", title, several, lambda one: (within_seconds(one.wall, 4.0), within_memory(one, 400)))
    stage.leave(shape)


def apply(stage: Stage) -> Iterator[Row]:
    """The first apply: each time from an empty cloud and an empty state folder."""
    shape = central(stage)
    start_up = stage.start_up("apply", "--yes")
    site = stage.site(shape)
    several = []
    for _ in range(stage.runs):
        site.forget()
        several.append(site.measured("apply", "--yes", start_up=start_up, limit=True, before=EMPTY))
    stage.is_applied(shape)
    yield Row.of(
        "apply",
        f"first apply, {of(shape)}",
        several,
        lambda one: (*within_limit(one), within_seconds(one.wall, 8.0)),
    )


def plan(stage: Stage) -> Iterator[Row]:
    """Nothing changed: all of it read, nothing to do."""
    shape = central(stage)
    several = unchanged(stage, shape, "plan")
    yield Row.of(
        "plan",
        f"plan, {of(shape)} unchanged",
        several,
        lambda one: (*within_limit(one), within_seconds(one.wall, 4.0), *no_writes(one)),
    )


def again(stage: Stage) -> Iterator[Row]:
    """The same, applied again; held against a plan of the same minute."""
    shape = central(stage)
    plans, several = [], []
    for _ in range(stage.runs):
        plans += unchanged(stage, shape, "plan", times=1, limit=False)
        several += unchanged(stage, shape, "apply", "--yes", times=1)
    plan_time = median(one.wall for one in plans)
    yield Row.of(
        "again",
        f"apply, {of(shape)} unchanged",
        several,
        lambda one: (Bar(name="plan", value=one.wall / plan_time, most=1.1, unit="× plan"), *no_writes(one)),
        more={"plan": plan_time},
    )


def unchanged(
    stage: Stage, shape: Shape, *arguments: str, times: int | None = None, limit: bool = True
) -> list[Figures]:
    """Run a command that finds nothing to do, and its limit."""
    start_up = stage.start_up(*arguments)
    site = stage.applied(shape)
    site.emulator.keep(_THERE)
    return [
        site.measured(*arguments, start_up=start_up, limit=limit, before=_THERE)
        for _ in range(stage.runs if times is None else times)
    ]
