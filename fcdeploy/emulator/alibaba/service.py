"""Services (facts 9.1)."""

from fcdeploy.emulator.alibaba.common import (
    ALIAS,
    FUNCTION,
    SERVICE,
    VERSION,
    VPC_BINDING,
    changed_row,
    check_if_match,
    check_log_project,
    check_role,
    mention_service,
    new_row,
)
from fcdeploy.emulator.alibaba.errors import SERVICE_EXISTS, SERVICE_NOT_EMPTY
from fcdeploy.emulator.alibaba.fields import Flag, Many, Map, Struct, Text, Whole, checked_name, read_body
from fcdeploy.emulator.alibaba.paging import list_page, page_of, with_token
from fcdeploy.emulator.alibaba.qualifiers import live_service, resolve, service_reference, service_to_write
from fcdeploy.emulator.alibaba.versions import BOTH
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.rows import new_id, public
from fcdeploy.emulator.store import Row

NAME_LONGEST = 128  # facts 9.1

_MOUNTS_MOST = 5  # facts 13, NAS and OSS mount points per service

_LOG = Struct(
    {
        "project": Text(),
        "logstore": Text(),
        "enableRequestMetrics": Flag(),
        "enableInstanceMetrics": Flag(),
        "logBeginRule": Text(allowed=("None", "DefaultRegex")),
    },
    # A given object replaces the stored one as a whole (facts 7.2); turning logs off sends both metrics false.
    defaults={
        "project": "",
        "logstore": "",
        "enableRequestMetrics": True,
        "enableInstanceMetrics": False,
        "logBeginRule": "None",
    },
)
_VPC = Struct(
    {"vpcId": Text(), "vSwitchIds": Many(item=Text()), "securityGroupId": Text(), "role": Text()},
    defaults={"vpcId": "", "vSwitchIds": [], "securityGroupId": ""},
)
_NAS = Struct(
    {
        "userId": Whole(least=-1, most=65534),
        "groupId": Whole(least=-1, most=65534),
        "mountPoints": Many(
            item=Struct(
                {"serverAddr": Text(shortest=1), "mountDir": Text(shortest=1), "enableTLS": Flag()},
                required=("serverAddr", "mountDir"),
            ),
            most=_MOUNTS_MOST,
        ),
    },
    defaults={"userId": -1, "groupId": -1, "mountPoints": []},
)
_OSS_MOUNT = Struct(
    {
        "mountPoints": Many(
            item=Struct(
                {
                    "bucketName": Text(shortest=1),
                    "bucketPath": Text(),
                    "endpoint": Text(),
                    "mountDir": Text(shortest=1),
                    "readOnly": Flag(),
                },
                required=("bucketName", "mountDir"),
            ),
            most=_MOUNTS_MOST,
        )
    },
    defaults={"mountPoints": []},
)
_TRACING = Struct(
    {"type": Text(allowed=("", "Jaeger")), "params": Map(item=Text())},
    defaults={"type": None, "params": None},  # facts 7.2: {} clears, the answer has two nulls
)

_FIELDS = Struct(
    {
        "serviceName": Text(),
        "description": Text(),
        "role": Text(pattern=r"|acs:ram::[^:]*:role/.+"),
        "internetAccess": Flag(),
        "logConfig": _LOG,
        "vpcConfig": _VPC,
        "nasConfig": _NAS,
        "ossMountConfig": _OSS_MOUNT,
        "tracingConfig": _TRACING,
    }
)


def _defaults() -> Json:
    """Return what a service has that was created with its name alone.

    Unset objects are objects with empty values, not null: clients dereference them (facts 9.1, 5.2). The metrics of
    an unset logConfig are off; their documented default belongs to a logConfig that is given.
    """
    return {
        "description": "",
        "role": "",
        "internetAccess": True,
        "logConfig": {
            "project": "",
            "logstore": "",
            "enableRequestMetrics": False,
            "enableInstanceMetrics": False,
            "logBeginRule": "None",
        },
        "vpcConfig": _VPC.read({}, ""),
        "nasConfig": _NAS.read({}, ""),
        "ossMountConfig": _OSS_MOUNT.read({}, ""),
        "tracingConfig": _TRACING.read({}, ""),
        "useSLRAuthentication": False,
    }


def _check_outside(request: Request, body: Json) -> None:
    """Imitate the consistency of what lies outside the service: roles and log projects (facts 11)."""
    check_role(request, body["role"])
    log = body["logConfig"]
    if isinstance(log, dict):
        check_log_project(request, log["project"])


def tags_of(row: Row) -> dict[str, object]:
    """Return the tags of a live service. They are kept with it, but are no part of its ETag and of its versions."""
    held = row.body.get("_tags")
    return dict(held) if isinstance(held, dict) else {}


def shown(body: Json, live: Row) -> Json:
    """Return a service as an answer has it, with its tags (facts 9.1: Go and Terraform read them there)."""
    tags = tags_of(live)
    return {**public(body), "tags": tags} if tags else public(body)


def create_service(request: Request) -> Reply:
    """POST /services."""
    given = read_body(request.body, _FIELDS)
    name = checked_name(given.pop("serviceName", None), "ServiceName", NAME_LONGEST)
    body = {"serviceName": name, "serviceId": new_id(), **_defaults(), **given}
    _check_outside(request, body)
    with request.world.write(request.tenant) as session:
        if session.get(SERVICE, "", name) is not None:
            raise SERVICE_EXISTS(name)
        row = new_row(request, SERVICE, "", name, body)
        session.put(row)
        mention_service(request, name)
        return Reply(body=shown(row.body, row), etag=row.etag)


def get_service(request: Request) -> Reply:
    """GET /services/{S}; with a qualifier the frozen service, whose description is the version's (facts 1.17)."""
    service, qualifier = service_reference(request)
    with request.world.read(request.tenant) as session:
        view = resolve(session, service, qualifier)
        return Reply(body=shown(view.service_body, view.service_row), etag=view.etag)


def update_service(request: Request) -> Reply:
    """PUT /services/{S}: a merge; objects that are given replace the stored ones (facts 7.2)."""
    service = service_to_write(request)
    given = read_body(request.body, _FIELDS)
    given.pop("serviceName", None)
    with request.world.write(request.tenant) as session:
        row = live_service(session, service)
        check_if_match(request, row)
        body = {**row.body, **given}
        _check_outside(request, body)
        row = changed_row(request, row, body)
        session.put(row)
        return Reply(body=shown(row.body, row), etag=row.etag)


def delete_service(request: Request) -> Reply:
    """DELETE /services/{S}: refused while functions, versions or aliases are left (facts 9.1, 10).

    Whether aliases refuse it is unknown (facts 16.5); every test suite deletes them first, so they do here.
    Tags and VPC bindings go with the service.
    """
    service = service_to_write(request)
    with request.world.write(request.tenant) as session:
        row = live_service(session, service)
        check_if_match(request, row)
        for kind, word in ((FUNCTION, "functions"), (VERSION, "versions"), (ALIAS, "aliases")):
            if session.count(kind, service):
                raise SERVICE_NOT_EMPTY(service, word)
        session.delete(SERVICE, "", service)
        session.delete_under(VPC_BINDING, service)
    return NO_CONTENT


def list_services(request: Request) -> Reply:
    """GET /services; ``tag_k=v`` entries must all hold, an empty value means that the key is there (facts 7.1)."""
    page = page_of(request)
    wanted = [(key[4:], value) for key, value in request.query if key.startswith("tag_")]
    with request.world.read(request.tenant) as session:

        def keep(row: Row) -> bool:
            held = tags_of(row)
            return all(key in held and value in ("", held[key]) for key, value in wanted)

        rows, token = list_page(session, SERVICE, "", page, keep if wanted else None)
        return Reply(body=with_token({"services": [shown(row.body, row) for row in rows]}, token))


_SOURCES = ("facts 3.3, 6.2, 7.2, 9.1", "API reference 2016-08-15, services")

ROUTES = (
    Route(
        operation="CreateService",
        method="POST",
        template="/services",
        call=create_service,
        versions=BOTH,
        kind=SERVICE,
        coverage=Coverage(sources=_SOURCES, choices=("no length limit on description: none is documented",)),
    ),
    Route(
        operation="GetService",
        method="GET",
        template="/services/{}",
        call=get_service,
        versions=BOTH,
        kind=SERVICE,
        coverage=Coverage(sources=_SOURCES, choices=("a qualifier is taken from path and query in both versions",)),
    ),
    Route(
        operation="UpdateService",
        method="PUT",
        template="/services/{}",
        call=update_service,
        versions=BOTH,
        kind=SERVICE,
        coverage=Coverage(
            sources=_SOURCES, choices=("an update that changes nothing still changes the ETag (facts 3.4)",)
        ),
    ),
    Route(
        operation="DeleteService",
        method="DELETE",
        template="/services/{}",
        call=delete_service,
        versions=BOTH,
        kind=SERVICE,
        coverage=Coverage(
            sources=(*_SOURCES, "facts 10"),
            choices=("versions and aliases left: 409 ServiceNotEmpty (facts 16.1, 16.5)",),
        ),
    ),
    Route(
        operation="ListServices",
        method="GET",
        template="/services",
        call=list_services,
        versions=BOTH,
        coverage=Coverage(
            sources=("facts 7.1", "API reference 2016-08-15, ListServices"),
            choices=("limit outside 1..100: InvalidArgument (facts 16.10)",),
        ),
    ),
)
