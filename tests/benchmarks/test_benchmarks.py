"""The harness on a tiny project: its counts are right, and so are its projects and its tables. No time is asserted."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

# Tests of this folder try what it holds.
sys.path.insert(0, str(Path(__file__).parent))

from bench_cases_more import growth
from bench_cases_trouble import bucket_seconds
from bench_emulator import Record
from bench_figures import Bar, Figures, Row, figures_of, middle, together
from bench_main import CASES, parsed
from bench_order import etag_sources
from bench_process import Failed, Run
from bench_project import Shape, spec_lines, write_project
from bench_replay import Limit, replayed
from bench_report import WIDTH, head_text, machine_text, merged, read_machine, row_text, size_text, speed_part
from bench_stage import EMPTY, Site, Stage

TINY = Shape(services=2, functions=2)
WRITES = TINY.resources + TINY.services  # each service has a mark, a call of its own


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Stage(root=tmp_path_factory.mktemp("bench"), latency=0.0, runs=1) as stage:
        yield stage.site(TINY)


def asked(records: Sequence[Record]) -> Counter[tuple[str, str, str, int]]:
    return Counter((one.method, one.path, one.query, one.status) for one in records)


def test_the_harness_counts_what_a_run_asked_and_sends_it_again(site: Site) -> None:
    """An apply is replayed to the letter; after it there is nothing to do; a command that fails is no figure."""
    emulator = site.emulator
    emulator.begin(whole=True)
    run = site.run("apply", "--yes")
    records = emulator.read_records()
    figures = figures_of(run, records)
    assert (figures.requests, figures.writes) == (len(records), WRITES)
    assert figures.sent == sum(len(one.body) for one in records) > 0
    assert figures.cpu > 0 and 10_000_000 < figures.peak < 1_000_000_000
    assert figures.first + figures.calls + figures.last == pytest.approx(figures.wall)

    emulator.restore(EMPTY)
    emulator.begin(whole=True)
    replay = replayed(emulator.url, records, 4)
    again = emulator.read_records()
    assert replay.statuses == tuple(one.status for one in records)
    assert asked(again) == asked(records)
    assert sum(one.writes for one in again) == WRITES

    emulator.keep("replayed")
    unchanged = site.measured("apply", "--yes", limit=True, before="replayed", start_up=0.0)
    assert (unchanged.writes, unchanged.sent, unchanged.refused) == (0, 0, 0)
    assert unchanged.limit is not None and set(unchanged.limit.tried) == {16, 32, 64, 128}
    assert unchanged.ratio == pytest.approx(unchanged.wall / unchanged.limit.seconds)

    with pytest.raises(Failed, match=r"exit code 64\n.*plam"):
        site.run("plam")


@pytest.mark.proof
def test_a_log_with_etags_is_answered_as_before(tmp_path: Path) -> None:
    """Updates and deletes are sent again with the ETags that the replies bring this time; else they were refused."""
    with Stage(root=tmp_path, latency=0.0, runs=1) as stage:
        site = stage.applied(TINY)
        file = site.project / "fcdeploy.yaml"
        file.write_text(file.read_text().replace("memorySize: 512", "memorySize: 640"))
        for command, writes in ((("apply", "--yes"), 4), (("destroy", "--yes"), TINY.resources)):
            site.emulator.keep("there")
            site.emulator.begin(whole=True)
            site.run(*command)
            records = site.emulator.read_records()
            sources = etag_sources(records)
            guarded = [number for number, one in enumerate(records) if "if-match" in one.headers]
            assert sum(one.writes for one in records) == len(guarded) == writes
            assert all(sources[number] is not None for number in guarded)
            site.emulator.restore("there")
            assert replayed(site.emulator.url, records, 8).statuses == tuple(one.status for one in records)


@pytest.mark.parametrize(
    "shape",
    [TINY, Shape(services=1, functions=3, triggers=2, targets=7), Shape(services=1, functions=1, triggers=0)],
)
def test_a_shape_is_what_its_spec_says(shape: Shape) -> None:
    spec = yaml.safe_load("\n".join(spec_lines(shape)))
    functions = [one for service in spec["services"].values() for one in service["functions"].values()]
    triggers = sum(len(one.get("triggers", {})) for one in functions)
    assert shape.resources == len(spec["targets"]) * (len(spec["services"]) + len(functions) + triggers)
    assert len({(one["region"], one["account"]) for one in spec["targets"].values()}) == shape.targets


def test_a_shape_has_the_archives_that_it_says(tmp_path: Path) -> None:
    write_project(tmp_path, Shape(services=1, functions=3, archive=1000, large=5000))
    spec = yaml.safe_load((tmp_path / "fcdeploy.yaml").read_text())
    codes = [one["code"] for one in spec["services"]["svc0000"]["functions"].values()]
    assert [(tmp_path / code / "model.bin").stat().st_size for code in codes] == [5000, 1000, 1000]
    assert len({(tmp_path / code / "model.bin").read_bytes() for code in codes}) == 3


def run_of(**more: Any) -> Run:
    given = {"code": 0, "started": 10.0, "ended": 14.0, "cpu": 3.0, "peak": 64 * 1048576, **more}
    return Run(out=Path("out"), err=Path("err"), **given)


def figures(**more: Any) -> Figures:
    records = [
        Record(method="GET", path="/a", arrived=11.0, answered=12.0),
        Record(method="POST", path="/a", arrived=11.5, answered=13.5, sent=1234567, status=429),
    ]
    return replace(figures_of(run_of(), records, emulator_cpu=0.25), **more)


def test_where_the_time_of_a_run_went() -> None:
    one = figures(start_up=0.5, limit=Limit(seconds=2.0, cpu=0.5, in_flight=32, tried={16: 3.0, 32: 2.0}))
    assert (one.wall, one.first, one.calls, one.last) == (4.0, 1.0, 2.5, 0.5)
    assert (one.requests, one.writes, one.sent, one.refused) == (2, 1, 1234567, 1)
    assert one.ratio == 1.75
    assert figures().ratio is None
    nothing = figures_of(run_of())
    assert (nothing.first, nothing.calls, nothing.last) == (4.0, 0.0, 0.0)


def test_two_runs_count_as_one() -> None:
    both = together(figures(start_up=0.5), replace(figures(), peak=1))
    assert (both.wall, both.cpu, both.peak, both.requests, both.sent) == (8.0, 6.0, 64 * 1048576, 4, 2469134)
    assert (both.first, both.calls, both.last, both.emulator_cpu, both.start_up) == (2.0, 5.0, 1.0, 0.5, None)


def test_the_run_in_the_middle_is_shown() -> None:
    three = [figures_of(run_of(ended=ended)) for ended in (14.0, 12.0, 19.0)]
    assert middle(three).wall == 4.0
    assert middle(three[:2]).wall == 2.0


BARS = (Bar(name="limit", value=1.75, most=1.5, unit="× limit"), Bar(name="writes", value=0, most=0, unit="writes"))
MACHINE = {
    "cores": 2,
    "cpu": "A CPU",
    "memoryMiB": 4096,
    "system": "Linux",
    "python": "3.12.1",
    "latencyMs": 20.0,
    "load": 0.1,
}


def row(case: str = "plan", title: str = "plan unchanged") -> dict[str, Any]:
    limit = Limit(seconds=2.0, cpu=0.5, in_flight=32, tried={16: 3.0, 32: 2.0})
    return Row(case=case, title=title, figures=figures(start_up=0.5, limit=limit), walls=(4.0,), bars=BARS).to_json()


@pytest.mark.parametrize("title", ["plan", "a title that is longer than what stands before the figures of a row"])
def test_the_table_reads_in_80_columns(title: str) -> None:
    text = f"{head_text()}\n{row_text(row(title=title))}"
    assert all(len(line) <= WIDTH for line in text.splitlines()), text
    assert text.splitlines()[-1] == "    ok   0 writes, at most 0 writes"
    assert "    OVER 1.75 × limit, at most 1.50 × limit" in text
    cells = next(line for line in text.splitlines() if "1.23M" in line)[-50:].split()
    assert cells[-8:] == ["4.00", "3.00", "64", "2", "1", "1.23M", "2.00", "1.75"]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (999, "999"), (1000, "1k"), (12_345, "12.3k"), (123_456, "123k"), (999_499, "999k"), (999_600, "1M")],
)
def test_sizes_are_short(size: int, text: str) -> None:
    assert size_text(size) == text


def test_the_table_of_the_readme_says_what_is_over_its_bar() -> None:
    text = speed_part({"machine": MACHINE, "rows": [row(title="plan, unchanged")]})
    cells = ("plan, unchanged", "4.00 s", "2.00 s", "3.00 s", "64 MiB", "2", "1", "**1.75 × limit (≤ 1.5)**, 0 writes")
    assert f"| {' | '.join(cells)} |" in text.splitlines()
    assert text.startswith("Measured on 2 cores of A CPU, 4 GiB, Linux, Python 3.12.1;")


def test_growth_is_the_same_whatever_the_start_up() -> None:
    def sizes(*seconds: float) -> list[tuple[int, Figures]]:
        runs = [figures_of(run_of(cpu=each)) for each in seconds]
        return list(zip((100, 200, 400), runs, strict=False))

    assert growth(sizes(1, 2)) == ()
    for start_up in (0, 5):
        (linear,) = growth(sizes(start_up + 1, start_up + 2, start_up + 4))
        (square,) = growth(sizes(start_up + 1, start_up + 4, start_up + 16))
        assert (linear.value, linear.met) == (1.0, True)
        assert (square.value, square.met) == (2.0, False)


def test_a_bucket_is_full_at_first() -> None:
    assert bucket_seconds(figures(), 1) == 1.0
    assert bucket_seconds(replace(figures(), requests=2300, refused=100), 200) == 10.0


def test_a_part_of_the_cases_leaves_the_others_as_they_were() -> None:
    before = {"rows": [row("plan", "old plan"), row("apply", "old apply"), row("gone", "no case any more")]}
    rows = merged(before, [row("plan", "new plan"), row("start", "new start")], ["start", "apply", "plan"])
    assert [one["title"] for one in rows] == ["new start", "old apply", "new plan"]
    assert merged(None, [row()], ["plan"]) == [row()]


def test_the_machine_is_told() -> None:
    machine = read_machine(0.02)
    assert MACHINE.keys() <= machine.keys() and machine["latencyMs"] == 20.0 and machine["cores"] >= 1
    assert "Python 3.12.1; latency 20 ms" in machine_text(MACHINE)


def test_a_case_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert parsed([]).cases == []
    assert parsed([*CASES]).cases == list(CASES)
    with pytest.raises(SystemExit):
        parsed(["plam"])
    assert "no such case: plam" in capsys.readouterr().err
