"""The digest of a plan: equal for what does the same, whenever it was made; nothing secret can be read out of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fcdeploy.diagnostics import Span
from fcdeploy.engine.digest import plan_digest, plans_digest
from fcdeploy.model import Action, Address, Call, Change, FieldChange, IfMatch, Plan, Sensitive, Step, Target


def address(name: str) -> Address:
    return Address(provider="alibaba", target="dev", kind="function", identity=("images", name))


FIELD = FieldChange(path="memorySize", before=128, after=256)
CHANGE = Change(address=address("a"), action=Action.UPDATE, reason="differs", fields=(FIELD,))
OTHER = Change(address=address("b"), action=Action.DELETE, reason="")
STEP = Step(
    id="1",
    address=address("c"),
    action=Action.UPDATE,
    group="tags",
    call=Call(operation="TagResource", method="POST", path="/tags"),
    guard=IfMatch(etag="e1"),
    before=None,
    after=None,
)
TARGET = Target(name="dev", provider="alibaba", region="cn-hangzhou")
PLAN = Plan(project="p", target=TARGET, changes=(CHANGE, OTHER), steps=(STEP,))


@pytest.mark.parametrize(
    "same",
    [
        replace(PLAN, changes=(OTHER, replace(CHANGE, reason="said otherwise", span=Span(file="x", line=1, column=1)))),
        replace(PLAN, steps=(replace(STEP, guard=IfMatch(etag="e2"), id="7"),), unchanged=9),
        replace(PLAN, changes=(*PLAN.changes, Change(address=address("z"), action=Action.NONE, reason=""))),
    ],
    ids=["reasons and places", "ETags and ids", "what stays"],
)
def test_what_is_no_change_changes_no_digest(same: Plan) -> None:
    assert plan_digest(same) == plan_digest(PLAN)


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, project="q"),
        replace(PLAN, target=replace(TARGET, name="prod")),
        replace(PLAN, changes=(CHANGE,)),
        replace(PLAN, changes=(replace(CHANGE, action=Action.REPLACE), OTHER)),
        replace(PLAN, changes=(replace(CHANGE, fields=(replace(FIELD, after="256"),)), OTHER)),
        replace(PLAN, changes=(replace(CHANGE, fields=(replace(FIELD, before=None),)), OTHER)),
        replace(PLAN, steps=()),
    ],
    ids=["project", "target", "fewer", "action", "type", "before", "a write without a change"],
)
def test_every_difference_counts(other: Plan) -> None:
    assert plan_digest(other) != plan_digest(PLAN)
    assert plans_digest([other, PLAN]) != plans_digest([PLAN, PLAN])


def test_secrets_go_in_by_the_names_of_their_sources_and_hidden_values_not_at_all() -> None:
    def of(field: FieldChange) -> str:
        return plan_digest(replace(PLAN, changes=(replace(CHANGE, fields=(field,)),)))

    first, second, elsewhere = (
        of(FieldChange(path="t", before=None, after={"T": Sensitive(text, parts=({"secret": name},))}))
        for text, name in (("one", "T"), ("two", "T"), ("one", "U"))
    )
    assert first == second != elsewhere
    hidden = FieldChange(path="t", before="one", after="x", before_hidden=True)
    assert of(hidden) == of(replace(hidden, before="two")) != of(replace(hidden, after="y"))
