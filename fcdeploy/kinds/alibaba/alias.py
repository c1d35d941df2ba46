"""Aliases: names for versions, with a share of the calls for others. Facts 6.2, 7.2, 8.1, 9.5; S31, S33."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fcdeploy.kinds.alibaba.qualifier import API_2021
from fcdeploy.kinds.alibaba.service import NAME_PATTERN
from fcdeploy.kinds.descriptor import Attribute, Finding, GuardStyle, Kind, Listing, Marking, Operation
from fcdeploy.kinds.fields import Default, Field, Reset, obj, objects, text
from fcdeploy.kinds.shares import shares_text, version_text
from fcdeploy.model import Json

_VERSION = r"^(latest|previous|[1-9][0-9]{0,8})$"
_NAMES_A_VERSION = "`latest` (the newest), `previous` (the one before it), or a version's number as text"

FIELDS = (
    text(
        "versionId",
        "Version",
        f"The version that it stands for: {_NAMES_A_VERSION}.",
        spec="version",
        default=None,
        required=True,
        pattern=_VERSION,
        refers="version",
    ),
    Field(
        name="additionalVersionWeight",
        spec="weights",
        title="Weights",
        description=f"The share of the calls, 0 to 1, that goes to other versions: {_NAMES_A_VERSION}.",
        schema={
            "type": "object",
            "propertyNames": {"pattern": _VERSION, "description": f"a version is {_NAMES_A_VERSION}"},
            "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
        },
        defaults=(Default(value={}, sent=False),),
        refers="version",
        by_key=True,
    ),
    text("description", "Description", "What the alias is for."),
    text(
        "resolvePolicy",
        "Policy",
        "How a version is chosen for a call: by chance and weight, or by the content of the call.",
        default="Random",
        enum=["Random", "Content"],
        since=API_2021,
    ),
    obj(
        "routePolicy",
        "Routes",
        "With policy `Content`: which calls go to the additional versions.",
        off="policyItems",
        # The API documents no way to clear it (facts 9.5).
        reset=Reset.RECREATE,
        since=API_2021,
        fields=(
            text("condition", "Condition", "How the items go together, such as `AND`."),
            objects(
                "policyItems",
                "Items",
                "What is looked at in a call.",
                required=True,
                minItems=1,
                fields=(
                    text("type", "Type", "Where it stands, such as `Header`.", default=None, required=True),
                    text("key", "Key", "Its name.", default=None, required=True),
                    text("operator", "Operator", "How it is compared, such as `=`.", default=None, required=True),
                    text("value", "Value", "What it is compared with.", default=None, required=True),
                ),
            ),
        ),
    ),
)


def check(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """The main version has no weight of its own, shares add up to 1, a policy by content has items (facts 9.5)."""
    del api
    weights = body.get("additionalVersionWeight") or {}
    if name == "LATEST":
        yield Finding(path="", summary="an alias cannot be called LATEST", hint="LATEST is what is not published")
    if body.get("versionId") in weights:
        yield Finding(
            path="additionalVersionWeight",
            summary=f"`{body['versionId']}` is the alias' own version",
            detail="the version itself gets what the others leave",
            hint="name only the other versions under `weights`",
        )
    numbers = [share for share in weights.values() if isinstance(share, int | float)]
    if sum(numbers) > 1 + 1e-9:
        yield Finding(
            path="additionalVersionWeight",
            summary="the weights add up to more than 1",
            detail=f"found {sum(numbers):g}",
            hint="the version itself gets what the others leave of 1",
        )
    if body.get("resolvePolicy") == "Content" and not body.get("routePolicy"):
        yield Finding(path="resolvePolicy", summary="policy `Content` needs `routePolicy`")


def about(body: Mapping[str, Json]) -> str:
    """Which share of the calls goes where: `90 % to version 8, 10 % to version 7`."""
    version = body.get("versionId")
    if version is None:
        return ""
    weights = {key: share for key, share in (body.get("additionalVersionWeight") or {}).items() if share}
    if body.get("resolvePolicy") == "Content" and weights:
        return f"{version_text(version)}, by content also others"
    return shares_text(version, weights)


_LIST = "/services/{serviceName}/aliases"
_ONE = _LIST + "/{aliasName}"

KIND = Kind(
    provider="alibaba",
    name="alias",
    title="Alias",
    description="A name for a version, with a share of the calls for others.",
    section="aliases",
    parent="service",
    identity=("serviceName", "aliasName"),
    name_schema={
        "description": "a name has letters, digits, `_` and `-`, and begins with a letter or `_`",
        "type": "string",
        "pattern": NAME_PATTERN,
        "minLength": 1,
        "maxLength": 128,
    },
    fields=FIELDS,
    create=Operation(name="CreateAlias", method="POST", path=_LIST),
    read=Operation(name="GetAlias", method="GET", path=_ONE),
    update=Operation(name="UpdateAlias", method="PUT", path=_ONE),
    delete=Operation(name="DeleteAlias", method="DELETE", path=_ONE),
    listing=Listing(operation=Operation(name="ListAliases", method="GET", path=_LIST), items="aliases"),
    guard=GuardStyle.ETAG,
    marking=Marking.PARENT,
    missing=frozenset({"AliasNotFound", "ServiceNotFound"}),
    check=check,
    about=about,
    tells="traffic",
    pin_field="description",
    attributes=(
        Attribute(name="name", description="The alias' name.", template="{aliasName}"),
        Attribute(
            name="versionId",
            description="The version that the alias stands for.",
            member="versionId",
            moved_by=("versionId",),
        ),
    ),
)
