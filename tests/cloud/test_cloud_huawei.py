"""The client against the emulator's FunctionGraph, which checks signatures by rules of its own, and against a raw
server for what the emulator does not say."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.cloud.client import Client
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.keys import Keys
from fcdeploy.cloud.retry import waits
from fcdeploy.emulator.app import create_app
from fcdeploy.emulator.server import start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.errors import ApiError, KeyExpired, NotSent
from fcdeploy.model import ArchiveRef, Call

Make = Callable[..., Client]
PROJECT = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b"
REGION = "eu-west-101"
HOST = f"functiongraph.{REGION}.myhuaweicloud.com"
KEYS = {"AKtest": "secret0123456789", "AKtemp": "temporary-secret"}
WAYS = pytest.mark.parametrize("way", ["socket", "in process"])
URN = f"urn:fss:{REGION}:{PROJECT}:function:default"


def key(name: str = "AKtest", **changed: Any) -> Keys:
    token = "token/with+signs=" if name == "AKtemp" else None
    given = {"access_key_id": name, "access_key_secret": KEYS[name], "security_token": token}
    return Keys.of(Credentials(**given | changed))


def speaking(make: Make, url: str, **changed: Any) -> Client:
    """A client of FunctionGraph."""
    given: dict[str, Any] = {"scheme": "huawei", "api": "v2", "host": HOST, "account": PROJECT, "keys": key()}
    return make(url, **given | changed)


def against(way: str, make: Make, steps: Callable[[Client], Any], log: Path | None = None, **changed: Any) -> Any:
    """Run `steps` with a client of a fresh emulator."""
    faults = changed.pop("faults", None)
    # Another region than the one that is asked for: it is the Host that says which is meant.
    settings = EmulatorSettings(access_keys=KEYS, log=log, faults=faults, huawei_region="cn-north-4")

    async def main(url: str, app: Any = None) -> Any:
        async with speaking(make, url, app=app, **changed) as client:
            return await steps(client)

    if way == "socket":
        with start_in_thread(settings) as server:
            return asyncio.run(main(server.url))
    app = create_app(settings)
    try:
        return asyncio.run(main(f"https://{HOST}", app))
    finally:
        app.close()


def create(name: str, file: Any) -> Call:
    body = {
        "func_name": name,
        "package": "default",
        "runtime": "Python3.10",
        "handler": "index.handler",
        "memory_size": 128,
        "timeout": 3,
        "code_type": "zip",
        "code_filename": "index.zip",
        "func_code": {"file": file},
    }
    return Call(operation="CreateFunction", method="POST", path="/fgs/functions", body=body)


LIST = Call(
    operation="ListFunctions", method="GET", path="/fgs/functions", query=(("maxitems", "400"), ("marker", "0"))
)


@WAYS
@pytest.mark.parametrize("name", KEYS)
def test_the_life_of_a_function(
    archive: Callable[[Path], tuple[bytes, ArchiveRef]], make_client: Make, tmp_path: Path, way: str, name: str
) -> None:
    content, ref = archive(tmp_path)

    async def steps(client: Client) -> None:
        made = await client.send(create("resize", ref))
        assert made.request_id and made.body["func_urn"] == f"{URN}:resize:latest"
        assert made.body["digest"] == hashlib.sha512(content).hexdigest()
        listed = await client.send(LIST)
        assert [one["func_name"] for one in listed.body["functions"]] == ["resize"]
        urn = f"{URN}:resize"
        config = {"func_name": "resize", "runtime": "Python3.10", "handler": "index.handler", "description": "größer"}
        changed = await client.send(
            Call(
                operation="UpdateFunctionConfig",
                method="PUT",
                path=f"/fgs/functions/{urn}/config",
                body={**config, "memory_size": 256, "timeout": 3},
            )
        )
        assert (changed.body["memory_size"], changed.body["description"]) == (256, "größer")
        export = Call(
            operation="ExportFunction", method="GET", path=f"/fgs/functions/{urn}/export", query=(("code", "true"),)
        )
        link = (await client.send(export)).body["code_url"]
        assert await client.read_archive(link, tmp_path / "back") == ref
        assert (tmp_path / "back").read_bytes() == content
        # A real link leads elsewhere, but one on the service's own host goes where calls go.
        own = f"https://{HOST}/{link.split('/', 3)[3]}"
        assert await client.read_archive(own, tmp_path / "again") == ref
        gone = await client.send(Call(operation="DeleteFunction", method="DELETE", path=f"/fgs/functions/{urn}"))
        assert gone.status == 204

    against(way, make_client, steps, keys=key(name))


def test_what_is_sent(raw: Any, make_client: Make) -> None:
    async def main() -> list[Any]:
        async with raw.server(raw.answer()) as server, speaking(make_client, server.url, keys=key("AKtemp")) as client:
            await client.send(LIST)
            await client.send(create("f", "aa"))
            return list(server.received)

    read, write = asyncio.run(main())
    assert read.target == f"/v2/{PROJECT}/fgs/functions?maxitems=400&marker=0"
    for one in (read, write):
        signed = one.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert one.headers["content-type"] == "application/json"
        assert (one.headers["host"], one.headers["x-project-id"]) == (HOST, PROJECT)
        assert one.headers["x-security-token"] == "token/with+signs="
        assert {"content-type", "host", "x-project-id", "x-sdk-date", "x-security-token"} <= set(signed)
        assert not any(name.startswith(("x-fc-", "x-acs-")) for name in one.headers)
    assert json.loads(write.body)["func_code"] == {"file": "aa"}


@pytest.mark.parametrize("changed", [{"keys": key(access_key_secret="wrong")}, {"keys": key(access_key_id="AKnone")}])
def test_a_key_that_is_refused_is_told_with_its_variables(make_client: Make, changed: dict[str, Any]) -> None:
    async def steps(client: Client) -> None:
        with pytest.raises(ApiError) as caught:
            await client.send(LIST)
        found = caught.value
        assert (found.status, found.code) == (401, "APIGW.0301")
        assert "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK" in found.hint and "locked for five minutes" in found.hint
        assert found.request_id and client.tally.requests["GET"] == 1

    against("in process", make_client, steps, **changed)


def test_a_wrong_key_is_tried_once_for_all(make_client: Make) -> None:
    """More than five refusals would lock it, for everybody who uses it."""
    wrong = key(access_key_secret="wrong")

    async def steps(client: Client) -> None:
        found = await asyncio.gather(*(client.send(LIST) for _ in range(8)), return_exceptions=True)
        assert {(one.status, one.code, one.hint[:18]) for one in found if isinstance(one, ApiError)} == {
            (401, "APIGW.0301", "see HUAWEICLOUD_SD")
        }
        assert len(found) == len(set(map(id, found))) == 8 and client.tally.requests["GET"] == 1

    async def other(client: Client) -> None:
        with pytest.raises(ApiError):
            await client.send(LIST)
        assert client.tally.requests["GET"] == 0

    against("in process", make_client, steps, keys=wrong)
    against("in process", make_client, other, keys=wrong)


def test_a_good_key_is_tried_once_and_then_trusted(make_client: Make) -> None:
    async def steps(client: Client) -> None:
        urn = f"/fgs/functions/{URN}:none/config"
        with pytest.raises(ApiError) as caught:
            await client.send(Call(operation="ShowFunctionConfig", method="GET", path=urn))
        assert caught.value.code == "FSS.1051"
        found = await asyncio.gather(*(client.send(LIST) for _ in range(8)))
        assert [one.status for one in found] == [200] * 8

    against("in process", make_client, steps)


def test_a_region_that_does_not_answer_is_no_trial(raw: Any, make_client: Make) -> None:
    async def main() -> None:
        steps = [raw.reset, raw.answer(503, {"error_code": "FSS.0503"}), raw.answer(200, {"functions": []})]
        async with raw.server(*steps) as server, speaking(make_client, server.url) as client:
            found = await asyncio.gather(*(client.send(LIST) for _ in range(3)))
            assert [one.body for one in found] == [{"functions": []}] * 3

    asyncio.run(main())


def test_lack_of_room_is_waited_for_and_what_went_wrong_is_not_sent_again(make_client: Make, naps: list[float]) -> None:
    rules = [
        {
            "match": {"operation": "ListFunctions", "times": 2},
            "effect": {"status": 429, "code": "FSS.0429", "retryAfter": 0.1},
        },
        {"match": {"operation": "CreateFunction", "times": 1}, "effect": {"status": 500, "code": "FSS.1162"}},
    ]

    async def steps(client: Client) -> None:
        assert (await client.send(LIST)).body["functions"] == []
        with pytest.raises(ApiError) as caught:
            await client.send(create("f", base64.b64encode(b"no zip").decode()))
        assert (caught.value.status, client.tally.requests["POST"]) == (500, 1)

    against("in process", make_client, steps, faults={"rules": rules})
    assert len(naps) == 2 and min(naps) >= 0.1


def test_a_path_holds_colons_as_they_are_and_names_quoted(make_client: Make) -> None:
    """Its signature is over the path decoded and encoded again."""

    async def steps(client: Client) -> None:
        path = f"/fgs/functions/{URN}:gr%C3%B6%C3%9Fe%2Bx/config"
        with pytest.raises(ApiError) as caught:
            await client.send(Call(operation="ShowFunctionConfig", method="GET", path=path))
        assert (caught.value.status, caught.value.code) == (404, "FSS.1051")

    against("socket", make_client, steps)


def test_a_body_that_is_too_large_to_be_signed_is_not_sent(
    archive: Callable[[Path], tuple[bytes, ArchiveRef]], raw: Any, make_client: Make, tmp_path: Path
) -> None:
    _, fits = archive(tmp_path)
    large = ArchiveRef(sha256="0" * 64, crc64="0", size=10 * 1024 * 1024)
    with (tmp_path / large.sha256).open("wb") as file:
        file.truncate(large.size)

    async def main() -> None:
        async with raw.server(raw.answer()) as server, speaking(make_client, server.url) as client:
            await client.send(create("f", fits))
            with pytest.raises(NotSent) as caught:
                await client.send(create("f", large))
            assert "its body has 13.3 MiB" in str(caught.value) and "may have 12" in str(caught.value)
            assert "OBS" in caught.value.hint
            (got,) = server.received
            sent = base64.b64decode(json.loads(got.body)["func_code"]["file"])
            assert hashlib.sha256(sent).hexdigest() == fits.sha256

    asyncio.run(main())


def refused(raw: Any, make: Make, status: int, body: object, **rest: Any) -> ApiError:
    async def main() -> ApiError:
        headers = rest.pop("headers", {})
        async with (
            raw.server(raw.answer(status, body, **headers)) as server,
            speaking(make, server.url, **rest) as client,
        ):
            with pytest.raises(ApiError) as caught:
                await client.send(LIST)
            return caught.value

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("body", "code", "message", "request_id"),
    [
        ({"error_code": "FSS.1051", "error_msg": "gone"}, "FSS.1051", "gone", "r-1"),
        ({"errorCode": "FSS.1051", "errorMsg": "gone"}, "FSS.1051", "gone", "r-1"),
        ({"errorCode": "FSS.1051", "errorMessage": "gone"}, "FSS.1051", "gone", "r-1"),
    ],
)
def test_errors(raw: Any, make_client: Make, body: object, code: str, message: str, request_id: str) -> None:
    found = refused(raw, make_client, 404, body, headers={"X_Request_Id": "r-1"})
    assert (found.code, found.message, found.request_id) == (code, message, request_id)


def test_the_gateway_names_the_request_in_the_body(raw: Any, make_client: Make) -> None:
    body = {"error_code": "APIGW.0101", "error_msg": "no such API", "request_id": "r-2"}
    assert refused(raw, make_client, 404, body).request_id == "r-2"


LOCKED = "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden."


@pytest.mark.parametrize(
    ("name", "body", "ahead", "says"),
    [
        ("AKtest", {"error_code": "APIGW.0301", "error_msg": "verify aksk signature fail"}, 0, "or the profile"),
        ("AKtest", {"error_code": "APIG.0301", "error_msg": LOCKED}, 0, "wait, and see HUAWEICLOUD_SDK_AK"),
        ("AKtemp", {"error_code": "APIGW.0301", "error_msg": "no"}, 0, "HUAWEICLOUD_SDK_SECURITY_TOKEN anew"),
        ("AKtest", {"error_code": "FSS.0401", "error_msg": "not permit"}, 0, "must be one of this region"),
        ("AKtest", {"error_code": "APIGW.0301", "error_msg": "date"}, 1200, "clock differs from the service's by 20"),
    ],
)
def test_what_to_do_about_a_refusal(
    raw: Any, make_client: Make, name: str, body: object, ahead: int, says: str
) -> None:
    date = formatdate(time.time() + ahead, usegmt=True)
    found = refused(raw, make_client, 401, body, headers={"date": date}, keys=key(name))
    assert says in found.hint


def test_a_temporary_key_that_is_over_is_fetched_anew(raw: Any, make_client: Make) -> None:
    """Where another can be had; the gateway's code is the same for all that is wrong with a key."""
    fetched = [
        Credentials(access_key_id=f"AK{n}", access_key_secret="s", security_token="t", expires_at=2e9) for n in range(2)
    ]

    async def read() -> Credentials:
        return fetched.pop(0)

    async def main() -> None:
        steps = [raw.answer(401, {"error_code": "APIGW.0301", "error_msg": "no"}), raw.answer(200, {"functions": []})]
        async with raw.server(*steps) as server, speaking(make_client, server.url, keys=Keys(read)) as client:
            assert (await client.send(LIST)).body == {"functions": []}
            assert ["Access=AK0" in one.headers["authorization"] for one in server.received] == [True, False]

    asyncio.run(main())
    assert not isinstance(refused(raw, make_client, 401, {"error_code": "APIGW.0301"}, keys=key("AKtemp")), KeyExpired)


def api(status: int, code: str) -> ApiError:
    return ApiError(operation="Op", status=status, code=code, message="")


@pytest.mark.parametrize(
    ("error", "alone", "with_parent", "freed"),
    [
        (api(404, "FSS.1051"), False, True, False),
        (api(404, "FSS.1052"), False, True, False),
        (api(412, "FSS.1033"), False, False, True),
        (api(403, "FSS.1094"), False, False, True),
        (api(500, "FSS.1162"), False, False, False),  # settled by reading
        (api(409, "FSS.1061"), False, False, False),
    ],
)
def test_what_the_executor_sits_out(error: ApiError, alone: bool, with_parent: bool, freed: bool) -> None:
    found = [waits(error), waits(error, parent_created=True), waits(error, freed=True)]
    assert [one is not None for one in found] == [alone, with_parent, freed]
