"""`outputs:` as apply and `fcdeploy outputs` print them: words, documents, bare values and exit codes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Program

SECRET = "hunter2-s3cr3t"
OUTPUTS = """\
secrets: {TOKEN: {env: TOKEN}}
outputs:
  id: ${{ ref('images/resize').functionId }}
  arns: {resize: "${{ ref('images/resize').arn }}", number: 5}
  login: ${{ secret('TOKEN') }}@${{ ref('images/resize').name }}
"""
ARN = "acs:fc:cn-hangzhou:1234567890123456:services/images/functions/resize"


def prepare(program: Program) -> None:
    program.spec.write_text(program.spec.read_text() + OUTPUTS)
    program.environ["TOKEN"] = SECRET


def test_apply_prints_them_and_outputs_reads_them(program: Program) -> None:
    prepare(program)
    nothing = program.run("outputs", "--local")
    assert (nothing.returncode, nothing.stderr) == (0, "")
    assert nothing.stdout.splitlines()[:2] == [
        "Outputs of target dev:",
        "  id = (not known: function images/resize does not exist yet)",
    ]
    missing = program.run("outputs", "id", "--local")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "the output 'id' is not known" in missing.stderr and "does not exist yet" in missing.stderr

    applied = program.run("apply", "--local", "--yes")
    assert applied.returncode == 0
    told = applied.stdout[applied.stdout.index("Outputs of target dev:") :]
    assert re.fullmatch(
        "Outputs of target dev:\n"
        '  id = "[0-9a-f-]{36}"\n'
        f'  arns = {{resize: "{ARN}", number: 5}}\n'
        "  login = \\(sensitive\\)\n",
        told,
    )
    listed = program.run("outputs", "--local")
    assert (listed.returncode, listed.stdout, listed.stderr) == (0, told, "")
    assert SECRET not in applied.stdout + applied.stderr
    asked = program.run("outputs", "--local", "--show-sensitive")
    assert asked.stdout.endswith(f'  login = "{SECRET}@resize"\n')

    # Bare values, for scripts.
    (identity,) = re.findall(r'id = "(.*)"', told)
    bare = program.spawn("outputs", "id", "--local")
    assert (bare.returncode, bare.stdout, bare.stderr) == (0, f"{identity}\n", "")
    assert program.run("outputs", "arns", "--local").stdout == f'{{"number": 5, "resize": "{ARN}"}}\n'
    assert program.run("outputs", "id", "--local", "--format", "json").stdout == f'"{identity}"\n'
    refused = program.run("outputs", "login", "--local")
    assert (refused.returncode, refused.stdout) == (64, "")
    assert "holds a secret" in refused.stderr and "--show-sensitive" in refused.stderr
    assert program.run("outputs", "login", "--local", "--show-sensitive").stdout == f"{SECRET}@resize\n"
    wrong = program.run("outputs", "arn", "--local")
    assert wrong.returncode == 64 and "did you mean `arns`?" in wrong.stderr

    # Documents.
    found = json.loads(program.run("outputs", "--local", "--format", "json").stdout)
    (target,) = found["targets"]
    assert (found["type"], target["name"], target["diagnostics"]) == ("outputs", "dev", [])
    assert target["outputs"] == {
        "id": {"value": identity, "sensitive": False, "known": True, "why": ""},
        "arns": {"value": {"resize": ARN, "number": 5}, "sensitive": False, "known": True, "why": ""},
        "login": {"value": {"sensitive": True}, "sensitive": True, "known": True, "why": ""},
    }
    again = json.loads(program.run("apply", "--local", "--yes", "--format", "json").stdout)
    assert again["outputs"] == found["targets"]
    page = program.run("apply", "--local", "--yes", "--format", "markdown").stdout
    assert f"**Outputs**\n\n```text\n{told}```\n" in page


def test_without_outputs_and_with_several_targets(program: Program) -> None:
    quiet = program.run("outputs", "--local")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "The file names no outputs.\n")
    prepare(program)
    program.edit("services:", '  far: {provider: alibaba, account: "1234567890123456", region: cn-beijing}\nservices:')
    refused = program.run("outputs", "id", "--local")
    assert refused.returncode == 64 and "targets are: dev, far" in refused.stderr
    both = program.run("outputs", "--local", "--target", "*")
    assert both.stdout.count("Outputs of target") == 2
