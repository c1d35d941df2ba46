"""The fields of a function: types, defaults, and the rules between fields (facts 9.2)."""

import json

from fcdeploy.emulator.alibaba.code import CODE
from fcdeploy.emulator.alibaba.errors import invalid_argument, wrong_value
from fcdeploy.emulator.alibaba.fields import Flag, Many, Map, Number, Struct, Text, Whole
from fcdeploy.emulator.exchange import Json

RUNTIMES = (
    *("nodejs20", "nodejs18", "nodejs16", "nodejs14", "nodejs12", "nodejs10", "nodejs8", "nodejs6", "nodejs4.4"),
    *("python3.10", "python3.9", "python3", "python2.7", "java11", "java8", "go1", "php7.2"),
    *("dotnetcore3.1", "dotnetcore2.1", "custom", "custom.debian10", "custom-container"),
)
CONTAINER = "custom-container"
CUSTOM_RUNTIMES = ("custom", "custom.debian10", CONTAINER)
INSTANCE_TYPES = ("e1", "c1", "fc.gpu.tesla.1", "fc.gpu.ampere.1", "g1")
_C1_MEMORY = (4096, 8192, 16384, 32768)
_E1_MEMORY_MOST = 3072
LAYERS_MOST = 5  # facts 13


class _JsonArrayText:
    """A string that holds a JSON array of strings: command and args of a container (facts 9.2)."""

    def read(self, value: object, label: str) -> str:
        """Return the string as it was sent."""
        text = Text().read(value, label)
        if text:
            try:
                parsed = json.loads(text)
            except (ValueError, RecursionError):
                parsed = None
            if not isinstance(parsed, list) or not all(isinstance(each, str) for each in parsed):
                raise wrong_value(label, ("a JSON array of strings",), text)
        return text


_HOOK = Struct({"handler": Text(), "timeout": Whole(least=1, most=90)}, defaults={"handler": "", "timeout": 3})

CONTAINER_CONFIG = Struct(
    {
        "image": Text(shortest=1),
        "command": _JsonArrayText(),
        "args": _JsonArrayText(),
        "accelerationType": Text(allowed=("Default", "None")),
        "instanceID": Text(),
        "webServerMode": Flag(),
    },
    defaults={"command": "", "args": "", "accelerationType": "Default", "instanceID": "", "webServerMode": True},
    required=("image",),
)

FIELDS = Struct(
    {
        "functionName": Text(),
        "runtime": Text(allowed=RUNTIMES),
        "handler": Text(shortest=1),
        "code": CODE,
        "description": Text(),
        "initializer": Text(),
        "initializationTimeout": Whole(least=1, most=300),
        "timeout": Whole(least=1, most=86_400),
        "memorySize": Whole(least=128, most=32_768, step=64),
        "cpu": Number(least=0.05, most=16, parts=20),
        "diskSize": Whole(allowed=(512, 10_240)),
        "gpuMemorySize": Whole(least=1024, step=1024),
        "instanceType": Text(allowed=INSTANCE_TYPES),
        "instanceConcurrency": Whole(least=1, most=100),
        "instanceSoftConcurrency": Whole(least=1, most=100),
        "caPort": Whole(least=1, most=65_535),
        "environmentVariables": Map(item=Text()),
        "layers": Many(item=Text(shortest=1), most=LAYERS_MOST),
        "customContainerConfig": CONTAINER_CONFIG,
        "customRuntimeConfig": Struct(
            {"command": Many(item=Text()), "args": Many(item=Text())}, defaults={"command": [], "args": []}
        ),
        "instanceLifecycleConfig": Struct({"preFreeze": _HOOK, "preStop": _HOOK}),
        "customDNS": Struct(
            {
                "nameServers": Many(item=Text()),
                "searches": Many(item=Text()),
                "dnsOptions": Many(item=Struct({"name": Text(), "value": Text()})),
            },
            defaults={"nameServers": [], "searches": [], "dnsOptions": []},
        ),
        "customHealthCheckConfig": Struct(
            {
                "httpGetUrl": Text(longest=2048),
                "initialDelaySeconds": Whole(least=0, most=120),
                "periodSeconds": Whole(least=1, most=120),
                "timeoutSeconds": Whole(least=1, most=3),
                "failureThreshold": Whole(least=1, most=120),
                "successThreshold": Whole(least=1, most=120),
            },
            defaults={
                "initialDelaySeconds": 0,
                "periodSeconds": 3,
                "timeoutSeconds": 1,
                "failureThreshold": 3,
                "successThreshold": 1,
            },
        ),
    }
)

# Fields that mean something for custom runtimes only; they go when the runtime stops being one.
_CUSTOM_ONLY = ("caPort", "customRuntimeConfig", "customHealthCheckConfig")


def defaults() -> Json:
    """Return what a function has that was created with only what is required. None is an unset object or number."""
    return {
        "description": "",
        "initializer": "",
        "initializationTimeout": 3,
        "timeout": 3,  # facts 15: 3 s, not the 60 s of the older document
        "memorySize": 128,
        "cpu": None,
        "diskSize": 512,
        "gpuMemorySize": None,
        "instanceType": "e1",
        "instanceConcurrency": 1,
        "instanceSoftConcurrency": None,
        "caPort": None,
        "environmentVariables": {},
        "layers": [],
        "layersArnV2": [],
        "customContainerConfig": None,
        "customRuntimeConfig": None,
        "instanceLifecycleConfig": None,
        "customDNS": None,
        "customHealthCheckConfig": None,
    }


def check_sources(given: Json, runtime: object, *, creating: bool) -> None:
    """Refuse code for a container and the reverse: exactly one of the two (facts 9.2)."""
    container = runtime == CONTAINER
    if container and "code" in given:
        raise invalid_argument("Code is not supported when Runtime is 'custom-container'")
    if not container and "customContainerConfig" in given:
        raise invalid_argument("CustomContainerConfig is only supported when Runtime is 'custom-container'")
    if creating and container and "customContainerConfig" not in given:
        raise invalid_argument("CustomContainerConfig is required but not provided")
    if creating and not container and "code" not in given:
        raise invalid_argument("Code is required but not provided")
    if runtime not in CUSTOM_RUNTIMES:
        for name in _CUSTOM_ONLY:
            if name in given:
                raise invalid_argument(f"{name} is only supported by custom runtimes (actual: '{runtime}')")


def settled(body: Json) -> Json:
    """Return the merged body with what depends on the runtime settled; checks the rules between fields.

    Raises:
        ApiError: InvalidArgument for a memory size that the instance type does not have, a soft concurrency above
            the hard one, or concurrency in a Python runtime.
    """
    result = dict(body)
    runtime = result["runtime"]
    if runtime in CUSTOM_RUNTIMES:
        result["caPort"] = result["caPort"] or 9000  # facts 9.2: default of custom runtimes
    else:
        for name in _CUSTOM_ONLY:
            result[name] = None
    if runtime != CONTAINER:
        result["customContainerConfig"] = None
    memory, kind = result["memorySize"], result["instanceType"]
    assert isinstance(memory, int)
    if kind == "c1" and memory not in _C1_MEMORY:
        raise wrong_value("MemorySize", tuple(str(each) for each in _C1_MEMORY), memory)
    if kind == "e1" and result["cpu"] is None and memory > _E1_MEMORY_MOST:
        raise wrong_value("MemorySize", (f"[128, {_E1_MEMORY_MOST}]",), memory)
    hard, soft = result["instanceConcurrency"], result["instanceSoftConcurrency"]
    assert isinstance(hard, int)
    if isinstance(soft, int) and soft > hard:
        raise wrong_value("InstanceSoftConcurrency", (f"[1, {hard}]",), soft)
    if hard > 1 and isinstance(runtime, str) and runtime.startswith("python"):
        raise invalid_argument(f"InstanceConcurrency is not supported by runtime '{runtime}' (actual: '{hard}')")
    return result
