"""Fifty thousand resources in one file."""

from __future__ import annotations

from collections.abc import Iterator

from bench_cases_more import growth
from bench_figures import Figures, Row, middle, no_writes, within_memory
from bench_project import Shape
from bench_stage import Site, Stage

_RESOURCES = (12_500, 25_000, 50_000)
_MOST = 1024  # MiB


def _shape(stage: Stage, resources: int) -> Shape:
    """So many resources: services of 50 functions, each with a trigger."""
    return Shape(services=stage.sized(resources // 100), functions=50)


def scale(stage: Stage) -> Iterator[Row]:
    """Validate and first plan of files of three sizes: a resource takes as long in the largest as in the smallest."""
    for arguments in (("validate",), ("plan",)):
        seen: list[tuple[int, Figures]] = []
        for resources in _RESOURCES:
            shape = _shape(stage, resources)
            site = stage.site(shape)
            several = [site.measured(*arguments) for _ in range(stage.runs)]
            figures = middle(several)
            seen.append((shape.resources, figures))
            bars = (within_memory(figures, _MOST), *growth(seen))
            yield Row.of("scale", f"{arguments[0]}, {shape.resources:,} resources", several, bars)
    for resources in _RESOURCES:
        stage.leave(_shape(stage, resources))


def vast(stage: Stage) -> Iterator[Row]:
    """Fifty thousand resources, really there: applied once, and planned again."""
    shape = _shape(stage, _RESOURCES[-1])
    site: Site = stage.site(shape)
    yield Row.of(
        "vast",
        f"apply, {shape.resources:,} resources",
        [site.measured("apply", "--yes")],
        lambda one: (within_memory(one, _MOST),),
    )
    yield Row.of(
        "vast",
        f"plan, {shape.resources:,} unchanged",
        [site.measured("plan")],
        lambda one: (within_memory(one, _MOST), *no_writes(one)),
    )
    stage.leave(shape)
