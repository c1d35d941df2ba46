from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from fcdeploy.diagnostics import Diagnostic, Severity, Span
from fcdeploy.errors import SpecError
from fcdeploy.model import Output, Sensitive, Target
from fcdeploy.spec.expand import expand
from fcdeploy.spec.explain import mistakes
from fcdeploy.spec.loader import load
from fcdeploy.spec.node import Node, merged, without_nulls
from fcdeploy.spec.place import UNKNOWN
from fcdeploy.spec.placed import resources
from fcdeploy.spec.resolve import with_defaults
from fcdeploy.spec.schema import strict_schema
from fcdeploy.spec.suspects import suspects
from fcdeploy.spec.validate import check_spec

BROKEN = Path(__file__).parents[1] / "cases" / "spec" / "broken"
HEAD = "apiVersion: fcdeploy/v1\nproject: p\n"
FUNCTION = """
services:
  s:
    functions:
      f:
        runtime: python3.10
        handler: index.handler
        code: ./src
"""


def found(text: str, api: str = "2021-04-06") -> list[Diagnostic]:
    return check_spec(with_defaults(load(HEAD + text, "x.yaml"), "alibaba"), provider="alibaba", api=api)


def function_with(name: str, value: Any) -> Node:
    """A spec in which one field of a function has a value that no file can give."""
    root = load(HEAD + FUNCTION, "x.yaml")
    path = ("services", "s", "functions", "f")
    node = root.at(path)
    assert node is not None
    changed = node.with_value({**node.value, name: node.value["handler"].with_value(value, templated=True)})
    for depth in range(len(path), 0, -1):
        above = root.at(path[: depth - 1])
        assert above is not None
        changed = above.with_value({**above.value, path[depth - 1]: changed})
    return with_defaults(changed, "alibaba")


def test_a_good_spec_is_accepted_without_jsonschema() -> None:
    script = (
        "import sys\n"
        "from fcdeploy.spec.loader import load\n"
        "from fcdeploy.spec.resolve import with_defaults\n"
        "from fcdeploy.spec.validate import check_spec\n"
        f"root = with_defaults(load({HEAD + FUNCTION!r}, 'x.yaml'), 'alibaba')\n"
        "assert 'jsonschema_rs' not in sys.modules\n"
        "assert check_spec(root, provider='alibaba', api='2021-04-06') == []\n"
        "assert 'jsonschema_rs' in sys.modules\n"
        "assert 'jsonschema' not in sys.modules and 'jinja2' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_secret_is_accepted_where_its_text_would_be() -> None:
    secret = Sensitive("index.handler", parts=({"secret": "H"},))
    assert check_spec(function_with("handler", secret), provider="alibaba") == []


def test_a_value_known_after_apply_is_not_judged() -> None:
    later = Output(step="s", pointer="/arn")
    assert check_spec(function_with("handler", later), provider="alibaba") == []
    assert check_spec(function_with("timeout", later), provider="alibaba") == []
    assert check_spec(function_with("runtime", UNKNOWN), provider="alibaba") == []


def test_what_stands_beside_an_unknown_value_is_judged() -> None:
    told = check_spec(function_with("memroy", UNKNOWN), provider="alibaba")
    assert [one.summary for one in told] == ["unknown key `memroy`"]


@pytest.mark.parametrize("secret", ["0 0 61 * * hunter2", "hunter2", "@every hunter2", "0 hunter2 * * * *"])
def test_a_rule_about_a_secret_quotes_no_piece_of_it(secret: str) -> None:
    root = load(
        f"{HEAD}{FUNCTION}        triggers:\n          t: {{type: timer, config: {{cronExpression: x}}}}\n", "x.yaml"
    )
    path = ("services", "s", "functions", "f", "triggers", "t", "config", "cronExpression")
    node = root.at(path)
    assert node is not None
    node.value = Sensitive(secret, parts=({"secret": "C"},))
    (only,) = check_spec(with_defaults(root, "alibaba"), provider="alibaba")
    assert only.summary == "this is not a timer expression"
    assert "hunter2" not in str(only)
    assert only.detail == "found (sensitive)"


def test_text_that_is_no_utf8_is_told() -> None:
    (only,) = check_spec(function_with("description", "a\udc80b"), provider="alibaba")
    assert only.summary == "the text holds a character that cannot be written as UTF-8"
    assert str(only.span) == "x.yaml:9:18"


def test_what_else_is_wrong_is_told_beside_text_that_is_no_utf8() -> None:
    told = check_spec(
        function_with("code", {"\udc80": Node.of("\udc80", Span(file="x", line=1, column=1))}), provider="alibaba"
    )
    assert [one.summary for one in told] == [
        "the text holds a character that cannot be written as UTF-8",
        "unknown key `\\udc80`",
        "`code` needs `path`, `file`, `zip` or `oss`",
        "the text holds a character that cannot be written as UTF-8",
    ]
    "\n".join(map(str, told)).encode()


def test_a_line_break_at_the_end_of_a_name_is_seen() -> None:
    (only,) = found('services: {"orders\\n": {}}\n')
    assert only.summary == "`orders\n` cannot be the name of a service"


def test_huge_numbers_are_judged_as_numbers() -> None:
    text = FUNCTION + f"        timeout: {10**300}\n        memorySize: {10**300 + 1}\n        cpu: 1e300\n"
    assert [one.summary for one in found(text)] == [
        "`timeout` must be 1 to 86400",
        "`memorySize` must be 128 to 32768 and a multiple of 64",
        "`cpu` must be more than 0 and at most 16",
    ]


def test_no_rule_by_version_is_asked_without_a_version() -> None:
    text = FUNCTION + "        cpu: 0.5\n"
    assert found(text, api="") == []
    assert found(text) == []
    assert [one.summary for one in found(text, api="2016-08-15")] == ["`cpu` is not known to API version 2016-08-15"]


def test_the_limit_of_functions_is_a_warning_at_the_first_above_it() -> None:
    rows = "".join(f"      f{at}: {{runtime: python3.10, handler: a.b, code: ./a}}\n" for at in range(51))
    (only,) = found(f"services:\n  s:\n    functions:\n{rows}")
    assert only.severity is Severity.WARNING
    assert only.span is not None and only.span.line == 6 + 50
    assert found(f"services:\n  s:\n    functions:\n{rows.partition('      f50')[0]}") == []


def test_a_default_that_is_wrong_is_told_once_for_all_that_take_it() -> None:
    rows = "".join(f"      f{at}: {{handler: a.b, code: ./a}}\n" for at in range(40))
    text = f"defaults: {{function: {{runtime: python3.10, timeout: 0}}}}\nservices:\n  s:\n    functions:\n{rows}"
    (only,) = found(text)
    assert only.path == "defaults.function.timeout"
    assert "40 more places" in only.detail


@pytest.mark.proof
def test_findings_do_not_depend_on_the_order_of_hashing() -> None:
    text = FUNCTION + "        a1: 1\n        b2: 2\n        c3: 3\n      g: {zz: 1, yy: 2, xx: 3}\n"
    script = (
        "from tests_text import text\n"
        "from fcdeploy.spec.loader import load\n"
        "from fcdeploy.spec.resolve import with_defaults\n"
        "from fcdeploy.spec.validate import check_spec\n"
        "for one in check_spec(with_defaults(load(text, 'x'), 'alibaba'), provider='alibaba'): print(one)\n"
    ).replace("from tests_text import text", f"text = {HEAD + text!r}")
    runs = {
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            timeout=60,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(runs) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: 1, c: {d: null, e: [null]}}\n",
        "a: {c: {x: 1}, k: [1]}\nb: null\n",
        "a: {}\n",
    ],
)
def test_defaults_are_laid_as_merged_says(text: str) -> None:
    base = load("a: {c: {d: 1, f: {g: null, h: 2}}, k: {l: 1}}\nn: null\nm: 3\n", "base.yaml")
    over = load(text, "over.yaml")
    root = Node.of({}, over.span).with_value(
        {
            "defaults": Node.of({}, over.span).with_value({"service": base}),
            "services": Node.of({}, over.span).with_value({"s": over}),
        }
    )
    laid = with_defaults(root, "alibaba").at(("services", "s"))
    assert laid is not None
    assert laid.plain() == merged(without_nulls(base), over).plain()


def test_resources_skip_what_has_not_their_shape() -> None:
    root = load("services: {a: 1, b: [], c: {functions: [], x: 1}, d: {functions: {f: 5, g: {triggers: 3}}}}\n", "x")
    made = [one.identity for one in resources(with_defaults(root, "alibaba"), "alibaba")]
    assert made == [("c",), ("d",), ("d", "g")]


def test_expanding_knows_every_line_and_no_other_path() -> None:
    root = with_defaults(load(HEAD + FUNCTION, "x.yaml"), "alibaba")
    target = Target(name="dev", provider="alibaba", region="cn-hangzhou")
    made = {address.kind: one for address, one in expand(root, target, {"x.yaml": "base"}).items()}
    spans = made["function"].spans
    assert made["function"].code["code"].base == "base"
    assert {path: span.line for path, span in spans.items()} == {"runtime": 8, "handler": 9, "code": 10}
    assert len(spans) == 3
    assert "timeout" not in spans
    assert spans.get("timeout") is None
    assert made["function"].span is not None and made["function"].span.line == 7


def test_only_refused_resources_are_explained() -> None:
    good = {"functions": {"g": {"triggers": {"t": {}}}}}
    document = {"project": "p", "services": {"a": good, "b": {**good, "description": 5}, "c": 1}}
    paths = [("services", "b", "functions", "g", "triggers", "t"), ("services", "c")]
    assert suspects(document, paths, "alibaba") == {
        "project": "p",
        "services": {"b": {"description": 5, "functions": {"g": {"triggers": {"t": {}}}}}, "c": 1},
    }
    assert suspects(document, [("services", "b")], "alibaba") == {
        "project": "p",
        "services": {"b": {"description": 5, "functions": {}}},
    }
    assert suspects(document, [("services",)], "alibaba") == document
    assert suspects([], [()], "alibaba") == []


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.proof] if place % 4 else [], id=path.stem)
        for place, path in enumerate(sorted(BROKEN.glob("*.yaml")))
    ],
)
def test_cutting_a_spec_down_hides_nothing(path: Path) -> None:
    try:
        root = with_defaults(load(path.read_text(), path.name), "alibaba")
    except SpecError:
        return
    if not isinstance(root.value, dict):
        return
    document = root.plain()
    schema = strict_schema("alibaba")
    faults = [tuple(one.instance_path) for one in jsonschema_rs.validator_for(schema).iter_errors(document)]
    for_it = jsonschema_rs.validator_for(strict_schema("alibaba", document))
    assert for_it.is_valid(document) is not bool(faults), "the schema for the words of a file is another"
    whole = mistakes(root, schema, document, "alibaba")
    assert mistakes(root, schema, suspects(document, faults, "alibaba"), "alibaba") == whole
    assert bool(faults) is bool(whole)
