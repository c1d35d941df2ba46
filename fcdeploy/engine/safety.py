"""What a plan must not do unless it is asked twice (S12, S15). Pure: the plan's changes in, findings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fcdeploy.diagnostics import Diagnostic, error
from fcdeploy.engine.as_spec import spec_tree
from fcdeploy.engine.diff import is_given
from fcdeploy.engine.ownership import Owned, Wishes
from fcdeploy.engine.snapshot import Desired, Snapshot, root_of
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Address, Change, Json, Plan

MOST_PERCENT = 30
FEWEST_OWNED = 10
MARKS = "tags.fcdeploy."


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
    found += _adoption_losses(changes, desired, snapshot, owned)
    if not destroying and not wishes.allow_unsafe:
        found += _unsafe(leaving, owned, snapshot)
    return tuple(found)


def held_findings(held: Mapping[Address, Mapping[str, int]]) -> tuple[Diagnostic, ...]:
    """Deletes that the service would refuse after everything beneath is gone (law 6); better not to begin."""
    return tuple(
        error(
            f"{address.short} cannot be deleted: it has {_counted(found)}",
            detail="fcdeploy did not make them and does not delete them, and the service refuses to go without",
            hint="delete them first, or keep the resource in the file",
            address=str(address),
        )
        for address, found in sorted(held.items())
        if found
    )


def _counted(found: Mapping[str, int]) -> str:
    return " and ".join(f"{count} {what if count != 1 else what.removesuffix('s')}" for what, count in found.items())


def leaving(plan: Plan) -> int:
    """How many resources a plan deletes or replaces."""
    return plan.count(Action.DELETE) + plan.count(Action.REPLACE)


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


def _protected(change: Change) -> Diagnostic:
    return error(
        f"{change.address.short} is protected and would be {change.action.value}d",
        detail=change.reason,
        hint="remove `protect: true` first, in a change of its own",
        address=str(change.address),
        span=change.span,
    )


def _unsafe(leaving: Sequence[Change], owned: Owned, snapshot: Snapshot) -> list[Diagnostic]:
    found = [
        error(
            f"the plan deletes {change.address.short}",
            detail=f"with everything in it: {change.reason}",
            hint="look at the plan, then pass --allow-unsafe",
            address=str(change.address),
            span=change.span,
        )
        for change in leaving
        if kind_of(change.address).parent is None and change.action is Action.DELETE
    ]
    total = sum(1 for address in snapshot.lives if root_of(address) in owned.roots)
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


def _adoption_losses(changes: Sequence[Change], desired: Desired, snapshot: Snapshot, owned: Owned) -> list[Diagnostic]:
    """What `--adopt` would take away, with the YAML that keeps it (S12)."""
    found: list[Diagnostic] = []
    for change in changes:
        if root_of(change.address) not in owned.gently:
            continue
        if change.action in (Action.DELETE, Action.REPLACE):
            live = snapshot.lives[change.address]
            found.append(
                error(
                    f"adopting would {change.action.value} {change.address.short}",
                    detail="`--adopt` takes nothing away; to keep it, add to the file:\n"
                    + keeping_yaml(change.address, live.body),
                    hint=_adopt_over(change.address),
                    address=str(change.address),
                    span=change.span,
                )
            )
        elif change.action is Action.UPDATE:
            lost = _lost(change, desired[change.address].body, snapshot.lives[change.address].body)
            if lost:
                found.append(
                    error(
                        f"adopting would reset fields of {change.address.short}",
                        detail="`--adopt` takes nothing away; to keep them, add to the file:\n"
                        + as_yaml(_nested(lost)),
                        hint=_adopt_over(change.address),
                        address=str(change.address),
                        span=change.span,
                    )
                )
    return found


def _adopt_over(address: Address) -> str:
    root = root_of(address)
    return f"or accept that: --adopt-over '{root.kind}:{root.name}'"


def _lost(change: Change, given: Mapping[str, Json], live: Mapping[str, Json]) -> dict[tuple[str, ...], Json]:
    """What an update resets only because the file does not name it, by its path in the file."""
    kind = kind_of(change.address)
    lost: dict[tuple[str, ...], Json] = {}
    for one in change.fields:
        path = _parts(one.path, live)
        # The mark of whom it is adopted from is meant to go.
        is_mark = one.path.startswith(MARKS)
        if one.before is not None and not is_mark and not is_given(path, given):
            lost[(kind.field(path[0]).spec_name, *path[1:])] = one.before
    return lost


def _parts(path: str, body: Json) -> tuple[str, ...]:
    """A dotted path taken apart along a body whose own keys may hold dots, as those of tags do."""
    keys = [key for key in body if path == key or path.startswith(f"{key}.")] if isinstance(body, Mapping) else []
    if not keys:
        return (path,)
    key = max(keys, key=len)
    return (key,) if path == key else (key, *_parts(path[len(key) + 1 :], body[key]))


def keeping_yaml(address: Address, body: Mapping[str, Json]) -> str:
    """The lines that declare a live resource as it is; values that are defaults are left out."""
    return as_yaml(spec_tree({address: body}))


def as_yaml(value: Json) -> str:
    """YAML text in block style, keys in their given order."""
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, default_flow_style=False, allow_unicode=True)).rstrip()


def _nested(paths: Mapping[tuple[str, ...], Json]) -> dict[str, Json]:
    tree: dict[str, Json] = {}
    for (*above, leaf), value in paths.items():
        here = tree
        for part in above:
            here = here.setdefault(part, {})
        here[leaf] = value
    return tree
