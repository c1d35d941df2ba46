"""One target's plan: read, compare, read singly what will change, compare again (S19)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from fcdeploy.app.bench import Bench
from fcdeploy.app.code import Packages, with_live_code
from fcdeploy.diagnostics import Diagnostic
from fcdeploy.engine.ownership import Owned, Wishes, orphan_warnings, verdicts
from fcdeploy.engine.planner import differences, present, to_plan
from fcdeploy.engine.references import located
from fcdeploy.engine.renames import protected_renames, renamed
from fcdeploy.engine.safety import held_findings, safety_findings
from fcdeploy.engine.snapshot import Desired, Snapshot
from fcdeploy.engine.steps import Difference
from fcdeploy.engine.unmarked import undeclared_warnings, with_unmarked
from fcdeploy.errors import ReadFailed
from fcdeploy.model import Action, Plan

MOST_READS = 4
CHANGING = (Action.UPDATE, Action.REPLACE, Action.DELETE)


async def read_plan(
    bench: Bench,
    packages: Packages,
    desired: Desired,
    snapshot: Snapshot,
    wishes: Wishes,
    *,
    targets: Collection[str],
    destroying: bool,
    for_apply: bool,
    warnings: tuple[Diagnostic, ...] = (),
) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """The plan, and what forbids applying it. Raises ReadFailed.

    `snapshot` is what the lists gave. `targets` are the names in the file (S9). `for_apply` also fetches the code of
    functions that will be deleted, so that they can be brought back.
    """
    desired = located(desired, bench.site.scope)
    both = await read_compared(
        bench, packages, desired, snapshot, wishes, destroying=destroying, for_undo=for_apply and not destroying
    )
    wanted, snapshot, owned, found = both.wanted, both.snapshot, both.owned, both.found
    plan = to_plan(
        found,
        snapshot,
        bench.site,
        (
            *bench.warnings,
            *warnings,
            *orphan_warnings(snapshot, bench.site, targets),
            *undeclared_warnings(desired, snapshot, owned),
        ),
        destroying=destroying,
    )
    protected = frozenset(address for address, resource in desired.items() if resource.protect)
    refusals = safety_findings(
        plan.changes, wanted, snapshot, owned, wishes, destroying=destroying, protected=protected
    )
    leaving = {one.address for one in found if one.action is Action.DELETE}
    refusals = (*refusals, *protected_renames(renamed(desired, leaving), desired))
    going = [one.address for one in found if one.action is Action.DELETE and one.kind.holds]
    held = dict(zip(going, await asyncio.gather(*map(bench.reader.read_held, going)), strict=True))
    return plan, (*owned.found, *refusals, *held_findings(held))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Both sides of a target: what the file wants to be there, what is live, whose it is, and what differs."""

    wanted: Desired
    snapshot: Snapshot
    owned: Owned
    found: tuple[Difference, ...]


async def read_compared(
    bench: Bench,
    packages: Packages,
    desired: Desired,
    snapshot: Snapshot,
    wishes: Wishes,
    *,
    destroying: bool = False,
    for_undo: bool = False,
) -> Compared:
    """The reading half of a plan: `desired` is located, `snapshot` what the lists gave. Raises ReadFailed."""
    wanted: Desired = {} if destroying else present(desired, bench.site.scope.api)
    snapshot, owned, found = await _settled(bench, wanted, desired, snapshot, wishes)
    needing = await with_live_code(bench, packages, snapshot, found, for_undo=for_undo)
    if needing is not snapshot:
        snapshot = needing
        found = differences(wanted, snapshot, owned, bench.site)
    return Compared(wanted=wanted, snapshot=snapshot, owned=owned, found=found)


async def _settled(
    bench: Bench, wanted: Desired, declared: Desired, snapshot: Snapshot, wishes: Wishes
) -> tuple[Snapshot, Owned, tuple[Difference, ...]]:
    """The differences with an ETag for each resource that will change, from the very body that was compared.

    Whose it is, is read in the same body: another writer may have marked it since the lists were read.
    """
    for _ in range(MOST_READS):
        owned = verdicts(wanted, snapshot, bench.site, wishes, declared=declared)
        owned = with_unmarked(owned, declared, snapshot, wishes)
        found = differences(wanted, snapshot, owned, bench.site)
        missing = [
            one.address for one in found if one.action in CHANGING and one.live is not None and one.live.etag is None
        ]
        if not missing:
            return snapshot, owned, found
        snapshot = snapshot.with_lives(await bench.reader.read_singly(missing))
    raise ReadFailed(
        "live state keeps changing while it is read",
        resource=", ".join(address.short for address in missing[:3]),
        hint="another deployment seems to be under way; try again when it has ended",
    )
