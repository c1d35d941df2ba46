"""GitHub Actions in small: runs the workflows of the examples as they are written, each job on a machine of its own.

What is GitHub's own (checkout, cache, artifacts, code scanning) is done here; `gh` is a program on the path that talks
to `Forge`. A job that was cancelled, or lost its machine, goes on as GitHub says it does.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pipe_expressions import filled, runs
from pipe_stage import GITOPS, Interruption, Machine, Stage, carried, kill_all, wait_for_end, write_command

FOLDER = GITOPS / "github"
REPOSITORY = "acme/shop"

_GH = """\
#!{python} -ISE
import json, os, shutil, sys, urllib.parse
assert os.environ.get("GH_TOKEN") == "token of the job", "gh has no token"
path = {forge!r}
forge = json.load(open(path))
words = sys.argv[1:]
FILTERS = {{
    '.[] | select(.user.type == "Bot" and (.body | startswith(env.MARKER))) | .id': lambda found: [
        one["id"] for one in found if one["user"]["type"] == "Bot" and one["body"].startswith(os.environ["MARKER"])],
    'map(select(.merged_at != null)) | first | .head.sha // empty': lambda found: [
        one["head"]["sha"] for one in found if one["merged_at"] is not None][:1],
    '.workflow_runs | first | .id // empty': lambda found: [one["id"] for one in found["workflow_runs"]][:1],
    '.[] | select(.title == env.TITLE) | .number': lambda found: [
        one["number"] for one in found if one["title"] == os.environ["TITLE"]],
}}
if words[:2] == ["run", "download"]:
    run, given = words[2], dict(zip(words[3::2], words[4::2]))
    assert given["--repo"] == {repository!r}
    if given["--name"] not in forge["artifacts"].get(run, {{}}):
        sys.exit("no artifact matches any of the names or patterns provided")
    shutil.copytree(forge["artifacts"][run][given["--name"]], given["--dir"])
    sys.exit()
assert words.pop(0) == "api"
method, path_word, wanted, fields = "GET", None, None, {{}}
while words:
    word = words.pop(0)
    if word in ("--paginate", "--silent"):
        continue
    elif word == "--method":
        method = words.pop(0)
    elif word == "--jq":
        wanted = words.pop(0)
    elif word in ("-F", "-f"):
        name, _, value = words.pop(0).partition("=")
        fields[name] = open(value[1:]).read() if word == "-F" and value.startswith("@") else value
    else:
        assert path_word is None, word
        path_word = word
place, _, query = path_word.partition("?")
query = dict(urllib.parse.parse_qsl(query))
prefix = "repos/" + {repository!r} + "/"
assert place.startswith(prefix), place
parts = place[len(prefix):].split("/")
match method, parts:
    case "GET", ["issues", number, "comments"]:
        found = [one for one in forge["comments"] if one["issue"] == number]
    case "POST", ["issues", number, "comments"]:
        found = {{"id": len(forge["comments"]) + 101, "issue": number, "user": {{"type": "Bot"}}, **fields}}
        forge["comments"].append(found)
    case "PATCH", ["issues", "comments", number]:
        (found,) = [one for one in forge["comments"] if one["id"] == int(number)]
        found.update(fields)
    case "GET", ["issues"]:
        found = [one for one in forge["issues"] if one["state"] == query["state"]]
    case "POST", ["issues"]:
        found = {{"number": len(forge["issues"]) + 1, "state": "open", **fields}}
        forge["issues"].append(found)
    case "PATCH", ["issues", number]:
        (found,) = [one for one in forge["issues"] if one["number"] == int(number)]
        found.update(fields)
    case "GET", ["commits", sha, "pulls"]:
        found = forge["pulls"].get(sha, [])
    case "GET", ["actions", "workflows", workflow, "runs"]:
        assert query["status"] == "success"
        found = {{"workflow_runs": [
            one for one in forge["runs"] if (one["workflow"], one["head"]) == (workflow, query["head_sha"])]}}
json.dump(forge, open(path, "w"))
if wanted is not None:
    print(*FILTERS[wanted](found), sep="\\n")
"""


@dataclass
class Job:
    """One job of one run: how it ended, and what it showed."""

    conclusion: str = "success"
    said: str = ""
    summary: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass
class Github:
    """The forge: pull requests, caches and artifacts, which outlive the machines."""

    stage: Stage
    secrets: dict[str, str]
    caches: list[tuple[str, Path]] = field(default_factory=list)
    findings: list[Any] = field(default_factory=list)
    ids: int = 0

    def __post_init__(self) -> None:
        self._place = self.stage.folder / "forge"
        self._place.mkdir()
        self._kept("comments", "issues", "runs", pulls={}, artifacts={})
        text = _GH.format(python=sys.executable, forge=str(self._place / "forge.json"), repository=REPOSITORY)
        write_command(self.stage.commands / "gh", text)
        # As the examples say that they are to be put.
        for name, path in (("action.yml", "actions/fcdeploy/action.yml"),):
            carried(FOLDER / name, self.stage.repository / ".github" / path)
        for name in ("plan", "apply", "drift"):
            carried(FOLDER / f"{name}.yml", self.stage.repository / f".github/workflows/fcdeploy-{name}.yml")

    def _kept(self, *lists: str, **maps: Any) -> None:
        (self._place / "forge.json").write_text(json.dumps({**{name: [] for name in lists}, **maps}))

    @property
    def forge(self) -> dict[str, Any]:
        """What the forge has, as `gh` sees it."""
        made: dict[str, Any] = json.loads((self._place / "forge.json").read_text())
        return made

    def change(self, **members: Any) -> None:
        (self._place / "forge.json").write_text(json.dumps({**self.forge, **members}))

    # ---- what people do

    def pull_request(self, number: int, head: str, *, fork: bool = False) -> Job:
        """Somebody opens a pull request, or pushes to it."""
        repository = {"full_name": "mallory/shop" if fork else REPOSITORY}
        event = {"pull_request": {"number": number, "head": {"repo": repository, "sha": head}}}
        job = self.run("plan", {"event_name": "pull_request", "event": event, "sha": f"merge-of-{head}"})
        if job.conclusion == "success":
            self.change(runs=[{"id": self.ids, "workflow": "fcdeploy-plan.yml", "head": head}, *self.forge["runs"]])
        return job

    def merge(self, head: str, sha: str, **how: Any) -> Job:
        """Somebody merges the pull request whose last commit is `head`; `sha` is what the default branch then has."""
        pull = {"merged_at": "2026-01-31T14:25:01Z", "head": {"sha": head}}
        self.change(pulls={**self.forge["pulls"], sha: [pull]})
        return self.push(sha, **how)

    def push(self, sha: str, **how: Any) -> Job:
        return self.run("apply", {"event_name": "push", "event": {}, "sha": sha}, **how)

    def by_hand(self, digest: str = "", **how: Any) -> Job:
        return self.run(
            "apply", {"event_name": "workflow_dispatch", "event": {}, "sha": "tip"}, {"digest": digest}, **how
        )

    def night(self) -> Job:
        return self.run("drift", {"event_name": "schedule", "event": {}, "sha": "tip"})

    # ---- what GitHub does

    def run(
        self,
        workflow: str,
        github: dict[str, Any],
        inputs: dict[str, str] | None = None,
        *,
        interrupted: tuple[str, Interruption] | None = None,
        machine_lost: bool = False,
    ) -> Job:
        """The one job of a workflow that is not skipped, on a new machine.

        `interrupted` names a step and what is done to it. With `machine_lost`, nothing comes after that.
        """
        self.ids += 1
        path = self.stage.repository / f".github/workflows/fcdeploy-{workflow}.yml"
        document = yaml.safe_load(path.read_text())
        (ran,) = [
            job
            for wanted in document["jobs"].values()
            if (job := _Run(self, wanted, github, inputs or {}, interrupted, machine_lost).whole()) is not None
        ]
        return ran


class _Lost(Exception):
    """The machine is gone."""


class _Run:
    def __init__(
        self,
        forge: Github,
        wanted: Mapping[str, Any],
        github: dict[str, Any],
        inputs: dict[str, str],
        interrupted: tuple[str, Interruption] | None,
        machine_lost: bool,
    ) -> None:
        self.forge = forge
        self.wanted = wanted
        self.interrupted = interrupted
        self.machine_lost = machine_lost
        self.machine: Machine = forge.stage.new_machine()
        self.workspace = self.machine.folder / "work"
        self.temp = self.machine.folder / "temp"
        self.temp.mkdir()
        self.number = 0
        self.cancelled = False
        self.job = Job()
        self.added: dict[str, str] = {}
        self.contexts: dict[str, Any] = {
            "github": {
                **github,
                "repository": REPOSITORY,
                "run_id": str(forge.ids),
                "run_attempt": "1",
                "token": "token of the job",
            },
            "inputs": inputs,
            "secrets": forge.secrets,
            "runner": {"temp": str(self.temp)},
            "steps": {},
        }
        statuses = {"always": lambda: True, "cancelled": lambda: self.cancelled}
        self.statuses = {
            **statuses,
            "success": lambda: self.job.conclusion == "success",
            "failure": lambda: self.job.conclusion == "failure",
        }
        self.environ = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SHA": str(github["sha"]),
            "RUNNER_TEMP": str(self.temp),
            **{name: filled(text, self.contexts, self.statuses) for name, text in wanted.get("env", {}).items()},
        }

    def whole(self) -> Job | None:
        if not runs(self.wanted.get("if"), self.contexts, self.statuses):
            return None
        try:
            for step in self.wanted["steps"]:
                if not runs(step.get("if"), self.contexts, self.statuses):
                    continue
                well = self.step(step, self.contexts)
                if self.cancelled or not well:
                    self.job.conclusion = "cancelled" if self.cancelled else "failure"
        except _Lost:
            self.job.conclusion = "failure"
        return self.job

    def step(self, step: Mapping[str, Any], contexts: Mapping[str, Any]) -> bool:
        """Whether a step went well."""
        given = {name: filled(text, contexts, self.statuses) for name, text in step.get("with", {}).items()}
        match str(step.get("uses", "")).partition("@")[0]:
            case "":
                return self.shell(step, contexts)
            case "./.github/actions/fcdeploy":
                return self.composite(self.workspace / ".github/actions/fcdeploy/action.yml", given)
            case "actions/checkout":
                assert given["persist-credentials"] == "false"
                shutil.copytree(self.forge.stage.repository, self.workspace)
            case "actions/cache/restore":
                self.restore(given)
            case "actions/cache/save":
                assert not any(key == given["key"] for key, _ in self.forge.caches), "a cache is never written again"
                self.forge.caches.append((given["key"], self.keep(Path(given["path"]))))
            case "actions/upload-artifact":
                self.upload(given)
            case "github/codeql-action/upload-sarif":
                self.forge.findings.append(json.loads(Path(given["sarif_file"]).read_text()))
            case other:
                raise AssertionError(f"not known here: {other}")
        return True

    def composite(self, path: Path, given: Mapping[str, str]) -> bool:
        action = yaml.safe_load(path.read_text())
        assert action["runs"]["using"] == "composite"
        assert set(given) <= set(action["inputs"]), "an input that there is not"
        inputs = {}
        for name, about in action["inputs"].items():
            assert "default" in about or given.get(name), f"{name} is required"
            inputs[name] = given[name] if name in given else filled(about["default"], self.contexts, self.statuses)
        contexts = {**self.contexts, "inputs": inputs, "steps": {}}
        well = True
        before = self.cancelled
        # In an action of a job that was cancelled, GitHub takes the action's own success; nothing may need that either.
        statuses = {**self.statuses, "success": lambda: well and not before, "failure": lambda: not well}
        for step in action["runs"]["steps"]:
            if runs(step.get("if"), contexts, statuses):
                well = self.step(step, contexts) and well
                if self.cancelled and not before:
                    # Whether GitHub runs what is left of an action is not certain, so that nothing may need it.
                    return well
        return well

    def shell(self, step: Mapping[str, Any], contexts: Mapping[str, Any]) -> bool:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        self.number += 1
        files = {name: self.temp / f"{name}-{self.number}" for name in ("ENV", "OUTPUT", "PATH", "STEP_SUMMARY")}
        for path in files.values():
            path.touch()
        script = self.temp / f"step-{self.number}.sh"
        script.write_text(step["run"])
        environ = {
            **self.environ,
            **self.added,
            **{f"GITHUB_{name}": str(path) for name, path in files.items()},
            **{name: filled(text, contexts, self.statuses) for name, text in step.get("env", {}).items()},
        }
        interruption = self.interruption(step.get("name", ""))
        ended = self.machine.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace,
            environ=environ,
            interruption=interruption,
        )
        self.job.said += f"##[{step.get('name')}]\n{ended.said}"
        self.cancelled = self.cancelled or ended.cancelled
        if interruption is not None and self.machine_lost:
            raise _Lost
        self.added |= _pairs(files["ENV"])
        assert not files["PATH"].read_text(), "the program is on the path, and nothing is to be installed"
        self.job.summary += files["STEP_SUMMARY"].read_text()
        if "id" in step:
            contexts["steps"][step["id"]] = {"outputs": _pairs(files["OUTPUT"])}
            self.job.outputs[step["id"]] = _pairs(files["OUTPUT"])
        return ended.code == 0

    def interruption(self, name: str) -> Interruption | None:
        if self.interrupted is None or self.interrupted[0] != name:
            return None
        return self.interrupted[1]

    def restore(self, given: Mapping[str, str]) -> None:
        newest = next(
            (kept for key, kept in reversed(self.forge.caches) if key.startswith(given["restore-keys"].strip())), None
        )
        if newest is not None:
            carried(newest, Path(given["path"]))

    def upload(self, given: Mapping[str, str]) -> None:
        kept = self.forge._place / f"artifact-{self.forge.ids}"
        paths = [Path(line) for line in given["path"].split("\n") if line.strip()]
        for path in paths:
            if path.exists():
                carried(path, kept / path.name)
        artifacts = self.forge.forge["artifacts"]
        self.forge.change(artifacts={**artifacts, str(self.forge.ids): {given["name"]: str(kept)}})

    def keep(self, path: Path) -> Path:
        kept = self.forge._place / f"cache-{len(self.forge.caches)}"
        carried(path, kept)
        return kept


def cancel(process: subprocess.Popen[bytes]) -> bool:
    """As GitHub cancels a step: its own process is interrupted, 7.5 s later terminated, 2.5 s later all is killed.

    Workflow cancellation reference, docs.github.com.
    """
    os.kill(process.pid, signal.SIGINT)
    if not wait_for_end(process, 7.5):
        os.kill(process.pid, signal.SIGTERM)
        wait_for_end(process, 2.5)
    kill_all(process)
    return True


def _pairs(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())
