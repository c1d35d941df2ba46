"""Aliases: names for versions, with a share of the calls for one other. Facts 5, 13, 15; S31, S33, S44."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fcdeploy.kinds.descriptor import Attribute, Finding, GuardStyle, Kind, Listing, Marking, Translation
from fcdeploy.kinds.fields import Default, Field, obj, objects, text
from fcdeploy.kinds.huawei.urn import on_function
from fcdeploy.kinds.operations import Scope
from fcdeploy.kinds.shares import shares_text, version_text
from fcdeploy.model import Json, Output

MOST = 10
"""Aliases of one function (facts 15)."""
LONGEST_DESCRIPTION = 512  # FSS.1019
_VERSION = r"^(latest|previous|[1-9][0-9]{0,8})$"
_NAMES_A_VERSION = "`latest` (the newest), `previous` (the one before it), or a version's number as text"
_WEIGHTS, _STRATEGY = "additional_version_weights", "additional_version_strategy"

FIELDS = (
    text(
        "version",
        "Version",
        f"The version that it stands for: {_NAMES_A_VERSION}.",
        default=None,
        required=True,
        pattern=_VERSION,
        refers="version",
        behaves="A version has one alias at most, and `latest` is the newest version that is published, not what the "
        "service calls latest.",
    ),
    Field(
        name="weights",
        title="Weights",
        description=f"The share of the calls, 0 to 1, that goes to another version: {_NAMES_A_VERSION}.",
        schema={
            "type": "object",
            "propertyNames": {"pattern": _VERSION, "description": f"a version is {_NAMES_A_VERSION}"},
            "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
            "maxProperties": 1,
        },
        defaults=(Default(value={}, sent=False),),
        refers="version",
        by_key=True,
        behaves="One other version, in whole percents; with policy `Content` its share is written as 1, since the "
        "rules alone say which calls it gets.",
    ),
    text("description", "Description", "What the alias is for.", maxLength=LONGEST_DESCRIPTION),
    text(
        "resolvePolicy",
        "Policy",
        "How a version is chosen for a call: by chance and weight, or by the content of the call.",
        default=None,
        defaults=(Default(value="Random", sent=False),),
        enum=["Random", "Content"],
        only_with=("weights",),
    ),
    obj(
        "routePolicy",
        "Routes",
        "With policy `Content`: which calls go to the other version.",
        off="policyItems",
        empty={},
        only_with=("weights",),
        fields=(
            text(
                "condition",
                "Condition",
                "Whether all items must hold, or one of them.",
                default="and",
                enum=["AND", "OR", "and", "or"],
                ignore_case=True,
            ),
            objects(
                "policyItems",
                "Items",
                "What is looked at in a call.",
                required=True,
                minItems=1,
                fields=(
                    text(
                        "type",
                        "Type",
                        "Where it stands.",
                        default=None,
                        required=True,
                        enum=["Header"],
                        behaves="Only headers can be looked at.",
                    ),
                    text("key", "Key", "Its name.", default=None, required=True, pattern="^[A-Za-z0-9_-]+$"),
                    text(
                        "operator",
                        "Operator",
                        "How it is compared: `=`, or `in` with a list that has commas between its values.",
                        default=None,
                        required=True,
                        enum=["=", "in"],
                    ),
                    text("value", "Value", "What it is compared with.", default=None, required=True, minLength=1),
                ),
            ),
        ),
    ),
)


def check(body: Mapping[str, Json], api: str, name: str) -> Iterable[Finding]:
    """Whole percents for one other version, by weight or by rules (facts 5)."""
    del api
    weights = body.get("weights") or {}
    by_content = body.get("resolvePolicy") == "Content"
    if name in ("latest", "LATEST"):
        yield Finding(path="", summary=f"an alias cannot be called {name}", hint="latest is what is not published")
    if body.get("version") in weights:
        yield Finding(
            path="weights",
            summary=f"`{body['version']}` is the alias' own version",
            detail="the version itself gets what the other leaves",
            hint="name only the other version under `weights`",
        )
    for version, share in weights.items():
        if not isinstance(share, int | float) or isinstance(share, bool):
            continue
        if by_content and share != 1:
            yield Finding(
                path=f"weights.{version}",
                summary="with policy `Content` there is no share besides",
                detail=f"found {share:g}; the rules alone say which calls that version gets",
                hint=f'write `weights: {{"{version}": 1}}`',
            )
        elif abs(share * 100 - round(share * 100)) > 1e-9:
            yield Finding(
                path=f"weights.{version}",
                summary="a share is a whole percent",
                detail=f"found {share:g}",
                hint=f"write {round(share, 2):g}",
            )
    if by_content and not body.get("routePolicy"):
        yield Finding(path="resolvePolicy", summary="policy `Content` needs `routePolicy`")
    if by_content and not weights:
        yield Finding(
            path="resolvePolicy",
            summary="policy `Content` needs another version",
            hint="name the version that the rules lead to under `weights`, with a share of 1",
        )
    if body.get("routePolicy") and not by_content:
        yield Finding(
            path="routePolicy",
            summary="there are rules, and the policy is by weight",
            detail="an alias has weights or rules, not both",
            hint="write `resolvePolicy: Content`, or leave `routePolicy` out",
        )


def collides(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether both stand for one version (FSS.1066)."""
    return one.get("version") is not None and one.get("version") == other.get("version")


def about(body: Mapping[str, Json]) -> str:
    """Which share of the calls goes where: `90 % to version 8, 10 % to version 7`."""
    version = body.get("version")
    if version is None:
        return ""
    weights = {key: share for key, share in (body.get("weights") or {}).items() if share}
    if body.get("resolvePolicy") == "Content" and weights:
        return f"{version_text(version)}, by content {version_text(next(iter(weights)))}"
    return shares_text(version, weights)


def said(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    """Shares of 1, and rules under the names of the file: `weights` then says which version they lead to."""
    strategy = raw.get(_STRATEGY) or {}
    told = {**raw, "aliasName": raw.get("name")}
    if strategy:
        rules = next(iter(strategy.values())) or {}
        return {
            **told,
            "weights": dict.fromkeys(strategy, 1),
            "resolvePolicy": "Content",
            "routePolicy": {
                "condition": rules.get("combine_type"),
                "policyItems": [
                    {"type": one["rule_type"], "key": one["param"], "operator": one["op"], "value": one["value"]}
                    for one in rules.get("rules") or ()
                ],
            },
        }
    shares = raw.get(_WEIGHTS) or {}
    return {**told, "weights": {version: share / 100 for version, share in shares.items()}, "resolvePolicy": "Random"}


def sent(body: Mapping[str, Json], names: Mapping[str, str | Output], scope: Scope) -> Mapping[str, Json]:
    """Weights in percents, or rules for the version that `weights` names; the other of the two is emptied."""
    del names, scope
    plain = {"aliasName": "name", "version": "version", "description": "description"}
    travelling = {wire: body[name] for name, wire in plain.items() if name in body}
    weights, routes = body.get("weights") or {}, body.get("routePolicy") or {}
    if weights and routes and body.get("resolvePolicy") == "Content":
        rules = [
            {"rule_type": one["type"], "param": one["key"], "op": one["operator"], "value": one["value"]}
            for one in routes["policyItems"]
        ]
        strategy = {"rules": rules, "combine_type": routes.get("condition") or "and"}
        return {**travelling, _WEIGHTS: {}, _STRATEGY: {version: strategy for version in weights}}
    if "weights" in body:
        travelling[_WEIGHTS] = {version: round(share * 100) for version, share in weights.items()}
    if "routePolicy" in body:
        travelling[_STRATEGY] = {}
    return travelling


NAME_PATTERN = r"^[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?$"

_LIST = "/aliases"
_ONE = _LIST + "/{aliasName}"

KIND = Kind(
    provider="huawei",
    name="alias",
    title="Alias",
    description="A name for a version, with a share of the calls for one other.",
    section="aliases",
    parent="function",
    stands_in="service",
    identity=("package", "functionName", "aliasName"),
    name_schema={
        "description": "a name has letters, digits, `_` and `-`, begins with a letter and ends with a letter or digit",
        "type": "string",
        "pattern": NAME_PATTERN,
        "minLength": 1,
        "maxLength": 63,
    },
    fields=FIELDS,
    create=on_function("CreateVersionAlias", "POST", _LIST),
    read=on_function("ShowVersionAlias", "GET", _ONE),
    update=on_function("UpdateVersionAlias", "PUT", _ONE),
    # Not by the function's endpoint: there an alias' URN takes the version with it (facts 3.7, S44).
    delete=on_function("DeleteVersionAlias", "DELETE", _ONE),
    listing=Listing(
        operation=on_function("ListVersionAliases", "GET", _LIST),
        items="",
        limit=0,
    ),
    guard=GuardStyle.RECHECK,
    marking=Marking.PARENT,
    missing=frozenset({"FSS.1053", "FSS.1051", "FSS.0404"}),
    check=check,
    collides=collides,
    collision="a version has one alias at most",
    soft_limit=MOST,
    about=about,
    hints={
        "FSS.1066": "another alias stands for this version; a version has one at most",
        "FSS.1154": "triggers stand on this alias: move or delete them first",
    },
    tells="traffic",
    pin_field="description",
    translation=Translation(said=said, sent=sent),
    # What a PUT leaves out is gone (facts 5).
    whole=True,
    attributes=(
        Attribute(name="name", description="The alias' name.", template="{aliasName}"),
        Attribute(
            name="versionId",
            description="The version that the alias stands for.",
            member="version",
            moved_by=("version",),
        ),
    ),
)
