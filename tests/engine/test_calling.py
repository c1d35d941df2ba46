"""What a file calls what is live, where it stands in groups or has an identity of its own making: made-up kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from fcdeploy.engine.adoption import keeping_tree
from fcdeploy.engine.as_spec import spec_body, spec_tree
from fcdeploy.engine.calling import calling
from fcdeploy.kinds.descriptor import Kind, Listing, NamesInFile, Operation
from fcdeploy.kinds.fields import integer, text
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Address, Json, Resource

_ANY = Operation(name="Any", method="GET", path="/any")
_DIG = Operation(name="Dig", method="POST", path="/any")


def kind(name: str, **rest: Any) -> Kind:
    """A kind with one field, of the moon."""
    given: dict[str, Any] = {
        "section": f"{name}s",
        "title": name,
        "description": name,
        "name_schema": {},
        "fields": (integer("size", "Size", "In metres.", default=1),),
        "create": _DIG,
        "read": _ANY,
        "update": _ANY,
        "delete": _ANY,
        "listing": Listing(operation=_ANY, items="all"),
    }
    return Kind(provider="moon", name=name, **given | rest)


def names_of_crater(own: tuple[str, ...], body: Mapping[str, Json]) -> Iterator[NamesInFile]:
    sea, dash, crater = own[0].partition("-")
    if dash:
        yield (sea, crater), {}
    for number in range(1, 9):
        yield (f"{own[0]}{number}", own[0]), {"name": own[0]}


SEA = Kind(
    provider="moon",
    name="sea",
    title="Sea",
    description="A group of craters.",
    section="seas",
    parent=None,
    identity=("sea",),
    name_schema={},
    fields=(text("light", "Light", "How light it is."),),
    grouping=True,
)
CRATER = kind(
    "crater",
    parent=None,
    stands_in="sea",
    identity=("crater",),
    identify=lambda names, body: ("-".join(names),),
    in_file=names_of_crater,
)
MAP = kind("map", parent="crater", stands_in="sea", identity=("crater", "map"))
FLAG = kind(
    "flag",
    parent="crater",
    identity=("crater", "flag"),
    identify=lambda names, body: (f"{names[-1]}@{body.get('side')}",),
    in_file=lambda own, body: iter([((own[-1].partition("@")[0],), {})]),
)


@pytest.fixture(autouse=True)
def _moon(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (SEA, CRATER, MAP, FLAG):
        monkeypatch.setitem(KINDS, ("moon", one.name), one)


def live(*named: str, size: int = 2) -> dict[Address, dict[str, Json]]:
    """Bodies by addresses such as `crater a-b`."""
    return {
        Address(provider="moon", target="t", kind=one.split()[0], identity=tuple(one.split()[1].split("/"))): {
            "size": size
        }
        for one in named
    }


def test_what_stands_in_groups_is_put_into_them() -> None:
    bodies = live(
        "crater cold-one", "crater cold-two", "flag cold-one/red@near", "map cold-one/new", "map cold-two/new"
    )
    assert spec_tree(bodies) == {
        "seas": {
            "cold": {
                "craters": {"one": {"size": 2, "flags": {"red": {"size": 2}}}, "two": {"size": 2}},
                "maps": {"new": {"size": 2}},
            }
        }
    }


def test_what_a_group_cannot_say_for_both_stands_in_a_group_of_its_own() -> None:
    bodies = live("crater cold-one", "crater cold-two", "map cold-one/new") | live("map cold-two/new", size=3)
    named = {"name": "cold-two"}
    assert spec_tree(bodies) == {
        "seas": {
            "cold": {"craters": {"one": {"size": 2}}, "maps": {"new": {"size": 2}}},
            "cold-two1": {"craters": {"cold-two": {"moon": named, "size": 2}}, "maps": {"new": {"size": 3}}},
        }
    }


def test_a_name_that_tells_of_no_group_is_written_out() -> None:
    assert spec_tree(live("crater alone")) == {
        "seas": {"alone1": {"craters": {"alone": {"moon": {"name": "alone"}, "size": 2}}}}
    }


def test_what_no_file_can_say_beside_another_is_left_out() -> None:
    bodies = live("crater cold-one", "flag cold-one/red@far", "flag cold-one/red@near")
    assert sorted(one.short for one in calling(bodies)) == ["crater cold-one", "flag cold-one/red@far"]


def test_where_its_parent_is_not_written_a_resource_stands_at_the_top() -> None:
    assert spec_tree(live("flag cold-one/red@far")) == {"flags": {"red": {"size": 2}}}


def test_lines_that_keep_something_stand_where_the_file_has_what_they_belong_to() -> None:
    crater, flag = live("crater very-cold-one"), live("flag very-cold-one/red@far")
    (address,) = crater
    # The file has it as `one` of `very-cold`, which its name alone does not tell.
    desired = {address: Resource(address=address, body={}, called=("very-cold", "one"))}
    assert keeping_tree(flag, desired) == {"seas": {"very-cold": {"craters": {"one": {"flags": {"red": {"size": 2}}}}}}}
    maps = live("map very-cold-one/new", size=7)
    assert keeping_tree(crater | maps, desired) == {
        "seas": {"very-cold": {"craters": {"one": {"size": 2}}, "maps": {"new": {"size": 7}}}}
    }
    assert keeping_tree(live("crater alone"), {}) == {
        "seas": {"alone1": {"craters": {"alone": {"moon": {"name": "alone"}, "size": 2}}}}
    }


def test_what_only_a_digest_tells_of_is_asked_for_and_never_written_empty() -> None:
    address = Address(provider="huawei", target="t", kind="function", identity=("default", "a-b"))
    body = {"encryptedVariables": {"TOKEN": ""}, "tags": {"fcdeploy.secrets": "digest", "team": "x"}}
    assert spec_body(address, body) == {"encryptedVariables": {"TOKEN": "(sensitive)"}, "tags": {"team": "x"}}
