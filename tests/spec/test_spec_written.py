"""A target's spec as a spec of its own: read back it comes to the same resources, and no secret stands in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.diagnostics import Severity
from fcdeploy.errors import SpecError
from fcdeploy.model import CodeRef, Resource, Sensitive
from fcdeploy.spec.dump import to_yaml
from fcdeploy.spec.node import path_text
from fcdeploy.spec.project import Project, read_project
from fcdeploy.spec.written import with_notes

CASES = Path(__file__).parents[1] / "cases" / "spec"
SECRET = "hunter2-s3cr3t"
ENVIRON = {"API_TOKEN": SECRET}
SPECS = sorted([*CASES.glob("good/*.yaml"), *CASES.glob("expand/*.yaml")])


def sensitive(value: Any) -> Any:
    """Where secrets stand in a body."""
    if isinstance(value, Mapping):
        return {key: found for key, item in value.items() if (found := sensitive(item))}
    if isinstance(value, list):
        return [sensitive(item) for item in value]
    return isinstance(value, Sensitive)


def place(code: CodeRef, root: Path) -> Any:
    """What a `code` means, wherever it was written: its path from the folder of the spec."""

    def moved(path: str) -> str:
        return path if path.startswith("oss://") else os.path.relpath(os.path.join(code.base, path), root)

    if isinstance(code.value, str):
        return moved(code.value)
    return {key: moved(item) if key in ("path", "file", "zip") else item for key, item in code.value.items()}


def told(one: Resource, root: Path) -> dict[str, Any]:
    return {
        "body": one.body,
        "sensitive": sensitive(one.body),
        "code": {name: place(code, root) for name, code in one.code.items()},
        "rest": (one.refs, one.protect, one.absent, one.ignore, one.renamed_from, one.external),
    }


def desired(project: Project, name: str) -> dict[str, dict[str, Any]]:
    (target,) = project.select([name])
    return {str(address): told(one, project.root) for address, one in project.expand(target).items()}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_is_written_comes_to_the_same(path: Path, tmp_path: Path) -> None:
    project = read_project(path, environ=ENVIRON)
    for target in project.targets:
        spec, _ = project.resolved(target)
        for text in (to_yaml(spec.tree), to_yaml(with_notes(spec.tree, spec.origins))):
            assert SECRET not in text
            # Paths count from the folder of the spec, so the new file must stand there, too.
            folder = tmp_path / target.name
            folder.mkdir(parents=True, exist_ok=True)
            for one in path.parent.iterdir():
                if one.name != path.name and not (folder / one.name).exists():
                    (folder / one.name).symlink_to(one)
            (folder / "fcdeploy.yaml").write_text(text)
            again = desired(read_project(folder, environ=ENVIRON), target.name)
            before = desired(project, target.name)
            assert again == before
            outputs = read_project(folder, environ=ENVIRON).outputs
            assert outputs(target) == project.outputs(target)


def leaves(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[str]:
    if isinstance(tree, dict):
        for key, item in tree.items():
            yield path_text((*path, key))
            yield from leaves(item, (*path, key))
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield path_text((*path, index))
            yield from leaves(item, (*path, index))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_line_has_an_origin_that_exists(path: Path) -> None:
    project = read_project(path, environ=ENVIRON)
    for target in project.targets:
        spec, _ = project.resolved(target)
        assert set(leaves(spec.tree)) == spec.origins.keys()
        for origin in set(spec.origins.values()):
            file, _, line = origin.rpartition(":")
            assert 1 <= int(line) <= len(Path(file).read_text().splitlines())


SPEC = """
apiVersion: fcdeploy/v1
project: shop
targets: {dev: {provider: alibaba, region: cn-hangzhou}}
secrets: {KEY: {file: "${{ target.name }}.key"}}
services:
  s:
    functions:
      f:
        runtime: python3.10
        handler: index.handler
        code: ./src
        environmentVariables:
          DB_PASSWORD: ${{ env('DB_PASSWORD') }}
          NOT_ONE: "$${{ '{{' }} }}"
          OTHER: ${{ env('OTHER') }}
customDomains:
  a.example.com:
    protocol: HTTP,HTTPS
    certConfig:
      certName: a
      privateKey: "PRIVATE"
      certificate: "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n"
    routes: []
"""


def test_values_that_are_secrets_by_their_nature_do_not_leave(tmp_path: Path) -> None:
    key = "-----BEGIN PRIVATE KEY-----\\nt0p-s3cret\\n-----END PRIVATE KEY-----\\n"
    (tmp_path / "fcdeploy.yaml").write_text(SPEC.replace("PRIVATE", key))
    project = read_project(tmp_path, environ={"DB_PASSWORD": "hunter2", "OTHER": "plain"})
    spec, found = project.resolved(project.targets[0])
    assert {one.severity for one in found} == {Severity.WARNING}
    text = to_yaml(spec.tree)
    assert "hunter2" not in text and "t0p-s3cret" not in text
    assert "DB_PASSWORD: \"${{ env('DB_PASSWORD') }}\"" in text
    assert "OTHER: plain" in text
    assert 'privateKey: "(sensitive)"' in text
    assert 'file: "${{ target.name }}.key"' in text
    again = tmp_path / "again.yaml"
    again.write_text(text.replace('"(sensitive)"', f'"{key}"'))
    body = desired(read_project(again, environ={"DB_PASSWORD": "hunter2"}), "dev")["dev:alibaba.function:s/f"]["body"]
    assert body["environmentVariables"]["NOT_ONE"] == "${{ }}"


def test_there_is_no_spec_where_a_template_fails(tmp_path: Path) -> None:
    (tmp_path / "fcdeploy.yaml").write_text(SPEC)
    project = read_project(tmp_path, environ={})
    with pytest.raises(SpecError, match="DB_PASSWORD"):
        project.resolved(project.targets[0])
