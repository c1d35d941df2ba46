"""Function versions: frozen copies of one function. Facts 3.7, 4, 12, 15; S30-S32, S44."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.descriptor import (
    NEW,
    Attribute,
    Freezing,
    GuardStyle,
    Kind,
    Listing,
    Marking,
    Numbering,
    Translation,
)
from fcdeploy.kinds.fields import Access, Default, integer, text
from fcdeploy.kinds.huawei.qualifier import NUMBERED
from fcdeploy.kinds.huawei.urn import on_function
from fcdeploy.kinds.operations import Scope
from fcdeploy.model import Json, Output

MOST_KEPT = 18
"""Of 20 with the working copy, one place is for the next before the oldest goes (facts 4, S44)."""
LONGEST_DESCRIPTION = 512  # FSS.1019
MISSING = frozenset({"FSS.1052", "FSS.1051", "FSS.0404"})

FIELDS = (
    text(
        "publish",
        "Publish",
        "`on-change`: publish a version whenever the function's code differs from that of the newest one.",
        default=None,
        access=Access.PLANNING,
        defaults=(Default(value="never", sent=False),),
        enum=["on-change", "never"],
        behaves="Each function has versions of its own, and a new one needs other code: where only settings changed, "
        "the service refuses it, so the newest version stays and the plan says so.",
    ),
    integer(
        "keep",
        "Keep",
        "How many of the versions that this target published stay; those that something names stay anyway. Without it "
        "all stay.",
        access=Access.PLANNING,
        minimum=1,
        maximum=MOST_KEPT,
        behaves=f"At most {MOST_KEPT}: a function has room for 20 with its working copy.",
    ),
    text(
        "description",
        "Description",
        "The description of the versions to come. The mark of whose they are comes after it and counts in the length.",
        access=Access.CREATE_ONLY,
        maxLength=LONGEST_DESCRIPTION,
    ),
)


def about(body: Mapping[str, Json]) -> str:
    """A version's description."""
    return str(body.get("description") or "")


def said(raw: Mapping[str, Json]) -> Mapping[str, Json]:
    """A version's own name and description; a frozen function keeps the function's description beside them."""
    return {**raw, "versionId": str(raw.get("version") or ""), "description": raw.get("version_description") or ""}


def sent(body: Mapping[str, Json], names: Mapping[str, str | Output], scope: Scope) -> Mapping[str, Json]:
    """What is asked for has the names of the file."""
    del names, scope
    return dict(body)


KIND = Kind(
    provider="huawei",
    name="version",
    title="Version",
    description="Frozen copies of a function, numbered in their order.",
    section="versions",
    parent="function",
    stands_in="service",
    identity=("package", "functionName", "versionId"),
    name_schema={"description": "the versions of a function have no names", "type": "string", "const": NEW},
    alone=NEW,
    fields=FIELDS,
    create=on_function("CreateFunctionVersion", "POST", "/versions"),
    read=on_function("ListFunctionVersions", "GET", "/versions"),
    # The function's own endpoint; an alias there would take its version with it (facts 3.7).
    delete=on_function("DeleteFunction", "DELETE", ":{versionId}"),
    listing=Listing(
        operation=on_function("ListFunctionVersions", "GET", "/versions"),
        items="versions",
        limit=0,  # marker and maxitems have no effect (facts 12)
        only=NUMBERED,
    ),
    guard=GuardStyle.RECHECK,
    marking=Marking.DESCRIPTION,
    mark_field="description",
    missing=MISSING,
    about=about,
    hints={
        "FSS.1016": "this code was published before, perhaps by a run that was taken back; any change of the code lets "
        "it be published again",
        "FSS.1094": "an alias leads some calls to this version: take it out of the alias' `weights` first",
    },
    translation=Translation(said=said, sent=sent),
    numbering=Numbering(
        keep="keep",
        when=("publish", "on-change"),
        asked="version",
        freezes=Freezing(
            kinds=(),
            read=on_function("ShowFunctionConfig", "GET", ":{versionId}/config"),
            listings={},
            # Tags belong to the function, a new version has no disks (facts 4), how many instances there may be is
            # a setting of what runs, and of secrets no read tells more than the names.
            besides=frozenset({"tags", "nasConfig", "onDemand", "encryptedVariables"}),
            # An image is the code of a function that runs one (facts 15).
            decides=frozenset({"code", "customContainerConfig"}),
        ),
    ),
    attributes=(
        Attribute(
            name="versionId",
            description="The newest version's number; of a function, written as `ref('version:service/function')`.",
            template="{versionId}",
        ),
    ),
)
