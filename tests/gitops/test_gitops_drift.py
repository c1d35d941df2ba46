"""What is run by cron, by a timer, in a cluster, and before a commit."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipe_stage import GITOPS, KEYS, ROOT, Ended, Stage

DRIFT = GITOPS / "drift"


@pytest.mark.proof
def test_cron_is_quiet_until_something_moves(stage: Stage) -> None:
    (line,) = [one for one in (DRIFT / "crontab").read_text().splitlines() if one[:1].isdigit()]
    assert len(line.split()[:5]) == 5
    machine = stage.new_machine()
    home = machine.folder / "home"
    shutil.copytree(stage.repository, machine.folder / "shop")
    (home / ".fcdeploy-keys").write_text("".join(f"export {name}={value}\n" for name, value in KEYS.items()))

    def night(**more: str) -> Ended:
        # The user's crontab, with the places of this machine.
        command = " ".join(line.split()[5:]).replace(
            "/usr/local/bin/fcdeploy-drift.sh", str(DRIFT / "fcdeploy-drift.sh")
        )
        command = command.replace("/srv/shop", str(machine.folder / "shop"))
        return machine.run(["sh", "-c", command], cwd=home, environ=more)

    applied = machine.run(["fcdeploy", "apply", "--target", "prod", "--yes"], cwd=machine.folder / "shop", environ=KEYS)
    assert applied.code == 0, applied.said
    assert night() == Ended(code=0, said="")
    spec = machine.folder / "shop" / "fcdeploy.yaml"
    spec.write_text(spec.read_text().replace("GREETING: Hello", "GREETING: Bonjour"))
    told: list[Any] = []

    class Answer(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            moved = night(FCDEPLOY_DRIFT_WEBHOOK=f"http://127.0.0.1:{server.server_port}/hook")
            spec.write_text("project: shop\n")
            broken = night(FCDEPLOY_DRIFT_WEBHOOK=f"http://127.0.0.1:{server.server_port}/hook")
        finally:
            server.shutdown()
            thread.join()
    assert moved.code == 2 and "GREETING" in moved.said
    assert broken.code == 1 and "error:" in broken.said
    assert "GREETING" in told[0]["text"] and len(told) == 2


def test_the_unit_the_timer_and_the_cron_job_start_the_script() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DRIFT / "fcdeploy-drift.service")
    assert unit["Service"]["ExecStart"].split()[0] == "/usr/local/bin/fcdeploy-drift.sh"
    # Its exit code 2 must not count as success.
    assert "SuccessExitStatus" not in unit["Service"]
    timer = configparser.ConfigParser(interpolation=None)
    timer.read(DRIFT / "fcdeploy-drift.timer")
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:\d\d", timer["Timer"]["OnCalendar"])
    document = yaml.safe_load((DRIFT / "cronjob.yaml").read_text())
    assert document["spec"]["concurrencyPolicy"] == "Forbid"
    pod = document["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert document["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 0 and pod["restartPolicy"] == "Never"
    assert pod["containers"][0]["command"][0] == unit["Service"]["ExecStart"].split()[0]


def hooks() -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


def committed(stage: Stage, folder: Path, hook: dict[str, Any], *args: str) -> subprocess.CompletedProcess[str]:
    """A hook as pre-commit runs it: its entry, the arguments of the configuration, and the files that it is about."""
    files = [str(one.relative_to(folder)) for one in sorted(folder.rglob("*")) if one.is_file()]
    wanted = [one for one in files if re.search(hook["files"], one)]
    assert wanted, "it would not be run"
    passed = wanted if hook.get("pass_filenames", True) else []
    machine = stage.new_machine()
    return subprocess.run(
        [*shlex.split(hook["entry"]), *args, *passed],
        cwd=folder,
        env=machine.environ,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


@pytest.mark.proof
def test_hooks_before_a_commit(stage: Stage) -> None:
    folder = stage.folder / "several"
    for name in ("a", "b b"):
        shutil.copytree(stage.repository, folder / name)
    (folder / "values.yaml").write_text("x: 1\n")
    every = hooks()
    assert {one["language"] for one in every.values()} == {"python"}
    assert committed(stage, folder, every["fcdeploy-validate"]).returncode == 0
    spec = folder / "a" / "fcdeploy.yaml"
    spec.write_text(spec.read_text().replace("handler:", "handlr:"))
    refused = committed(stage, folder, every["fcdeploy-validate"])
    assert refused.returncode == 1 and "handlr" in refused.stderr
    assert "b b/fcdeploy.yaml is valid" in refused.stdout, "the others are checked, too"
    one = every["fcdeploy-validate-project"]
    assert committed(stage, folder, one, "--file", "b b/fcdeploy.yaml").returncode == 0
    assert committed(stage, folder, one, "--file", "a").returncode == 1
    assert committed(stage, folder, every["fcdeploy-schema"]).returncode == 0
    assert "$defs" in json.loads((folder / "fcdeploy.schema.json").read_text())


def test_what_hooks_run_is_a_command_of_the_package() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert 'fcdeploy = "fcdeploy.cli:main"' in text
    for hook in hooks().values():
        assert "fcdeploy " in hook["entry"] and re.compile(hook["files"]).search("deploy/fcdeploy.yaml")
    assert sys.version_info >= (3, 11)
