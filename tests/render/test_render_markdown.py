"""Markdown for a comment: nothing foreign acts, whatever it holds, and no plan is too long for a forge."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from fcdeploy.diagnostics import Span, error, warning
from fcdeploy.model import (
    Action,
    Address,
    Change,
    Drift,
    Ending,
    FieldChange,
    FieldDrift,
    Gap,
    Json,
    Outcome,
    Plan,
    Sensitive,
    Target,
)
from fcdeploy.render.markdown import error_markdown, outcomes_markdown, plans_markdown
from fcdeploy.render.markdown_blocks import MOST
from fcdeploy.render.markdown_drift import drifts_markdown
from fcdeploy.render.views import DriftsView, DriftView, OutcomeView, PlansView, PlanView

FORGE = MarkdownIt("commonmark").enable("table")
NASTY = (
    "@everyone #1 `tick` ```` <script>alert(1)</script> a|b </details> --> ![i](http://x) \n/close\n```\n"
    "# heading \u202egnp.exe \u200b :tada: [x](y) **bold** ~~~ $x$ &lt; \x1b[31m"
)
ACTING = re.compile(r"@everyone|<script|#1 |/close|\[x\]|:tada:|http:|\*\*bold|&lt;|\$x\$|</details> -")
"""What of `NASTY` a forge would act on outside code."""


def target(name: str) -> Target:
    return Target(name=name, provider="alibaba", region="cn-hangzhou")


def change(name: str, action: Action, *fields: FieldChange, target: str = "dev", reason: str = "") -> Change:
    address = Address(provider="alibaba", target=target, kind="function", identity=("images", name))
    return Change(address=address, action=action, reason=reason, fields=fields)


def plan(name: str, *changes: Change, **more: Json) -> PlanView:
    made = Plan(project="p", target=target(name), changes=changes, steps=(), unchanged=3, **more)
    return PlanView(target=made.target, plan=made)


def foreign(text: str) -> list[str]:
    """Every document with the text in all places that others fill."""
    field = FieldChange(path=text, before=text, after={text: text, "list": [text]}, note=text, span=None)
    lines = FieldChange(path="description", before=f"{text}\nb", after=f"{text}\nc")
    made = change(text, Action.UPDATE, field, lines, reason=text)
    found = error(text, detail=text, hint=text, span=Span(file=text, line=1, column=1), address=text)
    here = Target(name=text, provider=text, region=text)
    own = Plan(project=text, target=here, changes=(made,), steps=(), warnings=(found,))
    view = PlansView(project=text, plans=(PlanView(target=here, plan=own, problems=(found,)),), diagnostics=(found,))
    outcome = Outcome(
        run=text, target=text, ending=Ending.NEEDS_ATTENTION, done=(text,), leftovers=(text,), diagnostics=(found,)
    )
    drift = Drift(
        address=made.address, gap=Gap.DIFFERS, owner=text, note=text, fields=(FieldDrift(change=field, given=True),)
    )
    strange = Drift(address=made.address, gap=Gap.FOREIGN, owner=text)
    drifts = DriftView(target=here, drifts=(drift, strange), equal=0, compared=False, warnings=(found,))
    return [
        plans_markdown(view),
        outcomes_markdown(view, (OutcomeView(outcome=outcome, code=4, flags=("--var", text)),), exit_code=4),
        drifts_markdown(DriftsView(project=text, drifts=(drifts,), diagnostics=(found,))),
        error_markdown("plan", (found,)),
    ]


def flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from flat(token.children or [])


def outside_code(text: str) -> str:
    """All that a forge takes for more than code: text, and HTML without what stands in its `code` elements."""
    parts = []
    depth = 0
    for token in flat(FORGE.parse(text)):
        if token.type == "html_inline":
            depth += {"<code>": 1, "</code>": -1}.get(token.content, 0)
        if token.type in ("html_block", "html_inline"):
            parts.append(re.sub(r"<code>[^<>]*</code>", "", token.content))
        elif token.type == "text" and not depth:
            parts.append(token.content)
        elif token.type not in ("text", "fence", "code_inline", "softbreak"):
            parts.append(f" {token.tag} ")
    return "".join(parts)


def shape(text: str) -> list[tuple[str, str]]:
    """The document's blocks: none of them may come or go with what a name holds."""
    return [(token.type, token.tag) for token in FORGE.parse(text)]


def test_nothing_foreign_acts_or_breaks_out() -> None:
    for nasty, plain in zip(foreign(NASTY), foreign("plain"), strict=True):
        assert shape(nasty) == shape(plain)
        assert not ACTING.search(outside_code(nasty)), outside_code(nasty)
        assert all(sign.isprintable() or sign == "\n" for sign in nasty)
        assert "NASTY" not in nasty and "everyone" in nasty
        assert not [line for line in nasty.splitlines() if line.startswith("/")], "an order to the forge"


@given(st.text(st.sampled_from("`|@#<>/!-~\\\n\t *_&\u202e[]()a"), min_size=1, max_size=12))
def test_no_text_changes_the_documents_shape(text: str) -> None:
    for found, plain in zip(foreign(text), foreign("plain"), strict=True):
        assert shape(found) == shape(plain)
        assert "@" not in outside_code(found)


def test_the_marker_begins_the_comment_and_no_project_ends_it() -> None:
    view = PlansView(project="a--b-->@x", plans=(plan("dev"),), digest="ab" * 32)
    first = plans_markdown(view).splitlines()[0]
    assert first == f"<!-- fcdeploy-plan:a-%2Db-%2D%3E%40x digest=sha256:{'ab' * 32} -->"
    assert plans_markdown(PlansView(project="shop", plans=())).startswith("<!-- fcdeploy-plan:shop digest=none -->")


def test_no_changes_are_a_sentence() -> None:
    text = plans_markdown(PlansView(project="shop", plans=(plan("dev"), plan("prod"))))
    assert "**No changes** in 2 targets.\n" in text
    assert "<details>" not in text and "```" not in text


def test_equal_changes_of_several_targets_stand_once() -> None:
    field = FieldChange(path="memorySize", before=128, after=256)
    names = [f"prod/{number}" for number in range(10)]
    views = [plan(name, change("a", Action.UPDATE, field, target=name)) for name in names]
    own = change("b", Action.DELETE, target="dev")
    views.append(plan("dev", change("a", Action.UPDATE, field, target="dev"), own))
    text = plans_markdown(PlansView(project="p", plans=tuple(views)))
    assert text.count("! update function images/a") == 1 and text.count("+   memorySize: 256") == 1
    assert "<code>prod/7</code> and 3 more targets: 1 to update in each</summary>" in text
    assert "<summary><code>dev</code>: 1 to delete</summary>" in text


def test_what_is_hidden_stays_hidden() -> None:
    secret = "hunter2-Zx9"
    fields = (
        FieldChange(path="a", before=f"{secret}\nx", after=f"{secret}\ny", before_hidden=True, after_hidden=True),
        FieldChange(path="b", before=None, after={"T": Sensitive(secret, parts=({"secret": "T"},))}),
        FieldChange(path="c", before={"k": secret}, after=["plain"], before_hidden=True),
        FieldChange(path="d", before=[secret], after=[secret, secret], before_hidden=True, after_hidden=True),
    )
    text = plans_markdown(PlansView(project="p", plans=(plan("dev", change("a", Action.UPDATE, *fields)),)))
    assert secret not in text
    assert "-   a: (sensitive)\n+   a: (sensitive)\n" in text
    assert '+   c: ["plain"]' in text


def changes(number: int, *, size: int) -> tuple[Change, ...]:
    actions = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
    return tuple(
        change(
            f"f{place}",
            actions[place % 4],
            FieldChange(path="description", before="é" * size, after="x" * size),
            FieldChange(path="text", before="a\n" * size, after="b\n" * size),
        )
        for place in range(number)
    )


@pytest.mark.parametrize(
    "view",
    [
        PlansView(project="p", plans=(plan("dev", *changes(1_500, size=10)),)),
        PlansView(project="p", plans=(plan("dev", *changes(4, size=20_000)),)),
        PlansView(project="p", plans=tuple(plan(f"t{n:04}" * 20, *changes(n % 5, size=n % 50)) for n in range(500))),
        PlansView(
            project="p" * 500,
            plans=(plan("dev", *changes(2, size=1)),),
            diagnostics=tuple(warning(f"w{n} {'`' * n}", detail="d" * 4_000) for n in range(200)),
        ),
    ],
    ids=["many", "large", "targets", "findings"],
)
def test_no_plan_is_too_long(view: PlansView) -> None:
    broken = tuple(
        OutcomeView(
            outcome=Outcome(
                run="r" * 30,
                target=one.target.name,
                ending=Ending.NEEDS_ATTENTION,
                leftovers=tuple(f"left {n}" for n in range(500)),
                undone=("x",),
                diagnostics=(error("failed", detail="d" * 5_000),),
            ),
            code=4,
        )
        for one in view.plans
    )
    for text in (plans_markdown(view), outcomes_markdown(view, broken, exit_code=4)):
        assert len(text) <= MOST
        assert len(re.findall("^<details>$", text, re.M)) == len(re.findall("^</details>$", text, re.M))
        assert "not shown" in text


def test_drift_is_not_too_long_either() -> None:
    field = FieldDrift(change=FieldChange(path="d", before="x" * 300, after="y"), given=True)
    drifts = tuple(
        Drift(address=change(f"f{n}", Action.NONE).address, gap=list(Gap)[n % 4], fields=(field,)) for n in range(1_000)
    )
    view = DriftView(target=target("dev"), drifts=drifts, equal=0, compared=True)
    text = drifts_markdown(DriftsView(project="p", drifts=(view,)))
    assert MOST * 0.9 < len(text) <= MOST
    assert re.search(r"\*\*\d+ resources of 1000 not shown:\*\*", text)


def test_what_is_left_out_is_the_least_dangerous_and_counted() -> None:
    every = changes(2_000, size=10)
    text = plans_markdown(PlansView(project="p", plans=(plan("dev", *every),)))
    shown = re.findall(r"^. (\w+) function images/", text, re.M)
    assert len(text) > MOST * 0.95
    assert shown == ["delete"] * len(shown)
    left = 2_000 - len(shown)
    assert f"**{left} changes of 2000 not shown:** " in text
    assert f"Not shown here: {500 - len(shown)} to delete, 500 to replace, 500 to update, 500 to create." in text
    few = plans_markdown(PlansView(project="p", plans=(plan("dev", *changes(40, size=10)),)))
    assert re.findall(r"^. (\w+) function", few, re.M) == [
        word for word in ("delete", "replace", "update", "create") for _ in range(10)
    ]
    assert "not shown" not in few
