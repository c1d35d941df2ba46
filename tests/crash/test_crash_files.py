"""Files that change under a run: what was planned is what is sent (S28), and secrets are asked for again (S36)."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from trouble_stage import TroubleStage, at, longer


@pytest.fixture
def stage(trouble: TroubleStage) -> TroubleStage:
    trouble.begin_update()
    return trouble


SPEC = """\
apiVersion: fcdeploy/v1
project: trouble
targets:
  dev: {provider: alibaba, account: "1234567890123456", region: cn-hangzhou}
vars: {note: of the file}
secrets: {TOKEN: {env: TOKEN_SOURCE}}
defaults: {function: {runtime: python3.10, handler: index.handler, code: ./src}}
services:
  shop:
    description: "${{ vars.note }}"
    functions:
      first: {environmentVariables: {TOKEN: "${{ secret('TOKEN') }}", TEXT: "${{ file('text.txt') }}"}}
      second: {}
      third: {}
      fourth: {environmentVariables: {TOKEN: "${{ secret('TOKEN') }}"}}
"""
VARIABLES = ("--var-file", "vars.yaml")


def planned_files(stage: TroubleStage) -> Any:
    """Write the files, and what a run that nobody disturbs makes of them."""
    for name, text in (("fcdeploy.yaml", SPEC), ("vars.yaml", "note: planned\n"), ("text.txt", "planned")):
        (stage.project / name).write_text(text)
    (stage.project / "src" / "index.py").write_text("planned = 1\n")
    start = stage.world.store.contents()
    assert stage.apply(*VARIABLES).status == 0
    reached = stage.contents()
    stage.world.restore(start)
    stage.begin_update()
    for name, text in (("fcdeploy.yaml", SPEC), ("vars.yaml", "note: planned\n"), ("text.txt", "planned")):
        (stage.project / name).write_text(text)
    (stage.project / "src" / "index.py").write_text("planned = 1\n")
    return reached


def changed_files(stage: TroubleStage) -> dict[Path, str]:
    """Every file that the run was planned from, as it is a moment later."""
    return {
        stage.project / "fcdeploy.yaml": SPEC.replace("of the file", "changed").replace("fourth", "fifth"),
        stage.project / "vars.yaml": "note: changed\n",
        stage.project / "text.txt": "changed",
        stage.project / "src" / "index.py": "changed = 1\n",
        stage.project / "src" / "new.py": "changed = 2\n",
    }


@pytest.mark.parametrize("when", ["spool", *longer("opened", "begun update *first")])
def test_what_was_planned_is_what_is_sent(stage: TroubleStage, when: str) -> None:
    reached = planned_files(stage)
    changes = [at(when, "write", path=str(path), text=text) for path, text in changed_files(stage).items()]
    ended = stage.apply("--parallelism", "1", *VARIABLES, troubles=changes)
    assert ended.status == 0, ended.told
    assert stage.contents() == reached


def test_what_was_planned_is_what_resume_sends(stage: TroubleStage) -> None:
    reached = planned_files(stage)
    crash = at("begun update *first", "send_self", number=signal.SIGKILL)
    assert stage.apply("--parallelism", "1", *VARIABLES, troubles=[crash]).status == -signal.SIGKILL
    for path, text in changed_files(stage).items():
        path.write_text(text)
    assert stage.run("resume").status == 0
    assert stage.contents() == reached


@pytest.mark.parametrize("how", ["resume", *longer("rollback")])
def test_a_secret_that_has_left_the_file_is_asked_for_by_name(stage: TroubleStage, how: str) -> None:
    planned_files(stage)
    crash = at("begun create *", "send_self", number=signal.SIGKILL)
    assert stage.apply("--parallelism", "1", *VARIABLES, troubles=[crash]).status == -signal.SIGKILL
    spec = stage.project / "fcdeploy.yaml"
    spec.write_text(SPEC.replace("secrets: {TOKEN: {env: TOKEN_SOURCE}}", "").replace("${{ secret('TOKEN') }}", "x"))
    sent = len(stage.sent())
    ended = stage.run(how, *(["--yes"] if how == "rollback" else []))
    assert ended.status == 1, ended.told
    assert "the run needs the secret TOKEN, which the file no longer names" in ended.err
    assert len(stage.sent()) == sent
    spec.write_text(SPEC)
    assert stage.run(how, *(["--yes"] if how == "rollback" else [])).status == 0
