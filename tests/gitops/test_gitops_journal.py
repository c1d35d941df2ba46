"""The same pipelines with their journal in a database: then nothing is carried, and a lost machine loses nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pipe_github import Github
from pipe_gitlab import Forge, Gitlab, serving
from pipe_stage import KEYS, Stage, killed

sys.path.append(str(Path(__file__).parents[1] / "postgres"))

if TYPE_CHECKING:
    from postgres_server import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    from postgres_server import PostgresServer

    running = PostgresServer()
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def secrets(server: PostgresServer, stage: Stage) -> dict[str, str]:
    server.clear()
    # What says in a minute that a process elsewhere is dead, says so here a little sooner.
    stage.environ["FCDEPLOY_LEASE_SECONDS"] = "8"
    shared = {"FCDEPLOY_JOURNAL": server.url, "FCDEPLOY_JOURNAL_KEY": "a passphrase of the whole team"}
    return {**KEYS, **shared, **server.environ}


def test_a_github_runner_that_is_lost_in_the_middle(stage: Stage, secrets: dict[str, str]) -> None:
    github = Github(stage, secrets)
    assert github.pull_request(7, "head-1").conclusion == "success"
    stage.hold("CreateTrigger")
    lost = github.merge("head-1", "main-1", interrupted=("Apply", stage.while_held(killed)), machine_lost=True)
    assert lost.conclusion == "failure" and "creating trigger" in lost.said
    again = github.push("main-1")
    assert again.conclusion == "success", again.said
    assert "target prod: done (4 steps)" in again.said, "what was begun is finished"
    assert github.caches == [], "nothing had to be carried"
    assert "No changes." in stage.live()


def test_a_gitlab_job_that_is_killed(stage: Stage, secrets: dict[str, str]) -> None:
    forge = Forge()
    with serving(forge):
        gitlab = Gitlab(stage, forge, secrets)
        first = gitlab.default_branch()
        assert first.run("plan-merged").code == 0
        stage.hold("CreateTrigger")
        assert first.run("apply", stage.while_held(killed)).code != 0
        again = gitlab.default_branch()
        recovered = again.run("recover")
        assert recovered.code == 0, recovered.said
        assert "target prod: done (4 steps)" in recovered.said
        assert again.run("plan-merged").code == 0
        assert "No changes." in again.run("apply").said
    assert forge.packages == {}, "nothing had to be carried"
