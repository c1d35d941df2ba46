"""The benchmarks: `make bench`, or `python tests/benchmarks/bench_main.py --help`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import bench_cases
import bench_cases_more
import bench_cases_scale
import bench_cases_trouble
from bench_figures import Row
from bench_report import head_text, machine_text, merged, read_machine, row_text
from bench_stage import Stage

CASES: Mapping[str, Callable[[Stage], Iterator[Row]]] = {
    "start": bench_cases.start,
    "validate": bench_cases.validate,
    "apply": bench_cases.apply,
    "plan": bench_cases.plan,
    "again": bench_cases.again,
    "large": bench_cases_more.large,
    "targets": bench_cases_more.targets,
    "archives": bench_cases_more.archives,
    "resume": bench_cases_trouble.resume,
    "throttle": bench_cases_trouble.throttle,
    "scale": bench_cases_scale.scale,
    "vast": bench_cases_scale.vast,
    "many": bench_cases_more.many,
}
"""Every case by its name, in the order in which they are measured and shown."""


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The command line of the harness."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure fcdeploy against its emulator.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"which; without any: all of {', '.join(CASES)}")
    parser.add_argument("--latency", type=float, default=20.0, metavar="MS", help="of a request; without it 20 ms")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of what is repeated; without it 3")
    parser.add_argument("--size", type=float, default=1.0, metavar="PART", help="0.1: a tenth of every case")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results; other cases in it stay")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="work below this folder; without it the system's")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.cases if name not in CASES]
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}; there are {', '.join(CASES)}")
    return given


def main(arguments: list[str]) -> None:
    """Measure, and print each row when it is there."""
    given = parsed(arguments)
    machine = read_machine(given.latency / 1000)
    print(machine_text(machine))
    print(head_text(), flush=True)
    rows = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=given.folder) as folder,
        Stage(root=Path(folder), latency=given.latency / 1000, runs=given.runs, size=given.size) as stage,
    ):
        for name, case in CASES.items():
            if given.cases and name not in given.cases:
                continue
            for row in case(stage):
                # A bar is for the size that it names.
                rows.append((row if given.size == 1 else replace(row, bars=())).to_json())
                print(row_text(rows[-1]), flush=True)
        machine["startUp"] = dict(stage.start_ups)
    if given.json is not None:
        before = json.loads(given.json.read_text(encoding="utf-8")) if given.json.exists() else None
        results = {"machine": machine, "size": given.size, "rows": merged(before, rows, list(CASES))}
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
