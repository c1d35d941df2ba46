"""Files that are rendered as text first: what stays, what is found, and that all of it leads back to the templates.

Mistakes are data: `tests/cases/text.yaml`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from fcdeploy.errors import SpecError
from fcdeploy.model import Sensitive
from fcdeploy.spec.project import Project, read_project

CASES: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "cases" / "text.yaml").read_text())
HEAD: str = CASES["head"]
SECRET = "hunter2-s3cr3t"

MAIN = """\
{# A comment leaves no line. #}
{% import 'parts/functions.j2' as functions %}
apiVersion: fcdeploy/v1
project: shop
targets:
{% for region in vars.regions|split(',') %}
  t{{ loop.index }}: {provider: alibaba, region: {{ region }}}
{% endfor %}
secrets:
  A_KEY: {env: A_KEY}
services:
{% for name, size in {'a': 128, 'b': 256}|items %}
  {{ name }}-${{ target.name }}:
    functions:
{{ functions.one('order', size)|indent(6, true) }}
{% if loop.last %}
{% include 'parts/deeper/last.j2' %}
{% endif %}
{% endfor %}
"""
FUNCTIONS = """\
{% macro one(name, size) -%}
{{ name }}:
  code: ./src
  handler: index.handler
  runtime: python3.10
  memorySize: {{ size }}
  environmentVariables:
    KEY: ${{ secret('{{ 'a'|upper }}_KEY') }}
    MAP: "${{ {'a': {'b': '}}'}}|tojson }}"
    WORDS: {% raw %}"{{ this }} {% stays %}"{% endraw %}

    HOME: {{ env('HOME_PAGE')|tojson }}
{%- endmacro %}
"""
LAST = """\
      last: {code: ./src, handler: index.handler, runtime: python3.10}
"""


def write(folder: Path, main: str, **beside: str) -> Path:
    files = {"fcdeploy.yaml.j2": main, **{name.replace("__", "/") + ".j2": text for name, text in beside.items()}}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def read(folder: Path, **environ: str) -> Project:
    return read_project(folder, environ=environ, assignments=["regions=cn-hangzhou,cn-shanghai", "size=1"])


def told(folder: Path, **environ: str) -> str:
    try:
        project = read(folder, **environ)
        found = project.diagnostics(project.targets)
    except SpecError as problem:
        found = problem.diagnostics
    return "\n".join(str(one) for one in found).replace(f"{folder}/", "")


@pytest.mark.parametrize("name", CASES["mistakes"])
def test_a_mistake_is_told_at_its_line_and_column(tmp_path: Path, name: str) -> None:
    case = CASES["mistakes"][name]
    folder = write(tmp_path / "p", (HEAD if name != "empty" else "") + case["write"])
    (folder / "parts").mkdir()
    for path, text in case.get("beside", {}).items():
        (folder / path).write_text(text)
    assert told(folder) == case["told"].rstrip("\n")


def test_text_is_rendered_and_every_piece_of_it_knows_its_line(tmp_path: Path) -> None:
    folder = write(tmp_path, MAIN, parts__functions=FUNCTIONS, parts__deeper__last=LAST)
    environ = {"A_KEY": SECRET, "HOME_PAGE": 'say "hi": #1'}
    assert told(folder, **environ) == ""
    project = read(folder, **environ)
    assert [target.region for target in project.targets] == ["cn-hangzhou", "cn-shanghai"]
    desired = {str(one.address): one for one in project.expand(project.targets[1]).values()}
    order = next(one for name, one in desired.items() if name.endswith("b-t2/order"))
    assert order.body["memorySize"] == 256
    variables = order.body["environmentVariables"]
    assert isinstance(variables, dict)
    key = variables.pop("KEY")
    assert isinstance(key, Sensitive) and key.parts == ({"secret": "A_KEY"},)
    assert variables == {"MAP": '{"a":{"b":"}}"}}', "WORDS": "{{ this }} {% stays %}", "HOME": 'say "hi": #1'}
    # What a template put there is not printed as if the file said it (S42).
    assert {"runtime", "environmentVariables.WORDS"} <= order.literal
    assert not {"memorySize", "environmentVariables.HOME", "environmentVariables.KEY"} & order.literal

    places = {path: str(span).replace(f"{folder}/", "") for path, span in order.spans.items()}
    assert places["memorySize"] == "parts/functions.j2:6:18"
    assert places["environmentVariables.KEY"] == "parts/functions.j2:8:10"
    assert str(order.span) == str(folder / "parts/functions.j2:2:4")
    last = next(one for name, one in desired.items() if name.endswith("b-t2/last"))
    assert str(last.span) == str(folder / "parts/deeper/last.j2:1:7")
    assert str(project.targets[1].span) == str(folder / "fcdeploy.yaml.j2:7:3")

    # A path in a part counts from the file that was named, and no archive holds a part of the spec.
    assert {one.code["code"].base for one in (order, last)} == {str(folder)}
    assert {path.relative_to(folder).as_posix() for path in project.files} == {
        "fcdeploy.yaml.j2",
        "parts/functions.j2",
        "parts/deeper/last.j2",
    }
    origins = project.resolved(project.targets[0])[0].origins
    assert origins["services.b-t1.functions.order.runtime"] == str(folder / "parts/functions.j2:5")
    assert origins["services.b-t1"] == str(folder / "fcdeploy.yaml.j2:13")


def test_an_included_file_is_rendered_too_and_a_plain_one_beside_it_wins(tmp_path: Path) -> None:
    folder = write(tmp_path, HEAD + "include: [parts/*.yaml.j2]", parts__unread="{{ nothing }}")
    (folder / "parts/one.yaml.j2").write_text(
        "services: {one: {functions: {f: {code: ./x, runtime: python3.10, handler: {{ 'a.b' }}}}}}"
    )
    project = read(folder)
    (function,) = [one for one in project.expand(project.targets[0]).values() if one.code]
    assert function.code["code"].base == str(folder / "parts")
    assert function.body["handler"] == "a.b"
    (folder / "fcdeploy.yaml").write_text(HEAD)
    assert read(folder).file.name == "fcdeploy.yaml"


def test_line_ends_of_windows_and_long_rows_keep_their_places(tmp_path: Path) -> None:
    text = (
        HEAD
        + "services:\n{% for n in range(300) %}\n  s{{ n }}: {description: x}\n{% endfor %}\n  s: {descriptio: x}\n"
    )
    folder = write(tmp_path, text)
    (folder / "fcdeploy.yaml.j2").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    (line, *_) = told(folder).splitlines()
    assert line == "fcdeploy.yaml.j2:8:7: error: unknown key `descriptio` [services.s.descriptio]"
