"""Specs of several files: what belongs to whom, and what may not be included. Mistakes are data: `include.yaml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcdeploy.errors import SpecError
from fcdeploy.spec.project import Project, read_project

MAIN = """
apiVersion: fcdeploy/v1
project: shop
include: [parts/*.yaml]
targets: {dev: {provider: alibaba, region: cn-hangzhou}}
vars: {where: ./from-vars}
defaults: {function: {runtime: python3.10, handler: index.handler, code: {exclude: [x], path: ./default}}}
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in {"fcdeploy": MAIN, **files}.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def summaries(folder: Path) -> list[str]:
    try:
        project = read_project(folder, environ={})
    except SpecError as problem:
        return [one.summary for one in problem.diagnostics]
    return [one.summary for one in project.diagnostics(project.targets)]


def code_bases(project: Project) -> dict[str, str]:
    desired = project.expand(project.targets[0])
    return {one.address.name: one.code["code"].base for one in desired.values() if one.code}


def test_a_path_of_code_begins_at_the_file_in_which_it_is_written(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        parts__one="include: [../deep/er/two.yaml]\nservices: {one: {functions: {f: {code: ./here}, g: {}}}}",
        deep__er__two="services: {two: {functions: {f: {code: {zip: a.zip, path: null, exclude: null}}, "
        "g: {code: '${{ vars.where }}'}, h: {code: {exclude: [y]}}}}}",
    )
    project = read_project(folder, environ={})
    assert code_bases(project) == {
        "one/f": str(tmp_path / "parts"),
        "one/g": str(tmp_path),
        "two/f": str(tmp_path / "parts/../deep/er"),
        "two/g": str(tmp_path / "parts/../deep/er"),
        "two/h": str(tmp_path),
    }
    assert [path.resolve() for path in project.files] == [
        tmp_path / "fcdeploy.yaml",
        tmp_path / "parts/one.yaml",
        tmp_path / "deep/er/two.yaml",
    ]
    assert project.root == tmp_path
    # The file in which a path is missing is the one whose folder was looked in.
    missing = {one.span.file: one.detail for one in project.diagnostics(project.targets, code=True) if one.span}
    assert str(tmp_path / "parts/here") in missing[str(tmp_path / "parts/one.yaml")]


def test_what_leads_outside_must_say_so(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    outside = write(tmp_path / "shared", fcdeploy="services: {s: {}}") / "fcdeploy.yaml"
    text = MAIN.replace("[parts/*.yaml]", "[ENTRY]")
    write(folder, fcdeploy=text.replace("ENTRY", "../shared/fcdeploy.yaml"))
    assert summaries(folder) == ["`../shared/fcdeploy.yaml` leads outside the project's folder"]
    write(folder, fcdeploy=text.replace("ENTRY", "../shared/*.yaml"))
    assert summaries(folder) == ["`../shared/fcdeploy.yaml` leads outside the project's folder"]
    (folder / "link.yaml").symlink_to(outside)
    write(folder, fcdeploy=text.replace("ENTRY", "link.yaml"))
    assert summaries(folder) == ["`link.yaml` leads outside the project's folder"]
    write(folder, fcdeploy=text.replace("ENTRY", "{path: ../shared/fcdeploy.yaml, outside: true}"))
    assert summaries(folder) == []


def test_a_file_is_read_once_however_many_include_it(tmp_path: Path) -> None:
    common = "services: {common: {}}"
    folder = write(
        tmp_path, parts__a="include: [../common.yaml]", parts__b="include: [../common.yaml, b.yaml]", common=common
    )
    assert summaries(folder) == ["the files include each other in a circle: parts/b.yaml -> parts/b.yaml"]
    write(tmp_path, parts__b="include: [../common.yaml, '*.yaml', '../*.yaml']")
    assert summaries(folder) == [
        "the files include each other in a circle: fcdeploy.yaml -> parts/b.yaml -> fcdeploy.yaml"
    ]
    write(tmp_path, parts__b="include: [../common.yaml]")
    assert summaries(folder) == []


def test_the_number_of_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcdeploy.spec.include.MOST_FILES", 3)
    folder = write(tmp_path, **{f"parts__p{number}": f"services: {{s{number}: {{}}}}" for number in range(5)})
    assert summaries(folder) == ["more than 3 files are included"]
