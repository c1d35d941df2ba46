"""Jenkins in small: takes the shell steps out of the example's Jenkinsfile and runs them as Jenkins would.

The Jenkinsfile's own Groovy is not run: which steps a stage has, and which of its files are stashed and archived, is
read from it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from pipe_stage import GITOPS, Interruption, Machine, Stage, carried, kill_all, others_in_group

FILE = GITOPS / "jenkins" / "Jenkinsfile"
_STEP = re.compile(
    r"\bsh (?P<plain>'''(?P<text>.*?)''')|\bsh\((?P<given>returnStatus: true, script: '''(?P<asked>.*?)''')\)"
    r"|\b(?P<copy>copyArtifacts)\((?P<copied>[^\n]*\n[^\n]*)\)\n"
    r"|\b(?P<kept>archiveArtifacts) artifacts: '(?P<archived>[^']*)'"
    r"|\b(?P<stash>stash) name: 'fcdeploy', includes: '(?P<stashed>[^']*)'|\b(?P<unstash>unstash) 'fcdeploy'",
    re.S,
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a stage: what it does, and with which text."""

    word: str
    text: str
    only_main: bool = False


@dataclass
class Build:
    """One build: what it archived and stashed, and what its steps said."""

    number: int
    archived: dict[str, Path] = field(default_factory=dict)
    stashed: dict[str, Path] = field(default_factory=dict)
    said: str = ""
    planned: str = ""
    aborted: bool = False


def block(text: str, head: str) -> str:
    """What stands between the braces after `head`; strings in `'''` may hold any."""
    at = text.index(head) + len(head)
    start = text.index("{", at)
    depth = 0
    for found in re.finditer(r"'''.*?'''|[{}]", text[start:], re.S):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return text[start + 1 : start + found.start()]
    raise AssertionError(f"{head} has no end")


def steps(text: str) -> list[Step]:
    """The steps that are run here, in their order."""
    found = []
    main = block(text, "if (env.BRANCH_NAME == 'main')") if "if (env.BRANCH_NAME == 'main')" in text else ""
    for one in _STEP.finditer(text):
        match one:
            case _ if one["plain"]:
                found.append(Step("sh", unquoted(one["text"]), only_main=one[0] in main))
            case _ if one["given"]:
                found.append(Step("status", unquoted(one["asked"])))
            case _ if one["copy"]:
                (wanted,) = re.findall(r"filter: '([^']*)'", one["copied"])
                assert "optional: true" in one["copied"]
                own = "selector: specific(env.BUILD_NUMBER)" in one["copied"]
                assert own or "selector: lastWithArtifacts()" in one["copied"]
                found.append(Step("copy own" if own else "copy", wanted))
            case _ if one["kept"]:
                found.append(Step("archive", one["archived"]))
            case _ if one["stash"]:
                found.append(Step("stash", one["stashed"]))
            case _:
                found.append(Step("unstash", ""))
    return found


def unquoted(text: str) -> str:
    """What Groovy makes of the text between three quotes: a backslash at the end of a line joins it with the next."""
    joined = text.replace("\\\n", "")
    assert "\\" not in joined, "Groovy would take the backslash for itself"
    return joined


class Jenkins:
    """A job of one branch: its builds, whose archives the next ones may take."""

    def __init__(self, stage: Stage, secrets: dict[str, str], branch: str = "main") -> None:
        self.stage = stage
        self.text = re.sub(r"^\s*//.*\n", "", FILE.read_text(), flags=re.M)
        self.branch = branch
        own = dict(re.findall(r"^        (\w+) = '([^']*)'$", block(self.text, "environment"), re.M))
        self.environ = {**own, **secrets, "BRANCH_NAME": branch, "JOB_NAME": f"shop/{branch}"}
        self.builds: list[Build] = []

    def begin(self, restarted: Build | None = None) -> Build:
        """A new build, or one that begins with a later stage of an earlier one, whose stashes are preserved."""
        assert "preserveStashes()" in block(self.text, "options")
        stashed = dict(restarted.stashed) if restarted is not None else {}
        self.builds.append(Build(number=len(self.builds) + 1, stashed=stashed))
        return self.builds[-1]

    def run(self, build: Build, name: str, interrupted: tuple[str, Interruption] | None = None) -> bool:
        """One stage of a build on a new machine, with its `post` however it ended; whether it went well.

        `interrupted` names the command of a step and what is done to it.
        """
        machine = self.stage.new_machine()
        workspace = machine.folder / "workspace"
        shutil.copytree(self.stage.repository, workspace)
        (machine.folder / "workspace@tmp").mkdir()
        stage = block(self.text, f"stage('{name}')")
        well = True
        for step in steps(block(stage, "steps")):
            if step.only_main and self.branch != "main":
                continue
            if not self.step(build, step, machine, interrupted):
                well = False
                break
        for step in steps(block(block(stage, "post"), "always")):
            assert self.step(build, step, machine, None), build.said
        return well

    def step(self, build: Build, step: Step, machine: Machine, interrupted: tuple[str, Interruption] | None) -> bool:
        workspace = machine.folder / "workspace"
        match step.word:
            case "copy" | "copy own":
                # What a build that is still running has archived is found by its number alone.
                others = [one for one in reversed(self.builds) if one.archived and one is not build]
                newest = build if step.word == "copy own" else next(iter(others), None)
                if newest is not None and step.text in newest.archived:
                    carried(newest.archived[step.text], workspace / step.text)
            case "archive" | "stash":
                kept = build.archived if step.word == "archive" else build.stashed
                for path in step.text.split(", "):
                    if (workspace / path).exists():
                        kept[path] = machine.folder / step.word / path
                        carried(workspace / path, kept[path])
            case "unstash":
                for path, kept_as in build.stashed.items():
                    carried(kept_as, workspace / path)
            case _:
                return self.shell(build, step, machine, interrupted)
        return True

    def shell(self, build: Build, step: Step, machine: Machine, interrupted: tuple[str, Interruption] | None) -> bool:
        script = machine.folder / "script.sh"
        script.write_text(step.text)
        cookie = {"WORKSPACE_TMP": str(machine.folder / "workspace@tmp"), "BUILD_NUMBER": str(build.number)}
        wanted = interrupted is not None and f"fcdeploy {interrupted[0]} " in step.text
        ended = machine.run(
            # Jenkins' own: a shell that waits for the script's.
            ["sh", "-c", 'trap : TERM; sh -xe "$0"; exit $?', str(script)],
            cwd=machine.folder / "workspace",
            environ={**self.environ, **cookie},
            interruption=interrupted[1] if wanted and interrupted is not None else None,
        )
        build.said += ended.said
        build.aborted = build.aborted or ended.cancelled
        if step.word == "status":
            build.planned = str(ended.code)
            return build.planned in ("0", "2") and not ended.cancelled
        return ended.code == 0 and not ended.cancelled


def abort(process: subprocess.Popen[bytes]) -> bool:
    """As Jenkins aborts a step: each process is terminated, children first; 5 s later whoever is left, once more.

    ProcessTree of Jenkins, `SoftKillWaitSeconds`.
    """
    for _ in range(2):
        deadline = time.monotonic() + 5
        for pid in sorted(others_in_group(process), reverse=True):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            while _is_there(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
    kill_all(process)
    return True


def _is_there(pid: int) -> bool:
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(listed.strip()) and not listed.strip().startswith("Z")
