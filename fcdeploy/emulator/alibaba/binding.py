"""What is bound to a service or a function: VPC bindings and event sources (facts 9.12, 9.13)."""

from fcdeploy.emulator.alibaba.common import EVENT_SOURCE, LATEST, VPC_BINDING
from fcdeploy.emulator.alibaba.errors import (
    EVENT_SOURCE_EXISTS,
    EVENT_SOURCE_NOT_FOUND,
    LIMIT_EXCEEDED,
    VPC_BINDING_EXISTS,
    VPC_BINDING_NOT_FOUND,
)
from fcdeploy.emulator.alibaba.fields import Struct, Text, read_body
from fcdeploy.emulator.alibaba.function import function_in_view
from fcdeploy.emulator.alibaba.qualifiers import live_service, service_reference, service_to_write
from fcdeploy.emulator.alibaba.versions import BOTH, V2021
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.store import Row, Session
from fcdeploy.emulator.times import to_utc_text

BINDINGS_MOST = 20  # help, "allow functions to be invoked in a specified VPC": one service, at most 20 VPCs

_VPC = Struct({"vpcId": Text(shortest=1, pattern="[-a-zA-Z0-9]+")}, required=("vpcId",))
_SOURCE = Struct({"sourceArn": Text(shortest=1, pattern=r"acs:[^\s]+")}, required=("sourceArn",))


def _bare_row(request: Request, kind: str, parent: str, name: str, body: Json) -> Row:
    now = to_utc_text(int(request.now))
    return Row(kind=kind, parent=parent, name=name, body=body, etag="", created=now, modified=now)


def create_vpc_binding(request: Request) -> Reply:
    """POST /services/{S}/bindings."""
    service = service_to_write(request)
    vpc = str(read_body(request.body, _VPC)["vpcId"])
    with request.world.write(request.tenant) as session:
        live_service(session, service)
        if session.get(VPC_BINDING, service, vpc) is not None:
            raise VPC_BINDING_EXISTS(vpc, service)
        if session.count(VPC_BINDING, service) >= BINDINGS_MOST:
            raise LIMIT_EXCEEDED(f"VPC bindings of service '{service}' exceed the limit (max: {BINDINGS_MOST})")
        session.put(_bare_row(request, VPC_BINDING, service, vpc, {"vpcId": vpc}))
    return NO_CONTENT


def list_vpc_bindings(request: Request) -> Reply:
    """GET /services/{S}/bindings: all of them, there is no paging."""
    service = service_to_write(request)
    with request.world.read(request.tenant) as session:
        live_service(session, service)
        return Reply(body={"vpcIds": [row.name for row in session.children(VPC_BINDING, service)]})


def delete_vpc_binding(request: Request) -> Reply:
    """DELETE /services/{S}/bindings/{vpcId}."""
    service, vpc = service_to_write(request), request.params[1]
    with request.world.write(request.tenant) as session:
        live_service(session, service)
        if not session.delete(VPC_BINDING, service, vpc):
            raise VPC_BINDING_NOT_FOUND(vpc, service)
    return NO_CONTENT


def _function_place(request: Request, session: Session) -> tuple[str, str]:
    """Return the parent of a function's event sources and the qualifier they are under; both must exist."""
    service, qualifier = service_reference(request)
    function_in_view(session, service, qualifier, request.params[1])
    return f"{service}/{request.params[1]}", qualifier or LATEST


def register_event_source(request: Request) -> Reply:
    """POST .../event-sources."""
    arn = str(read_body(request.body, _SOURCE)["sourceArn"])
    with request.world.write(request.tenant) as session:
        parent, qualifier = _function_place(request, session)
        name = f"{qualifier} {arn}"
        if session.get(EVENT_SOURCE, parent, name) is not None:
            raise EVENT_SOURCE_EXISTS(arn, request.params[1])
        body: Json = {"sourceArn": arn, "createdTime": to_utc_text(int(request.now))}
        session.put(_bare_row(request, EVENT_SOURCE, parent, name, body))
    return Reply(body=body)


def list_event_sources(request: Request) -> Reply:
    """GET .../event-sources: those of one qualifier, all at once."""
    with request.world.read(request.tenant) as session:
        parent, qualifier = _function_place(request, session)
        rows = session.children(EVENT_SOURCE, parent, prefix=f"{qualifier} ")
    return Reply(body={"eventSources": [row.body for row in rows]})


def deregister_event_source(request: Request) -> Reply:
    """DELETE .../event-sources/{sourceArn}, the ARN percent-encoded."""
    arn = request.params[2]
    with request.world.write(request.tenant) as session:
        parent, qualifier = _function_place(request, session)
        if not session.delete(EVENT_SOURCE, parent, f"{qualifier} {arn}"):
            raise EVENT_SOURCE_NOT_FOUND(arn, request.params[1])
    return NO_CONTENT


_VPC_SOURCES = ("facts 9.12", "help, allow functions to be invoked in a specified VPC")
_EVENT_SOURCES = ("facts 9.13",)

ROUTES = (
    Route(
        operation="CreateVpcBinding",
        method="POST",
        template="/services/{}/bindings",
        call=create_vpc_binding,
        versions=BOTH,
        coverage=Coverage(
            sources=_VPC_SOURCES,
            choices=(
                "204 without a body: none is documented",
                "bound already: 409, the code is inferred; the 21st VPC: LimitExceededError",
            ),
        ),
    ),
    Route(
        operation="ListVpcBindings",
        method="GET",
        template="/services/{}/bindings",
        call=list_vpc_bindings,
        versions=BOTH,
        coverage=Coverage(sources=_VPC_SOURCES),
    ),
    Route(
        operation="DeleteVpcBinding",
        method="DELETE",
        template="/services/{}/bindings/{}",
        call=delete_vpc_binding,
        versions=BOTH,
        kind=VPC_BINDING,
        coverage=Coverage(sources=_VPC_SOURCES, choices=("not bound: 404, the code is inferred",)),
    ),
    Route(
        operation="RegisterEventSource",
        method="POST",
        template="/services/{}/functions/{}/event-sources",
        call=register_event_source,
        versions=(V2021,),
        coverage=Coverage(
            sources=_EVENT_SOURCES,
            choices=("registered already: 409, the code is inferred", "without a qualifier it is LATEST's"),
        ),
    ),
    Route(
        operation="ListEventSources",
        method="GET",
        template="/services/{}/functions/{}/event-sources",
        call=list_event_sources,
        versions=(V2021,),
        coverage=Coverage(sources=_EVENT_SOURCES, choices=("only those of the qualifier asked for",)),
    ),
    Route(
        operation="DeregisterEventSource",
        method="DELETE",
        template="/services/{}/functions/{}/event-sources/{}",
        call=deregister_event_source,
        versions=(V2021,),
        coverage=Coverage(sources=_EVENT_SOURCES, choices=("not registered: 404, the code is inferred",)),
    ),
)
