"""Two processes apply to one target at once: on one machine one of them waits or goes, on two the guards hold.

FCDEPLOY_SEED repeats the delays of a run, FCDEPLOY_ROUND one of its rounds; FCDEPLOY_ROUNDS is how many there are.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from race_judge import References, Verdict, judge, leaves
from race_specs import SOURCES, TITLES, Pair, pair
from race_stage import Contents, Ended, Job, Zygote, cloud, contents, copied, warm_process, write_project

ROUNDS = int(os.environ.get("FCDEPLOY_ROUNDS", "50"))
SEED = int(os.environ.get("FCDEPLOY_SEED", time.time_ns() % 1_000_000))
REFUSED, WAITS, APART = "refused", "waits", "two machines"
MODES = (REFUSED, APART, APART, WAITS, APART, APART)
HELD = re.compile(r"\S+@\S+ pid \d+ is at work on dev\s+run \d{8}-\d{6}-[0-9a-f]{8}, for \d+ s")


@dataclass
class Ground:
    """Where the rounds of this proof are run: each pair of specs is prepared once."""

    folder: Path
    zygote: Zygote
    prepared: dict[str, References] = field(default_factory=dict)

    def home(self, one: Pair) -> Path:
        return self.folder / one.title.replace(" ", "-")

    def prepare(self, one: Pair) -> References:
        """What is there before, and what each alone leaves."""
        if one.title not in self.prepared:
            home = self.home(one)
            for name, spec in (("before", one.before), ("mine", one.mine), ("theirs", one.theirs)):
                if spec is not None:
                    write_project(home / name, spec, SOURCES)
            before = self.alone(home, "before", None) if one.before is not None else {}
            after = [self.alone(home, name, "before" if one.before else None) for name in ("mine", "theirs")]
            self.prepared[one.title] = References(before=leaves(before), mine=leaves(after[0]), theirs=leaves(after[1]))
        return self.prepared[one.title]

    def alone(self, home: Path, name: str, after: str | None) -> Contents:
        """What one spec leaves behind, with the contents kept in a folder."""
        data = home / f"{name}-data"
        if after is not None:
            copied(home / f"{after}-data", data)
        with cloud(data) as handle:
            (ended,) = self.zygote.run(Job(name=name, folder=home / name, state=home / f"{name}-state", url=handle.url))
            assert ended.code == 0, (name, ended.out, ended.err)
            return contents(handle)

    def race(self, one: Pair, number: int, mode: str, delays: tuple[float, float]) -> tuple[Contents, Ended, Ended]:
        """Both at once; what is there afterwards and how they ended."""
        home, round_ = self.home(one), self.folder / f"round-{number}"
        round_.mkdir()
        data = copied(home / "before-data", round_ / "data") if one.before is not None else round_ / "data"
        words = ("apply", "--yes", "--format", "json", *(("--lock-timeout", "60s") if mode == WAITS else ()))
        with cloud(data) as handle:
            mine, theirs = self.zygote.run(
                *(
                    Job(
                        name=name,
                        folder=home / name,
                        state=round_ / (f"state-{name}" if mode == APART else "state"),
                        url=handle.url,
                        words=words,
                        delay=delay,
                    )
                    for name, delay in zip(("mine", "theirs"), delays, strict=True)
                )
            )
            return contents(handle), mine, theirs


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with warm_process(tmp_path) as zygote:
        yield Ground(folder=tmp_path, zygote=zygote)


def check_one_machine(verdict: Verdict, there: References, live: Contents, mine: Ended, theirs: Ended) -> None:
    """With one state folder there is an order: whoever ended well last has all of it."""
    done = sorted((one for one in (mine, theirs) if one.code == 0), key=lambda one: one.ended)
    if not done:
        verdict.faults.append("neither got through")
        return
    wanted = there.mine if done[-1] is mine else there.theirs
    if leaves(live) != wanted:
        verdict.faults.append(f"what is there is not wholly that of {done[-1].name}")
    for one in (mine, theirs):
        if one.code == 0:
            continue
        if one.code != 1 or one.outcome or not HELD.search(one.err):
            verdict.faults.append(f"{one.name} was to be refused by name, run and age: {one.code} {one.err[-400:]}")
        if one.ended > done[-1].ended:
            verdict.faults.append(f"{one.name} was not refused at once")


def reason(run: Ended) -> str:
    """How a process ended, in a few words."""
    errors = [one for one in (*run.findings, *run.problems) if one["severity"] == "error"]
    if run.code == 0:
        return f"{run.name} 0" + (" with warnings" if run.findings else "")
    if not errors:
        return f"{run.name} {run.code}: {' '.join(run.err.split())[:150]}"
    detail = errors[0].get("detail", "").partition("\n")[0]
    return f"{run.name} {run.code}: {errors[0]['summary']} ({detail})"[:220]


def played(ground: Ground, number: int) -> tuple[str, Verdict]:
    """One round: what it was and how it ended, in a line, and the verdict."""
    chance = random.Random(f"{SEED}/{number}")
    mode = MODES[number % len(MODES)]
    one = pair(TITLES[(number * 7 + number // len(MODES)) % len(TITLES)])
    delays = (0.0, round(chance.uniform(0, 0.35), 3))
    delays = delays if chance.random() < 0.5 else delays[::-1]
    there = ground.prepare(one)
    live, mine, theirs = ground.race(one, number, mode, delays)
    if mode == APART:
        verdict = judge(there, live, mine, theirs)
    else:
        verdict = Verdict()
        check_one_machine(verdict, there, live, mine, theirs)
        if mode == WAITS and (mine.code, theirs.code) != (0, 0):
            verdict.faults.append("whoever waits ends well")
    if verdict.relied:
        verdict.note(f"relied on the other: {'; '.join(verdict.relied[:3])}")
    line = (
        f"{number:2} {one.title}, {mode}, delays {delays[0]:.3f} {delays[1]:.3f}: {reason(mine)} · {reason(theirs)}"
        f"{' · ' if verdict.notes else ''}{'; '.join(verdict.notes)}"
    )
    return line, verdict


def run_rounds(ground: Ground, numbers: list[int], figure: Callable[[str], None]) -> None:
    good, relied, bad = 0, 0, []
    for number in numbers:
        line, verdict = played(ground, number)
        figure(f"two applies, round {line}")
        good += not verdict.faults
        relied += bool(verdict.relied)
        if verdict.faults:
            bad.append("\n    ".join((line, *verdict.faults[:12])))
    figure(f"two applies: {len(numbers)} rounds, {good} without lost update or mixed result (seed {SEED})")
    figure(f"two applies: in {relied} of them one found as wanted what the other then took back")
    assert not bad, f"FCDEPLOY_SEED={SEED}; FCDEPLOY_ROUND=number repeats one\n" + "\n".join(bad)


def test_two_applies_at_once(ground: Ground, figure: Callable[[str], None]) -> None:
    run_rounds(ground, [0], figure)


@pytest.mark.crash
def test_two_applies_at_once_fifty_times(ground: Ground, figure: Callable[[str], None]) -> None:
    chosen = os.environ.get("FCDEPLOY_ROUND")
    run_rounds(ground, [int(chosen)] if chosen else list(range(ROUNDS)), figure)
