"""What a function may hold: fields, limits and what is there when a field is not given (facts 3.2-3.6)."""

import json
import re

from fcdeploy.emulator.exchange import Json
from fcdeploy.emulator.huawei.errors import (
    BAD_PARAMETER,
    CODE_MISSING,
    CODE_TYPE,
    CONCURRENCY,
    DEPENDENCY_LIMIT,
    DESCRIPTION,
    HANDLER,
    MEMORY,
    MOUNT_LIMIT,
    MOUNT_USER,
    NAME,
    PACKAGE,
    RUNTIME,
    TIMEOUT,
    TOO_MANY_VARIABLES,
    USER_DATA,
    VARIABLES_TOO_LONG,
)
from fcdeploy.emulator.huawei.fields import Flag, Many, Map, Struct, Text, Type, Whole
from fcdeploy.emulator.json_body import BadBody, parse_object

IMAGE = "Custom Image"
NAME_PATTERN = r"[A-Za-z]([A-Za-z0-9_-]{0,58}[A-Za-z0-9])?"
RUNTIMES = (
    *("Java8", "Java11", "Java17", "Java21"),
    *("Python2.7", "Python3.6", "Python3.9", "Python3.10", "Python3.12"),
    *("Go1.8", "Go1.x"),
    *("Node.js6.10", "Node.js8.10", "Node.js10.16", "Node.js12.13"),
    *("Node.js14.18", "Node.js16.17", "Node.js18.15", "Node.js20.15"),
    *("C#(.NET Core 2.0)", "C#(.NET Core 2.1)", "C#(.NET Core 3.1)", "C#(.NET Core 6.0)", "C#(.NET Core 8.0)"),
    *("PHP7.3", "PHP8.3", "Cangjie1.0", "Custom", "http", IMAGE),
)
MEMORY_SIZES = (128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 8192, 10240)
CODE_TYPES = ("inline", "zip", "jar", "obs", "Custom-Image-Swr")
VARIABLES = 20
VARIABLES_LENGTH = 4096
MOUNTS = 5
DEPENDENCIES = 20

_ID = Text(longest=64)
_USER_ID = Whole(least=-1, most=65534, error=MOUNT_USER)


def _check_user(given: Json, name: str) -> None:
    # 0 is root; 1000 and 1002 belong to the service (facts 3.3, FSS.1075).
    for key in ("user_id", "user_group_id"):
        if given.get(key) in (0, 1000, 1002):
            raise MOUNT_USER(f"{name}.{key} = {given[key]}")


def _check_variables(text: str, name: str) -> None:
    if not text:
        return
    if len(text) > VARIABLES_LENGTH:
        raise VARIABLES_TOO_LONG()
    try:
        variables = parse_object(text.encode())
    except BadBody:
        raise USER_DATA(f"{name} is not a JSON object") from None
    if len(variables) > VARIABLES:
        raise TOO_MANY_VARIABLES()
    for key, value in variables.items():
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", key) is None or key.startswith("RUNTIME_"):
            raise USER_DATA(f"{name} has a variable that cannot be named so: {key}")
        if not isinstance(value, str):
            raise USER_DATA(f"the value of {key} in {name} is not a string")


_VPC = Struct(
    {
        **dict.fromkeys(("vpc_id", "vpc_name", "subnet_id", "subnet_name", "cidr", "gateway", "domain_id"), Text()),
        "namespace": Text(),
        "security_groups": Many(item=Text()),
        "is_safety": Flag(),
    },
    required=("vpc_id", "subnet_id"),
)
_MOUNTS = Struct(
    {
        "mount_user": Struct({"user_id": _USER_ID, "user_group_id": _USER_ID}, check=_check_user),
        "func_mounts": Many(
            item=Struct(
                {
                    "mount_type": Text(allowed=("sfs", "sfsTurbo", "ecs")),
                    "mount_resource": Text(),
                    "mount_share_path": Text(),
                    "local_mount_path": Text(pattern=r"/.+"),
                },
                required=("mount_type", "mount_resource", "local_mount_path"),
            ),
            most=MOUNTS,
            error=MOUNT_LIMIT,
        ),
    },
    required=("mount_user", "func_mounts"),
)
_IMAGE = Struct(
    {
        "enabled": Flag(),
        "image": Text(pattern=r"swr\..+"),
        "command": Text(),
        "args": Text(),
        "working_dir": Text(allowed=("", "/")),
        "uid": Text(),
        "gid": Text(),
        "is_public": Flag(),
    }
)
_STRATEGY = Struct(
    {"concurrency": Whole(least=-1, most=1000, error=CONCURRENCY), "concurrent_num": Whole(least=1, most=1000)}
)
_LOG = Struct(dict.fromkeys(("group_name", "group_id", "stream_name", "stream_id"), Text()))
_NETWORK = Struct(
    {
        "disable_public_network": Flag(),
        "trigger_access_vpcs": Many(item=Struct({"vpc_id": _ID, "vpc_name": Text()}, required=("vpc_id",))),
    }
)

_CONFIG: dict[str, Type] = {
    "timeout": Whole(least=3, most=259200, error=TIMEOUT),
    "handler": Text(shortest=1, longest=128, error=HANDLER),
    "memory_size": Whole(allowed=MEMORY_SIZES, error=MEMORY),
    "description": Text(longest=512, error=DESCRIPTION),
    "user_data": Text(),
    "encrypted_user_data": Text(),
    "xrole": Text(longest=64),
    "app_xrole": Text(longest=64),
    "func_vpc": _VPC,
    "mount_config": _MOUNTS,
    "domain_names": Text(),
    "custom_image": _IMAGE,
    "initializer_handler": Text(longest=128),
    "initializer_timeout": Whole(least=1, most=300),
    "pre_stop_handler": Text(longest=128),
    "pre_stop_timeout": Whole(least=1, most=90),
    "enterprise_project_id": Text(),
    "log_config": _LOG,
    "enable_lts_log": Flag(),
    "lts_custom_tag": Map(item=Text(), most=10),
    "network_controller": _NETWORK,
    "is_stateful_function": Flag(),
    "enable_dynamic_memory": Flag(),
    "gpu_type": Text(),
    "gpu_memory": Whole(least=0, most=16384),
    "user_data_encrypt_kms_key_id": Text(),
}
_LATER: dict[str, Type] = {
    "strategy_config": _STRATEGY,
    "extend_config": Text(),
    "ephemeral_storage": Whole(allowed=(512, 10240)),
    "enable_auth_in_header": Flag(),
    "peering_cidr": Text(),
    "heartbeat_handler": Text(),
    "restore_hook_handler": Text(),
    "restore_hook_timeout": Whole(least=1, most=300),
    "enable_class_isolation": Flag(),
}
_CODE: dict[str, Type] = {
    "code_type": Text(allowed=CODE_TYPES, error=CODE_TYPE),
    "code_url": Text(longest=2048),
    "code_filename": Text(longest=256),
    "code_encrypt_kms_key_id": Text(),
    "func_code": Struct({"file": Text(), "link": Text()}),
    "depend_version_list": Many(item=Text(longest=64), most=DEPENDENCIES, error=DEPENDENCY_LIMIT),
}
CREATE = Struct(
    {
        "func_name": Text(pattern=NAME_PATTERN, error=NAME),
        "package": Text(pattern=r"[A-Za-z0-9_-]{1,64}", error=PACKAGE),
        "runtime": Text(allowed=RUNTIMES, error=RUNTIME),
        "type": Text(allowed=("v1", "v2")),
        **_CONFIG,
        **_CODE,
    },
    required={
        "func_name": NAME,
        "package": PACKAGE,
        "runtime": RUNTIME,
        "timeout": TIMEOUT,
        "handler": HANDLER,
        "memory_size": MEMORY,
    },
)
# Also the names that a metadata update may repeat but not change (facts 3.2, 19).
CONFIG = Struct(
    {"func_name": Text(), "package": Text(), "runtime": Text(), **_CONFIG, **_LATER},
    required={"runtime": RUNTIME, "timeout": TIMEOUT, "handler": HANDLER, "memory_size": MEMORY},
)
CODE = Struct(_CODE, required={"code_type": CODE_TYPE})
INSTANCES = Struct(
    {"max_instance_num": Whole(least=-1, most=1000, error=CONCURRENCY)}, required={"max_instance_num": CONCURRENCY}
)

CONFIG_ONLY = frozenset(_CONFIG) | frozenset(_LATER)


def unset(kind: str) -> Json:
    """Return what a function of type ``v1`` or ``v2`` has of every field that was not given (facts 3.4)."""
    return {
        "description": "",
        "user_data": "",
        "encrypted_user_data": "",
        "xrole": "",
        "app_xrole": "",
        "func_vpc": None,
        "mount_config": None,
        "domain_names": "",
        "custom_image": None,
        "initializer_handler": "",
        "initializer_timeout": 0,
        "pre_stop_handler": "",
        "pre_stop_timeout": 0,
        "enterprise_project_id": "0",
        "enable_lts_log": False,
        "lts_custom_tag": None,
        "network_controller": None,
        "is_stateful_function": False,
        "enable_dynamic_memory": False,
        "gpu_type": "",
        "gpu_memory": 0,
        "user_data_encrypt_kms_key_id": "",
        "code_encrypt_kms_key_id": "",
        # Facts 18, "default max instances".
        "strategy_config": {"concurrency": 400 if kind == "v2" else -1, "concurrent_num": 1},
        "extend_config": "",
        "ephemeral_storage": 512,
        "enable_auth_in_header": False,
        "peering_cidr": "",
        "heartbeat_handler": "",
        "restore_hook_handler": "",
        "restore_hook_timeout": 0,
        "enable_class_isolation": False,
        "depend_version_list": [],
        "code_url": "",
        "code_filename": "",
        "type": kind,
    }


def check_config(body: Json) -> None:
    """Refuse what does not go together in the whole of a function (facts 3.2)."""
    runtime, handler = str(body["runtime"]), str(body["handler"])
    if runtime.startswith(("Python", "Node.js", "PHP", "Java", "C#")) and "." not in handler:
        raise HANDLER(f"handler = {handler} has no dot")
    for name in ("user_data", "encrypted_user_data"):
        _check_variables(str(body[name]), name)
    if body["lts_custom_tag"] and body["type"] != "v2":
        raise BAD_PARAMETER("lts_custom_tag needs a function of type v2")
    if body["is_stateful_function"] and body["type"] != "v2":
        raise BAD_PARAMETER("is_stateful_function needs a function of type v2")
    if body["gpu_memory"] and runtime not in ("Custom", IMAGE):
        raise BAD_PARAMETER("gpu_memory needs the runtime Custom or Custom Image")
    java = ("heartbeat_handler", "restore_hook_handler")
    if any(body[name] for name in java) and not runtime.startswith("Java"):
        raise BAD_PARAMETER(f"{' and '.join(java)} are for Java")
    strategy = body["strategy_config"]
    if isinstance(strategy, dict):
        if body["type"] == "v1" and strategy.get("concurrency") not in (0, -1):
            raise CONCURRENCY("a function of type v1 has 0 or -1")
        if strategy.get("concurrent_num", 1) != 1 and runtime not in ("http", IMAGE):
            raise CONCURRENCY("concurrent_num above 1 needs the runtime http or Custom Image")
    image = body["custom_image"]
    if runtime == IMAGE and not (isinstance(image, dict) and image.get("image")):
        raise CODE_MISSING("custom_image.image is missing")


def blanked(text: str) -> str:
    """Return encrypted variables as answers show them: the keys, with no values (facts 3.2)."""
    if not text:
        return ""
    return json.dumps(dict.fromkeys(json.loads(text), ""), separators=(",", ":"))
