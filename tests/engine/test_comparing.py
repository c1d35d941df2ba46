"""Comparisons of single resources: made as soon as both sides are there, once, and again only for other values."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fcdeploy.engine.canonical import live_body
from fcdeploy.engine.comparing import Comparing
from fcdeploy.engine.difference import Difference
from fcdeploy.engine.ownership import Owned
from fcdeploy.engine.planner import differences
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.kinds.fields import Access
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Address, Json, Live, Mark, Ref, Resource, Target

API = "2021-04-06"
TARGET = Target(name="dev", provider="alibaba", region="r", account="1", api=API)
SITE = Site(project="p", target=TARGET, scope=Scope(region="r", account="1", api=API))
TAGS: dict[str, Json] = {"tags": {"fcdeploy.project": "p", "fcdeploy.target": "dev"}}


def at(kind: str, *identity: str) -> Address:
    return Address(provider="alibaba", target="dev", kind=kind, identity=identity)


SERVICE, SAME, OTHER = at("service", "s"), at("function", "s", "same"), at("function", "s", "other")
OWNED = Owned(ours=frozenset({SERVICE}), theirs=frozenset())


def live(address: Address, raw: dict[str, Json]) -> Live:
    body = live_body(kind_of(address), raw, API)
    return Live(address=address, body=body, raw=raw, mark=Mark(project="p", target="dev") if "tags" in raw else None)


def function(address: Address, **more: Json) -> Resource:
    return Resource(address=address, body={"runtime": "go1", "handler": "a.b", **more})


DESIRED = {
    SERVICE: Resource(address=SERVICE, body={}),
    SAME: function(SAME),
    OTHER: function(OTHER, timeout=9),
}
LIVES = {
    SERVICE: live(SERVICE, TAGS),
    SAME: live(SAME, {"runtime": "go1", "handler": "a.b"}),
    OTHER: live(OTHER, {"runtime": "go1", "handler": "a.b"}),
}


def found_by(comparing: Comparing | None, lives: dict[Address, Live]) -> dict[Address, Difference]:
    found = differences(DESIRED, Snapshot(lives=lives), OWNED, SITE, comparing)
    return {one.address: one for one in found}


def test_what_is_compared_page_by_page_is_what_the_plan_has() -> None:
    comparing = Comparing(SITE)
    comparing.want(DESIRED)
    comparing.see({SAME: LIVES[SAME]})
    comparing.see({OTHER: LIVES[OTHER], at("function", "s", "unknown"): LIVES[SAME]})
    early = found_by(comparing, LIVES)
    assert early == found_by(None, LIVES)
    assert [early[one].action for one in (SERVICE, SAME, OTHER)] == [Action.NONE, Action.NONE, Action.UPDATE]


def test_only_what_was_read_anew_is_compared_again() -> None:
    comparing = Comparing(SITE)
    first = found_by(comparing, LIVES)
    read = {**LIVES, OTHER: replace(live(OTHER, {"runtime": "go1", "handler": "a.b", "timeout": 9}), etag="e")}
    second = found_by(comparing, read)
    assert second[SAME] is first[SAME]
    assert (first[OTHER].action, second[OTHER].action) == (Action.UPDATE, Action.NONE)
    assert second == found_by(None, read)


def test_what_stands_beneath_what_is_made_anew_is_so_too_though_it_equals(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.KINDS["alibaba", "function"]
    fixed = tuple(replace(one, access=Access.CREATE_ONLY) if one.name == "timeout" else one for one in kind.fields)
    monkeypatch.setitem(registry.KINDS, ("alibaba", "function"), replace(kind, fields=fixed))
    trigger = at("trigger", "s", "other", "t")
    wanted = Resource(address=trigger, body={"triggerType": "timer", "triggerConfig": {"cronExpression": "@every 1m"}})
    there = live(trigger, {"triggerType": "timer", "triggerConfig": '{"cronExpression": "@every 1m", "enable": true}'})
    desired, lives = {**DESIRED, trigger: wanted}, {**LIVES, trigger: there}
    comparing = Comparing(SITE)
    comparing.want(desired)
    comparing.see({trigger: there})
    found = differences(desired, Snapshot(lives=lives), OWNED, SITE, comparing)
    assert found == differences(desired, Snapshot(lives=lives), OWNED, SITE)
    actions = {one.address: one.action for one in found}
    assert actions[OTHER] is actions[trigger] is Action.REPLACE
    assert not {one.address: one for one in found}[trigger].fields


def test_what_waits_for_others_is_not_compared_before_they_are_known() -> None:
    waiting = replace(
        function(SAME, description=Ref(kind="function", identity=("s", "other"), attribute="arn")), awaits=True
    )
    desired = {**DESIRED, SAME: waiting}
    comparing = Comparing(SITE)
    comparing.want(desired)
    comparing.see(LIVES)
    found = differences(desired, Snapshot(lives=LIVES), OWNED, SITE, comparing)
    assert found == differences(desired, Snapshot(lives=LIVES), OWNED, SITE)
    (one,) = [one for one in found if one.address == SAME]
    assert one.body["description"] == "acs:fc:r:1:services/s/functions/other"
