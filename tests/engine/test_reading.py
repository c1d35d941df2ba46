"""What lists, answers and tags of a cloud that is built otherwise are read as: kinds and answers made up here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from fcdeploy.engine.canonical import live_body, said, stamp
from fcdeploy.engine.edges import names_of
from fcdeploy.engine.lists import read_list, read_pages
from fcdeploy.engine.reader import Reader
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.errors import ApiError, ReadFailed
from fcdeploy.kinds.descriptor import Kind, Listing, Marking, Operation, Scope, TagGroup, Translation
from fcdeploy.kinds.fields import integer, strings_by_name, text
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Address, ArchiveRef, Call, Json, Mark, Reply, Resource, Target

SCOPE = Scope(region="far", account="a1", api="v2")
SITE = Site(
    project="shop", target=Target(name="prod", provider="moon", region="far", account="a1", api="v2"), scope=SCOPE
)
OURS = [{"key": "fcdeploy.project", "value": "shop"}, {"key": "fcdeploy.target", "value": "prod"}]
_URN = "urn:{region}:{area}:{craterName}"


def _crater_said(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    return {**raw, **({"width": raw["size"]["across"]} if "size" in raw else {})}


def _flag_said(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    told = {**raw, "height": raw.get("h")}
    if "urn" in raw:
        _, _, area, crater, *rest = str(raw["urn"]).split(":")
        end = f"@{rest[0]}" if rest and rest[0] != "latest" else ""
        told |= {"area": area, "craterName": crater, "flagName": f"{raw['label']}{end}"}
    return told


def _flag_names(names: Mapping[str, str]) -> Mapping[str, str]:
    _, _, behind = names["flagName"].partition("@")
    return {"behind": behind or "latest"}


CRATER = Kind(
    provider="moon",
    name="crater",
    title="Crater",
    description="A hole.",
    section="craters",
    parent=None,
    identity=("area", "craterName"),
    name_schema={},
    fields=(
        integer("width", "Width", "Metres across.", default=1),
        strings_by_name("tags", "Tags", "What it is tagged with."),
    ),
    create=Operation(name="Dig", method="POST", path="/craters"),
    read=Operation(name="GetCrater", method="GET", path=f"/craters/{_URN}"),
    update=Operation(name="Widen", method="PUT", path=f"/craters/{_URN}"),
    delete=Operation(name="Fill", method="DELETE", path=f"/craters/{_URN}"),
    listing=Listing(
        operation=Operation(name="ListCraters", method="GET", path="/craters"),
        items="craters",
        limit=2,
        size="most",
        token="marker",
        following="next",
        total="count",
        member="urn",
        pattern=r"urn:[^:]*:(?P<area>[^:]+):(?P<craterName>[^:]+)",
        whole=False,
    ),
    tags=TagGroup(
        name="tags",
        field="tags",
        put=Operation(name="Tag", method="POST", path=f"/tags/{_URN}/create"),
        remove=Operation(name="Untag", method="POST", path=f"/tags/{_URN}/delete"),
        removed="tags",
        read=Operation(name="GetTags", method="GET", path=f"/tags/{_URN}"),
        answer="tags",
        listing=Listing(
            operation=Operation(name="Tagged", method="POST", path="/tagged", body={"action": "filter"}),
            items="resources",
            limit=2,
            token="offset",
            following="",
            total="total",
            in_body=True,
            member="id",
            pattern=r"urn:[^:]*:(?P<area>[^:]+):(?P<craterName>[^:]+)",
        ),
        pairs=True,
    ),
    marking=Marking.TAGS,
    missing=frozenset({"NoCrater"}),
    identify=lambda names, body: ("east", names[-1]),
    translation=Translation(said=_crater_said, sent=lambda body, names, scope: body),
    stamps=("touched",),
)
MAP = Kind(
    provider="moon",
    name="map",
    title="Map",
    description="A bare list of them.",
    section="maps",
    parent="crater",
    identity=("area", "craterName", "mapName"),
    name_schema={},
    fields=(text("look", "Look", "How it looks."),),
    create=Operation(name="Draw", method="POST", path=f"/craters/{_URN}/maps"),
    read=Operation(name="GetMap", method="GET", path=f"/craters/{_URN}/maps/{{mapName}}"),
    update=Operation(name="Redraw", method="PUT", path=f"/craters/{_URN}/maps/{{mapName}}"),
    delete=Operation(name="Burn", method="DELETE", path=f"/craters/{_URN}/maps/{{mapName}}"),
    listing=Listing(
        operation=Operation(name="ListMaps", method="GET", path=f"/craters/{_URN}/maps"),
        items="",
        limit=0,
        only="[a-z]+",
    ),
    missing=frozenset({"NoMap"}),
)
_FLAG = f"/flags/{_URN}:{{behind}}"
FLAG = Kind(
    provider="moon",
    name="flag",
    title="Flag",
    description="Listed all at once.",
    section="flags",
    parent="crater",
    identity=("area", "craterName", "flagName"),
    name_schema={},
    fields=(integer("height", "Height", "In metres.", default=1),),
    create=Operation(name="Plant", method="POST", path=_FLAG),
    read=Operation(name="ListFlagsOf", method="GET", path=_FLAG),
    update=Operation(name="Raise", method="PUT", path=f"{_FLAG}/{{flagId}}"),
    delete=Operation(name="Pull", method="DELETE", path=f"{_FLAG}/{{flagId}}"),
    listing=Listing(
        operation=Operation(name="ListFlags", method="GET", path="/flags"),
        items="flags",
        limit=2,
        size="most",
        token="marker",
        following="page.next",
        total="count",
        everywhere=True,
    ),
    siblings=Listing(
        operation=Operation(name="ListFlagsOf", method="GET", path=_FLAG),
        items="",
        limit=0,
        told={"urn": f"{_URN}:{{behind}}"},
    ),
    missing=frozenset({"NoFlag"}),
    derive=_flag_names,
    given=("flagId",),
    translation=Translation(said=_flag_said, sent=lambda body, names, scope: body),
)


@pytest.fixture(autouse=True)
def _moon(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (CRATER, MAP, FLAG):
        monkeypatch.setitem(KINDS, (kind.provider, kind.name), kind)


class Moon:
    """Answers of the service by method and path; lists of pages are given out by offset. Everything asked is kept."""

    def __init__(self, answers: Mapping[str, Json]) -> None:
        self.answers = dict(answers)
        self.asked: list[Call] = []

    async def send(
        self,
        call: Call,
        *,
        leaving: Callable[[], None] | None = None,
        before_again: Callable[[], Awaitable[None]] | None = None,
    ) -> Reply:
        self.asked.append(call)
        await asyncio.sleep(0)
        answer = self.answers.get(f"{call.method} {call.path}", "NoCrater")
        if callable(answer):
            answer = answer(call)
        if isinstance(answer, str):
            raise ApiError(operation=call.operation, status=404, code=answer, message="there is none")
        return Reply(status=200, headers={}, body=answer)

    async def read_archive(self, url: str, to: Path) -> ArchiveRef:
        raise AssertionError("there is no archive")

    def paths(self) -> list[str]:
        """Method and path of all that was asked, in order."""
        return sorted(f"{call.method} {call.path}" for call in self.asked)


def pages(items: Sequence[Json], member: str, *, total: Json = None) -> Callable[[Call], Json]:
    """A list that is given out two by two; the marker of what follows the last page is where that ends."""

    def answer(call: Call) -> Json:
        start = int(dict(call.query).get("marker", "0"))
        page = list(items[start : start + 2])
        count = len(page) if total is None else total
        return {member: page, "next": start + len(page), "page": {"next": start + len(page)}, "count": count}

    return answer


def tagged(*named: tuple[str, list[Json]]) -> Callable[[Call], Json]:
    """The list of what has tags, two by two, asked for in the body."""

    def answer(call: Call) -> Json:
        assert call.reads, "a list may be asked for again whatever its method"
        assert call.body["action"] == "filter"
        start = int(call.body.get("offset", "0"))
        page = [{"id": name, "tags": tags, "system": [{"key": "own", "value": "1"}]} for name, tags in named]
        return {"resources": page[start : start + int(call.body["limit"])], "total": len(named)}

    return answer


def of(kind: str, *identity: str) -> Address:
    return Address(provider="moon", target="prod", kind=kind, identity=identity)


def wanting(*addresses: Address) -> dict[Address, Resource]:
    return {one: Resource(address=one, body={}) for one in addresses}


def snapshot_of(moon: Moon, *addresses: Address) -> Snapshot:
    return asyncio.run(Reader(moon, SITE).read_snapshot(wanting(*addresses)))


def listed(moon: Moon, kind: Kind, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    return [*asyncio.run(read_list(Reader(moon, SITE).checked, kind, above, SCOPE))]


def urn(name: str) -> str:
    return f"urn:far:east:{name}"


@pytest.mark.parametrize("total", [None, 5, 4], ids=["size of the page", "all there are", "too small"])
def test_pages_by_offset_are_read_to_the_end_whatever_the_total_means(total: int | None) -> None:
    items = [{"urn": urn(name)} for name in "abcde"]
    moon = Moon({"GET /craters": pages(items, "craters", total=total)})
    assert [name for _, name in listed(moon, CRATER)] == [*"abcde"]
    assert [dict(call.query) for call in moon.asked] == [
        {"most": "2"},
        {"most": "2", "marker": "2"},
        {"most": "2", "marker": "4"},
    ]


@pytest.mark.parametrize("following", [0, None, "0", 2], ids=["zero", "nothing", "text", "no greater"])
def test_pages_by_offset_end_where_nothing_follows(following: Json) -> None:
    def answer(call: Call) -> Json:
        marker = dict(call.query).get("marker")
        page = [{"urn": urn("a")}, {"urn": urn("b")}] if marker is None else [{"urn": urn("c")}, {"urn": urn("d")}]
        return {"craters": page, "next": 2 if marker is None else following, "count": 9}

    moon = Moon({"GET /craters": answer})
    assert [name for _, name in listed(moon, CRATER)] == [*"abcd"]
    assert len(moon.asked) == 2


def test_an_empty_page_is_the_last() -> None:
    moon = Moon({"GET /craters": pages([{"urn": urn("a")}, {"urn": urn("b")}], "craters")})
    assert len(listed(moon, CRATER)) == 2
    assert len(moon.asked) == 2


def test_a_bare_list_is_read_and_what_is_no_member_of_the_kind_is_left_out() -> None:
    moon = Moon({"GET /craters/urn:far:east:a/maps": [{"mapName": "old"}, {"mapName": "3"}, {"mapName": "new"}]})
    assert listed(moon, MAP, ("east", "a")) == [("east", "a", "old"), ("east", "a", "new")]
    assert moon.asked[0].query == ()


def test_what_is_no_list_is_refused() -> None:
    moon = Moon({"GET /craters/urn:far:east:a/maps": {"maps": []}})
    with pytest.raises(ReadFailed, match="not a list"):
        listed(moon, MAP, ("east", "a"))


def test_pages_asked_for_in_a_body_are_read_to_the_end() -> None:
    assert CRATER.tags is not None
    moon = Moon({"POST /tagged": tagged(*((urn(name), OURS) for name in "abc"))})
    read = read_pages(Reader(moon, SITE).checked, CRATER.tags.listing, {}, SCOPE, "tagged")
    assert len(asyncio.run(read)) == 3
    assert [call.body for call in moon.asked] == [
        {"action": "filter", "limit": "2"},
        {"action": "filter", "limit": "2", "offset": "2"},
    ]


def test_two_of_one_name_are_named_and_never_taken_for_one() -> None:
    flags = [{"label": "red", "urn": urn("a"), "flagId": "f1"}, {"label": "red", "urn": urn("a"), "flagId": "f2"}]
    moon = Moon({"GET /flags": pages(flags, "flags")})
    with pytest.raises(ReadFailed, match="two of the same name: east/a/red") as failed:
        listed(moon, FLAG)
    assert failed.value.detail == "f1 and f2"


def test_one_that_two_pages_have_is_one() -> None:
    flags = [{"label": name, "urn": urn("a"), "flagId": name} for name in ("red", "blue")]
    moon = Moon({"GET /flags": pages([*flags, {**flags[1], "h": 7}], "flags")})
    assert listed(moon, FLAG) == [("east", "a", "red"), ("east", "a", "blue")]


def test_what_has_no_name_is_refused() -> None:
    moon = Moon({"GET /flags": pages([{"label": "red"}], "flags")})
    with pytest.raises(ReadFailed, match="cannot be told apart"):
        listed(moon, FLAG)


ANSWERS: Mapping[str, Json] = {
    "POST /tagged": tagged((urn("ours"), [*OURS, {"key": "team", "value": "x"}]), (urn("theirs"), [])),
    "GET /craters/urn:far:east:ours": {"size": {"across": 5}, "touched": "t1"},
    "GET /craters/urn:far:east:wanted": {"size": {"across": 7}, "touched": "t1"},
    "GET /craters/urn:far:east:ours/maps": [{"mapName": "old", "look": "grey"}],
    "GET /craters/urn:far:east:wanted/maps": [],
    "GET /flags": pages(
        [
            {"label": "red", "urn": f"{urn('ours')}:latest", "h": 3, "flagId": "f1"},
            {"label": "red", "urn": f"{urn('ours')}:2", "h": 4, "flagId": "f2"},
            # Nobody has to tell apart what stands in nothing of ours.
            {"label": "red", "urn": f"{urn('theirs')}:latest", "flagId": "f3"},
            {"label": "red", "urn": f"{urn('theirs')}:latest", "flagId": "f4"},
        ],
        "flags",
    ),
}


def test_a_snapshot_has_what_is_wanted_and_what_is_ours_with_all_beneath() -> None:
    moon = Moon(ANSWERS)
    snapshot = snapshot_of(moon, of("crater", "east", "wanted"), of("crater", "east", "new"))
    assert sorted(one.short for one in snapshot.lives) == [
        "crater east/ours",
        "crater east/wanted",
        "flag east/ours/red",
        "flag east/ours/red@2",
        "map east/ours/old",
    ]
    ours = snapshot.lives[of("crater", "east", "ours")]
    assert ours.mark == Mark(project="shop", target="prod")
    assert ours.body == {"width": 5, "tags": {"fcdeploy.project": "shop", "fcdeploy.target": "prod", "team": "x"}}
    assert ours.raw["size"] == {"across": 5} and ours.raw["width"] == 5
    assert snapshot.lives[of("flag", "east", "ours", "red@2")].body == {"height": 4}
    assert ours.etag and snapshot.lives[of("crater", "east", "wanted")].mark is None
    # The list of all craters does not say all of them, so it is not asked for; nothing is asked for twice but pages.
    assert "GET /craters" not in moon.paths()
    singly = [path for path in moon.paths() if path not in ("GET /flags", "POST /tagged")]
    assert singly == sorted({*singly}) and len(singly) == 6


def test_two_of_one_name_in_what_is_ours_stop_the_plan() -> None:
    flags = [{"label": "red", "urn": urn("ours"), "flagId": one} for one in ("f1", "f2")]
    with pytest.raises(ReadFailed, match="two of the same name"):
        snapshot_of(Moon({**ANSWERS, "GET /flags": pages(flags, "flags")}))


def test_one_is_found_among_its_siblings() -> None:
    moon = Moon(
        {
            "GET /flags/urn:far:east:ours:2": [
                {"label": "red", "h": 4, "flagId": "f2"},
                {"label": "blue", "h": 1, "flagId": "f5"},
            ]
        }
    )
    live = asyncio.run(Reader(moon, SITE).read_one(of("flag", "east", "ours", "red@2")))
    assert live is not None and live.body == {"height": 4} and live.raw["flagId"] == "f2" and live.etag
    assert moon.paths() == ["GET /flags/urn:far:east:ours:2"]
    # What it stands in is gone: so is it.
    assert asyncio.run(Reader(Moon({}), SITE).read_one(of("flag", "east", "ours", "red@2"))) is None


def test_a_refusal_that_says_something_else_is_no_absence() -> None:
    moon = Moon({"GET /flags/urn:far:east:ours:latest": "NoMoon"})
    with pytest.raises(ReadFailed):
        asyncio.run(Reader(moon, SITE).read_one(of("flag", "east", "ours", "red")))


def test_what_stands_beneath_is_also_what_only_the_list_of_everything_has() -> None:
    beneath = asyncio.run(Reader(Moon(ANSWERS), SITE).read_beneath(of("crater", "east", "ours")))
    assert sorted(one.short for one in beneath) == ["flag east/ours/red", "flag east/ours/red@2", "map east/ours/old"]


def test_read_alone_a_root_has_its_tags_and_all_names_are_whole() -> None:
    moon = Moon({**ANSWERS, "GET /tags/urn:far:east:ours": {"tags": OURS, "system": []}})
    live = asyncio.run(Reader(moon, SITE).read_one(of("crater", "east", "ours")))
    assert live is not None and live.mark == SITE.mark and live.body["width"] == 5
    moon = Moon({"GET /craters": pages([{"urn": urn("b")}, {"urn": urn("a")}], "craters")})
    assert asyncio.run(Reader(moon, SITE).read_identities(CRATER)) == (("east", "a"), ("east", "b"))


def test_a_stamp_changes_with_every_write_and_not_with_tags() -> None:
    raw = said(CRATER, {"size": {"across": 5}, "touched": "t1"})
    body = live_body(CRATER, raw, "v2")
    before = stamp(CRATER, body, raw)
    assert stamp(CRATER, {**body, "tags": {"team": "x"}}, raw) == before
    assert stamp(CRATER, body, {**raw, "touched": "t2"}) != before
    assert stamp(CRATER, {**body, "width": 6}, raw) != before
    assert stamp(replace(CRATER, stamps=()), body, {**raw, "touched": "t2"}) == stamp(
        replace(CRATER, stamps=()), body, raw
    )


def test_a_qualifier_is_named_under_the_whole_name_of_what_it_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    pole = replace(
        FLAG, name="pole", section="poles", fields=(text("map", "Map", "Of the same crater.", behind=("map",)),)
    )
    monkeypatch.setitem(KINDS, ("moon", "pole"), pole)
    names = names_of(of("pole", "east", "ours", "red"), {"map": "old"}, SCOPE)
    assert names == {("map", ("east", "ours", "old"))}
