"""Async invoke configs of a version or alias (facts 9)."""

import json

from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.huawei.common import (
    ASYNC_CONFIG,
    VERSIONS,
    function_row,
    meant,
    new_row,
    page_info,
    to_time_text,
)
from fcdeploy.emulator.huawei.errors import BAD_PARAMETER, NOT_FOUND
from fcdeploy.emulator.huawei.fields import Flag, Struct, Text, Whole, read_body
from fcdeploy.emulator.huawei.urn import LATEST, Named, named, to_urn
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.rows import public
from fcdeploy.emulator.times import to_utc_text

_PARAMS = {
    "OBS": ("bucket", "prefix", "expires"),
    "SMN": ("topic_urn",),
    "DIS": ("stream_name",),
    "FunctionGraph": ("func_urn",),
}


def _check_destination(given: Json, name: str) -> None:
    try:
        param = json.loads(str(given["param"]))
    except ValueError:
        raise BAD_PARAMETER(f"{name}.param is not JSON") from None
    known = _PARAMS[str(given["destination"])]
    if not isinstance(param, dict) or not param.get(known[0]) or not set(param) <= set(known):
        raise BAD_PARAMETER(f"{name}.param must have {known[0]}")


_DESTINATION = Struct(
    {"destination": Text(allowed=tuple(_PARAMS)), "param": Text()},
    required=("destination", "param"),
    check=_check_destination,
)
_FIELDS = Struct(
    {
        "max_async_event_age_in_seconds": Whole(least=1, most=86400),
        "max_async_retry_attempts": Whole(least=0, most=3),
        "destination_config": Struct({"on_success": _DESTINATION, "on_failure": _DESTINATION}),
        "enable_async_status_log": Flag(),
        **dict.fromkeys(("log_group_id", "log_stream_id", "log_group_name", "log_stream_name"), Text()),
    }
)


def _name(asked: Named) -> str:
    return asked.qualifier or LATEST


def put_config(request: Request) -> Reply:
    """PUT /fgs/functions/{urn}/async-invoke-config: sets or replaces the whole (facts 9)."""
    asked = named(request)
    given = read_body(request.body, _FIELDS)
    with request.world.write(request.tenant) as session:
        meant(session, asked)
        before = session.get(ASYNC_CONFIG, asked.place, _name(asked))
        body: Json = {
            "max_async_event_age_in_seconds": 3600,
            "max_async_retry_attempts": 1,
            "destination_config": {},
            "enable_async_status_log": False,
            **given,
            "func_urn": to_urn(request, asked.place, _name(asked)),
            # Two forms of time in one object (facts 9).
            "created_time": before.body["created_time"] if before is not None else to_utc_text(int(request.now)),
            "last_modified": to_time_text(request.now),
        }
        row = new_row(request, ASYNC_CONFIG, asked.place, _name(asked), body)
        session.put(row)
    return Reply(body=public(row.body))


def get_config(request: Request) -> Reply:
    """GET /fgs/functions/{urn}/async-invoke-config: 404 where there is none."""
    asked = named(request)
    with request.world.read(request.tenant) as session:
        meant(session, asked)
        row = session.get(ASYNC_CONFIG, asked.place, _name(asked))
    if row is None:
        raise NOT_FOUND(f"async invoke config of {_name(asked)}")
    return Reply(body=public(row.body))


def delete_config(request: Request) -> Reply:
    """DELETE /fgs/functions/{urn}/async-invoke-config."""
    asked = named(request)
    with request.world.write(request.tenant) as session:
        meant(session, asked)
        if not session.delete(ASYNC_CONFIG, asked.place, _name(asked)):
            raise NOT_FOUND(f"async invoke config of {_name(asked)}")
    return NO_CONTENT


def list_configs(request: Request) -> Reply:
    """GET /fgs/functions/{urn}/async-invoke-configs: of all versions and aliases."""
    asked = named(request)
    with request.world.read(request.tenant) as session:
        function_row(session, asked)
        items = [public(row.body) for row in session.children(ASYNC_CONFIG, asked.place)]
    shown, info = page_info(request, items, 100)
    return Reply(body={"async_invoke_configs": shown, "count": len(items), "page_info": info})


def _address(request: Request) -> tuple[str, str]:
    asked = named(request)
    return asked.place, _name(asked)


_SOURCES = ("facts 9, 12, 18", "SDK 3.1.219")
_C = "/{}/fgs/functions/{}/async-invoke-config"

ROUTES = (
    Route(
        operation="UpdateFunctionAsyncInvokeConfig",
        method="PUT",
        template=_C,
        call=put_config,
        versions=VERSIONS,
        kind=ASYNC_CONFIG,
        address=_address,
        coverage=Coverage(
            sources=_SOURCES,
            choices=("ranges and defaults of the request side", "destinations are not looked for"),
        ),
    ),
    Route(
        operation="ShowFunctionAsyncInvokeConfig",
        method="GET",
        template=_C,
        call=get_config,
        versions=VERSIONS,
        kind=ASYNC_CONFIG,
        address=_address,
        coverage=Coverage(sources=_SOURCES, choices=("none: 404 FSS.0404",)),
    ),
    Route(
        operation="DeleteFunctionAsyncInvokeConfig",
        method="DELETE",
        template=_C,
        call=delete_config,
        versions=VERSIONS,
        kind=ASYNC_CONFIG,
        address=_address,
        coverage=Coverage(sources=_SOURCES, choices=("none: 404 FSS.0404",)),
    ),
    Route(
        operation="ListFunctionAsyncInvokeConfig",
        method="GET",
        template=f"{_C}s",
        call=list_configs,
        versions=VERSIONS,
        coverage=Coverage(sources=_SOURCES),
    ),
)
