"""`policies:` as a spec writes it: its JSON Schema, and the names of the policies that are built in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fcdeploy.kinds.risks import BUILTIN

POLICIES = "policies"
LEVELS = ("off", "warning", "error")
"""What a spec may say of a policy that is built in."""
SUBJECTS = ("resource", "change", "plan")
"""What a policy may be about; the first is the default."""
JUDGEMENTS = ("schema", "deny", "require")
"""How a policy judges; each has exactly one."""

_NAME = rf"^(builtin/({'|'.join(BUILTIN)})|[A-Za-z0-9][-_.A-Za-z0-9]{{0,62}})$"


def _text(title: str, description: str, **limits: Any) -> dict[str, Any]:
    return {"title": title, "description": description, "type": "string", "minLength": 1, **limits}


def _globs(title: str, description: str) -> dict[str, Any]:
    return {
        "title": title,
        "description": description,
        "type": ["string", "array"],
        "minLength": 1,
        "minItems": 1,
        "items": {"type": "string", "minLength": 1},
    }


_POLICY: Mapping[str, Any] = {
    "title": "Policy",
    "description": "One rule: what it is about, and a schema or an expression that says what must hold.",
    "type": "object",
    "properties": {
        "description": _text("Description", "What the policy is for; said of what breaks it when there is no message."),
        "severity": _text(
            "Severity", "Whether what breaks it stops the plan.", enum=["error", "warning"], default="error"
        ),
        "on": _text(
            "On",
            "What it judges: each resource that is to be there, each change of a plan, or each plan as a whole.",
            enum=list(SUBJECTS),
            default=SUBJECTS[0],
        ),
        "kind": _globs("Kind", "Only resources of these kinds; names or patterns such as `function`."),
        "address": _globs("Address", "Only these resources; patterns as `--only` takes, such as `function:shop/*`."),
        "target": _globs("Target", "Only in these targets; names or patterns such as `prod*`."),
        "schema": {
            "title": "Schema",
            "description": "A JSON Schema that must hold, or the path of a file that has one.",
            "type": ["object", "string"],
            "minLength": 1,
        },
        "deny": _text("Deny", "An expression; what it is true of breaks the policy."),
        "require": _text("Require", "An expression; what it is not true of breaks the policy."),
        "message": _text("Message", "What is said of what breaks it; may hold `${{ }}` with the same names."),
        "timezone": _text("Time zone", "Of `now`, such as `Asia/Shanghai`.", default="UTC"),
    },
    "additionalProperties": False,
    "anyOf": [{"required": [name]} for name in JUDGEMENTS],
    # One direction each, so that two judgements are one mistake.
    "dependentSchemas": {
        name: {"properties": {other: {"not": {}} for other in JUDGEMENTS[position + 1 :]}}
        for position, name in enumerate(JUDGEMENTS)
        if position + 1 < len(JUDGEMENTS)
    },
}

WORD: Mapping[str, Any] = {
    "title": "Policies",
    "description": "Rules for resources and plans, by name; `builtin/…` sets how grave a built-in one is.",
    "type": "object",
    "propertyNames": {
        "description": "a name has up to 63 letters, digits, `-`, `_` and `.`; built in are "
        + ", ".join(f"`builtin/{name}`" for name in BUILTIN),
        "type": "string",
        "pattern": _NAME,
    },
    "properties": {
        f"builtin/{name}": {
            "title": name.replace("-", " ").capitalize(),
            "description": f"{about} Without it: warning.",
            "type": "string",
            "enum": list(LEVELS),
        }
        for name, about in BUILTIN.items()
    },
    # What begins so and is none has a name that cannot be.
    "patternProperties": {"^builtin/": {"type": "string", "enum": list(LEVELS)}},
    "additionalProperties": _POLICY,
}
"""The value of `policies:`."""
