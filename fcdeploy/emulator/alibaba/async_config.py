"""Async invoke configs: retries and destinations of asynchronous calls, by function and qualifier (facts 9.9)."""

from fcdeploy.emulator.alibaba.common import ASYNC_CONFIG, FUNCTION, LATEST, changed_row, new_row
from fcdeploy.emulator.alibaba.errors import ASYNC_CONFIG_NOT_FOUND, FUNCTION_NOT_FOUND, INVALID_DESTINATION
from fcdeploy.emulator.alibaba.fields import Flag, Struct, Text, Whole, read_body
from fcdeploy.emulator.alibaba.function import function_in_view
from fcdeploy.emulator.alibaba.paging import Page, from_token, limit_of, list_page
from fcdeploy.emulator.alibaba.qualifiers import live_service, service_reference
from fcdeploy.emulator.alibaba.versions import BOTH
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.routes import Coverage, Route
from fcdeploy.emulator.store import Row, Session

_FORMS = (
    r"acs:mns:[^:]*:[^:]*:/(queues|topics)/[^/]+/messages"
    r"|acs:fc:[^:]*:[^:]*:services/[^/]+/functions/[^/]+"
    r"|acs:eventbridge:[^:]*:[^:]*:.+"
)


class _Arn:
    """The ARN of a queue, a topic, a function or an event bus; whether it exists is not asked (facts 9.9)."""

    def read(self, value: object, label: str) -> str:
        """Return the ARN, or "": an empty one has an error of its own."""
        return "" if value == "" else Text(pattern=_FORMS).read(value, label)


def _check_not_empty(body: Json, label: str) -> None:
    if not body.get("destination"):
        raise INVALID_DESTINATION("destination can't be empty")


_DESTINATION = Struct({"destination": _Arn()}, check=_check_not_empty)
_FIELDS = Struct(
    {
        "destinationConfig": Struct({"onSuccess": _DESTINATION, "onFailure": _DESTINATION}),
        "maxAsyncEventAgeInSeconds": Whole(least=1, most=2_592_000),
        "maxAsyncRetryAttempts": Whole(least=0, most=8),
        "statefulInvocation": Flag(),
    }
)
_UNSET: Json = {
    "destinationConfig": {"onSuccess": None, "onFailure": None},
    "maxAsyncEventAgeInSeconds": None,
    "maxAsyncRetryAttempts": 3,  # facts 9.9: the API's default; Terraform sends its own
    "statefulInvocation": False,
}


def _shown(row: Row) -> Json:
    service, _, function = row.parent.partition("/")
    return {"service": service, "function": function, "qualifier": row.name, **row.body}


def _reference(request: Request) -> tuple[str, str, str]:
    service, qualifier = service_reference(request)
    return service, qualifier or LATEST, request.params[1]


def put_async_config(request: Request) -> Reply:
    """PUT .../async-invoke-config: creates, or merges what is given into what is there, destination by destination.

    So one destination cannot be taken away by a PUT, only by a DELETE and another PUT: tools of the vendor do that.
    """
    service, qualifier, function = _reference(request)
    given = read_body(request.body, _FIELDS)
    parent = f"{service}/{function}"
    with request.world.write(request.tenant) as session:
        function_in_view(session, service, qualifier, function)
        row = session.get(ASYNC_CONFIG, parent, qualifier)
        body = dict(_UNSET if row is None else row.body)
        before, now = body["destinationConfig"], given.pop("destinationConfig", {})
        assert isinstance(before, dict) and isinstance(now, dict)
        body |= {**given, "destinationConfig": {**before, **now}}
        if row is None:
            row = new_row(request, ASYNC_CONFIG, parent, qualifier, body)
        else:
            row = changed_row(request, row, body)
        session.put(row)
    return Reply(body=_shown(row))


def _stored(session: Session, service: str, qualifier: str, function: str) -> Row:
    """Return a config, whatever became of its function or alias; when there is none, say the first thing missing."""
    live_service(session, service)
    row = session.get(ASYNC_CONFIG, f"{service}/{function}", qualifier)
    if row is None:
        function_in_view(session, service, qualifier, function)
        raise ASYNC_CONFIG_NOT_FOUND(function, qualifier)
    return row


def get_async_config(request: Request) -> Reply:
    """GET .../async-invoke-config."""
    with request.world.read(request.tenant) as session:
        return Reply(body=_shown(_stored(session, *_reference(request))))


def delete_async_config(request: Request) -> Reply:
    """DELETE .../async-invoke-config."""
    with request.world.write(request.tenant) as session:
        row = _stored(session, *_reference(request))
        session.delete(ASYNC_CONFIG, row.parent, row.name)
    return NO_CONTENT


def list_async_configs(request: Request) -> Reply:
    """GET .../async-invoke-configs: all qualifiers; null instead of an empty list, "" as the last token (facts 7.1)."""
    service, function = service_reference(request)[0], request.params[1]  # a qualifier says nothing here
    page = Page(limit_of(request), "", request.one("nextToken") or "")
    parent = f"{service}/{function}"
    with request.world.read(request.tenant) as session:
        live_service(session, service)
        rows, token = list_page(session, ASYNC_CONFIG, parent, page)
        if not session.count(ASYNC_CONFIG, parent) and session.get(FUNCTION, service, function) is None:
            raise FUNCTION_NOT_FOUND(function, service)
    following = "" if token is None else from_token(token)
    return Reply(body={"configs": [_shown(row) for row in rows] or None, "nextToken": following})


def _address(request: Request) -> tuple[str, str]:
    service, qualifier, function = _reference(request)
    return f"{service}/{function}", qualifier


_SOURCES = ("facts 1.25, 7.1, 7.2, 9.9", "API reference 2016-08-15, async invoke configs")

ROUTES = (
    Route(
        operation="PutFunctionAsyncInvokeConfig",
        method="PUT",
        template="/services/{}/functions/{}/async-invoke-config",
        call=put_async_config,
        versions=BOTH,
        kind=ASYNC_CONFIG,
        address=_address,
        coverage=Coverage(
            sources=_SOURCES,
            choices=(
                "a destination that is not given stays, also inside destinationConfig: only DELETE takes it away",
                "the qualifier must exist and have the function; no qualifier means LATEST",
                "an empty destination: 400 InvalidDestinationResources, as in FC 3.0",
                "maxAsyncRetryAttempts is 3 when unset (facts 9.9), maxAsyncEventAgeInSeconds null",
                "deleting function or alias leaves the config, which then holds for one of the same name (facts 10)",
            ),
        ),
    ),
    Route(
        operation="GetFunctionAsyncInvokeConfig",
        method="GET",
        template="/services/{}/functions/{}/async-invoke-config",
        call=get_async_config,
        versions=BOTH,
        kind=ASYNC_CONFIG,
        address=_address,
        coverage=Coverage(sources=_SOURCES),
    ),
    Route(
        operation="DeleteFunctionAsyncInvokeConfig",
        method="DELETE",
        template="/services/{}/functions/{}/async-invoke-config",
        call=delete_async_config,
        versions=BOTH,
        kind=ASYNC_CONFIG,
        address=_address,
        coverage=Coverage(sources=_SOURCES, choices=("one that is not there: 404 AsyncConfigNotExists",)),
    ),
    Route(
        operation="ListFunctionAsyncInvokeConfigs",
        method="GET",
        template="/services/{}/functions/{}/async-invoke-configs",
        call=list_async_configs,
        versions=BOTH,
        coverage=Coverage(sources=_SOURCES, choices=("nextToken is the next qualifier (facts 7.1)",)),
    ),
)
