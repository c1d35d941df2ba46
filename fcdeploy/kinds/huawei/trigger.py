"""Triggers of FunctionGraph. Facts 6, 13, 15; S44, S45."""

from __future__ import annotations

from fcdeploy.kinds.descriptor import (
    Attribute,
    GuardStyle,
    Kind,
    Listing,
    Marking,
    Operation,
    Translation,
)
from fcdeploy.kinds.fields import Access, Default, Field, Reset, integer, text
from fcdeploy.kinds.huawei.trigger_rules import LACKS, about, check, collides, risks
from fcdeploy.kinds.huawei.trigger_travel import RELEASE, RELEASE_ID, derive, identify, in_file, said, sent
from fcdeploy.kinds.huawei.trigger_types import VARIANTS
from fcdeploy.kinds.huawei.urn import LATEST, URN

MOST_TRIGGERS = 10
"""Of a version or an alias (facts 6.3)."""

_HTTP = {"type": ("http",)}
FIELDS = (
    text(
        "type",
        "Type",
        "What calls the function.",
        access=Access.CREATE_ONLY,
        required=True,
        enum=sorted(VARIANTS),
    ),
    Field(
        name="config",
        title="Configuration",
        description="What the source needs to know; its fields depend on the type.",
        schema={"type": "object"},
        discriminator="type",
        variants=VARIANTS,
        reset=Reset.NONE,
    ),
    text(
        "qualifier",
        "Qualifier",
        "The version, by its number, or the alias that is called; `latest` when left out.",
        access=Access.CREATE_ONLY,
        defaults=(Default(value=LATEST, sent=False),),
        default=None,
        pattern=r"^([1-9][0-9]{0,8}|[A-Za-z]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)$",
        behind=("alias", "version"),
    ),
    text(
        "groupId",
        "Group",
        "Id of the group of APIs, of type http.",
        access=Access.CREATE_ONLY,
        default=None,
        minLength=1,
    ),
    text(
        "envId",
        "Environment's id",
        "Id of the environment that the API is published in, of type http.",
        default=None,
        defaults=(Default(value=RELEASE_ID, when=_HTTP),),
        minLength=1,
    ),
    text(
        "envName",
        "Environment",
        "Name of the environment that the API is published in, of type http.",
        default=None,
        defaults=(Default(value=RELEASE, when=_HTTP),),
        minLength=1,
    ),
    text(
        "path",
        "Path",
        "Path of the API, of type http; `/` and the trigger's name when left out.",
        access=Access.CREATE_ONLY,
        default=None,
        pattern=r"^/",
        maxLength=255,
    ),
    text(
        "protocol",
        "Protocol",
        "How the API is called, of type http.",
        default=None,
        defaults=(Default(value="HTTPS", when=_HTTP),),
        enum=["HTTP", "HTTPS"],
    ),
    text(
        "matchMode",
        "Match",
        "SWA: the path and all below it; NORMAL: the path alone. Of type http.",
        default=None,
        defaults=(Default(value="SWA", when=_HTTP),),
        enum=["SWA", "NORMAL"],
    ),
    Field(
        name="public",
        title="Public",
        description="Whether it is a public API, of type http.",
        schema={"type": "boolean"},
        defaults=(Default(value=True, when=_HTTP),),
    ),
    integer(
        "timeout",
        "Time limit",
        "Milliseconds that a call may take, of type http.",
        defaults=(Default(value=5000, when=_HTTP),),
        minimum=1,
        maximum=60000,
    ),
    text(
        "domain",
        "Domain",
        "The domain that the API is called by, of type http; the group's own when left out.",
        default=None,
        reset=Reset.NONE,
        minLength=1,
        maxLength=255,
    ),
    text(
        "invocationType",
        "Invocation",
        "Whether a caller waits for the function's answer, of type http.",
        default=None,
        defaults=(Default(value="sync", when=_HTTP),),
        enum=["sync", "async"],
    ),
    text(
        "instanceId",
        "Gateway",
        "Id of a gateway of your own, of type http; the shared one when left out.",
        access=Access.CREATE_ONLY,
        default=None,
        defaults=(Default(value=None, sent=False),),
        minLength=1,
    ),
)


_OF_ONE = f"/fgs/triggers/{URN}{{qualifierEnd}}"
_ONE = _OF_ONE + "/{trigger_type_code}/{trigger_id}"

KIND = Kind(
    provider="huawei",
    name="trigger",
    title="Trigger",
    description="What calls a function.",
    section="triggers",
    parent="function",
    identity=("package", "functionName", "triggerName"),
    name_schema={
        "description": "a trigger's name has 1 to 64 letters, digits, `_` and `-`, and begins with a letter",
        "type": "string",
        "pattern": r"^[A-Za-z][A-Za-z0-9_-]*$",
        "minLength": 1,
        "maxLength": 64,
    },
    fields=FIELDS,
    create=Operation(name="CreateFunctionTrigger", method="POST", path=_OF_ONE),
    read=Operation(name="ShowFunctionTrigger", method="GET", path=_ONE),
    update=Operation(name="UpdateTrigger", method="PUT", path=_ONE),
    delete=Operation(name="DeleteFunctionTrigger", method="DELETE", path=_ONE),
    listing=Listing(
        operation=Operation(name="ListProjectTriggers", method="GET", path="/fgs/triggers"),
        items="triggers",
        limit=500,
        following="next_marker",
        token="marker",
        size="maxitems",
        # There is no such member: a page that is not full is the last (facts 12).
        total="count",
        everywhere=True,
        only=r"[A-Za-z].*",
    ),
    siblings=Listing(
        operation=Operation(name="ListFunctionTriggers", method="GET", path=_OF_ONE),
        items="",
        limit=0,
        told={"func_urn": f"{URN}{{qualifierEnd}}"},
        only=r"[A-Za-z].*",
    ),
    guard=GuardStyle.RECHECK,
    marking=Marking.PARENT,
    # A function that is gone takes its triggers along.
    missing=frozenset(
        {
            *("FSS.0404", "FSS.0410", "FSS.1051", "FSS.1052", "FSS.1053"),
            *(f"FSS.{code}" for code in (1131, 1132, 1133, 1134, 1136, 1138, 1140, 1160, 1163, 1174)),
        }
    ),
    check=check,
    risks=risks,
    soft_limit=MOST_TRIGGERS,
    about=about,
    reported=("type", "qualifier", "status", "subscriptionStatus", "urlInternet"),
    collides=collides,
    collision="the service refuses two of them for the same path, topic, stream or objects",
    identify=identify,
    in_file=in_file,
    derive=derive,
    given=("trigger_type_code", "trigger_id"),
    translation=Translation(said=said, sent=sent),
    whole=True,
    stamps=("last_updated_time",),
    lacks=LACKS,
    attributes=(
        Attribute(name="name", description="The trigger's name.", template="{name}"),
        Attribute(
            name="triggerId", description="The id that the trigger got when it was created.", member="trigger_id"
        ),
        Attribute(
            name="urlInternet",
            description="The address of an http trigger.",
            member="urlInternet",
            when={"type": ("http",)},
            moved_by=("protocol", "domain"),
        ),
    ),
)
