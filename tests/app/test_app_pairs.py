"""Whatever a file said before: after an apply of B the plan is empty, and live is what a fresh apply of B makes.

Pairs of specs A, B are random, from `spec_generator`. For each: A is applied, then B; the calls that this sends are
those that the JSON plan of B over A lists; the plan is then empty; what is there is what B alone makes of an empty
account; and the way back leads to A. `make pairs` tries many, `make test` few and always the same.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given, note, settings
from spec_coverage import Coverage, wanted
from spec_generator import HINTS, PROVIDER, specs
from spec_whole import full, lean

from fcdeploy.app import Wishes
from fcdeploy.cli.views import plans_view
from fcdeploy.engine.rollback import inverse
from fcdeploy.errors import RunError
from fcdeploy.kinds.descriptor import Marking
from fcdeploy.kinds.fields import Access, Field, Reset, is_moved
from fcdeploy.kinds.registry import KINDS, kind_of, roots
from fcdeploy.model import Ending, Live
from fcdeploy.render.json import document_text, plans_content

APIS = ("2021-04-06", "2016-08-15")
ALL = Wishes(allow_unsafe=True)
MANY = int(os.environ.get("FCDEPLOY_PAIRS", "0"))
"""How many pairs of each API version; 0: few, and the same every time."""
FEW = max(2, settings.default.max_examples // 50)
PINNED: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parents[1] / "cases" / "pairs.yaml").read_text("utf-8"))
"""Pairs that once failed."""
NOTHING: tuple[Any, ...] = (None, "", [], {})
TIMES = ("createdTime", "lastModifiedTime")
GIVEN = ("serviceId", "functionId", "triggerId", "urlInternet", "urlIntranet", "current")
"""What the service gives: ids, addresses, how many instances there are at the moment."""


# Live state, but for what no file decides


def settled(live: Live, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is there, without ids and times, what is "not set", and what is left to the service."""
    kind = kind_of(live.address)
    known = {one.name: one for one in kind.fields}
    numbers = {name for one in kind.fields if is_numbered(one) for name in (one.name, *one.read_from)}
    whole = {name: value for name, value in live.raw.items() if name not in {*TIMES, *GIVEN, *numbers}}
    return {
        name: value
        for name, item in whole.items()
        if (value := significant(known.get(name), item, live.raw, (given or {}).get(name))) not in NOTHING
    }


def is_numbered(one: Field) -> bool:
    """Whether a field holds numbers that the service gave: which they are is history."""
    refers = one.refers or (one.item.refers if one.item is not None else "")
    return bool(refers) and KINDS[PROVIDER, refers].numbering is not None


def significant(one: Field | None, value: Any, whole: Mapping[str, Any], given: Any) -> Any:
    """One member of a live body; `given` is what the file says of it, None when it says nothing."""
    if one is not None and (is_moved(one, whole) or (given is None and is_left_alone(one, whole))):
        return None
    members = one.every_member if one is not None else {}
    if isinstance(value, str) and members and value[:1] == "{":
        value = json.loads(value)
    if isinstance(value, Mapping):
        if one is not None and one.off and value.get(one.off) in NOTHING:
            return None
        inner = given if isinstance(given, Mapping) else {}
        made = {name: significant(members.get(name), item, whole, inner.get(name)) for name, item in value.items()}
        return {name: item for name, item in made.items() if item not in NOTHING}
    if isinstance(value, list):
        item = one.item if one is not None else None
        # A list that the file gives is as the file says; what the service fills in inside of its items is not compared.
        return sorted((significant(item, inner, whole, {}) for inner in value), key=repr)
    return None if (one and one.default(whole) and value == one.default(whole).value) else value


def is_left_alone(one: Field, whole: Mapping[str, Any]) -> bool:
    """Whether a field keeps what it had where the file does not name it (S16), or moves by itself (S23)."""
    default = one.default(whole)
    return one.access is Access.READ_ONLY or one.reset is Reset.NONE or default is None or not default.compared


# Calls: as planned and as sent


def planned(stage: Any, report: Any) -> list[dict[str, Any]]:
    """The calls that the JSON plan lists."""
    document = json.loads(document_text("plan", plans_content(plans_view(report, destroy=False, with_bodies=True))))
    (target,) = document["targets"]
    steps: list[dict[str, Any]] = target["steps"]
    return steps


def is_sent(step: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether this is the request that a step of the plan announced."""
    return (
        (step["operation"], step["method"]) == (entry["operation"], entry["method"])
        and step["path"] == "/" + entry["path"].split("/", 2)[2]
        and step["query"] == dict(parse_qsl(entry["query"], keep_blank_values=True))
        # What is numbered carries the ETag of what it freezes, if it freezes anything.
        and (step["guard"] == "nextAfter" or (step["guard"] == "ifMatch") == bool(entry["ifMatch"]))
        and is_same(step["body"], entry["body"])
    )


def is_same(shown: Any, sent: Any) -> bool:
    """Whether a body as the plan shows it is the one that was sent; what is hidden may be anything."""
    if shown in ({"sensitive": True}, {"knownAfterApply": True}):
        return sent is not None
    if isinstance(shown, dict) and shown.keys() == {"archive"}:
        return isinstance(sent, str) and bool(sent)
    if isinstance(shown, dict | list) and isinstance(sent, str):
        return is_same(shown, json.loads(sent))
    if isinstance(shown, dict) and isinstance(sent, dict):
        return shown.keys() == sent.keys() and all(is_same(shown[key], sent[key]) for key in shown)
    if isinstance(shown, list) and isinstance(sent, list):
        return len(shown) == len(sent) and all(map(is_same, shown, sent))
    return bool(shown == sent)


def assert_same_calls(steps: list[dict[str, Any]], sent: list[dict[str, Any]]) -> None:
    """The same calls, in any order; what the service turned down for the moment is told apart by its status (S38)."""
    left = list(steps)
    for entry in sent:
        match = next((step for step in left if is_sent(step, entry)), None)
        assert match is not None, f"sent but not planned: {entry}\nplanned: {left}"
        if entry["status"] < 300:
            left.remove(match)
    assert left == [], "planned but not sent"


def assert_same(here: Mapping[str, Any], there: Mapping[str, Any], why: str) -> None:
    """Two live states; says what differs, and nothing else."""
    differing = [
        (address, name, one.get(name), other.get(name))
        for address in sorted({*here, *there})
        for one, other in [(here.get(address, {}), there.get(address, {}))]
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]
    assert not differing and here.keys() == there.keys(), (why, differing)


# The pairs


class Bench:
    """The stage for one pair after the other."""

    def __init__(self, stage: Any, api: str) -> None:
        self.stage, self.api = stage, api
        self.coverage = Coverage()
        self.numbers = itertools.count()
        self.lasting = False
        stage.write_source("one", "one = 1\n")
        stage.write_source("two", "two = 2\n")

    def begin(self) -> None:
        """An empty account; what an earlier pair left behind does not matter."""
        self.stage.emulator.app.world.clear()
        self.stage.environ["FCDEPLOY_STATE"] = str(self.stage.state / str(next(self.numbers)))

    def write(self, made: Mapping[str, Any]) -> None:
        spec = self.stage.spec(0, api=self.api)
        del spec["defaults"]
        self.stage.write({**spec, **made})

    def apply(self, made: Mapping[str, Any]) -> str:
        """Apply a spec and hold what is sent to what is planned; the run."""
        self.write(made)
        foretold = planned(self.stage, self.stage.plan_report(ALL))
        self.stage.requests()
        report = self.stage.apply_report(ALL)
        for result in report.plans.results:
            assert result.problem is None, (result.problem, getattr(result.problem, "detail", ""))
        (outcome,) = report.outcomes
        plan = report.plans.results[0].plan
        self.lasting = bool(inverse(plan.steps, {step.id for step in plan.steps}).lasting)
        assert outcome.ending is Ending.DONE, outcome.diagnostics
        steps = planned(self.stage, report.plans)
        assert steps == foretold, "apply plans what plan planned"
        assert_same_calls(steps, self.stage.writes())
        again = self.stage.plan(ALL)
        assert again.is_empty, [(one.address.short, one.fields) for one in again.changes]
        self.coverage.note(made, self.api)
        return outcome.run

    def live(self) -> dict[str, dict[str, Any]]:
        """What is there by address, but for what the file leaves to the service."""
        desired = self.stage.desired()
        return {
            str(address): settled(live, desired[address].body if address in desired else None)
            for address, live in self.stage.lives().items()
            if kind_of(address).numbering is None
        }

    def rows(self) -> set[str]:
        """The addresses of all that the cloud holds, but for versions: how many there are is history too."""
        return {
            address
            for address in self.stage.dump()
            if not address.split("/")[2].startswith(("version", "frozen", "layer"))
        }

    def check(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        after = parting(before, after)
        self.begin()
        self.apply(before)
        first = self.live()
        run = self.apply(after)
        there, rows = self.live(), self.rows()
        if run and self.lasting:
            with pytest.raises(RunError, match="cannot be taken back"):
                self.stage.rollback(run)
        elif run:
            (back,) = self.stage.rollback(run)
            assert back.ending is Ending.DONE, back.diagnostics
            self.write(before)
            assert_same(self.live(), first, "the way back leads to where it began")
        self.begin()
        self.apply(after)
        assert_same(self.live(), there, "nothing depends on what was there before")
        assert self.rows() == rows, sorted(self.rows() ^ rows)


def parting(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The spec with a word for each resource of the one before that does not go by being left out (S14)."""
    gone = {
        kind.section: {name: {"absent": True} for name in before.get(kind.section, {})}
        for kind in roots(PROVIDER)
        if kind.marking is Marking.NONE
    }
    return {**after, **{section: {**made, **after.get(section, {})} for section, made in gone.items()}}


def pairs(api: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs that have every field, whatever chance brings."""
    one, other = full(api, 0), full(api, 1)
    yield one, lean(api, other, 2)
    yield lean(api, one, 1), other
    yield other, lean(api, one, 0)


@pytest.mark.parametrize("api", APIS)
def test_what_a_file_makes_does_not_depend_on_what_was_before(
    stage: Any, api: str, figure: Callable[[str], None]
) -> None:
    bench = Bench(stage, api)

    @given(before=specs(api), after=specs(api))
    @settings(
        max_examples=MANY or FEW,
        derandomize=not MANY,
        print_blob=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, *([Phase.generate, Phase.shrink] if MANY else [Phase.generate] if FEW > 2 else [])],
        suppress_health_check=list(HealthCheck),
    )
    def check(before: dict[str, Any], after: dict[str, Any]) -> None:
        note(yaml.safe_dump({"before": before, "after": after}, sort_keys=False))
        bench.check(before, after)

    for before, after in pairs(api):
        check = example(before=before, after=after)(check)
    for one in PINNED if MANY or FEW > 2 else ():
        if api not in one.get("apis", APIS):
            continue
        check = example(before=one["before"], after=one["after"])(check)
    check()
    missing = [one for one in bench.coverage.missing(api) if one not in HINTS["uncovered"]]
    found, kinds = wanted(api), len({kind for provider, kind in KINDS if provider == PROVIDER})
    figure(f"pairs of specs, {api}: {kinds} kinds, {len(found) - len(missing)} of {len(found)} cases of fields")
    assert missing == [], "no spec had these: say in tests/cases/generator.yaml how to make them, or why not"
