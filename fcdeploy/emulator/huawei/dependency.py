"""Dependencies: packages that functions name by the id of a version (facts 7)."""

import base64
import binascii
import hashlib
import io
import zipfile

from fcdeploy.emulator.codelink import to_link
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.huawei.common import DEPENDENCY, DEPENDENCY_VERSION, VERSIONS, new_row, page
from fcdeploy.emulator.huawei.dependency_rows import user_of
from fcdeploy.emulator.huawei.errors import (
    BAD_PARAMETER,
    CODE_URL,
    DEPENDENCY_IN_USE,
    DEPENDENCY_INVALID,
    DEPENDENCY_NOT_FOUND,
    DEPENDENCY_TYPE,
    DESCRIPTION,
    RUNTIME,
    TOO_LARGE,
)
from fcdeploy.emulator.huawei.fields import Struct, Text, read_body
from fcdeploy.emulator.huawei.function_fields import RUNTIMES
from fcdeploy.emulator.routes import Coverage, Extent, Route
from fcdeploy.emulator.rows import new_id, number_name, public, zip_of
from fcdeploy.emulator.store import Row, Session

LARGEST = 41_943_040
_FIELDS = Struct(
    {
        "name": Text(pattern=r"[A-Za-z]([A-Za-z0-9_.-]{0,94}[A-Za-z0-9])?", error=DEPENDENCY_INVALID),
        "runtime": Text(allowed=RUNTIMES, error=RUNTIME),
        "depend_type": Text(allowed=("obs", "zip"), error=DEPENDENCY_TYPE),
        "depend_link": Text(),
        "depend_file": Text(),
        "description": Text(longest=512, error=DESCRIPTION),
    },
    required={"name": DEPENDENCY_INVALID, "runtime": RUNTIME, "depend_type": DEPENDENCY_TYPE},
)


def _content(given: Json) -> bytes:
    if given["depend_type"] == "obs":
        link = str(given.get("depend_link") or "")
        if not link.startswith("https://"):
            raise CODE_URL(f"depend_link = {link}")
        return zip_of("object.txt", link.encode())
    try:
        content = base64.b64decode(str(given.get("depend_file") or ""), validate=True)
    except (binascii.Error, ValueError):
        raise DEPENDENCY_INVALID("depend_file is not base64") from None
    if len(content) > LARGEST:
        raise TOO_LARGE(LARGEST)
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise DEPENDENCY_INVALID("depend_file is not a zip archive")
    return content


def create_version(request: Request) -> Reply:
    """POST /fgs/dependencies/version: makes the dependency too when there is none of that name."""
    given = read_body(request.body, _FIELDS)
    content = _content(given)
    name = str(given["name"])
    with request.world.write(request.tenant) as session:
        found = session.get(DEPENDENCY, "", name)
        if found is not None and found.body["runtime"] != given["runtime"]:
            raise RUNTIME(f"{name} is for {found.body['runtime']}")
        dep_id = str(found.body["dep_id"]) if found is not None else new_id()
        number = session.next_number(f"fgs-dependency/{dep_id}")
        kept = session.put_blob(content)
        body: Json = {
            "id": new_id(),
            "dep_id": dep_id,
            "owner": request.tenant.account,
            "link": f"https://fss-layers.obs.{request.tenant.region}.myhuaweicloud.com/{dep_id}/{number}.zip",
            "runtime": given["runtime"],
            "etag": hashlib.md5(content, usedforsecurity=False).hexdigest(),
            "size": len(content),
            "name": name,
            "description": given.get("description", ""),
            "file_name": f"{name}.zip",
            "version": number,
            "last_modified": int(request.now),
            "_code": {"digest": kept},
        }
        newest = {key: value for key, value in body.items() if key != "_code"}
        session.put(new_row(request, DEPENDENCY, "", name, newest))
        row = new_row(request, DEPENDENCY_VERSION, dep_id, number_name(number), body)
        session.put(row)
    return Reply(body=public(row.body))


def list_dependencies(request: Request) -> Reply:
    """GET /fgs/dependencies: each with what its newest version is; ``id`` is the dependency's own here (facts 7)."""
    name, runtime, owner = request.one("name"), request.one("runtime"), request.one("dependency_type")
    with request.world.read(request.tenant) as session:
        rows = [
            row
            for row in session.children(DEPENDENCY, "")
            if (name is None or name in row.name)
            and (runtime is None or row.body["runtime"] == runtime)
            and owner != "public"
            and request.one("ispublic") != "true"
        ]
    items: list[Json] = [{**public(row.body), "id": row.body["dep_id"]} for row in rows]
    shown, following = page(request, items)
    return Reply(body={"dependencies": shown, "next_marker": following, "count": len(items)})


def _versions(session: Session, dep_id: str) -> list[Row]:
    rows = session.children(DEPENDENCY_VERSION, dep_id)
    if not rows:
        raise DEPENDENCY_NOT_FOUND(dep_id)
    return rows


def list_versions(request: Request) -> Reply:
    """GET /fgs/dependencies/{dep_id}/version: newest first."""
    with request.world.read(request.tenant) as session:
        items = [public(row.body) for row in reversed(_versions(session, request.params[1]))]
    shown, following = page(request, items)
    return Reply(body={"dependencies": shown, "next_marker": following, "count": len(items)})


def _version(session: Session, request: Request) -> Row:
    dep_id, number = request.params[1], request.params[2]
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise BAD_PARAMETER(f"version = {number}")
    row = session.get(DEPENDENCY_VERSION, dep_id, number_name(int(number)))
    if row is None:
        raise DEPENDENCY_NOT_FOUND(f"{dep_id} version {number}")
    return row


def get_version(request: Request) -> Reply:
    """GET /fgs/dependencies/{dep_id}/version/{n}: with a link to its content."""
    with request.world.read(request.tenant) as session:
        row = _version(session, request)
    kept = row.body["_code"]
    assert isinstance(kept, dict)
    return Reply(body={**public(row.body), "download_link": to_link(request, str(kept["digest"]))})


def delete_version(request: Request) -> Reply:
    """DELETE /fgs/dependencies/{dep_id}/version/{n}: the dependency goes with its last version (facts 7)."""
    with request.world.write(request.tenant) as session:
        row = _version(session, request)
        user = user_of(session, str(row.body["id"]))
        if user is not None:
            raise DEPENDENCY_IN_USE(user)
        session.delete(DEPENDENCY_VERSION, row.parent, row.name)
        left = session.children(DEPENDENCY_VERSION, row.parent)
        name = str(row.body["name"])
        if left:
            session.put(new_row(request, DEPENDENCY, "", name, public(left[-1].body)))
        else:
            session.delete(DEPENDENCY, "", name)
    return NO_CONTENT


def _version_address(request: Request) -> tuple[str, str]:
    return request.params[1], request.params[2].zfill(10)


_SOURCES = ("facts 7, 12, 13", "SDK 3.1.219")
_D = "/{}/fgs/dependencies"

ROUTES = (
    Route(
        operation="CreateDependencyVersion",
        method="POST",
        template=f"{_D}/version",
        call=create_version,
        versions=VERSIONS,
        kind=DEPENDENCY_VERSION,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing="a package in OBS is a zip made from its address",
            sources=_SOURCES,
            choices=("the first version is 1; a number never comes again", "one runtime for all versions of a name"),
        ),
    ),
    Route(
        operation="ListDependencies",
        method="GET",
        template=_D,
        call=list_dependencies,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES, choices=("there are no public ones",)),
    ),
    Route(
        operation="ListDependencyVersion",
        method="GET",
        template=f"{_D}/{{}}/version",
        call=list_versions,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES, choices=("newest first",)),
    ),
    Route(
        operation="ShowDependencyVersion",
        method="GET",
        template=f"{_D}/{{}}/version/{{}}",
        call=get_version,
        versions=VERSIONS,
        kind=DEPENDENCY_VERSION,
        address=_version_address,
        coverage=Coverage(sources=_SOURCES),
    ),
    Route(
        operation="DeleteDependencyVersion",
        method="DELETE",
        template=f"{_D}/{{}}/version/{{}}",
        call=delete_version,
        versions=VERSIONS,
        kind=DEPENDENCY_VERSION,
        address=_version_address,
        coverage=Coverage(sources=_SOURCES, choices=("used by a function or a version of one: 412 FSS.1033",)),
    ),
)
