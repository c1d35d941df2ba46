"""How a function travels: the API's flat members, some of them JSON in text, and the words of the file. Facts 3.2-3.5.

`said` and `sent` are each other's inverse on what the fields can hold. What is not set is left out of a create; an
update sends empty strings, since that is what clears a member (facts 3.5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from fcdeploy.kinds.descriptor import Scope
from fcdeploy.kinds.huawei.runtimes import CONTAINER, GPU, JAVA, SERVERS, WIRE, WORDS
from fcdeploy.model import Json, Output, text_of

SAME = ("description", "handler", "timeout", "type")
"""Members that are called so on both sides."""

RENAMED: Mapping[str, str] = {
    "memorySize": "memory_size",
    "role": "xrole",
    "appRole": "app_xrole",
    "environmentVariables": "user_data",
    "encryptedVariables": "encrypted_user_data",
    "initializer": "initializer_handler",
    "initializationTimeout": "initializer_timeout",
    "diskSize": "ephemeral_storage",
    "gpuType": "gpu_type",
    "gpuMemorySize": "gpu_memory",
    "domainNames": "domain_names",
    "enableLtsLog": "enable_lts_log",
    "ltsCustomTags": "lts_custom_tag",
    "enableDynamicMemory": "enable_dynamic_memory",
    "stateful": "is_stateful_function",
    "enableAuthInHeader": "enable_auth_in_header",
    "heartbeatHandler": "heartbeat_handler",
    "restoreHookHandler": "restore_hook_handler",
    "restoreHookTimeout": "restore_hook_timeout",
    "enableClassIsolation": "enable_class_isolation",
    "enterpriseProjectId": "enterprise_project_id",
    "userDataEncryptKmsKeyId": "user_data_encrypt_kms_key_id",
    "codeEncryptKmsKeyId": "code_encrypt_kms_key_id",
}
"""Words of the file whose value travels as it is, with the member that it travels as."""

_VPC: Mapping[str, str] = {
    "vpcId": "vpc_id",
    "vpcName": "vpc_name",
    "subnetName": "subnet_name",
    "cidr": "cidr",
    "gateway": "gateway",
    "isSafety": "is_safety",
}
_MOUNT: Mapping[str, str] = {
    "type": "mount_type",
    "resource": "mount_resource",
    "sharePath": "mount_share_path",
    "mountDir": "local_mount_path",
}
_IMAGE: Mapping[str, str] = {
    "image": "image",
    "workingDir": "working_dir",
    "uid": "uid",
    "gid": "gid",
    "isPublic": "is_public",
}
_LOG: Mapping[str, str] = {"groupId": "group_id", "streamId": "stream_id"}
_ACCESS: Mapping[str, str] = {"vpcId": "vpc_id", "vpcName": "vpc_name"}

UNSET_NUMBERS = ("initializer_timeout", "restore_hook_timeout")
"""0 is what the service says where there is none, and below what it takes (facts 3.2)."""

ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "gpu_type": GPU,
    "gpu_memory": GPU,
    "heartbeat_handler": JAVA,
    "restore_hook_handler": JAVA,
    "enable_class_isolation": JAVA,
    "ephemeral_storage": SERVERS,
    "enable_auth_in_header": CONTAINER,
}
"""Members that only some runtimes know: for others nothing is sent that says no more than that they are not used."""

UNUSED = ("", 0, False, None, 512)
"""What says of a member of `ONLY_FOR` that it is not used; 512 MB is the disk that every function has."""

CODE_FILE = "index.zip"
"""What an archive is called; the API wants some name (facts 3.2)."""


def said(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    """What the service says of a function, with the words of the file beside; what it does not say is left out."""
    return {**raw, **dict(_words(raw))}


def _words(raw: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for word, member in RENAMED.items():
        if member in raw:
            value = raw[member]
            yield word, None if member in UNSET_NUMBERS and value == 0 else value
    if "runtime" in raw:
        yield "runtime", WORDS.get(str(raw["runtime"]), raw["runtime"])
    for word in ("enterpriseProjectId", "codeEncryptKmsKeyId"):
        # The service's way to say that there is none.
        if raw.get(RENAMED[word]) == "":
            yield word, None
    if "code_size" in raw:
        yield "codeSize", raw["code_size"]
    if "digest" in raw:
        yield "codeChecksum", raw["digest"]
    if "peering_cidr" in raw:
        yield "peeringCidrs", [part for part in str(raw["peering_cidr"] or "").split(";") if part]
    if "log_group_id" in raw:
        group = raw["log_group_id"]
        yield "logConfig", {"groupId": group, "streamId": raw.get("log_stream_id")} if group else None
    if "strategy_config" in raw:
        strategy = raw["strategy_config"] or {}
        yield "instanceConcurrency", strategy.get("concurrent_num")
        most = strategy.get("concurrency")
        yield "onDemand", None if most is None else {"maximumInstanceCount": most}
    if "network_controller" in raw:
        network = raw["network_controller"] or {}
        yield "internetAccess", not network.get("disable_public_network")
        yield "triggerAccessVpcs", [_said(_ACCESS, one) for one in network.get("trigger_access_vpcs") or ()]
    if "depend_version_list" in raw:
        yield "layers", _layers(raw)
    yield from _objects(raw)


def _objects(raw: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    if "func_vpc" in raw:
        yield "vpcConfig", _vpc(raw["func_vpc"])
    if "mount_config" in raw:
        mounts = raw["mount_config"] or {}
        user = mounts.get("mount_user") or {}
        yield (
            "nasConfig",
            {
                "userId": user.get("user_id"),
                "groupId": user.get("user_group_id"),
                "mountPoints": [_said(_MOUNT, one) for one in mounts.get("func_mounts") or ()],
            },
        )
    if "custom_image" in raw:
        image = raw["custom_image"] or {}
        yield (
            "customContainerConfig",
            {
                **_said(_IMAGE, image),
                **{name: [one for one in str(image.get(name) or "").split(",") if one] for name in ("command", "args")},
            }
            if image.get("image")
            else None,
        )
    if "pre_stop_handler" in raw:
        hook = {"handler": raw["pre_stop_handler"], "timeout": raw.get("pre_stop_timeout") or None}
        yield "instanceLifecycleConfig", {"preStop": hook} if hook["handler"] else None


def _said(names: Mapping[str, str], raw: Mapping[str, Json]) -> dict[str, Json]:
    """An object by the words of the file; an empty text says that there is none."""
    return {word: raw[member] for word, member in names.items() if raw.get(member) not in (None, "")}


def _vpc(raw: Json) -> Json:
    if not raw or not raw.get("vpc_id"):
        return None
    groups = [*(raw.get("security_groups") or ()), ""]
    return {
        **_said(_VPC, raw),
        "vSwitchIds": [raw.get("subnet_id")],
        "securityGroupId": groups[0],
        "moreSecurityGroupIds": groups[1:-1],
    }


def _layers(raw: Mapping[str, Json]) -> list[Json]:
    """The versions of dependencies, by name and number where the service tells them, so that people can read them."""
    known = {str(one.get("id")): one for one in raw.get("dependencies") or () if one.get("name")}
    return [
        f"{known[each]['name']}:{known[each].get('version')}:{each}" if each in known else each
        for each in map(str, raw["depend_version_list"] or ())
    ]


def sent(body: Mapping[str, Json], names: Mapping[str, str | Output], scope: Scope) -> Mapping[str, Json]:
    """A body as it travels. One with runtime and layers is a create's; an update writes layers, with the code, by an
    operation of its own, and the most instances by another (facts 3.5)."""
    if set(body) == {"onDemand"}:
        return {"max_instance_num": (body["onDemand"] or {}).get("maximumInstanceCount")}
    found = {member: value for member, value in _members(body, scope) if value is not None}
    if "runtime" not in body:
        return found
    if "layers" not in body:
        return {"func_name": names["functionName"], **found}
    given = {member: value for member, value in found.items() if value not in ("", [], {})}
    if body["runtime"] in CONTAINER:
        given["code_type"] = "Custom-Image-Swr"
    return {"func_name": names["functionName"], "package": names["package"], **given}


def _members(body: Mapping[str, Json], scope: Scope) -> Iterator[tuple[str, Json]]:
    runtime = body.get("runtime")
    for name in SAME:
        if name in body and not (name == "type" and "layers" not in body):
            yield name, body[name]
    if "runtime" in body:
        yield "runtime", WIRE.get(str(runtime), runtime)
    for word, member in RENAMED.items():
        if word not in body or (member == "code_encrypt_kms_key_id" and "layers" not in body):
            continue
        value = "" if body[word] == "{}" else body[word]
        if value in UNUSED and ("runtime" in body and runtime not in ONLY_FOR.get(member, (runtime,))):
            continue
        if not (member in UNSET_NUMBERS and value == 0):
            yield member, value
    if "peeringCidrs" in body:
        yield "peering_cidr", _joined(";", body["peeringCidrs"] or ())
    if body.get("logConfig") is not None:
        yield "log_config", _sent(_LOG, body["logConfig"])
    if "instanceConcurrency" in body or "onDemand" in body:
        yield "strategy_config", _strategy(body, runtime)
    if "internetAccess" in body:
        # One that is left out opens the network (facts 3.2).
        access = [_sent(_ACCESS, one) for one in body.get("triggerAccessVpcs") or ()]
        yield (
            "network_controller",
            {"disable_public_network": not body["internetAccess"], "trigger_access_vpcs": access},
        )
    if "code" in body:
        yield from _code(body["code"], scope)
    if "layers" in body:
        yield "depend_version_list", [_id(each) for each in body["layers"] or ()]
    yield from _sent_objects(body)


def _sent_objects(body: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    vpc = body.get("vpcConfig")
    if vpc is not None:
        groups = [one for one in (vpc.get("securityGroupId"), *(vpc.get("moreSecurityGroupIds") or ())) if one]
        yield (
            "func_vpc",
            {**_sent(_VPC, vpc), "subnet_id": (vpc.get("vSwitchIds") or [""])[0], "security_groups": groups},
        )
    mounts = body.get("nasConfig")
    if mounts is not None:
        yield (
            "mount_config",
            {
                "mount_user": {"user_id": mounts.get("userId", -1), "user_group_id": mounts.get("groupId", -1)},
                "func_mounts": [_sent(_MOUNT, one) for one in mounts.get("mountPoints") or ()],
            },
        )
    image = body.get("customContainerConfig")
    if image is not None:
        lists = {name: _joined(",", image.get(name) or ()) for name in ("command", "args")}
        yield "custom_image", {"enabled": True, **_sent(_IMAGE, image), **lists}
    if "instanceLifecycleConfig" in body:
        hook = (body["instanceLifecycleConfig"] or {}).get("preStop") or {}
        yield "pre_stop_handler", hook.get("handler") or ""
        yield "pre_stop_timeout", hook.get("timeout") if hook.get("handler") else None


def _sent(names: Mapping[str, str], value: Mapping[str, Json]) -> dict[str, Json]:
    return {member: value[word] for word, member in names.items() if value.get(word) is not None}


def _strategy(body: Mapping[str, Json], runtime: Json) -> Json:
    """Both numbers where the other one is known, since the object may be taken whole (facts 3.3); nothing where a
    runtime serves one call at a time and nothing else is said."""
    most = (body.get("onDemand") or {}).get("maximumInstanceCount")
    calls = body.get("instanceConcurrency")
    if most is None and calls == 1 and runtime not in SERVERS:
        return None
    found = {"concurrency": most, "concurrent_num": calls}
    return {member: value for member, value in found.items() if value is not None} or None


def _code(payload: Json, scope: Scope) -> Iterator[tuple[str, Json]]:
    """What a code archive, or an object of a bucket, travels as (facts 3.2)."""
    if not payload:
        return
    if "zipFile" in payload:
        yield "code_type", "zip"
        yield "code_filename", CODE_FILE
        yield "func_code", {"file": payload["zipFile"]}
        return
    yield "code_type", "obs"
    bucket, name = payload["ossBucketName"], payload["ossObjectName"]
    yield "code_url", f"https://{bucket}.obs.{scope.region}.myhuaweicloud.com/{name}"


def _id(layer: Json) -> Json:
    """What the API wants of a layer: the id of a version, which may come later."""
    if isinstance(layer, Output):
        return replace(layer, pointer="/id")
    return layer.rpartition(":")[2] if isinstance(layer, str) else layer


def _joined(separator: str, items: Json) -> Json:
    """A list as one text; an item may hold a secret, or come later."""
    pieces = [piece for each in items for piece in (separator, each)]
    return text_of(pieces[1:])
