"""Tags of functions, by an API of their own (facts 10)."""

from dataclasses import replace

from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.huawei.common import FUNCTION, VERSIONS, function_row
from fcdeploy.emulator.huawei.errors import BAD_PARAMETER
from fcdeploy.emulator.huawei.fields import Flag, Many, Struct, Text, read_body
from fcdeploy.emulator.huawei.urn import named, to_urn
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.store import Row

MOST = 20
_TAG = Struct({"key": Text(shortest=1, longest=128), "value": Text(longest=255)}, required=("key",))
_FIELDS = Struct(
    {"action": Text(allowed=("create", "delete")), "tags": Many(item=_TAG), "sys_tags": Many(item=_TAG)},
    required=("tags",),
)
_WANTED = Struct({"key": Text(shortest=1), "values": Many(item=Text())}, required=("key",))
_SEARCH = Struct(
    {
        "without_any_tag": Flag(),
        "limit": Text(),
        "offset": Text(),
        "action": Text(allowed=("filter", "count")),
        "matches": Many(item=Struct({"key": Text(), "value": Text()})),
        "sys_tags": Many(item=_WANTED),
    }
)


def _check_type(request: Request) -> None:
    if request.params[1] != "functions":
        raise BAD_PARAMETER(f"resource_type = {request.params[1]}")


def _tags(row: Row) -> dict[str, str]:
    tags = row.body["_tags"]
    return {str(key): str(value) for key, value in tags.items()} if isinstance(tags, dict) else {}


def _listed(tags: dict[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def _changed(request: Request, *, remove: bool) -> Reply:
    """Add or remove tags; the function itself, with its last_modified, is not touched."""
    _check_type(request)
    given = read_body(request.body, _FIELDS)
    wanted = given["tags"]
    assert isinstance(wanted, list)
    with request.world.write(request.tenant) as session:
        row = function_row(session, named(request, request.params[2]))
        tags = _tags(row)
        for one in wanted:
            if remove:
                if "value" not in one or tags.get(one["key"]) == one["value"]:
                    tags.pop(one["key"], None)
            else:
                tags[one["key"]] = one.get("value", "")
        if len(tags) > MOST:
            raise BAD_PARAMETER(f"more than {MOST} tags")
        session.put(replace(row, body={**row.body, "_tags": tags}))
    return NO_CONTENT


def create_tags(request: Request) -> Reply:
    """POST /{type}/{urn}/tags/create: 204."""
    return _changed(request, remove=False)


def delete_tags(request: Request) -> Reply:
    """DELETE /{type}/{urn}/tags/delete, with a body: 204; a key without a value goes whatever its value is."""
    return _changed(request, remove=True)


def list_tags(request: Request) -> Reply:
    """GET /{type}/{urn}/tags."""
    _check_type(request)
    with request.world.read(request.tenant) as session:
        row = function_row(session, named(request, request.params[2]))
    return Reply(body={"tags": _listed(_tags(row)), "sys_tags": _system(row)})


def _system(row: Row) -> list[Json]:
    return [{"key": "_sys_enterprise_project_id", "value": row.body["enterprise_project_id"]}]


def list_project_tags(request: Request) -> Reply:
    """GET /{type}/tags: every key with its values."""
    _check_type(request)
    found: dict[str, set[str]] = {}
    with request.world.read(request.tenant) as session:
        for row in session.scan(FUNCTION):
            for key, value in _tags(row).items():
                found.setdefault(key, set()).add(value)
    tags = [{"key": key, "values": sorted(values)} for key, values in sorted(found.items())]
    return Reply(body={"tags": tags, "sys_tags": []})


def _matches(row: Row, given: Json) -> bool:
    wanted, names = given.get("sys_tags"), given.get("matches")
    if given.get("without_any_tag") and _tags(row):
        return False
    system = {str(one["key"]): one["value"] for one in _system(row)}
    for one in wanted if isinstance(wanted, list) else ():
        if one["key"] not in system or (one.get("values") and system[one["key"]] not in one["values"]):
            return False
    return all(str(one.get("value", "")) in row.name for one in (names if isinstance(names, list) else ()))


def search(request: Request) -> Reply:
    """POST /{type}/resource-instances/{action}: the functions with this name and these system tags, or how many
    (facts 10, SDK model).
    """
    _check_type(request)
    action = request.params[2]
    if action not in ("filter", "count"):
        raise BAD_PARAMETER(f"action = {action}")
    given = read_body(request.body or b"{}", _SEARCH)
    with request.world.read(request.tenant) as session:
        rows = [row for row in session.scan(FUNCTION) if _matches(row, given)]
    if action == "count":
        return Reply(body={"total_count": len(rows)})
    offset, limit = int(str(given.get("offset") or 0)), int(str(given.get("limit") or 1000))
    resources = [
        {
            "resource_id": (urn := to_urn(request, f"{row.parent}/{row.name}")),
            "resource_name": row.name,
            "resource_detail": {"detailId": urn},
            "tags": _listed(_tags(row)),
            "sys_tags": _system(row),
        }
        for row in rows[offset : offset + limit]
    ]
    return Reply(body={"resources": resources, "total_count": len(rows)})


_SOURCES = ("facts 10", "SDK 3.1.219")

ROUTES = (
    Route(
        operation="CreateTags",
        method="POST",
        template="/{}/{}/{}/tags/create",
        call=create_tags,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES, choices=("a tag changes no last_modified", "a key that is there is set")),
    ),
    Route(
        operation="DeleteTags",
        method="DELETE",
        template="/{}/{}/{}/tags/delete",
        call=delete_tags,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES, choices=("a value that is given must be the tag's",)),
    ),
    Route(
        operation="ListFunctionTags",
        method="GET",
        template="/{}/{}/{}/tags",
        call=list_tags,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES),
    ),
    Route(
        operation="ShowProjectTagsList",
        method="GET",
        template="/{}/{}/tags",
        call=list_project_tags,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES),
    ),
    Route(
        operation="ShowResInstanceInfo",
        method="POST",
        template="/{}/{}/resource-instances/{}",
        call=search,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES, choices=("matches: a part of the name", "1,000 at most in one answer")),
    ),
)
