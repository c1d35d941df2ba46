"""What a plan comes to, as one short text: equal for two plans that do the same, whenever they were made. Pure.

It covers addresses, actions and field changes, not ETags, times or reasons (S43). Secrets go in as the names of their
sources and hidden live values not at all: a digest is put where everybody reads it, and a value that few others are
possible for could be guessed from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from fcdeploy.model import Action, FieldChange, Json, Plan, to_json

_CHANGING = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)


def plan_digest(plan: Plan) -> str:
    """The SHA-256 (hex) of what the plan changes in its target."""
    changes = [
        [str(one.address), one.action.value, [_field(field) for field in one.fields]]
        for one in plan.changes
        if one.action in _CHANGING
    ]
    told = {one.address for one in plan.changes if one.action in _CHANGING}
    # Writes that no change speaks of, such as a mark that a crash left out (S11), are a part of it, too.
    bare = [[str(one.address), one.action.value, one.group] for one in plan.steps if one.address not in told]
    content = [plan.project, plan.target.name, sorted(changes, key=lambda one: (one[0], one[1])), sorted(bare)]
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def plans_digest(plans: Iterable[Plan]) -> str:
    """The SHA-256 (hex) of several plans together, in their order."""
    return hashlib.sha256("\n".join(plan_digest(plan) for plan in plans).encode()).hexdigest()


def _field(change: FieldChange) -> Json:
    before = None if change.before_hidden else to_json(change.before)
    after = None if change.after_hidden else to_json(change.after)
    return [change.path, change.before_hidden, before, change.after_hidden, after]
