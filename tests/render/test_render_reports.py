"""Findings as SARIF and JUnit XML, against golden files and what their readers ask of a document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from fcdeploy.diagnostics import Diagnostic, Span, error, warning
from fcdeploy.render.junit import junit_text
from fcdeploy.render.rules import RULES, rule_of
from fcdeploy.render.sarif import sarif_text

GOLDEN = Path(__file__).parent / "golden"
BROKEN = Path(__file__).parents[1] / "cases" / "spec" / "broken"
NASTY = 'a\x00b\x1b[31m <x> & " \u202e \ud800 ]]> \ufffe [t](1)'


def at(line: int, file: str = "fcdeploy.yaml") -> Span:
    return Span(file=file, line=line, column=5)


FOUND = (
    error(
        "unknown key `memorysize`",
        detail="known here: memorySize, timeout",
        hint="did you mean `memorySize`?",
        span=at(13),
        path="services.images.functions.resize.memorysize",
    ),
    warning(
        "a new object under the same name cannot be seen", hint="add `checksum`", span=at(9, "shared/common file.yaml")
    ),
    error("function images/web is protected and would be deleted", address="dev:alibaba.function:images/web"),
    error("cannot read services", detail="NoReply"),
    error("cannot read services", detail="another time"),
)


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        pytest.fail(f"{path} was written; read it, and run the test again")
    assert text == path.read_text(encoding="utf-8")


def sarif(*found: Diagnostic) -> dict[str, Any]:
    log = json.loads(sarif_text(found, file="fcdeploy.yaml", version="1.2.3"))
    assert isinstance(log, dict)
    return log


def check_sarif(log: dict[str, Any]) -> None:
    """What the standard and the forges that read it ask for of the members that are there."""
    assert set(log) == {"$schema", "version", "runs"} and log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert set(run) == {"tool", "columnKind", "results"} and run["columnKind"] == "unicodeCodePoints"
    driver = run["tool"]["driver"]
    assert set(driver) == {"name", "version", "rules"}
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule["id"]) and rule["shortDescription"]["text"]
        assert set(rule) == {"id", "name", "shortDescription"} and rule["name"].isalpha()
    for result in run["results"]:
        assert set(result) == {"ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"}
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning") and result["message"]["text"]
        assert re.fullmatch(r"[0-9a-f]{64}", result["partialFingerprints"]["fcdeploy/v1"])
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert re.fullmatch(r"(file:///)?[A-Za-z0-9._~%/-]+", place["artifactLocation"]["uri"])
        assert all(type(number) is int and number >= 1 for number in place["region"].values())
        assert place["region"].keys() >= {"startLine"}
        assert all(set(one) == {"fullyQualifiedName", "kind"} for one in location.get("logicalLocations", ()))


def test_findings_as_sarif() -> None:
    text = sarif_text((*FOUND, FOUND[0]), file="fcdeploy.yaml", version="1.2.3")
    golden("findings.sarif", text)
    assert text.isascii()
    check_sarif(json.loads(text))


def test_findings_as_junit() -> None:
    text = junit_text((*FOUND, FOUND[0]), file="fcdeploy.yaml", targets=("dev", "prod/a"))
    golden("findings.junit.xml", text)
    suites = ElementTree.fromstring(text)
    for suite in suites:
        cases = suite.findall("testcase")
        assert [suite.get(name) for name in ("tests", "failures", "errors")] == [
            str(len(cases)),
            str(len(suite.findall("testcase/failure"))),
            "0",
        ]
        names = [(case.get("classname"), case.get("name")) for case in cases]
        assert len(names) == len(set(names)) > 0, "a reader takes two of one name for one"
    assert (suites.get("tests"), suites.get("failures")) == ("8", "4")


def test_no_text_breaks_a_document() -> None:
    nasty = error(NASTY, detail=NASTY, hint=NASTY, path=NASTY, address=NASTY, span=at(1, f"/tmp/{NASTY}.yaml"))
    check_sarif(log := sarif(nasty))
    (result,) = log["runs"][0]["results"]
    assert "](" not in result["message"]["text"], "that would be a link"
    text = junit_text((nasty,), file=NASTY, targets=(NASTY,))
    assert len(ElementTree.fromstring(text.encode())) == 3
    assert all(sign.isprintable() or sign == "\n" for sign in text)


def test_a_finding_is_known_again_when_lines_move() -> None:
    def print_of(found: Diagnostic) -> str:
        return str(sarif(found)["runs"][0]["results"][0]["partialFingerprints"])

    moved = error("`x` is missing", path="a.x", span=at(7))
    assert print_of(moved) == print_of(error("`x` is missing", path="a.x", span=at(9)))
    assert print_of(moved) != print_of(error("`x` is missing", path="b.x", span=at(7)))


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.expected")), ids=lambda path: path.stem)
def test_every_finding_about_a_file_has_a_rule_of_its_own(path: Path) -> None:
    summaries = re.findall(r"^\S.*?: (?:error|warning): (.*?)(?: \[.*\])?$", path.read_text(encoding="utf-8"), re.M)
    loose = [one for one in summaries if rule_of(error(one, span=at(1))) in RULES[-2:]]
    assert not loose


@pytest.mark.parametrize(
    ("summary", "rule"),
    [
        ("service images exists already and is not managed by fcdeploy", "ownership"),
        ("service images belongs to shop/prod", "ownership"),
        ("function images/a is protected and would be deleted", "protected"),
        ("the plan deletes service images", "destructive"),
        ("the plan deletes or replaces 7 of 9 owned resources (77 %)", "destructive"),
        ("alias images/live: this delete cannot be undone", "irreversible"),
        ("run 20260131 of target dev has not ended", "open-run"),
        ("unknown key `is missing`", "unknown-key"),
        ("this is not a timer expression", "wrong-value"),
        ("something else", "plan"),
    ],
)
def test_findings_about_a_plan_have_rules(summary: str, rule: str) -> None:
    assert rule_of(error(summary)).id == rule
