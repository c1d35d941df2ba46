"""One target's drift: plan's reading half, and what the journal knows of who moved."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager

from fcdeploy.app.bench import Bench
from fcdeploy.app.code import Packages
from fcdeploy.app.planning import read_compared
from fcdeploy.app.reports import TargetDrift
from fcdeploy.diagnostics import Diagnostic, warning
from fcdeploy.engine.comparing import Comparing
from fcdeploy.engine.drift import drifting, drifts
from fcdeploy.engine.journal import Journal, fold
from fcdeploy.engine.ownership import Wishes, orphan_warnings
from fcdeploy.engine.references import located
from fcdeploy.engine.snapshot import Desired, Snapshot
from fcdeploy.engine.traces import Trace, traces_of
from fcdeploy.engine.unmarked import undeclared_warnings
from fcdeploy.errors import PlanRefused, RunError
from fcdeploy.model import Action, Address, Json, Target


async def read_drift(
    bench: Bench,
    packages: Packages,
    desired: Desired,
    snapshot: Snapshot,
    *,
    targets: Collection[Target],
    destroying: bool,
    opening: Callable[[], AbstractAsyncContextManager[Journal | None]],
    comparing: Comparing,
    warnings: tuple[Diagnostic, ...] = (),
) -> TargetDrift:
    """What live and the file disagree on. `snapshot` is what the lists gave, `opening` opens the target's journal.

    `comparing` knows what was compared while the rest was read.

    Raises ReadFailed.
    """
    wanted = located(desired, bench.site.scope)
    both = await read_compared(bench, packages, wanted, snapshot, Wishes(), destroying=destroying, comparing=comparing)
    # What stops a plan of a resource that the file wants is drift as well: it is somebody else's, or not there.
    texts = {str(address): address for address in both.wanted}
    stopped = [texts[one.address] for one in both.owned.found if one.address in texts]
    refusals = [one for one in both.owned.found if one.address not in texts]
    gaps = drifting(both.found, stopped, both.snapshot)
    traces: dict[Address, Trace] | None = None
    unread: tuple[Diagnostic, ...] = ()
    if gaps:
        try:
            async with opening() as journal:
                traces = await read_traces(journal, gaps) if journal is not None else None
        except RunError as problem:
            unread = (warning(problem.summary, detail=problem.detail, hint=problem.hint),)
    return TargetDrift(
        target=bench.site.target,
        drifts=drifts(both.found, gaps, both.wanted, both.snapshot, traces),
        equal=sum(1 for one in both.found if one.action is Action.NONE),
        compared=traces is not None,
        warnings=(
            *bench.warnings,
            *warnings,
            *unread,
            *orphan_warnings(both.snapshot, bench.site, targets),
            *undeclared_warnings(wanted, both.snapshot, both.owned, bench.site.scope),
        ),
        problem=PlanRefused(refusals) if refusals else None,
    )


async def read_traces(journal: Journal, addresses: Collection[Address]) -> dict[Address, Trace]:
    """What past runs left of these resources. Raises JournalError."""
    open_ones = {str(address): address for address in addresses}
    traces: dict[Address, Trace] = {}
    for record in await journal.read_runs():
        if not open_ones:
            break
        if open_ones.keys().isdisjoint(step.address for step in record.steps):
            continue
        standing = fold(await journal.read_events(record.id))
        steps = (await journal.read_plan(record.id, _unknown_secret)).steps if record.plan else None
        for address, trace in traces_of(record, steps, standing, open_ones.values()).items():
            traces[address] = traces[address].over(trace) if address in traces else trace
            if traces[address].whole:
                del open_ones[str(address)]
    return traces


def _unknown_secret(part: Json) -> str:
    """Secrets are not resolved for this: what one is now need not be what it was then."""
    del part
    return ""
