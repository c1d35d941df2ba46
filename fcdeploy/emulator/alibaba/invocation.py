"""Calls of functions. The emulator checks such a call like the service does, and then says that it runs no code.

What would record a call (stateful invocations, instances) is therefore always empty; nothing is made up.
"""

import re

from fcdeploy.emulator.alibaba.common import ASYNC_CONFIG
from fcdeploy.emulator.alibaba.errors import ENTITY_TOO_LARGE, NOT_RUN, STATEFUL_NOT_FOUND, wrong_format, wrong_value
from fcdeploy.emulator.alibaba.fields import Text
from fcdeploy.emulator.alibaba.function import function_in_view
from fcdeploy.emulator.alibaba.paging import from_token, limit_of, to_token, with_token
from fcdeploy.emulator.alibaba.qualifiers import service_reference
from fcdeploy.emulator.alibaba.versions import BOTH, V2021
from fcdeploy.emulator.exchange import Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Extent, Route

SYNC_MOST, ASYNC_MOST = 33_554_432, 131_072  # bytes of payload, facts 13
_ID_PATTERN = "^[_a-zA-Z][-_a-zA-Z0-9]{0,127}$"
_ID = re.compile(_ID_PATTERN[1:-1])
_BOOLEANS = ("true", "false", "True", "False", "TRUE", "FALSE", "1", "0", "t", "f", "T", "F")  # as Go reads them
_STATUSES = (*("Enqueued", "Dequeued", "Running", "Succeeded", "Failed", "Stopped", "Stopping", "Invalid", "Expired"),)
INSTANCES_MOST = 1000


def _check_function(request: Request) -> tuple[str, str]:
    """Return service and function of the path; refuses what does not exist behind its qualifier."""
    service, qualifier = service_reference(request)
    function = request.params[1]
    with request.world.read(request.tenant) as session:
        function_in_view(session, service, qualifier, function)
    return service, function


def invoke_function(request: Request) -> Reply:
    """POST .../invocations: headers, size and existence are checked, then 501."""
    headers = request.headers
    kind = Text(allowed=("Sync", "Async")).read(headers.get("x-fc-invocation-type") or "Sync", "InvocationType")
    logs = ("Tail", "None") if kind == "Sync" else ("None",)  # facts 6.3: texts of both refusals
    Text(allowed=logs).read(headers.get("x-fc-log-type") or "None", "LogType")
    chosen = headers.get("x-fc-stateful-async-invocation-id")
    if chosen and _ID.fullmatch(chosen) is None:
        raise wrong_format("StatefulAsyncInvocationId", _ID_PATTERN, chosen)
    most = SYNC_MOST if kind == "Sync" else ASYNC_MOST
    if len(request.body) > most:
        raise ENTITY_TOO_LARGE(most)
    service, function = _check_function(request)
    raise NOT_RUN(function, service)


def _check_whole(request: Request, name: str) -> None:
    text = request.one(name)
    if text is not None and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise wrong_value(f"{name[0].upper()}{name[1:]}", ("milliseconds",), text)


def _check_word(request: Request, name: str, allowed: tuple[str, ...]) -> None:
    text = request.one(name)
    if text is not None and text not in allowed:
        raise wrong_value(f"{name[0].upper()}{name[1:]}", allowed, text)


def list_stateful_invocations(request: Request) -> Reply:
    """GET .../stateful-async-invocations: the query is checked; there is never one to list (null, facts 7.1)."""
    limit_of(request, default=50)
    _check_word(request, "sortOrderByTime", ("asc", "desc"))
    _check_word(request, "includePayload", _BOOLEANS)
    _check_word(request, "status", _STATUSES)
    _check_whole(request, "startedTimeBegin")
    _check_whole(request, "startedTimeEnd")
    _check_function(request)
    return Reply(body={"invocations": None})


def find_stateful_invocation(request: Request) -> Reply:
    """GET and PUT (stop) of one stateful invocation: none was ever started."""
    _, function = _check_function(request)
    raise STATEFUL_NOT_FOUND(request.params[2], function)


def list_stateful_functions(request: Request) -> Reply:
    """GET /stateful-async-invocation-functions: what has a config with statefulInvocation switched on."""
    limit = limit_of(request)
    token = request.one("nextToken")
    start = "" if token is None else from_token(token)
    with request.world.read(request.tenant) as session:
        rows = [row for row in session.scan(ASYNC_CONFIG) if row.body["statefulInvocation"] is True]
    found: list[Json] = []
    for row in rows:
        name = f"{row.parent}#{row.name}"
        if name < start:
            continue
        if len(found) == limit:
            return Reply(body=with_token({"data": found}, to_token(name)))
        service, _, function = row.parent.partition("/")
        found.append({"serviceName": service, "functionName": function, "qualifier": row.name})
    return Reply(body={"data": found})


def list_instances(request: Request) -> Reply:
    """GET .../instances: an object with a list (facts 1.24), and the list is empty."""
    limit_of(request, default=INSTANCES_MOST, least=0, most=INSTANCES_MOST)
    _check_function(request)
    return Reply(body={"instances": []})


_NOT_RUN = "code is not run: a call that would be accepted is answered with 501 NotImplemented"
_NOTHING_RAN = "code is not run, so there is never an invocation"
_STATEFUL = ("facts 7.1, 9.14", "API reference 2016-08-15, stateful async invocations")

ROUTES = (
    Route(
        operation="InvokeFunction",
        method="POST",
        template="/services/{}/functions/{}/invocations",
        call=invoke_function,
        versions=BOTH,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing=_NOT_RUN,
            sources=("facts 1.26, 3.1, 6.3, 13",),
            choices=("a payload over 32 MB, or 128 KB for Async: 400 EntityTooLarge",),
        ),
    ),
    Route(
        operation="ListStatefulAsyncInvocations",
        method="GET",
        template="/services/{}/functions/{}/stateful-async-invocations",
        call=list_stateful_invocations,
        versions=BOTH,
        coverage=Coverage(extent=Extent.PARTIAL, missing=_NOTHING_RAN, sources=_STATEFUL),
    ),
    Route(
        operation="GetStatefulAsyncInvocation",
        method="GET",
        template="/services/{}/functions/{}/stateful-async-invocations/{}",
        call=find_stateful_invocation,
        versions=BOTH,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing=_NOTHING_RAN,
            sources=_STATEFUL,
            choices=("404 StatefulAsyncInvocationNotFound, the code that public clients expect",),
        ),
    ),
    Route(
        operation="StopStatefulAsyncInvocation",
        method="PUT",
        template="/services/{}/functions/{}/stateful-async-invocations/{}",
        call=find_stateful_invocation,
        versions=BOTH,
        coverage=Coverage(extent=Extent.PARTIAL, missing=_NOTHING_RAN, sources=_STATEFUL),
    ),
    Route(
        operation="ListStatefulAsyncInvocationFunctions",
        method="GET",
        template="/stateful-async-invocation-functions",
        call=list_stateful_functions,
        versions=(V2021,),
        coverage=Coverage(
            sources=("facts 8.1, 9.9", "API reference 2021-04-06, ListStatefulAsyncInvocationFunctions"),
            choices=("a function is listed for each qualifier whose config has statefulInvocation true",),
        ),
    ),
    Route(
        operation="ListInstances",
        method="GET",
        template="/services/{}/functions/{}/instances",
        call=list_instances,
        versions=BOTH,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing="code is not run, so there is never an instance, provisioned ones included",
            sources=("facts 1.24, 7.1, 9.14",),
        ),
    ),
)
