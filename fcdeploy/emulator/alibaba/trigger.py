"""Triggers (facts 9.3)."""

import hashlib
import json

from fcdeploy.emulator.alibaba.common import LATEST, TRIGGER, changed_row, check_if_match, check_role, new_row
from fcdeploy.emulator.alibaba.errors import (
    TRIGGER_EXISTS,
    TRIGGER_NOT_FOUND,
    invalid_argument,
    wrong_format,
    wrong_value,
)
from fcdeploy.emulator.alibaba.fields import Anything, Struct, Text, checked_name, read_body
from fcdeploy.emulator.alibaba.function import live_function
from fcdeploy.emulator.alibaba.paging import list_page, page_of, with_token
from fcdeploy.emulator.alibaba.qualifiers import check_qualifier, service_to_write
from fcdeploy.emulator.alibaba.trigger_fields import EVENTBRIDGE_HEADER, TYPES, check_config, merged_config
from fcdeploy.emulator.alibaba.versions import BOTH, V2016
from fcdeploy.emulator.exchange import NO_CONTENT, Json, Reply, Request
from fcdeploy.emulator.json_body import BadBody, parse_object
from fcdeploy.emulator.routes import Coverage, Extent, Route
from fcdeploy.emulator.rows import new_id, public
from fcdeploy.emulator.store import Row, Session

NAME_LONGEST = 128

_FIELDS = Struct(
    {
        "triggerName": Text(),
        "triggerType": Text(allowed=tuple(TYPES)),
        "triggerConfig": Anything(),
        "sourceArn": Text(),
        "invocationRole": Text(pattern=r"|acs:ram::[^:]*:role/.+"),
        "qualifier": Text(),
        "description": Text(),
    }
)


def _read_config(request: Request, kind: str, value: object) -> Json:
    """Return the canonical triggerConfig: a JSON object in 2016, a string with one in 2021 (facts 1.19)."""
    if request.version != V2016:
        if not isinstance(value, str):
            raise wrong_value("TriggerConfig", ("a JSON string",), value)
        try:
            value = parse_object(value.encode())
        except BadBody:
            raise invalid_argument("TriggerConfig is not a valid JSON object") from None
    elif not isinstance(value, dict):
        raise wrong_value("TriggerConfig", ("object",), value)
    return TYPES[kind].config.read(value, "TriggerConfig")


def _check_eventbridge(request: Request, kind: object) -> None:
    """EventBridge triggers exist for a 2016 call only with their header (facts 1.20)."""
    if kind == "eventbridge" and not _sees_eventbridge(request):
        raise invalid_argument("Trigger type 'eventbridge' is not supported without the header " + EVENTBRIDGE_HEADER)


def _sees_eventbridge(request: Request) -> bool:
    return request.version != V2016 or request.headers.get(EVENTBRIDGE_HEADER) == "enable"


def _source_arn(request: Request, kind: str, given: object, parent: str, name: str) -> str | None:
    """Return the sourceArn to store: checked, null for http whatever was sent, made here for eventbridge."""
    pattern = TYPES[kind].source
    if kind == "eventbridge":
        tenant = request.tenant
        rule = f"{parent.replace('/', '-')}-{name}"
        return f"acs:eventbridge:{tenant.region}:{tenant.account}:eventbus/default/rule/{rule}"
    if not pattern:
        return None
    if not isinstance(given, str) or not given:
        raise invalid_argument("SourceArn is required but not provided")
    return Text(pattern=pattern).read(given, "SourceArn")


def _check_http_alone(session: Session, parent: str, kind: str, qualifier: object, *, but: str = "") -> None:
    """Refuse a second trigger beside an HTTP one on the same qualifier (facts 9.3: only one, no other types)."""
    for other in session.children(TRIGGER, parent):
        if other.name == but or (other.body["qualifier"] or LATEST) != (qualifier or LATEST):
            continue
        if kind == "http" or other.body["triggerType"] == "http":
            raise invalid_argument(
                f"an http trigger cannot be used together with another trigger of the same qualifier ('{other.name}')"
            )


def _host(request: Request, parent: str, name: str) -> str:
    service, _, function = parent.partition("/")
    mark = hashlib.blake2b(f"{request.tenant.account}/{parent}/{name}".encode(), digest_size=5).hexdigest()
    label = f"{function}-{service}"[:50].lower().replace("_", "-").strip("-")
    return f"{label}-{mark}.{request.tenant.region}.fcapp.run"


def _shown(request: Request, row: Row) -> Json:
    """Return a trigger as the version of the call shows it; addresses and targetArn are fields of 2021."""
    body = public(row.body)
    if request.version == V2016:
        return body
    tenant = request.tenant
    service, _, function = row.parent.partition("/")
    qualifier = body["qualifier"] or LATEST
    body["targetArn"] = f"acs:fc:{tenant.region}:{tenant.account}:services/{service}.{qualifier}/functions/{function}"
    if body["triggerType"] == "http":
        host = _host(request, row.parent, row.name)
        config = row.body["triggerConfig"]
        internet = not (isinstance(config, dict) and config.get("disableURLInternet"))
        body["domainName"] = host
        body["urlInternet"] = f"https://{host}" if internet else None
        body["urlIntranet"] = f"https://{host.replace('.fcapp.run', '-vpc.fcapp.run')}"
    body["triggerConfig"] = json.dumps(body["triggerConfig"], separators=(",", ":"), ensure_ascii=False)
    return body


def _live_trigger(request: Request, session: Session, service: str) -> Row:
    function, name = request.params[1], request.params[2]
    live_function(session, service, function)
    row = session.get(TRIGGER, f"{service}/{function}", name)
    if row is None:
        raise TRIGGER_NOT_FOUND(name, function)
    _check_eventbridge(request, row.body["triggerType"])
    return row


def create_trigger(request: Request) -> Reply:
    """POST /services/{S}/functions/{F}/triggers."""
    service, function = service_to_write(request), request.params[1]
    given = read_body(request.body, _FIELDS)
    name = checked_name(given.get("triggerName"), "TriggerName", NAME_LONGEST)
    kind = given.get("triggerType")
    if not isinstance(kind, str):
        raise invalid_argument("TriggerType is required but not provided")
    _check_eventbridge(request, kind)
    config: Json = {}
    if "triggerConfig" in given:
        config = _read_config(request, kind, given["triggerConfig"])
    elif TYPES[kind].config_required:
        raise invalid_argument("TriggerConfig is required but not provided")
    check_config(kind, config)
    role = given.get("invocationRole")
    if TYPES[kind].role and not role:
        raise invalid_argument("InvocationRole is required but not provided")
    check_role(request, role)
    parent = f"{service}/{function}"
    body: Json = {
        "triggerName": name,
        "triggerId": new_id(),
        "triggerType": kind,
        "triggerConfig": config,
        "sourceArn": _source_arn(request, kind, given.get("sourceArn"), parent, name),
        "invocationRole": role if role is not None else "",
        "qualifier": given.get("qualifier") or None,  # null when unset (facts 15)
        "description": given.get("description", ""),
    }
    with request.world.write(request.tenant) as session:
        live_function(session, service, function)
        _check_known_qualifier(session, service, body["qualifier"])
        if session.get(TRIGGER, parent, name) is not None:
            raise TRIGGER_EXISTS(name, function)
        _check_http_alone(session, parent, kind, body["qualifier"])
        row = new_row(request, TRIGGER, parent, name, body)
        session.put(row)
    return Reply(body=_shown(request, row), etag=row.etag)


def _check_known_qualifier(session: Session, service: str, qualifier: object) -> None:
    if isinstance(qualifier, str):
        if qualifier != LATEST and not qualifier.replace("-", "_").isidentifier() and not qualifier.isdigit():
            raise wrong_format("Qualifier", "^(LATEST|[0-9]+|[_a-zA-Z][-_a-zA-Z0-9]*)$", qualifier)
        check_qualifier(session, service, qualifier)


def get_trigger(request: Request) -> Reply:
    """GET .../triggers/{T}."""
    with request.world.read(request.tenant) as session:
        row = _live_trigger(request, session, service_to_write(request))
    return Reply(body=_shown(request, row), etag=row.etag)


def update_trigger(request: Request) -> Reply:
    """PUT .../triggers/{T}: merges triggerConfig key by key; name, type and source do not change (facts 7.3)."""
    service = service_to_write(request)
    given = read_body(request.body, _FIELDS)
    with request.world.write(request.tenant) as session:
        row = _live_trigger(request, session, service)
        check_if_match(request, row)
        kind, live = row.body["triggerType"], row.body["triggerConfig"]
        assert isinstance(kind, str) and isinstance(live, dict)
        body = dict(row.body)
        if "triggerConfig" in given:
            body["triggerConfig"] = merged_config(kind, live, _read_config(request, kind, given["triggerConfig"]))
        for name in ("invocationRole", "description"):
            if name in given:
                body[name] = given[name]
        if TYPES[kind].role and not body["invocationRole"]:
            raise invalid_argument("InvocationRole is required but not provided")
        if given.get("qualifier"):
            _check_known_qualifier(session, service, given["qualifier"])
            body["qualifier"] = given["qualifier"]
            _check_http_alone(session, row.parent, kind, body["qualifier"], but=row.name)
        check_role(request, body["invocationRole"])
        row = changed_row(request, row, body)
        session.put(row)
    return Reply(body=_shown(request, row), etag=row.etag)


def delete_trigger(request: Request) -> Reply:
    """DELETE .../triggers/{T}."""
    service = service_to_write(request)
    with request.world.write(request.tenant) as session:
        row = _live_trigger(request, session, service)
        check_if_match(request, row)
        session.delete(TRIGGER, row.parent, row.name)
        request.world.mention("trigger", request.tenant.account, request.tenant.region, row.parent)
    return NO_CONTENT


def list_triggers(request: Request) -> Reply:
    """GET .../triggers; without its header a 2016 call does not see EventBridge triggers (facts 1.20)."""
    service, function = service_to_write(request), request.params[1]
    page = page_of(request)
    with request.world.read(request.tenant) as session:
        live_function(session, service, function)
        everything = _sees_eventbridge(request)
        rows, token = list_page(
            session,
            TRIGGER,
            f"{service}/{function}",
            page,
            None if everything else lambda row: row.body["triggerType"] != "eventbridge",
        )
    return Reply(body=with_token({"triggers": [_shown(request, row) for row in rows]}, token))


_SOURCES = ("facts 1.19, 1.20, 6.2, 7.2, 9.3", "API reference 2016-08-15, triggers")
_NOT_FIRED = "a trigger is stored and checked, but no event source calls a function"

ROUTES = (
    Route(
        operation="CreateTrigger",
        method="POST",
        template="/services/{}/functions/{}/triggers",
        call=create_trigger,
        versions=BOTH,
        kind=TRIGGER,
        coverage=Coverage(
            extent=Extent.PARTIAL,
            missing=_NOT_FIRED,
            sources=_SOURCES,
            choices=(
                "an http trigger stands alone on its qualifier: InvalidArgument",
                "sourceArn is checked for form, not for existence",
                "a qualifier must exist",
            ),
        ),
    ),
    Route(
        operation="GetTrigger",
        method="GET",
        template="/services/{}/functions/{}/triggers/{}",
        call=get_trigger,
        versions=BOTH,
        kind=TRIGGER,
        coverage=Coverage(
            sources=_SOURCES,
            choices=("2016 without the eventbridge header: InvalidArgument for an eventbridge trigger",),
        ),
    ),
    Route(
        operation="UpdateTrigger",
        method="PUT",
        template="/services/{}/functions/{}/triggers/{}",
        call=update_trigger,
        versions=BOTH,
        kind=TRIGGER,
        coverage=Coverage(sources=_SOURCES, choices=("the configuration of mns_topic cannot be changed (facts 7.3)",)),
    ),
    Route(
        operation="DeleteTrigger",
        method="DELETE",
        template="/services/{}/functions/{}/triggers/{}",
        call=delete_trigger,
        versions=BOTH,
        kind=TRIGGER,
        coverage=Coverage(sources=_SOURCES),
    ),
    Route(
        operation="ListTriggers",
        method="GET",
        template="/services/{}/functions/{}/triggers",
        call=list_triggers,
        versions=BOTH,
        coverage=Coverage(
            sources=("facts 7.1, 9.3",), choices=("2016 without the eventbridge header: those triggers are left out",)
        ),
    ),
)
