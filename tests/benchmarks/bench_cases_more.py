"""Archives, and many targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from bench_cases import central, unchanged
from bench_figures import Bar, Figures, Row, no_writes, within_limit, within_memory
from bench_project import Shape, write_large
from bench_stage import Stage

MB = 1_000_000
ALL = ("--target", "*")


def large(stage: Stage) -> Iterator[Row]:
    """One function of a thousand has other code, in an archive of 20 MB: it alone is packed, sent and changed."""
    size = stage.sized(20 * MB)
    beside = central(stage)
    shape = Shape(services=beside.services, functions=beside.functions, large=size)
    site = stage.applied(shape)
    several = []
    for number in range(stage.runs):
        write_large(site.project, shape, number + 1)
        several.append(site.measured("apply", "--yes"))
    yield Row.of(
        "large",
        f"1 of {shape.services * shape.functions:,} changed, {size / MB:g} MB",
        several,
        lambda one: (Bar(name="writes", value=one.writes, most=1, unit="writes"), within_memory(one, 250)),
    )
    stage.leave(shape)


def archives(stage: Stage) -> Iterator[Row]:
    """Two hundred functions with an archive of 5 MB each: packed, sent, and then found unchanged."""
    shape = Shape(services=4, functions=stage.sized(50), triggers=0, archive=5 * MB)
    site = stage.site(shape)
    what = f"{shape.services * shape.functions} × {shape.archive / MB:g} MB"
    yield Row.of("archives", f"plan, {what}, first time", [site.measured("plan")])
    yield Row.of("archives", f"apply, {what}", [site.measured("apply", "--yes")])
    stage.is_applied(shape)
    packed, bare = [], []
    start_up = stage.start_up("plan")
    without = replace(shape, archive=0)
    for _ in range(stage.runs):
        packed.append(site.measured("plan", start_up=start_up))
        bare.append(stage.applied(without).measured("plan"))
    small = median(one.wall for one in bare)
    yield Row.of(
        "archives",
        f"plan, {what}, second time",
        packed,
        lambda one: (
            Bar(name="time", value=one.wall - start_up, most=1.0, unit="s without start-up"),
            *no_writes(one),
        ),
        notes=(f"with one small folder for all of them: {small:.2f} s; start-up {start_up:.2f}",),
        more={"oneSmallFolder": small},
    )
    stage.leave(without)
    stage.leave(shape)


def targets(stage: Stage) -> Iterator[Row]:
    """A hundred targets of twenty resources each, in one run; nothing changed."""
    shape = Shape(services=2, functions=3, triggers=2, targets=stage.sized(100, least=2))
    stage.applied(shape, *ALL)
    several = unchanged(stage, shape, "plan", *ALL)
    title = f"{shape.targets} targets × {shape.resources // shape.targets}, unchanged"
    yield Row.of("targets", title, several, lambda one: (*within_limit(one), *no_writes(one)))
    stage.leave(shape)


def many(stage: Stage) -> Iterator[Row]:
    """Five hundred targets in one run, and one of five hundred."""
    plans: list[tuple[int, Figures]] = []
    for number in (125, 250, 500):
        shape = Shape(services=1, functions=2, targets=stage.sized(number, least=2))
        site = stage.site(shape)
        applied = site.measured("apply", "--yes", *ALL)
        yield Row.of("many", f"apply, {shape.targets} targets", [applied], lambda one: (within_memory(one, 1024),))
        planned = site.measured("plan", *ALL)
        plans.append((shape.resources, planned))
        bars = (within_memory(planned, 1024), *no_writes(planned), *growth(plans))
        yield Row.of("many", f"plan, {shape.targets} targets", [planned], bars)
        if number != 500:
            stage.leave(shape)
    alone = Shape(services=1, functions=2)
    stage.applied(alone)
    of_many, by_itself = [], []
    for _ in range(max(3, stage.runs)):
        of_many.append(site.measured("plan", "--target", "t0000"))
        by_itself.append(stage.site(alone).measured("plan", "--target", "dev"))
    (apart,) = (Row.of("many", "plan, a file with one target", by_itself),)
    yield apart
    yield Row.of(
        "many",
        f"plan, 1 of {shape.targets} targets",
        of_many,
        lambda one: (Bar(name="alone", value=one.wall / apart.figures.wall, most=1.25, unit="× alone"),),
    )
    stage.leave(shape)


def growth(several: list[tuple[int, Figures]]) -> tuple[Bar, ...]:
    """Of three sizes: the CPU of a resource from the second to the third, beside one from the first to the second.

    Both are differences, so that start-up is in neither; a difference of two wall times would be mostly chance.
    No bar for fewer sizes.
    """
    if len(several) < 3:
        return ()
    (least, first), (middle, second), (most, third) = ((size, figures.cpu) for size, figures in several)
    value = ((third - second) / (most - middle)) / ((second - first) / (middle - least))
    return (Bar(name="growth", value=value, most=1.25, unit="× linear"),)
