"""One target's plan: read, compare, read singly what will change, compare again (S19)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec import Struct
from msgspec.structs import replace

from fcdeploy.app.bench import Bench
from fcdeploy.app.code import Packages, with_live_code
from fcdeploy.diagnostics import Diagnostic, Severity
from fcdeploy.engine.attributes import to_read
from fcdeploy.engine.comparing import Comparing
from fcdeploy.engine.only import Narrowed, about, narrowed
from fcdeploy.engine.ownership import Owned, Wishes, orphan_warnings, verdicts
from fcdeploy.engine.pins import pin_findings
from fcdeploy.engine.planner import differences, present, to_plan
from fcdeploy.engine.references import located
from fcdeploy.engine.renames import protected_renames, renamed
from fcdeploy.engine.safety import safety_findings
from fcdeploy.engine.series import frozen_to_see
from fcdeploy.engine.snapshot import Desired, Snapshot
from fcdeploy.engine.steps import Difference
from fcdeploy.engine.together import together
from fcdeploy.engine.unmarked import undeclared_warnings, with_unmarked
from fcdeploy.errors import ReadFailed
from fcdeploy.model import Action, Address, Plan, Target

MOST_READS = 4
CHANGING = (Action.UPDATE, Action.REPLACE, Action.DELETE)


async def read_plan(
    bench: Bench,
    packages: Packages,
    desired: Desired,
    snapshot: Snapshot,
    wishes: Wishes,
    *,
    targets: Collection[Target],
    destroying: bool,
    for_apply: bool,
    warnings: tuple[Diagnostic, ...] = (),
    touched: frozenset[Address] | None = None,
    comparing: Comparing | None = None,
) -> tuple[Plan, tuple[Diagnostic, ...], Compared]:
    """The plan, what forbids applying it, and what it was made from. Raises ReadFailed.

    `snapshot` is what the lists gave. `targets` are all those of the file (S9). `for_apply` also fetches the code of
    functions that will be deleted, so that they can be brought back. `touched`: nothing else is to be changed.
    `comparing` knows what was compared while the rest was read.
    """
    desired = located(desired, bench.site.scope)
    both = await read_compared(
        bench,
        packages,
        desired,
        snapshot,
        wishes,
        destroying=destroying,
        for_undo=for_apply and not destroying,
        touched=touched,
        comparing=comparing,
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
            *undeclared_warnings(desired, snapshot, owned, bench.site.scope),
        ),
        destroying=destroying,
        absent={address for address, resource in desired.items() if resource.absent},
    )
    plan = replace(plan, left_out=both.left_out)
    protected = frozenset(address for address, resource in desired.items() if resource.protect)
    refusals = safety_findings(
        plan.changes, wanted, snapshot, owned, wishes, destroying=destroying, protected=protected
    )
    leaving = {one.address for one in found if one.action is Action.DELETE}
    refusals = (*refusals, *protected_renames(renamed(desired, leaving), desired))
    notes = [note for one in found for note in one.notes if note.severity is Severity.ERROR]
    pins = pin_findings(found, snapshot, forward=wishes.forward)
    return plan, (*owned.found, *both.refusals, *notes, *pins, *refusals), both


class Compared(Struct, frozen=True, kw_only=True):
    """Both sides of a target: what the file wants to be there, what is live, whose it is, and what differs.

    `left_out` and `refusals` say what `--only` left out, and why what is left cannot be done (S46).
    """

    wanted: Desired
    snapshot: Snapshot
    owned: Owned
    found: tuple[Difference, ...]
    left_out: int = 0
    refusals: tuple[Diagnostic, ...] = ()


async def read_compared(
    bench: Bench,
    packages: Packages,
    desired: Desired,
    snapshot: Snapshot,
    wishes: Wishes,
    *,
    destroying: bool = False,
    for_undo: bool = False,
    touched: frozenset[Address] | None = None,
    comparing: Comparing | None = None,
) -> Compared:
    """The reading half of a plan: `desired` is located, `snapshot` what the lists gave. Raises ReadFailed.

    `touched`: what differs elsewhere stays as it is. `comparing` is as for `read_plan`.
    """
    known = comparing or Comparing(bench.site)
    wanted: Desired = {} if destroying else present(desired, bench.site.scope.api)

    def compared(here: Snapshot) -> tuple[Owned, Narrowed]:
        owned = verdicts(wanted, here, bench.site, wishes, declared=desired)
        owned = with_unmarked(owned, desired, here, wishes, bench.site.scope)
        left = narrowed(differences(wanted, here, owned, bench.site, known), wanted, wishes.only, bench.site)
        if touched is not None:
            left = replace(
                left, found=tuple(one for one in left.found if one.action is Action.NONE or one.address in touched)
            )
        return owned, left

    unsaid = to_read(wanted, snapshot)
    if unsaid:
        snapshot = snapshot.with_lives(await bench.reader.read_singly(unsaid))
    snapshot, owned, left = await _settled(bench, snapshot, compared)
    unseen = frozen_to_see(left.found, snapshot, bench.site)
    if unseen:
        seen = await together(map(bench.reader.read_frozen, unseen))
        bodies = {address: frozen.bodies for address, frozen in zip(unseen, seen, strict=True)}
        snapshot = replace(snapshot, frozen={**snapshot.frozen, **bodies})
        owned, left = compared(snapshot)
    needing = await with_live_code(bench, packages, snapshot, left.found, for_undo=for_undo)
    if needing is not snapshot:
        snapshot = needing
        owned, left = compared(snapshot)
    return Compared(
        wanted=wanted,
        snapshot=snapshot,
        owned=replace(owned, found=about(owned.found, wanted, wishes.only)),
        found=left.found,
        left_out=left.left_out,
        refusals=left.refusals,
    )


async def _settled(
    bench: Bench, snapshot: Snapshot, compared: Callable[[Snapshot], tuple[Owned, Narrowed]]
) -> tuple[Snapshot, Owned, Narrowed]:
    """The differences with an ETag for each resource that will change, from the very body that was compared.

    Whose it is, is read in the same body: another writer may have marked it since the lists were read.
    """
    for _ in range(MOST_READS):
        owned, left = compared(snapshot)
        missing = [
            one.address
            for one in left.found
            if one.action in CHANGING
            and one.live is not None
            and one.live.etag is None
            and one.kind.numbering is None  # nobody can change it
        ]
        if not missing:
            return snapshot, owned, left
        snapshot = snapshot.with_lives(await bench.reader.read_singly(missing))
    raise ReadFailed(
        "live state keeps changing while it is read",
        resource=", ".join(address.short for address in missing[:3]),
        hint="another deployment seems to be under way; try again when it has ended",
    )
