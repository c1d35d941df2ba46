"""Whatever the order in which steps end: each starts once, after all that it needs, and what is last after the rest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fcdeploy.engine.schedule import Schedule
from fcdeploy.model import Action, Address, Call, MustNotExist, Step


def step(number: int, needs: frozenset[str], last: bool) -> Step:
    return Step(
        id=str(number),
        address=Address(provider="alibaba", target="dev", kind="service", identity=(f"s{number}",)),
        action=Action.CREATE,
        group="body",
        call=Call(operation="CreateService", method="POST", path="/services"),
        guard=MustNotExist(),
        before=None,
        after={},
        needs=needs,
        last=last,
    )


@st.composite
def plans(draw: st.DrawFn) -> list[Step]:
    """Steps that need earlier ones; the last ones of a plan are `last`, as a planner makes them."""
    size = draw(st.integers(0, 12))
    early = draw(st.integers(0, size))
    return [
        step(number, frozenset(map(str, draw(st.sets(st.integers(0, number - 1))) if number else ())), number >= early)
        for number in range(size)
    ]


@given(plans(), st.data())
def test_steps_start_when_all_they_need_is_there(steps: list[Step], data: st.DataObject) -> None:
    done = data.draw(st.sets(st.sampled_from([one.id for one in steps]))) if steps else set()
    failing = data.draw(st.sets(st.sampled_from([one.id for one in steps]))) if steps else set()
    schedule = Schedule(steps, done)
    succeeded, started, running = set(done), list[str](), list[Step]()
    while True:
        while (one := schedule.take()) is not None:
            assert one.id not in started and one.id not in done
            assert one.needs <= succeeded, "everything it needs is there"
            if one.last:
                assert all(other.id in succeeded for other in steps if not other.last), "all else succeeded (S34)"
            started.append(one.id)
            running.append(one)
        if not running:
            break
        ended = running.pop(data.draw(st.integers(0, len(running) - 1)))
        if ended.id not in failing:
            succeeded.add(ended.id)
            schedule.succeeded(ended)
    assert [one.id for one in schedule.not_taken] == [
        one.id for one in steps if one.id not in started and one.id not in done
    ]
    if not failing - done:
        assert schedule.not_taken == ()
