"""init and render as a process prints them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from conftest import Program


def test_a_first_project_works_on_the_emulator_at_once(program: Program) -> None:
    begun = program.spawn("init", "new shop")
    assert (begun.returncode, begun.stderr) == (0, "")
    assert begun.stdout == (
        "Project new-shop:\n"
        "  new shop/fcdeploy.yaml\n"
        "  new shop/src/hello/index.py\n"
        "  new shop/fcdeploy.schema.json\n"
        "\n"
        "Next, without an account:\n"
        "  fcdeploy plan --local -f 'new shop'\n"
        "  fcdeploy apply --local -f 'new shop'\n"
    )
    there = ("-f", "new shop", "--local")
    assert "3 to create" in program.run("plan", *there).stdout
    assert program.run("apply", *there, "--yes").returncode == 0
    again = program.run("plan", *there, "--detailed-exitcode")
    assert (again.returncode, again.stderr) == (0, "")


def test_nothing_is_overwritten(program: Program) -> None:
    before = {path: path.read_bytes() for path in program.folder.rglob("*") if path.is_file()}
    refused = program.run("init")
    assert (refused.returncode, refused.stdout) == (64, "")
    assert "fcdeploy.yaml exists, and nothing is overwritten" in refused.stderr
    assert {path: path.read_bytes() for path in program.folder.rglob("*") if path.is_file()} == before
    (program.folder / "other" / "src" / "hello").mkdir(parents=True)
    (program.folder / "other" / "src" / "hello" / "index.py").write_text("mine")
    refused = program.run("init", "other")
    assert refused.returncode == 64
    assert [path.name for path in (program.folder / "other").iterdir()] == ["src"]
    assert program.run("init", "third", "--name", "No Name").returncode == 64
    assert not (program.folder / "third").exists()
    (program.folder / "file").write_text("")
    assert "cannot write" in program.run("init", "file/under").stderr


def test_render_shows_each_target_and_where_its_lines_are_from(program: Program) -> None:
    program.edit("services:", "vars: {size: 512}\ninclude: [more.yaml]\nservices:")
    program.edit("memorySize: 512", "memorySize: ${{ vars.size * 2 }}")
    (program.folder / "more.yaml").write_text(
        "targets:\n  prod: {provider: alibaba, account: '1', region: cn-shanghai, vars: {size: 64}}\n"
    )
    shown = program.run("render")
    assert (shown.returncode, shown.stderr) == (0, "")
    dev, prod = yaml.safe_load_all(shown.stdout)
    sizes = [one["services"]["images"]["functions"]["resize"]["memorySize"] for one in (dev, prod)]
    assert (list(dev["targets"]), list(prod["targets"]), sizes) == (["dev"], ["prod"], [1024, 128])
    placed = program.run("render", "--origins", "--target", "prod").stdout
    assert "        memorySize: 128  # fcdeploy.yaml:15\n" in placed
    assert "    region: cn-shanghai  # more.yaml:2\n" in placed
    assert yaml.safe_load(placed) == prod
    assert all("  # " in line for line in placed.splitlines())
    document = json.loads(program.run("render", "--format", "json", "--origins").stdout)
    assert (document["type"], document["project"]) == ("render", "image-pipeline")
    assert [one["target"] for one in document["targets"]] == ["dev", "prod"]
    assert document["targets"][1]["spec"] == prod
    assert document["targets"][1]["origins"]["services.images.functions.resize.memorySize"] == "fcdeploy.yaml:15"


def test_render_shows_what_is_wrong_beside_it_and_stops_at_templates(program: Program) -> None:
    program.edit("memorySize: 512", "memorySize: 100")
    shown = program.run("render")
    assert shown.returncode == 1
    assert "memorySize: 100" in shown.stdout and "multiple of 64" in shown.stderr
    program.edit("memorySize: 100", "memorySize: ${{ vars.lost }}")
    shown = program.run("render")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "`vars.lost` is not defined" in shown.stderr
