"""Functions and their code (facts 9.2)."""

from fcdeploy.emulator.alibaba.code import Archive, read_archive
from fcdeploy.emulator.alibaba.common import (
    EVENT_SOURCE,
    FUNCTION,
    TRIGGER,
    changed_row,
    check_if_match,
    new_row,
    reply_of,
)
from fcdeploy.emulator.alibaba.errors import (
    FUNCTION_EXISTS,
    FUNCTION_NOT_EMPTY,
    FUNCTION_NOT_FOUND,
    LIMIT_EXCEEDED,
    invalid_argument,
)
from fcdeploy.emulator.alibaba.fields import checked_name, read_body
from fcdeploy.emulator.alibaba.function_fields import CONTAINER, FIELDS, check_sources, defaults, settled
from fcdeploy.emulator.alibaba.layers import read_layers
from fcdeploy.emulator.alibaba.paging import list_page, page_of, with_token
from fcdeploy.emulator.alibaba.provision_rows import check_not_provisioned
from fcdeploy.emulator.alibaba.qualifiers import live_service, resolve, service_reference, service_to_write
from fcdeploy.emulator.alibaba.versions import BOTH
from fcdeploy.emulator.codelink import to_link
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Extent, Route
from fcdeploy.emulator.rows import new_id, public
from fcdeploy.emulator.store import Row, Session

NAME_LONGEST = 64  # facts 15: 64 for the API, whatever Terraform lets through


def live_function(session: Session, service: str, function: str) -> Row:
    """Return the live row; ServiceNotFound comes before FunctionNotFound (facts 6.1, order of checks)."""
    live_service(session, service)
    row = session.get(FUNCTION, service, function)
    if row is None:
        raise FUNCTION_NOT_FOUND(function, service)
    return row


def function_in_view(session: Session, service: str, qualifier: str | None, function: str) -> Row:
    """Return the row of a function as a qualifier shows it."""
    view = resolve(session, service, qualifier)
    row = session.get(view.function_kind, view.function_parent, function)
    if row is None:
        raise FUNCTION_NOT_FOUND(function, service)
    return row


def _with_code(session: Session, body: Json, archive: Archive | None) -> Json:
    """Return the body with what follows from the code: its checksum and size, and where it is kept."""
    if archive is not None:
        kept: Json = {"digest": session.put_blob(archive.content)}
        return {**body, "codeSize": len(archive.content), "codeChecksum": archive.checksum, "_code": kept}
    if body["runtime"] == CONTAINER or "_code" not in body:
        return {**body, "codeSize": 0, "codeChecksum": "", "_code": None}
    return body


def _with_layers(session: Session, body: Json, given: Json) -> Json:
    layers = given.get("layers")
    if not isinstance(layers, list):
        return body
    short, long = read_layers(session, layers)
    return {**body, "layers": short, "layersArnV2": long}


def create_function(request: Request) -> Reply:
    """POST /services/{S}/functions."""
    service = service_to_write(request)
    given = read_body(request.body, FIELDS)
    name = checked_name(given.pop("functionName", None), "FunctionName", NAME_LONGEST)
    for required in ("runtime", "handler"):
        if required not in given:
            raise invalid_argument(f"{required[0].upper()}{required[1:]} is required but not provided")
    check_sources(given, given["runtime"], creating=True)
    code = given.pop("code", None)
    archive = read_archive(request, code) if isinstance(code, dict) else None
    body = settled({"functionName": name, "functionId": new_id(), **defaults(), **given})
    with request.world.write(request.tenant) as session:
        live_service(session, service)
        if session.get(FUNCTION, service, name) is not None:
            raise FUNCTION_EXISTS(name, service)
        most = request.world.settings.functions_per_service
        if session.count(FUNCTION, service) >= most:
            raise LIMIT_EXCEEDED(f"functions of service '{service}' exceed the limit (max: {most})")
        body = _with_layers(session, _with_code(session, body, archive), given)
        row = new_row(request, FUNCTION, service, name, body)
        session.put(row)
    return reply_of(row)


def get_function(request: Request) -> Reply:
    """GET /services/{S}/functions/{F}."""
    service, qualifier = service_reference(request)
    with request.world.read(request.tenant) as session:
        return reply_of(function_in_view(session, service, qualifier, request.params[1]))


def update_function(request: Request) -> Reply:
    """PUT /services/{S}/functions/{F}: a merge (facts 7.2); omitted code stays, with its checksum and size."""
    service, name = service_to_write(request), request.params[1]
    given = read_body(request.body, FIELDS)
    given.pop("functionName", None)
    code = given.get("code")
    archive = read_archive(request, code) if isinstance(code, dict) else None
    with request.world.write(request.tenant) as session:
        row = live_function(session, service, name)
        check_if_match(request, row)
        runtime = given.get("runtime", row.body["runtime"])
        container_changes = (runtime == CONTAINER) != (row.body["runtime"] == CONTAINER)
        check_sources(given, runtime, creating=container_changes)
        given.pop("code", None)
        body = settled({**row.body, **given})
        row = changed_row(request, row, _with_layers(session, _with_code(session, body, archive), given))
        session.put(row)
    return reply_of(row)


def delete_function(request: Request) -> Reply:
    """DELETE /services/{S}/functions/{F}: refused while a trigger is left (facts 9.2, 10).

    A provision config refuses it too (see :func:`check_not_provisioned`). On-demand and async invoke configs are
    not looked at and stay (facts 9.8, 10); frozen copies in versions stay.
    """
    service, name = service_to_write(request), request.params[1]
    parent = f"{service}/{name}"
    with request.world.write(request.tenant) as session:
        row = live_function(session, service, name)
        check_if_match(request, row)
        gone = request.world.since("trigger", request.tenant.account, request.tenant.region, parent)
        lingering = gone is not None and gone < request.world.settings.delays.trigger_delete
        if lingering or session.count(TRIGGER, parent):
            raise FUNCTION_NOT_EMPTY(name, "triggers")
        check_not_provisioned(request, session, service, function=name)
        session.delete(FUNCTION, service, name)
        session.delete_under(EVENT_SOURCE, parent)
    return NO_CONTENT


def list_functions(request: Request) -> Reply:
    """GET /services/{S}/functions; with a qualifier the frozen set (facts 9.4)."""
    service, qualifier = service_reference(request)
    page = page_of(request)
    with request.world.read(request.tenant) as session:
        view = resolve(session, service, qualifier)
        rows, token = list_page(session, view.function_kind, view.function_parent, page)
    return Reply(body=with_token({"functions": [public(row.body) for row in rows]}, token))


def get_function_code(request: Request) -> Reply:
    """GET /services/{S}/functions/{F}/code: a short-lived link and the checksum."""
    service, qualifier = service_reference(request)
    with request.world.read(request.tenant) as session:
        row = function_in_view(session, service, qualifier, request.params[1])
    code = row.body.get("_code")
    if not isinstance(code, dict):
        raise invalid_argument("a function of runtime 'custom-container' has no code")
    return Reply(body={"url": to_link(request, str(code["digest"])), "checksum": row.body["codeChecksum"]})


_SOURCES = ("facts 3.3, 6.2, 7.2, 9.2, 12", "API reference 2021-04-06, CreateFunction and UpdateFunction")
_NO_OSS = "code in OSS is read from the folder given as OSS, else a zip is made from the object's name"

ROUTES = (
    Route(
        operation="CreateFunction",
        method="POST",
        template="/services/{}/functions",
        call=create_function,
        versions=BOTH,
        kind=FUNCTION,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing=_NO_OSS,
            sources=_SOURCES,
            choices=(
                "names up to 64 characters, timeout 3 s by default (facts 15)",
                "a checksum header that does not match: InvalidArgument (facts 16.4)",
                "caPort, customRuntimeConfig, customHealthCheckConfig are refused for other than custom runtimes",
                "e1 above 3072 MB only with cpu; concurrency above 1 is refused for Python",
                "a layer of the account must exist",
            ),
        ),
    ),
    Route(
        operation="GetFunction",
        method="GET",
        template="/services/{}/functions/{}",
        call=get_function,
        versions=BOTH,
        kind=FUNCTION,
        coverage=Coverage(sources=_SOURCES),
    ),
    Route(
        operation="UpdateFunction",
        method="PUT",
        template="/services/{}/functions/{}",
        call=update_function,
        versions=BOTH,
        kind=FUNCTION,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing=_NO_OSS,
            sources=_SOURCES,
            choices=("an update that changes nothing still changes the ETag (facts 3.4)",),
        ),
    ),
    Route(
        operation="DeleteFunction",
        method="DELETE",
        template="/services/{}/functions/{}",
        call=delete_function,
        versions=BOTH,
        kind=FUNCTION,
        coverage=Coverage(
            sources=(*_SOURCES, "facts 10"),
            choices=(
                "a provision config that is not gone: 409 ProvisionConfigExist, as in FC 3.0 (facts 9.7)",
                "on-demand and async invoke configs do not refuse it and are left (facts 9.8, 10)",
            ),
        ),
    ),
    Route(
        operation="ListFunctions",
        method="GET",
        template="/services/{}/functions",
        call=list_functions,
        versions=BOTH,
        coverage=Coverage(
            sources=("facts 7.1, 9.4",), choices=("limit outside 1..100: InvalidArgument (facts 16.10)",)
        ),
    ),
    Route(
        operation="GetFunctionCode",
        method="GET",
        template="/services/{}/functions/{}/code",
        call=get_function_code,
        versions=BOTH,
        coverage=Coverage(
            sources=("facts 9.2", "API reference 2016-08-15, GetFunctionCode"),
            choices=("the link works for 30 minutes", "InvalidArgument for a container function"),
        ),
    ),
)
