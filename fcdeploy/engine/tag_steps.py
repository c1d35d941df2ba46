"""The steps of a resource's tags: one that adds, one that removes, and what takes each back. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from fcdeploy.engine.canonical import fingerprint
from fcdeploy.engine.snapshot import Site
from fcdeploy.engine.wire import tag_calls
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Address, Json, JustCreated, Recheck, Step


def tag_steps(
    address: Address,
    before: Mapping[str, Json],
    wanted: Mapping[str, Json],
    site: Site,
    *,
    after: str | None,
    created: bool,
) -> tuple[Step, ...]:
    """The steps that bring the tags from `before` to `wanted`; they come after the step with the id `after`.

    `created`: that step creates the resource, so there is nothing to guard and nothing to take back.
    """
    kind = kind_of(address)
    assert kind.tags is not None
    here = dict(before)
    steps: list[Step] = []
    needs = frozenset({after}) if after else frozenset[str]()
    for call in tag_calls(kind, address.identity, before, wanted, site.scope, address.short):
        adding = call.operation == kind.tags.put.name
        there = {**here, **wanted} if adding else dict(wanted)
        verb = "tag" if adding else "untag"
        undo = tuple(
            Step(
                id=f"undo {verb} {address}",
                address=address,
                action=Action.UPDATE,
                group=kind.tags.name,
                call=back,
                guard=Recheck(fingerprint=fingerprint(there)),
                before={kind.tags.field: there},
                after={kind.tags.field: here},
            )
            # Keys are only added or only removed by one call, so exactly one call takes it back, but where values
            # changed: they are put back first, then what was new is removed.
            for back in tag_calls(kind, address.identity, there, here, site.scope, address.short)
        )
        steps.append(
            Step(
                id=f"{verb} {address}",
                address=address,
                action=Action.UPDATE,
                group=kind.tags.name,
                call=call,
                guard=JustCreated() if created else Recheck(fingerprint=fingerprint(here)),
                before={kind.tags.field: here},
                after={kind.tags.field: there},
                needs=needs,
                undo=() if created else _in_sequence(undo),
            )
        )
        here, needs = there, frozenset({steps[-1].id})
    return tuple(steps)


def _in_sequence(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Undo steps of one step: each after the one before, each from where the one before left off."""
    ordered: list[Step] = []
    for index, step in enumerate(steps):
        if index == 0 and len(steps) > 1:
            field = next(iter(step.before or {}))
            start, end = (step.before or {})[field], (step.after or {})[field]
            step = replace(step, after={field: {**start, **end}})
        elif index:
            earlier = ordered[-1].after or {}
            field = next(iter(earlier))
            step = replace(
                step,
                id=f"{step.id} {index + 1}",
                before=dict(earlier),
                guard=Recheck(fingerprint=fingerprint(earlier[field])),
                needs=frozenset({ordered[-1].id}),
            )
        ordered.append(step)
    return tuple(ordered)
