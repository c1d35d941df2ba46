"""A rollout in words: the waves of a plan, what happens between them, and what a failed wave made of its targets."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from fcdeploy.model import Action, Address, Change, Ending, Outcome, Plan, Rollout, Target, Wave
from fcdeploy.render.json import document_text, outcomes_list, plans_content
from fcdeploy.render.markdown import plans_markdown
from fcdeploy.render.outcome import outcomes_text
from fcdeploy.render.report import report_html
from fcdeploy.render.text import plans_text
from fcdeploy.render.views import OutcomeView, PlansView, PlanView
from fcdeploy.render.waves import rollout_text

SCHEMA = Path(__file__).parents[2] / "schemas" / "plan.schema.json"
ROLLOUT = Rollout(waves=(("canary",), ("eu-*", "asia")), max_failures=1, pause=300.0, probe="http", takes_back=True)


def plans() -> PlansView:
    """One function to create in each of three targets, of which no wave names the last."""

    def one(name: str, number: int) -> PlanView:
        target = Target(name=name, provider="alibaba", region="cn-hangzhou")
        address = Address(provider="alibaba", target=name, kind="function", identity=("s", "f"))
        change = Change(address=address, action=Action.CREATE, reason="does not exist yet")
        plan = Plan(project="shop", target=target, changes=(change,), steps=())
        return PlanView(target=target, plan=plan, wave=Wave(rollout=ROLLOUT, number=number, total=3))

    return PlansView(project="shop", plans=(one("canary", 1), one("eu-1", 2), one("us", 3)))


def test_the_text_of_a_plan_has_its_targets_by_waves() -> None:
    lines = plans_text(plans()).splitlines()
    assert [line for line in lines if line.startswith(("wave ", "target ")) and "is not" not in line] == [
        "wave 1 of 3: canary",
        "target canary · alibaba cn-hangzhou",
        "wave 2 of 3: eu-*, asia",
        "target eu-1 · alibaba cn-hangzhou",
        "wave 3 of 3: all others",
        "target us · alibaba cn-hangzhou",
    ]
    assert "\n".join(lines[-4:]) == (
        "One wave goes after the other. After each: 5 min 0 s of waiting, then the URL of\n"
        "the probe is asked for each of its targets. A wave has failed when more than 1\n"
        "target of it fails, or is not healthy; then the rest is not begun, and what this\n"
        "and the waves before it did is taken back."
    )


def test_other_rollouts_are_told_in_fewer_words() -> None:
    assert rollout_text(Rollout()) == (
        "All targets are one wave. A wave has failed when one target of it fails; then the rest is not begun."
    )
    # A destroy asks no probe and is not taken back.
    assert rollout_text(ROLLOUT, destroy=True) == (
        "One wave goes after the other. After each: 5 min 0 s of waiting. "
        "A wave has failed when more than 1 target of it fails; then the rest is not begun."
    )


def test_documents_say_the_waves() -> None:
    document = json.loads(document_text("plan", plans_content(plans())))
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [one["wave"] for one in document["targets"]] == [1, 2, 3]
    assert document["rollout"] == {
        "waves": [["canary"], ["eu-*", "asia"]],
        "maxFailures": 1,
        "pause": 300.0,
        "probe": "http",
        "onFailure": "rollback-all",
    }
    markdown = plans_markdown(plans())
    assert "| Wave | Target | Create |" in markdown and "| --: | :-- | --: |" in markdown
    assert "| 2 | `eu-1` `alibaba cn-hangzhou` | **1** |" in markdown and rollout_text(ROLLOUT) in markdown
    page = report_html(plans(), None)
    assert "alibaba cn-hangzhou · wave 2 of 3" in page and rollout_text(ROLLOUT) in page


def view(outcome: Outcome, code: int) -> OutcomeView:
    return OutcomeView(outcome=outcome, code=code, flags=("-f", "shop"))


def test_what_a_failed_wave_made_of_its_targets_is_told() -> None:
    why = "wave 2 failed"
    views = (
        view(Outcome(run="R1", target="a", ending=Ending.ROLLED_BACK, done=("x",), because=why, seconds=1.0), 3),
        view(
            Outcome(run="R2", target="b", ending=Ending.STANDS, done=("x",), because="its probe failed", seconds=1.0), 4
        ),
        view(Outcome(run="", target="c", ending=Ending.STANDS, because="its probe failed"), 1),
        view(Outcome(run="", target="d", ending=Ending.NOT_BEGUN, because=why), 1),
        view(Outcome(run="R3", target="e", ending=Ending.LEFTOVERS, leftovers=("y",), because=why, seconds=1.0), 4),
    )
    assert outcomes_text(views) == (
        "target a: rolled back: wave 2 failed (everything was taken back) in 1.0 s\n"
        "  run R1\n"
        "  Exit code 3: failed and rolled back completely.\n"
        "  Everything is as it was before. Mend what the error says and apply again.\n"
        "  To see more:   fcdeploy history R1 -f shop\n"
        "\n"
        "target b: done, but its probe failed (1 step) in 1.0 s · run R2\n"
        "  Exit code 4: something needs a person.\n"
        "  What it did stays.\n"
        "  To take back:  fcdeploy rollback R2 -f shop\n"
        "  To see more:   fcdeploy history R2 -f shop\n"
        "\n"
        "target c: done, but its probe failed (nothing was sent) in 0.0 s\n"
        "  Exit code 1: failed, nothing was changed.\n"
        "  Nothing was sent to it. Mend what the error says and apply again.\n"
        "\n"
        "target d: not begun: wave 2 failed\n"
        "\n"
        "target e: rolled back in part: wave 2 failed (1 left behind) in 1.0 s · run R3\n"
        "  Left behind:\n"
        "    ! y\n"
        "  Exit code 4: something needs a person.\n"
        "  What is left behind nothing can take back; the run is over.\n"
        "  To go on:      fcdeploy plan -f shop --target e\n"
        "  To see more:   fcdeploy history R3 -f shop\n"
    )
    assert [(one["ending"], one["because"]) for one in outcomes_list(views)] == [
        ("rolled-back", why),
        ("stands", "its probe failed"),
        ("stands", "its probe failed"),
        ("not-begun", why),
        ("leftovers", why),
    ]
