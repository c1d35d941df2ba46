"""Published versions (facts 4)."""

import time
from dataclasses import replace

from fcdeploy.emulator.exchange import Json, Reply, Request
from fcdeploy.emulator.huawei.common import (
    ASYNC_CONFIG,
    FUNCTION,
    VERSION,
    VERSIONS,
    function_row,
    meant,
    new_row,
    to_time_text,
)
from fcdeploy.emulator.huawei.dependency_rows import dependencies_of
from fcdeploy.emulator.huawei.errors import (
    BAD_PARAMETER,
    DESCRIPTION,
    NOTHING_TO_PUBLISH,
    VERSION_EXISTS,
    VERSION_LIMIT,
    VERSION_NAME,
)
from fcdeploy.emulator.huawei.fields import Struct, Text, read_body
from fcdeploy.emulator.huawei.function_rows import shown
from fcdeploy.emulator.huawei.urn import LATEST, named
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.rows import public

MOST = 20
"""With latest (facts 4, 15)."""
_FIELDS = Struct(
    {
        "version": Text(pattern=r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,40}[A-Za-z0-9])?)?", error=VERSION_NAME),
        "description": Text(longest=512, error=DESCRIPTION),
        "digest": Text(longest=128),
    }
)


def _code_of(body: Json) -> list[object]:
    """Return what counts as the code of a function when one asks whether it has changed (facts 4)."""
    return [body[name] for name in ("digest", "code_type", "code_url", "code_filename")] + [body["custom_image"]]


def publish_version(request: Request) -> Reply:
    """POST /fgs/functions/{urn}/versions: a copy of latest, refused when its code has not changed since (FSS.1016)."""
    asked = named(request)
    given = read_body(request.body or b"{}", _FIELDS)
    name = str(given.get("version") or time.strftime("v%Y%m%d-%H%M%S", time.gmtime(request.now)))
    if name == LATEST:
        raise VERSION_NAME("version = latest")
    with request.world.write(request.tenant) as session:
        row, found = meant(session, asked)
        if found is not row:
            raise BAD_PARAMETER("only latest can be published")
        if session.get(VERSION, asked.place, name) is not None:
            raise VERSION_EXISTS(name)
        if session.count(VERSION, asked.place) + 1 >= MOST:
            raise VERSION_LIMIT(MOST)
        if given.get("digest") and given["digest"] != row.body["digest"]:
            raise BAD_PARAMETER("digest is not that of the code")
        code = _code_of(row.body)
        if row.body["_published"] == code:
            raise NOTHING_TO_PUBLISH()
        session.put(replace(row, body={**row.body, "_published": code}))
        left_out = ("_tags", "_published")
        body = {
            **{key: value for key, value in row.body.items() if key not in left_out},
            "version": name,
            "version_description": given.get("description", ""),
            "image_name": str(row.body["image_name"]).replace(LATEST, name, 1),
            "last_modified": to_time_text(request.now),
            # A new version starts without disks (facts 4).
            "mount_config": None,
        }
        made = new_row(request, VERSION, asked.place, name, body)
        session.put(made)
        answer = shown(request, asked.place, made.body, name)
        return Reply(body={**answer, "dependencies": dependencies_of(session, answer)})


def list_versions(request: Request) -> Reply:
    """GET /fgs/functions/{urn}/versions: latest first, then the published ones, newest first; marker and maxitems have
    no effect (facts 4, 12).
    """
    asked = named(request)
    with request.world.read(request.tenant) as session:
        row = function_row(session, asked)
        published = sorted(session.children(VERSION, asked.place), key=lambda one: one.seq, reverse=True)
        configs = {one.name: public(one.body) for one in session.children(ASYNC_CONFIG, asked.place)}
        versions = []
        for one in (row, *published):
            version = str(one.body["version"])
            body = shown(request, asked.place, one.body, "" if version == LATEST else version)
            versions.append({**body, "function_async_config": configs.get(version)})
    return Reply(body={"versions": versions, "next_marker": len(versions), "count": len(versions)})


ROUTES = (
    Route(
        operation="CreateFunctionVersion",
        method="POST",
        template="/{}/fgs/functions/{}/versions",
        call=publish_version,
        versions=VERSIONS,
        kind=FUNCTION,
        coverage=Coverage(
            sources=("facts 4", "SDK 3.1.219"),
            choices=(
                "answers the new version's name, not latest as the example does",
                "a digest that is given must be that of the code: what it means is not documented",
                "code that has not changed since the last publish, deleted or not: 400 FSS.1016",
                "the limit of 20 counts latest",
            ),
        ),
    ),
    Route(
        operation="ListFunctionVersions",
        method="GET",
        template="/{}/fgs/functions/{}/versions",
        call=list_versions,
        versions=VERSIONS,
        coverage=Coverage(
            sources=("facts 2, 4, 12",),
            choices=("latest is the first of them; published ones have their name in the URN",),
        ),
    ),
)
