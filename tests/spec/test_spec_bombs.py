"""Specs that are small and ask for much: each ends at a limit of its own, which is told once."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcdeploy.errors import SpecError
from fcdeploy.spec.project import read_project
from fcdeploy.spec.sources import MAX_WORK
from fcdeploy.spec.unfold import MOST_TOGETHER

HEAD = """
apiVersion: fcdeploy/v1
project: bomb
targets: {dev: {provider: alibaba, region: cn-hangzhou}, prod: {provider: alibaba, region: cn-shanghai}}
"""
WIDE = "\"${{ ('x,' * 900)|split(',') }}\""
NESTED = f"""
services:
  "a-${{{{ each.key }}}}":
    foreach: {WIDE}
    functions:
      "b-${{{{ each.key }}}}":
        foreach: {WIDE}
        triggers:
          "c-${{{{ each.key }}}}": {{foreach: {WIDE}, type: timer}}
"""
LAUGHS = "vars:\n  a0: x\n" + "".join(
    f"  a{at}: [{', '.join([f'{chr(34)}${{{{ vars.a{at - 1} }}}}{chr(34)}'] * 10)}]\n" for at in range(1, 10)
)


def tags(expression: str, count: int = 300) -> str:
    lines = (f'      t{at}: "${{{{ {expression} ~ {at} }}}}"' for at in range(count))
    return "services:\n  s:\n    tags:\n" + "\n".join(lines)


def wide(expression: str, keys: int = 500) -> str:
    """A thousand functions with many templates each."""
    said = ", ".join(f"K{at}: '${{{{ {expression} ~ {at} }}}}'" for at in range(keys))
    return (
        "services:\n  s:\n    functions:\n      'f-${{ each.key }}':\n"
        f"        foreach: \"${{{{ ('x,' * 998)|split(',') }}}}\"\n        environmentVariables: {{{said}}}\n"
    )


YAML_LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]\n" for at in range(1, 10)
)
MERGES = "a0: &a0 {k: 1}\n" + "".join(
    f"a{at}: &a{at} {{<<: *a{at - 1}, p{at}: *a{at - 1}, q{at}: *a{at - 1}}}\n" for at in range(1, 40)
)
SECRETS = "secrets: {A: {env: A}}\nvars:\n  a0: \"${{ secret('A')[:1]|upper }}\"\n" + "".join(
    f'  a{at}: "${{{{ (vars.a{at - 1}|b64encode)[:1] ~ (vars.a{at - 1}|upper)[:1] }}}}"\n' for at in range(1, 23)
)
TEXT_LAUGHS = "{% macro a0() %}x{% endmacro %}" + "".join(
    f"{{% macro a{at}() %}}{f'{{{{ a{at - 1}() }}}}' * 10}{{% endmacro %}}" for at in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (LAUGHS + "services: {s: {description: '${{ vars.a9|tojson }}'}}", "more than 50,000 elements"),
        ("vars: {big: \"${{ ('x,' * 40000)|split(',') }}\"}\n" + tags("vars.big|length", 30), "too much work together"),
        pytest.param(
            "vars: {big: \"${{ 'x' * 1000000 }}\"}\n" + tags("vars.big"),
            "too much work together",
            marks=pytest.mark.proof,
        ),
        pytest.param(NESTED, f"have together more than {MOST_TOGETHER:,} items", marks=pytest.mark.proof),
        (SECRETS + "services: {s: {description: '${{ vars.a22 }}'}}", "more operations than can be saved"),
        ("vars: {a: '${{ 9 ** 99999 }}'}\nservices: {s: {description: '${{ vars.a }}'}}", "number is too large"),
        ("services: {s: {description: \"${{ '%9999999999d' % 1 }}\"}}", "text has no operator `%`"),
        ("services: {s: {description: \"${{ ('é-' * 300000)|slug }}\"}}", "at most 4,096 characters"),
        pytest.param(wide("each.key"), "does too much work", marks=pytest.mark.proof),
        pytest.param(tags("([1] * 50000) == ([1] * 50000)"), "too much work together", marks=pytest.mark.proof),
        pytest.param(
            "vars: {big: \"${{ ('x,' * 5000)|split(',') }}\"}\n" + wide("vars.big|join(each.value)", 1),
            "too much work together",
            marks=pytest.mark.proof,
        ),
    ],
    ids=[
        *("laughs", "work", "text", "foreach", "secrets", "power", "format", "slug", "templates-of-items"),
        *("lists", "joins-of-items"),
    ],
)
def test_a_bomb_ends_at_a_limit(tmp_path: Path, text: str, limit: str) -> None:
    (tmp_path / "fcdeploy.yaml").write_text(HEAD + text)
    project = read_project(tmp_path, environ={"A": "s3cr3t"})
    with pytest.raises(SpecError) as caught:
        project.check(project.targets)
    told = [one for one in caught.value.diagnostics if limit in one.summary]
    assert len(told) == 1 and told[0].span is not None
    # What is left over when the limit is met is no more than one expression may do.
    assert project.surroundings.work.left > -MAX_WORK


@pytest.mark.parametrize(
    ("text", "limit", "place"),
    [
        (YAML_LAUGHS, "aliases stand for more than", "10:45"),
        (MERGES, "aliases stand for more than", "17:16"),
        ("a: " + "[" * 5000, "nested deeper than 64 levels", "5:67"),
    ],
    ids=["laughs", "merges", "depth"],
)
@pytest.mark.parametrize("file", ["fcdeploy.yaml", "fcdeploy.yaml.j2"])
def test_yaml_that_stands_for_more_than_it_is_ends_where_it_grows(
    tmp_path: Path, file: str, text: str, limit: str, place: str
) -> None:
    (tmp_path / file).write_text(HEAD + text)
    with pytest.raises(SpecError) as caught:
        read_project(tmp_path, environ={})
    (told,) = caught.value.diagnostics
    assert limit in told.summary and str(told.span) == f"{tmp_path / file}:{place}"


LOOPS = (
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}"
)
GROWING = "{% set ns = namespace(x=BEGIN) %}{% for a in range(100) %}{% set ns.x = GROW %}{% endfor %}{{ ns.x|tojson }}"
INDENTED = (
    "{% macro m() %}" + "x\n" * 5000 + "{% endmacro %}{% for i in range(5000) %}{{ m()|indent(200) }}{% endfor %}"
)


@pytest.mark.parametrize(
    ("text", "limit", "place"),
    [
        pytest.param(LOOPS, "does too much work", "5:70", marks=pytest.mark.proof),
        ("{% for a in range(10001) %}{% endfor %}", "more than 10,000 elements", "5:18"),
        ("{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}", "call each other more than 50 deep", "5:21"),
        pytest.param(TEXT_LAUGHS + "{{ a9() }}", "does too much work", "5:93", marks=pytest.mark.proof),
        (GROWING.replace("BEGIN", "'x'").replace("GROW", "ns.x ~ ns.x"), "more than 1,048,576 characters", "5:71"),
        (GROWING.replace("BEGIN", "[1]").replace("GROW", "[ns.x, ns.x]"), "nested deeper than 64 levels", "5:106"),
        ("{% include 'fcdeploy.yaml.j2' %}", "nested too deeply", "5:12"),
        ("{% import 'fcdeploy.yaml.j2' as it %}", "nested too deeply", "5:11"),
        ("{% for a in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}", "more than 50 deep", "5:38"),
        ("{{ '%9999999999d' % 1 }}", "text has no operator `%`", "5:4"),
        ("{{ 9 ** 99999 }}", "the number is too large", "5:4"),
        ("{% for i in [1] %}" * 60 + "{% endfor %}" * 60, "nested too deeply", "1:1"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested too deeply", "1:1"),
        pytest.param(INDENTED, "rendered to more than 4 MiB", "5:16", marks=pytest.mark.proof),
        pytest.param(
            "{% set a = 1 %}" * 20000, "more than 100,000 words and signs", "5:136363", marks=pytest.mark.proof
        ),
        pytest.param(
            "a: [{% for a in range(300) %}{% for b in range(300) %}a,a,{% endfor %}{% endfor %}]",
            "more than 120,000 names and values",
            "5:55",
            marks=pytest.mark.proof,
        ),
    ],
    ids=[
        *("loops", "range", "macro", "macros", "text", "list", "include", "import", "recursive", "format", "power"),
        *("blocks", "brackets", "indent", "signs", "names"),
    ],
)
def test_a_bomb_in_text_ends_at_a_limit_and_at_its_place(tmp_path: Path, text: str, limit: str, place: str) -> None:
    (tmp_path / "fcdeploy.yaml.j2").write_text(HEAD + text)
    with pytest.raises(SpecError) as caught:
        read_project(tmp_path, environ={})
    (told,) = caught.value.diagnostics
    assert limit in told.summary and str(told.span) == f"{tmp_path / 'fcdeploy.yaml.j2'}:{place}"


@pytest.mark.proof
def test_a_large_honest_spec_is_no_bomb(tmp_path: Path) -> None:
    services = """
vars: {sizes: [128, 256, 512], stage: dev}
services:
{% for n in range(1000) %}
  s{{ n }}-${{ vars.stage }}:
    description: "{{ n }} of ${{ vars.stage }} in ${{ target.region }}"
    functions:
      f:
        code: ./src
        runtime: python3.10
        handler: index.handler
        memorySize: ${{ vars.sizes[{{ n % 3 }}] * 2 }}
        environmentVariables: {NAME: "${{ target.name }}-{{ n }}", ALL: "${{ vars.sizes|join(',') }}"}
{% endfor %}
"""
    repeated = """
vars: {many: "${{ ('x,' * 998)|split(',') }}"}
services:
  "s${{ each.key }}":
    foreach: vars.many
    functions:
      f:
        code: ./src
        runtime: python3.10
        handler: index.handler
        environmentVariables: {ALL}
"""
    variables = ", ".join(f"K{at}: \"${{{{ each.key ~ '-{at}' }}}}\"" for at in range(15))
    for name, text in (("fcdeploy.yaml.j2", services), ("repeated.yaml", repeated.replace("ALL", variables))):
        (tmp_path / name).write_text(HEAD + text)
        project = read_project(tmp_path / name, environ={})
        assert not any(one.severity == "error" for one in project.diagnostics(project.targets))
        assert len(project.expand(project.targets[1])) >= 1998
