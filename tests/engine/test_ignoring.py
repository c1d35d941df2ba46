"""`ignore` where no kind of today goes: replacing what holds code that is not the file's to choose (S17)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fcdeploy.engine.canonical import live_body
from fcdeploy.engine.ignoring import is_ignored, with_live, writes_beside
from fcdeploy.engine.ownership import Owned
from fcdeploy.engine.planner import differences, to_plan
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.kinds.fields import Access
from fcdeploy.model import Action, Address, ArchiveRef, Live, Mark, Resource, Target

API = "2021-04-06"
SERVICE = Address(provider="alibaba", target="dev", kind="service", identity=("s",))
FUNCTION = Address(provider="alibaba", target="dev", kind="function", identity=("s", "f"))


def archive(name: str) -> ArchiveRef:
    return ArchiveRef(sha256=name * 64, crc64=name, size=1)


def test_a_replaced_function_keeps_the_code_that_is_not_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.KINDS["alibaba", "function"]
    fixed = tuple(replace(one, access=Access.CREATE_ONLY) if one.name == "runtime" else one for one in kind.fields)
    monkeypatch.setitem(registry.KINDS, ("alibaba", "function"), replace(kind, fields=fixed))
    target = Target(name="dev", provider="alibaba", region="r", account="1", api=API)
    site = Site(project="p", target=target, scope=Scope(region="r", account="1", api=API))
    raw = {"runtime": "python3.9", "handler": "a.b", "codeChecksum": "2", "environmentVariables": {"X": "live"}}
    tags = {"tags": {"fcdeploy.project": "p", "fcdeploy.target": "dev"}}
    mark = Mark(project="p", target="dev")
    lives = {
        SERVICE: Live(
            address=SERVICE,
            body=live_body(registry.kind_of(SERVICE), tags, API),
            raw=tags,
            etag="e",
            mark=mark,
        ),
        FUNCTION: Live(address=FUNCTION, body=live_body(registry.kind_of(FUNCTION), raw, API), raw=raw, etag="e"),
    }
    desired = {
        SERVICE: Resource(address=SERVICE, body={}),
        FUNCTION: Resource(
            address=FUNCTION,
            body={"runtime": "python3.10", "handler": "a.b", "code": {"checksum": "1"}},
            payloads={"code": {"zipFile": archive("1")}},
            ignore=(("code",), ("environmentVariables", "X")),
        ),
    }
    snapshot = Snapshot(lives=lives, archives={FUNCTION: archive("2")})
    owned = Owned(ours=frozenset({SERVICE}), theirs=frozenset())
    found = differences(desired, snapshot, owned, site)
    assert [(one.address.kind, one.action) for one in found] == [
        ("service", Action.NONE),
        ("function", Action.REPLACE),
    ]
    (made,) = [step for step in to_plan(found, snapshot, site).steps if step.action is Action.CREATE]
    assert made.call.body["code"] == {"zipFile": archive("2")}
    assert made.call.body["environmentVariables"] == {"X": "live"}
    assert made.call.body["runtime"] == "python3.10"


def test_a_member_follows_the_object_that_only_one_side_has() -> None:
    paths = (("log", "rule"), ("env", "A"), ("env", "B"), ("name",), ("gone",))
    file = {"log": {"project": "p", "rule": "ours"}, "env": {"A": "1"}, "name": "ours", "gone": 1, "other": 2}
    live = {"log": None, "env": {"B": "2", "C": "3"}, "name": "theirs"}
    assert with_live(file, live, paths) == {
        "log": {"project": "p", "rule": "ours"},
        "env": {"B": "2"},
        "name": "theirs",
        "other": 2,
    }
    assert with_live({"log": None}, {"log": {"rule": "theirs"}}, paths[:1]) == {"log": None}
    assert file["env"] == {"A": "1"}


def test_a_path_covers_what_lies_beneath_it_and_nothing_else() -> None:
    paths = (("tags", "cost.centre"), ("config",))
    assert is_ignored("tags.cost.centre", paths) and is_ignored("config.a.b", paths) and is_ignored("config", paths)
    assert not is_ignored("tags.cost", paths) and not is_ignored("configs", paths) and not is_ignored("tags", paths)
    assert writes_beside({"tags": {}}, paths) and not writes_beside({"config": {}}, paths)
