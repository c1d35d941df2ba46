"""A plan with everything in it, as text and as JSON, against golden files that a person can read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from fcdeploy.diagnostics import Span, error, warning
from fcdeploy.model import (
    Action,
    Address,
    Call,
    Change,
    Edge,
    Ending,
    FieldChange,
    Graph,
    IfMatch,
    JustCreated,
    MustNotExist,
    Need,
    Outcome,
    Output,
    Plan,
    Recheck,
    Sensitive,
    Step,
    Target,
    Told,
)
from fcdeploy.render.ink import COLOURED
from fcdeploy.render.json import document_text, plans_content
from fcdeploy.render.markdown import outcomes_markdown, plans_markdown
from fcdeploy.render.report import report_html
from fcdeploy.render.report_graph import planned_graph
from fcdeploy.render.text import plan_text, plans_text
from fcdeploy.render.views import GraphView, OutcomeView, PlansView, PlanView
from fcdeploy.render.words import WIDTH, columns

GOLDEN = Path(__file__).parent / "golden"
SECRET = "hunter2-Zx9"
DEV = Target(name="dev", provider="alibaba", region="cn-hangzhou", account="1234567890123456")
PROD = Target(name="prod/cn-shanghai", provider="alibaba", region="cn-shanghai")


def address(kind: str, *identity: str) -> Address:
    return Address(provider="alibaba", target="dev", kind=kind, identity=identity)


def at(line: int, file: str = "fcdeploy.yaml") -> Span:
    return Span(file=file, line=line, column=5)


def step(change: Change, guard: IfMatch | MustNotExist | Recheck | JustCreated, **rest: object) -> Step:
    verb = {Action.CREATE: "POST", Action.UPDATE: "PUT", Action.DELETE: "DELETE", Action.REPLACE: "PUT"}[change.action]
    parts = {
        "id": f"{change.action} {change.address}",
        "group": "body",
        "call": Call(operation=f"{change.action}{change.address.kind}", method=verb, path="/services/images"),
        "before": None,
        "after": {"environmentVariables": {"TOKEN": Sensitive(SECRET, parts=({"secret": "TOKEN"},))}},
        **rest,
    }
    return Step(address=change.address, action=change.action, guard=guard, **parts)  # type: ignore[arg-type]


def full_plan() -> Plan:
    web = Change(
        address=address("function", "images", "web"),
        action=Action.CREATE,
        reason="does not exist yet",
        span=at(30),
        fields=(
            FieldChange(path="handler", before=None, after="index.handler", span=at(31)),
            FieldChange(
                path="environmentVariables",
                before=None,
                after={"BUCKET": "img", "TOKEN": Sensitive(SECRET, parts=({"secret": "TOKEN"},))},
                span=at(33),
            ),
            FieldChange(path="role", before=None, after=Output(step="create role", pointer="/arn")),
        ),
    )
    resize = Change(
        address=address("function", "images", "resize"),
        action=Action.UPDATE,
        reason="differs from the file",
        span=at(14),
        fields=(
            FieldChange(path="memorySize", before=512, after=1024, span=at(16)),
            FieldChange(
                path="code",
                before={"checksum": "1234567890123456789"},
                after={"checksum": "9876543210987654321"},
                note="files that differ: ~index.py, +lib/new.py",
                span=at(15),
            ),
            FieldChange(
                path="environmentVariables.TOKEN",
                before="(sensitive)",
                after="(sensitive)",
                before_hidden=True,
                after_hidden=True,
                span=at(3, "common.yaml"),
            ),
            FieldChange(path="description", before="evil \x1b]0;x\x07\nlines\u202e", after="Thumbnails", span=at(17)),
        ),
    )
    domain = Change(
        address=address("trigger", "images", "resize", "nightly"),
        action=Action.REPLACE,
        reason="must be replaced: triggerType cannot be changed in place, so it is deleted and made anew",
        span=at(22),
        fields=(
            FieldChange(path="triggerType", before="oss", after="timer", forces_replacement=True, span=at(23)),
            FieldChange(path="sourceArn", before="acs:oss:cn-hangzhou:1:bucket", after=None, forces_replacement=True),
        ),
    )
    alias = Change(
        address=address("alias", "images", "live"),
        action=Action.UPDATE,
        reason="differs from the file",
        span=at(26),
        fields=(
            FieldChange(path="versionId", before="7", after=Output(step="create version", pointer="/versionId")),
            FieldChange(path="additionalVersionWeight.7", before=None, after=0.1, span=at(26)),
        ),
        told=Told(
            what="traffic",
            before="100 % to version 7",
            after="90 % to the new version, 10 % to version 7",
        ),
    )
    unnamed = Change(
        address=address("alias", "images", "beta"),
        action=Action.DELETE,
        reason="is not in the file",
        told=Told(what="traffic", before="100 % to version 6", after=""),
    )
    old = Change(address=address("function", "images", "öld"), action=Action.DELETE, reason="is not in the file")
    same = Change(address=address("service", "images"), action=Action.NONE, reason="equals the file", span=at(9))
    tags = Change(address=address("service", "images"), action=Action.UPDATE, reason="")
    return Plan(
        project="image-pipeline",
        target=DEV,
        changes=(web, resize, domain, alias, unnamed, old, same),
        steps=(
            step(tags, JustCreated(), group="tags"),
            step(web, MustNotExist()),
            step(resize, IfMatch(etag="e1"), needs=frozenset({"b", "a"})),
            step(domain, Recheck(fingerprint="f1")),
            step(alias, IfMatch(etag="e3")),
            step(unnamed, IfMatch(etag="e4"), last=True),
            step(old, IfMatch(etag="e2"), last=True),
        ),
        unchanged=17,
        warnings=(
            warning(
                "the archive is large: 60.0 MB",
                detail="direct upload takes 50 MB in some regions",
                hint="put it into OSS and name it as `oss://bucket/key`",
                span=at(15),
            ),
        ),
    )


def full_view() -> PlansView:
    refused = Plan(project="image-pipeline", target=PROD, changes=(), steps=(), unchanged=3)
    gone = Target(name="prod/ap-southeast-1", provider="alibaba", region="ap-southeast-1")
    return PlansView(
        project="image-pipeline",
        plans=(
            PlanView(target=DEV, plan=full_plan()),
            PlanView(target=PROD, plan=refused, problems=(error("service images is not ours"),)),
            PlanView(target=gone, plan=None, problems=(error("cannot read services", detail="NoReply"),)),
        ),
        diagnostics=(warning("`oss` without `checksum`", span=at(40)),),
    )


def ended() -> OutcomeView:
    """The full plan, carried out until its last steps: one of them failed."""
    steps = full_plan().steps
    done = tuple(one.id for one in steps[:-1])
    outcome = Outcome(
        run="20260131-142501-3fa9c1d2",
        target="dev",
        ending=Ending.NEEDS_ATTENTION,
        done=done,
        leftovers=done[-1:],
        seconds=7.25,
        durations={one: 0.25 + place for place, one in enumerate(done)},
        diagnostics=(error("DeleteFunction answered 500", detail="request id 7", address=str(steps[-1].address)),),
    )
    titles = {one.id: f"{one.action} {one.address.short}" for one in steps}
    return OutcomeView(outcome=outcome, code=4, titles=titles)


def golden(name: str, text: str) -> None:
    """The text is what the file says; to renew a file, delete it and run the test twice."""
    path = GOLDEN / name
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path} was written; read it, and run the test again")
    assert text == path.read_text(encoding="utf-8")


def test_the_text_of_a_full_plan() -> None:
    text = plans_text(full_view(), sources={"fcdeploy.yaml": ["x"] * 14 + ["        code: ./src/resize"]})
    golden("plan.txt", text)
    assert SECRET not in text
    assert max(columns(line) for line in text.splitlines()) <= WIDTH
    assert all(sign.isprintable() or sign == "\n" for sign in text)


def test_the_markdown_of_a_full_plan_and_of_its_run() -> None:
    view = replace(full_view(), digest="3f" * 32)
    for name, text in (
        ("plan.md", plans_markdown(view)),
        ("run.md", outcomes_markdown(view, (ended(),), exit_code=4)),
    ):
        golden(name, text)
        assert SECRET not in text
        assert all(sign.isprintable() or sign == "\n" for sign in text)


def test_the_page_of_a_full_plan_and_of_its_run() -> None:
    view = replace(full_view(), digest="3f" * 32)
    old = address("function", "images", "öld")
    service = address("service", "images")
    graph = Graph(nodes=(service,), edges=())
    drawn = GraphView(project="image-pipeline", graphs=((DEV, graph),))
    for name, text in (
        ("plan.html", report_html(view, drawn)),
        ("run.html", report_html(view, drawn, (ended(),), exit_code=4)),
    ):
        golden(name, text)
        assert SECRET not in text
        assert all(sign.isprintable() or sign == "\n" for sign in text)
    # What goes away is on the graph, in what it stands in.
    planned = planned_graph(graph, full_plan())
    assert old in planned.nodes and Edge(source=old, goal=service, need=Need.PARENT) in planned.edges


def test_the_json_of_a_full_plan() -> None:
    text = document_text("plan", plans_content(full_view()))
    golden("plan.json", text)
    assert SECRET not in text
    assert text.isascii()
    document = json.loads(text)
    assert document["formatVersion"] == 1
    guards = [step["guard"] for step in document["targets"][0]["steps"]]
    assert guards == ["justCreated", "mustNotExist", "ifMatch", "recheck", "ifMatch", "ifMatch", "ifMatch"]
    fields = document["targets"][0]["changes"][1]["fields"]
    assert fields[2]["before"] == fields[2]["after"] == {"sensitive": True}
    created = document["targets"][0]["changes"][0]["fields"]
    assert created[1]["after"] == {"BUCKET": "img", "TOKEN": {"sensitive": True}}
    assert created[2]["after"] == {"knownAfterApply": True}


def test_the_same_plan_gives_the_same_bytes_and_colour_changes_no_word() -> None:
    import re

    assert plans_text(full_view()) == plans_text(full_view())
    coloured = plans_text(full_view(), ink=COLOURED)
    assert coloured != plans_text(full_view())
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plans_text(full_view())


@pytest.mark.parametrize(
    ("unchanged", "destroy", "text"),
    [
        (17, False, "No changes. The cloud is as the file says (17 resources).\n"),
        (1, False, "No changes. The cloud is as the file says (1 resource).\n"),
        (0, False, "No changes. The file asks for nothing.\n"),
        (0, True, "No changes. There is nothing to destroy.\n"),
    ],
)
def test_an_empty_plan_says_so(unchanged: int, destroy: bool, text: str) -> None:
    plan = Plan(project="p", target=DEV, changes=(), steps=(), unchanged=unchanged)
    assert plan_text(plan, destroy=destroy) == text


def test_what_was_left_out_is_counted() -> None:
    plan = Plan(project="p", target=DEV, changes=(), steps=(), unchanged=3, left_out=5)
    said = "No changes. What --only names is as the file says (3 resources); 5 resources left out by --only.\n"
    assert plan_text(plan) == said
    said = "No changes. --only names nothing here; 1 resource left out by --only.\n"
    assert plan_text(replace(plan, unchanged=0, left_out=1)) == said
    made = Change(address=address("function", "images", "a"), action=Action.CREATE, reason="")
    last = plan_text(replace(plan, changes=(made,))).splitlines()[-1]
    counts = "1 to create, 0 to update, 0 to replace, 0 to delete, 3 unchanged"
    assert last == f"Plan: {counts}. 5 resources left out by --only."


def test_a_refused_plan_without_changes_does_not_call_that_no_changes() -> None:
    plan = Plan(project="p", target=DEV, changes=(), steps=())
    for unchanged, destroy in ((0, False), (3, False), (0, True)):
        view = PlanView(target=DEV, plan=replace(plan, unchanged=unchanged), problems=(error("not ours"),))
        text = plans_text(PlansView(project="p", plans=(view,), destroy=destroy))
        assert text.endswith("\n\nThere is no plan to apply because of the errors.\n")
        assert "No changes" not in text


def test_what_comes_last_is_said_without_calling_it_lost() -> None:
    made, old, older = (
        Change(address=address("function", "images", name), action=action, reason="")
        for name, action in (("a", Action.CREATE), ("b", Action.DELETE), ("c", Action.DELETE))
    )
    back = step(made, MustNotExist())
    gone = [step(one, IfMatch(etag="e"), last=True, undo=(back,)) for one in (old, older)]

    def told(*steps: Step, destroy: bool = False) -> str:
        return plan_text(Plan(project="p", target=DEV, changes=(), steps=steps), destroy=destroy)

    mixed = told(step(made, MustNotExist()), *gone)
    assert "  Comes last, once all else is done; if one of these fails, none is taken back:\n" in mixed
    assert "    - function images/b\n    - function images/c\n" in mixed
    alone = "  If a step fails, the steps that were done before it are not taken back.\n"
    lost = "  The code of functions is not kept, so no rollback brings them back.\n"
    assert alone in told(*gone) and lost not in told(*gone)
    assert alone in told(*gone, destroy=True) and lost not in told(*gone, destroy=True), "services can be made again"
    assert alone not in told(gone[0]), "there is none before it"
    assert alone + lost in told(gone[0], replace(gone[1], undo=()), destroy=True)
    assert lost not in told(replace(gone[0], undo=())), "apply fetches the code when it runs"
    assert "undone" not in mixed + told(*gone)


def test_a_plan_of_nothing_but_odd_numbers_is_still_json() -> None:
    change = Change(
        address=address("function", "a", "b"),
        action=Action.UPDATE,
        reason="",
        fields=(FieldChange(path="cpu", before=float("nan"), after=[float("inf"), {}]),),
    )
    plan = Plan(project="p", target=DEV, changes=(change,), steps=())
    view = PlansView(project="p", plans=(PlanView(target=DEV, plan=plan),))
    (field,) = json.loads(document_text("plan", plans_content(view)))["targets"][0]["changes"][0]["fields"]
    assert (field["before"], field["after"]) == ("nan", ["inf", {}])
