"""What stands beneath the items of a page is asked for while the next page is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from fcdeploy.engine.reader import Reader
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.errors import ApiError, ReadFailed
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.model import Address, ArchiveRef, Call, Json, Live, Reply, Resource, Target

API = "2021-04-06"
SCOPE = Scope(region="cn-hangzhou", account="1234567890123456", api=API)
TARGET = Target(name="prod", provider="alibaba", region=SCOPE.region, account=SCOPE.account, api=API)
SERVICE = Address(provider="alibaba", target="prod", kind="service", identity=("s",))
TRIGGERS = "/services/s/functions/{}/triggers"


class TwoPages:
    """A service whose functions are on two pages; the second comes once the triggers of the first were asked for.

    `broken`: it never comes whole, and neither do the triggers.
    """

    def __init__(self, *, broken: bool) -> None:
        self.broken = broken
        self.asked: list[str] = []
        self.followed = asyncio.Event()

    async def send(
        self,
        call: Call,
        *,
        leaving: Callable[[], None] | None = None,
        before_again: Callable[[], Awaitable[None]] | None = None,
    ) -> Reply:
        self.asked.append(call.path)
        return Reply(status=200, headers={}, body=await self.answer(call))

    async def answer(self, call: Call) -> Json:
        answer: Json = {}
        if call.path == "/services/s":
            answer = {"serviceName": "s"}
        elif call.path == TRIGGERS.format("a"):
            self.followed.set()
            if self.broken:
                await asyncio.Event().wait()
            answer = {"triggers": [{"triggerName": "t", "triggerType": "http", "triggerConfig": "{}"}]}
        elif call.path == "/services/s/functions" and "nextToken" not in dict(call.query):
            answer = {"functions": [{"functionName": "a", "runtime": "go1"}], "nextToken": "b"}
        elif call.path == "/services/s/functions":
            await self.followed.wait()
            if self.broken:
                raise ApiError(operation=call.operation, status=500, code="InternalServerError", message="no")
            # The first one again: it was moved onto the next page while others came.
            answer = {"functions": [{"functionName": name, "runtime": "go1"} for name in "ab"]}
        return answer

    async def read_archive(self, url: str, to: Path) -> ArchiveRef:
        raise AssertionError("there is no archive")


async def snapshot_of(service: TwoPages) -> Snapshot:
    reader = Reader(service, Site(project="shop", target=TARGET, scope=SCOPE))
    async with asyncio.timeout(30):
        return await reader.read_snapshot({SERVICE: Resource(address=SERVICE, body={})})


def test_what_stands_beneath_a_page_is_asked_for_before_the_next_page_is_there() -> None:
    async def main() -> None:
        service = TwoPages(broken=False)
        snapshot = await snapshot_of(service)
        found = {one.identity for one in snapshot.lives}
        assert found == {("s",), ("s", "a"), ("s", "a", "t"), ("s", "b")}
        assert service.asked.count(TRIGGERS.format("a")) == service.asked.count(TRIGGERS.format("b")) == 1

    asyncio.run(main())


def test_a_page_that_fails_ends_what_was_begun_for_the_one_before() -> None:
    async def main() -> None:
        with pytest.raises(ReadFailed, match="cannot read functions of s"):
            await snapshot_of(TwoPages(broken=True))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


class ManyFunctions(TwoPages):
    """A service with twelve functions on one page, none of which has anything beneath it."""

    async def answer(self, call: Call) -> Json:
        answers: dict[str, Json] = {
            "/services/s": {"serviceName": "s"},
            "/services/s/functions": {"functions": [{"functionName": f"f{n:02}", "runtime": "go1"} for n in range(12)]},
        }
        return answers.get(call.path, {})


def test_what_the_first_of_a_page_lead_to_is_asked_for_before_the_last_are_looked_at() -> None:
    service = ManyFunctions(broken=False)
    asked_before: dict[str, int] = {}

    def see(lives: Mapping[Address, Live]) -> None:
        asked_before.update(dict.fromkeys((one.identity[-1] for one in lives), len(service.asked)))

    async def main() -> None:
        reader = Reader(service, Site(project="shop", target=TARGET, scope=SCOPE))
        await reader.read_snapshot({SERVICE: Resource(address=SERVICE, body={})}, see)

    asyncio.run(main())
    assert list(asked_before) == [f"f{n:02}" for n in range(12)]
    first = service.asked.index(TRIGGERS.format("f00"))
    assert asked_before["f00"] <= first < asked_before["f11"]
