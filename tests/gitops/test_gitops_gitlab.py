"""The pipeline of examples/gitops/gitlab, run as it is written against the emulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pipe_gitlab import Forge, Gitlab, cancel, serving
from pipe_stage import KEYS, STATE_KEY, Stage, killed


@pytest.fixture
def gitlab(stage: Stage) -> Iterator[Gitlab]:
    forge = Forge()
    with serving(forge):
        yield Gitlab(stage, forge, {**KEYS, "FCDEPLOY_STATE_KEY": STATE_KEY, "GITLAB_TOKEN": "token for notes"})


@pytest.mark.proof
def test_a_killed_apply_is_finished_on_another_machine(stage: Stage, gitlab: Gitlab) -> None:
    first = gitlab.default_branch()
    assert first.names() == ["validate", "recover", "plan-merged", "apply!"]
    planned = first.run("plan-merged")
    assert planned.code == 0, planned.said
    assert "There is no journal yet." in planned.said
    stage.hold("CreateTrigger")
    cut_off = first.run("apply", stage.while_held(killed))
    assert cut_off.code != 0 and cut_off.after == 0, cut_off.said
    ((place, kept),) = gitlab.forge.packages.items()
    assert place == "/api/v4/projects/42/packages/generic/fcdeploy-journal/1.0.0/journal.enc"
    assert len(kept) == 1 and b"SQLite" not in kept[0]

    again = first.run("apply")
    assert again.code == 0, again.said
    assert "target prod: done (4 steps)" in again.said and "No changes." in again.said


@pytest.mark.proof
def test_a_merge_request_has_one_note_with_its_plan(stage: Stage, gitlab: Gitlab) -> None:
    for greeting in ("Hello", "Bonjour"):
        opened = gitlab.merge_request()
        assert opened.names() == ["validate", "plan"]
        stage.edit("GREETING: ", f"GREETING: {greeting} and ")
        checked, planned = opened.run("validate"), opened.run("plan")
        assert (checked.code, planned.code) == (0, 0), planned.said
        (note,) = gitlab.forge.notes
        assert note["body"].startswith("<!-- fcdeploy: fcdeploy.yaml prod -->\n<!-- fcdeploy-plan:shop digest=")
        assert greeting in note["body"]
        assert (planned.artifacts / ".fcdeploy/plan.html").is_file()
    assert not gitlab.forge.packages, "a plan keeps nothing"
    stage.edit("handler:", "handlr:")
    broken = gitlab.merge_request()
    assert broken.run("validate").code == 1
    assert broken.run("plan").code == 1
    assert "handlr" in gitlab.forge.notes[0]["body"]
    gitlab.variables.pop("GITLAB_TOKEN")
    assert gitlab.merge_request().run("plan").code == 1, "and without a token for notes it is the same"


@pytest.mark.proof
def test_a_cancelled_apply_is_taken_back_or_recovered(stage: Stage, gitlab: Gitlab) -> None:
    first = gitlab.default_branch()
    assert first.run("plan-merged").code == 0
    rule = {"match": {"operation": "CreateFunction", "nth": 1}, "when": "after", "effect": {"delay": 2}}
    stage.control("PUT", {"rules": [rule]})
    stopped = first.run("apply", stage.while_held(cancel))
    assert stopped.code != 0
    assert "Stopping: what is in flight may end, then it is taken back." in stopped.said
    assert "target prod: failed and rolled back (everything was taken back)" in stopped.said
    assert "Plan: 3 to create" in stage.live()
    # One that cannot end in time is left open, and the next pipeline begins with it.
    stage.hold("CreateTrigger")
    late = first.run("apply", stage.while_held(cancel))
    assert "target prod: needs a person" in late.said, late.said
    second = gitlab.default_branch()
    recovered = second.run("recover")
    assert recovered.code == 0, recovered.said
    assert "No run is open." not in recovered.said
    planned = second.run("plan-merged")
    assert planned.code == 0, planned.said
    applied = second.run("apply")
    assert applied.code == 0, applied.said
    assert "No changes." in stage.live()


@pytest.mark.proof
def test_a_recovery_that_is_cancelled_goes_on_later(stage: Stage, gitlab: Gitlab) -> None:
    first = gitlab.default_branch()
    assert first.run("plan-merged").code == 0
    stage.hold("CreateFunction")
    assert first.run("apply", stage.while_held(killed)).code != 0
    stage.hold("CreateTrigger")
    stopped = first.run("apply", stage.while_held(cancel))
    assert stopped.code != 0 and "No changes." not in stopped.said, "nothing is applied after a cancel"
    assert len(next(iter(gitlab.forge.packages.values()))) == 2
    again = gitlab.default_branch()
    assert again.run("recover").code == 0
    assert again.run("plan-merged").code == 0
    assert again.run("apply").code == 0
    assert "No changes." in stage.live()


@pytest.mark.proof
def test_another_plan_than_that_of_the_pipeline_is_refused(stage: Stage, gitlab: Gitlab) -> None:
    first = gitlab.default_branch()
    assert first.run("plan-merged").code == 0
    stage.edit("GREETING: Hello", "GREETING: Bonjour")
    refused = first.run("apply")
    assert refused.code == 5, refused.said
    assert "this change of function shop/order was not reviewed" in refused.said


@pytest.mark.proof
def test_a_journal_that_cannot_be_fetched_or_stored_is_not_lost(stage: Stage, gitlab: Gitlab) -> None:
    first = gitlab.default_branch()
    assert first.run("plan-merged").code == 0
    gitlab.forge.refuse_packages = True
    unread = first.run("apply")
    assert unread.code == 1 and "The journal cannot be fetched: GitLab answered 503." in unread.said
    gitlab.forge.refuse_packages = False
    machine = stage.new_machine()
    stage.hold("CreateTrigger")

    def killed_without_a_forge(process: object) -> bool:
        gitlab.forge.refuse_packages = True
        return killed(process)  # type: ignore[arg-type]

    lost = first.run("apply", stage.while_held(killed_without_a_forge), machine=machine)
    assert lost.after != 0 and not gitlab.forge.packages
    gitlab.forge.refuse_packages = False
    again = first.run("apply", machine=machine)
    assert again.code == 0, again.said
    assert "target prod: done (4 steps)" in again.said, "the folder was left where it was"
    assert gitlab.forge.packages
    gitlab.variables["FCDEPLOY_STATE_KEY"] = ""
    unset = gitlab.default_branch().run("recover")
    assert unset.code != 0 and "FCDEPLOY_STATE_KEY: set it or FCDEPLOY_JOURNAL" in unset.said


@pytest.mark.proof
def test_the_schedule_fails_when_something_has_moved(stage: Stage, gitlab: Gitlab) -> None:
    assert gitlab.scheduled().names() == ["validate", "drift"]
    found = gitlab.scheduled().run("drift")
    assert found.code == 2, found.said
    assert "**Drift: 3 not live" in (found.artifacts / ".fcdeploy/drift.md").read_text()
    first = gitlab.default_branch()
    first.run("plan-merged")
    assert first.run("apply").code == 0
    assert gitlab.scheduled().run("drift").code == 0
