"""Concurrency that gives way and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fcdeploy.cloud.limiter import FEW, Limiter, Limiters, Room
from fcdeploy.cloud.pace import KEEP, START, Pace
from fcdeploy.cloud.repeater import Repeater
from fcdeploy.errors import NoReply


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def through(limiter: Limiter) -> AsyncIterator[None]:
    """One attempt."""
    if limiter.enter() is None:
        await limiter.turn()
    try:
        yield
    finally:
        limiter.leave()


def test_it_halves_and_grows_at_most_once_a_window() -> None:
    clock = Clock()
    limiter = Limiter(16, window=1.0, clock=clock)
    limiter.in_flight = 16  # every place is taken, so that a refusal is about their number
    seen = []
    for seconds, well in [(0, False), (0.5, False), (0.5, False), (0.4, True), (0.6, True), (0.5, True), (0.5, True)]:
        clock.now += seconds
        limiter.went_well() if well else limiter.no_room()
        seen.append(limiter.limit)
    assert seen == [8, 8, 4, 4, 5, 5, 6]
    for _ in range(50):
        clock.now += 1.0
        limiter.went_well()
    assert limiter.limit == 16
    for _ in range(50):
        clock.now += 1.0
        limiter.no_room()
    assert limiter.limit == 1


def test_a_pause_holds_up_everyone() -> None:
    async def main() -> None:
        limiter = Limiter(4)
        limiter.no_room(retry_after=0.2)
        loop = asyncio.get_running_loop()
        began, passed = loop.time(), []

        async def one() -> None:
            async with through(limiter):
                passed.append(loop.time() - began)

        await asyncio.gather(*(one() for _ in range(6)))
        assert len(passed) == 6 and min(passed) >= 0.19

    asyncio.run(main())


@settings(max_examples=60, deadline=None)
@given(
    ceiling=st.integers(1, 5),
    jobs=st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), min_size=1, max_size=25),
)
def test_never_more_than_the_limit_and_nobody_is_forgotten(
    run_virtually: Any, ceiling: int, jobs: list[tuple[int, bool, bool]]
) -> None:
    """Jobs take some turns of the loop, some are cancelled, some are refused."""

    async def main() -> None:
        limiter = Limiter(ceiling, window=0.0, clock=asyncio.get_running_loop().time)
        most = done = 0

        async def job(turns: int, refused: bool) -> None:
            nonlocal most, done
            async with through(limiter):
                most = max(most, limiter.in_flight)
                for _ in range(turns):
                    await asyncio.sleep(0)
                limiter.no_room() if refused else limiter.went_well()
            done += 1

        tasks = [asyncio.create_task(job(turns, refused)) for turns, refused, _ in jobs]
        await asyncio.sleep(0)
        cancelled = [task.cancel() for task, (_, _, cancel) in zip(tasks, jobs, strict=True) if cancel]
        async with asyncio.timeout(100):
            await asyncio.gather(*tasks, return_exceptions=True)
        assert most <= ceiling
        assert done >= len(jobs) - len(cancelled)
        assert limiter.in_flight == 0

    run_virtually(main())


def test_once_there_is_a_pace_the_places_are_halved_only_if_they_were_used_up() -> None:
    clock = Clock()
    limiter = Limiter(16, clock=clock)
    seen = []
    for in_flight in (1, 7, 8):
        limiter.in_flight = in_flight
        limiter.no_room()
        seen.append((limiter.limit, limiter.pace.rate))
        clock.now += 1.0
    assert seen == [(8, START), (8, START / 2), (4, START / 2 * KEEP)]


def test_what_was_refused_of_the_calls_on_their_way_is_one_refusal() -> None:
    clock = Clock()
    limiter = Limiter(16, clock=clock)
    limiter.in_flight = 16
    left = clock.now
    for _ in range(16):
        clock.now += 1.0
        limiter.no_room(left=left)
    assert (limiter.limit, limiter.pace.rate) == (8, START)
    limiter.no_room(left=clock.now)
    assert limiter.pace.rate < START


def test_what_flowed_in_during_a_pause_leaves_at_once_and_half_of_it_when_others_took_some() -> None:
    """A bucket of 100 that fills with 50 a second, of which another takes all but 20 from the fourth time on."""
    pace, now, tokens, resume = Pace(), 0.0, 100.0, 0.0
    rushes = []
    while len(rushes) < 5:
        at_once, refused = 0, False
        while not refused and now < 100:
            at = max(now, pace.opens)
            at_once += at < resume + 0.001
            tokens, now = min(100.0, tokens + (at - now) * 50), at
            pace.held()
            pace.leave(at)
            if refused := tokens < 1:
                pace.refused(now, left=at, resume=now + 2.0)
            else:
                tokens -= 1
                pace.went_well(now, paused=False)
        rushes.append(at_once)
        tokens, now = 100.0 if len(rushes) < 3 else 20.0, now + 2.0
        resume = now
    # How fast it fills is known with the second refusal; then nine tenths of what flowed in leave with the next one.
    assert rushes[:4] == [101, 0, 91, 21] and rushes[4] <= 46


def test_one_limiter_for_each_account_and_region() -> None:
    limiters = Limiters(7)
    here = limiters.of("alibaba", "1", "cn-hangzhou")
    assert here is limiters.of("alibaba", "1", "cn-hangzhou") and here.ceiling == 7
    others = [limiters.of("alibaba", "2", "cn-hangzhou"), limiters.of("alibaba", "1", "cn-shanghai")]
    assert len({id(one) for one in (here, *others)}) == 3


@settings(max_examples=40, deadline=None)
@given(
    most=st.integers(1, 6),
    places=st.lists(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12), min_size=1, max_size=5),
)
def test_places_take_turns_where_there_is_room_for_few_of_all(
    run_virtually: Any, most: int, places: list[list[tuple[int, bool]]]
) -> None:
    """Calls take some turns of the loop, some are cancelled; what is over the room is only the few of each place."""

    async def main() -> None:
        room, highest, done = Room(most), 0, 0

        async def call(limiter: Limiter, turns: int) -> None:
            nonlocal highest, done
            async with through(limiter):
                highest = max(highest, room.in_flight)
                assert limiter.in_flight <= FEW or room.in_flight <= most
                for _ in range(turns):
                    await asyncio.sleep(0)
            done += 1

        tasks, cancelled = [], 0
        limiters = [Limiter(4, clock=asyncio.get_running_loop().time, room=room) for _ in places]
        for limiter, calls in zip(limiters, places, strict=True):
            tasks += [(asyncio.create_task(call(limiter, turns)), cancel) for turns, cancel in calls]
        await asyncio.sleep(0)
        cancelled = sum(task.cancel() for task, cancel in tasks if cancel)
        async with asyncio.timeout(100):
            await asyncio.gather(*(task for task, _ in tasks), return_exceptions=True)
        assert highest <= most + FEW * len(places)
        assert done >= len(tasks) - cancelled
        assert room.in_flight == sum(limiter.in_flight for limiter in limiters) == 0

    run_virtually(main())


def test_each_place_has_its_share_and_more_when_others_are_through() -> None:
    async def main() -> None:
        most = 16
        limiters = Limiters(most)
        rest, over = asyncio.Event(), asyncio.Event()

        async def call(limiter: Limiter, end: asyncio.Event) -> None:
            async with through(limiter):
                await end.wait()

        async def turns() -> None:
            for _ in range(4):
                await asyncio.sleep(0)

        one, *others = (limiters.of("alibaba", str(number), "cn-hangzhou") for number in range(4))
        limiters.to_come(most // FEW)
        long = [asyncio.create_task(call(one, over)) for _ in range(20)]
        await turns()
        assert one.in_flight == FEW, "those who are still to come would find no room"
        brief = []
        for left, other in zip((2, 1, 0), others, strict=True):
            limiters.to_come(left)
            brief += [asyncio.create_task(call(other, rest)) for _ in range(20)]
            await turns()
        assert [limiter.in_flight for limiter in others] == [most // 4] * 3
        rest.set()
        await asyncio.gather(*brief)
        over.set()
        more = [asyncio.create_task(call(one, asyncio.Event())) for _ in range(20)]
        await asyncio.gather(*long)
        await turns()
        assert one.in_flight == most, "nobody else is busy"
        for task in more:
            task.cancel()
        await asyncio.gather(*more, return_exceptions=True)

    asyncio.run(main())


def test_places_that_hang_hold_up_no_other() -> None:
    async def main() -> None:
        limiters = Limiters(8)
        over = asyncio.Event()

        async def hang(limiter: Limiter) -> None:
            async with through(limiter):
                await over.wait()

        dead = [limiters.of("alibaba", str(number), "cn-hangzhou") for number in range(2)]
        hanging = [asyncio.create_task(hang(limiter)) for limiter in dead for _ in range(20)]
        await asyncio.sleep(0)
        # Who came first has all there is, the next one its few; so has whoever comes then.
        assert [limiter.in_flight for limiter in dead] == [8, FEW]
        alive = limiters.of("alibaba", "1", "cn-shanghai")
        for _ in range(20):
            async with through(alive):
                assert alive.in_flight == 1
        over.set()
        await asyncio.gather(*hanging)
        assert all(limiter.in_flight == 0 for limiter in dead)

    asyncio.run(main())


@settings(max_examples=40, deadline=None)
@given(
    most=st.integers(1, 4),
    calls=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans(), st.integers(0, 9)), max_size=20),
)
def test_a_call_that_is_ended_at_whatever_moment_keeps_no_place(
    run_virtually: Any, most: int, calls: list[tuple[int, int, bool, int]]
) -> None:
    """Each has a place, takes some turns of the loop, may fail, and is cancelled after some turns."""

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        limiters = Limiters(most)
        places = [limiters.of("alibaba", str(number), "cn-hangzhou") for number in range(3)]
        tasks = []
        for place, turns, fails, _ in calls:

            async def attempt(turns: int = turns, fails: bool = fails) -> None:
                for _ in range(turns):
                    await asyncio.sleep(0)
                if fails:
                    raise NoReply("no reply", operation="GetService", resource="s")

            repeater = Repeater(
                places[place], chance=lambda: 0.5, clock=clock, sleep=asyncio.sleep, repeated=lambda: None
            )
            tasks.append(asyncio.create_task(repeater.run(attempt, reads=True)))
        for turn in range(10):
            await asyncio.sleep(0)
            for task, (*_, end) in zip(tasks, calls, strict=True):
                if end == turn:
                    task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        room = limiters._room
        assert [room.in_flight, room.busy, *(one.in_flight for one in places)] == [0] * 5

    run_virtually(main())
