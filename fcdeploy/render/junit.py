"""Findings as JUnit XML, as GitLab and Jenkins read it: a suite a file and a target, a test case a finding. Pure.

The form has no standard; what stands here is what both read: `testcase` with `name`, `classname`, `file` and `line`,
`failure` with `message`, `type` and text, `system-out` for what did not fail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from fcdeploy.diagnostics import Diagnostic, Severity
from fcdeploy.render.findings import finding_text
from fcdeploy.render.rules import rule_of
from fcdeploy.render.words import clean


def junit_text(found: Iterable[Diagnostic], *, file: str, targets: Sequence[str] = ()) -> str:
    """All findings; `file` is the spec, which has a suite also when nothing is wrong, and so has each target."""
    root = ElementTree.Element("testsuites", name="fcdeploy")
    by_file: dict[str, list[Diagnostic]] = {file: []}
    for one in dict.fromkeys(found):
        by_file.setdefault(one.span.file if one.span is not None else file, []).append(one)
    for name, some in by_file.items():
        _suite(root, clean(name), clean(name), some)
    for target in targets:
        _suite(root, f"target {clean(target)}", clean(file), [])
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: ElementTree.Element, name: str, file: str, found: Sequence[Diagnostic]) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=name)
    names = Counter(_name(one) for one in found)
    seen: Counter[str] = Counter()
    for one in found:
        said = _name(one)
        seen[said] += 1
        # A reader takes two cases of one name for one case.
        own = f"{said} ({seen[said]})" if names[said] > 1 else said
        place = {"line": str(one.span.line)} if one.span is not None else {}
        case = ElementTree.SubElement(suite, "testcase", {"name": own, "classname": name, "file": file, **place})
        text = finding_text(one, sources={}).rstrip("\n")
        if one.severity is Severity.ERROR:
            failure = ElementTree.SubElement(case, "failure", message=clean(one.summary), type=rule_of(one).id)
            failure.text = text
        else:
            ElementTree.SubElement(case, "system-out").text = text
    failed = any(one.severity is Severity.ERROR for one in found)
    if not failed:
        ElementTree.SubElement(suite, "testcase", name="is valid", classname=name, file=file)
    suite.set("tests", str(len(found) + (not failed)))
    suite.set("failures", str(sum(one.severity is Severity.ERROR for one in found)))
    suite.set("errors", "0")
    suite.set("time", "0")


def _name(one: Diagnostic) -> str:
    about = one.path or one.address
    return clean(one.summary) + (f" [{clean(about)}]" if about else "")
