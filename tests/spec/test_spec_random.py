"""Whatever stands in a file: diagnostics with places or success, never a traceback."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fcdeploy.diagnostics import has_errors
from fcdeploy.errors import SpecError
from fcdeploy.kinds import registry
from fcdeploy.model import to_json
from fcdeploy.spec.project import read_project

CASES = Path(__file__).parents[1] / "cases" / "spec"
GOOD = [yaml.safe_load(path.read_text()) for path in sorted(CASES.glob("good/*.yaml"))]
WORDS = sorted(
    {
        *(
            "apiVersion",
            "project",
            "targets",
            "vars",
            "defaults",
            "services",
            "functions",
            "triggers",
            "secrets",
            "x-a",
        ),
        *(one.spec_name for kind in registry.KINDS.values() for one in kind.fields),
        *("http", "timer", "oss", "auto", "", "a.b", "1a", "${{ vars.stage }}", "${{ vars.nope }}", "${{", "oss://b/k"),
        *("${{ secret('API_TOKEN') }}", "${{ vars }}", "fcdeploy.project", "path", "zip", "custom-container", "c1"),
    }
)
scalars = st.one_of(
    st.sampled_from(WORDS),
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.sampled_from([0, 1, 64, 100, 128, 4096, 60.0, 0.05, 0.33, 1e300, -1]),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8),
)
values = st.recursive(
    scalars,
    lambda below: st.one_of(
        st.lists(below, max_size=3), st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), below, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    made = [path]
    if isinstance(value, dict):
        made += [one for key, item in value.items() for one in places(item, (*path, key))]
    if isinstance(value, list):
        made += [one for at, item in enumerate(value) for one in places(item, (*path, at))]
    return made


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@st.composite
def mutated(draw: Callable[..., Any]) -> Any:
    spec = copy.deepcopy(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 4))):
        everywhere = [path for path in places(spec) if path]
        if not everywhere:
            break
        path = draw(st.sampled_from(everywhere))
        parent, key = at(spec, path[:-1]), path[-1]
        match draw(st.sampled_from(["replace", "remove", "rename", "add", "copy"])):
            case "replace":
                parent[key] = draw(values)
            case "remove":
                del parent[key]
            case "rename" if isinstance(parent, dict):
                parent[draw(st.sampled_from(WORDS))] = parent.pop(key)
            case "add" if isinstance(parent[key], dict):
                parent[key][draw(st.sampled_from(WORDS))] = draw(values)
            case "copy":
                parent[key] = copy.deepcopy(at(spec, draw(st.sampled_from(everywhere))))
            case _:
                pass
    return spec


def judge(folder: Path, text: str) -> None:
    path = folder / "fcdeploy.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        project = read_project(path, environ={"API_TOKEN": "hunter2"})
    except SpecError as problem:
        assert has_errors(problem.diagnostics)
        assert all(one.span is not None for one in problem.diagnostics)
        return
    found = project.diagnostics(project.targets)
    told = "\n".join(map(str, found))
    assert "hunter2" not in told
    assert all(one.span is not None and one.summary for one in found)
    if has_errors(found):
        with pytest.raises(SpecError):
            for target in project.targets:
                project.expand(target)
        return
    other = read_project(path, environ={"API_TOKEN": "hunter2"})
    for target in project.targets:
        # What stands at the top of a target is found without judging it, too.
        assert project.shared_with([target], other, [target]) == project.shared_with([target], project, [target])
        for resource in project.expand(target).values():
            json.dumps(to_json(resource.body))
            assert all(span.line >= 1 for span in resource.spans.values())
            assert resource.span is not None


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(spec=mutated())
def test_a_mutated_spec_gives_diagnostics_or_resources(tmp_path_factory: pytest.TempPathFactory, spec: Any) -> None:
    judge(tmp_path_factory.mktemp("spec"), yaml.safe_dump(spec, allow_unicode=True, sort_keys=False))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(services=values, defaults=values)
def test_any_structure_gives_diagnostics_or_resources(
    tmp_path_factory: pytest.TempPathFactory, services: Any, defaults: Any
) -> None:
    spec = {**GOOD[-1], "services": services, "defaults": defaults}
    judge(tmp_path_factory.mktemp("spec"), yaml.safe_dump(spec, allow_unicode=True, sort_keys=False))
