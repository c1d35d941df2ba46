"""Layer versions: dependencies, packages that functions have beside their code. Facts 7, 12, 13; S10, S23, S44."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.descriptor import (
    Attribute,
    GuardStyle,
    Kind,
    Listing,
    Marking,
    Numbering,
    Operation,
    Translation,
)
from fcdeploy.kinds.fields import Access, Codec, Field, Reset, integer, strings, text
from fcdeploy.kinds.huawei.runtimes import CONTAINER, WIRE, WORDS
from fcdeploy.kinds.operations import Scope
from fcdeploy.model import Json, Output

LONGEST_DESCRIPTION = 512  # FSS.1019
RUNTIMES = [one for one in WIRE if one not in CONTAINER]
ARN = "{layerName}:{versionId}:{id}"
"""How a function names a version: only the id at its end travels, and a person sees which one it is."""

FIELDS = (
    Field(
        name="code",
        title="Code",
        description="A folder, a single source file, a .zip or .jar, or `obs://bucket/object`.",
        codec=Codec.ARCHIVE,
        access=Access.CREATE_ONLY,
        required=True,
        reset=Reset.NONE,
        checksum="etag",
        checksum_by="md5",
        bucket="obs",
        largest=40 << 20,  # facts 7
        behaves="At most 40 MB travel with the request; what is larger lies in OBS.",
    ),
    strings(
        "compatibleRuntime",
        "Runtime",
        "The runtime that the layer is made for, as a list of one.",
        item={"enum": RUNTIMES},
        access=Access.CREATE_ONLY,
        required=True,
        minItems=1,
        maxItems=1,
        behaves="A layer is for one runtime, the same for all its versions; for another there is another layer.",
    ),
    text(
        "description",
        "Description",
        "What the layer is for. The mark of whose it is comes after it and counts in the length.",
        access=Access.CREATE_ONLY,
        maxLength=LONGEST_DESCRIPTION,
    ),
    integer(
        "keep",
        "Keep",
        "How many of the versions that this target made stay; those that a function or a kept version uses stay "
        "anyway. Without it all stay.",
        access=Access.PLANNING,
        minimum=1,
    ),
)


def about(body: Mapping[str, Json]) -> str:
    """The runtime of a layer version."""
    return ", ".join(str(one) for one in body.get("compatibleRuntime") or ())


def said(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    """The layer's name, the version's number, and the runtime by the word of the file."""
    runtime = raw.get("runtime")
    told: dict[str, Json] = {**raw, "compatibleRuntime": [WORDS.get(str(runtime), str(runtime))] if runtime else []}
    told |= {name: str(raw[wire]) for name, wire in (("layerName", "name"), ("versionId", "version")) if wire in raw}
    return told


def sent(body: Mapping[str, Json], names: Mapping[str, str | Output], scope: Scope) -> Mapping[str, Json]:
    """A package that travels along, or the address of one in OBS."""
    travelling: dict[str, Json] = {"name": names["layerName"]}
    for runtime in body.get("compatibleRuntime") or ():
        travelling["runtime"] = WIRE[runtime]
    if "description" in body:
        travelling["description"] = body["description"]
    match body.get("code"):
        case {"zipFile": archive}:
            travelling |= {"depend_type": "zip", "depend_file": archive}
        case {"ossBucketName": bucket, "ossObjectName": key}:
            link = f"https://{bucket}.obs.{scope.region}.myhuaweicloud.com/{key}"
            travelling |= {"depend_type": "obs", "depend_link": link}
    return travelling


_VERSIONS = "/fgs/dependencies/{dep_id}/version"
_ONE = _VERSIONS + "/{versionId}"
_SHOW = Operation(name="ShowDependencyVersion", method="GET", path=_ONE)


def _pages(name: str, path: str, query: Mapping[str, str] | None = None) -> Listing:
    """A list whose marker is an offset (facts 12)."""
    return Listing(
        operation=Operation(name=name, method="GET", path=path, query=query or {}),
        items="dependencies",
        limit=400,
        size="maxitems",
        token="marker",
        following="next_marker",
        total="count",
    )


KIND = Kind(
    provider="huawei",
    name="layer",
    title="Layer",
    description="A dependency that functions use beside their code; functions name it and follow its newest version.",
    section="layers",
    parent=None,
    identity=("layerName", "versionId"),
    name_schema={
        "description": "a name has letters, digits, `_`, `.` and `-`, begins with a letter and ends with a letter or "
        "digit",
        "type": "string",
        "pattern": r"^[A-Za-z]([A-Za-z0-9_.-]*[A-Za-z0-9])?$",
        "minLength": 1,
        "maxLength": 96,
    },
    fields=FIELDS,
    create=Operation(name="CreateDependencyVersion", method="POST", path="/fgs/dependencies/version"),
    read=_SHOW,
    delete=Operation(name="DeleteDependencyVersion", method="DELETE", path=_ONE),
    listing=_pages("ListDependencyVersion", _VERSIONS),
    guard=GuardStyle.RECHECK,
    marking=Marking.DESCRIPTION,
    mark_field="description",
    missing=frozenset({"FSS.1056", "FSS.0404"}),
    archive_read=_SHOW,
    archive_url="download_link",
    about=about,
    hints={"FSS.1033": "a function, or a version of one, still uses this version of the layer"},
    given=("dep_id", "id"),
    translation=Translation(said=said, sent=sent),
    numbering=Numbering(
        keep="keep",
        outputs={"arn": ARN},
        members=("id",),
        series=_pages("ListDependencies", "/fgs/dependencies", {"dependency_type": "private"}),
        called={"layerName": "name"},
        by_name="name",
        # The vendor's own, which everybody sees (facts 7).
        strangers={"owner": ("public",)},
    ),
    attributes=(
        Attribute(name="name", description="The layer's name.", template="{layerName}"),
        Attribute(name="version", description="The number of its newest version.", template="{versionId}"),
        Attribute(name="arn", description="Its newest version as a function names it.", template=ARN),
    ),
    lacks={"license": "leave it out, or say it in `description`"},
)
