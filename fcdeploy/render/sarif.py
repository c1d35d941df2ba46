"""Findings as SARIF 2.1.0, for forges that show them at the line that they are about. Pure.

The form is that of the OASIS standard "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; numbers in
comments are its sections.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from fcdeploy.diagnostics import Diagnostic, Severity
from fcdeploy.model import Json
from fcdeploy.render.rules import RULES, Rule, rule_of
from fcdeploy.render.words import clean, clean_lines

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning"}


def sarif_text(found: Iterable[Diagnostic], *, file: str, version: str) -> str:
    """A log with one run of fcdeploy `version`; what is about no line is shown at the first one of `file`."""
    once = _once(found)
    # What is a policy's has a rule of its own.
    own = {one.rule: rule_of(one) for one in once if one.rule}
    rules = (*RULES, *(own[name] for name in sorted(own)))
    at = {rule.id: place for place, rule in enumerate(rules)}
    results = [_result(one, at, file) for one in once]
    run = {
        "tool": {"driver": {"name": "fcdeploy", "version": version, "rules": [_rule(rule) for rule in rules]}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=True, sort_keys=True) + "\n"


def _once(found: Iterable[Diagnostic]) -> Sequence[Diagnostic]:
    """Each finding once: several targets may have the same."""
    return tuple(dict.fromkeys(found))


def _rule(rule: Rule) -> dict[str, Json]:
    return {"id": rule.id, "name": _pascal(rule.id), "shortDescription": {"text": rule.title}}


def _pascal(name: str) -> str:
    """3.49.7: a name is an identifier for people, as `UnknownKey`."""
    return "".join(part.capitalize() for part in re.split("[^A-Za-z0-9]+", name))


def _result(one: Diagnostic, at: Mapping[str, int], file: str) -> dict[str, Json]:
    rule = rule_of(one)
    span = one.span
    region = {"startLine": span.line, "startColumn": span.column} if span is not None else {"startLine": 1}
    location: dict[str, Json] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(span.file if span else file)}, "region": region}
    }
    about = one.path or one.address
    if about:
        kind = "resource" if not one.path else "member"
        location["logicalLocations"] = [{"fullyQualifiedName": clean(about), "kind": kind}]
    return {
        "ruleId": rule.id,
        "ruleIndex": at[rule.id],
        "level": _LEVELS[one.severity],
        "message": {"text": _message(one)},
        "locations": [location],
        "partialFingerprints": {"fcdeploy/v1": _fingerprint(one, rule)},
    }


def _message(one: Diagnostic) -> str:
    """The finding's words as plain text. In a message `[text](to)` would be a link (3.11.6)."""
    parts = [clean(one.summary), *clean_lines(one.detail)]
    parts += [f"hint: {line}" if place == 0 else line for place, line in enumerate(clean_lines(one.hint))] * bool(
        one.hint
    )
    return "\n".join(part for part in parts if part).replace("](", "] (")


def _fingerprint(one: Diagnostic, rule: Rule) -> str:
    """What a finding is known by again (3.27.17): not by its line, which moves with every edit above it."""
    file = one.span.file if one.span is not None else ""
    parts = (rule.id, file, one.path, one.address, one.summary)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _uri(file: str) -> str:
    """3.4.4: a relative reference for a relative path, percent-encoded; `file:` for an absolute one."""
    name = quote(file, safe="/", errors="surrogatepass")
    return f"file://{name}" if name.startswith("/") else name.removeprefix("./")
