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


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (LAUGHS + "services: {s: {description: '${{ vars.a9|tojson }}'}}", "more than 50,000 elements"),
        ("vars: {big: \"${{ ('x,' * 40000)|split(',') }}\"}\n" + tags("vars.big|length"), "too much work together"),
        pytest.param(
            "vars: {big: \"${{ 'x' * 1000000 }}\"}\n" + tags("vars.big"), "does too much work", marks=pytest.mark.proof
        ),
        pytest.param(NESTED, f"have together more than {MOST_TOGETHER:,} items", marks=pytest.mark.proof),
    ],
    ids=["laughs", "work", "text", "foreach"],
)
def test_a_bomb_ends_at_a_limit(tmp_path: Path, text: str, limit: str) -> None:
    (tmp_path / "fcdeploy.yaml").write_text(HEAD + text)
    project = read_project(tmp_path, environ={})
    with pytest.raises(SpecError) as caught:
        project.check(project.targets)
    told = [one for one in caught.value.diagnostics if limit in one.summary]
    assert len(told) == 1 and told[0].span is not None
    # What is left over when the limit is met is no more than one expression may do.
    assert project.surroundings.work.left > -MAX_WORK
