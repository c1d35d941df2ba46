"""What a plan must not do unless it is asked twice (S12, S15). Pure: the plan's changes in, findings out."""

from __future__ import annotations

from collections.abc import Sequence

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.engine.adoption import adoption_findings
from fcdeploy.engine.ownership import Owned, Wishes, is_adopted, is_owned
from fcdeploy.engine.snapshot import Desired, Snapshot, lineage
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Address, Change, Plan

MOST_PERCENT = 30
FEWEST_OWNED = 10


def safety_findings(
    changes: Sequence[Change],
    desired: Desired,
    snapshot: Snapshot,
    owned: Owned,
    wishes: Wishes,
    *,
    destroying: bool,
    protected: frozenset[Address],
) -> tuple[Diagnostic, ...]:
    """Everything that stops this plan; `protected` are addresses that the file protects, also while destroying."""
    found: list[Diagnostic] = []
    leaving = [change for change in changes if change.action in (Action.DELETE, Action.REPLACE)]
    found += [_protected(change) for change in leaving if change.address in protected]
    found += [one for change in leaving for one in _guests(change, snapshot, owned)]
    found += adoption_findings(changes, desired, snapshot, owned)
    if not destroying and not wishes.allow_unsafe:
        found += _unsafe(leaving, owned, snapshot)
    return tuple(found)


def leaving(plan: Plan) -> int:
    """How many resources a plan deletes or replaces."""
    return sum(1 for change in plan.changes if _leaves(change))


def whole_run_findings(plans: Sequence[Plan]) -> tuple[Diagnostic, ...]:
    """The same limit over all targets of a run (S15); a retired target is meant to go and does not count."""
    counted = [plan for plan in plans if not plan.target.retired]
    gone = sum(map(leaving, counted))
    total = sum(plan.unchanged + plan.count(Action.UPDATE) + leaving(plan) for plan in counted)
    if len(counted) < 2 or total < FEWEST_OWNED or gone * 100 <= MOST_PERCENT * total:
        return ()
    return (
        error(
            f"the run deletes or replaces {gone} of {total} owned resources in {len(counted)} targets",
            detail=f"more than {MOST_PERCENT} % of at least {FEWEST_OWNED} is taken for a mistake",
            hint="look at the plans, then pass --allow-unsafe",
        ),
    )


def _leaves(change: Change) -> bool:
    """Whether a change takes a resource away; old numbers that go are no loss of the service (S15)."""
    return change.action in (Action.DELETE, Action.REPLACE) and kind_of(change.address).numbering is None


def _protected(change: Change) -> Diagnostic:
    return error(
        f"{change.address.short} is protected and would be {change.action.value}d",
        detail=change.reason,
        hint="remove `protect: true` first, in a change of its own",
        address=str(change.address),
        span=change.span,
    )


def _guests(change: Change, snapshot: Snapshot, owned: Owned) -> list[Diagnostic]:
    """What somebody else keeps in a resource of ours that is to go (S10)."""
    guests = [
        address
        for address in snapshot.under(change.address)
        if not is_owned(address, owned) and is_owned(lineage(address)[1], owned)
    ]
    return [
        error(
            f"{change.address.short} cannot be {change.action.value}d: {guest.short} in it belongs to "
            f"{snapshot.lives[guest].mark or 'somebody else'}",
            detail="it would go, too, or the service would refuse",
            hint="have it removed first, or keep the resource in the file",
            address=str(change.address),
            span=change.span,
        )
        for guest in guests
    ]


def _unsafe(leaving: Sequence[Change], owned: Owned, snapshot: Snapshot) -> list[Diagnostic]:
    if not leaving:
        return []
    found = [
        error(
            f"the plan deletes {change.address.short}",
            detail=f"with everything in it: {change.reason}",
            hint="look at the plan, then pass --allow-unsafe",
            address=str(change.address),
            span=change.span,
        )
        for change in leaving
        if kind_of(change.address).parent is None and change.action is Action.DELETE and _leaves(change)
    ]
    # What an adoption takes away is accepted or refused by itself (S12).
    leaving = [change for change in leaving if _leaves(change) and not is_adopted(change.address, owned)]
    total = sum(
        1
        for address in snapshot.lives
        if is_owned(address, owned) and not is_adopted(address, owned) and kind_of(address).numbering is None
    )
    if total >= FEWEST_OWNED and len(leaving) * 100 > MOST_PERCENT * total:
        percent = round(len(leaving) * 100 / total)
        found.append(
            error(
                f"the plan deletes or replaces {len(leaving)} of {total} owned resources ({percent} %)",
                detail=f"more than {MOST_PERCENT} % of at least {FEWEST_OWNED} is taken for a mistake",
                hint="look at the plan, then pass --allow-unsafe",
            )
        )
    return found
