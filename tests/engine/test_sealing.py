"""Secrets that reads do not give back: whether they changed, a digest tells (S22)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from fcdeploy.engine.canonical import desired_body
from fcdeploy.engine.ownership import Owned
from fcdeploy.engine.planner import differences
from fcdeploy.engine.sealing import digest
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.engine.steps import Difference
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.kinds.registry import kind_of
from fcdeploy.model import Action, Address, LaterText, Live, Mark, Output, Resource, Sensitive, Target

SCOPE = Scope(region="r", account="p", api="v2")
SITE = Site(
    project="shop",
    target=Target(name="dev", provider="huawei", region="r", account="p", api="v2"),
    scope=SCOPE,
)
WEB = Address(provider="huawei", target="dev", kind="function", identity=("default", "shop-web"))
TAG = "fcdeploy.secrets"
MARK = {"fcdeploy.project": "shop", "fcdeploy.target": "dev"}


def secret(text: str) -> Sensitive:
    return Sensitive(text, parts=({"secret": "S"},))


def planned(stored: Any, live_keys: dict[str, str] | None, tag: str | None, **parts: Any) -> Difference:
    """The difference between a file with these secrets and a function that has these."""
    kind = kind_of(WEB)
    body = {"runtime": "http", "code": {"checksum": "1"}, "encryptedVariables": stored}
    wanted = Resource(address=WEB, body=body, **parts)
    lives = {}
    if live_keys is not None:
        tags = {**MARK, **({TAG: tag} if tag else {})}
        there = desired_body(kind, {**body, "encryptedVariables": live_keys, "tags": tags}, "v2")
        lives[WEB] = Live(address=WEB, body=there, raw={}, etag="e", mark=Mark(project="shop", target="dev"))
    (one,) = differences({WEB: wanted}, Snapshot(lives=lives), Owned(ours=frozenset({WEB}), theirs=frozenset()), SITE)
    return one


def test_the_digest_is_of_what_is_kept_and_where() -> None:
    values = {"A": secret("one"), "B": "two"}
    found = digest(values, WEB, SCOPE, TAG)
    assert len(found) == 32 and found == digest({"B": "two", "A": "one"}, WEB, SCOPE, TAG)
    others = (
        digest({"A": "one", "B": "three"}, WEB, SCOPE, TAG),
        digest(values, replace(WEB, identity=("default", "other")), SCOPE, TAG),
        digest(values, WEB, replace(SCOPE, region="s"), TAG),
        digest(values, WEB, replace(SCOPE, account="q"), TAG),
        digest(values, WEB, SCOPE, "other"),
    )
    assert len({found, *others}) == 6


def test_equal_keys_are_told_apart_by_the_digest() -> None:
    kept = {"A": secret("one")}
    right = digest(kept, WEB, SCOPE, TAG)
    made = planned(kept, None, None)
    assert made.action is Action.CREATE and made.body["tags"] == {**MARK, TAG: right}
    assert planned(kept, {"A": ""}, right).action is Action.NONE
    for live, tag in (({"A": ""}, "another"), ({"A": ""}, None), ({"A": "", "B": ""}, right)):
        one = planned(kept, live, tag)
        assert one.action is Action.UPDATE and "encryptedVariables" in {each.name for each in one.fields}
    gone = planned({}, {"A": ""}, right)
    assert {each.name for each in gone.fields} == {"encryptedVariables", "tags"} and gone.body["tags"] == MARK
    assert planned({}, {}, None).action is Action.NONE


def test_what_is_ignored_keeps_the_digest_that_there_is() -> None:
    for path in ("encryptedVariables", "environmentVariables"):
        assert planned({"A": secret("two")}, {"A": ""}, "kept", ignore=((path,),)).action is Action.NONE
    for path in (("encryptedVariables", "A"), ("environmentVariables", "A")):
        (note,) = planned({"A": secret("two")}, {"A": ""}, "kept", ignore=(path,)).notes
        assert note.summary == f"{'.'.join(path)} cannot be ignored"
    both = (("environmentVariables", "A"), ("encryptedVariables", "A"))
    (note,) = planned({"A": secret("two")}, {"A": ""}, "kept", ignore=both).notes
    assert note.summary == "environmentVariables.A cannot be ignored"
    # A secret that somebody else has put there cannot be kept either.
    (note,) = planned({}, {"A": ""}, None, ignore=both).notes
    assert note.summary == "environmentVariables.A cannot be ignored"


def test_a_variable_that_is_no_secret_can_be_ignored_beside_one_that_is() -> None:
    ignore = (("environmentVariables", "LEVEL"), ("encryptedVariables", "LEVEL"))
    kept = {"A": secret("one")}
    for live, tag in ((None, None), ({"A": ""}, digest(kept, WEB, SCOPE, TAG))):
        assert planned(kept, live, tag, ignore=ignore).notes == ()
    assert planned({}, {}, None, ignore=ignore).notes == ()


def test_a_secret_that_is_known_only_after_the_apply_has_no_digest() -> None:
    later = LaterText(parts=(secret("s"), Output(step="create x", pointer="/urn")))
    (note,) = planned({"A": later}, None, None).notes
    assert note.summary == "encryptedVariables.A is not known before the apply"
