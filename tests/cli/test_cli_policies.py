"""Policies on the command line: their findings in every form, and files of policies that a pipeline adds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from conftest import Program

POLICIES = """\
policies:
  small:
    kind: function
    schema: {properties: {memorySize: {maximum: 256}}}
  few:
    on: plan
    severity: warning
    deny: plan.create > 1
    message: "${{ plan.create }} at once in ${{ target.region }}"
"""


def test_a_file_of_policies_stops_a_plan_that_is_shown_all_the_same(program: Program) -> None:
    (program.folder / "rules.yaml").write_text(POLICIES)
    assert program.run("validate").returncode == 0
    refused = program.run("validate", "--policy", "rules.yaml")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "fcdeploy.yaml:13:21: error: memorySize: 512 is greater than the maximum of 256" in refused.stderr
    assert "policy `small` at rules.yaml:2:3" in refused.stderr

    planned = program.run("plan", "--local", "--policy", "rules.yaml")
    assert planned.returncode == 1 and "Plan: 3 to create" in planned.stdout
    assert "This plan is refused" in planned.stdout and "3 at once in cn-hangzhou" in planned.stdout
    assert planned.stderr.count("error:") == 1 and "the maximum of 256" in planned.stderr
    applied = program.run("apply", "--local", "--yes", "--policy", "rules.yaml")
    assert applied.returncode == 1 and "the maximum of 256" in applied.stderr
    saved = program.run("plan", "--local", "--policy", "rules.yaml", "--out", "p.fcplan")
    assert saved.returncode == 1 and not (program.folder / "p.fcplan").exists()

    program.edit("memorySize: 512", "memorySize: 256")
    saved = program.run("plan", "--local", "--policy", "rules.yaml", "--out", "p.fcplan")
    assert saved.returncode == 0
    assert "fcdeploy apply p.fcplan --policy rules.yaml --local" in saved.stderr
    assert program.run("apply", "p.fcplan", "--policy", "rules.yaml", "--local", "--yes").returncode == 0
    missing = program.run("plan", "--local", "--policy", "none.yaml")
    assert missing.returncode == 1 and "none.yaml:1:1: error: there is no such file" in missing.stderr


def test_what_a_plan_breaks_is_in_its_reports(program: Program) -> None:
    (program.folder / "rules.yaml").write_text(POLICIES)
    rest = ("plan", "--local", "--policy", "rules.yaml", "--format")
    planned = program.run(*rest, "sarif")
    assert planned.returncode == 1
    (run,) = json.loads(planned.stdout)["runs"]
    rules = run["tool"]["driver"]["rules"]
    found = {one["ruleId"]: one for one in run["results"]}
    assert set(found) == {"policy/small", "policy/few"}
    for name, one in found.items():
        assert rules[one["ruleIndex"]]["id"] == name
    small = found["policy/small"]
    assert small["level"] == "error" and found["policy/few"]["level"] == "warning"
    assert small["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "fcdeploy.yaml"},
        "region": {"startLine": 13, "startColumn": 21},
    }

    suites = ElementTree.fromstring(program.run(*rest, "junit").stdout)
    assert (suites.get("tests"), suites.get("failures")) == ("3", "1")
    (failure,) = suites.iter("failure")
    assert failure.get("type") == "policy/small"
    (target,) = json.loads(program.run(*rest, "json").stdout)["targets"]
    assert [one["rule"] for one in target["diagnostics"]] == ["policy/small", "policy/few"]
