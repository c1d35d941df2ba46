"""Broken, good and expanded specs as data: `tests/cases/spec`.

Beside each broken spec stands what is said of it. To write those files and the expansions anew, on purpose:

    FCDEPLOY_WRITE_CASES=1 pytest tests/spec/test_spec_cases.py

which fails where something changed; then read the difference before it is committed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.diagnostics import Diagnostic
from fcdeploy.errors import SpecError
from fcdeploy.model import Resource, to_json
from fcdeploy.spec.project import Project, read_project

CASES = Path(__file__).parents[1] / "cases" / "spec"
SECRET = "hunter2-s3cr3t"
ENVIRON = {"API_TOKEN": SECRET}
WRITE = bool(os.environ.get("FCDEPLOY_WRITE_CASES"))


def names(folder: str) -> list[str]:
    return sorted(path.stem for path in (CASES / folder).glob("*.yaml"))


def compare(found: str, file: Path) -> None:
    if WRITE and (not file.exists() or file.read_text() != found):
        file.write_text(found)
        pytest.fail(f"{file.name} was written anew")
    assert found == file.read_text()


def diagnostics_of(path: Path) -> tuple[Diagnostic, ...]:
    try:
        project = read_project(path, environ=ENVIRON)
    except SpecError as problem:
        return problem.diagnostics
    return project.diagnostics(project.targets)


@pytest.mark.parametrize("name", names("broken"))
def test_a_broken_spec_is_told_whole(name: str) -> None:
    path = CASES / "broken" / f"{name}.yaml"
    found = diagnostics_of(path)
    told = "".join(f"{one}\n" for one in found).replace(f"{path.parent}/", "")
    assert found
    assert SECRET not in told
    assert SECRET not in json.dumps([one.to_json() for one in found])
    assert list(found) == sorted(found, key=Diagnostic.sort_key)
    compare(told, path.with_suffix(".expected"))


@pytest.mark.parametrize("name", names("good"))
def test_a_good_spec_has_no_diagnostics(name: str) -> None:
    project = read_project(CASES / "good" / f"{name}.yaml", environ=ENVIRON)
    assert [str(one) for one in project.diagnostics(project.targets)] == []
    for target in project.targets:
        assert project.expand(target)


@pytest.mark.parametrize("folder", ["good", "expand"])
def test_targets_that_are_not_judged_have_the_same_at_their_top(folder: str) -> None:
    told = 0
    for name in names(folder):
        path = CASES / folder / f"{name}.yaml"
        judged, fresh = read_project(path, environ=ENVIRON), read_project(path, environ=ENVIRON)
        judged.diagnostics(judged.targets)
        for target in judged.targets:
            whole = judged.shared_with([target], judged, [target])
            assert judged.shared_with([target], fresh, [target]) == whole, (name, target.name)
            told += len(whole)
    assert told >= 10


@pytest.mark.parametrize("name", names("expand"))
def test_a_spec_expands_to_resources(name: str) -> None:
    path = CASES / "expand" / f"{name}.yaml"
    project = read_project(path, environ=ENVIRON)
    made = {target.name: expansion(project, target.name) for target in project.targets}
    told = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
    assert SECRET not in told
    compare(told, path.with_suffix(".json"))


def expansion(project: Project, name: str) -> dict[str, Any]:
    (target,) = project.select([name])
    return {str(address): as_json(one) for address, one in project.expand(target).items()}


def as_json(one: Resource) -> dict[str, Any]:
    made = {
        "body": to_json(one.body),
        "code": {name: to_json(code.value) for name, code in one.code.items()},
        "refs": sorted(map(str, one.refs)),
        "line": one.span.line if one.span else None,
        "lines": {path: span.line for path, span in one.spans.items()},
        "literal": sorted(one.literal),
        "protect": one.protect,
        "absent": one.absent,
        "ignore": list(map(list, one.ignore)),
        "renamedFrom": one.renamed_from,
        "external": one.external,
    }
    return {key: value for key, value in made.items() if value}
