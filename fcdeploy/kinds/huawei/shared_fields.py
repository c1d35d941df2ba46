"""What a file may say of a function, and of a service, which hands it down to its functions. Facts 3.2, 3.3, S44."""

from __future__ import annotations

from fcdeploy.kinds.conditions import NOT_EMPTY
from fcdeploy.kinds.fields import (
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
from fcdeploy.model import Json

MARK_TAGS = 2
MAX_TAGS = 20


def chosen(name: str, title: str, description: str, **limits: Json) -> Field:
    """A text of which an absent one is the service's to choose."""
    return text(name, title, description, default=None, reset=Reset.NONE, **limits)


DESCRIPTION = text(
    "description", "Description", "What the function is for; shown in the console.", maxLength=512
)  # FSS.1019
ROLE = text(
    "role",
    "Role",
    "Name of the IAM agency with which the service reaches other services for the function: VPC, file systems, logs, "
    "and most sources of triggers.",
    maxLength=64,
    behaves="It is the name of an IAM agency, not the ARN of a role; the code itself runs with `appRole`.",
)
INTERNET = boolean(
    "internetAccess", "Internet access", "Whether the function may reach the public internet.", default=True
)
LOGS = obj(
    "logConfig",
    "Log configuration",
    "Where the logs go: a group and a stream of the Log Tank Service that exist already.",
    off="groupId",
    behaves="A log group and a stream are named by their ids, and there is nothing else to set.",
    empty={"groupId": "", "streamId": ""},
    # With `enableLtsLog` alone the service makes a group and a stream of its own (facts 3.2).
    defaults=(Default(value=None, sent=False, when={"enableLtsLog": (None, False)}),),
    fields=(
        text("groupId", "Log group", "Id of the log group.", default=None, required=True),
        text("streamId", "Log stream", "Id of the log stream in the group.", default=None, required=True),
    ),
)
LOGGING = Field(
    name="enableLtsLog",
    title="Log service",
    description="Whether logs go to the Log Tank Service; without `logConfig` it makes a group and a stream.",
    schema={"type": "boolean"},
    defaults=(Default(value=True, when={"logConfig.groupId": NOT_EMPTY}), Default(value=False)),
)
VPC = obj(
    "vpcConfig",
    "VPC configuration",
    "The VPC that the function can reach; needs `role`.",
    off="vpcId",
    behaves="A function is in one subnet: `vSwitchIds` has one id.",
    empty={"vpcId": "", "vSwitchIds": [""], "securityGroupId": "", "moreSecurityGroupIds": []},
    fields=(
        text("vpcId", "VPC", "Id of the VPC.", default=None, required=True),
        strings("vSwitchIds", "Subnet", "Id of the subnet, as a list of one.", required=True, minItems=1, maxItems=1),
        text("securityGroupId", "Security group", "Id of the security group."),
        strings(
            "moreSecurityGroupIds",
            "More security groups",
            "Ids of further security groups.",
            item={"minLength": 1},
        ),
        chosen("vpcName", "VPC name", "Name of the VPC, as the console shows it."),
        chosen("subnetName", "Subnet name", "Name of the subnet, as the console shows it."),
        chosen("cidr", "Address range", "Address range of the subnet."),
        chosen("gateway", "Gateway", "Address of the subnet's gateway."),
        Field(
            name="isSafety",
            title="Safe access",
            description="Whether the safe access to the VPC is on; once on, it stays on.",
            schema={"type": "boolean"},
            reset=Reset.NONE,
        ),
    ),
)
MOUNTS = obj(
    "nasConfig",
    "Mounts",
    "File systems that are mounted into the function; needs `role`.",
    off="mountPoints",
    behaves="What is mounted is named by its id, not by an address, and can be a folder of a server.",
    empty={"userId": -1, "groupId": -1, "mountPoints": []},
    fields=(
        integer("userId", "User id", "Linux user id of the mount; -1: none.", default=-1, minimum=-1, maximum=65534),
        integer("groupId", "Group id", "Linux group id of the mount; -1: none.", default=-1, minimum=-1, maximum=65534),
        objects(
            "mountPoints",
            "Mount points",
            "Up to five file systems.",  # facts 15
            required=True,
            minItems=1,
            maxItems=5,
            order=Order.SET,
            key="mountDir",
            fields=(
                text(
                    "type",
                    "Type",
                    "What is mounted: a file system, a turbo file system, or a folder of a server.",
                    default=None,
                    required=True,
                    enum=["sfs", "sfsTurbo", "ecs"],
                ),
                text("resource", "Resource", "Id of the file system or of the server.", default=None, required=True),
                text("sharePath", "Shared path", "The server's folder, for type `ecs`.", maxLength=256),
                text(
                    "mountDir",
                    "Mount directory",
                    "Where it appears in the function.",
                    default=None,
                    required=True,
                    pattern="^/.+",
                ),
            ),
        ),
    ),
)
TAGS = strings_by_name(
    "tags",
    "Tags",
    "Tags of the function. fcdeploy adds two of its own, which say whose it is, and one where it has secrets.",
    maxProperties=MAX_TAGS - MARK_TAGS,
    propertyNames={"minLength": 1, "maxLength": 128, "not": {"pattern": r"^(fcdeploy\.|_sys_)"}},
    defaults=(Default(value={}, sent=False),),
)
