"""Kinds of a made-up cloud that has no services: functions with names of two parts, versions and aliases of each."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.descriptor import NEW, Attribute, Kind, Listing, Marking, Numbering, Operation
from fcdeploy.kinds.fields import Access, Default, Field, integer, obj, strings, strings_by_name, text
from fcdeploy.model import Json

PROVIDER = "nimbus"
_NAMES = {"description": "lower case letters", "type": "string", "pattern": "^[a-z]+$"}


def _identify_function(names: tuple[str, ...], body: Mapping[str, Json]) -> tuple[str, ...]:
    group, name = names
    return str(body.get("package") or "default"), str(body.get("name") or f"{group}-{name}")


def _identify_trigger(names: tuple[str, ...], body: Mapping[str, Json]) -> tuple[str, ...]:
    kind, words = body.get("type"), body.get("config") or {}
    return (f"timer-{words.get('cron')}" if kind == "timer" else names[-1],)


def _operation(method: str, path: str) -> Operation:
    return Operation(name=f"{method} {path}", method=method, path=path)


_F = "/functions/{package}/{functionName}"


def _operations(path: str) -> dict[str, Operation]:
    return {
        "create": _operation("POST", path),
        "read": _operation("GET", path),
        "update": _operation("PUT", path),
        "delete": _operation("DELETE", path),
    }


SERVICE = Kind(
    provider=PROVIDER,
    name="service",
    title="Service",
    description="A group.",
    section="services",
    parent=None,
    identity=("serviceName",),
    name_schema=_NAMES,
    grouping=True,
    lacks={"vpcBindings": "write `vpcConfig`"},
    fields=(
        text("description", "Description", "What it is for."),
        text("role", "Role", "Who it is.", enum=["", "ops", "dev"]),
        strings_by_name("tags", "Tags", "Its tags."),
    ),
)

FUNCTION = Kind(
    provider=PROVIDER,
    name="function",
    title="Function",
    description="Code.",
    section="functions",
    parent=None,
    stands_in="service",
    identity=("package", "functionName"),
    identify=_identify_function,
    name_schema=_NAMES,
    lacks={"instanceType": "`size`", "customContainerConfig.instanceID": "the address of the image"},
    fields=(
        text("runtime", "Runtime", "The language.", required=True, enum=["py", "python3.10"]),
        text("handler", "Handler", "What is called.", default=None, defaults=(Default(value="", sent=False),)),
        text("description", "Description", "What it is for."),
        text("role", "Role", "Who it is.", enum=["", "ops", "dev"]),
        strings_by_name("tags", "Tags", "Its tags."),
        integer("timeout", "Timeout", "Seconds.", default=3, minimum=1, maximum=900),
        integer("memorySize", "Memory", "Megabytes.", default=128, minimum=128),
        text("size", "Size", "How large.", default=None, defaults=(Default(value="s", sent=False),)),
        strings_by_name(
            "environmentVariables", "Environment", "Of the code.", sensitive=True, secrets_in="encryptedVariables"
        ),
        strings_by_name("encryptedVariables", "Encrypted", "Of the code.", sensitive=True),
        obj(
            "customContainerConfig",
            "Container",
            "An image.",
            defaults=(Default(value={}, sent=False),),
            fields=(text("image", "Image", "Its address."),),
        ),
        obj(
            "onDemand",
            "On demand",
            "How many.",
            defaults=(Default(value={}, sent=False),),
            fields=(integer("maximumInstanceCount", "Most", "How many at most.", default=1),),
        ),
        text(
            "name", "Name", "Its name.", default=None, access=Access.PLANNING, defaults=(Default(value="", sent=False),)
        ),
        text(
            "package",
            "Package",
            "Its package.",
            default=None,
            access=Access.PLANNING,
            defaults=(Default(value="", sent=False),),
        ),
        strings("calls", "Calls", "Functions that it calls.", refers="function"),
        Field(
            name="next",
            title="Next",
            description="What comes next: an ARN, or `{function: service/name}`.",
            schema={"type": ["object", "string"], "properties": {"function": {"type": "string"}}},
            refers="function",
            arn="urn:{package}:{functionName}",
            defaults=(Default(value="", sent=False),),
        ),
    ),
    listing=Listing(operation=_operation("GET", "/functions"), items="functions"),
    marking=Marking.NONE,
    attributes=(
        Attribute(name="name", description="Its name.", template="{functionName}"),
        Attribute(name="urn", description="Its URN.", template="urn:{package}:{functionName}"),
    ),
    **_operations(_F),
)

TRIGGER = Kind(
    provider=PROVIDER,
    name="trigger",
    title="Trigger",
    description="What calls it.",
    section="triggers",
    parent="function",
    identity=("package", "functionName", "triggerName"),
    identify=_identify_trigger,
    name_schema=_NAMES,
    fields=(
        text("type", "Type", "What it is.", required=True, enum=["timer", "queue"]),
        obj(
            "config",
            "Configuration",
            "What it needs.",
            defaults=(Default(value={}, sent=False),),
            fields=(text("cron", "Cron", "When."), text("note", "Note", "Whatever.")),
        ),
        text("qualifier", "Qualifier", "An alias.", behind=("alias",)),
    ),
    listing=Listing(operation=_operation("GET", _F + "/triggers"), items="triggers"),
    attributes=(Attribute(name="id", description="Its id.", member="id"),),
    **_operations(_F + "/triggers/{triggerName}"),
)

VERSION = Kind(
    provider=PROVIDER,
    name="version",
    title="Version",
    description="Frozen copies.",
    section="versions",
    parent="function",
    stands_in="service",
    identity=("package", "functionName", "versionId"),
    name_schema={"description": "no names", "type": "string", "const": NEW},
    alone=NEW,
    fields=(text("publish", "Publish", "When.", access=Access.PLANNING, enum=["on-change", "never"]),),
    create=_operation("POST", _F + "/versions"),
    read=_operation("GET", _F + "/versions"),
    delete=_operation("DELETE", _F + "/versions/{versionId}"),
    listing=Listing(operation=_operation("GET", _F + "/versions"), items="versions"),
    numbering=Numbering(keep="keep"),
    attributes=(Attribute(name="versionId", description="Its number.", template="{versionId}"),),
)

ALIAS = Kind(
    provider=PROVIDER,
    name="alias",
    title="Alias",
    description="A name for a version.",
    section="aliases",
    parent="function",
    stands_in="service",
    identity=("package", "functionName", "aliasName"),
    name_schema=_NAMES,
    fields=(
        text("versionId", "Version", "What it means.", spec="version", default=None, required=True, refers="version"),
        text("description", "Description", "What it is for."),
    ),
    listing=Listing(operation=_operation("GET", _F + "/aliases"), items="aliases"),
    collides=lambda one, other: one.get("versionId") == other.get("versionId"),
    collision="one alias a version",
    attributes=(Attribute(name="urn", description="Its URN.", template="urn:{functionName}!{aliasName}"),),
    **_operations(_F + "/aliases/{aliasName}"),
)

KINDS = (SERVICE, FUNCTION, TRIGGER, VERSION, ALIAS)
