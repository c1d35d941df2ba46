"""The commands end to end on the embedded emulator: what they print where, and their exit codes."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Program

HEADING = "target dev · alibaba cn-hangzhou · account 1234567890123456"


def test_a_project_from_validate_to_destroy(program: Program) -> None:
    valid = program.spawn("validate")
    assert (valid.returncode, valid.stderr) == (0, "")
    assert valid.stdout == "fcdeploy.yaml is valid: project image-pipeline, 1 target, 3 resources\n"

    first = program.run("plan", "--local", "--detailed-exitcode")
    assert (first.returncode, first.stderr) == (2, "")
    assert first.stdout.startswith(HEADING + "\n")
    assert "  + function images/resize  (fcdeploy.yaml:9; does not exist yet)\n      + runtime:" in first.stdout
    assert re.search(
        r"\nPlan: 3 to create, 0 to update, 0 to replace, 0 to delete, 0 unchanged\.\n\nPlan digest: [0-9a-f]{64}\n\Z",
        first.stdout,
    )
    assert program.spawn("plan", "--local").stdout == first.stdout, "the same input gives the same bytes"
    assert program.run("plan", "--local").returncode == 0

    applied = program.spawn("apply", "--local", "--yes")
    assert applied.returncode == 0, applied.stderr
    assert applied.stdout.startswith(first.stdout), "apply shows the very plan"
    assert "target dev: done (4 steps) in" in applied.stdout
    told = applied.stderr.splitlines()
    assert told[0] == "creating service images ..."
    assert told[1].startswith("created service images (")

    again = program.run("plan", "--local", "--detailed-exitcode")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == f"{HEADING}\n\nNo changes. The cloud is as the file says (3 resources).\n"

    status = program.run("status", "--local")
    assert status.returncode == 0
    assert [line.split()[:2] for line in status.stdout.splitlines()[2:]] == [
        ["KIND", "NAME"],
        ["service", "images"],
        ["function", "images/resize"],
        ["trigger", "images/resize/nightly"],
    ]

    program.edit("memorySize: 512", "memorySize: 1024")
    (program.folder / "src" / "index.py").write_text("changed = True\n")
    changed = program.run("plan", "--local", "--detailed-exitcode")
    assert changed.returncode == 2
    assert "  ~ function images/resize  (fcdeploy.yaml:9; differs from the file)\n" in changed.stdout
    assert "      ~ memorySize: 512 -> 1024  (line 13)\n" in changed.stdout
    assert "files that differ: ~index.py" in changed.stdout
    assert "Plan: 0 to create, 1 to update, 0 to replace, 0 to delete, 2 unchanged." in changed.stdout

    gone = program.run("destroy", "--local", "--yes")
    assert gone.returncode == 0, gone.stderr
    assert "If a step fails, the steps that were done before it are not taken back." in gone.stdout
    assert "The code of functions is not kept, so no rollback brings them back." in gone.stdout
    assert "Plan: 0 to create, 0 to update, 0 to replace, 3 to delete, 0 unchanged." in gone.stdout
    empty = program.run("destroy", "--local", "--yes")
    assert (empty.returncode, empty.stderr) == (0, "")
    assert "No changes. There is nothing to destroy.\n" in empty.stdout
    assert "Nothing of this project is there." in program.run("status", "--local").stdout


def test_a_plan_is_the_same_bytes_in_every_process(program: Program) -> None:
    program.run("apply", "--local", "--yes")
    program.edit('{LEVEL: "3"}', "{" + ", ".join(f'K{number}: "{number}"' for number in range(8)) + "}")
    plans = {program.spawn("plan", "--local", environ={"PYTHONHASHSEED": str(seed)}).stdout for seed in range(2)}
    (plan,) = plans
    keys = re.findall(r"environmentVariables\.(\w+):", plan)
    assert keys == sorted(keys) and len(keys) == 9


def test_only_some_resources_are_planned_and_applied(program: Program) -> None:
    planned = program.run("plan", "--local", "--only", "service:*")
    assert (
        "\nPlan: 1 to create, 0 to update, 0 to replace, 0 to delete, 0 unchanged. 2 resources left out by --only.\n"
        in planned.stdout
    )
    assert program.run("apply", "--local", "--yes", "--only", "service:*").returncode == 0
    again = program.run("plan", "--local", "--only", "service:*").stdout
    assert "What --only names is as the file says (1 resource); 2 resources left out by --only." in again
    assert (
        json.loads(program.run("plan", "--local", "--format", "json", "--only", "service:*").stdout)["summary"][
            "leftOut"
        ]
        == 2
    )
    wrong = program.run("apply", "--local", "--yes", "--only", "servce:*")
    assert (wrong.returncode, wrong.stdout) == (64, "")
    assert "--only 'servce:*' names nothing that is to be there" in wrong.stderr
    assert program.run("plan", "--local", "--destroy", "--only", "*").returncode == 64


def test_json_is_one_document_on_stdout(program: Program) -> None:
    planned = program.run("plan", "--local", "--format", "json")
    plan = json.loads(planned.stdout)
    assert (plan["formatVersion"], plan["type"], plan["project"]) == (1, "plan", "image-pipeline")
    assert plan["summary"] == {"create": 3, "update": 0, "replace": 0, "delete": 0, "unchanged": 0, "leftOut": 0}
    assert plan["targets"][0]["steps"][0]["operation"] == "CreateService"
    assert program.run("plan", "--local", "--format", "json").stdout == planned.stdout

    applied = json.loads(program.run("apply", "--local", "--yes", "--format", "json").stdout)
    assert applied["plan"] == {key: plan[key] for key in plan if key not in ("formatVersion", "type")}
    (outcome,) = applied["outcomes"]
    assert (outcome["ending"], outcome["exitCode"], len(outcome["done"])) == ("done", 0, 4)

    status = json.loads(program.run("status", "--local", "--format", "json").stdout)
    assert [row["name"] for row in status["targets"][0]["resources"]][:2] == ["images", "images/resize"]
    assert status["targets"][0]["openRun"] is None

    program.edit("memorySize: 512", "memorysize: 512")
    refused = program.run("validate", "--format", "json")
    assert refused.returncode == 1
    document = json.loads(refused.stdout)
    assert document["valid"] is False
    assert document["diagnostics"][0]["line"] == 13
    stopped = program.run("plan", "--local", "--format", "json")
    assert stopped.returncode == 1
    told = json.loads(stopped.stdout)
    assert (told["type"], told["exitCode"], told["diagnostics"]) == ("error", 1, document["diagnostics"])
    assert stopped.stderr.startswith("fcdeploy.yaml:13:9: error: ")


def test_out_gets_what_stdout_would(program: Program, tmp_path: Path) -> None:
    expected = program.run("plan", "--local").stdout
    done = program.run("plan", "--local", "--out", "plan.txt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (program.folder / "plan.txt").read_text() == expected
    assert sorted(path.name for path in program.folder.iterdir()) == ["fcdeploy.yaml", "plan.txt", "src"]
    nowhere = program.run("plan", "--local", "--out", "no/such/folder/plan.txt")
    assert nowhere.returncode == 64
    assert nowhere.stderr.startswith("error: cannot write no/such/folder/plan.txt: No such file or directory\n")


def test_apply_out_holds_the_plan_and_the_outcome(program: Program) -> None:
    done = program.run("apply", "--local", "--yes", "--out", "run.txt")
    assert (done.returncode, done.stdout) == (0, "")
    text = (program.folder / "run.txt").read_text()
    assert text.startswith(HEADING) and "target dev: done" in text


def test_a_finding_shows_its_line_with_a_caret(program: Program) -> None:
    program.edit("memorySize: 512", "memorysize: 512")
    done = program.run("validate")
    assert (done.returncode, done.stdout) == (1, "")
    first, excerpt, caret = done.stderr.splitlines()[:3]
    assert first.startswith("fcdeploy.yaml:13:")
    assert "memorysize" in first
    assert excerpt == "    13 |         memorysize: 512"
    assert caret.index("^") == excerpt.index("memorysize")
    assert "did you mean `memorySize`?" in done.stderr
    assert done.stderr.endswith("\nfcdeploy.yaml is not valid: 1 error\n")


def test_a_word_that_is_like_no_other_is_not_taken_for_one(program: Program) -> None:
    program.edit("services:\n", "queues: {}\nservices:\n")
    done = program.run("validate")
    assert done.returncode == 1
    assert "unknown key `queues`" in done.stderr
    assert "did you mean" not in done.stderr
    program.edit("queues: {}", "vras: {}")
    assert "did you mean `vars`?" in program.run("validate").stderr


def test_a_spec_is_found_by_file_and_by_folder(program: Program, tmp_path: Path) -> None:
    here = program.run("validate").stdout
    program.folder = tmp_path
    by_folder = program.run("validate", "-f", "project")
    assert by_folder.returncode == 0 and by_folder.stdout.endswith(here.partition(":")[2])
    assert program.run("validate", "-f", "project/fcdeploy.yaml").returncode == 0
    missing = program.run("validate")
    assert missing.returncode == 1
    assert missing.stderr.startswith("fcdeploy.yaml:1:1: error: there is no such file")


def test_secrets_are_in_no_output(program: Program) -> None:
    secret = 'hunter2-Zx9-with-"quotes"'
    program.edit("project: image-pipeline", "project: image-pipeline\nsecrets: {TOKEN: {env: TOKEN}}")
    program.edit('{LEVEL: "3"}', '{LEVEL: "3", TOKEN: "${{ secret(\'TOKEN\') }}", BOTH: "x-${{ secret(\'TOKEN\') }}"}')
    program.environ["TOKEN"] = secret
    runs = [
        program.run("plan", "--local"),
        program.run("plan", "--local", "--format", "json"),
        program.run("apply", "--local", "--yes", "-v"),
    ]
    program.environ["TOKEN"] = "hunter2-another"
    runs += [
        program.run("plan", "--local"),
        program.run("apply", "--local", "--yes", "--format", "json"),
        program.run("status", "--local", "--format", "json"),
    ]
    for done in runs:
        assert done.returncode == 0, done.stderr
        assert "hunter2" not in done.stdout + done.stderr
    assert "environmentVariables.TOKEN: (sensitive) -> (sensitive)" in runs[3].stdout


def test_several_targets_need_a_choice_to_write_and_name_themselves(program: Program) -> None:
    program.edit(
        "region: cn-hangzhou}",
        'region: cn-hangzhou}\n  prod: {provider: alibaba, account: "1234567890123456", region: cn-shanghai}',
    )
    planned = program.run("plan", "--local")
    assert planned.returncode == 0
    # What both have in common is said once, for both.
    assert planned.stdout.count("\ntargets * (2)\n") == planned.stdout.count("+ function images/") == 1
    rows = [line.split() for line in planned.stdout.splitlines() if line.startswith(("dev ", "prod "))]
    assert rows == [[name, "3", "0", "0", "0", "0"] for name in ("dev", "prod")]
    assert re.search(
        r"\n2 targets\.\nTotal: 6 to create, 0 to update, 0 to replace, 0 to delete, 0 unchanged\.\n"
        r"\nPlan digest: [0-9a-f]{64}\n\Z",
        planned.stdout,
    )
    refused = program.run("apply", "--local", "--yes")
    assert (refused.returncode, refused.stdout) == (64, "")
    assert "--target" in refused.stderr
    applied = program.run("apply", "--local", "--yes", "--target", "*")
    assert applied.returncode == 0, applied.stderr
    assert "dev: creating service images ..." in applied.stderr
    assert "prod: creating service images ..." in applied.stderr
    assert re.search(r"\nprod +4 +[0-9.]+ s  done +[0-9]{8}-[0-9]{6}-[0-9a-f]{8}\n", applied.stdout), applied.stdout


def test_a_refused_target_is_shown_and_exits_1(program: Program) -> None:
    program.run("apply", "--local", "--yes")
    program.edit("description: Thumbnails", "description: Thumbnails\n    protect: true")
    done = program.run("destroy", "--local", "--yes")
    assert done.returncode == 1
    assert "This plan is refused: see the errors." in done.stdout
    assert "error: " in done.stderr and "protect" in done.stderr
    assert "3 resources" in program.run("plan", "--local").stdout


@pytest.mark.proof
def test_a_reader_that_leaves_disturbs_nothing(program: Program) -> None:
    for args, code in (
        (["--help"], 0),
        (["plan", "--local", "--detailed-exitcode"], 2),
        (["apply", "--local", "--yes"], 0),
    ):
        read_end, write_end = os.pipe()
        os.close(read_end)
        with os.fdopen(write_end, "w") as nobody:
            done = subprocess.run(
                program.command(*args),
                cwd=program.folder,
                env=program.environ,
                stdin=subprocess.DEVNULL,
                stdout=nobody,
                stderr=nobody if args[0] == "apply" else subprocess.PIPE,
                timeout=60,
            )
        assert done.returncode == code
        assert not done.stderr
    assert "No changes." in program.run("plan", "--local").stdout, "the apply that nobody listened to was carried out"


@pytest.mark.proof
def test_a_terminal_that_knows_few_signs_gets_escapes(program: Program) -> None:
    done = program.spawn("plan", "--local", environ={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert done.stdout.startswith("target dev \\xb7 alibaba cn-hangzhou")


@pytest.mark.parametrize("command", ["resume", "rollback", "abandon"])
def test_nothing_to_recover_is_said(program: Program, command: str) -> None:
    done = program.run(command, "--local", *([] if command == "resume" else ["--yes"]))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: there is nothing to {command.replace('rollback', 'roll back')}\n")


def test_a_run_that_ended_can_be_taken_back(program: Program) -> None:
    program.run("apply", "--local", "--yes")
    program.edit("memorySize: 512", "memorySize: 1024")
    program.edit('{LEVEL: "3"}', '{LEVEL: "4", EXTRA: "1"}')
    applied = program.run("apply", "--local", "--yes").stdout
    run = re.search(r"^target dev: done \(1 step\) in .* s · run (\S+)$", applied, re.MULTILINE)
    assert run, applied
    back = program.run("rollback", "--local", "--yes", run[1])
    assert back.returncode == 0, back.stderr
    assert back.stdout.startswith(
        f"{HEADING}\n\n"
        f"  ~ function images/resize  (takes back run {run[1]})\n"
        '      - environmentVariables.EXTRA: "1" -> (not set)\n'
        '      ~ environmentVariables.LEVEL: "4" -> "3"\n'
        "      ~ memorySize: 1024 -> 512\n\n"
        "Plan: 0 to create, 1 to update, 0 to replace, 0 to delete, 0 unchanged.\n\n"
        "target dev: done (1 step) in "
    )
    program.edit('{LEVEL: "4", EXTRA: "1"}', '{LEVEL: "3"}')
    program.edit("memorySize: 1024", "memorySize: 512")
    assert "No changes." in program.run("plan", "--local").stdout


def test_a_way_back_brings_deletes_again_and_hides_what_may_be_secret(program: Program) -> None:
    program.edit("project: image-pipeline", "project: image-pipeline\nsecrets: {TOKEN: {env: TOKEN}}")
    program.edit('{LEVEL: "3"}', '{LEVEL: "3", TOKEN: "${{ secret(\'TOKEN\') }}"}')
    program.environ["TOKEN"] = "hunter2-first"
    program.run("apply", "--local", "--yes")
    program.environ["TOKEN"] = "hunter2-second"
    changed = json.loads(program.run("apply", "--local", "--yes", "--format", "json").stdout)
    text = program.run("rollback", "--local", "--yes", changed["outcomes"][0]["run"]).stdout
    assert "~ environmentVariables.TOKEN: (sensitive) -> (sensitive)" in text
    program.environ["TOKEN"] = "hunter2-first"
    whole = program.spec.read_text()
    program.spec.write_text(whole.partition("    functions:")[0])
    gone = json.loads(program.run("apply", "--local", "--yes", "--format", "json").stdout)
    back = program.run("rollback", "--local", "--yes", gone["outcomes"][0]["run"])
    assert back.returncode == 0, back.stderr
    assert "  + function images/resize  (takes back run " in back.stdout
    assert "      + memorySize: 512\n" in back.stdout
    assert "+ environmentVariables.TOKEN: (sensitive)\n" in back.stdout
    assert "hunter2" not in text + back.stdout + back.stderr
    program.spec.write_text(whole)
    assert "No changes." in program.run("plan", "--local").stdout


def test_undo_material_is_kept_as_long_as_asked(program: Program) -> None:
    def changed(size: int) -> str:
        program.spec.write_text(re.sub(r"memorySize: \d+", f"memorySize: {size}", program.spec.read_text()))
        run = json.loads(program.run("apply", "--local", "--yes", "--format", "json").stdout)["outcomes"][0]["run"]
        return str(run)

    first = changed(512)
    second = changed(1024)
    assert program.run("apply", "--local", "--yes", "--keep-undo", "1").returncode == 0
    kept = program.run("rollback", "--local", "--yes", second)
    assert kept.returncode == 0, kept.stderr
    assert program.run("apply", "--local", "--yes", "--keep-undo", "0").returncode == 0
    for run in (first, second):
        forgotten = program.run("rollback", "--local", "--yes", run)
        assert forgotten.returncode == 1
        assert forgotten.stderr.startswith(f"error: the plan of run {run} was forgotten\n")


def test_the_schema_is_json_and_can_be_written(program: Program) -> None:
    done = program.run("schema")
    assert done.returncode == 0
    assert json.loads(done.stdout)["$schema"].endswith("2020-12/schema")
    found = re.findall(r"\(?\b(?:facts|S|DESIGN) ?\d+.{0,9}", done.stdout)
    assert not found, "where a rule is from is for those who read the code"
    program.run("schema", "--out", "fcdeploy.schema.json")
    written = program.folder / "fcdeploy.schema.json"
    assert written.read_text() == done.stdout
    assert not written.stat().st_mode & stat.S_IXUSR
