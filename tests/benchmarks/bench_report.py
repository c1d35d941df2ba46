"""The results: as a table of 80 columns, as JSON, and as tables of the documents. Pure but for `read_machine`."""

from __future__ import annotations

import os
import platform
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WIDTH = 80
_TITLE = 31
_HEAD = ("wall s", "cpu s", "MiB", "calls", "writes", "sent", "limit", "ratio")
_WIDTHS = (6, 5, 4, 6, 6, 5, 5, 5)
_EVERYWHERE = {("memory", 1024), ("writes", 0), ("sent", 0)}


def read_machine(latency: float) -> dict[str, Any]:
    """What the figures were measured on, and how busy it was."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memoryMiB": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1024 * 1024),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "latencyMs": round(latency * 1000, 3),
        "load": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")


def machine_text(machine: Mapping[str, Any]) -> str:
    """The machine in one sentence."""
    return (
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memoryMiB'] / 1024:.0f} GiB, {machine['system']}, "
        f"Python {machine['python']}; latency {machine['latencyMs']:g} ms; load at the start {machine['load']:g}"
    )


def head_text() -> str:
    """The heading of the table."""
    cells = "".join(f"{name:>{width + 1}}" for name, width in zip(_HEAD, _WIDTHS, strict=True))
    return f"{'':{_TITLE - 1}}{cells}"


def row_text(row: Mapping[str, Any]) -> str:
    """One row, from its JSON: its figures, where its time went, and each bar."""
    figures = row["figures"]
    limit, ratio = figures["limit"], figures["ratio"]
    cells = (
        f"{figures['wall']:.2f}",
        f"{figures['cpu']:.2f}",
        f"{figures['peak'] / 1048576:.0f}",
        str(figures["requests"]),
        str(figures["writes"]),
        size_text(figures["sent"]),
        "" if limit is None else f"{limit['seconds']:.2f}",
        "" if ratio is None else f"{ratio:.2f}",
    )
    line = "".join(f"{cell:>{width + 1}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    title = row["title"]
    lines = [f"{title:{_TITLE - 1}}{line}"] if len(title) < _TITLE else [title, f"{'':{_TITLE - 1}}{line}"]
    lines += [f"    {each}" for each in (*_phases(figures), *row["notes"])]
    lines += [f"    {'ok  ' if bar['met'] else 'OVER'} {bar_text(bar)}" for bar in row["bars"]]
    return "\n".join(lines)


def _phases(figures: Mapping[str, Any]) -> list[str]:
    if not figures["requests"]:
        return []
    told = [
        f"{figures['first']:.2f} s to the first call, {figures['calls']:.2f} s of calls, {figures['last']:.2f} s more"
    ]
    if figures["start_up"] is not None:
        told[0] += f"; start-up {figures['start_up']:.2f}"
    elsewhere = f"{figures['emulator_cpu']:.2f} s of CPU in the emulator"
    if figures["limit"] is not None:
        elsewhere += f", {figures['limit']['cpu']:.2f} s in the bare loop"
        tried = ", ".join(f"{number}: {seconds:.2f}" for number, seconds in figures["limit"]["tried"].items())
        told.append(f"limit, s by calls in flight: {tried}")
    return [*told, elsewhere]


def size_text(size: int) -> str:
    """A size in at most five characters."""
    if size < 1000:
        return str(size)
    scaled = float(size)
    for unit in ("k", "M", "G"):
        scaled /= 1000
        if scaled < 999.5:
            return f"{scaled:.3g}{unit}" if scaled < 100 else f"{scaled:.0f}{unit}"
    return f"{scaled:.0f}T"


def bar_text(bar: Mapping[str, Any]) -> str:
    """A bar in words: what was measured, and the most that it may be."""
    return f"{_amount(bar, 'value')}, at most {_amount(bar, 'most')}"


def _amount(bar: Mapping[str, Any], which: str) -> str:
    value, unit = bar[which], bar["unit"]
    text = f"{value:,.0f}" if unit in ("MiB", "writes", "bytes sent") else f"{value:.2f}"
    return f"{text} {unit}".rstrip()


def speed_part(results: Mapping[str, Any]) -> str:
    """The README's part: the machine, and what is held against more than what every row is held against."""
    rows = [row for row in results["rows"] if any((bar["name"], bar["most"]) not in _EVERYWHERE for bar in row["bars"])]
    machine = textwrap.fill(f"Measured on {machine_text(results['machine'])}.", WIDTH, break_on_hyphens=False)
    return f"{machine}\n\n{_table(rows)}"


def whole_part(results: Mapping[str, Any]) -> str:
    """The same with every row, for the page about speed."""
    return _table(results["rows"])


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """What was measured; what is over its bar is in bold."""
    lines = [
        "| | time | limit | CPU | memory | requests | writes | held against |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        figures = row["figures"]
        cells = (
            row["title"],
            f"{figures['wall']:.2f} s",
            "" if figures["limit"] is None else f"{figures['limit']['seconds']:.2f} s",
            f"{figures['cpu']:.2f} s",
            f"{figures['peak'] / 1048576:.0f} MiB",
            f"{figures['requests']:,}",
            f"{figures['writes']:,}",
            ", ".join(map(_held, row["bars"])),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _held(bar: Mapping[str, Any]) -> str:
    text = _amount(bar, "value") + (f" (≤ {bar['most']:g})" if bar["most"] else "")
    return text if bar["met"] else f"**{text}**"


def merged(before: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]], order: Sequence[str]) -> list[Any]:
    """The rows of an older file with those of the cases in `rows` in their place, in the order of the cases."""
    measured = {row["case"] for row in rows}
    kept = [row for row in (before or {}).get("rows", []) if row["case"] not in measured and row["case"] in order]
    return sorted([*kept, *rows], key=lambda row: order.index(row["case"]))
