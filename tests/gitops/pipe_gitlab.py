"""GitLab CI in small: runs the jobs of the example as they are written, each on a machine of its own.

A forge on this machine answers what the jobs ask of GitLab's API: the package registry and the notes. A job that is
cancelled ends as the docker executor ends it, and its `after_script` runs.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from pipe_stage import (
    GITOPS,
    Interruption,
    Machine,
    Stage,
    carried,
    kill_all,
    others_in_group,
    wait_for_end,
)

FILE = GITOPS / "gitlab" / ".gitlab-ci.yml"
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_STAGES_OWN = ("stages", "variables", "workflow", "default", "include")


@dataclass
class Forge:
    """What GitLab keeps: packages by address, newest last, and the notes of a merge request."""

    packages: dict[str, list[bytes]] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    refuse_packages: bool = False


@contextlib.contextmanager
def serving(forge: Forge) -> Iterator[None]:
    """Answer for the forge on a port of this machine."""

    class Answer(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def reply(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            place = self.path.partition("?")[0]
            if "/packages/generic/" in place:
                owner = base64.b64encode(b"gitlab-ci-token:token of the job").decode()
                if self.headers["Authorization"] != f"Basic {owner}":
                    self.reply(401)
                elif forge.refuse_packages:
                    self.reply(503)
                elif self.command == "PUT":
                    forge.packages.setdefault(place, []).append(body)
                    self.reply(201, b"{}")
                else:
                    kept = forge.packages.get(place)
                    self.reply(200, kept[-1]) if kept else self.reply(404)
                return
            assert place.startswith("/api/v4/projects/42/merge_requests/7/notes"), place
            if self.headers["PRIVATE-TOKEN"] != "token for notes":
                self.reply(401)
                return
            if self.command == "GET":
                self.reply(200, json.dumps(forge.notes).encode())
                return
            text = dict(urllib.parse.parse_qsl(body.decode()))["body"]
            if self.command == "POST":
                forge.notes.append({"id": 301 + len(forge.notes), "body": text})
            else:
                (note,) = [one for one in forge.notes if str(one["id"]) == place.rpartition("/")[2]]
                note["body"] = text
            self.reply(201, b"{}")

        do_GET = do_POST = do_PUT = answer

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        forge.url = f"http://127.0.0.1:{server.server_port}/api/v4"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Job:
    """One job: how it ended, what it showed, and what it hands on."""

    code: int
    said: str
    artifacts: Path
    after: int


@dataclass
class Gitlab:
    """The project: its variables, and pipelines of jobs that hand their artifacts on."""

    stage: Stage
    forge: Forge
    variables: dict[str, str]
    jobs: int = 0

    @property
    def document(self) -> dict[str, Any]:
        made: dict[str, Any] = yaml.safe_load(FILE.read_text())
        return made

    def pipeline(self, source: str, **variables: str) -> Pipeline:
        return Pipeline(self, {"CI_PIPELINE_SOURCE": source, **variables})

    def merge_request(self) -> Pipeline:
        return self.pipeline("merge_request_event", CI_MERGE_REQUEST_IID="7")

    def default_branch(self) -> Pipeline:
        return self.pipeline("push", CI_COMMIT_BRANCH="main")

    def scheduled(self) -> Pipeline:
        return self.pipeline("schedule", CI_COMMIT_BRANCH="main")

    def whole(self, name: str) -> dict[str, Any]:
        """A job with what it extends."""
        own = self.document[name]
        parent = self.whole(own["extends"]) if "extends" in own else {}
        return _merged(parent, {key: value for key, value in own.items() if key != "extends"})


class Pipeline:
    """The jobs of one pipeline; each is run by name, as often as it is asked for."""

    def __init__(self, project: Gitlab, variables: dict[str, str]) -> None:
        self.project = project
        self.variables = {
            "CI_PROJECT_ID": "42",
            "CI_DEFAULT_BRANCH": "main",
            "CI_API_V4_URL": project.forge.url,
            "CI_JOB_TOKEN": "token of the job",
            **project.variables,
            **variables,
        }
        self.handed_on: list[Path] = []

    def names(self) -> list[str]:
        """The jobs that this pipeline has, in the order of their stages; those to be started by hand with an `!`."""
        document = self.project.document
        found = []
        for name in document:
            if name in _STAGES_OWN or name.startswith("."):
                continue
            job = self.project.whole(name)
            rules = job.get("rules", [{}])
            rule = next((one for one in rules if _holds(one.get("if", "true"), self.variables)), None)
            if rule is not None:
                found.append((document["stages"].index(job["stage"]), name + "!" * (rule.get("when") == "manual")))
        return [name for _, name in sorted(found, key=lambda one: one[0])]

    def run(self, name: str, interruption: Interruption | None = None, machine: Machine | None = None) -> Job:
        """One job, on a new machine unless one is given."""
        project = self.project
        assert name in [one.rstrip("!") for one in self.names()], f"this pipeline has no job {name}"
        project.jobs += 1
        job = project.whole(name)
        machine = machine or project.stage.new_machine()
        folder = machine.folder / "builds" / "shop"
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(project.stage.repository, folder)
        for artifacts in self.handed_on:
            carried(artifacts, folder)
        given = {**project.document["variables"], **job.get("variables", {}), **self.variables}
        given |= {"CI_PROJECT_DIR": str(folder), "CI_JOB_ID": str(project.jobs), "CI_JOB_NAME": name}
        environ = {key: _expanded(str(value), given) for key, value in given.items()}
        script = [*job.get("before_script", []), *job["script"]]
        ended = self._shell(machine, folder, script, environ, interruption)
        after = self._shell(machine, folder, job.get("after_script", []), environ, None)
        kept = machine.folder / f"artifacts-{project.jobs}"
        kept.mkdir()
        about = job.get("artifacts", {})
        if ended.code == 0 or about.get("when") == "always":
            for path in about.get("paths", []):
                if (folder / path).exists():
                    carried(folder / path, kept / path)
        self.handed_on.append(kept)
        return Job(code=ended.code, said=ended.said + after.said, artifacts=kept, after=after.code)

    def _shell(
        self,
        machine: Machine,
        folder: Path,
        lines: list[str],
        environ: Mapping[str, str],
        interruption: Interruption | None,
    ) -> Any:
        # GitLab's shell reads the script and runs it in a shell below itself, which is the one that a signal meets.
        script = folder.parent / "script.sh"
        script.write_text("\n".join(lines) + "\n")
        whole = f"trap exit 1 TERM\nset -eo pipefail\n: | eval \"$(cat '{script}')\"\n"
        return machine.run(["bash", "-c", whole], cwd=folder, environ=environ, interruption=interruption)


def cancel(process: subprocess.Popen[bytes]) -> bool:
    """As the docker executor cancels: all but the first process are terminated, 10 s later the container is stopped."""
    for pid in others_in_group(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    wait_for_end(process, 10)
    kill_all(process)
    return True


def _merged(parent: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What `extends` makes: maps are merged, all else is replaced."""
    made = dict(parent)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(made.get(key), dict)
        made[key] = _merged(made[key], value) if both else value
    return made


def _expanded(text: str, given: Mapping[str, str]) -> str:
    """A variable's value with the variables that it names."""
    found = text
    for _ in range(3):
        found = _VARIABLE.sub(lambda one: str(given.get(one[1] or one[2], "")), found)
    return found


def _holds(rule: str, variables: Mapping[str, str]) -> bool:
    """A rule of the form `$A == "b" && $C != $D`."""

    def term(text: str) -> str:
        text = text.strip()
        return variables.get(text[1:], "") if text.startswith("$") else text.strip('"')

    for part in rule.split("&&"):
        one, sign, other = part.partition("==") if "==" in part else part.partition("!=")
        if sign and (term(one) == term(other)) is not (sign == "=="):
            return False
    return True
