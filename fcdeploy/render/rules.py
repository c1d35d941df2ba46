"""Which rule a finding breaks: a closed list of names that stay, for programs that count and mute by them. Pure.

A finding's words may get better; the names of the rules do not change. What no rule knows is one of the two last. A
policy is a rule of its own, `policy/NAME`, or `builtin/NAME`.
"""

from __future__ import annotations

import re

from msgspec import Struct

from fcdeploy.diagnostics import Diagnostic


class Rule(Struct, frozen=True, kw_only=True):
    """A rule: `id` for programs, `title` for people, and what the summaries of its findings look like."""

    id: str
    title: str
    form: re.Pattern[str]


def _rule(name: str, title: str, form: str) -> Rule:
    return Rule(id=name, title=title, form=re.compile(form))


RULES = (
    # Its summaries quote the command, which may say anything.
    _rule("build-failed", "Builds do their work", r"^build failed: "),
    _rule(
        "unreadable-file",
        "A file is there, and is YAML in UTF-8",
        r"^not valid YAML|^the file |^there is no such file|^this is a folder|control character|"
        r"stands twice in this map|^` cannot be read: |^no file matches|leads outside|is no relative path",
    ),
    _rule("other-cloud", "What is said is there in the target's cloud", r"^Function(Graph| Compute) has no "),
    _rule(
        "bad-reference",
        "References lead to what can be had",
        r"^ref\(|^the references|names a resource itself|cannot be text$|names several resources|"
        r"is not the name of a resource|is not to be there|^the .* has no `$|one of ref\(\)|"
        r"must be known before the plan|^` is not a value",
    ),
    _rule(
        "bad-template",
        "Expressions can be evaluated",
        r"^the expression|in a circle|made from a secret|has no part `|has no text form|^` without `|"
        r"^the template |number is too large|would have [\d,]+ elements|^` takes |"
        r"cannot be a template",
    ),
    _rule("unknown-key", "Keys are known", r"^unknown key|has no field|not known to API version"),
    _rule(
        "missing-key",
        "What is needed is there",
        r"is missing$|\bneeds? |has no effect without|names no target|"
        r"has no row$|has no value$|leaves no row|must say something",
    ),
    _rule(
        "secret-in-file",
        "No secret stands in the file",
        r"stands in the file in plain text|holds a private key",
    ),
    _rule(
        "unpinned-code",
        "What code is used can be seen",
        r"cannot be seen$|archive is large",
    ),
    _rule("unbuilt-code", "Code was built of what is there", r"has not been built|than what was built of it"),
    _rule("missing-packages", "Code has what it needs beside it", r"nothing installed beside it"),
    _rule(
        "bad-name",
        "Names can be used",
        r"cannot be the name|cannot be a key|cannot have (this|the) name|cannot end like|"
        r"^a name in a matrix|^a target's name cannot",
    ),
    _rule(
        "conflict",
        "Nothing stands twice or against another",
        r"stands twice|stands in two files|stand beside|exclude each other|would have the name|"
        r"give the name|both (have|be renamed)|are the same .* in the cloud|"
        r"cannot stand |is only for|cannot be renamed|does not use|must not be above|is below",
    ),
    _rule(
        "unknown-name",
        "What is named is there",
        r"is not defined$|is not set$|^there is no|has no (function|alias|version)|not in this file|"
        r"left out here|is called|^no target matches|^no wave names|has no target$|"
        r"not the address|does not name|does not exist|names nothing|is like this$",
    ),
    _rule(
        "wrong-value",
        "Values have the right type and size",
        r"must |has not the right form|a value that is not known|^this is not |cannot be ignored|more than|too long|"
        r"one call at a time|is encrypted|has no source|is for the version|cannot be `|begins with",
    ),
    _rule(
        "ownership", "Only what is the project's is touched", r"belongs to|not managed by|adopting|still owns|leads to"
    ),
    _rule("protected", "What is protected stays", r"is protected"),
    _rule("destructive", "A plan does not delete much at once", r"(plan|run) deletes|cannot be (delete|replace)d:"),
    _rule("irreversible", "What is done can be taken back", r"cannot be undone|does not come back"),
    _rule("open-run", "No run is open", r"has not ended|is at work on"),
    _rule("unreadable-cloud", "What is live can be read", r"^cannot read|answered \d|no reply|credentials"),
    _rule("spec", "The file can be used", r"(?!)"),
    _rule("plan", "The plan can be carried out", r"(?!)"),
)
"""In the order in which they are asked; the last two take what is left, in the file and outside it."""


_NONE = re.compile(r"(?!)")


def rule_of(found: Diagnostic) -> Rule:
    """The rule that a finding breaks: the policy that it names, or by its summary with what it quotes left aside."""
    if found.rule:
        whose, _, name = found.rule.partition("/")
        title = f"The built-in policy {name}" if whose == "builtin" else f"The policy {name} of the project"
        return Rule(id=found.rule, title=title, form=_NONE)
    said = re.sub(r"`[^`]*`", "`", found.summary)
    for rule in RULES:
        if rule.form.search(said):
            return rule
    return RULES[-2] if found.span is not None else RULES[-1]
