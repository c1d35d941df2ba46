"""A bench for a target at Huawei Cloud: in the embedded emulator, and at another address."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fcdeploy.app.bench import LOCAL_PROJECT, Bench, opened_bench, opened_cloud
from fcdeploy.app.code import Packages
from fcdeploy.app.types import Where
from fcdeploy.emulator.server import start_in_thread
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.engine.places import place_of
from fcdeploy.errors import CredentialsError
from fcdeploy.model import Call, KeySource, Target

PROJECT = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b"
ENV = {"HUAWEICLOUD_SDK_AK": "AKtest", "HUAWEICLOUD_SDK_SK": "secret"}


def urns(where: Where, folder: Path, *targets: Target) -> list[str]:
    """The URN of a function made in each target, all of one cloud; each has that one alone."""

    async def made(bench: Bench) -> str:
        code = {"func_code": {"file": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}, "code_type": "zip", "code_filename": "a.zip"}
        body = {"func_name": "f", "package": "default", "runtime": "Python3.10", "handler": "index.handler"}
        await bench.client.send(
            Call(
                operation="CreateFunction",
                method="POST",
                path="/fgs/functions",
                body={**body, **code, "memory_size": 128, "timeout": 3},
            )
        )
        listed = await bench.client.send(Call(operation="ListFunctions", method="GET", path="/fgs/functions"))
        (one,) = listed.body["functions"]
        assert bench.site.scope.account in one["func_urn"] and bench.site.scope.api == "v2"
        return str(one["func_urn"])

    async def main() -> list[str]:
        found = []
        with opened_cloud(where, "shop", folder) as cloud:
            for target in targets:
                place = place_of("shop", target.name, spec_folder=folder, environ=where.environ)
                packages = Packages(place.cache, frozenset())
                async with opened_bench(where, "shop", target, place, packages, cloud) as bench:
                    found.append(await made(bench))
        return found

    return asyncio.run(main())


def target(region: str, **changed: Any) -> Target:
    return Target(**{"name": region, "provider": "huawei", "region": region, "api": "v2"} | changed)


def where(folder: Path, environ: dict[str, str], **changed: Any) -> Where:
    return Where(spec=folder, environ={"FCDEPLOY_STATE": str(folder.parent / "state"), **environ}, **changed)


def test_the_embedded_emulator_has_each_region_and_project(tmp_path: Path) -> None:
    folder = tmp_path / "spec"
    folder.mkdir()
    made = urns(where(folder, {}, local=True), folder, target("cn-north-4"), target("eu-west-101", account=PROJECT))
    assert made == [
        f"urn:fss:cn-north-4:{LOCAL_PROJECT}:function:default:f",
        f"urn:fss:eu-west-101:{PROJECT}:function:default:f",
    ]


def test_another_address_keeps_the_region_and_takes_the_key_of_the_environment(tmp_path: Path) -> None:
    folder = tmp_path / "spec"
    folder.mkdir()
    with start_in_thread(EmulatorSettings(access_keys={"AKtest": "secret"})) as server:
        named = ENV | {"HUAWEICLOUD_SDK_PROJECT_ID": PROJECT}
        (made,) = urns(where(folder, named, endpoint=server.url), folder, target("cn-east-3"))
        assert made == f"urn:fss:cn-east-3:{PROJECT}:function:default:f"
        with pytest.raises(CredentialsError, match="has no project id"):
            urns(where(folder, ENV, endpoint=server.url), folder, target("cn-east-3"))
        home = {**ENV, "HOME": str(tmp_path)}
        with pytest.raises(CredentialsError, match=r"there is no .*credentials"):
            urns(where(folder, home, endpoint=server.url), folder, target("r", credentials=KeySource(profile="p")))
