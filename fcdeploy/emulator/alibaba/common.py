"""What the kinds share: names, guards, times, the stored form of a resource and its outward form."""

from dataclasses import replace

from fcdeploy.emulator.alibaba.errors import ACCESS_DENIED, PRECONDITION_FAILED, SERVICE_NOT_FOUND, invalid_argument
from fcdeploy.emulator.errors import echo
from fcdeploy.emulator.exchange import Json, Reply, Request
from fcdeploy.emulator.rows import public
from fcdeploy.emulator.store import Row, etag_of
from fcdeploy.emulator.times import later_text, to_utc_text

LATEST = "LATEST"

# Kinds of rows. Parent and name say where a row lives; kinds of one file each may have more of their own.
SERVICE = "service"  # parent "", name S; body["_tags"] are its tags
FUNCTION = "function"  # parent S, name F
TRIGGER = "trigger"  # parent S/F, name T
VERSION = "version"  # parent S, name number_name(V); body["_service"] is the frozen service
FROZEN_FUNCTION = "frozen-function"  # parent S/V, name F
ALIAS = "alias"  # parent S, name A
LAYER_VERSION = "layer-version"  # parent L, name number_name(N); body has "arn" and "arnV2"
PROVISION = "provision-config"  # parent S, name Q#F
ON_DEMAND = "on-demand-config"  # parent "", name services/S.Q/functions/F
ASYNC_CONFIG = "async-invoke-config"  # parent S/F, name Q
EVENT_SOURCE = "event-source"  # parent S/F, name Q + " " + ARN
VPC_BINDING = "vpc-binding"  # parent S, name vpcId


def etag_of_resource(body: Json) -> str:
    """Return the ETag of a stored body; tags are no part of it, as tagging changes no service (facts 6.2)."""
    return etag_of({key: value for key, value in body.items() if key != "_tags"} if "_tags" in body else body)


def new_row(request: Request, kind: str, parent: str, name: str, body: Json) -> Row:
    """Return a row for a resource created now; the time fields are put into the body."""
    now = to_utc_text(int(request.now))
    stored = {**body, "createdTime": now, "lastModifiedTime": now}
    return Row(
        kind=kind, parent=parent, name=name, body=stored, etag=etag_of_resource(stored), created=now, modified=now
    )


def changed_row(request: Request, row: Row, body: Json) -> Row:
    """Return the row after an update that was accepted.

    Every accepted PUT changes lastModifiedTime and with it the ETag, also one that changes no field: the time is
    documented to be strictly later (facts 3.4), and a client must not rely on an ETag that survives a write.
    """
    modified = later_text(request.now, row.modified)
    stored = {**body, "lastModifiedTime": modified}
    return replace(row, body=stored, etag=etag_of_resource(stored), modified=modified)


def check_if_match(request: Request, row: Row) -> None:
    """Refuse a write whose If-Match is not the row's ETag (facts 6.2): opaque, compared for equality, ``*`` too."""
    wanted = request.if_match
    if wanted is not None and wanted != row.etag:
        raise PRECONDITION_FAILED()


def check_role(request: Request, role: object) -> None:
    """Imitate a RAM role that was created a moment ago (facts 11): AccessDenied until it is known long enough."""
    delay = request.world.settings.delays.role
    if isinstance(role, str) and role and not request.world.settled(delay, "role", role):
        raise ACCESS_DENIED("the caller is not authorized to perform 'ram:PassRole'")


def check_log_project(request: Request, project: object) -> None:
    """Imitate a log project that was created a moment ago (facts 11)."""
    delay = request.world.settings.delays.log_project
    if isinstance(project, str) and project and not request.world.settled(delay, "project", project):
        raise invalid_argument(f"project '{echo(project)}' does not exist")


def mention_service(request: Request, service: str) -> None:
    """Remember that a service was created now, for :func:`check_service_settled`."""
    request.world.mention("service", request.tenant.account, request.tenant.region, service)


def check_service_settled(request: Request, service: str) -> None:
    """Imitate a service that was created a moment ago: ServiceNotFound from calls on its versions (facts 11)."""
    age = request.world.since("service", request.tenant.account, request.tenant.region, service)
    if age is not None and age < request.world.settings.delays.service:
        raise SERVICE_NOT_FOUND(service)


def reply_of(row: Row) -> Reply:
    """Return a 200 with the row's public body and its ETag."""
    return Reply(body=public(row.body), etag=row.etag)
