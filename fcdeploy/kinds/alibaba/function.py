"""Function of Function Compute 2.0. Facts 6.2, 7.2, 8.1, 9.2, 13."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.alibaba.function_rules import CUSTOM, OTHER, PYTHON, check, risks
from fcdeploy.kinds.alibaba.service import API_2021, NAME_SCHEMA
from fcdeploy.kinds.descriptor import Attribute, GuardStyle, Kind, Listing, Marking, Operation
from fcdeploy.kinds.fields import (
    Codec,
    Default,
    Field,
    Reset,
    integer,
    obj,
    objects,
    strings,
    strings_by_name,
    text,
)
from fcdeploy.model import Json

LAYER_ARN = "acs:fc:{region}:{account}:layers/{layerName}/versions/{version}"
FUNCTION_ARN = "acs:fc:{region}:{account}:services/{serviceName}/functions/{functionName}"
LAYER_PATTERN = (
    r"^(acs:fc:[^:/#]+:[^:/#]+:layers/[^:/#]+/versions/[0-9]+|[^#]+#[^#]+#[0-9]+|[_a-zA-Z][-_a-zA-Z0-9]{0,127})$"
)
_LAYER_FORMS = (
    "the name of a layer of this file, `acs:fc:{region}:{account}:layers/{name}/versions/{n}` or `{md5}#{name}#{n}`"
)

_HOOK = (
    text("handler", "Handler", "The hook, such as `index.stop`.", default=None, required=True),
    integer("timeout", "Timeout", "Seconds that the hook may take.", default=3, minimum=1, maximum=90),
)
_NO_HOOK = {"handler": "", "timeout": 3}


def _custom_only(name: str) -> str:
    return f"Only for the custom runtimes. {name}"


# Other runtimes have no such member: the service drops it and refuses one that is sent, even one that empties it.
_OFF_FOR_CUSTOM = (Default(value=None, sent=False, when={"runtime": CUSTOM}),)

FIELDS = (
    text("description", "Description", "What the function is for; shown in the console."),
    text("runtime", "Runtime", "The language runtime.", required=True, enum=[*PYTHON, *OTHER, *CUSTOM]),
    text(
        "handler",
        "Handler",
        "What is called, such as `index.handler`; the form depends on the runtime. Custom runtimes may leave it out.",
        default=None,
        # Custom runtimes have no use for it, but a create without one is refused (CreateFunction 2021-04-06).
        defaults=(Default(value="index.handler", compared=False, when={"runtime": CUSTOM}),),
        reset=Reset.NONE,
        minLength=1,
    ),
    Field(
        name="code",
        title="Code",
        description="A folder, a single source file, a .zip, .jar or .war, or `oss://bucket/object`.",
        codec=Codec.ARCHIVE,
        reset=Reset.NONE,
        checksum="codeChecksum",
        checksum_header="X-Fc-Code-Checksum",
    ),
    obj(
        "customContainerConfig",
        "Container",
        "The image that runs, for runtime `custom-container`; instead of `code`.",
        defaults=(),
        reset=Reset.NONE,
        fields=(
            text("image", "Image", "Address of the image, best with a digest.", default=None, required=True),
            strings(
                "command",
                "Command",
                "Replaces the image's entry point.",
                codec=Codec.JSON_TEXT,
                defaults=(Default(value=[], sent=False),),
            ),
            strings(
                "args",
                "Arguments",
                "Arguments of the command.",
                codec=Codec.JSON_TEXT,
                defaults=(Default(value=[], sent=False),),
            ),
            text(
                "accelerationType",
                "Acceleration",
                "Whether the image is prepared for a faster start.",
                default=None,
                defaults=(Default(value="Default", sent=False),),
                enum=["Default", "None"],
            ),
            text(
                "instanceID",
                "Registry instance",
                "Id of the Container Registry Enterprise instance that holds the image.",
                default=None,
                defaults=(Default(value="", sent=False),),
            ),
            Field(
                name="webServerMode",
                title="Web server mode",
                description="Whether the image runs an HTTP server.",
                schema={"type": "boolean"},
                defaults=(Default(value=True, sent=False),),
                since=API_2021,
            ),
        ),
    ),
    text("initializer", "Initializer", "A hook that runs once in each new instance."),
    integer(
        "initializationTimeout",
        "Initializer timeout",
        "Seconds that the initializer may take.",
        default=3,
        minimum=1,
        maximum=300,
    ),
    integer("timeout", "Timeout", "Seconds that one call may take.", default=3, minimum=1, maximum=86400),
    integer(
        "memorySize",
        "Memory",
        "Megabytes; a multiple of 64. e1: 128 to 3072; c1: 4096, 8192, 16384 or 32768.",
        defaults=(Default(value=128, when={"instanceType": (None, "e1")}),),
        reset=Reset.VALUE,
        minimum=128,
        maximum=32768,
        multipleOf=64,
    ),
    text(
        "instanceType",
        "Instance type",
        "e1: elastic; c1: performance; fc.gpu.tesla.1 (also g1) and fc.gpu.ampere.1: GPU.",
        default="e1",
        enum=["e1", "c1", "fc.gpu.tesla.1", "fc.gpu.ampere.1", "g1"],
    ),
    integer(
        "instanceConcurrency",
        "Concurrency",
        "Calls that one instance serves at the same time; not for Python runtimes.",
        defaults=(
            Default(value=1, when={"runtime": (*OTHER, *CUSTOM)}),
            Default(value=1, sent=False),
        ),
        minimum=1,
        maximum=100,
    ),
    integer(
        "instanceSoftConcurrency",
        "Soft concurrency",
        "Calls from which a further instance is started early; not above `instanceConcurrency`.",
        reset=Reset.NONE,
        since=API_2021,
        minimum=1,
        maximum=100,
        at_most="instanceConcurrency",
    ),
    integer(
        "caPort",
        "Port",
        _custom_only("The port that the HTTP server listens on."),
        defaults=(Default(value=9000, when={"runtime": CUSTOM}),),
        minimum=1,
        maximum=65535,
    ),
    strings_by_name(
        "environmentVariables",
        "Environment variables",
        "Read by the code; live values print only where the file gives them as plain text.",
        sensitive=True,
    ),
    strings(
        "layers",
        "Layers",
        f"Layers, at most five: {_LAYER_FORMS}. A name means the newest version; earlier layers overwrite later ones.",
        read_from=("layersArnV2", "layers"),
        maxItems=5,
        item={
            "pattern": LAYER_PATTERN,
            "description": _LAYER_FORMS,
        },
        refers="layer",
        arn=LAYER_ARN,
    ),
    obj(
        "customRuntimeConfig",
        "Custom runtime",
        _custom_only("How the server is started."),
        since=API_2021,
        defaults=_OFF_FOR_CUSTOM,
        off="command",
        empty={"command": [], "args": []},
        fields=(
            strings("command", "Command", "The program.", required=True, minItems=1),
            strings("args", "Arguments", "Its arguments."),
        ),
    ),
    obj(
        "instanceLifecycleConfig",
        "Lifecycle hooks",
        "Hooks before an instance is frozen and before it is stopped.",
        since=API_2021,
        empty={"preFreeze": _NO_HOOK, "preStop": _NO_HOOK},
        fields=(
            obj("preFreeze", "Before freeze", "Runs before freezing.", fields=_HOOK, off="handler", empty=_NO_HOOK),
            obj("preStop", "Before stop", "Runs before stopping.", fields=_HOOK, off="handler", empty=_NO_HOOK),
        ),
    ),
    obj(
        "customDNS",
        "DNS",
        "Name servers of the function.",
        since=API_2021,
        empty={"nameServers": [], "searches": [], "dnsOptions": []},
        fields=(
            strings("nameServers", "Name servers", "Addresses of name servers."),
            strings("searches", "Search domains", "Domains that short names are looked up in."),
            objects(
                "dnsOptions",
                "Options",
                "Resolver options.",
                fields=(
                    text("name", "Name", "The option, such as `ndots`.", default=None, required=True),
                    text("value", "Value", "Its value."),
                ),
            ),
        ),
    ),
    obj(
        "customHealthCheckConfig",
        "Health check",
        _custom_only("How the server's health is checked."),
        since=API_2021,
        defaults=_OFF_FOR_CUSTOM,
        off="httpGetUrl",
        empty={
            "httpGetUrl": "",
            "initialDelaySeconds": 0,
            "periodSeconds": 3,
            "timeoutSeconds": 1,
            "failureThreshold": 3,
            "successThreshold": 1,
        },
        fields=(
            text("httpGetUrl", "URL", "Path that is asked.", default=None, required=True, maxLength=2048),
            integer("initialDelaySeconds", "Delay", "Seconds to the first check.", default=0, minimum=0, maximum=120),
            integer("periodSeconds", "Period", "Seconds between checks.", default=3, minimum=1, maximum=120),
            integer("timeoutSeconds", "Timeout", "Seconds that an answer may take.", default=1, minimum=1, maximum=3),
            integer("failureThreshold", "Failures", "Failures until unhealthy.", default=3, minimum=1, maximum=120),
            integer("successThreshold", "Successes", "Successes until healthy.", default=1, minimum=1, maximum=120),
        ),
    ),
    Field(
        name="cpu",
        title="CPU",
        description="vCPUs, a multiple of 0.05; the service chooses by memory when left out.",
        schema={"type": "number", "exclusiveMinimum": 0, "maximum": 16},
        reset=Reset.NONE,
        since=API_2021,
    ),
    integer("diskSize", "Disk", "Megabytes of temporary disk.", reset=Reset.NONE, since=API_2021, enum=[512, 10240]),
    integer(
        "gpuMemorySize",
        "GPU memory",
        "Megabytes of GPU memory; a multiple of 1024.",
        reset=Reset.NONE,
        since=API_2021,
        minimum=1024,
        multipleOf=1024,
    ),
)


def about(body: Mapping[str, Json]) -> str:
    """Its runtime, or its image, and its size."""
    image = (body.get("customContainerConfig") or {}).get("image")
    memory = body.get("memorySize")
    gpu = body.get("gpuMemorySize")
    sizes = (f"{memory} MB" if memory else "", f"GPU {gpu} MB" if gpu else "")
    return ", ".join(str(part) for part in (image or body.get("runtime"), *sizes) if part)


KIND = Kind(
    provider="alibaba",
    name="function",
    title="Function",
    description="Code or an image, and how it runs.",
    section="functions",
    parent="service",
    identity=("serviceName", "functionName"),
    name_schema={**NAME_SCHEMA, "maxLength": 64},
    fields=FIELDS,
    create=Operation(name="CreateFunction", method="POST", path="/services/{serviceName}/functions"),
    read=Operation(name="GetFunction", method="GET", path="/services/{serviceName}/functions/{functionName}"),
    update=Operation(name="UpdateFunction", method="PUT", path="/services/{serviceName}/functions/{functionName}"),
    delete=Operation(name="DeleteFunction", method="DELETE", path="/services/{serviceName}/functions/{functionName}"),
    listing=Listing(
        operation=Operation(name="ListFunctions", method="GET", path="/services/{serviceName}/functions"),
        items="functions",
    ),
    guard=GuardStyle.ETAG,
    marking=Marking.PARENT,
    mark_field="description",
    missing=frozenset({"FunctionNotFound", "ServiceNotFound"}),
    archive_read=Operation(
        name="GetFunctionCode", method="GET", path="/services/{serviceName}/functions/{functionName}/code"
    ),
    check=check,
    risks=risks,
    about=about,
    reported=("runtime", "memorySize", "timeout", "codeSize", "codeChecksum"),
    soft_limit=50,
    attributes=(
        Attribute(name="name", description="The function's name, without the service's.", template="{functionName}"),
        Attribute(name="arn", description="ARN of the function, of what is not published.", template=FUNCTION_ARN),
        Attribute(
            name="functionId", description="The id that the function got when it was created.", member="functionId"
        ),
    ),
)
