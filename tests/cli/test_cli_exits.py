from __future__ import annotations

import itertools

import pytest

from fcdeploy.cli.exits import error_code, gravest, outcome_code
from fcdeploy.errors import (
    CredentialsError,
    FcdeployError,
    LeaseHeld,
    LeaseLost,
    OpenRun,
    PlanRefused,
    ReadFailed,
    SpecError,
    UsageError,
)
from fcdeploy.model import Ending, Outcome
from fcdeploy.render.outcome import EXIT_MEANING


def test_the_gravest_of_several_counts() -> None:
    order = (64, 4, 3, 1, 5, 2, 0)
    assert set(order) == set(EXIT_MEANING)
    for first, second in itertools.combinations(order, 2):
        assert gravest([second, first, second]) == first
    assert gravest([]) == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 64),
        (SpecError([]), 1),
        (PlanRefused([]), 1),
        (CredentialsError("x"), 1),
        (ReadFailed("x", resource="y"), 1),
        (LeaseHeld("x"), 1),
        (OpenRun("x"), 4),
        (LeaseLost("x"), 4),
    ],
)
def test_what_an_error_is_worth(error: FcdeployError, code: int) -> None:
    assert error_code(error) == code


@pytest.mark.parametrize(
    ("ending", "parts", "code"),
    [
        (Ending.DONE, {"done": ("a",)}, 0),
        (Ending.FAILED, {}, 1),
        (Ending.FAILED, {"done": ("a",), "undone": ("a",)}, 1),
        (Ending.FAILED, {"done": ("a",)}, 4),
        (Ending.ROLLED_BACK, {"done": ("a",), "undone": ("a",)}, 3),
        (Ending.STOPPED, {}, 1),
        (Ending.STOPPED, {"done": ("a", "b"), "undone": ("a",)}, 4),
        (Ending.STOPPED, {"leftovers": ("a",)}, 4),
        (Ending.NEEDS_ATTENTION, {}, 4),
        (Ending.LEFTOVERS, {}, 4),
    ],
)
def test_what_an_ending_is_worth(ending: Ending, parts: dict[str, tuple[str, ...]], code: int) -> None:
    assert outcome_code(Outcome(run="r", target="t", ending=ending, **parts)) == code  # type: ignore[arg-type]


def test_a_rollback_that_was_wanted_is_a_success() -> None:
    assert outcome_code(Outcome(run="r", target="t", ending=Ending.ROLLED_BACK), undo_wanted=True) == 0
