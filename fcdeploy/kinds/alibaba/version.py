"""Service versions: frozen copies of a service and all its functions. Facts 1.13, 1.14, 6.2, 7.1, 8.1, 9.4; S30-S32."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.alibaba.qualifier import API_2016, API_2021
from fcdeploy.kinds.descriptor import NEW, Attribute, Freezing, GuardStyle, Kind, Listing, Marking, Numbering, Operation
from fcdeploy.kinds.fields import Access, Default, integer, text
from fcdeploy.model import Json

FIELDS = (
    text(
        "publish",
        "Publish",
        "`on-change`: publish a version whenever the service or one of its functions differs from the newest one.",
        default=None,
        access=Access.PLANNING,
        defaults=(Default(value="never", sent=False),),
        enum=["on-change", "never"],
    ),
    integer(
        "keep",
        "Keep",
        "How many of the versions that this target published stay; those that something names stay anyway. Without it "
        "all stay.",
        access=Access.PLANNING,
        minimum=1,
    ),
    text(
        "description",
        "Description",
        "The description of the versions to come.",
        access=Access.CREATE_ONLY,
    ),
)


def about(body: Mapping[str, Json]) -> str:
    """A version's description."""
    return str(body.get("description") or "")


def _frozen(name: str, last: str) -> Operation:
    """What stands behind a version: 2016 writes it into the path, 2021 into the query."""
    return Operation(
        name=name,
        method="GET",
        path="/services/{serviceName}" + last,
        paths={API_2016: "/services/{serviceName}.{versionId}" + last},
        queries={API_2021: {"qualifier": "{versionId}"}},
    )


_LIST = Operation(name="ListServiceVersions", method="GET", path="/services/{serviceName}/versions")

KIND = Kind(
    provider="alibaba",
    name="version",
    title="Version",
    description="Frozen copies of the service and all its functions, numbered by the service.",
    section="versions",
    parent="service",
    identity=("serviceName", "versionId"),
    name_schema={"description": "the versions of a service have no names", "type": "string", "const": NEW},
    alone=NEW,
    fields=FIELDS,
    create=Operation(name="PublishServiceVersion", method="POST", path="/services/{serviceName}/versions"),
    read=_LIST,
    delete=Operation(name="DeleteServiceVersion", method="DELETE", path="/services/{serviceName}/versions/{versionId}"),
    listing=Listing(operation=_LIST, items="versions"),
    # The publish takes the service's ETag; a version itself has none, and nothing of it changes.
    guard=GuardStyle.RECHECK,
    marking=Marking.DESCRIPTION,
    mark_field="description",
    missing=frozenset({"VersionNotFound", "ServiceNotFound"}),
    about=about,
    numbering=Numbering(
        keep="keep",
        when=("publish", "on-change"),
        freezes=Freezing(
            kinds=("function",),
            read=_frozen("GetService", ""),
            listings={"function": Listing(operation=_frozen("ListFunctions", "/functions"), items="functions")},
            # A frozen service answers with the version's description (facts 1.17), and tags are not frozen (facts 9.4).
            besides=frozenset({"description", "tags"}),
        ),
    ),
    attributes=(
        Attribute(
            name="versionId",
            description="The newest version's number; of a service, written as `ref('version:service')`.",
            template="{versionId}",
        ),
    ),
)
