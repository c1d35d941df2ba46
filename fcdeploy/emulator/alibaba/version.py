"""Service versions: frozen copies of a service and all its functions (facts 9.4).

A version is a row of kind VERSION whose body has the frozen service under ``_service``, and one row of kind
FROZEN_FUNCTION for each function; an archive stays as long as a frozen function refers to it. Nobody but this module
writes these rows, and it writes each once. ``_mark`` is a digest of what was frozen, to tell whether a publish would
freeze the same again.
"""

import re
from dataclasses import replace

from fcdeploy.emulator.alibaba.common import (
    FROZEN_FUNCTION,
    FUNCTION,
    VERSION,
    check_if_match,
    check_service_settled,
    new_row,
    reply_of,
)
from fcdeploy.emulator.alibaba.errors import VERSION_NOT_FOUND, VERSION_PUBLISH, invalid_argument, wrong_format
from fcdeploy.emulator.alibaba.fields import Struct, Text, read_body
from fcdeploy.emulator.alibaba.paging import limit_of
from fcdeploy.emulator.alibaba.qualifiers import live_service, service_to_write
from fcdeploy.emulator.alibaba.versions import BOTH
from fcdeploy.emulator.errors import echo
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.rows import number_name, public
from fcdeploy.emulator.store import Row, etag_of

_FIELDS = Struct({"description": Text()})
_ID = re.compile("[0-9]{1,9}")
_BACKWARD, _FORWARD = "BACKWARD", "FORWARD"


def _mark(service: Row, functions: list[Row]) -> str:
    """Return a digest that differs after any update of the service or a function, an addition or a removal.

    Every accepted update changes the ETag of its resource, and an ETag covers ids and times; tags, triggers and
    settings by qualifier have no part in it (facts 9.4).
    """
    return etag_of({"service": service.etag, "functions": {row.name: row.etag for row in functions}})


def publish_version(request: Request) -> Reply:
    """POST /services/{S}/versions, guarded by the ETag of the service (facts 6.2).

    Refused when nothing changed since the newest version that still exists (facts 1.13, 9.4). Ids count up for as
    long as the service lives; they belong to its serviceId, so that a service created anew begins with "1".
    """
    service = service_to_write(request)
    given = read_body(request.body or b"{}", _FIELDS)  # the body is optional
    check_service_settled(request, service)
    with request.world.write(request.tenant) as session:
        live = live_service(session, service)
        check_if_match(request, live)
        functions = session.children(FUNCTION, service)
        mark = _mark(live, functions)
        versions = session.children(VERSION, service)
        newest = int(versions[-1].name) if versions else 0
        if versions and versions[-1].body["_mark"] == mark:
            raise VERSION_PUBLISH(
                f"version can not be published for service '{service}': nothing changed since version '{newest}'"
            )
        number = max(session.next_number(f"version:{live.body['serviceId']}"), newest + 1)
        body: Json = {
            "versionId": str(number),
            "description": given.get("description", ""),
            "_service": public(live.body),
            "_mark": mark,
        }
        row = new_row(request, VERSION, service, number_name(number), body)
        session.put(row)
        for function in functions:
            session.put(replace(function, kind=FROZEN_FUNCTION, parent=f"{service}/{number}"))
    return reply_of(row)


def _place(request: Request, name: str) -> int | None:
    """Return the version number that ``startKey`` or ``nextToken`` gives."""
    text = request.one(name)
    if text is None:
        return None
    if _ID.fullmatch(text) is None:
        raise invalid_argument(
            f"{name[0].upper()}{name[1:]} is set to an invalid value (allowed: a version id, actual: '{echo(text)}')"
        )
    return int(text)


def list_versions(request: Request) -> Reply:
    """GET /services/{S}/versions, newest first unless ``direction`` is FORWARD; tokens are version ids (facts 7.1)."""
    service = service_to_write(request)
    direction = Text(allowed=(_BACKWARD, _FORWARD)).read(request.one("direction") or _BACKWARD, "Direction")
    limit = limit_of(request)
    token, start = _place(request, "nextToken"), _place(request, "startKey")
    first = token if token is not None else start
    check_service_settled(request, service)
    with request.world.read(request.tenant) as session:
        live_service(session, service)
        rows = session.children(VERSION, service)
    if direction == _BACKWARD:
        rows.reverse()
    if first is not None:
        step = -1 if direction == _BACKWARD else 1
        rows = [row for row in rows if (int(row.name) - first) * step >= 0]
    body: Json = {"versions": [public(row.body) for row in rows[:limit]], "direction": direction}
    if len(rows) > limit:
        body["nextToken"] = str(int(rows[limit].name))
    return Reply(body=body)


def delete_version(request: Request) -> Reply:
    """DELETE /services/{S}/versions/{V}: aliases and triggers that name it are not asked (facts 1.16)."""
    service, version = service_to_write(request), request.params[1]
    if _ID.fullmatch(version) is None:  # LATEST above all: it is no version (facts 9.4)
        raise wrong_format("VersionId", "^[0-9]+$", version)
    check_service_settled(request, service)
    number = int(version)
    with request.world.write(request.tenant) as session:
        live_service(session, service)
        if not session.delete(VERSION, service, number_name(number)):
            raise VERSION_NOT_FOUND(version, service)
        session.delete_under(FROZEN_FUNCTION, f"{service}/{number}")
    return NO_CONTENT


def _address(request: Request) -> tuple[str, str]:
    version = request.params[1]
    return request.params[0].partition(".")[0], number_name(int(version)) if _ID.fullmatch(version) else version


_SOURCES = ("facts 1.13, 1.14, 6.2, 9.4", "API reference 2016-08-15, versions")

ROUTES = (
    Route(
        operation="PublishServiceVersion",
        method="POST",
        template="/services/{}/versions",
        call=publish_version,
        versions=BOTH,
        coverage=Coverage(
            sources=_SOURCES,
            choices=(
                "nothing changed: 409 VersionPublishError (facts 16.2)",
                "an update that changes no field counts as a change (facts 9.4: any update)",
                "a service that was deleted and created anew begins with version 1",
            ),
        ),
    ),
    Route(
        operation="ListServiceVersions",
        method="GET",
        template="/services/{}/versions",
        call=list_versions,
        versions=BOTH,
        coverage=Coverage(
            sources=("facts 7.1", "API reference 2016-08-15, ListServiceVersions"),
            choices=("a startKey or nextToken that is no number: InvalidArgument",),
        ),
    ),
    Route(
        operation="DeleteServiceVersion",
        method="DELETE",
        template="/services/{}/versions/{}",
        call=delete_version,
        versions=BOTH,
        kind=VERSION,
        address=_address,
        coverage=Coverage(
            sources=(*_SOURCES, "facts 1.16"), choices=("a version id that is no number, LATEST too: InvalidArgument",)
        ),
    ),
)
