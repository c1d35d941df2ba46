"""What a file may say of a function. Facts 3.2, 3.3, 15.

The words are those of Function Compute wherever the thing is the same (S44); what is only here has the API's own word.
"""

from __future__ import annotations

from fcdeploy.kinds.conditions import NOT_EMPTY
from fcdeploy.kinds.fields import (
    Access,
    Codec,
    Default,
    Field,
    Order,
    Reset,
    boolean,
    integer,
    obj,
    objects,
    strings,
    strings_by_name,
    text,
)
from fcdeploy.kinds.huawei.layer import ARN as LAYER_ARN
from fcdeploy.kinds.huawei.runtimes import DEFAULT_HANDLERS, WIRE
from fcdeploy.kinds.huawei.shared_fields import DESCRIPTION, INTERNET, LOGGING, LOGS, MOUNTS, ROLE, TAGS, VPC, chosen
from fcdeploy.kinds.huawei.urn import NAME_PATTERN, PACKAGE_PATTERN

MEMORY_MB = (128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 8192, 10240)
SECRETS_TAG = "fcdeploy.secrets"
VARIABLE_NAME = r"^(?!RUNTIME_)[A-Za-z][A-Za-z0-9_]*$"
MOST_VARIABLES = 20

_LAYER_FORMS = "the name of a layer of this file, or a version of a dependency as `name:number:id`"
_HOOK_TEXT = "such as `index.stop`"


_NAMES = (
    text(
        "name",
        "Name",
        "What the function is called in the cloud; without it, the service's name, `-` and the function's.",
        default=None,
        access=Access.PLANNING,
        reset=Reset.NONE,
        pattern=NAME_PATTERN,
    ),
    text(
        "package",
        "Package",
        "The application that the function belongs to; without it, `default`.",
        default=None,
        access=Access.PLANNING,
        reset=Reset.NONE,
        pattern=PACKAGE_PATTERN,
    ),
)

_CODE = (
    text(
        "runtime",
        "Runtime",
        "The language runtime.",
        required=True,
        access=Access.CREATE_ONLY,
        enum=[*WIRE],
    ),
    text(
        "handler",
        "Handler",
        "What is called, such as `index.handler`; the form depends on the runtime. Without a language there is none.",
        default=None,
        defaults=tuple(Default(value=value, when={"runtime": (word,)}) for word, value in DEFAULT_HANDLERS.items()),
        minLength=1,
        maxLength=128,
    ),
    Field(
        name="code",
        title="Code",
        description="A folder, a single source file, a .zip or .jar, or `obs://bucket/object`.",
        codec=Codec.ARCHIVE,
        reset=Reset.NONE,
        checksum="digest",
        checksum_by="sha512",
        bucket="obs",
        largest=50 << 20,  # facts 15
        together=("layers",),
    ),
    strings(
        "layers",
        "Layers",
        f"Dependencies, at most twenty: {_LAYER_FORMS}. A name means the newest version; "
        "of the other form only the id counts.",
        maxItems=20,
        item={"pattern": r"^[^:#]+(:[0-9]+:[^:]+)?$", "description": _LAYER_FORMS},
        refers="layer",
        arn=LAYER_ARN,
        last_part=":",
        # The API wants the code again with them (facts 3.5).
        together=("code",),
        behaves="A layer is a dependency here, and the function names a version of it by an id.",
    ),
    obj(
        "customContainerConfig",
        "Container",
        "The image that runs, for runtime `custom-container`; instead of `code`.",
        defaults=(),
        reset=Reset.NONE,
        fields=(
            text(
                "image",
                "Image",
                "Address of the image in SWR, best with a digest.",
                default=None,
                required=True,
                pattern=r"^swr\..+",
            ),
            strings("command", "Command", "Replaces the image's entry point.", item={"pattern": "^[^,]*$"}),
            strings("args", "Arguments", "Arguments of the command.", item={"pattern": "^[^,]*$"}),
            chosen("workingDir", "Working directory", "Where the command starts.", enum=["/"]),
            chosen("uid", "User id", "Linux user id of the process."),
            chosen("gid", "Group id", "Linux group id of the process."),
            Field(
                name="isPublic",
                title="Public",
                description="Whether the image is a public one.",
                schema={"type": "boolean"},
                reset=Reset.NONE,
            ),
        ),
    ),
)

_RUN = (
    text(
        "initializer",
        "Initializer",
        "A hook that runs once in each new instance.",
        maxLength=128,
    ),
    integer(
        "initializationTimeout",
        "Initializer timeout",
        "Seconds that the initializer may take.",
        defaults=(Default(value=3, when={"initializer": NOT_EMPTY}),),
        minimum=1,
        maximum=300,
    ),
    integer("timeout", "Timeout", "Seconds that one call may take.", default=3, minimum=3, maximum=259200),
    integer(
        "memorySize",
        "Memory",
        "Megabytes.",
        default=128,
        enum=[*MEMORY_MB],
        behaves="The share of a CPU follows from the memory and cannot be chosen.",
    ),
    integer(
        "instanceConcurrency",
        "Concurrency",
        "Calls that one instance serves at the same time; above 1 only for the runtimes http and custom-container.",
        default=1,
        minimum=1,
        maximum=1000,
        # The API has both in one object, and may take the whole object for new (facts 3.3, 3.5).
        together=("onDemand",),
    ),
    obj(
        "onDemand",
        "On-demand config",
        "How many instances the function may have; the service chooses when left out.",
        defaults=(),
        reset=Reset.NONE,
        behaves="There is one number for the function, and none for a version or an alias.",
        fields=(
            integer(
                "maximumInstanceCount",
                "Most instances",
                "How many instances there may be; -1: any number; 0 stops the function.",
                required=True,
                minimum=-1,
                maximum=1000,
            ),
        ),
    ),
    Field(
        name="environmentVariables",
        title="Environment variables",
        description="Read by the code. Secrets among them are stored encrypted; live values print only where the file "
        "gives them as plain text.",
        schema={
            "type": "object",
            "additionalProperties": {"type": "string"},
            "maxProperties": MOST_VARIABLES,
            "propertyNames": {"pattern": VARIABLE_NAME},
        },
        defaults=(Default(value={}),),
        codec=Codec.JSON_TEXT,
        sensitive=True,
        secrets_in="encryptedVariables",
        behaves="Secrets are stored encrypted, and reads give their names alone: a digest in a tag tells whether one "
        "changed.",
    ),
    Field(
        name="encryptedVariables",
        title="Encrypted variables",
        description="Environment variables that the service stores encrypted and never gives back. Secrets of "
        "`environmentVariables` come here by themselves.",
        schema={
            "type": "object",
            "additionalProperties": {"type": "string"},
            "maxProperties": MOST_VARIABLES,
            "propertyNames": {"pattern": VARIABLE_NAME},
        },
        defaults=(Default(value={}),),
        codec=Codec.JSON_TEXT,
        sensitive=True,
        digest_tag=SECRETS_TAG,
    ),
    obj(
        "instanceLifecycleConfig",
        "Lifecycle hooks",
        "Hooks in the life of an instance.",
        empty={"preStop": {"handler": "", "timeout": 3}},
        fields=(
            obj(
                "preStop",
                "Before stop",
                "Runs before an instance is stopped.",
                off="handler",
                empty={"handler": "", "timeout": 3},
                fields=(
                    text("handler", "Handler", f"The hook, {_HOOK_TEXT}.", default=None, required=True, maxLength=128),
                    integer("timeout", "Timeout", "Seconds that it may take.", default=3, minimum=1, maximum=90),
                ),
            ),
        ),
    ),
)

_CLOUD_ONLY = (
    text("appRole", "Execution agency", "Name of the IAM agency with which the code itself runs.", maxLength=64),
    LOGGING,
    strings_by_name(
        "ltsCustomTags",
        "Log tags",
        "Tags that each line of the logs has; only for functions of type v2.",
        maxProperties=10,
        propertyNames={"minLength": 1},
    ),
    objects(
        "triggerAccessVpcs",
        "Trigger access",
        "VPCs from which alone the function may be called; none: from anywhere.",
        order=Order.SET,
        key="vpcId",
        fields=(
            text("vpcId", "VPC", "Id of the VPC.", default=None, required=True, maxLength=64),
            chosen("vpcName", "VPC name", "Name of the VPC."),
        ),
    ),
    objects(
        "domainNames",
        "Domain names",
        "Private domain names that the function can resolve in its VPC.",
        codec=Codec.JSON_TEXT,
        order=Order.SET,
        key="domain_name",
        fields=(
            text("id", "Id", "Id of the private zone.", default=None, required=True),
            text("domain_name", "Domain name", "The name, with a dot at its end.", spec="domainName", required=True),
        ),
    ),
    strings(
        "peeringCidrs",
        "Peering ranges",
        "Address ranges that the function reaches by VPC peering, at most five.",
        maxItems=5,
        item={"pattern": "^[^;]+$"},
    ),
    integer(
        "diskSize",
        "Disk",
        "Megabytes of temporary disk; another size only for the runtimes http and custom-container.",
        default=512,
        enum=[512, 10240],
    ),
    text("gpuType", "GPU type", "Such as `nvidia-t4`; only for the runtimes custom and custom-container."),
    integer(
        "gpuMemorySize",
        "GPU memory",
        "Megabytes of GPU memory; a multiple of 1024.",
        default=0,
        minimum=0,
        maximum=16384,
        multipleOf=1024,
    ),
    boolean(
        "enableDynamicMemory",
        "Dynamic memory",
        "Whether a call may ask for other memory than the function has.",
        default=False,
    ),
    boolean(
        "stateful",
        "Stateful",
        "Whether calls of one session go to one instance; only for functions of type v2.",
        default=False,
    ),
    boolean(
        "enableAuthInHeader",
        "Keys in the header",
        "Whether temporary keys of the agency come in a request's header; only for runtime custom-container.",
        default=False,
    ),
    text("heartbeatHandler", "Heartbeat", "A hook that tells whether an instance lives; only for Java."),
    text(
        "restoreHookHandler", "Restore hook", "A hook that runs when an instance wakes from a snapshot; only for Java."
    ),
    integer(
        "restoreHookTimeout",
        "Restore hook timeout",
        "Seconds that the restore hook may take.",
        defaults=(Default(value=3, when={"restoreHookHandler": NOT_EMPTY}),),
        minimum=1,
        maximum=300,
    ),
    boolean("enableClassIsolation", "Class isolation", "Whether classes are isolated; only for Java.", default=False),
    chosen("enterpriseProjectId", "Enterprise project", "Id of the enterprise project that pays for the function."),
    chosen("type", "Type", "The generation of the function.", access=Access.CREATE_ONLY, enum=["v1", "v2"]),
    text(
        "userDataEncryptKmsKeyId", "Key of the variables", "Id of the KMS key that encrypts the environment variables."
    ),
    chosen(
        "codeEncryptKmsKeyId", "Key of the code", "Id of the KMS key that encrypts the code.", access=Access.CREATE_ONLY
    ),
)

LATER = frozenset(
    {
        *("instanceConcurrency", "peeringCidrs", "diskSize", "enableAuthInHeader", "heartbeatHandler"),
        *("restoreHookHandler", "restoreHookTimeout", "enableClassIsolation"),
    }
)
"""Fields that a create does not take: only the update has them (facts 3.2)."""

FIELDS = (DESCRIPTION, *_CODE, ROLE, INTERNET, LOGS, VPC, MOUNTS, *_RUN, *_CLOUD_ONLY, TAGS, *_NAMES)
