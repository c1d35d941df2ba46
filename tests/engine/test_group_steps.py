"""Steps of a made-up kind that needs every word of the vocabulary of groups: what is written together, in which order,
what goes along, what takes it back (S18, S22, S34)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from fcdeploy.engine.again import rebuilt
from fcdeploy.engine.canonical import desired_body, live_body, said, stamp
from fcdeploy.engine.diff import differing
from fcdeploy.engine.difference import Difference
from fcdeploy.engine.outputs import filled_step
from fcdeploy.engine.rollback import inverse
from fcdeploy.engine.snapshot import Site
from fcdeploy.engine.steps import steps_of
from fcdeploy.kinds.descriptor import Group, Kind, Listing, Marking, Operation, Scope, TagGroup, Translation
from fcdeploy.kinds.fields import Codec, Field, Reset, integer, strings_by_name, text
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import (
    Action,
    Address,
    ArchiveRef,
    Json,
    JustCreated,
    Live,
    Output,
    Recheck,
    Resource,
    Sensitive,
    Step,
    Target,
)

API = "v1"
SCOPE = Scope(region="r", account="1", api=API)
SITE = Site(project="p", target=Target(name="dev", provider="none", region="r", account="1", api=API), scope=SCOPE)
NEW_CODE = ArchiveRef(sha256="a" * 64, crc64="1", size=1)
OLD_CODE = ArchiveRef(sha256="b" * 64, crc64="2", size=1)


def told(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    return {**raw, **{name.removeprefix("x_"): value for name, value in raw.items() if name.startswith("x_")}}


def sent(body: Mapping[str, Json], names: Mapping[str, str | Output], scope: Scope) -> Mapping[str, Json]:
    del names, scope
    return {f"x_{name}": value for name, value in body.items()}


def at(name: str, method: str, tail: str = "") -> Operation:
    return Operation(name=name, method=method, path=f"/boxes/{{room}}/{{boxName}}{tail}")


FIELDS: tuple[Field, ...] = (
    integer("size", "Size", "Its size.", default=1),
    text("note", "Note", "A note."),
    integer("speed", "Speed", "Its speed.", default=5),
    strings_by_name("keys", "Keys", "Secrets.", digest_tag="digest", codec=Codec.JSON_TEXT),
    Field(name="code", title="Code", description="Code.", codec=Codec.ARCHIVE, reset=Reset.NONE, checksum="digest"),
    text("colour", "Colour", "Its colour.", together=("code",)),
    integer("most", "Most", "How many.", default=10),
    strings_by_name("tags", "Tags", "Tags."),
)


BOX = Kind(
    provider="none",
    name="box",
    title="Box",
    description="A box.",
    section="boxes",
    parent=None,
    identity=("room", "boxName"),
    identify=lambda names, body: names,
    name_schema={},
    fields=FIELDS,
    create=Operation(name="CreateBox", method="POST", path="/boxes"),
    read=at("GetBox", "GET"),
    update=at("UpdateBox", "PUT"),
    delete=at("DeleteBox", "DELETE"),
    listing=Listing(operation=Operation(name="ListBoxes", method="GET", path="/boxes"), items="boxes"),
    marking=Marking.TAGS,
    tags=TagGroup(
        name="tags",
        field="tags",
        put=at("Tag", "POST", "/tags"),
        remove=at("Untag", "DELETE", "/tags"),
        removed="tags",
        read=at("GetTags", "GET", "/tags"),
        answer="tags",
        listing=Listing(operation=Operation(name="ListTags", method="GET", path="/tags"), items="tags"),
        pairs=True,
    ),
    translation=Translation(said=told, sent=sent),
    groups=(
        Group(name="look", fields=frozenset({"code", "colour"}), update=at("Paint", "PUT", "/look"), answers=False),
        Group(name="limit", fields=frozenset({"most"}), update=at("Limit", "PUT", "/limit"), created=False),
    ),
    whole=True,
    later=frozenset({"speed"}),
    stamps=("modified",),
)

SLIP = Kind(
    provider="none",
    name="slip",
    title="Slip",
    description="A slip in a box.",
    section="slips",
    parent="box",
    identity=("room", "boxName", "slipName"),
    name_schema={},
    fields=(text("note", "Note", "A note."),),
    create=Operation(name="CreateSlip", method="POST", path="/boxes/{room}/{boxName}/slips"),
    read=at("ListSlips", "GET", "/slips"),
    update=at("UpdateSlip", "PUT", "/slips/{slipId}"),
    delete=at("DeleteSlip", "DELETE", "/slips/{slipId}"),
    listing=Listing(operation=at("ListSlips", "GET", "/slips"), items="slips"),
    given=("slipId",),
)

HERE = Address(provider="none", target="dev", kind="box", identity=("hall", "b"))
SLIP_HERE = Address(provider="none", target="dev", kind="slip", identity=("hall", "b", "s"))


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (BOX, SLIP):
        monkeypatch.setitem(KINDS, (kind.provider, kind.name), kind)


def secret(value: str) -> Sensitive:
    return Sensitive(value, parts=({"secret": "KEY"},))


RAW: dict[str, Json] = {
    "x_size": 1,
    "x_note": "old",
    "x_speed": 5,
    "x_keys": '{"k":""}',
    "digest": "2",
    "x_colour": "red",
    "x_most": 10,
    "modified": "monday",
    "tags": {"mark": "m", "old": "1"},
}
WANTED: dict[str, Json] = {
    "size": 1,
    "note": "old",
    "keys": {"k": secret("v")},
    "code": {"checksum": "2"},
    "colour": "red",
    "most": 10,
    "tags": {"mark": "m", "old": "1"},
}


def live_now(**changed: Json) -> Live:
    raw = said(BOX, {**RAW, **changed})
    body = live_body(BOX, raw, API)
    return Live(address=HERE, body=body, raw=raw, etag=stamp(BOX, body, raw))


def steps(action: Action = Action.UPDATE, *, more: tuple[str, ...] = (), **changed: Json) -> tuple[Step, ...]:
    """The steps from RAW to WANTED with these changes; `more` are fields that differ besides what can be seen."""
    given = {**WANTED, **changed}
    live = live_now()
    resource = Resource(address=HERE, body=given, payloads={"code": {"zipFile": NEW_CODE}})
    body = desired_body(BOX, given, API)
    unlike = {one.name for one in differing(BOX, body, live.body, API)} | {*more}
    return steps_of(
        Difference(
            address=HERE,
            action=action,
            resource=resource if action is not Action.DELETE else None,
            body=body,
            live=None if action is Action.CREATE else live,
            fields=tuple(one for one in BOX.fields if one.name in unlike),
            archive=OLD_CODE,
        ),
        SITE,
    )


def outline(made: tuple[Step, ...]) -> list[tuple[Any, ...]]:
    """(id, what it needs, operation, what is sent) of each."""
    return [(one.id.replace(str(HERE), "B"), named(one), one.call.operation, one.call.body) for one in made]


def named(step: Step) -> str:
    return ", ".join(sorted(step.needs)).replace(str(HERE), "B")


def test_an_update_writes_what_makes_up_a_resource_in_the_order_of_its_groups() -> None:
    made = steps(size=2, most=3, colour="blue", code={"checksum": "1"}, tags={"mark": "m", "new": "2"})
    whole = {"x_size": 2, "x_note": "old", "x_speed": 5, "x_keys": '{"k":"v"}'}
    assert outline(made) == [
        ("update B look", "", "Paint", {"x_code": {"zipFile": NEW_CODE}, "x_colour": "blue"}),
        ("update B", "update B look", "UpdateBox", whole),
        ("update B limit", "update B", "Limit", {"x_most": 3}),
        ("tag B", "update B limit", "Tag", {"tags": [{"key": "new", "value": "2"}]}),
        ("untag B", "tag B", "Untag", {"tags": [{"key": "old"}]}),
    ]
    assert [one.group for one in made] == ["look", "body", "limit", "tags", "tags"]
    assert made[0].before == {"code": {"checksum": "2"}, "colour": "red"}
    assert made[1].after == {"size": 2, "keys": {"k": "v"}}, "it promises what differs, and what cannot be read"
    assert made[2].before == {"most": 10} and made[2].after == {"most": 3}
    assert {one.guard for one in made[:3]} == {Recheck(fingerprint=live_now().etag or "")}
    assert not any(one.last for one in made)


def test_each_step_is_taken_back_by_one_of_its_own() -> None:
    made = steps(size=2, most=3, colour="blue", code={"checksum": "1"})
    back = inverse(made, {one.id for one in made})
    whole = {"x_size": 1, "x_note": "old", "x_speed": 5, "x_keys": '{"k":"v"}'}
    assert outline(back.steps) == [
        ("undo update B limit", "", "Limit", {"x_most": 10}),
        ("undo update B", "undo update B limit", "UpdateBox", whole),
        ("undo update B look", "undo update B", "Paint", {"x_code": {"zipFile": OLD_CODE}, "x_colour": "red"}),
    ]
    assert back.lasting == ()


def test_what_goes_with_a_change_does_so_on_the_way_back_as_well() -> None:
    (step,) = steps(colour="blue")
    assert step.call.body == {"x_colour": "blue", "x_code": {"zipFile": NEW_CODE}}
    assert step.after == {"colour": "blue"}
    assert step.undo[0].call.body == {"x_colour": "red", "x_code": {"zipFile": NEW_CODE}}, "the code is the same"


def test_a_write_is_made_again_over_what_stands_there_by_then() -> None:
    (step,) = steps(size=2)
    now = live_now(x_note="theirs", x_keys='{"k":"","other":""}')
    call = rebuilt(step, step.after or {}, now, SCOPE)
    assert call.body == {"x_size": 2, "x_note": "theirs", "x_speed": 5, "x_keys": '{"k":"v"}'}
    (painted,) = steps(colour="blue", code={"checksum": "1"})
    saved = Step.from_json(painted.to_json(), str)
    assert rebuilt(saved, saved.after or {}, now, SCOPE).body == painted.call.body, "also out of the journal"


@pytest.mark.parametrize("keys", [{"k": "else"}, {"k": "v", "more": "w"}, {}], ids=("other", "more", "none"))
def test_a_change_of_secrets_comes_last_and_stays(keys: dict[str, str]) -> None:
    hidden = {name: secret(value) for name, value in keys.items()}
    made = steps(keys=hidden, most=3, tags={"mark": "m", "old": "2"}, more=("keys",))
    assert [one.last for one in made] == [True, True, True]
    assert [bool(one.undo) for one in made] == [False, True, True]
    assert made[0].call.body["x_keys"] == (json.dumps(keys, separators=(",", ":"), sort_keys=True) if keys else "{}")


def test_secrets_that_the_file_does_not_have_are_left_alone() -> None:
    (step,) = steps(size=2, keys={"k": ""})
    assert "x_keys" not in step.call.body and not step.last
    assert "x_keys" not in step.undo[0].call.body


def test_what_a_create_does_not_take_is_written_after_it() -> None:
    made = steps(Action.CREATE, speed=7, most=3)
    keys = '{"k":"v"}'
    assert outline(made) == [
        (
            "create B",
            "",
            "CreateBox",
            {
                "x_boxName": "b",
                "x_size": 1,
                "x_note": "old",
                "x_keys": keys,
                "x_code": {"zipFile": NEW_CODE},
                "x_colour": "red",
            },
        ),
        # Whose it is comes first: cut off after that, it is known as ours (S11).
        (
            "tag B",
            "create B",
            "Tag",
            {"tags": [{"key": "mark", "value": "m"}, {"key": "old", "value": "1"}]},
        ),
        (
            "update B body",
            "tag B",
            "UpdateBox",
            {"x_size": 1, "x_note": "old", "x_speed": 7, "x_keys": keys},
        ),
        ("update B limit", "update B body", "Limit", {"x_most": 3}),
    ]
    assert {one.guard for one in made[1:]} == {JustCreated()} and not any(one.undo for one in made[1:])
    assert made[0].after is not None and {"speed", "most", "tags"}.isdisjoint(made[0].after)
    back = inverse(made, {one.id for one in made})
    assert [one.action for one in back.steps] == [Action.DELETE] and back.lasting == ()
    assert [*steps(Action.CREATE)][1].id.startswith("tag "), "what is as by default needs no step"


def test_what_is_deleted_comes_back_with_all_its_groups() -> None:
    def without_secrets(action: Action) -> tuple[Step, ...]:
        live = live_now(x_keys="{}", x_most=4, x_speed=6)
        return steps_of(
            Difference(address=HERE, action=action, resource=None, body={}, live=live, archive=OLD_CODE), SITE
        )

    (gone,) = without_secrets(Action.DELETE)
    assert [(one.id.replace(str(HERE), "B"), named(one)) for one in gone.undo] == [
        ("undo delete B", ""),
        ("undo delete B tags", "undo delete B"),
        ("undo delete B body", "undo delete B tags"),
        ("undo delete B limit", "undo delete B body"),
    ]
    assert gone.undo[0].call.body["x_code"] == {"zipFile": OLD_CODE}
    assert gone.undo[2].call.body["x_speed"] == 6 and gone.undo[3].call.body == {"x_most": 4}
    assert steps(Action.DELETE)[0].undo == (), "secrets would not come back"


def test_what_the_service_names_is_called_so() -> None:
    resource = Resource(address=SLIP_HERE, body={"note": "new"})
    body = desired_body(SLIP, resource.body, API)
    (made,) = steps_of(
        Difference(address=SLIP_HERE, action=Action.CREATE, resource=resource, body=body, live=None), SITE
    )
    assert filled_step(made.undo[0], {made.id: {"slipId": "7/8"}}).call.path == "/boxes/hall/b/slips/7%2F8"
    live = Live(address=SLIP_HERE, body={"note": "old"}, raw={"note": "old", "slipId": "9"}, etag="e")
    (changed,) = steps_of(
        Difference(
            address=SLIP_HERE, action=Action.UPDATE, resource=resource, body=body, live=live, fields=SLIP.fields
        ),
        SITE,
    )
    assert {one.call.path for one in (changed, *changed.undo)} == {"/boxes/hall/b/slips/9"}
