"""Layers: versions that are only ever added and deleted, and who may read them (facts 9.10).

The layer itself is a row of its own, for its ACL; it is there as long as one version is.
"""

from fcdeploy.emulator.alibaba.code import CODE, read_archive
from fcdeploy.emulator.alibaba.common import LAYER_VERSION
from fcdeploy.emulator.alibaba.errors import (
    ACCESS_DENIED,
    LAYER_NOT_FOUND,
    LAYER_VERSION_NOT_FOUND,
    invalid_argument,
    wrong_value,
)
from fcdeploy.emulator.alibaba.fields import Many, Struct, Text, checked_name, read_body
from fcdeploy.emulator.alibaba.function_fields import CONTAINER, RUNTIMES
from fcdeploy.emulator.alibaba.layers import long_arn, named_layer, short_arn
from fcdeploy.emulator.alibaba.paging import limit_of, list_page, page_of, with_token
from fcdeploy.emulator.alibaba.versions import BOTH, V2016, V2021
from fcdeploy.emulator.codelink import to_link
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request, Tenant
from fcdeploy.emulator.routes import Coverage, Extent, Route
from fcdeploy.emulator.rows import number_name
from fcdeploy.emulator.store import Row, Session, etag_of
from fcdeploy.emulator.times import to_utc_text

LAYER = "layer"  # parent "", name L; body {"acl"}
NAME_LONGEST = 128  # API reference 2021-04-06, CreateLayerVersion
DESCRIPTION_LONGEST = 256  # facts 9.10
_VERSION_DIGITS = 9
_TRUE = ("1", "t", "T", "true", "True", "TRUE")
_FALSE = ("0", "f", "F", "false", "False", "FALSE")

_FIELDS = Struct(
    {
        "code": CODE,
        "description": Text(longest=DESCRIPTION_LONGEST),
        "compatibleRuntime": Many(item=Text(allowed=tuple(each for each in RUNTIMES if each != CONTAINER))),
        "license": Text(),
    },
    defaults={"description": "", "compatibleRuntime": [], "license": ""},
    required=("code",),
)


def _shown(session: Session, row: Row) -> Json:
    """Return a version as GetLayerVersion and the lists have it, without its code."""
    layer = session.get(LAYER, "", row.parent)
    version = int(row.name)
    body = {key: value for key, value in row.body.items() if not key.startswith("_")}
    return {
        **body,
        "acl": layer.body["acl"] if layer is not None else 0,
        "arn": short_arn(session.tenant.account, row.parent, version),
        "arnV2": long_arn(session.tenant, row.parent, version),
    }


def _code_of(request: Request, row: Row) -> Json:
    kept = row.body["_code"]
    assert isinstance(kept, dict)
    return {"repositoryType": "OSS", "location": to_link(request, str(kept["digest"]))}


def _number(text: str, label: str) -> int:
    """Return a version number that a path or a query has; anything else is InvalidArgument."""
    if not (text.isascii() and text.isdigit() and len(text) <= _VERSION_DIGITS) or int(text) < 1:
        raise wrong_value(label, ("an integer from 1 on",), text)
    return int(text)


def _live_version(session: Session, layer: str, version: int) -> Row:
    row = session.get(LAYER_VERSION, layer, number_name(version))
    if row is None:
        if session.get(LAYER, "", layer) is None:
            raise LAYER_NOT_FOUND(layer)
        raise LAYER_VERSION_NOT_FOUND(f"{layer}#{version}")
    return row


def create_layer_version(request: Request) -> Reply:
    """POST /layers/{L}/versions: one more version; numbers rise by name and never come again (facts 9.10).

    The answer of 2021 spells the size ``codesize`` and has no ``arnV2``; that of 2016 has ``codeSize``.
    """
    layer = checked_name(request.params[0], "LayerName", NAME_LONGEST)
    given = read_body(request.body, _FIELDS)
    code = given.pop("code")
    assert isinstance(code, dict)
    archive = read_archive(request, code)
    now = to_utc_text(int(request.now))
    with request.world.write(request.tenant) as session:
        if session.get(LAYER, "", layer) is None:
            acl: Json = {"acl": 0}
            session.put(Row(kind=LAYER, parent="", name=layer, body=acl, etag="", created=now, modified=now))
        version = session.next_number(f"layer {layer}")
        body: Json = {
            "layerName": layer,
            "version": version,
            **given,
            "codeSize": len(archive.content),
            "codeChecksum": archive.checksum,
            "createTime": now,
            "_code": {"digest": session.put_blob(archive.content)},
        }
        row = Row(
            kind=LAYER_VERSION,
            parent=layer,
            name=number_name(version),
            body=body,
            etag=etag_of(body),
            created=now,
            modified=now,
        )
        session.put(row)
        answer = {**_shown(session, row), "code": _code_of(request, row)}
    for name in ("arnV2", "license"):
        answer.pop(name)
    if request.version == V2021:
        answer["codesize"] = answer.pop("codeSize")
    return Reply(body=answer, etag=row.etag)


def get_layer_version(request: Request) -> Reply:
    """GET /layers/{L}/versions/{N}; the code's location works with a plain GET for a while."""
    version = _number(request.params[1], "Version")
    with request.world.read(request.tenant) as session:
        row = _live_version(session, request.params[0], version)
        return Reply(body={**_shown(session, row), "code": _code_of(request, row)}, etag=row.etag)


def get_layer_version_by_arn(request: Request) -> Reply:
    """GET /layerarn/{arn}: both spellings; a layer of another account only when it is public."""
    named = named_layer(request.tenant, request.params[0])
    with request.world.read(Tenant(named.owner, request.tenant.region)) as session:
        row = session.get(LAYER_VERSION, named.layer, number_name(named.version))
        layer = session.get(LAYER, "", named.layer)
        hidden = named.owner != request.tenant.account and (layer is None or layer.body["acl"] != 1)
        if row is None or hidden:
            raise LAYER_VERSION_NOT_FOUND(request.params[0])
        return Reply(body={**_shown(session, row), "code": _code_of(request, row)}, etag=row.etag)


def _flag(request: Request, name: str) -> bool:
    """Return a flag of the query in any spelling of Go's ParseBool: the 2021 Python SDK sends ``True``."""
    text = request.one(name) or "false"
    if text not in _TRUE and text not in _FALSE:
        raise wrong_value(name.capitalize(), ("true", "false"), text)
    return text in _TRUE


def list_layers(request: Request) -> Reply:
    """GET /layers: the newest version of each; ``official`` wins over ``public`` (API reference, ListLayers)."""
    page = page_of(request)
    public_only, official = _flag(request, "public"), _flag(request, "official")
    if official:
        return Reply(body={"layers": []})
    with request.world.read(request.tenant) as session:
        rows, token = list_page(session, LAYER, "", page, (lambda row: row.body["acl"] == 1) if public_only else None)
        newest = [session.children(LAYER_VERSION, row.name)[-1] for row in rows]
        return Reply(body=with_token({"layers": [_shown(session, row) for row in newest]}, token))


def list_layer_versions(request: Request) -> Reply:
    """GET /layers/{L}/versions, oldest first, from ``startVersion`` on; ``nextVersion`` is absent at the end.

    The order is that of the vendor's samples (startVersion 1 and limit 20 give nextVersion 21) and of its own
    deployment tool, which begins at 1 and goes on at nextVersion to find the newest.
    """
    layer, limit = request.params[0], limit_of(request)
    text = request.one("startVersion")
    start = 1 if text is None else _number(text, "StartVersion")
    with request.world.read(request.tenant) as session:
        if session.get(LAYER, "", layer) is None:
            raise LAYER_NOT_FOUND(layer)
        rows = session.children(LAYER_VERSION, layer, start=number_name(start), limit=limit + 1)
        body: Json = {"layers": [_shown(session, row) for row in rows[:limit]]}
    if len(rows) > limit:
        body["nextVersion"] = int(rows[limit].name)
    return Reply(body=body)


def delete_layer_version(request: Request) -> Reply:
    """DELETE /layers/{L}/versions/{N}: functions that use it keep it (facts 9.10)."""
    layer, version = request.params[0], _number(request.params[1], "Version")
    with request.world.write(request.tenant) as session:
        row = _live_version(session, layer, version)
        session.delete(LAYER_VERSION, layer, row.name)
        if not session.count(LAYER_VERSION, layer):
            session.delete(LAYER, "", layer)
    return NO_CONTENT


def put_layer_acl(request: Request) -> Reply:
    """PUT /layers/{L}/acl?public=true: opens or closes the layer, all its versions."""
    layer = request.params[0]
    if request.one("public") is None and request.one("official") is None:
        raise invalid_argument("Public is required but not provided")
    public = _flag(request, "public")
    if _flag(request, "official"):
        raise ACCESS_DENIED("the caller is not authorized to publish official layers")
    with request.world.write(request.tenant) as session:
        row = session.get(LAYER, "", layer)
        if row is None:
            raise LAYER_NOT_FOUND(layer)
        session.put(
            Row(
                kind=LAYER,
                parent="",
                name=layer,
                body={**row.body, "acl": int(public)},
                etag="",
                created=row.created,
                modified=to_utc_text(int(request.now)),
            )
        )
    return NO_CONTENT


_SOURCES = ("facts 9.10", "API reference 2016-08-15 and 2021-04-06, layers")


def _version_address(request: Request) -> tuple[str, str]:
    text = request.params[1]
    good = text.isascii() and text.isdigit() and len(text) <= _VERSION_DIGITS
    return request.params[0], number_name(int(text)) if good else text


ROUTES = (
    Route(
        operation="CreateLayerVersion",
        method="POST",
        template="/layers/{}/versions",
        call=create_layer_version,
        versions=BOTH,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing="code in OSS: as for CreateFunction; the archive's layout is not looked at",
            sources=_SOURCES,
            choices=(
                "names as those of functions, up to 128 characters; code is required",
                "the answer has codesize in 2021 and codeSize in 2016, and no arnV2",
            ),
        ),
    ),
    Route(
        operation="GetLayerVersion",
        method="GET",
        template="/layers/{}/versions/{}",
        call=get_layer_version,
        versions=BOTH,
        kind=LAYER_VERSION,
        address=_version_address,
        coverage=Coverage(
            sources=_SOURCES,
            choices=("no version of the layer: LayerNotFound, another one: LayerVersionNotFound (facts 16.4)",),
        ),
    ),
    Route(
        operation="DeleteLayerVersion",
        method="DELETE",
        template="/layers/{}/versions/{}",
        call=delete_layer_version,
        versions=BOTH,
        kind=LAYER_VERSION,
        address=_version_address,
        coverage=Coverage(
            sources=_SOURCES,
            choices=(
                "204; a second deletion is 404 (facts 15)",
                "a function keeps a deleted version, but an update that names it again is refused",
            ),
        ),
    ),
    Route(
        operation="ListLayerVersions",
        method="GET",
        template="/layers/{}/versions",
        call=list_layer_versions,
        versions=BOTH,
        coverage=Coverage(
            sources=("facts 7.1", "API reference 2016-08-15 and 2021-04-06, ListLayerVersions"),
            choices=(
                "oldest first: the samples' nextVersion rises; no code in lists",
                "a layer that does not exist: LayerNotFound",
            ),
        ),
    ),
    Route(
        operation="ListLayers",
        method="GET",
        template="/layers",
        call=list_layers,
        versions=BOTH,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing="there are no official layers to list",
            sources=("facts 7.1, 9.10", "API reference 2021-04-06, ListLayers"),
            choices=("public=true lists the public ones among the account's own",),
        ),
    ),
    Route(
        operation="GetLayerVersionByArn",
        method="GET",
        template="/layerarn/{}",
        call=get_layer_version_by_arn,
        versions=(V2016,),
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing="official layers are not there; of other accounts only the acs: spelling is found",
            sources=("facts 8.1, 9.10",),
            choices=("a private layer of another account: LayerVersionNotFound",),
        ),
    ),
    Route(
        operation="PutLayerACL",
        method="PUT",
        template="/layers/{}/acl",
        call=put_layer_acl,
        versions=BOTH,
        kind=LAYER,
        address=lambda request: ("", request.params[0]),
        coverage=Coverage(
            sources=("facts 3.3, 8.1, 9.10",),
            choices=("204 without a body; official=true: AccessDenied; neither flag: InvalidArgument",),
        ),
    ),
)
