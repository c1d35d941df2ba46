"""Series that stand beneath each function: numbers that we ask for, what decides, layers by id, aliases that move.

FunctionGraph's versions, aliases and dependencies beside a small function of the test's own (S30-S33, S44).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from fcdeploy.diagnostics import Severity
from fcdeploy.engine.canonical import agrees
from fcdeploy.engine.edges import names_of
from fcdeploy.engine.ownership import Wishes, mark_tags, verdicts
from fcdeploy.engine.planner import differences, to_plan
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.engine.steps import Difference
from fcdeploy.kinds.descriptor import GuardStyle, Kind, Listing, Marking, Operation, Scope, TagGroup
from fcdeploy.kinds.fields import Access, Codec, Field, integer, strings, strings_by_name, text
from fcdeploy.kinds.huawei import alias, layer, version
from fcdeploy.kinds.huawei.urn import URN, on_function
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Action, Address, Live, Mark, NextAfter, Output, Plan, Resource, Target

MARK = Mark(project="p", target="dev")
SCOPE = Scope(region="cn-north-4", account="1234", api="v2")
TARGET = Target(name="dev", provider="huawei", region=SCOPE.region, account=SCOPE.account, api=SCOPE.api)
SITE = Site(project="p", target=TARGET, scope=SCOPE)
UUID = "0b8f7d9c-1111-4f4f-9a9a-000000000001"

FUNCTION = Kind(
    provider="huawei",
    name="function",
    title="Function",
    description="A function with a few fields.",
    section="functions",
    parent=None,
    stands_in="service",
    identity=("package", "functionName"),
    identify=lambda names, body: ("default", "-".join(names)),
    name_schema={"type": "string"},
    fields=(
        Field(
            name="code",
            title="Code",
            description="Code.",
            codec=Codec.ARCHIVE,
            checksum="digest",
            checksum_by="sha512",
            required=True,
        ),
        integer("timeout", "Timeout", "Seconds.", default=3),
        strings("layers", "Layers", "Layers.", refers="layer", arn=layer.ARN, last_part=":"),
        text("runtime", "Runtime", "Runtime.", default="", access=Access.CREATE_ONLY),
        strings_by_name("tags", "Tags", "Tags."),
    ),
    create=Operation(name="CreateFunction", method="POST", path="/fgs/functions"),
    read=on_function("ShowFunctionConfig", "GET", "/config"),
    update=on_function("UpdateFunctionConfig", "PUT", "/config"),
    delete=on_function("DeleteFunction", "DELETE"),
    listing=Listing(operation=Operation(name="ListFunctions", method="GET", path="/fgs/functions"), items="functions"),
    guard=GuardStyle.RECHECK,
    marking=Marking.TAGS,
    tags=TagGroup(
        name="tags",
        field="tags",
        put=Operation(name="CreateTags", method="POST", path=f"/functions/{URN}/tags/create"),
        remove=Operation(name="DeleteTags", method="DELETE", path=f"/functions/{URN}/tags/delete"),
        removed="tags",
        read=Operation(name="ListFunctionTags", method="GET", path=f"/functions/{URN}/tags"),
        answer="tags",
        listing=Listing(operation=Operation(name="ListTags", method="POST", path="/functions/tags"), items="tags"),
    ),
)


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for one in (FUNCTION, version.KIND, alias.KIND, layer.KIND):
        monkeypatch.setitem(KINDS, ("huawei", one.name), one)
    yield


def at(name: str) -> Address:
    kind, _, rest = name.partition(" ")
    return Address(provider="huawei", target="dev", kind=kind, identity=tuple(rest.split("/")))


def wanted(name: str, body: Mapping[str, Any]) -> Resource:
    return Resource(address=at(name), body=body)


def function(name: str = "default/f", code: str = "one", **body: Any) -> dict[str, Any]:
    return {f"function {name}": {"code": {"checksum": code}, **body}}


def live(name: str, body: Mapping[str, Any], raw: Mapping[str, Any] | None = None) -> Live:
    where, mark = at(name), None
    full = dict(body)
    if where.kind == "function":
        full = {"timeout": 3, "layers": [], "runtime": "", **full, "tags": mark_tags(MARK)}
        mark = MARK
    if where.kind == "alias":
        full = {"description": "", "weights": {}, "resolvePolicy": "Random", **full}
    if where.kind in ("version", "layer"):
        mark = MARK
    return Live(address=where, body=full, raw=raw or full, etag=f"etag of {name}", mark=mark)


def compared(
    desired: Mapping[str, Any],
    there: Mapping[str, Any],
    frozen: Mapping[str, Mapping[str, Any]] | None = None,
    raws: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[tuple[Difference, ...], Plan]:
    lives = {at(name): live(name, body, (raws or {}).get(name)) for name, body in there.items()}
    snapshot = Snapshot(
        lives=lives,
        marks=frozenset({MARK}),
        frozen={
            at(name): {replace(at(name), kind="function", identity=at(name).identity[:-1]): body}
            for name, body in (frozen or {}).items()
        },
    )
    resources = {at(name): wanted(name, body) for name, body in desired.items()}
    owned = verdicts(resources, snapshot, SITE, Wishes(), declared=resources)
    found = differences(resources, snapshot, owned, SITE)
    return found, to_plan(found, snapshot, SITE)


def changed(plan: Plan) -> dict[str, str]:
    return {one.address.short: one.action.value for one in plan.changes}


def errors(found: tuple[Difference, ...]) -> list[Any]:
    return [note for one in found for note in one.notes if note.severity is Severity.ERROR]


PUBLISH = {"publish": "on-change"}
FROZEN = {"code": {"checksum": "one"}, "timeout": 3, "layers": [], "runtime": ""}


def test_a_version_is_published_by_the_number_that_we_ask_for() -> None:
    found, plan = compared(
        {**function(code="two"), "version default/f/new": PUBLISH, "alias default/f/live": {"version": "latest"}},
        {
            **function(),
            "version default/f/9": {"description": ""},
            "version default/f/10": {"description": ""},
            "alias default/f/live": {"version": "10"},
        },
        {"version default/f/10": FROZEN},
    )
    assert not errors(found)
    made = next(step for step in plan.steps if step.action is Action.CREATE)
    assert made.guard == NextAfter(newest="10")
    assert made.call.body["version"] == "11"
    assert made.call.path.endswith(":function:default:f/versions")
    (gone,) = made.undo
    assert str(Output(step=made.id, pointer="/versionId").mark) in gone.call.path
    moved = next(step for step in plan.steps if step.address == at("alias default/f/live"))
    assert moved.after is not None and moved.after["version"] == Output(step=made.id, pointer="/versionId")
    assert made.id in moved.needs


def test_the_first_version_is_the_first() -> None:
    _, plan = compared({**function(), "version default/f/new": PUBLISH}, function())
    (made,) = plan.steps
    assert (made.call.body["version"], made.guard) == ("1", NextAfter(newest=""))


def test_a_version_stays_where_only_settings_changed_and_the_plan_says_so() -> None:
    found, plan = compared(
        {**function(timeout=9), "version default/f/new": PUBLISH, "alias default/f/live": {"version": "latest"}},
        {**function(), "version default/f/3": {"description": ""}, "alias default/f/live": {"version": "3"}},
        {"version default/f/3": FROZEN},
    )
    assert changed(plan) == {"function default/f": "update"}
    (note,) = plan.warnings
    assert note.summary == "function default/f: version 3 stays as it is, without what changed in: timeout"
    assert "code" in note.detail
    assert not errors(found)


def test_a_function_that_is_made_anew_has_none_of_its_versions_left() -> None:
    found, plan = compared(
        {
            **function(runtime="new"),
            "version default/f/new": {**PUBLISH, "keep": 1},
            "alias default/f/live": {"version": "latest"},
        },
        {
            **function(runtime="old"),
            "version default/f/3": {"description": ""},
            "alias default/f/live": {"version": "3"},
        },
        {"version default/f/3": {**FROZEN, "runtime": "old"}},
    )
    assert not errors(found)
    assert changed(plan) == {
        "function default/f": "replace",
        "version default/f/new": "create",
        "alias default/f/live": "replace",
    }
    reasons = {one.address.kind: one.reason for one in plan.changes}
    assert reasons["version"] == "function default/f is made anew, and its versions go with it"
    assert "function default/f is made anew: its versions 3 go with it" in [one.summary for one in plan.warnings]


def test_latest_and_previous_are_those_of_the_function() -> None:
    names = ("default/f", "default/g")
    found, plan = compared(
        {
            **function("default/f"),
            **function("default/g"),
            **{f"alias {one}/live": {"version": "latest", "weights": {"previous": 0.1}} for one in names},
        },
        {
            **function("default/f"),
            **function("default/g"),
            **{f"version default/f/{number}": {"description": ""} for number in (1, 2)},
            **{f"version default/g/{number}": {"description": ""} for number in (6, 7)},
            "alias default/f/live": {"version": "1"},
        },
    )
    assert not errors(found)
    bodies = {one.address.short: one.body for one in found if one.address.kind == "alias"}
    assert (bodies["alias default/f/live"]["version"], bodies["alias default/f/live"]["weights"]) == ("2", {"1": 0.1})
    assert (bodies["alias default/g/live"]["version"], bodies["alias default/g/live"]["weights"]) == ("7", {"6": 0.1})
    assert changed(plan) == {"alias default/f/live": "update", "alias default/g/live": "create"}


def aliases(**versions: str) -> dict[str, Any]:
    return {f"alias default/f/{name}": {"version": number} for name, number in versions.items()}


def moves(before: dict[str, str], after: dict[str, str]) -> tuple[list[str], list[Any]]:
    """The alias steps in their order, and what refuses the plan."""
    numbers = {f"version default/f/{number}": {"description": ""} for number in range(1, 6)}
    found, plan = compared({**function(), **aliases(**after)}, {**function(), **numbers, **aliases(**before)})
    return [f"{step.action.value} {step.address.identity[-1]}" for step in plan.steps], errors(found)


def test_aliases_that_move_along_a_chain_move_from_its_end() -> None:
    # The names are against the order on purpose: without the waits the steps would come by address.
    assert moves({"a": "1", "b": "2", "c": "3"}, {"a": "2", "b": "3", "c": "4"}) == (
        ["update c", "update b", "update a"],
        [],
    )
    assert moves({"a": "3", "b": "2"}, {"a": "4", "b": "3"}) == (["update a", "update b"], [])


def test_a_new_alias_waits_for_the_one_that_leaves_its_place() -> None:
    assert moves({"z": "2"}, {"a": "2", "z": "3"}) == (["update z", "create a"], [])


def test_aliases_that_swap_are_refused_by_name() -> None:
    _, (refused,) = moves({"a": "1", "b": "2", "x": "5"}, {"a": "2", "b": "1", "x": "5"})
    assert refused.summary == (
        "alias default/f/a and alias default/f/b want each other's place, and no order of writes gives it to them"
    )
    assert "alias default/f/a: 100 % to version 1 -> 100 % to version 2" in refused.detail
    assert "lead one of them elsewhere" in refused.hint
    _, (ring,) = moves({"a": "1", "b": "2", "c": "3"}, {"a": "2", "b": "3", "c": "1"})
    assert ring.summary.startswith("alias default/f/a, alias default/f/b and alias default/f/c want")


def test_who_waits_for_a_swap_does_not_make_it_longer() -> None:
    steps, (refused,) = moves({"a": "1", "b": "2", "w": "4", "v": "5"}, {"a": "2", "b": "1", "w": "5", "v": "3"})
    assert refused.summary.startswith("alias default/f/a and alias default/f/b want")
    assert steps.index("update v") < steps.index("update w")


def test_two_aliases_of_one_version_are_refused_when_the_plan_is_made() -> None:
    _, (refused,) = moves({"a": "5"}, {"a": "5", "b": "latest"})
    assert refused.summary == "alias default/f/b cannot stand beside alias default/f/a"
    assert "one alias" in refused.detail


def test_a_layer_is_named_by_the_id_of_its_newest_version() -> None:
    found, plan = compared(
        {
            **function(layers=["imaging", UUID, "other:4:" + UUID]),
            "layer imaging/new": {"code": {"checksum": "m"}, "compatibleRuntime": ["python3.10"]},
        },
        {
            **function(layers=[f"imaging:2:{UUID[:-1]}2", f"somebody:1:{UUID}", f"other:4:{UUID}"]),
            "layer imaging/2": {
                "code": {"checksum": "m"},
                "compatibleRuntime": ["python3.10"],
                "description": "",
            },
        },
        raws={"layer imaging/2": {"id": f"{UUID[:-1]}2", "dep_id": "d"}},
    )
    assert changed(plan) == {}
    body = next(one.body for one in found if one.address.kind == "function")
    assert body["layers"] == [f"imaging:2:{UUID[:-1]}2", UUID, f"other:4:{UUID}"]
    assert ("layer", ("imaging", "2")) in names_of(at("function default/f"), body, SCOPE)


def test_a_layer_that_comes_gives_its_whole_name_to_those_who_follow_it() -> None:
    found, plan = compared(
        {
            **function(layers=["imaging"]),
            "layer imaging/new": {"code": {"checksum": "n"}, "compatibleRuntime": ["python3.10"]},
        },
        {
            **function(layers=[f"imaging:2:{UUID}"]),
            "layer imaging/2": {"code": {"checksum": "m"}, "compatibleRuntime": ["python3.10"], "description": ""},
        },
        raws={"layer imaging/2": {"id": UUID, "dep_id": "d"}},
    )
    made = next(step for step in plan.steps if step.action is Action.CREATE)
    follows = next(step for step in plan.steps if step.address.kind == "function")
    assert follows.after is not None and follows.after["layers"] == [Output(step=made.id, pointer="/arn")]
    assert made.id in follows.needs
    # Only the reply tells the id by which what it made can be deleted.
    (gone,) = made.undo
    assert Output(step=made.id, pointer="/dep_id").mark in gone.call.path
    assert not errors(found)


def test_layers_agree_by_the_last_part_of_their_names() -> None:
    field = FUNCTION.field("layers")
    assert agrees(field, ["a:1:x", "y"], ["x", "b:9:y"])
    assert not agrees(field, ["a:1:x", "y"], ["y", "x"])
    assert not agrees(field, ["a:1:x"], ["a:1:x", "y"])
    assert not agrees(field, ["x"], None)
