"""import from FunctionGraph: functions become those of services, and taking them over writes tags and nothing else."""

from __future__ import annotations

import asyncio
import base64
import io
import zipfile
from pathlib import Path
from typing import Any

import yaml

from fcdeploy.app import Wishes
from fcdeploy.app.importing import Asked, Imported, import_live
from fcdeploy.cloud.client import Client
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.keys import Keys
from fcdeploy.cloud.limiter import Limiter
from fcdeploy.model import Action, Call

PROJECT, REGION = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b", "eu-west-101"
HOST = f"functiongraph.{REGION}.myhuaweicloud.com"
KEYS = {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk"}
URN = f"urn:fss:{REGION}:{PROJECT}:function"
TICK = {"trigger_type_code": "TIMER", "event_data": {"name": "tick", "schedule_type": "Rate", "schedule": "5m"}}


def code() -> str:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("index.py", "def handler(event, context): return event")
    return base64.b64encode(buffer.getvalue()).decode()


async def fill(client: Client, *named: str) -> None:
    """Functions such as `default:shop-web`, each with a timer; that one has a version, an alias and more behind it."""

    async def send(method: str, path: str, body: Any = None) -> Any:
        return (await client.send(Call(operation="Fill", method=method, path=path, body=body))).body

    text = f"libraries [fcdeploy:taken/{REGION}]"
    layer = {"name": "libs", "runtime": "Python3.10", "depend_type": "zip", "depend_file": code(), "description": text}
    libs = (await send("POST", "/fgs/dependencies/version", layer))["id"]
    for one in named:
        package, _, name = one.partition(":")
        given = {"runtime": "Python3.10", "handler": "index.handler", "memory_size": 256, "timeout": 30}
        made = {"code_type": "zip", "code_filename": "index.zip", "func_code": {"file": code()}, **given}
        secret = ', "DB_PASSWORD": "correct horse"' if name == "alone" else ""
        made["depend_version_list"] = [libs] if name == "shop-job" else []
        values = {"user_data": f'{{"MODE": "fast"{secret}}}'}
        if name == "x-2":
            values["encrypted_user_data"] = '{"TOKEN": "t-1"}'
        await send("POST", "/fgs/functions", {"func_name": name, "package": package, **made, **values})
        await send("POST", f"/fgs/triggers/{URN}:{one}", TICK)
    web = f"{URN}:default:shop-web"
    await send("POST", f"/functions/{web}/tags/create", {"action": "create", "tags": [{"key": "team", "value": "x"}]})
    await send("POST", f"/fgs/functions/{web}/versions", {"version": "1"})
    await send("POST", f"/fgs/functions/{web}/aliases", {"name": "live", "version": "1", "description": "what runs"})
    await send("PUT", f"/fgs/functions/{web}:!live/reservedinstances", {"count": 2, "idle_mode": False})
    await send("PUT", f"/fgs/functions/{web}/async-invoke-config", {"max_async_retry_attempts": 2})


def imported(stage: Any, out: Path, live: tuple[str, ...], *names: str) -> Imported:
    """What an import makes of an account that has these functions."""
    stage.environ |= KEYS

    async def main() -> None:
        key = Keys.of(Credentials(access_key_id="ak", access_key_secret="sk"))
        async with Client(
            base_url=stage.emulator.url,
            scheme="huawei",
            api="v2",
            host=HOST,
            account=PROJECT,
            keys=key,
            limiter=Limiter(8),
            archives=Path,
        ) as client:
            await fill(client, *live)

    asyncio.run(main())
    asked = {"provider": "huawei", "region": REGION, "account": PROJECT, "project": "taken", "with_code": True}
    secrets = out.with_name("secrets.env")
    return asyncio.run(import_live(stage.where(), Asked(names=names, out=out, secrets_out=secrets, **asked)))


def test_functions_become_those_of_services_and_taking_over_writes_tags_alone(stage: Any, tmp_path: Path) -> None:
    live = ("default:shop-web", "default:shop-job", "default:alone", "tools:shop-web", "default:x-2")
    done = imported(stage, tmp_path / "out", live)
    # The file has as a secret what looks like one in plain sight, and what the service never tells (S22).
    assert [one.summary for one in done.findings] == [
        f"taking over function default/{name} writes what the file has as secrets, encrypted"
        for name in ("alone", "x-2")
    ]
    assert done.is_whole and [one.known for one in done.secrets] == [True, False]
    spec = yaml.safe_load((tmp_path / "out/fcdeploy.yaml").read_text("utf-8"))
    assert spec["targets"] == {REGION: {"provider": "huawei", "projectId": PROJECT, "region": REGION}}
    functions = {(name, one) for name, service in spec["services"].items() for one in service["functions"]}
    # An alias of a service is one of each of its functions, so what has none cannot stand beside what has one.
    assert functions == {
        ("alone", "alone"),
        ("shop", "job"),
        ("shop", "web"),
        ("shop-web", "shop-web"),
        ("x-2", "x-2"),
    }
    assert spec["services"]["shop"]["functions"]["web"]["huawei"] == {"package": "tools"}
    assert spec["services"]["shop-web"]["aliases"] == {"live": {"version": "1", "description": "what runs"}}
    assert spec["services"]["shop-web"]["functions"]["shop-web"]["triggers"] == {
        "tick": {"type": "timer", "config": {"cronExpression": "@every 5m"}}
    }
    assert spec["services"]["shop"]["functions"]["job"]["layers"] == ["libs"]
    assert {*spec["layers"]["libs"]} == {"code", "compatibleRuntime", "description"}
    assert (tmp_path / "out/src/x-2/x-2/index.py").is_file()
    stage.root = tmp_path / "out"
    stage.environ |= {one.name: "correct horse" for one in done.secrets}
    plan = stage.plan(Wishes(adopt=("*",)))
    assert {one.action for one in plan.changes} <= {Action.UPDATE, Action.NONE}
    assert {step.group for step in plan.steps if step.address.identity[1] not in ("alone", "x-2")} == {"tags"}
    stage.apply(Wishes(adopt=("*",)))
    assert [one for one in stage.plan().changes if one.action is not Action.NONE] == []
