"""`--require-plan-digest`: only what was reviewed is applied, or a part of it (S43)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.app.types import TargetPlan
from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.engine.digest import digests_by_address, plans_digest
from fcdeploy.errors import PlanOutdated, UsageError
from fcdeploy.model import Json, Plan

_DIGEST = re.compile(r"[0-9a-f]{64}")
_HINT = "give the digest that `fcdeploy plan` prints, or the file of `fcdeploy plan --format json --out FILE`"


class Required(Struct, frozen=True, kw_only=True):
    """The plan that was reviewed: its digest, and the digests of its changes where they are known.

    By the digest alone only the same plan can be told; by those of the changes, also a part of it.
    """

    digest: str
    changes: frozenset[str] | None = None


def read_required(text: str) -> Required:
    """What `--require-plan-digest` names: a digest, or the file of a JSON plan. Raises UsageError."""
    # Comments for a pull request say of which kind it is.
    if _DIGEST.fullmatch(plain := text.removeprefix("sha256:")):
        return Required(digest=plain)
    try:
        document = json.loads(Path(text).read_bytes())
    except OSError as problem:
        summary = f"--require-plan-digest {text!r} is no digest, and no file: {problem.strerror or problem}"
        raise UsageError(summary, hint=_HINT) from problem
    except ValueError as problem:
        raise UsageError(f"{text} is no JSON plan", hint=_HINT) from problem
    if (found := _of_document(document)) is None:
        raise UsageError(f"{text} is no JSON plan with a digest", hint=_HINT)
    return found


def _of_document(document: Json) -> Required | None:
    match document:
        case {"type": "plan", "digest": str(digest), "targets": [*targets]}:
            listed = [one.get("digests") for one in targets if isinstance(one, dict)]
            every = [digest for digests in listed if isinstance(digests, list) for digest in digests]
            return Required(digest=digest, changes=frozenset(every))
    return None


def required_checked(results: Sequence[TargetPlan], required: Required | None) -> tuple[TargetPlan, ...]:
    """The plans, each refused that has changes, where together they are not what was reviewed and no part of it."""
    plans = [one.plan for one in results if one.plan is not None and one.can_apply and not one.plan.is_empty]
    if required is None or not plans or plans_digest(plans) == required.digest:
        return tuple(results)
    found = tuple(_more(plans, required))
    if not found:
        return tuple(results)
    return tuple(
        replace(one, problem=PlanOutdated(found)) if one.can_apply and one.plan and not one.plan.is_empty else one
        for one in results
    )


def _more(plans: Sequence[Plan], required: Required) -> list[Diagnostic]:
    """What is not a part of what was reviewed."""
    hint = "have this plan reviewed, and give its digest"
    told = f"its digest is {plans_digest(plans)}, required is {required.digest}"
    if required.changes is None:
        return [error("this plan is not the one that was reviewed", detail=told, hint=hint)]
    return [
        error(
            f"this change of {address.short} was not reviewed",
            detail=f"no change of the required plan is the same in every field; {told}",
            hint=hint,
            address=str(address),
        )
        for plan in plans
        for address, digest in digests_by_address(plan)
        if digest not in required.changes
    ]
