"""import on the command line: what it says, where, and its exit codes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Program, Server


def test_a_project_comes_back_as_a_file(program: Program, emulator: Server) -> None:
    program.edit('{LEVEL: "3"}', '{LEVEL: "3", DB_PASSWORD: "correct horse"}')
    program.run("apply", "--yes", "--endpoint", emulator.url)
    where = ("--endpoint", emulator.url, "-f", "fcdeploy.yaml", "--target", "dev")
    done = program.spawn("import", "images", *where, "--out", "out", "--with-code", "--secrets-out", "s.env")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "correct horse" not in done.stderr
    assert done.stderr.splitlines() == [
        "out/fcdeploy.yaml: 1 service, 1 function, 1 trigger",
        "",
        "Kept out of the file, and read from these variables by every command:",
        "  IMAGES_RESIZE_DB_PASSWORD",
        "Their values:",
        "set -a; . ./s.env; set +a",
        "",
        "Nothing is taken over yet. What taking over writes is marks, and nothing else:",
        f"fcdeploy plan -f out --endpoint {emulator.url}",
    ]
    program.environ["IMAGES_RESIZE_DB_PASSWORD"] = "correct horse"
    again = program.run("plan", "-f", "out", "--endpoint", emulator.url, "--detailed-exitcode")
    assert again.returncode == 0, again.stdout
    refused = program.run("import", *where, "--out", "out")
    assert refused.returncode == 64
    assert refused.stderr.startswith("error: the folder out is not empty\n    hint: ")


def test_the_local_cloud_can_be_read(program: Program) -> None:
    """A target name of its own: what the project owns is somebody else's to the new file."""
    program.run("apply", "--local", "--yes")
    done = program.run("import", "--local", "--region", "cn-hangzhou", "--project", "image-pipeline", "--out", "out")
    assert done.returncode == 64
    assert "service images is left out: it belongs to image-pipeline/dev" in done.stderr
    done = program.run(
        "import", "images", "--local", "--region", "cn-hangzhou", "--project", "image-pipeline", "--out", "o"
    )
    assert done.returncode == 0
    assert "service images belongs to image-pipeline/dev" in done.stderr
    assert done.stderr.endswith("fcdeploy plan -f o --adopt-from image-pipeline/dev --local\n")
    assert "fill the folders under `code:`" in done.stderr


def test_what_no_file_may_say_needs_a_person(program: Program, emulator: Server) -> None:
    program.run("apply", "--yes", "--endpoint", emulator.url)
    program.edit("memorySize: 512", "memorySize: 1024")
    touch = {"touch": {"set": {"runtime": "fortran77"}}}
    emulator.control("PUT", {"rules": [{"match": {"operation": "UpdateFunction"}, "when": "after", "effect": touch}]})
    program.run("apply", "--yes", "--endpoint", emulator.url)
    where = ("--endpoint", emulator.url, "-f", "fcdeploy.yaml", "--target", "dev")
    done = program.run("import", *where, "--out", "out")
    assert "fortran77" in (program.folder / "out" / "fcdeploy.yaml").read_text()
    assert done.returncode == 4
    assert re.search(r"^out/fcdeploy\.yaml:\d+:\d+: error: .*runtime", done.stderr, re.M), done.stderr
    assert "Nothing is taken over yet" not in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--out", "o"], "no region is given"),
        (["--region", "cn-hangzhou"], "missing option"),
        (["--out", "o", "--region", "cn-hangzhou", "-f", "fcdeploy.yaml"], "--region and a target of a file exclude"),
        (["--out", "o", "--region", "r", "--local", "--endpoint", "http://a"], "--local and --endpoint exclude"),
        (["--out", "o", "--region", "cn-hangzhou", "--project", "No Name"], "cannot be the name of a project"),
        (["--out", "fcdeploy.yaml", "--region", "cn-hangzhou"], "is not a folder"),
        (["--out", "o", "--region", "cn-hangzhou", "--local", "nothing"], "nothing live is called `nothing`"),
    ],
)
def test_what_cannot_be_done_is_a_matter_of_the_command_line(program: Program, args: list[str], said: str) -> None:
    done = program.run("import", *args)
    assert done.returncode == 64, done.stderr
    assert said in done.stderr
    assert done.stdout == ""
    assert not (program.folder / "o").exists()
