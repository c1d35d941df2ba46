"""Many targets: what they have in common once, a row for each that has something to tell, all within 80 columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcdeploy.diagnostics import Diagnostic, error, warning
from fcdeploy.model import Action, Address, Call, Change, Ending, FieldChange, MustNotExist, Outcome, Plan, Step, Target
from fcdeploy.render.folding import by_targets, names_text, pattern_of, shared, shared_findings
from fcdeploy.render.ink import COLOURED
from fcdeploy.render.outcome import outcomes_text
from fcdeploy.render.text import plans_text
from fcdeploy.render.views import OutcomeView, PlansView, PlanView
from fcdeploy.render.words import WIDTH, columns

GOLDEN = Path(__file__).parent / "golden"
REGIONS = ("cn-hangzhou", "cn-shanghai", "ap-southeast-1")
LONG = "prod/a-team-with-a-name-that-is-as-long-as-a-name-may-be-in-this-file/ap-southeast-1"


def golden(name: str, text: str) -> None:
    """The text is what the file says; to renew a file, delete it and run the test twice."""
    path = GOLDEN / name
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path} was written; read it, and run the test again")
    assert text == path.read_text(encoding="utf-8")


def target(name: str) -> Target:
    return Target(name=name, provider="alibaba", region=name.rpartition("/")[2], account="1234567890123456")


def plan(name: str, *changes: Change, warnings: tuple[Diagnostic, ...] = (), unchanged: int = 6) -> Plan:
    steps = tuple(
        Step(
            id=f"{one.action} {one.address}",
            address=one.address,
            action=one.action,
            group="body",
            call=Call(operation="x", method="POST", path="/"),
            guard=MustNotExist(),
            before=None,
            after=None,
        )
        for one in changes
    )
    return Plan(
        project="edge", target=target(name), changes=changes, steps=steps, unchanged=unchanged, warnings=warnings
    )


def change(name: str, action: Action, *identity: str, after: object = None) -> Change:
    fields = (FieldChange(path="memorySize", before=256, after=after),) if after is not None else ()
    kind = "service" if len(identity) == 1 else "function"
    address = Address(provider="alibaba", target=name, kind=kind, identity=identity)
    return Change(address=address, action=action, reason="differs from the file", fields=fields)


def some_view() -> PlansView:
    """Two stages in three regions: one that changes alike, one that mostly does not, and what goes wrong."""
    plans: list[PlanView] = []
    big = warning("the archive is large: 60.0 MB", hint="put it into OSS")
    for region in REGIONS:
        name = f"staging/{region}"
        own = change(name, Action.UPDATE, "edge", "place", after=f"of {region}")
        both = (change(name, Action.CREATE, "edge", "new"), change(name, Action.UPDATE, "edge", "a", after=512))
        plans.append(PlanView(target=target(name), plan=plan(name, *both, own, warnings=(big,), unchanged=3)))
    for region in (*REGIONS, "us-west-1"):
        name = f"prod/{region}"
        plans.append(PlanView(target=target(name), plan=plan(name)))
    lost = change(LONG, Action.DELETE, "edge", "gone")
    plans.append(PlanView(target=target(LONG), plan=plan(LONG, lost), problems=(error("function gone is protected"),)))
    dead = error("cannot read services", detail="no connection: refused")
    plans += [PlanView(target=target(name), plan=None, problems=(dead,)) for name in ("dead/eu-1", "dead/eu-2")]
    return PlansView(project="edge", plans=tuple(plans), digest="")


def fits(text: str) -> None:
    assert [line for line in text.split("\n") if columns(line) > WIDTH] == []


def test_the_plans_of_many_targets() -> None:
    text = plans_text(some_view())
    fits(text)
    assert text.count("+ function edge/new") == text.count("function edge/a ") == text.count("archive is large") == 1
    golden("several.txt", text)
    coloured = plans_text(some_view(), ink=COLOURED)
    assert "\x1b[" in coloured


def test_many_targets_that_change_nothing_are_a_few_lines() -> None:
    views = tuple(PlanView(target=target(f"t/{number}"), plan=plan(f"t/{number}")) for number in range(48))
    assert plans_text(PlansView(project="edge", plans=views)) == (
        "Target                      Create  Update  Replace  Delete  Unchanged\n"
        "48 targets without changes       0       0        0       0        288\n"
        "\n"
        "48 targets.\n"
        "No changes. The cloud is as the file says (288 resources).\n"
    )
    two = plans_text(PlansView(project="edge", plans=views[:2]))
    assert two == (
        "Target  Create  Update  Replace  Delete  Unchanged\n"
        "t/0          0       0        0       0          6\n"
        "t/1          0       0        0       0          6\n"
        "\n"
        "2 targets.\n"
        "No changes. The cloud is as the file says (12 resources).\n"
    )


def test_the_runs_of_many_targets() -> None:
    view = some_view()
    outcomes = [
        OutcomeView(
            outcome=Outcome(
                run=f"20260131-142501-3fa9c1d{number}",
                target=f"staging/{region}",
                ending=Ending.ROLLED_BACK if number == 1 else Ending.DONE,
                done=("a", "b", "c"),
                undone=("a",) if number == 1 else (),
                seconds=0.5 + number,
                diagnostics=(error("CreateFunction answered 403"),) if number == 1 else (),
            ),
            code=3 if number == 1 else 0,
        )
        for number, region in enumerate(REGIONS)
    ]
    outcomes += [
        OutcomeView(outcome=Outcome(run="", target=one.target.name, ending=Ending.DONE), code=0)
        for one in view.plans[3:7]
    ]
    text = outcomes_text(tuple(outcomes), plans=view)
    fits(text.rpartition("\n\n")[2])
    golden("several-run.txt", text)
    # Where all went well each row has its run.
    good = tuple(one for one in outcomes if not one.code)
    ran = {one.outcome.target for one in good}
    view = PlansView(project="edge", plans=tuple(one for one in view.plans if one.target.name in ran))
    text = outcomes_text(good, plans=view)
    fits(text)
    assert text == (
        "Target                        Steps   Time  Outcome  Run\n"
        "staging/cn-hangzhou               3  0.5 s  done     20260131-142501-3fa9c1d0\n"
        "staging/ap-southeast-1            3  2.5 s  done     20260131-142501-3fa9c1d2\n"
        "4 targets with nothing to do      0         done\n"
    )


def test_what_is_said_of_several_is_said_once() -> None:
    said = shared([("a", "x"), ("a", "x"), ("b", "y"), ("b", "x"), ("c", "y")])
    assert said == {"x": ("a", "b"), "y": ("b", "c")}
    assert by_targets({"x": ("a",), "y": ("b",), "z": ("a",)}) == {("a",): ["x", "z"], ("b",): ["y"]}


def test_a_pattern_names_just_these() -> None:
    every = [f"{stage}/{team}/{region}" for stage in "sp" for team in "abc" for region in REGIONS]
    assert pattern_of(every, every) == "*"
    assert pattern_of([name for name in every if name[0] == "p"], every) == "p/*/*"
    assert pattern_of([name for name in every if name.endswith("cn-hangzhou")], every) == "*/*/cn-hangzhou"
    assert pattern_of(["p/a/cn-hangzhou", "s/b/cn-hangzhou"], every) == ""
    assert pattern_of(["dev", "prod"], ["dev", "prod", "test"]) == ""
    # The pattern of these two matches a third, longer one, too.
    assert pattern_of(["p/a", "p/b"], ["p/a", "p/b", "p/a/x", "q"]) == ""
    assert names_text(["p/a", "p/b"], ["p/a", "p/b", "q"]) == "p/* (2)"
    assert names_text(["dev"], ["dev", "prod"]) == "dev"
    assert names_text([str(number) for number in range(20)], [], 4) == "0, 1, 2 and 17 more"


def test_findings_say_in_which_targets_they_are() -> None:
    same, other = error("x", detail="why"), error("y")
    found = shared_findings([("a/1", [same, other]), ("a/2", [same])], ["a/1", "a/2", "b"])
    assert [one.detail for one in found] == ["why\nin target a/* (2)", "in target a/1"]
