"""A service of the file, which FunctionGraph does not have: what it says holds for each of its functions. S44."""

from __future__ import annotations

from collections.abc import Mapping

from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import Access, text
from fcdeploy.kinds.huawei.shared_fields import INTERNET, LOGGING, LOGS, MOUNTS, ROLE, TAGS, VPC
from fcdeploy.kinds.huawei.urn import NAME_SCHEMA, PROVIDER
from fcdeploy.model import Json

# S44 has no such word handed down: a function says itself what it is for.
DESCRIPTION = text(
    "description",
    "Description",
    "What the functions are for together; it stays in the file.",
    access=Access.PLANNING,
    behaves="There is no service that could have a description: it stays in the file.",
)

FIELDS = (DESCRIPTION, ROLE, INTERNET, LOGS, LOGGING, VPC, MOUNTS, TAGS)

LACKS: Mapping[str, str] = {
    "ossMountConfig": "buckets cannot be mounted: read them with the SDK, or mount a file system with `nasConfig`",
    "tracingConfig": "there is no setting for it in the file: switch tracing on in the console",
    "vpcBindings": "functions are in a VPC by `vpcConfig`; who may call them from which VPC, `triggerAccessVpcs` says",
}
"""Words of a service elsewhere that there are not here, each with what comes nearest."""


def about(body: Mapping[str, Json]) -> str:
    """What it is for."""
    return str(body.get("description") or "")


KIND = Kind(
    provider=PROVIDER,
    name="service",
    title="Service",
    description="A group of functions that share role, network, logs and file systems; in the cloud there is no such "
    "thing: each function has what the service says, unless it says otherwise itself.",
    section="services",
    parent=None,
    identity=("serviceName",),
    name_schema=NAME_SCHEMA,
    fields=FIELDS,
    grouping=True,
    about=about,
    lacks=LACKS,
)
