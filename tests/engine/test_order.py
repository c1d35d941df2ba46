"""The order of the steps of a plan: what is found by place alone is what a search for it gives."""

from __future__ import annotations

import random
from collections.abc import Sequence
from graphlib import TopologicalSorter

from fcdeploy.engine.order import _ordered
from fcdeploy.model import Action, Address, Call, MustNotExist, Step

CALL = Call(operation="CreateService", method="POST", path="/services")


def step(number: int, needs: set[int], *, place: int, last: bool) -> Step:
    return Step(
        id=f"create {number}",
        address=Address(provider="alibaba", target="dev", kind="service", identity=(f"s{place}",)),
        action=Action.CREATE,
        group="body",
        call=CALL,
        guard=MustNotExist(),
        before=None,
        after={},
        needs=frozenset({f"create {need}" for need in needs}),
        last=last,
    )


def searched_for(placed: Sequence[Step]) -> tuple[Step, ...]:
    """Round by round, what is ready by its place; what is last after all else."""
    by_id = {step.id: step for step in placed}
    place = {step.id: index for index, step in enumerate(placed)}
    sorter = TopologicalSorter({step.id: step.needs & by_id.keys() for step in placed})
    sorter.prepare()
    ordered: list[Step] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        ordered += [by_id[name] for name in ready]
        sorter.done(*ready)
    return tuple(sorted(ordered, key=lambda step: step.last))


def test_steps_come_in_rounds_by_what_they_need_whatever_their_addresses() -> None:
    chance = random.Random(7)
    searched = 0
    for _ in range(300):
        count = chance.randrange(1, 9)
        places = chance.sample(range(count), count) if chance.random() < 0.5 else list(range(count))
        steps = [
            step(
                number,
                {need for need in range(number) if chance.random() < 0.3} | ({99} if chance.random() < 0.1 else set()),
                place=places[number] // 2,
                last=chance.random() < 0.2,
            )
            for number in range(count)
        ]
        chance.shuffle(steps)
        placed = sorted(steps, key=lambda one: (one.last, one.address))
        ids = [one.id for one in placed]
        searched += any(need in ids[index:] for index, one in enumerate(placed) for need in one.needs)
        assert _ordered(steps) == searched_for(placed)
    assert 50 < searched < 250
