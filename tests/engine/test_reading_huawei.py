"""FunctionGraph as the engine reads it, against the emulator's: what is ours with all beneath it, and one of each."""

from __future__ import annotations

import asyncio
import base64
import io
import zipfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from fcdeploy.cloud.client import Client
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.keys import Keys
from fcdeploy.cloud.limiter import Limiter
from fcdeploy.cloud.lines import Lines
from fcdeploy.emulator.app import create_app
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.engine.reader import Reader
from fcdeploy.engine.snapshot import Site, Snapshot
from fcdeploy.kinds.descriptor import NEW, Scope
from fcdeploy.kinds.huawei import function
from fcdeploy.model import Address, Call, Reply, Resource, Target

T = TypeVar("T")
PROJECT, REGION = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b", "eu-west-101"
HOST = f"functiongraph.{REGION}.myhuaweicloud.com"
KEY = Credentials(access_key_id="AK", access_key_secret="secret")
SITE = Site(
    project="shop",
    target=Target(name="prod", provider="huawei", region=REGION, account=PROJECT, api="v2"),
    scope=Scope(region=REGION, account=PROJECT, api="v2"),
)
TAGS = [{"key": "fcdeploy.project", "value": "shop"}, {"key": "fcdeploy.target", "value": "prod"}]
URN = f"urn:fss:{REGION}:{PROJECT}:function:default"


def archive() -> str:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("index.py", "def handler(event, context): return event")
    return base64.b64encode(buffer.getvalue()).decode()


class Counting:
    """Sends through a client and counts what is asked."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.asked: Counter[str] = Counter()

    async def send(
        self,
        call: Call,
        *,
        leaving: Callable[[], None] | None = None,
        before_again: Callable[[], Awaitable[None]] | None = None,
    ) -> Reply:
        self.asked[call.operation] += 1
        return await self._client.send(call, leaving=leaving, before_again=before_again)

    async def read_archive(self, url: str, to: Path) -> Any:
        raise AssertionError("nothing is downloaded")


async def fill(client: Client) -> None:
    """Two functions, one of them ours, with one of everything beneath that; and a layer."""

    async def send(method: str, path: str, body: Any = None) -> Any:
        return (await client.send(Call(operation="Fill", method=method, path=path, body=body))).body

    for name in ("shop-web", "other"):
        await send(
            "POST",
            "/fgs/functions",
            {
                "func_name": name,
                "package": "default",
                "runtime": "Python3.10",
                "handler": "index.handler",
                "memory_size": 256,
                "timeout": 30,
                "code_type": "zip",
                "code_filename": "index.zip",
                "func_code": {"file": archive()},
                "user_data": '{"MODE": "fast"}',
            },
        )
        timer = {"name": "tick", "schedule_type": "Rate", "schedule": "5m"}
        await send("POST", f"/fgs/triggers/{URN}:{name}", {"trigger_type_code": "TIMER", "event_data": timer})
    ours = f"{URN}:shop-web"
    await send("POST", f"/functions/{ours}/tags/create", {"action": "create", "tags": TAGS})
    await send("POST", f"/fgs/functions/{ours}/versions", {"version": "1", "description": "first"})
    await send("POST", f"/fgs/functions/{ours}/aliases", {"name": "live", "version": "1"})
    await send(
        "POST",
        f"/fgs/triggers/{ours}:!live",
        {"trigger_type_code": "TIMER", "event_data": {"name": "tick", "schedule_type": "Rate", "schedule": "1h"}},
    )
    await send("PUT", f"/fgs/functions/{ours}:!live/reservedinstances", {"count": 2, "idle_mode": False})
    await send("PUT", f"/fgs/functions/{ours}/async-invoke-config", {"max_async_retry_attempts": 2})


def read(steps: Callable[[Reader, Counting], Awaitable[T]]) -> T:
    """Run `steps` with a reader of an emulator that has been filled."""
    app = create_app(EmulatorSettings(access_keys={"AK": "secret"}))

    async def main() -> T:
        client = Client(
            base_url=f"https://{HOST}",
            scheme="huawei",
            api="v2",
            host=HOST,
            account=PROJECT,
            keys=Keys.of(KEY),
            limiter=Limiter(ceiling=8),
            lines=Lines(app),
            archives=Path,
        )
        async with client:
            await fill(client)
            counting = Counting(client)
            return await steps(Reader(counting, SITE), counting)

    try:
        return asyncio.run(main())
    finally:
        app.close()


def of(kind: str, *identity: str) -> Address:
    return Address(provider="huawei", target="prod", kind=kind, identity=identity)


BENEATH = (
    of("alias", "default", "shop-web", "live"),
    of("asyncInvoke", "default", "shop-web", "latest"),
    of("provision", "default", "shop-web", "live"),
    of("trigger", "default", "shop-web", "tick"),
    of("trigger", "default", "shop-web", "tick@live"),
    of("version", "default", "shop-web", "1"),
)
WEB = of("function", "default", "shop-web")


def test_a_snapshot_has_all_that_is_ours_and_asks_for_nothing_twice() -> None:
    new = of("function", "default", "shop-new")

    async def steps(reader: Reader, sender: Counting) -> tuple[Snapshot, Counter[str]]:
        return await reader.read_snapshot(
            {WEB: Resource(address=WEB, body={}), new: Resource(address=new, body={})}
        ), sender.asked

    snapshot, asked = read(steps)
    assert {*snapshot.lives} == {WEB, *BENEATH}
    # The list of functions does not say all of them, so it is not asked for; what stands beneath is asked for beside
    # what it stands in, and what lists of everything have once for all.
    assert asked == {
        "ShowResInstanceInfo": 1,
        "ShowFunctionConfig": 2,
        "ListFunctionVersions": 2,
        "ListVersionAliases": 2,
        "ListFunctionAsyncInvokeConfig": 2,
        "ListProjectTriggers": 1,
        "ListReservedInstanceConfigs": 1,
        "ListDependencies": 1,
    }
    web = snapshot.lives[WEB]
    assert web.mark == SITE.mark and web.body["tags"] == {"fcdeploy.project": "shop", "fcdeploy.target": "prod"}
    assert web.body["environmentVariables"] == {"MODE": "fast"} and web.raw["user_data"] == '{"MODE": "fast"}'


def test_what_a_version_froze_is_what_the_function_was() -> None:
    async def steps(reader: Reader, sender: Counting) -> None:
        there = await reader.read_frozen(BENEATH[-1])
        new = await reader.read_frozen(of("version", "default", "shop-web", NEW))
        assert {*there.bodies} == {WEB} and there.bodies[WEB]["code"]
        assert there.bodies == new.bodies

    read(steps)


def test_each_is_read_alone_as_it_stands_in_the_snapshot() -> None:
    async def steps(reader: Reader, sender: Counting) -> None:
        snapshot = await reader.read_snapshot({})
        assert {*snapshot.lives} == {WEB, *BENEATH}
        for address in (WEB, *BENEATH):
            sender.asked.clear()
            live = await reader.read_one(address)
            assert sum(sender.asked.values()) == (2 if address == WEB else 1)
            assert live is not None and live.etag, address
            assert live.body == snapshot.lives[address].body, address
            assert live.mark == snapshot.lives[address].mark
        for address in BENEATH:
            gone = Address(
                provider="huawei", target="prod", kind=address.kind, identity=("default", "gone", address.identity[2])
            )
            assert await reader.read_one(gone) is None, address
        assert await reader.read_one(of("trigger", "default", "shop-web", "tick@gone")) is None
        assert await reader.read_beneath(WEB) == {*BENEATH}
        assert (await reader.read_identities(function.KIND)) == (("default", "other"), ("default", "shop-web"))

    read(steps)
