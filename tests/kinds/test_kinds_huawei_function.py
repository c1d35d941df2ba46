"""Functions of FunctionGraph: what is sent comes back as it was said, whatever the fields hold; and all of the API's
members are accounted for."""

from __future__ import annotations

import asyncio
import base64
import io
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkfunctiongraph.v2 import (
    CreateFunctionRequestBody,
    CustomImage,
    FuncLogConfig,
    FuncMount,
    FuncVpc,
    MountUser,
    NetworkControlConfig,
    StrategyConfig,
    UpdateFunctionCodeRequestBody,
    UpdateFunctionConfigRequestBody,
    UpdateFunctionMaxInstanceConfigRequestBody,
    VpcConfig,
)
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fcdeploy.cloud.client import Client
from fcdeploy.cloud.credentials import Credentials
from fcdeploy.cloud.keys import Keys
from fcdeploy.cloud.limiter import Limiter
from fcdeploy.cloud.lines import Lines
from fcdeploy.emulator.app import create_app
from fcdeploy.emulator.settings import EmulatorSettings
from fcdeploy.engine.canonical import desired_body, live_body
from fcdeploy.engine.canonical import said as said_by
from fcdeploy.engine.diff import differing
from fcdeploy.engine.groups import group_named
from fcdeploy.engine.sealed import going_along
from fcdeploy.engine.wire import create_call, plain_call, update_call
from fcdeploy.kinds.descriptor import Scope
from fcdeploy.kinds.fields import Access, Field
from fcdeploy.kinds.huawei import service
from fcdeploy.kinds.huawei.function import KIND, about, identify
from fcdeploy.kinds.huawei.function_rules import LACKS, check, risks
from fcdeploy.kinds.huawei.function_travel import said, sent
from fcdeploy.kinds.huawei.runtimes import WIRE, WORDS
from fcdeploy.kinds.registry import KINDS
from fcdeploy.model import Call, LaterText, Output, Sensitive

PROJECT, REGION = "0b5ee11c2f5c4f7c8a6c3a1f0e9d8c7b", "eu-west-101"
HOST = f"functiongraph.{REGION}.myhuaweicloud.com"
SCOPE = Scope(region=REGION, account=PROJECT, api="v2")
NAMES = KIND.names(("default", "shop-web"))
TEXTS = st.text(alphabet="abcXYZ019-_./ é", min_size=1, max_size=12)
HOOKS = st.sampled_from(["index.start", "a.b.c"])
KEYS = st.sampled_from(["A", "B_2", "Path"])


def archive(text: str = "def handler(event, context): return event") -> str:
    """A zip, as base64."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo("index.py"), text)
    return base64.b64encode(buffer.getvalue()).decode()


def values(field: Field) -> st.SearchStrategy[Any]:
    """What the file may give for a field."""
    schema: Any = field.schema
    if field.name == "layers":
        return st.lists(st.sampled_from(["{0}", "tools:1:{1}"]), max_size=2, unique=True)
    if field.name == "propertyNames" or schema.get("additionalProperties"):
        return st.dictionaries(KEYS, TEXTS, max_size=3)
    if field.fields:
        return some(field.fields)
    if field.item is not None:
        least = schema.get("minItems", 0)
        by = (lambda one: one[field.key]) if field.key else None
        return st.lists(values(field.item), min_size=least, max_size=schema.get("maxItems", 3), unique_by=by)
    match schema.get("type"):
        case "boolean":
            return st.booleans()
        case "integer" if "enum" not in schema:
            step = schema.get("multipleOf", 1)
            return st.integers(schema["minimum"] // step, schema["maximum"] // step).map(lambda one: one * step)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if field.name == "image":
        return st.sampled_from(["swr.eu-west-101.myhuaweicloud.com/a/b:1", "swr.x/y@sha256:00"])
    if field.name == "mountDir":
        return st.sampled_from(["/mnt/a", "/b"])
    if "andler" in field.name or field.name == "initializer":
        return HOOKS
    return TEXTS.map(str.strip).map(lambda text: text.replace("/", "") or "x")


def some(fields: tuple[Field, ...]) -> st.SearchStrategy[dict[str, Any]]:
    fields = tuple(one for one in fields if one.access is not Access.PLANNING and one.name not in ("code", "tags"))
    return st.fixed_dictionaries(
        {one.name: values(one) for one in fields if one.required},
        optional={one.name: values(one) for one in fields if not one.required},
    )


def legal(body: dict[str, Any]) -> dict[str, Any]:
    """The body without what its rules forbid, and with what they ask for."""
    made = {**body, "code": "./src"}
    if made["runtime"] == "custom-container":
        made.pop("code")
        made["customContainerConfig"] = made.get("customContainerConfig") or {"image": "swr.x/y:1"}
    elif made["runtime"] not in ("custom", "http"):
        made["handler"] = made.get("handler") or "index.handler"
    for _ in range(40):
        wrong = [one for one in check(made, "v2", "shop-web") if not one.is_warning]
        if not wrong:
            made.pop("code", None)
            return made
        first = wrong[0].path.partition(".")[0]
        if first in ("vpcConfig", "nasConfig") and not made.get("role"):
            made["role"] = "agency"
        else:
            made.pop(first)
    raise AssertionError(wrong)


BODIES = some(KIND.fields).map(legal)


@asynccontextmanager
async def service_of(*, replaces: bool) -> AsyncIterator[Client]:
    """A client of a fresh emulator, which takes an update of the settings for all of them or for some."""
    app = create_app(EmulatorSettings(access_keys={"AK": "secret"}, config_replaces=replaces))
    client = Client(
        base_url=f"https://{HOST}",
        scheme="huawei",
        api="v2",
        host=HOST,
        account=PROJECT,
        keys=Keys.of(Credentials(access_key_id="AK", access_key_secret="secret")),
        limiter=Limiter(ceiling=8),
        lines=Lines(app),
        archives=Path,
    )
    try:
        async with client:
            yield client
    finally:
        app.close()


async def made_layers(client: Client) -> list[str]:
    ids = []
    for name in ("base", "tools"):
        body = {"name": name, "runtime": "Python3.10", "depend_type": "zip", "depend_file": archive(name)}
        made = await client.send(Call(operation="X", method="POST", path="/fgs/dependencies/version", body=body))
        ids.append(made.body["id"])
    return ids


def with_ids(body: Mapping[str, Any], ids: list[str]) -> dict[str, Any]:
    return {**body, **({"layers": [one.format(*ids) for one in body["layers"]]} if "layers" in body else {})}


def bare(body: Mapping[str, Any]) -> dict[str, Any]:
    """A canonical body with layers by their ids, which is all that counts when they are compared."""
    return {**body, "layers": [one.rpartition(":")[2] for one in body.get("layers") or ()]}


async def read_live(client: Client) -> dict[str, Any]:
    reply = await client.send(plain_call(KIND.read, KIND, ("default", "shop-web"), SCOPE, "x"))
    return live_body(KIND, said_by(KIND, reply.body), "v2")


async def write(client: Client, wanted: dict[str, Any], live: dict[str, Any], payloads: dict[str, Any]) -> None:
    """Each group that differs, as the engine's steps write them."""
    fields = differing(KIND, bare(wanted), bare(live), "v2")
    for group in ("code", "body", "instances"):
        mine = tuple(one for one in fields if KIND.group_of(one.name) == group)
        if mine:
            whole = {**live, **wanted}
            mine = (*mine, *going_along(KIND, mine, whole, group=group_named(KIND, group)))
            await client.send(
                update_call(KIND, ("default", "shop-web"), mine, whole, payloads, SCOPE, "x", group=group)
            )


@pytest.mark.parametrize("replaces", [False, True], ids=["merging", "replacing"])
def test_what_is_sent_comes_back_as_it_was_said(replaces: bool) -> None:
    async def trip(first: dict[str, Any], second: dict[str, Any]) -> None:
        async with service_of(replaces=replaces) as client:
            ids = await made_layers(client)
            given = with_ids(first, ids)
            payloads = {} if given["runtime"] == "custom-container" else {"code": {"zipFile": archive()}}
            wanted = desired_body(KIND, given, "v2")
            await client.send(create_call(KIND, ("default", "shop-web"), wanted, given, payloads, SCOPE, "x"))
            live = await read_live(client)
            left = {one.name for one in differing(KIND, bare(wanted), bare(live), "v2")} - {"tags"}
            assert left <= KIND.later | {"onDemand"}
            await write(client, wanted, live, payloads)
            live = await read_live(client)
            assert [one.name for one in differing(KIND, bare(wanted), bare(live), "v2")] == []
            # Another body of the same runtime: what was given goes back to its default, or to what is given now.
            created = {one.name: given.get(one.name) for one in KIND.fields if one.access is Access.CREATE_ONLY}
            given = legal({**with_ids(second, ids), **created})
            wanted = desired_body(KIND, given, "v2")
            await write(client, wanted, live, payloads)
            live = await read_live(client)
            assert [one.name for one in differing(KIND, bare(wanted), bare(live), "v2")] == []

    # Two bodies are small enough to be read as they are, and to make them smaller takes minutes.
    @settings(phases=(Phase.explicit, Phase.reuse, Phase.generate))
    @given(BODIES, BODIES)
    def whatever(first: dict[str, Any], second: dict[str, Any]) -> None:
        asyncio.run(trip(first, second))

    whatever()


LEFT_OUT = {
    "tags": "its form is not known: tags have operations of their own (facts 3.2)",
    "extend_config": "what it holds is not told, and reads of one function do not give it back (facts 3.4)",
    "domain_id": "the account: the service knows it",
    "namespace": "the project: the service knows it",
    "group_name": "reads give the ids alone, which name the group (facts 3.4)",
    "stream_name": "reads give the ids alone, which name the stream (facts 3.4)",
}
"""Members that no field travels as, and why."""

WHOLE: dict[str, Any] = {
    "description": "d",
    "runtime": "custom-container",
    "handler": "-",
    "code": {"ossBucketName": "b", "ossObjectName": "k/v.zip"},
    "layers": ["a:1:id"],
    "customContainerConfig": {
        "image": "swr.x/y:1",
        "command": ["a"],
        "args": ["b", "c"],
        "workingDir": "/",
        "uid": "1",
        "gid": "1",
        "isPublic": True,
    },
    "initializer": "index.init",
    "initializationTimeout": 3,
    "timeout": 3,
    "memorySize": 128,
    "instanceConcurrency": 2,
    "onDemand": {"maximumInstanceCount": 5},
    "environmentVariables": '{"A":"1"}',
    "encryptedVariables": '{"B":"2"}',
    "instanceLifecycleConfig": {"preStop": {"handler": "index.stop", "timeout": 3}},
    "role": "r",
    "appRole": "r",
    "internetAccess": True,
    "enableLtsLog": True,
    "logConfig": {"groupId": "g", "streamId": "s"},
    "vpcConfig": {
        "vpcId": "v",
        "vSwitchIds": ["s"],
        "securityGroupId": "g",
        "moreSecurityGroupIds": ["h"],
        "vpcName": "v",
        "subnetName": "s",
        "cidr": "10.0.0.0/8",
        "gateway": "10.0.0.1",
        "isSafety": True,
    },
    "nasConfig": {
        "userId": 5,
        "groupId": 5,
        "mountPoints": [{"type": "ecs", "resource": "r", "sharePath": "/s", "mountDir": "/m"}],
    },
    "ltsCustomTags": {"k": "v"},
    "triggerAccessVpcs": [{"vpcId": "v", "vpcName": "n"}],
    "domainNames": '[{"id":"z","domain_name":"x."}]',
    "peeringCidrs": ["10.0.0.0/8", "11.0.0.0/8"],
    "diskSize": 10240,
    "gpuType": "nvidia-t4",
    "gpuMemorySize": 1024,
    "enableDynamicMemory": True,
    "stateful": True,
    "enableAuthInHeader": True,
    "heartbeatHandler": "a.b",
    "restoreHookHandler": "a.b",
    "restoreHookTimeout": 3,
    "enableClassIsolation": True,
    "enterpriseProjectId": "1",
    "type": "v2",
    "userDataEncryptKmsKeyId": "k",
    "codeEncryptKmsKeyId": "k",
}
"""A body of every field, as it is given to `sent`; the service would not take all of it together."""


def test_the_example_has_every_field() -> None:
    assert WHOLE.keys() == {one.name for one in KIND.fields if one.access is not Access.PLANNING} - {"tags"}


@pytest.mark.parametrize(
    ("part", "model"),
    [
        ("", CreateFunctionRequestBody),
        ("func_vpc", FuncVpc),
        ("mount_config.mount_user", MountUser),
        ("mount_config.func_mounts", FuncMount),
        ("custom_image", CustomImage),
        ("log_config", FuncLogConfig),
        ("network_controller", NetworkControlConfig),
        ("network_controller.trigger_access_vpcs", VpcConfig),
        ("strategy_config", StrategyConfig),
    ],
)
def test_every_member_of_a_create_is_a_field_or_left_out_with_a_reason(part: str, model: Any) -> None:
    found: Any = {**sent(WHOLE, NAMES, SCOPE), **sent({"code": {"zipFile": "eA=="}}, NAMES, SCOPE)}
    for step in filter(None, part.split(".")):
        found = found[step]
        found = found[0] if isinstance(found, list) else found
    known = set(model.attribute_map.values())
    assert known - found.keys() == LEFT_OUT.keys() & known
    # What only an update has, it tells after the create (facts 3.2).
    later = set(UpdateFunctionConfigRequestBody.attribute_map.values()) if not part else set()
    assert found.keys() <= known | later


def test_every_member_of_the_updates_is_a_field_or_left_out_with_a_reason() -> None:
    body = {name: value for name, value in WHOLE.items() if name not in ("code", "layers")}
    known = set(UpdateFunctionConfigRequestBody.attribute_map.values())
    assert known - sent(body, NAMES, SCOPE).keys() == LEFT_OUT.keys() & known
    assert sent(body, NAMES, SCOPE).keys() <= known
    code = sent({name: WHOLE[name] for name in ("code", "layers")}, NAMES, SCOPE)
    kms = {"code_encrypt_kms_key_id"}  # another key is another function (facts 15)
    packed = sent({"code": {"zipFile": "eA=="}, "layers": []}, NAMES, SCOPE)
    assert {*code, *packed} == set(UpdateFunctionCodeRequestBody.attribute_map.values()) - kms
    most = sent({"onDemand": WHOLE["onDemand"]}, NAMES, SCOPE)
    assert most.keys() == set(UpdateFunctionMaxInstanceConfigRequestBody.attribute_map.values())


def test_a_create_says_no_more_than_is_set_and_an_update_what_clears() -> None:
    given = {"runtime": "python3.10", "handler": "index.handler", "code": "x"}
    payloads = {"code": {"zipFile": "eA=="}}
    call = create_call(
        KIND, ("default", "shop-web"), desired_body(KIND, given, "v2"), given, payloads, SCOPE, "function default/x"
    )
    assert (call.method, call.path) == ("POST", "/fgs/functions")
    assert call.body == {
        "func_name": "shop-web",
        "package": "default",
        "runtime": "Python3.10",
        "handler": "index.handler",
        "timeout": 3,
        "memory_size": 128,
        "enable_lts_log": False,
        "enable_dynamic_memory": False,
        "is_stateful_function": False,
        "network_controller": {"disable_public_network": False, "trigger_access_vpcs": []},
        "code_type": "zip",
        "code_filename": "index.zip",
        "func_code": {"file": "eA=="},
    }
    body = desired_body(KIND, {**given, "role": "", "vpcConfig": None}, "v2")
    fields = (KIND.field("vpcConfig"), KIND.field("environmentVariables"))
    update = update_call(KIND, ("default", "shop-web"), fields, body, {}, SCOPE, "x")
    assert update.path == f"/fgs/functions/urn:fss:{REGION}:{PROJECT}:function:default:shop-web/config"
    assert update.body["func_vpc"] == {"vpc_id": "", "subnet_id": "", "security_groups": []}
    assert (update.body["user_data"], update.body["xrole"], update.body["func_name"]) == ("", "", "shop-web")
    assert "gpu_memory" not in update.body and "heartbeat_handler" not in update.body


def test_what_comes_later_and_secrets_pass_through() -> None:
    later, secret = Output(step="create x", pointer="/arn"), Sensitive("s", parts=({"secret": "S"},))
    found = sent({"layers": [later, "a:1:id", "id2"]}, NAMES, SCOPE)
    assert found == {"depend_version_list": [Output(step="create x", pointer="/id"), "id", "id2"]}
    image = {"image": "swr.x/y", "command": [later, "b"], "args": [secret]}
    travelling = sent({"customContainerConfig": image}, NAMES, SCOPE)["custom_image"]
    assert travelling["command"] == LaterText(parts=(later, ",b"))
    assert isinstance(travelling["args"], Sensitive)


def test_answers_are_said_in_words_of_the_file() -> None:
    raw = {
        "runtime": "Node.js18.15",
        "func_vpc": None,
        "strategy_config": {"concurrency": 400},
        "depend_version_list": ["i1", "i2"],
        "dependencies": [{"id": "i1", "name": "base", "version": 3}],
        "log_group_id": "g",
        "log_stream_id": "s",
        "initializer_timeout": 0,
    }
    found = said(raw)
    assert found["runtime"] == "nodejs18" and found["func_vpc"] is None and found["vpcConfig"] is None
    assert found["onDemand"] == {"maximumInstanceCount": 400}
    assert found["layers"] == ["base:3:i1", "i2"]
    assert found["logConfig"] == {"groupId": "g", "streamId": "s"}
    # What is not said is not there, and what is said twice is said the same.
    assert "nasConfig" not in found and said(found)["runtime"] == "nodejs18"
    assert said({"runtime": "Rust1"})["runtime"] == "Rust1"


def test_a_runtime_has_one_word() -> None:
    assert len(WORDS) == len(WIRE)
    alibaba = KINDS["alibaba", "function"].field("runtime").schema["enum"]
    other = {"custom.debian10", "python3", "nodejs4.4", "php7.2"}
    assert {*alibaba} - {*WIRE} == other


def test_a_function_is_called_after_its_service() -> None:
    assert identify(("shop", "web"), {}) == ("default", "shop-web")
    assert identify(("shop", "web"), {"name": "w", "package": "p"}) == ("p", "w")
    assert about({"runtime": "python3.10", "memorySize": 512}) == "python3.10, 512 MB"
    assert about({"customContainerConfig": {"image": "swr.x/y"}, "gpuMemorySize": 1024}) == "swr.x/y, GPU 1024 MB"


PY = {"runtime": "python3.10", "handler": "index.handler", "code": "."}
IMAGE = {"runtime": "custom-container", "customContainerConfig": {"image": "swr.x/y@sha256:0"}}
RULES: list[tuple[dict[str, Any], list[str]]] = [
    (PY, []),
    (IMAGE, []),
    ({**PY, "handler": "handler"}, ["handler"]),
    ({"runtime": "python3.10", "code": "."}, [""]),
    ({"runtime": "go1", "handler": "handler", "code": "."}, []),
    ({"runtime": "http", "code": ".", "instanceConcurrency": 50, "diskSize": 10240}, []),
    ({"runtime": "custom"}, [""]),
    ({**PY, "customContainerConfig": {"image": "swr.x"}}, ["customContainerConfig"]),
    ({**IMAGE, "layers": ["id"]}, ["layers"]),
    ({**PY, "instanceConcurrency": 2, "diskSize": 10240}, ["instanceConcurrency", "diskSize"]),
    ({**PY, "gpuType": "nvidia-t4", "heartbeatHandler": "a.b"}, ["gpuType", "heartbeatHandler"]),
    ({**PY, "vpcConfig": {"vpcId": "v"}, "nasConfig": {"mountPoints": []}}, ["vpcConfig", "nasConfig"]),
    ({**PY, "domainNames": [{"id": "x"}]}, ["domainNames"]),
    ({**PY, "role": "r", "nasConfig": {"userId": 0, "mountPoints": []}}, ["nasConfig.userId"]),
    ({**PY, "type": "v1", "onDemand": {"maximumInstanceCount": 5}}, ["onDemand.maximumInstanceCount"]),
    ({**PY, "type": "v1", "stateful": True}, ["stateful"]),
    ({**PY, "environmentVariables": {"A": "1"}, "encryptedVariables": {"A": "2"}}, ["encryptedVariables.A"]),
    ({**PY, "environmentVariables": {"A": "x" * 4100}}, ["environmentVariables"]),
    ({**PY, "encryptedVariables": {"A": "x"}, "tags": dict.fromkeys("abcdefghijklmnopqr", "")}, ["tags"]),
    ({**PY, "initializationTimeout": 5}, ["initializationTimeout"]),
    ({**PY, "role": "r", "vpcConfig": {"moreSecurityGroupIds": ["x"]}}, ["vpcConfig.moreSecurityGroupIds"]),
]


@pytest.mark.parametrize(("body", "paths"), RULES)
def test_the_rules_between_fields(body: dict[str, Any], paths: list[str]) -> None:
    assert [one.path for one in check(body, "v2", "shop-web")] == paths


def test_names_images_and_what_there_is_not() -> None:
    assert [one.summary for one in check(PY, "v2", "a" * 61)] == [f"`{'a' * 61}` cannot be the name of a function"]
    assert [one.path for one in risks({"customContainerConfig": {"image": "swr.x/y:1"}}, "v2", "x")] == [
        "customContainerConfig.image"
    ]
    words = {name for kind in KINDS.values() if kind.provider == "alibaba" for name in [kind.section]}
    fields = {one.spec_name for one in KINDS["alibaba", "function"].fields}
    assert LACKS.keys() == fields - {one.spec_name for one in KIND.fields}
    shared = {one.spec_name for one in KINDS["alibaba", "service"].fields}
    assert service.LACKS.keys() - words == shared - {one.spec_name for one in service.KIND.fields}
