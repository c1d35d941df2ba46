"""The program against an emulator process: signals, terminals, the emulator's own life."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import resource
import select
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import OwnServer, Program, Server

SECONDS = 60
FUNCTIONS = 8


def widen(program: Program) -> None:
    """Enough functions that a run takes a while at one request at a time."""
    more = "".join(
        f"      f{number}: {{runtime: python3.10, handler: index.handler, code: ./src}}\n"
        for number in range(FUNCTIONS)
    )
    program.edit("    functions:\n", f"    functions:\n{more}")


@contextlib.contextmanager
def running(program: Program, *args: str) -> Iterator[subprocess.Popen[str]]:
    process = program.start(*args)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.proof)])
def test_the_first_signal_takes_everything_back(program: Program, emulator: Server, number: signal.Signals) -> None:
    widen(program)
    args = ("apply", "--yes", "--endpoint", emulator.url, "--parallelism", "1")
    emulator.slow_down("POST", "/functions$", nth=2, seconds=2)
    with running(program, *args) as process:
        emulator.wait_until_slow()
        process.send_signal(number)
        out, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 3, told
    assert "Stopping: what is in flight may end, then it is taken back." in told
    assert "undo: deleted service images" in told
    assert "target dev: failed and rolled back" in out
    assert "Everything is as it was before." in out
    assert "Traceback" not in told
    planned = program.run("plan", "--endpoint", emulator.url)
    assert f"Plan: {FUNCTIONS + 3} to create" in planned.stdout


@pytest.mark.proof
def test_the_second_signal_leaves_at_once_and_resume_finishes(program: Program, own_emulator: OwnServer) -> None:
    widen(program)
    args = ("apply", "--yes", "--endpoint", own_emulator.url, "--parallelism", "1")
    own_emulator.slow_down("POST", "/functions$", nth=2, seconds=2)
    with running(program, *args) as process:
        own_emulator.wait_until_slow()
        own_emulator.slow_down("DELETE", "/functions/", nth=1, seconds=30)
        process.send_signal(signal.SIGINT)
        own_emulator.wait_until_slow()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 4, told
    assert f"the run is still open. How to go on:\n  fcdeploy status --endpoint {own_emulator.url}\n" in told
    own_emulator.control("DELETE")
    status = program.run("status", "--endpoint", own_emulator.url)
    assert re.search(r"Open run \S+ \(apply\): \d+ of \d+ steps done, 1 effect unknown", status.stdout), status.stdout
    # A delete of the way back was under way: what is there now is nothing to go forward from.
    assert "resume" not in status.stdout
    assert f"to finish:     fcdeploy rollback --endpoint {own_emulator.url} --target dev\n" in status.stdout
    forward = program.run("resume", "--endpoint", own_emulator.url)
    assert forward.returncode == 1
    assert "was being rolled back" in forward.stderr
    refused = program.run("apply", "--yes", "--endpoint", own_emulator.url)
    assert refused.returncode == 4
    assert "has not ended" in refused.stderr
    back = program.run("rollback", "--yes", "--endpoint", own_emulator.url)
    assert back.returncode == 0, back.stderr + back.stdout
    assert "target dev: rolled back" in back.stdout
    again = program.run("apply", "--yes", "--endpoint", own_emulator.url)
    assert again.returncode == 0, again.stderr
    assert "No changes." in program.run("plan", "--endpoint", own_emulator.url).stdout


@pytest.mark.proof
def test_a_killed_run_is_resumed(program: Program, own_emulator: OwnServer) -> None:
    widen(program)
    own_emulator.slow_down("POST", "/functions$", nth=2, seconds=2)
    with running(program, "apply", "--yes", "--endpoint", own_emulator.url, "--parallelism", "1") as process:
        own_emulator.wait_until_slow()
        process.kill()
        process.wait(timeout=SECONDS)
    done = program.run("resume", "--endpoint", own_emulator.url)
    assert done.returncode == 0, done.stderr
    assert "target dev: done" in done.stdout
    assert f"({FUNCTIONS + 3} resources)" in program.run("plan", "--endpoint", own_emulator.url).stdout


def refuse(method: str, path: str, **effect: Any) -> dict[str, Any]:
    """A rule: these requests are answered 400, or as `effect` says."""
    return {
        "match": {"method": method, "path": path},
        "effect": effect or {"status": 400, "code": "InvalidArgument", "message": "no such hour"},
    }


def advised(text: str, what: str) -> list[str]:
    """The words of the command that is advised, without the program's own name."""
    found = re.search(rf"^ +{what}: +fcdeploy (.*)$", text, re.MULTILINE)
    assert found, text
    return shlex.split(found[1])


def test_half_a_way_back_says_what_finishes_it(program: Program, emulator: Server) -> None:
    other = program.folder / "it's here.yaml"
    program.spec.rename(other)
    where = ("-f", other.name, "--endpoint", emulator.url)
    emulator.control("PUT", {"rules": [refuse("POST", "/triggers$"), refuse("DELETE", "/services/images$")]})
    done = program.run("apply", "--yes", *where)
    assert done.returncode == 4, done.stderr
    assert "target dev: needs a person (3 steps done, 1 taken back, 2 left behind) in " in done.stdout
    assert re.search(
        r"^failed creating trigger images/resize/nightly \(.* s\): CreateTrigger answered 400 ", done.stderr, re.M
    )
    assert "rolling back 2 steps\n" in done.stderr
    calls = program.run(*advised(done.stdout, "To see more"))
    assert "    2 of 4 steps done, 1 undone, 1 failed\n" in calls.stdout
    assert re.search(r" failed +delete service images\n", calls.stdout.partition("The way back\n")[2])
    assert advised(calls.stdout, "To finish") == advised(done.stdout, "To finish")
    status = program.run("status", *where)
    assert "(apply): 2 of 4 steps done, 1 undone\n" in status.stdout
    assert advised(status.stdout, "to finish") == advised(done.stdout, "To finish")
    assert advised(status.stdout, "to leave it") == advised(done.stdout, "To leave it")
    emulator.control("DELETE")
    finished = program.run(*advised(done.stdout, "To finish"), "--yes")
    assert finished.returncode == 0, finished.stderr
    assert "rolling back 1 step\n" in finished.stderr
    assert "target dev: rolled back (everything was taken back) in " in finished.stdout


def test_half_a_way_back_can_be_left_as_it_is(program: Program, emulator: Server) -> None:
    emulator.control("PUT", {"rules": [refuse("POST", "/triggers$"), refuse("DELETE", "/services/images$")]})
    done = program.run("apply", "--yes", "--endpoint", emulator.url)
    emulator.control("DELETE")
    left = program.run(*advised(done.stdout, "To leave it"), "--yes")
    assert left.returncode == 0, left.stderr
    assert "target dev: abandoned in " in left.stdout
    again = program.run("apply", "--yes", "--endpoint", emulator.url)
    assert again.returncode == 0, again.stderr
    assert "target dev: done (2 steps) in " in again.stdout


@pytest.mark.proof
def test_an_effect_that_nobody_knows_is_told_and_settled(program: Program, emulator: Server) -> None:
    # The plan reads the service once; every read after the create fails.
    unreadable = [
        {"match": {"method": "GET", "path": "/services/images$", "nth": nth}, "effect": {"status": 500}}
        for nth in range(2, 20)
    ]
    rules = [refuse("POST", "/services$", disconnect=True), *unreadable]
    emulator.control("PUT", {"rules": rules})
    done = program.run("apply", "--yes", "--endpoint", emulator.url)
    assert done.returncode == 4, done.stderr
    assert "target dev: needs a person (1 effect not known) in " in done.stdout
    assert "nothing was changed" not in done.stdout
    assert re.search(r"no answer while creating service images \(.* s\): GetService answered 500", done.stderr)
    emulator.control("DELETE")
    resumed = program.run(*advised(done.stdout, "To finish"))
    assert resumed.returncode == 0, resumed.stderr
    assert "target dev: done (4 steps) in " in resumed.stdout


def test_a_run_that_is_taken_back_leaves_no_doubt(program: Program, emulator: Server) -> None:
    emulator.control("PUT", {"rules": [refuse("POST", "/triggers$")]})
    done = program.run("apply", "--yes", "--endpoint", emulator.url)
    assert done.returncode == 3
    assert "target dev: failed and rolled back (everything was taken back) in " in done.stdout
    assert re.search(r"^  run \d{8}-\d{6}-[0-9a-f]{8}$", done.stdout, re.MULTILINE)


def test_a_refusal_that_repeats_a_secret_tells_none(program: Program, emulator: Server) -> None:
    program.edit("project: image-pipeline", "project: image-pipeline\nsecrets: {TOKEN: {env: TOKEN}}")
    program.edit('{LEVEL: "3"}', '{LEVEL: "3", TOKEN: "${{ secret(\'TOKEN\') }}"}')
    program.environ["TOKEN"] = "hunter2-Zx9"
    effect = {"status": 400, "code": "InvalidArgument", "message": "hunter2-Zx9 is weak"}
    emulator.control("PUT", {"rules": [refuse("POST", "/functions$", **effect)]})
    done = program.run("apply", "--yes", "--endpoint", emulator.url)
    assert done.returncode == 3
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("failed")]
    assert "CreateFunction answered 400 InvalidArgument: (sensitive) is weak" in line
    assert "hunter2" not in done.stdout + done.stderr


def test_a_service_of_somebody_else_is_no_empty_plan(program: Program, emulator: Server) -> None:
    program.edit("project: image-pipeline", "project: other")
    assert program.run("apply", "--yes", "--endpoint", emulator.url).returncode == 0
    program.edit("project: other", "project: image-pipeline")
    for command in (["plan"], ["apply", "--yes"]):
        refused = program.run(*command, "--endpoint", emulator.url)
        assert refused.returncode == 1
        assert "error: service images belongs to other/dev" in refused.stderr
        assert refused.stdout.endswith("\n\nThere is no plan to apply because of the errors.\n")
        assert "No changes" not in refused.stdout


@pytest.mark.parametrize(
    "effect",
    [
        {"disconnect": True},
        *(pytest.param(one, marks=pytest.mark.proof) for one in ({"timeout": 0.05}, {"truncate": True})),
    ],
    ids=str,
)
def test_the_emulator_says_nothing_of_connections_that_it_drops(
    program: Program, own_emulator: OwnServer, effect: dict[str, Any]
) -> None:
    rule = {"match": {"method": "GET", "path": "/services", "nth": 1}, "effect": effect}
    own_emulator.control("PUT", {"rules": [rule]})
    assert program.run("plan", "--endpoint", own_emulator.url).returncode == 0, "a read is repeated"
    assert [one["fired"] for one in own_emulator.control("GET")["rules"]] == [1]
    own_emulator.process.terminate()
    _, told = own_emulator.process.communicate(timeout=SECONDS)
    assert told == ""


@pytest.mark.proof
def test_a_signal_before_the_work_changes_nothing(program: Program, own_emulator: OwnServer) -> None:
    own_emulator.slow_down("GET", "/services", nth=1, seconds=2)
    with running(program, "apply", "--yes", "--endpoint", own_emulator.url) as process:
        own_emulator.wait_until_slow()
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert told.strip() == "Interrupted. Nothing was changed."
    assert out == ""
    methods = {json.loads(line)["method"] for line in own_emulator.log.read_text().splitlines()}
    assert methods <= {"GET"}
    assert "Plan: 3 to create" in program.run("plan", "--endpoint", own_emulator.url).stdout


class Terminal:
    """The program on a pseudo terminal."""

    def __init__(self, program: Program, *args: str, environ: dict[str, str] | None = None) -> None:
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(program.folder)
            command = program.command(*args)
            os.execve(command[0], command, {"TERM": "xterm", **program.environ, **(environ or {})})

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self.seen:
            assert time.monotonic() < deadline, f"{text!r} was never shown:\n{self.seen}"
            if not self.read():
                raise AssertionError(f"it ended before {text!r} was shown:\n{self.seen}")

    def read(self) -> bool:
        if not select.select([self.fd], [], [], SECONDS)[0]:
            raise AssertionError(f"nothing happens any more:\n{self.seen}")
        try:
            got = os.read(self.fd, 65536)
        except OSError:  # Linux' end of a pseudo terminal
            return False
        self.seen += got.decode(errors="replace").replace("\r\n", "\n")
        return bool(got)

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def end(self) -> int:
        while self.read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


QUESTION = 'Apply these changes? Only "yes" is accepted: '


@pytest.mark.parametrize(
    "answer",
    ["y\n", "\x04", *(pytest.param(one, marks=pytest.mark.proof) for one in ("\x03", "no\n", "YES\n", "\n"))],
    ids=repr,
)
def test_only_yes_is_a_yes(program: Program, answer: str) -> None:
    terminal = Terminal(program, "apply", "--local")
    terminal.wait_for(QUESTION)
    terminal.type(answer)
    assert terminal.end() == 1
    assert 'Nothing was changed: the answer was not "yes".' in terminal.seen
    assert "Plan: 3 to create" in program.run("plan", "--local").stdout


def test_yes_applies_with_a_live_display(program: Program) -> None:
    terminal = Terminal(program, "apply", "--local")
    terminal.wait_for(QUESTION)
    before = terminal.seen
    assert "\x1b[32m+\x1b[0m \x1b[1mservice images\x1b[0m" in before, "people get colour"
    terminal.type("yes\n")
    assert terminal.end() == 0
    after = terminal.seen[len(before) :]
    assert re.search(r"created function images/resize \(\d", after)
    assert "\x1b[1;32mdone\x1b[0m" in after
    assert after.count("\x1b[?25l") == after.count("\x1b[?25h"), "the cursor is shown again"
    assert "No changes." in program.run("plan", "--local").stdout


@pytest.mark.parametrize(
    ("args", "environ"),
    [
        (["plan", "--local"], {"NO_COLOR": "1"}),
        pytest.param(["plan", "--local"], {"CI": "true"}, marks=pytest.mark.proof),
        pytest.param(["plan", "--local"], {"TERM": "dumb"}, marks=pytest.mark.proof),
        (["plan", "--local", "--no-color"], {}),
    ],
    ids=["NO_COLOR", "CI", "dumb", "option"],
)
def test_no_colour_where_it_is_not_wanted(program: Program, args: list[str], environ: dict[str, str]) -> None:
    terminal = Terminal(program, *args, environ=environ)
    assert terminal.end() == 0
    assert terminal.seen == program.run("plan", "--local").stdout


def test_a_pipeline_is_never_asked(program: Program) -> None:
    terminal = Terminal(program, "apply", "--local", environ={"CI": "1"})
    assert terminal.end() == 64
    assert "there is no terminal to ask on" in terminal.seen


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.proof)])
def test_the_emulator_ends_in_order_and_keeps_its_data(
    program: Program, own_emulator: OwnServer, number: signal.Signals
) -> None:
    with urllib.request.urlopen(f"{own_emulator.url}/__emulator__/health", timeout=SECONDS) as reply:
        assert reply.status == 200
    assert program.run("apply", "--yes", "--endpoint", own_emulator.url).returncode == 0
    own_emulator.process.send_signal(number)
    out, told = own_emulator.process.communicate(timeout=SECONDS)
    assert (own_emulator.process.returncode, out, told) == (0, "", "")
    folder = str(own_emulator.log.parent / "data")
    with running(program, "emulator", "--port", "0", "--data", folder, "--access-key", "AK:SK") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert "No changes." in program.run("plan", "--endpoint", url).stdout
        wrong = {**program.environ, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "another"}
        program.environ = wrong
        refused = program.run("plan", "--endpoint", url)
        assert refused.returncode == 1
        assert "SignatureNotMatch" in refused.stderr
        taken = program.run("emulator", "--port", url.rpartition(":")[2])
        assert taken.returncode == 64
        assert "cannot serve on 127.0.0.1:" in taken.stderr


def test_bad_faults_are_a_usage_error(program: Program) -> None:
    (program.folder / "faults.yaml").write_text("rules: [{effect: {}}]\n")
    done = program.run("emulator", "--port", "0", "--faults", "faults.yaml")
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith("error: --faults: ")


def test_coverage_lists_every_operation(program: Program) -> None:
    text = program.run("emulator", "coverage").stdout
    document = json.loads(program.run("emulator", "coverage", "--format", "json").stdout)
    assert document["type"] == "coverage"
    names = [row["operation"] for row in document["operations"]]
    assert "CreateFunction" in names
    assert all(f"\n{name} " in text for name in names)
    assert text.rstrip().rpartition("\n")[2].startswith(f"{len(names)} operations, ")


def killed(program: Program, own_emulator: OwnServer) -> str:
    """An apply that was killed while its trigger was made; the id of its run."""
    own_emulator.slow_down("POST", "/triggers", nth=1, seconds=2)
    with running(program, "apply", "--yes", "--endpoint", own_emulator.url) as process:
        own_emulator.wait_until_slow()
        process.kill()
        process.communicate(timeout=SECONDS)
    own_emulator.control("DELETE")
    listed = json.loads(program.run("history", "--format", "json").stdout)
    (run,) = listed["targets"][0]["runs"]
    assert run["ending"] is None
    return str(run["run"])


@pytest.mark.proof
@pytest.mark.parametrize("named", [True, False], ids=["named", "all"])
def test_the_way_back_from_an_open_run_is_asked_for(program: Program, own_emulator: OwnServer, named: bool) -> None:
    run = killed(program, own_emulator)
    asked = Terminal(program, "rollback", *([run] if named else []), "--endpoint", own_emulator.url)
    asked.wait_for('Take back what this run did? Only "yes" is accepted: ')
    assert f"Open run {run} (apply): 3 of 4 steps done, 1 effect unknown" in asked.seen
    asked.type("no\n")
    assert asked.end() == 1
    assert 'Nothing was changed: the answer was not "yes".' in asked.seen
    assert f"Open run {run}" in program.run("status", "--endpoint", own_emulator.url).stdout


@pytest.mark.proof
def test_abandon_asks_settles_and_leaves_what_is(program: Program, own_emulator: OwnServer) -> None:
    run = killed(program, own_emulator)
    where = ("--endpoint", own_emulator.url)
    question = 'Close this run as it stands? Only "yes" is accepted: '
    declined = Terminal(program, "abandon", *where)
    declined.wait_for(question)
    declined.type("no\n")
    assert declined.end() == 1
    assert f"Open run {run}" in program.run("status", *where).stdout
    agreed = Terminal(program, "abandon", *where)
    agreed.wait_for(question)
    assert f"Open run {run} (apply): 3 of 4 steps done, 1 effect unknown" in agreed.seen
    agreed.type("yes\n")
    assert agreed.end() == 0
    assert "abandoned" in agreed.seen and run in agreed.seen
    assert "What it did stays; the next plan is made from what is live." in agreed.seen
    assert "Open run" not in program.run("status", *where).stdout
    shown = program.run("history", run).stdout
    assert "(apply): abandoned\n" in shown and "unknown" not in shown


@pytest.mark.proof
def test_abandon_as_a_document(program: Program, own_emulator: OwnServer) -> None:
    run = killed(program, own_emulator)
    done = program.run("abandon", "--yes", "--format", "json", "--endpoint", own_emulator.url)
    assert done.returncode == 0, done.stderr
    (outcome,) = json.loads(done.stdout)["outcomes"]
    assert (outcome["run"], outcome["ending"], outcome["exitCode"]) == (run, "stopped", 0)
    assert program.run("apply", "--yes", "--endpoint", own_emulator.url).returncode == 0


def test_a_command_may_open_as_many_files_as_the_system_lets_it() -> None:
    """Some fifty targets need more than the 256 or 1,024 that a process has when it does not ask."""
    script = """
import resource, sys
from fcdeploy.cli.entry import run
resource.setrlimit(resource.RLIMIT_NOFILE, (256, int(sys.argv[1])))
assert run(["--version"]) == 0
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for allowed in (4096, 200_000):
        if hard != resource.RLIM_INFINITY and allowed > hard:
            continue
        done = subprocess.run([sys.executable, "-c", script, str(allowed)], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == f"{min(allowed, 16_384)} {allowed}", done.stderr
