"""Invocations: no code is run, the answer says what would have been (facts 11)."""

from fcdeploy.emulator.exchange import Json, Reply, Request
from fcdeploy.emulator.huawei.common import VERSIONS, meant
from fcdeploy.emulator.huawei.errors import BAD_BODY, TOO_LARGE
from fcdeploy.emulator.huawei.urn import named
from fcdeploy.emulator.json_body import BadBody, parse_object
from fcdeploy.emulator.routes import Coverage, Extent, Route

SYNC_LARGEST = 6_291_456
ASYNC_LARGEST = 262_144


def _event(request: Request, largest: int) -> Json:
    if len(request.body) > largest:
        raise TOO_LARGE(largest)
    try:
        return parse_object(request.body or b"{}")
    except BadBody as error:
        raise BAD_BODY(str(error)) from None


def invoke(request: Request) -> Reply:
    """POST /fgs/functions/{urn}/invocations."""
    asked = named(request)
    _event(request, SYNC_LARGEST)
    with request.world.read(request.tenant) as session:
        _, row = meant(session, asked)
    result = f"{row.body['func_name']}:{row.body['version']}"
    headers = (("X-Cff-Request-Id", request.request_id), ("X-Is-Func-Err", "false"))
    if request.headers.get("x-cff-request-version", "v1") == "v0":
        return Reply(raw=result.encode(), content_type="text/plain", headers=headers)
    log = "" if request.headers.get("x-cff-log-type") != "tail" else "the emulator runs no code"
    body: Json = {"request_id": request.request_id, "result": result, "log": log, "status": 200}
    return Reply(body=body, headers=headers)


def invoke_async(request: Request) -> Reply:
    """POST /fgs/functions/{urn}/invocations-async: 202."""
    asked = named(request)
    _event(request, ASYNC_LARGEST)
    with request.world.read(request.tenant) as session:
        meant(session, asked)
    return Reply(status=202, body={"request_id": request.request_id})


_MISSING = "no code is run: the answer names the function and the version"

ROUTES = (
    Route(
        operation="InvokeFunction",
        method="POST",
        template="/{}/fgs/functions/{}/invocations",
        call=invoke,
        versions=VERSIONS,
        coverage=Coverage(extent=Extent.PARTIAL, missing=_MISSING, sources=("facts 11, 15",)),
    ),
    Route(
        operation="AsyncInvokeFunction",
        method="POST",
        template="/{}/fgs/functions/{}/invocations-async",
        call=invoke_async,
        versions=VERSIONS,
        coverage=Coverage(extent=Extent.PARTIAL, missing=_MISSING, sources=("facts 11, 15",)),
    ),
)
