"""What is sent again and after how long; what the executor may sit out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcdeploy.cloud.retry import (
    ATTEMPTS,
    BUDGET,
    FIRST_BUDGET,
    Again,
    Tries,
    again,
    look_pause,
    pause,
    retry_after,
    waits,
)
from fcdeploy.errors import ApiError, CloudError, NoReply, NotSent


def api(status: int, code: str = "X", after: float | None = None) -> ApiError:
    return ApiError(operation="Op", status=status, code=code, message="it has active 'functions'.", retry_after=after)


NOT_SENT, NO_REPLY = NotSent("s", operation="Op"), NoReply("s", operation="Op")


@pytest.mark.parametrize(
    ("error", "read", "write"),
    [
        (api(429, "ResourceExhausted"), True, True),
        (api(503, "ResourceThrottled"), True, True),
        (NOT_SENT, True, True),
        (NO_REPLY, True, False),
        (api(500, "InternalServerError"), True, False),
        (api(502), True, False),
        (api(503, "Other"), True, False),
        (api(504), True, False),
        (api(400), False, False),
        (api(403, "AccessDenied"), False, False),
        (api(404), False, False),
        (api(409, "ConcurrentUpdateError"), False, False),
        (api(412, "PreconditionFailed"), False, False),
        (CloudError("too large", operation="Op"), False, False),
    ],
)
def test_who_may_try_again(error: CloudError, read: bool, write: bool) -> None:
    for reads, expected in ((True, read), (False, write)):
        found = again(error, reads=reads, tries=Tries(), elapsed=0.0, random=lambda: 0.5)
        assert (found is not None) is expected


def run(error: CloudError, *, reads: bool, chance: float) -> list[float]:
    """All waits of a call that always fails so."""
    waited: list[float] = []
    tries = Tries()
    while True:
        found = again(error, reads=reads, tries=tries, elapsed=sum(waited), random=lambda: chance)
        if found is None:
            return waited
        waited.append(found.seconds)
        tries = found.tries


def test_faults_end_after_six_attempts_and_ten_seconds() -> None:
    waited = run(api(500), reads=True, chance=1.0)
    assert waited == pytest.approx([0.3, 0.6, 1.2, 2.4, 4.8])
    assert len(run(NOT_SENT, reads=False, chance=0.0)) + 1 == ATTEMPTS


def test_lack_of_room_is_borne_for_the_budget_and_does_not_use_up_attempts() -> None:
    waited = run(api(429), reads=False, chance=1.0)
    assert len(waited) > ATTEMPTS and BUDGET - 10 < sum(waited) <= BUDGET
    found = again(api(429), reads=False, tries=Tries(faults=5), elapsed=0.0, random=lambda: 0.0)
    assert found == Again(0.0, Tries(faults=5, no_room=1))


def test_retry_after_is_the_least() -> None:
    def seconds(after: float, elapsed: float = 0.0) -> float | None:
        found = again(api(429, after=after), reads=False, tries=Tries(), elapsed=elapsed, random=lambda: 0.5)
        return found and found.seconds

    assert seconds(7.0) == 7.0
    assert seconds(0.0) == 0.25
    assert seconds(121.0) is None
    assert seconds(60.0, elapsed=61.0) is None


@given(
    failures=st.lists(st.sampled_from([api(429, after=1.0), api(500), NO_REPLY, NOT_SENT]), max_size=60),
    chance=st.floats(0, 1, exclude_max=True),
    reads=st.booleans(),
)
def test_no_call_goes_on_for_ever(failures: list[CloudError], chance: float, reads: bool) -> None:
    waited, faults, tries = 0.0, 0, Tries()
    for error in failures:
        found = again(error, reads=reads, tries=tries, elapsed=waited, random=lambda: chance)
        if found is None:
            break
        assert found.seconds >= 0
        faults += not isinstance(error, ApiError) or error.status != 429
        tries, waited = found.tries, waited + found.seconds
    assert waited <= BUDGET and faults < ATTEMPTS


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        ("Wed, 22 Nov 2023 08:15:40 GMT", 10.0),
        ("Wed, 22 Nov 2023 08:15:20 GMT", 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after_header(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=1700640930.0) == seconds


@pytest.mark.parametrize(
    ("error", "alone", "with_parent", "with_children"),
    [
        (api(409, "ConcurrentUpdateError"), True, True, True),
        (api(409, "ServiceNotEmpty"), False, False, True),
        (api(409, "FunctionNotEmpty"), False, False, True),
        (api(409, "ServiceAlreadyExists"), False, False, False),
        (api(404, "ServiceNotFound"), False, True, False),
        (api(404, "(no code)"), False, False, False),
        (api(403, "AccessDenied"), False, True, False),
        (api(403, "SignatureNotMatch"), False, False, False),
        (api(412, "PreconditionFailed"), False, False, False),
        (NO_REPLY, False, False, False),
    ],
)
def test_what_the_executor_sits_out(error: CloudError, alone: bool, with_parent: bool, with_children: bool) -> None:
    found = [
        waits(error),
        waits(error, parent_created=True),
        waits(error, children_deleted={"functions"}),
    ]
    assert [one is not None for one in found] == [alone, with_parent, with_children]
    assert (waits(error, children_deleted={"versions"}) is not None) is alone  # of those it did not delete any
    assert [one.one_by_one for one in found if one] == [error.code == "ConcurrentUpdateError" for one in found if one]  # type: ignore[attr-defined]


@given(failures=st.integers(1, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_pauses_are_bounded(failures: int, chance: float) -> None:
    assert 0.25 <= pause(failures, random=lambda: chance) <= 5.0


def test_looks_begin_a_second_apart_and_end_five() -> None:
    middle = [look_pause(looks, random=lambda: 0.5) for looks in range(1, 7)]
    assert middle == pytest.approx([1.0, 1.5, 2.25, 3.375, 5.0, 5.0])
    both = [look_pause(9, random=lambda: 0.0), look_pause(9, random=lambda: 1.0)]
    assert both == pytest.approx([4.0, 6.0])
    assert look_pause(100_000, random=lambda: 0.5) == 5.0


@pytest.mark.parametrize("error", [NOT_SENT, NO_REPLY])
def test_a_place_that_never_answered_is_given_up_sooner(error: CloudError) -> None:
    """Each try of a place that hangs takes its time; a read of one that answered before is worth more of it."""
    for reads, answered, longest in ((True, False, FIRST_BUDGET), (True, True, BUDGET), (False, False, BUDGET)):
        if not reads and error is NO_REPLY:
            continue  # a write whose effect is unknown is never sent again
        for elapsed, expected in ((longest - 1, True), (longest + 1, False)):
            found = again(error, reads=reads, tries=Tries(), elapsed=elapsed, random=lambda: 0.5, answered=answered)
            assert (found is not None) == expected
