from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from fcdeploy.kinds import registry
from fcdeploy.kinds.fields import Access
from fcdeploy.spec.schema import EDITOR_FILE, editor_schema, schema_files, strict_schema, write_schemas

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases" / "spec"
HEAD = {
    "apiVersion": "fcdeploy/v1",
    "project": "p",
    "targets": {"dev": {"provider": "alibaba", "region": "cn-hangzhou"}},
}


def editor_accepts(spec: Any) -> list[str]:
    return [f"{one.json_path}: {one.message}" for one in Draft202012Validator(editor_schema()).iter_errors(spec)]


def function(**fields: Any) -> dict[str, Any]:
    return {**HEAD, "services": {"s": {"functions": {"f": {"runtime": "python3.10", **fields}}}}}


@pytest.mark.parametrize("name", sorted(schema_files()))
def test_the_committed_schemas_are_the_generated_ones(name: str) -> None:
    """When it fails: `python -m fcdeploy.spec.schema schemas`, and read the difference."""
    assert (ROOT / "schemas" / name).read_text() == schema_files()[name]


def test_there_is_no_other_schema_file(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    # What a command prints is held to its schema where the command is tested.
    printed = {"status.schema.json", "history.schema.json", "plan.schema.json"}
    assert made | printed == {path.name for path in (ROOT / "schemas").iterdir()}
    assert EDITOR_FILE in schema_files()


@pytest.mark.parametrize(
    "schema",
    [pytest.param(editor_schema(), marks=pytest.mark.proof), strict_schema("alibaba")],
    ids=["editor", "strict"],
)
def test_a_schema_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["$id"]
    assert "oneOf" not in json.dumps(schema)


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(schema, list):
        for one in schema:
            yield from properties(one, path)
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key == "properties":
            for name, one in value.items():
                yield f"{path}.{name}", one
                yield from properties(one, f"{path}.{name}")
        elif key not in ("if", "dependentSchemas", "enum", "default", "const"):
            yield from properties(value, path)


def test_every_property_in_an_editor_has_a_title_and_a_description() -> None:
    schema = {key: value for key, value in editor_schema().items() if key != "allOf"}
    # Where a branch by the trigger's type narrows `config`, the title stands on the field itself.
    bare = {
        path
        for path, one in properties(schema)
        if "$ref" not in one and not (one.get("title") and one.get("description")) and not path.endswith(".config")
    }
    assert bare == set()
    assert len(list(properties(schema))) > 200


def test_every_writable_field_of_every_kind_is_in_the_editor_schema() -> None:
    for kind in registry.KINDS.values():
        known = editor_schema()["$defs"][kind.name]["properties"]
        assert {one.spec_name for one in kind.fields if one.access is not Access.READ_ONLY} <= known.keys()


@pytest.mark.parametrize(
    "path", sorted([*CASES.glob("good/*.yaml"), *CASES.glob("expand/*.yaml")]), ids=lambda p: p.stem
)
def test_an_editor_accepts_what_validation_accepts(path: Path) -> None:
    assert editor_accepts(yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"timeout": "${{ vars.t }}"},
        {"runtime": "node${{ vars.v }}"},
        {"layers": "${{ vars.layers }}"},
        {"layers": ["${{ vars.layer }}"]},
        {"environmentVariables": {"${{ vars.k }}": "${{ vars.v }}"}},
        {"environmentVariables": "${{ vars.env }}"},
        {"${{ 'timeout' }}": 3},
        {"protect": "${{ vars.p }}"},
        {"absent": "${{ vars.p }}", "ignore": "${{ vars.i }}", "renamedFrom": "${{ vars.n }}"},
        {"ignore": ["${{ vars.i }}", "environmentVariables.A"], "absent": None},
        {"code": "${{ vars.code }}"},
        {"code": {"path": "./${{ vars.dir }}"}},
        {"timeout": None, "environmentVariables": None},
        {"cpu": "${{ vars.cpu }}"},
        {
            "triggers": {
                "t": {"type": "timer", "config": {"cronExpression": "${{ vars.c }}", "enable": "${{ vars.e }}"}}
            }
        },
        {"triggers": {"t": {"type": "${{ vars.t }}", "config": {"anything": 1}}}},
        {"triggers": {"${{ vars.t }}": {"type": "tablestore"}}},
    ],
)
def test_a_template_or_null_may_stand_for_any_value_in_an_editor(fields: dict[str, Any]) -> None:
    assert editor_accepts(function(**fields)) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"timeout": "60"},
        {"timeout": 0},
        {"runtime": "python4"},
        {"memry": 128},
        {"memorySize": 100},
        {"layers": "arn"},
        {"environmentVariables": {"A": 1}},
        {"code": {"path": "a", "zip": "b"}},
        {"code": 5},
        {"triggers": {"t": {"type": "timer", "config": {"cronExpresion": "x"}}}},
        {"triggers": {"t": {"type": "tmer"}}},
        {"triggers": {"t": {"config": {}}}},
        {"triggers": {"not a name": {"type": "tablestore"}}},
    ],
)
def test_an_editor_marks_what_is_wrong(fields: dict[str, Any]) -> None:
    assert editor_accepts(function(**fields))


def test_an_editor_asks_for_what_defaults_could_give_only_without_defaults() -> None:
    services = {"services": {"s": {"functions": {"f": {"handler": "a.b"}}}}}
    assert editor_accepts({**HEAD, **services})
    assert editor_accepts({**HEAD, **services, "defaults": {"function": {"runtime": "python3.10"}}}) == []


@pytest.mark.parametrize("missing", ["apiVersion", "project", "targets"])
def test_an_editor_asks_for_the_words_of_a_spec(missing: str) -> None:
    assert editor_accepts({key: value for key, value in HEAD.items() if key != missing})
