"""A thousand calls against a service that allows so many a second, by a clock that is not real."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fcdeploy.cloud.limiter import Limiter
from fcdeploy.cloud.pace import WINDOW
from fcdeploy.cloud.repeater import Repeater
from fcdeploy.errors import ApiError

Run = Callable[[Any], Any]
CALLS = 1000


@dataclass
class Service:
    """A token bucket: `rate` a second, `burst` deep; a call takes `latency` seconds."""

    rate: float
    burst: float
    latency: float
    tells: bool = False
    status: int = 429
    taken: list[float] = field(default_factory=list)
    refused: int = 0
    tokens: float = math.nan
    last: float = 0.0

    async def attempt(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.latency / 2)
        now = loop.time()
        if math.isnan(self.tokens):
            self.tokens, self.last = self.burst, now
        self.tokens, self.last = min(self.burst, self.tokens + (now - self.last) * self.rate), now
        took = self.tokens >= 1
        wait = None
        if took:
            self.tokens -= 1
            self.taken.append(now)
        else:
            self.refused += 1
            wait = max(1.0, math.ceil((1 - self.tokens) / self.rate)) if self.tells and self.rate else None
        await asyncio.sleep(self.latency / 2)
        if not took:
            raise ApiError(
                operation="PutX",
                resource="x",
                status=self.status,
                code="ResourceThrottled",
                message="later",
                request_id="r",
                retry_after=wait,
            )


class Watched(Limiter):
    """Notes the moment of every change of the limit and of the pace."""

    def __init__(self, ceiling: int, clock: Callable[[], float]) -> None:
        super().__init__(ceiling, clock=clock)
        self.limits = [(-math.inf, self.limit)]
        self.rates = [(-math.inf, self.pace.rate)]

    def no_room(self, retry_after: float | None = None, *, left: float | None = None) -> None:
        super().no_room(retry_after, left=left)
        self._note()

    def went_well(self) -> None:
        super().went_well()
        self._note()

    def _note(self) -> None:
        if self.limits[-1][1] != self.limit:
            self.limits.append((self.clock(), self.limit))
        if self.rates[-1][1] != self.pace.rate:
            self.rates.append((self.clock(), self.pace.rate))


@dataclass
class Seen:
    """What became of the calls: failures, and seconds in all."""

    limiter: Watched
    failures: list[ApiError] = field(default_factory=list)
    seconds: float = 0.0


async def called(service: Service, ceiling: int, calls: int = CALLS, workers: int | None = None) -> Seen:
    """So many calls by as many workers as may be in flight."""
    loop = asyncio.get_running_loop()
    limiter = Watched(ceiling, loop.time)
    seen = Seen(limiter)
    chance = random.Random(ceiling)
    repeater = Repeater(limiter, chance=chance.random, clock=loop.time, sleep=asyncio.sleep, repeated=lambda: None)

    async def work(left: Iterator[int]) -> None:
        for _ in left:
            try:
                await repeater.run(service.attempt, reads=False)
            except ApiError as error:
                seen.failures.append(error)

    began = loop.time()
    left = iter(range(calls))
    await asyncio.gather(*(work(left) for _ in range(workers or ceiling)))
    seen.seconds = loop.time() - began
    return seen


def most_refused(ceiling: int) -> float:
    """The share that may be refused. All that is in flight when the bucket is first empty cannot be called back."""
    return 0.15 if ceiling <= 64 else 0.19


def check(service: Service, ceiling: int, seen: Seen) -> None:
    assert seen.failures == [] and len(service.taken) == CALLS
    assert service.refused <= most_refused(ceiling) * CALLS, service.refused
    for changes in (seen.limiter.limits, seen.limiter.rates):
        falls = [now for (_, before), (now, after) in itertools.pairwise(changes) if after < before]
        rises = [now for (_, before), (now, after) in itertools.pairwise(changes) if after > before]
        for one in (falls, rises):
            assert all(after - before >= WINDOW for before, after in itertools.pairwise(one))
    for (_, before), (_, after) in itertools.pairwise(seen.limiter.limits):
        assert after in (before + 1, max(1, before // 2))


CORNERS = [
    (5, 1, 0.005, False, 32),
    (5, 128, 0.2, False, 128),
    (20, 200, 0.005, True, 64),
    (50, 1, 0.005, False, 32),
    (50, 128, 0.2, True, 128),
    (100, 20, 0.2, True, 64),
    (500, 1, 0.005, False, 128),
    (500, 20, 0.2, True, 8),
]


@pytest.mark.parametrize(("rate", "burst", "latency", "tells", "ceiling"), CORNERS)
def test_few_of_a_thousand_calls_are_refused(
    run_virtually: Run, rate: float, burst: float, latency: float, tells: bool, ceiling: int
) -> None:
    service = Service(rate, burst, latency, tells)
    check(service, ceiling, run_virtually(called(service, ceiling)))


SERVICES = st.builds(
    Service,
    rate=st.floats(5, 500),
    burst=st.integers(1, 200),
    latency=st.floats(0.005, 0.2),
    tells=st.booleans(),
    status=st.sampled_from([429, 503]),
)


def few_are_refused(run_virtually: Run, service: Service, ceiling: int) -> None:
    check(service, ceiling, run_virtually(called(service, ceiling)))


few_hurried = given(service=SERVICES, ceiling=st.integers(8, 128))(few_are_refused)
test_few_are_refused_by_any_service = settings(max_examples=10, deadline=None)(few_hurried)
test_few_are_refused_by_any_of_many_services = pytest.mark.proof(
    settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])(
        given(service=SERVICES, ceiling=st.integers(8, 128))(few_are_refused)
    )
)


@pytest.mark.parametrize(
    ("rate", "burst", "latency", "tells", "ceiling"),
    [
        (5, 1, 0.2, True, 32),
        (50, 1, 0.005, False, 32),
        (50, 50, 0.005, True, 32),
        pytest.param(500, 20, 0.2, True, 128, marks=pytest.mark.proof),
        pytest.param(500, 1, 0.005, True, 128, marks=pytest.mark.proof),
        pytest.param(500, 200, 0.005, False, 32, marks=pytest.mark.proof),
    ],
)
def test_what_the_service_allows_is_made_use_of(
    run_virtually: Run, rate: float, burst: float, latency: float, tells: bool, ceiling: int
) -> None:
    service = Service(rate, burst, latency, tells)
    run_virtually(called(service, ceiling, calls=max(600, int(rate * 40))))
    begin, end = service.taken[0], service.taken[-1]
    half = begin + (end - begin) / 2
    reached = sum(at >= half for at in service.taken) / (end - half)
    assert reached >= 0.75 * min(rate, ceiling / latency)


@pytest.mark.parametrize("ceiling", [32, pytest.param(128, marks=pytest.mark.proof)])
@pytest.mark.parametrize(
    ("burst", "tells", "most"),
    [
        (1, False, 1.3),
        (20, False, 1.2),
        (200, False, 1.1),
        (200, True, 1.0),
        (100, True, 1.25),
        # A pause is of a second at least, in which so shallow a bucket loses nearly all that flows into it.
        (20, True, 1.4),
        (1, True, 1.6),
    ],
)
def test_a_run_takes_little_longer_than_the_service_needs_for_it(
    run_virtually: Run, ceiling: int, burst: float, tells: bool, most: float
) -> None:
    """The first apply of a thousand functions with a trigger each, at two hundred calls a second."""
    service, calls = Service(200, burst, 0.02, tells), 2040
    seen = run_virtually(called(service, ceiling, calls=calls))
    assert seen.failures == [] and len(service.taken) == calls
    assert seen.seconds <= most * calls / service.rate
    assert service.refused <= 0.2 * calls


@pytest.mark.parametrize(("latency", "ceiling"), [(0.005, 32), (0.2, 128)])
def test_a_service_that_refuses_nothing_is_not_slowed_down(run_virtually: Run, latency: float, ceiling: int) -> None:
    service = Service(math.inf, math.inf, latency)
    service.tokens = math.inf
    seen = run_virtually(called(service, ceiling))
    assert seen.seconds == pytest.approx(math.ceil(CALLS / ceiling) * latency)
    assert seen.limiter.pace.rate == math.inf


@pytest.mark.parametrize("tells", [False, True])
def test_full_speed_comes_back_when_throttling_ends(run_virtually: Run, tells: bool) -> None:
    service = Service(10, 10, 0.2, tells)

    async def main() -> Seen:
        def open_up() -> None:
            service.rate = service.burst = 1e9

        asyncio.get_running_loop().call_later(30, open_up)
        return await called(service, 32, calls=12_000)

    run_virtually(main())
    begin = service.taken[0]
    in_second = Counter(int(at - begin) for at in service.taken)
    assert max(in_second[second] for second in range(20, 30)) <= 15
    # 32 at once, 0.2 s each: 160 a second; sixteen times what it was, a minute later.
    assert sum(in_second[second] for second in range(90, 95)) == pytest.approx(800, rel=0.05), in_second


def test_nobody_gives_up_because_turns_are_rare(run_virtually: Run) -> None:
    """The last of a thousand waits for more than twice the seconds for which a refusal is borne."""
    service = Service(3, 3, 0.02)
    seen = run_virtually(called(service, 32, workers=CALLS))
    assert seen.failures == [] and seen.seconds > 300
    assert service.refused <= 0.15 * CALLS


@pytest.mark.parametrize("workers", [1, 32, 500])
def test_a_service_that_refuses_everything_is_given_up_in_time_and_not_flooded(
    run_virtually: Run, workers: int
) -> None:
    service = Service(0.0, 0.0, 0.02)
    seen = run_virtually(called(service, 32, calls=workers, workers=workers))
    assert len(seen.failures) == workers
    first = min(workers, 32)
    # Those in flight at first, then at the slowest pace until the time is over, then each of the rest once.
    assert service.refused <= first + 150 + workers
    assert seen.seconds <= 140 + 2.0 * workers
