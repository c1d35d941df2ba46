"""The client against the emulator, which checks signatures by rules of its own: over a socket and in process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.cloud.client import Client
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.keys import Keys
from fcdeploy.emulator.app import create_app
from fcdeploy.emulator.server import start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.errors import ApiError, NoReply
from fcdeploy.model import ArchiveRef, Call

Make = Callable[..., Client]
ACCOUNT = "4242424242424242"
HOST = f"{ACCOUNT}.eu-central-1.fc.aliyuncs.com"
KEYS = {"LTAItest": "secret0123456789", "STS.test": "temporary-secret"}
SCHEMES = pytest.mark.parametrize(
    ("scheme", "api"), [("fc", "2016-08-15"), ("acs3", "2021-04-06")], ids=["2016-08-15", "2021-04-06"]
)
WAYS = pytest.mark.parametrize("way", ["socket", "in process"])


def against(way: str, make: Make, steps: Callable[[Client], Any], log: Path | None = None, **changed: Any) -> Any:
    """Run `steps` with a client of a fresh emulator."""
    faults = changed.pop("faults", None)
    settings = EmulatorSettings(access_keys=KEYS, log=log, faults=faults)
    given = {"host": HOST, "account": ACCOUNT} | changed

    async def main(url: str, app: Any = None) -> Any:
        async with make(url, app=app, **given) as client:
            return await steps(client)

    if way == "socket":
        with start_in_thread(settings) as server:
            return asyncio.run(main(server.url))
    app = create_app(settings)
    try:
        return asyncio.run(main(f"https://{HOST}", app))
    finally:
        app.close()


@SCHEMES
@WAYS
@pytest.mark.parametrize("key", ["LTAItest", "STS.test"])
def test_the_life_of_a_function(
    archive: Callable[[Path], tuple[bytes, ArchiveRef]],
    make_client: Make,
    tmp_path: Path,
    way: str,
    scheme: str,
    api: str,
    key: str,
) -> None:
    content, ref = archive(tmp_path)
    token = "CAISexampleTOKEN==" if key.startswith("STS.") else None
    credentials = Credentials(access_key_id=key, access_key_secret=KEYS[key], security_token=token)

    async def steps(client: Client) -> None:
        body = {"serviceName": "images", "description": "größer"}
        await client.send(Call(operation="CreateService", method="POST", path="/services", body=body))
        function = {"functionName": "f", "runtime": "python3.9", "handler": "index.handler", "code": {"zipFile": ref}}
        path = "/services/images/functions"
        made = await client.send(
            Call(
                operation="CreateFunction",
                method="POST",
                path=path,
                headers={"X-Fc-Code-Checksum": ref.crc64},
                body=function,
            )
        )
        assert made.body["codeChecksum"] == ref.crc64 and made.etag and len(made.request_id) == 36
        listed = await client.send(
            Call(operation="ListFunctions", method="GET", path=path, query=(("limit", "100"), ("prefix", "f")))
        )
        assert [one["functionName"] for one in listed.body["functions"]] == ["f"]

        stale = Call(
            operation="UpdateFunction",
            method="PUT",
            path=f"{path}/f",
            headers={"If-Match": "0" * 32},
            body={"memorySize": 256},
        )
        with pytest.raises(ApiError) as caught:
            await client.send(stale)
        assert (caught.value.status, caught.value.code) == (412, "PreconditionFailed")
        fresh = Call(
            operation="UpdateFunction",
            method="PUT",
            path=f"{path}/f",
            headers={"If-Match": made.etag},
            body={"memorySize": 256},
        )
        changed = await client.send(fresh)
        assert changed.body["memorySize"] == 256

        link = await client.send(Call(operation="GetFunctionCode", method="GET", path=f"{path}/f/code"))
        assert await client.read_archive(link.body["url"], tmp_path / "back") == ref
        assert (tmp_path / "back").read_bytes() == content

        arn = f"acs:fc:eu-central-1:{ACCOUNT}:services/images"
        tags = {"resourceArn": arn, "tags": {"fcdeploy.project": "p"}}
        await client.send(Call(operation="TagResource", method="POST", path="/tag", body=tags))
        read = await client.send(
            Call(operation="GetResourceTags", method="GET", path="/tag", query=(("resourceArn", arn),))
        )
        assert read.body["tags"] == {"fcdeploy.project": "p"}

        gone = await client.send(
            Call(
                operation="DeleteFunction", method="DELETE", path=f"{path}/f", headers={"If-Match": changed.etag or ""}
            )
        )
        assert (gone.status, gone.body) == (204, None)

    against(way, make_client, steps, scheme=scheme, api=api, keys=Keys.of(credentials))


@SCHEMES
def test_a_wrong_secret_is_refused(make_client: Make, scheme: str, api: str) -> None:
    async def steps(client: Client) -> None:
        with pytest.raises(ApiError) as caught:
            await client.send(Call(operation="ListServices", method="GET", path="/services"))
        assert (caught.value.status, caught.value.code) == (403, "SignatureNotMatch")
        assert "not-the-secret" not in str(caught.value)

    wrong = Credentials(access_key_id="LTAItest", access_key_secret="not-the-secret")
    against("socket", make_client, steps, scheme=scheme, api=api, keys=Keys.of(wrong))


@SCHEMES
def test_an_endpoint_changes_only_where_the_connection_goes(
    make_client: Make, tmp_path: Path, scheme: str, api: str
) -> None:
    """Account and region of the emulator's answer come from the Host header, not from the address."""
    log = tmp_path / "requests.jsonl"

    async def steps(client: Client) -> None:
        body = {"serviceName": "s"}
        await client.send(Call(operation="CreateService", method="POST", path="/services", body=body))

    against("socket", make_client, steps, log=log, scheme=scheme, api=api, account=None)
    (entry,) = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert (entry["account"], entry["region"], entry["operation"]) == (ACCOUNT, "eu-central-1", "CreateService")


@SCHEMES
@pytest.mark.parametrize("when", ["before", "after"])
@WAYS
def test_a_lost_reply_is_settled_by_reading(make_client: Make, way: str, scheme: str, api: str, when: str) -> None:
    """The write is raised once, as unknown, whether or not it had its effect; the read then says which."""
    faults = {"rules": [{"match": {"method": "POST"}, "when": when, "effect": {"disconnect": True}}]}

    async def steps(client: Client) -> bool:
        create = Call(operation="CreateService", method="POST", path="/services", body={"serviceName": "s"})
        with pytest.raises(NoReply):
            await client.send(create)
        assert client.tally.requests == {"POST": 1}
        listed = await client.send(Call(operation="ListServices", method="GET", path="/services"))
        return bool(listed.body["services"])

    assert against(way, make_client, steps, scheme=scheme, api=api, faults=faults) is (when == "after")


def test_a_service_without_room_is_waited_for(make_client: Make, naps: list[float]) -> None:
    rule = {"match": {"method": "POST", "times": 3}, "effect": {"status": 503, "code": "ResourceThrottled"}}

    async def steps(client: Client) -> None:
        create = Call(operation="CreateService", method="POST", path="/services", body={"serviceName": "s"})
        assert (await client.send(create)).body["serviceName"] == "s"
        assert client.tally.retries == 3

    against("socket", make_client, steps, faults={"rules": [rule]})
    assert len(naps) == 3
