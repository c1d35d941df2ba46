"""Service of Function Compute 2.0, with its tags. Facts 6.2, 7.1, 8.1, 9.1, 9.11."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fcdeploy.kinds.descriptor import Attribute, Finding, GuardStyle, Kind, Listing, Marking, Operation, TagGroup
from fcdeploy.kinds.fields import Default, Order, boolean, integer, obj, objects, strings, strings_by_name, text
from fcdeploy.kinds.risks import WILDCARD_ROLE
from fcdeploy.model import Json

API_2021 = "2021-04-06"
NAME_PATTERN = r"^[_a-zA-Z][-_a-zA-Z0-9]*$"
MARK_TAGS = 2
MAX_TAGS = 20

NAME_SCHEMA = {
    "description": "a name has letters, digits, `_` and `-`, and begins with a letter or `_`",
    "type": "string",
    "pattern": NAME_PATTERN,
    "minLength": 1,
    "maxLength": 128,
}

ROLE_PATTERN = r"^(acs:ram::[0-9]+:role/[^\s/]+)?$"

FIELDS = (
    text("description", "Description", "What the service is for; shown in the console."),
    text(
        "role",
        "Role",
        "ARN of the RAM role that the service's functions assume: `acs:ram::{account}:role/{name}`.",
        pattern=ROLE_PATTERN,
    ),
    boolean("internetAccess", "Internet access", "Whether functions may reach the public internet.", default=True),
    obj(
        "logConfig",
        "Log configuration",
        "Where function logs go: a Log Service project and logstore that exist already.",
        off="project",
        empty={
            "project": "",
            "logstore": "",
            "enableRequestMetrics": False,
            "enableInstanceMetrics": False,
            "logBeginRule": "None",
        },
        fields=(
            text("project", "Log project", "Name of the Log Service project.", default=None, required=True),
            text("logstore", "Logstore", "Name of the logstore in the project.", default=None, required=True),
            boolean("enableRequestMetrics", "Request metrics", "Write one line of metrics a request.", default=True),
            boolean("enableInstanceMetrics", "Instance metrics", "Write metrics of each instance.", default=False),
            text(
                "logBeginRule",
                "Log begin rule",
                "How multi-line logs are split: `DefaultRegex` begins an entry at a timestamp.",
                default="None",
                enum=["None", "DefaultRegex"],
            ),
        ),
    ),
    obj(
        "vpcConfig",
        "VPC configuration",
        "The VPC that functions can reach; needs `role`.",
        off="vpcId",
        empty={"vpcId": "", "vSwitchIds": [], "securityGroupId": ""},
        fields=(
            text("vpcId", "VPC", "Id of the VPC.", default=None, required=True),
            strings("vSwitchIds", "vSwitches", "Ids of the vSwitches.", required=True, order=Order.SET, minItems=1),
            text("securityGroupId", "Security group", "Id of the security group.", default=None, required=True),
            text("role", "Role", "ARN of the role that creates network interfaces.", since=API_2021),
        ),
    ),
    obj(
        "nasConfig",
        "NAS configuration",
        "NAS file systems that are mounted into every function of the service.",
        off="mountPoints",
        empty={"userId": -1, "groupId": -1, "mountPoints": []},
        fields=(
            integer("userId", "User id", "Linux user id of the mount; -1 lets the service choose.", default=-1),
            integer("groupId", "Group id", "Linux group id of the mount; -1 lets the service choose.", default=-1),
            objects(
                "mountPoints",
                "Mount points",
                "Up to five file systems.",  # facts 13
                required=True,
                minItems=1,
                maxItems=5,
                order=Order.SET,
                key="mountDir",
                fields=(
                    text("serverAddr", "Server address", "`host:/path` of the NAS.", default=None, required=True),
                    text("mountDir", "Mount directory", "Where it appears in functions.", default=None, required=True),
                    boolean("enableTLS", "TLS", "Encrypt the traffic.", default=False, since=API_2021),
                ),
            ),
        ),
    ),
    obj(
        "ossMountConfig",
        "OSS mounts",
        "OSS buckets that are mounted into every function of the service.",
        off="mountPoints",
        empty={"mountPoints": []},
        since=API_2021,
        fields=(
            objects(
                "mountPoints",
                "Mount points",
                "Up to five buckets.",  # facts 13
                required=True,
                minItems=1,
                maxItems=5,
                order=Order.SET,
                key="mountDir",
                fields=(
                    text("bucketName", "Bucket", "Name of the bucket.", default=None, required=True),
                    text("bucketPath", "Path", "Folder inside the bucket."),
                    text("endpoint", "Endpoint", "OSS endpoint, with `http://` or `https://`."),
                    text("mountDir", "Mount directory", "Where it appears in functions.", default=None, required=True),
                    boolean("readOnly", "Read only", "Refuse writes.", default=False),
                ),
            ),
        ),
    ),
    obj(
        "tracingConfig",
        "Tracing",
        "Where traces go.",
        off="type",
        empty={},
        fields=(
            text("type", "Type", "The tracing protocol.", default=None, required=True, enum=["Jaeger"]),
            strings_by_name("params", "Parameters", "For Jaeger: `endpoint`, the collector's address."),
        ),
    ),
    strings_by_name(
        "tags",
        "Tags",
        "Tags of the service. fcdeploy adds two of its own, which say whose the service is.",
        maxProperties=MAX_TAGS - MARK_TAGS,
        propertyNames={"minLength": 1, "maxLength": 128, "not": {"pattern": r"^(fcdeploy\.|acs:|aliyun)"}},
        defaults=(Default(value={}, sent=False),),
    ),
)


def check(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """A VPC needs a role (facts 9.1)."""
    del api, name
    if body.get("vpcConfig") and not body.get("role") and not (body["vpcConfig"] or {}).get("role"):
        yield Finding(
            path="vpcConfig",
            summary="a VPC needs a role",
            detail="the service creates network interfaces in your VPC with the permissions of `role`",
            hint="set `role: acs:ram::{account}:role/{name}` on the service",
        )


def wildcard_findings(*given: tuple[str, Json]) -> Iterable[Finding]:
    """Of ARNs, each with its path, those with a `*`: an ARN of a role or a destination names one (facts 9.1, 9.9)."""
    for path, arn in given:
        if isinstance(arn, str) and "*" in arn:
            yield Finding(
                path=path,
                summary=f"`{path.rpartition('.')[2]}` has a wildcard",
                detail=f"found {arn}",
                hint="write the whole name of the one that is meant",
                is_warning=True,
                risk=WILDCARD_ROLE,
            )


def risks(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """A role that is many."""
    del api, name
    yield from wildcard_findings(
        ("role", body.get("role")), ("vpcConfig.role", (body.get("vpcConfig") or {}).get("role"))
    )


def about(body: Mapping[str, Json]) -> str:
    """What it is for, and where its functions run where that is not the service's own network."""
    vpc = (body.get("vpcConfig") or {}).get("vpcId")
    return ", ".join(part for part in (body.get("description"), f"in {vpc}" if vpc else "") if part)


_READ_TAGS = Operation(
    name="GetResourceTags",
    method="GET",
    path="/tag",
    query={"resourceArn": "acs:fc:{region}:{account}:services/{serviceName}"},
)
_ARN = {"resourceArn": "acs:fc:{region}:{account}:services/{serviceName}"}

KIND = Kind(
    provider="alibaba",
    name="service",
    title="Service",
    description="A group of functions that share role, network, logs and storage.",
    section="services",
    parent=None,
    identity=("serviceName",),
    name_schema=NAME_SCHEMA,
    fields=FIELDS,
    create=Operation(name="CreateService", method="POST", path="/services"),
    read=Operation(name="GetService", method="GET", path="/services/{serviceName}"),
    update=Operation(name="UpdateService", method="PUT", path="/services/{serviceName}"),
    delete=Operation(name="DeleteService", method="DELETE", path="/services/{serviceName}"),
    listing=Listing(operation=Operation(name="ListServices", method="GET", path="/services"), items="services"),
    guard=GuardStyle.ETAG,
    marking=Marking.TAGS,
    may_be_external=True,
    missing=frozenset({"ServiceNotFound"}),
    tags=TagGroup(
        name="tags",
        field="tags",
        put=Operation(name="TagResource", method="POST", path="/tag", body=_ARN),
        remove=Operation(name="UntagResource", method="PUT", path="/tag", body=_ARN, methods={"2016-08-15": "DELETE"}),
        removed="tagKeys",
        read=_READ_TAGS,
        answer="tags",
        listing=Listing(
            operation=Operation(name="ListTaggedResources", method="GET", path="/tags"),
            items="resources",
            member="resourceArn",
            pattern=r"acs:fc:[^:]*:[^:]*:services/(?P<serviceName>[^/]+)",
        ),
        listing_since=API_2021,
        filter_prefix="tag_",
    ),
    check=check,
    risks=risks,
    about=about,
    reported=("description", "role", "internetAccess"),
    attributes=(
        Attribute(name="name", description="The service's name.", template="{serviceName}"),
        Attribute(
            name="arn", description="ARN of the service.", template="acs:fc:{region}:{account}:services/{serviceName}"
        ),
        Attribute(name="serviceId", description="The id that the service got when it was created.", member="serviceId"),
    ),
)
