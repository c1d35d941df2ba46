"""`--only` where no kind of today goes: what holds others is to be replaced (S46)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fcdeploy.diagnostics import error
from fcdeploy.engine.canonical import desired_body, live_body
from fcdeploy.engine.only import about, narrowed, needed
from fcdeploy.engine.snapshot import Site
from fcdeploy.engine.steps import Difference
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Address, Live, Resource, Target

API = "2021-04-06"


def address(kind: str, *identity: str) -> Address:
    return Address(provider="alibaba", target="dev", kind=kind, identity=identity)


SITE = Site(
    project="p",
    target=Target(name="dev", provider="alibaba", region="r", account="1", api=API),
    scope=Scope(region="r", account="1", api=API),
)
SERVICE, FUNCTION, OTHER = address("service", "s"), address("function", "s", "f"), address("function", "s", "g")
KEPT, GONE = address("trigger", "s", "f", "kept"), address("trigger", "s", "f", "gone")
BESIDE = address("trigger", "s", "g", "t")


def difference(where: Address, action: Action, *refs: Address) -> Difference:
    kind = kind_of(where)
    resource = None if action is Action.DELETE else Resource(address=where, body={}, refs=frozenset(refs))
    live = None if action is Action.CREATE else Live(address=where, body=live_body(kind, {}, API), raw={}, etag="e")
    return Difference(address=where, action=action, resource=resource, body=desired_body(kind, {}, API), live=live)


@pytest.fixture
def found() -> tuple[Difference, ...]:
    """A function that must be replaced, with a trigger of the file and one that is not; both its trigger and another
    function's belong to the file."""
    return (
        difference(SERVICE, Action.UPDATE),
        difference(FUNCTION, Action.REPLACE, SERVICE),
        difference(OTHER, Action.UPDATE, SERVICE),
        difference(KEPT, Action.REPLACE, FUNCTION),
        difference(BESIDE, Action.UPDATE, OTHER, FUNCTION),
        replace(difference(GONE, Action.DELETE), makes_room=True),
    )


def wanted(found: tuple[Difference, ...]) -> dict[Address, Resource]:
    return {one.address: one.resource for one in found if one.resource is not None}


def test_all_beneath_a_named_replacement_goes_with_it(found: tuple[Difference, ...]) -> None:
    left = narrowed(found, wanted(found), ["s/f"], SITE)
    assert {one.address for one in left.found} == {SERVICE, FUNCTION, KEPT, GONE}
    assert (left.left_out, left.refusals) == (2, ())


def test_what_is_only_needed_is_not_replaced(found: tuple[Difference, ...]) -> None:
    for glob in ("s/f/kept", "s/g/t"):
        left = narrowed(found, wanted(found), [glob], SITE)
        assert GONE not in {one.address for one in left.found}
        (refusal,) = left.refusals
        assert refusal.summary == "function s/f must be replaced, and --only does not name it"
        assert refusal.hint == "add --only 'function:s/f', or apply without --only"
    assert narrowed(found, wanted(found), ["s/f", "s/g/t"], SITE).refusals == ()


def test_needs_are_followed_to_their_end_even_in_circles(found: tuple[Difference, ...]) -> None:
    desired = wanted(found)
    desired[FUNCTION] = replace(desired[FUNCTION], refs=frozenset({SERVICE, BESIDE, address("service", "elsewhere")}))
    assert needed(desired, [KEPT]) == {KEPT, FUNCTION, SERVICE, BESIDE, OTHER}


def test_findings_about_what_is_left_out_are_left_out(found: tuple[Difference, ...]) -> None:
    told = [error("about f", address=str(FUNCTION)), error("about g", address=str(OTHER)), error("about all")]
    assert [one.summary for one in about(told, wanted(found), ["s/f"])] == ["about f", "about all"]
    assert about(told, wanted(found), []) == tuple(told)


def test_without_a_glob_everything_is_left(found: tuple[Difference, ...]) -> None:
    assert narrowed(found, wanted(found), [], SITE).found == found
