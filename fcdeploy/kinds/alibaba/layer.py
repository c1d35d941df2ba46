"""Layer versions: archives that functions have beside their code. Facts 7.1, 8.1, 9.10; S10, S23."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.alibaba.function_rules import CUSTOM, OTHER, PYTHON
from fcdeploy.kinds.alibaba.service import NAME_SCHEMA
from fcdeploy.kinds.descriptor import Attribute, GuardStyle, Kind, Listing, Marking, Numbering, Operation
from fcdeploy.kinds.fields import Access, Codec, Default, Field, Order, Reset, integer, strings, text
from fcdeploy.model import Json

LONGEST_DESCRIPTION = 256  # facts 9.10
RUNTIMES = [*PYTHON, *OTHER, *(one for one in CUSTOM if one != "custom-container")]

FIELDS = (
    Field(
        name="code",
        title="Code",
        description="A folder, a single source file, a .zip, .jar or .war, or `oss://bucket/object`; lies in `/opt`.",
        codec=Codec.ARCHIVE,
        access=Access.CREATE_ONLY,
        required=True,
        reset=Reset.NONE,
        checksum="codeChecksum",
    ),
    strings(
        "compatibleRuntime",
        "Runtimes",
        "The runtimes that the layer is made for.",
        item={"enum": RUNTIMES},
        order=Order.SET,
        access=Access.CREATE_ONLY,
    ),
    text(
        "description",
        "Description",
        "What the layer is for. The mark of whose it is comes after it and counts in the length.",
        access=Access.CREATE_ONLY,
        maxLength=LONGEST_DESCRIPTION,
    ),
    text(
        "license",
        "License",
        "The license of what is in it.",
        default=None,
        defaults=(Default(value="", sent=False),),
        access=Access.CREATE_ONLY,
    ),
    integer(
        "keep",
        "Keep",
        "How many of the versions that this target made stay; those that a function or a kept service version uses "
        "stay anyway. Without it all stay.",
        access=Access.PLANNING,
        minimum=1,
    ),
)


def about(body: Mapping[str, Json]) -> str:
    """The runtimes of a layer version."""
    return ", ".join(str(one) for one in body.get("compatibleRuntime") or ())


_VERSIONS = "/layers/{layerName}/versions"
_ONE = _VERSIONS + "/{version}"

KIND = Kind(
    provider="alibaba",
    name="layer",
    title="Layer",
    description="An archive that functions use beside their code; functions name it and follow its newest version.",
    section="layers",
    parent=None,
    identity=("layerName", "version"),
    name_schema=NAME_SCHEMA,
    fields=FIELDS,
    create=Operation(name="CreateLayerVersion", method="POST", path=_VERSIONS),
    read=Operation(name="GetLayerVersion", method="GET", path=_ONE),
    delete=Operation(name="DeleteLayerVersion", method="DELETE", path=_ONE),
    listing=Listing(
        operation=Operation(name="ListLayerVersions", method="GET", path=_VERSIONS),
        items="layers",
        following="nextVersion",
        token="startVersion",
    ),
    guard=GuardStyle.RECHECK,
    marking=Marking.DESCRIPTION,
    mark_field="description",
    missing=frozenset({"LayerNotFound", "LayerVersionNotFound"}),
    archive_read=Operation(name="GetLayerVersion", method="GET", path=_ONE),
    archive_url="code.location",
    about=about,
    numbering=Numbering(
        keep="keep",
        outputs={"arn": "acs:fc:{region}:{account}:layers/{layerName}/versions/{version}"},
        series=Listing(operation=Operation(name="ListLayers", method="GET", path="/layers"), items="layers"),
    ),
    attributes=(
        Attribute(name="name", description="The layer's name.", template="{layerName}"),
        Attribute(name="version", description="The number of its newest version.", template="{version}"),
        Attribute(
            name="arn",
            description="ARN of its newest version.",
            template="acs:fc:{region}:{account}:layers/{layerName}/versions/{version}",
        ),
    ),
)
